//! Paid orders and goods, between wire and ledger.

use doorbuster_engine::shard::{AfterAnswer, ReadAfter, Request};
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use wire::{Answer, Code};

use super::{Aids, Ask, Asked, bad, named, payment_id, refusal, state};

fn goods_to(byte: u8) -> Option<ledger::Disposition> {
    Some(match wire::GoodsTo::from_byte(byte)? {
        wire::GoodsTo::Stock => ledger::Disposition::Restock,
        wire::GoodsTo::Quarantine => ledger::Disposition::Quarantine,
        wire::GoodsTo::Scrap => ledger::Disposition::Scrap,
    })
}

fn desk(command: ledger::AfterCommand, lines: u8) -> Ask {
    Ask::Desk(ledger::Composite::After(command), lines)
}

/// A step of a paid order.
pub(crate) fn advance(asked: &wire::Advance, aids: &mut Aids<'_>) -> Asked {
    // The record was checked; what it couldn't say is refused.
    let step = wire::Step::from_byte(asked.step).ok_or_else(|| bad(wire::Field::To))?;
    let advance = ledger::Advance {
        order: ledger::OrderNumber::new(asked.order),
        user: ledger::UserId::new(asked.user),
        step: match step {
            wire::Step::Fulfil => ledger::Step::Fulfil,
            wire::Step::Ship => ledger::Step::Ship,
            wire::Step::Deliver => ledger::Step::Deliver,
            wire::Step::Cancel => ledger::Step::Cancel,
            wire::Step::Return => {
                ledger::Step::Return(goods_to(asked.to).ok_or_else(|| bad(wire::Field::To))?)
            }
            wire::Step::Close => ledger::Step::Close,
        },
        reason: asked.reason,
        by: ledger::OperatorId::new(asked.by),
    };
    Ok(desk(ledger::AfterCommand::Advance(advance), named(&asked.lines, aids.lines)?))
}

/// Money that went back.
pub(crate) fn refund(asked: &wire::Refund) -> Ask {
    let refund = ledger::Refund {
        order: ledger::OrderNumber::new(asked.order),
        user: ledger::UserId::new(asked.user),
        payment: payment_id(asked.payment_id),
        refund: ledger::RefundId::new(u128::from_be_bytes(asked.refund_id)),
        amount: ledger::Amount::new(asked.amount),
        reason: asked.reason,
        by: ledger::OperatorId::new(asked.by),
    };
    desk(ledger::AfterCommand::Refund(refund), 0)
}

/// Units that were counted.
pub(crate) fn set_on_hand(asked: &wire::SetOnHand) -> Ask {
    let count = ledger::Count {
        sku: ledger::SkuId::new(asked.sku),
        on_hand: asked.on_hand,
        as_of: ledger::Timestamp::new(asked.as_of),
        expected: (asked.expected != u64::MAX).then_some(asked.expected),
        reason: asked.reason,
        by: ledger::OperatorId::new(asked.by),
    };
    desk(ledger::AfterCommand::Count(count), 0)
}

/// Units that leave quarantine.
pub(crate) fn inspect(asked: &wire::Inspect) -> Asked {
    let inspect = ledger::Inspect {
        sku: ledger::SkuId::new(asked.sku),
        units: asked.units,
        to: goods_to(asked.to).ok_or_else(|| bad(wire::Field::To))?,
        expected: asked.expected,
        reason: asked.reason,
        by: ledger::OperatorId::new(asked.by),
    };
    Ok(desk(ledger::AfterCommand::Inspect(inspect), 0))
}

/// A paid order to be read.
pub(crate) fn read_progress(asked: &wire::ReadProgress) -> Ask {
    let (order, user) = (ledger::OrderNumber::new(asked.order), ledger::UserId::new(asked.user));
    let read = ReadAfter::Progress { order, user, nth: asked.nth };
    Ask::Shard(order.partition(), Request::ReadAfter(read))
}

/// Goods to be read.
pub(crate) fn read_goods(asked: wire::ReadGoods) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    Ask::Shard(ledger::PartitionId::of(sku), Request::ReadAfter(ReadAfter::Goods { sku }))
}

/// Orders with missing units to be read.
pub(crate) fn read_shortfall(asked: &wire::ReadShortfall) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let after = (ledger::Timestamp::new(asked.paid_at), ledger::OrderNumber::new(asked.order));
    Ask::Shard(ledger::PartitionId::of(sku), Request::ReadAfter(ReadAfter::Shortfall { sku, after }))
}

/// Where a paid order stands.
pub(super) fn after_state(state: ledger::AfterState) -> wire::OrderState {
    match state {
        ledger::AfterState::Fulfilling => wire::OrderState::Fulfilling,
        ledger::AfterState::PartShipped => wire::OrderState::PartShipped,
        ledger::AfterState::Shipped => wire::OrderState::Shipped,
        ledger::AfterState::Delivered => wire::OrderState::Delivered,
        ledger::AfterState::Closed => wire::OrderState::Closed,
        ledger::AfterState::Shortfall => wire::OrderState::Shortfall,
        ledger::AfterState::RefundDue => wire::OrderState::RefundDue,
        ledger::AfterState::Refunded => wire::OrderState::Refunded,
    }
}

/// The answer to a command that took effect.
pub(super) fn after_outcome(outcome: &ledger::AfterOutcome) -> Answer {
    let order_answer = |order: ledger::OrderNumber, stands, units| Answer {
        state: state(stands).byte(),
        order: order.raw(),
        units,
        ..Answer::of(Code::Ok)
    };
    match *outcome {
        ledger::AfterOutcome::Advanced { order, state, units } => order_answer(order, state, units.into()),
        ledger::AfterOutcome::PaidBack { order, state, left } => order_answer(order, state, left.raw()),
        ledger::AfterOutcome::Counted { short, .. } => Answer { units: short, ..Answer::of(Code::Ok) },
        ledger::AfterOutcome::Inspected { quarantine } => {
            Answer { units: quarantine, ..Answer::of(Code::Ok) }
        }
        ledger::AfterOutcome::Named => Answer::of(Code::Ok),
    }
}

/// The answer to a command that changed nothing.
pub(super) fn after_refusal(refusal: &ledger::AfterRefusal) -> Answer {
    use ledger::AfterRefusal as R;
    let left = |code, units: u64| Answer { units, ..Answer::of(code) };
    match *refusal {
        R::OrderState { state: stands } => {
            Answer { state: state(stands).byte(), ..Answer::of(Code::OrderState) }
        }
        R::ShipExceeds { left: units } => left(Code::ShipExceeds, units.into()),
        R::CancelExceeds { left: units } => left(Code::CancelExceeds, units.into()),
        R::ReturnExceeds { left: units } => left(Code::ReturnExceeds, units.into()),
        R::ReturnWindow { until } => Answer { at: until.raw(), ..Answer::of(Code::ReturnWindow) },
        R::RefundExceeds { left: amount } => left(Code::RefundExceeds, amount.raw()),
        R::NoSuchPayment => Answer::of(Code::NoSuchPayment),
        R::RefundDiffers => Answer::of(Code::RefundDiffers),
        R::Shortfall { units } => left(Code::Shortfall, units),
        R::StaleWatermark { latest } => Answer { at: latest.raw(), ..Answer::of(Code::StaleWatermark) },
    }
}

/// What was read.
pub(crate) enum View {
    Progress(wire::ProgressView),
    Goods(wire::GoodsView),
    Shortfall(wire::ShortfallView),
}

/// What was read of paid orders and goods.
pub(crate) fn read(read: &AfterAnswer) -> View {
    match read {
        AfterAnswer::Progress(read) => View::Progress(progress(read)),
        AfterAnswer::Goods(read) => View::Goods(goods(read.as_ref())),
        AfterAnswer::Shortfall(sku, read) => View::Shortfall(shortfall(*sku, read.as_ref())),
    }
}

fn progress(read: &Result<ledger::ProgressSnapshot, ledger::Refusal>) -> wire::ProgressView {
    match read {
        Err(refused) => wire::ProgressView { code: refusal(refused).code, ..wire::ProgressView::default() },
        Ok(read) => wire::ProgressView {
            code: Code::Ok.number(),
            state: state(read.state).byte(),
            nth: read.nth,
            units: read.units,
            order: read.order.raw(),
            sku: read.sku.raw(),
            paid_at: read.paid_at.raw(),
            delivered_at: read.delivered_at.map_or(0, ledger::Timestamp::raw),
            return_until: read.return_until.map_or(0, ledger::Timestamp::raw),
            paid: read.paid.raw(),
            refunded: read.refunded.raw(),
            shipped: read.shipped,
            cancelled: read.cancelled,
            returned: read.returned,
            short: read.short,
        },
    }
}

fn goods(read: Option<&ledger::GoodsSnapshot>) -> wire::GoodsView {
    match read {
        None => wire::GoodsView { code: Code::UnknownSku.number(), ..wire::GoodsView::default() },
        Some(goods) => wire::GoodsView {
            code: Code::Ok.number(),
            reserved: 0,
            sku: goods.sku.raw(),
            on_hand: goods.on_hand,
            allocated: goods.allocated,
            shipped: goods.shipped,
            quarantine: goods.quarantine,
            scrapped: goods.scrapped,
            counted: goods.counted,
            short: goods.short,
            named: goods.named,
            watermark: goods.watermark.raw(),
        },
    }
}

fn shortfall(sku: ledger::SkuId, read: Option<&ledger::ShortPage>) -> wire::ShortfallView {
    let Some(page) = read else {
        return wire::ShortfallView { code: Code::UnknownSku.number(), ..wire::ShortfallView::default() };
    };
    let order = |order: ledger::ShortOrder| wire::ShortOrder {
        paid_at: order.paid_at.raw(),
        order: order.order.raw(),
        units: order.units,
    };
    wire::ShortfallView {
        code: Code::Ok.number(),
        count: page.count,
        reserved: 0,
        sku: sku.raw(),
        short: page.short,
        named: page.named,
        orders: page.orders.map(order),
    }
}
