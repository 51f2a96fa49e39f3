//! How many shards may be open for being slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// One of so many shards may be open because they are slow: half.
const ONE_IN: u32 = 2;

/// Seats for the breakers of one class, one breaker a shard, that are open for slowness. When most shards are slow at once,
/// the machine is slow and not a shard: refusing them all would turn a slow sale into none. Broken parts need no seat.
///
/// Half is rounded down, so a server with a single shard never opens for slowness; its queue's bound in time sheds then.
/// Envoy, whose `max_ejection_percent` this is, used to eject one host at least, and made that a choice later.
#[derive(Debug)]
pub(crate) struct SlowQuota {
    seats: u32,
    /// Written and read by breakers on any thread as they open and recover. Relaxed: no other memory hangs on it, and
    /// an update is one atomic step, so it never exceeds the seats.
    taken: AtomicU32,
}

impl SlowQuota {
    /// For so many shards.
    pub(crate) fn of(shards: u32) -> Arc<Self> {
        Arc::new(Self { seats: shards / ONE_IN, taken: AtomicU32::new(0) })
    }

    /// A seat, if one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<SlowSeat> {
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < self.seats).then_some(taken + 1)
            })
            .ok()?;
        Some(SlowSeat(Arc::clone(self)))
    }

    /// Breakers that are open for slowness now.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// A seat; free again when it is dropped.
#[derive(Debug)]
pub(super) struct SlowSeat(Arc<SlowQuota>);

impl Drop for SlowSeat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
