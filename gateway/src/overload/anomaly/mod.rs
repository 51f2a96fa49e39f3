//! Whether more is asked for than should be.
//!
//! Ten times the usual orders for one SKU, through one channel or from one cohort is a script, a mistake in an advertisement, or
//! a price that lacks a digit. Whichever it is, somebody should do something within a second, and nobody looks that fast. So
//! reactors count, and once every [`EVERY`] somebody compares:
//!
//! ```text
//! reactors: Counts, relaxed ──► Tallies: sums of one look ──► Detector ──► Found: rule, subject, rate
//!                                                               │ of each place: a Course
//!            ├─────────────── learned ───────────────┤── lag ──┤─ window ─┤
//!            └ running mean, time constant 30 s        3 s       0.5 s      now
//! ```
//!
//! **What counts.** New holds asked for, whether they are admitted or refused: a crowd that is refused is one all the same.
//!
//! **Against what.** The orders a second that the rule plans, where it plans any; else the running mean of the subject itself. The
//! mean is of what is over for [`LAG_S`] seconds, so that a step doesn't raise what it is compared with, and stands still while
//! the subject is out of the ordinary. A rule without a plan only learns for its first [`WARM_UP_S`] seconds.
//!
//! **Not by chance.** Small counts scatter. Besides being `above` times the usual and at least the rule's floor, a count has to be
//! one that Poisson arrivals at the usual rate come to in one of 10^14 windows: see [`Course`].
//!
//! **Bounded.** SKUs share [`SKU_PLACES`] places by their hash, channels and cohorts fewer. A place knows the one that comes most
//! often, by a majority vote (Boyer and Moore, 1981): where a place is ten times as busy as it should be, that is who makes it so.
//! Two busy SKUs in one place are judged together; with 4,096 places and ten of them that happens to one in a hundred.
//!
//! **Once.** What was found is not found again before it has been quiet for [`QUIET_S`] seconds, or somebody says so
//! ([`Detector::forget`], [`Detector::learn_anew`]).

mod counts;
mod course;
mod detector;
mod rule;
#[cfg(test)]
mod tests;

pub(crate) use counts::{Counts, Tallies};
pub(crate) use course::Course;
pub(crate) use detector::{Detector, Found};
pub use rule::{AnomalyRule, Per};
pub(crate) use rule::{MAX_RULES, Subject};

use super::{Micros, Moment};

/// How often somebody should look.
pub(crate) const EVERY: Micros = Micros::from_ms(100);

/// What is compared with the usual: orders of so long.
const WINDOW: Micros = Micros::from_ms(500);

/// Seconds before now that the mean leaves out.
const LAG_S: usize = 3;

/// Time constant of the mean, seconds: an hour's wave is followed, a step is not.
const MEAN_S: u32 = 30;

/// Seconds for which a mean is only learned: at 10 orders a second it is known within a tenth by then.
const WARM_UP_S: u32 = 10;

/// Seconds at less than half of what was too much, after which a subject is as any other.
const QUIET_S: u64 = 10;

/// Places for SKUs: 96 KiB a reactor.
pub(crate) const SKU_PLACES: usize = 4_096;

/// Places for channels, and for cohorts. Shops have some ten of either.
pub(crate) const FEW_PLACES: usize = 256;
