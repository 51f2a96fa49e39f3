//! Deeds, counted: all together, by channel and by SKU.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::counts::Counts;
use super::deed::{Deed, Step, Went, What};
use super::numbers::{Ratio, name};

/// Sales channels that a report lists, those with the most sold units first; the rest is one line.
pub(super) const MAX_CHANNELS: usize = 32;

/// The most that was asked for within a second, as far as it left a trace: holds given and places in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Peak {
    /// Orders in that second.
    pub(super) orders: u64,
    /// Its start.
    pub(super) at: u64,
}

/// The hold whose units went back latest past its deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Lag {
    /// So late.
    pub(super) ms: u64,
    /// When they went back.
    pub(super) at: u64,
}

/// What a SKU sold in a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct SkuSales {
    /// Units that went into holds.
    pub(super) held_units: u64,
    /// Units that were paid.
    pub(super) sold_units: u64,
    /// What was paid for them.
    pub(super) revenue: u64,
    /// Paid units that came back, shipped or not.
    pub(super) back_units: u64,
    /// Units for which somebody waited in vain.
    pub(super) missed_units: u64,
}

/// A row of a list of SKUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SkuRow {
    /// The SKU.
    #[serde(serialize_with = "name")]
    pub(super) sku: u64,
    #[serde(flatten)]
    pub(super) sales: SkuSales,
}

/// A row of a list of channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ChannelRow {
    /// The channel; none: all further ones together.
    pub(super) channel: Option<u16>,
    /// Its part of all sold units.
    pub(super) share: Option<Ratio>,
    #[serde(flatten)]
    pub(super) counts: Counts,
}

/// See the module's doc.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) peak: Peak,
    pub(super) lag: Lag,
    second: Peak,
    channels: BTreeMap<u16, Counts>,
    skus: HashMap<u64, SkuSales>,
}

impl Tally {
    pub(super) fn note(&mut self, deed: &Deed) {
        self.counts.note(&deed.what);
        self.channels.entry(deed.channel).or_default().note(&deed.what);
        match deed.what {
            What::Order(Step::Held { .. } | Step::Waited) => self.note_placed(deed.at),
            What::Order(Step::Expired { lag_ms, .. }) if lag_ms > self.lag.ms => {
                self.lag = Lag { ms: lag_ms, at: deed.at };
            }
            What::Order(_) => {}
            What::Units { sku, units, went } => self.note_units(sku, units, went),
        }
    }

    fn note_placed(&mut self, at: u64) {
        let second = at - at % 1_000;
        if self.second.at != second {
            self.second = Peak { orders: 0, at: second };
        }
        self.second.orders += 1;
        if self.second.orders > self.peak.orders {
            self.peak = self.second;
        }
    }

    fn note_units(&mut self, sku: u64, units: u64, went: Went) {
        let of = |skus: &mut HashMap<u64, SkuSales>, note: fn(&mut SkuSales, u64)| {
            note(skus.entry(sku).or_default(), units);
        };
        match went {
            Went::Held => of(&mut self.skus, |sku, units| sku.held_units += units),
            Went::Sold { amount } => {
                let sku = self.skus.entry(sku).or_default();
                sku.sold_units += units;
                sku.revenue = sku.revenue.saturating_add(amount);
            }
            Went::Cancelled | Went::Returned => of(&mut self.skus, |sku, units| sku.back_units += units),
            Went::Missed { .. } => of(&mut self.skus, |sku, units| sku.missed_units += units),
            Went::Unpaid { .. }
            | Went::Freed
            | Went::Wanted
            | Went::Granted
            | Went::Shipped
            | Went::Shorted
            | Went::Covered => {}
        }
    }

    /// What a SKU sold.
    pub(super) fn sku(&self, sku: u64) -> SkuSales {
        self.skus.get(&sku).copied().unwrap_or_default()
    }

    /// The SKUs that sold most, at most so many, and how many more there are.
    pub(super) fn top(&self, most: usize) -> (Vec<SkuRow>, usize) {
        let mut rows: Vec<SkuRow> =
            self.skus.iter().map(|(sku, sales)| SkuRow { sku: *sku, sales: *sales }).collect();
        let order = |row: &SkuRow| (Reverse(row.sales.sold_units), Reverse(row.sales.held_units), row.sku);
        let more = rows.len().saturating_sub(most);
        if more > 0 && most > 0 {
            rows.select_nth_unstable_by_key(most, order);
        }
        rows.truncate(most);
        rows.sort_unstable_by_key(order);
        (rows, more)
    }

    /// The channels, those that sold most first, and the rest as one.
    pub(super) fn channels(&self) -> Vec<ChannelRow> {
        let mut rows: Vec<(u16, Counts)> = self.channels.iter().map(|(id, counts)| (*id, *counts)).collect();
        rows.sort_by_key(|(id, counts)| (Reverse(counts.sold_units), Reverse(counts.holds), *id));
        let row = |channel, counts: Counts| ChannelRow {
            channel,
            share: Ratio::of(counts.sold_units, self.counts.sold_units),
            counts,
        };
        let rest = rows.iter().skip(MAX_CHANNELS).fold(None, |rest: Option<Counts>, (_, counts)| {
            let mut rest = rest.unwrap_or_default();
            rest.add(counts);
            Some(rest)
        });
        let listed = rows.iter().take(MAX_CHANNELS).map(|(id, counts)| row(Some(*id), *counts));
        listed.chain(rest.map(|rest| row(None, rest))).collect()
    }
}
