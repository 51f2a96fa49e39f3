//! Records of paid orders and of goods: kinds 50 to 61. `docs/durability.md` has their layouts.

use bincode::{Decode, Encode};
use doorbuster_ledger::{
    AfterEvent, Amount, ChannelId, Disposition, Event, LineMoved, Moved, OperatorId, OrderNumber, OrderStep,
    PaymentId, RefundId, Short, SkuId, Timestamp, UserId,
};

use super::decode::take;
use super::encode::put;
use super::{Record, RecordError};

const FULFILLING: u8 = 50;
const DELIVERED: u8 = 51;
const CLOSED: u8 = 52;
const LINE_SHIPPED: u8 = 53;
const LINE_CANCELLED: u8 = 54;
const LINE_RETURNED: u8 = 55;
const PAID_BACK: u8 = 56;
const COUNTED: u8 = 57;
const SHORTED: u8 = 58;
const COVERED: u8 = 59;
const WRITTEN_OFF: u8 = 60;
const INSPECTED: u8 = 61;

/// The kinds of this module.
pub(super) const FIRST: u8 = FULFILLING;
pub(super) const LAST: u8 = INSPECTED;

/// Also the body of [`DELIVERED`] and [`CLOSED`].
#[derive(Encode, Decode)]
struct StepBody {
    number: u64,
    reason: u32,
    by: u64,
    at: u64,
}

/// Also the body of [`LINE_CANCELLED`] and [`LINE_RETURNED`].
#[derive(Encode, Decode)]
struct LineMovedBody {
    order: u64,
    sku: u64,
    user: u64,
    units: u32,
    channel: u16,
    /// Where units went that came back: 1 to stock, 2 quarantine, 3 scrapped; of others 0.
    to: u8,
    reason: u32,
    by: u64,
    at: u64,
}

#[derive(Encode, Decode)]
struct PaidBackBody {
    number: u64,
    payment: u128,
    refund: u128,
    amount: u64,
    reason: u32,
    by: u64,
    at: u64,
}

#[derive(Encode, Decode)]
struct CountedBody {
    sku: u64,
    on_hand: u64,
    change: i64,
    short: u64,
    as_of: u64,
    reason: u32,
    by: u64,
    at: u64,
}

/// Also the body of [`COVERED`].
#[derive(Encode, Decode)]
struct ShortBody {
    order: u64,
    sku: u64,
    units: u32,
    paid_at: u64,
    at: u64,
}

#[derive(Encode, Decode)]
struct WrittenOffBody {
    sku: u64,
    units: u64,
    at: u64,
}

#[derive(Encode, Decode)]
struct InspectedBody {
    sku: u64,
    units: u64,
    to: u8,
    reason: u32,
    by: u64,
    at: u64,
}

fn byte(to: Disposition) -> u8 {
    match to {
        Disposition::Restock => 1,
        Disposition::Quarantine => 2,
        Disposition::Scrap => 3,
    }
}

fn disposition(kind: u8, byte: u8) -> Result<Disposition, RecordError> {
    match byte {
        1 => Ok(Disposition::Restock),
        2 => Ok(Disposition::Quarantine),
        3 => Ok(Disposition::Scrap),
        _ => Err(RecordError::Impossible { kind, field: "way of goods" }),
    }
}

/// Appends an event's record to `out`.
pub(super) fn encode(event: &AfterEvent, out: &mut Vec<u8>) {
    match *event {
        AfterEvent::Fulfilling(step) => put(FULFILLING, &step_body(step), out),
        AfterEvent::Delivered(step) => put(DELIVERED, &step_body(step), out),
        AfterEvent::Closed(step) => put(CLOSED, &step_body(step), out),
        AfterEvent::Line(ref line) => {
            let (kind, to) = match line.to {
                Moved::Shipped => (LINE_SHIPPED, 0),
                Moved::Cancelled => (LINE_CANCELLED, 0),
                Moved::Returned(to) => (LINE_RETURNED, byte(to)),
            };
            let body = LineMovedBody {
                order: line.order.raw(),
                sku: line.sku.raw(),
                user: line.user.raw(),
                units: line.units,
                channel: line.channel.raw(),
                to,
                reason: line.reason,
                by: line.by.raw(),
                at: line.at.raw(),
            };
            put(kind, &body, out);
        }
        AfterEvent::PaidBack { number, payment, refund, amount, reason, by, at } => {
            let body = PaidBackBody {
                number: number.raw(),
                payment: payment.raw(),
                refund: refund.raw(),
                amount: amount.raw(),
                reason,
                by: by.raw(),
                at: at.raw(),
            };
            put(PAID_BACK, &body, out);
        }
        AfterEvent::Counted { sku, on_hand, change, short, as_of, reason, by, at } => {
            let (sku, as_of, by, at) = (sku.raw(), as_of.raw(), by.raw(), at.raw());
            put(COUNTED, &CountedBody { sku, on_hand, change, short, as_of, reason, by, at }, out);
        }
        AfterEvent::Shorted(short) => put(SHORTED, &short_body(short), out),
        AfterEvent::Covered(short) => put(COVERED, &short_body(short), out),
        AfterEvent::WrittenOff { sku, units, at } => {
            put(WRITTEN_OFF, &WrittenOffBody { sku: sku.raw(), units, at: at.raw() }, out);
        }
        AfterEvent::Inspected { sku, units, to, reason, by, at } => {
            let (sku, by, at) = (sku.raw(), by.raw(), at.raw());
            put(INSPECTED, &InspectedBody { sku, units, to: byte(to), reason, by, at }, out);
        }
    }
}

fn step_body(step: OrderStep) -> StepBody {
    StepBody { number: step.number.raw(), reason: step.reason, by: step.by.raw(), at: step.at.raw() }
}

fn short_body(short: Short) -> ShortBody {
    ShortBody {
        order: short.order.raw(),
        sku: short.sku.raw(),
        units: short.units,
        paid_at: short.paid_at.raw(),
        at: short.at.raw(),
    }
}

/// Reads the fields of a record of one of these kinds.
pub(super) fn decode(kind: u8, rest: &[u8]) -> Result<(Record, usize), RecordError> {
    let (event, used) = match kind {
        FULFILLING | DELIVERED | CLOSED => {
            let (body, used): (StepBody, usize) = take(kind, rest)?;
            let (number, by) = (OrderNumber::new(body.number), OperatorId::new(body.by));
            let step = OrderStep { number, reason: body.reason, by, at: Timestamp::new(body.at) };
            let event = match kind {
                DELIVERED => AfterEvent::Delivered(step),
                CLOSED => AfterEvent::Closed(step),
                _ => AfterEvent::Fulfilling(step),
            };
            (event, used)
        }
        LINE_SHIPPED | LINE_CANCELLED | LINE_RETURNED => {
            let (body, used) = take(kind, rest)?;
            (AfterEvent::Line(line_moved(kind, &body)?), used)
        }
        PAID_BACK => {
            let (body, used): (PaidBackBody, usize) = take(kind, rest)?;
            let event = AfterEvent::PaidBack {
                number: OrderNumber::new(body.number),
                payment: PaymentId::new(body.payment),
                refund: RefundId::new(body.refund),
                amount: Amount::new(body.amount),
                reason: body.reason,
                by: OperatorId::new(body.by),
                at: Timestamp::new(body.at),
            };
            (event, used)
        }
        COUNTED => {
            let (body, used): (CountedBody, usize) = take(kind, rest)?;
            let event = AfterEvent::Counted {
                sku: SkuId::new(body.sku),
                on_hand: body.on_hand,
                change: body.change,
                short: body.short,
                as_of: Timestamp::new(body.as_of),
                reason: body.reason,
                by: OperatorId::new(body.by),
                at: Timestamp::new(body.at),
            };
            (event, used)
        }
        SHORTED | COVERED => {
            let (body, used): (ShortBody, usize) = take(kind, rest)?;
            let short = Short {
                order: OrderNumber::new(body.order),
                sku: SkuId::new(body.sku),
                units: body.units,
                paid_at: Timestamp::new(body.paid_at),
                at: Timestamp::new(body.at),
            };
            let event = if kind == SHORTED { AfterEvent::Shorted(short) } else { AfterEvent::Covered(short) };
            (event, used)
        }
        WRITTEN_OFF => {
            let (body, used): (WrittenOffBody, usize) = take(kind, rest)?;
            let (sku, at) = (SkuId::new(body.sku), Timestamp::new(body.at));
            (AfterEvent::WrittenOff { sku, units: body.units, at }, used)
        }
        INSPECTED => {
            let (body, used): (InspectedBody, usize) = take(kind, rest)?;
            let event = AfterEvent::Inspected {
                sku: SkuId::new(body.sku),
                units: body.units,
                to: disposition(kind, body.to)?,
                reason: body.reason,
                by: OperatorId::new(body.by),
                at: Timestamp::new(body.at),
            };
            (event, used)
        }
        kind => return Err(RecordError::UnknownKind { kind }),
    };
    Ok((Record::Event(Event::After(event)), used))
}

fn line_moved(kind: u8, body: &LineMovedBody) -> Result<LineMoved, RecordError> {
    let to = match kind {
        LINE_SHIPPED => Moved::Shipped,
        LINE_CANCELLED => Moved::Cancelled,
        _ => Moved::Returned(disposition(kind, body.to)?),
    };
    Ok(LineMoved {
        order: OrderNumber::new(body.order),
        sku: SkuId::new(body.sku),
        user: UserId::new(body.user),
        channel: ChannelId::new(body.channel),
        units: body.units,
        to,
        reason: body.reason,
        by: OperatorId::new(body.by),
        at: Timestamp::new(body.at),
    })
}

/// A record of each kind, for tests.
#[cfg(test)]
pub(super) fn samples() -> Vec<Record> {
    let (order, at, by) = (OrderNumber::new(9), Timestamp::new(0x0A), OperatorId::new(0x0B));
    let step = OrderStep { number: order, reason: 0x0C, by, at };
    let (sku, user, channel) = (SkuId::new(3), UserId::new(2), ChannelId::new(7));
    let line =
        |to| AfterEvent::Line(LineMoved { order, sku, user, channel, units: 4, to, reason: 0x0C, by, at });
    let short = Short { order, sku, units: 4, paid_at: Timestamp::new(0x0D), at };
    let (payment, refund) = (PaymentId::new(8), RefundId::new(0x0E));
    let events = [
        AfterEvent::Fulfilling(step),
        AfterEvent::Delivered(step),
        AfterEvent::Closed(step),
        line(Moved::Shipped),
        line(Moved::Cancelled),
        line(Moved::Returned(Disposition::Restock)),
        line(Moved::Returned(Disposition::Quarantine)),
        line(Moved::Returned(Disposition::Scrap)),
        AfterEvent::PaidBack { number: order, payment, refund, amount: Amount::new(5), reason: 0x0C, by, at },
        AfterEvent::Counted {
            sku,
            on_hand: 5,
            change: -6,
            short: 7,
            as_of: Timestamp::new(0x0D),
            reason: 0x0C,
            by,
            at,
        },
        AfterEvent::Shorted(short),
        AfterEvent::Covered(short),
        AfterEvent::WrittenOff { sku, units: 4, at },
        AfterEvent::Inspected { sku, units: 4, to: Disposition::Scrap, reason: 0x0C, by, at },
    ];
    events.into_iter().map(|event| Record::Event(Event::After(event))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(wanted: impl Fn(&AfterEvent) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let found = samples().into_iter().find_map(|record| match record {
            Record::Event(Event::After(event)) if wanted(&event) => Some(event),
            _ => None,
        });
        encode(&found.unwrap(), &mut bytes);
        bytes
    }

    fn long(number: u8) -> [u8; 8] {
        [number, 0, 0, 0, 0, 0, 0, 0]
    }

    #[test]
    fn units_that_come_back_have_these_bytes() {
        let bytes = bytes_of(
            |event| matches!(event, AfterEvent::Line(line) if line.to == Moved::Returned(Disposition::Quarantine)),
        );
        let ids = [&[55][..], &long(9), &long(3), &long(2), &[4, 0, 0, 0], &[7, 0]].concat();
        let rest = [&[2][..], &[0x0C, 0, 0, 0], &long(0x0B), &long(0x0A)].concat();
        assert_eq!(bytes, [ids, rest].concat());
    }

    #[test]
    fn a_count_has_these_bytes() {
        let bytes = bytes_of(|event| matches!(event, AfterEvent::Counted { .. }));
        let change = (-6_i64).to_le_bytes();
        let units = [&[57][..], &long(3), &long(5), &change, &long(7), &long(0x0D)].concat();
        assert_eq!(bytes, [&units[..], &[0x0C, 0, 0, 0], &long(0x0B), &long(0x0A)].concat());
    }

    #[test]
    fn a_way_of_goods_that_no_version_writes_is_said() {
        let mut bytes = bytes_of(|event| matches!(event, AfterEvent::Inspected { .. }));
        bytes[17] = 9;
        let impossible = RecordError::Impossible { kind: 61, field: "way of goods" };
        assert_eq!(super::super::decode(&bytes), Err(impossible));
    }
}
