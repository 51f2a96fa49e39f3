//! How much one client may ask for.
//!
//! The Generic Cell Rate Algorithm (ITU-T I.371, virtual scheduling): of a client it keeps one moment, the theoretical
//! arrival time. That is when the client's next operation would be due if it kept to its rate exactly. An operation pushes it
//! back by the interval `T` of the rate; a client that has been idle has it in the past, which counts as now. A client may
//! be ahead of it by the burst and no more.
//!
//! ```text
//!        now                 now + burst * T
//! ────────┼─────────────────────────┼──────► time
//!         │■■■■■■■■■■■■■■┊          │
//!         └── spent ─────┘          │
//!          theoretical arrival time └── further than this it may not go
//! ```
//!
//! That is a token bucket, exactly, without tokens that somebody has to refill and in half the memory. So a client that has
//! been away for a day gets its burst and not a day's worth.
//!
//! **Part of a batch.** [`Table::take_some`] grants as many as fit. The operations of a batch are independent: to refuse all
//! 64 because 60 are allowed would punish clients for batching, and with all or nothing a batch above the burst would be
//! refused for ever.
//!
//! **A fixed table.** Clients choose how many they are, so the table doesn't grow with them. A client's hash leads to one
//! set of four entries, a cache line; when a fifth comes, the entry with the oldest arrival time makes room. If that time
//! is past, forgetting it changes nothing: an unknown client is treated just so. If all four are ahead of their rate, the
//! one that is the least ahead is forgotten: it gets back what it had spent, a burst at most. So a full table *admits*:
//! this is for fairness between clients, and what protects the server comes after it. [`Table::forgiven`] counts how often
//! that happened; a number that grows says that the table is too small, or that somebody comes under very many names.
//!
//! **What it doesn't do.** It doesn't know who a client is; the caller hashes the identity to 64 bits with a seed that the
//! process draws at its start, as whoever knew the seed could choose names that share a set with a victim. It doesn't
//! reserve room: what it granted is spent, whatever becomes of the operation. It doesn't limit confirms and cancels.

use std::num::NonZeroU32;

use super::{Micros, Moment};

#[cfg(test)]
mod tests;

/// Entries of a set: those of one cache line.
const WAYS: usize = 4;

const _: () = assert!(size_of::<Set>() == 64 && align_of::<Set>() == 64);

/// How fast a client may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Operations a second, in the long run.
    pub(crate) per_second: NonZeroU32,
    /// Operations at once, after being idle.
    pub(crate) burst: NonZeroU32,
}

/// What a client is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// How many of the operations may go on.
    pub(crate) granted: u32,
    /// How long until one more is granted; zero if none was refused.
    pub(crate) retry_after: Micros,
}

/// The clients of one limit. See the module's doc.
#[derive(Debug)]
pub(crate) struct Table {
    /// A power of two of them.
    sets: Box<[Set]>,
    /// Nanoseconds between two operations, rounded up: never faster than the limit.
    interval: u64,
    /// How far ahead of now an arrival time may be, nanoseconds.
    ahead: u64,
    forgiven: u64,
}

/// Four clients. An entry that nobody has used is one whose client is not ahead of anything, whoever that is.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Set([Entry; WAYS]);

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    client: u64,
    /// Theoretical arrival time, nanoseconds since the process started: an interval need not be whole microseconds.
    due: u64,
}

impl Table {
    /// Room for that many clients at least: 16 bytes each, all of them taken now.
    pub(crate) fn new(limit: Limit, clients: usize) -> Self {
        let interval = 1_000_000_000_u64.div_ceil(u64::from(limit.per_second.get()));
        Self {
            sets: vec![Set::default(); clients.div_ceil(WAYS).next_power_of_two()].into_boxed_slice(),
            interval,
            ahead: interval.saturating_mul(u64::from(limit.burst.get())),
            forgiven: 0,
        }
    }

    /// Grants as many of `asked` operations as the client has left. `client` is a seeded hash of who it is.
    pub(crate) fn take_some(&mut self, client: u64, now: Moment, asked: u32) -> Grant {
        let now = now.us().saturating_mul(1_000);
        let (interval, ahead) = (self.interval, self.ahead);
        let Some(entry) = self.entry(client, now) else {
            return Grant { granted: asked, retry_after: Micros::ZERO };
        };
        let due = entry.due.max(now);
        let most = now.saturating_add(ahead);
        let wanted = due.saturating_add(interval.saturating_mul(u64::from(asked)));
        if wanted <= most {
            entry.due = wanted;
            return Grant { granted: asked, retry_after: Micros::ZERO };
        }
        let granted = most.saturating_sub(due) / interval;
        entry.due = due + granted * interval;
        let wait = entry.due.saturating_add(interval).saturating_sub(most);
        // Fewer than were asked for, or `wanted` would have fitted.
        let granted = u32::try_from(granted).unwrap_or(asked);
        Grant { granted, retry_after: Micros::from_us(wait.div_ceil(1_000)) }
    }

    /// How often a client was forgotten that was ahead of its rate.
    pub(crate) const fn forgiven(&self) -> u64 {
        self.forgiven
    }

    /// The client's entry, made if it has none. There always is one.
    fn entry(&mut self, client: u64, now: u64) -> Option<&mut Entry> {
        let mask = self.sets.len().wrapping_sub(1) as u64;
        let set = &mut self.sets.get_mut(usize::try_from(client & mask).ok()?)?.0;
        if let Some(known) = set.iter().position(|entry| entry.client == client) {
            return set.get_mut(known);
        }
        let oldest = set.iter_mut().min_by_key(|entry| entry.due)?;
        self.forgiven += u64::from(oldest.due > now);
        *oldest = Entry { client, due: 0 };
        Some(oldest)
    }
}
