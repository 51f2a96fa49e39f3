//! Budgets and coupons in the ledger: what an order claims, and what becomes of it.
//!
//! An order's claim stands beside its row, in the list of its payments, and its money in the slice of its own partition. So
//! what happens to the order happens to its claim in the same step, and needs no event of its own: it comes with the order's.
//! A coupon may be in another partition than its order, and has events of its own, as a line has.

mod apply;
mod check;
mod digest;

use super::{Ledger, Place};
use crate::budget::{BudgetRefusal, Claim, CouponId, CouponSnapshot, Room};
use crate::ids::{OrderNumber, PartitionId};
use crate::order::Order;
use crate::outcome::{Field, Refusal};

impl Ledger {
    /// Whether an order of this partition may have a discount, as far as this ledger alone can tell.
    #[inline]
    pub(super) fn may_claim(&self, claim: Claim, partition: PartitionId) -> Result<(), Refusal> {
        if claim.amount.raw() == 0 {
            return Err(Refusal::Invalid { field: Field::Discount });
        }
        Err(Refusal::Budget(match self.budgets.room(claim, partition, 0) {
            Room::Enough => return Ok(()),
            Room::Unknown => BudgetRefusal::Unknown,
            Room::Stopped => BudgetRefusal::Stopped,
            Room::Short(_) => BudgetRefusal::SliceShort,
        }))
    }

    /// Whether an order claimed something else than this.
    pub(super) fn claims_differ(&self, order: &Order, claim: Option<Claim>) -> Option<Field> {
        let known = self.orders.claim(order);
        match (known, claim) {
            (None, None) => None,
            (Some((known, asked)), Some(claim)) if known.budget == claim.budget => {
                (asked != claim.amount).then_some(Field::Discount)
            }
            (None | Some(_), _) => Some(Field::Budget),
        }
    }

    /// The coupon that an order uses, or used: its uses are counted where that is.
    pub fn coupon_of(&self, number: OrderNumber) -> Option<CouponId> {
        let (_, order) = self.order_at(Place::default(), number)?;
        self.orders.coupon(order)
    }

    /// Whether an order claims a discount, or did.
    pub fn claims(&self, number: OrderNumber) -> bool {
        self.order_at(Place::default(), number).is_some_and(|(_, order)| self.orders.claim(order).is_some())
    }

    /// How a coupon stands; `None` if none with this number was issued.
    pub fn coupon(&self, coupon: CouponId) -> Option<CouponSnapshot> {
        let (rules, uses) = self.coupons.get(coupon)?;
        Some(CouponSnapshot { coupon, rules, reserved: uses.reserved, redeemed: uses.redeemed })
    }
}
