//! Counts of goods, and the orders that what they show hits.

use alloc::vec::Vec;

use super::Span;
use crate::after::{AfterEvent, AfterOutcome, AfterRefusal, Count, Disposition, Inspect, Short};
use crate::event::Event;
use crate::ids::{OrderNumber, PartitionId, SkuId, Timestamp};
use crate::ledger::{Ledger, MAX_UNITS, Place, Violation};
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::stock::{Marks, Sku};
use crate::table::Slot;

/// Orders that one command names: it is decided with others under the same locks, and what all of them write must stay small.
pub(crate) const NAMES_AT_ONCE: usize = 32;

impl Span<'_, '_> {
    pub(super) fn decide_count(
        &self,
        now: Timestamp,
        count: &Count,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let &Count { sku, on_hand, as_of, expected, reason, by } = count;
        let refuse = |refusal| Ok(Outcome::Refused(refusal));
        let (ledger, slot, row) = match self.goods_of(sku)? {
            Ok(found) => found,
            Err(refusal) => return refuse(refusal),
        };
        if on_hand > MAX_UNITS {
            return refuse(Refusal::Invalid { field: Field::OnHand });
        }
        if as_of == Timestamp::new(0) || as_of.since(now) > ledger.rules().future_tolerance_ms {
            return refuse(Refusal::Invalid { field: Field::AsOf });
        }
        let (latest, last, short) = match ledger.goods.get(slot) {
            Some(goods) => (goods.watermark, goods.last_count, goods.short),
            None => (Timestamp::default(), 0, 0),
        };
        if as_of == latest && on_hand == last {
            return Ok(Outcome::Replayed { order: None, state: None, deadline: Timestamp::default() });
        }
        if as_of <= latest {
            return refuse(Refusal::After(AfterRefusal::StaleWatermark { latest }));
        }
        let found = ledger.on_hand(slot, row);
        if expected.is_some_and(|expected| expected != found) {
            return refuse(Refusal::CasMismatch { found });
        }
        let (change, short) = if on_hand >= found {
            // Units that were missing are there, and then there are more.
            let more = on_hand.saturating_sub(found);
            let covered = more.min(short);
            (more.saturating_sub(covered).cast_signed(), short.saturating_sub(covered))
        } else {
            let missing = found.saturating_sub(on_hand);
            let taken = row.available.min(missing);
            let short = short.saturating_add(missing.saturating_sub(taken));
            (taken.cast_signed().saturating_neg(), short)
        };
        let (Some(available), Some(0..=MAX_UNITS)) =
            (row.available.checked_add_signed(change), row.stocked.checked_add_signed(change))
        else {
            return refuse(Refusal::CapacityExceeded);
        };
        let counted = AfterEvent::Counted { sku, on_hand, change, short, as_of, reason, by, at: now };
        events.push(Event::After(counted));
        Ok(Outcome::After(AfterOutcome::Counted { available, short }))
    }

    pub(super) fn decide_inspect(
        &self,
        now: Timestamp,
        inspect: &Inspect,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let &Inspect { sku, units, to, expected, reason, by } = inspect;
        let refuse = |refusal| Ok(Outcome::Refused(refusal));
        let (ledger, slot, row) = match self.goods_of(sku)? {
            Ok(found) => found,
            Err(refusal) => return refuse(refusal),
        };
        if to == Disposition::Quarantine {
            return refuse(Refusal::Invalid { field: Field::Disposition });
        }
        if units == 0 {
            return refuse(Refusal::Invalid { field: Field::Units });
        }
        let found = ledger.goods.get(slot).map_or(0, |goods| goods.quarantine);
        if expected != found {
            return refuse(Refusal::CasMismatch { found });
        }
        let Some(quarantine) = found.checked_sub(units) else {
            return refuse(Refusal::Insufficient { available: found });
        };
        if to == Disposition::Restock && row.stocked.saturating_add(units) > MAX_UNITS {
            return refuse(Refusal::CapacityExceeded);
        }
        events.push(Event::After(AfterEvent::Inspected { sku, units, to, reason, by, at: now }));
        Ok(Outcome::After(AfterOutcome::Inspected { quarantine }))
    }

    fn goods_of(&self, sku: SkuId) -> Result<Result<(&Ledger, Slot, &Sku), Refusal>, Violation> {
        let ledger = self.serving(PartitionId::of(sku))?;
        let slot = ledger.sku_at(Place::default(), sku);
        Ok(ledger.stock.get(slot).map(|row| (ledger, slot, row)).ok_or(Refusal::UnknownSku))
    }

    /// After a decision: what became available takes the place of missing units, and orders that were paid with it may be hit.
    pub(super) fn settle_short(&mut self, event: &Event, events: &mut Vec<Event>) -> Result<(), Violation> {
        // A hold brings nothing back, and takes nothing where units are missing: of those, none are free.
        if matches!(event, Event::Reserved(_) | Event::LegHeld(_)) {
            return Ok(());
        }
        let mut further = Vec::new();
        for ledger in &mut *self.ledgers {
            if event.concerns(ledger.share) {
                let slot = ledger.locate(event, Place::default()).sku;
                if ledger.stock.get(slot).is_some_and(|row| row.marks.has(Marks::SHORT)) {
                    ledger.settle_short(slot, event, &mut |event| events.push(*event))?;
                    // A line of an order that was just paid: its order is perhaps in another ledger.
                    if let Event::LegSold(end) = event {
                        further.extend(ledger.short_paid(end.order, slot, (end.units, Timestamp::default())));
                    }
                }
            }
        }
        for event in further {
            let Event::After(AfterEvent::Shorted(short)) = event else { continue };
            let home = self.serving(short.order.partition())?;
            let paid = home.order_at(Place::default(), short.order).map(|(_, order)| order.ended_at());
            let short = Short { paid_at: paid.unwrap_or(short.at), ..short };
            let event = Event::After(AfterEvent::Shorted(short));
            self.apply(&event)?;
            events.push(event);
        }
        Ok(())
    }

    /// Names up to [`NAMES_AT_ONCE`] orders that a SKU's shortfall hits, or hits no more. All ledgers must be at hand.
    pub(super) fn name(&mut self, sku: SkuId, events: &mut Vec<Event>) -> Result<(), Violation> {
        let (named, wanted, first) = match self.goods_of(sku)? {
            Ok((ledger, slot, row)) => match ledger.goods.get(slot) {
                Some(goods) => (goods.named, goods.to_name(row.held), goods.orders.clone()),
                None => return Ok(()),
            },
            Err(_) => return Ok(()),
        };
        let at = self.serving(PartitionId::of(sku))?.now;
        let mut steps = Vec::new();
        let mut left = named.abs_diff(wanted);
        let mut add = |(paid_at, order): (Timestamp, OrderNumber), most: u32| {
            let units = most.min(u32::try_from(left).unwrap_or(u32::MAX));
            left = left.saturating_sub(u64::from(units));
            steps.push(Short { order, sku, units, paid_at, at });
            left > 0
        };
        if named > wanted {
            // Who paid first is whole first.
            first.into_iter().take(NAMES_AT_ONCE).all(|(order, units)| add(order, units));
        } else if named < wanted {
            self.latest(sku).into_iter().all(|(order, units)| add(order, units));
        }
        let none_left = named < wanted && steps.len() < NAMES_AT_ONCE;
        for short in steps {
            let named = if named > wanted { AfterEvent::Covered(short) } else { AfterEvent::Shorted(short) };
            let event = Event::After(named);
            self.apply(&event)?;
            events.push(event);
        }
        if none_left {
            // Units of orders that left memory: there is nobody to be named, until somebody pays.
            let ledger = self.serving_mut(PartitionId::of(sku))?;
            let slot = ledger.sku_at(Place::default(), sku);
            if let Some(goods) = ledger.goods.get_mut(slot) {
                goods.nameless = wanted.saturating_sub(goods.named);
            }
            ledger.note_short(slot);
        }
        Ok(())
    }

    /// The latest paid orders with units of the SKU in the house that are not missing, and how many: looks through all
    /// orders.
    fn latest(&self, sku: SkuId) -> Vec<((Timestamp, OrderNumber), u32)> {
        let mut latest = Vec::new();
        for ledger in &*self.ledgers {
            let here = ledger.sku_at(Place::default(), sku);
            for (_, order) in ledger.orders.rows.iter() {
                let may = if order.number.is_composite() { true } else { order.sku == here };
                if !may || order.state() != Some(OrderState::Confirmed) {
                    continue;
                }
                let progress = ledger.progress.get(order.number);
                let Some((_, open)) = ledger.line_units(order, progress, sku) else { continue };
                let short = progress.map_or(0, |progress| progress.line(sku).short);
                if open > short {
                    latest.push(((order.ended_at(), order.number), open.saturating_sub(short)));
                }
            }
        }
        latest.sort_unstable_by(|one, other| other.cmp(one));
        latest.truncate(NAMES_AT_ONCE);
        latest
    }
}
