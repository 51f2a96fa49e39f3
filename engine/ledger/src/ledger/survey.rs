//! Looking at all SKUs, a few at a time: for people who watch a sale, beside those who buy.

use super::Ledger;
use crate::ids::ChannelId;
use crate::outcome::{CHANNEL_PAGE, ChannelSnapshot, StockSnapshot};
use crate::stock::Marks;

impl Ledger {
    /// Shows the accounts of SKUs in the order in which they were set up here, from place `first` on; and behind each that has
    /// rules for sales channels what it says of the first [`CHANNEL_PAGE`] of these. It stops when `limit` of both were shown, though not
    /// among the channels of a SKU.
    ///
    /// Returns the place to go on at; `None`: that was the last SKU. Places stay the same as long as the process lives, and SKUs that
    /// are set up later come behind.
    pub fn survey(
        &self,
        first: u32,
        limit: u32,
        mut sku: impl FnMut(StockSnapshot),
        mut channel: impl FnMut(ChannelSnapshot),
    ) -> Option<u32> {
        let (mut slot, mut left) = (first, limit);
        while left > 0 {
            let row = self.stock.get(slot)?;
            sku(StockSnapshot { waiting: self.waitlists.len(slot), ..row.snapshot(self.now) });
            left = left.saturating_sub(1);
            if row.marks.has(Marks::CHANNELS) {
                let known =
                    self.channels.from(self.stock.offer(slot), slot, ChannelId::default()).take(CHANNEL_PAGE);
                for known in known.filter_map(|known| self.channel(row.id, known)) {
                    channel(known);
                    left = left.saturating_sub(1);
                }
            }
            slot = slot.saturating_add(1);
        }
        self.stock.get(slot).is_some().then_some(slot)
    }
}
