//! A tenth of a second at a time: what was due then, and how much of it was decided in time. By this, recovery is measured.

/// Length of a tick, nanoseconds.
const TICK_NS: u64 = 100_000_000;

/// Ticks in a second.
const PER_SECOND: usize = 10;

/// Most ticks: a day, and what comes after.
const MOST: usize = 1_000_000;

/// Share of what was before that counts as recovered.
const RECOVERED: f64 = 0.97;

/// Seconds before a fault that it is compared with.
const BEFORE_SECONDS: usize = 3;

/// What was due in one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tick {
    due: u64,
    in_time: u64,
    /// Found then to have been broken off by a server that stopped, and to be sent again.
    again: u64,
}

/// All ticks of a drill.
#[derive(Clone, Debug, Default)]
pub struct Ticks {
    of: Vec<Tick>,
}

/// How the drill went before, during and after something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// Share of the requests that were decided in time, in the seconds before it.
    pub before: f64,
    /// The least such share of any second from its begin on, until it had recovered.
    pub lowest: f64,
    /// From its end until a second began with 97 % of the share before, seconds; none: until the end none did.
    pub recovery_s: Option<f64>,
}

impl Ticks {
    /// A request is due then.
    pub fn due(&mut self, due_ns: u64) {
        self.at(due_ns).due += 1;
    }

    /// A request that was due then was decided in time.
    pub fn in_time(&mut self, due_ns: u64) {
        self.at(due_ns).in_time += 1;
    }

    /// A request is found then to have been broken off, and will be sent again.
    pub fn again(&mut self, now_ns: u64) {
        self.at(now_ns).again += 1;
    }

    fn at(&mut self, due_ns: u64) -> &mut Tick {
        let index = usize::try_from(due_ns / TICK_NS).unwrap_or(usize::MAX).min(MOST);
        if self.of.len() <= index {
            self.of.resize(index + 1, Tick::default());
        }
        &mut self.of[index]
    }

    /// Adds another worker's.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.of.len() < other.of.len() {
            self.of.resize(other.of.len(), Tick::default());
        }
        for (own, tick) in self.of.iter_mut().zip(&other.of) {
            own.due += tick.due;
            own.in_time += tick.in_time;
            own.again += tick.again;
        }
    }

    /// Requests that were found to have been broken off between two times, seconds from the start, and were to be sent again.
    pub fn again_between(&self, from_s: f64, until_s: f64) -> u64 {
        self.sum(index(from_s)..index(until_s).saturating_add(1)).again
    }

    /// Requests that were due between two times, seconds from the start, and were decided in time; a second.
    pub fn in_time_per_second(&self, from_s: f64, until_s: f64) -> f64 {
        self.per_second(from_s, until_s, |sum| sum.in_time)
    }

    /// Requests that were due between two times, seconds from the start; a second.
    pub fn due_per_second(&self, from_s: f64, until_s: f64) -> f64 {
        self.per_second(from_s, until_s, |sum| sum.due)
    }

    fn per_second(&self, from_s: f64, until_s: f64, of: fn(Tick) -> u64) -> f64 {
        let ticks = index(from_s)..index(until_s);
        let seconds = crate::health::lossy(ticks.len().max(1) as u64) / 10.0;
        crate::health::lossy(of(self.sum(ticks))) / seconds
    }

    /// How it went around something that lasted from one time to another, seconds from the start; what was due after `end_s` is
    /// none of the load that it is compared with.
    pub fn course(&self, at_s: f64, until_s: f64, end_s: f64) -> Course {
        let (at, until, end) = (index(at_s), index(until_s), index(end_s).min(self.of.len()));
        let before = self.share(at.saturating_sub(BEFORE_SECONDS * PER_SECOND), at).unwrap_or(1.0);
        let good = |from: &usize| {
            self.share(*from, from + PER_SECOND)
                .is_some_and(|share| before > 0.0 && share >= RECOVERED * before)
        };
        let recovered = (until..(end + 1).saturating_sub(PER_SECOND)).find(good);
        let over = recovered.unwrap_or(end);
        let seconds = (at..over).filter_map(|from| self.share(from, from + PER_SECOND));
        Course {
            before,
            lowest: seconds.fold(before, f64::min),
            recovery_s: recovered.map(|tick| crate::health::lossy((tick - until) as u64) / 10.0),
        }
    }

    fn sum(&self, ticks: std::ops::Range<usize>) -> Tick {
        let ticks =
            self.of.get(ticks.start.min(self.of.len())..ticks.end.min(self.of.len())).unwrap_or_default();
        ticks.iter().fold(Tick::default(), |sum, tick| Tick {
            due: sum.due + tick.due,
            in_time: sum.in_time + tick.in_time,
            again: sum.again + tick.again,
        })
    }

    /// Of what was due from one tick to another, the share that was decided in time; none if nothing was due.
    fn share(&self, from: usize, until: usize) -> Option<f64> {
        let sum = self.sum(from..until);
        (sum.due > 0).then(|| crate::health::lossy(sum.in_time) / crate::health::lossy(sum.due))
    }
}

/// The tick that a time falls into.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to a day, by the scenario's checks"
)]
fn index(seconds: f64) -> usize {
    ((seconds * 10.0).round().max(0.0) as usize).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred requests in each tick for 20 s, of which those in `bad`, seconds, have so many in time.
    fn ticks(bad: std::ops::Range<f64>, in_time: u64) -> Ticks {
        let mut ticks = Ticks::default();
        for tick in 0..200_u32 {
            let at_ns = u64::from(tick) * TICK_NS;
            let here = bad.contains(&(f64::from(tick) / 10.0));
            (0..100).for_each(|_| ticks.due(at_ns));
            (0..if here { in_time } else { 100 }).for_each(|_| ticks.in_time(at_ns));
        }
        ticks
    }

    #[test]
    fn recovery_counts_from_the_faults_end_to_the_first_good_second() {
        let course = ticks(5.0..7.45, 40).course(5.0, 7.0, 20.0);
        assert!((course.before - 1.0).abs() < 1e-9 && (course.lowest - 0.4).abs() < 1e-9, "{course:?}");
        assert_eq!(course.recovery_s, Some(0.5));
        assert_eq!(
            ticks(5.0..6.0, 40).course(5.0, 7.0, 20.0).recovery_s,
            Some(0.0),
            "it may be over before the fault is"
        );
    }

    #[test]
    fn what_stays_bad_has_not_recovered() {
        assert_eq!(ticks(5.0..20.0, 90).course(5.0, 7.0, 20.0).recovery_s, None);
        let bearable = ticks(5.0..20.0, 98).course(5.0, 7.0, 20.0);
        assert_eq!(bearable.recovery_s, Some(0.0), "97 % is as good as before");
    }

    #[test]
    fn only_whole_seconds_of_the_load_count() {
        assert_eq!(
            ticks(5.0..19.5, 40).course(5.0, 7.0, 20.0).recovery_s,
            None,
            "half a second is too little"
        );
        assert_eq!(
            ticks(5.0..15.0, 40).course(5.0, 7.0, 14.0).recovery_s,
            None,
            "what came after the load is none"
        );
        assert_eq!(ticks(0.0..9.0, 0).course(5.0, 7.0, 20.0).recovery_s, None, "nothing went well before");
    }

    #[test]
    fn a_drill_without_requests_has_lost_none() {
        let course = Ticks::default().course(1.0, 2.0, 20.0);
        assert_eq!(course, Course { before: 1.0, lowest: 1.0, recovery_s: None });
    }

    #[test]
    fn what_was_broken_off_is_counted_when_that_was_found() {
        let mut ticks = ticks(0.0..0.0, 0);
        for now_ns in [4_900_000_000, 5_000_000_000, 5_050_000_000, 6_050_000_000, 7_100_000_000] {
            ticks.again(now_ns);
        }
        assert_eq!(ticks.again_between(5.0, 6.0), 3, "the tick of the end is part of it");
        assert_eq!(ticks.again_between(0.0, 20.0), 5);
    }

    #[test]
    fn the_rate_in_time_is_that_of_the_requests_which_were_due() {
        let ticks = ticks(5.0..6.0, 40);
        assert!((ticks.in_time_per_second(5.0, 6.0) - 400.0).abs() < 1e-9);
        assert!((ticks.in_time_per_second(0.0, 5.0) - 1_000.0).abs() < 1e-9);
    }
}
