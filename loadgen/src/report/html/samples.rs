//! The drill over time, in so many columns that a picture has room for.

use crate::health::lossy;
use crate::report::model::SecondRow;

/// Most columns of a picture: three pixels each. A drill of a day has 86,400 seconds.
const MOST: usize = 300;

/// A second, or several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// Seconds since the start.
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    /// Means, per second.
    pub(super) offered: f64,
    pub(super) in_time: f64,
    pub(super) refused: f64,
    pub(super) shed: f64,
    /// Median, 99th and 99.9th percentile of reserves that got units, milliseconds: of several seconds the worst.
    pub(super) latency_ms: [Option<f64>; 3],
}

/// All columns, and how many seconds each spans.
pub(super) fn columns(seconds: &[SecondRow]) -> (Vec<Column>, usize) {
    let width = seconds.len().div_ceil(MOST).max(1);
    (seconds.chunks(width).map(column).collect(), width)
}

fn column(seconds: &[SecondRow]) -> Column {
    let count = lossy(seconds.len().max(1) as u64);
    let from_s = seconds.first().map_or(0.0, |second| lossy(second.at_s));
    let mean = |of: fn(&SecondRow) -> u64| lossy(seconds.iter().map(of).sum()) / count;
    let worst_ms = |of: fn(&SecondRow) -> Option<f64>| {
        seconds.iter().filter_map(of).reduce(f64::max).map(|us| us / 1_000.0)
    };
    Column {
        from_s,
        until_s: from_s + count,
        offered: mean(|second| second.offered),
        in_time: mean(|second| second.in_time),
        refused: mean(|second| second.refused),
        shed: mean(|second| second.shed),
        latency_ms: [
            worst_ms(|second| second.reserve_p50_us),
            worst_ms(|second| second.reserve_p99_us),
            worst_ms(|second| second.reserve_p99_9_us),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_drill_has_few_columns_of_means_and_of_the_worst_latency() {
        let second = |at_s: u64| SecondRow {
            at_s,
            offered: at_s % 2 * 100,
            done: 0,
            in_time: 0,
            refused: 0,
            shed: 0,
            reserve_p50_us: None,
            reserve_p99_us: (at_s == 1).then_some(7_000.0),
            reserve_p99_9_us: None,
        };
        let (columns, width) = columns(&(0..600).map(second).collect::<Vec<_>>());
        assert_eq!((columns.len(), width), (300, 2));
        assert_eq!((columns[0].from_s, columns[0].until_s, columns[0].offered), (0.0, 2.0, 50.0));
        assert_eq!((columns[0].latency_ms, columns[1].latency_ms[1]), ([None, Some(7.0), None], None));
    }
}
