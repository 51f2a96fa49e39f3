//! Each record about campaigns, with what the feed says of it and the bytes that say it.

use doorbuster_ledger::{
    Amount, CampaignEvent, CampaignId, Event, Phase, PhaseChannels, Price, PricePolicy, SetStanding, SkuId,
    Stage, Standing,
};

use super::*;

const CAMPAIGN_AT: (usize, &str) = (104, "31");
const PLAN_AT: (usize, &str) = (48, "32");
const NTH_AT: (usize, &str) = (18, "03");

/// What the tests of all records look at, too.
pub(super) fn cases() -> Vec<Case> {
    [campaigns(), skus()].concat()
}

fn campaigns() -> Vec<Case> {
    let (campaign, plan, by, reason, at) = (CampaignId::new(0x31), 0x32, 0x28, 9, AT);
    let about = |kind| FeedEvent { to: 0x31, ..order(kind, 0) };
    let phase = Phase {
        start: UNTIL,
        stage: Stage::Live,
        min_tier: 1,
        channels: PhaseChannels::default(),
        user_limit: 0x33,
        order_limit: 0x34,
        group_limit: 0x36,
        price_version: 0x35,
        admission_plan: 6,
        breaker_plan: 7,
    };
    let put = CampaignEvent::PhasePut { campaign, plan, nth: 3, phase, by, reason, at };
    let activated = CampaignEvent::PlanActivated {
        campaign,
        plan,
        phases: 1,
        policy: PricePolicy::HonourLower,
        by,
        reason,
        at,
    };
    let set = SetStanding { campaign, standing: Standing::Aborted, by, reason };
    let cases = [
        (
            put,
            FeedEvent {
                units: 0x32,
                channel: 3,
                until: 0x0B,
                user_limit: 0x33,
                order_limit: 0x34,
                amount: 0x36,
                cap: 0x35,
                user: 0x28,
                reason,
                ..about(EventKind::PhasePut)
            },
            vec![
                CAMPAIGN_AT,
                PLAN_AT,
                NTH_AT,
                (56, "36"),
                (64, "0b"),
                (112, "33"),
                (116, "34"),
                (120, "35"),
                BY_AT,
                REASON_AT,
            ],
        ),
        (
            activated,
            FeedEvent { units: 0x32, user: 0x28, reason, ..about(EventKind::PlanActivated) },
            vec![CAMPAIGN_AT, PLAN_AT, BY_AT, REASON_AT],
        ),
        (
            CampaignEvent::StandingSet { set, at },
            FeedEvent { units: 2, user: 0x28, reason, ..about(EventKind::CampaignStood) },
            vec![CAMPAIGN_AT, (48, "02"), BY_AT, REASON_AT],
        ),
        (
            CampaignEvent::PhaseEntered { campaign, plan, nth: 3, at },
            FeedEvent { units: 0x32, channel: 3, ..about(EventKind::PhaseEntered) },
            vec![CAMPAIGN_AT, PLAN_AT, NTH_AT],
        ),
    ];
    cases.map(|(event, said, spans)| (Event::Campaign(event), said, spans)).to_vec()
}

fn skus() -> Vec<Case> {
    let (sku, campaign, by, reason, at) = (SkuId::new(0x22), CampaignId::new(0x31), 0x28, 9, AT);
    let about = |kind| FeedEvent { sku: 0x22, ..order(kind, 0) };
    let price = Price { price: Amount::new(0x24), ..Price::default() };
    let (user_limit, order_limit) = (0x33, 0x34);
    let cases = [
        (
            CampaignEvent::SkuBound { sku, campaign, by, reason, at },
            FeedEvent { to: 0x31, user: 0x28, reason, ..about(EventKind::SkuBound) },
            vec![SKU_AT, CAMPAIGN_AT, BY_AT, REASON_AT],
        ),
        (
            CampaignEvent::PriceSet { sku, version: 0x32, price, by, reason, at },
            FeedEvent { units: 0x32, amount: 0x24, user: 0x28, reason, ..about(EventKind::PriceSet) },
            vec![SKU_AT, PLAN_AT, BY_AT, REASON_AT, (56, "24")],
        ),
        (
            CampaignEvent::LimitsSet { sku, user_limit, order_limit, by, reason, at },
            FeedEvent { user_limit, order_limit, user: 0x28, reason, ..about(EventKind::LimitsSet) },
            vec![SKU_AT, (112, "33"), (116, "34"), BY_AT, REASON_AT],
        ),
        (
            CampaignEvent::FreezeSet { sku, frozen: true, by, reason, at },
            FeedEvent { units: 1, user: 0x28, reason, ..about(EventKind::FreezeSet) },
            vec![SKU_AT, (48, "01"), BY_AT, REASON_AT],
        ),
    ];
    cases.map(|(event, said, spans)| (Event::Campaign(event), said, spans)).to_vec()
}
