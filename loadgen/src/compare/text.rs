//! The comparison for people.

use std::fmt::Write;

use super::verdict::{Comparison, Row, Side, Word};
use crate::spread::Spread;

/// Appends a line to a text in memory, which can't fail.
macro_rules! say {
    ($out:expr, $($arg:tt)*) => { writeln!($out, $($arg)*).unwrap_or_default() };
}

/// The whole text.
pub(super) fn render(comparison: &Comparison) -> String {
    let mut out = String::new();
    for (name, side) in ["A", "B"].into_iter().zip(&comparison.sides) {
        of_side(name, side, &mut out);
    }
    for note in &comparison.notes {
        say!(out, "note  {note}");
    }
    say!(out, "");
    let widest = comparison.metrics.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(6);
    say!(out, "{:<widest$} {:>12} {:>12} {:>9} {:>11}", "median", "A", "B", "change", "band");
    for row in &comparison.metrics {
        say!(out, "{:<widest$} {}", row.name, figures(row));
    }
    if comparison.metrics.iter().any(|row| row.band.is_some_and(|band| band.is_default)) {
        say!(out, "* the kind's own band: fewer than three repeats on a side, or they differ by less");
    }
    say!(out, "");
    for (name, side) in ["A", "B"].into_iter().zip(&comparison.sides) {
        for file in &side.broken {
            say!(out, "CORRECTNESS BROKEN in {name}, {file}: no figure makes up for that");
        }
    }
    say!(out, "{}", outcome(comparison));
    out
}

fn of_side(name: &str, side: &Side, out: &mut String) {
    let runs = match side.files.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    say!(out, "{name}     {}: {runs}", side.name);
    for left_out in &side.left_out {
        say!(out, "      left out: {}: {}", left_out.file, left_out.why);
    }
}

fn figures(row: &Row) -> String {
    let value =
        |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |spread| row.kind.show(spread.median));
    let change = row.change_percent.map_or_else(|| "-".to_owned(), |change| format!("{change:+.1} %"));
    let band = row.band.map_or_else(
        || "-".to_owned(),
        |band| {
            let mark = if band.is_default { "*" } else { " " };
            match row.a.map(|a| a.median.abs()).filter(|median| *median > 0.0) {
                Some(median) => format!("±{:.1} %{mark}", band.width / median * 100.0),
                None => format!("±{}{mark}", row.kind.show(band.width)),
            }
        },
    );
    format!("{:>12} {:>12} {change:>9} {band:>11}  {}", value(row.a), value(row.b), row.word.name())
        .trim_end()
        .to_owned()
}

/// `1 WORSE, 2 BETTER, 14 SAME: WORSE`.
fn outcome(comparison: &Comparison) -> String {
    let count = |word: Word| comparison.metrics.iter().filter(|row| row.word == word).count();
    let words = [Word::Worse, Word::Better, Word::Same, Word::OnlyA, Word::OnlyB];
    let counts: Vec<String> = words
        .into_iter()
        .filter(|word| count(*word) > 0 || matches!(word, Word::Worse | Word::Better | Word::Same))
        .map(|word| format!("{} {}", count(word), word.name()))
        .collect();
    let word = if comparison.worse { "WORSE" } else { "nothing is worse" };
    format!("{}: {word}", counts.join(", "))
}
