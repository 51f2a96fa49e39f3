//! A shard whose lock somebody holds who decides over several.

use std::sync::atomic::Ordering;

use doorbuster_ledger::{Lags, Ledger};

use super::Shard;
use super::state::State;
use crate::keeper::Keeper;
use crate::sync::MutexGuard;

/// See the module's doc. The lock is let go when this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    shard: &'a Shard,
    state: MutexGuard<'a, State>,
}

impl Shard {
    /// Waits for the lock, at most for what a visitor hands over at once, some 100 us. For whoever takes several in ascending
    /// order, and then visits those that have mail.
    pub(crate) fn hold(&self, keeper: &Keeper) -> Held<'_> {
        let mut state = self.line.hold();
        keeper.serve(state.number, &mut state.ledger);
        Held { shard: self, state }
    }

    /// Whether batches wait in the inbox.
    pub(crate) fn has_mail(&self) -> bool {
        self.line.has_mail()
    }

    /// Whether orders over several shards were overdue at the last visit.
    pub(crate) fn has_overdue(&self) -> bool {
        self.overdue.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
impl Shard {
    /// As if an order over several shards had been overdue at the last visit.
    pub(crate) fn seem_overdue(&self) {
        self.overdue.store(true, Ordering::Relaxed);
    }
}

impl Held<'_> {
    pub(crate) fn ledger(&mut self) -> &mut Ledger {
        &mut self.state.ledger
    }

    /// Log position after the shard's last event.
    pub(crate) fn ticket(&self) -> u64 {
        self.state.last_ticket
    }

    /// To be called before events are handed over: units may have come back, and nobody is told "sold out" any more.
    pub(crate) fn wipe_returned(&mut self) {
        self.state.wipe_returned(&self.shard.directory);
    }

    /// Notes that so many events were handed over, so many of them offers to orders that wait, and that the log is at
    /// `ticket` after them.
    pub(crate) fn decided(&mut self, ticket: u64, events: u32, offered: u32) {
        self.state.last_ticket = ticket;
        self.state.counters.events += u64::from(events);
        self.state.counters.offered += u64::from(offered);
    }

    /// A command over several shards is counted at the first of them.
    pub(crate) fn count_command(held: &mut [Self]) {
        if let Some(first) = held.first_mut() {
            first.state.counters.commands += 1;
        }
    }

    /// As [`count_command`](Self::count_command), for one that came too late to be decided.
    pub(crate) fn count_late(held: &mut [Self]) {
        if let Some(first) = held.first_mut() {
            first.state.counters.deadline_exceeded += 1;
        }
    }

    /// An order over several shards ended by its deadline, so many milliseconds late.
    pub(crate) fn count_expired(held: &mut [Self], lag_ms: u64) {
        if let Some(first) = held.first_mut() {
            let counters = &mut first.state.counters;
            counters.expired += 1;
            counters.release_lag_max_ms = counters.release_lag_max_ms.max(lag_ms);
            let mut lags = Lags::default();
            lags.note(lag_ms);
            first.shard.lag.note(&lags);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let overdue = self.state.ledger.errands().next().is_some();
        self.shard.overdue.store(overdue, Ordering::Relaxed);
        self.shard.board.publish(self.state.figures());
    }
}
