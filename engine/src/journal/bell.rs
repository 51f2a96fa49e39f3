//! How a thread that has nothing to do is woken by whoever has something for it.
//!
//! The sleeper says that it sleeps, then looks a last time; whoever leaves something then looks whether it sleeps. Both are
//! sequentially consistent, so one of them sees the other, and whoever leaves something while nobody sleeps pays for a load
//! and not for a system call.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::planted::{Bug, is_planted};
use crate::sync::{AtomicBool, OnceLock, Thread, current, park_timeout};

/// See the module's doc.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// Whether the thread sleeps. Set by it before its last look, read by others after they have left something.
    asleep: AtomicBool,
    /// Set once, before the thread first sleeps.
    thread: OnceLock<Thread>,
}

impl Bell {
    /// Says that it is this thread that sleeps here.
    pub(super) fn listen(&self) {
        // The first to set it is the one: nobody else listens.
        drop(self.thread.set(current()));
    }

    /// Sleeps until somebody rings, `most` at most; not at all if there is something to do.
    pub(super) fn sleep(&self, most: Duration, idle: impl Fn() -> bool) {
        self.asleep.store(true, Ordering::SeqCst);
        if is_planted(Bug::NoLastLook) || idle() {
            park_timeout(most);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Wakes the thread if it sleeps: after something was left for it.
    pub(super) fn ring(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the thread, or keeps it from falling asleep: for what it doesn't look at before it sleeps.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}
