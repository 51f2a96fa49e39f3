//! Drills that do something to their server: whatever happens to its speed, nothing is lost or sold twice.

use std::path::Path;

use doorbuster_loadgen::scenario::BUILT_IN;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{self, Drill, Serving};

/// Runs a built-in scenario with few shoppers; its report. Only correctness is asked for: the machine may be slow.
fn drilled(scenario: &str, arguments: &[&str]) -> Value {
    let folder = TempDir::new().expect("a folder");
    let report = folder.path().to_str().expect("a plain path");
    let ended = program::run(&[&["run", scenario, "--json", "--report", report], arguments].concat());
    assert!(matches!(ended.code, 0 | 3 | 5), "{scenario}: {ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&report["oversold_units"], &report["lost_effects"]), (&0.into(), &0.into()), "{scenario}");
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.iter().all(|check| check["faults"] == 0), "{checks:?}");
    report
}

fn kinds(report: &Value) -> Vec<&str> {
    let faults = report["faults"].as_array().expect("faults");
    faults.iter().map(|fault| fault["kind"].as_str().expect("a name")).collect()
}

/// How often an operation ended with one of the outcomes.
fn count(report: &Value, operation: &str, outcomes: &[&str]) -> u64 {
    let rows = report["operations"].as_array().expect("rows");
    let wanted = |row: &&Value| {
        row["operation"] == operation && outcomes.iter().any(|outcome| row["outcome"] == *outcome)
    };
    rows.iter().filter(wanted).map(|row| row["count"].as_u64().expect("a number")).sum()
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {checks:?}"))
}

#[test]
fn a_server_that_is_killed_and_stopped_loses_nothing_and_its_shoppers_ask_again() {
    let report = drilled("spof", &["--peak", "400", "--duration", "7", "--time-scale", "0.001"]);
    assert_eq!(kinds(&report), ["kill", "pause"]);
    let reconnects = report["reconnects"].as_u64().expect("a number");
    assert_eq!(reconnects, 200, "every connection broke once");
    assert!(report["unanswered"].as_u64() > Some(0) && report["retries"].as_u64() > Some(0), "{report:#}");
}

/// Few shoppers, and a quick end.
const QUICK: [&str; 6] = ["--peak", "800", "--duration", "7", "--time-scale", "0.001"];

fn upgrade(report: &Value) -> &Value {
    assert_eq!(kinds(report), ["upgrade"]);
    &report["faults"][0]["upgrade"]
}

#[test]
fn another_binary_takes_over_at_half_load_and_nothing_is_lost() {
    let report = drilled("upgrade", &QUICK);
    let row = upgrade(&report);
    assert_eq!(row["from"]["version"], row["to"]["version"]);
    let path = |program: &str| row[program]["path"].as_str().expect("a path").to_owned();
    assert_eq!(Path::new(&path("from")).file_name(), Path::new(program::PROGRAM).file_name());
    assert!(path("to").ends_with("/next-doorbuster-drill"), "{row:#}");
    assert!(!Path::new(&path("to")).exists(), "the copy is removed");
    assert_eq!(report["reconnects"], 200, "every connection broke once");
    let seconds = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("{key} isn't known: {row:#}"));
    assert!(seconds("refused_s") > 0.0 && seconds("stop_s") > 0.0, "{row:#}");
    assert!(
        seconds("longest_gap_s") > seconds("start_s") - 0.002,
        "nobody is answered by a server that starts: {row:#}"
    );
    let (at_s, begins_s) = (seconds("gap_at_s"), report["faults"][0]["at_s"].as_f64().expect("a time"));
    assert!(at_s <= begins_s + seconds("stop_s") + 0.1, "the gap is that of the upgrade: {report:#}");
    assert!(count(&report, "reserve", &["OK"]) > 0);
}

#[test]
fn the_upgrade_is_told_in_every_report() {
    let folder = TempDir::new().expect("a folder");
    let drill = Drill::with(folder.path(), &upgrade_with("[[faults]]", "[[faults]]"));
    let ended = drill.run(&QUICK);
    assert!(matches!(ended.code, 0 | 3 | 5), "{ended:?}");
    let headline = ended.stdout.lines().next().expect("a headline");
    assert!(
        headline.starts_with("OVERSOLD 0 · LOST 0 · ") && headline.contains(" · longest gap "),
        "{headline}"
    );
    let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["upgrade from doorbuster-drill ", "longest gap between two answers ", "sent again, lost 0"] {
        assert!(text.contains(part), "{part:?} is not in {}", ended.stdout);
    }
    let page = std::fs::read_to_string(drill.report().join("report.html")).expect("a page");
    assert!(page.contains("longest gap</dt>") && page.contains("longest gap between two answers"), "{page}");
}

/// The built-in scenario with fewer connections, and with this change.
fn upgrade_with(from: &str, to: &str) -> String {
    let found = BUILT_IN.iter().find(|built_in| built_in.name == "upgrade");
    let text = found.expect("that scenario").text.replace("connections = 200", "connections = 20");
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

/// An executable script.
fn script(folder: &Path, name: &str, lines: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("made executable");
    path.to_str().expect("a plain path").to_owned()
}

/// A program that says it is this version of the server, and serves by these lines of a shell.
fn version(folder: &Path, number: &str, serves: &str) -> String {
    let lines = format!("[ \"$1\" = --version ] && echo doorbuster {number} && exit\n{serves}");
    script(folder, &format!("doorbuster-{number}"), &lines)
}

#[test]
fn programs_of_ones_own_are_swapped_forth_and_back() {
    let folder = TempDir::new().expect("a folder");
    let serves = format!("shift; exec {} __serve \"$@\"", program::PROGRAM);
    let (old, new) = (version(folder.path(), "0.9.1", &serves), version(folder.path(), "0.9.2", &serves));
    let fault = "[[faults]]\nkind = \"upgrade\"\nat_seconds = 8";
    let back = fault.replace("= 8", "= 16");
    let scenario = upgrade_with(fault, &format!("{back}\n\n{fault}"));
    let ended = Drill::with(folder.path(), &scenario)
        .run(&[&["--server", &old, "--next-server", &new, "--json"], &QUICK[..]].concat());
    assert!(matches!(ended.code, 0 | 3 | 5), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&report["oversold_units"], &report["lost_effects"]), (&0.into(), &0.into()));
    let faults = report["faults"].as_array().expect("faults");
    let versions: Vec<_> =
        faults.iter().map(|fault| ["from", "to"].map(|end| &fault["upgrade"][end]["version"])).collect();
    assert_eq!(
        versions,
        [["doorbuster 0.9.1", "doorbuster 0.9.2"], ["doorbuster 0.9.2", "doorbuster 0.9.1"]]
    );
}

#[test]
fn a_next_server_that_does_not_start_ends_the_drill_with_its_words() {
    let folder = TempDir::new().expect("a folder");
    let new = version(folder.path(), "0.9.2", "echo this folder is too old for me >&2; exit 4");
    let ended = Drill::with(folder.path(), &upgrade_with("[[faults]]", "[[faults]]"))
        .run(&[&["--next-server", &new], &QUICK[..]].concat());
    assert_eq!(ended.code, 6, "{ended:?}");
    let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["it ended before it was ready (exit status: 4)", "this folder is too old for me"] {
        assert!(text.contains(part), "{part:?} is not in {}", ended.stdout);
    }
}

#[test]
fn a_next_server_that_is_none_is_refused_before_anything_is_started() {
    let folder = TempDir::new().expect("a folder");
    let other = script(folder.path(), "other", "echo hello");
    let dumb = script(folder.path(), "dumb", "exit 1");
    for (program, why) in [
        (other.as_str(), "it answers \"hello\" to --version"),
        (dumb.as_str(), "it answers nothing to --version"),
        ("/nowhere/doorbuster", "it doesn't run: No such file"),
    ] {
        let ended = program::run(&["run", "upgrade", "--next-server", program]);
        assert_eq!(ended.code, 2, "{ended:?}");
        let line = format!("--next-server {program}: {why}");
        assert!(
            ended.stderr.contains(&line) && ended.stderr.contains("name the executable of a"),
            "{ended:?}"
        );
    }
    let ended = program::run(&["run", "spof", "--next-server", program::PROGRAM]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("the scenario spof puts no other server in the place"), "{}", ended.stderr);
}

#[test]
fn answers_wait_for_a_slow_disk() {
    let report = drilled("slow-disk", &["--peak", "400", "--duration", "8", "--time-scale", "0.001"]);
    assert_eq!(kinds(&report), ["slow-sync"]);
    let rows = report["operations"].as_array().expect("rows");
    let slowest =
        rows.iter().filter(|row| row["outcome"] == "OK").filter_map(|row| row["service_us"]["max"].as_f64());
    assert!(slowest.fold(0.0, f64::max) > 100_000.0, "no answer waited for a sync of 200 ms");
}

#[test]
fn breakers_that_are_forced_open_refuse_new_holds_and_no_payment() {
    let report = drilled("brownout", &["--peak", "400", "--duration", "4", "--time-scale", "0.001"]);
    assert_eq!(kinds(&report), ["breaker"]);
    assert!(count(&report, "reserve", &["BREAKER_OPEN"]) > 0, "{report:#}");
    assert_eq!(count(&report, "confirm", &["BREAKER_OPEN"]) + count(&report, "cancel", &["BREAKER_OPEN"]), 0);
}

#[test]
fn shoppers_who_give_up_waiting_send_the_same_again_and_get_one_order() {
    let report = drilled("retry-storm", &["--peak", "400", "--duration", "8", "--time-scale", "0.001"]);
    assert_eq!(kinds(&report), ["pause"]);
    assert!(count(&report, "reserve", &["REPLAYED", "DEADLINE_EXCEEDED"]) > 0, "{report:#}");
    assert!(report["retries"].as_u64() > Some(0));
}

#[test]
fn a_herd_that_lost_its_connections_is_told_when_the_doors_open() {
    let report = drilled("herd", &["--peak", "10000", "--time-scale", "0.001"]);
    assert_eq!(kinds(&report), ["disconnect", "burst"]);
    assert_eq!(report["reconnects"], 500);
    assert!(count(&report, "reserve", &["NOT_STARTED"]) > 0, "{report:#}");
    assert!(count(&report, "reserve", &["OK"]) > 0, "{report:#}");
}

#[test]
fn an_overload_is_refused_and_leaves_payments_alone() {
    let report = drilled("overload-10", &["--peak", "8000", "--duration", "5", "--time-scale", "0.1"]);
    assert_eq!(kinds(&report), ["burst"]);
    let losses: Vec<&str> = report["losses"]
        .as_array()
        .expect("losses")
        .iter()
        .map(|loss| loss["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(losses, ["L1", "L2", "L3", "L4"]);
    assert!(count(&report, "reserve", &["SHED", "BREAKER_OPEN"]) > 0, "{report:#}");
    assert!(count(&report, "confirm", &["OK", "REPLAYED", "REACQUIRED"]) > 0, "{report:#}");
}

#[test]
fn another_server_is_spared_faults() {
    let folder = TempDir::new().expect("a folder");
    let serving = Serving::start(folder.path());
    let ended = program::run(&["run", "spof", "--target", &serving.address]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("run it without --target"), "{}", ended.stderr);
}

#[test]
fn all_rehearsals_are_run_and_reported_together() {
    let folder = TempDir::new().expect("a folder");
    let report = folder.path().to_str().expect("a plain path");
    let quick = ["--peak", "400", "--duration", "6", "--time-scale", "0.001"];
    let ended = program::run(&[&["all", "--json", "--report", report], &quick[..]].concat());
    assert!(matches!(ended.code, 0 | 3 | 5), "{ended:?}");
    let all: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let rehearsals = all["rehearsals"].as_array().expect("rehearsals");
    let names: Vec<&str> =
        rehearsals.iter().map(|rehearsal| rehearsal["rehearsal"].as_str().expect("a name")).collect();
    assert_eq!(names, doorbuster_loadgen::all::PLANS.map(|(name, _)| name));
    for (rehearsal, (_, scenario)) in rehearsals.iter().zip(doorbuster_loadgen::all::PLANS) {
        let effects = (&rehearsal["oversold_units"], &rehearsal["lost_effects"]);
        assert_eq!(effects, (&0.into(), &0.into()), "{rehearsal:#}");
        let text = std::fs::read_to_string(folder.path().join(scenario).join("report.json")).expect("there");
        let single: Value = serde_json::from_str(&text).expect("JSON");
        match scenario {
            "security" => assert!(check(&single, "attack")["examined"].as_u64() > Some(0)),
            "backup" => assert!(check(&single, "backup")["examined"].as_u64() > Some(0)),
            _ => {}
        }
    }
    assert!(folder.path().join("all.json").is_file());
}
