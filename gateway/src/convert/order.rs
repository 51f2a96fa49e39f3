//! Orders, from their hold to their payment, between wire and ledger.

use doorbuster_engine::shard;
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use wire::{Answer, Code};

use super::{Aids, Ask, Asked, ask, bad, refusal, request_id, state};

/// A plain reserve.
pub(crate) fn reserve(asked: &wire::Reserve, first_attempt: bool, aids: &mut Aids<'_>) -> Asked {
    reserve_with(asked, None, first_attempt, aids)
}

/// A plain reserve, with a discount perhaps.
#[inline]
pub(super) fn reserve_with(
    asked: &wire::Reserve,
    claim: Option<ledger::Claim>,
    first_attempt: bool,
    aids: &mut Aids<'_>,
) -> Asked {
    let sku = ledger::SkuId::new(asked.sku);
    let reserve = ledger::Reserve {
        request: request_id(asked.request_id, aids),
        user: ledger::UserId::new(asked.user),
        sku,
        quantity: ledger::Quantity::new(asked.quantity).ok_or_else(|| bad(wire::Field::Quantity))?,
        amount: ledger::Amount::new(asked.amount),
        hold_ms: asked.hold_ms,
        channel: ledger::ChannelId::new(asked.channel),
        first_attempt,
        wait_ms: 0,
        claim,
        terms: ledger::Terms {
            campaign: asked.campaign,
            price_version: asked.price_version,
            tier: asked.tier,
            location: asked.location,
            pool: asked.pool,
            ..ledger::Terms::default()
        },
    };
    Ok(ask(ledger::PartitionId::of(sku), ledger::Command::Reserve(reserve)))
}

/// A reserve with a list of lines, in the place of another order or with a wish to wait.
pub(crate) fn reserve_order(asked: &wire::ReserveOrder, first_attempt: bool, aids: &mut Aids<'_>) -> Asked {
    let mark = aids.lines.len();
    let summed = sum(&asked.lines, aids.lines);
    let lines = aids.lines.get(mark..).unwrap_or_default();
    let (Ok(quantity), Some(first)) = (summed, lines.first().copied()) else {
        aids.lines.truncate(mark);
        return Err(summed.err().unwrap_or_else(|| bad(wire::Field::Lines)));
    };
    let count = u8::try_from(lines.len()).unwrap_or(u8::MAX);
    // Of several lines, each has its own.
    let (location, pool) = if count == 1 { (first.location, first.pool) } else { (0, 0) };
    let reserve = ledger::Reserve {
        request: request_id(asked.request_id, aids),
        user: ledger::UserId::new(asked.user),
        sku: first.sku,
        quantity,
        amount: ledger::Amount::new(asked.amount),
        hold_ms: asked.hold_ms,
        channel: ledger::ChannelId::new(asked.channel),
        first_attempt,
        wait_ms: asked.wait_ms,
        claim: None,
        terms: ledger::Terms {
            campaign: asked.campaign,
            price_version: asked.price_version,
            tier: asked.tier,
            location,
            pool,
            device: asked.device,
            address: asked.address,
            pay_account: asked.pay_account,
        },
    };
    if count == 1 && first.gifts == 0 && asked.supersedes == 0 {
        aids.lines.truncate(mark);
        return Ok(ask(ledger::PartitionId::of(first.sku), ledger::Command::Reserve(reserve)));
    }
    let supersedes = (asked.supersedes != 0).then(|| ledger::OrderNumber::new(asked.supersedes));
    Ok(Ask::Desk(ledger::Composite::Reserve { reserve, supersedes }, count))
}

/// Appends the lines, those of the same SKU summed, by SKU. Returns the sum of all units.
fn sum(asked: &[wire::Line], lines: &mut Vec<ledger::Line>) -> Result<ledger::Quantity, Answer> {
    let mark = lines.len();
    let mut units = 0_u32;
    for line in asked {
        let quantity = ledger::Quantity::new(line.quantity).ok_or_else(|| bad(wire::Field::Lines))?.units();
        units = units.checked_add(quantity).ok_or_else(|| bad(wire::Field::Quantity))?;
        let sku = ledger::SkuId::new(line.sku);
        let gifts = if line.gift == 0 { 0 } else { quantity };
        let known = lines.get_mut(mark..).unwrap_or_default().iter_mut().find(|known| known.sku == sku);
        match known {
            Some(known) if (known.location, known.pool) != (line.location, line.pool) => {
                return Err(bad(wire::Field::Lines));
            }
            // Less than the sum, which didn't overflow.
            Some(known) => {
                known.units = known.units.saturating_add(quantity);
                known.gifts = known.gifts.saturating_add(gifts);
            }
            None => {
                let (location, pool) = (line.location, line.pool);
                lines.push(ledger::Line { sku, units: quantity, gifts, location, pool });
            }
        }
    }
    lines.get_mut(mark..).unwrap_or_default().sort_unstable_by_key(|line| line.sku);
    ledger::Quantity::new(units).ok_or_else(|| bad(wire::Field::Lines))
}

/// Appends a list of units, by SKU. Each SKU may stand in it once.
pub(super) fn named(asked: &[wire::LineUnits], lines: &mut Vec<ledger::Line>) -> Result<u8, Answer> {
    let mark = lines.len();
    let line = |line: &wire::LineUnits| ledger::Line {
        sku: ledger::SkuId::new(line.sku),
        units: line.units,
        ..ledger::Line::default()
    };
    lines.extend(asked.iter().map(line));
    let own = lines.get_mut(mark..).unwrap_or_default();
    own.sort_unstable_by_key(|line| line.sku);
    let twice = own.iter().zip(own.iter().skip(1)).any(|(line, next)| line.sku == next.sku);
    let count = u8::try_from(own.len()).unwrap_or(u8::MAX);
    if twice {
        lines.truncate(mark);
        return Err(bad(wire::Field::Lines));
    }
    Ok(count)
}

pub(super) fn payment_id(bytes: [u8; 16]) -> ledger::PaymentId {
    ledger::PaymentId::new(u128::from_be_bytes(bytes))
}

/// A payment.
pub(crate) fn confirm(asked: &wire::Confirm) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let confirm = ledger::Confirm {
        order,
        user: ledger::UserId::new(asked.user),
        payment: payment_id(asked.payment_id),
        amount: ledger::Amount::new(asked.amount),
    };
    if order.is_composite() {
        return Ask::Desk(ledger::Composite::Confirm(confirm), 0);
    }
    ask(order.partition(), ledger::Command::Confirm(confirm))
}

/// A payment for a part of an order.
pub(crate) fn confirm_lines(asked: &wire::ConfirmLines, aids: &mut Aids<'_>) -> Asked {
    let confirm = ledger::Confirm {
        order: ledger::OrderNumber::new(asked.order),
        user: ledger::UserId::new(asked.user),
        payment: payment_id(asked.payment_id),
        amount: ledger::Amount::new(asked.amount),
    };
    Ok(Ask::Desk(ledger::Composite::Confirm(confirm), named(&asked.lines, aids.lines)?))
}

/// A hold given back.
pub(crate) fn cancel(asked: &wire::Cancel) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let user = ledger::UserId::new(asked.user);
    let cancel = ledger::Cancel { order, user, reason: asked.reason };
    if order.is_composite() {
        let amount = ledger::Amount::default();
        return Ask::Desk(ledger::Composite::Cancel { cancel, amount }, 0);
    }
    ask(order.partition(), ledger::Command::Cancel(cancel))
}

/// A part of a hold given back.
pub(crate) fn cancel_lines(asked: &wire::CancelLines, aids: &mut Aids<'_>) -> Asked {
    let cancel = ledger::Cancel {
        order: ledger::OrderNumber::new(asked.order),
        user: ledger::UserId::new(asked.user),
        reason: asked.reason,
    };
    let amount = ledger::Amount::new(asked.amount);
    Ok(Ask::Desk(ledger::Composite::Cancel { cancel, amount }, named(&asked.lines, aids.lines)?))
}

/// A payment that begins.
pub(crate) fn begin_pay(asked: &wire::BeginPay) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let begin = ledger::BeginPay {
        order,
        user: ledger::UserId::new(asked.user),
        payment: payment_id(asked.payment_id),
        class: if asked.slow == 0 { ledger::PayClass::Fast } else { ledger::PayClass::Slow },
    };
    ask(order.partition(), ledger::Command::BeginPay(begin))
}

/// A payment that came to nothing.
pub(crate) fn fail_pay(asked: &wire::FailPay) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let (user, payment) = (ledger::UserId::new(asked.user), payment_id(asked.payment_id));
    ask(order.partition(), ledger::Command::FailPay(ledger::FailPay { order, user, payment }))
}

/// A hold to be kept longer.
pub(crate) fn extend(asked: &wire::Extend) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let (user, until) = (ledger::UserId::new(asked.user), ledger::Timestamp::new(asked.until));
    ask(order.partition(), ledger::Command::Extend(ledger::Extend { order, user, until }))
}

/// An order to be read.
pub(crate) fn read_order(asked: &wire::ReadOrder) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let user = ledger::UserId::new(asked.user);
    Ask::Shard(order.partition(), shard::Request::ReadOrder { order, user })
}

/// An order to be watched: it is read first.
pub(crate) fn watch(asked: &wire::Watch) -> Ask {
    read_order(&wire::ReadOrder { order: asked.order, user: asked.user })
}

/// How an order stands that was to be watched.
pub(crate) fn watched(view: &wire::OrderView) -> Answer {
    Answer {
        code: view.code,
        state: view.state,
        order: view.order,
        at: view.expires_at,
        units: u64::from(view.quantity),
        ..Answer::default()
    }
}

/// A line of an order to be read.
pub(crate) fn read_line(asked: &wire::ReadLine) -> Ask {
    let order = ledger::OrderNumber::new(asked.order);
    let (user, nth) = (ledger::UserId::new(asked.user), asked.nth);
    Ask::Shard(order.partition(), shard::Request::ReadLine { order, user, nth })
}

/// An order that was read.
pub(crate) fn order(read: &Result<ledger::OrderSnapshot, ledger::Refusal>) -> wire::OrderView {
    match read {
        Err(refused) => wire::OrderView { code: refusal(refused).code, ..wire::OrderView::default() },
        Ok(order) => wire::OrderView {
            code: Code::Ok.number(),
            state: state(order.state).byte(),
            refunds: order.refunds,
            quantity: order.quantity,
            order: order.number.raw(),
            user: order.user.raw(),
            sku: order.sku.raw(),
            placed_at: order.placed_at.raw(),
            expires_at: order.deadline.raw(),
            ended_at: order.ended_at.map_or(0, ledger::Timestamp::raw),
            amount: order.amount.raw(),
            request_id: order.request.raw().to_be_bytes(),
            payment_id: order.payment.map_or([0; 16], |payment| payment.raw().to_be_bytes()),
            channel: order.channel.raw(),
            tier: 0,
            lines: u16::from(order.lines),
        },
    }
}

/// A line that was read.
pub(crate) fn line(read: &Result<ledger::LineSnapshot, ledger::Refusal>) -> wire::LineView {
    match read {
        Err(refused) => wire::LineView { code: refusal(refused).code, ..wire::LineView::default() },
        Ok(line) => wire::LineView {
            code: Code::Ok.number(),
            nth: line.nth,
            reserved: 0,
            ordered: line.ordered,
            order: line.number.raw(),
            sku: line.sku.raw(),
            units: line.units,
            gifts: line.gifts,
            location: line.location,
            pool: line.pool,
        },
    }
}
