//! What a ledger knows of campaigns: every ledger the same.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::campaign::{MAX_PHASES, Phase, PricePolicy, Stage, Standing};
use crate::ids::{CampaignId, ChannelId, Timestamp};
use crate::outcome::Refusal;

/// Most campaigns that are known. A shop has some hundred a year.
pub(crate) const MAX_CAMPAIGNS: usize = 4_096;

/// Most phases that are written, over all campaigns and plans: a thousand plans of a dozen phases each would be a busy year, and
/// each shard keeps them all, some 100 bytes each.
pub(crate) const MAX_WRITTEN: usize = 65_536;

/// Most versions that are known to have counted before the plan that counts: a grace of a day, and a change each hour.
pub(crate) const MAX_COUNTED: usize = 32;

/// Most plans of one campaign: each change of a campaign is one, and few are changed ten times.
pub(crate) const MAX_PLANS: usize = 64;

/// One campaign.
#[derive(Clone, Debug, Default)]
pub(crate) struct Campaign {
    id: CampaignId,
    /// By number; phases that are not written yet are missing.
    pub(crate) plans: BTreeMap<u32, BTreeMap<u8, Phase>>,
    /// The plan that counts; 0: none.
    pub(crate) plan: u32,
    /// Its phases, by start.
    pub(crate) phases: Vec<Phase>,
    pub(crate) policy: PricePolicy,
    pub(crate) standing: Standing,
    /// The phases of the plan that the log says have begun, or that began before the plan counted.
    pub(crate) entered: u8,
    /// Since when it follows the plan.
    pub(crate) since: Timestamp,
    /// Versions of prices that counted by former plans, and from when on; the latest [`MAX_COUNTED`].
    pub(crate) counted: Vec<(Timestamp, u32)>,
}

impl Campaign {
    /// Which phase counts at `now`; `None` before the first.
    #[inline]
    pub(crate) fn phase_at(&self, now: Timestamp) -> Option<usize> {
        self.phases.iter().rposition(|phase| phase.start <= now)
    }

    /// The version of prices that counts at `now`; 0: none.
    pub(crate) fn version_at(&self, now: Timestamp) -> u32 {
        self.phase_at(now).and_then(|nth| self.phases.get(nth)).map_or(0, |phase| phase.price_version)
    }

    /// Phases that start after `now`.
    pub(crate) fn coming(&self, now: Timestamp) -> impl Iterator<Item = &Phase> {
        self.phases.iter().filter(move |phase| now < phase.start)
    }

    /// The phase in which this channel may sell at `now`, to whomever.
    #[inline]
    pub(crate) fn open(&self, now: Timestamp, channel: ChannelId) -> Result<&Phase, Refusal> {
        match self.standing {
            Standing::Running => {}
            Standing::Paused => return Err(Refusal::Paused),
            Standing::Aborted => return Err(Refusal::Ended),
        }
        let phase = self.phase_at(now).and_then(|nth| self.phases.get(nth));
        match phase {
            Some(phase) if phase.stage.sells() => {
                if phase.channels.allow(channel) {
                    Ok(phase)
                } else {
                    Err(Refusal::ChannelClosed)
                }
            }
            Some(phase) if phase.stage == Stage::Closed => Err(Refusal::Ended),
            Some(_) | None => {
                let first = self.coming(now).find(|phase| phase.stage.sells());
                Err(Refusal::NotStarted { starts_at: first.map(|phase| phase.start), now })
            }
        }
    }

    /// What it is to shoppers at `now`; before the first phase, they may look.
    pub(crate) fn stage_at(&self, now: Timestamp) -> Stage {
        let phase = self.phase_at(now).and_then(|nth| self.phases.get(nth));
        phase.map_or(Stage::Warmup, |phase| phase.stage)
    }

    /// Whether anything is sold at `now`.
    pub(crate) fn sells(&self, now: Timestamp) -> bool {
        self.standing == Standing::Running && self.stage_at(now).sells()
    }

    /// As [`open`](Self::open), to a shopper of this tier.
    #[inline]
    pub(crate) fn admit(&self, now: Timestamp, channel: ChannelId, tier: u16) -> Result<&Phase, Refusal> {
        let phase = self.open(now, channel)?;
        if phase.min_tier <= tier {
            return Ok(phase);
        }
        let open = |phase: &&Phase| phase.stage.sells() && phase.min_tier <= tier;
        let open_at = self.coming(now).find(open).map(|phase| phase.start);
        Err(Refusal::TierRequired { tier: phase.min_tier, open_at })
    }

    /// The versions of prices that have counted by `now`, and from when on.
    fn timeline(&self, now: Timestamp) -> impl DoubleEndedIterator<Item = (Timestamp, u32)> + Clone {
        let first = (!self.phases.is_empty()).then(|| (self.since, self.version_at(self.since)));
        let begun = self.phases.iter().filter(move |phase| self.since < phase.start && phase.start <= now);
        let own = first.into_iter().chain(begun.map(|phase| (phase.start, phase.price_version)));
        self.counted.iter().copied().chain(own)
    }

    /// Whether an order by another version of prices than the one that counts may be held. `price` says what a unit costs by a
    /// version. An order that names none is by no prices.
    pub(crate) fn honours(&self, now: Timestamp, version: u32, price: impl Fn(u32) -> Option<u64>) -> bool {
        if version == 0 {
            return false;
        }
        let mut counted = self.timeline(now);
        match self.policy {
            PricePolicy::Strict => false,
            PricePolicy::Grace { ms } => {
                let then = Timestamp::new(now.raw().saturating_sub(u64::from(ms)));
                // Of several changes within that time, each version that counted since is good.
                let before = counted.clone().rfind(|(from, _)| *from <= then);
                before.is_some_and(|(_, known)| known == version)
                    || counted.any(|(from, known)| then < from && known == version)
            }
            PricePolicy::HonourLower => {
                counted.any(|(_, known)| known == version)
                    && match (price(version), price(self.version_at(now))) {
                        (Some(known), Some(counts)) => known <= counts,
                        _ => false,
                    }
            }
        }
    }

    /// When the next phase begins that the log doesn't know of.
    fn next_entry(&self) -> Option<Timestamp> {
        let next = self.phases.get(usize::from(self.entered)).map(|phase| phase.start);
        next.filter(|_| self.standing != Standing::Aborted)
    }
}

/// All campaigns.
#[derive(Debug)]
pub(crate) struct Campaigns {
    all: Vec<Campaign>,
    ids: BTreeMap<CampaignId, u32>,
    /// Phases of all plans of all campaigns.
    written: usize,
    /// No phase starts between the ledger's time and this.
    next_start: Timestamp,
}

impl Default for Campaigns {
    fn default() -> Self {
        Self { all: Vec::new(), ids: BTreeMap::new(), written: 0, next_start: Timestamp::new(u64::MAX) }
    }
}

impl Campaigns {
    /// Where a campaign stands in the list.
    pub(crate) fn find(&self, id: CampaignId) -> Option<u32> {
        self.ids.get(&id).copied()
    }

    pub(crate) fn get(&self, nth: u32) -> Option<&Campaign> {
        self.all.get(usize::try_from(nth).ok()?)
    }

    pub(crate) fn by_id(&self, id: CampaignId) -> Option<&Campaign> {
        self.get(self.find(id)?)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The id of the campaign that stands there in the list.
    pub(crate) fn id(&self, nth: u32) -> Option<CampaignId> {
        self.get(nth).map(|campaign| campaign.id)
    }

    /// All campaigns by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (CampaignId, &Campaign)> {
        self.ids.values().filter_map(|nth| self.get(*nth)).map(|campaign| (campaign.id, campaign))
    }

    /// The campaign with this id, a new one if there is none; its phases may be changed.
    pub(crate) fn entry(&mut self, id: CampaignId) -> Option<&mut Campaign> {
        let next = u32::try_from(self.all.len()).ok()?;
        let nth = *self.ids.entry(id).or_insert(next);
        if nth == next {
            self.all.push(Campaign { id, ..Campaign::default() });
        }
        self.all.get_mut(usize::try_from(nth).ok()?)
    }

    /// Whether no more phases may be written.
    pub(crate) fn is_full(&self) -> bool {
        self.written >= MAX_WRITTEN
    }

    /// Writes a phase. `None` if there are too many campaigns to be numbered.
    pub(crate) fn write(&mut self, id: CampaignId, (plan, nth): (u32, u8), phase: Phase) -> Option<()> {
        let plans = &mut self.entry(id)?.plans;
        let fresh = plans.entry(plan).or_default().insert(nth, phase).is_none();
        self.written = self.written.saturating_add(usize::from(fresh));
        Some(())
    }

    /// Lets a campaign follow one of its plans, of so many phases. `None`, and no change, if that has not as many.
    pub(crate) fn follow(
        &mut self,
        id: CampaignId,
        (plan, phases): (u32, u8),
        policy: PricePolicy,
        now: Timestamp,
    ) -> Option<()> {
        let campaign = self.entry(id)?;
        let written = campaign.plans.get(&plan)?;
        let listed: Vec<Phase> = (0..phases).map_while(|nth| written.get(&nth).copied()).collect();
        if listed.len() != usize::from(phases) || phases > MAX_PHASES {
            return None;
        }
        let counted: Vec<_> = campaign.timeline(now).collect();
        let kept = counted.len().saturating_sub(MAX_COUNTED);
        campaign.counted = counted.into_iter().skip(kept).collect();
        (campaign.plan, campaign.phases, campaign.policy, campaign.since) = (plan, listed, policy, now);
        campaign.entered = campaign.phase_at(now).and_then(|nth| u8::try_from(nth).ok()).unwrap_or(0);
        self.look_ahead(now);
        Some(())
    }

    /// The next phase that begins by `now` and that the log doesn't know of yet.
    pub(crate) fn entered(&self, now: Timestamp) -> Option<(CampaignId, u32, u8)> {
        let due = |campaign: &Campaign| campaign.next_entry().is_some_and(|start| start <= now);
        let (id, campaign) = self.iter().find(|(_, campaign)| due(campaign))?;
        Some((id, campaign.plan, campaign.entered))
    }

    /// When [`entered`](Self::entered) has something to say.
    pub(crate) fn next_entry(&self) -> Option<Timestamp> {
        self.all.iter().filter_map(Campaign::next_entry).min()
    }

    /// Whether a phase has begun since this was asked last.
    #[inline]
    pub(crate) fn has_begun(&self, now: Timestamp) -> bool {
        self.next_start <= now
    }

    /// Works out when the next phase starts.
    #[cold]
    pub(crate) fn look_ahead(&mut self, now: Timestamp) {
        let coming = self.all.iter().filter_map(|campaign| campaign.coming(now).next());
        self.next_start = coming.map(|phase| phase.start).min().unwrap_or(Timestamp::new(u64::MAX));
    }
}
