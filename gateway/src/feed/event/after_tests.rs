//! Each record about paid orders and goods, with what the feed says of it and the bytes that say it.

use doorbuster_ledger::{
    AfterEvent, Amount, ChannelId, Disposition, Event, LineMoved, Moved, OperatorId, OrderStep, RefundId,
    Short, SkuId, UserId,
};

use super::*;

const REASON_AT: (usize, &str) = (20, "09");
const USER_AT: (usize, &str) = (32, "21");
const BY_AT: (usize, &str) = (104, "28");
const CHANNEL_AT: (usize, &str) = (18, "25");

fn after(event: AfterEvent) -> Event {
    Event::After(event)
}

/// What the tests of all records look at, too.
pub(super) fn cases() -> Vec<Case> {
    [orders(), goods()].concat()
}

fn orders() -> Vec<Case> {
    let (number, by) = (plain(), OperatorId::new(0x28));
    let step = OrderStep { number, reason: 9, by, at: AT };
    let whole = |kind| FeedEvent { reason: 9, to: 0x28, ..order(kind, PLAIN) };
    let at = || vec![REASON_AT, PLAIN_AT, BY_AT];
    let moved = |to| {
        let (sku, user, channel) = (SkuId::new(0x22), UserId::new(0x21), ChannelId::new(0x25));
        after(AfterEvent::Line(LineMoved {
            order: several(),
            sku,
            user,
            channel,
            units: 3,
            to,
            reason: 9,
            by,
            at: AT,
        }))
    };
    let line = |kind, goods_to| FeedEvent {
        goods_to,
        channel: 0x25,
        user: 0x21,
        sku: 0x22,
        units: 3,
        reason: 9,
        to: 0x28,
        ..order(kind, SEVERAL)
    };
    let line_at = || vec![CHANNEL_AT, REASON_AT, SEVERAL_AT, USER_AT, SKU_AT, UNITS_AT, BY_AT];
    let back = |to| [line_at(), vec![(17, to)]].concat();
    let paid_back = AfterEvent::PaidBack {
        number,
        payment: payment(),
        refund: RefundId::new(u128::from_be_bytes(REQUEST)),
        amount: Amount::new(0x24),
        reason: 9,
        by,
        at: AT,
    };
    let short = Short { order: several(), sku: SkuId::new(0x22), units: 3, paid_at: UNTIL, at: AT };
    let hit = |kind| FeedEvent { sku: 0x22, units: 3, until: 0x0B, ..order(kind, SEVERAL) };
    let hit_at = || vec![SEVERAL_AT, SKU_AT, UNITS_AT, UNTIL_AT];
    vec![
        (after(AfterEvent::Fulfilling(step)), whole(EventKind::Fulfilling), at()),
        (after(AfterEvent::Delivered(step)), whole(EventKind::Delivered), at()),
        (after(AfterEvent::Closed(step)), whole(EventKind::Closed), at()),
        (moved(Moved::Shipped), line(EventKind::LineShipped, 0), line_at()),
        (moved(Moved::Cancelled), line(EventKind::LineCancelled, 0), line_at()),
        (moved(Moved::Returned(Disposition::Restock)), line(EventKind::LineReturned, 1), back("01")),
        (moved(Moved::Returned(Disposition::Quarantine)), line(EventKind::LineReturned, 2), back("02")),
        (moved(Moved::Returned(Disposition::Scrap)), line(EventKind::LineReturned, 3), back("03")),
        (
            after(paid_back),
            FeedEvent { request_id: REQUEST, reason: 9, to: 0x28, ..money(EventKind::PaidBack) },
            vec![REASON_AT, PLAIN_AT, AMOUNT_AT, (72, REQUEST_HEX), PAYMENT_AT, BY_AT],
        ),
        (after(AfterEvent::Shorted(short)), hit(EventKind::Shorted), hit_at()),
        (after(AfterEvent::Covered(short)), hit(EventKind::Covered), hit_at()),
    ]
}

fn goods() -> Vec<Case> {
    let (sku, by) = (SkuId::new(0x22), OperatorId::new(0x28));
    let counted = AfterEvent::Counted {
        sku,
        on_hand: 0x2A,
        change: -2,
        short: 0x24,
        as_of: UNTIL,
        reason: 9,
        by,
        at: AT,
    };
    vec![
        (
            after(counted),
            FeedEvent {
                sku: 0x22,
                units: -2,
                cap: 0x2A,
                amount: 0x24,
                until: 0x0B,
                reason: 9,
                to: 0x28,
                ..order(EventKind::Counted, 0)
            },
            vec![REASON_AT, SKU_AT, (48, "feffffff ffffffff"), AMOUNT_AT, UNTIL_AT, BY_AT, (120, "2a")],
        ),
        (
            after(AfterEvent::WrittenOff { sku, units: 3, at: AT }),
            FeedEvent { sku: 0x22, units: 3, ..order(EventKind::WrittenOff, 0) },
            vec![SKU_AT, UNITS_AT],
        ),
        (
            after(AfterEvent::Inspected { sku, units: 3, to: Disposition::Scrap, reason: 9, by, at: AT }),
            FeedEvent {
                goods_to: 3,
                sku: 0x22,
                units: 3,
                reason: 9,
                to: 0x28,
                ..order(EventKind::Inspected, 0)
            },
            vec![(17, "03"), REASON_AT, SKU_AT, UNITS_AT, BY_AT],
        ),
    ]
}
