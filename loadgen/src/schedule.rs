//! When shoppers come: an open loop.
//!
//! Arrivals are a nonhomogeneous Poisson process (independent shoppers, a rate that the phases describe), made by
//! thinning (Lewis and Shedler, 1979): candidates at the phase's highest rate, each kept with the probability
//! rate / highest. The times are fixed before the server is asked anything; a slow server can't slow them down,
//! which is the mistake that a closed loop makes ("coordinated omission").
//!
//! The generator is Xoshiro256++, named because a seed means nothing without it.

use rand::{RngExt, SeedableRng};
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::scenario::{Phase, Shape};

/// Arrival times of one worker, in order.
#[derive(Debug)]
pub struct Schedule {
    phases: Vec<Course>,
    /// Phase that `at` lies in.
    phase: usize,
    /// Seconds since the start.
    at: f64,
    random: Xoshiro256PlusPlus,
}

/// A phase in absolute figures.
#[derive(Clone, Copy, Debug)]
struct Course {
    begins: f64,
    ends: f64,
    from: f64,
    until: f64,
    shape: Shape,
}

impl Course {
    /// Arrivals a second at this time.
    fn rate(&self, at: f64) -> f64 {
        let share = (at - self.begins) / (self.ends - self.begins);
        match self.shape {
            Shape::Linear => self.from + (self.until - self.from) * share,
            Shape::Exponential => self.from * (self.until / self.from).powf(share),
        }
    }

    /// Expected arrivals over the whole phase.
    fn expected(&self) -> f64 {
        let seconds = self.ends - self.begins;
        match self.shape {
            Shape::Exponential if (self.from - self.until).abs() > f64::EPSILON * self.from => {
                seconds * (self.until - self.from) / (self.until / self.from).ln()
            }
            Shape::Linear | Shape::Exponential => seconds * f64::midpoint(self.from, self.until),
        }
    }
}

impl Schedule {
    /// Arrivals whose rate in the highest phase is `peak` a second.
    pub fn new(phases: &[Phase], peak: f64, seed: u64) -> Self {
        Self {
            phases: courses(phases, peak),
            phase: 0,
            at: 0.0,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Expected arrivals over the whole schedule.
    pub fn expected(phases: &[Phase], peak: f64) -> f64 {
        courses(phases, peak).iter().map(Course::expected).sum()
    }

    /// When each phase begins and ends, seconds since the start.
    pub fn spans(phases: &[Phase]) -> Vec<(f64, f64)> {
        courses(phases, 1.0).iter().map(|course| (course.begins, course.ends)).collect()
    }
}

impl Iterator for Schedule {
    /// Nanoseconds since the start.
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let course = *self.phases.get(self.phase)?;
            let highest = course.from.max(course.until);
            let gap: f64 = self.random.sample(Exp1);
            self.at += if highest > 0.0 { gap / highest } else { f64::INFINITY };
            if self.at >= course.ends {
                // Memoryless: what would have come after the phase's end is drawn anew at the next one's rate.
                self.at = course.ends;
                self.phase += 1;
            } else if self.random.random::<f64>() * highest <= course.rate(self.at) {
                return Some(nanos(self.at));
            }
        }
    }
}

/// Nanoseconds of a time in seconds, which phases bound at a day each and a drill at a day in all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 86,400 s by the scenario's checks"
)]
pub fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

fn courses(phases: &[Phase], peak: f64) -> Vec<Course> {
    let until = |phase: &Phase| phase.until_rate.unwrap_or(phase.rate);
    let highest = phases.iter().map(|phase| phase.rate.max(until(phase))).fold(f64::MIN_POSITIVE, f64::max);
    let mut begins = 0.0;
    phases
        .iter()
        .map(|phase| {
            let ends = begins + phase.seconds;
            let course = Course {
                begins,
                ends,
                from: phase.rate / highest * peak,
                until: until(phase) / highest * peak,
                shape: phase.shape,
            };
            begins = ends;
            course
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(seconds: f64, rate: f64, until_rate: Option<f64>, shape: Shape) -> Phase {
        Phase { name: "p".to_owned(), seconds, rate, until_rate, shape }
    }

    fn step() -> Vec<Phase> {
        vec![
            phase(4.0, 1.0, None, Shape::Linear),
            phase(5.0, 122.0, None, Shape::Linear),
            phase(10.0, 122.0, Some(6.0), Shape::Exponential),
        ]
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_in_order() {
        let times: Vec<u64> = Schedule::new(&step(), 20_000.0, 7).collect();
        assert_eq!(times, Schedule::new(&step(), 20_000.0, 7).collect::<Vec<_>>());
        assert_ne!(times, Schedule::new(&step(), 20_000.0, 8).collect::<Vec<_>>());
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn the_doors_open_with_a_step_of_122() {
        let times: Vec<u64> = Schedule::new(&step(), 20_000.0, 7).collect();
        let between = |from: f64, to: f64| {
            crate::health::lossy(
                times.iter().filter(|&&at| at >= nanos(from) && at < nanos(to)).count() as u64
            )
        };
        let (calm, open) = (between(0.0, 4.0) / 4.0, between(4.0, 9.0) / 5.0);
        assert!((calm - 164.0).abs() < 30.0, "calm {calm}/s");
        assert!((open - 20_000.0).abs() < 500.0, "open {open}/s");
        let expected = Schedule::expected(&step(), 20_000.0);
        let count = crate::health::lossy(times.len() as u64);
        assert!((count / expected - 1.0).abs() < 0.02, "{count} arrivals, expected {expected}");
    }

    #[test]
    fn a_phase_of_rate_zero_is_silence() {
        let phases = [phase(1.0, 0.0, None, Shape::Linear), phase(1.0, 1.0, None, Shape::Linear)];
        let times: Vec<u64> = Schedule::new(&phases, 1_000.0, 1).collect();
        assert!(times.first().is_some_and(|&first| first >= nanos(1.0)));
        assert!(times.last().is_some_and(|&last| last < nanos(2.0)));
    }
}
