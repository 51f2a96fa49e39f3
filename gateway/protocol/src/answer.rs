//! What the server says.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::code::Code;
use crate::error::ProtocolError;
use crate::kind::Kind;

/// The answer to one writing operation. 32 bytes. Which fields mean something depends on the code; the others are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Answer {
    /// A [`Code`]'s number.
    pub code: u16,
    /// The order's [`OrderState`] now; 0 where no order is concerned.
    pub state: u8,
    /// The [`Field`] that a refusal names; 0: none.
    pub field: u8,
    /// Milliseconds to wait, where the code's class is RETRY.
    pub retry_after_ms: u32,
    /// The order's number. Where a line of several is refused (`field` is `lines`): the line's SKU.
    pub order: u64,
    /// A time in server milliseconds: the hold's deadline, or when asking again makes sense.
    pub at: u64,
    /// A count: what is left, available, outstanding or due; the code's meaning says which.
    pub units: u64,
}

impl Answer {
    /// An answer that says no more than its code.
    pub fn of(code: Code) -> Self {
        Self { code: code.number(), ..Self::default() }
    }

    /// The code.
    ///
    /// # Errors
    /// [`ProtocolError::UnknownCode`] if the number is not in this side's table: the server is newer.
    pub fn code(&self) -> Result<Code, ProtocolError> {
        Code::from_number(self.code).ok_or(ProtocolError::UnknownCode { number: self.code })
    }
}

macro_rules! bytes_enum {
    ($(#[$outer:meta])* $type:ident { $($(#[$meta:meta])* $variant:ident = $byte:literal, $name:literal;)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $type { $($(#[$meta])* $variant = $byte,)+ }

        impl $type {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The byte on the wire.
            pub const fn byte(self) -> u8 {
                match self { $(Self::$variant => $byte,)+ }
            }

            /// The name in documents and messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The variant with this byte; 0 and unknown bytes have none.
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

pub(crate) use bytes_enum;

bytes_enum! {
    /// Where an order stands.
    OrderState {
        /// Units are held; the deadline runs.
        Held = 1, "HELD";
        /// Paid.
        Confirmed = 2, "CONFIRMED";
        /// Given back by the shopper.
        Cancelled = 3, "CANCELLED";
        /// Given back by the deadline.
        Expired = 4, "EXPIRED";
        /// Not a sale: a restock that was carried out.
        Restocked = 5, "RESTOCKED";
        /// Units are held, and a payment is under way.
        Paying = 6, "PAYING";
        /// Ended for a hold that took its place.
        Superseded = 7, "SUPERSEDED";
        /// Waits for units to come back.
        Waiting = 8, "WAITING";
        /// Waited in vain.
        Lapsed = 9, "LAPSED";
        /// Paid, and the warehouse works on it.
        Fulfilling = 10, "FULFILLING";
        /// Part of it has left the house.
        PartShipped = 11, "PART_SHIPPED";
        /// All of it has left the house.
        Shipped = 12, "SHIPPED";
        /// It has arrived; what comes back within the return window is taken.
        Delivered = 13, "DELIVERED";
        /// Nothing more is to come.
        Closed = 14, "CLOSED";
        /// Paid, and some of its units are missing.
        Shortfall = 15, "SHORTFALL";
        /// It has no units any more, and not all of its money went back.
        RefundDue = 16, "REFUND_DUE";
        /// It has no units any more, and all of its money went back.
        Refunded = 17, "REFUNDED";
    }
}

bytes_enum! {
    /// Which field of a request an answer speaks of.
    Field {
        /// `request_id`.
        RequestId = 1, "request_id";
        /// `user`.
        User = 2, "user";
        /// `sku`.
        Sku = 3, "sku";
        /// `quantity`.
        Quantity = 4, "quantity";
        /// `hold_ms`.
        HoldMs = 5, "hold_ms";
        /// `amount`.
        Amount = 6, "amount";
        /// `channel`.
        Channel = 7, "channel";
        /// `tier`.
        Tier = 8, "tier";
        /// Any of campaign, `price_version`, location, pool, or the risk hashes.
        Attributes = 9, "attributes";
        /// `payment_id`.
        PaymentId = 10, "payment_id";
        /// `units`.
        Units = 11, "units";
        /// `user_limit`.
        UserLimit = 12, "user_limit";
        /// `order_limit`.
        OrderLimit = 13, "order_limit";
        /// `order`.
        Order = 14, "order";
        /// `reason`.
        Reason = 15, "reason";
        /// `lines`.
        Lines = 16, "lines";
        /// `supersedes`.
        Supersedes = 17, "supersedes";
        /// `wait_ms`.
        WaitMs = 18, "wait_ms";
        /// `guarantee`.
        Guarantee = 19, "guarantee";
        /// `cap`.
        Cap = 20, "cap";
        /// `campaign`.
        Campaign = 21, "campaign";
        /// `plan`, or a phase of it.
        Plan = 22, "plan";
        /// `version`, of prices.
        PriceVersion = 23, "version";
        /// `price`, `floor` or `ceiling`.
        Price = 24, "price";
        /// `as_of`.
        AsOf = 30, "as_of";
        /// `on_hand`.
        OnHand = 31, "on_hand";
        /// `refund_id`.
        RefundId = 32, "refund_id";
        /// `to`.
        To = 33, "to";
        /// `budget`.
        Budget = 40, "budget";
        /// `discount`.
        Discount = 41, "discount";
        /// `coupon`.
        Coupon = 42, "coupon";
        /// `funders`.
        Funders = 43, "funders";
        /// `funded`.
        Funded = 44, "funded";
        /// `serials`.
        Serials = 45, "serials";
        /// `uses`.
        Uses = 46, "uses";
        /// `from` and `until`.
        Validity = 47, "validity";
    }
}

/// An order as it stands. 102 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct OrderView {
    /// OK, `NO_SUCH_ORDER` or `OWNER_MISMATCH`; all else is 0 unless OK.
    pub code: u16,
    /// An [`OrderState`]'s byte.
    pub state: u8,
    /// Payments for it that bought nothing and must be paid back, and have not been.
    pub refunds: u8,
    /// Units.
    pub quantity: u32,
    /// The order's number.
    pub order: u64,
    /// Whose it is.
    pub user: u64,
    /// The SKU.
    pub sku: u64,
    /// When it was placed, server milliseconds.
    pub placed_at: u64,
    /// The hold's deadline, server milliseconds.
    pub expires_at: u64,
    /// When it was paid, cancelled or expired, server milliseconds; 0 while held.
    pub ended_at: u64,
    /// Amount due, minor units.
    pub amount: u64,
    /// The request that placed it.
    pub request_id: [u8; 16],
    /// The payment that confirmed it, else zero.
    pub payment_id: [u8; 16],
    /// Sales channel.
    pub channel: u16,
    /// Member tier.
    pub tier: u16,
    /// Lines, where it has several: then `sku` is the first line's and `quantity` the sum of all, and `READ_LINE` reads each.
    /// Else 0.
    pub lines: u16,
}

/// A line of an order as it stands. 36 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct LineView {
    /// OK, `NO_SUCH_ORDER`, `OWNER_MISMATCH` or `NO_SUCH_LINE`; all else is 0 unless OK.
    pub code: u16,
    /// Which line, from 0.
    pub nth: u8,
    /// Reserved, 0.
    pub reserved: u8,
    /// Units that were asked for.
    pub ordered: u32,
    /// The order's number.
    pub order: u64,
    /// The SKU.
    pub sku: u64,
    /// Units that it has now, or had when it ended.
    pub units: u32,
    /// How many of those asked for were given for nothing.
    pub gifts: u32,
    /// Location of the units.
    pub location: u16,
    /// Pool of the units.
    pub pool: u16,
}

/// A SKU's accounts. `available + held + sold` is what was stocked less what was withdrawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct StockView {
    /// OK or `UNKNOWN_SKU`.
    pub code: u16,
    /// 1: nobody gets units of it for now.
    pub frozen: u8,
    /// Reserved, 0.
    pub reserved: u8,
    /// Most units a shopper may have; 0: no limit.
    pub user_limit: u32,
    /// Most units in one order; 0: no limit.
    pub order_limit: u32,
    /// Open holds.
    pub holds: u32,
    /// The SKU.
    pub sku: u64,
    /// Units free for new holds.
    pub available: u64,
    /// Units in open holds.
    pub held: u64,
    /// Units paid.
    pub sold: u64,
    /// Units ever brought in, less withdrawn ones.
    pub stocked: u64,
    /// When looking again makes sense, server milliseconds: at least a second from now and not long before the next
    /// hold can end; 0: no hold is open.
    pub next_expiry: u64,
    /// Orders that wait for units.
    pub waiting: u32,
}

/// What a sales channel may have of a SKU, and has. 54 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ChannelView {
    /// OK or `UNKNOWN_SKU`; all else is 0 unless OK.
    pub code: u16,
    /// The channel.
    pub channel: u16,
    /// Reserved, 0.
    pub reserved: u16,
    /// The SKU.
    pub sku: u64,
    /// Units that nobody else may take, as far as the channel has not taken them yet.
    pub guarantee: u64,
    /// Most units that it may take; `u64::MAX`: no limit.
    pub cap: u64,
    /// When what is left of the guarantee is anybody's, server milliseconds; 0: never.
    pub release_at: u64,
    /// Units that it holds or has sold; not counted, 0, for a SKU without rules for channels.
    pub taken: u64,
    /// Units that it may take now.
    pub available: u64,
}

/// Channels in one [`ChannelsView`].
pub const CHANNEL_PAGE: usize = 32;

/// A part of the list of a SKU's channels, by their number; `READ_CHANNEL` says more about each. 76 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ChannelsView {
    /// OK or `UNKNOWN_SKU`; all else is 0 unless OK.
    pub code: u16,
    /// Channels in `channels`.
    pub count: u8,
    /// 1: there are more, behind the last of these.
    pub more: u8,
    /// The SKU.
    pub sku: u64,
    /// The channels.
    pub channels: [u16; CHANNEL_PAGE],
}

/// The server's totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct StatusView {
    /// OK.
    pub code: u16,
    /// 0 `always`, 1 `interval`, 2 `none`.
    pub durability: u8,
    /// 1: this server's data is thrown away when it stops.
    pub throwaway: u8,
    /// Number of shards.
    pub shards: u32,
    /// The server's clock, milliseconds.
    pub now_ms: u64,
    /// SKUs set up.
    pub skus: u64,
    /// Orders in memory, ended ones within their retention included.
    pub orders: u64,
    /// Units available over all SKUs.
    pub available: u64,
    /// Units held over all SKUs.
    pub held: u64,
    /// Units sold over all SKUs.
    pub sold: u64,
    /// Log position: events decided.
    pub decided: u64,
    /// Log position: events durable.
    pub durable: u64,
    /// 99th percentile of the log's write and sync over the last minute, microseconds; 0: none yet.
    pub sync_p99_us: u64,
}

macro_rules! record {
    ($type:ident, [$($kind:ident),+], $len:literal) => {
        impl Record for $type {
            const KINDS: &'static [Kind] = &[$(Kind::$kind),+];
            const MIN_LEN: usize = $len;
        }
    };
}

record!(
    Answer,
    [
        Reserved,
        Confirmed,
        Cancelled,
        OrderReserved,
        PayBegun,
        PayFailed,
        Extended,
        LinesConfirmed,
        LinesCancelled,
        SkuPut,
        Restocked,
        ChannelSet,
        Rebalanced,
        PhasePut,
        CampaignSet,
        SkuBound,
        PricePut,
        LimitsSet,
        FreezeSet,
        Advanced,
        Refunded,
        OnHandSet,
        Inspected,
        ClaimsReserved,
        DiscountedReserved,
        BudgetSet,
        BudgetFunded,
        BudgetStopped,
        CouponsIssued,
        Watched
    ],
    32
);
record!(OrderView, [OrderRead], 102);
record!(ChannelView, [ChannelRead], 54);
record!(ChannelsView, [ChannelsRead], 76);
record!(LineView, [LineRead], 36);
record!(StockView, [StockRead], 68);
record!(StatusView, [StatusRead], 80);
