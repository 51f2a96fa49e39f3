//! The report as people and programs get it, from figures that were made up.

use doorbuster_protocol::Code;

use super::table::WIDTH;
use super::{CheckRow, Report, SCHEMA_VERSION, Settings, operation_rows, phase_rows, render, second_rows};
use crate::health::CpuUse;
use crate::machine::Machine;
use crate::recorder::{Limits, Operation, Recorder};
use crate::scenario;
use crate::schedule::{Schedule, nanos};

const MS: u64 = 1_000_000;

/// A drill of the built-in scenario with these answers: operation, code, second in which it was due, milliseconds of
/// service; all were sent a millisecond late.
pub(crate) fn report(answers: &[(Operation, Code, u64, u64)]) -> Report {
    let scenario = scenario::load(None).expect("sound");
    let ends = Schedule::spans(&scenario.phases).into_iter().map(|(_, ends)| nanos(ends)).collect();
    let mut recorder = Recorder::new(Limits { reserve_ns: 250 * MS, confirm_ns: 250 * MS }, ends);
    for &(operation, code, due_s, service_ms) in answers {
        let due = due_s * 1_000 * MS;
        recorder.sent(operation, due, due + MS);
        recorder.answered(operation, code.number(), due, due + MS, due + MS + service_ms * MS);
    }
    let settings = Settings {
        target: "an embedded server on 127.0.0.1:7700".to_owned(),
        durability: "always".to_owned(),
        embedded: true,
        started_at_unix_ms: 1_700_000_000_000,
        calibrated_per_second: Some(123_456.0),
        peak_per_second: 74_073.6,
        units_each: 250,
        hold_ms: 6_000,
        phases_seconds: 28.0,
        tail_seconds: 6.0,
        t0_seconds: 4.0,
        shards: 2,
        machine: Machine { cores: 2, cpu: None },
        scenario,
    };
    Report {
        schema_version: SCHEMA_VERSION,
        verdict: "PASS",
        exit_code: 0,
        lost: None,
        goodput_per_second: 750.0,
        oversold_units: Some(0),
        lost_effects: Some(0),
        losses: Vec::new(),
        faults: Vec::new(),
        plans: Vec::new(),
        objectives: Vec::new(),
        operations: operation_rows(&recorder.latency, &recorder.unanswered, 28.0),
        phases: phase_rows(&recorder, &settings),
        requests: recorder.requests(),
        unanswered: 0,
        stock: None,
        money: None,
        waited: None,
        baskets: None,
        channels: Vec::new(),
        moves: Vec::new(),
        deliveries: Vec::new(),
        release_lag: None,
        resident: None,
        memory: Vec::new(),
        log_bytes: None,
        retries: 0,
        given_up: 0,
        checks: Vec::new(),
        send_lag_p99_ms: 1.0,
        send_lag_limit_ms: 12.5,
        held_back: 0,
        reconnects: 0,
        cpu: CpuUse::default(),
        server_sync_p99_us: Some(4_015),
        seconds: second_rows(&recorder),
        settings,
    }
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn response_and_service_times_of_an_outcome_stand_side_by_side() {
    let text = render(&report(&[(Operation::Reserve, Code::Ok, 0, 20)]), None);
    let row = text.lines().find(|line| line.starts_with("reserve ")).expect("a row");
    let parts: Vec<Vec<&str>> = row.split('│').map(|part| part.split_whitespace().collect()).collect();
    assert_eq!(parts[0], ["reserve", "OK", "1", "0.0"]);
    assert_eq!((parts[1].len(), parts[2].len()), (6, 6), "{row}");
    assert!(parts[1][0].starts_with("21.0") && parts[2][0].starts_with("20.0"), "{row}");
    let heads = text.lines().find(|line| line.starts_with("operation ")).expect("heads");
    let rules = |line: &str| line.char_indices().filter(|(_, c)| *c == '│').count();
    assert_eq!((rules(heads), heads.chars().count()), (rules(row), row.chars().count()), "{heads}\n{row}");
}

#[test]
fn an_objective_that_was_not_measured_is_said_to_be_so() {
    let mut report = report(&[]);
    report.objectives = vec![
        crate::verdict::Objective::at_most("release_lag_p99_ms", 20.0, None),
        crate::verdict::Objective::at_most("reserve_p99_ms", 20.0, Some(21.0)),
    ];
    let text = render(&report, None);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("objective")).collect();
    assert!(lines[0].ends_with("not measured, limit 20"), "{lines:?}");
    assert!(lines[1].ends_with("21.000, limit 20 (MISSED)"), "{lines:?}");
}

#[test]
fn channels_stand_in_a_table_and_orders_say_over_how_many_shards_they_went() {
    let mut report = report(&[]);
    report.channels = vec![crate::audit::ChannelTotals {
        channel: 3,
        guarantee_units: 1_500,
        taken_before_release_units: None,
        taken_units: 1_700,
        requests: 12_345,
        reserved: 1_800,
        exhausted: 9_000,
        sold_out: 7,
    }];
    report.baskets = Some(super::BasketTotals {
        orders: 1_000,
        lines: 4_500,
        shards: 2,
        over_shards: 298,
        ..super::BasketTotals::default()
    });
    let text = render(&report, None);
    let heads = text.lines().find(|line| line.starts_with("channels ")).expect("heads");
    let row = text.lines().find(|line| line.trim_start().starts_with("3  ")).expect("a row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["3", "12,345", "1,800", "9,000", "7", "1,500", "?", "1,700"]);
    assert_eq!(heads.chars().count(), row.chars().count(), "{heads}\n{row}");
    assert!(text.contains("4.5 SKUs each; over several of 2 shards 298 (29.8 %)"), "{text}");
    assert!(widest(&text) <= WIDTH, "{text}");
}

#[test]
fn a_refusal_has_a_row_of_its_own_below_its_operation() {
    let quick_refusal = (Operation::Reserve, Code::SoldOut, 0, 0);
    let text = render(&report(&[(Operation::Reserve, Code::Ok, 0, 20), quick_refusal]), None);
    let rows: Vec<&str> =
        text.lines().skip_while(|line| *line != "the whole drill").skip(1).take(2).collect();
    let starts: Vec<Vec<&str>> = rows.iter().map(|row| row.split_whitespace().take(2).collect()).collect();
    assert_eq!(starts, [["reserve", "OK"], ["SOLD_OUT", "1"]], "{text}");
}

#[test]
fn every_phase_of_the_scenario_has_its_own_figures() {
    let answers = [
        (Operation::Reserve, Code::Ok, 1, 1),
        (Operation::Reserve, Code::Ok, 4, 100),
        (Operation::Reserve, Code::SoldOut, 5, 2),
        (Operation::Confirm, Code::Ok, 29, 3),
    ];
    let report = report(&answers);
    let phases: Vec<(&str, f64, f64, u64)> = report
        .phases
        .iter()
        .map(|phase| (phase.name.as_str(), phase.begins_s, phase.ends_s, phase.requests))
        .collect();
    let expected = [
        ("calm", 0.0, 4.0, 1),
        ("doors-open", 4.0, 14.0, 2),
        ("crowd-thins", 14.0, 24.0, 0),
        ("tail", 24.0, 28.0, 0),
        ("after the phases", 28.0, 34.0, 1),
    ];
    assert_eq!(phases, expected);
    let slowest = |phase: usize| report.phases[phase].operations[0].response_us.expect("answers").max;
    assert!(slowest(0) < 3_000.0 && slowest(1) > 100_000.0, "{} {}", slowest(0), slowest(1));
    let counted: u64 = report.phases.iter().flat_map(|phase| &phase.operations).map(|row| row.count).sum();
    assert_eq!(counted, report.requests);

    let text = render(&report, None);
    for title in [
        "phase calm: 0 to 4 s, 1 sent, 0 unanswered",
        "phase doors-open: 4 to 14 s, 2 sent, 0 unanswered",
        "after the phases: 28 to 34 s, 1 sent, 0 unanswered",
    ] {
        assert!(text.lines().any(|line| line == title), "{title} is not in\n{text}");
    }
    assert!(!text.contains("phase tail"), "a phase without requests has nothing to show");

    let json = serde_json::to_value(&report).expect("JSON");
    let open = &json["phases"][1];
    assert_eq!((&open["name"], &open["requests"]), (&"doors-open".into(), &2.into()));
    assert_eq!(open["operations"][1]["outcome"], "SOLD_OUT");
    assert!(open["operations"][0]["service_us"]["p99_99"].is_f64());
}

#[test]
fn no_line_is_wider_than_120_columns_whatever_the_names_and_figures() {
    let mut report = report(&[
        (Operation::Reserve, Code::IdempotencyConflict, 5, 59_000),
        (Operation::Confirm, Code::DeadlineExceeded, 5, 59_000),
    ]);
    for row in report.operations.iter_mut().chain(report.phases.iter_mut().flat_map(|p| &mut p.operations)) {
        (row.count, row.rate_per_second) = (100_000_000, 9_999_999.0);
    }
    let long = "x".repeat(64);
    report.settings.scenario.name.clone_from(&long);
    report.settings.scenario.seed = u64::MAX;
    report.phases[1].name = long;
    report.lost = Some("the server refused, and ".repeat(20));
    report.checks = vec![CheckRow {
        name: "log",
        rule: "the log holds every acknowledged effect, none without a request, and adds up",
        examined: 100_000_000,
        faults: 1_000_000,
        examples: vec!["order 123456789012345678 of user 50000 was confirmed and is unknown; ".repeat(3)],
    }];
    let text = render(&report, None);
    assert!(widest(&text) <= WIDTH, "{} columns:\n{text}", widest(&text));
    // Nothing is cut off for it.
    for part in ["IDEMPOTENCY_CONFLICT", "100,000,000", "9,999,999", "and adds up", &u64::MAX.to_string()] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
