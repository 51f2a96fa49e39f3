//! The log, added up: where every order, unit, payment and cent stands, and what contradicts itself on the way.

mod after;
mod allot;
mod apply;
mod budgets;
mod left;
mod legs;
mod limits;
mod lines;
mod order;
mod orders;
mod prices;
mod stock;
mod units;

pub use after::Goods;
pub use allot::{Allotment, Allotments};
pub use budgets::{Account, Budgets};
pub use left::Left;
pub use legs::{Legs, Line};
pub use lines::Lines;
pub use order::{Order, State};
pub use prices::Prices;
pub use units::Units;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use after::Afters;
use legs::Head;
use limits::{Limits, Owned};
use units::Source;

use crate::faults::Faults;
use crate::log::{self, Place, Visit};
use crate::record::{Entry, Leg, Placed};

/// What is known from elsewhere than the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// Most units of a SKU for one shopper, beside what the log itself says; 0: no limit.
    pub user_limit: u32,
    /// How long an ended order must stay in memory at least, milliseconds.
    pub retention_ms: u64,
    /// Whether to note from which position on something was left: for who was refused, and asks.
    pub follows_left: bool,
}

/// What the log says of one payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// How often it bought its order.
    pub bought: u32,
    /// How often it was written down as to be refunded.
    pub refunds: u32,
    /// The amount, minor units.
    pub amount: u64,
}

/// The whole log.
#[derive(Debug, Default)]
pub struct Replay {
    /// By number.
    pub orders: HashMap<u64, Order>,
    /// By order and payment id.
    pub payments: BTreeMap<(u64, [u8; 16]), Ends>,
    /// Who waited.
    pub lines: Lines,
    /// Lines of orders that have several.
    pub legs: Legs,
    /// Promotion budgets and coupons.
    pub budgets: Budgets,
    /// What sales channels may have.
    pub channels: Allotments,
    /// What campaigns say, and the orders by their prices.
    pub prices: Prices,
    /// From which position on something was left, where that is followed.
    pub left: Left,
    /// What contradicts itself, and belongs to none of the others.
    pub faults: Faults,
    /// Records that were read.
    pub records: u64,
    /// By SKU.
    pub units: HashMap<u64, Units>,
    /// Time of the latest record, milliseconds.
    pub latest: u64,
    /// The engine's own digests of its state, and their positions: the last one, and how many there were.
    pub checkpoints: (u64, Option<Checkpoint>),
    /// What became of paid orders, and of goods.
    afters: Afters,
    /// What shoppers hold and own.
    owned: Owned,
    /// The order that answers a request, by its id and its SKU, while it is remembered.
    requests: HashMap<([u8; 16], u64), u64>,
    expected: Expected,
    /// The log's position behind the record that is being read.
    position: u64,
    /// Its block.
    block: u64,
}

/// A digest that the engine wrote down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The digest.
    pub digest: u64,
    /// Records before it.
    pub position: u64,
    /// When, milliseconds.
    pub at: u64,
}

/// Units that are about to be taken or given back.
#[derive(Clone, Copy, Debug)]
struct Share {
    order: u64,
    user: u64,
    sku: u64,
    units: u32,
    channel: u16,
    at: u64,
}

impl Share {
    /// All units of an order with one line, as it has them now.
    fn of(order: &Order, at: u64) -> Self {
        let Placed { order: number, user, sku, channel, .. } = order.placed;
        Self { order: number, user, sku, units: order.units, channel, at }
    }

    fn of_leg(leg: &Leg) -> Self {
        let Leg { order, sku, user, units, channel, at, .. } = *leg;
        Self { order, user, sku, units, channel, at }
    }
}

impl Replay {
    /// Nothing was read yet.
    pub fn new(expected: Expected) -> Self {
        Self { expected, ..Self::default() }
    }

    /// Reads the log in `data`. What can't be read is among the faults.
    pub fn read(data: &Path, expected: Expected) -> Self {
        let mut replay = Self::new(expected);
        if let Err(error) = log::read(data, &mut replay) {
            replay.faults.note(|| error.to_string());
        }
        replay.finish();
        let Self { lines, units, prices, owned, expected, latest, .. } = &mut replay;
        let free = |sku: u64| units.get(&sku).map_or(0, Units::free);
        let may = |sku: u64, user: u64, more: u32| {
            owned.allows(limits_of(units.get(&sku), prices, *expected, sku, *latest), sku, user, more)
        };
        lines.finish(free, *latest, may);
        replay
    }

    /// Everything was read: what must add up at the end does, or is a fault.
    pub fn finish(&mut self) {
        self.budgets.finish();
    }

    /// Breaks of rules that hold in every sale, as they were found. Not among them is who came first in a line: whom a
    /// channel or a campaign keeps waiting is known to the engine alone.
    pub fn contradictions(&self) -> impl Iterator<Item = &Faults> {
        [&self.faults, &self.legs.faults, &self.budgets.faults, &self.channels.faults, &self.prices.faults]
            .into_iter()
    }

    /// Goods of a SKU that left the shelves, and what is missing.
    pub fn goods(&self, sku: u64) -> Goods {
        self.afters.goods(sku)
    }

    /// Money of confirmed payments that went back, minor units.
    pub fn paid_back(&self) -> u64 {
        self.afters.paid_back()
    }

    fn free(&self, sku: u64) -> u64 {
        self.units.get(&sku).map_or(0, Units::free)
    }

    fn limits(&self, sku: u64, at: u64) -> Limits {
        limits_of(self.units.get(&sku), &self.prices, self.expected, sku, at)
    }
}

impl Visit for Replay {
    fn record(&mut self, place: Place, entry: Entry) {
        self.records = place.record;
        self.position = place.record;
        self.block = place.block;
        let Some(sku) = self.apply(entry) else { return };
        if !self.expected.follows_left {
            return;
        }
        let free = self.free(sku);
        self.left.note(sku, None, place.record, free.saturating_sub(self.lines.wanted(sku)));
        for (channel, _) in self.channels.of(sku) {
            let left = self.channels.left(sku, channel, free, self.latest);
            self.left.note(sku, Some(channel), place.record, left.saturating_sub(self.lines.wanted(sku)));
        }
    }

    /// What stands in one block must be whole.
    fn block_end(&mut self, place: Place) {
        let Self { orders, legs, .. } = self;
        let head = |number: u64| {
            let Order { placed, state, units, .. } = *orders.get(&number)?;
            Some(Head { state, sku: placed.sku, units })
        };
        legs.end_block(place.block, head);
    }
}

/// What one may have of a SKU at this time.
fn limits_of(units: Option<&Units>, prices: &Prices, expected: Expected, sku: u64, at: u64) -> Limits {
    let (user, order) = units.map_or((0, 0), |units| units.limits);
    Limits::new(user, order, 0).and(Limits::new(expected.user_limit, 0, 0)).and(prices.limits(sku, at))
}
