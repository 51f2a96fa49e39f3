//! From hold to payment, and how long holds are.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::report::deed::{Deed, Step, What};

/// Longest time that is told apart, milliseconds: a week, the longest hold that can be configured.
const LONGEST_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// Ends of the bars of the distribution, milliseconds.
const BARS_MS: [u64; 12] = [
    5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 21_600_000,
    86_400_000,
];

/// Times, counted to one part in a thousand.
#[derive(Debug)]
pub(crate) struct TimesTally {
    /// None if the histogram can't be made, which these bounds rule out.
    paid: Option<Histogram<u64>>,
    lasts: Option<Histogram<u64>>,
    bars: [u64; BARS_MS.len() + 1],
}

/// How long shoppers took to pay. Quantiles are right to one part in a thousand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Times {
    /// Orders that were paid.
    pub(crate) paid: u64,
    /// Half of them were paid within this, milliseconds.
    pub(crate) p50_ms: u64,
    /// 90 of 100.
    pub(crate) p90_ms: u64,
    /// 95 of 100.
    pub(crate) p95_ms: u64,
    /// 99 of 100.
    pub(crate) p99_ms: u64,
    /// All of them.
    pub(crate) max_ms: u64,
    /// How long half of the holds lasted at least when they were given, milliseconds.
    pub(crate) hold_ms: u64,
    /// How many were paid within what time.
    pub(crate) bars: Vec<Bar>,
}

/// Orders that were paid within a time, and not within the bar's before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    /// The time, milliseconds; none: longer than any.
    pub(crate) within_ms: Option<u64>,
    /// Orders.
    pub(crate) orders: u64,
}

impl Default for TimesTally {
    fn default() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_MS, 3).ok();
        Self { paid: histogram(), lasts: histogram(), bars: [0; BARS_MS.len() + 1] }
    }
}

impl TimesTally {
    pub(crate) fn note(&mut self, deed: &Deed) {
        match deed.what {
            What::Order(Step::Paid(payment) | Step::Reacquired(payment)) => {
                record(&mut self.paid, payment.after_ms);
                let nth = BARS_MS.partition_point(|bar| *bar < payment.after_ms);
                if let Some(bar) = self.bars.get_mut(nth) {
                    *bar += 1;
                }
            }
            What::Order(Step::Held { lasts_ms }) => record(&mut self.lasts, lasts_ms),
            What::Order(_) | What::Units { .. } => {}
        }
    }

    pub(crate) fn finish(&self) -> Times {
        let Some(paid) = self.paid.as_ref().filter(|paid| !paid.is_empty()) else { return Times::default() };
        let bounds = BARS_MS.iter().copied().map(Some).chain([None]);
        let bars = bounds.zip(self.bars).map(|(within_ms, orders)| Bar { within_ms, orders });
        Times {
            paid: paid.len(),
            p50_ms: paid.value_at_quantile(0.5),
            p90_ms: paid.value_at_quantile(0.9),
            p95_ms: paid.value_at_quantile(0.95),
            p99_ms: paid.value_at_quantile(0.99),
            max_ms: paid.max(),
            hold_ms: self.lasts.as_ref().map_or(0, |lasts| lasts.value_at_quantile(0.5)),
            bars: bars.collect(),
        }
    }
}

fn record(histogram: &mut Option<Histogram<u64>>, ms: u64) {
    if let Some(histogram) = histogram {
        histogram.saturating_record(ms.clamp(1, LONGEST_MS));
    }
}
