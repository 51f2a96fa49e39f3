//! What a sale should come to: goals by category and channel, tiers of attainment, and how a day's sales should run.
//!
//! Goals limit nothing and decide nothing; they are held against what was sold, in reports and on the board. So they are a
//! file of their own, which planners may change at any time:
//!
//! ```toml
//! name = "Double 11"
//! tiers = ["85 %", "92 %", "100 %"]
//! t0 = 2026-11-11T00:00:00+08:00
//!
//! [[category]]
//! name = "clothing"
//! skus = [1, "7/12", "100-199"]
//! units = 3_500            # or amount = 35_000_00, minor units
//!
//! [[channel]]
//! channel = 1
//! name = "own shop"
//! share = "60 %"           # of all sold units
//!
//! [curve]
//! hours = ["40 %", "25 %", "20 %", "15 %"]    # of what is sold in all, hour by hour since T0
//! ```

mod curve;
mod file;

pub(crate) use curve::Curve;
pub(crate) use file::{MAX_CATEGORIES, TargetsError};

use crate::percent::Percent;

/// Who has sold less than this part of what he should have by now is behind: 85 of 100.
pub(crate) const BEHIND: u64 = 85;

/// All goals of a sale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    /// What the plan is called.
    pub(crate) name: String,
    /// Parts of a goal that are named when they are reached, ascending.
    pub(crate) tiers: Vec<Percent>,
    /// When the sale begins, server milliseconds; none: a campaign in the log says it, which the board doesn't read.
    pub(crate) t0: Option<u64>,
    /// Groups of SKUs, each with its goal.
    pub(crate) categories: Vec<Category>,
    /// Sales channels, each with its share.
    pub(crate) channels: Vec<ChannelTarget>,
    /// How the sales should run; none: it isn't said, and nobody is behind.
    pub(crate) curve: Option<Curve>,
    /// Ranges of SKUs with their category's place, ascending and apart from each other.
    ranges: Vec<(u64, u64, usize)>,
}

/// A group of SKUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Category {
    /// Its name.
    pub(crate) name: String,
    /// What it should sell.
    pub(crate) goal: Goal,
}

/// How much is to be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// So many units.
    Units(u64),
    /// For so much, minor units.
    Amount(u64),
}

/// What part of all sold units a channel should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelTarget {
    /// The channel.
    pub(crate) channel: u16,
    /// Its name.
    pub(crate) name: String,
    /// Its part.
    pub(crate) share: Percent,
}

impl Targets {
    /// The place of a SKU's category in the list.
    pub(crate) fn category_of(&self, sku: u64) -> Option<usize> {
        let behind = self.ranges.partition_point(|(first, _, _)| *first <= sku);
        let (_, last, category) = self.ranges.get(behind.checked_sub(1)?)?;
        (sku <= *last).then_some(*category)
    }

    /// What all categories should sell together, if they say it in the same measure.
    pub(crate) fn total(&self) -> Option<Goal> {
        let mut goals = self.categories.iter().map(|category| category.goal);
        let first = goals.next()?;
        goals.try_fold(first, |sum, goal| match (sum, goal) {
            (Goal::Units(sum), Goal::Units(units)) => Some(Goal::Units(sum.saturating_add(units))),
            (Goal::Amount(sum), Goal::Amount(amount)) => Some(Goal::Amount(sum.saturating_add(amount))),
            (Goal::Units(_), Goal::Amount(_)) | (Goal::Amount(_), Goal::Units(_)) => None,
        })
    }

    /// The highest tier that is reached with so much of a goal.
    pub(crate) fn tier(&self, done: u64, goal: u64) -> Option<Percent> {
        let reached = |tier: &&Percent| {
            u128::from(done) * 10_000 >= u128::from(goal) * u128::from(tier.ten_thousandths())
        };
        self.tiers.iter().rev().find(reached).copied()
    }
}

impl Goal {
    /// The number, of units or of money.
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::Units(number) | Self::Amount(number) => number,
        }
    }

    /// Whichever of the two this goal is about.
    pub(crate) const fn of(self, units: u64, amount: u64) -> u64 {
        match self {
            Self::Units(_) => units,
            Self::Amount(_) => amount,
        }
    }
}

#[cfg(test)]
mod tests;
