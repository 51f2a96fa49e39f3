//! What is seen first: the verdict and why, the figures that matter most, and how to get the same again.

use jiff::Timestamp;

use super::again;
use super::facts::list;
use super::markup::Html;
use super::tables;
use crate::exit::Exit;
use crate::health::lossy;
use crate::report::figures::{grouped, percent, rounded};
use crate::report::model::Report;
use crate::report::words::{longest_gap, or_unknown, reserve_p99};
use crate::verdict::LEAST_ACHIEVED;

/// Everything above the curves.
pub(super) fn header(report: &Report, html: &mut Html) {
    let scenario = &report.settings.scenario;
    html.node("header", &[], |html| {
        html.say("p", "kicker", "Rehearsal of a sale");
        html.say("h1", "", &scenario.name);
        html.say("p", &format!("badge {}", class(report)), report.verdict);
        if !scenario.summary.is_empty() {
            html.say("p", "summary", &scenario.summary);
        }
        let reasons = reasons(report);
        if !reasons.is_empty() {
            html.node("ul", &[("class", "reasons")], |html| {
                for reason in &reasons {
                    html.say("li", "", reason);
                }
            });
        }
        html.node("dl", &[("class", "tiles")], |html| {
            for (name, value, is_bad) in tiles(report) {
                html.node("div", if is_bad { &[("class", "bad")] } else { &[] }, |html| {
                    html.say("dt", "", name);
                    html.say("dd", "", &value);
                });
            }
        });
        tables::losses(report, html);
        list("facts brief", facts(report), html);
        html.node("p", &[("class", "again")], |html| {
            html.text("The same again: ");
            html.node("code", &[], |html| {
                for (nth, part) in again::command(report).iter().enumerate() {
                    html.text(if nth == 0 { "" } else { " " });
                    html.say("span", "", part);
                }
            });
        });
        html.node("nav", &[("aria-label", "Sections")], |html| {
            let faults = (!report.faults.is_empty()).then_some(("faults", "Faults"));
            let sections = [("time", "Over time")].into_iter().chain(faults).chain([
                ("objectives", "Objectives"),
                ("audit", "Audit"),
                ("operations", "Operations"),
                ("phases", "Phases"),
                ("account", "Account"),
                ("generator", "Generator"),
                ("set-up", "Set-up"),
            ]);
            for (id, name) in sections {
                html.node("a", &[("href", &format!("#{id}"))], |html| html.text(name));
            }
        });
    });
}

/// The badge's look.
fn class(report: &Report) -> &'static str {
    match Exit::from_code(report.exit_code) {
        Some(Exit::Pass) => "pass",
        Some(Exit::Missed) => "missed",
        Some(Exit::Broken) => "broken",
        Some(Exit::Usage | Exit::Invalid | Exit::CouldNotRun | Exit::Interrupted) | None => "void",
    }
}

/// Why it isn't a pass, in the order in which the verdict is found.
fn reasons(report: &Report) -> Vec<String> {
    let broken = report.checks.iter().filter(|check| check.faults > 0).map(|check| {
        format!(
            "The audit's rule \"{}\" is broken {} times: {}.",
            check.name,
            grouped(check.faults),
            check.rule
        )
    });
    let lost = report.lost.iter().map(|why| format!("The target was lost: {why}"));
    let late = (report.send_lag_p99_ms > report.send_lag_limit_ms).then(|| {
        format!(
            "The generator was late: requests left {:.3} ms after they were due (p99), more than {:.1} ms.",
            report.send_lag_p99_ms, report.send_lag_limit_ms
        )
    });
    let due = lossy(report.requests + report.held_back);
    let sent = if due > 0.0 { lossy(report.requests) / due } else { 1.0 };
    let short = (sent < LEAST_ACHIEVED)
        .then(|| format!("The generator was the bottleneck: it sent {} of what was due.", percent(sent)));
    let missed = report.objectives.iter().filter(|objective| !objective.met).map(|objective| {
        let measured = objective.measured.map_or_else(|| "nothing".to_owned(), |value| format!("{value:.3}"));
        format!("Objective {}: {measured}, limit {}.", objective.name, objective.limit)
    });
    broken.chain(lost).chain(late).chain(short).chain(missed).collect()
}

/// A name, a value, and whether it says that something is broken.
fn tiles(report: &Report) -> Vec<(&'static str, String, bool)> {
    let is_some = |count: Option<u64>| count.is_some_and(|count| count > 0);
    let mut tiles = vec![
        ("oversold", or_unknown(report.oversold_units), is_some(report.oversold_units)),
        ("lost", or_unknown(report.lost_effects), is_some(report.lost_effects)),
        ("goodput, per s", rounded(report.goodput_per_second), false),
        ("reserve p99", reserve_p99(report), false),
    ];
    tiles.extend(longest_gap(report).map(|gap| ("longest gap", gap, false)));
    tiles.extend(report.stock.as_ref().map(|stock| {
        let sold = lossy(stock.sold_units) / lossy(stock.stocked_units.max(1));
        ("units sold", percent(sold), false)
    }));
    tiles
}

/// When, what and where.
fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let settings = &report.settings;
    let started = i64::try_from(settings.started_at_unix_ms).ok().map(Timestamp::from_millisecond);
    let started = match started {
        Some(Ok(started)) => started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Some(Err(_)) | None => "unknown".to_owned(),
    };
    vec![
        ("started", started),
        ("target", settings.target.clone()),
        ("durability", settings.durability.clone()),
        ("shards", settings.shards.to_string()),
        ("peak", format!("{} arrivals/s", rounded(settings.peak_per_second))),
        ("seed", settings.scenario.seed.to_string()),
    ]
}
