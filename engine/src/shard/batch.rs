//! What travels between reactors and shards: many requests at once, answered in place.

use super::after::{AfterAnswer, ReadAfter};
use doorbuster_ledger::{
    BudgetCommand, BudgetId, BudgetSnapshot, CampaignId, CampaignSnapshot, ChannelId, ChannelPage,
    ChannelSnapshot, Command, Composite, CouponId, CouponSnapshot, Funder, Line, LineSnapshot, OrderNumber,
    OrderSnapshot, Outcome, Phase, PriceSnapshot, Refusal, SkuId, StockSnapshot, Timestamp, UserId,
};

/// Most slots of a batch. Their events, and those of the batches decided with it, fit into one block of the log.
pub const MAX_SLOTS: usize = 2_048;

/// Requests of one reactor for one shard. It goes out with requests and comes back with answers in the same slots, so
/// that its memory is allocated and freed by one thread and is used again for the next batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// Which reactor's port it goes back to.
    pub reactor: usize,
    /// The reactor's own name for the batch; never looked at here. 0, which is the default: it has none. A batch that is
    /// [`rerouted`](Self::rerouted) has none.
    pub tag: u32,
    /// The requests, then the answers.
    pub slots: Vec<Slot>,
    /// The lines of the [`Request::Composite`]s among them.
    pub lines: Vec<Line>,
    /// The funders of the [`Request::Budget`]s among them.
    pub funders: Vec<Funder>,
    /// What [`Answer::Budget`]s name.
    pub budgets: Vec<BudgetSnapshot>,
    /// Made by a shard of requests that it couldn't decide alone: one batch more than its reactor handed in.
    pub rerouted: bool,
    /// The answers may leave once the log is durable up to this position: the last change that any of them has seen.
    pub ticket: u64,
}

/// One request or its answer.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The reactor's own name for whom to answer; never looked at here.
    pub token: u64,
    /// Not to be decided after this; zero: no deadline.
    pub deadline: Timestamp,
    /// What to do, then what came of it.
    pub work: Work,
}

/// See [`Slot::work`].
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Not looked at yet.
    Asked(Request),
    /// Answered.
    Answered(Answer),
    /// Handed on to the desk: the answer comes with a batch that is [`rerouted`](Batch::rerouted).
    Rerouted,
}

/// What can be asked of a shard.
#[derive(Clone, Copy, Debug)]
pub enum Request {
    /// Something that may change the ledger.
    Command(Command),
    /// As `Command`, but nothing may change any more: only if it was decided before, or needs no change, is it answered.
    Recall(Command),
    /// Something that may change several ledgers. Not for a shard: see
    /// [`Engine::submit_composite`](crate::Engine::submit_composite).
    Composite {
        /// What to do.
        command: Composite,
        /// Where its lines begin among the batch's, and how many they are.
        first: u32,
        /// Likewise.
        count: u8,
        /// The coupon that a hold uses.
        coupon: Option<CouponId>,
        /// As [`Recall`](Self::Recall) is to `Command`: nothing may change any more.
        recall: bool,
    },
    /// Something about a budget or a batch of coupons. For the desk.
    Budget {
        /// What to do.
        command: BudgetCommand,
        /// Where its funders begin among the batch's, and how many they are.
        first: u32,
        /// Likewise.
        count: u8,
    },
    /// Read a budget's accounts, of one moment. For the desk.
    ReadBudget {
        /// The budget.
        budget: BudgetId,
    },
    /// Read a coupon. For the desk.
    ReadCoupon {
        /// The coupon.
        coupon: CouponId,
    },
    /// Read one line of an order.
    ReadLine {
        /// The order.
        order: OrderNumber,
        /// Whose it must be.
        user: UserId,
        /// Which line, from 0.
        nth: u8,
    },
    /// Read an order.
    ReadOrder {
        /// The order.
        order: OrderNumber,
        /// Whose it must be.
        user: UserId,
    },
    /// Read what a channel may have of a SKU, and has.
    ReadChannel {
        /// The SKU.
        sku: SkuId,
        /// The channel.
        channel: ChannelId,
    },
    /// Read which channels a SKU has something to say about.
    ReadChannels {
        /// The SKU.
        sku: SkuId,
        /// The first channel that is asked for.
        first: ChannelId,
    },
    /// Read a campaign. As a [`Request::Composite`], not for a shard: all of them know a part.
    ReadCampaign {
        /// The campaign.
        campaign: CampaignId,
    },
    /// Read a phase of a campaign.
    ReadPhase {
        /// The campaign.
        campaign: CampaignId,
        /// The plan; 0: the one that counts.
        plan: u32,
        /// Which phase, from 0.
        nth: u8,
    },
    /// Read what a campaign says about a SKU.
    ReadPrice {
        /// The SKU.
        sku: SkuId,
        /// The version of prices.
        version: u32,
    },
    /// Read what became of a paid order, or where goods are.
    ReadAfter(ReadAfter),
    /// Read a SKU's accounts.
    ReadStock {
        /// The SKU.
        sku: SkuId,
    },
}

/// What a shard answers.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// What the command came to.
    Outcome(Outcome),
    /// The order, or why not.
    Order(Result<OrderSnapshot, Refusal>),
    /// The line, or why not.
    Line(Result<LineSnapshot, Refusal>),
    /// What the channel may have, if the SKU exists.
    Channel(Option<ChannelSnapshot>),
    /// The channels, if the SKU exists.
    Channels(Option<ChannelPage>),
    /// The campaign, if there is one.
    Campaign(Option<CampaignSnapshot>),
    /// The phase, if it is written.
    Phase(Option<Phase>),
    /// What a campaign says about the SKU, if that exists.
    Price(Option<PriceSnapshot>),
    /// What became of a paid order, or where goods are.
    After(AfterAnswer),
    /// The accounts, if the SKU exists.
    Stock(Option<StockSnapshot>),
    /// The budget's place among [`Batch::budgets`], if it was set up.
    Budget(Option<u32>),
    /// The coupon, if it was issued.
    Coupon(Option<CouponSnapshot>),
    /// Too much waits at the desk; nothing was decided.
    Busy,
    /// A [`Request::Recall`] would have to change something; nothing was decided.
    NotKnown,
    /// The deadline had passed; nothing was decided.
    DeadlineExceeded,
}

// A batch of 64 stays within a core's first-level cache.
const _: () = assert!(size_of::<Slot>() <= 176);
