//! How other threads reach a reactor: with answers of the feed, and to wake it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam::queue::ArrayQueue;
use doorbuster_engine::Waker;

use crate::feed::{MAX_FETCHES, Reply};

/// See the module's doc.
pub(crate) struct Door {
    waker: Waker,
    /// Set by the reactor before it polls, cleared by whoever wakes it: one system call a sleep at most. Sequentially
    /// consistent with the reactor's last look at its port and at the durable position.
    pub(super) asleep: AtomicBool,
    /// Answers of the feed. As many as may be underway, so it is never full.
    pub(super) replies: ArrayQueue<Reply>,
}

impl Door {
    /// A door behind which a reactor sleeps whom `waker` wakes.
    pub(crate) fn new(waker: Waker) -> Self {
        Self { waker, asleep: AtomicBool::new(false), replies: ArrayQueue::new(MAX_FETCHES) }
    }

    /// Wakes the reactor if it sleeps.
    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            (self.waker)();
        }
    }

    /// Hands an answer of the feed over.
    pub(crate) fn reply(&self, reply: Reply) {
        let refused = self.replies.push(reply).is_err();
        debug_assert!(!refused, "a reactor has no more fetches underway than its door holds");
        self.wake();
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("asleep", &self.asleep).finish_non_exhaustive()
    }
}
