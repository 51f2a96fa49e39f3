//! The three families of alarms: the server's stability, prices, and logistics.
//!
//! Pure: what is seen comes in, what to tell comes out. An alarm that counts something is raised while it happened within the last
//! minute, so that somebody who looks up sees it, and it goes by itself.

use serde::Serialize;

/// A sync of the log that takes longer than this costs the sale something: answers wait for it. The breaker before the log calls
/// the same slow.
const SLOW_LOG_US: u64 = 50_000;

/// Categories and channels that an alarm names.
const MOST_NAMED: usize = 6;

/// What alarms go by.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs {
    /// The log has failed.
    pub(super) poisoned: bool,
    /// Circuit breakers that are not closed.
    pub(super) breakers: Vec<String>,
    /// Requests are refused for overload now.
    pub(super) overloaded: bool,
    /// Of what was let in, and of payments, more was lost in the last second than the budget allows, as shares.
    pub(super) lost: Option<(f64, f64)>,
    /// 99 of 100 blocks of the log took less, microseconds, in the last second.
    pub(super) log_p99_us: u64,
    /// Visits in the last minute that ended a hold far past its deadline.
    pub(super) late_releases: u64,
    /// How far the clock is behind, milliseconds.
    pub(super) clock_behind_ms: u64,
    /// Emergency plans that are in force.
    pub(super) plans: u64,
    /// Campaigns that lack prices, and how many.
    pub(super) unpriced: Vec<(u32, u64)>,
    /// Orders and payments in the last minute whose price was out of bounds or whose amount was not what is due.
    pub(super) price_faults: u64,
    /// Payments in the last minute that bought nothing and must go back.
    pub(super) refunds: u64,
    /// Categories and channels that have sold less than 85 of 100 of what they should have by now.
    pub(super) behind: Vec<String>,
    /// Shipments in the last minute that were refused as units are missing.
    pub(super) shortfalls: u64,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Somebody must do something.
    Alarm,
    /// It takes care of itself, and somebody should know.
    Notice,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Alarm {
    /// Which family.
    pub(super) family: &'static str,
    /// How bad it is.
    pub(super) level: Level,
    /// What it is called, as in `config/prometheus/alerts.yml` where it has one there.
    pub(super) name: &'static str,
    /// What is the matter.
    pub(super) text: String,
    /// Where it says what to do.
    pub(super) runbook: &'static str,
}

/// What is to be told, the worst of each family first.
pub(super) fn raised(signs: &Signs) -> Vec<Alarm> {
    use Level::{Alarm as Bad, Notice};
    let mut alarms = Vec::new();
    let mut tell = |holds: bool, (family, level, name, runbook), text: String| {
        if holds {
            alarms.push(Alarm { family, level, name, text, runbook });
        }
    };
    let stability = |level, name, runbook| ("stability", level, name, runbook);
    tell(
        signs.poisoned,
        stability(Bad, "LogFailed", "docs/operations.md#exit-codes"),
        "the log has failed: nothing is acknowledged any more".to_owned(),
    );
    tell(
        signs.clock_behind_ms > 0,
        stability(Bad, "ClockBehind", "docs/operations.md#metrics"),
        format!(
            "the machine's clock is {} ms behind the log: no hold runs out meanwhile",
            signs.clock_behind_ms
        ),
    );
    tell(
        !signs.breakers.is_empty(),
        stability(Bad, "BreakerOpen", "docs/operations.md#circuit-breakers"),
        format!("not closed: {}", signs.breakers.join(", ")),
    );
    let (admitted, settled) = signs.lost.unwrap_or_default();
    tell(
        signs.lost.is_some(),
        stability(Bad, "LossOverBudget", "docs/overload.md#the-loss-budget"),
        format!("lost: {:.1} % of what was let in, {:.1} % of payments", admitted * 100.0, settled * 100.0),
    );
    tell(
        signs.log_p99_us > SLOW_LOG_US,
        stability(Bad, "LogSlow", "docs/operations.md#metrics"),
        format!("the log takes {} ms to sync", signs.log_p99_us / 1_000),
    );
    tell(
        signs.late_releases > 0,
        stability(Bad, "ReleasesLate", "docs/operations.md#metrics"),
        format!("{} times within a minute units came back late", signs.late_releases),
    );
    tell(
        signs.plans > 0,
        stability(Notice, "EmergencyPlanActive", "docs/operations.md#emergency-plans"),
        format!("{} emergency plans are in force", signs.plans),
    );
    tell(
        signs.overloaded,
        stability(Notice, "Overloaded", "docs/overload.md"),
        "more is asked for than can be done in time; the rest is refused and may ask again".to_owned(),
    );
    for (campaign, skus) in &signs.unpriced {
        tell(
            true,
            ("price", Bad, "PricesMissing", "docs/campaigns.md"),
            format!("campaign {campaign}: {skus} SKUs have no price that counts soon or already"),
        );
    }
    tell(
        signs.price_faults > 0,
        ("price", Bad, "PriceViolations", "docs/campaigns.md"),
        format!("{} orders or payments within a minute named a wrong price", signs.price_faults),
    );
    // Of the three families the one whose means help: prices, promotions, and units moved to another channel.
    tell(
        !signs.behind.is_empty(),
        ("price", Bad, "BehindPlan", "docs/board.md#goals"),
        format!("sold less than 85 of 100 of what should be by now: {}", shortened(&signs.behind)),
    );
    tell(
        signs.refunds > 0,
        ("price", Notice, "RefundsDue", "docs/operations.md#orders-after-payment"),
        format!("{} payments within a minute bought nothing and must go back", signs.refunds),
    );
    tell(
        signs.shortfalls > 0,
        ("logistics", Bad, "UnitsMissing", "docs/operations.md#counting-stock"),
        format!("{} shipments within a minute were refused: units are missing", signs.shortfalls),
    );
    alarms
}

/// Some of them by name, and how many more there are.
fn shortened(names: &[String]) -> String {
    let first = names.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change to quiet signs, and the alarm that it must raise.
    type Case = (fn(&mut Signs), &'static str, &'static str);

    #[test]
    fn each_sign_raises_its_own_alarm_and_quiet_raises_none() {
        assert_eq!(raised(&Signs::default()), []);
        assert_eq!(raised(&Signs { log_p99_us: SLOW_LOG_US, ..Signs::default() }), []);
        let cases: [Case; 13] = [
            (|signs| signs.poisoned = true, "stability", "LogFailed"),
            (|signs| signs.clock_behind_ms = 1, "stability", "ClockBehind"),
            (|signs| signs.breakers.push("log reserve OPEN".to_owned()), "stability", "BreakerOpen"),
            (|signs| signs.lost = Some((0.031, 0.0)), "stability", "LossOverBudget"),
            (|signs| signs.log_p99_us = SLOW_LOG_US + 1, "stability", "LogSlow"),
            (|signs| signs.late_releases = 1, "stability", "ReleasesLate"),
            (|signs| signs.plans = 1, "stability", "EmergencyPlanActive"),
            (|signs| signs.overloaded = true, "stability", "Overloaded"),
            (|signs| signs.unpriced.push((4, 2)), "price", "PricesMissing"),
            (|signs| signs.price_faults = 1, "price", "PriceViolations"),
            (|signs| signs.behind.push("phones".to_owned()), "price", "BehindPlan"),
            (|signs| signs.refunds = 1, "price", "RefundsDue"),
            (|signs| signs.shortfalls = 1, "logistics", "UnitsMissing"),
        ];
        for (change, family, name) in cases {
            let mut signs = Signs::default();
            change(&mut signs);
            let alarms = raised(&signs);
            let found: Vec<_> = alarms.iter().map(|alarm| (alarm.family, alarm.name)).collect();
            assert_eq!(found, [(family, name)]);
        }
    }
}
