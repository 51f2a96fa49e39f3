//! The server under drill: one that runs somewhere, or one of our own in a child process.
//!
//! The embedded server is this same executable, started again with [`SERVE`] as its first argument. It listens on
//! a free loopback port, keeps its data in a temporary folder, and says on its standard output when it is ready.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use doorbuster_gateway::cli::Trust;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::exit::Failure;
use crate::net::Peer;
use crate::pin::Cores;
use crate::program::Program;

/// First argument that turns this executable into the server. Hidden: it is no part of the command line's promise.
pub const SERVE: &str = "__serve";

/// First argument that turns this executable into any other command of the server's program, likewise.
pub const COMMAND: &str = "__doorbuster";

/// Makes this process end when its parent does: a drill that is killed must leave no server behind.
pub fn end_with_parent() {
    // A system that can't do it leaves a server behind in that one case.
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM)).unwrap_or_default();
}

/// Longest time for the embedded server to get ready.
const READY: Duration = Duration::from_secs(30);

/// Longest time for the embedded server to drain after SIGTERM.
const DRAIN: Duration = Duration::from_secs(20);

/// Time between two looks whether it has ended: how much longer a swap of servers seems than it is.
const LOOK: Duration = Duration::from_millis(1);

/// Names of files beside the embedded server's data: its configuration, and what it says.
const CONFIG: &str = "server.toml";
const WORDS: &str = "server.log";

/// Lines of the server's own words that a failure repeats.
const LAST_WORDS: usize = 5;

/// What the embedded server says when it listens.
#[derive(Debug, serde::Deserialize)]
struct Ready {
    listen: SocketAddr,
    admin: SocketAddr,
    data: PathBuf,
}

/// A server to load.
#[derive(Debug)]
pub struct Target {
    peer: Peer,
    embedded: Option<Embedded>,
}

/// How a server of our own is started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// When an answer may leave: `always`, `interval` or `none`.
    pub durability: String,
    /// The configuration file's text.
    pub config: String,
    /// The core that it has to itself, if it has.
    pub cores: Cores,
    /// What it runs; this executable where it is none.
    pub program: Option<Program>,
}

#[derive(Debug)]
struct Embedded {
    setup: Setup,
    child: Child,
    admin: SocketAddr,
    data: PathBuf,
    /// Where its words go, its configuration and, unless it has another's, its data. Removed with everything in it when the
    /// target is dropped.
    folder: TempDir,
}

impl Target {
    /// Takes the server at `address`, spoken to as `trust` says, or starts one.
    ///
    /// # Errors
    /// If the address means nothing, a file that `trust` names is of no use, or the embedded server doesn't get ready.
    pub fn reach(address: Option<&str>, trust: &Trust, setup: Setup) -> Result<Self, Failure> {
        let Some(text) = address else { return Self::start(setup) };
        let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
        let at = found.ok_or_else(|| {
            Failure::usage(format!("--target {text}: not a HOST:PORT that resolves; try 127.0.0.1:7700"))
        })?;
        let tls = trust.tls().map_err(Failure::usage)?;
        let key = trust.key().map_err(Failure::usage)?;
        Ok(Self { peer: Peer::new(text, at, tls, key), embedded: None })
    }

    /// Starts a server, which encrypts nothing and has no keys.
    ///
    /// # Errors
    /// If it doesn't get ready.
    pub fn start(setup: Setup) -> Result<Self, Failure> {
        Self::embed(setup, None)
    }

    /// Starts a server on a data folder that is there.
    ///
    /// # Errors
    /// If it doesn't get ready.
    pub fn on_data(setup: Setup, data: &Path) -> Result<Self, Failure> {
        Self::embed(setup, Some(data))
    }

    fn embed(setup: Setup, data: Option<&Path>) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::could_not("start the embedded server", error);
        let folder =
            tempfile::Builder::new().prefix("doorbuster-drill-").tempdir().map_err(|e| failed(&e))?;
        let data = data.map_or_else(|| folder.path().join("data"), Path::to_owned);
        std::fs::write(folder.path().join(CONFIG), &setup.config).map_err(|e| failed(&e))?;
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, ready) = spawn(&setup, folder.path(), &data, anywhere, anywhere)?;
        let (peer, admin) = (ready.listen.into(), ready.admin);
        Ok(Self { peer, embedded: Some(Embedded { setup, child, admin, data: ready.data, folder }) })
    }

    /// How the embedded server was started; none of another.
    pub fn setup(&self) -> Option<&Setup> {
        self.embedded.as_ref().map(|embedded| &embedded.setup)
    }

    /// Kills the embedded server (SIGKILL), as a loss of power would end it but for what the disk already has.
    pub fn kill(&mut self) {
        if let Some(embedded) = &mut self.embedded {
            // It may have ended already; then neither call has anything to do.
            drop(embedded.child.kill());
            drop(embedded.child.wait());
        }
    }

    /// Starts the embedded server again, on its data and its addresses.
    ///
    /// # Errors
    /// If it doesn't get ready.
    pub fn restart(&mut self) -> Result<(), Failure> {
        let Some(embedded) = &mut self.embedded else { return Ok(()) };
        let Embedded { setup, child, admin, data, folder } = embedded;
        *child = spawn(setup, folder.path(), data, self.peer.at(), *admin)?.0;
        Ok(())
    }

    /// What the embedded server runs.
    ///
    /// # Errors
    /// If the system doesn't say where this executable is.
    pub fn program(&self) -> Result<Program, Failure> {
        let named = self.setup().and_then(|setup| setup.program.clone());
        named.map_or_else(Program::own, Ok)
    }

    /// From the next start on the embedded server runs this.
    pub fn change_program(&mut self, program: Program) {
        if let Some(embedded) = &mut self.embedded {
            embedded.setup.program = Some(program);
        }
    }

    /// Stops the embedded server's process, or lets it go on.
    pub fn pause(&self, paused: bool) {
        if let Some(embedded) = &self.embedded {
            signal(&embedded.child, if paused { Signal::STOP } else { Signal::CONT });
        }
    }

    /// Where it listens, and how it is spoken to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The process, if it is ours.
    pub fn server_pid(&self) -> Option<u32> {
        self.embedded.as_ref().map(|embedded| embedded.child.id())
    }

    /// Where its metrics are, if it is ours.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.embedded.as_ref().map(|embedded| embedded.admin)
    }

    /// The data folder, if it is ours.
    pub fn data(&self) -> Option<&Path> {
        self.embedded.as_ref().map(|embedded| embedded.data.as_path())
    }

    /// Whether the server is ours.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// One phrase for reports.
    pub fn describe(&self) -> String {
        match &self.embedded {
            Some(_) => format!("an embedded server on {}", self.peer),
            None if self.peer.is_encrypted() => format!("the server at {}, encrypted", self.peer),
            None => format!("the server at {}", self.peer),
        }
    }

    /// What the embedded server said last, for a failure's line; empty for others.
    pub fn last_words(&self) -> String {
        self.embedded.as_ref().map_or_else(String::new, |embedded| last_words(embedded.folder.path()))
    }

    /// Ends the embedded server as an operator would, with SIGTERM, and waits for it. The data folder stays until
    /// the target is dropped. A remote target is left alone.
    ///
    /// # Errors
    /// If it doesn't end in time, or doesn't end with 0.
    pub fn stop(&mut self) -> Result<(), Failure> {
        let Some(embedded) = &mut self.embedded else { return Ok(()) };
        let failed = |error: &dyn std::fmt::Display| Failure::could_not("stop the embedded server", error);
        signal(&embedded.child, Signal::TERM);
        let until = Instant::now() + DRAIN;
        loop {
            match embedded.child.try_wait().map_err(|e| failed(&e))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    let words = last_words(embedded.folder.path());
                    return Err(failed(&format!("it ended with {status}{words}")));
                }
                None if Instant::now() >= until => {
                    return Err(failed(&format!("it didn't drain within {} s", DRAIN.as_secs())));
                }
                None => std::thread::sleep(LOOK),
            }
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // It may have ended already; then neither call has anything to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // If it is gone already, waiting for it says how it ended.
        kill_process(pid, signal).unwrap_or_default();
    }
}

/// Starts the server's process and waits until it is ready.
fn spawn(
    setup: &Setup,
    folder: &Path,
    data: &Path,
    listen: SocketAddr,
    admin: SocketAddr,
) -> Result<(Child, Ready), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("start the embedded server", error);
    let words = File::options().create(true).append(true).open(folder.join(WORDS)).map_err(|e| failed(&e))?;
    let program = setup.program.clone().map_or_else(Program::own, Ok)?;
    let mut command = program.serve()?;
    command
        .args(["--ready-line", "--throwaway", "--durability", &setup.durability])
        .args(["--listen", &listen.to_string(), "--admin", &admin.to_string(), "--data"])
        .arg(data)
        .arg("--config")
        .arg(folder.join(CONFIG))
        // Ctrl-C is for the drill, which then ends the server in order.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(words);
    let mut child = setup.cores.apart(|| command.spawn()).map_err(|e| failed(&e))?;
    match await_ready(&mut child) {
        Ok(ready) => Ok((child, ready)),
        Err(reason) => {
            // It may be gone already; then there is nothing to end.
            drop(child.kill());
            drop(child.wait());
            Err(failed(&format!("{reason}{}", last_words(folder))))
        }
    }
}

/// Waits for the ready line on a thread, so that a server that says nothing can be given up.
fn await_ready(child: &mut Child) -> Result<Ready, String> {
    let stdout = child.stdout.take().ok_or("its standard output is not connected")?;
    let (found, line) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        let read = reader.read_line(&mut line);
        // Nobody listens any more if the wait was given up.
        drop(found.send(read.map(|_| line)));
        // The server may say more; an unread pipe would block it.
        drop(std::io::copy(&mut reader, &mut std::io::sink()));
    });
    let line = line
        .recv_timeout(READY)
        .map_err(|_| format!("it wasn't ready within {} s", READY.as_secs()))?
        .map_err(|error| error.to_string())?;
    if line.is_empty() {
        let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        return Err(format!("it ended before it was ready ({status})"));
    }
    serde_json::from_str(&line)
        .map_err(|error| format!("its ready line is malformed ({error}): {}", line.trim()))
}

fn last_words(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join(WORDS)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let words = lines.get(lines.len().saturating_sub(LAST_WORDS)..).unwrap_or_default().join("\n  ");
    if words.is_empty() { String::new() } else { format!("; it said:\n  {words}") }
}
