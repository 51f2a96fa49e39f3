//! What a reactor counts. The reactor alone writes, the admin port reads; nothing is ordered by these numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorbuster_protocol::{Class, Code, Kind};
use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::verdict::{Verdict, Verdicts};
use crate::overload::losses::{Lost, Tally, Totals};

/// Longest service time that is told from longer ones, microseconds: a minute.
const MAX_US: u64 = 60_000_000;

/// Where each code stands among all codes, by its number less 1,000; [`NOWHERE`]: there is no such code. Each answer is counted, so
/// none is searched for.
const PLACES: [u8; 1_000] = {
    let mut places = [NOWHERE; 1_000];
    let mut place: u8 = 0;
    while (place as usize) < Code::ALL.len() {
        places[Code::ALL[place as usize].number() as usize - 1_000] = place;
        place += 1;
    }
    places
};

/// What each code means, by its place.
const VERDICTS: [Verdict; Code::ALL.len()] = {
    let mut verdicts = [Verdict::Accepted; Code::ALL.len()];
    let mut place = 0;
    while place < Code::ALL.len() {
        verdicts[place] = Verdict::of(Code::ALL[place]);
        place += 1;
    }
    verdicts
};

/// No place.
const NOWHERE: u8 = u8::MAX;

const _: () = assert!(Code::ALL.len() < NOWHERE as usize);

/// Counters and histograms of one reactor.
#[derive(Debug)]
pub struct ReactorStats {
    connections: AtomicU64,
    accepted: AtomicU64,
    faults: AtomicU64,
    drilled: AtomicU64,
    watched: AtomicU64,
    pushed: AtomicU64,
    cut_off: AtomicU64,
    turned_away: AtomicU64,
    unagreed: AtomicU64,
    sold_out: AtomicU64,
    pressure: [AtomicU64; 11],
    ops: Vec<OpStats>,
    /// Where a request's kind stands among them, by its byte; [`NOWHERE`] for other bytes.
    by_kind: [u8; 128],
}

/// How hard a reactor is pressed, as of its latest pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Operations that have no answer yet.
    pub in_flight: u64,
    /// Work that waits.
    pub backlog: Duration,
    /// What one operation costs.
    pub cost: Duration,
    /// How much is asked for, of which [`FULL_LOAD`](doorbuster_protocol::FULL_LOAD) may wait.
    pub load: u8,
    /// Whether requests are refused.
    pub overloaded: bool,
    /// How long they were, in all.
    pub overloaded_for: Duration,
    /// How often a shopper was forgotten who had asked faster than he may.
    pub forgotten: u64,
    /// How much work may wait before new holds are refused.
    pub target: Duration,
    /// What was lost in its last second.
    pub lost: Lost,
}

/// What happened to one kind of operation.
#[derive(Debug)]
pub struct OpStats {
    /// The kind.
    pub kind: Kind,
    offered: AtomicU64,
    outcomes: Vec<AtomicU64>,
    /// By verdict, made when the first comes: most kinds are never asked for.
    took: Mutex<[Option<Histogram<u64>>; Verdict::ALL.len()]>,
}

impl Default for ReactorStats {
    fn default() -> Self {
        let requests = || Kind::ALL.iter().copied().filter(|kind| kind.is_request());
        let mut by_kind = [NOWHERE; 128];
        for (place, kind) in (0..NOWHERE).zip(requests()) {
            by_kind[usize::from(kind.byte())] = place;
        }
        Self {
            connections: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            drilled: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            pushed: AtomicU64::new(0),
            cut_off: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            unagreed: AtomicU64::new(0),
            sold_out: AtomicU64::new(0),
            pressure: Default::default(),
            ops: requests().map(OpStats::new).collect(),
            by_kind,
        }
    }
}

impl OpStats {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            offered: AtomicU64::new(0),
            outcomes: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            took: Mutex::default(),
        }
    }

    /// Operations that were asked for, in frames that were understood.
    pub fn offered(&self) -> u64 {
        self.offered.load(Ordering::Relaxed)
    }

    /// Answers by code, those that never came left out.
    pub fn outcomes(&self) -> impl Iterator<Item = (Code, u64)> {
        let counts = self.outcomes.iter().map(|count| count.load(Ordering::Relaxed));
        Code::ALL.iter().copied().zip(counts).filter(|(_, count)| *count > 0)
    }

    /// Service times, from the read of the request to the write of its answer, microseconds, of those that came to each verdict.
    /// Copies, as the reactor waits for whoever looks.
    pub fn took(&self) -> impl Iterator<Item = (Verdict, Histogram<u64>)> + use<> {
        let took = self.took.lock().clone();
        Verdict::ALL.into_iter().zip(took).filter_map(|(verdict, took)| Some((verdict, took?)))
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

    /// Connections that were closed because they took nothing of their answers.
    pub fn slow_readers(&self) -> u64 {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// Connections that were closed at once, as there were as many as may be.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Connections that ended before both sides had agreed on keys.
    pub fn unagreed(&self) -> u64 {
        self.unagreed.load(Ordering::Relaxed)
    }

    /// Operations that the sold-out directory answered.
    pub fn sold_out_from_directory(&self) -> u64 {
        self.sold_out.load(Ordering::Relaxed)
    }

    /// How hard it is pressed. Each figure is of a pass, though not all need be of the same.
    pub fn pressure(&self) -> Pressure {
        let [in_flight, backlog, cost, load, overloaded, overloaded_for, forgotten, target, lost @ ..] =
            self.pressure.each_ref().map(|cell| cell.load(Ordering::Relaxed));
        let [goodput, admitted, settled] = lost.map(|share| u32::try_from(share).unwrap_or(u32::MAX));
        Pressure {
            in_flight,
            backlog: Duration::from_micros(backlog),
            cost: Duration::from_nanos(cost),
            load: u8::try_from(load).unwrap_or(u8::MAX),
            overloaded: overloaded != 0,
            overloaded_for: Duration::from_micros(overloaded_for),
            forgotten,
            target: Duration::from_micros(target),
            lost: Lost { goodput, admitted, settled },
        }
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

    pub(super) fn cut_off(&self) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn turn_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unagree(&self) {
        self.unagreed.fetch_add(1, Ordering::Relaxed);
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

    pub(super) fn sold_out(&self, operations: u64) {
        self.sold_out.store(self.sold_out_from_directory() + operations, Ordering::Relaxed);
    }

    pub(super) fn press(&self, pressure: Pressure) {
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let Pressure { in_flight, backlog, cost, load, overloaded, overloaded_for, forgotten, target, lost } =
            pressure;
        let cost_ns = u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX);
        let (load, overloaded) = (u64::from(load), u64::from(overloaded));
        let [goodput, admitted, settled] = [lost.goodput, lost.admitted, lost.settled].map(u64::from);
        let (overloaded_for, target) = (us(overloaded_for), us(target));
        let first = [in_flight, us(backlog), cost_ns, load, overloaded, overloaded_for, forgotten, target];
        let all = first.into_iter().chain([goodput, admitted, settled]);
        for (cell, value) in self.pressure.iter().zip(all) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// What happened since the start, where these answers were late, and these operations were refused unread.
    pub(super) fn totals(&self, late: Tally, unread: Tally) -> Totals {
        let mut totals = Totals { late: late.all, settled_badly: late.settling, ..Totals::default() };
        for op in &self.ops {
            let settles = crate::overload::Class::of(op.kind) == crate::overload::Class::Settle;
            for (code, count) in op.outcomes() {
                totals.settled += if settles { count } else { 0 };
                if code.class() == Class::Retry {
                    totals.settled_badly += if settles { count } else { 0 };
                    totals.expired += if code == Code::DeadlineExceeded { count } else { 0 };
                } else {
                    totals.decided += count;
                }
            }
        }
        totals.expired = totals.expired.saturating_sub(unread.all);
        totals.settled = totals.settled.saturating_sub(unread.settling);
        totals.settled_badly = totals.settled_badly.saturating_sub(unread.settling);
        totals
    }

    pub(super) fn drilled(&self, count: u32) {
        self.drilled.fetch_add(u64::from(count), Ordering::Relaxed);
    }

    fn op(&self, kind: Kind) -> Option<&OpStats> {
        self.ops.get(usize::from(*self.by_kind.get(usize::from(kind.byte()))?))
    }

    #[inline]
    pub(super) fn offered(&self, kind: Kind, count: u32) {
        if let Some(op) = self.op(kind) {
            op.offered.store(op.offered() + u64::from(count), Ordering::Relaxed);
        }
    }

    /// Counts answers, and says what they mean.
    #[inline]
    pub(super) fn count(&self, kind: Kind, code: u16, operations: u32) -> Verdict {
        let place = PLACES.get(usize::from(code).wrapping_sub(1_000)).copied().unwrap_or(NOWHERE);
        let verdict = VERDICTS.get(usize::from(place)).copied().unwrap_or(Verdict::Accepted);
        let Some(op) = self.op(kind) else { return verdict };
        if let Some(count) = op.outcomes.get(usize::from(place)) {
            // The reactor is the only writer: a load and a store are enough, and cheaper than an atomic addition.
            count.store(count.load(Ordering::Relaxed) + u64::from(operations), Ordering::Relaxed);
        }
        verdict
    }

    /// Notes how long a frame took, whose operations came to these verdicts.
    pub(super) fn took(&self, kind: Kind, took: Duration, verdicts: Verdicts) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(1, MAX_US);
        let Some(op) = self.op(kind) else { return };
        let mut times = op.took.lock();
        for (verdict, times) in Verdict::ALL.into_iter().zip(times.iter_mut()) {
            let count = verdicts.of(verdict);
            if count > 0 {
                times.get_or_insert_with(histogram).saturating_record_n(us, u64::from(count));
            }
        }
    }
}

/// For times from a microsecond to a minute.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, 2).expect("1..=60 s with two digits are valid bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_unread_is_no_loss_and_what_expired_in_the_queue_is() {
        let stats = ReactorStats::default();
        stats.count(Kind::Confirm, Code::Ok.number(), 100);
        stats.count(Kind::Confirm, Code::DeadlineExceeded.number(), 30);
        stats.count(Kind::Reserve, Code::DeadlineExceeded.number(), 40);
        stats.count(Kind::Reserve, Code::Shed.number(), 500);
        let (late, unread) = (Tally { all: 5, settling: 2 }, Tally { all: 60, settling: 30 });
        let expected = Totals { decided: 100, late: 5, expired: 10, settled: 100, settled_badly: 2 };
        assert_eq!(stats.totals(late, unread), expected);
    }

    #[test]
    fn every_kind_of_request_and_every_code_has_a_counter_of_its_own() {
        let stats = ReactorStats::default();
        let requests = || Kind::ALL.iter().copied().filter(|kind| kind.is_request());
        for kind in requests() {
            for code in Code::ALL {
                stats.count(kind, code.number(), u32::from(code.number()));
            }
            // Neither codes that there aren't nor answers are counted, and nothing panics.
            for code in [0, 999, 1_998, u16::MAX] {
                stats.count(kind, code, 1);
            }
        }
        stats.count(Kind::Error, Code::Ok.number(), 1);
        assert_eq!(stats.ops().len(), requests().count());
        for op in stats.ops() {
            let counted: Vec<(Code, u64)> = op.outcomes().collect();
            let expected: Vec<(Code, u64)> =
                Code::ALL.iter().map(|code| (*code, u64::from(code.number()))).collect();
            assert_eq!(counted, expected, "{}", op.kind.name());
        }
    }
}
