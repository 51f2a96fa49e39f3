//! Emergency plans that the drill's own server carried out, as its admin port tells of them.

use std::net::SocketAddr;

use doorbuster_gateway::http;
use serde_json::Value;

use crate::health::lossy;
use crate::report::PlanRow;
use crate::verdict::Objective;

/// Asks the server; nothing where it can't be asked.
pub(super) fn ask(admin: SocketAddr, start_unix_ms: u64) -> Vec<PlanRow> {
    match http::get(admin, "/plans") {
        Ok((200, answer)) => rows(&serde_json::from_str(&answer).unwrap_or_default(), start_unix_ms),
        Ok(_) | Err(_) => Vec::new(),
    }
}

fn rows(answer: &Value, start_unix_ms: u64) -> Vec<PlanRow> {
    let runs = answer["runs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut rows: Vec<PlanRow> = runs.iter().filter_map(|run| row(run, start_unix_ms)).collect();
    rows.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    rows
}

fn row(run: &Value, start_unix_ms: u64) -> Option<PlanRow> {
    let at_ms = run["at_ms"].as_u64()?;
    let step = |step: &Value| Some(format!("{}: {}", step["action"].as_str()?, step["outcome"].as_str()?));
    Some(PlanRow {
        plan: run["plan"].as_str()?.to_owned(),
        cause: run["cause"].as_str().unwrap_or_default().to_owned(),
        at_s: (lossy(at_ms) - lossy(start_unix_ms)) / 1e3,
        state: run["state"].as_str()?.to_owned(),
        steps: run["steps"].as_array()?.iter().filter_map(step).collect(),
    })
}

/// Whether the step at `t0_s` was answered by one plan, soon enough, and nothing before it was.
pub(super) fn objectives(rows: &[PlanRow], t0_s: f64, limit_s: f64) -> [Objective; 2] {
    let after = rows.first().map(|row| row.at_s - t0_s);
    // One that stopped on the way, or that is at work still, hasn't helped.
    let whole = rows.iter().all(|row| ["active", "reverted"].contains(&row.state.as_str()));
    let fired = Objective {
        name: "emergency_s".to_owned(),
        limit: limit_s,
        measured: after,
        met: whole && after.is_some_and(|after| (0.0..=limit_s).contains(&after)),
    };
    [fired, Objective::at_most("emergency_plans", 1.0, Some(lossy(rows.len() as u64)))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(at_ms: &[u64]) -> Value {
        let step =
            serde_json::json!({ "do": "queue", "action": "queue at 9/s", "outcome": "done", "undone": null });
        let run = |at_ms: &u64| {
            serde_json::json!({
                "number": 1, "plan": "calm-down", "cause": "hot", "rule": "hot", "at_ms": at_ms,
                "revert_at_ms": null, "state": "reverted", "steps": [step],
            })
        };
        serde_json::json!({ "schema_version": 1, "runs": at_ms.iter().map(run).collect::<Vec<_>>() })
    }

    fn met(at_ms: &[u64]) -> [bool; 2] {
        objectives(&rows(&answer(at_ms), 1_000), 5.0, 1.0).map(|objective| objective.met)
    }

    #[test]
    fn a_run_stands_with_its_time_and_steps() {
        let rows = rows(&answer(&[6_500]), 1_000);
        assert_eq!(rows.len(), 1);
        assert!((rows[0].at_s - 5.5).abs() < 1e-9);
        assert_eq!(
            (rows[0].state.as_str(), rows[0].steps.as_slice()),
            ("reverted", &["queue at 9/s: done".to_owned()][..])
        );
    }

    #[test]
    fn one_plan_within_its_time_meets_both_and_a_false_alarm_neither() {
        assert_eq!(met(&[6_500]), [true, true]);
        assert_eq!(met(&[7_500]), [false, true], "too late");
        assert_eq!(met(&[3_000, 6_500]), [false, false], "before the step");
        assert_eq!(met(&[]), [false, true], "never");
    }
}
