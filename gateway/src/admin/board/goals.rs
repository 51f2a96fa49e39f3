//! What is sold by category and channel, held against the goals that the server was started with.
//!
//! Units are what the shelf has copied: paid ones that stayed, since their SKU was set up. Of money the shelf knows nothing, so goals in
//! money are shown without what is attained; reports know it.

use serde::Serialize;

use super::stock::ChannelSum;
use crate::targets::{BEHIND, Goal, Targets};

/// So soon after T0 nobody is behind: one order more or less would decide.
const GRACE_MS: u64 = 5 * 60 * 1_000;

/// Of fewer units no channel's share is told to be too small, for the same reason.
const LEAST_UNITS: u64 = 100;

/// How the goals stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Goals {
    name: String,
    t0_ms: Option<u64>,
    /// What part should be sold by now; none where no curve or no T0 says it.
    expected: Option<f64>,
    categories: Vec<CategoryRow>,
    channels: Vec<ShareRow>,
}

/// A category.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct CategoryRow {
    name: String,
    /// Whether the goal is of `units` or an `amount`.
    measure: &'static str,
    goal: u64,
    units: u64,
    /// Units sold, of the goal; none if that is an amount.
    attainment: Option<f64>,
    tier: Option<String>,
    /// Its part of all units that categories sold.
    share: Option<f64>,
    /// What was sold of what should have been by now.
    pace: Option<f64>,
    behind: bool,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ShareRow {
    channel: u16,
    name: String,
    /// Units that it holds or has sold, of the SKUs with rules for it.
    taken: u64,
    share: Option<f64>,
    planned: f64,
    /// What it has of its planned share.
    attainment: Option<f64>,
    behind: bool,
}

impl Goals {
    /// `units`: what each category has sold; `now_ms`: the server's time.
    pub(super) fn of(targets: &Targets, units: &[u64], channels: &[ChannelSum], now_ms: u64) -> Self {
        let since_t0 = targets.t0.map(|t0| now_ms.saturating_sub(t0));
        let running =
            |ms: u64| ms >= GRACE_MS && targets.curve.as_ref().is_some_and(|curve| ms <= curve.length_ms());
        let all: u64 = units.iter().sum();
        let row = |(category, units): (&crate::targets::Category, &u64)| {
            let goal = match category.goal {
                Goal::Units(goal) => Some(goal),
                Goal::Amount(_) => None,
            };
            let pace = targets.curve.as_ref().zip(goal.zip(since_t0));
            let pace = pace.and_then(|(curve, (goal, ms))| curve.pace(*units, goal, ms));
            CategoryRow {
                name: category.name.clone(),
                measure: if goal.is_some() { "units" } else { "amount" },
                goal: category.goal.number(),
                units: *units,
                attainment: goal.and_then(|goal| part(*units, goal)),
                tier: goal.and_then(|goal| targets.tier(*units, goal)).map(|tier| tier.to_string()),
                share: part(*units, all),
                pace: pace.map(|pace| f64::from(pace) / 1e4),
                behind: pace.is_some_and(|pace| u64::from(pace) < BEHIND * 100)
                    && since_t0.is_some_and(running),
            }
        };
        Self {
            name: targets.name.clone(),
            t0_ms: targets.t0,
            expected: targets
                .curve
                .as_ref()
                .zip(since_t0)
                .and_then(|(curve, ms)| part(curve.expected(ms), 10_000)),
            categories: targets.categories.iter().zip(units).map(row).collect(),
            channels: shares(targets, channels, since_t0.is_none_or(|ms| ms >= GRACE_MS)),
        }
    }

    /// Who is behind, by name.
    pub(super) fn behind(&self) -> Vec<String> {
        let categories = self.categories.iter().filter(|row| row.behind).map(|row| row.name.clone());
        let channels = self.channels.iter().filter(|row| row.behind).map(|row| row.name.clone());
        categories.chain(channels).collect()
    }
}

/// `due`: the sale runs for long enough that somebody may be behind.
fn shares(targets: &Targets, channels: &[ChannelSum], due: bool) -> Vec<ShareRow> {
    let all: u64 = channels.iter().map(|channel| channel.taken).sum();
    let row = |target: &crate::targets::ChannelTarget| {
        let taken =
            channels.iter().find(|known| known.channel == target.channel).map_or(0, |known| known.taken);
        let planned = f64::from(target.share.ten_thousandths()) / 1e4;
        let share = part(taken, all);
        let attainment = share.map(|share| share / planned);
        ShareRow {
            channel: target.channel,
            name: target.name.clone(),
            taken,
            share,
            planned,
            attainment,
            behind: due && all >= LEAST_UNITS && attainment.is_some_and(|part| part * 100.0 < lossy(BEHIND)),
        }
    };
    targets.channels.iter().map(row).collect()
}

/// `None` of nothing.
fn part(of: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| lossy(of) / lossy(whole))
}

#[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may lose its last digit")]
fn lossy(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const T0: u64 = 1_794_326_400_000;

    fn targets() -> Targets {
        let text = r#"
            name = "Double 11"
            tiers = ["50 %", "100 %"]
            t0 = 2026-11-11T00:00:00+08:00
            [[category]]
            name = "phones"
            skus = [1]
            units = 100
            [[category]]
            name = "cases"
            skus = [2]
            amount = 5_000
            [[channel]]
            channel = 1
            name = "own shop"
            share = "60 %"
            [[channel]]
            channel = 2
            name = "live"
            share = "40 %"
            [curve]
            hours = ["40 %", "60 %"]
        "#;
        Targets::parse(std::path::Path::new("goals.toml"), text).expect("it is right")
    }

    fn taken(channel: u16, taken: u64) -> ChannelSum {
        ChannelSum { channel, taken, ..ChannelSum::default() }
    }

    #[test]
    fn categories_and_channels_stand_beside_what_they_should_have() {
        let goals = Goals::of(&targets(), &[34, 66], &[taken(1, 30), taken(2, 70)], T0 + HOUR);
        assert_eq!(goals.expected, Some(0.4));
        let phones = &goals.categories[0];
        assert_eq!((phones.attainment, phones.share, phones.pace), (Some(0.34), Some(0.34), Some(0.85)));
        assert!(!phones.behind, "85 of 100 is not behind");
        let cases = &goals.categories[1];
        assert_eq!(
            (cases.measure, cases.attainment, cases.pace, cases.behind),
            ("amount", None, None, false)
        );
        let shares: Vec<_> =
            goals.channels.iter().map(|row| (row.share, row.attainment, row.behind)).collect();
        assert_eq!(shares, [(Some(0.3), Some(0.5), true), (Some(0.7), Some(0.7 / 0.4), false)]);
        assert_eq!(goals.behind(), ["own shop"]);
        let few = Goals::of(&targets(), &[34, 66], &[taken(1, 29), taken(2, 70)], T0 + HOUR);
        assert_eq!(few.behind(), <[String; 0]>::default(), "99 units are too few to tell");
        let soon = Goals::of(&targets(), &[34, 66], &[taken(1, 30), taken(2, 70)], T0);
        assert_eq!(soon.behind(), <[String; 0]>::default(), "and so is the first second");
    }

    #[test]
    fn a_category_is_behind_while_the_curve_runs_and_not_at_once() {
        let behind = |sold, since| Goals::of(&targets(), &[sold, 0], &[], T0 + since).behind();
        assert_eq!(behind(33, HOUR), ["phones"]);
        assert_eq!(behind(0, GRACE_MS - 1), <[String; 0]>::default());
        assert_eq!(behind(0, GRACE_MS), ["phones"]);
        assert_eq!(behind(84, 2 * HOUR), ["phones"]);
        assert_eq!(behind(84, 2 * HOUR + 1), <[String; 0]>::default(), "the plan is over");
    }

    #[test]
    fn without_t0_nobody_is_behind() {
        let mut targets = targets();
        targets.t0 = None;
        let goals = Goals::of(&targets, &[0, 0], &[], T0 + HOUR);
        assert_eq!((goals.expected, goals.categories[0].pace, goals.behind().len()), (None, None, 0));
    }
}
