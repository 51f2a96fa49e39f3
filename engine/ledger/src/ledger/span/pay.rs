//! Payments for orders with several lines, and for a part of an order.

use alloc::vec::Vec;

use super::{Span, beyond, coupon_event, hold_legs, leg_end, units_of};
use crate::budget::BudgetEvent;
use crate::command::{Confirm, Line};
use crate::event::Event;
use crate::ids::{Amount, PartitionId, SkuId, Timestamp};
use crate::ledger::decide::Late;
use crate::ledger::{Ledger, Place, Violation};
use crate::order::Order;
use crate::outcome::{Field, Outcome, Refusal};

impl Span<'_, '_> {
    pub(super) fn decide_confirm(
        &self,
        now: Timestamp,
        confirm: &Confirm,
        paid: &[Line],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let number = confirm.order;
        let home = self.serving(number.partition())?;
        let known = home.order_at(Place::default(), number).map(|(_, order)| order);
        // What goes back, where only a part is paid. What is wrong with the list counts only if the payment is to be taken.
        let cuts = match known {
            Some(order) if !paid.is_empty() => home.unpaid(order, paid),
            Some(_) | None => Ok(Vec::new()),
        };
        let part = cuts.as_ref().map_or(true, |cuts| !cuts.is_empty());
        let mut missing = None;
        let mut again = Vec::new();
        let decision = home.decide_confirm(now, confirm, Place::default(), part, |home, order| {
            // A part of what is gone would have to be taken apart first: rare, and money that goes back is safe.
            let there = if part { Ok(None) } else { self.may_take_late(now, home, order) };
            match there {
                Ok(Some(events)) => {
                    again = events;
                    Late::There
                }
                Ok(None) => Late::Gone,
                Err(violation) => {
                    missing = Some(violation);
                    Late::Gone
                }
            }
        });
        if let Some(violation) = missing {
            return Err(violation);
        }
        if let (Some(Event::Confirmed { .. } | Event::Reacquired { .. }), Some(order)) =
            (&decision.event, known)
        {
            let cuts = match cuts {
                Ok(cuts) => cuts,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            };
            events.extend(again);
            if !order.is_open() {
                hold_legs(home, order, now, events);
            }
            cut(home, order, &cuts, order.amount, now, events);
            sell_rest(home, order, &cuts, now, events);
        }
        events.extend(decision.event);
        Ok(decision.outcome)
    }

    /// Whether all that a hold that has ended had is there for its shopper, and nobody waits for it. If so, the events that
    /// put its discount where it takes it.
    fn may_take_late(
        &self,
        now: Timestamp,
        home: &Ledger,
        order: &Order,
    ) -> Result<Option<Vec<Event>>, Violation> {
        if !self.units_are_there(home, order)? {
            return Ok(None);
        }
        if let Some(coupon) = home.orders.coupon(order)
            && !self.has_use(coupon)?
        {
            return Ok(None);
        }
        match home.orders.claim(order) {
            // A discount of which nothing is left takes nothing.
            Some((claim, _)) if claim.amount.raw() > 0 => {
                Ok(self.afford(now, (claim, order.number.partition()), None)?.ok())
            }
            Some(_) | None => Ok(Some(Vec::new())),
        }
    }

    /// Whether all units of a hold that has ended are there for its shopper, and nobody waits for them.
    fn units_are_there(&self, home: &Ledger, order: &Order) -> Result<bool, Violation> {
        if !order.number.is_composite() {
            return Ok(home.may_take_late(order));
        }
        for leg in home.orders.legs(order).filter(|leg| leg.units > 0) {
            let ledger = self.serving(PartitionId::of(leg.sku))?;
            let slot = ledger.sku_at(Place::default(), leg.sku);
            let Some(row) = ledger.stock.get(slot) else { return Ok(false) };
            let free = ledger.free_units(slot, row);
            if !ledger.may_have(slot, row, (order.user, order.channel), (leg.units, free)) {
                return Ok(false);
            }
            // Lines of one group count together.
            let others = leg.sku.group().map_or(0, |group| {
                let alike = home.orders.legs(order).filter(|leg| leg.sku.group() == Some(group));
                alike.fold(0_u32, |sum, leg| sum.saturating_add(leg.units))
            });
            let Some(limits) = ledger.limits_now(slot, row, order.channel) else { return Ok(false) };
            if ledger.check_group((slot, row), order.user, limits.group, (others, 0)).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Ledger {
    /// The units of an order that a payment for these lines leaves unpaid, by SKU.
    fn unpaid(&self, order: &Order, paid: &[Line]) -> Result<Vec<(SkuId, u32)>, Refusal> {
        for line in paid {
            beyond(self, order, line)?;
        }
        if paid.iter().all(|line| line.units == 0) {
            return Err(Refusal::Invalid { field: Field::Lines });
        }
        let units = |sku| paid.iter().find(|line| line.sku == sku).map_or(0, |line| line.units);
        let unpaid = self.lines_now(order).map(|(sku, has)| (sku, has.saturating_sub(units(sku))));
        Ok(unpaid.filter(|(_, units)| *units > 0).collect())
    }

    /// The SKUs of an order, and how many units it has of each.
    pub(in crate::ledger) fn lines_now(&self, order: &Order) -> impl Iterator<Item = (SkuId, u32)> {
        let only = if order.number.is_composite() { None } else { self.stock.get(order.sku) };
        let quantity = order.quantity;
        let several = self.orders.legs(order).map(|leg| (leg.sku, leg.units));
        only.map(move |sku| (sku.id, quantity)).into_iter().chain(several)
    }
}

/// The events that take these units off an order for good.
pub(super) fn cut(
    home: &Ledger,
    order: &Order,
    cuts: &[(SkuId, u32)],
    amount: Amount,
    at: Timestamp,
    events: &mut Vec<Event>,
) {
    let number = order.number;
    let units = cuts.iter().fold(0_u32, |sum, (_, units)| sum.saturating_add(*units));
    if units == 0 {
        return;
    }
    if number.is_composite() {
        for &(sku, units) in cuts {
            let end = leg_end(order, sku, units, at);
            let whole = units_of(home, order, sku) == Some(units);
            events.push(if whole { Event::LegDropped(end) } else { Event::LegCut(end) });
        }
    }
    events.push(Event::Cut { number, units, amount, at });
}

/// The events that sell what is left of an order's lines.
fn sell_rest(home: &Ledger, order: &Order, cuts: &[(SkuId, u32)], at: Timestamp, events: &mut Vec<Event>) {
    for leg in home.orders.legs(order) {
        let cut = cuts.iter().find(|(cut, _)| *cut == leg.sku).map_or(0, |(_, units)| *units);
        let units = leg.units.saturating_sub(cut);
        if units > 0 {
            events.push(Event::LegSold(leg_end(order, leg.sku, units, at)));
        }
    }
    events.extend(coupon_event(home, order, at, BudgetEvent::CouponRedeemed));
}
