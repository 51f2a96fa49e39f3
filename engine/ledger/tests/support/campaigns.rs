//! What campaigns say.

use doorbuster_ledger::*;

use super::Model;

/// A campaign, with all phases that were ever written for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelCampaign {
    pub(crate) written: Vec<(u32, u8, Phase)>,
    pub(crate) plan: u32,
    pub(crate) phases: u8,
    pub(crate) policy: PricePolicy,
    pub(crate) standing: Standing,
    pub(crate) entered: u8,
    /// When it began to follow a plan, and the plan's phases.
    pub(crate) followed: Vec<(u64, Vec<Phase>)>,
}

/// What the door lets somebody have: most units for a shopper, in an order and of a group (0: any), and what must be paid for the line.
pub(crate) struct Admitted {
    pub(crate) user_limit: u32,
    pub(crate) order_limit: u32,
    pub(crate) group_limit: u32,
    pub(crate) least: u64,
    pub(crate) most: Option<u64>,
}

impl ModelCampaign {
    fn phases(&self) -> Vec<Phase> {
        let mut phases: Vec<_> = self
            .written
            .iter()
            .filter(|(plan, nth, _)| (*plan, *nth < self.phases) == (self.plan, true))
            .collect();
        phases.sort_by_key(|(_, nth, _)| *nth);
        phases.iter().map(|(_, _, phase)| *phase).collect()
    }

    fn at(&self, now: u64) -> Option<Phase> {
        self.phases().into_iter().rev().find(|phase| phase.start.raw() <= now)
    }

    /// The version that counted at that time, by the plan that was followed then.
    fn version_at(&self, then: u64) -> u32 {
        let plan = self.followed.iter().rev().find(|(since, _)| *since <= then);
        let phase = plan.and_then(|(_, phases)| phases.iter().rev().find(|phase| phase.start.raw() <= then));
        phase.map_or(0, |phase| phase.price_version)
    }

    /// Whether the version has ever counted.
    fn counted(&self, now: u64, version: u32) -> bool {
        let starts = self
            .followed
            .iter()
            .flat_map(|(since, phases)| phases.iter().map(|phase| phase.start.raw()).chain([*since]));
        starts.filter(|at| *at <= now).any(|at| self.version_at(at) == version)
    }

    fn open(&self, now: u64, channel: ChannelId) -> Result<Phase, Refusal> {
        if self.standing == Standing::Paused {
            return Err(Refusal::Paused);
        }
        let phase = self.at(now);
        if self.standing == Standing::Aborted || phase.is_some_and(|phase| phase.stage == Stage::Closed) {
            return Err(Refusal::Ended);
        }
        let sells = |phase: &Phase| matches!(phase.stage, Stage::Live | Stage::Sustain | Stage::Wrapup);
        match phase.filter(sells) {
            Some(phase)
                if phase.channels.as_slice().is_empty() || phase.channels.as_slice().contains(&channel) =>
            {
                Ok(phase)
            }
            Some(_) => Err(Refusal::ChannelClosed),
            None => {
                let later = self.phases().into_iter().find(|phase| phase.start.raw() > now && sells(phase));
                Err(Refusal::NotStarted {
                    starts_at: later.map(|phase| phase.start),
                    now: Timestamp::new(now),
                })
            }
        }
    }
}

fn lower(limit: u32, other: u32) -> u32 {
    match (limit, other) {
        (0, other) => other,
        (limit, 0) => limit,
        (limit, other) => limit.min(other),
    }
}

/// What a phase lets a shopper have of a SKU, and of its group: a SKU outside of groups is one by itself.
fn limits_of(sku: SkuId, phase: &Phase) -> (u32, u32) {
    if sku.raw() >> 63 == 1 {
        (phase.user_limit, phase.group_limit)
    } else {
        (lower(phase.user_limit, phase.group_limit), 0)
    }
}

impl Model {
    pub(crate) fn campaign(&mut self, id: CampaignId) -> &mut ModelCampaign {
        self.campaigns.entry(id).or_default()
    }

    fn price(&self, sku: SkuId, version: u32) -> Option<Price> {
        let known = self.skus.iter().find(|known| known.put.sku == sku)?;
        known.prices.iter().find(|(known, _)| *known == version).map(|(_, price)| *price)
    }

    /// Whether the SKU is sold through the channel now, and how many units a shopper may have, of it and of its group; 0: any.
    pub(super) fn sold_now(&self, now: u64, sku: SkuId, channel: ChannelId) -> Option<(u32, u32)> {
        let known = self.skus.iter().find(|known| known.put.sku == sku)?;
        match known.campaign {
            _ if known.frozen => None,
            None => Some((known.put.user_limit, 0)),
            Some(id) => {
                let phase = self.campaigns[&id].open(now, channel).ok()?;
                let (of_one, of_group) = limits_of(sku, &phase);
                Some((lower(known.put.user_limit, of_one), of_group))
            }
        }
    }

    /// What the door says to one line of an order.
    pub(super) fn door(&self, now: u64, reserve: &Reserve, line: &Line) -> Result<Admitted, Refusal> {
        let known = self.skus.iter().find(|known| known.put.sku == line.sku).expect("the SKU is known");
        if known.frozen {
            return Err(Refusal::Frozen);
        }
        let put = known.put;
        let any = Admitted {
            user_limit: put.user_limit,
            order_limit: put.order_limit,
            group_limit: 0,
            least: 0,
            most: None,
        };
        let Some(id) = known.campaign else { return Ok(any) };
        let campaign = &self.campaigns[&id];
        let phase = campaign.open(now, reserve.channel)?;
        let tier = reserve.terms.tier;
        if tier < phase.min_tier {
            let may = |phase: &Phase| {
                matches!(phase.stage, Stage::Live | Stage::Sustain | Stage::Wrapup) && phase.min_tier <= tier
            };
            let later = campaign.phases().into_iter().find(|phase| phase.start.raw() > now && may(phase));
            return Err(Refusal::TierRequired {
                tier: phase.min_tier,
                open_at: later.map(|phase| phase.start),
            });
        }
        let (of_one, of_group) = limits_of(line.sku, &phase);
        let any = Admitted {
            user_limit: lower(put.user_limit, of_one),
            order_limit: lower(put.order_limit, phase.order_limit),
            group_limit: of_group,
            ..any
        };
        let (counts, version) = (phase.price_version, reserve.terms.price_version);
        if counts == 0 {
            return Ok(any);
        }
        let good = version == counts
            || (version != 0
                && match campaign.policy {
                    PricePolicy::Strict => false,
                    PricePolicy::Grace { ms } => {
                        (0..=u64::from(ms)).any(|ago| campaign.version_at(now - ago) == version)
                    }
                    PricePolicy::HonourLower => {
                        let was = campaign.counted(now, version);
                        let prices = (self.price(line.sku, version), self.price(line.sku, counts));
                        was && matches!(prices, (Some(old), Some(new)) if old.price <= new.price)
                    }
                });
        if !good {
            return Err(Refusal::PriceChanged { version: counts });
        }
        let paid = u64::from(line.units - line.gifts);
        Ok(match self.price(line.sku, version) {
            None => any,
            Some(price) => {
                Admitted { least: price.floor.raw() * paid, most: Some(price.ceiling.raw() * paid), ..any }
            }
        })
    }

    pub(super) fn sku_command(&mut self, command: &SkuCommand) -> Outcome {
        let replayed = Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) };
        let known: Vec<_> = self.campaigns.keys().copied().collect();
        let Some(sku) = self.skus.iter_mut().find(|known| known.put.sku == command.sku()) else {
            return Outcome::Refused(Refusal::UnknownSku);
        };
        match *command {
            SkuCommand::Bind { campaign, .. } => {
                let wanted = (campaign != CampaignId::new(0)).then_some(campaign);
                if wanted.is_some_and(|wanted| !known.contains(&wanted)) {
                    return Outcome::Refused(Refusal::NoSuchCampaign);
                }
                if sku.campaign == wanted {
                    return replayed;
                }
                sku.campaign = wanted;
            }
            SkuCommand::Price { version, price, .. } => {
                if version == 0 {
                    return Outcome::Refused(Refusal::Invalid { field: Field::PriceVersion });
                }
                if price.floor > price.price || price.ceiling < price.price {
                    return Outcome::Refused(Refusal::Invalid { field: Field::Price });
                }
                if let Some((_, written)) = sku.prices.iter().find(|(known, _)| *known == version) {
                    return if *written == price {
                        replayed
                    } else {
                        Outcome::Refused(Refusal::VersionExists { field: Field::Price })
                    };
                }
                sku.prices.push((version, price));
            }
            SkuCommand::Limits { user_limit, order_limit, .. } => {
                if (sku.put.user_limit, sku.put.order_limit) == (user_limit, order_limit) {
                    return replayed;
                }
                (sku.put.user_limit, sku.put.order_limit) = (user_limit, order_limit);
            }
            SkuCommand::Freeze { frozen, .. } => {
                if sku.frozen == frozen {
                    return replayed;
                }
                sku.frozen = frozen;
            }
        }
        Outcome::CampaignSet
    }

    pub(super) fn campaign_command(&mut self, now: u64, command: &CampaignCommand) -> Outcome {
        let replayed = Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) };
        let refuse = Outcome::Refused;
        match command {
            CampaignCommand::PutPhase { campaign, plan, nth, phase, .. } => {
                if *campaign == CampaignId::new(0) {
                    return refuse(Refusal::Invalid { field: Field::Campaign });
                }
                if *plan == 0 {
                    return refuse(Refusal::Invalid { field: Field::Plan });
                }
                let known = self.campaign(*campaign);
                let place = (*plan, *nth);
                match known.written.iter().find(|(plan, nth, _)| (*plan, *nth) == place) {
                    Some((.., written)) if written == phase => replayed,
                    Some(_) => refuse(Refusal::VersionExists { field: Field::Plan }),
                    None => {
                        known.written.push((*plan, *nth, *phase));
                        Outcome::CampaignSet
                    }
                }
            }
            CampaignCommand::Activate(asked) => {
                let Some(known) = self.campaigns.get_mut(&asked.campaign) else {
                    return refuse(Refusal::NoSuchCampaign);
                };
                if known.standing == Standing::Aborted {
                    return refuse(Refusal::Ended);
                }
                if known.plan == asked.plan {
                    let same = (known.phases, known.policy) == (asked.phases, asked.policy);
                    let differs = refuse(Refusal::VersionExists { field: Field::Plan });
                    return if same { replayed } else { differs };
                }
                if known.plan != asked.expected {
                    return refuse(Refusal::CasMismatch { found: u64::from(known.plan) });
                }
                let wanted =
                    ModelCampaign { plan: asked.plan, phases: asked.phases, ..known.clone() }.phases();
                let ascending =
                    wanted.iter().zip(wanted.iter().skip(1)).take_while(|(a, b)| a.start < b.start);
                let whole = wanted.len().min(ascending.count() + 1);
                // Up to the first that is missing: those behind it count as missing, too.
                let gap = (0..asked.phases)
                    .find(|nth| !known.written.iter().any(|(plan, at, _)| (*plan, at) == (asked.plan, nth)));
                let whole = whole.min(gap.map_or(usize::MAX, usize::from));
                if whole < usize::from(asked.phases) {
                    return refuse(Refusal::PlanIncomplete { nth: u8::try_from(whole).expect("few") });
                }
                (known.plan, known.phases, known.policy) = (asked.plan, asked.phases, asked.policy);
                let begun = known.phases().iter().filter(|phase| phase.start.raw() <= now).count();
                known.entered = u8::try_from(begun.saturating_sub(1)).expect("few");
                known.followed.push((now, known.phases()));
                Outcome::CampaignSet
            }
            CampaignCommand::SetStanding(set) => match self.campaigns.get_mut(&set.campaign) {
                None => refuse(Refusal::NoSuchCampaign),
                Some(known) if known.standing == set.standing => replayed,
                Some(known) if known.standing == Standing::Aborted => refuse(Refusal::Ended),
                Some(known) => {
                    known.standing = set.standing;
                    Outcome::CampaignSet
                }
            },
            CampaignCommand::Enter => unreachable!("time alone begins phases"),
        }
    }

    /// A phase was noted as begun.
    pub(super) fn phase_entered(&mut self, now: u64, event: &CampaignEvent) {
        let CampaignEvent::PhaseEntered { campaign, plan, nth, .. } = *event else {
            panic!("time made {event:?}")
        };
        let known = self.campaign(campaign);
        assert_eq!((plan, nth), (known.plan, known.entered), "phases begin in order, once");
        assert!(known.phases()[usize::from(nth)].start.raw() <= now, "a phase begins early");
        known.entered += 1;
    }

    /// Every phase that has begun by now was noted.
    pub(super) fn phases_are_noted(&self, now: u64) {
        for known in self.campaigns.values().filter(|known| known.standing != Standing::Aborted) {
            let begun = known.phases().iter().filter(|phase| phase.start.raw() <= now).count();
            assert_eq!(usize::from(known.entered), begun, "{known:?}");
        }
    }
}
