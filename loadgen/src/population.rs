//! Who comes, what they want, and what they do when they got it.

use rand::{RngExt, SeedableRng};
use rand_distr::{LogNormal, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::journal::{Basket, BasketLine};
use crate::scenario::{Baskets, Campaign, Channel, Payments, Scenario, Waitlist};
use crate::schedule::nanos;

/// Quantile of the standard normal distribution at 95 %: turns a median and a 95th percentile into a lognormal's
/// parameters.
const NORMAL_P95: f64 = 1.644_853_626_951_472_7;

/// Time between two callbacks about one payment, nanoseconds: both are often underway at once.
const CALLBACK_GAP_NS: u64 = 2_000_000;

/// Time until a callback comes again, nanoseconds.
const DUPLICATE_GAP_NS: u64 = 20_000_000;

/// The part of an offer's time, one in so many, that a shopper leaves unused: he doesn't pay in the last moment.
const OFFER_MARGIN: u64 = 10;

/// Most units in one line.
const MOST_UNITS: u32 = 2;

/// Most draws for one line's SKU: a shard that few SKUs are in may not come up.
const DRAWS: u32 = 64;

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
        /// Through which sales channel; 0: none.
        channel: u16,
    },
}

/// Something that a shopper sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Sends the reserve.
    Reserve,
    /// Sends it a second time.
    Repeat,
    /// Asks to wait for units.
    Wait,
    /// Looks at the order that waits.
    Poll,
    /// Asks to be told when it waits no more.
    Watch,
    /// Begins the payment with this ordinal.
    Begin(u8),
    /// Says that it failed.
    Fail(u8),
    /// Confirms it.
    Pay(u8),
    /// Gives the units back.
    Cancel,
    /// Pays a part, with the payment of this ordinal, and gives the rest back.
    PayPart(u8),
    /// Gives a part back.
    Cut,
    /// Takes other SKUs instead.
    Swap,
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
    skus: u32,
    popularity: Zipf<f64>,
    delay: LogNormal<f64>,
    read_share: f64,
    repeat_share: f64,
    pay_share: f64,
    cancel_share: f64,
    time_scale: f64,
    payments: Option<Payments>,
    waitlist: Option<Waitlist>,
    baskets: Option<Baskets>,
    channels: Vec<Channel>,
    /// The shard of each SKU, from 0, where that matters.
    shards: Vec<u32>,
    hold_ns: u64,
    hot_shift_ns: Option<u64>,
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
            skus: scenario.stock.skus,
            popularity: Zipf::new(f64::from(scenario.stock.skus), shoppers.zipf_exponent)
                .expect("1 SKU at least and an exponent of 0 to 5 are checked"),
            delay: LogNormal::new(shoppers.pay_median_seconds.ln(), sigma)
                .expect("a median above 0 and a larger 95th percentile are checked"),
            read_share: shoppers.read_share,
            repeat_share: shoppers.repeat_share,
            pay_share: shoppers.pay_share,
            cancel_share: shoppers.cancel_share,
            time_scale: scenario.time_scale,
            payments: scenario.payments.clone(),
            waitlist: scenario.waitlist.clone(),
            baskets: scenario.baskets.clone(),
            channels: scenario.channels.as_ref().map(|channels| channels.of.clone()).unwrap_or_default(),
            shards: Vec::new(),
            hold_ns: nanos(shoppers.hold_seconds * scenario.time_scale),
            hot_shift_ns: shoppers.hot_shift_seconds.map(nanos),
        }
    }

    /// These shoppers, with SKUs in these shards, from the first on.
    #[must_use]
    pub fn in_shards(self, shards: Vec<u32>) -> Self {
        Self { shards, ..self }
    }

    /// A SKU by its popularity, from 0.
    pub fn sku(&mut self) -> u32 {
        rank(self.random.sample(self.popularity))
    }

    /// What a shopper wants who came for this SKU, where that may be several lines.
    pub fn basket(&mut self, sku: u32) -> Option<Vec<BasketLine>> {
        let rules = self.baskets.clone()?;
        let several = self.random.random::<f64>() < rules.several_shards_share;
        let count = self.random.random_range(if several { 2 } else { 1 }..=rules.most_lines);
        let mut skus = vec![sku];
        for nth in 1..count {
            // In which shard the next SKU must be, or must not.
            let fits = |shards: &[u32], next: u32| {
                let same = shards.get(next as usize) == shards.get(sku as usize);
                if several { nth > 1 || !same } else { same }
            };
            for _ in 0..DRAWS {
                let next = self.sku();
                if !skus.contains(&next) && fits(&self.shards, next) {
                    skus.push(next);
                    break;
                }
            }
        }
        if self.random.random::<f64>() < rules.same_sku_share {
            skus.push(sku);
        }
        let mut lines: Vec<BasketLine> = Vec::with_capacity(skus.len());
        for sku in skus {
            lines.push(BasketLine { sku, units: self.random.random_range(1..=MOST_UNITS), gift: false });
        }
        if self.random.random::<f64>() < rules.gift_share
            && let Some(last) = lines.last_mut()
        {
            last.gift = true;
        }
        Some(lines)
    }

    /// A shopper with several lines may think better of a part of them, or of all.
    pub fn change_of_mind(&mut self, basket: &Basket, script: &mut Vec<(u64, Step)>) {
        let Some(rules) = self.baskets.clone() else { return };
        let choice = self.random.random::<f64>();
        let Some(paid) = script.iter().position(|(_, step)| matches!(step, Step::Pay(_))) else { return };
        let at = script.get(paid).map_or(0, |(at, _)| *at);
        let (cut, part) =
            (rules.swap_share + rules.cut_share, rules.swap_share + rules.cut_share + rules.part_share);
        if choice < rules.swap_share {
            // Only once: else some would never pay.
            if basket.instead_of == 0 {
                *script = vec![(at / 2, Step::Swap)];
            }
        } else if choice < cut {
            script.insert(paid, (at / 2, Step::Cut));
        } else if choice < part && basket.part().is_some() {
            for (_, step) in script.iter_mut() {
                if let Step::Pay(ordinal) = *step {
                    *step = Step::PayPart(ordinal);
                }
            }
        }
    }

    fn channel(&mut self) -> u16 {
        let total: f64 = self.channels.iter().map(|channel| channel.demand).sum();
        if self.channels.is_empty() {
            return 0;
        }
        let mut drawn = self.random.random::<f64>() * total;
        for channel in &self.channels {
            drawn -= channel.demand;
            if drawn < 0.0 {
                return channel.number;
            }
        }
        self.channels.last().map_or(0, |channel| channel.number)
    }

    /// The arrival at a time, nanoseconds from the start.
    pub fn visit(&mut self, due_ns: u64) -> Visit {
        let drawn = rank(self.random.sample(self.popularity));
        let sku = self.popular_at(due_ns, drawn);
        if self.random.random::<f64>() < self.read_share {
            return Visit::Look { sku };
        }
        let user = self.random.random_range(1..=self.users);
        let twice = self.random.random::<f64>() < self.repeat_share;
        Visit::Buy { user, sku, twice, channel: self.channel() }
    }

    /// Which SKU has this rank then. After each shift those that were popular are far down, and others are in their place.
    fn popular_at(&self, due_ns: u64, rank: u32) -> u32 {
        let Some(every_ns) = self.hot_shift_ns else { return rank };
        let skus = u64::from(self.skus);
        // About the golden section: shifted often, no SKU is popular again soon.
        let shifted = due_ns / every_ns.max(1) * (skus * 382 / 1_000).max(1);
        u32::try_from((u64::from(rank) + shifted) % skus).unwrap_or(rank)
    }

    /// Whether a shopper tries again at once, whatever the server asks for.
    pub fn is_hasty(&mut self, share: f64) -> bool {
        // Without any, no number is drawn: scenarios from before keep their course.
        share > 0.0 && self.random.random::<f64>() < share
    }

    /// How old the prices on a shopper's page are, nanoseconds.
    pub fn page_age_ns(&mut self, campaign: &Campaign) -> u64 {
        if self.random.random::<f64>() < campaign.stale_share {
            nanos(campaign.stale_seconds * self.random.random::<f64>())
        } else {
            0
        }
    }

    /// Whether a shopper who was told `SOLD_OUT` asks to wait.
    pub fn waits(&mut self) -> bool {
        match &self.waitlist {
            None => false,
            Some(waitlist) => self.random.random::<f64>() < waitlist.share,
        }
    }

    /// Whether a shopper who waits asks to be told, instead of looking now and then.
    pub fn watches(&mut self) -> bool {
        let share = self.waitlist.as_ref().map_or(0.0, |waitlist| waitlist.push_share);
        // Without any, no number is drawn: scenarios from before keep their course.
        share > 0.0 && self.random.random::<f64>() < share
    }

    /// How long a shopper waits at most, milliseconds.
    pub fn wait_ms(&self) -> u32 {
        let ms = self.waitlist.as_ref().map_or(0.0, |waitlist| waitlist.wait_seconds * self.time_scale * 1e3);
        u32::try_from(nanos(ms / 1e3) / 1_000_000).unwrap_or(u32::MAX).max(1)
    }

    /// The pause until a shopper who waits looks again, nanoseconds: half to one and a half of the mean, so that a crowd
    /// that began to wait together doesn't look together.
    pub fn poll_pause_ns(&mut self) -> u64 {
        let mean = self.waitlist.as_ref().map_or(1.0, |waitlist| waitlist.poll_seconds * self.time_scale);
        nanos(mean * self.random.random_range(0.5..1.5))
    }

    /// A factor for a pause before another try, half to one and a half.
    pub fn jitter(&mut self) -> f64 {
        self.random.random_range(0.5..1.5)
    }

    /// What a shopper sends about a hold that lasts for `left_ns` from now: steps and when, nanoseconds from now. Where he
    /// has no scenario of payments, he pays once.
    pub fn script(&mut self, left_ns: u64) -> Vec<(u64, Step)> {
        match (self.intent(), self.payments.clone()) {
            (Intent::Leave, _) => Vec::new(),
            (Intent::Cancel(delay), _) => vec![(delay, Step::Cancel)],
            (Intent::Pay(delay), None) => vec![(delay, Step::Pay(0))],
            (Intent::Pay(delay), Some(payments)) => self.payment_script(delay, left_ns, &payments),
        }
    }

    /// As [`script`](Self::script), of a shopper who takes up an offer: he pays within its time, or lets it lapse.
    pub fn offer_script(&mut self, left_ns: u64) -> Vec<(u64, Step)> {
        let mut script = self.script(left_ns);
        let late_callbacks = self.payments.is_some();
        script.retain(|(delay, _)| late_callbacks || *delay < left_ns - left_ns / OFFER_MARGIN);
        script
    }

    fn payment_script(&mut self, delay: u64, left_ns: u64, payments: &Payments) -> Vec<(u64, Step)> {
        let odd = self.random.random::<f64>();
        let begins = self.random.random::<f64>() < payments.begin_share;
        let fails = begins && self.random.random::<f64>() < payments.fail_share;
        let twice = self.random.random::<f64>() < payments.duplicate_share;
        let (out_of_order, late) =
            (payments.out_of_order_share, payments.out_of_order_share + payments.late_share);
        let mut script = Vec::new();
        if odd < out_of_order / 2.0 {
            script.extend([(delay, Step::Pay(0)), (delay + CALLBACK_GAP_NS, Step::Begin(0))]);
        } else if odd < out_of_order {
            let gap = CALLBACK_GAP_NS;
            script.extend([
                (delay, Step::Begin(0)),
                (delay + gap, Step::Pay(0)),
                (delay + 2 * gap, Step::Fail(0)),
            ]);
        } else if odd < late {
            // Not begun: that would have kept the hold.
            let after = self.random.random_range(0.05..0.5) * crate::health::lossy(self.hold_ns);
            script.push((left_ns + nanos(after / 1e9), Step::Pay(0)));
        } else {
            let mut ordinal = 0;
            if begins {
                script.push((delay / 2, Step::Begin(0)));
            }
            if fails {
                script.extend([(delay, Step::Fail(0)), (delay + CALLBACK_GAP_NS, Step::Begin(1))]);
                ordinal = 1;
            }
            let paid = delay + if fails { 2 * CALLBACK_GAP_NS } else { 0 };
            script.push((paid, Step::Pay(ordinal)));
            if odd < late + payments.double_share {
                script.push((paid + CALLBACK_GAP_NS, Step::Pay(ordinal + 1)));
            }
        }
        if twice {
            let again = script.iter().copied().find(|(_, step)| matches!(step, Step::Pay(_)));
            script.extend(again.map(|(at, step)| (at + DUPLICATE_GAP_NS, step)));
        }
        script
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
#[path = "population_tests.rs"]
mod tests;
