//! Records about orders and their lines.

use super::Entry;
use super::fields::Fields;

/// The bit of an order's number that says that its units are written line by line.
const SEVERAL_LINES: u32 = 51;

/// An order as it was placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Its number.
    pub order: u64,
    /// The request that it answers, as on the wire.
    pub request_id: [u8; 16],
    /// The shopper.
    pub user: u64,
    /// The only SKU, or the lowest one.
    pub sku: u64,
    /// Units of all lines.
    pub quantity: u32,
    /// When.
    pub at: u64,
    /// How long it is held, milliseconds.
    pub hold_ms: u32,
    /// Through which sales channel.
    pub channel: u16,
    /// What is due, minor units; 0: any amount.
    pub amount: u64,
    /// The version of prices that it was placed by; 0: none.
    pub price_version: u32,
    /// The discount that it claims.
    pub claim: Option<Claim>,
}

/// A discount that an order claims from a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The budget.
    pub budget: u32,
    /// Minor units.
    pub cents: u64,
}

/// A payment for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The order.
    pub order: u64,
    /// The payment, as on the wire.
    pub payment_id: [u8; 16],
    /// Minor units.
    pub amount: u64,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegChange {
    /// Its units were held.
    Held,
    /// They went back.
    Back,
    /// They were paid.
    Paid,
    /// Some went back for good.
    Cut,
    /// All of them did.
    Dropped,
}

/// A line of an order that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The order.
    pub order: u64,
    /// The SKU.
    pub sku: u64,
    /// The shopper.
    pub user: u64,
    /// Units.
    pub units: u32,
    /// How many of them are given for nothing; known where they are held.
    pub gifts: u32,
    /// The sales channel.
    pub channel: u16,
    /// When.
    pub at: u64,
}

/// Whether an order's units are written line by line.
pub const fn has_legs(order: u64) -> bool {
    order >> SEVERAL_LINES & 1 == 1
}

/// Reads a record that places an order.
pub(super) fn placed(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    /// Bytes of a list's length and its one line.
    const LINE: usize = 8 + 16;
    const LINES: usize = 8 + 16 + 8 + 8 + 8 + 4 + 4 + 2 + 4 + 4 + 2 + 8 + 8 + 8;
    let (long, int, short) = (|at| fields.long(at), |at| fields.int(at), |at| fields.short(at));
    if matches!(kind, 3 | 47 | 48) {
        // Kind 47 names a campaign, a version of prices and a tier behind the fields of kind 3, and kind 48 a discount behind
        // those.
        let (length, price_version, claim) = match kind {
            3 => (70, 0, None),
            47 => (80, int(74)?, None),
            _ => (92, int(74)?, Some(fields.claim(80)?)),
        };
        let (quantity, hold_ms, channel, amount) = (int(56)?, int(64)?, short(68)?, long(48)?);
        let placed =
            Placed { quantity, hold_ms, channel, amount, price_version, claim, ..one_line(0, fields)? };
        return fields.whole(length, Entry::Reserved { placed });
    }
    if matches!(kind, 77 | 78) {
        return by_rules(kind, fields);
    }
    // Kind 18 names the longest wait first, kinds 20 and 49 how its deadline was moved, and kind 49 a discount last.
    let start = match kind {
        18 => 4,
        20 | 49 => 1,
        _ => 0,
    };
    let end = start + LINES + LINE;
    let (length, claim) = if kind == 49 { (end + 12, Some(fields.claim(end)?)) } else { (end, None) };
    let at = long(start + 32)?;
    let placed = Placed {
        order: long(start)?,
        request_id: fields.id(start + 8)?,
        user: long(start + 24)?,
        sku: long(start + LINES + 8)?,
        quantity: int(start + LINES + 16)?,
        at,
        hold_ms: int(start + 52)?,
        channel: short(start + 56)?,
        amount: long(start + 40)?,
        price_version: int(start + 62)?,
        claim,
    };
    let entry = if kind == 18 {
        Entry::Waitlisted { placed, until: at.saturating_add(u64::from(int(0)?)) }
    } else {
        Entry::Reserved { placed }
    };
    // Lines beyond the first have records of their own.
    if long(start + LINES)? == 1 { fields.whole(length, entry) } else { None }
}

/// The 48 bytes that kinds 3, 47, 48, 77 and 78 have in common.
fn one_line(start: usize, fields: Fields<'_>) -> Option<Placed> {
    let long = |at| fields.long(start + at);
    let (order, user, sku, at) = (long(0)?, long(24)?, long(32)?, long(40)?);
    Some(Placed { order, request_id: fields.id(start + 8)?, user, sku, at, ..Placed::default() })
}

/// Reads a record that places an order by the rules of a campaign, and of kind 78, one that claims a discount.
fn by_rules(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let mut numbers = fields.numbers(3 + 48)?;
    let (amount, quantity) = (numbers.next()?, numbers.next()?);
    let _asked_hold_ms: u32 = numbers.next()?;
    let (hold_ms, channel) = (numbers.next()?, numbers.next()?);
    let (_campaign, price_version, _tier): (u32, _, u16) =
        (numbers.next()?, numbers.next()?, numbers.next()?);
    let claim = match kind {
        78 => Some(Claim { budget: numbers.next()?, cents: numbers.next()? }),
        _ => None,
    };
    let placed = Placed { quantity, hold_ms, channel, amount, price_version, claim, ..one_line(3, fields)? };
    fields.whole(numbers.end()?, Entry::Reserved { placed })
}

/// Reads a record about an order that is there.
pub(super) fn entry(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let (long, int, short) = (|at| fields.long(at), |at| fields.int(at), |at| fields.short(at));
    let paid = || Some(Paid { order: long(0)?, payment_id: fields.id(8)?, amount: long(24)? });
    let whole = |length, entry| fields.whole(length, entry);
    match kind {
        5 => whole(40, Entry::Confirmed { paid: paid()?, at: long(32)? }),
        6 => whole(20, Entry::Cancelled { order: long(0)?, at: long(12)? }),
        7 => whole(16, Entry::Expired { order: long(0)?, at: long(8)? }),
        8 => whole(16, Entry::Evicted { order: long(0)?, at: long(8)? }),
        11 => whole(40, Entry::Moved { order: long(0)?, deadline: long(24)?, at: long(32)? }),
        12 | 13 => whole(24, Entry::Moved { order: long(0)?, deadline: long(8)?, at: long(16)? }),
        14 => whole(40, Entry::Reacquired { paid: paid()?, at: long(32)? }),
        15 => whole(40, Entry::RefundRequired { paid: paid()?, at: long(32)? }),
        16 => whole(40, Entry::Mismatched { paid: paid()?, at: long(32)? }),
        19 => whole(24, Entry::Offered { order: long(0)?, deadline: long(8)?, at: long(16)? }),
        21 => whole(24, Entry::Superseded { order: long(0)?, at: long(16)? }),
        22 => whole(28, Entry::Cut { order: long(0)?, units: int(8)?, amount: long(12)?, at: long(20)? }),
        23 => {
            let (order, sku, user, units, gifts) = (long(0)?, long(8)?, long(16)?, int(24)?, int(28)?);
            let leg = Leg { order, sku, user, units, gifts, channel: short(36)?, at: long(46)? };
            whole(54, Entry::Leg { change: LegChange::Held, leg })
        }
        24..=26 | 29 => {
            let change = match kind {
                24 => LegChange::Back,
                25 => LegChange::Paid,
                26 => LegChange::Cut,
                _ => LegChange::Dropped,
            };
            let (order, sku, user, units) = (long(0)?, long(8)?, long(16)?, int(24)?);
            let leg = Leg { order, sku, user, units, gifts: 0, channel: short(28)?, at: long(30)? };
            whole(38, Entry::Leg { change, leg })
        }
        _ => None,
    }
}
