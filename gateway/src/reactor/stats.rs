//! What a reactor counts. The reactor alone writes, the admin port reads; nothing is ordered by these numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorbuster_protocol::{Code, Kind};
use hdrhistogram::Histogram;
use parking_lot::Mutex;

/// Longest service time that is told from longer ones, microseconds: a minute.
const MAX_US: u64 = 60_000_000;

/// Counters and histograms of one reactor.
#[derive(Debug)]
pub struct ReactorStats {
    connections: AtomicU64,
    accepted: AtomicU64,
    faults: AtomicU64,
    drilled: AtomicU64,
    watched: AtomicU64,
    pushed: AtomicU64,
    ops: Vec<OpStats>,
}

/// What happened to one kind of operation.
#[derive(Debug)]
pub struct OpStats {
    /// The kind.
    pub kind: Kind,
    outcomes: Vec<AtomicU64>,
    took: Mutex<Histogram<u64>>,
}

impl Default for ReactorStats {
    fn default() -> Self {
        let requests = Kind::ALL.iter().copied().filter(|kind| kind.is_request());
        Self {
            connections: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            drilled: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            pushed: AtomicU64::new(0),
            ops: requests.map(OpStats::new).collect(),
        }
    }
}

impl OpStats {
    fn new(kind: Kind) -> Self {
        let took =
            Histogram::new_with_bounds(1, MAX_US, 2).expect("1..=60 s with two digits are valid bounds");
        Self { kind, outcomes: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(), took: Mutex::new(took) }
    }

    /// Answers by code, those that never came left out.
    pub fn outcomes(&self) -> impl Iterator<Item = (Code, u64)> {
        let counts = self.outcomes.iter().map(|count| count.load(Ordering::Relaxed));
        Code::ALL.iter().copied().zip(counts).filter(|(_, count)| *count > 0)
    }

    /// Service times, from the read of the request to the write of its answer, microseconds. A copy, as the reactor waits
    /// for whoever looks.
    pub fn took(&self) -> Histogram<u64> {
        self.took.lock().clone()
    }
}

impl ReactorStats {
    /// Connections open now.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections ever taken.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Error frames sent.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Operations of drills, among all others.
    pub fn drill_operations(&self) -> u64 {
        self.drilled.load(Ordering::Relaxed)
    }

    /// Orders that are watched now, those that are being read for that included.
    pub fn orders_watched(&self) -> u64 {
        self.watched.load(Ordering::Relaxed)
    }

    /// Pushes sent.
    pub fn pushes(&self) -> u64 {
        self.pushed.load(Ordering::Relaxed)
    }

    /// Each kind of operation.
    pub fn ops(&self) -> &[OpStats] {
        &self.ops
    }

    pub(super) fn opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn watched(&self, orders: u64) {
        self.watched.store(orders, Ordering::Relaxed);
    }

    pub(super) fn pushed(&self) {
        self.pushed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn drilled(&self, count: u32) {
        self.drilled.fetch_add(u64::from(count), Ordering::Relaxed);
    }

    fn op(&self, kind: Kind) -> Option<&OpStats> {
        self.ops.iter().find(|op| op.kind == kind)
    }

    #[inline]
    pub(super) fn count(&self, kind: Kind, code: u16) {
        let Some(op) = self.op(kind) else { return };
        let place = Code::ALL.iter().position(|known| known.number() == code);
        if let Some(count) = place.and_then(|place| op.outcomes.get(place)) {
            // The reactor is the only writer: a load and a store are enough, and cheaper than an atomic addition.
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    pub(super) fn took(&self, kind: Kind, took: Duration, count: u32) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(1, MAX_US);
        if let Some(op) = self.op(kind) {
            op.took.lock().saturating_record_n(us, u64::from(count));
        }
    }
}
