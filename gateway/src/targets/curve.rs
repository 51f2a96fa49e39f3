//! How the sales of a day should run.

use crate::percent::Percent;

const HOUR_MS: u64 = 60 * 60 * 1_000;

/// All of it, in ten thousandths.
const WHOLE: u64 = 10_000;

/// The part of all sales that falls into each hour since T0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Curve {
    /// What should be sold by the end of each hour, ten thousandths.
    by_hour: Vec<u64>,
}

impl Curve {
    /// Of what falls into each hour; `None` unless that is 100 % together.
    pub(super) fn of(hours: &[Percent]) -> Option<Self> {
        let mut sum = 0;
        let by_hour: Vec<u64> = hours
            .iter()
            .map(|hour| {
                sum += u64::from(hour.ten_thousandths());
                sum
            })
            .collect();
        (sum == WHOLE).then_some(Self { by_hour })
    }

    /// How long it runs, milliseconds.
    pub(crate) fn length_ms(&self) -> u64 {
        self.by_hour.len() as u64 * HOUR_MS
    }

    /// What should be sold so long after T0, ten thousandths of all: evenly within an hour.
    pub(crate) fn expected(&self, since_t0_ms: u64) -> u64 {
        let (hour, within) = (since_t0_ms / HOUR_MS, since_t0_ms % HOUR_MS);
        let at = |hours: u64| match hours.checked_sub(1) {
            None => 0,
            Some(nth) => {
                usize::try_from(nth).ok().and_then(|nth| self.by_hour.get(nth)).copied().unwrap_or(WHOLE)
            }
        };
        let (before, behind) = (at(hour), at(hour.saturating_add(1)));
        before + (behind - before) * within / HOUR_MS
    }

    /// How much was sold of what should have been by now, ten thousandths; `None` while nothing should have been.
    pub(crate) fn pace(&self, done: u64, goal: u64, since_t0_ms: u64) -> Option<u32> {
        let due = u128::from(goal) * u128::from(self.expected(since_t0_ms));
        let pace = (u128::from(done) * u128::from(WHOLE) * u128::from(WHOLE)).checked_div(due)?;
        Some(u32::try_from(pace).unwrap_or(u32::MAX))
    }
}
