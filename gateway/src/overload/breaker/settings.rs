//! What a breaker goes by.

use crate::overload::Micros;

/// A share in whole percent, 100 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent(u8);

impl Percent {
    /// `None` above 100.
    #[cfg(test)]
    pub(crate) const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }

    /// The percentage.
    pub(super) fn value(self) -> u64 {
        u64::from(self.0)
    }

    /// Whether `part` is this share of `whole`, or more.
    pub(super) fn reached(self, part: u64, whole: u64) -> bool {
        part.saturating_mul(100) >= whole.saturating_mul(self.value())
    }

    /// Whether `part` is more than this share of `whole`.
    pub(super) fn exceeded(self, part: u64, whole: u64) -> bool {
        part.saturating_mul(100) > whole.saturating_mul(self.value())
    }
}

/// The numbers; the module's doc tells the rules that they belong to. A count or a length of zero counts as one, as it
/// would divide by zero or never let anything through again.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Length of one of the window's ten buckets. 100 ms makes the window a second: a sale is over in two minutes, so
    /// windows of a minute, as libraries have them, would open when it is over.
    pub(crate) bucket: Micros,
    /// A *service* time above this is slow: from being taken off the queue until durable. 50 ms: all of the time that a
    /// shopper is promised an answer in.
    pub(crate) slow_after: Micros,
    /// Results in the window below which shares mean nothing. 50: with fewer, a handful of unlucky ones is a large share.
    pub(crate) samples: u64,
    /// Share of failed results that opens. 50 %: below it, more is won by going on than by stopping.
    pub(crate) failed: Percent,
    /// Share of slow results that opens. 80 %: slow answers are still answers, so nearly all have to be.
    pub(crate) slow: Percent,
    /// Failures without a success between them that open, however few results there are. 10: a part that is dead is
    /// found at once even when too little is asked of it for shares.
    pub(crate) in_a_row: u64,
    /// How long it stays open for the first time. 250 ms: a short stall has passed by then, and a shopper hardly notices.
    pub(crate) open: Micros,
    /// The longest that it stays open, before jitter, however often it reopened. 8 s: a sale is short.
    pub(crate) open_cap: Micros,
    /// By how much a time open is made longer or shorter at random. 20 %: what broke together shall not be probed together.
    pub(crate) jitter: Percent,
    /// Probes that may be underway at once. 5: what a part that is half dead can bear.
    pub(crate) probes: u32,
    /// How long a probe may take before it counts as failed. 1 s: twenty times what counts as slow.
    pub(crate) lease: Micros,
    /// Results of probes that are needed to go on. 10: one unlucky probe is forgiven, two are not.
    pub(crate) results: u32,
    /// Share of failed probes above which it opens again. 10 %.
    pub(crate) probes_failed: Percent,
    /// Share of slow probes above which it opens again. 20 %.
    pub(crate) probes_slow: Percent,
    /// How long it waits for the results of probes when they are answered, but with refusals that say nothing about
    /// health. 2 s, two leases: a SKU that is sold out must not keep a shard closed that works.
    pub(crate) patience: Micros,
    /// The share that is admitted when the ramp begins. 33 %, Sentinel's cold factor of three.
    pub(crate) ramp_from: Percent,
    /// How long the ramp takes to admit all. 2 s, two windows: what the growing load breaks shows before all of it is there.
    pub(crate) ramp: Micros,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bucket: Micros::from_ms(100),
            slow_after: Micros::from_ms(50),
            samples: 50,
            failed: Percent(50),
            slow: Percent(80),
            in_a_row: 10,
            open: Micros::from_ms(250),
            open_cap: Micros::from_ms(8_000),
            jitter: Percent(20),
            probes: 5,
            lease: Micros::from_ms(1_000),
            results: 10,
            probes_failed: Percent(10),
            probes_slow: Percent(20),
            patience: Micros::from_ms(2_000),
            ramp_from: Percent(33),
            ramp: Micros::from_ms(2_000),
        }
    }
}

impl Settings {
    /// Whether a result that took so long to serve, time in queues left out, is a slow one.
    pub(crate) fn is_slow(&self, service: Micros) -> bool {
        service > self.slow_after
    }

    /// Without zeros that would divide or never let go.
    pub(super) fn sane(mut self) -> Self {
        let some = |length: Micros| length.max(Micros::from_us(1));
        self.bucket = some(self.bucket);
        self.lease = some(self.lease);
        self.ramp = some(self.ramp);
        self.samples = self.samples.max(1);
        self.in_a_row = self.in_a_row.max(1);
        self.probes = self.probes.max(1);
        self.results = self.results.max(1);
        self
    }
}
