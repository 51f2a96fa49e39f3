//! A ledger's state as a list of entries, to be kept and to be read back.
//!
//! Replaying a log of years takes long. An image is the shortest list of facts from which a ledger with the same state can
//! be built: [`Ledger::image`] tells them, [`Ledger::load`] takes them. The digest says that nothing was left out.
//!
//! ```text
//! ledger ──image──► now, campaigns, budgets, SKUs, orders, units of shoppers … ──load──► ledgers, of any number of shards
//! ```
//!
//! * Entries come in an order in which each finds what it refers to: campaigns before the SKUs that they sell, SKUs before
//!   orders, orders by partition and number.
//! * Each entry names the partition that it belongs to, or belongs to every ledger ([`ImageEntry::partitions`]): so the
//!   ledgers that an image is read into need not be those that told it.
//! * What can be worked out from the rest is not told: indexes, the calendar, waitlists (orders that wait say so), sums.
//! * Entries are plain data with the units of the log's events. How they are written down is not this crate's business.

mod load;
mod tell;

use crate::budget::{BudgetId, CouponBatch, CouponId, Coupons, Funder};
use crate::campaign::{Phase, Price, PricePolicy, Standing};
use crate::event::Partitions;
use crate::ids::{
    Amount, CampaignId, ChannelId, OrderNumber, PartitionId, PaymentId, RefundId, RequestId, SkuId,
    Timestamp, UserId,
};
use crate::outcome::OrderState;
use crate::payment::PaymentKind;

/// One fact of a ledger's state. See the module's doc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageEntry {
    /// The latest time that was seen.
    Now(Timestamp),
    /// A phase of a campaign's plan.
    Phase {
        /// The campaign.
        campaign: CampaignId,
        /// The plan's number.
        plan: u32,
        /// The phase's place in it.
        nth: u8,
        /// The phase.
        phase: Phase,
    },
    /// How a campaign stands. Its plans' phases come before it.
    Campaign(ImageCampaign),
    /// A version of prices that counted by a plan that counts no more; of a campaign, in their order.
    Counted {
        /// The campaign.
        campaign: CampaignId,
        /// From when on it counted.
        from: Timestamp,
        /// The version.
        version: u32,
    },
    /// A budget.
    Budget {
        /// The budget.
        budget: BudgetId,
        /// What was put into it, minor units.
        funded: u64,
        /// Whether it pays nothing more.
        stopped: bool,
    },
    /// Who pays a part of a budget; of a budget, in their order.
    Funder {
        /// The budget.
        budget: BudgetId,
        /// Who, and which part.
        funder: Funder,
    },
    /// What of a budget is in no partition's slice.
    Bank {
        /// The budget.
        budget: BudgetId,
        /// Minor units.
        cents: u64,
    },
    /// A partition's part of a budget.
    Slice(ImageSlice),
    /// What a funder pays of what is reserved and spent of a slice.
    Posted {
        /// The budget.
        budget: BudgetId,
        /// The partition.
        partition: PartitionId,
        /// The funder's place among the budget's.
        nth: u8,
        /// Minor units.
        cents: u64,
    },
    /// A batch of coupons.
    Batch {
        /// The batch.
        batch: CouponBatch,
        /// What its coupons are good for.
        coupons: Coupons,
    },
    /// A coupon that is or was used.
    Coupon {
        /// The coupon.
        coupon: CouponId,
        /// Uses by open orders.
        reserved: u32,
        /// Uses by paid orders.
        redeemed: u32,
    },
    /// A SKU's accounts.
    Sku(ImageSku),
    /// A price of a SKU; of a SKU, the oldest first.
    Price {
        /// The SKU.
        sku: SkuId,
        /// The version.
        version: u32,
        /// The price.
        price: Price,
    },
    /// Which campaign sells a SKU. Its prices come before it.
    Bound {
        /// The SKU.
        sku: SkuId,
        /// The campaign.
        campaign: CampaignId,
    },
    /// A sales channel of a SKU that has rules for channels.
    Channel(ImageChannel),
    /// Where a SKU's goods are, where more is known of them than its accounts say.
    Goods(ImageGoods),
    /// Units of a paid order that aren't there.
    Missing {
        /// The SKU.
        sku: SkuId,
        /// When the order was paid.
        paid_at: Timestamp,
        /// The order.
        number: OrderNumber,
        /// Its missing units.
        units: u32,
    },
    /// An order, or a restock.
    Order(ImageOrder),
    /// What stands beside an order's row: a payment, or what it claims or uses. Of an order, the oldest first.
    Payment(ImagePayment),
    /// A line of an order that has several.
    Leg(ImageLeg),
    /// What an order asked for at first that has less now.
    Asked {
        /// The order.
        number: OrderNumber,
        /// Units.
        quantity: u32,
        /// What was due for them.
        amount: Amount,
    },
    /// What became of an order after its payment.
    Progress(ImageProgress),
    /// What became of one of its lines.
    LineProgress {
        /// The order.
        number: OrderNumber,
        /// The line's SKU.
        sku: SkuId,
        /// Units that are with the shopper, or were.
        shipped: u32,
        /// Units that were cancelled.
        cancelled: u32,
        /// Units that came back.
        returned: u32,
        /// Units that aren't there.
        short: u32,
    },
    /// Money of an order that went back; of an order, in their order.
    Payback {
        /// The order.
        number: OrderNumber,
        /// The refund.
        refund: RefundId,
        /// The payment that it is taken from.
        payment: PaymentId,
        /// How much.
        amount: Amount,
    },
    /// Units of a SKU that a shopper has, for purchase limits. Orders that have left memory count.
    Units {
        /// The shopper.
        user: UserId,
        /// The SKU.
        sku: SkuId,
        /// Units, at least 1.
        units: u32,
    },
    /// The number of a partition's latest order, whether that is in memory or not. Comes behind its orders.
    Sequence {
        /// The partition.
        partition: PartitionId,
        /// The sequence.
        last: u64,
    },
}

/// See [`ImageEntry::Campaign`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageCampaign {
    /// The campaign.
    pub campaign: CampaignId,
    /// The plan that counts; 0: none.
    pub plan: u32,
    /// How many of its phases count.
    pub phases: u8,
    /// What happens to orders by other versions of prices.
    pub policy: PricePolicy,
    /// Whether it runs.
    pub standing: Standing,
    /// Phases that are known to have begun.
    pub entered: u8,
    /// Since when it follows the plan.
    pub since: Timestamp,
}

/// See [`ImageEntry::Slice`]. All in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSlice {
    /// The budget.
    pub budget: BudgetId,
    /// The partition.
    pub partition: PartitionId,
    /// What may still be claimed.
    pub left: u64,
    /// What open orders claim.
    pub reserved: u64,
    /// What paid orders claimed.
    pub spent: u64,
}

/// See [`ImageEntry::Sku`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSku {
    /// The SKU.
    pub sku: SkuId,
    /// Free units.
    pub available: u64,
    /// Units in open holds.
    pub held: u64,
    /// Units paid.
    pub sold: u64,
    /// All of these.
    pub stocked: u64,
    /// No open hold ends before this.
    pub earliest_deadline: Timestamp,
    /// Open holds.
    pub holds: u32,
    /// Most units for one shopper; 0: any.
    pub user_limit: u32,
    /// Most units of one order; 0: any.
    pub order_limit: u32,
    /// Whether its limits were changed after it was set up.
    pub limits_changed: bool,
    /// Whether nobody gets units for now.
    pub frozen: bool,
}

/// See [`ImageEntry::Channel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageChannel {
    /// The SKU.
    pub sku: SkuId,
    /// The channel.
    pub channel: ChannelId,
    /// Whether it has rules of its own; else it only has units.
    pub ruled: bool,
    /// Units that are kept for it.
    pub guarantee: u64,
    /// Most units that it may have.
    pub cap: Option<u64>,
    /// When what is left of the guarantee is anybody's.
    pub release_at: Option<Timestamp>,
    /// Units that it holds or has sold.
    pub taken: u64,
}

/// See [`ImageEntry::Goods`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageGoods {
    /// The SKU.
    pub sku: SkuId,
    /// Units that were brought in, less those that were withdrawn.
    pub brought: i64,
    /// What counts have changed.
    pub counted: i64,
    /// Sold units that are with their shoppers.
    pub shipped: u64,
    /// Returned units that wait for an inspection.
    pub quarantine: u64,
    /// Returned units that are lost.
    pub scrapped: u64,
    /// Held or sold units that aren't there.
    pub short: u64,
    /// How many of these are units of paid orders by name.
    pub named: u64,
    /// When units were counted last.
    pub watermark: Timestamp,
    /// How many there were.
    pub last_count: u64,
}

/// See [`ImageEntry::Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageOrder {
    /// Its number.
    pub number: OrderNumber,
    /// Its request's id.
    pub request: RequestId,
    /// The shopper; 0 of a restock.
    pub user: UserId,
    /// Its SKU; of several, the one that it is found by.
    pub sku: SkuId,
    /// What is due for it; of a restock, the units.
    pub amount: Amount,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Fingerprint of what it asked for beyond this.
    pub fingerprint: u32,
    /// Units.
    pub quantity: u32,
    /// The hold time that was asked for, milliseconds; of a restock, the reason.
    pub asked_hold_ms: u32,
    /// Its deadline, milliseconds from when it was placed.
    pub hold_ms: u32,
    /// Its end, likewise.
    pub ended_ms: u32,
    /// The sales channel.
    pub channel: ChannelId,
    /// Where it stands; never [`OrderState::After`], which follows from its progress.
    pub state: OrderState,
    /// How its deadline was moved: bits of the ledger's own.
    pub moves: u8,
}

/// See [`ImageEntry::Payment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImagePayment {
    /// The order.
    pub number: OrderNumber,
    /// What it is.
    pub kind: PaymentKind,
    /// The payment's id. Of a claim, the budget in the upper half and the cents that were asked for in the lower; of a
    /// coupon, its number in the upper half.
    pub id: u128,
    /// Minor units; of a payment that is under way, the deadline that the hold had before.
    pub value: u64,
}

/// See [`ImageEntry::Leg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLeg {
    /// The order.
    pub number: OrderNumber,
    /// The line's SKU.
    pub sku: SkuId,
    /// Units that were asked for.
    pub ordered: u32,
    /// Units that it has, or had until the hold ended.
    pub units: u32,
    /// How many of those asked for were given for nothing.
    pub gifts: u32,
    /// Where they are to come from.
    pub location: u16,
    /// Of which pool they are.
    pub pool: u16,
    /// Whether they are held.
    pub held: bool,
}

/// See [`ImageEntry::Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageProgress {
    /// The order.
    pub number: OrderNumber,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it was last heard of.
    pub touched_at: Timestamp,
    /// Whether the warehouse has begun to work on it.
    pub fulfilling: bool,
    /// Whether its goods were spoken of.
    pub under_way: bool,
}

// Millions of them are moved about: a large kind would make all of them large.
const _: () = assert!(size_of::<ImageEntry>() <= 112);

impl ImageEntry {
    /// The partitions whose ledgers must load the entry. A ledger leaves aside what it doesn't serve.
    pub fn partitions(&self) -> Partitions {
        match *self {
            Self::Now(_)
            | Self::Phase { .. }
            | Self::Campaign(_)
            | Self::Counted { .. }
            | Self::Budget { .. }
            | Self::Funder { .. } => Partitions::All,
            Self::Bank { budget, .. } => Partitions::One(budget.partition()),
            Self::Slice(ImageSlice { partition, .. }) | Self::Posted { partition, .. } => {
                Partitions::One(partition)
            }
            Self::Batch { batch, .. } => Partitions::One(batch.partition()),
            Self::Coupon { coupon, .. } => Partitions::One(coupon.partition()),
            Self::Sku(ImageSku { sku, .. })
            | Self::Price { sku, .. }
            | Self::Bound { sku, .. }
            | Self::Channel(ImageChannel { sku, .. })
            | Self::Goods(ImageGoods { sku, .. })
            | Self::Missing { sku, .. }
            | Self::Units { sku, .. } => Partitions::One(PartitionId::of(sku)),
            Self::Order(ImageOrder { number, .. })
            | Self::Payment(ImagePayment { number, .. })
            | Self::Leg(ImageLeg { number, .. })
            | Self::Asked { number, .. }
            | Self::Progress(ImageProgress { number, .. })
            | Self::LineProgress { number, .. }
            | Self::Payback { number, .. } => Partitions::One(number.partition()),
            Self::Sequence { partition, .. } => Partitions::One(partition),
        }
    }
}
