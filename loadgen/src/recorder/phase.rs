//! One phase of the drill: what was due in it, and what came of it.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Latency, Operation};

/// Requests that were due in one phase, whenever their answers came. A phase that ends in a queue shows it in its own
/// figures and not in those of the calm that follows.
#[derive(Clone, Debug, Default)]
pub struct Phase {
    /// Requests that were sent, by operation.
    pub sent: BTreeMap<Operation, u64>,
    /// Of those, the ones that never got an answer.
    pub unanswered: BTreeMap<Operation, u64>,
    /// By operation and code number; with two significant digits, so that a thousand phases of ten outcomes
    /// stay below half a gigabyte for each of at most four senders.
    pub latency: BTreeMap<(Operation, u16), Latency>,
}

impl Phase {
    pub(super) fn answered(&mut self, operation: Operation, code: u16, response_ns: u64, service_ns: u64) {
        let latency = self.latency.entry((operation, code)).or_insert_with(|| Latency::empty(histogram));
        latency.record(response_ns, service_ns);
    }

    pub(super) fn merge(&mut self, other: Self) {
        super::merge_counts(&mut self.sent, other.sent);
        super::merge_counts(&mut self.unanswered, other.unanswered);
        super::merge_latencies(&mut self.latency, other.latency);
    }
}

/// Times that a phase tells apart, nanoseconds: from a tenth of a microsecond to a minute.
const RANGE_NS: (u64, u64) = (100, 60_000_000_000);

fn histogram() -> Histogram<u64> {
    let (least, most) = RANGE_NS;
    Histogram::new_with_bounds(least, most, 2).expect("bounds and digits are valid constants")
}
