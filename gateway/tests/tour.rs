//! Runs the commands of `docs/tour.md` in their order against the real server, and compares what they print with what
//! the page says, but for times. `UPDATE_DOCS=1` writes what they print into the page.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Stands between the outputs of two blocks.
const MARK: &str = "@@ block ";

/// A piece of the page.
#[derive(Debug)]
enum Piece {
    Words(String),
    /// Commands to be run.
    Commands(String),
    /// What the commands before print.
    Output,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tour.md")
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "```sh" && line != "```text" {
            writeln!(words, "{line}").unwrap();
            continue;
        }
        pieces.push(Piece::Words(std::mem::take(&mut words)));
        let mut block = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            writeln!(block, "{line}").unwrap();
        }
        pieces.push(if line == "```sh" { Piece::Commands(block) } else { Piece::Output });
    }
    pieces.push(Piece::Words(words));
    pieces
}

/// Puts `TIME` in the place of each time: `2026-11-11 00:00:01.203 UTC`.
fn without_times(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some(end) = rest.find(" UTC") {
        let (before, behind) = rest.split_at(end);
        let is_time = |found: &str| found.chars().all(|sign| sign.is_ascii_digit() || "-: .".contains(sign));
        let start = end.checked_sub(23).filter(|start| before.get(*start..).is_some_and(is_time));
        match start {
            Some(start) => write!(out, "{}TIME", &before[..start]).unwrap(),
            None => write!(out, "{before} UTC").unwrap(),
        }
        rest = &behind[4..];
    }
    out + rest
}

struct Server {
    process: Child,
    address: String,
    admin: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_doorbuster"))
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let greeting = lines.next().unwrap().unwrap();
        let behind = |phrase| greeting.split(phrase).nth(1).and_then(|rest| rest.split(',').next()).unwrap();
        let (address, admin) = (behind(" listens on ").to_owned(), behind("admin on http://").to_owned());
        // Its SKUs are set up before it says this.
        lines.find(|line| line.as_ref().unwrap().contains("thrown away")).unwrap().unwrap();
        Self { process, address, admin }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What each block prints, errors among it.
fn outputs(blocks: &[&str]) -> Vec<String> {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let mut script = "exec 2>&1\n".to_owned();
    for block in blocks {
        writeln!(script, "echo '{MARK}'\n{block}").unwrap();
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_doorbuster")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path())
        .env("PATH", path)
        .env("DOORBUSTER_SERVER", &server.address)
        .env("DOORBUSTER_ADMIN", &server.admin)
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    let said = String::from_utf8(output.stdout).unwrap();
    let mark = format!("{MARK}\n");
    said.split(mark.as_str()).skip(1).map(str::to_owned).collect()
}

#[test]
fn the_tours_commands_print_what_the_page_says() {
    let text = std::fs::read_to_string(page()).unwrap();
    let pieces = pieces(&text);
    let blocks: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| if let Piece::Commands(block) = piece { Some(block.as_str()) } else { None })
        .collect();
    assert!(blocks.len() > 10, "{blocks:?}");
    let mut outputs = outputs(&blocks).into_iter();
    assert_eq!(outputs.len(), blocks.len());
    let mut printed = String::new();
    let mut found = String::new();
    for piece in &pieces {
        match piece {
            Piece::Words(words) => found += words,
            Piece::Commands(block) => {
                assert_eq!(printed, "", "each block that prints something is followed by what it prints");
                printed = outputs.next().unwrap();
                write!(found, "```sh\n{block}```\n").unwrap();
            }
            Piece::Output => write!(found, "```text\n{}```\n", std::mem::take(&mut printed)).unwrap(),
        }
    }
    assert_eq!(printed, "", "the last block's output stands on the page");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page(), &found).unwrap();
        return;
    }
    let (found, text) = (without_times(&found), without_times(&text));
    for (found, expected) in found.lines().zip(text.lines()) {
        assert_eq!(found, expected, "UPDATE_DOCS=1 writes what is printed into docs/tour.md");
    }
    assert_eq!(found.lines().count(), text.lines().count());
}

#[test]
fn times_are_told_from_other_text() {
    assert_eq!(without_times("at 2026-11-11 00:00:01.203 UTC, in UTC"), "at TIME, in UTC");
    assert_eq!(without_times("no time"), "no time");
}
