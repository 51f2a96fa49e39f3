//! The real executable: whole drills against its own server, and against servers that lie.
//!
//! Latency objectives are out of reach on purpose: a test fails on broken correctness, never on a slow machine.

mod liar;
mod program;

use std::path::Path;

use liar::{Liar, Lie};
use program::{Drill, Serving, scenario};

/// The JSON report of a finished drill.
fn report(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn faults(report: &serde_json::Value, check: &str) -> u64 {
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|row| row["name"] == check).expect("that check");
    found["faults"].as_u64().expect("a count")
}

#[test]
fn a_drill_with_its_own_server_passes_and_leaves_every_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let drill = Drill::with(folder.path(), &scenario(|text| text));
    let ended = drill.run(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("OVERSOLD 0 · LOST 0 · goodput "), "{}", ended.stdout);
    for word in ["time_scale 0.001", "durability always", "p99.99", "verdict    PASS", "stocked"] {
        assert!(ended.stdout.contains(word), "{word} is missing in\n{}", ended.stdout);
    }
    let report = report(&drill.report());
    assert_eq!((&report["schema_version"], &report["exit_code"]), (&1.into(), &0.into()));
    let phases = report["phases"].as_array().expect("phases");
    let names: Vec<&serde_json::Value> = phases.iter().map(|phase| &phase["name"]).collect();
    assert_eq!(names, ["calm", "doors-open", "crowd-thins", "tail", "after the phases"]);
    let in_phases: u64 = phases.iter().filter_map(|phase| phase["requests"].as_u64()).sum();
    assert_eq!(report["requests"], in_phases, "every request is in one phase");
    let wide = ended.stdout.lines().find(|line| !line.starts_with("report ") && line.chars().count() > 120);
    assert_eq!(wide, None);
    for check in ["answers", "counts", "orders", "stock", "limits", "log"] {
        assert_eq!(faults(&report, check), 0);
    }
    assert!(report["stock"]["sold_units"].as_u64().is_some_and(|sold| sold > 0), "{}", report["stock"]);
    for file in ["report.txt", "junit.xml", "reserve.hlog", "reserve-ok.hgrm", "confirm-ok.hgrm"] {
        assert!(drill.report().join(file).is_file(), "{file}");
    }
}

#[test]
fn json_goes_to_standard_output_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = Drill::with(folder.path(), &scenario(|text| text)).run(&["--json", "--durability", "none"]);
    let printed: serde_json::Value = serde_json::from_str(&ended.stdout).expect("nothing but JSON");
    assert_eq!((&printed["settings"]["durability"], ended.code), (&"none".into(), 0));
}

#[test]
fn a_faulty_scenario_is_said_with_file_line_and_key_and_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let faulty = scenario(|text| text.replace("pay_share = 0.75", "pay_share = 7"));
    let ended = Drill::with(folder.path(), &faulty).run(&[]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("sale.toml:") && ended.stderr.contains("shoppers.pay_share"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn a_target_that_is_not_there_ends_with_6() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = Drill::with(folder.path(), &scenario(|text| text)).run(&["--target", "127.0.0.1:1"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    assert!(ended.stderr.contains("127.0.0.1:1"), "{}", ended.stderr);
}

#[test]
fn a_target_with_stock_of_others_needs_allow_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path());
    let drill = Drill::with(folder.path(), &scenario(|text| text));
    let first = drill.run(&["--target", &serving.address]);
    assert_eq!(first.code, 0, "{first:?}");
    let second = drill.run(&["--target", &serving.address]);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.stderr.contains("--allow-live"), "{}", second.stderr);
    let third = drill.run(&["--target", &serving.address, "--allow-live"]);
    assert_eq!(third.code, 0, "{third:?}");
}

#[test]
fn a_target_that_dies_ends_with_6_and_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path());
    let drill = Drill::with(folder.path(), &scenario(|text| text.replace("seconds = ", "seconds = 10")));
    let ended = drill.run_until("drilling for", &["--target", &serving.address.clone()], |_| drop(serving));
    assert_eq!(ended.code, 6, "{ended:?}");
    let report = report(&drill.report());
    assert!(report["lost"].is_string() && report["oversold_units"].is_null(), "{report:#}");
}

#[test]
fn an_interruption_ends_with_130_and_an_audited_partial_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let drill = Drill::with(folder.path(), &scenario(|text| text.replace("seconds = ", "seconds = 10")));
    let ended = drill.run_until("drilling for", &[], program::interrupt);
    assert_eq!(ended.code, 130, "{ended:?}");
    let report = report(&drill.report());
    assert_eq!((&report["oversold_units"], &report["lost_effects"]), (&0.into(), &0.into()));
}

/// Drills a server that tells this lie; gives the exit code and the report.
fn against(lie: Lie) -> (i32, serde_json::Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let address = Liar::start(lie);
    let drill = Drill::with(folder.path(), &scenario(|text| text));
    let ended = drill.run(&["--target", &address]);
    assert!(drill.report().join("report.json").is_file(), "{ended:?}");
    (ended.code, report(&drill.report()))
}

#[test]
fn an_honest_naive_server_passes() {
    let (code, report) = against(Lie::None);
    assert_eq!(code, 0, "{report:#}");
}

#[test]
fn a_server_that_forgets_orders_ends_with_4() {
    let (code, report) = against(Lie::ForgetsOrders);
    assert_eq!(code, 4, "{report:#}");
    assert!(faults(&report, "orders") > 0 && report["lost_effects"].as_u64().is_some_and(|lost| lost > 0));
}

#[test]
fn a_server_that_sells_what_it_has_not_ends_with_4() {
    let (code, report) = against(Lie::Oversells);
    assert_eq!(code, 4, "{report:#}");
    assert!(report["oversold_units"].as_u64().is_some_and(|units| units > 0), "{report:#}");
}

#[test]
fn a_server_that_executes_repeats_twice_ends_with_4() {
    let (code, report) = against(Lie::ForgetsIds);
    assert_eq!(code, 4, "{report:#}");
    assert!(faults(&report, "answers") > 0);
}

#[test]
fn a_server_that_decides_nothing_misses_its_objective_and_ends_with_3() {
    let (code, report) = against(Lie::AlwaysBusy);
    assert_eq!(code, 3, "{report:#}");
}

#[test]
fn saturate_loads_its_own_server_in_every_mode() {
    for extra in [
        &["--op", "reserve"][..],
        &["--op", "sold-out"],
        &["--op", "confirm"],
        &["--op", "reserve", "--rate", "500"],
        &["--op", "reserve", "--connections", "4", "--in-flight", "1", "--batch", "1", "--with-echo"],
    ] {
        let mut arguments = vec!["saturate", "--seconds", "0.2", "--repeat", "1", "--skus", "16"];
        arguments.extend(extra);
        let ended = program::run(&arguments);
        assert_eq!(ended.code, 0, "{extra:?}: {ended:?}");
        assert!(ended.stdout.contains("median"), "{}", ended.stdout);
    }
}
