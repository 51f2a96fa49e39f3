//! Orders that give part of theirs back, and the lines of orders that have several.

use super::accounts::Taker;
use super::{Ledger, Place, Violation};
use crate::event::{LegEnd, LegHeld};
use crate::ids::{Amount, OrderNumber, PartitionId, SkuId, UserId};
use crate::order::Order;
use crate::outcome::{LineSnapshot, Refusal};
use crate::table::Slot;

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
        self.cut_claim(place.order, units)?;
        self.orders.cut(place.order, units, amount).ok_or(missing)?;
        if number.is_composite() {
            return Ok(());
        }
        self.unhold(place.sku, units, false, missing)?;
        self.give_back(place.sku, taker, units, missing)
    }

    pub(super) fn apply_leg_held(&mut self, leg: &LegHeld, place: Place) -> Result<(), Violation> {
        let &LegHeld { order: number, line, user, channel, deadline, .. } = leg;
        let sku = line.sku;
        if let Some(list) = self.listed(number)? {
            self.orders.legs.hold(list, &line).ok_or(Violation::Leg { number, sku })?;
        }
        if !self.accounts(sku) {
            return Ok(());
        }
        let taker = Taker { user, hash: self.hasher.user(user, place.sku), channel };
        self.hold_units(place.sku, taker, line.units, deadline, Violation::UnknownSku { sku })
    }

    /// All units of a line were paid, or go back.
    pub(super) fn apply_leg_ended(
        &mut self,
        end: &LegEnd,
        sold: bool,
        place: Place,
    ) -> Result<(), Violation> {
        let &LegEnd { order: number, sku, user, units, channel, .. } = end;
        if let Some(list) = self.listed(number)? {
            self.orders.legs.end(list, sku, units).ok_or(Violation::Leg { number, sku })?;
        }
        if !self.accounts(sku) {
            return Ok(());
        }
        let missing = Violation::UnknownSku { sku };
        self.unhold(place.sku, units, true, missing)?;
        if sold {
            self.sell(place.sku, units, missing)
        } else {
            self.give_back(place.sku, (user, channel), units, missing)
        }
    }

    /// Units of a line go back for good; `whole` says that these are all.
    pub(super) fn apply_leg_cut(&mut self, end: &LegEnd, whole: bool, place: Place) -> Result<(), Violation> {
        let &LegEnd { order: number, sku, user, units, channel, .. } = end;
        if let Some(list) = self.listed(number)? {
            let left = self.orders.legs.cut(list, sku, units).filter(|left| whole == (*left == 0));
            left.ok_or(Violation::Leg { number, sku })?;
        }
        if !self.accounts(sku) {
            return Ok(());
        }
        let missing = Violation::UnknownSku { sku };
        self.unhold(place.sku, units, whole, missing)?;
        self.give_back(place.sku, (user, channel), units, missing)
    }

    /// Where the lines of an order are, if they are here.
    fn listed(&self, number: OrderNumber) -> Result<Option<Slot>, Violation> {
        if !self.share.serves(number.partition()) {
            return Ok(None);
        }
        let (_, order) = self.order_at(Place::default(), number).ok_or(Violation::NoSuchOrder { number })?;
        Ok(Some(order.lines()))
    }

    /// Whether it accounts for the SKU.
    pub(super) fn accounts(&self, sku: SkuId) -> bool {
        self.share.serves(PartitionId::of(sku))
    }

    /// Lines of an order that has several; 0 for one.
    pub(super) fn lines_of(&self, order: &Order) -> u8 {
        u8::try_from(self.orders.legs(order).count()).unwrap_or(u8::MAX)
    }

    /// The SKUs of an order that has several: where they are is who must agree to a change of it. None for another.
    pub fn skus_of(&self, number: OrderNumber) -> impl Iterator<Item = SkuId> {
        let order = self.order_at(Place::default(), number).map(|(_, order)| order);
        order.into_iter().flat_map(|order| self.orders.legs(order)).map(|leg| leg.sku)
    }

    /// The nth line of an order of `user`, from 0 and by SKU.
    ///
    /// # Errors
    /// As [`order`](Self::order), and [`Refusal::NoSuchLine`].
    pub fn line(&self, number: OrderNumber, user: UserId, nth: u8) -> Result<LineSnapshot, Refusal> {
        let order = self.order(number, user)?;
        let (_, row) = self.order_at(Place::default(), number).ok_or(Refusal::NoSuchOrder)?;
        let line = if number.is_composite() {
            self.orders.legs(row).nth(usize::from(nth)).map(|leg| LineSnapshot {
                number,
                nth,
                sku: leg.sku,
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
}
