//! The hand-over between shards and the log.
//!
//! A shard that has decided takes a *ticket* while it still holds its lock: the range of log positions that its events
//! will have. It then puts the encoded events into a queue. The [`Scribe`] takes them out in the order of tickets,
//! writes all that wait as one block, syncs, and advances the durable position, which releases the answers.
//!
//! ```text
//! shard ──ticket 10..13──► ┌───────┐          ┌────────┐ write, sync
//! shard ──ticket 13..14──► │ queue │ ───────► │ Scribe │ ─────────────► durable = 14 ──► reactors
//! shard ──ticket 14..20──► └───────┘          └────────┘
//! ```
//!
//! While one group syncs, the next one forms in the queue: the disk's own pace sets the size of groups, and there is no
//! timer to tune. Two shards may put their hand-overs into the queue in another order than they took their tickets; the
//! scribe holds back what comes early. So what is written is always a prefix of the tickets, and as tickets are taken
//! under the locks, every prefix is a state that was really there.
//!
//! The state in memory runs ahead of the log by at most [`MAX_AHEAD_BYTES`] and [`MAX_AHEAD`] hand-overs: at that bound
//! shards stop deciding until the disk has caught up.
//!
//! The first failed write or sync poisons the journal. Nothing is acknowledged after that, ever; the process reports
//! why and ends.

mod bell;
mod scribe;
mod stats;
#[cfg(test)]
mod tests;
mod tickets;

pub use scribe::{Scribe, Step};
pub use stats::{LogStats, SyncTimes};

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam::utils::CachePadded;

use self::bell::Bell;
use self::tickets::Tickets;
use crate::sync::{ArrayQueue, AtomicU64, OnceLock};

/// Hand-overs that may wait for the scribe. Also bounds the buffers in circulation.
pub const MAX_AHEAD: usize = 4_096;

/// Bytes of events that may wait for the scribe or the disk: bounds memory and how long a stalled disk is hidden. A
/// second's worth of orders at full speed is 70 MB; a quarter of that is far more than a healthy sync takes.
pub const MAX_AHEAD_BYTES: u64 = 16 << 20;

/// Hand-overs that shards may add after each of them last saw room: one for each shard that can be at it.
const SLACK: usize = 256;

/// Capacity that a hand-over's buffer may keep when it is used again: bounds what one burst leaves behind.
const KEEP_BUFFER: usize = 256 << 10;

/// When an answer may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When what it saw is written and synced: survives a crash of the machine.
    Always,
    /// When it is written; synced at least every so many milliseconds: a crash of the process loses nothing, one of
    /// the machine the last interval.
    Interval {
        /// Milliseconds between syncs.
        ms: u32,
    },
    /// When it is written; never synced but at a clean end: for tests and rehearsals.
    None,
}

impl Durability {
    /// The name in configuration and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Interval { .. } => "interval",
            Self::None => "none",
        }
    }
}

/// See [`Journal::poison_on_panic`].
#[derive(Debug)]
pub(crate) struct PoisonOnPanic<'a>(&'a Journal);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison("a thread of the engine panicked; its message stands above".to_owned());
        }
    }
}

/// The shared side: shards write to it, reactors read the durable position.
#[derive(Debug)]
pub struct Journal {
    tickets: Tickets,
    /// Empty buffers, from the scribe back to the shards.
    spare: ArrayQueue<Vec<u8>>,
    /// Log position up to which answers may leave. The scribe stores (release) after the sync; reactors load
    /// (acquire) before they let an answer go.
    durable: CachePadded<AtomicU64>,
    /// Bytes handed over and not yet durable. Shards add, the scribe subtracts; a bound, so no ordering is needed.
    ahead_bytes: CachePadded<AtomicU64>,
    /// Wakes the scribe.
    bell: Bell,
    poisoned: OnceLock<Arc<str>>,
    stats: LogStats,
}

impl Journal {
    pub(crate) fn new(durable: u64) -> Self {
        Self {
            tickets: Tickets::new(durable, MAX_AHEAD + SLACK),
            spare: ArrayQueue::new(MAX_AHEAD),
            durable: CachePadded::new(AtomicU64::new(durable)),
            ahead_bytes: CachePadded::new(AtomicU64::new(0)),
            bell: Bell::default(),
            poisoned: OnceLock::new(),
            stats: LogStats::default(),
        }
    }

    /// Log position up to which answers may leave.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Log position after the last decided event.
    pub fn decided(&self) -> u64 {
        self.tickets.decided()
    }

    /// Why the log takes nothing more, if so.
    pub fn poisoned(&self) -> Option<Arc<str>> {
        self.poisoned.get().cloned()
    }

    /// What the log has done.
    pub fn stats(&self) -> &LogStats {
        &self.stats
    }

    /// Whether shards may decide more.
    pub(crate) fn has_room(&self) -> bool {
        self.tickets.len() < MAX_AHEAD
            && self.ahead_bytes.load(Ordering::Relaxed) < MAX_AHEAD_BYTES
            && self.poisoned.get().is_none()
    }

    /// An empty buffer, used before where there is one.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEEP_BUFFER {
            buffer.clear();
            // Where there are enough, this one is freed.
            drop(self.spare.push(buffer));
        }
    }

    /// Takes a ticket for `count` events, queues them and returns the position after them. The caller holds the lock
    /// of the shard that decided them.
    pub(crate) fn hand_over(&self, count: u32, bytes: Vec<u8>) -> u64 {
        self.ahead_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let ticket = self.tickets.hand_over(count, bytes).unwrap_or_else(|ticket| {
            // Can't be: shards ask for room first, and the slack covers those who asked at the same time.
            self.poison("the journal's queue overflowed its bound".to_owned());
            ticket
        });
        self.bell.ring();
        ticket
    }

    /// Ends the log for good. The first reason stands.
    pub(crate) fn poison(&self, why: String) {
        if self.poisoned.set(why.into()).is_ok() {
            self.wake();
        }
    }

    /// Poisons the journal if the thread panics while the result is alive: fail stop covers our own faults, too.
    pub(crate) fn poison_on_panic(&self) -> PoisonOnPanic<'_> {
        PoisonOnPanic(self)
    }

    /// Wakes the scribe: for what it doesn't find in the queue.
    pub(crate) fn wake(&self) {
        self.bell.wake();
    }
}
