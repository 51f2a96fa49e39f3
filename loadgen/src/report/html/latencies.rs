//! Operations with their outcomes and percentiles: of the whole drill, and phase by phase.

use super::markup::Html;
use super::table::{Cell, Groups, Head, table};
use crate::health::lossy;
use crate::report::figures::{grouped, milliseconds, rate, seconds};
use crate::report::model::{OperationRow, Percentiles, PhaseRow, Report};

/// What a percentile's column shows.
type Of = fn(&Percentiles) -> f64;

/// Columns of each kind of times.
const TIMES: [(&str, Of); 6] = [
    ("p50", |times| times.p50),
    ("p90", |times| times.p90),
    ("p99", |times| times.p99),
    ("p99.9", |times| times.p99_9),
    ("p99.99", |times| times.p99_99),
    ("max", |times| times.max),
];

const GROUPS: &Groups = &[("", 4), ("response time, ms", TIMES.len()), ("service time, ms", TIMES.len())];

/// Of the whole drill.
pub(super) fn whole(report: &Report, html: &mut Html) {
    html.node("section", &[("id", "operations")], |html| {
        html.say("h2", "", "Operations");
        let note = "Response time counts from when a request was due, service time from when it was sent. If they differ \
                    much, somebody was waiting: the shoppers for the server, or the generator for a processor.";
        html.say("p", "note", note);
        if report.operations.is_empty() {
            html.say("p", "none", "Nothing was answered.");
            return;
        }
        rows("Operations of the whole drill", &report.operations, html);
    });
}

/// A row for each phase, and each phase's operations to be opened.
pub(super) fn phases(report: &Report, html: &mut Html) {
    html.node("section", &[("id", "phases")], |html| {
        html.say("h2", "", "Phases");
        html.say(
            "p",
            "note",
            "A request belongs to the phase in which it was due, whenever its answer came.",
        );
        let heads = [
            Head::Figure(""),
            Head::Words("phase"),
            Head::Figure("from, s"),
            Head::Figure("until, s"),
            Head::Figure("sent"),
            Head::Figure("per s"),
            Head::Figure("unanswered"),
            Head::Figure("reserves OK"),
            Head::Figure("p50, ms"),
            Head::Figure("p99, ms"),
            Head::Figure("p99.9, ms"),
        ];
        let all = (1_usize..).zip(&report.phases).map(|(nth, phase)| summary(nth, phase));
        table("Phases", &[], &heads, all, html);
        for phase in report.phases.iter().filter(|phase| !phase.operations.is_empty()) {
            html.node("details", &[], |html| {
                html.say("summary", "", &format!("Operations: {}", phase.name));
                rows(&format!("Operations of {}", phase.name), &phase.operations, html);
            });
        }
    });
}

fn summary(nth: usize, phase: &PhaseRow) -> Vec<Cell> {
    let length = phase.ends_s - phase.begins_s;
    let per_second = if length > 0.0 { rate(lossy(phase.requests) / length) } else { "-".to_owned() };
    let sold = phase.operations.iter().find(|row| row.operation == "reserve" && row.outcome == "OK");
    let times = sold.and_then(|row| row.response_us);
    let time = |of: Of| times.map_or_else(|| "-".to_owned(), |times| milliseconds(of(&times)));
    let figures = [
        seconds(phase.begins_s),
        seconds(phase.ends_s),
        grouped(phase.requests),
        per_second,
        grouped(phase.unanswered),
        grouped(sold.map_or(0, |row| row.count)),
        time(|times| times.p50),
        time(|times| times.p99),
        time(|times| times.p99_9),
    ];
    let first = [Cell::Figure(nth.to_string()), Cell::Words(phase.name.clone())];
    first.into_iter().chain(figures.map(Cell::Figure)).collect()
}

fn rows(label: &str, rows: &[OperationRow], html: &mut Html) {
    let first =
        [Head::Words("operation"), Head::Words("outcome"), Head::Figure("count"), Head::Figure("per s")];
    let times = TIMES.iter().chain(&TIMES).map(|(name, _)| Head::Figure(name));
    let heads: Vec<Head> = first.into_iter().chain(times).collect();
    let cells = rows.iter().map(|row| {
        let times = [row.response_us, row.service_us].into_iter().flat_map(|found| {
            TIMES.map(|(_, of)| found.map_or_else(String::new, |times| milliseconds(of(&times))))
        });
        let first = [
            Cell::Words(row.operation.to_owned()),
            Cell::Words(row.outcome.clone()),
            Cell::Figure(grouped(row.count)),
            Cell::Figure(rate(row.rate_per_second)),
        ];
        first.into_iter().chain(times.map(Cell::Figure)).collect()
    });
    table(label, GROUPS, &heads, cells, html);
}
