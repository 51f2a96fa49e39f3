//! An emergency plan, and whether plans and rules fit together.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Action;
use crate::overload::anomaly::{AnomalyRule, MAX_RULES, Per};

/// Most plans of a server.
const MAX_PLANS: usize = 64;

/// Most actions of a plan: what one does in a second must stay small.
const MAX_ACTIONS: usize = 32;

/// Longest time after which a plan reverts itself, seconds: a week.
const MAX_REVERT_AFTER_S: u64 = 7 * 24 * 60 * 60;

/// What is to be done, in order, and can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyPlan {
    /// Names it.
    pub name: String,
    /// How long after it was begun it reverts itself, seconds; 0: somebody has to revert it.
    #[serde(default)]
    pub revert_after_s: u64,
    /// What it does, one after the other.
    pub actions: Vec<Action>,
}

/// Something in the list of rules or of plans that can't be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The list: `anomaly.rules` or `emergency.plans`.
    pub(crate) list: &'static str,
    /// Where it stands in the list, from 0.
    pub(crate) nth: usize,
    /// What is wrong.
    pub(crate) why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} number {}: {}", self.list, self.nth + 1, self.why)
    }
}

/// Checks that rules and plans can be carried out.
///
/// # Errors
/// The first fault, by where it stands.
pub(crate) fn check(rules: &[AnomalyRule], plans: &[EmergencyPlan]) -> Result<(), Fault> {
    let mut names = BTreeSet::new();
    for (nth, plan) in plans.iter().enumerate() {
        let why = if nth >= MAX_PLANS {
            Some(format!("there may be {MAX_PLANS}"))
        } else if !names.insert(plan.name.as_str()) {
            Some(format!("there is another plan \"{}\"", plan.name))
        } else {
            plan.fault().map(|why| format!("plan \"{}\": {why}", plan.name))
        };
        if let Some(why) = why {
            return Err(Fault { list: "emergency.plans", nth, why });
        }
    }
    names.clear();
    for (nth, rule) in rules.iter().enumerate() {
        let why = if nth >= MAX_RULES {
            Some(format!("there may be {MAX_RULES}"))
        } else if !names.insert(rule.name.as_str()) {
            Some(format!("there is another rule \"{}\"", rule.name))
        } else {
            fault(rule, plans).map(|why| format!("rule \"{}\": {why}", rule.name))
        };
        if let Some(why) = why {
            return Err(Fault { list: "anomaly.rules", nth, why });
        }
    }
    Ok(())
}

impl EmergencyPlan {
    fn fault(&self) -> Option<String> {
        if !is_name(&self.name) {
            return Some(NAME.to_owned());
        }
        if self.revert_after_s > MAX_REVERT_AFTER_S {
            return Some("revert_after_s must be 0 to 604,800".to_owned());
        }
        if self.actions.is_empty() || self.actions.len() > MAX_ACTIONS {
            return Some(format!("it must have 1 to {MAX_ACTIONS} actions"));
        }
        self.actions.iter().find_map(Action::fault)
    }

    /// Whether it can be carried out for a SKU alone.
    pub(crate) fn needs_sku(&self) -> Option<&Action> {
        self.actions.iter().find(|action| action.needs_sku())
    }
}

/// What a name may be, for whoever chose another one.
const NAME: &str = "a name is 1 to 64 letters, digits, - and _";

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
}

fn fault(rule: &AnomalyRule, plans: &[EmergencyPlan]) -> Option<String> {
    if !is_name(&rule.name) {
        return Some(NAME.to_owned());
    }
    if !(1.5..=1_000.0).contains(&rule.above) {
        return Some("above must be 1.5 to 1,000".to_owned());
    }
    if !(10..=1_000_000_000).contains(&rule.least_per_second) {
        return Some("least_per_second must be 10 to 1,000,000,000".to_owned());
    }
    let Some(plan) = plans.iter().find(|plan| plan.name == rule.plan) else {
        return Some(format!("there is no emergency plan \"{}\"", rule.plan));
    };
    match plan.needs_sku() {
        Some(action) if rule.per != Per::Sku => Some(format!(
            "its plan \"{}\" has an action \"{}\" that needs a SKU, and only rules per = \"sku\" have one; name it with sku = N",
            plan.name,
            action.name()
        )),
        Some(_) | None => None,
    }
}
