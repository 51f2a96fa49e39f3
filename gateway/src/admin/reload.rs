//! `POST /reload`: reads the configuration again, as SIGHUP does, and says what came of it.
//!
//! 200 with what counts from now on and what waits for the next start; 400 with every fault, and then nothing was taken over.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::config::Change;
use crate::reload::{ReloadError, Report, reload};
use crate::server::Shared;

pub(super) async fn wish(State(shared): State<Arc<Shared>>) -> Response {
    // A file is read: health and metrics don't wait for a slow disk.
    let done = tokio::task::spawn_blocking(move || reload(&shared)).await;
    let (status, document) = match done {
        Ok(Ok(Report { applied, waiting })) => (
            StatusCode::OK,
            json!({ "schema_version": 1, "applied": all(&applied), "at_restart": all(&waiting) }),
        ),
        Ok(Err(ReloadError::Faults(faults))) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            (StatusCode::BAD_REQUEST, json!({ "schema_version": 1, "faults": faults }))
        }
        Ok(Err(fault @ (ReloadError::Tls(_) | ReloadError::Keys(_)))) => {
            (StatusCode::BAD_REQUEST, json!({ "schema_version": 1, "faults": [fault.to_string()] }))
        }
        Ok(Err(refusal @ ReloadError::NoSources)) => {
            (StatusCode::CONFLICT, json!({ "schema_version": 1, "faults": [refusal.to_string()] }))
        }
        Err(error) => {
            tracing::error!(%error, "reading the configuration again came to nothing");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    (status, [(CONTENT_TYPE, "application/json")], format!("{document}\n")).into_response()
}

fn all(changes: &[Change]) -> Vec<Value> {
    let one = |change: &Change| json!({ "key": change.key.name, "from": change.from, "to": change.to });
    changes.iter().map(one).collect()
}
