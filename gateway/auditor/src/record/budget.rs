//! Records about promotion budgets and coupons.

use super::Entry;
use super::fields::Fields;

/// What a record of kinds 65 to 75 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are what the variants' docs say, by the names of docs/durability.md"
)]
pub enum Money {
    /// A budget was set up, without money.
    Opened { budget: u32 },
    /// A funder of it.
    Funder { budget: u32, share: u32 },
    /// All that was put in so far.
    Funded { budget: u32, funded: u64 },
    /// It pays no further discounts.
    Stopped { budget: u32 },
    /// What all slices had left went back into the bank.
    Drained { budget: u32, cents: u64 },
    /// A slice got money from the bank.
    Filled { budget: u32, partition: u16, cents: u64 },
    /// A batch of coupons was issued.
    Issued { batch: u32, serials: u32, uses: u32 },
    /// A use of a coupon is held (kind 73), went back (74), or was redeemed (75).
    Coupon { kind: u8, coupon: u64, order: u64 },
}

/// Reads a record of this kind; gives it and the bytes of its fields.
pub(super) fn entry(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let (long, int, short) = (|at| fields.long(at), |at| fields.int(at), |at| fields.short(at));
    let (length, money) = match kind {
        65 => (24, Money::Opened { budget: int(0)? }),
        66 => (20, Money::Funder { budget: int(0)?, share: int(8)? }),
        67 => (32, Money::Funded { budget: int(0)?, funded: long(4)? }),
        68 => (24, Money::Stopped { budget: int(0)? }),
        69 => (20, Money::Drained { budget: int(0)?, cents: long(4)? }),
        70 => (22, Money::Filled { budget: int(0)?, partition: short(4)?, cents: long(6)? }),
        72 => (48, Money::Issued { batch: int(0)?, serials: int(4)?, uses: int(8)? }),
        73..=75 => (24, Money::Coupon { kind, coupon: long(0)?, order: long(8)? }),
        _ => return None,
    };
    fields.whole(length, Entry::Budget(money))
}
