//! `/readyz`: whether a load balancer should send anybody here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::server::Shared;

/// Whether orders are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// They are.
    Ready,
    /// The server is stopping.
    Draining,
    /// The log has failed.
    Poisoned,
}

impl Readiness {
    pub(super) fn of(shared: &Shared) -> Self {
        if shared.engine.journal().poisoned().is_some() {
            Self::Poisoned
        } else if shared.stopping() {
            Self::Draining
        } else {
            Self::Ready
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Poisoned => "poisoned",
        }
    }
}

pub(super) async fn readyz(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    match Readiness::of(&shared) {
        Readiness::Ready => (StatusCode::OK, "ready\n"),
        Readiness::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        Readiness::Poisoned => {
            let why = "poisoned: the log failed, nothing is acknowledged any more\n";
            (StatusCode::SERVICE_UNAVAILABLE, why)
        }
    }
}
