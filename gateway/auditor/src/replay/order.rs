//! Where an order stands in the log.

use crate::record::Placed;

/// Where an order stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Units are held for it.
    Held,
    /// It is paid.
    Confirmed,
    /// Its shopper gave it back.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// Another order took its place.
    Superseded,
    /// It waits for units.
    Waiting,
    /// It waited in vain.
    Lapsed,
}

impl State {
    /// Whether something may still become of it by itself.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Waiting)
    }
}

/// An order, as the log's records add up.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// As it was placed.
    pub placed: Placed,
    /// Where it stands.
    pub state: State,
    /// Units that it has now, or had when it ended, over all lines.
    pub units: u32,
    /// What is due, minor units; 0: any amount.
    pub amount: u64,
    /// When its hold or its wait ends, milliseconds.
    pub deadline: u64,
    /// It was placed to wait.
    pub waited: bool,
    /// The payment that bought it; zeros: none did.
    pub payment_id: [u8; 16],
    /// When it ended, milliseconds.
    pub ended_at: u64,
    /// The block in which part of it was given back for good the last time.
    pub(super) cut_in: Option<u64>,
    /// It left memory, and no answer names it any more.
    pub evicted: bool,
}

impl Order {
    /// An order that is placed, with its deadline.
    pub fn new(placed: Placed, state: State, deadline: u64) -> Self {
        Self {
            placed,
            state,
            units: placed.quantity,
            amount: placed.amount,
            deadline,
            waited: state == State::Waiting,
            payment_id: [0; 16],
            ended_at: 0,
            cut_in: None,
            evicted: false,
        }
    }
}
