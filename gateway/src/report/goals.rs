//! What was sold, held against what should be.

use std::collections::BTreeMap;

use serde::Serialize;

use super::deed::{Deed, Went, What};
use super::numbers::Ratio;
use crate::targets::{BEHIND, Goal, Targets};

/// Units that were sold and not brought back, and what was paid for all that were sold, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sold {
    units: u64,
    back: u64,
    amount: u64,
}

/// Sales by category and channel, as the goals divide them.
#[derive(Clone, Debug)]
pub(super) struct GoalTally<'a> {
    targets: &'a Targets,
    categories: Vec<Sold>,
    channels: BTreeMap<u16, Sold>,
    all: Sold,
}

/// How the goals stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Goals {
    /// What the plan is called.
    pub(super) name: String,
    /// What part should have been sold by now; none where no curve or no T0 says it.
    pub(super) expected: Option<Ratio>,
    /// All categories together, where they have one measure.
    pub(super) total: Option<GoalRow>,
    /// Each category.
    pub(super) categories: Vec<GoalRow>,
    /// Each channel with a target.
    pub(super) channels: Vec<ShareRow>,
    /// Sold units of SKUs in no category.
    pub(super) other_units: u64,
}

/// A category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct GoalRow {
    /// Its name.
    pub(super) name: String,
    /// Whether the goal is about `units` or an `amount`.
    pub(super) measure: &'static str,
    /// What should be sold in all.
    pub(super) goal: u64,
    /// What was.
    pub(super) done: u64,
    /// The part of the goal that was sold.
    pub(super) attainment: Option<Ratio>,
    /// The highest tier that was reached.
    pub(super) tier: Option<String>,
    /// Its part of what all categories sold.
    pub(super) share: Option<Ratio>,
    /// The part that it should have.
    pub(super) planned_share: Option<Ratio>,
    /// What was sold of what should have been by now.
    pub(super) pace: Option<Ratio>,
    /// That is less than 85 of 100.
    pub(super) behind: bool,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ShareRow {
    /// Its number.
    pub(super) channel: u16,
    /// Its name.
    pub(super) name: String,
    /// What it sold.
    pub(super) units: u64,
    /// Its part of all sold units.
    pub(super) share: Option<Ratio>,
    /// The part that it should have.
    pub(super) planned_share: Ratio,
    /// What it has of that.
    pub(super) attainment: Option<Ratio>,
    /// That is less than 85 of 100.
    pub(super) behind: bool,
}

impl Sold {
    fn note(&mut self, units: u64, went: Went) {
        match went {
            Went::Sold { amount } => {
                self.units += units;
                self.amount = self.amount.saturating_add(amount);
            }
            Went::Cancelled | Went::Returned => self.back += units,
            Went::Held
            | Went::Unpaid { .. }
            | Went::Freed
            | Went::Wanted
            | Went::Granted
            | Went::Missed { .. }
            | Went::Shipped
            | Went::Shorted
            | Went::Covered => {}
        }
    }

    fn kept(&self) -> u64 {
        self.units.saturating_sub(self.back)
    }
}

impl<'a> GoalTally<'a> {
    pub(super) fn new(targets: &'a Targets) -> Self {
        Self {
            targets,
            categories: vec![Sold::default(); targets.categories.len()],
            channels: BTreeMap::new(),
            all: Sold::default(),
        }
    }

    pub(super) fn note(&mut self, deed: &Deed) {
        let What::Units { sku, units, went } = deed.what else { return };
        self.all.note(units, went);
        self.channels.entry(deed.channel).or_default().note(units, went);
        let category = self.targets.category_of(sku).and_then(|nth| self.categories.get_mut(nth));
        if let Some(category) = category {
            category.note(units, went);
        }
    }

    /// How the goals stand so long after T0.
    pub(super) fn stand(&self, since_t0: Option<u64>) -> Goals {
        let targets = self.targets;
        let total = targets.total();
        let of_all = |goal: Goal| {
            let done = self.categories.iter().map(|sold| goal.of(sold.kept(), sold.amount));
            done.fold(0, u64::saturating_add)
        };
        let row = |name: &str, goal: Goal, done: u64| {
            let pace = targets
                .curve
                .as_ref()
                .zip(since_t0)
                .and_then(|(curve, ms)| curve.pace(done, goal.number(), ms));
            GoalRow {
                name: name.to_owned(),
                measure: match goal {
                    Goal::Units(_) => "units",
                    Goal::Amount(_) => "amount",
                },
                goal: goal.number(),
                done,
                attainment: Ratio::of(done, goal.number()),
                tier: targets.tier(done, goal.number()).map(|tier| tier.to_string()),
                share: total.and_then(|total| Ratio::of(done, of_all(total))),
                planned_share: total.and_then(|total| Ratio::of(goal.number(), total.number())),
                pace: pace.map(Ratio::new),
                behind: pace.is_some_and(|pace| u64::from(pace) < BEHIND * 100),
            }
        };
        let categories = targets.categories.iter().zip(&self.categories);
        let of_categories: u64 = self.categories.iter().map(Sold::kept).sum();
        Goals {
            name: targets.name.clone(),
            expected: targets
                .curve
                .as_ref()
                .zip(since_t0)
                .and_then(|(curve, ms)| Ratio::of(curve.expected(ms), 10_000)),
            total: total.map(|goal| row("all categories", goal, of_all(goal))),
            categories: categories
                .map(|(category, sold)| {
                    row(&category.name, category.goal, category.goal.of(sold.kept(), sold.amount))
                })
                .collect(),
            channels: self.channels(),
            other_units: self.all.kept().saturating_sub(of_categories),
        }
    }

    fn channels(&self) -> Vec<ShareRow> {
        let all = self.all.kept();
        let row = |target: &crate::targets::ChannelTarget| {
            let units = self.channels.get(&target.channel).map_or(0, Sold::kept);
            let planned = target.share.ten_thousandths();
            let due = u64::try_from(u128::from(all) * u128::from(planned) / 100).unwrap_or(u64::MAX);
            let attainment = Ratio::of(units.saturating_mul(100), due);
            ShareRow {
                channel: target.channel,
                name: target.name.clone(),
                units,
                share: Ratio::of(units, all),
                planned_share: Ratio::new(planned),
                attainment,
                behind: attainment.is_some_and(|part| u64::from(part.ten_thousandths()) < BEHIND * 100),
            }
        };
        self.targets.channels.iter().map(row).collect()
    }
}
