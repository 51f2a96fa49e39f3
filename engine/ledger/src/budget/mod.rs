//! Promotion budgets and coupons: what a discount is paid from, and what gives a right to one.
//!
//! A budget is money that several funders put up, each with a share. An order that claims a discount takes its cents out of
//! the budget as it takes its units out of the stock: with the same hold, all or none. Half of all shoppers of a sale may
//! claim from one budget, and their orders are spread over all partitions. So each partition where orders claim has a
//! *slice* of the budget, and the usual claim looks at its order's partition alone.
//!
//! ```text
//!   funded ── bank ──filled──► slice of partition 7:   left ──claim──► reserved ──paid──► spent
//!              ▲                                         ▲ given back     │
//!              └──── drained, when the bank is short ────┴────────────────┘
//! ```
//!
//! A slice that is short is filled from the bank, and the bank, when it is short, takes back what all slices have left. That
//! needs all ledgers: see [`Span`](crate::Span). So nobody is refused while a cent that he needs is left anywhere, and slices
//! can't be seen from outside.
//!
//! A coupon is a number; a batch of them is set up by its bounds, and only those that were used are kept.

mod command;
mod coupons;
mod event;
mod id;
mod slices;
mod split;

pub use command::{BudgetCommand, BudgetRefusal, BudgetSnapshot, CouponSnapshot, FunderSnapshot};
pub use coupons::Coupons;
pub use event::{BudgetEvent, CouponUse};
pub use id::{BudgetId, Claim, CouponBatch, CouponId, Funder, FunderId};
pub use slices::MAX_FUNDED;
pub use split::{MAX_FUNDERS, split};

pub(crate) use coupons::UsedCoupons;
pub(crate) use slices::{Budgets, Money, Room, Slice};
