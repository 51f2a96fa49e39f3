//! What happened to budgets and coupons.

use super::coupons::Coupons;
use super::id::{BudgetId, CouponBatch, CouponId, Funder};
use crate::event::Partitions;
use crate::ids::{OrderNumber, PartitionId, Timestamp};

/// What became of the money of a budget, or of a coupon. That a discount is claimed, paid or given back follows from what
/// happens to its order, and has no event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetEvent {
    /// A budget was set up, without money. Its funders follow. Concerns every partition, as the next three do.
    Opened {
        /// The budget.
        budget: BudgetId,
        /// Who asked for it.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// A funder of a budget that was just set up.
    FunderAdded {
        /// The budget.
        budget: BudgetId,
        /// Who, and with which share.
        funder: Funder,
        /// When.
        at: Timestamp,
    },
    /// Money was put in or taken out.
    Funded {
        /// The budget.
        budget: BudgetId,
        /// All money that has been put in now, minor units.
        funded: u64,
        /// Who asked for it.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// A budget pays no further discounts.
    Stopped {
        /// The budget.
        budget: BudgetId,
        /// Who asked for it.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// What all slices had left went back into the bank. Concerns every partition.
    Drained {
        /// The budget.
        budget: BudgetId,
        /// How much that was, minor units.
        cents: u64,
        /// When.
        at: Timestamp,
    },
    /// A slice got money from the bank. Concerns the bank's partition and the slice's.
    Filled {
        /// The budget.
        budget: BudgetId,
        /// The slice's partition.
        partition: PartitionId,
        /// How much, minor units.
        cents: u64,
        /// When.
        at: Timestamp,
    },
    /// A batch of coupons was issued.
    Issued {
        /// The batch.
        batch: CouponBatch,
        /// What its coupons are good for.
        coupons: Coupons,
        /// Who asked for it.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// A use of a coupon is held for an order. Concerns the order's partition and the coupon's, as the next two do.
    CouponHeld(CouponUse),
    /// A use of a coupon went back.
    CouponReleased(CouponUse),
    /// An order with a coupon was paid.
    CouponRedeemed(CouponUse),
}

/// One use of a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouponUse {
    /// The coupon.
    pub coupon: CouponId,
    /// The order.
    pub order: OrderNumber,
    /// When.
    pub at: Timestamp,
}

impl BudgetEvent {
    /// The partitions whose state the event changes.
    pub(crate) fn partitions(&self) -> Partitions {
        match *self {
            Self::Opened { .. }
            | Self::FunderAdded { .. }
            | Self::Funded { .. }
            | Self::Stopped { .. }
            | Self::Drained { .. } => Partitions::All,
            Self::Filled { budget, partition, .. } => Partitions::Two(partition, budget.partition()),
            Self::Issued { batch, .. } => Partitions::One(batch.partition()),
            Self::CouponHeld(CouponUse { coupon, order, .. })
            | Self::CouponReleased(CouponUse { coupon, order, .. })
            | Self::CouponRedeemed(CouponUse { coupon, order, .. }) => {
                Partitions::Two(order.partition(), coupon.partition())
            }
        }
    }

    /// The logical time of the event.
    pub fn at(&self) -> Timestamp {
        match *self {
            Self::Opened { at, .. }
            | Self::FunderAdded { at, .. }
            | Self::Funded { at, .. }
            | Self::Stopped { at, .. }
            | Self::Drained { at, .. }
            | Self::Filled { at, .. }
            | Self::Issued { at, .. }
            | Self::CouponHeld(CouponUse { at, .. })
            | Self::CouponReleased(CouponUse { at, .. })
            | Self::CouponRedeemed(CouponUse { at, .. }) => at,
        }
    }

    /// The order that the event is about, where it is one.
    pub fn order(&self) -> Option<OrderNumber> {
        match *self {
            Self::CouponHeld(CouponUse { order, .. })
            | Self::CouponReleased(CouponUse { order, .. })
            | Self::CouponRedeemed(CouponUse { order, .. }) => Some(order),
            Self::Opened { .. }
            | Self::FunderAdded { .. }
            | Self::Funded { .. }
            | Self::Stopped { .. }
            | Self::Drained { .. }
            | Self::Filled { .. }
            | Self::Issued { .. } => None,
        }
    }
}
