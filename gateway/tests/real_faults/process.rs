//! The real server as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The server's executable.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_doorbuster");

/// A server process that is killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

/// A server that ended before it was ready, or by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it said last, on standard error.
    pub(crate) last_line: String,
}

impl Server {
    /// Starts one on a data folder.
    pub(crate) fn start(data: &Path) -> Self {
        let mut command = Command::new(BINARY);
        command.args(arguments()).arg(data);
        let (process, line) = spawn(command);
        Self::ready(process, &line.expect("it says it is ready"))
    }

    /// Starts one by a command whose standard error goes into a file, or says how it ended instead.
    pub(crate) fn try_start(mut command: Command, errors: &Path) -> Result<Self, Ended> {
        command.stderr(std::fs::File::create(errors).unwrap());
        let (mut process, line) = spawn(command);
        match line {
            Some(line) => Ok(Self::ready(process, &line)),
            None => Err(Ended::of(&mut process, errors)),
        }
    }

    fn ready(process: Child, line: &str) -> Self {
        let ready: serde_json::Value = serde_json::from_str(line).expect("the ready line is JSON");
        Self { process, address: ready["listen"].as_str().expect("it names its address").to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).expect("the server can be signalled");
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("the server can be killed");
        self.process.wait().expect("a killed server ends");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(mut self, errors: &Path) -> Ended {
        Ended::of(&mut self.process, errors)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Ended {
    fn of(process: &mut Child, errors: &Path) -> Self {
        let code = process.wait().expect("it can be waited for").code();
        let said = std::fs::read_to_string(errors).unwrap();
        Self { code, last_line: said.lines().last().unwrap_or_default().to_owned() }
    }
}

/// What a server is started with; the data folder follows.
pub(crate) fn arguments() -> [&'static str; 7] {
    ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-line", "--data"]
}

/// The process, and the first line that it says; none if it ends without a word.
fn spawn(mut command: Command) -> (Child, Option<String>) {
    let mut process =
        command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("the server's binary starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("text");
    (process, (!line.is_empty()).then_some(line))
}
