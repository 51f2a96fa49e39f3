//! What operators ask about campaigns.

use doorbuster_ledger::*;
use proptest::prelude::*;

use super::ask::Ask;
use super::asked::Asked;
use super::groups::sku_of;

/// What operators do about campaigns. Mostly the one that is there from the start.
pub(super) fn campaign() -> impl Strategy<Value = Ask> {
    let id = || prop_oneof![4 => Just(1_u32), 1 => 0_u32..3];
    let plan = || prop_oneof![3 => 1_u32..3, 1 => 0_u32..4];
    let standing =
        prop_oneof![3 => Just(Standing::Running), 2 => Just(Standing::Paused), 1 => Just(Standing::Aborted)];
    prop_oneof![
        2 => (1_u64..5, id()).prop_map(|(sku, campaign)| Ask::Sku(SkuCommand::Bind {
            sku: sku_of(sku),
            campaign: CampaignId::new(campaign),
            by: 1,
            reason: 2,
        })),
        1 => (1_u64..5, 0_u32..4, 0_u64..3, 0_u64..4).prop_map(|(sku, version, price, more)| {
            let (sku, price) = (sku_of(sku), price_of(price, more));
            Ask::Sku(SkuCommand::Price { sku, version, price, by: more, reason: 2 })
        }),
        1 => (1_u64..5, 0_u32..4, 0_u32..4).prop_map(|(sku, user_limit, order_limit)| {
            Ask::Sku(SkuCommand::Limits { sku: sku_of(sku), user_limit, order_limit, by: 1, reason: 2 })
        }),
        2 => (1_u64..5, 0_u8..5).prop_map(|(sku, like)| {
            Ask::Sku(SkuCommand::Freeze { sku: sku_of(sku), frozen: like < 2, by: 1, reason: 2 })
        }),
        2 => (id(), plan(), 0_u8..3, 0_u64..4_000, 0_u8..64)
            .prop_map(|(campaign, plan, nth, start, like)| Ask::Phase(campaign, plan, nth, start, like)),
        3 => (id(), plan(), 1_u8..4, 0_u8..3, 0_u32..3)
            .prop_map(|(campaign, plan, phases, policy, expected)| Ask::Activate(campaign, plan, phases, policy, expected)),
        2 => (id(), standing).prop_map(|(campaign, standing)| Ask::Standing(campaign, standing)),
    ]
}

/// A price with a floor that may lie above it, which is refused.
pub(crate) fn price_of(price: u64, more: u64) -> Price {
    Price {
        price: Amount::new(price),
        list: Amount::new(price + more),
        floor: Amount::new(more / 2),
        ceiling: Amount::new(price + more / 2),
    }
}

/// A phase: `like` says what it is like.
pub(crate) fn phase_of(start: u64, like: u8) -> Phase {
    let channels: &[ChannelId] = if like % 8 == 6 { &[ChannelId::new(0), ChannelId::new(2)] } else { &[] };
    Phase {
        start: Timestamp::new(start),
        stage: [Stage::Live, Stage::Sustain, Stage::Wrapup, Stage::Live, Stage::Warmup, Stage::Closed]
            [usize::from(like % 6)],
        min_tier: u16::from(like / 8 % 4 == 3),
        channels: PhaseChannels::of(channels).expect("few"),
        user_limit: u32::from(like / 16),
        order_limit: u32::from(like / 24),
        group_limit: [0, 0, 2, 4][usize::from(like / 5 % 4)],
        price_version: u32::from(like % 3),
        admission_plan: 1,
        breaker_plan: 2,
    }
}

/// What is asked; `None` for what is not about campaigns.
pub(super) fn asked(ask: &Ask, now: u64) -> Option<Asked> {
    let several = |command| Asked::Several(Composite::Campaign(command), Vec::new());
    Some(match *ask {
        Ask::Sku(command) => Asked::One(Command::Sku(command)),
        Ask::Phase(campaign, plan, nth, start, like) => {
            let (campaign, phase) = (CampaignId::new(campaign), phase_of(now - now % 1_000 + start, like));
            several(CampaignCommand::PutPhase { campaign, plan, nth, phase, by: now, reason: 2 })
        }
        Ask::Activate(campaign, plan, phases, policy, expected) => {
            let policies = [PricePolicy::Strict, PricePolicy::Grace { ms: 700 }, PricePolicy::HonourLower];
            several(CampaignCommand::Activate(Activate {
                campaign: CampaignId::new(campaign),
                plan,
                phases,
                policy: policies[usize::from(policy)],
                expected,
                by: 1,
                reason: 2,
            }))
        }
        Ask::Standing(campaign, standing) => {
            let campaign = CampaignId::new(campaign);
            several(CampaignCommand::SetStanding(SetStanding { campaign, standing, by: 1, reason: 2 }))
        }
        _ => return None,
    })
}
