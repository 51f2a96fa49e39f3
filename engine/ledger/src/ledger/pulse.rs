//! What time alone brings about: holds end, ended orders leave memory.

use super::{Ledger, Place, TOUCHED, Violation};
use crate::after::AfterCommand;
use crate::command::Composite;
use crate::event::Event;
use crate::ids::{OrderNumber, Timestamp};
use crate::lag::Lags;
use crate::order::{Order, Phase};
use crate::outcome::OrderState;
use crate::stock::Marks;
use crate::table::{Due as _, NONE, Slot, index};

/// What one call of [`Ledger::pulse`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Holds that ended.
    pub expired: u32,
    /// Waits that ended in vain.
    pub lapsed: u32,
    /// Orders that waited and got units.
    pub offered: u32,
    /// Ended orders that left memory.
    pub evicted: u32,
    /// How far the holds that ended were past their deadlines.
    pub lags: Lags,
    /// The limit was reached: more may be due.
    pub more: bool,
}

impl Ledger {
    /// Carries out what is due at `now`, at most `limit` orders' worth, and hands each event to `sink`. Bounded, so
    /// that a million holds that end together don't keep everybody waiting: call again while
    /// [`Pulse::more`] says so.
    ///
    /// # Errors
    /// As [`Ledger::execute`].
    pub fn pulse(
        &mut self,
        now: Timestamp,
        limit: u32,
        mut sink: impl FnMut(&Event),
    ) -> Result<Pulse, Violation> {
        self.now = self.now.max(now);
        let mut pulse = Pulse::default();
        let mut left = limit;
        self.begin_phases();
        self.share_released();
        while left > 0
            && let Some(slot) = self.calendar.take_sooner(self.now)
        {
            left = left.saturating_sub(1);
            self.carry_out_sooner(slot, &mut pulse, &mut sink)?;
        }
        // Half at most: a long list must not keep holds from ending.
        let mut half = left.div_ceil(2);
        left = left.saturating_sub(half);
        pulse.offered = self.settle_some(&mut half, &mut sink)?;
        left = left.saturating_add(half);
        let mut due = [NONE; TOUCHED];
        while left > 0 {
            let few = index(left).min(TOUCHED);
            let mut found = 0_u32;
            for (place, _) in due.iter_mut().zip(0..few) {
                let Some(slot) = self.calendar.take_due(&mut self.orders.rows, self.now) else { break };
                *place = slot;
                found = found.saturating_add(1);
            }
            let due = due.get(..index(found)).unwrap_or_default();
            self.touch_due(due);
            for &slot in due {
                self.carry_out(slot, &mut pulse, &mut sink)?;
            }
            left = left.saturating_sub(found);
            pulse.offered = pulse.offered.saturating_add(self.settle_some(&mut left, &mut sink)?);
            if index(found) < few {
                break;
            }
        }
        pulse.more = left == 0 || self.waitlists.has_unsettled();
        Ok(pulse)
    }

    /// Reads what ending these orders will look at: see [`touch`](Self::touch).
    fn touch_due(&self, due: &[Slot]) {
        let mut seen = 0_u32;
        for order in due.iter().filter_map(|&slot| self.orders.rows.get(slot)) {
            seen ^= self.stock.get(order.sku).map_or(0, |sku| sku.holds);
            seen ^= match order.phase {
                Phase::Live(OrderState::Held | OrderState::Paying) => {
                    self.tally.touch(self.tally.home(self.hasher.user(order.user, order.sku)))
                }
                Phase::Live(_) => {
                    self.orders
                        .touch_request(self.orders.home(self.hasher.request(order.request(), order.sku)))
                        ^ self.orders.slot_of(order.number).unwrap_or(NONE)
                }
                Phase::Free | Phase::Gone => 0,
            };
        }
        core::hint::black_box(seen);
    }

    /// Ends a hold whose deadline was moved to an earlier time, if that has come. Its place in the calendar stays where
    /// it was.
    fn carry_out_sooner(
        &mut self,
        slot: Slot,
        pulse: &mut Pulse,
        sink: &mut impl FnMut(&Event),
    ) -> Result<(), Violation> {
        let Some(order) = self.orders.rows.get(slot).copied() else { return Ok(()) };
        // Whatever order is in the row by now: one that is due is due, and one that is not may have been moved again.
        match order.due() {
            Some(due) if due <= self.now => self.expire(slot, &order, pulse, sink)?,
            Some(due) => self.calendar.add_sooner(slot, due),
            None => {}
        }
        Ok(())
    }

    fn expire(
        &mut self,
        slot: Slot,
        order: &Order,
        pulse: &mut Pulse,
        sink: &mut impl FnMut(&Event),
    ) -> Result<(), Violation> {
        if order.number.is_composite() {
            self.overdue.insert(order.number);
            return Ok(());
        }
        if Self::waits(order) {
            pulse.lapsed = pulse.lapsed.saturating_add(1);
        } else {
            pulse.expired = pulse.expired.saturating_add(1);
            pulse.lags.note(self.now.since(order.deadline()));
            // Offered to those who wait, before any newcomer.
            self.waitlists.unsettle(order.sku);
        }
        let event = Event::Expired { number: order.number, at: self.now };
        self.apply_at(&event, Place::of_order(slot, order.sku), true)?;
        sink(&event);
        if self.stock.get(order.sku).is_some_and(|sku| sku.marks.has(Marks::SHORT)) {
            self.settle_short(order.sku, &event, sink)?;
        }
        Ok(())
    }

    /// Does what is due about the order that the calendar gave out.
    fn carry_out(
        &mut self,
        slot: Slot,
        pulse: &mut Pulse,
        sink: &mut impl FnMut(&Event),
    ) -> Result<(), Violation> {
        let now = self.now;
        let Some(order) = self.orders.rows.get_mut(slot) else { return Ok(()) };
        order.in_calendar = false;
        let order = *order;
        let place = Place::of_order(slot, order.sku);
        match order.phase {
            Phase::Free => {}
            Phase::Gone => self.orders.free(slot),
            Phase::Live(state) if state.has_deadline() && order.deadline() <= now => {
                self.expire(slot, &order, pulse, sink)?;
                // An order with several lines is still there; it is put off when it has ended.
                if let Some(order) = self.orders.rows.get(slot)
                    && !order.is_open()
                {
                    self.put_off(slot, self.due_at(order));
                }
            }
            Phase::Live(state) if !state.has_deadline() && self.evict_at(&order) <= now => {
                pulse.evicted = pulse.evicted.saturating_add(1);
                let event = Event::Evicted { number: order.number, at: now };
                self.apply_at(&event, place, true)?;
                sink(&event);
            }
            Phase::Live(_) => self.put_off(slot, self.due_at(&order)),
        }
        Ok(())
    }

    /// Orders with several lines whose time is up, to be ended by [`Composite::Expire`](crate::Composite::Expire).
    pub fn overdue(&self) -> impl Iterator<Item = OrderNumber> {
        self.overdue.iter().copied()
    }

    /// What no ledger alone can do, and is due: the orders that are [`overdue`](Self::overdue), and those that a shortfall
    /// hits, to be named.
    pub fn errands(&self) -> impl Iterator<Item = Composite> {
        let name = self.goods.to_name.iter().copied().map(AfterCommand::Name).map(Composite::After);
        self.overdue().map(Composite::Expire).chain(name)
    }

    /// An order that was overdue has been looked at: what is due about it next stands in the calendar again.
    pub(super) fn no_longer_overdue(&mut self, number: OrderNumber) {
        self.overdue.remove(&number);
        if let Some((slot, order)) = self.order_at(Place::default(), number)
            && !order.in_calendar
        {
            let due = self.due_at(order);
            self.put_off(slot, due);
        }
    }

    /// Ends replay: whatever is open or within its retention falls due from here on. Walks all orders once.
    pub fn resume(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        // Units that came back just before the end may not have been offered to all.
        self.waitlists.unsettle_all();
        self.look_for_names();
        let mut slot = 0;
        while let Some(order) = self.orders.rows.get(slot).copied() {
            match order.phase {
                Phase::Live(_) if !order.in_calendar => self.put_off(slot, self.due_at(&order)),
                Phase::Live(_) | Phase::Free | Phase::Gone => {}
            }
            slot = slot.saturating_add(1);
        }
    }

    fn put_off(&mut self, slot: Slot, until: Timestamp) {
        if let Some(order) = self.orders.rows.get_mut(slot) {
            order.in_calendar = true;
        }
        self.calendar.add(&mut self.orders.rows, slot, until, self.now);
    }

    /// When something has to be done about an order: at its deadline while it is held, then when it may leave memory.
    fn due_at(&self, order: &Order) -> Timestamp {
        order.due().unwrap_or_else(|| match self.kept_until(order) {
            Some(_) => self.evict_at(order),
            // Under way: looked at again now and then.
            None => self.now.plus(self.rules.order_retention_ms.max(1_000)),
        })
    }

    /// When an ended order may leave memory: after its retention, and not before its request id is too old to be
    /// taken for a new one; never while it is under way. In whole seconds, so that the calendar has fewer days to keep.
    pub(super) fn evict_at(&self, order: &Order) -> Timestamp {
        let kept = self.kept_until(order).unwrap_or(Timestamp::new(u64::MAX));
        let id_too_old = order.request().made_at().plus(self.rules.idempotency_window_ms).plus(1);
        Timestamp::new(kept.max(id_too_old).raw().div_ceil(1_000).saturating_mul(1_000))
    }
}
