//! What events after payment change.

use crate::after::{AfterEvent, Disposition, LineMoved, Moved, OrderStep, Payback, Progress, Short};
use crate::ids::{OrderNumber, SkuId, Timestamp};
use crate::ledger::{Ledger, MAX_UNITS, Place, Violation};
use crate::outcome::OrderState;
use crate::table::Slot;

impl Ledger {
    pub(in crate::ledger) fn apply_after(
        &mut self,
        event: &AfterEvent,
        place: Place,
    ) -> Result<(), Violation> {
        match event {
            AfterEvent::Fulfilling(step) => self.step(step)?.fulfilling = true,
            AfterEvent::Delivered(step) => self.step(step)?.delivered_at = Some(step.at),
            AfterEvent::Closed(step) => self.step(step)?.closed_at = Some(step.at),
            AfterEvent::Line(line) => {
                if self.share.serves(line.order.partition()) {
                    self.apply_line(line)?;
                }
                if self.accounts(line.sku) {
                    self.apply_goods(line, place.sku)?;
                }
            }
            AfterEvent::PaidBack { number, payment, refund, amount, at, .. } => {
                self.order_at(Place::default(), *number).ok_or(Violation::NoSuchOrder { number: *number })?;
                let progress = self.progress.of(*number, *at);
                progress.paybacks.push(Payback { refund: *refund, payment: *payment, amount: *amount });
            }
            AfterEvent::Counted { sku, on_hand, change, short, as_of, .. } => {
                self.correct(*sku, place.sku, *change)?;
                let goods = self.goods.get_mut(place.sku).ok_or(Violation::Goods { sku: *sku })?;
                (goods.short, goods.watermark, goods.last_count) = (*short, *as_of, *on_hand);
                goods.nameless = 0;
                self.note_short(place.sku);
            }
            AfterEvent::Shorted(short) => self.apply_short(short, place.sku, true)?,
            AfterEvent::Covered(short) => self.apply_short(short, place.sku, false)?,
            AfterEvent::WrittenOff { sku, units, .. } => {
                let change = i64::try_from(*units).map_err(|_| Violation::Goods { sku: *sku })?;
                self.correct(*sku, place.sku, change.saturating_neg())?;
                let goods = self.goods.get_mut(place.sku).ok_or(Violation::Goods { sku: *sku })?;
                goods.short = goods.short.checked_sub(*units).ok_or(Violation::Goods { sku: *sku })?;
                self.note_short(place.sku);
            }
            AfterEvent::Inspected { sku, units, to, .. } => {
                self.apply_inspected(*sku, place.sku, *units, *to)?;
            }
        }
        Ok(())
    }

    /// What is known of a paid order, to be changed.
    fn paid_order(&mut self, number: OrderNumber, at: Timestamp) -> Result<&mut Progress, Violation> {
        let found = self.order_at(Place::default(), number);
        let (_, order) = found.ok_or(Violation::NoSuchOrder { number })?;
        if order.state() != Some(OrderState::Confirmed) {
            return Err(Violation::After { number });
        }
        let progress = self.progress.of(number, at);
        progress.under_way = true;
        Ok(progress)
    }

    fn step(&mut self, step: &OrderStep) -> Result<&mut Progress, Violation> {
        self.paid_order(step.number, step.at)
    }

    /// The order's side of units that go somewhere.
    fn apply_line(&mut self, moved: &LineMoved) -> Result<(), Violation> {
        let &LineMoved { order: number, sku, units, to, at, .. } = moved;
        let wrong = Violation::After { number };
        let progress = self.paid_order(number, at)?;
        let line = progress.line_mut(sku).ok_or(wrong)?;
        let counter = match to {
            Moved::Shipped => &mut line.shipped,
            Moved::Cancelled => &mut line.cancelled,
            Moved::Returned(_) => &mut line.returned,
        };
        *counter = counter.checked_add(units).ok_or(wrong)?;
        if line.returned > line.shipped {
            return Err(wrong);
        }
        progress.fulfilling |= to == Moved::Shipped;
        let (slot, order) = self.order_at(Place::default(), number).ok_or(wrong)?;
        let order = *order;
        let (_, open) = self.line_units(&order, self.progress.get(number), sku).ok_or(wrong)?;
        match to {
            // The units in the house are counted without those that have just left it.
            Moved::Shipped => {
                let progress = self.progress.get(number).ok_or(wrong)?.line(sku);
                let left = order_units(self, &order, sku).saturating_add(progress.returned);
                if progress.shipped > left {
                    return Err(wrong);
                }
            }
            Moved::Cancelled | Moved::Returned(_) => {
                if to == Moved::Cancelled && units > open {
                    return Err(wrong);
                }
                if number.is_composite() {
                    self.orders.legs.take(order.lines(), sku, units).ok_or(wrong)?;
                }
                self.orders.cut(slot, units, order.amount).ok_or(wrong)?;
            }
        }
        Ok(())
    }

    /// The SKU's side.
    fn apply_goods(&mut self, moved: &LineMoved, slot: Slot) -> Result<(), Violation> {
        let &LineMoved { sku, user, channel, units: quantity, to, .. } = moved;
        let wrong = Violation::Goods { sku };
        let units = u64::from(quantity);
        let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        let goods = self.goods.of(slot, row.stocked);
        if to != Moved::Shipped {
            row.sold = row.sold.checked_sub(units).ok_or(wrong)?;
            self.totals.sold = self.totals.sold.saturating_sub(units);
        }
        match to {
            Moved::Shipped => {
                goods.shipped = goods.shipped.saturating_add(units);
                return if goods.shipped > row.sold { Err(wrong) } else { Ok(()) };
            }
            Moved::Cancelled if goods.shipped > row.sold => return Err(wrong),
            Moved::Cancelled => {}
            Moved::Returned(to) => {
                goods.shipped = goods.shipped.checked_sub(units).ok_or(wrong)?;
                let account = match to {
                    Disposition::Restock => None,
                    Disposition::Quarantine => Some(&mut goods.quarantine),
                    Disposition::Scrap => Some(&mut goods.scrapped),
                };
                if let Some(account) = account {
                    *account = account.saturating_add(units);
                    row.stocked = row.stocked.checked_sub(units).ok_or(wrong)?;
                    return self.disown(slot, (user, channel), quantity, wrong);
                }
            }
        }
        self.give_back(slot, (user, channel), quantity, wrong)
    }

    /// Available units rise or fall by a count.
    fn correct(&mut self, sku: SkuId, slot: Slot, change: i64) -> Result<(), Violation> {
        let wrong = Violation::Goods { sku };
        let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        let goods = self.goods.of(slot, row.stocked);
        self.returns.note(row);
        row.available = row.available.checked_add_signed(change).ok_or(wrong)?;
        row.stocked = row.stocked.checked_add_signed(change).ok_or(wrong)?;
        goods.counted = goods.counted.saturating_add(change);
        self.totals.available = self.totals.available.saturating_add_signed(change);
        self.waitlists.unsettle(slot);
        Ok(())
    }

    fn apply_inspected(
        &mut self,
        sku: SkuId,
        slot: Slot,
        units: u64,
        to: Disposition,
    ) -> Result<(), Violation> {
        let wrong = Violation::Goods { sku };
        let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        let goods = self.goods.get_mut(slot).ok_or(wrong)?;
        goods.quarantine = goods.quarantine.checked_sub(units).ok_or(wrong)?;
        match to {
            Disposition::Restock if row.stocked.saturating_add(units) <= MAX_UNITS => {
                self.returns.note(row);
                row.available = row.available.saturating_add(units);
                row.stocked = row.stocked.saturating_add(units);
                self.totals.available = self.totals.available.saturating_add(units);
                self.waitlists.unsettle(slot);
            }
            Disposition::Scrap => goods.scrapped = goods.scrapped.saturating_add(units),
            Disposition::Restock | Disposition::Quarantine => return Err(wrong),
        }
        Ok(())
    }

    /// Units of an order are named as missing, or no longer.
    fn apply_short(&mut self, short: &Short, slot: Slot, more: bool) -> Result<(), Violation> {
        let &Short { order: number, sku, units, paid_at, at } = short;
        let change =
            |account: u32| if more { account.checked_add(units) } else { account.checked_sub(units) };
        if self.share.serves(number.partition()) {
            let wrong = Violation::After { number };
            let line = self.paid_order(number, at)?.line_mut(sku).ok_or(wrong)?;
            line.short = change(line.short).ok_or(wrong)?;
        }
        if self.accounts(sku) {
            let wrong = Violation::Goods { sku };
            let goods = self.goods.get_mut(slot).ok_or(wrong)?;
            let named = goods.orders.entry((paid_at, number)).or_default();
            *named = change(*named).ok_or(wrong)?;
            if *named == 0 {
                goods.orders.remove(&(paid_at, number));
            }
            let units = u64::from(units);
            let named = if more { goods.named.checked_add(units) } else { goods.named.checked_sub(units) };
            goods.named = named.ok_or(wrong)?;
            self.note_short(slot);
        }
        Ok(())
    }
}

/// Units of a SKU that an order has now.
fn order_units(ledger: &Ledger, order: &crate::order::Order, sku: SkuId) -> u32 {
    ledger.lines_now(order).find(|(line, _)| *line == sku).map_or(0, |(_, units)| units)
}
