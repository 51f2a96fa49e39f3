//! What a drill's orders with several lines were.

use std::collections::BTreeSet;

use doorbuster_protocol::Code;
use serde::Serialize;

use crate::journal::Journal;
use crate::shards::shard;

/// Acknowledged orders of a drill whose orders may have several lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BasketTotals {
    /// Orders.
    pub orders: u64,
    /// Their lines, of which each names a SKU of its own.
    pub lines: u64,
    /// Shards of the server.
    pub shards: u32,
    /// Orders whose SKUs are in several shards.
    pub over_shards: u64,
    /// Orders that named a SKU twice.
    pub same_sku: u64,
    /// Orders with a gift.
    pub gifts: u64,
    /// Orders of which a part was paid, and the rest given back.
    pub part_paid: u64,
    /// Holds of which a part was given back.
    pub cut: u64,
    /// Holds that took another's place.
    pub swapped: u64,
}

impl BasketTotals {
    /// Adds them up; none where no order could have several lines.
    pub fn of(journal: &Journal, first_sku: u64, shards: u32) -> Option<Self> {
        if journal.baskets.is_empty() {
            return None;
        }
        let mut totals = Self { shards, ..Self::default() };
        for attempt in journal.attempts.iter().filter(|attempt| attempt.order != 0) {
            let Some(basket) = journal.basket_of(attempt) else { continue };
            let summed = basket.summed();
            let of: BTreeSet<u32> =
                summed.iter().map(|line| shard(first_sku + u64::from(line.sku), shards)).collect();
            totals.orders += 1;
            totals.lines += summed.len() as u64;
            totals.over_shards += u64::from(of.len() > 1);
            totals.same_sku += u64::from(summed.len() < basket.lines.len());
            totals.gifts += u64::from(summed.iter().any(|line| line.gifts > 0));
            totals.cut += u64::from(basket.cut == Code::Ok.number());
            totals.swapped += u64::from(basket.instead_of != 0);
            let part = journal.payments_of(attempt).any(|payment| payment.is_part() && payment.bought);
            totals.part_paid += u64::from(part);
        }
        Some(totals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Attempt, Basket, BasketLine};

    #[test]
    fn orders_over_several_shards_are_counted_by_their_skus() {
        let mut journal = Journal::default();
        // Of four SKUs some two are in one shard of two, whatever the hash: by number, from 1.
        let shards: Vec<u32> = (1..=4).map(|sku| shard(sku, 2)).collect();
        for other in 1..4 {
            let line = |sku| BasketLine { sku, units: 1, gift: false };
            let lines = vec![line(0), line(other), line(0)];
            let basket = journal.ask_for(Basket { lines, ..Basket::default() });
            journal.begin(Attempt { order: 1, basket, ..Attempt::default() });
        }
        let apart = shards[1..].iter().filter(|shard| **shard != shards[0]).count() as u64;
        let totals = BasketTotals::of(&journal, 1, 2).expect("some");
        assert_eq!((totals.orders, totals.lines, totals.same_sku), (3, 6, 3));
        assert_eq!(totals.over_shards, apart, "{shards:?}");
        assert_eq!(BasketTotals::of(&Journal::default(), 1, 2), None);
    }
}
