//! What came of a load.

use std::time::Duration;

use doorbuster_protocol::Code;
use hdrhistogram::Histogram;

use super::Operation;

/// Longest latency that a histogram tells apart, nanoseconds: a minute.
pub(super) const LONGEST_NS: u64 = 60_000_000_000;

/// Answers by code.
#[derive(Clone, Debug)]
pub struct Tally {
    counts: Vec<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: vec![0; 1_000] }
    }
}

impl Tally {
    /// Counts an answer with this code number; numbers outside 1000..2000 count as 1999.
    pub fn count(&mut self, number: u16) {
        let index = usize::from(number).wrapping_sub(1_000).min(999);
        self.counts[index] += 1;
    }

    /// Answers with this code.
    pub fn of(&self, code: Code) -> u64 {
        self.counts.get(usize::from(code.number()) - 1_000).copied().unwrap_or(0)
    }

    /// Code numbers and how often they came.
    pub fn seen(&self) -> impl Iterator<Item = (u16, u64)> {
        (1_000..).zip(self.counts.iter().copied()).filter(|&(_, count)| count > 0)
    }

    /// Answers other than the one that this load is about.
    pub fn unexpected(&self, op: Operation) -> u64 {
        let expected = match op {
            Operation::SoldOut => Code::SoldOut,
            Operation::Reserve | Operation::TwoLines | Operation::Confirm | Operation::Echo => Code::Ok,
        };
        self.seen().filter(|&(number, _)| number != expected.number()).map(|(_, count)| count).sum()
    }
}

/// What came of a load.
#[derive(Debug)]
pub struct Measured {
    /// Operations answered in the measured time.
    pub operations: u64,
    /// The measured time.
    pub elapsed: Duration,
    /// Nanoseconds from a frame's start of writing (closed loop) or due time (open loop) to its answer.
    pub latency_ns: Histogram<u64>,
    /// Nanoseconds that the generator was late; empty in a closed loop.
    pub lag_ns: Histogram<u64>,
    /// Answers by code.
    pub tally: Tally,
    /// Operations without an answer at the end.
    pub unanswered: u64,
}

impl Measured {
    pub(super) fn empty() -> Self {
        Self {
            operations: 0,
            elapsed: Duration::ZERO,
            latency_ns: histogram(),
            lag_ns: histogram(),
            tally: Tally::default(),
            unanswered: 0,
        }
    }

    /// Operations a second.
    pub fn rate(&self) -> f64 {
        crate::health::lossy(self.operations) / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// A time in nanoseconds, as histograms take it.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A histogram of nanoseconds with three significant digits.
///
/// # Panics
/// Never: the bounds are valid constants.
pub fn histogram() -> Histogram<u64> {
    let mut histogram =
        Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds and digits are valid constants");
    histogram.auto(true);
    histogram
}
