//! Records about paid orders and goods.

use super::Entry;
use super::fields::Fields;

/// What an audit needs of these records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are what the variants' docs say, by the names of docs/durability.md"
)]
pub enum After {
    /// The warehouse works on an order, it has arrived, or it is closed.
    Step { order: u64, closes: bool, at: u64 },
    /// Units of a line went somewhere.
    Line { way: Way, order: u64, sku: u64, user: u64, units: u32, channel: u16, at: u64 },
    /// Money of a payment went back.
    PaidBack { order: u64, payment_id: [u8; 16], amount: u64, at: u64 },
    /// Units were counted.
    Counted { sku: u64, on_hand: u64, change: i64, short: u64, as_of: u64, at: u64 },
    /// Units of an order are missing, or no longer.
    Short { order: u64, sku: u64, units: u32, more: bool, at: u64 },
    /// Available units took the place of missing ones.
    WrittenOff { sku: u64, units: u64, at: u64 },
    /// Units left quarantine.
    Inspected { sku: u64, units: u64, to: u8, at: u64 },
}

/// Where units of a line went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Out of the house.
    Shipped,
    /// Back, before they were shipped.
    Cancelled,
    /// Back from the shopper: to stock (1), quarantine (2), or scrapped (3).
    Returned(u8),
}

/// Reads a record of kind 50 to 61; gives it and the bytes of its fields.
pub(super) fn entry(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let (long, int) = (|at| fields.long(at), |at| fields.int(at));
    let (after, length) = match kind {
        50..=52 => (After::Step { order: long(0)?, closes: kind == 52, at: long(20)? }, 28),
        53..=55 => {
            let way = match kind {
                53 => Way::Shipped,
                54 => Way::Cancelled,
                _ => Way::Returned(fields.byte(30)?),
            };
            let (order, sku, user, units) = (long(0)?, long(8)?, long(16)?, int(24)?);
            (After::Line { way, order, sku, user, units, channel: fields.short(28)?, at: long(43)? }, 51)
        }
        56 => {
            let payment_id = fields.id(8)?;
            (After::PaidBack { order: long(0)?, payment_id, amount: long(40)?, at: long(60)? }, 68)
        }
        57 => {
            let (sku, on_hand, change) = (long(0)?, long(8)?, long(16)?.cast_signed());
            let (short, as_of, at) = (long(24)?, long(32)?, long(52)?);
            (After::Counted { sku, on_hand, change, short, as_of, at }, 60)
        }
        58 | 59 => {
            let (order, sku, units) = (long(0)?, long(8)?, int(16)?);
            (After::Short { order, sku, units, more: kind == 58, at: long(28)? }, 36)
        }
        60 => (After::WrittenOff { sku: long(0)?, units: long(8)?, at: long(16)? }, 24),
        61 => (After::Inspected { sku: long(0)?, units: long(8)?, to: fields.byte(16)?, at: long(29)? }, 37),
        _ => return None,
    };
    fields.whole(length, Entry::After(after))
}
