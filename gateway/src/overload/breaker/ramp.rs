//! The way back from a few probes to everybody.

use super::Settings;
use crate::overload::{Micros, Moment};

/// A share of one, in millionths.
const WHOLE: u64 = 1_000_000;

/// Admits a share that grows evenly. Who is admitted isn't drawn: what a batch leaves over of a whole operation is carried
/// to the next one, so the share is exact after any number of operations, and a test knows what comes out.
#[derive(Debug)]
pub(super) struct Ramp {
    since: Moment,
    length: Micros,
    /// The share at the start, millionths.
    from: u64,
    /// What was left over, millionths of an operation.
    carried: u64,
}

impl Ramp {
    pub(super) fn new(now: Moment, settings: &Settings) -> Self {
        Self {
            since: now,
            length: settings.ramp,
            from: settings.ramp_from.value() * (WHOLE / 100),
            carried: 0,
        }
    }

    /// How many of `asked` are admitted now.
    pub(super) fn admit(&mut self, now: Moment, asked: u32) -> u32 {
        let share = self.carried + u64::from(asked) * self.share(now);
        self.carried = share % WHOLE;
        // No more than were asked for: the share is one at most, and what was carried is less than one.
        u32::try_from(share / WHOLE).unwrap_or(asked)
    }

    /// The share that is admitted now, millionths.
    fn share(&self, now: Moment) -> u64 {
        let passed = now.since(self.since).min(self.length);
        let gained = u128::from(WHOLE - self.from) * u128::from(passed.us()) / u128::from(self.length.us());
        self.from + u64::try_from(gained).unwrap_or(0)
    }

    /// How long until all are admitted.
    pub(super) fn left(&self, now: Moment) -> Micros {
        self.since.plus(self.length).since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Moment {
        Moment::after_start(Micros::from_us(us))
    }

    #[test]
    fn a_third_at_first_then_evenly_more_and_all_in_the_end() {
        let admitted = |us, asked| Ramp::new(at(0), &Settings::default()).admit(at(us), asked);
        assert_eq!(
            [0, 500_000, 1_000_000, 1_500_000, 2_000_000].map(|us| admitted(us, 10_000)),
            [3_300, 4_975, 6_650, 8_325, 10_000]
        );
        assert_eq!(admitted(9_000_000, u32::MAX), u32::MAX);
        let ramp = Ramp::new(at(0), &Settings::default());
        assert_eq!(
            [0, 1, 2_000_000, 3_000_000].map(|us| ramp.left(at(us)).us()),
            [2_000_000, 1_999_999, 0, 0]
        );
    }

    #[test]
    fn the_share_is_exact_whatever_the_size_of_batches() {
        for batch in [1, 2, 7, 64, 1_024] {
            let mut ramp = Ramp::new(at(0), &Settings::default());
            let (mut asked, mut admitted) = (0_u64, 0_u64);
            for _ in 0..1_000 {
                let some = ramp.admit(at(0), batch);
                assert!(some <= batch);
                asked += u64::from(batch);
                admitted += u64::from(some);
                assert_eq!(admitted, asked * 33 / 100, "batches of {batch}");
            }
        }
    }
}
