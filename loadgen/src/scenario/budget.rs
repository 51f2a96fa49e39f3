//! A promotion budget that shoppers claim discounts from.

use serde::{Deserialize, Serialize};

use super::check::Fault;

/// Most discounts that a budget is good for.
const MOST_DISCOUNTS: u32 = 100_000_000;

/// Most minor units of one discount, and most shares of one funder.
const MOST: u32 = 1_000_000_000;

/// A promotion budget, from which every purchase claims one discount.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// So many discounts are in it.
    pub discounts: u32,
    /// Each of so many minor units.
    pub discount_minor: u32,
    /// The funders' shares, 1 to 16 of them.
    pub shares: Vec<u32>,
}

impl Budget {
    /// Money in it, minor units.
    pub fn funded(&self) -> u64 {
        u64::from(self.discounts) * u64::from(self.discount_minor)
    }

    /// Its number in a drill whose SKUs begin here: each drill has a budget of its own.
    pub fn number(first_sku: u64) -> u32 {
        u32::try_from(first_sku >> 20 & 0x7FFF_FFFF).unwrap_or(0) | 1
    }
}

/// The values of the table that are out of their ranges.
pub(super) fn faults(scenario: &super::Scenario) -> Vec<Option<Fault>> {
    let Some(budget) = &scenario.budget else {
        let at = |sound: bool| {
            let rule = "needs a [budget] table";
            (!sound).then_some(Fault { table: "objectives", nth: 0, name: "budget_spent", rule })
        };
        return vec![at(scenario.objectives.budget_spent.is_none())];
    };
    let at = |name, sound: bool, rule| (!sound).then_some(Fault { table: "budget", nth: 0, name, rule });
    let alone = scenario.waitlist.is_none()
        && scenario.payments.is_none()
        && scenario.baskets.is_none()
        && scenario.channels.is_none()
        && scenario.campaign.is_none();
    let shares = (1..=16).contains(&budget.shares.len())
        && budget.shares.iter().all(|share| (1..=MOST).contains(share));
    let spent = scenario.objectives.budget_spent.is_none_or(|least| (0.0..=1.0).contains(&least));
    vec![
        at("discounts", (1..=MOST_DISCOUNTS).contains(&budget.discounts), "must be 1 to 100,000,000"),
        at("discount_minor", (1..=MOST).contains(&budget.discount_minor), "must be 1 to 1,000,000,000"),
        at("shares", shares, "must be 1 to 16 numbers above 0, at most 1,000,000,000"),
        at("discounts", alone, "goes with none of [waitlist], [payments], [baskets], [channels], [campaign]"),
        (!spent).then_some(Fault {
            table: "objectives",
            nth: 0,
            name: "budget_spent",
            rule: "must be 0 to 1",
        }),
    ]
}
