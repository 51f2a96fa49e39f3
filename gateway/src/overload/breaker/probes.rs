//! The few operations that find out whether an open breaker may let more through.

use super::{Results, Settings};
use crate::overload::Moment;

/// What the probes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Undecided,
    Healthy,
    Failed,
    Slow,
}

/// One permit's probes.
#[derive(Debug)]
struct Lease {
    serial: u64,
    probes: u32,
    ends: Moment,
}

/// One half-open phase: who is out, and what came back. Probes that are out and results that are in never exceed the
/// results that are needed, so that a verdict rests on exactly as many.
#[derive(Debug)]
pub(super) struct Probes {
    since: Moment,
    /// At most one for each probe that may be out.
    leases: Vec<Lease>,
    results: Results,
    /// Probes that were answered with what says nothing about health.
    without_result: u64,
}

impl Probes {
    pub(super) fn new(now: Moment) -> Self {
        Self { since: now, leases: Vec::new(), results: Results::default(), without_result: 0 }
    }

    /// Lets as many of `asked` out as may be, under the number `serial`.
    pub(super) fn lease(&mut self, now: Moment, asked: u32, serial: u64, settings: &Settings) -> u32 {
        let out = self.outstanding();
        let known = u32::try_from(self.results.total()).unwrap_or(u32::MAX);
        let wanted = settings.results.saturating_sub(known).min(settings.probes);
        let probes = wanted.saturating_sub(out).min(asked);
        if probes > 0 {
            self.leases.push(Lease { serial, probes, ends: now.plus(settings.lease) });
        }
        probes
    }

    /// Counts the leases that have run out as failed.
    pub(super) fn expire(&mut self, now: Moment) {
        let failed = &mut self.results.failed;
        self.leases.retain(|lease| {
            let runs = now < lease.ends;
            if !runs {
                *failed += u64::from(lease.probes);
            }
            runs
        });
    }

    /// Counts what came back under a number; nothing if its lease has run out.
    pub(super) fn answer(&mut self, serial: u64, results: Results) {
        if let Some(probes) = self.take(serial) {
            self.results.add(results);
            self.without_result += probes.saturating_sub(results.total());
        }
    }

    /// Counts those as failed that nobody will answer.
    pub(super) fn lose(&mut self, serial: u64) {
        if let Some(probes) = self.take(serial) {
            self.results.failed += probes;
        }
    }

    /// Forgets those that were never sent.
    pub(super) fn withdraw(&mut self, serial: u64) {
        self.take(serial);
    }

    fn take(&mut self, serial: u64) -> Option<u64> {
        let index = self.leases.iter().position(|lease| lease.serial == serial)?;
        Some(u64::from(self.leases.swap_remove(index).probes))
    }

    /// Probes that are out.
    pub(super) fn outstanding(&self) -> u32 {
        self.leases.iter().map(|lease| lease.probes).sum()
    }

    /// What they say by now. A bad verdict is given as soon as the results that are missing couldn't mend it.
    pub(super) fn verdict(&self, now: Moment, settings: &Settings, slow_counts: bool) -> Verdict {
        let needed = u64::from(settings.results);
        let known = self.results.total();
        let judged = known.max(needed);
        if settings.probes_failed.exceeded(self.results.failed, judged) {
            return Verdict::Failed;
        }
        if slow_counts && settings.probes_slow.exceeded(self.results.slow, judged) {
            return Verdict::Slow;
        }
        let waited = now >= self.since.plus(settings.patience);
        if known >= needed || (waited && known + self.without_result >= needed) {
            Verdict::Healthy
        } else {
            Verdict::Undecided
        }
    }
}
