//! How long a breaker stays open.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::{Percent, Settings};
use crate::overload::Micros;

/// Twice as long with every reopening, up to a cap, and a little more or less by chance.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Micros,
    cap: Micros,
    jitter: Percent,
    /// Openings since the last full recovery.
    openings: u32,
    rng: SplitMix64,
}

impl Backoff {
    pub(super) fn new(settings: &Settings, seed: u64) -> Self {
        Self {
            base: settings.open,
            cap: settings.open_cap,
            jitter: settings.jitter,
            openings: 0,
            rng: SplitMix64::seed_from_u64(seed),
        }
    }

    /// How long to stay open this time. The cap holds before the jitter: otherwise all breakers that reach it would go
    /// on in step, and the jitter is for just those.
    pub(super) fn open(&mut self) -> Micros {
        let doubled = 1_u64.checked_shl(self.openings).unwrap_or(u64::MAX);
        let length = self.base.us().saturating_mul(doubled).min(self.cap.us());
        self.openings = self.openings.saturating_add(1);
        let jitter = self.jitter.value() * 10;
        let per_mille = self.rng.random_range(1_000 - jitter..=1_000 + jitter);
        Micros::from_us(length.saturating_mul(per_mille) / 1_000)
    }

    /// Openings since the last full recovery.
    pub(super) const fn openings(&self) -> u32 {
        self.openings
    }

    /// It has recovered in full: the next time open is a first one.
    pub(super) const fn reset(&mut self) {
        self.openings = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_jitter() -> Settings {
        Settings { jitter: Percent::new(0).unwrap(), ..Settings::default() }
    }

    #[test]
    fn each_reopening_doubles_up_to_the_cap() {
        let mut backoff = Backoff::new(&without_jitter(), 1);
        let ms: Vec<u64> = (0..8).map(|_| backoff.open().us() / 1_000).collect();
        assert_eq!(ms, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        for _ in 0..200 {
            assert_eq!(backoff.open(), Micros::from_ms(8_000), "at {}", backoff.openings());
        }
        backoff.reset();
        assert_eq!((backoff.openings(), backoff.open()), (0, Micros::from_ms(250)));
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_reaches_them() {
        let lengths: Vec<u64> =
            (0..10_000).map(|seed| Backoff::new(&Settings::default(), seed).open().us()).collect();
        let (least, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
        assert_eq!((*least, *most), (200_000, 300_000));
        let mean = lengths.iter().sum::<u64>() / 10_000;
        assert!(mean.abs_diff(250_000) < 2_000, "{mean}");
        let again = Backoff::new(&Settings::default(), 7).open();
        assert_eq!(again.us(), lengths[7], "a seed repeats");
    }

    #[test]
    fn the_cap_is_jittered_too() {
        let mut backoff = Backoff::new(&Settings::default(), 3);
        let lengths: Vec<u64> = (0..2_000).map(|_| backoff.open().us()).skip(5).collect();
        assert!(lengths.iter().all(|us| (6_400_000..=9_600_000).contains(us)));
        assert!(lengths.iter().any(|us| *us > 9_500_000) && lengths.iter().any(|us| *us < 6_500_000));
    }
}
