//! How long to pause before a retry: "full jitter", a uniformly random share of an exponentially growing bound
//! (Brooker, "Exponential Backoff and Jitter", 2015), but never less than the server asked for.

use std::time::Duration;

use rand::RngExt;

/// Most times that one request is sent, the first time included.
pub const MAX_TRIES: u32 = 3;

/// Pauses between tries and between attempts to reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Bound of the first pause.
    pub base: Duration,
    /// Bound that no pause exceeds, except where the server asks for more.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(20), cap: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// The pause after the `failures`-th failure (from 1). `asked` is the server's retry-after.
    ///
    /// The server's time is a floor, with jitter on top of it: a crowd that was told "in 50 ms" must not come back
    /// as one.
    pub fn pause(&self, failures: u32, asked: Duration) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        asked + bound.mul_f64(rand::rng().random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_shorter_than_asked_for_nor_longer_than_its_bound() {
        let backoff = Backoff { base: Duration::from_millis(10), cap: Duration::from_millis(50) };
        for failures in 0..100 {
            let pause = backoff.pause(failures, Duration::from_millis(7));
            assert!(
                pause >= Duration::from_millis(7) && pause <= Duration::from_millis(57),
                "{failures}: {pause:?}"
            );
        }
    }
}
