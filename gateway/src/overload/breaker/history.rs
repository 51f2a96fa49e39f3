//! What a breaker did and why, for people and for metrics.

use std::collections::VecDeque;

use super::State;
use crate::overload::{Micros, Moment};

/// Transitions that are kept to be shown: a few rounds of opening and probing.
const KEPT: usize = 16;

/// Why a breaker went from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Too large a share of results failed.
    FailedShare,
    /// Too large a share of results was slow.
    SlowShare,
    /// Too many failures without a success between them.
    FailedInARow,
    /// The time open is over.
    TimeOpenOver,
    /// Probes failed, or nobody answered them.
    ProbesFailed,
    /// Probes were slow.
    ProbesSlow,
    /// Probes went well.
    ProbesHealthy,
    /// The ramp reached its end.
    RampOver,
    /// An operator said so.
    Operator,
}

impl Reason {
    /// All of them, in the order in which reports list them.
    const ALL: [Self; 9] = [
        Self::FailedShare,
        Self::SlowShare,
        Self::FailedInARow,
        Self::TimeOpenOver,
        Self::ProbesFailed,
        Self::ProbesSlow,
        Self::ProbesHealthy,
        Self::RampOver,
        Self::Operator,
    ];

    /// As documents write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FailedShare => "failed-share",
            Self::SlowShare => "slow-share",
            Self::FailedInARow => "failed-in-a-row",
            Self::TimeOpenOver => "time-open-over",
            Self::ProbesFailed => "probes-failed",
            Self::ProbesSlow => "probes-slow",
            Self::ProbesHealthy => "probes-healthy",
            Self::RampOver => "ramp-over",
            Self::Operator => "operator",
        }
    }

    /// Whether nothing but slowness is behind it.
    pub(super) fn is_slowness(self) -> bool {
        matches!(self, Self::SlowShare | Self::ProbesSlow)
    }
}

/// One step from state to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) reason: Reason,
    pub(crate) at: Moment,
}

/// Every transition by its reason, the last few as they were, and the time open.
#[derive(Clone, Debug)]
pub(crate) struct History {
    counts: [(Reason, u64); Reason::ALL.len()],
    /// The oldest first.
    last: VecDeque<Transition>,
    /// When the present state began.
    since: Moment,
    /// Time open in states that are over.
    open: Micros,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            counts: Reason::ALL.map(|reason| (reason, 0)),
            last: VecDeque::with_capacity(KEPT),
            since: Moment::START,
            open: Micros::ZERO,
        }
    }

    pub(super) fn note(&mut self, step: Transition) {
        self.counts
            .iter_mut()
            .filter(|(reason, _)| *reason == step.reason)
            .for_each(|(_, count)| *count += 1);
        self.open = self.time_open(step.from, step.at);
        self.since = step.at;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(step);
    }

    /// Time in which all were refused, or would have been if only metrics were wanted. `state` is the present one.
    pub(super) fn time_open(&self, state: State, now: Moment) -> Micros {
        match state {
            State::Open | State::ForcedOpen => Micros::from_us(self.open.us() + now.since(self.since).us()),
            State::Closed | State::HalfOpen | State::Ramp | State::Disabled => self.open,
        }
    }

    /// Transitions by reason, since the start.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Reason, u64)> {
        self.counts.iter().copied()
    }

    /// The last few transitions, the oldest first.
    pub(crate) fn last(&self) -> impl DoubleEndedIterator<Item = Transition> {
        self.last.iter().copied()
    }
}
