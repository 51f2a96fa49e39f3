//! A policy's points, and what several of one kind come to.

use super::options::Policy;
use super::point::Point;

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

/// The median of several, and the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Of none, all are 0.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        let count = values.len();
        let median = f64::midpoint(at(count.saturating_sub(1) / 2), at(count / 2));
        Self { median, least: at(0), most: at(count.saturating_sub(1)) }
    }
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
        let values: Vec<f64> = self.at(times).map(of).collect();
        (!values.is_empty()).then(|| Spread::of(values))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Spread { median: 2.5, least: 1.0, most: 4.0 });
        assert_eq!(spread(&[7.0]), Spread { median: 7.0, least: 7.0, most: 7.0 });
        assert_eq!(spread(&[]), Spread { median: 0.0, least: 0.0, most: 0.0 });
    }
}
