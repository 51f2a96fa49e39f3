//! What those are told who watch orders that wait for units.
//!
//! Whoever decides makes a note of each offer and of each wait that ended in vain, and looks nobody up. When the events have
//! their ticket, the notes go into a queue of each reactor where anybody watches; reactors know who. A full queue drops
//! notes and counts them: who watches can read the order at any time.

use doorbuster_ledger::{Event, OrderNumber, Timestamp};

/// Notes that wait for a reactor: what some thirty pulses offer. 8,192 of 48 bytes are 0.4 MiB a reactor.
pub const MAX_NOTICES: usize = 8_192;

/// An order that waits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The order.
    pub order: OrderNumber,
    /// What became of it.
    pub news: News,
    /// When that was decided.
    pub at: Timestamp,
    /// It may be told once the log is durable up to this position.
    pub ticket: u64,
}

/// See [`Notice::news`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Units are held for it until then.
    Offered(Timestamp),
    /// Its time was up, and no units had come.
    Lapsed,
}

impl Notice {
    /// The note of an event, where it is an offer. Its ticket is not known yet.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        match *event {
            Event::Offered { number, deadline, at } => {
                Some(Self { order: number, news: News::Offered(deadline), at, ticket: 0 })
            }
            _ => None,
        }
    }

    /// The note of a wait that ended in vain.
    pub(crate) fn lapsed(order: OrderNumber, at: Timestamp) -> Self {
        Self { order, news: News::Lapsed, at, ticket: 0 }
    }
}
