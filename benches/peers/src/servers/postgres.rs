//! PostgreSQL, with a function for the rules, loaded by its own pgbench.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{PAUSE, Process, TRIES, folder};
use crate::error::PeerError;
use crate::speech::PLENTY;

/// The server's name.
pub(crate) const NAME: &str = "PostgreSQL";

const SCHEMA: &str = include_str!("../../scripts/reserve.sql");

const SCRIPT: &str = include_str!("../../scripts/reserve.pgbench");

const REMEDY: &str = "apt-get install postgresql postgresql-contrib";

/// Memory for pages, and log between checkpoints, as one would give it for this: nothing is read from disk, and no checkpoint falls
/// into a measurement.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "shared_buffers=1GB",
    "max_wal_size=16GB",
    "checkpoint_timeout=1h",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=300",
    "synchronous_commit=on",
    "autovacuum=off",
];

/// A server with its tables.
#[derive(Debug)]
pub(crate) struct Postgres {
    _process: Process,
    folder: PathBuf,
}

/// What pgbench saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Reservations a second.
    pub(crate) rate: f64,
    /// Microseconds, of one in ten.
    pub(crate) p50_us: u64,
    /// Likewise.
    pub(crate) p99_us: u64,
}

impl Postgres {
    /// Starts a server with so many SKUs.
    ///
    /// # Errors
    /// See [`PeerError`].
    pub(crate) fn start(skus: u64) -> Result<Self, PeerError> {
        let home = folder()?;
        let folder = home.path().to_owned();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder), "chown")?;
        }
        let data = folder.join("data");
        run(as_owner("initdb").args(["--auth=trust", "--username=postgres", "-D"]).arg(&data), "initdb")?;
        let mut command = as_owner("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(&folder);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { _process: Process::start(&mut command, home, REMEDY)?, folder };
        for _ in 0..TRIES {
            if server.sql("SELECT 1").is_ok() {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        server.sql(SCHEMA)?;
        server.sql(&format!("INSERT INTO stock SELECT sku, {PLENTY} FROM generate_series(1, {skus}) sku"))?;
        server.sql("CHECKPOINT")?;
        Ok(server)
    }

    fn sql(&self, sql: &str) -> Result<String, PeerError> {
        let mut command = Command::new("psql");
        command
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
            .arg(&self.folder)
            .args(["-c", sql]);
        run(&mut command, "psql")
    }

    /// Loads it with so many clients for so long.
    ///
    /// # Errors
    /// See [`PeerError`].
    pub(crate) fn load(&self, clients: usize, skus: u64, seconds: u64) -> Result<Seen, PeerError> {
        let script = self.folder.join("reserve.pgbench");
        std::fs::write(&script, SCRIPT).map_err(|error| PeerError::File { file: script.clone(), error })?;
        let times =
            tempfile::tempdir().map_err(|error| PeerError::File { file: std::env::temp_dir(), error })?;
        let mut command = Command::new("pgbench");
        command.args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "2",
            "-l",
            "--sampling-rate=0.1",
            "-U",
            "postgres",
            "-h",
        ]);
        command.arg(&self.folder).arg("-f").arg(&script).arg("--log-prefix").arg(times.path().join("times"));
        command.args(["-c", &clients.to_string(), "-T", &seconds.to_string(), "-D", &format!("skus={skus}")]);
        let said = run(command.arg("postgres"), "pgbench")?;
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        let rate = rate.ok_or(PeerError::Failed { program: "pgbench", said })?;
        let (p50_us, p99_us) = percentiles(times.path());
        Ok(Seen { rate, p50_us, p99_us })
    }
}

/// Median and 99th percentile of the times that pgbench wrote down: the third word of each line, microseconds.
fn percentiles(folder: &Path) -> (u64, u64) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let text: String = files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    let mut times: Vec<u64> = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok()).collect();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(0);
    (at(50), at(99))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// A program that refuses to be run by root, as its owner.
fn as_owner(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    // Where Debian keeps them.
    let found = (13..=19).rev().map(|version| format!("/usr/lib/postgresql/{version}/bin/{program}"));
    let program =
        found.into_iter().find(|path| Path::new(path).exists()).unwrap_or_else(|| program.to_owned());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", &program]);
    command
}

fn run(command: &mut Command, program: &'static str) -> Result<String, PeerError> {
    let output = command.output();
    let output =
        output.map_err(|error| PeerError::Program { program: program.to_owned(), error, remedy: REMEDY })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(PeerError::Failed { program, said: format!("{} {}", text(&output.stdout), text(&output.stderr)) })
}
