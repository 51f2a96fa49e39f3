//! Campaigns: every ledger must know of a change at once, so all of them are held.

use alloc::vec::Vec;

use super::Span;
use crate::campaign::{CampaignEvent, CampaignSnapshot, MAX_PHASES, Phase, Standing};
use crate::campaigns::{MAX_CAMPAIGNS, MAX_PLANS};
use crate::command::{Activate, CampaignCommand, SetStanding};
use crate::event::Event;
use crate::ids::{CampaignId, Timestamp};
use crate::ledger::Ledger;
use crate::ledger::decide::NOTHING_NEW;
use crate::outcome::{Field, Outcome, Refusal};

impl Span<'_, '_> {
    /// Every ledger knows the same of campaigns, so any of them decides.
    pub(super) fn decide_campaign(
        &self,
        now: Timestamp,
        command: &CampaignCommand,
        events: &mut Vec<Event>,
    ) -> Outcome {
        let Some(ledger) = self.ledgers.first() else { return Outcome::Refused(Refusal::NoSuchCampaign) };
        let decided = match command {
            CampaignCommand::PutPhase { campaign, plan, nth, phase, by, reason } => {
                ledger.decide_phase(now, *campaign, (*plan, *nth), phase, (*by, *reason))
            }
            CampaignCommand::Activate(activate) => ledger.decide_activate(now, activate),
            CampaignCommand::SetStanding(set) => ledger.decide_standing(now, set),
            CampaignCommand::Enter => ledger.campaigns.entered(now).map_or(Ok(None), |entered| {
                let (campaign, plan, nth) = entered;
                Ok(Some(CampaignEvent::PhaseEntered { campaign, plan, nth, at: now }))
            }),
        };
        match decided {
            Ok(Some(event)) => {
                events.push(Event::Campaign(event));
                Outcome::CampaignSet
            }
            Ok(None) => NOTHING_NEW,
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    /// What is known of a campaign, by all ledgers together.
    pub fn campaign(&self, id: CampaignId) -> Option<CampaignSnapshot> {
        let first = self.ledgers.first()?;
        let campaign = first.campaigns.by_id(id)?;
        let now = self.ledgers.iter().fold(Timestamp::default(), |latest, ledger| latest.max(ledger.now));
        let phase = campaign.phase_at(now).and_then(|nth| u8::try_from(nth).ok());
        let coming = campaign.coming(now).find(|phase| phase.price_version != 0);
        let price_version = coming.map_or_else(|| campaign.version_at(now), |phase| phase.price_version);
        let counts = self.ledgers.iter().map(|ledger| ledger.offers.counts(id, price_version));
        let (skus, priced) = counts.fold((0_u64, 0_u64), |(skus, priced), (more, of_these)| {
            (skus.saturating_add(more), priced.saturating_add(of_these))
        });
        Some(CampaignSnapshot {
            campaign: id,
            plan: campaign.plan,
            phases: u8::try_from(campaign.phases.len()).unwrap_or(MAX_PHASES),
            phase,
            stage: campaign.stage_at(now),
            policy: campaign.policy,
            standing: campaign.standing,
            next_start: campaign.coming(now).next().map(|phase| phase.start),
            skus,
            price_version,
            priced_from: coming.map(|phase| phase.start),
            unpriced: if price_version == 0 { 0 } else { skus.saturating_sub(priced) },
        })
    }

    /// When the next phase begins that is not in the log yet.
    pub fn next_phase_entry(&self) -> Option<Timestamp> {
        self.ledgers.first().and_then(|ledger| ledger.next_phase_entry())
    }

    /// All campaigns, by id.
    pub fn campaigns(&self) -> Vec<CampaignId> {
        self.ledgers
            .first()
            .map_or_else(Vec::new, |ledger| ledger.campaigns.iter().map(|(id, _)| id).collect())
    }
}

impl Ledger {
    /// A phase of a plan; plan 0 stands for the one that counts.
    pub fn phase(&self, campaign: CampaignId, plan: u32, nth: u8) -> Option<Phase> {
        let campaign = self.campaigns.by_id(campaign)?;
        let plan = if plan == 0 { campaign.plan } else { plan };
        campaign.plans.get(&plan)?.get(&nth).copied()
    }

    /// When the next phase begins that is not in the log yet.
    pub fn next_phase_entry(&self) -> Option<Timestamp> {
        self.campaigns.next_entry()
    }

    fn decide_phase(
        &self,
        now: Timestamp,
        campaign: CampaignId,
        (plan, nth): (u32, u8),
        phase: &Phase,
        (by, reason): (u64, u32),
    ) -> Result<Option<CampaignEvent>, Refusal> {
        if campaign == CampaignId::new(0) {
            return Err(Refusal::Invalid { field: Field::Campaign });
        }
        if plan == 0 || nth >= MAX_PHASES {
            return Err(Refusal::Invalid { field: Field::Plan });
        }
        let known = self.campaigns.by_id(campaign);
        let full = known.map_or(self.campaigns.len() >= MAX_CAMPAIGNS, |known| {
            known.plans.len() >= MAX_PLANS && !known.plans.contains_key(&plan)
        });
        match known.and_then(|known| known.plans.get(&plan)?.get(&nth)) {
            Some(written) if written == phase => return Ok(None),
            Some(_) => return Err(Refusal::VersionExists { field: Field::Plan }),
            None if full || self.campaigns.is_full() => return Err(Refusal::CapacityExceeded),
            None => {}
        }
        Ok(Some(CampaignEvent::PhasePut { campaign, plan, nth, phase: *phase, by, reason, at: now }))
    }

    fn decide_activate(&self, now: Timestamp, activate: &Activate) -> Result<Option<CampaignEvent>, Refusal> {
        let &Activate { campaign, plan, phases, policy, expected, by, reason } = activate;
        let Some(known) = self.campaigns.by_id(campaign) else { return Err(Refusal::NoSuchCampaign) };
        if known.standing == Standing::Aborted {
            return Err(Refusal::Ended);
        }
        if known.plan == plan {
            let same = known.phases.len() == usize::from(phases) && known.policy == policy;
            return if same { Ok(None) } else { Err(Refusal::VersionExists { field: Field::Plan }) };
        }
        if known.plan != expected {
            return Err(Refusal::CasMismatch { found: u64::from(known.plan) });
        }
        if phases == 0 || phases > MAX_PHASES {
            return Err(Refusal::Invalid { field: Field::Plan });
        }
        let mut last = None;
        for nth in 0..phases {
            let phase = known.plans.get(&plan).and_then(|plan| plan.get(&nth));
            match phase {
                Some(phase) if last.is_none_or(|last| last < phase.start) => last = Some(phase.start),
                Some(_) | None => return Err(Refusal::PlanIncomplete { nth }),
            }
        }
        Ok(Some(CampaignEvent::PlanActivated { campaign, plan, phases, policy, by, reason, at: now }))
    }

    fn decide_standing(&self, now: Timestamp, set: &SetStanding) -> Result<Option<CampaignEvent>, Refusal> {
        let Some(known) = self.campaigns.by_id(set.campaign) else { return Err(Refusal::NoSuchCampaign) };
        match known.standing {
            standing if standing == set.standing => Ok(None),
            Standing::Aborted => Err(Refusal::Ended),
            Standing::Running | Standing::Paused => {
                Ok(Some(CampaignEvent::StandingSet { set: *set, at: now }))
            }
        }
    }
}
