//! Events to bytes.

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the names of every kind and body alone")
)]
use super::bodies::*;
use super::{LAYOUT, Record, budget, campaign, sale};
use bincode::Encode;
use doorbuster_ledger::{
    Amount, Claim, Event, LegEnd, LegHeld, OrderNumber, PaymentId, Reserved, SetChannel, Terms, Timestamp,
};

/// Bytes that are made ready for a record at once: nearly all are shorter.
const ROOM: usize = 128;

#[inline]
pub(crate) fn put(kind: u8, body: &impl Encode, out: &mut Vec<u8>) {
    // Of a vector that grows field by field, each field asks whether there is room and stores a new length.
    let start = out.len();
    out.resize(start + ROOM, 0);
    let written = out.get_mut(start..).and_then(<[u8]>::split_first_mut).and_then(|(first, rest)| {
        *first = kind;
        bincode::encode_into_slice(body, rest, LAYOUT).ok()
    });
    if let Some(written) = written {
        out.truncate(start + 1 + written);
    } else {
        out.truncate(start);
        put_long(kind, body, out);
    }
}

#[cold]
fn put_long(kind: u8, body: &impl Encode, out: &mut Vec<u8>) {
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
        Event::Reserved(ref reserved) => encode_reserved(reserved, out),
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
        Event::ChannelSet { ref rules, at } => put(CHANNEL_SET, &channel_body(rules, at), out),
        Event::Rebalanced { sku, from, to, units, by, reason, at } => {
            let (sku, from, to, at) = (sku.raw(), from.raw(), to.raw(), at.raw());
            put(REBALANCED, &RebalancedBody { sku, from, to, units, by, reason, at }, out);
        }
        Event::Superseded { .. }
        | Event::Cut { .. }
        | Event::LegHeld(_)
        | Event::LegReleased(_)
        | Event::LegSold(_)
        | Event::LegCut(_)
        | Event::LegDropped(_) => encode_part(event, out),
        Event::Cancelled { number, reason, at } => {
            put(CANCELLED, &CancelledBody { number: number.raw(), reason, at: at.raw() }, out);
        }
        Event::Expired { number, at } => {
            put(EXPIRED, &ExpiredBody { number: number.raw(), at: at.raw() }, out);
        }
        Event::Evicted { number, at } => {
            put(EVICTED, &EvictedBody { number: number.raw(), at: at.raw() }, out);
        }
        Event::SkuPut { sku, units, user_limit, order_limit, by, reason, at } => {
            let (sku, at) = (sku.raw(), at.raw());
            put(SKU_PUT, &SkuPutBody { sku, units, user_limit, order_limit, by, reason, at }, out);
        }
        Event::Restocked { number, request, sku, units, by, reason, at } => {
            let body = RestockedBody {
                number: number.raw(),
                request: request.raw(),
                sku: sku.raw(),
                units,
                by,
                reason,
                at: at.raw(),
            };
            put(RESTOCKED, &body, out);
        }
        Event::Campaign(ref event) => campaign::encode(event, out),
        Event::After(ref after) => super::after::encode(after, out),
        Event::Budget(ref event) => budget::encode(event, out),
        Event::GraceGranted { until, at } => {
            put(GRACE_GRANTED, &GraceGrantedBody { until: until.raw(), at: at.raw() }, out);
        }
    }
}

/// Appends the record of an order that is placed: the shortest that says all of it.
#[inline]
fn encode_reserved(reserved: &Reserved, out: &mut Vec<u8>) {
    let &Reserved {
        number, request, user, sku, at, amount, quantity, asked_hold_ms, hold_ms, channel, ..
    } = reserved;
    if let Some(claim) = reserved.claim {
        encode_claimed(reserved, claim, out);
    } else if number.is_composite() || reserved.moves != 0 {
        put(ORDER_OPENED, &opened_body(reserved), out);
    } else if reserved.wait_ms != 0 {
        put(WAITLISTED, &WaitlistedBody { wait_ms: reserved.wait_ms, order: order_body(reserved) }, out);
    } else if reserved.terms == Terms::default() {
        let body = ReservedBody {
            number: number.raw(),
            request: request.raw(),
            user: user.raw(),
            sku: sku.raw(),
            at: at.raw(),
            amount: amount.raw(),
            quantity: quantity.units(),
            asked_hold_ms,
            hold_ms,
            channel: channel.raw(),
        };
        put(RESERVED, &body, out);
    } else if is_sale(&reserved.terms) {
        sale::encode(reserved, out);
    } else {
        put(ORDER_RESERVED, &order_body(reserved), out);
    }
}

/// As [`encode_reserved`], of an order that claims a discount. It doesn't wait.
#[inline]
fn encode_claimed(reserved: &Reserved, claim: Claim, out: &mut Vec<u8>) {
    debug_assert!(reserved.wait_ms == 0, "{reserved:?} waits and claims");
    if reserved.number.is_composite() || reserved.moves != 0 || !is_sale(&reserved.terms) {
        let claim = ClaimBody { budget: claim.budget.raw(), cents: claim.amount.raw() };
        put(ORDER_CLAIMED, &OrderClaimedBody { order: opened_body(reserved), claim }, out);
    } else {
        sale::encode(reserved, out);
    }
}

/// Whether these are a campaign's terms, and nothing else.
fn is_sale(terms: &Terms) -> bool {
    let Terms { campaign, price_version, tier, .. } = *terms;
    *terms == Terms { campaign, price_version, tier, ..Terms::default() }
}

/// Appends the record of an event about a part of an order, or about one that another takes the place of.
fn encode_part(event: &Event, out: &mut Vec<u8>) {
    match *event {
        Event::Superseded { number, by, at } => {
            put(SUPERSEDED, &SupersededBody { number: number.raw(), by: by.raw(), at: at.raw() }, out);
        }
        Event::Cut { number, units, amount, at } => {
            let body = CutBody { number: number.raw(), units, amount: amount.raw(), at: at.raw() };
            put(CUT, &body, out);
        }
        Event::LegHeld(LegHeld { order, line, user, channel, deadline, at }) => {
            let body = LegHeldBody {
                order: order.raw(),
                sku: line.sku.raw(),
                user: user.raw(),
                units: line.units,
                gifts: line.gifts,
                location: line.location,
                pool: line.pool,
                channel: channel.raw(),
                deadline: deadline.raw(),
                at: at.raw(),
            };
            put(LEG_HELD, &body, out);
        }
        Event::LegReleased(ref end) => put(LEG_RELEASED, &leg_body(end), out),
        Event::LegSold(ref end) => put(LEG_SOLD, &leg_body(end), out),
        Event::LegCut(ref end) => put(LEG_CUT, &leg_body(end), out),
        Event::LegDropped(ref end) => put(LEG_DROPPED, &leg_body(end), out),
        _ => debug_assert!(false, "{event:?} is about a whole order"),
    }
}

fn payment_body(number: OrderNumber, payment: PaymentId, amount: Amount, at: Timestamp) -> ConfirmedBody {
    ConfirmedBody { number: number.raw(), payment: payment.raw(), amount: amount.raw(), at: at.raw() }
}

fn deadline_body(number: OrderNumber, deadline: Timestamp, at: Timestamp) -> DeadlineBody {
    DeadlineBody { number: number.raw(), deadline: deadline.raw(), at: at.raw() }
}

fn channel_body(rules: &SetChannel, at: Timestamp) -> ChannelSetBody {
    ChannelSetBody {
        sku: rules.sku.raw(),
        channel: rules.channel.raw(),
        guarantee: rules.guarantee,
        cap: rules.cap.unwrap_or(u64::MAX),
        release_at: rules.release_at.map_or(u64::MAX, Timestamp::raw),
        by: rules.by,
        reason: rules.reason,
        at: at.raw(),
    }
}

fn leg_body(end: &LegEnd) -> LegEndBody {
    LegEndBody {
        order: end.order.raw(),
        sku: end.sku.raw(),
        user: end.user.raw(),
        units: end.units,
        channel: end.channel.raw(),
        at: end.at.raw(),
    }
}

fn opened_body(reserved: &Reserved) -> OrderOpenedBody {
    OrderOpenedBody { moves: reserved.moves, order: order_body(reserved) }
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
        lines: 1,
        line: LineBody {
            sku: reserved.sku.raw(),
            quantity: reserved.quantity.units(),
            location: terms.location,
            pool: terms.pool,
        },
    }
}
