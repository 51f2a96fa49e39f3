//! A policy's points, and what several of one kind come to.

use super::options::Policy;
use super::point::Point;
use crate::spread::Spread;

/// A point and where it stands.
#[derive(Debug)]
pub(super) struct Measured {
    /// Of the peak.
    pub(super) times: f64,
    pub(super) point: Point,
}

/// All points of a policy.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) policy: Policy,
    /// Operations a second.
    pub(super) peak: f64,
    pub(super) measured: Vec<Measured>,
}

impl Curve {
    pub(super) fn new(policy: Policy, peak: f64) -> Self {
        Self { policy, peak, measured: Vec::new() }
    }

    /// The valid points at so many times the peak.
    fn at(&self, times: f64) -> impl Iterator<Item = &Point> {
        let same = move |measured: &&Measured| measured.times.total_cmp(&times).is_eq();
        let points = self.measured.iter().filter(same).map(|measured| &measured.point);
        points.filter(|point| point.invalid().is_none())
    }

    /// A figure of the valid points at so many times the peak; `None` if there is none.
    pub(super) fn figure(&self, times: f64, of: impl Fn(&Point) -> f64) -> Option<Spread> {
        Spread::of(self.at(times).map(of).collect())
    }

    /// The medians of the goodput, percent of the peak, with the times that they belong to, in ascending order.
    pub(super) fn shares_of_peak(&self, times: &[f64]) -> Vec<(f64, f64)> {
        let share = |point: &Point| 100.0 * point.goodput() / self.peak;
        let known = times.iter().filter_map(|times| Some((*times, self.figure(*times, share)?.median)));
        let mut known: Vec<(f64, f64)> = known.collect();
        known.sort_by(|one, other| one.0.total_cmp(&other.0));
        known
    }
}
