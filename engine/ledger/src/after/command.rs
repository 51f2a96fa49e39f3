//! What can be asked about paid orders and about goods. All of it may concern several ledgers: see
//! [`Composite::After`](crate::Composite::After).

use crate::ids::{Amount, OperatorId, OrderNumber, PaymentId, RefundId, SkuId, Timestamp, UserId};

/// The operations after payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCommand {
    /// Take an order a step further. With lines: so many units of each have taken the step by now; without: all.
    Advance(Advance),
    /// Note that money went back.
    Refund(Refund),
    /// Say how many units of a SKU were counted.
    Count(Count),
    /// Move units out of quarantine.
    Inspect(Inspect),
    /// Name a bounded number of orders that a SKU's shortfall hits, or hits no more. Whoever serves the ledgers asks for it
    /// where [`Ledger::errands`](crate::Ledger::errands) says so.
    Name(SkuId),
}

/// A step of a paid order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Step {
    /// The warehouse has begun to work on it.
    #[default]
    Fulfil,
    /// Units have left the house.
    Ship,
    /// All that was shipped has arrived. Concerns the whole order.
    Deliver,
    /// Units that were not shipped go back to stock.
    Cancel,
    /// Units that were shipped have come back.
    Return(Disposition),
    /// Nothing more is to come. Concerns the whole order, of which no unit may be in the house.
    Close,
}

/// Where units go that came back, or leave quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// They are for sale again.
    #[default]
    Restock,
    /// They wait to be inspected.
    Quarantine,
    /// They are lost.
    Scrap,
}

/// Take the order `order` a step further. The lines that come with it name how many units of a SKU have taken the step by
/// now, since the order was paid. So a repeat changes nothing, and neither does a step that was overtaken by a later one of
/// its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// The step.
    pub step: Step,
    /// Why; opaque, kept in the log.
    pub reason: u32,
    /// Who says so; kept in the log.
    pub by: OperatorId,
}

/// `amount` of the payment `payment` of an order went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// The payment that is paid back: the one that bought the order, or one that bought nothing.
    pub payment: PaymentId,
    /// Names the refund; not 0.
    pub refund: RefundId,
    /// What went back; not 0.
    pub amount: Amount,
    /// Why; opaque, kept in the log.
    pub reason: u32,
    /// Who says so; kept in the log.
    pub by: OperatorId,
}

/// `on_hand` units of `sku` were counted: all that are for sale, held, or paid and not shipped. Not those in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The SKU.
    pub sku: SkuId,
    /// Units, at most [`MAX_UNITS`](crate::MAX_UNITS).
    pub on_hand: u64,
    /// When they were counted. A later count was heard of already: this one is too old.
    pub as_of: Timestamp,
    /// The units that must be on hand by the ledger's account, or nothing is changed; `None`: any number.
    pub expected: Option<u64>,
    /// Why; opaque, kept in the log.
    pub reason: u32,
    /// Who says so; kept in the log.
    pub by: OperatorId,
}

/// Move `units` of `sku` out of quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspect {
    /// The SKU.
    pub sku: SkuId,
    /// Units; not 0.
    pub units: u64,
    /// Where they go: not quarantine.
    pub to: Disposition,
    /// The units that must be in quarantine: if there are others, somebody else has moved some, or this is a repeat.
    pub expected: u64,
    /// Why; opaque, kept in the log.
    pub reason: u32,
    /// Who says so; kept in the log.
    pub by: OperatorId,
}
