//! What happened: the only thing that changes a ledger, live and in replay.

use crate::after::{AfterEvent, LineMoved, Short};
use crate::budget::{BudgetEvent, Claim};
use crate::campaign::CampaignEvent;
use crate::command::{Line, SetChannel, Terms};
use crate::ids::{
    Amount, ChannelId, OrderNumber, PartitionId, PaymentId, Quantity, RequestId, Share, SkuId, Timestamp,
    UserId,
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
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
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
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// It was said what a channel may have of a SKU.
    ChannelSet {
        /// What was said.
        rules: SetChannel,
        /// When.
        at: Timestamp,
    },
    /// A part of a guarantee was moved.
    Rebalanced {
        /// The SKU.
        sku: SkuId,
        /// The channel that gave.
        from: ChannelId,
        /// The channel that got.
        to: ChannelId,
        /// Units that were moved.
        units: u64,
        /// Who wanted it so.
        by: u64,
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
    /// A hold ended for another one of its shopper, which takes its place.
    Superseded {
        /// The order.
        number: OrderNumber,
        /// The order that takes its place.
        by: OrderNumber,
        /// When.
        at: Timestamp,
    },
    /// Part of a hold was given back for good. If it has one line, so many of its units went back with this; if it has several,
    /// they went back with [`Event::LegCut`].
    Cut {
        /// The order.
        number: OrderNumber,
        /// Units that went back, over all lines.
        units: u32,
        /// The amount that is due now.
        amount: Amount,
        /// When.
        at: Timestamp,
    },
    /// Units are held for one line of an order that has several.
    LegHeld(LegHeld),
    /// All units of one line went back. If the order is paid late, the line asks for as many again.
    LegReleased(LegEnd),
    /// All units of one line were paid.
    LegSold(LegEnd),
    /// Part of one line was given back for good, and some is left.
    LegCut(LegEnd),
    /// All units of one line were given back for good.
    LegDropped(LegEnd),
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
    /// A change of a campaign, or of a SKU because of one.
    Campaign(CampaignEvent),
    /// Something became of a paid order, or of goods.
    After(AfterEvent),
    /// Something became of a budget's money or of a coupon.
    Budget(BudgetEvent),
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
    /// How often, and how, the deadline of a hold was moved whose place this one takes; it counts on from there.
    pub moves: u8,
    /// Not 0: no units are held; the order waits for them as long as this, milliseconds.
    pub wait_ms: u32,
    /// What later rules decide by.
    pub terms: Terms,
    /// The discount that it takes out of its partition's slice of a budget. None where it waits.
    pub claim: Option<Claim>,
}

/// The content of [`Event::LegHeld`]. Concerns two partitions: the order's and the SKU's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegHeld {
    /// The order.
    pub order: OrderNumber,
    /// The line.
    pub line: Line,
    /// The shopper.
    pub user: UserId,
    /// Where the demand came from.
    pub channel: ChannelId,
    /// When the hold ends.
    pub deadline: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// The content of the events that end units of a line. Concerns two partitions: the order's and the SKU's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegEnd {
    /// The order.
    pub order: OrderNumber,
    /// The SKU.
    pub sku: SkuId,
    /// The shopper.
    pub user: UserId,
    /// The units concerned.
    pub units: u32,
    /// Where the demand came from.
    pub channel: ChannelId,
    /// When.
    pub at: Timestamp,
}

/// Whose state an event changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// One partition.
    One(PartitionId),
    /// An order's and a SKU's, which may be the same.
    Two(PartitionId, PartitionId),
    /// All of them.
    All,
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
    /// A line of an order.
    Leg(OrderNumber, SkuId),
    /// A SKU that is there, whose units change.
    Goods(SkuId),
    /// Budgets, which are looked up by themselves.
    Budget(&'a BudgetEvent),
    /// Every partition.
    All,
}

impl Event {
    /// The partitions whose state the event changes.
    #[inline]
    pub fn partitions(&self) -> Partitions {
        match self.subject() {
            Subject::Sku(sku) | Subject::Goods(sku) => Partitions::One(PartitionId::of(sku)),
            Subject::Sale(reserved) => Partitions::One(reserved.number.partition()),
            Subject::Restock { number, .. } | Subject::Order(number) => Partitions::One(number.partition()),
            Subject::Leg(order, sku) => Partitions::Two(order.partition(), PartitionId::of(sku)),
            Subject::Budget(event) => event.partitions(),
            Subject::All => Partitions::All,
        }
    }

    /// Whether the event changes the state of a partition in this share.
    #[inline]
    pub fn concerns(&self, share: Share) -> bool {
        match self.partitions() {
            Partitions::One(partition) => share.serves(partition),
            Partitions::Two(order, sku) => share.serves(order) || share.serves(sku),
            Partitions::All => true,
        }
    }

    /// What the event is about.
    #[inline]
    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            Self::SkuPut { sku, .. }
            | Self::ChannelSet { rules: SetChannel { sku, .. }, .. }
            | Self::Rebalanced { sku, .. } => Subject::Sku(*sku),
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
            | Self::Superseded { number, .. }
            | Self::Cut { number, .. }
            | Self::Cancelled { number, .. }
            | Self::Expired { number, .. }
            | Self::Evicted { number, .. } => Subject::Order(*number),
            Self::LegHeld(leg) => Subject::Leg(leg.order, leg.line.sku),
            Self::LegReleased(end) | Self::LegSold(end) | Self::LegCut(end) | Self::LegDropped(end) => {
                Subject::Leg(end.order, end.sku)
            }
            Self::Campaign(event) => event.sku().map_or(Subject::All, Subject::Sku),
            Self::After(after) => match after {
                AfterEvent::Fulfilling(step) | AfterEvent::Delivered(step) | AfterEvent::Closed(step) => {
                    Subject::Order(step.number)
                }
                AfterEvent::PaidBack { number, .. } => Subject::Order(*number),
                AfterEvent::Line(LineMoved { order, sku, .. })
                | AfterEvent::Shorted(Short { order, sku, .. })
                | AfterEvent::Covered(Short { order, sku, .. }) => Subject::Leg(*order, *sku),
                AfterEvent::Counted { sku, .. }
                | AfterEvent::WrittenOff { sku, .. }
                | AfterEvent::Inspected { sku, .. } => Subject::Goods(*sku),
            },
            Self::Budget(event) => Subject::Budget(event),
            Self::GraceGranted { .. } => Subject::All,
        }
    }

    /// The logical time of the event.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Reserved(reserved) => reserved.at,
            Self::Campaign(event) => event.at(),
            Self::Budget(event) => event.at(),
            Self::LegHeld(leg) => leg.at,
            Self::After(after) => after.at(),
            Self::LegReleased(end) | Self::LegSold(end) | Self::LegCut(end) | Self::LegDropped(end) => end.at,
            Self::SkuPut { at, .. }
            | Self::ChannelSet { at, .. }
            | Self::Rebalanced { at, .. }
            | Self::Restocked { at, .. }
            | Self::Confirmed { at, .. }
            | Self::PayBegun { at, .. }
            | Self::PayFailed { at, .. }
            | Self::Extended { at, .. }
            | Self::Reacquired { at, .. }
            | Self::RefundRequired { at, .. }
            | Self::AmountMismatched { at, .. }
            | Self::Offered { at, .. }
            | Self::Superseded { at, .. }
            | Self::Cut { at, .. }
            | Self::Cancelled { at, .. }
            | Self::Expired { at, .. }
            | Self::Evicted { at, .. }
            | Self::GraceGranted { at, .. } => *at,
        }
    }
}
