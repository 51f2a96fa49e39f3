//! Trying again: only what the server says was not executed, a few times, with growing and jittered pauses, and never more
//! than a share of all requests. A crowd that repeats without a budget turns an overload into a standstill.

use crate::scenario::Retries;

/// Repeats that a long calm may save up.
const FULL: f64 = 100.0;

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
            self.saved = (self.saved + policy.budget_share).min(FULL);
        }
    }

    /// The pause before a request is sent again that was sent `tries` times, nanoseconds; none if it is given up.
    pub(super) fn pause_ns(&mut self, tries: u8, retry_after_ms: u32, jitter: f64) -> Option<u64> {
        let policy = self.policy.as_ref()?;
        if tries >= policy.tries || self.saved < 1.0 {
            self.given_up += 1;
            return None;
        }
        self.saved -= 1.0;
        self.retries += 1;
        let doubled = f64::from(policy.pause_ms) * 1e6 * f64::from(1_u32 << tries.saturating_sub(1).min(16));
        let least = f64::from(retry_after_ms) * 1e6;
        Some(crate::schedule::nanos((least + doubled * jitter).min(LONGEST_NS) / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(share: f64) -> RetryBudget {
        RetryBudget::new(Some(Retries { tries: 3, budget_share: share, pause_ms: 100 }))
    }

    #[test]
    fn a_request_is_sent_three_times_at_most_with_growing_pauses_after_what_the_server_asks_for() {
        let mut budget = budget(1.0);
        (0..10).for_each(|_| budget.deposit());
        let ms = 1_000_000;
        assert_eq!(budget.pause_ns(1, 0, 1.0), Some(100 * ms));
        assert_eq!(budget.pause_ns(2, 500, 0.5), Some(600 * ms));
        assert_eq!((budget.pause_ns(3, 0, 1.0), budget.retries, budget.given_up), (None, 2, 1));
    }

    #[test]
    fn repeats_stay_within_their_share_of_the_requests() {
        let mut budget = budget(0.1);
        let mut repeats = 0;
        for _ in 0..10_000 {
            budget.deposit();
            repeats += u64::from(budget.pause_ns(1, 0, 1.0).is_some());
        }
        assert!((990..=1_000).contains(&repeats), "{repeats}");
        assert_eq!((budget.retries, budget.given_up), (repeats, 10_000 - repeats));
    }

    #[test]
    fn without_a_policy_nothing_is_repeated_or_counted() {
        let mut budget = RetryBudget::new(None);
        budget.deposit();
        assert_eq!((budget.pause_ns(1, 0, 1.0), budget.given_up), (None, 0));
    }
}
