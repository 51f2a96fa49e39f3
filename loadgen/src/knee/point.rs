//! One point of the curve: what was asked for in a while, and what came of it.

use std::time::Duration;

use doorbuster_protocol::{Class, Code};
use hdrhistogram::Histogram;

use crate::health::lossy;
use crate::saturate::{Tally, histogram};

/// What became of one kind of request.
#[derive(Debug)]
pub(super) struct Kindly {
    /// Requests that were due.
    pub(super) offered: u64,
    /// Answered with OK, or another code that isn't RETRY, in time.
    pub(super) in_time: u64,
    /// The same, too late.
    pub(super) late: u64,
    /// Refused, with a code of the class RETRY.
    pub(super) refused: u64,
    /// Nanoseconds from when they were due to an answer that isn't a refusal.
    pub(super) answered_ns: Histogram<u64>,
    /// Nanoseconds from when they were due to a refusal.
    pub(super) refused_ns: Histogram<u64>,
}

impl Kindly {
    fn new() -> Self {
        Self {
            offered: 0,
            in_time: 0,
            late: 0,
            refused: 0,
            answered_ns: histogram(),
            refused_ns: histogram(),
        }
    }

    pub(super) fn note(&mut self, code: u16, took_ns: u64, slo_ns: u64, operations: u64) {
        if Code::from_number(code).is_some_and(|code| code.class() == Class::Retry) {
            self.refused += operations;
            self.refused_ns.saturating_record_n(took_ns, operations);
            return;
        }
        self.answered_ns.saturating_record_n(took_ns, operations);
        if took_ns <= slo_ns {
            self.in_time += operations;
        } else {
            self.late += operations;
        }
    }
}

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) elapsed: Duration,
    pub(super) reserves: Kindly,
    pub(super) confirms: Kindly,
    /// Answers to reserves by code.
    pub(super) tally: Tally,
    /// Nanoseconds that requests left late.
    pub(super) lag_ns: Histogram<u64>,
    /// Reserves that were due and not sent, because the connection's credit was used up.
    pub(super) held_back: u64,
    /// Requests that the generator had no room for: it is the bottleneck.
    pub(super) dropped: u64,
    /// The server's processor time, in cores; that of the generator; that which the hypervisor took.
    pub(super) server_cores: f64,
    pub(super) own_cores: f64,
    pub(super) stolen_cores: f64,
}

/// How late the generator may be at the 99th percentile, nanoseconds.
const MOST_LAG_NS: u64 = 1_000_000;

/// Share of what was due that must have left.
const LEAST_SENT: f64 = 0.99;

impl Point {
    pub(super) fn new() -> Self {
        Self {
            elapsed: Duration::ZERO,
            reserves: Kindly::new(),
            confirms: Kindly::new(),
            tally: Tally::default(),
            lag_ns: histogram(),
            held_back: 0,
            dropped: 0,
            server_cores: 0.0,
            own_cores: 0.0,
            stolen_cores: 0.0,
        }
    }

    fn a_second(&self, operations: u64) -> f64 {
        lossy(operations) / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Reserves that were due, a second.
    pub(super) fn offered(&self) -> f64 {
        self.a_second(self.reserves.offered)
    }

    /// Reserves that were answered in time, a second.
    pub(super) fn goodput(&self) -> f64 {
        self.a_second(self.reserves.in_time)
    }

    /// Reserves that were sent and have no answer.
    pub(super) fn unanswered(&self) -> u64 {
        let Kindly { offered, in_time, late, refused, .. } = self.reserves;
        offered - in_time - late - refused - self.held_back - self.dropped
    }

    /// Of the reserves that were sent and not refused, how many were late or lost; 0 to 1.
    pub(super) fn failed_share(&self) -> f64 {
        let failed = self.reserves.late + self.unanswered();
        lossy(failed) / lossy((self.reserves.in_time + failed).max(1))
    }

    /// 99th percentile of something, milliseconds; 0 where there is nothing.
    pub(super) fn p99_ms(of: &Histogram<u64>) -> f64 {
        lossy(of.value_at_quantile(0.99)) / 1e6
    }

    /// Whether the point is within the objective: nearly all that was asked for was answered in time.
    pub(super) fn holds(&self) -> bool {
        lossy(self.reserves.in_time) >= 0.99 * lossy(self.reserves.offered)
    }

    /// Why the point says nothing about the server, if it doesn't.
    pub(super) fn invalid(&self) -> Option<String> {
        let lag_ns = self.lag_ns.value_at_quantile(0.99);
        let sent = 1.0 - lossy(self.dropped) / lossy(self.reserves.offered.max(1));
        if sent < LEAST_SENT {
            return Some(format!(
                "the generator had no room for {:.1} % of the requests",
                100.0 * (1.0 - sent)
            ));
        }
        (lag_ns > MOST_LAG_NS).then(|| format!("the generator sent {:.1} ms late (p99)", lossy(lag_ns) / 1e6))
    }
}
