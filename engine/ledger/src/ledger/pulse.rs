//! What time alone brings about: holds end, ended orders leave memory.

use super::{Ledger, Violation};
use crate::event::Event;
use crate::ids::Timestamp;
use crate::order::{Order, Phase};
use crate::outcome::OrderState;

/// What one call of [`Ledger::pulse`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Holds that ended.
    pub expired: u32,
    /// Ended orders that left memory.
    pub evicted: u32,
    /// The most that a hold of this pulse was past its deadline, milliseconds.
    pub lag_ms: u64,
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
        let now = self.now;
        let mut pulse = Pulse::default();
        for _ in 0..limit {
            let Some(slot) = self.calendar.take_due(&mut self.orders.rows, now) else { return Ok(pulse) };
            let Some(order) = self.orders.rows.get_mut(slot) else { continue };
            order.in_calendar = false;
            let order = *order;
            let event = match order.phase {
                Phase::Free => continue,
                Phase::Gone => {
                    self.orders.free(slot);
                    continue;
                }
                Phase::Live(OrderState::Held) if order.deadline() <= now => {
                    pulse.expired = pulse.expired.saturating_add(1);
                    pulse.lag_ms = pulse.lag_ms.max(now.since(order.deadline()));
                    Event::Expired { number: order.number, at: now }
                }
                Phase::Live(OrderState::Held) => {
                    self.put_off(slot, order.deadline());
                    continue;
                }
                Phase::Live(_) if self.evict_at(&order) <= now => {
                    pulse.evicted = pulse.evicted.saturating_add(1);
                    Event::Evicted { number: order.number, at: now }
                }
                Phase::Live(_) => {
                    self.put_off(slot, self.evict_at(&order));
                    continue;
                }
            };
            self.apply(&event)?;
            sink(&event);
            if let Event::Expired { .. } = event {
                let due = self.orders.rows.get(slot).map(|order| self.evict_at(order));
                if let Some(due) = due {
                    self.put_off(slot, due);
                }
            }
        }
        pulse.more = true;
        Ok(pulse)
    }

    /// Ends replay: whatever is open or within its retention falls due from here on. Walks all orders once.
    pub fn resume(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let mut slot = 0;
        while let Some(order) = self.orders.rows.get(slot).copied() {
            match order.phase {
                Phase::Live(OrderState::Held) if !order.in_calendar => self.put_off(slot, order.deadline()),
                Phase::Live(_) if !order.in_calendar => self.put_off(slot, self.evict_at(&order)),
                Phase::Live(_) | Phase::Free | Phase::Gone => {}
            }
            slot = slot.saturating_add(1);
        }
    }

    fn put_off(&mut self, slot: crate::table::Slot, until: Timestamp) {
        if let Some(order) = self.orders.rows.get_mut(slot) {
            order.in_calendar = true;
        }
        self.calendar.add(&mut self.orders.rows, slot, until, self.now);
    }

    /// When an ended order may leave memory: after its retention, and not before its request id is too old to be
    /// taken for a new one. In whole seconds, so that the calendar has fewer days to keep.
    pub(super) fn evict_at(&self, order: &Order) -> Timestamp {
        let kept = order.ended_at().plus(self.rules.order_retention_ms);
        let id_too_old = order.request().made_at().plus(self.rules.idempotency_window_ms).plus(1);
        Timestamp::new(kept.max(id_too_old).raw().div_ceil(1_000).saturating_mul(1_000))
    }
}
