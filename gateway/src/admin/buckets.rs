//! Times as Prometheus wants them: counts by upper bound, and their sum.

use std::fmt;

use hdrhistogram::Histogram;
use prometheus_client::encoding::{MetricEncoder, NoLabelSet};

/// Upper bounds, microseconds: from a loopback round trip to a stalled disk. The first and the last are 50 us and 5 s.
const BOUNDS_US: [u64; 16] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000,
];

/// Counts of times by bound. Made from histograms of two significant digits: a time within a hundredth of a bound may
/// be counted on its other side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    /// Times up to each bound and above the one before.
    counts: [u64; BOUNDS_US.len()],
    /// Times above the last bound.
    above: u64,
    sum_seconds: f64,
}

impl Buckets {
    /// Of a histogram of microseconds.
    pub(super) fn of(times: &Histogram<u64>) -> Self {
        let mut below = 0;
        let counts = BOUNDS_US.map(|bound| {
            let up_to = times.count_between(0, bound);
            let here = up_to.saturating_sub(below);
            below = up_to;
            here
        });
        let sum_seconds = times.mean() * lossy(times.len()) / 1e6;
        Self { counts, above: times.len().saturating_sub(below), sum_seconds }
    }

    /// With those of another source.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.counts.iter_mut().zip(other.counts).for_each(|(own, other)| *own += other);
        Self { above: self.above + other.above, sum_seconds: self.sum_seconds + other.sum_seconds, ..self }
    }

    /// All times.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.above
    }

    /// Writes them as one histogram; Prometheus's own encoder adds the counts up.
    pub(super) fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS_US.map(|us| lossy(us) / 1e6);
        let mut each: Vec<(f64, u64)> = bounds.into_iter().zip(self.counts).collect();
        each.push((f64::INFINITY, self.above));
        encoder.encode_histogram::<NoLabelSet>(self.sum_seconds, self.count(), &each, None)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may lose its last digit")]
fn lossy(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(times: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 60_000_000, 2).expect("valid bounds");
        for &us in times {
            histogram.record(us).expect("within the bounds");
        }
        histogram
    }

    #[test]
    fn every_time_is_in_one_bucket_and_none_is_lost() {
        let buckets = Buckets::of(&histogram(&[1, 50, 51, 400, 600, 4_000_000, 6_000_000, 50_000_000]));
        let filled: Vec<(u64, u64)> =
            BOUNDS_US.into_iter().zip(buckets.counts).filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(50, 2), (100, 1), (500, 1), (1_000, 1), (5_000_000, 1)]);
        assert_eq!((buckets.above, buckets.count()), (2, 8));
        assert!((buckets.sum_seconds / 60.0 - 1.0).abs() < 0.02, "{}", buckets.sum_seconds);
        assert_eq!(Buckets::of(&histogram(&[])), Buckets::default());
    }

    #[test]
    fn buckets_of_several_sources_add_up() {
        let both = Buckets::of(&histogram(&[10, 300])).and(Buckets::of(&histogram(&[300, 9_000_000])));
        let together = Buckets::of(&histogram(&[10, 300, 300, 9_000_000]));
        assert_eq!((both.counts, both.above), (together.counts, together.above));
        assert!((both.sum_seconds - together.sum_seconds).abs() < 1e-6);
    }
}
