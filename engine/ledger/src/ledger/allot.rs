//! What sales channels may have of a SKU.

use super::{Ledger, Place, Violation};
use crate::channels::{Allotment, Freed};
use crate::command::SetChannel;
use crate::ids::{ChannelId, SkuId};
use crate::outcome::{ChannelPage, ChannelSnapshot, Refusal};
use crate::stock::{Marks, Sku};
use crate::table::Slot;

impl Ledger {
    /// Whether the channel may have so many units of a SKU, of so many that are free.
    #[inline]
    pub(super) fn enough(
        &self,
        slot: Slot,
        sku: &Sku,
        channel: ChannelId,
        (units, free): (u32, u64),
    ) -> Result<(), Refusal> {
        self.enough_after(slot, sku, channel, (units, free), Freed::default())
    }

    /// As [`enough`](Self::enough), once another order has given units back, which are among those that are free.
    #[inline]
    pub(super) fn enough_after(
        &self,
        slot: Slot,
        sku: &Sku,
        channel: ChannelId,
        (units, free): (u32, u64),
        freed: Freed,
    ) -> Result<(), Refusal> {
        let left = if sku.marks.has(Marks::CHANNELS) {
            self.channels.left((self.stock.offer(slot), slot), Some(channel), self.now, free, freed)
        } else {
            free
        };
        match u64::from(units) {
            units if units <= left => Ok(()),
            // There are more, but not for this channel.
            _ if left < free => Err(Refusal::ChannelExhausted { left }),
            _ => Err(Refusal::Insufficient { available: free }),
        }
    }

    /// Units that a channel may have of those that are free, whoever waits for them.
    /// `None` stands for a channel without rules.
    pub(super) fn left_for(&self, slot: Slot, sku: &Sku, channel: Option<ChannelId>) -> u64 {
        if sku.marks.has(Marks::CHANNELS) {
            self.channels.left(
                (self.stock.offer(slot), slot),
                channel,
                self.now,
                sku.available,
                Freed::default(),
            )
        } else {
            sku.available
        }
    }

    /// Units that may be withdrawn or kept for a channel: those that are kept for none.
    pub(super) fn unallotted(&self, slot: Slot, sku: &Sku) -> u64 {
        if sku.marks.has(Marks::CHANNELS) {
            sku.available.saturating_sub(self.channels.kept(self.stock.offer(slot), slot, self.now))
        } else {
            sku.available
        }
    }

    /// What a channel may have of a SKU, and has; `None` if there is no such SKU.
    pub fn channel(&self, id: SkuId, channel: ChannelId) -> Option<ChannelSnapshot> {
        let slot = self.sku_at(Place::default(), id);
        let sku = self.stock.get(slot)?;
        let Allotment { guarantee, cap, release_at, taken } =
            self.channels.get(self.stock.offer(slot), slot, channel);
        let free = self.free_units(slot, sku);
        let ruled = self.channels.ruled(&self.stock, slot, channel);
        let available =
            self.channels.left((self.stock.offer(slot), slot), ruled, self.now, free, Freed::default());
        Some(ChannelSnapshot { sku: id, channel, guarantee, cap, release_at, taken, available })
    }

    /// The channels that a SKU has something to say about, from this one on; `None` if there is no such SKU.
    pub fn channels(&self, id: SkuId, first: ChannelId) -> Option<ChannelPage> {
        let slot = self.sku_at(Place::default(), id);
        self.stock.get(slot)?;
        let mut known = self.channels.from(self.stock.offer(slot), slot, first);
        let mut page = ChannelPage { sku: id, ..ChannelPage::default() };
        for (place, channel) in page.channels.iter_mut().zip(known.by_ref()) {
            *place = channel;
            page.count = page.count.saturating_add(1);
        }
        page.more = known.next().is_some();
        Some(page)
    }

    pub(super) fn apply_channel(&mut self, rules: &SetChannel, place: Place) -> Result<(), Violation> {
        let &SetChannel { sku, channel, guarantee, cap, release_at, .. } = rules;
        let slot = self.sku_at(place, sku);
        let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        if !row.marks.has(Marks::CHANNELS) && row.available != row.stocked {
            return Err(Violation::Channel { channel });
        }
        row.marks.set(Marks::CHANNELS, true);
        self.set_rules(slot, channel, Allotment { guarantee, cap, release_at, taken: 0 });
        self.waitlists.unsettle(slot);
        Ok(())
    }

    pub(super) fn apply_rebalanced(
        &mut self,
        sku: SkuId,
        (from, to): (ChannelId, ChannelId),
        units: u64,
        place: Place,
    ) -> Result<(), Violation> {
        let slot = self.sku_at(place, sku);
        let offer = self.stock.offer(slot);
        let (gives, gets) = (self.channels.get(offer, slot, from), self.channels.get(offer, slot, to));
        let guarantee = gives.guarantee.checked_sub(units).ok_or(Violation::Channel { channel: from })?;
        self.set_rules(slot, from, Allotment { guarantee, ..gives });
        let guarantee = gets.guarantee.saturating_add(units);
        self.set_rules(slot, to, Allotment { guarantee, ..gets });
        self.waitlists.unsettle(slot);
        Ok(())
    }

    fn set_rules(&mut self, slot: Slot, channel: ChannelId, rules: Allotment) {
        if let Some(offer) = self.stock.offer_mut(slot)
            && self.channels.set(offer, slot, channel, rules)
        {
            let orders = &self.orders.rows;
            self.waitlists.rule(slot, channel, |order| orders.get(order).map(|order| order.channel));
        }
    }

    /// Guarantees that have ended by now are anybody's: those who wait come first.
    #[inline]
    pub(super) fn share_released(&mut self) {
        while let Some(sku) = self.channels.take_released(self.now) {
            self.waitlists.unsettle(sku);
        }
    }
}
