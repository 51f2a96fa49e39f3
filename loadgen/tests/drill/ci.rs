//! The gate of `docs/ci.md`, as it stands there.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::program::PROGRAM;

/// The first script of the page.
fn gate() -> String {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ci.md")).expect("a page");
    let (_, behind) = page.split_once("```sh\n").expect("a script");
    behind.split_once("```").expect("its end").0.to_owned()
}

fn run(drill: &str, folder: &Path) -> Output {
    let script = folder.join("drill-gate.sh");
    std::fs::write(&script, gate()).expect("written");
    let mut bash = Command::new("bash");
    bash.arg(script).env("DRILL", drill).env("DRILL_SECONDS", "3").env("DRILL_RATE", "300");
    bash.env("DRILL_REPORTS", folder.join("reports")).output().expect("bash is there")
}

/// An executable that ends with this code.
fn ends_with(code: u8, folder: &Path) -> String {
    let path = folder.join("drill");
    std::fs::write(&path, format!("#!/bin/sh\nexit {code}\n")).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("made executable");
    path.to_str().expect("a plain path").to_owned()
}

#[test]
fn the_gate_of_the_documentation_runs_a_drill_and_leaves_its_report() {
    let folder = TempDir::new().expect("a folder");
    let ended = run(PROGRAM, folder.path());
    let said = String::from_utf8_lossy(&ended.stdout);
    // A slow machine may miss objectives, and may do so three times.
    assert!(said.lines().any(|line| line.starts_with("drill: ")), "{ended:?}");
    assert!(!said.contains("CORRECTNESS") && !said.contains("could not run"), "{said}");
    assert!(folder.path().join("reports/1/report.html").is_file());
}

#[test]
fn the_gate_lets_a_change_through_only_if_the_drill_passes() {
    for (code, passes, words) in [
        (0, true, "drill: passed"),
        (3, false, "an objective was missed"),
        (4, false, "CORRECTNESS IS BROKEN"),
        (5, false, "no valid attempt of three"),
        (6, false, "it could not run (exit code 6)"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let ended = run(&ends_with(code, folder.path()), folder.path());
        assert_eq!(ended.status.success(), passes, "{code}: {ended:?}");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(said.contains(words), "{code}: {said}");
        let attempts = said.lines().filter(|line| line.contains("is invalid")).count();
        assert_eq!(attempts, if code == 5 { 3 } else { 0 });
    }
}
