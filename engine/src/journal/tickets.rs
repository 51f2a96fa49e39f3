//! Tickets, and the queue that brings hand-overs back into their order.
//!
//! A ticket is a range of log positions. Shards take them under their own locks, so their order is one in which everything
//! that was decided may have happened. They put what they decided into the queue afterwards, and two shards may do that in
//! the other order; the one reader holds back what comes early. So what he has taken is always a prefix of the tickets.
//!
//! ```text
//! shard 1: ticket 10..13 ─────────────push──►│        │
//! shard 2:        ticket 13..14 ──push──────►│ 13, 10 │ ──► early: 13 ──► 10..13, 13..14
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crossbeam::utils::CachePadded;

use crate::planted::{Bug, is_planted};
use crate::sync::{ArrayQueue, AtomicU64};

/// Events that were decided together, with their ticket.
#[derive(Debug)]
pub(super) struct HandOver {
    /// Log position before the first of them.
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) bytes: Vec<u8>,
}

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Tickets {
    queue: ArrayQueue<HandOver>,
    /// Log position after the last ticket. Shards add under their own lock; the value alone orders the log, so the
    /// addition needs no ordering of its own, the queue's push publishes the content.
    decided: CachePadded<AtomicU64>,
}

impl Tickets {
    /// The first ticket begins at this position. So many hand-overs may wait.
    pub(super) fn new(first: u64, capacity: usize) -> Self {
        Self { queue: ArrayQueue::new(capacity), decided: CachePadded::new(AtomicU64::new(first)) }
    }

    /// Log position after the last ticket.
    pub(super) fn decided(&self) -> u64 {
        self.decided.load(Ordering::Relaxed)
    }

    /// Takes a ticket for `count` events and queues them; answers the position after them. Under the lock of the shard that
    /// decided them, or of all of them.
    ///
    /// # Errors
    /// That position, where the queue was full: the ticket is lost, and with it all that come after.
    pub(super) fn hand_over(&self, count: u32, bytes: Vec<u8>) -> Result<u64, u64> {
        let first = self.decided.fetch_add(u64::from(count), Ordering::Relaxed);
        let after = first + u64::from(count);
        self.queue.push(HandOver { first, count, bytes }).map(|()| after).map_err(|_| after)
    }

    /// Hand-overs that wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// The reader's side: one alone.
#[derive(Debug)]
pub(super) struct Turns {
    /// Position after the last event that was taken.
    taken: u64,
    /// Hand-overs that came before their turn, by first position. Bounded by the queue's own bound: everybody who took an
    /// earlier ticket is about to push.
    early: BTreeMap<u64, HandOver>,
}

impl Turns {
    /// The first turn begins at this position.
    pub(super) const fn new(first: u64) -> Self {
        Self { taken: first, early: BTreeMap::new() }
    }

    /// Position after the last event that was taken.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// The hand-over whose turn it is, if it has come.
    pub(super) fn next(&mut self, tickets: &Tickets) -> Option<HandOver> {
        let next = self.find(tickets)?;
        self.taken = next.first + u64::from(next.count);
        Some(next)
    }

    /// Puts back what came from [`next`](Self::next) last: it is the next again.
    pub(super) fn put_back(&mut self, hand_over: HandOver) {
        self.taken = hand_over.first;
        self.early.insert(hand_over.first, hand_over);
    }

    fn find(&mut self, tickets: &Tickets) -> Option<HandOver> {
        if let Some(first) = self.early.first_entry()
            && *first.key() == self.taken
        {
            return Some(first.remove());
        }
        while let Some(next) = tickets.queue.pop() {
            if next.first == self.taken || is_planted(Bug::OutOfTurn) {
                return Some(next);
            }
            self.early.insert(next.first, next);
        }
        None
    }
}
