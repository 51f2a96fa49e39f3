//! How late holds end: what a pulse found, counted by size.
//!
//! A hold that is past its deadline keeps units from others until a pulse ends it. The calendar finds it within a day of
//! 8 ms; a crowd of holds that end together, or a shard that is busy, makes it later. The bounds are finest around the
//! 20 ms that a sale must keep to.

/// Upper bounds of the buckets, milliseconds; a last bucket has what is above.
pub const LAG_BOUNDS_MS: [u64; 15] = [1, 2, 4, 8, 12, 16, 20, 30, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// Holds that ended, by how much they were past their deadlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    /// Holds up to each bound and above the one before; the last entry: above all.
    pub counts: [u32; LAG_BOUNDS_MS.len() + 1],
    /// Sum, milliseconds.
    pub sum_ms: u64,
    /// The most, milliseconds.
    pub max_ms: u64,
}

impl Lags {
    /// Counts a hold that was this many milliseconds past its deadline.
    pub fn note(&mut self, lag_ms: u64) {
        let bucket = LAG_BOUNDS_MS.partition_point(|&bound| bound < lag_ms);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.sum_ms = self.sum_ms.saturating_add(lag_ms);
        self.max_ms = self.max_ms.max(lag_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_stands_at_the_first_bound_that_it_does_not_exceed() {
        let mut lags = Lags::default();
        for lag_ms in [0, 1, 20, 21, 5_000, 5_001] {
            lags.note(lag_ms);
        }
        let filled: alloc::vec::Vec<(usize, u32)> =
            lags.counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0, 2), (6, 1), (7, 1), (14, 1), (15, 1)]);
        assert_eq!((lags.sum_ms, lags.max_ms), (10_043, 5_001));
    }
}
