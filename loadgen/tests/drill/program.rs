//! Running the executable.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_doorbuster-drill");

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A small sale: a fixed rate, a second and a half, and objectives that no machine misses.
pub(crate) fn scenario(change: impl Fn(String) -> String) -> String {
    let mut text = doorbuster_loadgen::scenario::DOORS_OPEN.to_owned();
    for (from, to) in [
        ("time_scale = 0.01", "time_scale = 0.001"),
        ("peak_per_second = \"auto\"", "peak_per_second = 1500"),
        ("connections = 200", "connections = 8"),
        ("deadline_ms = 5000", "deadline_ms = 60000"),
        ("skus = 1000", "skus = 20"),
        ("users = 50000", "users = 500"),
        ("repeat_share = 0.01", "repeat_share = 0.2"),
        ("seconds = 10", "seconds = 0.5"),
        ("seconds = 4", "seconds = 0.2"),
        ("p99_ms = 250", "p99_ms = 600000"),
        ("release_lag_p99_ms = 20", "release_lag_p99_ms = 600000"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    change(text)
}

/// A built-in scenario, with a few hundred shoppers in a few seconds and objectives that no machine misses.
pub(crate) fn small(name: &str, changes: &[(&str, &str)]) -> String {
    let found = doorbuster_loadgen::scenario::BUILT_IN.iter().find(|built_in| built_in.name == name);
    let mut text = found.expect("that scenario").text.to_owned();
    let always = [
        ("reserve_p99_ms = 250", "reserve_p99_ms = 600000"),
        ("confirm_p99_ms = 250", "confirm_p99_ms = 600000"),
    ];
    let lag = ("release_lag_p99_ms = 20", "release_lag_p99_ms = 600000");
    for (from, to) in always.iter().chain([&lag]).chain(changes) {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

/// A drill with its scenario and report in a folder.
pub(crate) struct Drill {
    folder: PathBuf,
}

impl Drill {
    pub(crate) fn with(folder: &Path, scenario: &str) -> Self {
        std::fs::write(folder.join("sale.toml"), scenario).expect("written");
        Self { folder: folder.to_path_buf() }
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.folder.join("report")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_until("", arguments, |_| {})
    }

    /// Runs, and calls `then` with the process when a line with `word` stands on its standard error.
    pub(crate) fn run_until(&self, word: &str, arguments: &[&str], then: impl FnOnce(&Child)) -> Ended {
        let mut command = Command::new(PROGRAM);
        command
            .arg("run")
            .arg(self.folder.join("sale.toml"))
            .arg("--report")
            .arg(self.report())
            .args(arguments);
        watch(command, word, then)
    }
}

pub(crate) fn run(arguments: &[&str]) -> Ended {
    run_as("", arguments)
}

/// Runs with this key in the environment; an empty one is none.
pub(crate) fn run_as(key: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("DOORBUSTER_KEY", key);
    watch(command, "", |_| {})
}

fn watch(mut command: Command, word: &str, then: impl FnOnce(&Child)) -> Ended {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut output = child.stdout.take().expect("piped");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    let mut then = Some(then);
    let mut stderr = String::new();
    for line in BufReader::new(child.stderr.take().expect("piped")).lines() {
        let line = line.expect("text");
        if let Some(then) = then.take_if(|_| line.contains(word)) {
            then(&child);
        }
        stderr.push_str(&line);
        stderr.push('\n');
    }
    let status = child.wait().expect("it ends");
    let stdout = reader.join().expect("no panic").expect("text");
    Ended { code: status.code().unwrap_or(-1), stdout, stderr }
}

/// Presses Ctrl-C.
pub(crate) fn interrupt(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id")).expect("not 0");
    kill_process(pid, Signal::INT).expect("it runs");
}

/// A server in a process of its own; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn start(folder: &Path) -> Self {
        // A closed loop is as fast as the server: what there is to refuse says nothing but that.
        Self::start_with(folder, "[overload]\nbacklog_us = 0\n")
    }

    pub(crate) fn start_with(folder: &Path, configuration: &str) -> Self {
        let config = folder.join("server.toml");
        std::fs::write(&config, configuration).expect("written");
        let mut child = Command::new(PROGRAM)
            .args(["__serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-line", "--data"])
            .arg(folder.join("data"))
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a ready line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        Self { child, address: ready["listen"].as_str().expect("an address").to_owned() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}
