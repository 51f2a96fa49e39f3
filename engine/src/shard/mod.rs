//! A shard: a ledger behind a try-lock, with a bounded lock-free queue in front of it.
//!
//! A shard is data, not a thread. Whoever has work pushes a batch into the inbox and tries the lock. If he gets it, he
//! decides for everybody whose batches are there (flat combining, Hendler et al., SPAA 2010); if not, the one who
//! holds it will. Nobody ever waits for the lock, and no request pays for waking a thread.
//!
//! ```text
//! reactor 1 ──push──► ┌───────┐   try_lock: whoever gets it drains for all
//! reactor 2 ──push──► │ inbox │ ─────────────► ledger ──events──► journal (ticket taken under the lock)
//! timer     ──────────└───────┘                   └──answers──► port of the batch's reactor
//! ```
//!
//! No batch is left behind: a pusher pushes, then tries the lock; a holder unlocks, then looks at the inbox again. The module
//! `combiner` says why that is enough; the desk works in the same way.
//!
//! The ticket, the log position after the batch's last event, is taken while the lock is held. So tickets follow the
//! order of decisions, and any prefix of the log is a state that was really there. A batch that changed nothing
//! carries the ticket of the last change that it may have seen: a refusal, too, waits until its reason is durable.

mod after;
mod batch;
mod elsewhere;
mod figures;
mod held;
mod lag;
mod notes;
#[cfg(any(test, feature = "planted"))]
mod planted;
mod state;
#[cfg(test)]
mod tests;

pub use after::{AfterAnswer, ReadAfter};
pub use batch::{Answer, Batch, MAX_SLOTS, Request, Slot, Work};
pub use figures::Figures;
pub(crate) use held::Held;
pub use lag::ReleaseLag;

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use crossbeam::utils::CachePadded;
use doorbuster_ledger::{Ledger, Timestamp};

use self::figures::Board;
use self::lag::LagBoard;
use self::state::State;
use crate::combiner::{Combiner, Turn};
use crate::composite::Desk;
use crate::directory::Directory;
use crate::journal::Journal;
use crate::keeper::Keeper;
use crate::port::Ports;
use crate::sync::AtomicBool;

/// Batches that may wait at a shard. A reactor has one on its way to each shard at a time and keeps the rest to
/// itself, so the bound is never reached with fewer reactors than this.
const INBOX_CAPACITY: usize = 256;

/// See the module's doc.
#[derive(Debug)]
pub struct Shard {
    line: Combiner<Batch, State>,
    /// For what its ledger can't decide about alone.
    desk: Arc<Desk>,
    /// Whether orders over several shards are overdue here. Advice, stored under the lock: who misses it sees it at the next
    /// visit.
    overdue: AtomicBool,
    /// On a line of its own: readers take nothing away from those who work.
    board: CachePadded<Board>,
    lag: CachePadded<LagBoard>,
    /// What reactors may say without asking. Of the partitions served here it is written under the lock alone.
    directory: Arc<Directory>,
}

/// What a shard has done since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commands decided.
    pub commands: u64,
    /// Events, expiries included.
    pub events: u64,
    /// Requests whose deadline had passed.
    pub deadline_exceeded: u64,
    /// Holds that ended by their deadline.
    pub expired: u64,
    /// Orders that waited and got units.
    pub offered: u64,
    /// Waits that ended in vain.
    pub lapsed: u64,
    /// Ended orders that left memory.
    pub evicted: u64,
    /// The most that a hold was past its deadline when its units went back, milliseconds.
    pub release_lag_max_ms: u64,
}

impl Shard {
    pub(crate) fn new(
        number: usize,
        ledger: Ledger,
        desk: Arc<Desk>,
        directory: Arc<Directory>,
        added_cost: Duration,
    ) -> Self {
        let state = State::new(number, ledger, added_cost);
        let board = CachePadded::new(Board::default());
        board.publish(state.figures());
        Self {
            line: Combiner::new(INBOX_CAPACITY, state),
            desk,
            overdue: AtomicBool::new(false),
            board,
            lag: CachePadded::default(),
            directory,
        }
    }

    /// Hands a batch in, to be decided by whoever holds or gets the lock.
    ///
    /// # Errors
    /// The batch itself, if the inbox is full.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), Batch> {
        self.line.push(batch)
    }

    /// Decides what waits and a bounded part of what is due, unless somebody else is at it, who then does it. Returns
    /// whether more is due.
    pub(crate) fn visit(&self, now: Timestamp, journal: &Journal, ports: &Ports, keeper: &Keeper) -> bool {
        self.line.visit(
            || journal.has_room(),
            |state| Turn::Over { more: self.step(state, now, journal, ports, keeper) },
        )
    }

    /// As [`visit`](Self::visit), but waits for whoever is at the shard: never on an order's path.
    pub(crate) fn attend(&self, now: Timestamp, journal: &Journal, ports: &Ports, keeper: &Keeper) -> bool {
        let mut state = self.line.hold();
        let more = self.step(&mut state, now, journal, ports, keeper);
        drop(state);
        fence(Ordering::SeqCst);
        // Whoever pushed meanwhile found the lock taken and relies on its holder.
        if self.has_mail() { self.visit(now, journal, ports, keeper) || more } else { more }
    }

    /// What whoever has the lock does. Returns whether more is due.
    fn step(
        &self,
        state: &mut State,
        now: Timestamp,
        journal: &Journal,
        ports: &Ports,
        keeper: &Keeper,
    ) -> bool {
        // Dropped before the lock: nobody decides on a state that a panic has left half changed.
        let guard = journal.poison_on_panic();
        let more = state.pulse(now, journal, ports, self);
        let more = state.work(self, now, journal, ports, keeper) && more;
        drop(guard);
        self.overdue.store(state.ledger.errands().next().is_some(), Ordering::Relaxed);
        more
    }

    /// The figures of the latest visit; waits for nobody.
    pub fn figures(&self) -> Figures {
        self.board.read()
    }

    /// How late holds ended, since the process started; waits for nobody.
    pub fn release_lag(&self) -> ReleaseLag {
        self.lag.read()
    }

    /// Sets the bound above which [`ReleaseLag::alarms`] counts, milliseconds.
    pub(crate) fn alarm_above(&self, lag_ms: u64) {
        self.lag.alarm_above(lag_ms);
    }

    /// Waits for the lock and looks at the ledger: for digests, checks and tests, never on an order's path. What is handed in
    /// meanwhile waits for the next visit.
    pub(crate) fn inspect<T>(&self, look: impl FnOnce(&Ledger, Counters) -> T) -> T {
        let state = self.line.hold();
        look(&state.ledger, state.counters)
    }

    /// As [`inspect`](Self::inspect) for a short look while the shard works: what was handed in meanwhile is decided then, as whoever
    /// found the lock taken relies on its holder.
    pub(crate) fn glance<T>(
        &self,
        look: impl FnOnce(&Ledger) -> T,
        (journal, ports, keeper): (&Journal, &Ports, &Keeper),
        now: impl FnOnce() -> Timestamp,
    ) -> T {
        let seen = self.inspect(|ledger, _| look(ledger));
        fence(Ordering::SeqCst);
        if self.has_mail() {
            self.visit(now(), journal, ports, keeper);
        }
        seen
    }

    /// Waits for the lock, changes the ledger and hands the event over; for the few changes that concern all shards, before
    /// anything is handed in.
    pub(crate) fn amend(&self, amend: impl FnOnce(&mut Ledger) -> u64) {
        let mut state = self.line.hold();
        state.last_ticket = amend(&mut state.ledger);
        self.board.publish(state.figures());
    }
}
