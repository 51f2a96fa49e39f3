//! The log's records, as `docs/durability.md` lays them out: a kind's byte, then fields of fixed width.
//!
//! Only what an audit needs of each is kept. An entry's bytes are counted to the last one all the same, as the next
//! record begins behind them.

mod after;
mod budget;
mod campaign;
mod fields;
mod order;
#[cfg(test)]
mod tests;

pub use after::{After, Way};
pub use budget::Money;
pub use campaign::CampaignChange;
pub use order::{Claim, Leg, LegChange, Paid, Placed, has_legs};

use fields::Fields;

/// What an audit needs of a record. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are what the variants' docs say, by the names of docs/durability.md"
)]
pub enum Entry {
    /// A SKU was set up.
    Put { sku: u64, units: u64, user_limit: u32, order_limit: u32, at: u64 },
    /// A SKU's limits were set.
    Limits { sku: u64, user_limit: u32, order_limit: u32 },
    /// A SKU was frozen, or is sold again.
    Frozen { sku: u64, frozen: bool },
    /// Units were added or withdrawn.
    Restocked { number: u64, sku: u64, units: i64, at: u64 },
    /// A hold was granted.
    Reserved { placed: Placed },
    /// An order was placed that waits for units, and gives up then.
    Waitlisted { placed: Placed, until: u64 },
    /// An order that waited got its units.
    Offered { order: u64, deadline: u64, at: u64 },
    /// A hold's deadline was moved: a payment began or failed, or its shopper extended it.
    Moved { order: u64, deadline: u64, at: u64 },
    /// No open hold ends before.
    Grace { until: u64, at: u64 },
    /// A hold was paid.
    Confirmed { paid: Paid, at: u64 },
    /// A payment came after a hold's end and took its units again.
    Reacquired { paid: Paid, at: u64 },
    /// A payment bought nothing.
    RefundRequired { paid: Paid, at: u64 },
    /// A payment of another amount than is due was refused.
    Mismatched { paid: Paid, at: u64 },
    /// A hold was given back.
    Cancelled { order: u64, at: u64 },
    /// A hold or a wait ran out.
    Expired { order: u64, at: u64 },
    /// An order that had ended left memory.
    Evicted { order: u64, at: u64 },
    /// A hold gave its place to another.
    Superseded { order: u64, at: u64 },
    /// Part of an order was given back for good.
    Cut { order: u64, units: u32, amount: u64, at: u64 },
    /// Something became of a line of an order that has several.
    Leg { change: LegChange, leg: Leg },
    /// What a sales channel may have of a SKU was set.
    Channel { sku: u64, channel: u16, rules: Rules, at: u64 },
    /// Part of a guarantee went from one channel to another.
    Rebalanced { sku: u64, from: u16, to: u16, units: u64, at: u64 },
    /// What a campaign says was changed.
    Campaign(CampaignChange),
    /// Something became of a paid order, or of goods.
    After(After),
    /// Something became of a promotion budget or a coupon.
    Budget(Money),
    /// The engine's own digest of its state.
    Checkpoint { digest: u64, at: u64 },
    /// Anything that an audit has no question about.
    Other,
}

/// What a sales channel may have of a SKU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Units that nobody else may take.
    pub guarantee: u64,
    /// Most units; 2^64 − 1: no limit.
    pub cap: u64,
    /// When the guarantee ends; 2^64 − 1: never.
    pub release_at: u64,
}

/// Reads a record of this kind; gives it and the bytes of its fields. None where there is no such kind, or fewer bytes than
/// it has.
pub fn entry(kind: u8, bytes: &[u8]) -> Option<(Entry, usize)> {
    let fields = Fields(bytes);
    match kind {
        3 | 4 | 18 | 20 | 47..=49 | 77 | 78 => order::placed(kind, fields),
        5..=8 | 11..=16 | 19 | 21..=26 | 29 => order::entry(kind, fields),
        40..=45 => campaign::entry(kind, fields),
        50..=61 => after::entry(kind, fields),
        65..=75 => budget::entry(kind, fields),
        _ => stock(kind, fields),
    }
}

/// Reads a record about a SKU, or about all orders.
fn stock(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let (long, int, short) = (|at| fields.long(at), |at| fields.int(at), |at| fields.short(at));
    let whole = |length, entry| fields.whole(length, entry);
    match kind {
        1 => {
            let (sku, units, user_limit, order_limit) = (long(0)?, long(8)?, int(16)?, int(20)?);
            whole(44, Entry::Put { sku, units, user_limit, order_limit, at: long(36)? })
        }
        2 => {
            let (number, sku, units) = (long(0)?, long(24)?, long(32)?.cast_signed());
            whole(60, Entry::Restocked { number, sku, units, at: long(52)? })
        }
        9 => whole(16, Entry::Grace { until: long(0)?, at: long(8)? }),
        10 => whole(16, Entry::Checkpoint { digest: long(0)?, at: long(8)? }),
        27 => {
            let rules = Rules { guarantee: long(10)?, cap: long(18)?, release_at: long(26)? };
            whole(54, Entry::Channel { sku: long(0)?, channel: short(8)?, rules, at: long(46)? })
        }
        28 => {
            let (sku, from, to, units) = (long(0)?, short(8)?, short(10)?, long(12)?);
            whole(40, Entry::Rebalanced { sku, from, to, units, at: long(32)? })
        }
        46 => whole(36, Entry::Limits { sku: long(0)?, user_limit: int(8)?, order_limit: int(12)? }),
        76 => whole(29, Entry::Frozen { sku: long(0)?, frozen: fields.byte(8)? == 1 }),
        _ => None,
    }
}
