//! `POST /dev/slow-sync`: makes each sync of the log take longer, as a disk that stalls does. The body says by how much, as
//! `200ms`; `0s` ends it. Only where the data may be thrown away: it is for rehearsals.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::duration::Span;
use crate::server::Shared;

/// The most that a sync is delayed by, milliseconds: ten seconds.
const MAX_DELAY_MS: u64 = 10_000;

pub(super) async fn set(State(shared): State<Arc<Shared>>, body: String) -> (StatusCode, String) {
    let Some(delay) = &shared.sync_delay else {
        let why = "this server's disk can't be slowed down: its data is kept; rehearse on another with --dev";
        return (StatusCode::FORBIDDEN, format!("{why}\n"));
    };
    match body.parse::<Span>() {
        Ok(by) if by.ms() <= MAX_DELAY_MS => {
            delay.set(Duration::from_millis(by.ms()));
            tracing::warn!(delay_ms = by.ms(), "each sync of the log takes longer, for a rehearsal");
            (StatusCode::OK, format!("each sync takes {} ms longer\n", by.ms()))
        }
        Ok(_) => (StatusCode::BAD_REQUEST, format!("{} is too slow: at most 10s\n", body.trim())),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}
