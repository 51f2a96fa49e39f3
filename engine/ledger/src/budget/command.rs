//! What can be asked of budgets and coupons, why not, and how they read.

use super::coupons::Coupons;
use super::id::{BudgetId, CouponBatch, CouponId, FunderId};
use super::split::MAX_FUNDERS;
use crate::ids::Timestamp;
use crate::outcome::Field;

/// The operations on budgets and coupons. They concern all ledgers: see [`Span::budget`](crate::Span::budget). Each says how
/// things shall be, so a repeat changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetCommand {
    /// Set a budget up. Its funders come with the command; they and their shares stay as they are.
    Set {
        /// The budget.
        budget: BudgetId,
        /// Money in it, minor units, at most [`MAX_FUNDED`](crate::MAX_FUNDED).
        funded: u64,
        /// Who asks for it; opaque, kept in the log.
        by: u64,
        /// Why; opaque, kept in the log.
        reason: u32,
    },
    /// Put money in, or take out what is neither reserved nor spent.
    Fund {
        /// The budget.
        budget: BudgetId,
        /// All money that shall have been put in, minor units.
        funded: u64,
        /// What it is known to be now: if it is another, somebody else has changed it.
        expected: u64,
        /// Who asks for it; opaque, kept in the log.
        by: u64,
        /// Why; opaque, kept in the log.
        reason: u32,
    },
    /// Pay no further discount, for good. Those that are reserved stay.
    Stop {
        /// The budget.
        budget: BudgetId,
        /// Who asks for it; opaque, kept in the log.
        by: u64,
        /// Why; opaque, kept in the log.
        reason: u32,
    },
    /// Set a batch of coupons up: those with the serial numbers below [`Coupons::serials`].
    Issue {
        /// The batch.
        batch: CouponBatch,
        /// What its coupons are good for.
        coupons: Coupons,
        /// Who asks for it; opaque, kept in the log.
        by: u64,
        /// Why; opaque, kept in the log.
        reason: u32,
    },
}

/// Why nothing was changed, where a budget or a coupon is the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetRefusal {
    /// The budget has too little left.
    Exhausted {
        /// What it has left, minor units.
        left: u64,
    },
    /// The budget was never set up.
    Unknown,
    /// The budget is set up otherwise.
    Exists {
        /// The first setting that differs.
        field: Field,
    },
    /// The budget pays no further discounts, and takes no more money.
    Stopped,
    /// Less would be in the budget than is reserved and spent.
    InUse {
        /// What is reserved and spent, minor units.
        used: u64,
    },
    /// No such coupon was issued, or it is not valid at this time.
    CouponInvalid {
        /// When it will be, if it is not yet; when it was for the last time, if it is no longer; else 0.
        at: Timestamp,
    },
    /// The coupon was used as often as it may be.
    CouponUsed,
    /// The batch of coupons was issued otherwise.
    CouponsExist {
        /// The first setting that differs.
        field: Field,
    },
    /// An order with a claim or a coupon can't wait for units.
    CantWait,
    /// The slice of the budget that is here has too little left. All ledgers together know whether the budget has: ask them.
    /// No answer to anybody outside.
    SliceShort,
}

/// A budget's accounts, for reading. `left + reserved + spent == funded`, and what the funders have posted is what is reserved
/// and spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// The budget.
    pub budget: BudgetId,
    /// Money that was put in, minor units.
    pub funded: u64,
    /// Neither reserved nor spent, minor units.
    pub left: u64,
    /// Discounts of open holds, minor units.
    pub reserved: u64,
    /// Discounts of orders that were paid, minor units.
    pub spent: u64,
    /// It pays no further discounts.
    pub stopped: bool,
    /// The first so many of the list are funders.
    pub count: u8,
    /// Who pays, in the order in which they were named.
    pub funders: [FunderSnapshot; MAX_FUNDERS],
}

/// A funder's account in a budget, for reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunderSnapshot {
    /// Who.
    pub funder: FunderId,
    /// His share.
    pub share: u32,
    /// What he pays of the discounts that are reserved and spent, minor units.
    pub posted: u64,
}

/// A coupon, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouponSnapshot {
    /// The coupon.
    pub coupon: CouponId,
    /// What it is good for.
    pub rules: Coupons,
    /// Uses of open holds.
    pub reserved: u32,
    /// Uses of orders that were paid.
    pub redeemed: u32,
}
