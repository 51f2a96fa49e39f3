//! Reports of logs that a real server wrote: every figure of a small sale against the same computed by hand, and those of a
//! crowd's against the auditor's, who shares no code with the server.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

#[path = "../feed/after.rs"]
mod after;
#[path = "../feed/budgets.rs"]
mod budgets;
#[path = "../feed/campaigns.rs"]
mod campaigns;
mod crowd;
mod faults;
mod golden;
mod page;
mod small;
#[path = "../feed/workload.rs"]
mod workload;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use doorbuster_client::Client;
use doorbuster_engine::storage::FileStorage;
use doorbuster_gateway::testing::Server;
use serde_json::Value;

/// The server's time at the start of each test, 2026-11-11 00:00:00 UTC. Nothing but the test moves it.
const START: u64 = 1_794_355_200_000;

async fn connect(server: &Server) -> Client {
    let builder = Client::builder().connections(1).timeout(Duration::from_secs(30));
    builder.connect(&server.address().to_string()).await.unwrap()
}

/// A process that is started has copies of all open files, the locks of data folders among them, until it is the program that it
/// shall be. So nobody opens a folder meanwhile that he has closed just now.
static STARTING: Mutex<()> = Mutex::new(());

/// Opens a data folder, to serve from it.
fn open(folder: &Path) -> FileStorage {
    let _nobody_starts = STARTING.lock();
    FileStorage::open(folder).unwrap()
}

/// Exit code, standard output and standard error of a report.
fn report(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorbuster"));
    command.current_dir(folder).stdin(Stdio::null()).env_remove("DOORBUSTER_LOG__FOLDER");
    command.arg("report").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = {
        let _one_starts = STARTING.lock();
        command.spawn().expect("the binary runs")
    };
    let output = started.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().expect("no signal ended it"), text(output.stdout), text(output.stderr))
}

/// The report as JSON.
fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (code, said, complained) = report(folder, &[arguments, &["--format", "json"]].concat());
    assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&said).expect("a report is JSON")
}
