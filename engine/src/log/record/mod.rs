//! Records: what a block's payload is made of.
//!
//! A record is one byte that says what it is, then its fields in order, fixed width, little-endian, no padding; a list
//! is its u64 length, then its elements. bincode writes that layout and this module alone names it. The kinds and
//! fields of version 1 never change; what is added later gets a new kind. `docs/durability.md` has the table.
//!
//! A plain order (one line, no terms) has a record of its own: it is what a sale writes a million times a second, and
//! takes 71 bytes.

#[cfg(test)]
mod tests;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};
use doorbuster_ledger::{
    Amount, ChannelId, Digest, Event, OrderNumber, PaymentId, Quantity, RequestId, Reserved, SkuId, Terms,
    Timestamp, UserId,
};

/// Most bytes of a record, and most that decoding one may ask for.
pub const MAX_RECORD: usize = 4_096;

/// Most lines that a version 1 record may list.
const MAX_LINES: usize = 32;

const LAYOUT: Configuration<LittleEndian, Fixint, Limit<MAX_RECORD>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<MAX_RECORD>();

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A change of some partition's state, or of all.
    Event(Event),
    /// The digest of the whole state at this position: replay must come to the same.
    Checkpoint {
        /// The digest.
        digest: Digest,
        /// When it was taken.
        at: Timestamp,
    },
}

/// Bytes that are no record of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The kind byte is unknown: a later version wrote it.
    #[error("record kind {kind} is unknown to this version")]
    UnknownKind {
        /// The byte.
        kind: u8,
    },
    /// The fields are cut short or over a bound.
    #[error("record of kind {kind} is cut short or over its bound")]
    Malformed {
        /// The byte.
        kind: u8,
    },
    /// A field has a value that no version writes.
    #[error("record of kind {kind} has an impossible {field}")]
    Impossible {
        /// The byte.
        kind: u8,
        /// The field.
        field: &'static str,
    },
}

macro_rules! bodies {
    ($($(#[$meta:meta])* $kind:ident = $byte:literal, $name:ident { $($field:ident: $type:ty,)+ })+) => {
        $(
            const $kind: u8 = $byte;

            $(#[$meta])*
            #[derive(Encode, Decode)]
            struct $name { $($field: $type,)+ }
        )+
    };
}

bodies! {
    SKU_PUT = 1, SkuPutBody { sku: u64, units: u64, user_limit: u32, order_limit: u32, at: u64, }
    RESTOCKED = 2, RestockedBody { number: u64, request: u128, sku: u64, units: i64, reason: u32, at: u64, }
    RESERVED = 3, ReservedBody {
        number: u64, request: u128, user: u64, sku: u64, at: u64, amount: u64,
        quantity: u32, asked_hold_ms: u32, hold_ms: u32, channel: u16,
    }
    ORDER_RESERVED = 4, OrderReservedBody {
        number: u64, request: u128, user: u64, at: u64, amount: u64, asked_hold_ms: u32, hold_ms: u32, channel: u16,
        campaign: u32, price_version: u32, tier: u16, device: u64, address: u64, pay_account: u64,
        lines: Vec<LineBody>,
    }
    CONFIRMED = 5, ConfirmedBody { number: u64, payment: u128, amount: u64, at: u64, }
    CANCELLED = 6, CancelledBody { number: u64, reason: u32, at: u64, }
    EXPIRED = 7, ExpiredBody { number: u64, at: u64, }
    EVICTED = 8, EvictedBody { number: u64, at: u64, }
    GRACE_GRANTED = 9, GraceGrantedBody { until: u64, at: u64, }
    CHECKPOINT = 10, CheckpointBody { digest: u64, at: u64, }
    PAY_BEGUN = 11, PayBegunBody { number: u64, payment: u128, deadline: u64, at: u64, }
    /// Also the body of [`EXTENDED`] and [`OFFERED`].
    PAY_FAILED = 12, DeadlineBody { number: u64, deadline: u64, at: u64, }
    RESERVED_INSTEAD = 17, ReservedInsteadBody { supersedes: u64, order: OrderReservedBody, }
    WAITLISTED = 18, WaitlistedBody { wait_ms: u32, order: OrderReservedBody, }
}

const EXTENDED: u8 = 13;
const OFFERED: u8 = 19;
/// With [`ConfirmedBody`], as the two behind it.
const REACQUIRED: u8 = 14;
const REFUND_REQUIRED: u8 = 15;
const AMOUNT_MISMATCHED: u8 = 16;

#[derive(Encode, Decode)]
struct LineBody {
    sku: u64,
    quantity: u32,
    location: u16,
    pool: u16,
}

fn put(kind: u8, body: &impl Encode, out: &mut Vec<u8>) {
    out.push(kind);
    let written = bincode::encode_into_std_write(body, out, LAYOUT);
    debug_assert!(written.is_ok(), "encoding a record into memory failed: {written:?}");
}

/// Appends a record to `out`.
#[inline]
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Event(event) => encode_event(event, out),
        Record::Checkpoint { digest, at } => {
            put(CHECKPOINT, &CheckpointBody { digest: digest.raw(), at: at.raw() }, out);
        }
    }
}

/// Appends an event's record to `out`.
#[inline]
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    match *event {
        Event::Reserved(ref reserved @ Reserved { supersedes: Some(old), .. }) => {
            let body = ReservedInsteadBody { supersedes: old.raw(), order: order_body(reserved) };
            put(RESERVED_INSTEAD, &body, out);
        }
        Event::Reserved(ref reserved) if reserved.wait_ms != 0 => {
            let body = WaitlistedBody { wait_ms: reserved.wait_ms, order: order_body(reserved) };
            put(WAITLISTED, &body, out);
        }
        Event::Reserved(ref reserved) if reserved.terms == Terms::default() => {
            let body = ReservedBody {
                number: reserved.number.raw(),
                request: reserved.request.raw(),
                user: reserved.user.raw(),
                sku: reserved.sku.raw(),
                at: reserved.at.raw(),
                amount: reserved.amount.raw(),
                quantity: reserved.quantity.units(),
                asked_hold_ms: reserved.asked_hold_ms,
                hold_ms: reserved.hold_ms,
                channel: reserved.channel.raw(),
            };
            put(RESERVED, &body, out);
        }
        Event::Reserved(ref reserved) => put(ORDER_RESERVED, &order_body(reserved), out),
        Event::Confirmed { number, payment, amount, at } => {
            put(CONFIRMED, &payment_body(number, payment, amount, at), out);
        }
        Event::Reacquired { number, payment, amount, at } => {
            put(REACQUIRED, &payment_body(number, payment, amount, at), out);
        }
        Event::RefundRequired { number, payment, amount, at } => {
            put(REFUND_REQUIRED, &payment_body(number, payment, amount, at), out);
        }
        Event::AmountMismatched { number, payment, amount, at } => {
            put(AMOUNT_MISMATCHED, &payment_body(number, payment, amount, at), out);
        }
        Event::PayBegun { number, payment, deadline, at } => {
            let body = PayBegunBody {
                number: number.raw(),
                payment: payment.raw(),
                deadline: deadline.raw(),
                at: at.raw(),
            };
            put(PAY_BEGUN, &body, out);
        }
        Event::PayFailed { number, deadline, at } => {
            put(PAY_FAILED, &deadline_body(number, deadline, at), out);
        }
        Event::Offered { number, deadline, at } => put(OFFERED, &deadline_body(number, deadline, at), out),
        Event::Extended { number, deadline, at } => put(EXTENDED, &deadline_body(number, deadline, at), out),
        Event::Cancelled { number, reason, at } => {
            put(CANCELLED, &CancelledBody { number: number.raw(), reason, at: at.raw() }, out);
        }
        Event::Expired { number, at } => {
            put(EXPIRED, &ExpiredBody { number: number.raw(), at: at.raw() }, out);
        }
        Event::Evicted { number, at } => {
            put(EVICTED, &EvictedBody { number: number.raw(), at: at.raw() }, out);
        }
        Event::SkuPut { sku, units, user_limit, order_limit, at } => {
            put(SKU_PUT, &SkuPutBody { sku: sku.raw(), units, user_limit, order_limit, at: at.raw() }, out);
        }
        Event::Restocked { number, request, sku, units, reason, at } => {
            let body = RestockedBody {
                number: number.raw(),
                request: request.raw(),
                sku: sku.raw(),
                units,
                reason,
                at: at.raw(),
            };
            put(RESTOCKED, &body, out);
        }
        Event::GraceGranted { until, at } => {
            put(GRACE_GRANTED, &GraceGrantedBody { until: until.raw(), at: at.raw() }, out);
        }
    }
}

fn payment_body(number: OrderNumber, payment: PaymentId, amount: Amount, at: Timestamp) -> ConfirmedBody {
    ConfirmedBody { number: number.raw(), payment: payment.raw(), amount: amount.raw(), at: at.raw() }
}

fn deadline_body(number: OrderNumber, deadline: Timestamp, at: Timestamp) -> DeadlineBody {
    DeadlineBody { number: number.raw(), deadline: deadline.raw(), at: at.raw() }
}

fn order_body(reserved: &Reserved) -> OrderReservedBody {
    let terms = &reserved.terms;
    OrderReservedBody {
        number: reserved.number.raw(),
        request: reserved.request.raw(),
        user: reserved.user.raw(),
        at: reserved.at.raw(),
        amount: reserved.amount.raw(),
        asked_hold_ms: reserved.asked_hold_ms,
        hold_ms: reserved.hold_ms,
        channel: reserved.channel.raw(),
        campaign: terms.campaign,
        price_version: terms.price_version,
        tier: terms.tier,
        device: terms.device,
        address: terms.address,
        pay_account: terms.pay_account,
        lines: vec![LineBody {
            sku: reserved.sku.raw(),
            quantity: reserved.quantity.units(),
            location: terms.location,
            pool: terms.pool,
        }],
    }
}

/// Reads the record at the front of `input`; returns it and the bytes that it took. Never panics, whatever the bytes.
///
/// # Errors
/// See [`RecordError`].
#[inline]
pub fn decode(input: &[u8]) -> Result<(Record, usize), RecordError> {
    let Some((&kind, rest)) = input.split_first() else { return Err(RecordError::Malformed { kind: 0 }) };
    let (record, used) = match kind {
        RESERVED => take(kind, rest).and_then(|(body, used)| Ok((reserved(kind, &body)?, used)))?,
        ORDER_RESERVED => take(kind, rest).and_then(|(body, used)| {
            Ok((Record::Event(Event::Reserved(order_reserved(kind, &body)?)), used))
        })?,
        CONFIRMED | REACQUIRED | REFUND_REQUIRED | AMOUNT_MISMATCHED => {
            take(kind, rest).map(|(body, used)| (Record::Event(payment_event(kind, &body)), used))?
        }
        PAY_BEGUN => take(kind, rest).map(|(body, used): (PayBegunBody, usize)| {
            let event = Event::PayBegun {
                number: OrderNumber::new(body.number),
                payment: PaymentId::new(body.payment),
                deadline: Timestamp::new(body.deadline),
                at: Timestamp::new(body.at),
            };
            (Record::Event(event), used)
        })?,
        PAY_FAILED | EXTENDED | OFFERED => take(kind, rest).map(|(body, used): (DeadlineBody, usize)| {
            let (number, at) = (OrderNumber::new(body.number), Timestamp::new(body.at));
            let deadline = Timestamp::new(body.deadline);
            let event = match kind {
                EXTENDED => Event::Extended { number, deadline, at },
                OFFERED => Event::Offered { number, deadline, at },
                _ => Event::PayFailed { number, deadline, at },
            };
            (Record::Event(event), used)
        })?,
        WAITLISTED => take(kind, rest).and_then(|(body, used): (WaitlistedBody, usize)| {
            if body.wait_ms == 0 {
                return Err(RecordError::Impossible { kind, field: "wait" });
            }
            let reserved = Reserved { wait_ms: body.wait_ms, ..order_reserved(kind, &body.order)? };
            Ok((Record::Event(Event::Reserved(reserved)), used))
        })?,
        RESERVED_INSTEAD => take(kind, rest).and_then(|(body, used): (ReservedInsteadBody, usize)| {
            let supersedes = Some(OrderNumber::new(body.supersedes));
            let reserved = Reserved { supersedes, ..order_reserved(kind, &body.order)? };
            Ok((Record::Event(Event::Reserved(reserved)), used))
        })?,
        CANCELLED => take(kind, rest).map(|(body, used): (CancelledBody, usize)| {
            let (number, at) = (OrderNumber::new(body.number), Timestamp::new(body.at));
            (Record::Event(Event::Cancelled { number, reason: body.reason, at }), used)
        })?,
        EXPIRED => take(kind, rest).map(|(body, used): (ExpiredBody, usize)| {
            let (number, at) = (OrderNumber::new(body.number), Timestamp::new(body.at));
            (Record::Event(Event::Expired { number, at }), used)
        })?,
        EVICTED => take(kind, rest).map(|(body, used): (EvictedBody, usize)| {
            let (number, at) = (OrderNumber::new(body.number), Timestamp::new(body.at));
            (Record::Event(Event::Evicted { number, at }), used)
        })?,
        SKU_PUT => take(kind, rest).map(|(body, used): (SkuPutBody, usize)| {
            let event = Event::SkuPut {
                sku: SkuId::new(body.sku),
                units: body.units,
                user_limit: body.user_limit,
                order_limit: body.order_limit,
                at: Timestamp::new(body.at),
            };
            (Record::Event(event), used)
        })?,
        RESTOCKED => take(kind, rest).map(|(body, used): (RestockedBody, usize)| {
            let event = Event::Restocked {
                number: OrderNumber::new(body.number),
                request: RequestId::new(body.request),
                sku: SkuId::new(body.sku),
                units: body.units,
                reason: body.reason,
                at: Timestamp::new(body.at),
            };
            (Record::Event(event), used)
        })?,
        GRACE_GRANTED => take(kind, rest).map(|(body, used): (GraceGrantedBody, usize)| {
            let (until, at) = (Timestamp::new(body.until), Timestamp::new(body.at));
            (Record::Event(Event::GraceGranted { until, at }), used)
        })?,
        CHECKPOINT => take(kind, rest).map(|(body, used): (CheckpointBody, usize)| {
            (Record::Checkpoint { digest: Digest::new(body.digest), at: Timestamp::new(body.at) }, used)
        })?,
        kind => return Err(RecordError::UnknownKind { kind }),
    };
    Ok((record, used.saturating_add(1)))
}

fn take<B: Decode<()>>(kind: u8, rest: &[u8]) -> Result<(B, usize), RecordError> {
    bincode::decode_from_slice(rest, LAYOUT).map_err(|_| RecordError::Malformed { kind })
}

fn reserved(kind: u8, body: &ReservedBody) -> Result<Record, RecordError> {
    Ok(Record::Event(Event::Reserved(Reserved {
        number: OrderNumber::new(body.number),
        request: RequestId::new(body.request),
        user: UserId::new(body.user),
        sku: SkuId::new(body.sku),
        quantity: Quantity::new(body.quantity).ok_or(RecordError::Impossible { kind, field: "quantity" })?,
        amount: Amount::new(body.amount),
        at: Timestamp::new(body.at),
        asked_hold_ms: body.asked_hold_ms,
        hold_ms: body.hold_ms,
        channel: ChannelId::new(body.channel),
        supersedes: None,
        wait_ms: 0,
        terms: Terms::default(),
    })))
}

fn payment_event(kind: u8, body: &ConfirmedBody) -> Event {
    let (number, payment) = (OrderNumber::new(body.number), PaymentId::new(body.payment));
    let (amount, at) = (Amount::new(body.amount), Timestamp::new(body.at));
    match kind {
        REACQUIRED => Event::Reacquired { number, payment, amount, at },
        REFUND_REQUIRED => Event::RefundRequired { number, payment, amount, at },
        AMOUNT_MISMATCHED => Event::AmountMismatched { number, payment, amount, at },
        _ => Event::Confirmed { number, payment, amount, at },
    }
}

fn order_reserved(kind: u8, body: &OrderReservedBody) -> Result<Reserved, RecordError> {
    let [line] = body.lines.as_slice() else {
        let field = if body.lines.len() > MAX_LINES { "number of lines" } else { "list of lines" };
        return Err(RecordError::Impossible { kind, field });
    };
    Ok(Reserved {
        number: OrderNumber::new(body.number),
        request: RequestId::new(body.request),
        user: UserId::new(body.user),
        sku: SkuId::new(line.sku),
        quantity: Quantity::new(line.quantity).ok_or(RecordError::Impossible { kind, field: "quantity" })?,
        amount: Amount::new(body.amount),
        at: Timestamp::new(body.at),
        asked_hold_ms: body.asked_hold_ms,
        hold_ms: body.hold_ms,
        channel: ChannelId::new(body.channel),
        supersedes: None,
        wait_ms: 0,
        terms: Terms {
            campaign: body.campaign,
            price_version: body.price_version,
            tier: body.tier,
            location: line.location,
            pool: line.pool,
            device: body.device,
            address: body.address,
            pay_account: body.pay_account,
        },
    })
}
