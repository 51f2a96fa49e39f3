//! How often one shopper may ask for new holds.
//!
//! A script asks hundreds of times a second, and whoever asks most would get most. Each reactor counts for itself, so a shopper
//! whose requests come over several connections may ask as often as that on each reactor that they end up at: who wants an exact
//! limit counts in the storefront, which knows more of him than a number.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use super::gcra::{Limit, Table};
use super::{Micros, Moment};

/// What a shopper may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopperLimit {
    /// New holds a second, in the long run.
    pub per_second: NonZeroU32,
    /// New holds at once, after a while without any.
    pub burst: NonZeroU32,
    /// Shoppers that a reactor remembers at least, 16 bytes each; of more, those who asked for the least are forgotten.
    pub remembered: usize,
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Shoppers {
    table: Table,
    /// Drawn at the start: shoppers must not choose whose entry theirs pushes out.
    keys: RandomState,
}

impl Shoppers {
    pub(crate) fn new(limit: ShopperLimit) -> Self {
        let ShopperLimit { per_second, burst, remembered } = limit;
        Self { table: Table::new(Limit { per_second, burst }, remembered), keys: RandomState::new() }
    }

    /// Lets a shopper ask once; or says how long it takes until he may.
    pub(crate) fn ask(&mut self, user: u64, now: Moment) -> Result<(), Micros> {
        let grant = self.table.take_some(self.keys.hash_one(user), now, 1);
        if grant.granted == 0 { Err(grant.retry_after) } else { Ok(()) }
    }

    /// How often one was forgotten who had asked faster than his rate: the table is too small, or somebody comes under very
    /// many names.
    pub(crate) fn forgotten(&self) -> u64 {
        self.table.forgiven()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shopper_has_his_burst_and_then_his_rate() {
        let limit = ShopperLimit {
            per_second: NonZeroU32::new(5).unwrap(),
            burst: NonZeroU32::new(3).unwrap(),
            remembered: 1_024,
        };
        let mut shoppers = Shoppers::new(limit);
        let now = Moment::after_start(Micros::from_ms(1_000));
        let later = now.plus(Micros::from_ms(200));
        for user in [1, 2, 3] {
            assert_eq!([0; 3].map(|_| shoppers.ask(user, now)), [Ok(()); 3]);
            assert_eq!(shoppers.ask(user, now), Err(Micros::from_ms(200)));
            assert_eq!((shoppers.ask(user, later), shoppers.ask(user, later).is_err()), (Ok(()), true));
        }
    }
}
