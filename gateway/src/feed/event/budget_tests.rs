//! Each record about budgets and coupons, with what the feed says of it and the bytes that say it.

use doorbuster_ledger::{
    BudgetEvent, BudgetId, CouponBatch, CouponId, CouponUse, Coupons, Event, Funder, FunderId, PartitionId,
};

use super::*;

/// What the tests of all records look at, too.
pub(super) fn cases() -> Vec<Case> {
    let (at, by, reason) = (AT, 1, 0x23);
    let budget = BudgetId::new(0x2A).unwrap();
    let said = |kind| FeedEvent { to: 0x2A, ..order(kind, 0) };
    let of = CouponUse { coupon: CouponId::new((5 << 32) | 9).unwrap(), order: several(), at };
    let used = |kind| FeedEvent { to: (5 << 32) | 9, ..order(kind, SEVERAL) };
    let (to, who, why) = ((104, "2a"), (32, "01"), (20, "23"));
    let (whose, coupon) = ((24, "0600000000001800"), (104, "0900000005000000"));
    let (from, until) = (AT, UNTIL);
    let funder = Funder { id: FunderId::new(0x2B), share: 40 };
    let events = [
        (
            BudgetEvent::Opened { budget, by, reason, at },
            FeedEvent { user: by, reason, ..said(EventKind::BudgetOpened) },
            vec![to, who, why],
        ),
        (
            BudgetEvent::FunderAdded { budget, funder, at },
            FeedEvent { reason: 0x2B, units: 40, ..said(EventKind::FunderAdded) },
            vec![to, (20, "2b"), (48, "28")],
        ),
        (
            BudgetEvent::Funded { budget, funded: 0x24, by, reason, at },
            FeedEvent { amount: 0x24, user: by, reason, ..said(EventKind::BudgetFunded) },
            vec![to, who, why, (56, "24")],
        ),
        (
            BudgetEvent::Stopped { budget, by, reason, at },
            FeedEvent { user: by, reason, ..said(EventKind::BudgetStopped) },
            vec![to, who, why],
        ),
        (
            BudgetEvent::Drained { budget, cents: 0x24, at },
            FeedEvent { amount: 0x24, ..said(EventKind::BudgetDrained) },
            vec![to, (56, "24")],
        ),
        (
            BudgetEvent::Filled { budget, partition: PartitionId::new(0x2C).unwrap(), cents: 0x24, at },
            FeedEvent { amount: 0x24, units: 0x2C, ..said(EventKind::BudgetFilled) },
            vec![to, (48, "2c"), (56, "24")],
        ),
        (
            BudgetEvent::Issued {
                batch: CouponBatch::new(0x2A).unwrap(),
                coupons: Coupons { serials: 0x2D, uses: 0x2E, from, until },
                by,
                reason,
                at,
            },
            FeedEvent {
                units: 0x2D,
                user_limit: 0x2E,
                until: 0x0B,
                user: by,
                reason,
                ..said(EventKind::CouponsIssued)
            },
            vec![to, who, why, (48, "2d"), (112, "2e"), UNTIL_AT],
        ),
        (BudgetEvent::CouponHeld(of), used(EventKind::CouponHeld), vec![whose, coupon]),
        (BudgetEvent::CouponReleased(of), used(EventKind::CouponReleased), vec![whose, coupon]),
        (BudgetEvent::CouponRedeemed(of), used(EventKind::CouponRedeemed), vec![whose, coupon]),
    ];
    events.into_iter().map(|(event, said, spans)| (Event::Budget(event), said, spans)).collect()
}
