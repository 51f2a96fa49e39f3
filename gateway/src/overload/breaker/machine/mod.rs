//! The state machine: what it is, and how it goes from state to state. What makes it do so is in [`judge`] and [`operate`].

mod judge;
mod operate;

pub(crate) use operate::Report;

use std::sync::Arc;

use super::backoff::Backoff;
use super::history::{History, Reason, Transition};
use super::permit::{Admission, Kind, Permit};
use super::probes::Probes;
use super::quota::{SlowQuota, SlowSeat};
use super::ramp::Ramp;
use super::window::{Results, Window};
use super::{Settings, State};
use crate::overload::{Class, Micros, Moment};

/// A circuit breaker. See the module's doc for its rules.
///
/// A moment that is earlier than one it has seen counts as that one, as batches of several threads may overtake each other.
#[derive(Debug)]
pub(crate) struct Breaker {
    class: Class,
    settings: Settings,
    phase: Phase,
    /// Whether only metrics are wanted: the rules run, but refuse nobody.
    observing: bool,
    /// Counts the windows: results of operations that were admitted under an earlier one say nothing about this one.
    generation: u64,
    /// The last number that probes were leased under.
    serial: u64,
    window: Window,
    backoff: Backoff,
    quota: Arc<SlowQuota>,
    /// Held while open or half-open for slowness.
    seat: Option<SlowSeat>,
    history: History,
    /// The latest moment that it has seen.
    latest: Moment,
    /// See [`Report::would_refuse`].
    would_refuse: u64,
    /// See [`Report::spared`].
    spared: u64,
}

#[derive(Debug)]
enum Phase {
    Closed,
    Open { until: Moment },
    HalfOpen(Probes),
    Ramp(Ramp),
    ForcedOpen,
    Disabled,
}

impl Breaker {
    /// A closed breaker for one class of operations of one part. `quota` is that of its class; equal seeds give equal
    /// jitter, so every breaker wants its own.
    pub(crate) fn new(class: Class, settings: Settings, quota: Arc<SlowQuota>, seed: u64) -> Self {
        let settings = settings.sane();
        Self {
            class,
            phase: Phase::Closed,
            observing: false,
            generation: 0,
            serial: 0,
            window: Window::new(settings.bucket),
            backoff: Backoff::new(&settings, seed),
            quota,
            seat: None,
            history: History::new(),
            latest: Moment::START,
            would_refuse: 0,
            spared: 0,
            settings,
        }
    }

    /// Says how many of a batch of `asked` may go on.
    #[inline]
    pub(crate) fn admit(&mut self, now: Moment, asked: u32) -> Admission {
        if matches!(self.phase, Phase::Closed) {
            let permit = Permit(Kind::Ordinary { generation: self.generation });
            return Admission { admitted: asked, permit, retry_after: Micros::ZERO };
        }
        self.admit_some(now, asked)
    }

    fn admit_some(&mut self, now: Moment, asked: u32) -> Admission {
        self.advance(now);
        let now = self.latest;
        let ordinary = Kind::Ordinary { generation: self.generation };
        let (admitted, kind, wait) = match &mut self.phase {
            Phase::Closed => (asked, ordinary, Micros::ZERO),
            Phase::Disabled => (asked, Kind::Uncounted, Micros::ZERO),
            Phase::Open { until } => (0, Kind::Uncounted, until.since(now)),
            // Nobody knows for how long; as long as the longest that the rules would take.
            Phase::ForcedOpen => (0, Kind::Uncounted, self.settings.open_cap),
            Phase::HalfOpen(probes) => {
                self.serial += 1;
                let admitted = probes.lease(now, asked, self.serial, &self.settings);
                let kind = if admitted > 0 { Kind::Probes { serial: self.serial } } else { Kind::Uncounted };
                // By then the probes that are out have mostly decided, one way or the other.
                (admitted, kind, self.settings.open)
            }
            Phase::Ramp(ramp) => (ramp.admit(now, asked), ordinary, ramp.left(now)),
        };
        let refused = asked.saturating_sub(admitted);
        if self.observing {
            self.would_refuse += u64::from(refused);
            return Admission { admitted: asked, permit: Permit(kind), retry_after: Micros::ZERO };
        }
        let retry_after = if refused > 0 { wait } else { Micros::ZERO };
        Admission { admitted, permit: Permit(kind), retry_after }
    }

    /// Takes a permit back with the results of its operations. Operations that are in none of the counts ended with
    /// something that says nothing about health; probes among them are free again.
    pub(crate) fn record(&mut self, now: Moment, permit: Permit, results: Results) {
        self.advance(now);
        match (permit.0, &mut self.phase) {
            (Kind::Ordinary { generation }, Phase::Closed | Phase::Ramp(_))
                if generation == self.generation =>
            {
                self.window.add(self.latest, results);
                self.judge_window();
            }
            (Kind::Probes { serial }, Phase::HalfOpen(probes)) => {
                probes.answer(serial, results);
                self.judge_probes();
            }
            (Kind::Uncounted | Kind::Ordinary { .. } | Kind::Probes { .. }, _) => {}
        }
    }

    /// Takes a permit back that nobody will bring results for: its probes have failed.
    pub(super) fn lose(&mut self, permit: Permit) {
        if let (Kind::Probes { serial }, Phase::HalfOpen(probes)) = (permit.0, &mut self.phase) {
            probes.lose(serial);
            self.judge_probes();
        }
    }

    /// Takes a permit back that nobody used.
    pub(super) fn withdraw(&mut self, permit: &Permit) {
        if let (Kind::Probes { serial }, Phase::HalfOpen(probes)) = (&permit.0, &mut self.phase) {
            probes.withdraw(*serial);
        }
    }

    /// Does what time alone brings about.
    #[inline]
    fn advance(&mut self, now: Moment) {
        self.latest = self.latest.max(now);
        match &mut self.phase {
            Phase::Closed | Phase::ForcedOpen | Phase::Disabled => {}
            Phase::Open { until } => {
                if self.latest >= *until {
                    self.half_open(Reason::TimeOpenOver);
                }
            }
            Phase::HalfOpen(probes) => {
                probes.expire(self.latest);
                self.judge_probes();
            }
            Phase::Ramp(ramp) => {
                if ramp.left(self.latest) == Micros::ZERO {
                    self.enter(Phase::Closed, Reason::RampOver);
                    self.window.roll(self.latest);
                    self.recover();
                }
            }
        }
    }

    fn open(&mut self, reason: Reason) {
        if !reason.is_slowness() {
            self.seat = None;
        }
        let until = self.latest.plus(self.backoff.open());
        self.enter(Phase::Open { until }, reason);
    }

    fn half_open(&mut self, reason: Reason) {
        self.enter(Phase::HalfOpen(Probes::new(self.latest)), reason);
    }

    fn enter(&mut self, phase: Phase, reason: Reason) {
        let (from, to) = (self.phase.state(), phase.state());
        self.history.note(Transition { from, to, reason, at: self.latest });
        // What the ramp counted goes on counting: nothing but the share that is admitted changes at its end.
        if (from, to) != (State::Ramp, State::Closed) {
            self.generation += 1;
            self.window.clear();
        }
        if !matches!(to, State::Open | State::HalfOpen) {
            self.seat = None;
        }
        self.phase = phase;
    }
}

impl Phase {
    fn state(&self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen(_) => State::HalfOpen,
            Self::Ramp(_) => State::Ramp,
            Self::ForcedOpen => State::ForcedOpen,
            Self::Disabled => State::Disabled,
        }
    }
}
