//! What happened to paid orders and to goods.

use super::Disposition;
use crate::ids::{Amount, ChannelId, OperatorId, OrderNumber, PaymentId, RefundId, SkuId, Timestamp, UserId};

/// The events after payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterEvent {
    /// The warehouse has begun to work on an order.
    Fulfilling(OrderStep),
    /// All that was shipped of an order has arrived.
    Delivered(OrderStep),
    /// Nothing more is to come of an order.
    Closed(OrderStep),
    /// Units of a line went somewhere.
    Line(LineMoved),
    /// Money of a payment went back.
    PaidBack {
        /// The order.
        number: OrderNumber,
        /// The payment.
        payment: PaymentId,
        /// The refund.
        refund: RefundId,
        /// What went back.
        amount: Amount,
        /// Why.
        reason: u32,
        /// Who said so.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// Units were counted.
    Counted {
        /// The SKU.
        sku: SkuId,
        /// Units that are on hand.
        on_hand: u64,
        /// Units by which the available ones rise, or fall where negative.
        change: i64,
        /// Units that are missing from now on.
        short: u64,
        /// When they were counted.
        as_of: Timestamp,
        /// Why.
        reason: u32,
        /// Who said so.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// Units of a paid order aren't there.
    Shorted(Short),
    /// Units of a paid order that were missing are there, or missing no more.
    Covered(Short),
    /// Available units take the place of missing ones: there are so many less of both.
    WrittenOff {
        /// The SKU.
        sku: SkuId,
        /// Units.
        units: u64,
        /// When.
        at: Timestamp,
    },
    /// Units left quarantine.
    Inspected {
        /// The SKU.
        sku: SkuId,
        /// Units.
        units: u64,
        /// Where they went.
        to: Disposition,
        /// Why.
        reason: u32,
        /// Who said so.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
}

/// The content of events about a whole order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStep {
    /// The order.
    pub number: OrderNumber,
    /// Why.
    pub reason: u32,
    /// Who said so.
    pub by: OperatorId,
    /// When.
    pub at: Timestamp,
}

/// Where units of a line went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moved {
    /// Out of the house.
    Shipped,
    /// Back to stock, before they were shipped.
    Cancelled,
    /// Back from the shopper.
    Returned(Disposition),
}

/// The content of [`AfterEvent::Line`]. Concerns two partitions, which are the same for an order with one line: the order's
/// and the SKU's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineMoved {
    /// The order.
    pub order: OrderNumber,
    /// The SKU.
    pub sku: SkuId,
    /// The shopper.
    pub user: UserId,
    /// Where the demand came from.
    pub channel: ChannelId,
    /// Units.
    pub units: u32,
    /// Where they went.
    pub to: Moved,
    /// Why.
    pub reason: u32,
    /// Who said so.
    pub by: OperatorId,
    /// When.
    pub at: Timestamp,
}

/// The content of the events that say which orders a shortfall hits. Concerns two partitions: the order's and the SKU's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// The order.
    pub order: OrderNumber,
    /// The SKU.
    pub sku: SkuId,
    /// Units.
    pub units: u32,
    /// When the order was paid.
    pub paid_at: Timestamp,
    /// When.
    pub at: Timestamp,
}

impl AfterEvent {
    /// The logical time of the event.
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Fulfilling(step) | Self::Delivered(step) | Self::Closed(step) => step.at,
            Self::Line(line) => line.at,
            Self::Shorted(short) | Self::Covered(short) => short.at,
            Self::PaidBack { at, .. }
            | Self::Counted { at, .. }
            | Self::WrittenOff { at, .. }
            | Self::Inspected { at, .. } => *at,
        }
    }
}
