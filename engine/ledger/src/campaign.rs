//! Campaigns: who may buy what, when and by which prices.
//!
//! A campaign is a list of phases, each from its start until the next one's. Which one counts is a pure function of time, so
//! it changes at the same instant on every ledger, and a replay decides nothing anew.
//!
//! Lists of phases are called plans. A plan never changes once it is written; to change a campaign, another plan is written
//! and takes the place of the first in one step. So nobody ever sees half a change, and the log says who was to sell what by
//! which plan. Versions of prices are made the same way.

use crate::command::SetStanding;
use crate::ids::{Amount, CampaignId, ChannelId, SkuId, Timestamp};

/// Most phases of a plan. The seed of this model, a yearly sale of two weeks, has seven.
pub const MAX_PHASES: u8 = 16;

/// Most channels that a phase may name.
pub const MAX_PHASE_CHANNELS: usize = 8;

/// What a phase is to shoppers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Shoppers look; nothing is sold yet.
    #[default]
    Warmup,
    /// The rush.
    Live,
    /// The days after it.
    Sustain,
    /// What is left.
    Wrapup,
    /// Nothing is sold any more.
    Closed,
}

impl Stage {
    /// Whether units are sold.
    pub const fn sells(self) -> bool {
        matches!(self, Self::Live | Self::Sustain | Self::Wrapup)
    }
}

/// The channels that a phase is for; none: all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseChannels {
    listed: [ChannelId; MAX_PHASE_CHANNELS],
    count: u8,
}

impl PhaseChannels {
    /// These channels; `None` if they are more than [`MAX_PHASE_CHANNELS`].
    pub fn of(channels: &[ChannelId]) -> Option<Self> {
        let mut listed = [ChannelId::default(); MAX_PHASE_CHANNELS];
        listed.get_mut(..channels.len())?.copy_from_slice(channels);
        Some(Self { listed, count: u8::try_from(channels.len()).ok()? })
    }

    /// The channels.
    pub fn as_slice(&self) -> &[ChannelId] {
        self.listed.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// Whether the channel is one of them.
    pub fn allow(&self, channel: ChannelId) -> bool {
        self.count == 0 || self.as_slice().contains(&channel)
    }
}

/// A part of a campaign, from its start until the next phase's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// When it starts.
    pub start: Timestamp,
    /// What it is.
    pub stage: Stage,
    /// Lowest member tier that may buy; 0: everybody.
    pub min_tier: u16,
    /// Channels that may sell.
    pub channels: PhaseChannels,
    /// Most units of a SKU that a shopper may have, if that is less than the SKU's own limit; 0: the SKU's.
    pub user_limit: u32,
    /// Most units of a SKU in one order, likewise.
    pub order_limit: u32,
    /// Most units that a shopper may have of all SKUs of a SKU's placement group, whatever sells them; of the SKU itself, if its
    /// number names no group. 0: any.
    pub group_limit: u32,
    /// The version of prices that counts; 0: prices are not looked at.
    pub price_version: u32,
    /// Number of the admission plan that the gateway should follow; 0: its own. Kept for the gateway, not looked at here.
    pub admission_plan: u16,
    /// Number of the plan for its circuit breakers, likewise.
    pub breaker_plan: u16,
}

/// What happens to an order by a version of prices that does not count any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PricePolicy {
    /// It is refused.
    #[default]
    Strict,
    /// The version before is good for so long after a change, milliseconds.
    Grace {
        /// So long.
        ms: u32,
    },
    /// An earlier version of the same plan is good where its price is not above the one that counts.
    HonourLower,
}

/// Whether a campaign runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Standing {
    /// By its plan.
    #[default]
    Running,
    /// Nothing is sold until it runs again.
    Paused,
    /// It is over, whatever its plan says, for good.
    Aborted,
}

/// What a SKU costs by one version of prices, minor units for one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Price {
    /// The price.
    pub price: Amount,
    /// The price without the campaign, as shown to shoppers.
    pub list: Amount,
    /// An order must not pay less for a unit.
    pub floor: Amount,
    /// An order must not pay more for a unit.
    pub ceiling: Amount,
}

/// What happened to a campaign, or to a SKU because of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignEvent {
    /// A phase of a plan was written. Concerns every partition.
    PhasePut {
        /// The campaign.
        campaign: CampaignId,
        /// The plan.
        plan: u32,
        /// Which of its phases, from 0.
        nth: u8,
        /// The phase.
        phase: Phase,
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// The campaign follows another plan. Concerns every partition.
    PlanActivated {
        /// The campaign.
        campaign: CampaignId,
        /// The plan.
        plan: u32,
        /// How many phases it has.
        phases: u8,
        /// What happens to old prices.
        policy: PricePolicy,
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// The campaign was paused, resumed or ended. Concerns every partition.
    StandingSet {
        /// What was asked for.
        set: SetStanding,
        /// When.
        at: Timestamp,
    },
    /// A phase has begun. Changes nothing: which phase counts is told by the time. It marks the log. Concerns every partition.
    PhaseEntered {
        /// The campaign.
        campaign: CampaignId,
        /// The plan.
        plan: u32,
        /// Which phase.
        nth: u8,
        /// When this was noticed: at the phase's start or a little later.
        at: Timestamp,
    },
    /// The SKU is sold by a campaign's plan from now on.
    SkuBound {
        /// The SKU.
        sku: SkuId,
        /// The campaign; 0: none any more.
        campaign: CampaignId,
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// A SKU has got its price by a version.
    PriceSet {
        /// The SKU.
        sku: SkuId,
        /// The version.
        version: u32,
        /// The price.
        price: Price,
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
    /// A SKU's limits were changed.
    LimitsSet {
        /// The SKU.
        sku: SkuId,
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
    /// A SKU was frozen, or is sold again.
    FreezeSet {
        /// The SKU.
        sku: SkuId,
        /// Whether it is frozen from now on.
        frozen: bool,
        /// Who wanted it so.
        by: u64,
        /// Why.
        reason: u32,
        /// When.
        at: Timestamp,
    },
}

impl CampaignEvent {
    /// The SKU that it is about; `None`: every partition.
    pub(crate) const fn sku(&self) -> Option<SkuId> {
        match self {
            Self::SkuBound { sku, .. }
            | Self::PriceSet { sku, .. }
            | Self::LimitsSet { sku, .. }
            | Self::FreezeSet { sku, .. } => Some(*sku),
            Self::PhasePut { .. }
            | Self::PlanActivated { .. }
            | Self::StandingSet { .. }
            | Self::PhaseEntered { .. } => None,
        }
    }

    /// The logical time of the event.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::PhasePut { at, .. }
            | Self::PlanActivated { at, .. }
            | Self::StandingSet { at, .. }
            | Self::PhaseEntered { at, .. }
            | Self::SkuBound { at, .. }
            | Self::PriceSet { at, .. }
            | Self::LimitsSet { at, .. }
            | Self::FreezeSet { at, .. } => *at,
        }
    }
}

/// A campaign, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignSnapshot {
    /// The campaign.
    pub campaign: CampaignId,
    /// The plan that it follows; 0: none yet.
    pub plan: u32,
    /// How many phases that has.
    pub phases: u8,
    /// Which phase it is in; `None` before the first.
    pub phase: Option<u8>,
    /// What that is to shoppers; before the first, [`Stage::Warmup`].
    pub stage: Stage,
    /// What happens to old prices.
    pub policy: PricePolicy,
    /// Whether it runs.
    pub standing: Standing,
    /// When the next phase starts; `None`: there is none.
    pub next_start: Option<Timestamp>,
    /// SKUs that it sells.
    pub skus: u64,
    /// The version of prices that counts next, or now if none comes; 0: none.
    pub price_version: u32,
    /// When that version begins to count; `None`: it counts now.
    pub priced_from: Option<Timestamp>,
    /// SKUs that have no price by that version.
    pub unpriced: u64,
}

/// What a campaign says about a SKU, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceSnapshot {
    /// The SKU.
    pub sku: SkuId,
    /// The campaign that sells it; 0: none.
    pub campaign: CampaignId,
    /// The version.
    pub version: u32,
    /// The price by this version, if it has one.
    pub price: Option<Price>,
}
