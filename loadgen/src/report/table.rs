//! The table of latencies: for the whole drill and for each phase, a row for each operation and outcome.
//!
//! Response and service times stand side by side, because their difference says who waited. Sections share their
//! columns, so that phases can be compared by looking down. A line has at most [`WIDTH`] columns: an outcome whose name
//! leaves no room for the figures gets a line of its own above them.

use std::fmt::Write;

use super::figures::{grouped, milliseconds, rate, seconds};
use super::model::{OperationRow, Percentiles, Report};

/// Columns of a line of the report, at most.
pub(super) const WIDTH: usize = 120;

/// Heads of the times' columns, with their widths. Five columns hold a time up to 100 s.
const TIMES: [(&str, usize); 6] =
    [("p50", 5), ("p90", 5), ("p99", 5), ("p99.9", 5), ("p99.99", 6), ("max", 5)];

/// Columns of one kind of times, its rule and a space in front included.
const TIMES_WIDTH: usize = 2 + 37;

/// The whole table, with a line's end behind each line.
pub(super) fn render(report: &Report) -> String {
    let phases = report.phases.iter().filter(|phase| phase.requests > 0);
    let rows: Vec<&OperationRow> =
        report.operations.iter().chain(phases.clone().flat_map(|phase| &phase.operations)).collect();
    let columns = Columns::of(&rows);
    let mut out = columns.head();
    section(&columns, "the whole drill", &report.operations, &mut out);
    for phase in phases {
        let name = if phase.name.contains(' ') { String::new() } else { "phase ".to_owned() } + &phase.name;
        let title = format!(
            "{name}: {} to {} s, {} sent, {} unanswered",
            seconds(phase.begins_s),
            seconds(phase.ends_s),
            grouped(phase.requests),
            grouped(phase.unanswered)
        );
        section(&columns, &title, &phase.operations, &mut out);
    }
    out
}

fn section(columns: &Columns, title: &str, rows: &[OperationRow], out: &mut String) {
    writeln!(out, "{}\n{title}", "─".repeat(columns.width())).unwrap_or_default();
    let mut before = "";
    for row in rows {
        // A name that is the same as above says nothing new.
        let operation = if row.operation == before { "" } else { row.operation };
        columns.row(operation, row, out);
        before = row.operation;
    }
}

/// Widths of the columns in front of the times.
#[derive(Clone, Copy, Debug)]
struct Columns {
    operation: usize,
    outcome: usize,
    count: usize,
    rate: usize,
}

impl Columns {
    /// As wide as the longest of each; outcomes as far as there is room.
    fn of(rows: &[&OperationRow]) -> Self {
        let longest = |head: &str, cell: &dyn Fn(&OperationRow) -> usize| {
            rows.iter().map(|row| cell(row)).max().unwrap_or(0).max(head.len())
        };
        let operation = longest("operation", &|row| row.operation.len());
        let count = longest("count", &|row| grouped(row.count).len());
        let rate = longest("per s", &|row| rate(row.rate_per_second).len());
        let taken = operation + count + rate + 4 + 2 * TIMES_WIDTH;
        let outcome = longest("outcome", &|row| row.outcome.len()).min(WIDTH.saturating_sub(taken));
        Self { operation, outcome, count, rate }
    }

    /// Columns in front of the first rule.
    fn front(&self) -> usize {
        self.operation + self.outcome + self.count + self.rate + 4
    }

    fn width(&self) -> usize {
        self.front() + 2 * TIMES_WIDTH
    }

    fn head(&self) -> String {
        let Self { operation, outcome, count, rate } = *self;
        let kinds =
            format!("{:front$}│ {:<37}│ service time, ms\n", "", "response time, ms", front = self.front());
        let heads: String = TIMES.map(|(head, width)| format!(" {head:>width$}")).concat();
        let names = format!(
            "{:<operation$} {:<outcome$} {:>count$} {:>rate$} │{heads} │{heads}\n",
            "operation", "outcome", "count", "per s"
        );
        kinds + &names
    }

    fn row(&self, name: &str, row: &OperationRow, out: &mut String) {
        let Self { operation, outcome, count: count_width, rate: rate_width } = *self;
        let mut front = format!("{name:<operation$} {:<outcome$}", row.outcome);
        if row.outcome.len() > outcome {
            front = format!("{front}\n{:1$}", "", operation + 1 + outcome);
        }
        let (count, rate) = (grouped(row.count), rate(row.rate_per_second));
        let (response, service) = (times(row.response_us), times(row.service_us));
        let line = format!("{front} {count:>count_width$} {rate:>rate_width$} │{response} │{service}");
        writeln!(out, "{}", line.trim_end()).unwrap_or_default();
    }
}

fn times(found: Option<Percentiles>) -> String {
    let cells = found
        .map_or_else(Default::default, |p| [p.p50, p.p90, p.p99, p.p99_9, p.p99_99, p.max].map(milliseconds));
    let mut out = String::new();
    for (cell, (_, width)) in cells.iter().zip(TIMES) {
        write!(out, " {cell:>width$}").unwrap_or_default();
    }
    out
}
