//! What orders became and where goods are must match the units of orders and SKUs.

use alloc::collections::BTreeMap;

use crate::after::Progress;
use crate::hash::Mix;
use crate::ids::{OrderNumber, Timestamp};
use crate::ledger::{Digest, Ledger, Place, Violation};
use crate::order::Order;
use crate::outcome::OrderState;
use crate::stock::Marks;
use crate::table::Slot;

impl Ledger {
    /// Every account of goods adds up, of one ledger of `all`.
    pub(in crate::ledger) fn check_after(&self, all: &[&Self]) -> Result<(), Violation> {
        // Units of this ledger's SKUs: with shoppers, and named as missing.
        let mut sums = BTreeMap::<Slot, (u64, BTreeMap<(Timestamp, OrderNumber), u32>)>::new();
        for ledger in all {
            for (number, progress) in ledger.progress.iter() {
                let wrong = Violation::After { number };
                let (_, order) = ledger.order_at(Place::default(), number).ok_or(wrong)?;
                ledger.check_progress(order, progress)?;
                for line in progress.lines.iter().filter(|line| self.accounts(line.sku)) {
                    let (shipped, named) = sums.entry(self.sku_at(Place::default(), line.sku)).or_default();
                    *shipped = shipped.saturating_add(u64::from(line.shipped.saturating_sub(line.returned)));
                    if line.short > 0 {
                        named.insert((order.ended_at(), number), line.short);
                    }
                }
            }
        }
        for (slot, (shipped, named)) in &sums {
            let of = self.goods.get(*slot);
            if (*shipped > 0 || !named.is_empty()) && of.is_none() {
                let sku = self.stock.get(*slot).map(|row| row.id).unwrap_or_default();
                return Err(Violation::Goods { sku });
            }
        }
        for (slot, goods) in self.goods.iter() {
            let row = self.stock.get(slot).copied().unwrap_or_default();
            let wrong = Err(Violation::Goods { sku: row.id });
            let (shipped, named) = sums.remove(&slot).unwrap_or_default();
            let somewhere = i128::from(row.stocked)
                .saturating_add(i128::from(goods.quarantine))
                .saturating_add(i128::from(goods.scrapped));
            let came = i128::from(goods.brought).saturating_add(i128::from(goods.counted));
            if somewhere != came {
                return Err(Violation::Conservation { sku: row.id });
            }
            // Orders that left memory have been shipped, too.
            if shipped > goods.shipped || goods.shipped > row.sold || named != goods.orders {
                return wrong;
            }
            let sum = named.values().fold(0_u64, |sum, units| sum.saturating_add(u64::from(*units)));
            let house = row.held.saturating_add(row.sold.saturating_sub(goods.shipped));
            if sum != goods.named || goods.short > house || (goods.short > 0 && row.available > 0) {
                return wrong;
            }
            let settled = !self.goods.to_name.contains(&row.id);
            if row.marks.has(Marks::SHORT) != (goods.short > 0)
                || (settled && goods.named > goods.to_name(row.held))
            {
                return wrong;
            }
        }
        Ok(())
    }

    fn check_progress(&self, order: &Order, progress: &Progress) -> Result<(), Violation> {
        let wrong = Err(Violation::After { number: order.number });
        if progress.under_way && order.state() != Some(OrderState::Confirmed) {
            return wrong;
        }
        for line in &progress.lines {
            let Some((units, open)) = self.line_units(order, Some(progress), line.sku) else { return wrong };
            let shipped = line.shipped.saturating_sub(line.returned);
            if line.returned > line.shipped || shipped > units || line.short > open {
                return wrong;
            }
        }
        for payment in self.orders.payments(order) {
            let back = progress.paid_back(payment.id());
            if back.raw() > 0 && back.raw() > payment.amount().raw() {
                return wrong;
            }
        }
        Ok(())
    }

    /// Entries of their own for what became of orders, and for goods.
    pub(in crate::ledger) fn digest_after(&self, digest: &mut Digest) {
        let time = |at: Option<Timestamp>| at.map_or(0, |at| at.raw().wrapping_add(1));
        for (number, progress) in self.progress.iter() {
            let mix = Mix::new(50).word(number.raw()).word(time(progress.delivered_at));
            let mix = mix.word(time(progress.closed_at)).word(progress.touched_at.raw());
            digest.entry(mix.word(u64::from(progress.fulfilling)).word(u64::from(progress.under_way)));
            for line in &progress.lines {
                let mix = Mix::new(51).word(number.raw()).word(line.sku.raw()).word(u64::from(line.shipped));
                let mix = mix.word(u64::from(line.cancelled)).word(u64::from(line.returned));
                digest.entry(mix.word(u64::from(line.short)));
            }
            for payback in &progress.paybacks {
                let mix = Mix::new(52).word(number.raw()).wide(payback.refund.raw());
                digest.entry(mix.wide(payback.payment.raw()).word(payback.amount.raw()));
            }
        }
        for (slot, goods) in self.goods.iter() {
            let sku = self.stock.get(slot).map_or(0, |row| row.id.raw());
            let mix = Mix::new(53)
                .word(sku)
                .word(goods.brought.cast_unsigned())
                .word(goods.counted.cast_unsigned());
            let mix = mix.word(goods.shipped).word(goods.quarantine).word(goods.scrapped);
            let mix = mix.word(goods.short).word(goods.named);
            digest.entry(mix.word(goods.watermark.raw()).word(goods.last_count));
            for ((paid_at, number), units) in &goods.orders {
                let mix = Mix::new(54).word(sku).word(paid_at.raw()).word(number.raw());
                digest.entry(mix.word(u64::from(*units)));
            }
        }
    }
}
