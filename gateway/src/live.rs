//! A length of time that may change while the server runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A length of time in whole microseconds. Whoever reads the configuration again writes it, reactors read it; relaxed, as each
/// stands for itself and a pass more or less under the old one does no harm.
#[derive(Debug)]
pub(crate) struct LiveDuration(AtomicU64);

impl LiveDuration {
    pub(crate) fn new(length: Duration) -> Self {
        Self(AtomicU64::new(us(length)))
    }

    #[inline]
    pub(crate) fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, length: Duration) {
        self.0.store(us(length), Ordering::Relaxed);
    }
}

fn us(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
