//! What the feed says of budgets and coupons.

use doorbuster_ledger::{BudgetEvent, BudgetId, CouponUse, Timestamp};
use doorbuster_protocol::{EventKind, FeedEvent};

use super::{of, of_order, units};

pub(super) fn said(event: &BudgetEvent) -> FeedEvent {
    match *event {
        BudgetEvent::Opened { budget, by, reason, at } => {
            FeedEvent { user: by, reason, ..of_budget(EventKind::BudgetOpened, budget, at) }
        }
        BudgetEvent::FunderAdded { budget, funder, at } => FeedEvent {
            reason: funder.id.raw(),
            units: i64::from(funder.share),
            ..of_budget(EventKind::FunderAdded, budget, at)
        },
        BudgetEvent::Funded { budget, funded, by, reason, at } => {
            FeedEvent { amount: funded, user: by, reason, ..of_budget(EventKind::BudgetFunded, budget, at) }
        }
        BudgetEvent::Stopped { budget, by, reason, at } => {
            FeedEvent { user: by, reason, ..of_budget(EventKind::BudgetStopped, budget, at) }
        }
        BudgetEvent::Drained { budget, cents, at } => {
            FeedEvent { amount: cents, ..of_budget(EventKind::BudgetDrained, budget, at) }
        }
        BudgetEvent::Filled { budget, partition, cents, at } => FeedEvent {
            amount: cents,
            units: i64::from(partition.raw()),
            ..of_budget(EventKind::BudgetFilled, budget, at)
        },
        BudgetEvent::Issued { batch, coupons, by, reason, at } => FeedEvent {
            user: by,
            to: batch.raw().into(),
            units: units(coupons.serials.into()),
            user_limit: coupons.uses,
            until: coupons.until.raw(),
            reason,
            ..of(EventKind::CouponsIssued, at)
        },
        BudgetEvent::CouponHeld(ref of) => coupon(EventKind::CouponHeld, of),
        BudgetEvent::CouponReleased(ref of) => coupon(EventKind::CouponReleased, of),
        BudgetEvent::CouponRedeemed(ref of) => coupon(EventKind::CouponRedeemed, of),
    }
}

fn of_budget(kind: EventKind, budget: BudgetId, at: Timestamp) -> FeedEvent {
    FeedEvent { to: budget.raw().into(), ..of(kind, at) }
}

fn coupon(kind: EventKind, of: &CouponUse) -> FeedEvent {
    FeedEvent { to: of.coupon.raw(), ..of_order(kind, of.order, of.at) }
}
