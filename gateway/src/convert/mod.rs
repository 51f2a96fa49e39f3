//! The boundary between wire types and ledger types. Raw numbers become checked ones here, or a refusal.

mod campaign;

pub(crate) use campaign::{
    bind_sku, campaign, phase, price, put_phase, put_price, read_campaign, read_phase, read_price,
    set_campaign, set_limits,
};
pub(crate) mod budget;

pub(crate) mod after;

use doorbuster_engine::shard;
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use wire::{Answer, Code};

/// What an operation of the wire turns into.
pub(crate) type Asked = Result<Ask, Answer>;

/// Who is to decide, and what.
pub(crate) enum Ask {
    /// The shard of this partition.
    Shard(ledger::PartitionId, shard::Request),
    /// Several shards together; the lines, so many, are the last of [`Aids::lines`].
    Desk(ledger::Composite, u8),
    /// All shards together, to be read.
    All(shard::Request),
    /// As `Desk`, with a coupon perhaps.
    WithCoupon(ledger::Composite, u8, Option<ledger::CouponId>),
    /// All shards together; the funders, so many, are the last of [`Aids::funders`].
    Budget(ledger::BudgetCommand, u8),
}

/// What a conversion may need besides the operation.
pub(crate) struct Aids<'a> {
    /// An id as the server makes one for a client that sent none.
    pub(crate) fresh: &'a mut dyn FnMut() -> ledger::RequestId,
    /// Takes the lines of orders that have several.
    pub(crate) lines: &'a mut Vec<ledger::Line>,
    /// Takes the funders of budgets.
    pub(crate) funders: &'a mut Vec<ledger::Funder>,
}

fn bad(field: wire::Field) -> Answer {
    Answer { field: field.byte(), ..Answer::of(Code::BadRequest) }
}

fn ask(partition: ledger::PartitionId, command: ledger::Command) -> Ask {
    Ask::Shard(partition, shard::Request::Command(command))
}

fn request_id(bytes: wire::RequestId, aids: &mut Aids<'_>) -> ledger::RequestId {
    if bytes == [0; 16] { (aids.fresh)() } else { ledger::RequestId::new(u128::from_be_bytes(bytes)) }
}

/// A plain reserve.
pub(crate) fn reserve(asked: &wire::Reserve, first_attempt: bool, aids: &mut Aids<'_>) -> Asked {
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
        claim: None,
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
fn named(asked: &[wire::LineUnits], lines: &mut Vec<ledger::Line>) -> Result<u8, Answer> {
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

fn payment_id(bytes: [u8; 16]) -> ledger::PaymentId {
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

/// A SKU set up.
pub(crate) fn put_sku(asked: &wire::PutSku) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let put = ledger::PutSku {
        sku,
        units: asked.units,
        user_limit: asked.user_limit,
        order_limit: asked.order_limit,
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::PutSku(put))
}

/// Units brought in or withdrawn.
pub(crate) fn restock(asked: &wire::Restock, aids: &mut Aids<'_>) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let restock = ledger::Restock {
        request: request_id(asked.request_id, aids),
        sku,
        units: asked.units,
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::Restock(restock))
}

/// What a channel may have.
pub(crate) fn set_channel(asked: &wire::SetChannel) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let set = ledger::SetChannel {
        sku,
        channel: ledger::ChannelId::new(asked.channel),
        guarantee: asked.guarantee,
        cap: (asked.cap != u64::MAX).then_some(asked.cap),
        release_at: (asked.release_at != 0).then(|| ledger::Timestamp::new(asked.release_at)),
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::SetChannel(set))
}

/// A part of a guarantee for another channel.
pub(crate) fn rebalance(asked: &wire::Rebalance) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let rebalance = ledger::Rebalance {
        sku,
        from: ledger::ChannelId::new(asked.from),
        to: ledger::ChannelId::new(asked.to),
        units: asked.units,
        keep: asked.keep,
        expected: asked.expected,
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::Rebalance(rebalance))
}

/// A channel to be read.
pub(crate) fn read_channel(asked: &wire::ReadChannel) -> Ask {
    let (sku, channel) = (ledger::SkuId::new(asked.sku), ledger::ChannelId::new(asked.channel));
    Ask::Shard(ledger::PartitionId::of(sku), shard::Request::ReadChannel { sku, channel })
}

/// A SKU's channels to be listed.
pub(crate) fn read_channels(asked: &wire::ReadChannels) -> Ask {
    let (sku, first) = (ledger::SkuId::new(asked.sku), ledger::ChannelId::new(asked.first));
    Ask::Shard(ledger::PartitionId::of(sku), shard::Request::ReadChannels { sku, first })
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

/// A SKU to be read.
pub(crate) fn read_stock(asked: wire::ReadStock) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    Ask::Shard(ledger::PartitionId::of(sku), shard::Request::ReadStock { sku })
}

fn state(state: ledger::OrderState) -> wire::OrderState {
    match state {
        ledger::OrderState::Held => wire::OrderState::Held,
        ledger::OrderState::Confirmed => wire::OrderState::Confirmed,
        ledger::OrderState::Cancelled => wire::OrderState::Cancelled,
        ledger::OrderState::Expired => wire::OrderState::Expired,
        ledger::OrderState::Restocked => wire::OrderState::Restocked,
        ledger::OrderState::Paying => wire::OrderState::Paying,
        ledger::OrderState::Superseded => wire::OrderState::Superseded,
        ledger::OrderState::Waiting => wire::OrderState::Waiting,
        ledger::OrderState::Lapsed => wire::OrderState::Lapsed,
        ledger::OrderState::After(after) => after::after_state(after),
    }
}

fn field(field: ledger::Field) -> u8 {
    let field = match field {
        ledger::Field::RequestId => wire::Field::RequestId,
        ledger::Field::User => wire::Field::User,
        ledger::Field::Quantity => wire::Field::Quantity,
        ledger::Field::HoldMs => wire::Field::HoldMs,
        ledger::Field::Amount => wire::Field::Amount,
        ledger::Field::Channel => wire::Field::Channel,
        ledger::Field::Terms => wire::Field::Attributes,
        ledger::Field::Units => wire::Field::Units,
        ledger::Field::UserLimit => wire::Field::UserLimit,
        ledger::Field::OrderLimit => wire::Field::OrderLimit,
        ledger::Field::Reason => wire::Field::Reason,
        ledger::Field::PaymentId => wire::Field::PaymentId,
        ledger::Field::Supersedes => wire::Field::Supersedes,
        ledger::Field::WaitMs => wire::Field::WaitMs,
        ledger::Field::Lines => wire::Field::Lines,
        ledger::Field::Guarantee => wire::Field::Guarantee,
        ledger::Field::Cap => wire::Field::Cap,
        ledger::Field::Campaign => wire::Field::Campaign,
        ledger::Field::Plan => wire::Field::Plan,
        ledger::Field::PriceVersion => wire::Field::PriceVersion,
        ledger::Field::Price => wire::Field::Price,
        ledger::Field::AsOf => wire::Field::AsOf,
        ledger::Field::OnHand => wire::Field::OnHand,
        ledger::Field::RefundId => wire::Field::RefundId,
        ledger::Field::Disposition => wire::Field::To,
        ledger::Field::Budget => wire::Field::Budget,
        ledger::Field::Discount => wire::Field::Discount,
        ledger::Field::Coupon => wire::Field::Coupon,
        ledger::Field::Funders => wire::Field::Funders,
        ledger::Field::Funded => wire::Field::Funded,
        ledger::Field::Serials => wire::Field::Serials,
        ledger::Field::Uses => wire::Field::Uses,
        ledger::Field::Validity => wire::Field::Validity,
    };
    field.byte()
}

/// The answer to a command.
pub(crate) fn outcome(outcome: &ledger::Outcome) -> Answer {
    match *outcome {
        ledger::Outcome::Reserved { order, deadline } => Answer {
            state: wire::OrderState::Held.byte(),
            order: order.raw(),
            at: deadline.raw(),
            ..Answer::of(Code::Ok)
        },
        ledger::Outcome::Confirmed { order } => {
            Answer { state: wire::OrderState::Confirmed.byte(), order: order.raw(), ..Answer::of(Code::Ok) }
        }
        ledger::Outcome::Waitlisted { order, deadline, ahead } => Answer {
            state: wire::OrderState::Waiting.byte(),
            order: order.raw(),
            at: deadline.raw(),
            units: u64::from(ahead),
            ..Answer::of(Code::Waitlisted)
        },
        ledger::Outcome::Reacquired { order } => Answer {
            state: wire::OrderState::Confirmed.byte(),
            order: order.raw(),
            ..Answer::of(Code::Reacquired)
        },
        ledger::Outcome::RefundRequired { order, state: stands } => {
            Answer { state: state(stands).byte(), order: order.raw(), ..Answer::of(Code::RefundRequired) }
        }
        ledger::Outcome::Kept { order, state: stands, deadline } => Answer {
            state: state(stands).byte(),
            order: order.raw(),
            at: deadline.raw(),
            ..Answer::of(Code::Ok)
        },
        ledger::Outcome::Cancelled { order } => {
            Answer { state: wire::OrderState::Cancelled.byte(), order: order.raw(), ..Answer::of(Code::Ok) }
        }
        ledger::Outcome::SkuPut | ledger::Outcome::ChannelSet | ledger::Outcome::CampaignSet => {
            Answer::of(Code::Ok)
        }
        ledger::Outcome::BudgetSet { left } => Answer { units: left, ..Answer::of(Code::Ok) },
        ledger::Outcome::Rebalanced { units } => Answer { units, ..Answer::of(Code::Ok) },
        ledger::Outcome::Restocked { order, available } => Answer {
            state: wire::OrderState::Restocked.byte(),
            order: order.raw(),
            units: available,
            ..Answer::of(Code::Ok)
        },
        ledger::Outcome::Replayed { order, state: was, deadline } => Answer {
            state: was.map_or(0, |was| state(was).byte()),
            order: order.map_or(0, ledger::OrderNumber::raw),
            at: deadline.raw(),
            ..Answer::of(Code::Replayed)
        },
        ledger::Outcome::After(ref done) => after::after_outcome(done),
        ledger::Outcome::Refused(refused) => refusal(&refused),
        ledger::Outcome::LineRefused { sku, refusal: refused } => {
            Answer { field: wire::Field::Lines.byte(), order: sku.raw(), ..refusal(&refused) }
        }
    }
}

/// The answer to a command that changed nothing.
pub(crate) fn refusal(refusal: &ledger::Refusal) -> Answer {
    use ledger::Refusal as R;
    match *refusal {
        R::SoldOut { holds, next_expiry } => Answer {
            at: next_expiry.map_or(0, ledger::Timestamp::raw),
            units: u64::from(holds),
            ..Answer::of(Code::SoldOut)
        },
        R::Insufficient { available } => Answer { units: available, ..Answer::of(Code::Insufficient) },
        R::UnknownSku => Answer::of(Code::UnknownSku),
        R::SkuExists { field: which } => Answer { field: field(which), ..Answer::of(Code::SkuExists) },
        R::UserLimit { left } => Answer { units: u64::from(left), ..Answer::of(Code::UserLimit) },
        R::GroupLimit { left } => Answer { units: u64::from(left), ..Answer::of(Code::GroupLimit) },
        R::OrderLimit { limit } => Answer { units: u64::from(limit), ..Answer::of(Code::OrderLimit) },
        R::IdempotencyConflict { order, field: which } => {
            Answer { field: field(which), order: order.raw(), ..Answer::of(Code::IdempotencyConflict) }
        }
        R::IdTooOld { window_ms } => Answer { units: window_ms, ..Answer::of(Code::IdTooOld) },
        R::IdFromFuture => Answer::of(Code::IdFromFuture),
        R::Invalid { field: which } => Answer { field: field(which), ..Answer::of(Code::BadRequest) },
        R::NoSuchOrder => Answer::of(Code::NoSuchOrder),
        R::OwnerMismatch => Answer::of(Code::OwnerMismatch),
        R::HoldExpired { deadline } => Answer { at: deadline.raw(), ..Answer::of(Code::HoldExpired) },
        R::AlreadyConfirmed => Answer::of(Code::AlreadyConfirmed),
        R::AlreadyCancelled => Answer::of(Code::AlreadyCancelled),
        R::AlreadyWaiting { order } => Answer { order: order.raw(), ..Answer::of(Code::AlreadyWaiting) },
        R::WaitlistFull => Answer::of(Code::WaitlistFull),
        R::StillWaiting { deadline } => Answer { at: deadline.raw(), ..Answer::of(Code::StillWaiting) },
        R::PaymentUnderWay { deadline } => Answer { at: deadline.raw(), ..Answer::of(Code::PaymentUnderWay) },
        R::ExtendLimit { latest } => Answer { at: latest.raw(), ..Answer::of(Code::ExtendLimit) },
        R::AmountMismatch { due } => Answer { units: due.raw(), ..Answer::of(Code::AmountMismatch) },
        R::ChannelExhausted { left } => Answer { units: left, ..Answer::of(Code::ChannelExhausted) },
        R::OverAllotted { left } => Answer { units: left, ..Answer::of(Code::OverAllotted) },
        R::TooLate => Answer::of(Code::TooLate),
        R::CasMismatch { found } => Answer { units: found, ..Answer::of(Code::CasMismatch) },
        R::ExceedsHeld { held } => Answer { units: u64::from(held), ..Answer::of(Code::ExceedsHeld) },
        R::NotStarted { starts_at, now } => Answer {
            at: starts_at.map_or(0, ledger::Timestamp::raw),
            units: starts_at.map_or(0, |starts_at| starts_at.since(now)),
            ..Answer::of(Code::NotStarted)
        },
        R::Ended => Answer::of(Code::Ended),
        R::Paused => Answer::of(Code::Paused),
        R::TierRequired { tier, open_at } => Answer {
            at: open_at.map_or(0, ledger::Timestamp::raw),
            units: u64::from(tier),
            ..Answer::of(Code::TierRequired)
        },
        R::ChannelClosed => Answer::of(Code::ChannelClosed),
        R::PriceChanged { version } => Answer { units: u64::from(version), ..Answer::of(Code::PriceChanged) },
        R::PriceOutOfBounds { bound } => Answer { units: bound.raw(), ..Answer::of(Code::PriceOutOfBounds) },
        R::VersionExists { field: which } => {
            Answer { field: field(which), ..Answer::of(Code::VersionExists) }
        }
        R::NoSuchCampaign => Answer::of(Code::NoSuchCampaign),
        R::PlanIncomplete { nth } => Answer { units: u64::from(nth), ..Answer::of(Code::PlanIncomplete) },
        R::NoSuchLine => Answer::of(Code::NoSuchLine),
        R::SeveralSkus => Answer::of(Code::SeveralSkus),
        R::After(ref refused) => after::after_refusal(refused),
        R::CapacityExceeded => Answer::of(Code::CapacityExceeded),
        R::Budget(ref refused) => budget::refusal(refused),
    }
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

/// A channel that was read.
pub(crate) fn channel(read: Option<&ledger::ChannelSnapshot>) -> wire::ChannelView {
    match read {
        None => wire::ChannelView { code: Code::UnknownSku.number(), ..wire::ChannelView::default() },
        Some(channel) => wire::ChannelView {
            code: Code::Ok.number(),
            channel: channel.channel.raw(),
            reserved: 0,
            sku: channel.sku.raw(),
            guarantee: channel.guarantee,
            cap: channel.cap.unwrap_or(u64::MAX),
            release_at: channel.release_at.map_or(0, ledger::Timestamp::raw),
            taken: channel.taken,
            available: channel.available,
        },
    }
}

/// A list of channels that was read.
pub(crate) fn channels(read: Option<&ledger::ChannelPage>) -> wire::ChannelsView {
    match read {
        None => wire::ChannelsView { code: Code::UnknownSku.number(), ..wire::ChannelsView::default() },
        Some(page) => wire::ChannelsView {
            code: Code::Ok.number(),
            count: page.count,
            more: page.more.into(),
            sku: page.sku.raw(),
            channels: page.channels.map(ledger::ChannelId::raw),
        },
    }
}

/// A SKU that was read.
pub(crate) fn stock(read: Option<&ledger::StockSnapshot>) -> wire::StockView {
    match read {
        None => wire::StockView { code: Code::UnknownSku.number(), ..wire::StockView::default() },
        Some(stock) => wire::StockView {
            code: Code::Ok.number(),
            reserved: 0,
            user_limit: stock.user_limit,
            order_limit: stock.order_limit,
            holds: stock.holds,
            sku: stock.sku.raw(),
            available: stock.available,
            held: stock.held,
            sold: stock.sold,
            stocked: stock.stocked,
            next_expiry: stock.next_expiry.map_or(0, ledger::Timestamp::raw),
            waiting: stock.waiting,
        },
    }
}
