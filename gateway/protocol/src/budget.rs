//! Promotion budgets and coupons: what is asked about them, and how they read.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::cursor::Cursor;
use crate::kind::Kind;
use crate::request::{Line, Reserve, ReserveOrder};

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

/// Hold `quantity` units of one SKU together with a discount: what [`ReserveClaims`] says of one line, without a list. 76 bytes.
/// Either kind is a repeat of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReserveDiscounted {
    /// The order.
    pub reserve: Reserve,
    /// As in [`ReserveClaims`].
    pub discount: u64,
    /// As in [`ReserveClaims`].
    pub budget: u32,
}

impl ReserveDiscounted {
    /// The same order, if it has no more to say than fits: one line without a gift, and no coupon, wait, hash or other hold.
    pub fn of(claims: &ReserveClaims) -> Option<Self> {
        let ReserveClaims { discount, coupon, budget, order } = claims;
        let [Line { sku, quantity, location, pool, gift: 0 }] = order.lines[..] else { return None };
        let ReserveOrder { supersedes, wait_ms, device, address, pay_account, .. } = *order;
        if (*coupon, supersedes, wait_ms, device, address, pay_account) != (0, 0, 0, 0, 0, 0) {
            return None;
        }
        let reserve = Reserve {
            request_id: order.request_id,
            user: order.user,
            sku,
            amount: order.amount,
            hold_ms: order.hold_ms,
            quantity,
            campaign: order.campaign,
            price_version: order.price_version,
            channel: order.channel,
            tier: order.tier,
            location,
            pool,
        };
        Some(Self { reserve, discount: *discount, budget: *budget })
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

record!(ReserveDiscounted, ReserveDiscounted, 76, |_this| Ok(()));
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
    fn a_discount_stands_behind_its_plain_order() {
        let reserve = Reserve { user: 7, sku: 9, quantity: 1, ..Reserve::default() };
        let discount = [&[0x2C, 1, 0, 0, 0, 0, 0, 0][..], &[5, 0, 0, 0]].concat();
        let discounted = ReserveDiscounted { reserve, discount: 300, budget: 5 };
        assert_eq!(bytes(&discounted), [bytes(&reserve), discount].concat());
        assert_eq!(bytes(&discounted).len(), ReserveDiscounted::MIN_LEN);
    }

    #[test]
    fn an_order_is_sent_in_the_short_form_if_that_says_all_of_it() {
        let line = Line { sku: 9, quantity: 2, location: 3, pool: 4, gift: 0 };
        let order = ReserveOrder {
            request_id: [1; 16],
            user: 7,
            amount: 900,
            hold_ms: 10,
            campaign: 11,
            price_version: 12,
            channel: 13,
            tier: 14,
            lines: vec![line],
            ..ReserveOrder::default()
        };
        let claims = ReserveClaims::of(order.clone()).discount(5, 300);
        let reserve = Reserve {
            request_id: [1; 16],
            user: 7,
            sku: 9,
            amount: 900,
            hold_ms: 10,
            quantity: 2,
            campaign: 11,
            price_version: 12,
            channel: 13,
            tier: 14,
            location: 3,
            pool: 4,
        };
        let short = ReserveDiscounted { reserve, discount: 300, budget: 5 };
        assert_eq!(ReserveDiscounted::of(&claims), Some(short));
        let with = |order| ReserveClaims { order, ..claims.clone() };
        let more = [
            claims.clone().coupon(1 << 32),
            with(ReserveOrder { supersedes: 1, ..order.clone() }),
            with(ReserveOrder { wait_ms: 1, ..order.clone() }),
            with(ReserveOrder { device: 1, ..order.clone() }),
            with(ReserveOrder { address: 1, ..order.clone() }),
            with(ReserveOrder { pay_account: 1, ..order.clone() }),
            with(ReserveOrder { lines: Vec::new(), ..order.clone() }),
            with(ReserveOrder { lines: vec![line; 2], ..order.clone() }),
            with(ReserveOrder { lines: vec![Line { gift: 1, ..line }], ..order.clone() }),
        ];
        for claims in more {
            assert_eq!(ReserveDiscounted::of(&claims), None, "{claims:?}");
        }
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
