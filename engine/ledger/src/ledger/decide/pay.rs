//! Payments: begun, failed, and what they buy.
//!
//! A payment that arrives after its hold has ended is the classic hole of a shop: the money is there, the units may not
//! be. So a confirmation has three ends: it pays a hold; it takes the same units again, if they are there and the
//! shopper may have them (`Reacquired`); or it buys nothing, which is written down (`RefundRequired`) so that no cent
//! is forgotten. Each payment id has one end, for good.

use super::{Decision, replayed};
use crate::budget::{BudgetRefusal, Room};
use crate::command::{BeginPay, Confirm, FailPay, PayClass};
use crate::event::Event;
use crate::ids::{Amount, OrderNumber, PaymentId, Timestamp, UserId};
use crate::ledger::{Ledger, Place};
use crate::order::Order;
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::payment::{Payment, PaymentKind};
use crate::table::Slot;

/// Payments of one order that are remembered as to be paid back, so that a repeat of one gets the same answer. A shopper who
/// pays an order twice is common, ten times a fault of the shop; what goes beyond is written to the log alone.
pub(in crate::ledger) const MAX_REFUNDS: u8 = 8;

/// Payments that may begin for one order: a shopper who tries ten times is none.
pub(in crate::ledger) const MAX_ATTEMPTS: u8 = 10;

/// Whether what a hold that has ended had is there for its shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Late {
    /// It is.
    There,
    /// It is not, or somebody else waits for it.
    Gone,
    /// All ledgers together know: the discount that it claimed is not in its own slice of the budget.
    Elsewhere,
}

impl Ledger {
    /// `part` says that not all of the order is paid for, so that less may be due. `may_take_late` says whether the units of
    /// a hold that has ended are there for its shopper.
    pub(in crate::ledger) fn decide_confirm(
        &self,
        now: Timestamp,
        confirm: &Confirm,
        place: Place,
        part: bool,
        may_take_late: impl FnOnce(&Self, &Order) -> Late,
    ) -> Decision {
        let Confirm { order: number, payment, amount, .. } = *confirm;
        if payment == PaymentId::new(0) {
            return Decision::refuse(Refusal::Invalid { field: Field::PaymentId });
        }
        let (slot, order, state) = match self.owned(number, confirm.user, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        let place = Place::of_order(slot, order.sku);
        match self.orders.payment(order, payment).map(|known| (known.kind(), known.amount())) {
            Some((PaymentKind::Taken, taken)) if taken == amount => {
                return Decision::unchanged(replayed(order));
            }
            Some((PaymentKind::Taken, taken)) => {
                return Decision::refuse(Refusal::AmountMismatch { due: taken });
            }
            Some((PaymentKind::Refund, _)) => {
                return Decision::unchanged(Outcome::RefundRequired { order: number, state });
            }
            Some((
                PaymentKind::Begun | PaymentKind::Failed | PaymentKind::Claim | PaymentKind::Coupon,
                _,
            ))
            | None => {}
        }
        // Written down, however many there are.
        let refund = || Decision {
            outcome: Outcome::RefundRequired { order: number, state },
            event: Some(Event::RefundRequired { number, payment, amount, at: now }),
            place,
        };
        if matches!(
            state,
            OrderState::Confirmed | OrderState::Superseded | OrderState::Waiting | OrderState::Lapsed
        ) {
            return refund();
        }
        let fits = order.amount == amount || (part && amount < order.amount);
        if order.amount.raw() != 0 && !fits {
            return Decision {
                outcome: Outcome::Refused(Refusal::AmountMismatch { due: order.amount }),
                event: Some(Event::AmountMismatched { number, payment, amount, at: now }),
                place,
            };
        }
        if state.is_open() && now < order.deadline() {
            return Decision {
                outcome: Outcome::Confirmed { order: number },
                event: Some(Event::Confirmed { number, payment, amount, at: now }),
                place,
            };
        }
        // Units that did not go back yet are still there for this shopper, whatever others wish for.
        let late = if state.is_open() { Late::There } else { may_take_late(self, order) };
        match late {
            Late::There => Decision {
                outcome: Outcome::Reacquired { order: number },
                event: Some(Event::Reacquired { number, payment, amount, at: now }),
                place,
            },
            Late::Gone => refund(),
            Late::Elsewhere => Decision::refuse(Refusal::Budget(BudgetRefusal::SliceShort)),
        }
    }

    /// Whether what a hold that has ended had is there for its shopper, as far as this ledger alone can tell.
    pub(super) fn is_there_late(&self, order: &Order) -> Late {
        if !self.may_take_late(order) {
            return Late::Gone;
        }
        match self.orders.claim(order) {
            // A discount of which nothing is left takes nothing.
            None => Late::There,
            Some((claim, _)) if claim.amount == Amount::new(0) => Late::There,
            Some((claim, _)) => match self.budgets.room(claim, order.number.partition(), 0) {
                Room::Enough => Late::There,
                Room::Short(_) => Late::Elsewhere,
                Room::Unknown | Room::Stopped => Late::Gone,
            },
        }
    }

    /// Whether the units of a hold that has ended are there for its shopper, and nobody waits for them.
    pub(in crate::ledger) fn may_take_late(&self, order: &Order) -> bool {
        let Some(sku) = self.stock.get(order.sku) else { return false };
        let free = self.free_units(order.sku, sku);
        self.may_have(order.sku, sku, (order.user, order.channel), (order.quantity, free))
    }

    pub(super) fn decide_begin_pay(&self, now: Timestamp, begin: &BeginPay, place: Place) -> Decision {
        if begin.payment == PaymentId::new(0) {
            return Decision::refuse(Refusal::Invalid { field: Field::PaymentId });
        }
        let (slot, order) = match self.open(begin.order, begin.user, now, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        match self.orders.payment(order, begin.payment).map(Payment::kind) {
            Some(PaymentKind::Refund) => {
                // Refused while the order waited for units: that is final, whatever the order has become.
                let state = order.state().unwrap_or(OrderState::Held);
                return Decision::unchanged(Outcome::RefundRequired { order: begin.order, state });
            }
            // One that failed, or was replaced by another, does not come alive again by a late copy of its request.
            Some(PaymentKind::Begun | PaymentKind::Failed | PaymentKind::Taken) => {
                return Decision::unchanged(replayed(order));
            }
            Some(PaymentKind::Claim | PaymentKind::Coupon) | None => {}
        }
        if self.orders.attempts(order) >= MAX_ATTEMPTS {
            return Decision::refuse(Refusal::CapacityExceeded);
        }
        let before = order.deadline();
        let deadline = match begin.class {
            _ if order.is_pinned() => before,
            PayClass::Fast => before.plus(u64::from(self.rules.pay_pin_ms)),
            PayClass::Slow => before.max(now.plus(u64::from(self.rules.slow_pay_ms))),
        };
        let deadline = deadline.min(order.latest_deadline());
        Decision {
            outcome: Outcome::Kept { order: begin.order, state: OrderState::Paying, deadline },
            event: Some(Event::PayBegun { number: begin.order, payment: begin.payment, deadline, at: now }),
            place: Place::of_order(slot, order.sku),
        }
    }

    pub(super) fn decide_fail_pay(&self, now: Timestamp, failed: &FailPay, place: Place) -> Decision {
        let (slot, order) = match self.open(failed.order, failed.user, now, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        // The failure of a payment that another one has taken the place of is no news.
        let begun =
            self.orders.payment(order, failed.payment).filter(|known| known.kind() == PaymentKind::Begun);
        let Some(begun) = begun else { return Decision::unchanged(replayed(order)) };
        let grace = now.plus(u64::from(self.rules.pay_grace_ms));
        let deadline = begun.deadline_before().max(grace).min(order.deadline());
        Decision {
            outcome: Outcome::Kept { order: failed.order, state: OrderState::Held, deadline },
            event: Some(Event::PayFailed { number: failed.order, deadline, at: now }),
            place: Place::of_order(slot, order.sku),
        }
    }

    /// The order with this number, if it belongs to `user` and holds units at `now`.
    pub(in crate::ledger) fn open(
        &self,
        number: OrderNumber,
        user: UserId,
        now: Timestamp,
        place: Place,
    ) -> Result<(Slot, &Order), Refusal> {
        let (slot, order, state) = self.owned(number, user, place)?;
        let deadline = order.deadline();
        match state {
            OrderState::Held | OrderState::Paying if now < deadline => Ok((slot, order)),
            OrderState::Waiting => Err(Refusal::StillWaiting { deadline }),
            OrderState::Held | OrderState::Paying | OrderState::Expired | OrderState::Lapsed => {
                Err(Refusal::HoldExpired { deadline })
            }
            OrderState::Confirmed | OrderState::After(_) => Err(Refusal::AlreadyConfirmed),
            OrderState::Cancelled | OrderState::Superseded => Err(Refusal::AlreadyCancelled),
            OrderState::Restocked => Err(Refusal::NoSuchOrder),
        }
    }
}
