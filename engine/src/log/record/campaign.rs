//! Records of campaigns, and of what is changed about SKUs: kinds 40 to 46 and 76.

use bincode::{Decode, Encode};
use doorbuster_ledger::{
    Amount, CampaignEvent, CampaignId, ChannelId, Event, Phase, PhaseChannels, Price, PricePolicy,
    SetStanding, SkuId, Stage, Standing, Timestamp,
};

use super::decode::take;
use super::encode::put;
use super::{Record, RecordError};

const PHASE_PUT: u8 = 40;
const PLAN_ACTIVATED: u8 = 41;
const STANDING_SET: u8 = 42;
const PHASE_ENTERED: u8 = 43;
const SKU_BOUND: u8 = 44;
const PRICE_SET: u8 = 45;
const LIMITS_SET: u8 = 46;
/// Behind those of budgets, as what stands between them was taken.
pub(super) const FREEZE_SET: u8 = 76;

/// The kinds of this module, but for [`FREEZE_SET`].
pub(super) const FIRST: u8 = PHASE_PUT;
pub(super) const LAST: u8 = LIMITS_SET;

#[derive(Encode, Decode)]
struct PhasePutBody {
    campaign: u32,
    plan: u32,
    nth: u8,
    start: u64,
    stage: u8,
    min_tier: u16,
    user_limit: u32,
    order_limit: u32,
    group_limit: u32,
    price_version: u32,
    admission_plan: u16,
    breaker_plan: u16,
    channels: Vec<u16>,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct PlanActivatedBody {
    campaign: u32,
    plan: u32,
    phases: u8,
    policy: u8,
    /// Of policy 1.
    grace_ms: u32,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct StandingSetBody {
    campaign: u32,
    standing: u8,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct PhaseEnteredBody {
    campaign: u32,
    plan: u32,
    nth: u8,
    at: u64,
}

#[derive(Encode, Decode)]
struct SkuBoundBody {
    sku: u64,
    campaign: u32,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct PriceSetBody {
    sku: u64,
    version: u32,
    price: u64,
    list: u64,
    floor: u64,
    ceiling: u64,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct LimitsSetBody {
    sku: u64,
    user_limit: u32,
    order_limit: u32,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct FreezeSetBody {
    sku: u64,
    frozen: u8,
    by: u64,
    reason: u32,
    at: u64,
}

/// Appends the event's record to `out`.
pub(super) fn encode(event: &CampaignEvent, out: &mut Vec<u8>) {
    match *event {
        CampaignEvent::PhasePut { campaign, plan, nth, ref phase, by, reason, at } => {
            let body = PhasePutBody {
                campaign: campaign.raw(),
                plan,
                nth,
                start: phase.start.raw(),
                stage: stage_byte(phase.stage),
                min_tier: phase.min_tier,
                user_limit: phase.user_limit,
                order_limit: phase.order_limit,
                group_limit: phase.group_limit,
                price_version: phase.price_version,
                admission_plan: phase.admission_plan,
                breaker_plan: phase.breaker_plan,
                channels: phase.channels.as_slice().iter().map(|channel| channel.raw()).collect(),
                by,
                reason,
                at: at.raw(),
            };
            put(PHASE_PUT, &body, out);
        }
        CampaignEvent::PlanActivated { campaign, plan, phases, policy, by, reason, at } => {
            let (policy, grace_ms) = policy_bytes(policy);
            let (campaign, at) = (campaign.raw(), at.raw());
            let body = PlanActivatedBody { campaign, plan, phases, policy, grace_ms, by, reason, at };
            put(PLAN_ACTIVATED, &body, out);
        }
        CampaignEvent::StandingSet { set: SetStanding { campaign, standing, by, reason }, at } => {
            let standing = standing_byte(standing);
            let body = StandingSetBody { campaign: campaign.raw(), standing, by, reason, at: at.raw() };
            put(STANDING_SET, &body, out);
        }
        CampaignEvent::PhaseEntered { campaign, plan, nth, at } => {
            let body = PhaseEnteredBody { campaign: campaign.raw(), plan, nth, at: at.raw() };
            put(PHASE_ENTERED, &body, out);
        }
        CampaignEvent::SkuBound { sku, campaign, by, reason, at } => {
            let (sku, campaign, at) = (sku.raw(), campaign.raw(), at.raw());
            put(SKU_BOUND, &SkuBoundBody { sku, campaign, by, reason, at }, out);
        }
        CampaignEvent::PriceSet { sku, version, price, by, reason, at } => {
            let body = PriceSetBody {
                sku: sku.raw(),
                version,
                price: price.price.raw(),
                list: price.list.raw(),
                floor: price.floor.raw(),
                ceiling: price.ceiling.raw(),
                by,
                reason,
                at: at.raw(),
            };
            put(PRICE_SET, &body, out);
        }
        CampaignEvent::LimitsSet { sku, user_limit, order_limit, by, reason, at } => {
            let (sku, at) = (sku.raw(), at.raw());
            put(LIMITS_SET, &LimitsSetBody { sku, user_limit, order_limit, by, reason, at }, out);
        }
        CampaignEvent::FreezeSet { sku, frozen, by, reason, at } => {
            let (sku, frozen, at) = (sku.raw(), u8::from(frozen), at.raw());
            put(FREEZE_SET, &FreezeSetBody { sku, frozen, by, reason, at }, out);
        }
    }
}

/// Reads the record of one of this module's kinds.
pub(super) fn decode(kind: u8, rest: &[u8]) -> Result<(Record, usize), RecordError> {
    let (event, used) = match kind {
        PHASE_PUT => take(kind, rest).and_then(|(body, used)| Ok((phase_put(kind, &body)?, used)))?,
        PLAN_ACTIVATED => take(kind, rest).and_then(|(body, used): (PlanActivatedBody, usize)| {
            let policy = policy(body.policy, body.grace_ms);
            let policy = policy.ok_or(RecordError::Impossible { kind, field: "policy" })?;
            let event = CampaignEvent::PlanActivated {
                campaign: CampaignId::new(body.campaign),
                plan: body.plan,
                phases: body.phases,
                policy,
                by: body.by,
                reason: body.reason,
                at: Timestamp::new(body.at),
            };
            Ok((event, used))
        })?,
        STANDING_SET => take(kind, rest).and_then(|(body, used): (StandingSetBody, usize)| {
            let standing = standing(body.standing);
            let standing = standing.ok_or(RecordError::Impossible { kind, field: "standing" })?;
            let campaign = CampaignId::new(body.campaign);
            let set = SetStanding { campaign, standing, by: body.by, reason: body.reason };
            Ok((CampaignEvent::StandingSet { set, at: Timestamp::new(body.at) }, used))
        })?,
        PHASE_ENTERED => take(kind, rest).map(|(body, used): (PhaseEnteredBody, usize)| {
            let (campaign, at) = (CampaignId::new(body.campaign), Timestamp::new(body.at));
            (CampaignEvent::PhaseEntered { campaign, plan: body.plan, nth: body.nth, at }, used)
        })?,
        SKU_BOUND => take(kind, rest).map(|(body, used): (SkuBoundBody, usize)| {
            let (sku, campaign) = (SkuId::new(body.sku), CampaignId::new(body.campaign));
            let (by, reason, at) = (body.by, body.reason, Timestamp::new(body.at));
            (CampaignEvent::SkuBound { sku, campaign, by, reason, at }, used)
        })?,
        PRICE_SET => take(kind, rest).map(|(body, used): (PriceSetBody, usize)| {
            let price = Price {
                price: Amount::new(body.price),
                list: Amount::new(body.list),
                floor: Amount::new(body.floor),
                ceiling: Amount::new(body.ceiling),
            };
            let (sku, at) = (SkuId::new(body.sku), Timestamp::new(body.at));
            let (version, by, reason) = (body.version, body.by, body.reason);
            (CampaignEvent::PriceSet { sku, version, price, by, reason, at }, used)
        })?,
        LIMITS_SET => take(kind, rest).map(|(body, used): (LimitsSetBody, usize)| {
            let event = CampaignEvent::LimitsSet {
                sku: SkuId::new(body.sku),
                user_limit: body.user_limit,
                order_limit: body.order_limit,
                by: body.by,
                reason: body.reason,
                at: Timestamp::new(body.at),
            };
            (event, used)
        })?,
        FREEZE_SET => take(kind, rest).and_then(|(body, used): (FreezeSetBody, usize)| {
            let frozen = match body.frozen {
                0 => false,
                1 => true,
                _ => return Err(RecordError::Impossible { kind, field: "frozen" }),
            };
            let (sku, at) = (SkuId::new(body.sku), Timestamp::new(body.at));
            Ok((CampaignEvent::FreezeSet { sku, frozen, by: body.by, reason: body.reason, at }, used))
        })?,
        _ => return Err(RecordError::UnknownKind { kind }),
    };
    Ok((Record::Event(Event::Campaign(event)), used))
}

fn phase_put(kind: u8, body: &PhasePutBody) -> Result<CampaignEvent, RecordError> {
    let channels: Vec<_> = body.channels.iter().copied().map(ChannelId::new).collect();
    let phase = Phase {
        start: Timestamp::new(body.start),
        stage: stage(body.stage).ok_or(RecordError::Impossible { kind, field: "stage" })?,
        min_tier: body.min_tier,
        channels: PhaseChannels::of(&channels)
            .ok_or(RecordError::Impossible { kind, field: "number of channels" })?,
        user_limit: body.user_limit,
        order_limit: body.order_limit,
        group_limit: body.group_limit,
        price_version: body.price_version,
        admission_plan: body.admission_plan,
        breaker_plan: body.breaker_plan,
    };
    let campaign = CampaignId::new(body.campaign);
    Ok(CampaignEvent::PhasePut {
        campaign,
        plan: body.plan,
        nth: body.nth,
        phase,
        by: body.by,
        reason: body.reason,
        at: Timestamp::new(body.at),
    })
}

const STAGES: [Stage; 5] = [Stage::Warmup, Stage::Live, Stage::Sustain, Stage::Wrapup, Stage::Closed];

pub(crate) fn stage(byte: u8) -> Option<Stage> {
    STAGES.get(usize::from(byte)).copied()
}

/// A policy as a byte, and the milliseconds of a grace.
pub(crate) const fn policy_bytes(policy: PricePolicy) -> (u8, u32) {
    match policy {
        PricePolicy::Strict => (0, 0),
        PricePolicy::Grace { ms } => (1, ms),
        PricePolicy::HonourLower => (2, 0),
    }
}

pub(crate) const fn policy(byte: u8, grace_ms: u32) -> Option<PricePolicy> {
    match (byte, grace_ms) {
        (0, 0) => Some(PricePolicy::Strict),
        (1, ms) => Some(PricePolicy::Grace { ms }),
        (2, 0) => Some(PricePolicy::HonourLower),
        _ => None,
    }
}

pub(crate) const fn standing_byte(standing: Standing) -> u8 {
    match standing {
        Standing::Running => 0,
        Standing::Paused => 1,
        Standing::Aborted => 2,
    }
}

pub(crate) const fn standing(byte: u8) -> Option<Standing> {
    match byte {
        0 => Some(Standing::Running),
        1 => Some(Standing::Paused),
        2 => Some(Standing::Aborted),
        _ => None,
    }
}

pub(crate) const fn stage_byte(stage: Stage) -> u8 {
    match stage {
        Stage::Warmup => 0,
        Stage::Live => 1,
        Stage::Sustain => 2,
        Stage::Wrapup => 3,
        Stage::Closed => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_a_byte_of_its_own() {
        for known in STAGES {
            assert_eq!(stage(stage_byte(known)), Some(known));
        }
        assert_eq!(stage(5), None);
    }
}
