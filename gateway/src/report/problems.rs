//! What went wrong in a sale, or was proven not to.

use serde::Serialize;

use super::counts::LATE_MS;
use super::interval::Facts;
use super::numbers::{Grouped, Lapse, Many, Moment, Money};
use super::sale::{Effect, Execution, Sums};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    /// Nothing is wrong.
    Good,
    /// To be looked at.
    Note,
    /// Somebody was promised what he didn't get, or must get his money back.
    Bad,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    /// Its name for programs.
    pub(super) rule: &'static str,
    /// How bad it is.
    pub(super) weight: Weight,
    /// How many of what it is about: units, orders or payments.
    pub(super) number: u64,
    /// It, in words.
    pub(super) words: String,
}

/// Every finding.
pub(super) fn problems(log: &Facts, execution: &Execution, effect: &Effect, sums: Sums) -> Vec<Problem> {
    let mut found = vec![Problem {
        rule: "oversold",
        weight: Weight::Good,
        number: 0,
        words: format!(
            "Oversold: 0. In none of the events up to the report's end, of {} in the log, was any SKU's account below nothing. For a \
             certificate by code that shares nothing with the server's: doorbuster audit.",
            Grouped(log.events)
        ),
    }];
    let mut find = |rule, weight, number, words: String| {
        if number > 0 {
            found.push(Problem { rule, weight, number, words });
        }
    };
    let counts = &effect.counts;
    let missing = counts.short_units.saturating_sub(counts.covered_units);
    find(
        "shortfall",
        Weight::Bad,
        missing,
        format!("Missing in the house, with nothing to take their place: {}.", Many(missing, "paid unit")),
    );
    let refunds = counts.refunds();
    find(
        "refunds",
        Weight::Bad,
        refunds,
        format!(
            "{} bought nothing, {} in all: {} came after the hold, {} for an order that was paid already, {} for one that only \
             waited. {} has gone back so far, other refunds included.",
            Many(refunds, "payment"),
            Money(counts.refund_due, log.decimals),
            Grouped(counts.refunds_late),
            Grouped(counts.refunds_twice),
            Grouped(counts.refunds_waited),
            Money(counts.paid_back_amount, log.decimals)
        ),
    );
    find(
        "mismatched",
        Weight::Note,
        counts.mismatched,
        format!("Refused as of a wrong amount: {}.", Many(counts.mismatched, "payment")),
    );
    find(
        "unserved",
        Weight::Note,
        sums.unserved_units,
        format!(
            "Free at the end although somebody had waited for them in vain, or still waits: {} of {} (L2, as far as \
             the log knows: it doesn't know who was refused).",
            Many(sums.unserved_units, "unit"),
            Many(sums.unserved_skus, "SKU")
        ),
    );
    find(
        "late-releases",
        Weight::Note,
        counts.late_releases,
        format!(
            "{} gave units back later than {} past the deadline; the longest lag was {}, at {}.",
            Many(counts.late_releases, "hold"),
            Lapse(LATE_MS),
            Lapse(effect.longest_lag.ms),
            Moment(effect.longest_lag.at)
        ),
    );
    find(
        "restarts",
        Weight::Note,
        execution.restarts,
        format!("{} in the middle of it gave open holds more time.", Many(execution.restarts, "restart")),
    );
    let steps = execution.campaign.as_ref().map_or(&[][..], |campaign| &campaign.steps);
    let late = steps.iter().filter(|step| step.late_ms.is_some_and(|late| late > LATE_MS)).count() as u64;
    find(
        "late-phases",
        Weight::Note,
        late,
        format!(
            "{} noted in the log later than {} after the start; nobody was served by the wrong one.",
            Many(late, "phase"),
            Lapse(LATE_MS)
        ),
    );
    found
}
