//! Exact counts of the last second.

use crate::overload::{Micros, Moment};

/// Buckets of a window: enough that what leaves it at once is a tenth.
const BUCKETS: usize = 10;

/// How operations ended. Each is in one count only, and whatever says nothing about health is in none: sold out,
/// limited, shed, expired in a queue, cancelled by the client, and every refusal that the ledger decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// Done, and in time.
    pub(crate) ok: u64,
    /// Done, but slowly: see [`Settings::is_slow`](super::Settings::is_slow).
    pub(crate) slow: u64,
    /// Engine error, log error, or an answer that was lost.
    pub(crate) failed: u64,
}

impl Results {
    /// All of them.
    pub(super) const fn total(self) -> u64 {
        self.ok.saturating_add(self.slow).saturating_add(self.failed)
    }

    pub(super) const fn add(&mut self, more: Self) {
        self.ok = self.ok.saturating_add(more.ok);
        self.slow = self.slow.saturating_add(more.slow);
        self.failed = self.failed.saturating_add(more.failed);
    }

    const fn remove(&mut self, old: Self) {
        self.ok = self.ok.saturating_sub(old.ok);
        self.slow = self.slow.saturating_sub(old.slow);
        self.failed = self.failed.saturating_sub(old.failed);
    }
}

/// Ten buckets and their sum, which is kept up to date so that reading it costs nothing. Bucket borders are multiples of
/// the bucket's length, and the youngest bucket is still filling: the window reaches back nine to ten buckets, and what
/// was counted a whole window ago or earlier is never in it.
#[derive(Debug)]
pub(super) struct Window {
    /// From the oldest to the one that is filling.
    buckets: [Results; BUCKETS],
    sum: Results,
    /// Failures since the last success.
    row: u64,
    /// When the youngest bucket is over.
    ends: Moment,
    bucket: Micros,
}

impl Window {
    /// `bucket` is not zero.
    pub(super) fn new(bucket: Micros) -> Self {
        Self {
            buckets: [Results::default(); BUCKETS],
            sum: Results::default(),
            row: 0,
            ends: Moment::START.plus(bucket),
            bucket,
        }
    }

    /// Counts results that came in now. Their order is not known: with a success among them the part is not dead, so
    /// the row of failures ends, and a part that fails in part is found by its share.
    pub(super) fn add(&mut self, now: Moment, results: Results) {
        self.roll(now);
        let [.., youngest] = &mut self.buckets;
        youngest.add(results);
        self.sum.add(results);
        if results.ok > 0 || results.slow > 0 {
            self.row = 0;
        } else {
            self.row = self.row.saturating_add(results.failed);
        }
    }

    /// Forgets the buckets that are too old by now.
    pub(super) fn roll(&mut self, now: Moment) {
        if now < self.ends {
            return;
        }
        let passed = now.since(self.ends).us() / self.bucket.us() + 1;
        let fresh = usize::try_from(passed).unwrap_or(BUCKETS).min(BUCKETS);
        self.buckets.rotate_left(fresh);
        for old in self.buckets.iter_mut().rev().take(fresh) {
            self.sum.remove(*old);
            *old = Results::default();
        }
        self.ends = self.ends.plus(Micros::from_us(passed.saturating_mul(self.bucket.us())));
    }

    /// All results in it, as of the last [`roll`](Self::roll) or [`add`](Self::add).
    pub(super) const fn sum(&self) -> Results {
        self.sum
    }

    /// Failures since the last success, however long ago they were.
    pub(super) const fn row(&self) -> u64 {
        self.row
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        (self.buckets, self.sum, self.row) = ([Results::default(); BUCKETS], Results::default(), 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUCKET: Micros = Micros::from_ms(100);

    fn at(us: u64) -> Moment {
        Moment::after_start(Micros::from_us(us))
    }

    #[test]
    fn a_result_is_gone_a_second_after_its_bucket_began() {
        for counted in [0, 1, 99_999] {
            let mut window = Window::new(BUCKET);
            window.add(at(counted), Results { failed: 1, ..Results::default() });
            window.roll(at(999_999));
            assert_eq!(window.sum().total(), 1, "counted at {counted}");
            window.roll(at(1_000_000));
            assert_eq!(window.sum().total(), 0, "counted at {counted}");
            assert_eq!(window.row(), 1, "a row has no time");
        }
    }

    #[test]
    fn a_row_of_failures_ends_with_any_success() {
        let mut window = Window::new(BUCKET);
        let failed = Results { failed: 4, ..Results::default() };
        window.add(at(0), failed);
        window.add(at(5_000_000), failed);
        window.add(at(5_000_000), Results::default());
        assert_eq!(window.row(), 8, "nothing is no success");
        window.add(at(5_000_001), Results { slow: 1, ..failed });
        assert_eq!(window.row(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A list of everything that was ever counted.
        #[test]
        fn counts_what_a_list_counts(
            steps in prop::collection::vec((0..400_000_u64, 0..5_u64, 0..5_u64, 0..5_u64), 0..200),
            far in 0..200_usize,
        ) {
            let mut window = Window::new(BUCKET);
            let mut all: Vec<(u64, Results)> = Vec::new();
            let mut now = 0;
            for (index, (passed, ok, slow, failed)) in steps.into_iter().enumerate() {
                now += if index == far { u64::from(u32::MAX) * 100_000_000 } else { passed };
                let results = Results { ok, slow, failed };
                window.add(at(now), results);
                all.push((now, results));
                let oldest = (now / BUCKET.us()).saturating_sub(9) * BUCKET.us();
                let mut sum = Results::default();
                all.iter().filter(|(counted, _)| *counted >= oldest).for_each(|(_, results)| sum.add(*results));
                prop_assert_eq!(window.sum(), sum);
            }
        }
    }
}
