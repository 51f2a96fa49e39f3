//! What the counts say.

use super::{Breaker, Phase};
use crate::overload::breaker::Reason;
use crate::overload::breaker::probes::Verdict;
use crate::overload::breaker::ramp::Ramp;

impl Breaker {
    /// Opens if the window says so.
    pub(super) fn judge_window(&mut self) {
        let (sum, settings) = (self.window.sum(), &self.settings);
        let enough = sum.total() >= settings.samples;
        if self.window.row() >= settings.in_a_row {
            self.open(Reason::FailedInARow);
        } else if enough && settings.failed.reached(sum.failed, sum.total()) {
            self.open(Reason::FailedShare);
        } else if enough && self.class.opens_when_slow() && settings.slow.reached(sum.slow, sum.total()) {
            if self.may_open_when_slow() {
                self.open(Reason::SlowShare);
            } else {
                self.spared += 1;
            }
        } else {
            self.recover();
        }
    }

    /// Goes on or opens again if the probes say so.
    pub(super) fn judge_probes(&mut self) {
        let Phase::HalfOpen(probes) = &self.phase else { return };
        let slow_counts = self.class.opens_when_slow();
        let mut verdict = probes.verdict(self.latest, &self.settings, slow_counts);
        if verdict == Verdict::Slow && !self.may_open_when_slow() {
            let Phase::HalfOpen(probes) = &self.phase else { return };
            verdict = probes.verdict(self.latest, &self.settings, false);
        }
        match verdict {
            Verdict::Undecided => {}
            Verdict::Healthy => {
                self.enter(Phase::Ramp(Ramp::new(self.latest, &self.settings)), Reason::ProbesHealthy);
            }
            Verdict::Failed => self.open(Reason::ProbesFailed),
            Verdict::Slow => self.open(Reason::ProbesSlow),
        }
    }

    /// Whether slowness alone may open it; takes the seat that this needs.
    fn may_open_when_slow(&mut self) -> bool {
        if !self.observing && self.seat.is_none() {
            self.seat = self.quota.take();
        }
        self.observing || self.seat.is_some()
    }

    /// Forgets how often it opened, if it is closed and its window is as good as probes would have to be.
    pub(super) fn recover(&mut self) {
        if self.backoff.openings() == 0 || !matches!(self.phase, Phase::Closed) {
            return;
        }
        let (sum, settings) = (self.window.sum(), &self.settings);
        let failed = settings.probes_failed.exceeded(sum.failed, sum.total());
        let slow = self.class.opens_when_slow() && settings.probes_slow.exceeded(sum.slow, sum.total());
        if !failed && !slow {
            self.backoff.reset();
        }
    }
}
