//! `doorbuster plan`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::admin_port::At;
use super::{fail, say};
use crate::utc::Utc;

/// Look at emergency plans, carry one out, and revert what it did.
#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// List the plans of the configuration, and the rules that carry them out.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Show what plans did, step by step: the latest runs, or one.
    Show {
        /// The run's number; without it, all.
        run: Option<u32>,
        #[command(flatten)]
        at: At,
    },
    /// Carry a plan out now.
    Run {
        /// The plan
        name: String,
        /// The SKU that it is carried out for.
        #[arg(long, value_parser = crate::sku::number)]
        sku: Option<u64>,
        #[command(flatten)]
        at: At,
    },
    /// Undo what a run did, in reverse order. What somebody else has changed since stays.
    Revert {
        /// The run's number
        run: u32,
        #[command(flatten)]
        at: At,
    },
}

const PATH: &str = "/plans";

pub(super) fn run(command: &PlanCommand) -> ExitCode {
    let (at, wish) = match command {
        PlanCommand::List { at } | PlanCommand::Show { at, .. } => (at, None),
        PlanCommand::Run { name, sku, at } => (at, Some(json!({ "do": "run", "plan": name, "sku": sku }))),
        PlanCommand::Revert { run, at } => (at, Some(json!({ "do": "revert", "run": run }))),
    };
    let report = match at.ask(PATH, wish.as_ref()) {
        Ok(report) => report,
        Err(exit) => return exit,
    };
    let json = at.json;
    if json {
        say(&report);
    }
    let wanted = match command {
        PlanCommand::List { .. } => {
            if !json {
                say(&plans(&report));
            }
            return ExitCode::SUCCESS;
        }
        PlanCommand::Show { run, .. } => run.map(u64::from),
        PlanCommand::Run { .. } | PlanCommand::Revert { .. } => report["run"].as_u64(),
    };
    let all = report["runs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let chosen: Vec<&Value> =
        all.iter().filter(|run| wanted.is_none_or(|wanted| run["number"] == wanted)).collect();
    if let (true, Some(wanted)) = (chosen.is_empty(), wanted) {
        return fail(8, &format_args!("no run {wanted} is remembered"));
    }
    if !json && chosen.is_empty() {
        say(&"no plan was carried out");
    } else if !json {
        say(&chosen.into_iter().map(told).collect::<Vec<_>>().join("\n"));
    }
    // A plan that stopped is not what was wanted.
    let stopped = matches!(command, PlanCommand::Run { .. })
        && all.iter().any(|run| Some(&run["number"]) == report.get("run") && run["state"] == "stopped");
    if stopped {
        return fail(
            7,
            &"an action failed, and the plan stopped there; `doorbuster plan revert` undoes the others",
        );
    }
    ExitCode::SUCCESS
}

/// The plans with their actions, and the rules.
fn plans(report: &Value) -> String {
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for plan in list("plans") {
        let after = match plan["revert_after_s"].as_u64() {
            Some(0) | None => "reverted by hand".to_owned(),
            Some(seconds) => format!("reverts itself after {seconds} s"),
        };
        lines.push(format!("{}  ({after})", text(&plan["name"])));
        for (nth, action) in (1..).zip(plan["actions"].as_array().cloned().unwrap_or_default()) {
            lines.push(format!("  {nth}. {}", text(&action)));
        }
    }
    if lines.is_empty() {
        lines.push("the configuration has no emergency plan".to_owned());
    }
    for rule in list("rules") {
        let (name, plan) = (text(&rule["name"]), text(&rule["plan"]));
        let ratio = rule["ratio"].as_f64().unwrap_or_default();
        lines.push(format!(
            "rule {name}: {plan} above {} times the usual; now {ratio:.1}, found {} times",
            rule["above"], rule["fired"]
        ));
    }
    lines.join("\n")
}

/// A run with its steps.
fn told(run: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let for_sku = run["sku"].as_str().map_or_else(String::new, |sku| format!(" for SKU {sku}"));
    let at = Utc(run["at_ms"].as_u64().unwrap_or_default());
    let mut lines = vec![format!(
        "run {} of {}{for_sku}: {}, {at}, {}",
        run["number"],
        text(&run["plan"]),
        text(&run["state"]),
        text(&run["cause"])
    )];
    for (nth, step) in (1..).zip(run["steps"].as_array().cloned().unwrap_or_default()) {
        let why = step["why"].as_str().map_or_else(String::new, |why| format!(": {why}"));
        let undone = step["undone"].as_str().map_or_else(String::new, |undone| format!("; undone: {undone}"));
        lines.push(format!("  {nth}. {}  [{}{why}{undone}]", text(&step["action"]), text(&step["outcome"])));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_step_by_step() {
        let steps = json!([
            { "do": "freeze", "action": "freeze", "outcome": "done", "why": null, "undone": "as before" },
            { "do": "limit", "action": "limits at most 1", "outcome": "failed", "why": "no", "undone": null },
        ]);
        let run = json!({
            "number": 3, "plan": "calm", "sku": "7", "cause": "by hand", "at_ms": 0, "state": "stopped",
            "steps": steps,
        });
        let shown = told(&run);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("run 3 of calm for SKU 7: stopped, "), "{shown}");
        assert_eq!(lines[1], "  1. freeze  [done; undone: as before]");
        assert_eq!(lines[2], "  2. limits at most 1  [failed: no]");
    }
}
