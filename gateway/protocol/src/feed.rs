//! The event feed: what happened, from any log position on.
//!
//! A consumer names a position and a filter; the answer is a batch of events and the position to go on from. Nothing is
//! kept for it between two requests, so it may come over any connection, at its own pace, and after any pause; it
//! misses nothing and gets nothing twice as long as it goes on from where the last answer said.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::code::Code;
use crate::error::ProtocolError;
use crate::kind::Kind;
use crate::request::RequestId;

/// Partitions, fixed for ever: a filter names one below this.
pub const PARTITIONS: u16 = 4_096;

/// Longest wait for a first event, milliseconds: shorter than a client takes silence for a lost connection.
pub const MAX_FETCH_WAIT_MS: u32 = 10_000;

/// Most events in one answer: 136 bytes each, so that a body holds them.
pub const MAX_FETCH: u32 = 7_000;

/// Whether the order of this number has several lines, or gifts: its units move with events of their own, one a line
/// ([`EventKind::LineHeld`] and those that follow it), and RESERVED, CONFIRMED and the like move none.
pub const fn has_lines(order: u64) -> bool {
    order & (1 << 51) != 0
}

/// Bits of [`Fetch::by`]: which fields the events must agree with.
pub mod by {
    /// [`Fetch::order`](super::Fetch::order).
    pub const ORDER: u8 = 0x01;
    /// [`Fetch::sku`](super::Fetch::sku).
    pub const SKU: u8 = 0x02;
    /// [`Fetch::user`](super::Fetch::user).
    pub const USER: u8 = 0x04;
    /// [`Fetch::partition`](super::Fetch::partition).
    pub const PARTITION: u8 = 0x08;
    /// All of them.
    pub const ALL: u8 = ORDER | SKU | USER | PARTITION;
}

/// Ask for events from a log position on. 52 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Fetch {
    /// The log position to begin at: 0 is the log's start, else what an answer named as `next`.
    pub from: u64,
    /// Kinds of event that are wanted, one bit each ([`EventKind::bit`]); 0: all.
    pub kinds: u64,
    /// The order, where [`by::ORDER`] is set.
    pub order: u64,
    /// The SKU, where [`by::SKU`] is set.
    pub sku: u64,
    /// The shopper, where [`by::USER`] is set.
    pub user: u64,
    /// Most events in the answer, 1 to [`MAX_FETCH`]; 0: as many as fit.
    pub max_events: u32,
    /// How long the server may wait for a first event, milliseconds, up to [`MAX_FETCH_WAIT_MS`]; 0: not at all.
    pub wait_ms: u32,
    /// The partition, where [`by::PARTITION`] is set; below [`PARTITIONS`].
    pub partition: u16,
    /// Bits of [`by`]: which of the fields above must agree. All that are set must.
    pub by: u8,
    /// Reserved, 0.
    pub reserved: u8,
}

macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident = $byte:literal, $name:literal;)+) => {
        /// What an event says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum EventKind { $($(#[$meta])* $variant = $byte,)+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The byte on the wire, below 64.
            pub const fn byte(self) -> u8 {
                match self { $(Self::$variant => $byte,)+ }
            }

            /// The name in documents, in JSON and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The kind with this byte, if there is one.
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)+ _ => None }
            }

            /// The kind with this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }

            /// Its bit in [`Fetch::kinds`].
            pub const fn bit(self) -> u64 {
                match self { $(Self::$variant => 1 << $byte,)+ }
            }
        }
    };
}

events! {
    /// A SKU was set up.
    SkuPut = 1, "SKU_PUT";
    /// Units came in or were withdrawn.
    Restocked = 2, "RESTOCKED";
    /// Units are held for an order.
    Reserved = 3, "RESERVED";
    /// An order waits for units.
    Waitlisted = 4, "WAITLISTED";
    /// A hold was paid.
    Confirmed = 5, "CONFIRMED";
    /// A hold, or a place in the line, was given back.
    Cancelled = 6, "CANCELLED";
    /// A hold, or a wait, ended by its deadline.
    Expired = 7, "EXPIRED";
    /// An ended order left memory.
    Evicted = 8, "EVICTED";
    /// After downtime: no open hold ends before `until`. Concerns every open hold.
    GraceGranted = 9, "GRACE_GRANTED";
    /// A position that carries a digest of the whole state and changes nothing.
    Checkpoint = 10, "CHECKPOINT";
    /// A payment has begun: the hold lasts until `until`.
    PayBegun = 11, "PAY_BEGUN";
    /// The payment that had begun came to nothing: the hold lasts until `until`.
    PayFailed = 12, "PAY_FAILED";
    /// A hold lasts until `until`.
    Extended = 13, "EXTENDED";
    /// A payment came after the hold's end; the units were taken again, the order is paid.
    Reacquired = 14, "REACQUIRED";
    /// A payment bought nothing and must be paid back.
    RefundRequired = 15, "REFUND_REQUIRED";
    /// A payment of a wrong amount was refused.
    AmountMismatched = 16, "AMOUNT_MISMATCHED";
    /// Units that came back are held for an order that waited, until `until`.
    Offered = 17, "OFFERED";
    /// A hold ended for another one of its shopper, `to`.
    Superseded = 18, "SUPERSEDED";
    /// Part of an order was given back for good.
    Cut = 19, "CUT";
    /// Units are held for one line of an order that has several.
    LineHeld = 20, "LINE_HELD";
    /// All units of a line went back.
    LineReleased = 21, "LINE_RELEASED";
    /// All units of a line were paid.
    LineSold = 22, "LINE_SOLD";
    /// Part of a line was given back for good, and some is left.
    LineCut = 23, "LINE_CUT";
    /// It was said what a sales channel may have of a SKU.
    ChannelSet = 24, "CHANNEL_SET";
    /// Part of a channel's guarantee was moved to the channel `to`.
    Rebalanced = 25, "REBALANCED";
    /// All units of a line were given back for good.
    LineDropped = 26, "LINE_DROPPED";
    /// A promotion budget was set up, without money.
    BudgetOpened = 27, "BUDGET_OPENED";
    /// A funder of a budget that was just set up.
    FunderAdded = 28, "FUNDER_ADDED";
    /// Money was put into a budget, or taken out.
    BudgetFunded = 29, "BUDGET_FUNDED";
    /// A budget pays no further discounts.
    BudgetStopped = 30, "BUDGET_STOPPED";
    /// What a budget's slices had left went back into its bank.
    BudgetDrained = 31, "BUDGET_DRAINED";
    /// A slice of a budget got money from its bank.
    BudgetFilled = 32, "BUDGET_FILLED";
    /// A batch of coupons was issued.
    CouponsIssued = 34, "COUPONS_ISSUED";
    /// A use of a coupon is held for an order.
    CouponHeld = 35, "COUPON_HELD";
    /// A use of a coupon went back.
    CouponReleased = 36, "COUPON_RELEASED";
    /// An order with a coupon was paid.
    CouponRedeemed = 37, "COUPON_REDEEMED";
    /// A phase of a campaign's plan was written. `to` is the campaign, as in all events about one.
    PhasePut = 40, "PHASE_PUT";
    /// A campaign follows another plan.
    PlanActivated = 41, "PLAN_ACTIVATED";
    /// A campaign was paused, resumed or ended.
    CampaignStood = 42, "CAMPAIGN_STOOD";
    /// A phase of a campaign has begun.
    PhaseEntered = 43, "PHASE_ENTERED";
    /// A campaign sells a SKU from now on.
    SkuBound = 44, "SKU_BOUND";
    /// A SKU has got its price by a version.
    PriceSet = 45, "PRICE_SET";
    /// A SKU's limits were changed.
    LimitsSet = 46, "LIMITS_SET";
    /// A SKU was frozen, or is sold again.
    FreezeSet = 47, "FREEZE_SET";
    /// The warehouse has begun to work on a paid order.
    Fulfilling = 50, "FULFILLING";
    /// All that was shipped of an order has arrived.
    Delivered = 51, "DELIVERED";
    /// Nothing more is to come of an order.
    Closed = 52, "CLOSED";
    /// Units of a paid order have left the house.
    LineShipped = 53, "LINE_SHIPPED";
    /// Units of a paid order went back to stock before they were shipped.
    LineCancelled = 54, "LINE_CANCELLED";
    /// Units of a paid order have come back.
    LineReturned = 55, "LINE_RETURNED";
    /// Money of a payment went back.
    PaidBack = 56, "PAID_BACK";
    /// Units of a SKU were counted.
    Counted = 57, "COUNTED";
    /// Units of a paid order are missing.
    Shorted = 58, "SHORTED";
    /// Units of a paid order are missing no longer.
    Covered = 59, "COVERED";
    /// Available units take the place of missing ones.
    WrittenOff = 60, "WRITTEN_OFF";
    /// Units left quarantine.
    Inspected = 61, "INSPECTED";
}

/// One event. 136 bytes. Which fields mean something depends on the kind; the others are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FeedEvent {
    /// Its log position. Every position has exactly one event.
    pub position: u64,
    /// When it happened, server milliseconds. Never earlier than in the event before.
    pub at: u64,
    /// An [`EventKind`]'s byte.
    pub kind: u8,
    /// Where units went that came back or left quarantine: a [`GoodsTo`](crate::GoodsTo)'s byte; of others 0.
    pub goods_to: u8,
    /// Sales channel; of a rebalance, the one that gave.
    pub channel: u16,
    /// Why, as the one who asked numbers his reasons.
    pub reason: u32,
    /// The order's number; of a restock, its own.
    pub order: u64,
    /// The shopper, where the order is placed or a line is concerned. Other events of the order don't name him. Of what
    /// operators change about stock, channels, campaigns, limits, prices, budgets and coupons: who wanted it so.
    pub user: u64,
    /// The SKU that is concerned. Where an order with several lines is placed, 0: each line has an event of its own.
    pub sku: u64,
    /// Units: of the SKU at its start, ordered, held, given back, paid, guaranteed or moved; of a restock or a count the
    /// change. Of a campaign's phase its plan; of a price its version; of `CAMPAIGN_STOOD` 0 running, 1 paused, 2 ended; of `FREEZE_SET`
    /// 1 frozen, 0 not.
    pub units: i64,
    /// The amount due (0: any), paid or paid back, minor units; of a count the units that are missing; of a campaign's phase the
    /// most units of a placement group that a shopper may have.
    pub amount: u64,
    /// When the hold or the wait ends, or a guarantee (0: never); when units were counted; when the order was paid whose units
    /// are missing. Server milliseconds.
    pub until: u64,
    /// The request that placed the order or changed the stock; the refund.
    pub request_id: RequestId,
    /// The payment.
    pub payment_id: [u8; 16],
    /// Who has it now: the order that took this one's place, the channel that got the units, or the campaign. Of what becomes
    /// of paid orders and goods: who said so. Of budgets and coupons: the budget, the batch of coupons or the coupon. Of an order
    /// that is placed: the budget that pays its discount; 0: it has none.
    pub to: u64,
    /// Most units a shopper may have; 0: no limit.
    pub user_limit: u32,
    /// Most units in one order; 0: no limit.
    pub order_limit: u32,
    /// Most units that a channel may take; `u64::MAX`: no limit. Of a count, the units that are on hand. Of an order that is
    /// placed, its discount, minor units.
    pub cap: u64,
    /// How many of the units are given for nothing.
    pub gifts: u32,
    /// Location; 0: the server's choice.
    pub location: u16,
    /// Pool; 0: the shared pool.
    pub pool: u16,
}

/// The answer to [`Fetch`]. 48 bytes, then the events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Fetched {
    /// OK, `NO_SUCH_POSITION`, `CAPACITY_EXCEEDED` or BUSY; without events unless OK.
    pub code: u16,
    /// Reserved, 0.
    pub reserved: u16,
    /// Milliseconds to wait, where the code's class is RETRY.
    pub retry_after_ms: u32,
    /// The position to go on from. It may have moved where no event came: what was passed over doesn't fit the filter.
    pub next: u64,
    /// The log position up to which everything is durable: where the feed ends for now.
    pub durable: u64,
    /// Identity of the log. Positions of another log mean something else.
    pub log_id: [u8; 16],
    /// Ascending by position.
    pub events: Vec<FeedEvent>,
}

impl FeedEvent {
    /// What it says; `None` for a kind that this side doesn't know.
    pub fn kind(&self) -> Option<EventKind> {
        EventKind::from_byte(self.kind)
    }
}

impl Fetched {
    /// The code.
    ///
    /// # Errors
    /// [`ProtocolError::UnknownCode`] if the number is not in this side's table: the server is newer.
    pub fn code(&self) -> Result<Code, ProtocolError> {
        Code::from_number(self.code).ok_or(ProtocolError::UnknownCode { number: self.code })
    }
}

impl Record for Fetch {
    const KINDS: &'static [Kind] = &[Kind::Fetch];
    const MIN_LEN: usize = 52;

    fn validate(&self) -> Result<(), &'static str> {
        let known = EventKind::ALL.iter().fold(0, |bits, kind| bits | kind.bit());
        if self.kinds & !known != 0 {
            Err("kinds has a bit that names no kind of event")
        } else if self.by & !by::ALL != 0 {
            Err("by has a bit that names no field")
        } else if self.by & by::PARTITION != 0 && self.partition >= PARTITIONS {
            Err("a partition is below 4096")
        } else if self.max_events > MAX_FETCH {
            Err("max_events is at most 7000")
        } else if self.wait_ms > MAX_FETCH_WAIT_MS {
            Err("wait_ms is at most 10000")
        } else {
            Ok(())
        }
    }
}

impl Record for Fetched {
    const KINDS: &'static [Kind] = &[Kind::Fetched];
    const MIN_LEN: usize = 48;
}
