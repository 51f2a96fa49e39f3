//! Where the goods of SKUs are.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::{OrderNumber, SkuId, Timestamp};
use crate::table::Slot;

/// What is known of a SKU's goods beyond what its row says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Goods {
    /// Units that were brought in from outside, less those that were withdrawn. Units that only a count has found may be
    /// withdrawn, too.
    pub(crate) brought: i64,
    /// What counts have changed.
    pub(crate) counted: i64,
    /// Of the sold units, those that are with their shoppers.
    pub(crate) shipped: u64,
    pub(crate) quarantine: u64,
    pub(crate) scrapped: u64,
    /// Held or allocated units that aren't there.
    pub(crate) short: u64,
    /// How many of these are units of paid orders by name.
    pub(crate) named: u64,
    /// The paid orders of which units aren't there, by the time of their payment.
    pub(crate) orders: BTreeMap<(Timestamp, OrderNumber), u32>,
    /// How many more can't be named, as the orders have left memory. Not state: it saves a useless search.
    pub(crate) nameless: u64,
    /// When units were counted last, and how many there were.
    pub(crate) watermark: Timestamp,
    pub(crate) last_count: u64,
}

impl Goods {
    /// Units of paid orders that aren't there: what is missing hits the holds first, which nobody has paid.
    pub(crate) fn to_name(&self, held: u64) -> u64 {
        self.short.saturating_sub(held)
    }
}

/// The goods of all SKUs of which something is known, by the SKU's slot.
#[derive(Debug, Default)]
pub(crate) struct AllGoods {
    skus: BTreeMap<Slot, Goods>,
    /// SKUs with orders to be named.
    pub(crate) to_name: BTreeSet<SkuId>,
}

impl AllGoods {
    pub(crate) fn get(&self, sku: Slot) -> Option<&Goods> {
        self.skus.get(&sku)
    }

    pub(crate) fn get_mut(&mut self, sku: Slot) -> Option<&mut Goods> {
        self.skus.get_mut(&sku)
    }

    /// A SKU's, which is begun where there is none: `stocked` is what was brought so far.
    pub(crate) fn of(&mut self, sku: Slot, stocked: u64) -> &mut Goods {
        self.skus.entry(sku).or_insert_with(|| Goods { brought: stocked.cast_signed(), ..Goods::default() })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Goods)> {
        self.skus.iter().map(|(sku, goods)| (*sku, goods))
    }
}
