//! The page, from figures that were made up.

use doorbuster_protocol::Code;

use super::render;
use crate::audit::{ChannelTotals, StockTotals};
use crate::drill::{Delivery, Move};
use crate::program::Program;
use crate::recorder::Operation;
use crate::report::model::{CheckRow, Report};
use crate::report::tests::report;
use crate::report::{FaultRow, LossRow, UpgradeRow};
use crate::resident::MemoryRow;
use crate::verdict::Objective;

/// Elements that are open at the end of a text, whose tags must be balanced and whose attributes must be quoted: all that
/// an XML parser demands of a page without entities of its own.
fn open_elements(page: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>') || tag == "style", "{piece}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "in {piece}");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{piece}");
        let attributes = tag[name.len()..].trim_end_matches('/');
        // name="value" name="value": quotes at the odd places.
        for (nth, part) in attributes.split('"').enumerate() {
            let is_name = part.trim().is_empty() || part.trim().ends_with('=');
            assert!(nth % 2 == 1 || is_name, "{part} in {piece}");
        }
        for entity in piece.split('&').skip(1) {
            let (name, _) = entity.split_once(';').expect("an entity ends");
            assert!(["amp", "lt", "gt", "quot", "#39", "#10"].contains(&name), "&{name};");
        }
        if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    open
}

/// A drill in which everything happened.
fn eventful() -> Report {
    let answers: Vec<(Operation, Code, u64, u64)> = (0..28)
        .flat_map(|second| {
            let slow = if second == 12 { 900 } else { 3 + second };
            [
                (Operation::Reserve, Code::Ok, second, slow),
                (Operation::Reserve, Code::SoldOut, second, 1),
                (Operation::Confirm, Code::Ok, second, 5),
            ]
        })
        .collect();
    let mut report = report(&answers);
    (report.verdict, report.exit_code) = ("OBJECTIVE MISSED", 3);
    let fault = |kind: &str, at_s: f64, recovery_s| FaultRow {
        kind: kind.to_owned(),
        at_s,
        until_s: at_s + 1.5,
        before_share: 0.999,
        lowest_share: 0.25,
        recovery_s,
        limit_s: Some(5.0),
        upgrade: None,
    };
    report.faults =
        vec![fault("pause", 5.0, Some(1.0)), fault("kill", 11.0, Some(7.25)), fault("slow-disk", 12.0, None)];
    let loss =
        |name, share| LossRow { name, what: "sold and not delivered", share, budget: 0.000_3, gated: true };
    report.losses = vec![loss("L1", Some(0.000_1)), loss("L2", Some(0.001)), loss("L3", None)];
    report.deliveries = vec![Delivery {
        at_s: 15.0,
        acknowledged_ms: 2.5,
        units: 5_000,
        refused: 0,
        waiting: 17,
        position: 99,
    }];
    report.moves = vec![Move { at_s: 18.0, from: 1, to: 2, asked_units: 300, units: 200, refused: 1 }];
    report.memory = (0..56_u32)
        .map(|at| MemoryRow { at_s: f64::from(at) / 2.0, resident_mib: 40.0 + f64::from(at) })
        .collect();
    report.objectives = vec![
        Objective::at_most("reserve_p99_ms", 250.0, Some(901.0)),
        Objective::at_most("confirm_p99_ms", 250.0, Some(6.0)),
        Objective::at_most("release_lag_p99_ms", 20.0, None),
    ];
    report.channels = vec![ChannelTotals { channel: 7, requests: 12_345, ..ChannelTotals::default() }];
    report.stock = Some(StockTotals { stocked_units: 250, sold_units: 240, ..StockTotals::default() });
    report.checks = vec![CheckRow {
        name: "log",
        rule: "the log holds every acknowledged effect",
        examined: 1_000,
        faults: 2,
        examples: vec!["order 5 of user 7 is <unknown>".to_owned()],
    }];
    report
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    for report in [eventful(), report(&[])] {
        let page = render(&report);
        assert_eq!(open_elements(&page), [""; 0]);
        for outside in ["http:", "https:", "//", "url(", "@import", "<script", "<link", "<img", "src="] {
            assert!(!page.contains(outside), "{outside} is in the page");
        }
    }
}

#[test]
fn every_phase_fault_loss_objective_and_rule_is_on_the_page() {
    let report = eventful();
    let page = render(&report);
    let phases = report.phases.iter().map(|phase| phase.name.as_str());
    let rows = [
        "F1 pause",
        "F2 kill: 11 to 12.5 s",
        "F3 slow-disk: 12",
        "NOT RECOVERED",
        "7.2",
        "L1",
        "L2",
        "L3",
        "OVER BUDGET",
    ];
    let said = [
        "OBJECTIVE MISSED",
        "reserve_p99_ms: 901.000, limit 250",
        "not measured",
        "12,345",
        "96 %",
        "restock: 5,000 units at 15.0 s",
        "rebalance: 200 units from channel 1 to 2",
        "BROKEN 2x",
        "order 5 of user 7 is &lt;unknown&gt;",
        "SOLD_OUT",
        "resident memory",
        "2023-11-14 22:13:20 UTC",
        "<span>doorbuster-drill run doors-open</span> <span>--seed 20201111</span> <span>--peak 74073.6</span>",
    ];
    for text in phases.chain(rows).chain(said) {
        assert!(page.contains(text), "{text} is not on the page");
    }
}

#[test]
fn a_name_that_is_markup_does_nothing() {
    let mut report = eventful();
    let evil = "<script>alert('\"&')</script>";
    let settings = &mut report.settings;
    settings.scenario.name = evil.to_owned();
    settings.scenario.summary = evil.to_owned();
    settings.target = evil.to_owned();
    settings.machine.cpu = Some(evil.to_owned());
    report.phases[1].name = evil.to_owned();
    report.faults[0].kind = evil.to_owned();
    report.lost = Some(evil.to_owned());
    let page = render(&report);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&#39;&quot;&amp;"), "{page}");
    assert_eq!(open_elements(&page), [""; 0]);
}

#[test]
fn a_drill_that_measured_no_second_has_a_page_that_says_so() {
    let mut report = report(&[]);
    report.lost = Some("connection refused".to_owned());
    (report.verdict, report.exit_code) = ("COULD NOT RUN", 6);
    assert!(report.seconds.is_empty());
    let page = render(&report);
    for text in ["No second was measured", "COULD NOT RUN", "connection refused", "could not be audited"] {
        assert!(page.contains(text), "{text} is not in\n{page}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn the_same_report_gives_the_same_page_and_every_coordinate_is_a_number() {
    let page = render(&eventful());
    assert_eq!(page, render(&eventful()));
    assert!(!page.contains("NaN"), "{page}");
}

#[test]
fn a_changed_scenario_is_repeated_with_its_changes() {
    let mut report = report(&[]);
    let scenario = &mut report.settings.scenario;
    scenario.phases.iter_mut().for_each(|phase| phase.seconds *= 0.5);
    scenario.time_scale = 0.02;
    scenario.stock.units = crate::scenario::Auto::Given(5_000.0);
    let said = |report: &Report| super::again::command(report).join(" ");
    let options = "--peak 74073.6 --duration 14 --time-scale 0.02 --stock 5000 --durability always";
    assert_eq!(said(&report), format!("doorbuster-drill run doors-open --seed 20201111 {options}"));
    report.settings.scenario.shoppers.users += 1;
    report.settings.embedded = false;
    report.settings.target = "the server at shop:7700".to_owned();
    let own = "doorbuster-drill run doors-open.toml --seed 20201111 --peak 74073.6 --target shop:7700";
    assert_eq!(said(&report), own, "a file of one's own, and a server that is somewhere");
}

#[test]
fn an_upgrade_is_told_and_repeated_with_its_programs() {
    let program = |path: &str, version: &str| {
        Program::that_says(path.into(), version.to_owned()).expect("a doorbuster's version")
    };
    let row = UpgradeRow {
        from: program("/old/doorbuster", "doorbuster 0.1.0"),
        to: program("/new/doorbuster", "doorbuster 0.2.0"),
        longest_gap_s: Some(0.307),
        gap_at_s: Some(8.01),
        refused_s: 0.026,
        refused_at_s: Some(8.002),
        stop_s: 0.023,
        start_s: 0.18,
        sent_again: 4_170,
    };
    let mut report = eventful();
    report.lost_effects = Some(0);
    report.faults[1].upgrade = Some(row.clone());
    let page = render(&report);
    for part in [
        "from doorbuster 0.1.0 (/old/doorbuster) to doorbuster 0.2.0 (/new/doorbuster)",
        "longest gap between two answers 307 ms from 8.010 s on; new connections refused for 26 ms from 8.002 s on; the first \
         program stopped within 23 ms, the next one was ready after 180 ms; 4,170 requests sent again, lost 0",
        "<dt>longest gap</dt><dd>307 ms</dd>",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    let again = super::again::command(&report).join(" ");
    assert!(again.contains(" --server /old/doorbuster --next-server /new/doorbuster"), "{again}");

    let (to, drill) = (row.to.clone(), program("/new/doorbuster-drill", "doorbuster-drill 0.2.0"));
    report.faults[1].upgrade = Some(UpgradeRow { to: drill, ..row.clone() });
    let unknown = UpgradeRow { longest_gap_s: None, gap_at_s: None, refused_at_s: None, to, ..row };
    report.faults[2].upgrade = Some(unknown);
    let page = render(&report);
    assert!(page.contains("longest gap between two answers ?; new connections refused never"), "{page}");
    assert!(page.contains("<dt>longest gap</dt><dd>?</dd>"), "what isn't known may be the longest: {page}");
    let again = super::again::command(&report).join(" ");
    assert!(
        again.contains("--server /old") && !again.contains("--next-server"),
        "a drill's own copy: {again}"
    );
}

#[test]
fn curves_say_in_words_what_they_show() {
    let page = render(&eventful());
    for label in
        ["Curves of requests and answers per second: at most 3 offered", "in the worst second p50 901"]
    {
        assert!(page.contains(label), "{label} is not in\n{page}");
    }
}
