//! The rules at their boundaries, in virtual time.

mod operators;
mod probing;
mod property;
mod ramping;
mod slowness;
mod trips;

use std::sync::Arc;

use super::*;
use crate::overload::{Class, Micros, Moment};

/// A breaker and the time.
struct Bench {
    breaker: Breaker,
    now: Moment,
}

/// Defaults, but without jitter, so that tests know when a time open is over.
fn steady() -> Settings {
    Settings { jitter: Percent::new(0).unwrap(), ..Settings::default() }
}

const fn ok(count: u64) -> Results {
    Results { ok: count, slow: 0, failed: 0 }
}

const fn slow(count: u64) -> Results {
    Results { ok: 0, slow: count, failed: 0 }
}

const fn failed(count: u64) -> Results {
    Results { ok: 0, slow: 0, failed: count }
}

impl Bench {
    fn new(class: Class) -> Self {
        Self::among(class, &SlowQuota::of(2))
    }

    fn among(class: Class, quota: &Arc<SlowQuota>) -> Self {
        Self { breaker: Breaker::new(class, steady(), Arc::clone(quota), 1), now: Moment::START }
    }

    /// One that has just opened for the first time: 250 ms.
    fn open() -> Self {
        let mut bench = Self::new(Class::Reserve);
        bench.trip();
        bench
    }

    fn half_open() -> Self {
        Self::open().after_ms(250)
    }

    fn ramp() -> Self {
        let mut bench = Self::half_open();
        bench.heal();
        bench
    }

    fn after_ms(mut self, ms: u64) -> Self {
        self.pass_us(ms * 1_000);
        self
    }

    fn pass_us(&mut self, us: u64) {
        self.now = self.now.plus(Micros::from_us(us));
    }

    fn admit(&mut self, asked: u32) -> Admission {
        self.breaker.admit(self.now, asked)
    }

    fn record(&mut self, permit: Permit, results: Results) -> State {
        self.breaker.record(self.now, permit, results);
        self.state()
    }

    /// A batch that is admitted and has these results.
    fn batch(&mut self, results: Results) -> State {
        let asked = u32::try_from(results.ok + results.slow + results.failed).unwrap();
        let permit = self.admit(asked).permit;
        self.record(permit, results)
    }

    /// As many failures as open it from wherever operations are let in.
    fn trip(&mut self) -> State {
        self.batch(failed(10))
    }

    /// Ten probes that go well.
    fn heal(&mut self) -> State {
        self.batch(ok(5));
        self.batch(ok(5))
    }

    /// How long it stays open when it opens now for a hard fault, milliseconds.
    fn time_open_ms(&mut self) -> u64 {
        self.trip();
        self.admit(1).retry_after.us() / 1_000
    }

    fn report(&mut self) -> Report {
        self.breaker.report(self.now)
    }

    fn state(&mut self) -> State {
        self.report().state
    }

    /// The reason of the last transition.
    fn why(&mut self) -> Option<Reason> {
        self.report().history.last().next_back().map(|step| step.reason)
    }
}
