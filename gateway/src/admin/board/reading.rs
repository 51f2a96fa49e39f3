//! What stands on all counters at one moment. Two of these make a frame.

use std::collections::BTreeMap;
use std::time::Instant;

use doorbuster_engine::shard::{Counters, ReleaseLag};
use doorbuster_ledger::Totals;
use doorbuster_protocol::{Code, Kind};
use hdrhistogram::Histogram;

use crate::overload::{Class, Moment};
use crate::reactor::{Verdict, histogram};
use crate::server::Shared;

/// What came of the operations of one class.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Operations that were asked for.
    pub(super) offered: u64,
    /// Answers, by the number of their code.
    pub(super) by_code: BTreeMap<u16, u64>,
}

impl Answers {
    /// Answers with codes, those that never came left out.
    pub(super) fn codes(&self) -> impl Iterator<Item = (Code, u64)> {
        self.by_code.iter().filter_map(|(number, count)| Some((Code::from_number(*number)?, *count)))
    }

    /// All answers of one kind.
    pub(super) fn count(&self, verdict: Verdict) -> u64 {
        self.codes().filter(|(code, _)| Verdict::of(*code) == verdict).map(|(_, count)| count).sum()
    }

    /// Answers with this code.
    pub(super) fn of(&self, code: Code) -> u64 {
        self.by_code.get(&code.number()).copied().unwrap_or(0)
    }
}

/// See the module's doc. All counts are since the start.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The server's time, milliseconds.
    pub(super) at_ms: u64,
    /// When it was taken.
    pub(super) moment: Moment,
    /// New holds.
    pub(super) orders: Answers,
    /// Payments, cancels, and what follows a payment.
    pub(super) settled: Answers,
    /// Orders that were paid.
    pub(super) paid: u64,
    /// How long new holds took, microseconds.
    pub(super) times: Histogram<u64>,
    /// How long blocks of the log took, microseconds.
    pub(super) log_times: Histogram<u64>,
    /// Bytes of events in the log.
    pub(super) log_bytes: u64,
    pub(super) totals: Totals,
    pub(super) counters: Counters,
    pub(super) release_lag: ReleaseLag,
}

impl Reading {
    pub(super) fn of(shared: &Shared, now: Instant) -> Self {
        let (engine, log) = (&shared.engine, shared.engine.journal().stats());
        let (mut orders, mut settled) = (Answers::default(), Answers::default());
        let mut paid = 0;
        let mut times = histogram();
        for op in shared.stats.iter().flat_map(|stats| stats.ops()).filter(|op| op.offered() > 0) {
            let class = Class::of(op.kind);
            let answers = match class {
                Class::Reserve => &mut orders,
                Class::Settle => &mut settled,
                Class::Operate | Class::Read => continue,
            };
            // Answers first: an operation is offered before it is answered, so none is answered that wasn't asked for.
            for (code, count) in op.outcomes() {
                *answers.by_code.entry(code.number()).or_default() += count;
                let pays = matches!(op.kind, Kind::Confirm | Kind::ConfirmLines);
                paid += if pays && matches!(code, Code::Ok | Code::Reacquired) { count } else { 0 };
            }
            answers.offered += op.offered();
            if class == Class::Reserve {
                // All have the same bounds, so that they can be added.
                op.took().for_each(|(_, took)| times += took);
            }
        }
        let log_times = log.times();
        Self {
            at_ms: engine.now().raw(),
            moment: shared.moment(now),
            orders,
            settled,
            paid,
            times,
            log_times,
            log_bytes: log.bytes(),
            totals: engine.totals(),
            counters: engine.counters(),
            release_lag: engine.release_lag(),
        }
    }
}

/// What a histogram got since an earlier copy of it: the values below which half, 99 of 100 and 999 of 1,000 are, microseconds;
/// zeros where there is nothing new.
pub(super) fn percentiles(earlier: &Histogram<u64>, later: &Histogram<u64>) -> [u64; 3] {
    let mut new = later.clone();
    if new.subtract(earlier).is_err() || new.is_empty() {
        return [0; 3];
    }
    [0.5, 0.99, 0.999].map(|share| new.value_at_quantile(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_is_new() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000, 2).expect("valid bounds");
        assert_eq!(percentiles(&histogram, &histogram), [0; 3]);
        histogram.record_n(9_000, 1_000).expect("within bounds");
        let before = histogram.clone();
        histogram.record_n(100, 990).expect("within bounds");
        histogram.record_n(500, 10).expect("within bounds");
        assert_eq!(percentiles(&before, &histogram), [100, 100, 501]);
        assert_eq!(percentiles(&histogram, &histogram), [0; 3]);
    }
}
