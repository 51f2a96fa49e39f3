//! What came of each rehearsal, as a table and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::exit::Exit;

/// One rehearsal that has ended.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Which of the six.
    pub(super) plan: &'static str,
    pub(super) scenario: &'static str,
    pub(super) exit: Exit,
    /// Its report, as `report.json` has it; null if there is none.
    pub(super) report: Value,
}

/// From the best to the worst.
const SEVERITY: [Exit; 7] = [
    Exit::Pass,
    Exit::Missed,
    Exit::Invalid,
    Exit::Usage,
    Exit::CouldNotRun,
    Exit::Interrupted,
    Exit::Broken,
];

/// How all of them together ended: as the worst did.
pub(super) fn worst(outcomes: &[Outcome]) -> Exit {
    let severity = |exit: &Exit| SEVERITY.iter().position(|other| other == exit);
    outcomes.iter().map(|outcome| outcome.exit).max_by_key(severity).unwrap_or(Exit::CouldNotRun)
}

impl Outcome {
    /// 99th percentile of the response times of reserves that got units, milliseconds.
    fn p99_ms(&self) -> Option<f64> {
        let rows = self.report["operations"].as_array()?;
        let row = rows.iter().find(|row| row["operation"] == "reserve" && row["outcome"] == "OK")?;
        Some(row["response_us"]["p99"].as_f64()? / 1e3)
    }

    /// Objectives that were missed, rules that are broken, and how long each fault took to get over.
    fn remarks(&self) -> Vec<String> {
        let list = |key: &str| self.report[key].as_array().cloned().unwrap_or_default();
        let objectives = list("objectives").into_iter().filter(|objective| objective["met"] == false);
        let missed = objectives.map(|objective| {
            let (name, measured) = (text(&objective["name"]), number(&objective["measured"]));
            format!("{name} is {measured}, limit {}: MISSED", number(&objective["limit"]))
        });
        let checks = list("checks").into_iter().filter(|check| check["faults"] != 0);
        let broken = checks
            .map(|check| format!("BROKEN {} times: {}", number(&check["faults"]), text(&check["rule"])));
        let faults = list("faults").into_iter().map(|fault| {
            let kind = text(&fault["kind"]);
            match fault["recovery_s"].as_f64() {
                Some(seconds) => format!("{kind}: recovered after {seconds:.1} s"),
                None => format!("{kind}: not recovered"),
            }
        });
        let losses: Vec<String> = list("losses")
            .iter()
            .map(|loss| {
                let share = loss["share"].as_f64();
                let share = share.map_or_else(|| "?".to_owned(), |share| format!("{:.2} %", share * 100.0));
                format!("{} {share}", text(&loss["name"]))
            })
            .collect();
        let losses = (!losses.is_empty()).then(|| format!("lost {}", losses.join(", ")));
        let target = self.report["lost"].as_str().and_then(|why| why.lines().next()).map(str::to_owned);
        let silent = self.report.is_null().then(|| "it left no report".to_owned());
        silent.into_iter().chain(target).chain(broken).chain(missed).chain(faults).chain(losses).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// A number with three digits behind the point at most.
fn number(value: &Value) -> String {
    let Some(number) = value.as_f64() else { return "?".to_owned() };
    let fixed = format!("{number:.3}");
    fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A line for each, and below it what is to be said.
pub(super) fn table(outcomes: &[Outcome], folder: &Path) -> String {
    let head = format!(
        "{:<24} {:<11} {:<18} {:>8} {:>6} {:>10} {:>8}",
        "rehearsal", "scenario", "verdict", "oversold", "lost", "goodput/s", "p99 ms"
    );
    let mut lines = vec![head];
    for outcome in outcomes {
        let Outcome { plan, scenario, exit, report } = outcome;
        let p99 = outcome.p99_ms().map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        let goodput = report["goodput_per_second"].as_f64();
        let goodput = goodput.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
        let count = |key: &str| number(&report[key]);
        let (oversold, lost) = (count("oversold_units"), count("lost_effects"));
        lines.push(format!(
            "{plan:<24} {scenario:<11} {:<18} {oversold:>8} {lost:>6} {goodput:>10} {p99:>8}",
            exit.word()
        ));
        lines.extend(outcome.remarks().iter().map(|remark| format!("  {remark}")));
    }
    let passed = outcomes.iter().filter(|outcome| outcome.exit == Exit::Pass).count();
    lines.push(format!("{passed} of {} passed; reports in {}", outcomes.len(), folder.display()));
    lines.push(format!("verdict: {}\n", worst(outcomes).word()));
    lines.join("\n")
}

/// The same for programs.
pub(super) fn json(outcomes: &[Outcome]) -> Value {
    let each = outcomes.iter().map(|outcome| {
        let Outcome { plan, scenario, exit, report } = outcome;
        json!({
            "rehearsal": plan,
            "scenario": scenario,
            "verdict": exit.word(),
            "exit_code": exit.code(),
            "oversold_units": report["oversold_units"],
            "lost_effects": report["lost_effects"],
            "goodput_per_second": report["goodput_per_second"],
            "reserve_p99_ms": outcome.p99_ms(),
            "objectives": report["objectives"],
            "losses": report["losses"],
            "faults": report["faults"],
        })
    });
    let worst = worst(outcomes);
    json!({
        "schema_version": 1,
        "verdict": worst.word(),
        "exit_code": worst.code(),
        "rehearsals": each.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(exit: Exit, report: Value) -> Outcome {
        Outcome { plan: "burst", scenario: "t0-spike", exit, report }
    }

    #[test]
    fn all_end_as_the_worst_of_them() {
        let ended =
            |exits: &[Exit]| worst(&exits.iter().map(|exit| outcome(*exit, Value::Null)).collect::<Vec<_>>());
        assert_eq!(ended(&[Exit::Pass, Exit::Pass]), Exit::Pass);
        assert_eq!(ended(&[Exit::Invalid, Exit::Missed, Exit::Pass]), Exit::Invalid);
        assert_eq!(ended(&[Exit::Broken, Exit::Interrupted]), Exit::Broken);
        assert!(Exit::ALL.iter().all(|exit| SEVERITY.contains(exit)));
    }

    #[test]
    fn each_has_a_line_and_says_what_was_missed_broken_and_got_over() {
        let report = json!({
            "oversold_units": 0, "lost_effects": 2, "goodput_per_second": 1234.5,
            "operations": [{"operation": "reserve", "outcome": "OK", "response_us": {"p99": 7500.0}}],
            "objectives": [{"name": "reserve_p99_ms", "limit": 5.0, "measured": 7.5, "met": false}],
            "checks": [{"rule": "nobody is cheated", "faults": 3}],
            "faults": [{"kind": "kill", "recovery_s": 0.4}, {"kind": "pause", "recovery_s": null}],
            "losses": [{"name": "L1", "share": 0.015}],
        });
        let shown = table(&[outcome(Exit::Broken, report)], Path::new("reports"));
        let line: Vec<&str> = shown.lines().nth(1).expect("a line").split_whitespace().collect();
        assert_eq!(line, ["burst", "t0-spike", "CORRECTNESS", "BROKEN", "0", "2", "1234", "7.5"]);
        for remark in [
            "BROKEN 3 times: nobody is cheated",
            "reserve_p99_ms is 7.5, limit 5: MISSED",
            "kill: recovered after 0.4 s",
            "pause: not recovered",
            "lost L1 1.50 %",
            "0 of 1 passed; reports in reports",
        ] {
            assert!(shown.contains(remark), "{remark} is missing in:\n{shown}");
        }
    }

    #[test]
    fn one_without_a_report_says_so() {
        let shown = table(&[outcome(Exit::CouldNotRun, Value::Null)], Path::new("reports"));
        assert!(shown.contains("it left no report") && shown.contains("COULD NOT RUN"), "{shown}");
    }
}
