//! The bucket that pays for retries.
//!
//! When a server is in trouble, every client sees failures at the same time; if each of them tried three times,
//! the server would get three times the load just when it can bear least. Each first attempt puts a tenth of a
//! token into the bucket and each retry takes a whole one, so that retries stay below a tenth of the traffic,
//! apart from a small reserve for clients that send little.

use std::sync::atomic::{AtomicU32, Ordering};

/// Deposits that make one retry: the budget is a tenth.
const DEPOSITS_PER_RETRY: u32 = 10;

/// Retries that a full bucket pays for: what a quiet client may use at once, and a bound on what a long calm can
/// save up for a storm.
const FULL: u32 = 100;

/// Retries in a new client's bucket.
const AT_START: u32 = 10;

/// A token bucket, shared by all requests of one client.
#[derive(Debug)]
pub struct RetryBudget {
    /// Tenths of a retry. Written and read by all tasks of the client; relaxed, as nothing else is ordered by it.
    tenths: AtomicU32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::with_retries(AT_START)
    }
}

impl RetryBudget {
    /// A bucket that pays for this many retries at once, at most 100.
    pub fn with_retries(retries: u32) -> Self {
        Self { tenths: AtomicU32::new(retries.min(FULL) * DEPOSITS_PER_RETRY) }
    }

    /// A first attempt: adds a tenth of a retry.
    pub(crate) fn deposit(&self) {
        self.update(|tenths| Some(tenths.saturating_add(1).min(FULL * DEPOSITS_PER_RETRY)));
    }

    /// Takes a retry, if there is one.
    pub(crate) fn withdraw(&self) -> bool {
        self.update(|tenths| tenths.checked_sub(DEPOSITS_PER_RETRY))
    }

    fn update(&self, step: impl FnMut(u32) -> Option<u32>) -> bool {
        self.tenths.try_update(Ordering::Relaxed, Ordering::Relaxed, step).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_first_attempts_pay_for_one_retry() {
        let budget = RetryBudget::with_retries(0);
        assert!(!budget.withdraw());
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn a_long_calm_saves_up_no_more_than_a_full_bucket() {
        let budget = RetryBudget::with_retries(0);
        (0..1_000_000).for_each(|_| budget.deposit());
        let retries = (0..1_000).take_while(|_| budget.withdraw()).count();
        assert_eq!(retries, 100);
    }
}
