//! Units that move between the accounts of a SKU, and in those of its shoppers and channels: free, held, sold.

use super::{Ledger, Place, Violation};
use crate::ids::{ChannelId, Timestamp, UserId};
use crate::stock::Marks;
use crate::table::Slot;

/// Who takes units.
#[derive(Clone, Copy)]
pub(super) struct Taker {
    pub(super) user: UserId,
    /// Of the shopper with the SKU.
    pub(super) hash: u64,
    pub(super) channel: ChannelId,
}

impl Ledger {
    /// Moves units of a SKU from the free ones to a hold of this shopper. `missing` says what it means that there is no
    /// such SKU.
    #[inline]
    pub(super) fn hold_units(
        &mut self,
        slot: Slot,
        Taker { user, hash, channel }: Taker,
        quantity: u32,
        deadline: Timestamp,
        missing: Violation,
    ) -> Result<(), Violation> {
        let units = u64::from(quantity);
        let (sku, offer) = self.stock.both_mut(slot).ok_or(missing)?;
        if sku.marks.has(Marks::GROUPED) {
            let group = offer.group;
            let hash = self.hasher.user(user, group);
            self.tally.add(hash, user, group, quantity).ok_or(Violation::Tally { user })?;
        }
        if sku.marks.has(Marks::CHANNELS) {
            self.channels.take(offer, slot, channel, units);
        }
        sku.available = sku.available.checked_sub(units).ok_or(Violation::Oversold { sku: sku.id })?;
        sku.held = sku.held.saturating_add(units);
        sku.earliest_deadline = if sku.holds == 0 { deadline } else { sku.earliest_deadline.min(deadline) };
        sku.holds = sku.holds.saturating_add(1);
        self.tally.add(hash, user, slot, quantity).ok_or(Violation::Tally { user })?;
        self.totals.available = self.totals.available.saturating_sub(units);
        self.totals.held = self.totals.held.saturating_add(units);
        Ok(())
    }

    /// Takes units out of those that are held; `whole` says that a hold ends with them. `missing` says what it means that there
    /// is no such SKU.
    #[inline]
    pub(super) fn unhold(
        &mut self,
        slot: Slot,
        quantity: u32,
        whole: bool,
        missing: Violation,
    ) -> Result<(), Violation> {
        let units = u64::from(quantity);
        let sku = self.stock.get_mut(slot).ok_or(missing)?;
        sku.held = sku.held.checked_sub(units).ok_or(Violation::Held { sku: sku.id })?;
        sku.holds = sku.holds.checked_sub(u32::from(whole)).ok_or(Violation::Held { sku: sku.id })?;
        self.totals.held = self.totals.held.saturating_sub(units);
        Ok(())
    }

    /// Counts units as sold that were held.
    #[inline]
    pub(super) fn sell(&mut self, slot: Slot, quantity: u32, missing: Violation) -> Result<(), Violation> {
        let units = u64::from(quantity);
        let sku = self.stock.get_mut(slot).ok_or(missing)?;
        sku.sold = sku.sold.saturating_add(units);
        self.totals.sold = self.totals.sold.saturating_add(units);
        Ok(())
    }

    /// Counts units as free that a shopper held.
    pub(super) fn give_back(
        &mut self,
        slot: Slot,
        (user, channel): (UserId, ChannelId),
        quantity: u32,
        missing: Violation,
    ) -> Result<(), Violation> {
        let units = u64::from(quantity);
        let sku = self.stock.get_mut(slot).ok_or(missing)?;
        self.returns.note(sku);
        sku.available = sku.available.saturating_add(units);
        self.totals.available = self.totals.available.saturating_add(units);
        self.disown(slot, (user, channel), quantity, missing)
    }

    /// Counts units no longer as a shopper's, nor as his channel's.
    #[inline]
    pub(super) fn disown(
        &mut self,
        slot: Slot,
        (user, channel): (UserId, ChannelId),
        quantity: u32,
        missing: Violation,
    ) -> Result<(), Violation> {
        let units = u64::from(quantity);
        let sku = self.stock.get(slot).ok_or(missing)?;
        let (has_waiters, has_channels) = (sku.marks.has(Marks::WAITERS), sku.marks.has(Marks::CHANNELS));
        if sku.marks.has(Marks::GROUPED) {
            self.disown_in_group(slot, user, quantity)?;
        }
        if has_channels && let Some(offer) = self.stock.offer_mut(slot) {
            let given = self.channels.give_back(offer, slot, channel, units);
            given.ok_or(Violation::Channel { channel })?;
        }
        self.tally
            .subtract(self.hasher.user(user, slot), user, slot, quantity)
            .ok_or(Violation::Tally { user })?;
        if has_waiters {
            self.look_again(slot, user);
        }
        Ok(())
    }

    /// Puts what a shopper waits for of the SKU back in its place, if it was set aside.
    pub(super) fn look_again(&mut self, slot: Slot, user: UserId) {
        if let Some(waiting) = self.waitlists.aside(slot, user)
            && let Some((place, order)) = self.order_at(Place::default(), waiting)
        {
            let order = *order;
            self.waitlists.put_back(
                slot,
                place,
                &order,
                self.channels.ruled(&self.stock, slot, order.channel),
            );
        }
    }
}
