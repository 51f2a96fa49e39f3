//! What happens to a hold before it is paid: kept longer, given back.

use super::{Decision, replayed};
use crate::command::{Cancel, Extend};
use crate::event::Event;
use crate::ids::Timestamp;
use crate::ledger::{Ledger, Place};
use crate::outcome::{OrderState, Outcome, Refusal};

impl Ledger {
    pub(in crate::ledger) fn decide_cancel(&self, now: Timestamp, cancel: &Cancel, place: Place) -> Decision {
        let (slot, order, state) = match self.owned(cancel.order, cancel.user, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        let deadline = order.deadline();
        match state {
            OrderState::Held | OrderState::Paying | OrderState::Waiting if now < deadline => Decision {
                outcome: Outcome::Cancelled { order: cancel.order },
                event: Some(Event::Cancelled { number: cancel.order, reason: cancel.reason, at: now }),
                place: Place::of_order(slot, order.sku),
            },
            OrderState::Cancelled => Decision::unchanged(replayed(order)),
            OrderState::Held
            | OrderState::Paying
            | OrderState::Waiting
            | OrderState::Expired
            | OrderState::Lapsed => Decision::refuse(Refusal::HoldExpired { deadline }),
            OrderState::Superseded => Decision::refuse(Refusal::AlreadyCancelled),
            OrderState::Confirmed | OrderState::After(_) => Decision::refuse(Refusal::AlreadyConfirmed),
            OrderState::Restocked => Decision::refuse(Refusal::NoSuchOrder),
        }
    }

    pub(super) fn decide_extend(&self, now: Timestamp, extend: &Extend, place: Place) -> Decision {
        let (slot, order) = match self.open(extend.order, extend.user, now, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        let deadline = order.deadline();
        if extend.until <= deadline {
            return Decision::unchanged(replayed(order));
        }
        // A payment has a time of its own, and only so much of it.
        let may = order.state() == Some(OrderState::Held) && order.extensions() < self.rules.max_extensions;
        let longest = order.placed_at.plus(u64::from(self.rules.max_hold_ms));
        let latest = if may { longest.max(deadline) } else { deadline };
        if extend.until > latest {
            return Decision::refuse(Refusal::ExtendLimit { latest });
        }
        Decision {
            outcome: Outcome::Kept { order: extend.order, state: OrderState::Held, deadline: extend.until },
            event: Some(Event::Extended { number: extend.order, deadline: extend.until, at: now }),
            place: Place::of_order(slot, order.sku),
        }
    }
}
