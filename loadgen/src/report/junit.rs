//! The report as `JUnit` XML, which every continuous-integration system shows.

use std::fmt::Write;

use super::escape::escape;
use super::model::Report;

/// The whole document.
pub(super) fn render(report: &Report) -> String {
    let mut cases: Vec<(String, Option<String>)> = Vec::new();
    for check in &report.checks {
        let broken =
            (check.faults > 0).then(|| format!("{} times: {}", check.faults, check.examples.join("; ")));
        cases.push((format!("audit: {}", check.rule), broken));
    }
    for objective in &report.objectives {
        let measured =
            objective.measured.map_or_else(|| "nothing".to_owned(), |measured| format!("{measured:.3}"));
        let missed = (!objective.met).then(|| format!("measured {measured}, limit {}", objective.limit));
        cases.push((format!("objective: {}", objective.name), missed));
    }
    let late = report.send_lag_p99_ms > report.send_lag_limit_ms;
    let lag =
        format!("send lag p99 {:.3} ms, limit {:.3} ms", report.send_lag_p99_ms, report.send_lag_limit_ms);
    cases.push(("generator: requests are sent when they are due".to_owned(), late.then_some(lag)));
    cases.push(("target: answers until the end".to_owned(), report.lost.clone()));
    let failures = cases.iter().filter(|(_, failure)| failure.is_some()).count();
    let name = escape(&report.settings.scenario.name);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut say = |line: std::fmt::Arguments<'_>| writeln!(out, "{line}").unwrap_or_default();
    say(format_args!("<testsuites>"));
    say(format_args!("  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\">", cases.len()));
    for (case, failure) in &cases {
        let case = escape(case);
        match failure {
            None => say(format_args!("    <testcase classname=\"{name}\" name=\"{case}\"/>")),
            Some(why) => {
                let why = escape(why);
                say(format_args!(
                    "    <testcase classname=\"{name}\" name=\"{case}\"><failure message=\"{why}\"/></testcase>"
                ));
            }
        }
    }
    say(format_args!("  </testsuite>"));
    say(format_args!("</testsuites>"));
    out
}
