//! A breaker that several threads share, with permits that give themselves back.

use std::sync::Arc;

use parking_lot::Mutex;

use super::permit::Kind;
use super::{Admission, Breaker, Mode, Permit, Report, Results};
use crate::overload::Moment;

/// A breaker behind a lock. The lock is held for one step of the breaker and never while anything is called back, so a
/// panic elsewhere can't leave it locked, and dropping a guard can't wait for itself.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Mutex<Breaker>>);

impl Gate {
    /// Around a breaker.
    pub(crate) fn new(breaker: Breaker) -> Self {
        Self(Arc::new(Mutex::new(breaker)))
    }

    /// See [`Breaker::admit`].
    pub(crate) fn admit(&self, now: Moment, asked: u32) -> Admission<Guard> {
        let Admission { admitted, permit, retry_after } = self.0.lock().admit(now, asked);
        Admission { admitted, permit: Guard { gate: self.clone(), permit: Some(permit) }, retry_after }
    }

    /// See [`Breaker::set_mode`].
    pub(crate) fn set_mode(&self, now: Moment, mode: Mode) {
        self.0.lock().set_mode(now, mode);
    }

    /// See [`Breaker::report`].
    pub(crate) fn report(&self, now: Moment) -> Report {
        self.0.lock().report(now)
    }
}

/// A permit on its way with its batch. Dropped without [`record`](Self::record), also while a panic unwinds, it frees its
/// probes at once and counts them as failed: whoever lost a probe's answer has learnt that something is wrong. A batch of
/// no probes that is dropped counts nothing, as a connection that ended takes its batches with it; who knows that an
/// answer was lost says so with [`Results::failed`].
#[derive(Debug)]
#[must_use = "a guard that is dropped counts its probes as failed"]
pub(crate) struct Guard {
    gate: Gate,
    /// Taken out when it is given back.
    permit: Option<Permit>,
}

impl Guard {
    /// See [`Breaker::record`].
    pub(crate) fn record(mut self, now: Moment, results: Results) {
        if let Some(permit) = self.permit.take() {
            self.gate.0.lock().record(now, permit, results);
        }
    }

    /// Gives it back as if nobody had asked, because another rule refuses the whole batch: nothing is counted, not even that
    /// probes were answered without a result.
    pub(crate) fn unused(mut self) {
        if let Some(permit) = self.permit.take() {
            self.gate.0.lock().withdraw(&permit);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Only probes need the lock.
        if let Some(permit @ Permit(Kind::Probes { .. })) = self.permit.take() {
            self.gate.0.lock().lose(permit);
        }
    }
}
