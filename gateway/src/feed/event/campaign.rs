//! What the feed says of campaigns.

use doorbuster_ledger::CampaignEvent;
use doorbuster_protocol::{EventKind, FeedEvent};

use super::{of, units};

pub(super) fn said(event: &CampaignEvent) -> FeedEvent {
    match *event {
        CampaignEvent::PhasePut { campaign, plan, nth, ref phase, by, reason, at } => FeedEvent {
            user: by,
            reason,
            to: campaign.raw().into(),
            units: i64::from(plan),
            channel: u16::from(nth),
            until: phase.start.raw(),
            user_limit: phase.user_limit,
            order_limit: phase.order_limit,
            amount: phase.group_limit.into(),
            cap: phase.price_version.into(),
            ..of(EventKind::PhasePut, at)
        },
        CampaignEvent::PlanActivated { campaign, plan, by, reason, at, .. } => FeedEvent {
            to: campaign.raw().into(),
            units: i64::from(plan),
            user: by,
            reason,
            ..of(EventKind::PlanActivated, at)
        },
        CampaignEvent::StandingSet { set, at } => FeedEvent {
            to: set.campaign.raw().into(),
            units: match set.standing {
                doorbuster_ledger::Standing::Running => 0,
                doorbuster_ledger::Standing::Paused => 1,
                doorbuster_ledger::Standing::Aborted => 2,
            },
            user: set.by,
            reason: set.reason,
            ..of(EventKind::CampaignStood, at)
        },
        CampaignEvent::PhaseEntered { campaign, plan, nth, at } => FeedEvent {
            to: campaign.raw().into(),
            units: i64::from(plan),
            channel: u16::from(nth),
            ..of(EventKind::PhaseEntered, at)
        },
        CampaignEvent::SkuBound { sku, campaign, by, reason, at } => FeedEvent {
            sku: sku.raw(),
            to: campaign.raw().into(),
            user: by,
            reason,
            ..of(EventKind::SkuBound, at)
        },
        CampaignEvent::PriceSet { sku, version, price, by, reason, at } => FeedEvent {
            user: by,
            reason,
            sku: sku.raw(),
            units: units(version.into()),
            amount: price.price.raw(),
            ..of(EventKind::PriceSet, at)
        },
        CampaignEvent::LimitsSet { sku, user_limit, order_limit, by, reason, at } => FeedEvent {
            sku: sku.raw(),
            user_limit,
            order_limit,
            user: by,
            reason,
            ..of(EventKind::LimitsSet, at)
        },
        CampaignEvent::FreezeSet { sku, frozen, by, reason, at } => FeedEvent {
            sku: sku.raw(),
            units: i64::from(frozen),
            user: by,
            reason,
            ..of(EventKind::FreezeSet, at)
        },
    }
}
