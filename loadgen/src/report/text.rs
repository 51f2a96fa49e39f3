//! The report for people.

use std::fmt::Write;
use std::path::Path;

use super::channels;
use super::figures::{grouped, rounded};
use super::model::Report;
use super::table::{self, WIDTH};
use super::words::{self, Field, or_unknown};

/// Columns of a field's name.
const NAME: usize = 12;

/// Appends a line to a text in memory, which can't fail.
macro_rules! say {
    ($out:expr, $($arg:tt)*) => { writeln!($out, $($arg)*).unwrap_or_default() };
}

/// The whole text; `folder` is where the report's files are, if they were written.
pub fn render(report: &Report, folder: Option<&Path>) -> String {
    let mut out = String::new();
    say!(out, "{}", headline(report));
    if let Some(losses) = words::losses(report) {
        say!(out, "{losses}");
    }
    say!(out, "");
    fields(&mut out, words::setup(report));
    say!(out, "");
    out.push_str(&table::render(report));
    say!(out, "");
    field(
        &mut out,
        "times",
        "response time counts from when a request was due, service time from when it was sent; a request belongs to \
         the phase in which it was due",
    );
    fields(&mut out, words::account(report));
    of_channels(report, &mut out);
    fields(&mut out, words::operators(report));
    fields(&mut out, words::server(report));
    audit(report, &mut out);
    fields(&mut out, words::generator(report));
    fields(&mut out, words::faults(report));
    fields(&mut out, words::upgrades(report));
    fields(&mut out, words::plans(report));
    for objective in &report.objectives {
        let (name, limit) = (&objective.name, objective.limit);
        let text = match objective.measured {
            None => format!("{name:<19} not measured, limit {limit}"),
            Some(measured) => {
                let word = if objective.met { "met" } else { "MISSED" };
                format!("{name:<19} {measured:.3}, limit {limit} ({word})")
            }
        };
        field(&mut out, "objective", &text);
    }
    say!(out, "");
    if let Some(lost) = &report.lost {
        field(&mut out, "target", &format!("lost: {lost}"));
    }
    if let Some(folder) = folder {
        field(&mut out, "report", &folder.display().to_string());
    }
    field(&mut out, "verdict", &format!("{} (exit code {})", report.verdict, report.exit_code));
    out
}

fn fields(out: &mut String, all: Vec<Field>) {
    for (name, text) in all {
        field(out, name, &text);
    }
}

/// A field's name and its text, broken between words where a line would be too wide. Only a word that is too long by
/// itself, such as a folder's path, goes beyond.
fn field(out: &mut String, name: &str, text: &str) {
    let mut line = format!("{name:<NAME$}");
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            say!(out, "{}", line.trim_end());
            line = " ".repeat(NAME + 2);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    say!(out, "{}", line.trim_end());
}

/// `OVERSOLD 0 · LOST 0 · goodput 12,345/s · p99 6.7 ms`, and the longest gap of an upgrade.
fn headline(report: &Report) -> String {
    format!(
        "OVERSOLD {} · LOST {} · goodput {}/s · p99 {}{}",
        or_unknown(report.oversold_units),
        or_unknown(report.lost_effects),
        rounded(report.goodput_per_second),
        words::reserve_p99(report),
        words::longest_gap(report).map_or_else(String::new, |gap| format!(" · longest gap {gap}"))
    )
}

/// A table with a row for each sales channel.
fn of_channels(report: &Report, out: &mut String) {
    if !report.channels.is_empty() {
        let cells = channels::HEADS.map(|head| format!("{head:>12}")).concat();
        say!(out, "{:<NAME$}{cells}", "channels");
    }
    for row in &report.channels {
        say!(out, "{:<NAME$}{}", "", channels::cells(row).map(|cell| format!("{cell:>12}")).concat());
    }
}

fn audit(report: &Report, out: &mut String) {
    for check in &report.checks {
        let word =
            if check.faults == 0 { "holds".to_owned() } else { format!("BROKEN {}x", grouped(check.faults)) };
        let examined = grouped(check.examined);
        field(out, "audit", &format!("{:<9} {word}, {examined} examined: {}", check.name, check.rule));
        for example in &check.examples {
            field(out, "", &format!("- {example}"));
        }
    }
}
