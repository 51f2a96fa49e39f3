//! What a command came to.

use crate::after::{AfterOutcome, AfterRefusal, AfterState};
use crate::budget::BudgetRefusal;
use crate::ids::{Amount, ChannelId, OrderNumber, PaymentId, RequestId, SkuId, Timestamp, UserId};

/// The answer to one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Units are held until `deadline`.
    Reserved {
        /// The new order.
        order: OrderNumber,
        /// When the hold ends.
        deadline: Timestamp,
    },
    /// There are too few units; the order waits for them until `deadline`.
    Waitlisted {
        /// The new order.
        order: OrderNumber,
        /// When it gives up.
        deadline: Timestamp,
        /// Orders that wait for the SKU and came earlier.
        ahead: u32,
    },
    /// The hold is paid.
    Confirmed {
        /// The order.
        order: OrderNumber,
    },
    /// The hold had ended, and its units were taken again for the payment: the order is paid.
    Reacquired {
        /// The order.
        order: OrderNumber,
    },
    /// The payment buys nothing and must be paid back. It is written down; a repeat gets the same answer.
    RefundRequired {
        /// The order.
        order: OrderNumber,
        /// Where it stands.
        state: OrderState,
    },
    /// The order is open, and this is its deadline now.
    Kept {
        /// The order.
        order: OrderNumber,
        /// Where it stands.
        state: OrderState,
        /// When the hold ends.
        deadline: Timestamp,
    },
    /// The hold was given back.
    Cancelled {
        /// The order.
        order: OrderNumber,
    },
    /// The SKU is set up.
    SkuPut,
    /// It is known what the channel may have.
    ChannelSet,
    /// A part of a guarantee was moved.
    Rebalanced {
        /// Units that were moved.
        units: u64,
    },
    /// A campaign, or what a SKU has to do with one, is as it was asked for.
    CampaignSet,
    /// The budget, or the batch of coupons, is as asked for.
    BudgetSet {
        /// What the budget has left, minor units; of a batch, its coupons.
        left: u64,
    },
    /// Units came in or were withdrawn.
    Restocked {
        /// The change's own number.
        order: OrderNumber,
        /// Units available now.
        available: u64,
    },
    /// The answer to a command after payment.
    After(AfterOutcome),
    /// The same request had this effect before.
    Replayed {
        /// The order that it made or changed; `None` for a SKU set up.
        order: Option<OrderNumber>,
        /// Where that order stands now.
        state: Option<OrderState>,
        /// The deadline that it was given.
        deadline: Timestamp,
    },
    /// Nothing was changed.
    Refused(Refusal),
    /// Nothing was changed, because of one line of several.
    LineRefused {
        /// The line's SKU.
        sku: SkuId,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No unit is free.
    SoldOut {
        /// Open holds of the SKU.
        holds: u32,
        /// When asking again makes sense: no sooner than a second from now, and not long before the next open hold can
        /// end. `None` where no hold is open.
        next_expiry: Option<Timestamp>,
    },
    /// Nobody gets units of the SKU for now, whatever is free.
    Frozen,
    /// Some units are free, but fewer than asked for.
    Insufficient {
        /// Units free.
        available: u64,
    },
    /// The SKU was never set up.
    UnknownSku,
    /// The SKU is set up otherwise.
    SkuExists {
        /// The first setting that differs.
        field: Field,
    },
    /// The shopper would have more than he may.
    UserLimit {
        /// Units he may still take.
        left: u32,
    },
    /// The shopper would have more of the SKU's placement group than the campaign allows.
    GroupLimit {
        /// Units of the group that he may still take.
        left: u32,
    },
    /// The order is over the SKU's limit for one order.
    OrderLimit {
        /// The limit.
        limit: u32,
    },
    /// The request id was used with other content.
    IdempotencyConflict {
        /// The order that was made with it.
        order: OrderNumber,
        /// The first field that differs.
        field: Field,
    },
    /// The request id is older than the window in which repeats are recognised.
    IdTooOld {
        /// The window, milliseconds.
        window_ms: u64,
    },
    /// The request id is from the future.
    IdFromFuture,
    /// A field is out of its range.
    Invalid {
        /// The field.
        field: Field,
    },
    /// No order has this number (any more).
    NoSuchOrder,
    /// The order belongs to somebody else.
    OwnerMismatch,
    /// The hold's deadline has passed.
    HoldExpired {
        /// The deadline.
        deadline: Timestamp,
    },
    /// The order is paid, with another payment or before the cancel came.
    AlreadyConfirmed,
    /// The order was given back.
    AlreadyCancelled,
    /// The shopper waits for this SKU already.
    AlreadyWaiting {
        /// With this order.
        order: OrderNumber,
    },
    /// As many wait for the SKU as may.
    WaitlistFull,
    /// The order waits for units and holds none.
    StillWaiting {
        /// When it gives up.
        deadline: Timestamp,
    },
    /// A payment is under way: the hold can't be replaced.
    PaymentUnderWay {
        /// When the hold ends.
        deadline: Timestamp,
    },
    /// The hold can't be kept as long as that.
    ExtendLimit {
        /// The latest time that it can be kept to.
        latest: Timestamp,
    },
    /// Another amount is due.
    AmountMismatch {
        /// The amount due.
        due: Amount,
    },
    /// The channel may not have as many: the rest is kept for others, or it is at its cap.
    ChannelExhausted {
        /// Units that it may still take.
        left: u64,
    },
    /// More units would be kept for channels than there are.
    OverAllotted {
        /// Units that may be kept for this one.
        left: u64,
    },
    /// The SKU has been sold without rules for channels; they must be there before its first hold.
    TooLate,
    /// Somebody else has changed what is to be changed.
    CasMismatch {
        /// What it is now.
        found: u64,
    },
    /// More units are to be paid, or to be left, than the order has of the SKU.
    ExceedsHeld {
        /// The units that it has.
        held: u32,
    },
    /// The order has fewer lines.
    NoSuchLine,
    /// The order has several lines, or gifts, and this goes with one plain line only.
    SeveralSkus,
    /// The SKU's campaign sells nothing yet.
    NotStarted {
        /// When it does; `None`: that is not known yet.
        starts_at: Option<Timestamp>,
        /// When this was decided.
        now: Timestamp,
    },
    /// The SKU's campaign is over.
    Ended,
    /// The SKU's campaign is paused.
    Paused,
    /// The SKU's campaign sells to members of a higher tier only.
    TierRequired {
        /// The lowest tier that may buy now.
        tier: u16,
        /// When the shopper's own may; `None`: never.
        open_at: Option<Timestamp>,
    },
    /// The SKU's campaign doesn't sell through this channel now.
    ChannelClosed,
    /// Another version of prices counts.
    PriceChanged {
        /// This one.
        version: u32,
    },
    /// The order pays too little, or too much.
    PriceOutOfBounds {
        /// The least, or the most, that may be paid.
        bound: Amount,
    },
    /// A plan or a version of prices is written already, and otherwise. They never change.
    VersionExists {
        /// What differs.
        field: Field,
    },
    /// No phase of any plan has been written for such a campaign.
    NoSuchCampaign,
    /// The plan lacks a phase, or this phase doesn't start after the one before.
    PlanIncomplete {
        /// Which phase, from 0.
        nth: u8,
    },
    /// Why a command after payment changed nothing.
    After(AfterRefusal),
    /// A table or a counter is full.
    CapacityExceeded,
    /// A budget or a coupon is the reason.
    Budget(BudgetRefusal),
}

/// A field of a command, where a refusal names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The request id.
    RequestId,
    /// The shopper.
    User,
    /// The number of units asked for.
    Quantity,
    /// The hold time.
    HoldMs,
    /// The amount.
    Amount,
    /// The channel.
    Channel,
    /// Anything in [`Terms`](crate::Terms).
    Terms,
    /// Units of a SKU or a restock.
    Units,
    /// A SKU's limit for a shopper.
    UserLimit,
    /// A SKU's limit for an order.
    OrderLimit,
    /// The reason of a restock.
    Reason,
    /// The payment id.
    PaymentId,
    /// The hold to be replaced.
    Supersedes,
    /// The longest wait.
    WaitMs,
    /// The lines of an order.
    Lines,
    /// The units guaranteed to a channel.
    Guarantee,
    /// Most units of a channel.
    Cap,
    /// A campaign.
    Campaign,
    /// A campaign's plan, or a phase of it.
    Plan,
    /// A version of prices.
    PriceVersion,
    /// A SKU's price.
    Price,
    /// When units were counted.
    AsOf,
    /// The units that were counted.
    OnHand,
    /// The refund's id.
    RefundId,
    /// Where units go.
    Disposition,
    /// A budget.
    Budget,
    /// The discount that is claimed.
    Discount,
    /// The coupon.
    Coupon,
    /// A budget's funders.
    Funders,
    /// The money of a budget.
    Funded,
    /// Coupons of a batch.
    Serials,
    /// How often a coupon may be used.
    Uses,
    /// When coupons are valid.
    Validity,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Units are held.
    Held,
    /// Paid.
    Confirmed,
    /// Given back by the shopper.
    Cancelled,
    /// Given back by the deadline.
    Expired,
    /// A restock that was carried out; takes a number like an order, so that its repeat is recognised.
    Restocked,
    /// Units are held, and a payment is under way.
    Paying,
    /// Ended for a hold that took its place.
    Superseded,
    /// Waits for units to come back.
    Waiting,
    /// Waited in vain until its deadline.
    Lapsed,
    /// Paid, and something became of it since. Never in a row: what a row says is that it is paid.
    After(AfterState),
}

impl OrderState {
    /// Whether the order holds units that it has not paid.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Paying)
    }

    /// Whether the order ends by its deadline.
    pub const fn has_deadline(self) -> bool {
        matches!(self, Self::Held | Self::Paying | Self::Waiting)
    }
}

/// An order, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSnapshot {
    /// The order's number.
    pub number: OrderNumber,
    /// The request that made it.
    pub request: RequestId,
    /// The shopper.
    pub user: UserId,
    /// The SKU.
    pub sku: SkuId,
    /// Units.
    pub quantity: u32,
    /// Amount due.
    pub amount: Amount,
    /// Where the demand came from.
    pub channel: ChannelId,
    /// Where it stands.
    pub state: OrderState,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// The hold's deadline.
    pub deadline: Timestamp,
    /// When it was paid or given back; `None` while held.
    pub ended_at: Option<Timestamp>,
    /// The payment that confirmed it.
    pub payment: Option<PaymentId>,
    /// Payments that bought nothing and must be paid back, and have not been.
    pub refunds: u8,
    /// Lines of an order with several; 0: one, which the fields above describe. Else `sku` is the first line's, and
    /// `quantity` the sum of all units that it has now.
    pub lines: u8,
}

/// One of several lines of an order, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSnapshot {
    /// The order's number.
    pub number: OrderNumber,
    /// Which line, from 0.
    pub nth: u8,
    /// The SKU.
    pub sku: SkuId,
    /// Units that were asked for.
    pub ordered: u32,
    /// Units that it has now.
    pub units: u32,
    /// How many of those asked for were given for nothing.
    pub gifts: u32,
    /// Location of the units.
    pub location: u16,
    /// Pool of the units.
    pub pool: u16,
}

/// What a channel may have of a SKU, and has, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSnapshot {
    /// The SKU.
    pub sku: SkuId,
    /// The channel.
    pub channel: ChannelId,
    /// Units guaranteed to it.
    pub guarantee: u64,
    /// Most units that it may have; `None`: no limit.
    pub cap: Option<u64>,
    /// When what is left of the guarantee is anybody's; `None`: never.
    pub release_at: Option<Timestamp>,
    /// Units that it holds or has sold. Not counted, 0, for a SKU without rules for any channel.
    pub taken: u64,
    /// Units that it may take now.
    pub available: u64,
}

/// Channels in one [`ChannelPage`]: all of most SKUs.
pub const CHANNEL_PAGE: usize = 32;

/// A part of the list of channels that a SKU has something to say about, by their number: those with rules for it, and those
/// that hold or have sold units of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelPage {
    /// The SKU.
    pub sku: SkuId,
    /// How many of the channels below mean something.
    pub count: u8,
    /// Whether there are more, behind the last of these.
    pub more: bool,
    /// The channels.
    pub channels: [ChannelId; CHANNEL_PAGE],
}

/// A SKU's accounts, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockSnapshot {
    /// The SKU.
    pub sku: SkuId,
    /// Units free for new holds.
    pub available: u64,
    /// Units in open holds.
    pub held: u64,
    /// Units paid.
    pub sold: u64,
    /// Units ever brought in, less withdrawn ones.
    pub stocked: u64,
    /// Open holds.
    pub holds: u32,
    /// Orders that wait for units.
    pub waiting: u32,
    /// Whether nobody gets units of it for now.
    pub frozen: bool,
    /// Most units a shopper may have; 0: no limit.
    pub user_limit: u32,
    /// Most units in one order; 0: no limit.
    pub order_limit: u32,
    /// When asking again makes sense: see [`Refusal::SoldOut`].
    pub next_expiry: Option<Timestamp>,
}
