//! What is printed.

use std::fmt::Write;

use doorbuster_loadgen::health::CpuUse;
use doorbuster_loadgen::machine::Machine;
use doorbuster_loadgen::spread::Spread;
use serde_json::{Value, json};

use crate::load::Measured;
use crate::servers::doorbuster;
use crate::servers::postgres::Seen;

/// One turn of one server.
#[derive(Debug)]
pub(crate) struct Row {
    case: String,
    server: &'static str,
    rate: f64,
    p50_us: u64,
    p99_us: u64,
    cpu: CpuUse,
}

impl Row {
    /// Of our own loop.
    pub(crate) fn of(case: &str, server: &'static str, measured: Measured) -> Self {
        let Measured { rate, p50_us, p99_us, cpu } = measured;
        Self { case: case.to_owned(), server, rate, p50_us, p99_us, cpu }
    }

    /// Of pgbench.
    pub(crate) fn seen(case: &str, server: &'static str, seen: Seen, cpu: CpuUse) -> Self {
        let Seen { rate, p50_us, p99_us } = seen;
        Self { case: case.to_owned(), server, rate, p50_us, p99_us, cpu }
    }
}

/// All turns, in their order.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
}

/// One line of the table.
struct Line<'a> {
    case: &'a str,
    server: &'static str,
    rate: Spread,
    p50_ms: Spread,
    p99_ms: Spread,
    /// Doorbuster's rate over this one, round by round; none for Doorbuster, or where it was not asked so.
    times: Option<Spread>,
    /// The most that others, or the hypervisor for them, took of the processors.
    others: f64,
}

impl Rows {
    /// Adds a turn.
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let mut seen: Vec<(&str, &'static str)> = Vec::new();
        for row in &self.rows {
            if !seen.contains(&(&row.case, row.server)) {
                seen.push((&row.case, row.server));
            }
        }
        seen.into_iter().filter_map(|(case, server)| self.line(case, server)).collect()
    }

    fn line<'a>(&'a self, case: &'a str, server: &'static str) -> Option<Line<'a>> {
        let of = move |server| self.rows.iter().filter(move |row| row.case == case && row.server == server);
        let spread = |value: fn(&Row) -> f64| Spread::of(of(server).map(value).collect());
        let ours = of(doorbuster::NAME).map(|row| row.rate);
        let ratios = ours.zip(of(server)).map(|(ours, row)| ours / row.rate).collect();
        Some(Line {
            case,
            server,
            rate: spread(|row| row.rate)?,
            p50_ms: spread(|row| ms(row.p50_us))?,
            p99_ms: spread(|row| ms(row.p99_us))?,
            times: if server == doorbuster::NAME { None } else { Spread::of(ratios) },
            others: of(server).map(|row| row.cpu.stolen_cores + row.cpu.others_cores).fold(0.0, f64::max),
        })
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", Machine::here());
        let mut case = "";
        for line in self.lines() {
            if line.case != case {
                case = line.case;
                writeln!(text, "\n{case}").expect("a string takes every line");
            }
            let Line { rate, p50_ms, p99_ms, times, others, .. } = &line;
            let times = times.map_or_else(String::new, |times| {
                format!("  Doorbuster {:.1} times [{:.1}-{:.1}]", times.median, times.least, times.most)
            });
            writeln!(
                text,
                "  {:<11}{:>9.0}/s [{:.0}-{:.0}]  p50 {:.2} ms, p99 {:.2} ms [{:.2}-{:.2}]{times}  others {others:.2}",
                line.server,
                rate.median,
                rate.least,
                rate.most,
                p50_ms.median,
                p99_ms.median,
                p99_ms.least,
                p99_ms.most
            )
            .expect("a string takes every line");
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let lines = self.lines().into_iter().map(|line| {
            json!({
                "case": line.case, "server": line.server, "reservations_per_second": line.rate, "p50_ms": line.p50_ms,
                "p99_ms": line.p99_ms, "doorbuster_times": line.times, "other_cores": line.others,
            })
        });
        json!({ "schema_version": 1, "rows": lines.collect::<Vec<_>>() })
    }
}

/// Microseconds as milliseconds.
fn ms(us: u64) -> f64 {
    doorbuster_loadgen::health::lossy(us) / 1_000.0
}
