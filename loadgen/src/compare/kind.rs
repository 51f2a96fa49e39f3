//! Kinds of metrics: which way is better, and by how much repeats of the same differ anyway.

use serde::Serialize;

use super::verdict::Band;
use crate::report::figures::{milliseconds, percent, rate};
use crate::spread::Spread;

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// How many a second, or of the peak in percent. More is better.
    Rate,
    /// 0 to 1, of requests. More is better.
    Share,
    /// 0 to 1, of the stock: what shoppers happen to do decides it, too. More is better.
    Sold,
    /// Milliseconds: a median or a 99th percentile. Less is better.
    Latency,
    /// Milliseconds: a 99.9th percentile, which few requests decide. Less is better.
    Tail,
    /// Milliseconds: the bound of a histogram's bucket, of which the next is up to 2.5 times as large. Less is better.
    Bound,
    /// Seconds from a fault's end until the server was as before. Less is better.
    Recovery,
    /// 0 to 1, of what shoppers wanted. Less is better.
    Loss,
}

/// Repeats on each side from which on their range says something.
const ENOUGH: usize = 3;

/// Of the default band, what remains where there are enough repeats.
const REMAINS: f64 = 0.2;

/// A difference of times that nobody notices, milliseconds.
const NOTHING_MS: f64 = 0.05;

/// The same of recoveries, seconds: they end with a second whose requests were decided.
const NOTHING_S: f64 = 0.5;

/// The same of losses.
const NOTHING_LOST: f64 = 0.001;

impl Kind {
    /// Whether more of it is better.
    pub(super) fn more_is_better(self) -> bool {
        matches!(self, Self::Rate | Self::Share | Self::Sold)
    }

    /// The default band, as a share of the median; a bound's is of the smaller of the two.
    fn default_share(self) -> f64 {
        match self {
            Self::Rate | Self::Sold => 0.05,
            Self::Share => 0.01,
            Self::Latency => 0.15,
            Self::Tail | Self::Recovery | Self::Loss => 0.30,
            Self::Bound => 1.50,
        }
    }

    /// How far the medians of two sides may be apart and still be the same.
    pub(super) fn band(self, a: &Spread, b: &Spread) -> Band {
        let of_repeats = a.half_range() + b.half_range();
        let few = a.count < ENOUGH || b.count < ENOUGH;
        let (base, share) = match self {
            // The step to the next bucket is the same whatever the number of repeats.
            Self::Bound => (a.median.min(b.median), self.default_share()),
            _ if few => (a.median, self.default_share()),
            _ => (a.median, self.default_share() * REMAINS),
        };
        let least = match self {
            Self::Rate | Self::Share | Self::Sold => 0.0,
            Self::Latency | Self::Tail | Self::Bound => NOTHING_MS,
            Self::Recovery => NOTHING_S,
            Self::Loss => NOTHING_LOST,
        };
        let floor = (base * share).max(least);
        Band { width: of_repeats.max(floor), is_default: of_repeats <= floor }
    }

    /// A value as people read it.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Rate | Self::Recovery => rate(value),
            Self::Share | Self::Sold | Self::Loss => percent(value),
            Self::Latency | Self::Tail | Self::Bound => milliseconds(value * 1_000.0),
        }
    }
}
