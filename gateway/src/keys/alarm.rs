//! Warnings about keys that are wrong: seldom, as whoever tries them may try as often as he likes.

use std::time::{Duration, Instant};

/// Warnings in [`PERIOD`], at most.
const MOST: u32 = 5;

/// The time that the bound is for.
const PERIOD: Duration = Duration::from_secs(10);

/// Counts what was said, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    since: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Alarm {
    /// Notes that there is something to warn of. Gives how many went without a warning before, if it is to be said.
    pub(crate) fn ring(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= PERIOD) {
            (self.since, self.told) = (Some(now), 0);
        }
        if self.told == MOST {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_ten_seconds_are_told_and_the_others_are_counted() {
        let mut alarm = Alarm::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let said: Vec<_> = (0..8).map(|_| alarm.ring(at(0))).collect();
        assert_eq!(said, [Some(0), Some(0), Some(0), Some(0), Some(0), None, None, None]);
        assert_eq!((alarm.ring(at(9)), alarm.ring(at(10)), alarm.ring(at(11))), (None, Some(4), Some(0)));
    }
}
