//! What happened, in the terms of a report: with SKU, channel and age, which events leave out.

/// One thing that happened to an order or to units of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deed {
    /// When, server milliseconds.
    pub(super) at: u64,
    /// The order's sales channel.
    pub(super) channel: u16,
    pub(super) what: What,
}

/// What it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// To an order as a whole; each once an order.
    Order(Step),
    /// To units of one SKU of an order.
    Units {
        /// The SKU.
        sku: u64,
        /// How many.
        units: u64,
        /// What became of them.
        went: Went,
    },
}

/// What becomes of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A hold was given at once, for so long.
    Held { lasts_ms: u64 },
    /// It joined a waiting line.
    Waited,
    /// Who waited got a hold.
    Offered,
    /// Paid while the hold lasted.
    Paid(Payment),
    /// Paid after it: the units were still there.
    Reacquired(Payment),
    /// The shopper gave the hold back.
    Cancelled,
    /// The hold ran out, and its units went back so long after its deadline.
    Expired { offered: bool, lag_ms: u64 },
    /// Another hold of the shopper took its place.
    Superseded,
    /// The shopper left the line.
    Left,
    /// The wait ended in vain.
    Lapsed,
    /// A payment bought nothing.
    RefundDue { amount: u64, why: Why },
    /// Money went back.
    PaidBack { amount: u64 },
    /// A payment of a wrong amount was refused.
    Mismatched,
}

/// Of a payment that bought an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payment {
    /// Since the hold was given.
    pub(super) after_ms: u64,
    /// The hold was an offer.
    pub(super) offered: bool,
    /// The discount that a budget pays.
    pub(super) discount: u64,
}

/// Why a payment bought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The hold had ended.
    Late,
    /// The order was paid already.
    Twice,
    /// The order never held anything.
    Waited,
}

/// What becomes of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// Into a hold.
    Held,
    /// Back, as the hold wasn't paid; and whether somebody waited for this SKU then.
    Unpaid { wanted: bool },
    /// Back, for another reason: swapped for another hold, or a part given back.
    Freed,
    /// To a shopper who paid so much for them.
    Sold { amount: u64 },
    /// Somebody began to wait for so many.
    Wanted,
    /// Who waited for them got them.
    Granted,
    /// Who waited for them went without; and whether as many were free then.
    Missed { free: bool },
    /// Back to stock before they were shipped.
    Cancelled,
    /// Back from the shopper.
    Returned,
    /// Out of the house.
    Shipped,
    /// Sold, and not there.
    Shorted,
    /// Missing no longer.
    Covered,
}
