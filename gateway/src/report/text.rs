//! A report for a terminal.

use std::fmt::{self, Display, Formatter};

use super::interval::{Intervals, Section};
use super::problems::Weight;
use super::sale::Sale;
use super::words::{self, Table};

/// A report, as text.
#[derive(Debug)]
pub(crate) struct Text<'a, R>(pub(crate) &'a R);

impl Display for Text<'_, Intervals> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "{}", words::title(report))?;
        writeln!(f, "{}", words::facts(&report.log))?;
        let all = format!("In all, {}", words::span(report.total.from, report.total.to, report.t0));
        for (title, part) in std::iter::once((all, &report.total))
            .chain(report.sections.iter().map(|part| (words::span(part.from, part.to, report.t0), part)))
        {
            writeln!(f, "\n{title}")?;
            section(f, part, report.log.decimals)?;
        }
        unknown(f, &report.unknown)
    }
}

impl Display for Text<'_, Sale> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sale = self.0;
        let decimals = sale.log.decimals;
        writeln!(f, "The sale from {}", words::span(sale.from, sale.to, None))?;
        writeln!(f, "{}", words::facts(&sale.log))?;
        writeln!(f, "\nGoals")?;
        match &sale.goals {
            None => writeln!(f, "  none were named; --targets reads a file of them")?,
            Some(goals) => {
                writeln!(f, "  {}", words::plan(goals))?;
                words::goals(goals, decimals).iter().try_for_each(|one| table(f, one))?;
            }
        }
        writeln!(f, "\nExecution")?;
        for (of, one) in [
            ("no campaign", words::phases(sale)),
            ("nobody changed anything meanwhile", words::actions(sale)),
        ] {
            if one.rows.is_empty() {
                writeln!(f, "  {of}")?;
            } else {
                table(f, &one)?;
            }
        }
        writeln!(f, "\nEffect")?;
        lines(f, &words::effect(sale))?;
        table(f, &words::channels(&sale.effect.channels, decimals))?;
        table(f, &words::sku_lines(&sale.effect.skus, sale.effect.more_skus, decimals))?;
        writeln!(f, "\nProblems")?;
        for problem in &sale.problems {
            let mark = match problem.weight {
                Weight::Good => "ok  ",
                Weight::Note => "note",
                Weight::Bad => "BAD ",
            };
            writeln!(f, "  {mark} {}", problem.words)?;
        }
        writeln!(f, "\nImprovements")?;
        if sale.improvements.is_empty() {
            writeln!(f, "  the numbers suggest none")?;
        }
        sale.improvements.iter().try_for_each(|hint| writeln!(f, "  * {}", hint.words))?;
        unknown(f, &sale.unknown)
    }
}

fn section(f: &mut Formatter<'_>, part: &Section, decimals: u8) -> fmt::Result {
    if part.is_quiet() {
        return writeln!(f, "  nothing happened");
    }
    lines(f, &words::section(part, decimals))?;
    if let Some(goals) = &part.goals {
        writeln!(f, "  goals: {}", words::plan(goals))?;
        words::goals(goals, decimals).iter().try_for_each(|one| table(f, one))?;
    }
    table(f, &words::channels(&part.channels, decimals))?;
    table(f, &words::skus(&part.skus, part.more_skus, decimals))
}

fn lines(f: &mut Formatter<'_>, lines: &[words::Line]) -> fmt::Result {
    lines.iter().try_for_each(|(label, line)| writeln!(f, "  {label:<13}{line}"))
}

/// Columns as wide as what stands in them; small curves are left out.
fn table(f: &mut Formatter<'_>, table: &Table) -> fmt::Result {
    if table.rows.is_empty() {
        return Ok(());
    }
    let shown =
        |nth: usize| !table.rows.iter().any(|row| matches!(row.get(nth), Some(words::Cell::Spark(_))));
    let widths: Vec<usize> = table
        .columns
        .iter()
        .enumerate()
        .map(|(nth, column)| {
            let cells = table.rows.iter().filter_map(|row| row.get(nth));
            cells.map(|cell| cell.text().chars().count()).fold(column.chars().count(), usize::max)
        })
        .collect();
    // Columns of words are read from the left, those of numbers from the right.
    let wordy = table.columns.first() == Some(&"when");
    let mut row = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::from(" ");
        for (nth, (cell, width)) in cells.zip(&widths).enumerate().filter(|(nth, _)| shown(*nth)) {
            let width = *width;
            let cell = match (nth, wordy) {
                (0, _) => format!(" {cell:<width$}"),
                (_, true) => format!("  {cell:<width$}"),
                (_, false) => format!("  {cell:>width$}"),
            };
            line.push_str(&cell);
        }
        writeln!(f, "{}", line.trim_end())
    };
    row(&mut table.columns.iter().copied())?;
    for cells in &table.rows {
        row(&mut cells.iter().map(words::Cell::text))?;
    }
    table.note.iter().try_for_each(|note| writeln!(f, "  {note}"))
}

fn unknown(f: &mut Formatter<'_>, unknown: &[&str]) -> fmt::Result {
    writeln!(f, "\nWhat a log doesn't know")?;
    unknown.iter().try_for_each(|line| writeln!(f, "  * {line}"))
}
