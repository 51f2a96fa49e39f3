//! Where an order stands in the log.

use doorbuster_protocol::OrderState;

use super::record::Placed;

/// Where an order stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Held,
    Confirmed,
    Cancelled,
    Expired,
    Superseded,
    Waiting,
    Lapsed,
}

impl State {
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Waiting)
    }

    pub(super) fn on_the_wire(self) -> OrderState {
        match self {
            Self::Held => OrderState::Held,
            Self::Confirmed => OrderState::Confirmed,
            Self::Cancelled => OrderState::Cancelled,
            Self::Expired => OrderState::Expired,
            Self::Superseded => OrderState::Superseded,
            Self::Waiting => OrderState::Waiting,
            Self::Lapsed => OrderState::Lapsed,
        }
    }
}

/// An order, as the log's records add up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) placed: Placed,
    pub(super) state: State,
    /// Units that it has now, or had when it ended, over all lines.
    pub(super) units: u32,
    /// It was placed to wait.
    pub(super) waited: bool,
    pub(super) payment_id: [u8; 16],
    pub(super) ended_at: u64,
    /// It left memory, and no answer names it any more.
    pub(super) evicted: bool,
}

impl Order {
    pub(super) fn new(placed: Placed, state: State) -> Self {
        let waited = state == State::Waiting;
        let units = placed.quantity;
        Self { placed, state, units, waited, payment_id: [0; 16], ended_at: 0, evicted: false }
    }
}
