//! Bytes to events: nothing is taken on trust.

use bincode::Decode;
use doorbuster_ledger::{
    Amount, BudgetId, ChannelId, Claim, Digest, Event, LegEnd, LegHeld, Line, OrderNumber, PaymentId,
    Quantity, RequestId, Reserved, SetChannel, SkuId, Terms, Timestamp, UserId,
};

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the names of every kind and body alone")
)]
use super::bodies::*;
use super::{LAYOUT, Record, RecordError, after, budget, campaign, sale};

/// Reads the record at the front of `input`; returns it and the bytes that it took. Never panics, whatever the bytes.
///
/// # Errors
/// See [`RecordError`].
#[inline]
pub fn decode(input: &[u8]) -> Result<(Record, usize), RecordError> {
    let Some((&kind, rest)) = input.split_first() else { return Err(RecordError::Malformed { kind: 0 }) };
    let (record, used) = match kind {
        RESERVED => take(kind, rest).and_then(|(body, used)| Ok((reserved(kind, &body)?, used)))?,
        SALE_RESERVED => {
            take(kind, rest).and_then(|(body, used)| Ok((placed(sale_reserved(kind, &body)?), used)))?
        }
        SALE_CLAIMED => take(kind, rest).and_then(|(body, used): (SaleClaimedBody, usize)| {
            let claim = claimed(kind, &body.claim)?;
            Ok((placed(Reserved { claim, ..sale_reserved(kind, &body.order)? }), used))
        })?,
        sale::SALE | sale::DISCOUNTED_SALE => sale::decode(kind, rest)?,
        ORDER_RESERVED | WAITLISTED | ORDER_OPENED | ORDER_CLAIMED => order(kind, rest)?,
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
        CHANNEL_SET => take(kind, rest).map(|(body, used)| (Record::Event(channel_set(&body)), used))?,
        REBALANCED => take(kind, rest).map(|(body, used)| (Record::Event(rebalanced(&body)), used))?,
        SUPERSEDED | CUT | LEG_HELD | LEG_RELEASED | LEG_SOLD | LEG_CUT | LEG_DROPPED => part(kind, rest)?,
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
                by: body.by,
                reason: body.reason,
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
                by: body.by,
                reason: body.reason,
                at: Timestamp::new(body.at),
            };
            (Record::Event(event), used)
        })?,
        campaign::FIRST..=campaign::LAST | campaign::FREEZE_SET => campaign::decode(kind, rest)?,
        GRACE_GRANTED => take(kind, rest).map(|(body, used): (GraceGrantedBody, usize)| {
            let (until, at) = (Timestamp::new(body.until), Timestamp::new(body.at));
            (Record::Event(Event::GraceGranted { until, at }), used)
        })?,
        CHECKPOINT => take(kind, rest).map(|(body, used): (CheckpointBody, usize)| {
            (Record::Checkpoint { digest: Digest::new(body.digest), at: Timestamp::new(body.at) }, used)
        })?,
        after::FIRST..=after::LAST => after::decode(kind, rest)?,
        budget::FIRST..=budget::LAST => budget::decode(kind, rest)?,
        kind => return Err(RecordError::UnknownKind { kind }),
    };
    Ok((record, used.saturating_add(1)))
}

pub(crate) fn take<B: Decode<()>>(kind: u8, rest: &[u8]) -> Result<(B, usize), RecordError> {
    bincode::decode_from_slice(rest, LAYOUT).map_err(|_| RecordError::Malformed { kind })
}

/// Reads a record of an order that says more than those of a crowd do.
fn order(kind: u8, rest: &[u8]) -> Result<(Record, usize), RecordError> {
    let (reserved, used) = match kind {
        WAITLISTED => {
            let (body, used): (WaitlistedBody, _) = take(kind, rest)?;
            if body.wait_ms == 0 {
                return Err(RecordError::Impossible { kind, field: "wait" });
            }
            let placed = order_reserved(kind, &body.order)?;
            // An order of several lines never waits: it gets all of them or none.
            if placed.number.is_composite() {
                return Err(RecordError::Impossible { kind, field: "number" });
            }
            (Reserved { wait_ms: body.wait_ms, ..placed }, used)
        }
        ORDER_OPENED => {
            let (body, used) = take(kind, rest)?;
            (order_opened(kind, &body)?, used)
        }
        ORDER_CLAIMED => {
            let (body, used): (OrderClaimedBody, _) = take(kind, rest)?;
            let claim = claimed(kind, &body.claim)?;
            (Reserved { claim, ..order_opened(kind, &body.order)? }, used)
        }
        _ => {
            let (body, used) = take(kind, rest)?;
            (order_reserved(kind, &body)?, used)
        }
    };
    Ok((placed(reserved), used))
}

fn placed(reserved: Reserved) -> Record {
    Record::Event(Event::Reserved(reserved))
}

fn reserved(kind: u8, body: &ReservedBody) -> Result<Record, RecordError> {
    Ok(placed(Reserved {
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
        moves: 0,
        wait_ms: 0,
        terms: Terms::default(),
        claim: None,
    }))
}

#[inline]
fn sale_reserved(kind: u8, body: &SaleReservedBody) -> Result<Reserved, RecordError> {
    let SaleReservedBody { campaign, price_version, tier, .. } = *body;
    Ok(Reserved {
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
        moves: 0,
        wait_ms: 0,
        terms: Terms { campaign, price_version, tier, ..Terms::default() },
        claim: None,
    })
}

/// What an order claims.
#[inline]
fn claimed(kind: u8, body: &ClaimBody) -> Result<Option<Claim>, RecordError> {
    let budget = BudgetId::new(body.budget).ok_or(RecordError::Impossible { kind, field: "budget" })?;
    Ok(Some(Claim { budget, amount: Amount::new(body.cents) }))
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

/// Reads a record about a part of an order, or about one that another takes the place of.
fn part(kind: u8, rest: &[u8]) -> Result<(Record, usize), RecordError> {
    Ok(match kind {
        SUPERSEDED => take(kind, rest).map(|(body, used): (SupersededBody, usize)| {
            let (number, by) = (OrderNumber::new(body.number), OrderNumber::new(body.by));
            (Record::Event(Event::Superseded { number, by, at: Timestamp::new(body.at) }), used)
        })?,
        CUT => take(kind, rest).map(|(body, used): (CutBody, usize)| {
            let (number, amount) = (OrderNumber::new(body.number), Amount::new(body.amount));
            let event = Event::Cut { number, units: body.units, amount, at: Timestamp::new(body.at) };
            (Record::Event(event), used)
        })?,
        LEG_HELD => take(kind, rest).map(|(body, used)| (Record::Event(leg_held(&body)), used))?,
        _ => take(kind, rest).map(|(body, used): (LegEndBody, usize)| {
            let end = LegEnd {
                order: OrderNumber::new(body.order),
                sku: SkuId::new(body.sku),
                user: UserId::new(body.user),
                units: body.units,
                channel: ChannelId::new(body.channel),
                at: Timestamp::new(body.at),
            };
            let event = match kind {
                LEG_SOLD => Event::LegSold(end),
                LEG_CUT => Event::LegCut(end),
                LEG_DROPPED => Event::LegDropped(end),
                _ => Event::LegReleased(end),
            };
            (Record::Event(event), used)
        })?,
    })
}

fn rebalanced(body: &RebalancedBody) -> Event {
    Event::Rebalanced {
        sku: SkuId::new(body.sku),
        from: ChannelId::new(body.from),
        to: ChannelId::new(body.to),
        units: body.units,
        by: body.by,
        reason: body.reason,
        at: Timestamp::new(body.at),
    }
}

fn channel_set(body: &ChannelSetBody) -> Event {
    let some = |number: u64| (number != u64::MAX).then_some(number);
    let rules = SetChannel {
        sku: SkuId::new(body.sku),
        channel: ChannelId::new(body.channel),
        guarantee: body.guarantee,
        cap: some(body.cap),
        release_at: some(body.release_at).map(Timestamp::new),
        by: body.by,
        reason: body.reason,
    };
    Event::ChannelSet { rules, at: Timestamp::new(body.at) }
}

fn leg_held(body: &LegHeldBody) -> Event {
    let line = Line {
        sku: SkuId::new(body.sku),
        units: body.units,
        gifts: body.gifts,
        location: body.location,
        pool: body.pool,
    };
    Event::LegHeld(LegHeld {
        order: OrderNumber::new(body.order),
        line,
        user: UserId::new(body.user),
        channel: ChannelId::new(body.channel),
        deadline: Timestamp::new(body.deadline),
        at: Timestamp::new(body.at),
    })
}

fn order_reserved(kind: u8, body: &OrderReservedBody) -> Result<Reserved, RecordError> {
    let line = &body.line;
    if body.lines != 1 {
        return Err(RecordError::Impossible { kind, field: "number of lines" });
    }
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
        moves: 0,
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
        claim: None,
    })
}

fn order_opened(kind: u8, body: &OrderOpenedBody) -> Result<Reserved, RecordError> {
    Ok(Reserved { moves: body.moves, ..order_reserved(kind, &body.order)? })
}
