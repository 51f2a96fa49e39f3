//! What happened: the only thing that changes a ledger, live and in replay.

use crate::command::Terms;
use crate::ids::{
    Amount, ChannelId, OrderNumber, PartitionId, PaymentId, Quantity, RequestId, SkuId, Timestamp, UserId,
};

/// What was decided and is written down: a change, or a refusal that carries money ([`Event::AmountMismatched`]). Other
/// refusals are not events: they change nothing.
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
    /// A payment has begun: the hold is pinned until `deadline`.
    PayBegun {
        /// The order.
        number: OrderNumber,
        /// The payment.
        payment: PaymentId,
        /// When the hold ends now.
        deadline: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// The payment that had begun came to nothing.
    PayFailed {
        /// The order.
        number: OrderNumber,
        /// When the hold ends now.
        deadline: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// A hold's deadline was moved by its shopper.
    Extended {
        /// The order.
        number: OrderNumber,
        /// When the hold ends now.
        deadline: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// A payment came after the hold's end, and the same units were there to be taken again.
    Reacquired {
        /// The order.
        number: OrderNumber,
        /// The payment.
        payment: PaymentId,
        /// What was paid.
        amount: Amount,
        /// When.
        at: Timestamp,
    },
    /// A payment came that buys nothing: after the hold's end, when the units were gone, or a second one for a paid
    /// order. The order stays as it is.
    RefundRequired {
        /// The order.
        number: OrderNumber,
        /// The payment.
        payment: PaymentId,
        /// What must be paid back.
        amount: Amount,
        /// When.
        at: Timestamp,
    },
    /// A payment of another amount than is due was refused. Changes nothing but must not be forgotten.
    AmountMismatched {
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
    /// Units came back and are held for an order that waited.
    Offered {
        /// The order.
        number: OrderNumber,
        /// When the hold ends.
        deadline: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// A hold, or a wait, ended by its deadline.
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
    /// The hold of the same shopper and SKU that ended for this one.
    pub supersedes: Option<OrderNumber>,
    /// Not 0: no units are held; the order waits for them as long as this, milliseconds.
    pub wait_ms: u32,
    /// What later rules decide by.
    pub terms: Terms,
}

/// What an event is about, and so where it is looked up and which partition it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// A SKU that is set up.
    Sku(SkuId),
    /// An order that is placed.
    Sale(&'a Reserved),
    /// A change of a SKU's units.
    Restock {
        /// The change's own number.
        number: OrderNumber,
        /// The request that it answers.
        request: RequestId,
        /// The SKU.
        sku: SkuId,
    },
    /// An order that is there.
    Order(OrderNumber),
    /// Every partition.
    All,
}

impl Event {
    /// The partition whose state the event changes; `None` where it concerns all.
    pub fn partition(&self) -> Option<PartitionId> {
        match self.subject() {
            Subject::Sku(sku) => Some(PartitionId::of(sku)),
            Subject::Sale(reserved) => Some(reserved.number.partition()),
            Subject::Restock { number, .. } | Subject::Order(number) => Some(number.partition()),
            Subject::All => None,
        }
    }

    /// What the event is about.
    #[inline]
    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            Self::SkuPut { sku, .. } => Subject::Sku(*sku),
            Self::Reserved(reserved) => Subject::Sale(reserved),
            Self::Restocked { number, request, sku, .. } => {
                Subject::Restock { number: *number, request: *request, sku: *sku }
            }
            Self::Confirmed { number, .. }
            | Self::PayBegun { number, .. }
            | Self::PayFailed { number, .. }
            | Self::Extended { number, .. }
            | Self::Reacquired { number, .. }
            | Self::RefundRequired { number, .. }
            | Self::AmountMismatched { number, .. }
            | Self::Offered { number, .. }
            | Self::Cancelled { number, .. }
            | Self::Expired { number, .. }
            | Self::Evicted { number, .. } => Subject::Order(*number),
            Self::GraceGranted { .. } => Subject::All,
        }
    }

    /// The logical time of the event.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Reserved(reserved) => reserved.at,
            Self::SkuPut { at, .. }
            | Self::Restocked { at, .. }
            | Self::Confirmed { at, .. }
            | Self::PayBegun { at, .. }
            | Self::PayFailed { at, .. }
            | Self::Extended { at, .. }
            | Self::Reacquired { at, .. }
            | Self::RefundRequired { at, .. }
            | Self::AmountMismatched { at, .. }
            | Self::Offered { at, .. }
            | Self::Cancelled { at, .. }
            | Self::Expired { at, .. }
            | Self::Evicted { at, .. }
            | Self::GraceGranted { at, .. } => *at,
        }
    }
}
