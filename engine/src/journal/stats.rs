//! What the log has done, for metrics and reports.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;

/// Longest write and sync that is told from longer ones, microseconds: a minute.
const MAX_US: u64 = 60_000_000;

/// Counters of the log. The scribe alone writes; anybody reads. Nothing is ordered by them.
#[derive(Debug)]
pub struct LogStats {
    blocks: AtomicU64,
    events: AtomicU64,
    bytes: AtomicU64,
    times: Mutex<Histogram<u64>>,
}

/// How long writing and syncing a block took, since the process started, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncTimes {
    /// Blocks measured.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// Longest.
    pub max_us: u64,
}

impl Default for LogStats {
    fn default() -> Self {
        let times =
            Histogram::new_with_bounds(1, MAX_US, 2).expect("1..=60 s with two digits are valid bounds");
        Self {
            blocks: AtomicU64::new(0),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            times: Mutex::new(times),
        }
    }
}

impl LogStats {
    pub(super) fn record(&self, events: u64, bytes: u64, took: Duration) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.times.lock().saturating_record(us.clamp(1, MAX_US));
    }

    /// Blocks written.
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Events written.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Bytes of events written, without headers and padding.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Times since the process started.
    pub fn sync_times(&self) -> SyncTimes {
        let times = self.times();
        SyncTimes {
            count: times.len(),
            p50_us: times.value_at_quantile(0.5),
            p99_us: times.value_at_quantile(0.99),
            max_us: times.max(),
        }
    }

    /// How long writing and syncing each block took, since the process started, microseconds. A copy, as the scribe waits
    /// for whoever looks.
    pub fn times(&self) -> Histogram<u64> {
        self.times.lock().clone()
    }
}
