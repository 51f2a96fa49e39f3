//! Units that come back are offered to those who wait.
//!
//! Whoever gives units back goes through the list in the same step: the first by arrival whom they fit gets them, as a
//! hold with an offer's time; those whom they don't fit are passed and keep their places. Where more come back than one
//! command may hand on, the next pulses go on, and until then a newcomer gets only what nobody waits for. So nobody
//! overtakes.

use super::{Ledger, Place, Violation};
use crate::event::Event;
use crate::ids::{ChannelId, OrderNumber, UserId};
use crate::order::Order;
use crate::outcome::OrderState;
use crate::stock::{Marks, Sku};
use crate::table::Slot;

/// Orders of a waitlist that one command deals with, when it gives units back; the next pulse goes on. Most commands give
/// one or two units back, and what one writes must stay small.
pub(super) const AT_ONCE: u32 = 2;

impl Ledger {
    /// Offers the SKU's free units to up to `left` orders, which it counts down. Returns how many got an offer.
    pub(super) fn settle(
        &mut self,
        sku: Slot,
        left: &mut u32,
        sink: &mut impl FnMut(&Event),
    ) -> Result<u32, Violation> {
        let mut offered = 0_u32;
        let closed = |row: &Sku| {
            row.marks.has(Marks::FROZEN)
                || self.campaign_of(sku, row).is_some_and(|known| !known.sells(self.now))
        };
        if self.stock.get(sku).is_some_and(closed) {
            // Everybody keeps his place until it opens.
            self.waitlists.settled(sku);
            return Ok(offered);
        }
        while let Some(row) = self.stock.get(sku)
            && let Some(slot) = self.waitlists.first(sku, |channel| self.left_for(sku, row, channel))
        {
            if *left == 0 {
                self.waitlists.unsettle(sku);
                return Ok(offered);
            }
            *left = left.saturating_sub(1);
            let Some(order) = self.orders.rows.get(slot) else { break };
            if self.now < order.deadline() && self.may_take(order) {
                let deadline = self.now.plus(u64::from(self.rules.offer_ms));
                let event = Event::Offered { number: order.number, deadline, at: self.now };
                self.apply_at(&event, Place::of_order(slot, sku), true)?;
                sink(&event);
                offered = offered.saturating_add(1);
            } else {
                self.waitlists.set_aside(sku, order, self.channels.ruled(&self.stock, sku, order.channel));
            }
        }
        self.waitlists.settled(sku);
        Ok(offered)
    }

    /// Goes on where [`settle`](Self::settle) had to stop, with each SKU in its turn.
    pub(super) fn settle_some(
        &mut self,
        left: &mut u32,
        sink: &mut impl FnMut(&Event),
    ) -> Result<u32, Violation> {
        let mut offered = 0_u32;
        while *left > 0
            && let Some(sku) = self.waitlists.next_unsettled()
        {
            offered = offered.saturating_add(self.settle(sku, left, sink)?);
        }
        Ok(offered)
    }

    /// Whether an order that holds no units may have its own now: they are there, and his limit allows them.
    pub(super) fn may_take(&self, order: &Order) -> bool {
        self.stock.get(order.sku).is_some_and(|sku| {
            let shopper = (order.user, order.channel);
            self.may_have(order.sku, sku, shopper, (order.quantity, sku.available))
        })
    }

    /// Whether a shopper may have so many units of a SKU more, of so many that are free.
    pub(super) fn may_have(
        &self,
        slot: Slot,
        sku: &Sku,
        (user, channel): (UserId, ChannelId),
        (units, free): (u32, u64),
    ) -> bool {
        let Some(limits) = self.limits_now(slot, sku, channel) else { return false };
        let has = self.tally.units(self.hasher.user(user, slot), user, slot);
        has.checked_add(units).is_some_and(|units| units <= limits.user)
            && self.check_group((slot, sku), user, limits.group, (units, 0)).is_ok()
            && self.enough(slot, sku, channel, (units, free)).is_ok()
    }

    /// Units of a SKU that a newcomer may have: those that nobody waits for.
    #[inline]
    pub(super) fn free_units(&self, slot: Slot, sku: &Sku) -> u64 {
        if sku.marks.has(Marks::WAITERS) {
            let wanted = self.waitlists.wanted(slot, |channel| self.left_for(slot, sku, channel));
            sku.available.saturating_sub(wanted)
        } else {
            sku.available
        }
    }

    /// Whether an order waited in vain. One that has left memory did not.
    pub fn has_lapsed(&self, number: OrderNumber) -> bool {
        self.order_at(Place::default(), number)
            .is_some_and(|(_, order)| order.state() == Some(OrderState::Lapsed))
    }

    /// Whether an order waits.
    pub(super) fn waits(order: &Order) -> bool {
        order.state() == Some(OrderState::Waiting)
    }
}
