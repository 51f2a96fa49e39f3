//! Units that come back are offered to those who wait.
//!
//! Whoever gives units back settles the list in the same step: the first by arrival whom they fit gets them, as a hold
//! with an offer's time; one whom they don't fit (too few, or his limit) is passed and keeps his place. Where the list
//! is long, the rest of it is looked at by the next pulses, and until then no newcomer gets a unit. So nobody overtakes.

use super::{Ledger, Place, Violation};
use crate::event::Event;
use crate::order::Order;
use crate::outcome::OrderState;
use crate::table::Slot;

/// Orders of a waitlist that one command looks at, when it gives units back; the next pulse goes on. Most commands give one
/// or two units back, and what one writes must stay small.
pub(super) const AT_ONCE: u32 = 2;

impl Ledger {
    /// Offers the SKU's free units, looking at up to `left` orders, which it counts down. Returns how many got an offer.
    pub(super) fn settle(
        &mut self,
        sku: Slot,
        left: &mut u32,
        sink: &mut impl FnMut(&Event),
    ) -> Result<u32, Violation> {
        let mut offered = 0_u32;
        while let Some(least) = self.waitlists.least(sku)
            && self.stock.get(sku).is_some_and(|sku| sku.available >= u64::from(least))
        {
            if *left == 0 && self.waitlists.has_next(sku) {
                return Ok(offered);
            }
            let Some(slot) = self.waitlists.next(sku) else { break };
            *left = left.saturating_sub(1);
            let Some(order) = self.orders.rows.get(slot) else { continue };
            if self.now < order.deadline() && self.may_have_again(order) {
                let deadline = self.now.plus(u64::from(self.rules.offer_ms));
                let event = Event::Offered { number: order.number, deadline, at: self.now };
                self.apply_at(&event, Place::of_order(slot, sku), true)?;
                sink(&event);
                offered = offered.saturating_add(1);
            }
        }
        self.waitlists.settled(sku);
        Ok(offered)
    }

    /// Goes on where [`settle`](Self::settle) had to stop, for any SKU.
    pub(super) fn settle_some(
        &mut self,
        left: &mut u32,
        sink: &mut impl FnMut(&Event),
    ) -> Result<u32, Violation> {
        let mut offered = 0_u32;
        while *left > 0
            && let Some(sku) = self.waitlists.first_unsettled()
        {
            offered = offered.saturating_add(self.settle(sku, left, sink)?);
        }
        Ok(offered)
    }

    /// Whether the units of an order that holds none are there for its shopper.
    pub(super) fn may_have_again(&self, order: &Order) -> bool {
        let Some(sku) = self.stock.get(order.sku) else { return false };
        let has = self.tally.units(self.hasher.user(order.user, order.sku), order.user, order.sku);
        let limit = if sku.user_limit == 0 { u32::MAX } else { sku.user_limit };
        sku.available >= u64::from(order.quantity)
            && has.checked_add(order.quantity).is_some_and(|units| units <= limit)
    }

    /// Units of a SKU that a newcomer may have: none while somebody who came earlier may be about to get them.
    #[inline]
    pub(super) fn free_units(&self, slot: Slot, sku: &crate::stock::Sku) -> u64 {
        if sku.has_waiters && self.waitlists.is_unsettled(slot) { 0 } else { sku.available }
    }

    /// Whether an event gave units of its SKU back to all.
    pub(super) fn gives_back(event: &Event) -> bool {
        match event {
            Event::Cancelled { .. } | Event::Expired { .. } | Event::Restocked { .. } => true,
            Event::Reserved(reserved) => reserved.supersedes.is_some(),
            Event::SkuPut { .. }
            | Event::Confirmed { .. }
            | Event::PayBegun { .. }
            | Event::PayFailed { .. }
            | Event::Extended { .. }
            | Event::Reacquired { .. }
            | Event::RefundRequired { .. }
            | Event::AmountMismatched { .. }
            | Event::Offered { .. }
            | Event::Evicted { .. }
            | Event::GraceGranted { .. } => false,
        }
    }

    /// Whether an order in this state waits.
    pub(super) fn waits(order: &Order) -> bool {
        order.state() == Some(OrderState::Waiting)
    }
}
