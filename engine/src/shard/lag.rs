//! How late a shard ends its holds, for metrics and for the alarm.
//!
//! Beside the figures and not among them: a histogram need not be of one moment with the totals, and the figures are
//! copied on each visit. These are written only on visits that ended a hold.

use std::sync::atomic::{AtomicU64, Ordering};

use doorbuster_ledger::{LAG_BOUNDS_MS, Lags};

/// Buckets: one for each bound, and one above.
const BUCKETS: usize = LAG_BOUNDS_MS.len() + 1;

/// Holds that ended by their deadline, by how much they were past it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReleaseLag {
    /// Holds up to each of [`LAG_BOUNDS_MS`] and above the one before; the last entry: above all.
    pub counts: [u64; BUCKETS],
    /// Sum, milliseconds.
    pub sum_ms: u64,
    /// The most, milliseconds.
    pub max_ms: u64,
    /// Visits that ended a hold which was further past its deadline than the alarm's bound.
    pub alarms: u64,
}

impl ReleaseLag {
    /// With those of another shard.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.counts.iter_mut().zip(other.counts).for_each(|(own, other)| *own += other);
        Self {
            counts: self.counts,
            sum_ms: self.sum_ms + other.sum_ms,
            max_ms: self.max_ms.max(other.max_ms),
            alarms: self.alarms + other.alarms,
        }
    }
}

/// Where a shard notes it. All but the bound are written by whoever holds the shard's lock, which orders writers, and
/// read by anybody. Relaxed: each number stands for itself, and a reader that misses the latest visit sees it next time.
#[derive(Debug)]
pub(super) struct LagBoard {
    counts: [AtomicU64; BUCKETS],
    sum_ms: AtomicU64,
    max_ms: AtomicU64,
    alarms: AtomicU64,
    /// Written once when a server starts, read under the shard's lock; relaxed, as nothing else hangs on it.
    alarm_above_ms: AtomicU64,
}

impl Default for LagBoard {
    fn default() -> Self {
        Self {
            counts: Default::default(),
            sum_ms: AtomicU64::default(),
            max_ms: AtomicU64::default(),
            alarms: AtomicU64::default(),
            alarm_above_ms: AtomicU64::new(u64::MAX),
        }
    }
}

impl LagBoard {
    pub(super) fn alarm_above(&self, lag_ms: u64) {
        self.alarm_above_ms.store(lag_ms, Ordering::Relaxed);
    }

    /// Adds what one visit found. Only under the shard's lock.
    pub(super) fn note(&self, lags: &Lags) {
        let add = |cell: &AtomicU64, number: u64| {
            if number > 0 {
                cell.store(cell.load(Ordering::Relaxed) + number, Ordering::Relaxed);
            }
        };
        for (cell, &count) in self.counts.iter().zip(&lags.counts) {
            add(cell, u64::from(count));
        }
        add(&self.sum_ms, lags.sum_ms);
        if lags.max_ms > self.max_ms.load(Ordering::Relaxed) {
            self.max_ms.store(lags.max_ms, Ordering::Relaxed);
        }
        add(&self.alarms, u64::from(lags.max_ms > self.alarm_above_ms.load(Ordering::Relaxed)));
    }

    pub(super) fn read(&self) -> ReleaseLag {
        let of = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        ReleaseLag {
            counts: self.counts.each_ref().map(of),
            sum_ms: of(&self.sum_ms),
            max_ms: of(&self.max_ms),
            alarms: of(&self.alarms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_add_up_and_only_those_above_the_bound_alarm() {
        let board = LagBoard::default();
        let lags = |lag_ms: u64| {
            let mut lags = Lags { sum_ms: lag_ms, max_ms: lag_ms, ..Lags::default() };
            lags.counts[3] = 1;
            lags
        };
        board.note(&lags(5_000));
        assert_eq!(board.read().alarms, 0, "no bound was set");
        board.alarm_above(1_000);
        for lag_ms in [1_000, 1_001, 7] {
            board.note(&lags(lag_ms));
        }
        let read = board.read();
        assert_eq!((read.counts[3], read.sum_ms, read.max_ms, read.alarms), (4, 7_008, 5_000, 1));
        let both = read.and(ReleaseLag { max_ms: 9_000, alarms: 2, ..ReleaseLag::default() });
        assert_eq!((both.counts[3], both.max_ms, both.alarms), (4, 9_000, 3));
    }
}
