//! Decisions: what a command comes to, given the state and the time. Reads only.

mod channel;
mod hold;
mod pay;
mod reserve;
mod sku;
mod stock;

pub(super) use pay::{Late, MAX_REFUNDS};
pub(super) use reserve::fingerprint;
pub(super) use sku::NOTHING_NEW;

use super::{Ledger, Place};
use crate::command::{Cancel, Command, Confirm};
use crate::event::Event;
use crate::ids::{OrderNumber, RequestId, Timestamp, UserId};
use crate::order::Order;
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::table::Slot;

/// What a command came to.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// What goes into the log with it, if anything does.
    pub event: Option<Event>,
    pub(super) place: Place,
}

impl Decision {
    pub(super) fn refuse(refusal: Refusal) -> Self {
        Self::unchanged(Outcome::Refused(refusal))
    }

    pub(super) fn unchanged(outcome: Outcome) -> Self {
        Self { outcome, event: None, place: Place::default() }
    }
}

impl Ledger {
    /// What `command` comes to at `now`, which must not be before [`Ledger::now`]. Changes nothing. `place` is where
    /// [`touch`](Self::touch) saw the command's SKU or order, or [`Place::default`].
    #[inline]
    pub fn decide(&self, now: Timestamp, command: &Command, place: Place) -> Decision {
        let decision = match command {
            // Other ledgers must agree: see `Span`.
            Command::Confirm(Confirm { order, .. }) | Command::Cancel(Cancel { order, .. })
                if order.is_composite() =>
            {
                Decision::refuse(Refusal::SeveralSkus)
            }
            Command::Reserve(reserve) => self.decide_reserve(now, reserve, place),
            Command::Confirm(confirm) => self.decide_confirm(now, confirm, place, false, Self::is_there_late),
            Command::Cancel(cancel) => self.decide_cancel(now, cancel, place),
            Command::BeginPay(begin) => self.decide_begin_pay(now, begin, place),
            Command::FailPay(failed) => self.decide_fail_pay(now, failed, place),
            Command::Extend(extend) => self.decide_extend(now, extend, place),
            Command::PutSku(put) => self.decide_put(now, put),
            Command::SetChannel(set) => self.decide_channel(now, set, place),
            Command::Rebalance(rebalance) => self.decide_rebalance(now, rebalance, place),
            Command::Restock(restock) => self.decide_restock(now, restock),
            Command::Sku(command) => self.decide_sku(now, command, place),
        };
        if self.progress.is_empty() {
            return decision;
        }
        Decision { outcome: self.restated(decision.outcome), ..decision }
    }

    pub(super) fn check_request(&self, now: Timestamp, request: RequestId) -> Result<(), Refusal> {
        if !request.is_uuid_v7() {
            return Err(Refusal::Invalid { field: Field::RequestId });
        }
        let window_ms = self.rules.idempotency_window_ms;
        let made_at = request.made_at();
        if now.since(made_at) > window_ms {
            return Err(Refusal::IdTooOld { window_ms });
        }
        if made_at.since(now) > self.rules.future_tolerance_ms {
            return Err(Refusal::IdFromFuture);
        }
        Ok(())
    }

    /// The order with this number, if it is a sale and belongs to `user`.
    pub(super) fn owned(
        &self,
        number: OrderNumber,
        user: UserId,
        place: Place,
    ) -> Result<(Slot, &Order, OrderState), Refusal> {
        let (slot, order) = self.order_at(place, number).ok_or(Refusal::NoSuchOrder)?;
        match order.state() {
            None | Some(OrderState::Restocked) => Err(Refusal::NoSuchOrder),
            Some(_) if order.user != user => Err(Refusal::OwnerMismatch),
            Some(state) => Ok((slot, order, state)),
        }
    }
}

pub(super) fn replayed(order: &Order) -> Outcome {
    Outcome::Replayed { order: Some(order.number), state: order.state(), deadline: order.deadline() }
}
