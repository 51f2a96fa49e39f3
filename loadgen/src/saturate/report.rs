//! What the command prints.

use std::io::Write;

use doorbuster_protocol::Code;

use super::{Operation, Options, Run, rules};
use crate::health::lossy;
use crate::target::Target;

/// Writes a line; a closed output pipe is nobody's problem here.
macro_rules! say {
    ($out:expr, $($arg:tt)*) => { drop(writeln!($out, $($arg)*)) };
}

pub(super) fn head(options: &Options, target: Option<&Target>, out: &mut dyn Write) {
    let shape = match options.rate {
        Some(rate) => format!("open loop, {rate}/s one by one over {} connections", options.connections),
        None => format!(
            "closed loop, {} connections x {} frames in flight x batches of {}",
            options.connections, options.in_flight, options.batch
        ),
    };
    let server = match target {
        Some(target) if target.is_embedded() => {
            format!("{}, durability {}", target.describe(), options.durability)
        }
        Some(target) => target.describe(),
        None => "an echo server in this process".to_owned(),
    };
    say!(out, "saturate {}: {shape}; {} users, {} SKUs", options.op.name(), options.users, options.skus);
    if !options.rules.is_empty() {
        let rules = rules::named(&options.rules);
        say!(out, "by rules: {rules}; beside each repeat, by turns before and after, the same without");
    }
    say!(out, "against {server}; {} x {} s", options.repeat, options.seconds);
}

/// Writes a line of somebody else's making.
pub(super) fn told(line: &str, out: &mut dyn Write) {
    say!(out, "{line}");
}

pub(super) fn line(repeat: u32, name: &str, run: &Run, out: &mut dyn Write) {
    let op = run.op;
    let measured = &run.measured;
    let latency = &measured.latency_ns;
    let us = |nanos: u64| lossy(nanos) / 1_000.0;
    let late = if measured.lag_ns.is_empty() {
        String::new()
    } else {
        format!(" | send lag p99 {:.0} us", us(measured.lag_ns.value_at_quantile(0.99)))
    };
    let sync = if run.sync_p99_us == 0 {
        String::new()
    } else {
        format!(" | server sync p99 {} us", run.sync_p99_us)
    };
    say!(
        out,
        "#{:<2} {:<9} {:>11.0}/s  p50 {:>8.0} us  p99 {:>8.0} us  p99.9 {:>8.0} us  max {:>8.0} us{sync}{late} | cores: generator {:.2}, server {:.2} ({:.0} ns each), others {:.2}, stolen {:.2}",
        repeat + 1,
        name,
        measured.rate(),
        us(latency.value_at_quantile(0.5)),
        us(latency.value_at_quantile(0.99)),
        us(latency.value_at_quantile(0.999)),
        us(latency.max()),
        run.cpu.generator_cores,
        run.cpu.server_cores,
        cpu_ns(run),
        run.cpu.others_cores,
        run.cpu.stolen_cores,
    );
    if op != Operation::Echo && (measured.tally.unexpected(op) > 0 || measured.unanswered > 0) {
        let codes: Vec<String> = measured
            .tally
            .seen()
            .map(|(number, count)| match Code::from_number(number) {
                Some(code) => format!("{code} {count}"),
                None => format!("{number} {count}"),
            })
            .collect();
        say!(out, "    answers: {}; unanswered {}", codes.join(", "), measured.unanswered);
    }
}

pub(super) fn summary(options: &Options, runs: &[Run], echoes: &[Run], plain: &[Run], out: &mut dyn Write) {
    let (name, beside) = match options.op {
        op if options.rules.is_empty() => (op.name().to_owned(), Operation::Reserve.name()),
        op => (format!("{} by {}", op.name(), rules::named(&options.rules)), op.name()),
    };
    for (name, runs) in [("echo", echoes), (beside, plain), (&name, runs)] {
        if let Some((median, low, high)) = spread(runs.iter().map(|run| run.measured.rate()).collect()) {
            let p99 = spread(runs.iter().map(p99_ns).collect());
            let (p99, p99_low, p99_high) = p99.unwrap_or_default();
            say!(
                out,
                "{name}: median {median:.0}/s [{low:.0} .. {high:.0}], p99 median {:.0} us [{:.0} .. {:.0}]",
                p99 / 1e3,
                p99_low / 1e3,
                p99_high / 1e3
            );
        }
    }
    for (other, others) in [("echo", echoes), (beside, plain)] {
        let ratio = |(run, other): (&Run, &Run)| run.measured.rate() / other.measured.rate().max(1.0);
        if let Some((median, low, high)) = spread(runs.iter().zip(others).map(ratio).collect()) {
            say!(out, "{name} / {other}: median {median:.2} [{low:.2} .. {high:.2}]");
        }
    }
    if !options.rules.is_empty() {
        // At a fixed rate both have the same throughput, and what differs is how long an answer takes.
        let (what, figure): (_, fn(&Run) -> f64) =
            if options.rate.is_some() { ("p99", p99_ns) } else { ("rate", |run| run.measured.rate()) };
        let figures = [(what, figure), ("the server's CPU time", cpu_ns as fn(&Run) -> f64)];
        for (what, figure) in figures {
            if let Some(line) = compared(what, &figures_of(runs, figure), &figures_of(plain, figure)) {
                say!(out, "{line}");
            }
        }
    }
}

/// CPU time of the server for one operation, nanoseconds. Where others take the machine away, it says more than the rate.
fn cpu_ns(run: &Run) -> f64 {
    run.cpu.server_cores * 1e9 / run.measured.rate().max(1.0)
}

fn p99_ns(run: &Run) -> f64 {
    lossy(run.measured.latency_ns.value_at_quantile(0.99))
}

fn figures_of(runs: &[Run], figure: fn(&Run) -> f64) -> Vec<f64> {
    runs.iter().map(figure).collect()
}

/// What rules cost: the ratio of the medians, and that of each pair. `None` where nothing was measured: of a server that runs
/// elsewhere, its CPU time is not known.
fn compared(what: &str, ruled: &[f64], plain: &[f64]) -> Option<String> {
    let (median, ..) = spread(ruled.to_vec())?;
    let (beside, ..) = spread(plain.to_vec()).filter(|(median, ..)| *median > 0.0)?;
    let pairs: Vec<String> =
        ruled.iter().zip(plain).map(|(ruled, plain)| format!("{:.2}", ruled / plain.max(1.0))).collect();
    Some(format!(
        "{what} by rules / without: {:.2} of the medians; pairs {}",
        median / beside.max(1.0),
        pairs.join(" ")
    ))
}

/// Median, least and greatest.
fn spread(mut values: Vec<f64>) -> Option<(f64, f64, f64)> {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied()?;
    Some((middle, values.first().copied()?, values.last().copied()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_compared_by_medians_and_pair_by_pair() {
        let line = compared("rate", &[80.0, 90.0, 60.0], &[100.0, 90.0, 120.0]).expect("there are runs");
        assert_eq!(line, "rate by rules / without: 0.80 of the medians; pairs 0.80 1.00 0.50");
        assert_eq!(compared("rate", &[], &[]), None);
        assert_eq!(compared("the server's CPU time", &[0.0], &[0.0]), None, "it runs elsewhere");
    }

    #[test]
    fn the_spread_of_nothing_is_nothing_and_a_median_is_in_the_middle() {
        assert_eq!(spread(Vec::new()), None);
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0)));
    }
}
