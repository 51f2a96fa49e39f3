//! Bugs that tests plant, to see that they would be found, and what else one thread alone never sees.
//!
//! A simulator that finds nothing proves nothing until it has found what is there. Each bug here is one that an engine of this
//! kind has had or nearly had; it stands in the code where it would stand, and is planted on one thread by `plant`.
//!
//! All of it exists with the feature `planted` only, which the tests of this workspace turn on, and in this crate's own tests. A server is built without it:
//! then [`is_planted`] is a constant, and nothing is left in the code.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Answers leave when their block is written, before it is synced.
    AcknowledgeBeforeSync,
    /// The sold-out directory says what it has heard before it is durable.
    PublishBeforeDurable,
    /// A start takes what nothing proves durable as if it were, and forgets to write it again.
    ForgetTornTail,
    /// A hold that ends by its deadline gives its units back twice.
    ReleaseTwice,
    /// Whoever has let a lock go doesn't look for what was left to him meanwhile.
    NoSecondLook,
    /// The scribe goes to sleep without another look at the queue.
    NoLastLook,
    /// The scribe takes hand-overs as they come, not in the order of their tickets.
    OutOfTurn,
    /// Units that came back wipe the note about their SKU at the next visit: others may have heard of them by then.
    WipeLate,
    /// A reader of the directory takes words of several notes for one.
    TornNote,
    /// Whoever has held several shards doesn't visit them.
    HeldAndLeft,
    /// Each event of an order over several shards is handed over by itself.
    OrderInParts,
    /// A shard's ticket is taken when its lock has been let go.
    TicketAfterUnlock,
    /// The sold-out directory answers a request that may have been decided before.
    DirectoryAnswersRepeats,
}

#[cfg(any(test, feature = "planted"))]
impl crate::Engine {
    /// Lets a shard's visitors find it taken, as if somebody with an order over several shards waited for it, until
    /// [`vacate`](Self::vacate): in one thread nobody ever does.
    pub fn occupy(&self, shard: usize) {
        self.all_shards().get(shard).into_iter().for_each(crate::shard::Shard::occupy);
    }

    /// Ends one [`occupy`](Self::occupy).
    pub fn vacate(&self, shard: usize) {
        self.all_shards().get(shard).into_iter().for_each(crate::shard::Shard::vacate);
    }
}

#[cfg(any(test, feature = "planted"))]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug on this thread in the place of any other, or none.
#[cfg(any(test, feature = "planted"))]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether a bug is planted on this thread.
#[cfg(any(test, feature = "planted"))]
#[inline]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether a bug is planted on this thread: none ever is.
#[cfg(not(any(test, feature = "planted")))]
#[inline]
pub const fn is_planted(_: Bug) -> bool {
    false
}
