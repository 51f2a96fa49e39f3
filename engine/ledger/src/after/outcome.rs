//! What commands after payment came to, and what can be read.

use crate::ids::{Amount, OrderNumber, SkuId, Timestamp};
use crate::outcome::OrderState;

/// Where a paid order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterState {
    /// The warehouse works on it.
    Fulfilling,
    /// Part of it has left the house.
    PartShipped,
    /// All of it has left the house.
    Shipped,
    /// It has arrived; what comes back within the return window is taken.
    Delivered,
    /// Nothing more is to come.
    Closed,
    /// Some of its units aren't there.
    Shortfall,
    /// It has no units any more, and not all of its money went back.
    RefundDue,
    /// It has no units any more, and all of its money went back.
    Refunded,
}

/// The answer to a command after payment that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterOutcome {
    /// The order took the step.
    Advanced {
        /// The order.
        order: OrderNumber,
        /// Where it stands now.
        state: OrderState,
        /// Units that took the step with this command, over all lines.
        units: u32,
    },
    /// The refund is noted.
    PaidBack {
        /// The order.
        order: OrderNumber,
        /// Where it stands now.
        state: OrderState,
        /// What is left of the payment.
        left: Amount,
    },
    /// The count is taken over.
    Counted {
        /// Units free for new holds.
        available: u64,
        /// Units that are missing.
        short: u64,
    },
    /// The units have left quarantine.
    Inspected {
        /// Units that are left there.
        quarantine: u64,
    },
    /// Some orders may have been named.
    Named,
}

/// Why a command after payment changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRefusal {
    /// The order is not where it could take the step.
    OrderState {
        /// Where it stands.
        state: OrderState,
    },
    /// More units are said to be shipped than the order has.
    ShipExceeds {
        /// Most units that may be named.
        left: u32,
    },
    /// More units are to be cancelled than were not shipped.
    CancelExceeds {
        /// Most units that may be named.
        left: u32,
    },
    /// More units are said to have come back than were shipped.
    ReturnExceeds {
        /// Most units that may be named.
        left: u32,
    },
    /// The time for returns is over.
    ReturnWindow {
        /// When it ended.
        until: Timestamp,
    },
    /// More money would go back than was paid.
    RefundExceeds {
        /// What is left of the payment.
        left: Amount,
    },
    /// The order has no such payment that money could go back of.
    NoSuchPayment,
    /// The refund's id was used for another payment or amount of the order.
    RefundDiffers,
    /// Some of the order's units aren't there, so that nothing of it can be shipped.
    Shortfall {
        /// How many.
        units: u64,
    },
    /// A later count was heard of already, or another of the same time.
    StaleWatermark {
        /// When that was.
        latest: Timestamp,
    },
}

/// What is known of a line of a paid order, and of the order, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressSnapshot {
    /// The order.
    pub order: OrderNumber,
    /// Where it stands.
    pub state: OrderState,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// When it arrived; `None`: not yet.
    pub delivered_at: Option<Timestamp>,
    /// When the return window ends; `None`: it has not begun.
    pub return_until: Option<Timestamp>,
    /// What was paid for it.
    pub paid: Amount,
    /// What of that went back.
    pub refunded: Amount,
    /// Which line, from 0.
    pub nth: u8,
    /// The line's SKU.
    pub sku: SkuId,
    /// Units that the line has now: paid ones, without those that were cancelled or came back.
    pub units: u32,
    /// Units that have left the house so far.
    pub shipped: u32,
    /// Units that were cancelled so far.
    pub cancelled: u32,
    /// Units that have come back so far.
    pub returned: u32,
    /// Units that aren't there.
    pub short: u32,
}

/// Where the goods of a SKU are, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodsSnapshot {
    /// The SKU.
    pub sku: SkuId,
    /// Units that are in the house for sale, held or paid: what a count must find.
    pub on_hand: u64,
    /// Units that are paid and not shipped.
    pub allocated: u64,
    /// Units that are with their shoppers.
    pub shipped: u64,
    /// Units in quarantine.
    pub quarantine: u64,
    /// Units that were scrapped, ever.
    pub scrapped: u64,
    /// What all counts have changed, and the units that were missing for good.
    pub counted: i64,
    /// Held or paid units that aren't there.
    pub short: u64,
    /// How many of these are named as units of paid orders.
    pub named: u64,
    /// When units were counted last; 0: never.
    pub watermark: Timestamp,
}

/// Orders in one [`ShortPage`].
pub const SHORT_PAGE: usize = 4;

/// An order of which units aren't there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShortOrder {
    /// When it was paid.
    pub paid_at: Timestamp,
    /// The order.
    pub order: OrderNumber,
    /// Units that aren't there.
    pub units: u32,
}

/// A part of the list of orders that a SKU's shortfall hits, in the order of their payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShortPage {
    /// Units that are missing.
    pub short: u64,
    /// How many of these are named as units of paid orders.
    pub named: u64,
    /// How many of the orders below mean something. Fewer than there is room for: the list ends here.
    pub count: u8,
    /// The orders.
    pub orders: [ShortOrder; SHORT_PAGE],
}
