//! Orders after their payment, and goods: what is read and checked here, and what events do.

mod apply;
mod check;
mod read;
mod short;

use super::{Ledger, Place};
use crate::after::{AfterState, Progress};
use crate::ids::{Amount, SkuId, Timestamp};
use crate::order::Order;
use crate::outcome::{OrderState, Outcome};
use crate::payment::{Payment, PaymentKind};

impl Ledger {
    /// Where an order stands, with what became of it after its payment.
    pub(super) fn stands(&self, order: &Order) -> OrderState {
        let state = order.state().unwrap_or(OrderState::Confirmed);
        if state != OrderState::Confirmed {
            return state;
        }
        let Some(progress) = self.progress.get(order.number) else { return state };
        self.after_state(order, progress).map_or(state, OrderState::After)
    }

    /// Where a paid order stands. None: where its payment left it.
    fn after_state(&self, order: &Order, progress: &Progress) -> Option<AfterState> {
        if progress.closed_at.is_some() {
            return Some(AfterState::Closed);
        }
        if order.quantity == 0 {
            let back = progress.paid_back(self.paid_by(order)).raw() >= self.paid(order).raw();
            return Some(if back { AfterState::Refunded } else { AfterState::RefundDue });
        }
        if progress.sum(|line| line.short) > 0 {
            return Some(AfterState::Shortfall);
        }
        if let Some(until) = self.return_until(progress) {
            return Some(if until <= self.now { AfterState::Closed } else { AfterState::Delivered });
        }
        let shipped = progress.sum(|line| line.shipped).saturating_sub(progress.sum(|line| line.returned));
        if shipped == order.quantity {
            Some(AfterState::Shipped)
        } else if shipped > 0 {
            Some(AfterState::PartShipped)
        } else {
            progress.fulfilling.then_some(AfterState::Fulfilling)
        }
    }

    /// When units may come back no more; none before the order has arrived.
    pub(super) fn return_until(&self, progress: &Progress) -> Option<Timestamp> {
        progress.delivered_at.map(|at| at.plus(self.rules.return_window_ms))
    }

    /// What was paid for an order.
    pub(super) fn paid(&self, order: &Order) -> Amount {
        self.orders.taken(order).map_or_else(Amount::default, Payment::amount)
    }

    /// The payment that paid an order.
    fn paid_by(&self, order: &Order) -> crate::ids::PaymentId {
        self.orders.taken(order).map_or_else(crate::ids::PaymentId::default, Payment::id)
    }

    /// Payments of an order that must be paid back, and were not.
    pub(super) fn refunds_left(&self, order: &Order) -> u8 {
        let Some(progress) = self.progress.get(order.number) else { return self.orders.refunds(order) };
        let left = self.orders.payments(order).filter(|payment| {
            let back = progress.paid_back(payment.id()).raw();
            payment.kind() == PaymentKind::Refund && (back == 0 || back < payment.amount().raw())
        });
        u8::try_from(left.count()).unwrap_or(u8::MAX)
    }

    /// An outcome that says where a paid order stands now, and not merely that it is paid.
    #[cold]
    pub(super) fn restated(&self, outcome: Outcome) -> Outcome {
        let stands = |number, state| match self.order_at(Place::default(), number) {
            Some((_, order)) if state == OrderState::Confirmed => self.stands(order),
            _ => state,
        };
        if let Outcome::Replayed { order: Some(order), state: Some(state), deadline } = outcome {
            return Outcome::Replayed { order: Some(order), state: Some(stands(order, state)), deadline };
        }
        if let Outcome::RefundRequired { order, state } = outcome {
            return Outcome::RefundRequired { order, state: stands(order, state) };
        }
        outcome
    }

    /// Until when an order that has ended is kept; none while it is under way.
    pub(super) fn kept_until(&self, order: &Order) -> Option<Timestamp> {
        let kept_ms = self.rules.order_retention_ms;
        if order.state() != Some(OrderState::Confirmed) {
            return Some(order.ended_at().plus(kept_ms));
        }
        let Some(progress) = self.progress.get(order.number).filter(|progress| progress.under_way) else {
            return Some(order.ended_at().plus(kept_ms.max(self.rules.paid_retention_ms)));
        };
        let ended = match self.after_state(order, progress) {
            Some(AfterState::Closed | AfterState::Delivered) => {
                progress.closed_at.or_else(|| self.return_until(progress))
            }
            Some(AfterState::Refunded) => Some(progress.touched_at),
            _ => None,
        };
        // From when something was heard of it last: money may go back later.
        ended.map(|at| at.max(progress.touched_at).plus(kept_ms))
    }

    /// Units of an order's line: now, and those of them that are in the house.
    pub(super) fn line_units(
        &self,
        order: &Order,
        progress: Option<&Progress>,
        sku: SkuId,
    ) -> Option<(u32, u32)> {
        let units = self.lines_now(order).find(|(line, _)| *line == sku).map(|(_, units)| units)?;
        let line = progress.map(|progress| progress.line(sku)).unwrap_or_default();
        Some((units, units.saturating_add(line.returned).saturating_sub(line.shipped)))
    }
}
