//! Campaigns on the wire: plans and their phases, prices by version, and which SKUs belong to which.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::kind::Kind;

/// Most channels that a phase may name.
pub const MAX_PHASE_CHANNELS: usize = 8;

/// A part of a campaign, from its start until the next phase's. 48 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Phase {
    /// When it starts, server milliseconds.
    pub start: u64,
    /// Most units of a SKU that a shopper may have, if that is less than the SKU's own limit; 0: the SKU's.
    pub user_limit: u32,
    /// Most units of a SKU in one order, likewise.
    pub order_limit: u32,
    /// Most units of all SKUs of a placement group that a shopper may have; 0: any. A SKU whose number names no group counts
    /// alone.
    pub group_limit: u32,
    /// The version of prices that counts; 0: prices are not looked at.
    pub price_version: u32,
    /// Lowest member tier that may buy; 0: everybody.
    pub min_tier: u16,
    /// Number of the admission plan for the gateway, kept for it; 0: its own.
    pub admission_plan: u16,
    /// Number of the plan for circuit breakers, likewise.
    pub breaker_plan: u16,
    /// 0 warm-up, 1 live, 2 sustain, 3 wrap-up, 4 closed. Units are sold in 1 to 3.
    pub stage: u8,
    /// How many channels are listed; 0: the phase is for all.
    pub channel_count: u8,
    /// The channels that may sell, so many of them.
    pub channels: [u16; MAX_PHASE_CHANNELS],
}

impl Phase {
    fn check(&self) -> Result<(), &'static str> {
        if self.stage > 4 {
            Err("`stage` is none of 0 to 4")
        } else if usize::from(self.channel_count) > MAX_PHASE_CHANNELS {
            Err("`channel_count` is over 8")
        } else {
            Ok(())
        }
    }
}

/// Write a phase of a plan. One that is written never changes: the same again is REPLAYED, other content `VERSION_EXISTS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PutPhase {
    /// The campaign; not 0.
    pub campaign: u32,
    /// The plan; not 0.
    pub plan: u32,
    /// Which of its phases, from 0, below 16.
    pub nth: u8,
    /// The phase.
    pub phase: Phase,
    /// As in [`SetCampaign`].
    pub by: u64,
    /// As in [`SetCampaign`].
    pub reason: u32,
}

/// Let a campaign follow a plan; or pause, resume or end it. What it says is absolute: a repeat is REPLAYED.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SetCampaign {
    /// The campaign.
    pub campaign: u32,
    /// 1: follow `plan`. 2: pause. 3: resume. 4: end it for good.
    pub action: u8,
    /// The plan, for action 1 as all below it.
    pub plan: u32,
    /// How many phases it has, which start one after the other.
    pub phases: u8,
    /// What happens to orders by old prices: 0 strict, they are refused; 1 grace, the version before is good for `grace_ms`;
    /// 2 honour lower, a version that counted earlier is good where its price is not above the one that counts.
    pub policy: u8,
    /// Of policy 1, milliseconds.
    pub grace_ms: u32,
    /// The plan that the campaign is known to follow; 0: none. Another: `CAS_MISMATCH`.
    pub expected: u32,
    /// Who wants it so, as you number your people; kept in the log.
    pub by: u64,
    /// Why, as you number your reasons; kept in the log.
    pub reason: u32,
}

/// Let a campaign sell a SKU. What it says is absolute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BindSku {
    /// The SKU.
    pub sku: u64,
    /// The campaign; 0: none, it is sold at any time.
    pub campaign: u32,
    /// As in [`SetCampaign`].
    pub by: u64,
    /// As in [`SetCampaign`].
    pub reason: u32,
}

/// Write a SKU's price by a version. One that is written never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PutPrice {
    /// The SKU.
    pub sku: u64,
    /// The version; not 0.
    pub version: u32,
    /// The price of a unit, minor units.
    pub price: u64,
    /// The price without the campaign, as shown to shoppers.
    pub list: u64,
    /// An order must not pay less for a unit; at most the price.
    pub floor: u64,
    /// An order must not pay more for a unit; at least the price.
    pub ceiling: u64,
    /// As in [`SetCampaign`].
    pub by: u64,
    /// As in [`SetCampaign`].
    pub reason: u32,
}

/// Change a SKU's limits. Who has more by now keeps it. What it says is absolute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SetLimits {
    /// The SKU.
    pub sku: u64,
    /// Most units a shopper may have, open holds included; 0: no limit.
    pub user_limit: u32,
    /// Most units in one order; 0: no limit.
    pub order_limit: u32,
    /// As in [`SetCampaign`].
    pub by: u64,
    /// As in [`SetCampaign`].
    pub reason: u32,
}

/// Freeze a SKU, or let it be sold again. What it says is absolute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FreezeSku {
    /// The SKU.
    pub sku: u64,
    /// 1: nobody gets units of it who has none; 0: it is sold.
    pub frozen: u8,
    /// As in [`SetCampaign`].
    pub by: u64,
    /// As in [`SetCampaign`].
    pub reason: u32,
}

/// Read a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadCampaign {
    /// The campaign.
    pub campaign: u32,
}

/// Read a phase of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadPhase {
    /// The campaign.
    pub campaign: u32,
    /// The plan; 0: the one that it follows.
    pub plan: u32,
    /// Which phase, from 0.
    pub nth: u8,
}

/// Read a SKU's campaign and its price by a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadPrice {
    /// The SKU.
    pub sku: u64,
    /// The version.
    pub version: u32,
}

/// A campaign. 56 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct CampaignView {
    /// OK or `NO_SUCH_CAMPAIGN`; all else is 0 unless OK.
    pub code: u16,
    /// What it is to shoppers now, as in [`Phase`].
    pub stage: u8,
    /// Which phase it is in, from 0; 255: before the first.
    pub phase: u8,
    /// How many phases its plan has.
    pub phases: u8,
    /// As in [`SetCampaign`].
    pub policy: u8,
    /// 0 it runs by its plan, 1 paused, 2 ended for good.
    pub standing: u8,
    /// Reserved, 0.
    pub reserved: u8,
    /// The campaign.
    pub campaign: u32,
    /// The plan that it follows; 0: none yet.
    pub plan: u32,
    /// As in [`SetCampaign`].
    pub grace_ms: u32,
    /// The version of prices that counts next, or now if none comes; 0: none.
    pub price_version: u32,
    /// When the next phase starts; 0: there is none.
    pub next_start: u64,
    /// When `price_version` begins to count; 0: it counts now.
    pub priced_from: u64,
    /// SKUs that it sells.
    pub skus: u64,
    /// SKUs that have no price by `price_version`.
    pub unpriced: u64,
}

/// A phase. 46 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PhaseView {
    /// OK or `NO_SUCH_CAMPAIGN`, also where the phase is not written; all else is 0 unless OK.
    pub code: u16,
    /// The phase.
    pub phase: Phase,
}

/// What a campaign says about a SKU. 52 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PriceView {
    /// OK or `UNKNOWN_SKU`; all else is 0 unless OK.
    pub code: u16,
    /// 1: there is a price by this version.
    pub known: u8,
    /// Reserved, 0.
    pub reserved: u8,
    /// The version.
    pub version: u32,
    /// The campaign that sells the SKU; 0: none.
    pub campaign: u32,
    /// The SKU.
    pub sku: u64,
    /// As in [`PutPrice`].
    pub price: u64,
    /// As in [`PutPrice`].
    pub list: u64,
    /// As in [`PutPrice`].
    pub floor: u64,
    /// As in [`PutPrice`].
    pub ceiling: u64,
}

macro_rules! record {
    ($type:ident, $kind:ident, $len:literal, |$this:ident| $check:expr) => {
        impl Record for $type {
            const KINDS: &'static [Kind] = &[Kind::$kind];
            const MIN_LEN: usize = $len;

            fn validate(&self) -> Result<(), &'static str> {
                let $this = self;
                $check
            }
        }
    };
}

record!(PutPhase, PutPhase, 69, |this| this.phase.check());
record!(SetCampaign, SetCampaign, 31, |this| this.check());
record!(BindSku, BindSku, 24, |_this| Ok(()));
record!(PutPrice, PutPrice, 56, |_this| Ok(()));
record!(SetLimits, SetLimits, 28, |_this| Ok(()));
record!(FreezeSku, FreezeSku, 21, |this| {
    if this.frozen > 1 { Err("`frozen` is neither 0 nor 1") } else { Ok(()) }
});
record!(ReadCampaign, ReadCampaign, 4, |_this| Ok(()));
record!(ReadPhase, ReadPhase, 9, |_this| Ok(()));
record!(ReadPrice, ReadPrice, 12, |_this| Ok(()));
record!(CampaignView, CampaignRead, 56, |_this| Ok(()));
record!(PhaseView, PhaseRead, 50, |this| this.phase.check());
record!(PriceView, PriceRead, 52, |_this| Ok(()));

impl SetCampaign {
    fn check(&self) -> Result<(), &'static str> {
        if self.action == 0 || self.action > 4 {
            Err("`action` is none of 1 to 4")
        } else if self.policy > 2 {
            Err("`policy` is none of 0 to 2")
        } else {
            Ok(())
        }
    }
}
