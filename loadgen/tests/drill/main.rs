//! The real executable: whole drills against its own server, and against servers that lie.
//!
//! Latency objectives are out of reach on purpose: a test fails on broken correctness, never on a slow machine.

mod ci;
mod faults;
mod knee;
mod liar;
mod program;
mod protected;
mod rules;

use std::path::Path;

use liar::{Liar, Lie};
use program::{Drill, Serving, scenario, small};

/// The JSON report of a finished drill.
fn report(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn broken(report: &serde_json::Value, check: &str) -> u64 {
    of_check(report, check, "faults")
}

fn of_check(report: &serde_json::Value, check: &str, key: &str) -> u64 {
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|row| row["name"] == check).expect("that check");
    found[key].as_u64().expect("a count")
}

#[test]
fn a_drill_with_its_own_server_passes_and_leaves_every_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let drill = Drill::with(folder.path(), &scenario(|text| text));
    let ended = drill.run(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("OVERSOLD 0 · LOST 0 · goodput "), "{}", ended.stdout);
    for word in ["time_scale 0.001", "durability always", "p99.99", "verdict     PASS", "stocked"] {
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
    for check in ["answers", "counts", "orders", "holds", "stock", "limits", "payments", "log", "refusals"] {
        assert_eq!(broken(&report, check), 0);
    }
    assert!(report["stock"]["sold_units"].as_u64().is_some_and(|sold| sold > 0), "{}", report["stock"]);
    let path = drill.report();
    let path = path.to_str().expect("a name in UTF-8");
    let compared = program::run(&["compare", path, path]);
    assert_eq!(compared.code, 0, "{compared:?}");
    assert!(compared.stdout.contains("0 WORSE, 0 BETTER, "), "{}", compared.stdout);
    for file in
        ["report.txt", "report.html", "junit.xml", "reserve.hlog", "reserve-ok.hgrm", "confirm-ok.hgrm"]
    {
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
    against_with(lie, &scenario(|text| text))
}

fn against_with(lie: Lie, scenario: &str) -> (i32, serde_json::Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let address = Liar::start(lie);
    let drill = Drill::with(folder.path(), scenario);
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
    assert!(broken(&report, "orders") > 0 && report["lost_effects"].as_u64().is_some_and(|lost| lost > 0));
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
    assert!(broken(&report, "answers") > 0);
}

#[test]
fn a_server_that_forgets_what_is_to_be_refunded_ends_with_4() {
    let text = small("pay-chaos", CHAOS);
    let (honest, report) = against_with(Lie::None, &text);
    assert_eq!(honest, 0, "{report:#}");
    let (code, report) = against_with(Lie::ForgetsRefunds, &text);
    assert_eq!(code, 4, "{report:#}");
    assert!(broken(&report, "payments") > 0);
}

#[test]
fn a_server_that_decides_nothing_misses_its_objective_and_ends_with_3() {
    let (code, report) = against(Lie::AlwaysBusy);
    assert_eq!(code, 3, "{report:#}");
    // Those who are told to try again do so within their budget, a tenth of all requests.
    let count = |key: &str| report[key].as_u64().expect("a count");
    let (retries, given_up, requests) = (count("retries"), count("given_up"), count("requests"));
    assert!(retries > 0 && given_up > 0 && retries * 10 <= requests, "{retries} {given_up} {requests}");
}

#[test]
fn saturate_loads_its_own_server_in_every_mode() {
    for extra in [
        &["--op", "reserve"][..],
        &["--op", "sold-out"],
        &["--op", "two-lines"],
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

/// Payments that go wrong far more often than in the scenario itself.
const CHAOS: &[(&str, &str)] = &[
    ("peak_per_second = 6000", "peak_per_second = 600"),
    ("seconds = 25", "seconds = 1.5"),
    ("seconds = 8", "seconds = 0.5"),
    ("seconds = 2\n", "seconds = 0.2\n"),
    ("time_scale = 0.01", "time_scale = 0.001"),
    ("skus = 300", "skus = 10"),
    ("units = 90000", "units = 500"),
    ("duplicate_share = 0.05", "duplicate_share = 0.3"),
    ("out_of_order_share = 0.02", "out_of_order_share = 0.2"),
    ("late_share = 0.01", "late_share = 0.2"),
    ("double_share = 0.005", "double_share = 0.2"),
];

/// The report of a small drill of a built-in scenario against its own server; it passes.
fn passes(name: &str, changes: &[(&str, &str)]) -> (serde_json::Value, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let drill = Drill::with(folder.path(), &small(name, changes));
    let ended = drill.run(&["--durability", "none"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    (report(&drill.report()), ended.stdout)
}

#[test]
fn those_who_wait_get_what_others_leave_until_everything_is_paid() {
    let (report, text) = passes(
        "single-hot",
        &[
            ("peak_per_second = 25000", "peak_per_second = 1000"),
            ("seconds = 20", "seconds = 1"),
            ("seconds = 40", "seconds = 1"),
            ("seconds = 2\n", "seconds = 0.2\n"),
            ("time_scale = 0.01", "time_scale = 0.001"),
            ("wait_seconds = 10800", "wait_seconds = 86400"),
            ("units = 10000", "units = 80"),
            ("share = 0.03", "share = 0.5"),
        ],
    );
    let count = |table: &str, key: &str| report[table][key].as_u64().expect("a count");
    assert_eq!((count("stock", "sold_units"), count("stock", "stocked_units")), (80, 80));
    assert_eq!(count("money", "bought_minor"), 80 * 9_900);
    assert!(count("waited", "offered") > 0 && count("waited", "waiting") > 0, "{}", report["waited"]);
    assert_eq!((broken(&report, "waitlist"), broken(&report, "refusals")), (0, 0));
    let examined = |check: &str| of_check(&report, check, "examined");
    assert!(examined("waitlist") > 0 && examined("refusals") > 0, "{}", report["checks"]);
    assert!(
        report["release_lag"]["holds"].as_u64().is_some_and(|holds| holds > 0),
        "{}",
        report["release_lag"]
    );
    for word in ["waitlist", "release lag", "sell_through"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
}

#[test]
fn every_cent_of_payments_that_go_wrong_is_found_again() {
    let (report, text) = passes("pay-chaos", CHAOS);
    let money = &report["money"];
    let sum = |key: &str| money[key].as_u64().expect("an amount");
    assert_eq!(sum("paid_minor"), sum("bought_minor") + sum("refund_minor"), "{money}");
    assert!(sum("refund_minor") > 0 && text.contains("0.00 undecided"), "{text}");
    let outcomes = report["operations"].as_array().expect("rows");
    for outcome in ["REPLAYED", "REFUND_REQUIRED", "REACQUIRED"] {
        assert!(outcomes.iter().any(|row| row["outcome"] == outcome), "{outcome} is missing in\n{text}");
    }
}

#[test]
fn all_lines_of_an_order_are_there_or_none() {
    let (report, text) = passes(
        "multi-line",
        &[
            ("peak_per_second = 2000", "peak_per_second = 400"),
            ("seconds = 30\n", "seconds = 2\n"),
            ("time_scale = 0.01", "time_scale = 0.001"),
            ("skus = 400", "skus = 40"),
            ("units = 160000", "units = 3000"),
            ("users = 20000", "users = 500"),
        ],
    );
    let count = |key: &str| report["baskets"][key].as_u64().expect("a count");
    for key in ["over_shards", "same_sku", "gifts", "part_paid", "cut", "swapped"] {
        assert!(count(key) > 0, "{key} in {}", report["baskets"]);
    }
    assert!(count("lines") > 2 * count("orders"), "{}", report["baskets"]);
    for check in ["lines", "together", "stock", "limits", "payments", "log"] {
        assert_eq!(broken(&report, check), 0);
        assert!(of_check(&report, check, "examined") > 0, "{check}");
    }
    assert!(text.contains("over several of"), "{text}");
}

#[test]
fn channels_keep_their_guarantees_until_the_release() {
    let (report, text) = passes(
        "channels",
        &[
            ("peak_per_second = 3000", "peak_per_second = 600"),
            ("name = \"guaranteed\"\nseconds = 20", "name = \"guaranteed\"\nseconds = 1"),
            ("name = \"released\"\nseconds = 20", "name = \"released\"\nseconds = 2"),
            ("release_seconds = 20", "release_seconds = 1"),
            ("at_seconds = 10", "at_seconds = 0.5"),
            ("time_scale = 0.01", "time_scale = 0.001"),
            ("units = 40000", "units = 600"),
            ("units = 2000\n", "units = 40\n"),
            // What is left at the end is a matter of chance in a sale as short as this.
            ("leftover_share = 0.03", "leftover_share = 1"),
        ],
    );
    let rows = report["channels"].as_array().expect("rows");
    let of = |row: usize, key: &str| rows[row][key].as_u64().expect("a count");
    assert_eq!([0, 1, 2].map(|row| of(row, "channel")), [1, 2, 3]);
    assert!(of(2, "exhausted") > 0, "the hog is refused: {rows:?}");
    let sum: u64 = [0, 1, 2].map(|row| of(row, "taken_units")).iter().sum();
    assert_eq!(report["stock"]["sold_units"], sum, "every unit went through a channel");
    assert_eq!(report["moves"].as_array().map(Vec::len), Some(1));
    assert!(broken(&report, "channels") == 0 && of_check(&report, "channels", "examined") > 600);
    assert!(text.contains("at release") && text.contains("rebalance"), "{text}");
}

#[test]
fn a_campaign_opens_at_one_instant_and_no_price_is_mixed() {
    let (report, text) = passes(
        "price-cutover",
        &[
            ("peak_per_second = 4000", "peak_per_second = 600"),
            ("name = \"at-the-door\"\nseconds = 5", "name = \"at-the-door\"\nseconds = 1"),
            ("name = \"first-prices\"\nseconds = 10", "name = \"first-prices\"\nseconds = 1"),
            ("name = \"second-prices\"\nseconds = 10", "name = \"second-prices\"\nseconds = 1"),
            ("name = \"third-prices\"\nseconds = 10", "name = \"third-prices\"\nseconds = 1"),
            ("opens_seconds = 5", "opens_seconds = 1"),
            ("[15, 25]", "[2, 3]"),
            ("stale_seconds = 3", "stale_seconds = 1"),
            ("reload_seconds = 0.5", "reload_seconds = 0.1"),
            ("time_scale = 0.01", "time_scale = 0.001"),
        ],
    );
    let examined = of_check(&report, "prices", "examined");
    assert!(broken(&report, "prices") == 0 && examined > 600, "{}", report["checks"]);
    assert!(text.contains("NOT_STARTED") && text.contains("PRICE_CHANGED"), "{text}");
    // What was paid is less than the first version's price for each, and more than the last one's.
    let (paid, money) = (report["money"]["payments"].as_u64(), report["money"]["paid_minor"].as_u64());
    let (paid, money) = (paid.expect("a count"), money.expect("a sum"));
    assert!(money < paid * 9_900 && money > paid * 9_306, "{paid} payments of {money}");
}

#[test]
fn a_budget_pays_as_many_discounts_as_it_has_and_no_more() {
    let (report, _) = passes(
        "coupon-run",
        &[
            ("peak_per_second = 25000", "peak_per_second = 2000"),
            ("name = \"run\"\nseconds = 2", "name = \"run\"\nseconds = 1"),
            ("seconds = 28\nrate = 0.04", "seconds = 2\nrate = 0.5"),
            ("discounts = 1000", "discounts = 100"),
            ("time_scale = 0.005", "time_scale = 0.0005"),
            // Whether the last one is paid is a matter of chance in a sale as short as this.
            ("budget_spent = 1", "budget_spent = 0.5"),
        ],
    );
    assert!(broken(&report, "budgets") == 0 && of_check(&report, "budgets", "examined") > 1_000);
    assert!(report["stock"]["sold_units"].as_u64().is_some_and(|sold| (50..=100).contains(&sold)));
}

#[test]
fn units_that_come_in_go_to_those_who_wait_and_then_to_newcomers() {
    let (report, text) = passes(
        "restock-waves",
        &[
            ("peak_per_second = 8000", "peak_per_second = 800"),
            ("seconds = 60", "seconds = 3"),
            ("time_scale = 0.01", "time_scale = 0.001"),
            ("skus = 20", "skus = 2"),
            ("units = 20000", "units = 200"),
            ("at_seconds = 10\n", "at_seconds = 0.5\n"),
            ("at_seconds = 20\n", "at_seconds = 1\n"),
            ("at_seconds = 30\n", "at_seconds = 1.5\n"),
            ("at_seconds = 40\n", "at_seconds = 2\n"),
            ("at_seconds = 50\n", "at_seconds = 2.5\n"),
        ],
    );
    let deliveries = report["deliveries"].as_array().expect("a list");
    assert_eq!(deliveries.iter().map(|row| row["units"].as_u64()).collect::<Vec<_>>(), [Some(200); 5]);
    assert_eq!(report["stock"]["stocked_units"], 1_200);
    assert_eq!((broken(&report, "waitlist"), broken(&report, "refusals")), (0, 0));
    let examined = |check: &str| of_check(&report, check, "examined");
    assert!(examined("waitlist") > 0 && examined("refusals") > 0, "{}", report["checks"]);
    assert_eq!(text.lines().filter(|line| line.starts_with("delivery ")).count(), 5, "{text}");
    // Half of those who wait are told, the others look.
    let operations = report["operations"].as_array().expect("rows");
    for operation in ["watch", "push", "poll"] {
        let known = |row: &&serde_json::Value| row["operation"] == operation && row["outcome"] == "OK";
        let row = operations.iter().find(known).unwrap_or_else(|| panic!("no {operation} in\n{text}"));
        assert!(row["count"].as_u64().is_some_and(|count| count > 0), "{row}");
    }
}

#[test]
fn orders_that_left_memory_on_the_way_are_audited_by_the_log() {
    let (report, text) = passes(
        "soak",
        &[
            ("peak_per_second = 8000", "peak_per_second = 300"),
            ("seconds = 12\n", "seconds = 0.3\n"),
            ("time_scale = 0.0016667", "time_scale = 0.0002"),
            ("deadline_ms = 4000", "deadline_ms = 60000"),
            ("resident_growth_mib = 8", "resident_growth_mib = 100000"),
        ],
    );
    assert_eq!((broken(&report, "orders"), broken(&report, "holds"), broken(&report, "log")), (0, 0, 0));
    assert_eq!(report["stock"]["held_units"], 0);
    assert!(report["resident"]["most_mib"].as_f64().is_some_and(|mib| mib > 1.0), "{}", report["resident"]);
    assert!(text.contains("\nmemory ") && text.contains("\nlog "), "{text}");
}

#[test]
fn a_run_that_the_generator_could_not_keep_up_with_ends_with_5() {
    // Ten million requests a second, on one connection, each encoded by itself: a hundred nanoseconds each is less than
    // any processor needs, and a twentieth of 20 ms is what they may be late.
    let impossible = scenario(|text| {
        text.replace("peak_per_second = 1500", "peak_per_second = 10000000")
            .replace("connections = 8", "connections = 1")
            .replace("read_share = 0.2", "read_share = 1")
            .replace("seconds = 0.5", "seconds = 0.02")
            .replace("seconds = 0.2", "seconds = 0.01")
            .replace("p99_ms = 600000", "p99_ms = 20")
            .replace("units = \"auto\"", "units = 1000")
    });
    let folder = tempfile::tempdir().expect("a folder");
    let drill = Drill::with(folder.path(), &impossible);
    let ended = drill.run(&["--durability", "none"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.stdout.contains("verdict     INVALID RUN (exit code 5)"), "{}", ended.stdout);
}

#[test]
fn the_list_names_every_built_in_scenario_and_a_name_runs_it() {
    let ended = program::run(&["list"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let names: Vec<&str> = ended.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let known: Vec<&str> = doorbuster_loadgen::scenario::BUILT_IN.iter().map(|found| found.name).collect();
    assert_eq!(names, known);
    assert_eq!((names[0], names.len()), ("doors-open", 24));
    let unknown = program::run(&["run", "no-such-sale"]);
    assert_eq!((unknown.code, unknown.stderr.lines().count()), (2, 1), "{unknown:?}");
    assert!(unknown.stderr.contains("restock-waves"), "{}", unknown.stderr);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report");
    let report = report.to_str().expect("text");
    let options = ["--duration", "1", "--peak", "200", "--time-scale", "0.001", "--durability", "none"];
    let ended = program::run(&[&["run", "pay-chaos", "--report", report], &options[..]].concat());
    assert!(ended.stdout.contains("scenario    pay-chaos, seed 85900; 1 s"), "{ended:?}");
}
