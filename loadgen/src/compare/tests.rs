//! Directions, bands and words, from figures that were made up; and the command on files.

use std::fs;
use std::path::Path;

use doorbuster_protocol::Code;
use serde_json::{Value, json};

use super::kind::Kind;
use super::verdict::{Comparison, Figure, Side, Word};
use super::{Options, compare};
use crate::exit::{Exit, Failure};
use crate::recorder::Operation;
use crate::report::tests::report;

fn side(name: &str, kind: Kind, values: &[f64]) -> Side {
    let figure = |value: &f64| Figure { name: name.to_owned(), kind, value: *value };
    Side { figures: values.iter().map(figure).collect(), ..Side::default() }
}

/// What comes of one metric.
fn word(kind: Kind, a: &[f64], b: &[f64]) -> Word {
    let comparison = Comparison::of([side("m", kind, a), side("m", kind, b)], Vec::new());
    assert_eq!(comparison.worse, comparison.metrics[0].word == Word::Worse);
    comparison.metrics[0].word
}

#[test]
fn more_throughput_is_better_and_more_latency_is_worse() {
    for (kind, more, less) in [
        (Kind::Rate, Word::Better, Word::Worse),
        (Kind::Share, Word::Better, Word::Worse),
        (Kind::Sold, Word::Better, Word::Worse),
        (Kind::Latency, Word::Worse, Word::Better),
        (Kind::Tail, Word::Worse, Word::Better),
        (Kind::Bound, Word::Worse, Word::Better),
        (Kind::Recovery, Word::Worse, Word::Better),
        (Kind::Loss, Word::Worse, Word::Better),
    ] {
        assert_eq!(word(kind, &[100.0], &[300.0]), more, "{kind:?}");
        assert_eq!(word(kind, &[300.0], &[100.0]), less, "{kind:?}");
        assert_eq!(word(kind, &[100.0], &[100.0]), Word::Same, "{kind:?}");
    }
}

#[test]
fn with_one_repeat_the_kinds_own_band_counts_to_its_very_edge() {
    for (kind, within, beyond) in [
        (Kind::Rate, 95.0, 94.9),
        (Kind::Share, 99.0, 98.9),
        (Kind::Sold, 95.0, 94.9),
        (Kind::Latency, 115.0, 115.1),
        (Kind::Tail, 130.0, 130.1),
        // One bucket further is no difference, two are.
        (Kind::Bound, 250.0, 250.1),
    ] {
        assert_eq!(word(kind, &[100.0], &[within]), Word::Same, "{kind:?}");
        assert_eq!(word(kind, &[100.0], &[beyond]), Word::Worse, "{kind:?}");
    }
    assert_eq!(word(Kind::Bound, &[250.0], &[100.0]), Word::Same, "the same bucket back");
}

#[test]
fn repeats_make_the_band_as_wide_as_they_differ() {
    // Half ranges of 10 and 4, so a band of 14, far more than 5 %.
    let wide: [f64; 3] = [90.0, 100.0, 110.0];
    assert_eq!(word(Kind::Rate, &wide, &[82.0, 86.0, 90.0]), Word::Same);
    assert_eq!(word(Kind::Rate, &wide, &[81.9, 85.9, 89.9]), Word::Worse);
    // Half ranges of 0.5 each: a band of 1 and not of 5, as there are three of each.
    let narrow: [f64; 3] = [99.5, 100.0, 100.5];
    assert_eq!(word(Kind::Rate, &narrow, &[98.5, 99.0, 99.5]), Word::Same);
    assert_eq!(word(Kind::Rate, &narrow, &[98.4, 98.9, 99.4]), Word::Worse);
    // Two say too little, even if they agree.
    assert_eq!(word(Kind::Rate, &narrow, &[97.0, 97.0]), Word::Same);
}

#[test]
fn repeats_that_agree_to_the_digit_still_leave_a_fifth_of_the_kinds_band() {
    assert_eq!(word(Kind::Latency, &[100.0; 5], &[103.0; 5]), Word::Same);
    assert_eq!(word(Kind::Latency, &[100.0; 5], &[103.1; 5]), Word::Worse);
}

#[test]
fn the_median_decides_and_one_slow_repeat_does_not() {
    assert_eq!(word(Kind::Latency, &[10.0, 10.1, 10.2], &[10.0, 10.1, 500.0]), Word::Same);
}

#[test]
fn zeros_and_tiny_times_are_compared_without_a_percentage() {
    assert_eq!(word(Kind::Rate, &[0.0], &[0.0]), Word::Same);
    assert_eq!(word(Kind::Rate, &[0.0], &[10.0]), Word::Better);
    assert_eq!(word(Kind::Rate, &[10.0], &[0.0]), Word::Worse);
    // Twice as long, and yet nothing that anybody notices.
    assert_eq!(word(Kind::Latency, &[0.04], &[0.08]), Word::Same);
    assert_eq!(word(Kind::Latency, &[0.0], &[0.051]), Word::Worse);
    let comparison =
        Comparison::of([side("m", Kind::Rate, &[0.0]), side("m", Kind::Rate, &[1.0])], Vec::new());
    assert_eq!(comparison.metrics[0].change_percent, None);
}

#[test]
fn what_only_one_side_measured_is_said_and_makes_nothing_worse() {
    assert_eq!(word(Kind::Rate, &[1.0], &[]), Word::OnlyA);
    let sides = [side("x", Kind::Rate, &[1.0]), side("y", Kind::Rate, &[1.0, f64::NAN])];
    let comparison = Comparison::of(sides, Vec::new());
    let found: Vec<(&str, Word)> =
        comparison.metrics.iter().map(|row| (row.name.as_str(), row.word)).collect();
    assert_eq!(found, [("x", Word::OnlyA), ("y", Word::OnlyB)]);
    assert_eq!(comparison.metrics[1].b.map(|b| b.count), Some(1), "what is no number is no repeat");
}

/// A report in a folder of its own, with its figures changed.
fn write(folder: &Path, name: &str, change: impl Fn(&mut Value)) -> String {
    let answers: Vec<(Operation, Code, u64, u64)> = (0..2_000)
        .map(|nth| {
            let code = if nth % 2 == 0 { Code::Ok } else { Code::SoldOut };
            (Operation::Reserve, code, nth % 28, 10 + nth / 100)
        })
        .collect();
    let mut json = serde_json::to_value(report(&answers)).expect("JSON");
    change(&mut json);
    let file = folder.join(name).join("report.json");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, json.to_string()).expect("written");
    folder.join(name).display().to_string()
}

/// What is changed in a report.
type Change = fn(&mut Value);

/// Runs the command.
fn run(a: &str, b: &str, force: bool, json: bool) -> (Result<Exit, Failure>, String) {
    let mut out = Vec::new();
    let options = Options { a: a.to_owned(), b: b.to_owned(), force, json };
    let exit = compare(&options, &mut out);
    (exit, String::from_utf8(out).expect("text"))
}

#[test]
fn two_runs_that_are_alike_end_with_0_and_a_slower_one_with_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |_| {});
    let b = write(folder.path(), "b", |json| json["settings"]["scenario"]["seed"] = 7.into());
    let (exit, text) = run(&a, &b, false, false);
    assert_eq!(exit, Ok(Exit::Pass), "{text}");
    assert!(text.contains("0 WORSE, 0 BETTER") && text.ends_with("nothing is worse\n"), "{text}");

    let slow = write(folder.path(), "slow", |json| {
        json["goodput_per_second"] = 600.0.into();
        json["operations"][0]["response_us"]["p50"] = 90_000.0.into();
    });
    let (exit, text) = run(&a, &slow, false, false);
    assert_eq!(exit, Ok(Exit::Missed), "{text}");
    let line = |name: &str| {
        let found = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("goodput"), "goodput, per s 750 600 -20.0 % ±5.0 %* WORSE");
    assert!(line("reserve p50, ms").ends_with("WORSE"), "{text}");
    assert!(line("reserve p99, ms").ends_with("SAME"), "{text}");
    assert!(text.lines().all(|line| line.starts_with(['A', 'B']) || line.chars().count() <= 120), "{text}");
}

#[test]
fn a_percentile_counts_where_ten_requests_were_slower() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |name: &str, count: u64| {
        let path = write(folder.path(), name, |json| json["operations"][0]["count"] = count.into());
        run(&path, &path, false, false).1
    };
    assert!(!with("few", 999).contains("reserve p99, ms"));
    assert!(with("some", 1_000).contains("reserve p99, ms") && !with("some", 9_999).contains("p99.9"));
    assert!(with("many", 10_000).contains("reserve p99.9, ms"));
}

#[test]
fn repeats_in_subfolders_are_one_side_and_an_invalid_one_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, goodput) in [("a/1", 740.0), ("a/2", 750.0), ("a/3", 760.0)] {
        write(folder.path(), name, |json| json["goodput_per_second"] = goodput.into());
    }
    let b = write(folder.path(), "b", |json| json["goodput_per_second"] = 735.0.into());
    let bad = write(folder.path(), "bad", |json| {
        json["verdict"] = "INVALID RUN".into();
        json["goodput_per_second"] = 5.0.into();
    });
    let a = folder.path().join("a").display().to_string();
    let (exit, text) = run(&a, &format!("{b},{bad}"), false, true);
    assert_eq!(exit, Ok(Exit::Pass), "{text}");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let goodput = &json["metrics"][0];
    assert_eq!((&goodput["a"]["count"], &goodput["a"]["median"]), (&3.into(), &750.0.into()));
    assert_eq!((&goodput["b"]["count"], &goodput["word"]), (&1.into(), &"SAME".into()));
    assert_eq!(json["sides"][1]["left_out"][0]["why"], "INVALID RUN");
    assert_eq!((&json["worse"], &json["schema_version"]), (&false.into(), &1.into()));

    let (exit, _) = run(&a, &bad, false, false);
    let failure = exit.expect_err("nothing is left of B");
    assert_eq!(failure.exit, Exit::CouldNotRun);
    assert!(
        failure.line.contains("B has no valid run") && failure.line.contains("INVALID RUN"),
        "{failure:?}"
    );
}

#[test]
fn a_fault_that_was_not_recovered_from_took_until_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |name: &str, recovery_s: Value, share: f64| {
        let fault = json!({ "kind": "kill", "at_s": 5.0, "until_s": 7.0, "recovery_s": recovery_s });
        let loss = json!({ "name": "L2", "share": share });
        write(folder.path(), name, |json| {
            (json["faults"], json["losses"]) = (json!([fault]), json!([loss]));
        })
    };
    let (a, b) = (with("a", 2.0.into(), 0.001), with("b", Value::Null, 0.001_5));
    let (exit, text) = run(&a, &b, false, false);
    assert_eq!(exit, Ok(Exit::Missed), "{text}");
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("F1 kill recovery, s").contains("21.0") && line("F1").ends_with("WORSE"), "{text}");
    assert!(line("loss L2").ends_with("SAME"), "half a thousandth more is nothing:\n{text}");
}

#[test]
fn broken_correctness_is_worse_whatever_the_figures_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |_| {});
    let broken = write(folder.path(), "broken", |json| {
        json["verdict"] = "CORRECTNESS BROKEN".into();
        json["goodput_per_second"] = 9_000.0.into();
    });
    for (one, other) in [(&a, &broken), (&broken, &a)] {
        let (exit, text) = run(one, other, false, false);
        assert_eq!(exit, Ok(Exit::Missed), "{text}");
        assert!(text.contains("CORRECTNESS BROKEN in "), "{text}");
    }
}

#[test]
fn what_was_set_up_differently_is_refused_by_name_and_compared_by_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |_| {});
    let changes: [(&str, Change, &str); 6] = [
        (
            "another",
            |json| {
                json["settings"]["scenario"]["name"] = "another".into();
                json["settings"]["scenario"]["load"]["deadline_ms"] = 77.into();
            },
            "scenario.name is doors-open in ",
        ),
        ("durability", |json| json["settings"]["durability"] = "none".into(), "durability is always in "),
        ("shards", |json| json["settings"]["shards"] = 8.into(), "shards is 2 in "),
        (
            "scenario",
            |json| json["settings"]["scenario"]["load"]["deadline_ms"] = 77.into(),
            "scenario.load.deadline_ms is 5000 in ",
        ),
        (
            "phase",
            |json| json["settings"]["scenario"]["phases"][1]["seconds"] = 77.0.into(),
            "scenario.phases 2.seconds is 10.0 in ",
        ),
        ("machine", |json| json["settings"]["machine"]["cores"] = 64.into(), "machine is 2 cores of "),
    ];
    for (name, change, said) in changes {
        let b = write(folder.path(), name, change);
        let failure = run(&a, &b, false, false).0.expect_err("they differ");
        assert_eq!((failure.exit, failure.line.lines().count()), (Exit::Usage, 1), "{failure:?}");
        assert!(failure.line.starts_with(said) && failure.line.contains("--force"), "{failure:?}");
        let (exit, text) = run(&a, &b, true, false);
        assert_eq!(exit, Ok(Exit::Pass), "{text}");
        assert!(text.contains(&format!("note  compared all the same: {said}")), "{text}");
    }
}

#[test]
fn what_an_older_report_does_not_say_is_unknown_and_no_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |_| {});
    let old = write(folder.path(), "old", |json| {
        let settings = json["settings"].as_object_mut().expect("settings");
        settings.remove("machine");
        settings["scenario"].as_object_mut().expect("a scenario").retain(|_, value| !value.is_null());
    });
    let (exit, text) = run(&a, &old, false, false);
    assert_eq!(exit, Ok(Exit::Pass), "{text}");
    assert!(text.contains("note  unknown of a side, and taken to be the same: machine"), "{text}");
}

#[test]
fn a_load_that_was_calibrated_to_another_rate_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |_| {});
    let b = write(folder.path(), "b", |json| json["settings"]["peak_per_second"] = 50_000.0.into());
    let (_, text) = run(&a, &b, false, false);
    assert!(text.contains("led to 74,074 arrivals/s in A and 50,000 in B"), "{text}");
}

#[test]
fn a_run_that_others_disturbed_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |json| json["cpu"]["others_cores"] = 0.2.into());
    let b = write(folder.path(), "b", |json| {
        json["cpu"]["others_cores"] = 0.2.into();
        json["cpu"]["stolen_cores"] = 0.2.into();
    });
    let (_, text) = run(&a, &b, false, false);
    let notes: Vec<&str> = text.lines().filter(|line| line.starts_with("note ")).collect();
    assert_eq!(
        notes,
        [format!("note  others used 0.4 cores during {b}/report.json: repeat it before you believe it")]
    );
}

#[test]
fn what_cannot_be_read_ends_with_6_and_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = write(folder.path(), "a", |_| {});
    let newer = write(folder.path(), "newer", |json| json["schema_version"] = 99.into());
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("made");
    let torn = folder.path().join("torn.json");
    fs::write(&torn, "{\"settings\": ").expect("written");
    let other = folder.path().join("other.json");
    fs::write(&other, "{}").expect("written");
    let missing = folder.path().join("missing");
    for (path, why) in [
        (Path::new(&newer), "schema_version is 99"),
        (&empty, "neither it nor its subfolders"),
        (&torn, "EOF"),
        (&other, "neither a drill's report nor a curve"),
        (&missing, "No such file"),
    ] {
        let failure = run(&a, &path.display().to_string(), false, false).0.expect_err("unreadable");
        assert_eq!(failure.exit, Exit::CouldNotRun, "{failure:?}");
        assert!(failure.line.contains(why) && failure.line.contains("failed to read"), "{failure:?}");
    }
}

/// A curve in a folder of its own.
fn curve(folder: &Path, name: &str, goodput: f64, slo_ms: u64) -> String {
    let point = |times: f64, invalid: Option<&str>| {
        json!({
            "policy": "shed", "times": times, "goodput_per_second": goodput * times.min(1.0),
            "answered_p99_ms": 12.0, "refused_p99_ms": 3.0 * times, "refused": if times > 1.0 { 50 } else { 0 },
            "invalid": invalid,
        })
    };
    let points = [point(0.5, None), point(2.0, None), point(2.0, None), point(5.0, Some("late"))];
    let json = json!({
        "schema_version": 1, "peak_per_second": 10_000.0, "slo_ms": slo_ms, "added_cost_us": 0,
        "bulk_refusals": true, "credits": false, "points": points,
    });
    fs::create_dir_all(folder.join(name)).expect("made");
    fs::write(folder.join(name).join("curve.json"), json.to_string()).expect("written");
    folder.join(name).display().to_string()
}

#[test]
fn curves_are_compared_point_by_point_without_those_that_are_invalid() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (curve(folder.path(), "a", 9_900.0, 50), curve(folder.path(), "b", 7_000.0, 50));
    let (exit, text) = run(&a, &b, false, false);
    assert_eq!(exit, Ok(Exit::Missed), "{text}");
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |start: &[&str]| words.iter().find(|row| row.starts_with(start)).map(|row| row[row.len() - 1]);
    assert_eq!(row(&["peak,"]), Some("SAME"));
    assert_eq!(row(&["shed", "2x", "goodput,"]), Some("WORSE"));
    assert_eq!(row(&["shed", "2x", "refused"]), Some("SAME"));
    assert_eq!((row(&["shed", "0.5x", "refused"]), row(&["shed", "5x"])), (None, None));
    assert!(text.contains("1 invalid points"), "{text}");
}

#[test]
fn a_curve_is_held_against_a_curve_of_the_same_objective_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = curve(folder.path(), "a", 9_900.0, 50);
    let failure = run(&a, &curve(folder.path(), "b", 9_900.0, 20), false, false).0.expect_err("another slo");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.line.starts_with("slo_ms is 50 in "), "{failure:?}");
    let drill = write(folder.path(), "drill", |_| {});
    let failure = run(&a, &drill, true, false).0.expect_err("a drill");
    assert_eq!(failure.exit, Exit::Usage);
}
