//! Records: what a block's payload is made of.
//!
//! A record is one byte that says what it is, then its fields in order, fixed width, little-endian, no padding; a list
//! is its u64 length, then its elements. bincode writes that layout and this module alone names it. The kinds and
//! fields of version 1 never change; what is added later gets a new kind. `docs/durability.md` has the table.
//!
//! A plain order (one line, no terms) has a record of its own: it is what a sale writes a million times a second, and
//! takes 71 bytes.

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
}

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
            let body = ConfirmedBody {
                number: number.raw(),
                payment: payment.raw(),
                amount: amount.raw(),
                at: at.raw(),
            };
            put(CONFIRMED, &body, out);
        }
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
        ORDER_RESERVED => {
            take(kind, rest).and_then(|(body, used)| Ok((order_reserved(kind, &body)?, used)))?
        }
        CONFIRMED => take(kind, rest).map(|(body, used): (ConfirmedBody, usize)| {
            let event = Event::Confirmed {
                number: OrderNumber::new(body.number),
                payment: PaymentId::new(body.payment),
                amount: Amount::new(body.amount),
                at: Timestamp::new(body.at),
            };
            (Record::Event(event), used)
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
        terms: Terms::default(),
    })))
}

fn order_reserved(kind: u8, body: &OrderReservedBody) -> Result<Record, RecordError> {
    let [line] = body.lines.as_slice() else {
        let field = if body.lines.len() > MAX_LINES { "number of lines" } else { "list of lines" };
        return Err(RecordError::Impossible { kind, field });
    };
    Ok(Record::Event(Event::Reserved(Reserved {
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
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Record> {
        let number = OrderNumber::new(0x0050_0000_0000_0009);
        let at = Timestamp::new(0x0000_018B_CFE5_6800);
        let plain = Reserved {
            number,
            request: RequestId::new(0x018B_CFE5_6800_7000_8000_0000_0000_0001),
            user: UserId::new(2),
            sku: SkuId::new(3),
            quantity: Quantity::new(4).unwrap(),
            amount: Amount::new(5),
            at,
            asked_hold_ms: 0,
            hold_ms: 6,
            channel: ChannelId::new(7),
            terms: Terms::default(),
        };
        let terms = Terms {
            campaign: 1,
            price_version: 2,
            tier: 3,
            location: 4,
            pool: 5,
            device: 6,
            address: 7,
            pay_account: 8,
        };
        let events = [
            Event::Reserved(plain),
            Event::Reserved(Reserved { terms, ..plain }),
            Event::Confirmed { number, payment: PaymentId::new(8), amount: Amount::new(5), at },
            Event::Cancelled { number, reason: 9, at },
            Event::Expired { number, at },
            Event::Evicted { number, at },
            Event::SkuPut { sku: SkuId::new(3), units: 10, user_limit: 1, order_limit: 2, at },
            Event::Restocked { number, request: plain.request, sku: SkuId::new(3), units: -1, reason: 0, at },
            Event::GraceGranted { until: at, at },
        ];
        let mut records: Vec<_> = events.into_iter().map(Record::Event).collect();
        records.push(Record::Checkpoint { digest: Digest::new(11), at });
        records
    }

    #[test]
    fn every_record_reads_back_and_every_cut_is_an_error() {
        for record in samples() {
            let mut bytes = Vec::new();
            encode(&record, &mut bytes);
            assert_eq!(decode(&bytes), Ok((record, bytes.len())));
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "{record:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_plain_order_takes_71_bytes_of_known_layout() {
        let mut bytes = Vec::new();
        encode(&samples()[0], &mut bytes);
        let golden = [
            &[3][..],
            &[0x09, 0, 0, 0, 0, 0, 0x50, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0x80, 0, 0x70, 0, 0x68, 0xE5, 0xCF, 0x8B, 0x01],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0x68, 0xE5, 0xCF, 0x8B, 0x01, 0, 0],
            &[5, 0, 0, 0, 0, 0, 0, 0],
            &[4, 0, 0, 0],
            &[0, 0, 0, 0],
            &[6, 0, 0, 0],
            &[7, 0],
        ]
        .concat();
        assert_eq!(bytes, golden);
        assert_eq!(bytes.len(), 71);
    }

    #[test]
    fn a_crafted_list_length_asks_for_no_memory() {
        let mut bytes = Vec::new();
        encode(&samples()[1], &mut bytes);
        let length = bytes.len() - 16 - 8;
        bytes[length..length + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(decode(&bytes), Err(RecordError::Malformed { kind: ORDER_RESERVED }));
    }

    #[test]
    fn an_unknown_kind_is_said() {
        assert_eq!(decode(&[200, 0, 0]), Err(RecordError::UnknownKind { kind: 200 }));
    }
}
