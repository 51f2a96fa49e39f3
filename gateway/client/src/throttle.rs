//! Holding requests back that would most likely be refused.
//!
//! A server that is asked for far more than it can do spends its time on refusals. So a client that finds most of its requests
//! refused for overload drops a part of them itself, at random, with the chance `(requests - K * accepts) / (requests + 1)` over
//! the last seconds (Beyer et al., "Site Reliability Engineering", 2016, chapter 21): with K = 2, it sends about twice what the
//! server accepts, which is enough to notice when that accepts more. Payments and cancels are never held back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// K: how many requests are sent for one that is accepted.
const MULTIPLE: f64 = 2.0;

/// Length of one of the window's buckets.
const BUCKET: Duration = Duration::from_secs(1);

/// Buckets of the window. The book takes two minutes; a sale is over by then.
const BUCKETS: u8 = 10;

/// Requests in the window below which nothing is held back: of a few, one refusal would be a large share.
const FEW: f64 = 10.0;

/// Requests and accepts of one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Which one since the start.
    number: u64,
    requests: f64,
    accepts: f64,
}

/// See the module's doc. Time is since the client's start.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: Mutex<[Bucket; BUCKETS as usize]>,
}

impl Throttle {
    /// Whether a request may be sent. `chance` is evenly drawn from 0 to 1.
    pub(crate) fn admits(&self, now: Duration, chance: f64) -> bool {
        let number = number(now);
        let (mut requests, mut accepts) = (0.0, 0.0);
        for bucket in self.buckets().iter().filter(|bucket| bucket.number + u64::from(BUCKETS) > number) {
            requests += bucket.requests;
            accepts += bucket.accepts;
        }
        requests < FEW || chance >= (requests - MULTIPLE * accepts) / (requests + 1.0)
    }

    /// Counts requests, those that were held back included, and how many of them the server accepted: it decided about them,
    /// whatever the decision.
    pub(crate) fn note(&self, now: Duration, requests: usize, accepts: usize) {
        let number = number(now);
        let place = usize::try_from(number % u64::from(BUCKETS)).unwrap_or(0);
        let bucket = &mut self.buckets()[place];
        if bucket.number != number {
            *bucket = Bucket { number, ..Bucket::default() };
        }
        bucket.requests += count(requests);
        bucket.accepts += count(accepts);
    }

    fn buckets(&self) -> MutexGuard<'_, [Bucket; BUCKETS as usize]> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the bucket of this time, from 1: an empty one has 0.
fn number(now: Duration) -> u64 {
    now.as_secs() / BUCKET.as_secs() + 1
}

fn count(of: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Of 1,000 evenly spread chances, how many admit.
    fn admitted(throttle: &Throttle, now: Duration) -> usize {
        (0..1_000_u32).filter(|chance| throttle.admits(now, f64::from(*chance) / 1_000.0)).count()
    }

    #[test]
    fn nothing_is_held_back_while_half_is_accepted() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, SECOND), 1_000);
        throttle.note(SECOND, 1_000, 500);
        assert_eq!(admitted(&throttle, SECOND), 1_000);
    }

    #[test]
    fn twice_what_is_accepted_is_sent() {
        let throttle = Throttle::default();
        throttle.note(SECOND, 10_000, 500);
        let sent = admitted(&throttle, SECOND);
        assert!((99..=101).contains(&sent), "{sent} of 1,000 for 50 accepted");
        throttle.note(2 * SECOND, 10_000, 0);
        assert!((49..=52).contains(&admitted(&throttle, 2 * SECOND)));
    }

    #[test]
    fn a_few_refusals_mean_nothing_and_old_ones_are_forgotten() {
        let throttle = Throttle::default();
        throttle.note(SECOND, 9, 0);
        assert_eq!(admitted(&throttle, SECOND), 1_000);
        throttle.note(SECOND, 990, 0);
        assert_eq!(admitted(&throttle, SECOND), 1, "there is always a chance");
        assert_eq!(admitted(&throttle, 10 * SECOND), 1);
        assert_eq!(admitted(&throttle, 11 * SECOND), 1_000);
        throttle.note(11 * SECOND, 1_000, 1_000);
        assert_eq!(admitted(&throttle, 11 * SECOND), 1_000);
    }
}
