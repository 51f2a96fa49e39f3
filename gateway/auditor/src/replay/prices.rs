//! Campaigns, by the log alone: whether each order was placed in a phase that sells, by the prices that counted then.

use std::collections::{BTreeMap, HashMap};

use super::limits::Limits;
use crate::faults::Faults;
use crate::record::{CampaignChange, Placed, has_legs};

/// A phase: when it starts, what it is (1 to 3 sell), what one may have, and the version of prices that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Phase {
    start: u64,
    stage: u8,
    limits: Limits,
    price_version: u32,
}

/// One campaign.
#[derive(Clone, Debug, Default)]
struct Campaign {
    /// By plan and number.
    written: BTreeMap<(u32, u8), Phase>,
    /// The phases that count.
    phases: Vec<Phase>,
    policy: u8,
    standing: u8,
}

impl Campaign {
    fn at(&self, at: u64) -> Option<Phase> {
        self.phases.iter().rev().find(|phase| phase.start <= at).copied()
    }
}

/// What campaigns say so far, and what was wrong about orders by them.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    campaigns: BTreeMap<u32, Campaign>,
    bound: HashMap<u64, u32>,
    /// Least and most that a unit may cost, by SKU and version.
    bounds: HashMap<(u64, u32), (u64, u64)>,
    /// Orders that were looked at.
    pub examined: u64,
    /// What contradicts itself.
    pub faults: Faults,
}

impl Prices {
    pub(super) fn change(&mut self, change: CampaignChange) {
        match change {
            CampaignChange::Phase {
                campaign,
                plan,
                nth,
                start,
                stage,
                user_limit,
                order_limit,
                group_limit,
                price_version,
            } => {
                let limits = Limits::new(user_limit, order_limit, group_limit);
                let phase = Phase { start, stage, limits, price_version };
                self.campaigns.entry(campaign).or_default().written.insert((plan, nth), phase);
            }
            CampaignChange::Plan { campaign, plan, phases, policy, .. } => {
                let known = self.campaigns.entry(campaign).or_default();
                let listed = (0..phases).filter_map(|nth| known.written.get(&(plan, nth)).copied());
                (known.phases, known.policy) = (listed.collect(), policy);
                if known.phases.len() != usize::from(phases) {
                    self.faults.note(|| {
                        format!("log: campaign {campaign} follows plan {plan}, which lacks a phase")
                    });
                }
            }
            CampaignChange::Standing { campaign, standing } => {
                self.campaigns.entry(campaign).or_default().standing = standing;
            }
            CampaignChange::Bound { sku, campaign } => {
                self.bound.insert(sku, campaign);
            }
            CampaignChange::Price { sku, version, floor, ceiling } => {
                self.bounds.insert((sku, version), (floor, ceiling));
            }
        }
    }

    /// An order got units.
    pub(super) fn placed(&mut self, placed: &Placed) {
        let Placed { order, sku, quantity, at, amount, price_version, .. } = *placed;
        let campaign = self.bound.get(&sku).filter(|campaign| **campaign != 0);
        let Some(known) = campaign.and_then(|campaign| self.campaigns.get(campaign)) else { return };
        self.examined += 1;
        let phase = known.at(at).unwrap_or_default();
        if known.standing != 0 || !(1..=3).contains(&phase.stage) {
            self.faults
                .note(|| format!("log: order {order} for SKU {sku} at {at}, when its campaign sold nothing"));
        }
        let counts = phase.price_version;
        if counts != 0 && known.policy == 0 && price_version != counts {
            self.faults.note(|| {
                format!("log: order {order} at {at} is by prices {price_version}, and {counts} counted then")
            });
        }
        let bounds = self.bounds.get(&(sku, price_version)).filter(|_| amount != 0 && !has_legs(order));
        let times = |unit: u64| unit.saturating_mul(u64::from(quantity));
        if let Some(&(floor, ceiling)) = bounds
            && counts != 0
            && !(times(floor)..=times(ceiling)).contains(&amount)
        {
            self.faults.note(|| {
                format!(
                    "log: order {order} costs {amount}, and by prices {price_version} a unit costs {floor} to {ceiling}"
                )
            });
        }
    }

    /// What a shopper and an order may have of a SKU by the phase that its campaign is in.
    pub(super) fn limits(&self, sku: u64, at: u64) -> Limits {
        let campaign = self.bound.get(&sku).filter(|campaign| **campaign != 0);
        let known = campaign.and_then(|campaign| self.campaigns.get(campaign));
        known.and_then(|known| known.at(at)).map_or(Limits::NONE, |phase| phase.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale() -> Prices {
        let mut prices = Prices::default();
        let phase = |nth, start, stage, price_version| CampaignChange::Phase {
            campaign: 1,
            plan: 4,
            nth,
            start,
            stage,
            user_limit: 2,
            order_limit: 0,
            group_limit: 3,
            price_version,
        };
        for change in [
            phase(0, 100, 1, 1),
            phase(1, 200, 1, 2),
            phase(2, 300, 4, 0),
            CampaignChange::Plan { campaign: 1, plan: 4, phases: 3, policy: 0, at: 1 },
            CampaignChange::Price { sku: 5, version: 1, floor: 10, ceiling: 12 },
            CampaignChange::Bound { sku: 5, campaign: 1 },
        ] {
            prices.change(change);
        }
        prices
    }

    fn order(at: u64, price_version: u32, amount: u64) -> Placed {
        Placed { order: 9, sku: 5, quantity: 2, at, price_version, amount, ..Placed::default() }
    }

    #[test]
    fn an_order_by_the_prices_of_its_instant_is_sound() {
        let mut prices = sale();
        assert_eq!(prices.examined, 0);
        for placed in [order(100, 1, 20), order(199, 1, 24), order(200, 2, 0)] {
            prices.placed(&placed);
        }
        prices.placed(&Placed { sku: 6, ..order(1, 7, 1) });
        assert_eq!((prices.examined, prices.faults.count), (3, 0));
        assert_eq!(prices.limits(5, 150), Limits::new(2, 0, 3));
        assert_eq!((prices.limits(5, 99), prices.limits(6, 150)), (Limits::NONE, Limits::NONE));
    }

    #[test]
    fn an_order_too_early_too_late_or_by_other_prices_is_found() {
        for (placed, fault) in [
            (order(99, 1, 20), "sold nothing"),
            (order(300, 1, 20), "sold nothing"),
            (order(200, 1, 20), "is by prices 1, and 2 counted then"),
            (order(199, 2, 20), "is by prices 2, and 1 counted then"),
            (order(150, 1, 19), "costs 19, and by prices 1 a unit costs 10 to 12"),
            (order(150, 1, 25), "costs 25"),
        ] {
            let mut prices = sale();
            prices.placed(&placed);
            let faults = prices.faults;
            assert!(faults.count == 1 && faults.examples[0].contains(fault), "{fault}: {faults:?}");
        }
        let mut prices = sale();
        prices.change(CampaignChange::Standing { campaign: 1, standing: 1 });
        prices.placed(&order(150, 1, 20));
        assert_eq!(prices.faults.count, 1);
        prices.change(CampaignChange::Plan { campaign: 1, plan: 9, phases: 1, policy: 0, at: 2 });
        assert!(prices.faults.examples[1].contains("lacks a phase"));
    }
}
