//! What was demanded and whether it was met: losses, faults, objectives, the audit.

use super::course::short_of_fault;
use super::facts::list;
use super::markup::Html;
use super::table::{Cell, Head, table};
use crate::report::figures::{grouped, percent, seconds};
use crate::report::model::Report;
use crate::report::words;

/// The kinds of loss against their budgets; nothing where the scenario has none.
pub(super) fn losses(report: &Report, html: &mut Html) {
    if report.losses.is_empty() {
        return;
    }
    let heads = [
        Head::Words("loss"),
        Head::Words("of what"),
        Head::Figure("measured"),
        Head::Figure("budget"),
        Head::Words(""),
    ];
    let rows = report.losses.iter().map(|row| {
        let over = row.share.is_some_and(|share| share > row.budget);
        let word = match (row.share, over, row.gated) {
            (None, ..) => Cell::Open("unknown".to_owned()),
            (_, false, _) => Cell::Good("within".to_owned()),
            (_, true, true) => Cell::Bad("OVER BUDGET".to_owned()),
            (_, true, false) => Cell::Open("over, only said".to_owned()),
        };
        vec![
            Cell::Words(row.name.to_owned()),
            Cell::Words(row.what.to_owned()),
            Cell::Figure(row.share.map_or_else(|| "?".to_owned(), percent)),
            Cell::Figure(percent(row.budget)),
            word,
        ]
    });
    table("Losses against the budget", &[], &heads, rows, html);
}

/// What was done to the server on purpose; nothing where nothing was.
pub(super) fn faults(report: &Report, html: &mut Html) {
    if report.faults.is_empty() {
        return;
    }
    html.node("section", &[("id", "faults")], |html| {
        html.say("h2", "", "Faults");
        let note = "Shares are of the requests that were due and decided in time. Recovery counts from the end of the fault \
                    until a second began in which the share was 97 % of what it was before.";
        html.say("p", "note", note);
        let heads = [
            Head::Words(""),
            Head::Words("fault"),
            Head::Figure("from, s"),
            Head::Figure("until, s"),
            Head::Figure("before"),
            Head::Figure("lowest"),
            Head::Figure("recovery, s"),
            Head::Figure("limit, s"),
            Head::Words(""),
        ];
        let rows = (1_usize..).zip(&report.faults).map(|(nth, fault)| {
            let word = match (fault.recovery_s, fault.limit_s) {
                (Some(took), Some(limit)) if took <= limit => Cell::Good("met".to_owned()),
                (Some(_), Some(_)) => Cell::Bad("MISSED".to_owned()),
                (None, Some(_)) => Cell::Bad("NOT RECOVERED".to_owned()),
                (Some(_), None) => Cell::Open("no limit".to_owned()),
                (None, None) => Cell::Open("not recovered".to_owned()),
            };
            let or_dash = |s: Option<f64>| s.map_or_else(|| "-".to_owned(), seconds);
            vec![
                Cell::Words(short_of_fault(nth)),
                Cell::Words(fault.kind.clone()),
                Cell::Figure(seconds(fault.at_s)),
                Cell::Figure(seconds(fault.until_s)),
                Cell::Figure(percent(fault.before_share)),
                Cell::Figure(percent(fault.lowest_share)),
                Cell::Figure(or_dash(fault.recovery_s)),
                Cell::Figure(or_dash(fault.limit_s)),
                word,
            ]
        });
        table("Faults and recoveries", &[], &heads, rows, html);
        let upgrades = words::upgrades(report);
        if !upgrades.is_empty() {
            list("facts", upgrades, html);
        }
    });
}

/// Emergency plans that the server carried out.
pub(super) fn plans(report: &Report, html: &mut Html) {
    if report.plans.is_empty() {
        return;
    }
    html.node("section", &[("id", "plans")], |html| {
        html.say("h2", "", "Emergency plans");
        let heads = [
            Head::Words("plan"),
            Head::Figure("at, s"),
            Head::Words("cause"),
            Head::Words("actions"),
            Head::Words("at the end"),
        ];
        let rows = report.plans.iter().map(|row| {
            vec![
                Cell::Words(row.plan.clone()),
                Cell::Figure(seconds(row.at_s)),
                Cell::Words(row.cause.clone()),
                Cell::Words(row.steps.join("; ")),
                Cell::Words(row.state.clone()),
            ]
        });
        table("Emergency plans that were carried out", &[], &heads, rows, html);
    });
}

/// What must be reached for the drill to pass.
pub(super) fn objectives(report: &Report, html: &mut Html) {
    html.node("section", &[("id", "objectives")], |html| {
        html.say("h2", "", "Objectives");
        let heads =
            [Head::Words("objective"), Head::Figure("measured"), Head::Figure("limit"), Head::Words("")];
        let rows = report.objectives.iter().map(|objective| {
            let (measured, word) = match objective.measured {
                None => ("-".to_owned(), Cell::Open("not measured".to_owned())),
                Some(measured) if objective.met => (format!("{measured:.3}"), Cell::Good("met".to_owned())),
                Some(measured) => (format!("{measured:.3}"), Cell::Bad("MISSED".to_owned())),
            };
            vec![
                Cell::Words(objective.name.clone()),
                Cell::Figure(measured),
                Cell::Figure(objective.limit.to_string()),
                word,
            ]
        });
        table("Objectives", &[], &heads, rows, html);
    });
}

/// The audit's rules, and where they are broken.
pub(super) fn audit(report: &Report, html: &mut Html) {
    html.node("section", &[("id", "audit")], |html| {
        html.say("h2", "", "Audit");
        if report.checks.is_empty() {
            html.say("p", "none", "The server could not be audited.");
            return;
        }
        let heads = [Head::Words("rule"), Head::Words("in words"), Head::Figure("examined"), Head::Words("")];
        let rows = report.checks.iter().map(|check| {
            let word = if check.faults == 0 {
                Cell::Good("holds".to_owned())
            } else {
                Cell::Bad(format!("BROKEN {}x", grouped(check.faults)))
            };
            vec![
                Cell::Words(check.name.to_owned()),
                Cell::List(check.rule.to_owned(), check.examples.clone()),
                Cell::Figure(grouped(check.examined)),
                word,
            ]
        });
        table("Rules of the audit", &[], &heads, rows, html);
    });
}
