//! Orders that give part of theirs back, and the lines of orders that have several.

use super::apply::Taker;
use super::{Ledger, Place, Violation};
use crate::event::{LegEnd, LegHeld};
use crate::ids::{Amount, OrderNumber, PartitionId, SkuId, UserId};
use crate::legs::Legs;
use crate::outcome::{LineSnapshot, Refusal};

impl Ledger {
    /// Part of a hold goes back for good.
    pub(super) fn apply_cut(
        &mut self,
        number: OrderNumber,
        units: u32,
        amount: Amount,
        place: Place,
    ) -> Result<(), Violation> {
        let missing = Violation::NoSuchOrder { number };
        let order = self.orders.rows.get(place.order).ok_or(missing)?;
        if order.number != number || !order.is_open() || order.quantity <= units {
            return Err(Violation::EndedTwice { number });
        }
        let taker = (order.user, order.channel);
        self.orders.cut(place.order, units, amount).ok_or(missing)?;
        if number.is_composite() {
            return Ok(());
        }
        self.unhold(place.sku, units, false, missing)?;
        self.give_back(place.sku, taker, units, missing)
    }

    pub(super) fn apply_leg_held(&mut self, leg: &LegHeld, place: Place) -> Result<(), Violation> {
        let sku = leg.line.sku;
        self.orders.legs.hold(leg).ok_or(Violation::Leg { number: leg.order, sku })?;
        if !self.accounts(sku) {
            return Ok(());
        }
        let hash = self.hasher.user(leg.user, place.sku);
        let taker = Taker { user: leg.user, hash, channel: leg.channel };
        self.hold_units(place.sku, taker, leg.line.units, leg.at, Violation::UnknownSku { sku })
    }

    /// All units of a line were paid, or go back.
    pub(super) fn apply_leg_ended(
        &mut self,
        end: &LegEnd,
        sold: bool,
        place: Place,
    ) -> Result<(), Violation> {
        let &LegEnd { order, sku, units, .. } = end;
        let leg = self.orders.legs.end(order, sku, units, self.lists(order));
        let leg = leg.ok_or(Violation::Leg { number: order, sku })?;
        if !self.accounts(sku) {
            return Ok(());
        }
        let missing = Violation::UnknownSku { sku };
        self.unhold(place.sku, units, true, missing)?;
        if sold {
            self.sell(place.sku, units, missing)
        } else {
            self.give_back(place.sku, (leg.user, leg.channel), units, missing)
        }
    }

    /// Units of a line go back for good.
    pub(super) fn apply_leg_cut(&mut self, end: &LegEnd, place: Place) -> Result<(), Violation> {
        let &LegEnd { order, sku, units, .. } = end;
        let left = self.orders.legs.cut(order, sku, units, self.lists(order));
        let left = left.ok_or(Violation::Leg { number: order, sku })?;
        if !self.accounts(sku) {
            return Ok(());
        }
        let missing = Violation::UnknownSku { sku };
        self.unhold(place.sku, units, !left.held, missing)?;
        self.give_back(place.sku, (left.user, left.channel), units, missing)
    }

    /// Whether it lists all lines of the order.
    pub(super) fn lists(&self, order: OrderNumber) -> bool {
        self.share.serves(order.partition())
    }

    /// Whether it accounts for the SKU.
    pub(super) fn accounts(&self, sku: SkuId) -> bool {
        self.share.serves(PartitionId::of(sku))
    }

    /// Lines of an order that has several; 0 for one.
    pub(super) fn lines_of(&self, number: OrderNumber) -> u8 {
        if number.is_composite() {
            u8::try_from(self.orders.legs.of(number).count()).unwrap_or(u8::MAX)
        } else {
            0
        }
    }

    /// The SKUs of an order that has several: where they are is who must agree to a change of it. None for another.
    pub fn skus_of(&self, number: OrderNumber) -> impl Iterator<Item = SkuId> {
        self.orders.legs.of(number).map(|(sku, _)| sku)
    }

    /// The nth line of an order of `user`, from 0 and by SKU.
    ///
    /// # Errors
    /// As [`order`](Self::order), and [`Refusal::NoSuchLine`].
    pub fn line(&self, number: OrderNumber, user: UserId, nth: u8) -> Result<LineSnapshot, Refusal> {
        let order = self.order(number, user)?;
        let (_, row) = self.order_at(Place::default(), number).ok_or(Refusal::NoSuchOrder)?;
        let line = if number.is_composite() {
            self.orders.legs.of(number).nth(usize::from(nth)).map(|(sku, leg)| LineSnapshot {
                number,
                nth,
                sku,
                ordered: leg.ordered,
                units: leg.units,
                gifts: leg.gifts,
                location: leg.location,
                pool: leg.pool,
            })
        } else {
            (nth == 0).then(|| LineSnapshot {
                number,
                nth,
                sku: order.sku,
                ordered: self.orders.asked(row).quantity,
                units: order.quantity,
                gifts: 0,
                location: 0,
                pool: 0,
            })
        };
        line.ok_or(Refusal::NoSuchLine)
    }

    /// Whether the lines that are listed here are those that other ledgers account for, as far as both are known: each line
    /// that is listed as holding units must be known to the ledger of its SKU, `of`.
    pub(super) fn check_lines<'a>(&self, of: impl Fn(SkuId) -> Option<&'a Legs>) -> Result<(), Violation> {
        for (number, sku, leg) in self.orders.legs.iter().filter(|(number, ..)| self.lists(*number)) {
            let there = of(sku).and_then(|legs| legs.get(number, sku));
            let same = there.is_some_and(|there| (there.held, there.units) == (leg.held, leg.units));
            if leg.held && !same {
                return Err(Violation::Leg { number, sku });
            }
        }
        Ok(())
    }
}
