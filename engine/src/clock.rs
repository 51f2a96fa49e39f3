//! Where time comes from.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use doorbuster_ledger::Timestamp;

/// A source of wall-clock time. The engine never lets time go back, whatever the source does.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until somebody moves it: for simulations and tests.
#[derive(Debug)]
pub struct ManualClock {
    /// Written by the test, read by the engine; nothing else is ordered by it.
    now_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now_ms: AtomicU64::new(now.raw()) }
    }

    /// Moves the clock, forwards or back.
    pub fn set(&self, now: Timestamp) {
        self.now_ms.store(now.raw(), Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

/// Another clock that can be put forward: for trying out on throw-away data what waiting would bring. Never goes back,
/// but where the clock below does.
#[derive(Debug)]
pub struct DevClock {
    below: Arc<dyn Clock>,
    /// How far it was put forward, milliseconds. Whoever moves time adds; everybody reads; nothing else is ordered by it.
    ahead_ms: AtomicU64,
}

impl DevClock {
    /// A clock that shows what `below` shows, until it is put forward.
    pub fn new(below: Arc<dyn Clock>) -> Self {
        Self { below, ahead_ms: AtomicU64::new(0) }
    }

    /// Puts the clock forward by so many milliseconds.
    pub fn advance(&self, ms: u64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for DevClock {
    fn now(&self) -> Timestamp {
        self.below.now().plus(self.ahead_ms.load(Ordering::SeqCst))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(self.now_ms.load(Ordering::SeqCst))
    }
}
