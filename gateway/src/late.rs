//! The alarm about holds that keep their units for too long past their deadlines.
//!
//! Shards count such visits. The main thread looks now and then and says so, seldom: a machine that can't keep up has no
//! use for a flood of warnings.

use std::time::{Duration, Instant};

use doorbuster_engine::Engine;

/// Least time between two warnings.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// What has been warned of.
#[derive(Debug, Default)]
pub(crate) struct LateReleases {
    told: u64,
    last: Option<Instant>,
}

impl LateReleases {
    /// Warns if there were alarms that nobody was told of.
    pub(crate) fn look(&mut self, engine: &Engine, now: Instant) {
        let lag = engine.release_lag();
        if let Some(visits) = self.news(lag.alarms, now) {
            tracing::warn!(
                visits,
                most_ms = lag.max_ms,
                "holds kept their units beyond server.release_alarm_ms past their deadlines: the server can't keep up; \
                 see doorbuster_release_lag_seconds"
            );
        }
    }

    /// Alarms to tell of now.
    fn news(&mut self, alarms: u64, now: Instant) -> Option<u64> {
        let quiet = self.last.is_some_and(|last| now.saturating_duration_since(last) < WARN_EVERY);
        if alarms == self.told || quiet {
            return None;
        }
        let news = alarms - self.told;
        (self.told, self.last) = (alarms, Some(now));
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_alarms_is_told_every_ten_seconds_and_none_is_left_out() {
        let mut late = LateReleases::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let seen: Vec<Option<u64>> = [(0, 0), (0, 1), (3, 4), (9, 5), (10, 6), (15, 6), (21, 6), (30, 7)]
            .map(|(seconds, alarms)| late.news(alarms, at(seconds)))
            .to_vec();
        assert_eq!(seen, [None, Some(1), None, None, Some(5), None, None, Some(1)]);
    }
}
