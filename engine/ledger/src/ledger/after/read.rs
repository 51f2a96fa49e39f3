//! What can be read of orders after their payment, and of goods.

use crate::after::{GoodsSnapshot, ProgressSnapshot, ShortOrder, ShortPage};
use crate::ids::{OrderNumber, SkuId, Timestamp, UserId};
use crate::ledger::{Ledger, Place};
use crate::outcome::{OrderState, Refusal};
use crate::stock::Sku;
use crate::table::Slot;

impl Ledger {
    /// What became of the nth line of a paid order of `user`, from 0 and by SKU, and of the order.
    ///
    /// # Errors
    /// As [`line`](Self::line); and [`AfterRefusal::OrderState`](crate::AfterRefusal::OrderState) of an order that isn't paid.
    pub fn progress(&self, number: OrderNumber, user: UserId, nth: u8) -> Result<ProgressSnapshot, Refusal> {
        let (_, order, state) = self.owned(number, user, Place::default())?;
        if state != OrderState::Confirmed {
            return Err(Refusal::After(crate::after::AfterRefusal::OrderState { state }));
        }
        let known = self.progress.get(number);
        let (sku, units) = self.lines_now(order).nth(usize::from(nth)).ok_or(Refusal::NoSuchLine)?;
        let line = known.map(|progress| progress.line(sku)).unwrap_or_default();
        Ok(ProgressSnapshot {
            order: number,
            state: self.stands(order),
            paid_at: order.ended_at(),
            delivered_at: known.and_then(|progress| progress.delivered_at),
            return_until: known.and_then(|progress| self.return_until(progress)),
            paid: self.paid(order),
            refunded: known.map(|progress| progress.paid_back(self.paid_by(order))).unwrap_or_default(),
            nth,
            sku,
            units,
            shipped: line.shipped,
            cancelled: line.cancelled,
            returned: line.returned,
            short: line.short,
        })
    }

    /// Where the goods of a SKU are; `None` if there is no such SKU.
    pub fn goods(&self, sku: SkuId) -> Option<GoodsSnapshot> {
        let slot = self.sku_at(Place::default(), sku);
        let row = self.stock.get(slot)?;
        let goods = self.goods.get(slot).cloned().unwrap_or_default();
        Some(GoodsSnapshot {
            sku,
            on_hand: self.on_hand(slot, row),
            allocated: row.sold.saturating_sub(goods.shipped),
            shipped: goods.shipped,
            quarantine: goods.quarantine,
            scrapped: goods.scrapped,
            counted: goods.counted,
            short: goods.short,
            named: goods.named,
            watermark: goods.watermark,
        })
    }

    /// The orders that a SKU's shortfall hits, from the first on that was paid after `after`; that is the last one of the page
    /// before. `None` if there is no such SKU.
    pub fn shortfall(&self, sku: SkuId, after: (Timestamp, OrderNumber)) -> Option<ShortPage> {
        let slot = self.sku_at(Place::default(), sku);
        self.stock.get(slot)?;
        let Some(goods) = self.goods.get(slot) else { return Some(ShortPage::default()) };
        let mut page = ShortPage { short: goods.short, named: goods.named, ..ShortPage::default() };
        let behind = (core::ops::Bound::Excluded(after), core::ops::Bound::Unbounded);
        for (place, (&(paid_at, order), &units)) in page.orders.iter_mut().zip(goods.orders.range(behind)) {
            *place = ShortOrder { paid_at, order, units };
            page.count = page.count.saturating_add(1);
        }
        Some(page)
    }

    /// Units that are in the house for sale, held or paid.
    pub(in crate::ledger) fn on_hand(&self, slot: Slot, row: &Sku) -> u64 {
        let (shipped, short) = self.goods.get(slot).map_or((0, 0), |goods| (goods.shipped, goods.short));
        let house = row.available.saturating_add(row.held).saturating_add(row.sold);
        house.saturating_sub(shipped).saturating_sub(short)
    }
}
