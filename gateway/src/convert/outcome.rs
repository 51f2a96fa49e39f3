//! What commands came to, as answers on the wire.

use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use wire::{Answer, Code};

use super::{after, budget};

/// Where an order stands.
pub(super) fn state(state: ledger::OrderState) -> wire::OrderState {
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

/// The byte of a field.
pub(super) fn field(field: ledger::Field) -> u8 {
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
        R::Frozen => Answer::of(Code::SkuFrozen),
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
