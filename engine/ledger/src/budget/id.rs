//! The names of budgets and coupons.

use core::num::{NonZeroU32, NonZeroU64};

use crate::ids::{Amount, PartitionId, SkuId};

/// Names a promotion budget. 0 names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BudgetId(NonZeroU32);

/// Names who puts money into a budget: a platform, a brand, a shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunderId(u32);

/// Names a batch of coupons: the upper half of the numbers of its coupons. 0 names none. Where its highest bit is set, the
/// 31 below name the [placement group](crate::GroupId) that its coupons are for: they lie where the group's SKUs lie, so
/// that an order that takes one stays in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CouponBatch(NonZeroU32);

/// Names a coupon: 32 bits of its batch, 32 of its serial number in that, from 0. Whoever gives coupons to shoppers writes
/// them as he likes; here they are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CouponId(NonZeroU64);

/// A discount that an order claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// What pays it.
    pub budget: BudgetId,
    /// The discount in minor units of the currency; not 0.
    pub amount: Amount,
}

/// Who pays which part of a budget's discounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Funder {
    /// Who.
    pub id: FunderId,
    /// His part of the sum of all shares of the budget; not 0. 40, 50 and 10 are as good as 4, 5 and 1.
    pub share: u32,
}

/// What keeps a budget's partition from being that of the SKU with the same number: shops number both from 1.
const BUDGETS: u64 = 0x6275_6467_6574 << 16;

/// Likewise for batches of coupons.
const BATCHES: u64 = 0x0000_636F_7570_6F6E << 8;

impl BudgetId {
    /// The budget with this number, unless that is 0.
    pub const fn new(raw: u32) -> Option<Self> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The number.
    pub const fn raw(self) -> u32 {
        self.0.get()
    }

    /// Where its bank is.
    pub fn partition(self) -> PartitionId {
        PartitionId::of(SkuId::new(BUDGETS ^ u64::from(self.raw())))
    }
}

impl FunderId {
    /// Takes the number as it came.
    pub const fn new(raw: u32) -> Self {
        Self(raw)
    }

    /// The number.
    pub const fn raw(self) -> u32 {
        self.0
    }
}

impl CouponBatch {
    /// The batch with this number, unless that is 0.
    pub const fn new(raw: u32) -> Option<Self> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The number.
    pub const fn raw(self) -> u32 {
        self.0.get()
    }

    /// Where its coupons are.
    pub fn partition(self) -> PartitionId {
        let like = if self.raw() >> 31 == 1 {
            // The upper half of the numbers of the group's SKUs.
            u64::from(self.raw()) << 32
        } else {
            BATCHES ^ u64::from(self.raw())
        };
        PartitionId::of(SkuId::new(like))
    }
}

impl CouponId {
    /// The coupon with this number; none where the number names no batch.
    pub fn new(raw: u64) -> Option<Self> {
        let batch = u32::try_from(raw >> 32).unwrap_or(0);
        CouponBatch::new(batch)?;
        NonZeroU64::new(raw).map(Self)
    }

    /// The number.
    pub const fn raw(self) -> u64 {
        self.0.get()
    }

    /// Its batch.
    pub fn batch(self) -> Option<CouponBatch> {
        CouponBatch::new(u32::try_from(self.raw() >> 32).unwrap_or(0))
    }

    /// Its serial number.
    pub fn serial(self) -> u32 {
        u32::try_from(self.raw() & u64::from(u32::MAX)).unwrap_or(0)
    }

    /// Where its uses are counted: all coupons of a batch have one partition.
    pub fn partition(self) -> PartitionId {
        self.batch().map_or_else(PartitionId::default, CouponBatch::partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coupon_names_its_batch_and_serial() {
        let coupon = CouponId::new((7 << 32) | 9).unwrap();
        assert_eq!((coupon.batch(), coupon.serial()), (CouponBatch::new(7), 9));
        assert_eq!((CouponId::new(9), BudgetId::new(0), CouponBatch::new(0)), (None, None, None));
    }

    #[test]
    fn where_a_bank_and_a_batch_are_never_changes() {
        // Written into logs: which ledger knows a bank follows from this alone.
        let bank = |id| BudgetId::new(id).unwrap().partition().raw();
        let batch = |id| CouponBatch::new(id).unwrap().partition().raw();
        assert_eq!((bank(1), bank(2), batch(1), batch(2)), (72, 2_603, 3_465, 1_901));
    }

    #[test]
    fn coupons_of_a_group_are_where_its_skus_are() {
        let place = |group: u32| crate::GroupId::new(group).map(|group| PartitionId::of(group.sku(12)));
        let batch = |group: u32| CouponBatch::new(1 << 31 | group).map(CouponBatch::partition);
        assert!([0, 1, 7, 4_711, u32::MAX >> 1].iter().all(|group| place(*group) == batch(*group)));
    }
}
