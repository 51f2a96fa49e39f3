//! What happened: the only thing that changes a ledger, live and in replay.

use crate::command::Terms;
use crate::ids::{
    Amount, ChannelId, OrderNumber, PartitionId, PaymentId, Quantity, RequestId, SkuId, Timestamp, UserId,
};

/// A decided change. Refusals are not events: they change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A SKU was set up.
    SkuPut {
        /// The SKU.
        sku: SkuId,
        /// Its first units.
        units: u64,
        /// Most units a shopper may have; 0: no limit.
        user_limit: u32,
        /// Most units in one order; 0: no limit.
        order_limit: u32,
        /// When.
        at: Timestamp,
    },
    /// Units came in or were withdrawn.
    Restocked {
        /// The change's own number.
        number: OrderNumber,
        /// The request that it answers.
        request: RequestId,
        /// The SKU.
        sku: SkuId,
        /// Units; negative where withdrawn.
        units: i64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// Units are held.
    Reserved(Reserved),
    /// A hold was paid.
    Confirmed {
        /// The order.
        number: OrderNumber,
        /// The payment.
        payment: PaymentId,
        /// What was paid.
        amount: Amount,
        /// When.
        at: Timestamp,
    },
    /// A hold was given back by its shopper.
    Cancelled {
        /// The order.
        number: OrderNumber,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// A hold ended by its deadline.
    Expired {
        /// The order.
        number: OrderNumber,
        /// When its units went back: at the deadline or a little later.
        at: Timestamp,
    },
    /// An ended order left memory; its request id is too old to be taken again.
    Evicted {
        /// The order.
        number: OrderNumber,
        /// When.
        at: Timestamp,
    },
    /// After downtime: no open hold ends before `until`. Concerns every partition.
    GraceGranted {
        /// The earliest deadline from here on.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
}

/// The content of [`Event::Reserved`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The order's number.
    pub number: OrderNumber,
    /// The request that it answers.
    pub request: RequestId,
    /// The shopper.
    pub user: UserId,
    /// The SKU.
    pub sku: SkuId,
    /// Units.
    pub quantity: Quantity,
    /// Amount due; 0: any.
    pub amount: Amount,
    /// When it was placed.
    pub at: Timestamp,
    /// Hold time as the request named it, milliseconds (0: default).
    pub asked_hold_ms: u32,
    /// Hold time as granted, milliseconds: the deadline is `at` plus this.
    pub hold_ms: u32,
    /// Where the demand came from.
    pub channel: ChannelId,
    /// What later rules decide by.
    pub terms: Terms,
}

impl Event {
    /// The partition whose state the event changes; `None` where it concerns all.
    pub fn partition(&self) -> Option<PartitionId> {
        match self {
            Self::SkuPut { sku, .. } => Some(PartitionId::of(*sku)),
            Self::Reserved(reserved) => Some(reserved.number.partition()),
            Self::Restocked { number, .. }
            | Self::Confirmed { number, .. }
            | Self::Cancelled { number, .. }
            | Self::Expired { number, .. }
            | Self::Evicted { number, .. } => Some(number.partition()),
            Self::GraceGranted { .. } => None,
        }
    }

    /// The logical time of the event.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Reserved(reserved) => reserved.at,
            Self::SkuPut { at, .. }
            | Self::Restocked { at, .. }
            | Self::Confirmed { at, .. }
            | Self::Cancelled { at, .. }
            | Self::Expired { at, .. }
            | Self::Evicted { at, .. }
            | Self::GraceGranted { at, .. } => *at,
        }
    }
}
