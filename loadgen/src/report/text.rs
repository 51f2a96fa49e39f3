//! The report for people.

use std::fmt::Write;
use std::path::Path;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::model::{OperationRow, Percentiles, Report};

/// Appends a line to a text in memory, which can't fail.
macro_rules! say {
    ($out:expr, $($arg:tt)*) => { writeln!($out, $($arg)*).unwrap_or_default() };
}

/// The whole text; `folder` is where the report's files are, if they were written.
pub fn render(report: &Report, folder: Option<&Path>) -> String {
    let mut out = String::new();
    say!(out, "{}", headline(report));
    say!(out, "");
    settings(report, &mut out);
    say!(out, "");
    say!(out, "{}", table(report));
    say!(
        out,
        "Response: from the time that a request was due; service: from its sending. Times in milliseconds."
    );
    say!(out, "");
    stock(report, &mut out);
    audit(report, &mut out);
    generator(report, &mut out);
    for objective in &report.objectives {
        let measured =
            objective.measured.map_or_else(|| "nothing measured".to_owned(), |m| format!("{m:.3}"));
        let word = if objective.met { "met" } else { "MISSED" };
        say!(out, "objective  {}: {measured}, limit {} ({word})", objective.name, objective.limit);
    }
    say!(out, "");
    if let Some(lost) = &report.lost {
        say!(out, "target     lost: {lost}");
    }
    if let Some(folder) = folder {
        say!(out, "report     {}", folder.display());
    }
    say!(out, "verdict    {} (exit code {})", report.verdict, report.exit_code);
    out
}

/// `OVERSOLD 0 · LOST 0 · goodput 12,345/s · p99 6.7 ms`.
fn headline(report: &Report) -> String {
    let or_unknown = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), grouped);
    let p99 = report
        .operations
        .iter()
        .find(|row| row.operation == "reserve" && row.outcome == "OK")
        .and_then(|row| row.response_us)
        .map_or_else(|| "-".to_owned(), |percentiles| format!("{:.1} ms", percentiles.p99 / 1_000.0));
    format!(
        "OVERSOLD {} · LOST {} · goodput {}/s · p99 {p99}",
        or_unknown(report.oversold_units),
        or_unknown(report.lost_effects),
        rounded(report.goodput_per_second)
    )
}

fn settings(report: &Report, out: &mut String) {
    let settings = &report.settings;
    let scenario = &settings.scenario;
    say!(
        out,
        "scenario   {}, seed {}; {:.0} s, T0 at {:.0} s, peak {} arrivals/s{}",
        scenario.name,
        scenario.seed,
        settings.phases_seconds,
        settings.t0_seconds,
        rounded(settings.peak_per_second),
        settings.calibrated_per_second.map_or_else(String::new, |capacity| format!(
            " ({:.0} % of the {}/s that the calibration found)",
            scenario.load.utilisation * 100.0,
            rounded(capacity)
        ))
    );
    say!(
        out,
        "time_scale {}: holds last {} ms, the median shopper pays after {:.0} ms",
        scenario.time_scale,
        settings.hold_ms,
        scenario.shoppers.pay_median_seconds * scenario.time_scale * 1_000.0
    );
    say!(
        out,
        "shoppers   {} on {} connections, {} SKUs of {} units",
        grouped(u64::from(scenario.shoppers.users)),
        scenario.load.connections,
        grouped(u64::from(scenario.stock.skus)),
        grouped(settings.units_each)
    );
    let sync = report.server_sync_p99_us.filter(|&us| us > 0);
    say!(
        out,
        "target     {}; durability {}, disk sync p99 {}",
        settings.target,
        settings.durability,
        sync.map_or_else(|| "unknown".to_owned(), |us| format!("{us} us"))
    );
}

fn table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "operation",
        "outcome",
        "count",
        "per s",
        "time",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max",
    ]);
    for row in &report.operations {
        let both = [("response", row.response_us), ("service", row.service_us)];
        let lines: Vec<[String; 7]> = both.into_iter().map(|(name, found)| cells(name, found)).collect();
        // The two lines of a row stand in the same cells, one above the other.
        let mut all: Vec<String> =
            vec![row.operation.to_owned(), row.outcome.clone(), grouped(row.count), rate(row)];
        let joined =
            |column: usize| lines.iter().map(|line| line[column].clone()).collect::<Vec<_>>().join("\n");
        all.extend((0..7).map(joined));
        table.add_row(all);
    }
    for column in (2..=3).chain(5..=10) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn cells(name: &str, found: Option<Percentiles>) -> [String; 7] {
    let Some(p) = found else { return [(); 7].map(|()| String::new()) };
    let ms = |us: f64| format!("{:.3}", us / 1_000.0);
    [name.to_owned(), ms(p.p50), ms(p.p90), ms(p.p99), ms(p.p99_9), ms(p.p99_99), ms(p.max)]
}

fn rate(row: &OperationRow) -> String {
    format!("{:.1}", row.rate_per_second)
}

fn stock(report: &Report, out: &mut String) {
    match &report.stock {
        Some(stock) => say!(
            out,
            "stock      stocked {} = available {} + held {} + sold {}; {} SKUs empty",
            grouped(stock.stocked_units),
            grouped(stock.available_units),
            grouped(stock.held_units),
            grouped(stock.sold_units),
            grouped(stock.empty_skus)
        ),
        None => say!(out, "stock      unknown: the server's accounts couldn't be read"),
    }
    say!(out, "requests   {} sent, {} unanswered", grouped(report.requests), grouped(report.unanswered));
}

fn audit(report: &Report, out: &mut String) {
    for check in &report.checks {
        let word =
            if check.faults == 0 { "holds".to_owned() } else { format!("BROKEN {}x", grouped(check.faults)) };
        say!(out, "audit      {}: {} ({word}; {} examined)", check.name, check.rule, grouped(check.examined));
        for example in &check.examples {
            say!(out, "             {example}");
        }
    }
}

fn generator(report: &Report, out: &mut String) {
    let cpu = &report.cpu;
    say!(
        out,
        "generator  send lag p99 {:.3} ms (limit {:.1}), {} held back, {} reconnects",
        report.send_lag_p99_ms,
        report.send_lag_limit_ms,
        grouped(report.held_back),
        grouped(report.reconnects)
    );
    say!(
        out,
        "processors {:.0} cores: generator {:.2}, server {:.2}, others {:.2}, stolen {:.2}",
        cpu.cores,
        cpu.generator_cores,
        cpu.server_cores,
        cpu.others_cores,
        cpu.stolen_cores
    );
}

/// A count with its thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are small and not negative"
)]
fn rounded(rate: f64) -> String {
    grouped(rate.max(0.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
