//! What the feed says of paid orders and of goods.

use doorbuster_ledger::{AfterEvent, Disposition, LineMoved, Moved, OrderStep, Short};
use doorbuster_protocol::{EventKind, FeedEvent, GoodsTo};

use super::{of, of_order, paid, units};

/// What the feed says of an event after payment.
pub(super) fn said(event: &AfterEvent) -> FeedEvent {
    match *event {
        AfterEvent::Fulfilling(step) => whole(EventKind::Fulfilling, step),
        AfterEvent::Delivered(step) => whole(EventKind::Delivered, step),
        AfterEvent::Closed(step) => whole(EventKind::Closed, step),
        AfterEvent::Line(ref line) => moved(line),
        AfterEvent::PaidBack { number, payment, refund, amount, reason, by, at } => {
            let event = paid(of_order(EventKind::PaidBack, number, at), payment, amount.raw());
            FeedEvent { request_id: refund.raw().to_be_bytes(), reason, to: by.raw(), ..event }
        }
        AfterEvent::Counted { sku, on_hand, change, short: missing, as_of, reason, by, at } => FeedEvent {
            sku: sku.raw(),
            units: change,
            cap: on_hand,
            amount: missing,
            until: as_of.raw(),
            reason,
            to: by.raw(),
            ..of(EventKind::Counted, at)
        },
        AfterEvent::Shorted(ref hit) => short(EventKind::Shorted, hit),
        AfterEvent::Covered(ref hit) => short(EventKind::Covered, hit),
        AfterEvent::WrittenOff { sku, units: lost, at } => {
            FeedEvent { sku: sku.raw(), units: units(lost), ..of(EventKind::WrittenOff, at) }
        }
        AfterEvent::Inspected { sku, units: out, to, reason, by, at } => FeedEvent {
            sku: sku.raw(),
            units: units(out),
            goods_to: goods_to(to),
            reason,
            to: by.raw(),
            ..of(EventKind::Inspected, at)
        },
    }
}

fn goods_to(to: Disposition) -> u8 {
    match to {
        Disposition::Restock => GoodsTo::Stock,
        Disposition::Quarantine => GoodsTo::Quarantine,
        Disposition::Scrap => GoodsTo::Scrap,
    }
    .byte()
}

fn whole(kind: EventKind, step: OrderStep) -> FeedEvent {
    FeedEvent { reason: step.reason, to: step.by.raw(), ..of_order(kind, step.number, step.at) }
}

fn moved(line: &LineMoved) -> FeedEvent {
    let (kind, goods_to) = match line.to {
        Moved::Shipped => (EventKind::LineShipped, 0),
        Moved::Cancelled => (EventKind::LineCancelled, 0),
        Moved::Returned(to) => (EventKind::LineReturned, goods_to(to)),
    };
    FeedEvent {
        sku: line.sku.raw(),
        user: line.user.raw(),
        channel: line.channel.raw(),
        units: i64::from(line.units),
        goods_to,
        reason: line.reason,
        to: line.by.raw(),
        ..of_order(kind, line.order, line.at)
    }
}

fn short(kind: EventKind, hit: &Short) -> FeedEvent {
    FeedEvent {
        sku: hit.sku.raw(),
        units: i64::from(hit.units),
        until: hit.paid_at.raw(),
        ..of_order(kind, hit.order, hit.at)
    }
}
