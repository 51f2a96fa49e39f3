//! The real binary: what it prints, what it exits with, and that what is wrong is said in one line.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

mod after;
mod archive;
mod audit;
mod breaker;
mod budget;
mod campaign;
mod config;
mod data;
mod dev;
mod explain;
mod feed;
mod keys;
mod operators;
mod order;
mod plan;
mod reload;
mod serve;
mod shoppers;
mod stock;
mod tls;
mod usage;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Longest wait for a line that must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Variables that would change what the binary does.
const VARIABLES: [&str; 14] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "DOORBUSTER_SERVER",
    "DOORBUSTER_CONFIG",
    "DOORBUSTER_ADMIN",
    "DOORBUSTER_LOG",
    "DOORBUSTER_SHOPPER_KEY",
    "DOORBUSTER_KEY",
    "DOORBUSTER_KEY_FILE",
    "DOORBUSTER_TLS_CA",
    "DOORBUSTER_TLS_NAME",
    "DOORBUSTER_TLS_CERTIFICATE",
    "DOORBUSTER_TLS_KEY",
];

const FREE_PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];

/// The project's own folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Behind a command, a page shows what it prints.
fn page(name: &str, command: &str, printed: &str) {
    let page = root().join(name);
    let text = std::fs::read_to_string(&page).unwrap();
    let fence = "```text\n";
    let (before, behind) = text.split_once(command).unwrap_or_else(|| panic!("{name} has no `{command}`"));
    let (between, behind) = behind.split_once(fence).expect("its output follows");
    let (_, behind) = behind.split_once("```\n").expect("the block ends");
    let found = format!("{before}{command}{between}{fence}{printed}```\n{behind}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page, found).unwrap();
        return;
    }
    assert_eq!(found, text, "UPDATE_DOCS=1 writes what is printed into {name}");
}

fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorbuster"));
    command.current_dir(folder).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Exit code, standard output and standard error of a command that ends by itself.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = binary(folder).args(arguments).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().expect("no signal ended it"), text(output.stdout), text(output.stderr))
}

/// The command fails with this code and one line that holds all of these.
fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let (found, said, complained) = run(folder, arguments);
    assert_eq!((found, said.as_str()), (code, ""), "{arguments:?}: {complained}");
    assert_eq!(complained.lines().count(), 1, "{complained}");
    assert!(complained.starts_with("doorbuster: "), "{complained}");
    for part in parts {
        assert!(complained.contains(part), "{part:?} is not in {complained}");
    }
}

/// A server that is killed when its test ends early.
struct Serving {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
    ready: serde_json::Value,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::with(folder, arguments, Stdio::null())
    }

    /// A server whose standard error is read.
    fn telling(folder: &Path, arguments: &[&str]) -> (Self, Told) {
        let mut server = Self::with(folder, arguments, Stdio::piped());
        let error = server.process.stderr.take().expect("it is piped");
        (server, Told::by(error))
    }

    fn with(folder: &Path, arguments: &[&str], error: Stdio) -> Self {
        Self::spawn(folder, &FREE_PORTS, arguments, error)
    }

    /// A server on these ports.
    fn start_on(folder: &Path, ports: &[&str], arguments: &[&str]) -> Self {
        Self::spawn(folder, ports, arguments, Stdio::null())
    }

    fn spawn(folder: &Path, ports: &[&str], arguments: &[&str], error: Stdio) -> Self {
        let mut process = binary(folder)
            .args(["serve", "--ready-line"])
            .args(ports)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(error)
            .spawn()
            .expect("the binary runs");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says when it is ready");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("the ready line is JSON");
        let address = ready["listen"].as_str().expect("it says where it listens").to_owned();
        Self { process, output, address, ready }
    }

    fn is_running(&mut self) -> bool {
        self.process.try_wait().expect("it can be asked").is_none()
    }

    /// Sends SIGTERM and gives the exit code.
    fn terminate(self) -> Option<i32> {
        terminate(&self.process);
        self.ended()
    }

    /// Waits for its end and gives the exit code.
    fn ended(mut self) -> Option<i32> {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("its output ends with it");
        self.process.wait().expect("it can be waited for").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Lines that a server says on standard error.
struct Told {
    lines: mpsc::Receiver<String>,
    /// Those that were waited past, for who looks into a failure.
    heard: Vec<String>,
}

impl Told {
    fn by(error: ChildStderr) -> Self {
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(error).lines() {
                // Read on where nobody listens any more: a server that can't say a line would not be itself.
                drop(sender.send(line.expect("what it says is text")));
            }
        });
        Self { lines, heard: Vec::new() }
    }

    /// Waits for a line with this in it.
    fn find(&mut self, part: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => self.heard.push(line),
                Err(why) => panic!("it never said {part:?} ({why}), but:\n{}", self.heard.join("\n")),
            }
        }
    }
}

/// Sends SIGHUP.
fn hang_up(server: &Serving) {
    signal(&server.process, "HUP");
}

fn terminate(process: &Child) {
    signal(process, "TERM");
}

fn signal(process: &Child, name: &str) {
    let kill = format!("kill -{name} {}", process.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("there is a shell").success());
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("there is room for temporary files");
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(future)
}
