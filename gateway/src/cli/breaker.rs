//! `doorbuster breaker`.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::admin_port::At;
use super::say;

/// Look at the server's circuit breakers, and set them.
#[derive(Debug, Subcommand)]
pub(super) enum BreakerCommand {
    /// Show how all of them stand, and what each did last.
    Show {
        #[command(flatten)]
        at: At,
    },
    /// Force some or all of them open: what they stand before gets nothing until they are released.
    Open {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        at: At,
    },
    /// Let some or all of them work by themselves again; one that was forced open lets a few through at first.
    Release {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        at: At,
    },
    /// Force some or all of them open, disable them, let them only count, or let them work by themselves again.
    Set {
        /// What they are to do
        mode: Mode,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        at: At,
    },
}

/// Some of them, or all.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Which part they stand before: shard-0 and so on, desk or log; else all.
    #[arg(long)]
    scope: Option<String>,
    /// Which requests they are for: reserve, settle or read; else all.
    #[arg(long)]
    class: Option<String>,
}

/// What a breaker is to do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Mode {
    /// Work by the rules; one that was forced open lets a few through at first.
    Automatic,
    /// Refuse all until told otherwise.
    ForcedOpen,
    /// Let all through and count nothing.
    Disabled,
    /// Let all through, but count, and show what the rules would do.
    MetricsOnly,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::ForcedOpen => "forced-open",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics-only",
        }
    }
}

pub(super) fn run(command: &BreakerCommand) -> ExitCode {
    let (at, wish) = match command {
        BreakerCommand::Show { at } => (at, None),
        BreakerCommand::Open { which, at } => (at, Some((Mode::ForcedOpen, which))),
        BreakerCommand::Release { which, at } => (at, Some((Mode::Automatic, which))),
        BreakerCommand::Set { mode, which, at } => (at, Some((*mode, which))),
    };
    let wish = wish
        .map(|(mode, Which { scope, class })| json!({ "mode": mode.name(), "scope": scope, "class": class }));
    let report = match at.ask(PATH, wish.as_ref()) {
        Ok(report) => report,
        Err(exit) => return exit,
    };
    if at.json {
        say(&report);
    } else {
        say(&table(&report));
    }
    ExitCode::SUCCESS
}

const PATH: &str = "/breakers";

/// Names of the columns, and how wide each is at least.
const COLUMNS: [(&str, usize); 8] = [
    ("scope", 8),
    ("class", 7),
    ("state", 11),
    ("mode", 12),
    ("ok", 7),
    ("slow", 7),
    ("failed", 7),
    ("open for s", 10),
];

/// A line for each breaker, with the results of its last second and what it did last.
fn table(report: &Value) -> String {
    let rows = report["breakers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let head = line(COLUMNS.map(|(name, _)| name.to_owned()), "last change");
    rows.iter().fold(head, |table, breaker| {
        let names = ["scope", "class", "state", "mode", "ok", "slow", "failed", "time_open_seconds"];
        let cells = names.map(|name| match &breaker[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let steps = breaker["transitions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let last = steps.last().map(|step| {
            let reason = step["reason"].as_str().unwrap_or_default();
            format!("{reason}, {} s ago", step["seconds_ago"])
        });
        table + "\n" + &line(cells, last.as_deref().unwrap_or("none"))
    })
}

fn line(cells: [String; COLUMNS.len()], last: &str) -> String {
    let padded = cells.into_iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}  "));
    padded.collect::<String>() + last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_breaker_says_where_it_stands_and_why() {
        let step = json!({ "from": "CLOSED", "to": "OPEN", "reason": "slow-share", "seconds_ago": 1.5 });
        let mut open = json!({
            "scope": "shard-0", "class": "reserve", "state": "OPEN", "mode": "automatic",
            "ok": 3, "slow": 0, "failed": 0, "time_open_seconds": 0.25, "transitions": [step],
        });
        let first = open.clone();
        open["transitions"] = json!([]);
        let shown = table(&json!({ "breakers": [first, open] }));
        let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines.len(), 3);
        let cells = ["shard-0", "reserve", "OPEN", "automatic", "3", "0", "0", "0.25"];
        assert_eq!(lines[1], [&cells[..], &["slow-share,", "1.5", "s", "ago"]].concat());
        assert_eq!(lines[2], [&cells[..], &["none"]].concat());
    }
}
