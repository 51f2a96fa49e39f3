//! Entries of an image as bytes: one byte for the kind, then the fields in order, as in the log's records.
//!
//! The kinds and fields of version 1 never change; what is added later gets a new kind. `docs/durability.md` has the
//! table.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub(super) use decode::decode;
pub(super) use encode::encode;

use doorbuster_ledger::{OrderState, PaymentKind};

const NOW: u8 = 1;
const PHASE: u8 = 2;
const CAMPAIGN: u8 = 3;
const COUNTED: u8 = 4;
const BUDGET: u8 = 5;
const FUNDER: u8 = 6;
const BANK: u8 = 7;
const SLICE: u8 = 8;
const BATCH: u8 = 9;
const COUPON: u8 = 10;
const SKU: u8 = 11;
const PRICE: u8 = 12;
const BOUND: u8 = 13;
const CHANNEL: u8 = 14;
const GOODS: u8 = 15;
const MISSING: u8 = 16;
const ORDER: u8 = 17;
const PAYMENT: u8 = 18;
const LEG: u8 = 19;
const ASKED: u8 = 20;
const PROGRESS: u8 = 21;
const LINE_PROGRESS: u8 = 22;
const PAYBACK: u8 = 23;
const UNITS: u8 = 24;
const SEQUENCE: u8 = 25;
const POSTED: u8 = 26;

/// Stands for "none" where a time or a number of units may be missing.
const NONE: u64 = u64::MAX;

/// Campaign, plan, place in it, start, stage, lowest tier, limits of a shopper, an order and a group, version of prices, plans
/// of admission and breakers, channels.
type PhaseFields = (u32, u32, u8, u64, u8, u16, u32, u32, u32, u32, u16, u16, Vec<u16>);

/// Campaign, plan, phases, policy, grace, standing, phases entered, since when.
type CampaignFields = (u32, u32, u8, u8, u32, u8, u8, u64);

/// Budget, partition, left, reserved, spent.
type SliceFields = (u32, u16, u64, u64, u64);

/// SKU, available, held, sold, stocked, earliest deadline, holds, limits of a shopper and an order, limits changed, frozen.
type SkuFields = (u64, u64, u64, u64, u64, u64, u32, u32, u32, bool, bool);

/// SKU, channel, whether it has rules, guarantee, cap, release, taken.
type ChannelFields = (u64, u16, bool, u64, u64, u64, u64);

/// SKU, brought, counted, shipped, quarantine, scrapped, short, named, watermark, last count.
type GoodsFields = (u64, i64, i64, u64, u64, u64, u64, u64, u64, u64);

/// Number, request, user, SKU, amount, placed at, fingerprint, quantity, hold asked for, hold, end, channel, state, moves.
type OrderFields = (u64, u128, u64, u64, u64, u64, u32, u32, u32, u32, u32, u16, u8, u8);

/// Number, SKU, units asked for, units, gifts, location, pool, held.
type LegFields = (u64, u64, u32, u32, u32, u16, u16, bool);

/// Number, delivered at, closed at, touched at, fulfilling, under way.
type ProgressFields = (u64, u64, u64, u64, bool, bool);

/// Where an order may stand, by the byte that stands for it, from 1.
const STATES: [OrderState; 9] = [
    OrderState::Held,
    OrderState::Confirmed,
    OrderState::Cancelled,
    OrderState::Expired,
    OrderState::Restocked,
    OrderState::Paying,
    OrderState::Superseded,
    OrderState::Waiting,
    OrderState::Lapsed,
];

const fn state_byte(state: OrderState) -> u8 {
    match state {
        OrderState::Held => 1,
        OrderState::Confirmed | OrderState::After(_) => 2,
        OrderState::Cancelled => 3,
        OrderState::Expired => 4,
        OrderState::Restocked => 5,
        OrderState::Paying => 6,
        OrderState::Superseded => 7,
        OrderState::Waiting => 8,
        OrderState::Lapsed => 9,
    }
}

fn order_state(byte: u8) -> Option<OrderState> {
    STATES.get(usize::from(byte).checked_sub(1)?).copied()
}

/// What may stand beside an order, by the byte that stands for it, from 1.
const PAYMENTS: [PaymentKind; 6] = [
    PaymentKind::Begun,
    PaymentKind::Taken,
    PaymentKind::Refund,
    PaymentKind::Failed,
    PaymentKind::Claim,
    PaymentKind::Coupon,
];

const fn payment_byte(kind: PaymentKind) -> u8 {
    match kind {
        PaymentKind::Begun => 1,
        PaymentKind::Taken => 2,
        PaymentKind::Refund => 3,
        PaymentKind::Failed => 4,
        PaymentKind::Claim => 5,
        PaymentKind::Coupon => 6,
    }
}

fn payment_kind(byte: u8) -> Option<PaymentKind> {
    PAYMENTS.get(usize::from(byte).checked_sub(1)?).copied()
}
