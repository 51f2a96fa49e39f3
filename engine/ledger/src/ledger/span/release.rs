//! Units of orders with several lines that go back, and parts of an order.

use alloc::vec::Vec;

use super::pay::cut;
use super::{Span, beyond, end_legs};
use crate::command::{Cancel, Line};
use crate::event::Event;
use crate::ids::{Amount, OrderNumber, SkuId, Timestamp};
use crate::ledger::decide::replayed;
use crate::ledger::{Ledger, Place, Violation};
use crate::order::Order;
use crate::outcome::{OrderState, Outcome, Refusal};

impl Span<'_, '_> {
    pub(super) fn decide_cancel(
        &self,
        now: Timestamp,
        cancel: &Cancel,
        amount: Amount,
        left: &[Line],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let number = cancel.order;
        let home = self.serving(number.partition())?;
        let decision = home.decide_cancel(now, cancel, Place::default());
        let (Some(event), Some((_, order))) = (decision.event, home.order_at(Place::default(), number))
        else {
            return Ok(decision.outcome);
        };
        if !left.is_empty() {
            let cuts = match home.surplus(order, left) {
                Ok(cuts) => cuts,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            };
            let units = cuts.iter().fold(0_u32, |sum, (_, units)| sum.saturating_add(*units));
            if units < order.quantity {
                let due = if amount == Amount::new(0) { order.amount } else { amount };
                if units == 0 {
                    return Ok(replayed(order));
                }
                cut(home, order, &cuts, due, now, events);
                let deadline = order.deadline();
                return Ok(Outcome::Kept { order: number, state: OrderState::Held, deadline });
            }
        }
        end_legs(home, order, now, Event::LegReleased, events);
        events.push(event);
        Ok(decision.outcome)
    }

    pub(super) fn decide_expire(
        &self,
        now: Timestamp,
        number: OrderNumber,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let home = self.serving(number.partition())?;
        let Some((_, order)) = home.order_at(Place::default(), number) else {
            return Ok(Outcome::Refused(Refusal::NoSuchOrder));
        };
        if order.is_open() && order.deadline() <= now {
            end_legs(home, order, now, Event::LegReleased, events);
            events.push(Event::Expired { number, at: now });
        }
        Ok(replayed(order))
    }
}

impl Ledger {
    /// The units of a hold that go, by SKU, where so many are to be left of these lines.
    fn surplus(&self, order: &Order, left: &[Line]) -> Result<Vec<(SkuId, u32)>, Refusal> {
        let deadline = order.deadline();
        if order.state() == Some(OrderState::Waiting) {
            return Err(Refusal::StillWaiting { deadline });
        }
        let mut cuts = Vec::new();
        for line in left {
            match beyond(self, order, line)? {
                0 => {}
                units => cuts.push((line.sku, units)),
            }
        }
        // A repeat of one that was carried out before the payment began changes nothing, and is none.
        if !cuts.is_empty() && order.state() == Some(OrderState::Paying) {
            return Err(Refusal::PaymentUnderWay { deadline });
        }
        Ok(cuts)
    }
}
