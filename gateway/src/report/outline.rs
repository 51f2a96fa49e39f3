//! The first reading: when something happened, and by which plan.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use doorbuster_ledger::{CampaignEvent, Event, Phase, Stage, Standing};
use serde::Serialize;

use super::ReportError;
use super::log::Log;

/// Plans and standings that a report lists of a campaign: sixteen phases, and some dozens of pauses.
const MAX_STEPS: usize = 200;

/// What a log says of when and by which plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// The first event's time.
    pub(super) first: u64,
    /// The last event's, housekeeping left out.
    pub(super) last: u64,
    /// When the first order was placed.
    pub(super) first_order: Option<u64>,
    /// When an order was last placed, paid or ended.
    pub(super) last_order: u64,
    campaigns: BTreeMap<u32, Planned>,
}

/// A campaign.
#[derive(Clone, Debug, Default)]
struct Planned {
    plans: BTreeMap<u32, BTreeMap<u8, Phase>>,
    /// The plan that counts.
    plan: u32,
    /// Since when.
    since: u64,
    steps: Vec<CampaignStep>,
    more: usize,
}

/// Something that a campaign did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct CampaignStep {
    /// When.
    pub(super) at: u64,
    /// What, in words.
    pub(super) what: String,
    /// The stage that began by it, where a phase did.
    pub(super) stage: Option<&'static str>,
    /// How much later that was than planned, milliseconds.
    pub(super) late_ms: Option<u64>,
    /// Who wanted it so; 0: the plan itself.
    pub(super) by: u64,
    /// Why, as the shop numbers its reasons.
    pub(super) reason: u32,
}

/// A campaign as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct CampaignOutline {
    /// Its number.
    pub(super) campaign: u32,
    /// When its first phase that sells began, or is to begin.
    pub(super) t0: Option<u64>,
    /// When its plan ends it.
    pub(super) closes: Option<u64>,
    /// What it did.
    pub(super) steps: Vec<CampaignStep>,
    /// Steps that are not listed.
    pub(super) more_steps: usize,
}

impl Outline {
    /// Reads it.
    pub(super) fn read(log: &mut Log, far: &mut dyn FnMut(u64, u64)) -> Result<Self, ReportError> {
        let mut outline = Self::default();
        log.each(far, |_, event| {
            outline.note(event);
            ControlFlow::Continue(())
        })?;
        Ok(outline)
    }

    fn note(&mut self, event: &Event) {
        let at = event.at().raw();
        if self.first == 0 {
            self.first = at;
        }
        match event {
            // Housekeeping, hours or days after the last deed.
            Event::Evicted { .. } | Event::GraceGranted { .. } => return,
            Event::Reserved(_) => {
                self.first_order = self.first_order.or(Some(at));
                self.last_order = at;
            }
            Event::Confirmed { .. }
            | Event::Reacquired { .. }
            | Event::Expired { .. }
            | Event::Cancelled { .. }
            | Event::Offered { .. } => self.last_order = at,
            Event::Campaign(event) => self.note_campaign(event),
            Event::SkuPut { .. }
            | Event::Restocked { .. }
            | Event::ChannelSet { .. }
            | Event::Rebalanced { .. }
            | Event::PayBegun { .. }
            | Event::PayFailed { .. }
            | Event::Extended { .. }
            | Event::RefundRequired { .. }
            | Event::AmountMismatched { .. }
            | Event::Superseded { .. }
            | Event::Cut { .. }
            | Event::LegHeld(_)
            | Event::LegReleased(_)
            | Event::LegSold(_)
            | Event::LegCut(_)
            | Event::LegDropped(_)
            | Event::After(_)
            | Event::Budget(_) => {}
        }
        self.last = at;
    }

    fn note_campaign(&mut self, event: &CampaignEvent) {
        match *event {
            CampaignEvent::PhasePut { campaign, plan, nth, phase, .. } => {
                let planned = self.campaigns.entry(campaign.raw()).or_default();
                planned.plans.entry(plan).or_default().insert(nth, phase);
            }
            CampaignEvent::PlanActivated { campaign, plan, by, reason, at, .. } => {
                let planned = self.campaigns.entry(campaign.raw()).or_default();
                (planned.plan, planned.since) = (plan, at.raw());
                let what = format!("follows plan {plan}");
                planned.step(CampaignStep { at: at.raw(), what, stage: None, late_ms: None, by, reason });
            }
            CampaignEvent::StandingSet { set, at } => {
                let what = match set.standing {
                    Standing::Running => "resumed",
                    Standing::Paused => "paused",
                    Standing::Aborted => "ended by hand",
                };
                let (by, reason) = (set.by, set.reason);
                let planned = self.campaigns.entry(set.campaign.raw()).or_default();
                let what = what.to_owned();
                planned.step(CampaignStep { at: at.raw(), what, stage: None, late_ms: None, by, reason });
            }
            CampaignEvent::PhaseEntered { campaign, plan, nth, at } => {
                let planned = self.campaigns.entry(campaign.raw()).or_default();
                let phase = planned.plans.get(&plan).and_then(|phases| phases.get(&nth)).copied();
                let stage = phase.map(|phase| stage(phase.stage));
                // A plan that is activated later finds its phases begun.
                let due = |phase: Phase| phase.start.raw().max(planned.since);
                let late_ms = phase.map(|phase| at.raw().saturating_sub(due(phase)));
                let what = format!("phase {} began: {}", nth + 1, stage.unwrap_or("unknown"));
                planned.step(CampaignStep { at: at.raw(), what, stage, late_ms, by: 0, reason: 0 });
            }
            CampaignEvent::SkuBound { campaign, .. } if campaign.raw() != 0 => {
                self.campaigns.entry(campaign.raw()).or_default();
            }
            CampaignEvent::SkuBound { .. }
            | CampaignEvent::PriceSet { .. }
            | CampaignEvent::LimitsSet { .. }
            | CampaignEvent::FreezeSet { .. } => {}
        }
    }

    /// The campaign that a report is about: the one that was asked for, else the only one that there is.
    pub(super) fn campaign(&self, asked: Option<u32>) -> Result<Option<CampaignOutline>, ReportError> {
        let known = || self.campaigns.keys().copied().collect();
        let id = match (asked, self.campaigns.len()) {
            (Some(campaign), _) if !self.campaigns.contains_key(&campaign) => {
                return Err(ReportError::NoCampaign { campaign, known: known() });
            }
            (Some(campaign), _) => campaign,
            (None, 1) => self.campaigns.keys().copied().next().unwrap_or_default(),
            (None, _) => return Ok(None),
        };
        let Some(planned) = self.campaigns.get(&id) else { return Ok(None) };
        let starts = |wanted: fn(Stage) -> bool| {
            let phases = planned.plans.get(&planned.plan).into_iter().flat_map(BTreeMap::values);
            phases.filter(|phase| wanted(phase.stage)).map(|phase| phase.start.raw()).min()
        };
        Ok(Some(CampaignOutline {
            campaign: id,
            t0: starts(Stage::sells),
            closes: starts(|stage| stage == Stage::Closed),
            steps: planned.steps.clone(),
            more_steps: planned.more,
        }))
    }
}

impl Planned {
    fn step(&mut self, step: CampaignStep) {
        if self.steps.len() < MAX_STEPS {
            self.steps.push(step);
        } else {
            self.more += 1;
        }
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Warmup => "warm-up",
        Stage::Live => "live",
        Stage::Sustain => "sustain",
        Stage::Wrapup => "wrap-up",
        Stage::Closed => "closed",
    }
}
