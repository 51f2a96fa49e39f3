//! What operators want, and what they are shown.

use super::{Breaker, Phase};
use crate::overload::breaker::history::History;
use crate::overload::breaker::{Mode, Reason, Results, State};
use crate::overload::{Micros, Moment};

/// How a breaker stands, for metrics and operators.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Where it stands; where it would stand, if only metrics are wanted.
    pub(crate) state: State,
    /// What the operator wants.
    pub(crate) mode: Mode,
    /// The results in the window.
    pub(crate) window: Results,
    /// Openings since the last full recovery.
    pub(crate) openings: u32,
    /// Probes that are out.
    pub(crate) probes: u32,
    /// Time in which all were refused, or would have been if only metrics were wanted, the present state included.
    pub(crate) time_open: Micros,
    /// Operations that were admitted only because no more than metrics were wanted.
    pub(crate) would_refuse: u64,
    /// Times that it stayed closed although nearly all was slow, because too many others were open for that.
    pub(crate) spared: u64,
    /// What it did and why.
    pub(crate) history: History,
}

impl Breaker {
    /// Does what an operator wants.
    ///
    /// A breaker that was forced open goes on half-open and not closed: while it was open it learnt nothing, and the
    /// crowd is at the door. One that was disabled, or only computed, admitted all the while, so it goes on closed and
    /// starts to count afresh: what nobody acted on then is no reason to refuse now, and a fault that is still there is
    /// found within ten failures.
    pub(crate) fn set_mode(&mut self, now: Moment, mode: Mode) {
        self.advance(now);
        let was = self.mode();
        if was == mode {
            return;
        }
        self.observing = mode == Mode::MetricsOnly;
        match (mode, was) {
            (Mode::ForcedOpen, _) => self.enter(Phase::ForcedOpen, Reason::Operator),
            (Mode::Disabled, _) => self.enter(Phase::Disabled, Reason::Operator),
            // The rules go on where they are, but others may have the seat of one who refuses nobody.
            (Mode::MetricsOnly, Mode::Automatic) => self.seat = None,
            (Mode::Automatic, Mode::ForcedOpen) => self.half_open(Reason::Operator),
            (Mode::Automatic | Mode::MetricsOnly, _) => {
                self.backoff.reset();
                self.enter(Phase::Closed, Reason::Operator);
            }
        }
    }

    /// How it stands now.
    pub(crate) fn report(&mut self, now: Moment) -> Report {
        self.advance(now);
        self.window.roll(self.latest);
        let state = self.phase.state();
        Report {
            state,
            mode: self.mode(),
            window: self.window.sum(),
            openings: self.backoff.openings(),
            probes: if let Phase::HalfOpen(probes) = &self.phase { probes.outstanding() } else { 0 },
            time_open: self.history.time_open(state, self.latest),
            would_refuse: self.would_refuse,
            spared: self.spared,
            history: self.history.clone(),
        }
    }

    fn mode(&self) -> Mode {
        match self.phase {
            Phase::ForcedOpen => Mode::ForcedOpen,
            Phase::Disabled => Mode::Disabled,
            Phase::Closed | Phase::Open { .. } | Phase::HalfOpen(_) | Phase::Ramp(_) => {
                if self.observing {
                    Mode::MetricsOnly
                } else {
                    Mode::Automatic
                }
            }
        }
    }
}
