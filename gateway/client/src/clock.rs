//! Server time on this side.
//!
//! Deadlines are absolute in the server's time, and so is the time inside a request id, so that a client whose
//! clock is wrong is neither refused nor granted endless deadlines. The offset comes with each greeting.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use doorbuster_protocol::RequestId;
use rand::RngExt;

/// Deadlines are rounded down to this many milliseconds, so that requests made at about the same time can share
/// a frame, which has one deadline for all.
const DEADLINE_STEP_MS: u64 = 16;

/// Timeouts below this keep their exact deadline: rounding would take a noticeable share of them.
const SHORT_TIMEOUT_MS: u64 = 320;

/// The offset between this machine's clock and the server's.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    /// Server less local, milliseconds. Written at each greeting, read by each request; relaxed, as it stands alone.
    offset_ms: AtomicI64,
}

impl ServerClock {
    /// Takes over what a greeting said; `round_trip` is how long it took.
    pub(crate) fn adjust(&self, server_now_ms: u64, round_trip: Duration) {
        let half = i64::try_from(round_trip.as_millis() / 2).unwrap_or(0);
        let server = i64::try_from(server_now_ms).unwrap_or(i64::MAX);
        self.offset_ms.store(server.saturating_add(half).saturating_sub(local_ms()), Ordering::Relaxed);
    }

    /// Server time now, milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(local_ms().saturating_add(self.offset_ms.load(Ordering::Relaxed))).unwrap_or(0)
    }

    /// The deadline of a request that may take this long.
    pub(crate) fn deadline_ms(&self, timeout: Duration) -> u64 {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let deadline = self.now_ms().saturating_add(timeout_ms).max(1);
        if timeout_ms < SHORT_TIMEOUT_MS { deadline } else { deadline - deadline % DEADLINE_STEP_MS }
    }

    /// A fresh UUID version 7 of the server's time.
    pub(crate) fn request_id(&self) -> RequestId {
        let random = rand::rng().random();
        uuid::Builder::from_unix_timestamp_millis(self.now_ms(), &random).into_uuid().into_bytes()
    }
}

fn local_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_server_time_and_version_7() {
        let clock = ServerClock::default();
        clock.adjust(1_000_000, Duration::ZERO);
        let id = uuid::Uuid::from_bytes(clock.request_id());
        assert_eq!(id.get_version_num(), 7);
        let (seconds, _) = id.get_timestamp().expect("version 7 has a time").to_unix();
        assert_eq!(seconds, 1_000);
    }

    #[test]
    fn near_requests_share_a_deadline_and_short_ones_keep_theirs() {
        let clock = ServerClock::default();
        clock.adjust(1_000_000, Duration::ZERO);
        assert_eq!(clock.deadline_ms(Duration::from_secs(5)) % DEADLINE_STEP_MS, 0);
        assert!(clock.deadline_ms(Duration::from_millis(50)) >= 1_000_050);
    }
}
