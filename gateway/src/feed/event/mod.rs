//! The boundary between the log's records and the feed's events.

mod budget;
mod campaign;

mod after;

use doorbuster_engine::log::record::Record;
use doorbuster_ledger::{
    Event, LegEnd, LegHeld, OrderNumber, PaymentId, RequestId, Reserved, SetChannel, Timestamp,
};
use doorbuster_protocol::{EventKind, FeedEvent};

/// What the feed says of the record at a position.
pub(crate) fn event(position: u64, record: &Record) -> FeedEvent {
    let event = match record {
        Record::Checkpoint { at, .. } => of(EventKind::Checkpoint, *at),
        Record::Event(event) => said(event),
    };
    FeedEvent { position, ..event }
}

fn of(kind: EventKind, at: Timestamp) -> FeedEvent {
    FeedEvent { kind: kind.byte(), at: at.raw(), ..FeedEvent::default() }
}

fn of_order(kind: EventKind, number: OrderNumber, at: Timestamp) -> FeedEvent {
    FeedEvent { order: number.raw(), ..of(kind, at) }
}

fn said(event: &Event) -> FeedEvent {
    match *event {
        Event::SkuPut { sku, units: first, user_limit, order_limit, by, reason, at } => FeedEvent {
            sku: sku.raw(),
            units: units(first),
            user: by,
            reason,
            user_limit,
            order_limit,
            ..of(EventKind::SkuPut, at)
        },
        Event::Restocked { number, request, sku, units, by, reason, at } => FeedEvent {
            request_id: id(request),
            user: by,
            sku: sku.raw(),
            units,
            reason,
            ..of_order(EventKind::Restocked, number, at)
        },
        Event::Reserved(ref reserved) => placed(reserved),
        Event::Confirmed { number, payment, amount, at } => {
            paid(of_order(EventKind::Confirmed, number, at), payment, amount.raw())
        }
        Event::Reacquired { number, payment, amount, at } => {
            paid(of_order(EventKind::Reacquired, number, at), payment, amount.raw())
        }
        Event::RefundRequired { number, payment, amount, at } => {
            paid(of_order(EventKind::RefundRequired, number, at), payment, amount.raw())
        }
        Event::AmountMismatched { number, payment, amount, at } => {
            paid(of_order(EventKind::AmountMismatched, number, at), payment, amount.raw())
        }
        Event::PayBegun { number, payment, deadline, at } => {
            let begun = FeedEvent { until: deadline.raw(), ..of_order(EventKind::PayBegun, number, at) };
            paid(begun, payment, 0)
        }
        Event::PayFailed { number, deadline, at } => {
            FeedEvent { until: deadline.raw(), ..of_order(EventKind::PayFailed, number, at) }
        }
        Event::Extended { number, deadline, at } => {
            FeedEvent { until: deadline.raw(), ..of_order(EventKind::Extended, number, at) }
        }
        Event::Offered { number, deadline, at } => {
            FeedEvent { until: deadline.raw(), ..of_order(EventKind::Offered, number, at) }
        }
        Event::Superseded { number, by, at } => {
            FeedEvent { to: by.raw(), ..of_order(EventKind::Superseded, number, at) }
        }
        Event::Cut { number, units, amount, at } => FeedEvent {
            units: i64::from(units),
            amount: amount.raw(),
            ..of_order(EventKind::Cut, number, at)
        },
        Event::LegHeld(ref leg) => held(leg),
        Event::LegReleased(ref end) => ended(EventKind::LineReleased, end),
        Event::LegSold(ref end) => ended(EventKind::LineSold, end),
        Event::LegCut(ref end) => ended(EventKind::LineCut, end),
        Event::LegDropped(ref end) => ended(EventKind::LineDropped, end),
        Event::ChannelSet {
            rules: SetChannel { sku, channel, guarantee, cap, release_at, by, reason },
            at,
        } => FeedEvent {
            user: by,
            reason,
            sku: sku.raw(),
            channel: channel.raw(),
            units: units(guarantee),
            cap: cap.unwrap_or(u64::MAX),
            until: release_at.map_or(0, Timestamp::raw),
            ..of(EventKind::ChannelSet, at)
        },
        Event::Rebalanced { sku, from, to, units: moved, by, reason, at } => FeedEvent {
            user: by,
            sku: sku.raw(),
            channel: from.raw(),
            to: to.raw().into(),
            units: units(moved),
            reason,
            ..of(EventKind::Rebalanced, at)
        },
        Event::Cancelled { number, reason, at } => {
            FeedEvent { reason, ..of_order(EventKind::Cancelled, number, at) }
        }
        Event::After(ref event) => after::said(event),
        Event::Expired { number, at } => of_order(EventKind::Expired, number, at),
        Event::Evicted { number, at } => of_order(EventKind::Evicted, number, at),
        Event::Campaign(ref event) => campaign::said(event),
        Event::Budget(ref event) => budget::said(event),
        Event::GraceGranted { until, at } => {
            FeedEvent { until: until.raw(), ..of(EventKind::GraceGranted, at) }
        }
    }
}

fn placed(reserved: &Reserved) -> FeedEvent {
    let waits = reserved.wait_ms != 0;
    let kind = if waits { EventKind::Waitlisted } else { EventKind::Reserved };
    let lasts_ms = if waits { reserved.wait_ms } else { reserved.hold_ms };
    let placed = FeedEvent {
        channel: reserved.channel.raw(),
        user: reserved.user.raw(),
        units: i64::from(reserved.quantity.units()),
        amount: reserved.amount.raw(),
        until: reserved.at.plus(u64::from(lasts_ms)).raw(),
        request_id: id(reserved.request),
        to: reserved.claim.map_or(0, |claim| claim.budget.raw().into()),
        cap: reserved.claim.map_or(0, |claim| claim.amount.raw()),
        ..of_order(kind, reserved.number, reserved.at)
    };
    if reserved.number.is_composite() {
        return placed;
    }
    FeedEvent {
        sku: reserved.sku.raw(),
        location: reserved.terms.location,
        pool: reserved.terms.pool,
        ..placed
    }
}

fn held(leg: &LegHeld) -> FeedEvent {
    FeedEvent {
        channel: leg.channel.raw(),
        user: leg.user.raw(),
        sku: leg.line.sku.raw(),
        units: i64::from(leg.line.units),
        until: leg.deadline.raw(),
        gifts: leg.line.gifts,
        location: leg.line.location,
        pool: leg.line.pool,
        ..of_order(EventKind::LineHeld, leg.order, leg.at)
    }
}

fn ended(kind: EventKind, end: &LegEnd) -> FeedEvent {
    FeedEvent {
        channel: end.channel.raw(),
        user: end.user.raw(),
        sku: end.sku.raw(),
        units: i64::from(end.units),
        ..of_order(kind, end.order, end.at)
    }
}

/// A SKU has at most 2^40 units; a log that says otherwise is not this server's.
fn units(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

fn id(request: RequestId) -> [u8; 16] {
    request.raw().to_be_bytes()
}

fn paid(event: FeedEvent, payment: PaymentId, amount: u64) -> FeedEvent {
    FeedEvent { payment_id: payment.raw().to_be_bytes(), amount, ..event }
}

#[cfg(test)]
mod tests;
