//! The kinds of record and their fields. What a version has written never changes; what is added later gets a new kind.

use bincode::{Decode, Encode};

macro_rules! bodies {
    ($($(#[$meta:meta])* $kind:ident = $byte:literal, $name:ident { $($field:ident: $type:ty,)+ })+) => {
        $(
            pub(super) const $kind: u8 = $byte;

            $(#[$meta])*
            #[derive(Encode, Decode)]
            pub(super) struct $name { $(pub(super) $field: $type,)+ }
        )+
    };
}

bodies! {
    SKU_PUT = 1, SkuPutBody { sku: u64, units: u64, user_limit: u32, order_limit: u32, by: u64, reason: u32, at: u64, }
    RESTOCKED = 2, RestockedBody {
        number: u64, request: u128, sku: u64, units: i64, by: u64, reason: u32, at: u64,
    }
    RESERVED = 3, ReservedBody {
        number: u64, request: u128, user: u64, sku: u64, at: u64, amount: u64,
        quantity: u32, asked_hold_ms: u32, hold_ms: u32, channel: u16,
    }
    ORDER_RESERVED = 4, OrderReservedBody {
        number: u64, request: u128, user: u64, at: u64, amount: u64, asked_hold_ms: u32, hold_ms: u32, channel: u16,
        campaign: u32, price_version: u32, tier: u16, device: u64, address: u64, pay_account: u64,
        // A list of one: its length, then the line. Orders with several have a record of its own for each.
        lines: u64, line: LineBody,
    }
    /// As [`RESERVED`], of an order whose terms are a campaign, a version of prices and a tier, and nothing else. Read, and written
    /// no more: see `sale.rs`.
    SALE_RESERVED = 47, SaleReservedBody {
        number: u64, request: u128, user: u64, sku: u64, at: u64, amount: u64,
        quantity: u32, asked_hold_ms: u32, hold_ms: u32, channel: u16,
        campaign: u32, price_version: u32, tier: u16,
    }
    /// As [`SALE_RESERVED`], of an order that claims a discount, with or without a campaign.
    SALE_CLAIMED = 48, SaleClaimedBody { order: SaleReservedBody, claim: ClaimBody, }
    /// As [`ORDER_OPENED`], of an order that claims a discount.
    ORDER_CLAIMED = 49, OrderClaimedBody { order: OrderOpenedBody, claim: ClaimBody, }
    CONFIRMED = 5, ConfirmedBody { number: u64, payment: u128, amount: u64, at: u64, }
    CANCELLED = 6, CancelledBody { number: u64, reason: u32, at: u64, }
    EXPIRED = 7, ExpiredBody { number: u64, at: u64, }
    EVICTED = 8, EvictedBody { number: u64, at: u64, }
    GRACE_GRANTED = 9, GraceGrantedBody { until: u64, at: u64, }
    CHECKPOINT = 10, CheckpointBody { digest: u64, at: u64, }
    PAY_BEGUN = 11, PayBegunBody { number: u64, payment: u128, deadline: u64, at: u64, }
    /// Also the body of [`EXTENDED`] and [`OFFERED`].
    PAY_FAILED = 12, DeadlineBody { number: u64, deadline: u64, at: u64, }
    WAITLISTED = 18, WaitlistedBody { wait_ms: u32, order: OrderReservedBody, }
    /// Of an order with several lines, or in the place of another: see `docs/durability.md`.
    ORDER_OPENED = 20, OrderOpenedBody { moves: u8, order: OrderReservedBody, }
    SUPERSEDED = 21, SupersededBody { number: u64, by: u64, at: u64, }
    CUT = 22, CutBody { number: u64, units: u32, amount: u64, at: u64, }
    LEG_HELD = 23, LegHeldBody {
        order: u64, sku: u64, user: u64, units: u32, gifts: u32, location: u16, pool: u16, channel: u16,
        deadline: u64, at: u64,
    }
    /// Of `cap` and `release_at`, the largest number stands for none.
    CHANNEL_SET = 27, ChannelSetBody {
        sku: u64, channel: u16, guarantee: u64, cap: u64, release_at: u64, by: u64, reason: u32, at: u64,
    }
    REBALANCED = 28, RebalancedBody { sku: u64, from: u16, to: u16, units: u64, by: u64, reason: u32, at: u64, }
    /// Also the body of [`LEG_SOLD`], [`LEG_CUT`] and [`LEG_DROPPED`].
    LEG_RELEASED = 24, LegEndBody { order: u64, sku: u64, user: u64, units: u32, channel: u16, at: u64, }
}

pub(super) const EXTENDED: u8 = 13;
pub(super) const OFFERED: u8 = 19;
pub(super) const LEG_SOLD: u8 = 25;
pub(super) const LEG_CUT: u8 = 26;
pub(super) const LEG_DROPPED: u8 = 29;
/// With [`ConfirmedBody`], as the two behind it.
pub(super) const REACQUIRED: u8 = 14;
pub(super) const REFUND_REQUIRED: u8 = 15;
pub(super) const AMOUNT_MISMATCHED: u8 = 16;

/// What an order claims: a discount of so many cents.
#[derive(Encode, Decode)]
pub(super) struct ClaimBody {
    pub(super) budget: u32,
    pub(super) cents: u64,
}

#[derive(Encode, Decode)]
pub(super) struct LineBody {
    pub(super) sku: u64,
    pub(super) quantity: u32,
    pub(super) location: u16,
    pub(super) pool: u16,
}
