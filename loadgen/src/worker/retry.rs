//! Trying again: only what the server says was not executed, a few times, with growing and jittered pauses, and never more
//! than a share of all requests. A crowd that repeats without a budget turns an overload into a standstill.

use crate::scenario::Retries;

/// Requests of which a long calm may save up the repeats.
const CALM: f64 = 1_000.0;

/// Longest pause, nanoseconds: a minute.
const LONGEST_NS: f64 = 60e9;

/// What is left to be repeated.
#[derive(Debug)]
pub(super) struct RetryBudget {
    policy: Option<Retries>,
    saved: f64,
    pub(super) retries: u64,
    pub(super) given_up: u64,
}

impl RetryBudget {
    pub(super) fn new(policy: Option<Retries>) -> Self {
        Self { policy, saved: 0.0, retries: 0, given_up: 0 }
    }

    /// A request is sent for the first time.
    pub(super) fn deposit(&mut self) {
        if let Some(policy) = &self.policy {
            self.saved = (self.saved + policy.budget_share).min(CALM * policy.budget_share);
        }
    }

    /// How long a shopper waits for an answer before he sends the request again, nanoseconds.
    pub(super) fn patience_ns(&self) -> Option<u64> {
        Some(u64::from(self.policy.as_ref()?.timeout_ms?) * 1_000_000)
    }

    /// The share of repeats that are sent at once.
    pub(super) fn hasty_share(&self) -> f64 {
        self.policy.as_ref().map_or(0.0, |policy| policy.hasty_share)
    }

    /// The pause before a request is sent again that was sent `tries` times, nanoseconds; none if it is given up. Who is
    /// hasty makes none.
    pub(super) fn pause_ns(
        &mut self,
        tries: u8,
        retry_after_ms: u32,
        jitter: f64,
        hasty: bool,
    ) -> Option<u64> {
        let policy = self.policy.as_ref()?;
        if tries >= policy.tries || self.saved < 1.0 {
            self.given_up += 1;
            return None;
        }
        self.saved -= 1.0;
        self.retries += 1;
        if hasty {
            return Some(0);
        }
        let doubled = f64::from(policy.pause_ms) * 1e6 * f64::from(1_u32 << tries.saturating_sub(1).min(16));
        let least = f64::from(retry_after_ms) * 1e6;
        Some(crate::schedule::nanos((least + doubled * jitter).min(LONGEST_NS) / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(share: f64) -> RetryBudget {
        let (tries, pause_ms) = (3, 100);
        RetryBudget::new(Some(Retries {
            tries,
            budget_share: share,
            pause_ms,
            timeout_ms: None,
            hasty_share: 0.0,
        }))
    }

    #[test]
    fn a_request_is_sent_three_times_at_most_with_growing_pauses_after_what_the_server_asks_for() {
        let mut budget = budget(1.0);
        (0..10).for_each(|_| budget.deposit());
        let ms = 1_000_000;
        assert_eq!(budget.pause_ns(1, 0, 1.0, false), Some(100 * ms));
        assert_eq!(budget.pause_ns(2, 500, 0.5, false), Some(600 * ms));
        assert_eq!((budget.pause_ns(3, 0, 1.0, true), budget.retries, budget.given_up), (None, 2, 1));
        assert_eq!(budget.pause_ns(1, 500, 1.0, true), Some(0), "the hasty don't wait");
    }

    #[test]
    fn repeats_stay_within_their_share_of_the_requests() {
        let mut budget = budget(0.1);
        let mut repeats = 0;
        for _ in 0..10_000 {
            budget.deposit();
            repeats += u64::from(budget.pause_ns(1, 0, 1.0, false).is_some());
        }
        assert!((990..=1_000).contains(&repeats), "{repeats}");
        assert_eq!((budget.retries, budget.given_up), (repeats, 10_000 - repeats));
    }

    #[test]
    fn without_a_policy_nothing_is_repeated_or_counted() {
        let mut budget = RetryBudget::new(None);
        budget.deposit();
        assert_eq!((budget.pause_ns(1, 0, 1.0, false), budget.given_up), (None, 0));
    }
}
