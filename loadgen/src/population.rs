//! Who comes, what they want, and what they do when they got it.

use rand::{RngExt, SeedableRng};
use rand_distr::{LogNormal, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::scenario::Scenario;
use crate::schedule::nanos;

/// Quantile of the standard normal distribution at 95 %: turns a median and a 95th percentile into a lognormal's
/// parameters.
const NORMAL_P95: f64 = 1.644_853_626_951_472_7;

/// What an arriving shopper does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Looks at a SKU's stock.
    Look {
        /// Which SKU, from 0.
        sku: u32,
    },
    /// Wants a unit.
    Buy {
        /// Who, from 1.
        user: u32,
        /// Which SKU, from 0.
        sku: u32,
        /// The request is sent twice.
        twice: bool,
    },
}

/// What a shopper does with a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Pays after this many nanoseconds.
    Pay(u64),
    /// Gives the unit back after this many nanoseconds.
    Cancel(u64),
    /// Goes away; the hold expires.
    Leave,
}

/// Draws visits and intents.
#[derive(Debug)]
pub struct Population {
    random: Xoshiro256PlusPlus,
    users: u32,
    popularity: Zipf<f64>,
    delay: LogNormal<f64>,
    read_share: f64,
    repeat_share: f64,
    pay_share: f64,
    cancel_share: f64,
    time_scale: f64,
}

impl Population {
    /// A population that follows the scenario. The scenario's checks make every parameter valid.
    ///
    /// # Panics
    /// If the scenario was not checked and a parameter is out of its range.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let shoppers = &scenario.shoppers;
        let sigma = (shoppers.pay_p95_seconds / shoppers.pay_median_seconds).ln() / NORMAL_P95;
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            users: shoppers.users,
            popularity: Zipf::new(f64::from(scenario.stock.skus), shoppers.zipf_exponent)
                .expect("1 SKU at least and an exponent of 0 to 5 are checked"),
            delay: LogNormal::new(shoppers.pay_median_seconds.ln(), sigma)
                .expect("a median above 0 and a larger 95th percentile are checked"),
            read_share: shoppers.read_share,
            repeat_share: shoppers.repeat_share,
            pay_share: shoppers.pay_share,
            cancel_share: shoppers.cancel_share,
            time_scale: scenario.time_scale,
        }
    }

    /// The next arrival.
    pub fn visit(&mut self) -> Visit {
        let sku = rank(self.random.sample(self.popularity));
        if self.random.random::<f64>() < self.read_share {
            return Visit::Look { sku };
        }
        let user = self.random.random_range(1..=self.users);
        Visit::Buy { user, sku, twice: self.random.random::<f64>() < self.repeat_share }
    }

    /// What comes of a hold.
    pub fn intent(&mut self) -> Intent {
        let choice = self.random.random::<f64>();
        let delay: f64 = self.random.sample(self.delay);
        let delay = nanos((delay * self.time_scale).min(86_400.0));
        if choice < self.pay_share {
            Intent::Pay(delay)
        } else if choice < self.pay_share + self.cancel_share {
            Intent::Cancel(delay)
        } else {
            Intent::Leave
        }
    }
}

/// A rank of Zipf's law (1 to the number of SKUs, as a float) as an index.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "1 to 1,000,000 by the distribution"
)]
fn rank(drawn: f64) -> u32 {
    (drawn as u32).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_delays_follow_the_scenario() {
        let scenario = crate::scenario::load(None).expect("sound");
        let mut population = Population::new(&scenario, 3);
        let mut delays = Vec::new();
        let (mut cancels, mut leaves) = (0_u32, 0_u32);
        for _ in 0..100_000 {
            match population.intent() {
                Intent::Pay(delay) => delays.push(delay),
                Intent::Cancel(_) => cancels += 1,
                Intent::Leave => leaves += 1,
            }
        }
        delays.sort_unstable();
        let (median, p95) = (delays[delays.len() / 2], delays[delays.len() * 95 / 100]);
        assert!((440_000_000..460_000_000).contains(&median), "{median}");
        assert!((2_250_000_000..2_550_000_000).contains(&p95), "{p95}");
        assert!(
            (9_500..10_500).contains(&cancels) && (14_500..15_500).contains(&leaves),
            "{cancels} {leaves}"
        );
    }

    #[test]
    fn the_most_wanted_sku_is_wanted_most_and_none_lies_outside() {
        let scenario = crate::scenario::load(None).expect("sound");
        let mut population = Population::new(&scenario, 3);
        let mut wanted = vec![0_u32; 1_000];
        for _ in 0..100_000 {
            match population.visit() {
                Visit::Look { sku } => wanted[sku as usize] += 1,
                Visit::Buy { user, sku, .. } => {
                    assert!((1..=50_000).contains(&user));
                    wanted[sku as usize] += 1;
                }
            }
        }
        assert!((12_000..15_000).contains(&wanted[0]), "{}", wanted[0]);
        assert!(wanted[0] > 5 * wanted[9]);
    }
}
