//! How the orders of one place went lately: what is usual there, and what is now.

use super::{LAG_S, MEAN_S, Micros, Moment, QUIET_S, WARM_UP_S};

/// Looks that are remembered: those of a window, and some to spare for looks that come early.
pub(super) const LOOKS: usize = 8;

/// How surprising a count must be, nats: e^-34 is two of 10^15. An hour has 36,000 looks, at 4,096 places for a rule about SKUs.
const SURPRISE: f64 = 34.0;

/// See the module's doc.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// It has been looked at.
    known: bool,
    /// Orders ever, as of the latest looks; where the next goes is the detector's to know.
    seen: [u64; LOOKS],
    /// Orders a second, as a mean.
    mean: f64,
    /// Seconds that the mean has learned of.
    learned: u32,
    /// Orders a second of the latest seconds, which the mean doesn't know yet.
    lag: [f64; LAG_S],
    /// How many of these there are.
    lagging: usize,
    /// Orders ever, when the last second had ended.
    at_second: u64,
    /// It was found to be out of the ordinary, and neither quiet nor forgiven since.
    found: bool,
    quiet_since: Option<Moment>,
}

/// What a rule asks of a course.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) above: f64,
    /// Orders a second; 0: the mean.
    pub(super) planned: f64,
    /// Orders a second.
    pub(super) least: f64,
}

/// What a course comes to at a look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sight {
    /// Orders a second now.
    pub(super) rate: f64,
    /// Orders a second that are usual.
    pub(super) usual: f64,
    /// Of `above`, so much is too much; 0 while nothing is known.
    pub(super) ratio: f64,
    /// It is out of the ordinary, and was not before.
    pub(super) news: bool,
}

impl Course {
    /// Somebody asks for the first time, so many seconds after everybody began to look: nobody did in these.
    pub(super) fn begin(&mut self, seconds: u32) {
        if !self.known {
            (self.known, self.learned) = (true, seconds);
        }
    }

    /// The orders ever as of a look whose place in the ring is `at`.
    pub(super) fn note(&mut self, at: usize, orders: u64) {
        if let Some(seen) = self.seen.get_mut(at) {
            *seen = orders;
        }
    }

    /// A second, or somewhat more, is over.
    pub(super) fn end_second(&mut self, orders: u64, took: Micros) {
        let rate = per_second(orders.wrapping_sub(self.at_second), took);
        self.at_second = orders;
        if self.found {
            return;
        }
        if self.lagging == LAG_S {
            self.learned = self.learned.saturating_add(1);
            let share = f64::from(self.learned.min(MEAN_S)).recip();
            self.mean += (self.lag.first().copied().unwrap_or_default() - self.mean) * share;
            self.lag.rotate_left(1);
            self.lagging -= 1;
        }
        if let Some(last) = self.lag.get_mut(self.lagging) {
            *last = rate;
            self.lagging += 1;
        }
    }

    /// Judges the orders since the look at `from`, `took` ago; the latest stands at `at`.
    pub(super) fn judge(
        &mut self,
        now: Moment,
        (from, at): (usize, usize),
        took: Micros,
        bounds: Bounds,
    ) -> Sight {
        let of = |place: usize| self.seen.get(place).copied().unwrap_or_default();
        let orders = of(at).wrapping_sub(of(from));
        let rate = per_second(orders, took);
        if bounds.planned == 0.0 && self.learned < WARM_UP_S && !self.found {
            return Sight { rate, ..Sight::default() };
        }
        let usual = if bounds.planned > 0.0 { bounds.planned } else { self.mean };
        let ratio = rate / usual.max(bounds.least / bounds.above);
        let sight = Sight { rate, usual, ratio, news: false };
        if self.found {
            if ratio > bounds.above / 2.0 {
                self.quiet_since = None;
            } else if now.since(*self.quiet_since.get_or_insert(now)) >= Micros::from_ms(QUIET_S * 1_000) {
                self.forget();
            }
            return sight;
        }
        let expected = usual * seconds(took);
        if ratio > bounds.above && surprise(rate * seconds(took), expected) > SURPRISE {
            self.found = true;
            self.quiet_since = None;
            // A part of what is out of the ordinary may be among these.
            self.lagging = 0;
            return Sight { news: true, ..sight };
        }
        sight
    }

    /// From now on it is as if nothing had been found, by the mean of before.
    pub(super) fn forget(&mut self) {
        self.found = false;
        self.quiet_since = None;
    }

    /// As [`forget`](Self::forget), and what comes now is the usual: it is learned again.
    pub(super) fn learn_anew(&mut self) {
        self.forget();
        (self.learned, self.lagging) = (0, 0);
    }
}

/// How surprising it is that Poisson arrivals come to so many, or more, where so many are expected: an upper bound of the
/// probability is e to the minus this (Chernoff).
fn surprise(orders: f64, expected: f64) -> f64 {
    let expected = expected.max(1.0);
    if orders <= expected {
        return 0.0;
    }
    orders * (orders / expected).ln() - (orders - expected)
}

fn seconds(length: Micros) -> f64 {
    std::time::Duration::from_micros(length.us()).as_secs_f64()
}

/// Orders a second.
fn per_second(orders: u64, took: Micros) -> f64 {
    // Nobody asks for more than 2^32 orders between two looks.
    let orders = f64::from(u32::try_from(orders).unwrap_or(u32::MAX));
    if took == Micros::ZERO { 0.0 } else { orders / seconds(took) }
}
