//! Promotion budgets and coupons: what is asked about them, and how they read.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::cursor::Cursor;
use crate::kind::Kind;
use crate::request::ReserveOrder;

/// Most funders of a budget.
pub const MAX_FUNDERS: usize = 16;

/// Hold all lines of an order or none, together with the discount and the coupon that it claims. 20 bytes, then the fields of
/// [`ReserveOrder`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReserveClaims {
    /// The discount, minor units; not 0 where a budget is named.
    pub discount: u64,
    /// The coupon: its batch in the upper 32 bits, its serial number in the lower; 0: none.
    pub coupon: u64,
    /// The budget that pays the discount; 0: none.
    pub budget: u32,
    /// The order. It can't wait if it claims anything.
    pub order: ReserveOrder,
}

impl ReserveClaims {
    /// An order that claims nothing yet.
    pub fn of(order: ReserveOrder) -> Self {
        Self { order, ..Self::default() }
    }

    /// The same, with a discount of so many minor units, which the budget pays.
    #[must_use]
    pub fn discount(self, budget: u32, cents: u64) -> Self {
        Self { budget, discount: cents, ..self }
    }

    /// The same, with a coupon.
    #[must_use]
    pub fn coupon(self, coupon: u64) -> Self {
        Self { coupon, ..self }
    }
}

/// Who pays which part of a budget's discounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Funder {
    /// Who, as the operator numbers them; each once.
    pub funder: u32,
    /// His part of the sum of all shares; not 0.
    pub share: u32,
}

/// Set a budget up. Idempotent: the same again is REPLAYED, other settings are `BUDGET_EXISTS`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SetBudget {
    /// The budget; not 0.
    pub budget: u32,
    /// Why, as the operator numbers his reasons; kept in the log.
    pub reason: u32,
    /// Money in it, minor units, up to 2^60.
    pub funded: u64,
    /// Who asks for it, as the operator numbers them; kept in the log.
    pub by: u64,
    /// 1 to [`MAX_FUNDERS`].
    pub funders: Vec<Funder>,
}

/// Put money into a budget, or take out what is neither reserved nor spent. Idempotent, as what shall be there is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FundBudget {
    /// The budget.
    pub budget: u32,
    /// As in [`SetBudget`].
    pub reason: u32,
    /// All money that shall have been put in, minor units.
    pub funded: u64,
    /// What it is known to be now.
    pub expected: u64,
    /// As in [`SetBudget`].
    pub by: u64,
}

/// Pay no further discounts out of a budget, for good. Idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct StopBudget {
    /// The budget.
    pub budget: u32,
    /// As in [`SetBudget`].
    pub reason: u32,
    /// As in [`SetBudget`].
    pub by: u64,
}

/// Set a batch of coupons up. Idempotent: the same again is REPLAYED, other settings are `COUPONS_EXIST`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct IssueCoupons {
    /// The batch, the upper half of its coupons' numbers; not 0.
    pub batch: u32,
    /// Coupons: serial numbers below this.
    pub serials: u32,
    /// How often each may be used; 1: once.
    pub uses: u32,
    /// As in [`SetBudget`].
    pub reason: u32,
    /// From when on they are valid, server milliseconds.
    pub from: u64,
    /// Until when, server milliseconds; not at that time itself.
    pub until: u64,
    /// As in [`SetBudget`].
    pub by: u64,
}

/// Read a budget's accounts, of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadBudget {
    /// The budget.
    pub budget: u32,
}

/// Read a coupon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadCoupon {
    /// The coupon.
    pub coupon: u64,
}

/// A funder's account in a budget. 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FunderView {
    /// Who.
    pub funder: u32,
    /// His share.
    pub share: u32,
    /// What he pays of the discounts that are reserved and spent, minor units.
    pub posted: u64,
}

/// A budget's accounts. `left + reserved + spent` is `funded`, and all that is posted is what is reserved and spent. 296 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BudgetView {
    /// OK or `UNKNOWN_BUDGET`; all else is 0 unless OK.
    pub code: u16,
    /// 1: it pays no further discounts.
    pub stopped: u8,
    /// Funders: the first so many of the list.
    pub count: u8,
    /// The budget.
    pub budget: u32,
    /// Money that was put in, minor units.
    pub funded: u64,
    /// Neither reserved nor spent, minor units.
    pub left: u64,
    /// Discounts of open holds, minor units.
    pub reserved: u64,
    /// Discounts of orders that were paid, minor units.
    pub spent: u64,
    /// Who pays.
    pub funders: [FunderView; MAX_FUNDERS],
}

/// A coupon. 40 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct CouponView {
    /// OK or `COUPON_INVALID`; all else is 0 unless OK.
    pub code: u16,
    /// Reserved, 0.
    pub reserved_bytes: u16,
    /// How often it may be used.
    pub uses: u32,
    /// The coupon.
    pub coupon: u64,
    /// Uses of open holds.
    pub reserved: u32,
    /// Uses of orders that were paid.
    pub redeemed: u32,
    /// From when on it is valid, server milliseconds.
    pub from: u64,
    /// Until when, server milliseconds.
    pub until: u64,
}

macro_rules! record {
    ($type:ident, $kind:ident, $len:literal, |$this:ident| $rule:expr) => {
        impl Record for $type {
            const KINDS: &'static [Kind] = &[Kind::$kind];
            const MIN_LEN: usize = $len;

            fn validate(&self) -> Result<(), &'static str> {
                let $this = self;
                $rule
            }
        }
    };
}

impl Record for ReserveClaims {
    const KINDS: &'static [Kind] = &[Kind::ReserveClaims];
    const MIN_LEN: usize = 112;

    fn read_over(&mut self, bytes: &[u8]) -> Option<usize> {
        let Self { discount, coupon, budget, order } = self;
        let mut from = Cursor::new(bytes);
        (*discount, *coupon, *budget) = (from.u64()?, from.u64()?, from.u32()?);
        order.read_from(&mut from)?;
        bytes.len().checked_sub(from.left())
    }

    fn validate(&self) -> Result<(), &'static str> {
        self.order.validate()
    }
}

record!(SetBudget, SetBudget, 32, |this| match this.funders.len() {
    0 => Err("a budget needs a funder"),
    1..=MAX_FUNDERS => Ok(()),
    _ => Err("a budget has at most 16 funders"),
});
record!(FundBudget, FundBudget, 32, |_this| Ok(()));
record!(StopBudget, StopBudget, 16, |_this| Ok(()));
record!(IssueCoupons, IssueCoupons, 40, |_this| Ok(()));
record!(ReadBudget, ReadBudget, 4, |this| if this.budget == 0 { Err("a budget is not 0") } else { Ok(()) });
record!(ReadCoupon, ReadCoupon, 8, |this| match this.coupon >> 32 {
    0 => Err("a coupon's batch is not 0"),
    _ => Ok(()),
});
record!(BudgetView, BudgetRead, 296, |_this| Ok(()));
record!(CouponView, CouponRead, 40, |_this| Ok(()));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;
    use crate::request::Line;

    fn bytes<R: Record>(record: &R) -> Vec<u8> {
        let mut out = Vec::new();
        body::put(record, &mut out);
        out
    }

    #[test]
    fn a_claim_stands_before_its_order() {
        let order = ReserveOrder {
            user: 7,
            lines: vec![Line { sku: 9, quantity: 1, ..Line::default() }],
            ..ReserveOrder::default()
        };
        let plain = bytes(&order);
        let claims = ReserveClaims::of(order).discount(5, 300).coupon((6 << 32) | 8);
        let claim = [&[0x2C, 1, 0, 0, 0, 0, 0, 0][..], &[8, 0, 0, 0, 6, 0, 0, 0], &[5, 0, 0, 0]].concat();
        assert_eq!(bytes(&claims), [claim, plain].concat());
        assert_eq!(bytes(&claims).len(), ReserveClaims::MIN_LEN + 17);
    }

    #[test]
    fn a_budget_has_these_bytes() {
        let set = SetBudget {
            budget: 1,
            reason: 2,
            funded: 3,
            by: 4,
            funders: vec![Funder { funder: 5, share: 40 }],
        };
        let golden = [
            &[1, 0, 0, 0][..],
            &[2, 0, 0, 0],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[4, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[5, 0, 0, 0, 40, 0, 0, 0],
        ]
        .concat();
        assert_eq!(bytes(&set), golden);
    }

    #[test]
    fn every_record_has_its_length() {
        let lengths = [
            (bytes(&FundBudget::default()).len(), FundBudget::MIN_LEN),
            (bytes(&StopBudget::default()).len(), StopBudget::MIN_LEN),
            (bytes(&IssueCoupons::default()).len(), IssueCoupons::MIN_LEN),
            (bytes(&ReadBudget::default()).len(), ReadBudget::MIN_LEN),
            (bytes(&ReadCoupon::default()).len(), ReadCoupon::MIN_LEN),
            (bytes(&BudgetView::default()).len(), BudgetView::MIN_LEN),
            (bytes(&CouponView::default()).len(), CouponView::MIN_LEN),
            (bytes(&SetBudget::default()).len(), SetBudget::MIN_LEN),
        ];
        assert!(lengths.iter().all(|(length, least)| length == least), "{lengths:?}");
    }

    #[test]
    fn a_budget_without_funders_and_one_with_too_many_are_refused() {
        let set = |count| SetBudget {
            funders: vec![Funder { funder: 1, share: 1 }; count],
            ..SetBudget::default()
        };
        assert_eq!(set(0).validate(), Err("a budget needs a funder"));
        assert_eq!(set(17).validate(), Err("a budget has at most 16 funders"));
        assert_eq!(set(16).validate(), Ok(()));
        assert_eq!(ReadBudget::default().validate(), Err("a budget is not 0"));
        assert_eq!(ReadCoupon { coupon: 7 }.validate(), Err("a coupon's batch is not 0"));
        assert_eq!(ReserveClaims::default().validate(), Err("an order needs a line"));
    }
}
