//! What reactors count of orders, and the sums of what all of them have counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{AnomalyRule, FEW_PLACES, Per, SKU_PLACES};

/// Most votes that a place gives its name: so few, that whoever comes ten times as often has it within a few dozen orders.
const MOST_VOTES: u64 = 16;

/// What one reactor has counted. It alone writes, whoever looks reads; the numbers order nothing else and are relaxed.
#[derive(Debug)]
pub(crate) struct Counts {
    seed: u64,
    all: Table,
    skus: Table,
    channels: Table,
    cohorts: Table,
}

/// The places of one dimension; none where no rule looks at it.
#[derive(Debug, Default)]
struct Table(Box<[Place]>);

/// Orders of all that share a place, and who of them comes most often.
#[derive(Debug, Default)]
struct Place {
    orders: AtomicU64,
    name: AtomicU64,
    votes: AtomicU64,
}

impl Counts {
    /// Places for what the rules look at; `None` where there are no rules. All reactors of a server have the same seed, which
    /// the process has drawn.
    pub(crate) fn new(rules: &[AnomalyRule], seed: u64) -> Option<Self> {
        if rules.is_empty() {
            return None;
        }
        let table = |per| {
            let looked_at = rules.iter().any(|rule| rule.per == per);
            Table((0..if looked_at { places(per) } else { 0 }).map(|_| Place::default()).collect())
        };
        let (all, skus) = (table(Per::All), table(Per::Sku));
        Some(Self { seed, all, skus, channels: table(Per::Channel), cohorts: table(Per::Cohort) })
    }

    /// Notes an order with one line.
    #[inline]
    pub(crate) fn note(&self, sku: u64, channel: u16, tier: u16) {
        self.note_order(channel, tier);
        self.note_line(sku);
    }

    /// Notes an order, but for its lines.
    #[inline]
    pub(crate) fn note_order(&self, channel: u16, tier: u16) {
        self.all.add(self.seed, 0, 1);
        self.channels.add(self.seed, channel.into(), 1);
        self.cohorts.add(self.seed, tier.into(), 1);
    }

    /// Notes a line of an order.
    #[inline]
    pub(crate) fn note_line(&self, sku: u64) {
        self.skus.add(self.seed, sku, 1);
    }

    /// Notes orders of which nothing was read but that they are some.
    pub(crate) fn note_unread(&self, orders: u32) {
        self.all.add(self.seed, 0, orders.into());
    }

    fn table(&self, per: Per) -> &Table {
        match per {
            Per::All => &self.all,
            Per::Sku => &self.skus,
            Per::Channel => &self.channels,
            Per::Cohort => &self.cohorts,
        }
    }

    #[cfg(test)]
    pub(super) fn note_many(&self, per: Per, name: u64, orders: u64) {
        self.table(per).add(self.seed, name, orders);
    }
}

/// Places of a dimension: a power of two, or one.
pub(super) fn places(per: Per) -> usize {
    match per {
        Per::All => 1,
        Per::Sku => SKU_PLACES,
        Per::Channel | Per::Cohort => FEW_PLACES,
    }
}

impl Table {
    /// Adds orders of `name` to its place.
    #[inline]
    fn add(&self, seed: u64, name: u64, orders: u64) {
        match &*self.0 {
            [] => return,
            [only] => return only.add(orders),
            _ => {}
        }
        let mixed = (name ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32;
        let Some(place) =
            usize::try_from(mixed).ok().and_then(|mixed| self.0.get(mixed & (self.0.len() - 1)))
        else {
            return;
        };
        place.add(orders);
        let relaxed = Ordering::Relaxed;
        let votes = place.votes.load(relaxed);
        if place.name.load(relaxed) == name {
            place.votes.store((votes + orders).min(MOST_VOTES), relaxed);
        } else if votes < orders {
            place.name.store(name, relaxed);
            place.votes.store((orders - votes).min(MOST_VOTES), relaxed);
        } else {
            place.votes.store(votes - orders, relaxed);
        }
    }
}

impl Place {
    /// The reactor alone adds: no operation has to be one.
    #[inline]
    fn add(&self, orders: u64) {
        let before = self.orders.load(Ordering::Relaxed);
        self.orders.store(before.wrapping_add(orders), Ordering::Relaxed);
    }
}

/// The orders of all reactors by place, of one look.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    orders: Vec<u64>,
    names: Vec<(u64, u64)>,
}

impl Tallies {
    /// Adds up what all have counted of one dimension, over what was there.
    pub(super) fn gather(&mut self, per: Per, all: &[&Counts]) {
        self.orders.clear();
        self.orders.resize(places(per), 0);
        self.names.clear();
        self.names.resize(places(per), (0, 0));
        for counts in all {
            let sums = self.orders.iter_mut().zip(&mut self.names);
            for ((sum, (name, most)), place) in sums.zip(&counts.table(per).0) {
                *sum = sum.wrapping_add(place.orders.load(Ordering::Relaxed));
                let votes = place.votes.load(Ordering::Relaxed);
                if votes > *most {
                    (*name, *most) = (place.name.load(Ordering::Relaxed), votes);
                }
            }
        }
    }

    /// The orders of each place, ever, and who comes most often.
    pub(super) fn each(&self) -> impl Iterator<Item = (u64, u64)> {
        self.orders.iter().zip(&self.names).map(|(orders, (name, _))| (*orders, *name))
    }
}
