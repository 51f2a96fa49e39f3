//! What can be asked of the ledger.

use crate::after::AfterCommand;
use crate::budget::Claim;
use crate::campaign::{Phase, Price, PricePolicy, Standing};
use crate::ids::{
    Amount, CampaignId, ChannelId, OrderNumber, PaymentId, Quantity, RequestId, SkuId, Timestamp, UserId,
};

/// The closed set of operations that may change the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hold units for a shopper.
    Reserve(Reserve),
    /// Pay a hold.
    Confirm(Confirm),
    /// Give a hold back.
    Cancel(Cancel),
    /// Keep a hold while its shopper pays.
    BeginPay(BeginPay),
    /// The payment that had begun came to nothing.
    FailPay(FailPay),
    /// Keep a hold longer.
    Extend(Extend),
    /// Set a SKU up.
    PutSku(PutSku),
    /// Bring units in, or take available ones out.
    Restock(Restock),
    /// Say what a sales channel may have of a SKU.
    SetChannel(SetChannel),
    /// Move a part of one channel's guarantee to another.
    Rebalance(Rebalance),
    /// Change a SKU's campaign, prices or limits, or freeze it.
    Sku(SkuCommand),
}

/// Hold `quantity` units of `sku` for `user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// Names the request.
    pub request: RequestId,
    /// The shopper.
    pub user: UserId,
    /// The SKU.
    pub sku: SkuId,
    /// Units.
    pub quantity: Quantity,
    /// Amount due; 0: Confirm may name any.
    pub amount: Amount,
    /// Hold time as the request named it, milliseconds; 0: the ledger's default.
    pub hold_ms: u32,
    /// Where the demand comes from.
    pub channel: ChannelId,
    /// The client promises that it never sent this request before: a refusal needs no look at former requests.
    pub first_attempt: bool,
    /// How long the shopper will wait if there are too few units, milliseconds; 0: not at all. No part of what a repeat is
    /// compared with.
    pub wait_ms: u32,
    /// What later rules decide by.
    pub terms: Terms,
    /// A discount, which a budget pays.
    pub claim: Option<Claim>,
}

/// Most lines of an order. Carts are small; the bound keeps what one command does, and writes, small.
pub const MAX_LINES: usize = 32;

/// A SKU of an order with its units. An order has one line for each of its SKUs, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line {
    /// The SKU.
    pub sku: SkuId,
    /// Units, gifts among them. Gifts count towards limits like any others.
    pub units: u32,
    /// How many of them are given for nothing.
    pub gifts: u32,
    /// Location of the units.
    pub location: u16,
    /// Pool of the units.
    pub pool: u16,
}

/// The operations that may concern several SKUs, and so several ledgers: see [`Span`](crate::Span). They come with a list
/// of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composite {
    /// Hold all lines or none.
    Reserve {
        /// The order. Its SKU is the first line's, its quantity the sum of all units; location and pool of its terms don't
        /// count.
        reserve: Reserve,
        /// An open hold of the same shopper that gives its units back in the same step, so that they may be among those that
        /// are taken. One that has ended by now needs no replacing and is passed over. It is no part of what a repeat is
        /// compared with.
        supersedes: Option<OrderNumber>,
    },
    /// Pay the lines that are listed, with so many units each, and give the others back; without a list, pay all.
    Confirm(Confirm),
    /// Give units back until so many are left as the list says; lines that it doesn't name stay as they are. Without a list,
    /// give all back. As what is left is named, and not what goes, a repeat changes nothing.
    Cancel {
        /// The order.
        cancel: Cancel,
        /// The amount that is due for what is left; 0: as before.
        amount: Amount,
    },
    /// End the hold, if its deadline has passed.
    Expire(OrderNumber),
    /// Change a campaign. Every ledger must know of it: all of them decide.
    Campaign(CampaignCommand),
    /// What becomes of paid orders, and of the goods.
    After(AfterCommand),
}

/// What an order carries for pricing, sourcing and risk rules. All 0 by default; the ledger keeps it in the log and
/// compares it on a repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Campaign.
    pub campaign: u32,
    /// Version of the price book.
    pub price_version: u32,
    /// Member tier.
    pub tier: u16,
    /// Location of the leg.
    pub location: u16,
    /// Pool of the leg.
    pub pool: u16,
    /// Hash of the device.
    pub device: u64,
    /// Hash of the delivery address.
    pub address: u64,
    /// Hash of the paying account.
    pub pay_account: u64,
}

/// Pay the hold `order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// Names the payment.
    pub payment: PaymentId,
    /// Amount paid.
    pub amount: Amount,
}

/// How fast a payment is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PayClass {
    /// While the shopper waits: wallets, cards.
    #[default]
    Fast,
    /// Hours or days later: bank transfers, cash on delivery.
    Slow,
}

/// The shopper of the hold `order` starts to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginPay {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// Names the payment.
    pub payment: PaymentId,
    /// How long it may take.
    pub class: PayClass,
}

/// The payment that had begun for `order` came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailPay {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// The payment.
    pub payment: PaymentId,
}

/// Keep the hold `order` until `until`. As that is a time and not a duration, a repeat changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extend {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// The deadline wished for.
    pub until: Timestamp,
}

/// Give the hold `order` back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The order.
    pub order: OrderNumber,
    /// The shopper that it must belong to.
    pub user: UserId,
    /// Why; opaque, kept in the log.
    pub reason: u32,
}

/// Set `sku` up with its first units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutSku {
    /// The SKU.
    pub sku: SkuId,
    /// Units at the start, at most [`MAX_UNITS`](crate::MAX_UNITS).
    pub units: u64,
    /// Most units a shopper may have, open holds included; 0: no limit.
    pub user_limit: u32,
    /// Most units in one order; 0: no limit.
    pub order_limit: u32,
    /// As in [`Activate`].
    pub by: u64,
    /// As in [`Activate`].
    pub reason: u32,
}

/// Say how many units of `sku` the channel may have. What it says is absolute: a repeat changes nothing. The first for a SKU
/// must come before its first hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetChannel {
    /// The SKU.
    pub sku: SkuId,
    /// The channel.
    pub channel: ChannelId,
    /// Units that nobody else may take, as far as the channel has not taken them yet.
    pub guarantee: u64,
    /// Most units that it may take; `None`: no limit.
    pub cap: Option<u64>,
    /// When what is left of the guarantee is anybody's; `None`: never.
    pub release_at: Option<Timestamp>,
    /// As in [`Activate`].
    pub by: u64,
    /// As in [`Activate`].
    pub reason: u32,
}

/// Move up to `units` of the guarantee of one channel, as far as it has not taken them, to another, whose release time they
/// get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebalance {
    /// The SKU.
    pub sku: SkuId,
    /// The channel that gives.
    pub from: ChannelId,
    /// The channel that gets.
    pub to: ChannelId,
    /// Units to be moved at most.
    pub units: u64,
    /// Units that stay kept for the giving channel.
    pub keep: u64,
    /// The guarantee that the giving channel is known to have: if it has another, somebody else has moved units, or this
    /// command is a repeat.
    pub expected: u64,
    /// As in [`Activate`].
    pub by: u64,
    /// As in [`Activate`].
    pub reason: u32,
}

/// Add `units` to `sku`, or withdraw where negative. A repeat is compared by its units and its reason, and not by who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restock {
    /// Names the request.
    pub request: RequestId,
    /// The SKU.
    pub sku: SkuId,
    /// Units; not 0, and at most [`MAX_UNITS`](crate::MAX_UNITS) either way.
    pub units: i64,
    /// As in [`Activate`].
    pub by: u64,
    /// As in [`Activate`].
    pub reason: u32,
}

/// What may be changed about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignCommand {
    /// Write a phase of a plan. A phase that is written never changes: a repeat changes nothing, other content is refused.
    PutPhase {
        /// The campaign; not 0.
        campaign: CampaignId,
        /// The plan; not 0.
        plan: u32,
        /// Which of its phases, from 0, below [`MAX_PHASES`](crate::MAX_PHASES).
        nth: u8,
        /// The phase.
        phase: Phase,
        /// As in [`Activate`].
        by: u64,
        /// As in [`Activate`].
        reason: u32,
    },
    /// Follow another plan.
    Activate(Activate),
    /// Pause, resume or end it.
    SetStanding(SetStanding),
    /// Note in the log that a phase has begun, of whatever campaign, if one has that the log doesn't know of.
    Enter,
}

/// Let a campaign follow a plan whose phases are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activate {
    /// The campaign.
    pub campaign: CampaignId,
    /// The plan.
    pub plan: u32,
    /// How many phases it has, which start one after the other.
    pub phases: u8,
    /// What happens to orders by old prices.
    pub policy: PricePolicy,
    /// The plan that the campaign is known to follow, 0: none. If it follows another, somebody else has changed it.
    pub expected: u32,
    /// Who wants it so, as the shop numbers its people; kept in the log.
    pub by: u64,
    /// Why; opaque, kept in the log.
    pub reason: u32,
}

/// Say whether a campaign runs. What it says is absolute: a repeat changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetStanding {
    /// The campaign.
    pub campaign: CampaignId,
    /// Whether it runs.
    pub standing: Standing,
    /// As in [`Activate`].
    pub by: u64,
    /// As in [`Activate`].
    pub reason: u32,
}

/// What may be changed about a SKU during its life. What these say is absolute: a repeat changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkuCommand {
    /// Let a campaign sell it.
    Bind {
        /// The SKU.
        sku: SkuId,
        /// The campaign; 0: none, it is sold at any time.
        campaign: CampaignId,
        /// As in [`Activate`].
        by: u64,
        /// As in [`Activate`].
        reason: u32,
    },
    /// Write its price by a version. One that is written never changes.
    Price {
        /// The SKU.
        sku: SkuId,
        /// The version; not 0.
        version: u32,
        /// The price, between its floor and its ceiling.
        price: Price,
        /// As in [`Activate`].
        by: u64,
        /// As in [`Activate`].
        reason: u32,
    },
    /// Change its limits. Who has more by now keeps it.
    Limits {
        /// The SKU.
        sku: SkuId,
        /// Most units a shopper may have, open holds included; 0: no limit.
        user_limit: u32,
        /// Most units in one order; 0: no limit.
        order_limit: u32,
        /// As in [`Activate`].
        by: u64,
        /// As in [`Activate`].
        reason: u32,
    },
    /// Sell nothing of it for now, or go on. While it is frozen nobody gets units of it who has none: no new hold, no offer to
    /// those who wait, no late payment. Open holds go on as before.
    Freeze {
        /// The SKU.
        sku: SkuId,
        /// Whether it is frozen from now on.
        frozen: bool,
        /// As in [`Activate`].
        by: u64,
        /// As in [`Activate`].
        reason: u32,
    },
}

impl SkuCommand {
    /// The SKU.
    pub const fn sku(&self) -> SkuId {
        match self {
            Self::Bind { sku, .. }
            | Self::Price { sku, .. }
            | Self::Limits { sku, .. }
            | Self::Freeze { sku, .. } => *sku,
        }
    }
}
