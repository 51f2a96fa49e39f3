//! `/api/v1/snapshots`: when the next start will be fast.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use doorbuster_engine::log::Lsn;
use serde_json::json;

use super::clerk::document;
use crate::server::Shared;

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    of(&shared)
}

/// One is made by the compactor, in its own time: whoever wants to know when looks again.
pub(super) async fn wish(State(shared): State<Arc<Shared>>) -> Response {
    shared.engine.snapshots().want();
    (StatusCode::ACCEPTED, of(&shared)).into_response()
}

fn of(shared: &Shared) -> Response {
    let snapshots = shared.engine.snapshots();
    document(&json!({
        "schema_version": 1,
        "newest_position": snapshots.newest().map(Lsn::get),
        "newest_bytes": snapshots.newest_bytes(),
        "durable_position": shared.engine.journal().durable(),
        "made": snapshots.made(),
        "failed": snapshots.failed(),
        "wanted": snapshots.is_wanted(),
    }))
}
