//! Campaigns: wire types and ledger types.

use doorbuster_engine::shard::Request;
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use ledger::{Amount, CampaignCommand, CampaignId, ChannelId, PartitionId, SkuCommand, SkuId, Timestamp};
use wire::Code;

use super::{Ask, Asked, bad};

/// A phase of a plan.
pub(crate) fn put_phase(asked: &wire::PutPhase) -> Asked {
    let phase = phase_of(&asked.phase).ok_or_else(|| bad(wire::Field::Plan))?;
    let (campaign, plan, nth) = (CampaignId::new(asked.campaign), asked.plan, asked.nth);
    let (by, reason) = (asked.by, asked.reason);
    Ok(desk(CampaignCommand::PutPhase { campaign, plan, nth, phase, by, reason }))
}

/// What becomes of a campaign.
pub(crate) fn set_campaign(asked: &wire::SetCampaign) -> Ask {
    let (campaign, by, reason) = (CampaignId::new(asked.campaign), asked.by, asked.reason);
    let stand =
        |standing| desk(CampaignCommand::SetStanding(ledger::SetStanding { campaign, standing, by, reason }));
    match asked.action {
        2 => stand(ledger::Standing::Paused),
        3 => stand(ledger::Standing::Running),
        4 => stand(ledger::Standing::Aborted),
        _ => desk(CampaignCommand::Activate(ledger::Activate {
            campaign,
            plan: asked.plan,
            phases: asked.phases,
            policy: match asked.policy {
                1 => ledger::PricePolicy::Grace { ms: asked.grace_ms },
                2 => ledger::PricePolicy::HonourLower,
                _ => ledger::PricePolicy::Strict,
            },
            expected: asked.expected,
            by,
            reason,
        })),
    }
}

/// A SKU for a campaign.
pub(crate) fn bind_sku(asked: &wire::BindSku) -> Ask {
    let (sku, campaign) = (SkuId::new(asked.sku), CampaignId::new(asked.campaign));
    of_sku(SkuCommand::Bind { sku, campaign, by: asked.by, reason: asked.reason })
}

/// A SKU's price.
pub(crate) fn put_price(asked: &wire::PutPrice) -> Ask {
    let price = ledger::Price {
        price: Amount::new(asked.price),
        list: Amount::new(asked.list),
        floor: Amount::new(asked.floor),
        ceiling: Amount::new(asked.ceiling),
    };
    of_sku(SkuCommand::Price {
        sku: SkuId::new(asked.sku),
        version: asked.version,
        price,
        by: asked.by,
        reason: asked.reason,
    })
}

/// A SKU's limits.
pub(crate) fn set_limits(asked: &wire::SetLimits) -> Ask {
    of_sku(SkuCommand::Limits {
        sku: SkuId::new(asked.sku),
        user_limit: asked.user_limit,
        order_limit: asked.order_limit,
        by: asked.by,
        reason: asked.reason,
    })
}

/// A SKU to be frozen, or to be sold again.
pub(crate) fn freeze_sku(asked: &wire::FreezeSku) -> Ask {
    of_sku(SkuCommand::Freeze {
        sku: SkuId::new(asked.sku),
        frozen: asked.frozen != 0,
        by: asked.by,
        reason: asked.reason,
    })
}

/// A campaign to be read.
pub(crate) fn read_campaign(asked: wire::ReadCampaign) -> Ask {
    Ask::All(Request::ReadCampaign { campaign: CampaignId::new(asked.campaign) })
}

/// A phase to be read: every shard knows it.
pub(crate) fn read_phase(asked: &wire::ReadPhase) -> Ask {
    let campaign = CampaignId::new(asked.campaign);
    let request = Request::ReadPhase { campaign, plan: asked.plan, nth: asked.nth };
    Ask::Shard(PartitionId::default(), request)
}

/// A price to be read.
pub(crate) fn read_price(asked: &wire::ReadPrice) -> Ask {
    let sku = SkuId::new(asked.sku);
    Ask::Shard(PartitionId::of(sku), Request::ReadPrice { sku, version: asked.version })
}

fn desk(command: CampaignCommand) -> Ask {
    Ask::Desk(ledger::Composite::Campaign(command), 0)
}

fn of_sku(command: SkuCommand) -> Ask {
    Ask::Shard(PartitionId::of(command.sku()), Request::Command(ledger::Command::Sku(command)))
}

fn phase_of(phase: &wire::Phase) -> Option<ledger::Phase> {
    let listed = phase.channels.get(..usize::from(phase.channel_count))?;
    let channels: Vec<_> = listed.iter().copied().map(ChannelId::new).collect();
    Some(ledger::Phase {
        start: Timestamp::new(phase.start),
        stage: match phase.stage {
            0 => ledger::Stage::Warmup,
            1 => ledger::Stage::Live,
            2 => ledger::Stage::Sustain,
            3 => ledger::Stage::Wrapup,
            4 => ledger::Stage::Closed,
            _ => return None,
        },
        min_tier: phase.min_tier,
        channels: ledger::PhaseChannels::of(&channels)?,
        user_limit: phase.user_limit,
        order_limit: phase.order_limit,
        group_limit: phase.group_limit,
        price_version: phase.price_version,
        admission_plan: phase.admission_plan,
        breaker_plan: phase.breaker_plan,
    })
}

const fn stage(stage: ledger::Stage) -> u8 {
    match stage {
        ledger::Stage::Warmup => 0,
        ledger::Stage::Live => 1,
        ledger::Stage::Sustain => 2,
        ledger::Stage::Wrapup => 3,
        ledger::Stage::Closed => 4,
    }
}

/// A campaign that was read.
pub(crate) fn campaign(read: Option<&ledger::CampaignSnapshot>) -> wire::CampaignView {
    let Some(read) = read else {
        return wire::CampaignView { code: Code::NoSuchCampaign.number(), ..wire::CampaignView::default() };
    };
    let (policy, grace_ms) = match read.policy {
        ledger::PricePolicy::Strict => (0, 0),
        ledger::PricePolicy::Grace { ms } => (1, ms),
        ledger::PricePolicy::HonourLower => (2, 0),
    };
    wire::CampaignView {
        code: Code::Ok.number(),
        stage: stage(read.stage),
        phase: read.phase.unwrap_or(u8::MAX),
        phases: read.phases,
        policy,
        standing: match read.standing {
            ledger::Standing::Running => 0,
            ledger::Standing::Paused => 1,
            ledger::Standing::Aborted => 2,
        },
        reserved: 0,
        campaign: read.campaign.raw(),
        plan: read.plan,
        grace_ms,
        price_version: read.price_version,
        next_start: read.next_start.map_or(0, Timestamp::raw),
        priced_from: read.priced_from.map_or(0, Timestamp::raw),
        skus: read.skus,
        unpriced: read.unpriced,
    }
}

/// A phase that was read.
pub(crate) fn phase(read: Option<&ledger::Phase>) -> wire::PhaseView {
    let Some(read) = read else {
        return wire::PhaseView { code: Code::NoSuchCampaign.number(), ..wire::PhaseView::default() };
    };
    let listed = read.channels.as_slice();
    let mut channels = [0; wire::MAX_PHASE_CHANNELS];
    for (place, channel) in channels.iter_mut().zip(listed) {
        *place = channel.raw();
    }
    let phase = wire::Phase {
        start: read.start.raw(),
        user_limit: read.user_limit,
        order_limit: read.order_limit,
        group_limit: read.group_limit,
        price_version: read.price_version,
        min_tier: read.min_tier,
        admission_plan: read.admission_plan,
        breaker_plan: read.breaker_plan,
        stage: stage(read.stage),
        channel_count: u8::try_from(listed.len()).unwrap_or(u8::MAX),
        channels,
    };
    wire::PhaseView { code: Code::Ok.number(), phase }
}

/// A price that was read.
pub(crate) fn price(read: Option<&ledger::PriceSnapshot>) -> wire::PriceView {
    let Some(read) = read else {
        return wire::PriceView { code: Code::UnknownSku.number(), ..wire::PriceView::default() };
    };
    let price = read.price.unwrap_or_default();
    wire::PriceView {
        code: Code::Ok.number(),
        known: u8::from(read.price.is_some()),
        reserved: 0,
        version: read.version,
        campaign: read.campaign.raw(),
        sku: read.sku.raw(),
        price: price.price.raw(),
        list: price.list.raw(),
        floor: price.floor.raw(),
        ceiling: price.ceiling.raw(),
    }
}
