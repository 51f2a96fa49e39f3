//! Flat combining: whoever finds the lock free does the work of all.
//!
//! ```text
//! push ──► │ inbox │      try_lock ─┬─ taken: leave, whoever has it will see to it
//!                                   └─ got it: a turn (pop, decide, …) ─► unlock ─► look at the inbox again
//! ```
//!
//! Nobody waits, and nothing that was pushed is left behind: a pusher pushes, then tries the lock; a holder unlocks, then
//! looks at the inbox. Between the two steps both have a sequentially consistent fence, so at least one of them sees the
//! other: either the pusher finds the lock free, or the holder finds what was pushed. (Hendler, Incze, Shavit and Tzafrir,
//! *Flat combining and the synchronization-parallelism tradeoff*, SPAA 2010; the second look is ours, as nobody waits.)
//!
//! Two may leave work in the inbox, and both answer for it: who has had enough says that more is due, and who finds no
//! room (the log is behind) is woken when there is some.
//!
//! Whoever needs several of these at once [`hold`](Combiner::hold)s them. He says so before he waits, so that visitors come
//! to an end and don't take the lock again; they leave their work to him, so he must visit when he has let go.

use std::sync::atomic::{Ordering, fence};

use crate::planted::{Bug, is_planted};
use crate::sync::{ArrayQueue, AtomicU32, Mutex, MutexGuard};

/// See the module's doc. `T` is what waits, `S` is what the lock guards.
#[derive(Debug)]
pub(crate) struct Combiner<T, S> {
    inbox: ArrayQueue<T>,
    state: Mutex<S>,
    /// How many wait for the lock. Others leave their work to them and come to an end soon. Raised before the wait and lowered
    /// when it is over, read by visitors; sequentially consistent, as the lock's own state is.
    wanted: AtomicU32,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// All that waited is done, or can't be now; `more`: something else is due soon.
    Over { more: bool },
    /// Much is done, and much may wait.
    Enough,
}

impl<T, S> Combiner<T, S> {
    /// With room for so many that wait.
    pub(crate) fn new(capacity: usize, state: S) -> Self {
        Self { inbox: ArrayQueue::new(capacity), state: Mutex::new(state), wanted: AtomicU32::new(0) }
    }

    /// Leaves something for whoever holds or gets the lock. The caller then [`visit`](Self::visit)s.
    ///
    /// # Errors
    /// The thing itself, if there is no room.
    pub(crate) fn push(&self, work: T) -> Result<(), T> {
        self.inbox.push(work)
    }

    /// What has waited longest. For whoever has the lock.
    pub(crate) fn pop(&self) -> Option<T> {
        self.inbox.pop()
    }

    /// Whether anything waits.
    pub(crate) fn has_mail(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether somebody waits for the lock: advice for whoever has it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    /// Takes turns until nothing waits, unless somebody else is at it, who then does it. Returns whether more is due.
    ///
    /// `has_room` says whether a turn could do anything about what waits: if not, it is left there.
    pub(crate) fn visit(&self, has_room: impl Fn() -> bool, mut turn: impl FnMut(&mut S) -> Turn) -> bool {
        let mut due = false;
        loop {
            fence(Ordering::SeqCst);
            if self.wanted.load(Ordering::SeqCst) > 0 {
                // Whoever waits for the lock looks at the inbox when he is done.
                return due;
            }
            let Some(mut state) = self.state.try_lock() else { return due };
            let done = turn(&mut state);
            drop(state);
            match done {
                Turn::Over { more } => due |= more,
                Turn::Enough => return true,
            }
            if is_planted(Bug::NoSecondLook) {
                return due;
            }
            fence(Ordering::SeqCst);
            if !self.has_mail() || !has_room() {
                return due;
            }
        }
    }

    /// Waits for the lock: for whoever then [`visit`](Self::visit)s, as others have left their work to him.
    pub(crate) fn hold(&self) -> MutexGuard<'_, S> {
        self.wanted.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock();
        self.wanted.fetch_sub(1, Ordering::SeqCst);
        state
    }

    /// Lets visitors find the lock taken, as if somebody waited for it, until [`vacate`](Self::vacate).
    #[cfg(any(test, feature = "planted"))]
    pub(crate) fn occupy(&self) {
        self.wanted.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends one [`occupy`](Self::occupy).
    #[cfg(any(test, feature = "planted"))]
    pub(crate) fn vacate(&self) {
        self.wanted.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
