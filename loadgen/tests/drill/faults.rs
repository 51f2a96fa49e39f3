//! Drills that do something to their server: whatever happens to its speed, nothing is lost or sold twice.

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{self, Serving};

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
