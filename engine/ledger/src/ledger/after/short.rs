//! Units that aren't there.
//!
//! A count may show that there are fewer units than are held and paid. What is missing hits the holds first, as nobody has paid
//! them; then paid orders that were not shipped, the latest first. These are named, one by one, so that somebody can tell their
//! shoppers. Whatever comes back or in takes the place of a missing unit before anybody else gets it, and the orders that were
//! paid first are the first that are whole again.
//!
//! The units are accounted for at once, where the SKU is. The orders may be in any ledger, so that naming them is an errand
//! ([`Ledger::errands`]) for whoever has all ledgers at hand, a bounded number at a time. But for one: an order that is paid
//! while units are missing is the latest, and is named with its payment.

use crate::after::{AfterEvent, Short};
use crate::event::Event;
use crate::ids::OrderNumber;
use crate::ledger::{Ledger, Place, Violation};
use crate::stock::Marks;
use crate::table::Slot;

impl Ledger {
    /// After an event that concerns a SKU: units that became available take the place of missing ones, and if the event says
    /// that an order with one line was paid, its units may be those that are missing.
    #[cold]
    pub(in crate::ledger) fn settle_short(
        &mut self,
        slot: Slot,
        event: &Event,
        sink: &mut impl FnMut(&Event),
    ) -> Result<(), Violation> {
        if let Some(event) = self.write_off(slot) {
            self.apply_at(&event, Place::of_sku(slot), true)?;
            sink(&event);
        }
        if let Event::Confirmed { number, .. } | Event::Reacquired { number, .. } = event
            && !number.is_composite()
            && let Some((_, order)) = self.order_at(Place::default(), *number)
            && let Some(event) = self.short_paid(*number, slot, (order.quantity, order.ended_at()))
        {
            self.apply_at(&event, Place::of_sku(slot), true)?;
            sink(&event);
        }
        self.note_short(slot);
        Ok(())
    }

    /// Missing units whose place available ones can take.
    pub(in crate::ledger) fn write_off(&self, slot: Slot) -> Option<Event> {
        let row = self.stock.get(slot)?;
        let units = row.available.min(self.goods.get(slot)?.short);
        let event = AfterEvent::WrittenOff { sku: row.id, units, at: self.now };
        (units > 0).then_some(Event::After(event))
    }

    /// Units of an order that was just paid that are missing.
    pub(in crate::ledger) fn short_paid(
        &self,
        order: OrderNumber,
        slot: Slot,
        (units, paid_at): (u32, crate::ids::Timestamp),
    ) -> Option<Event> {
        let row = self.stock.get(slot)?;
        let goods = self.goods.get(slot)?;
        let lack = goods.to_name(row.held).saturating_sub(goods.named);
        let units = units.min(u32::try_from(lack).unwrap_or(u32::MAX));
        let short = Short { order, sku: row.id, units, paid_at, at: self.now };
        (units > 0).then_some(Event::After(AfterEvent::Shorted(short)))
    }

    /// Notes whether units of the SKU are missing, and whether orders are to be named.
    pub(in crate::ledger) fn note_short(&mut self, slot: Slot) {
        let Some(row) = self.stock.get_mut(slot) else { return };
        let Some(goods) = self.goods.get_mut(slot) else { return };
        row.marks.set(Marks::SHORT, goods.short > 0);
        let wanted = goods.to_name(row.held);
        if goods.named >= wanted {
            goods.nameless = 0;
        }
        let sku = row.id;
        let settled = goods.named <= wanted && wanted.saturating_sub(goods.named) <= goods.nameless;
        if settled {
            self.goods.to_name.remove(&sku);
        } else {
            self.goods.to_name.insert(sku);
        }
    }

    /// After a replay: which SKUs have orders to be named.
    pub(in crate::ledger) fn look_for_names(&mut self) {
        let slots: alloc::vec::Vec<Slot> = self.goods.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.note_short(slot);
        }
    }
}
