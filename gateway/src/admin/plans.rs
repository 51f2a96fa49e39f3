//! `/plans`: the emergency plans, what they did, and what operators want of them.
//!
//! `POST` takes a small document, `{"do": "run", "plan": "calm-down", "sku": 7}` or `{"do": "revert", "run": 3}`. Both ways answer
//! with all plans, rules and runs; a `POST` also with the number of the run that it is about.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emergency::{Room, Run};
use crate::server::Shared;

/// What an operator asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "do", rename_all = "kebab-case")]
enum Wish {
    Run { plan: String, sku: Option<u64> },
    Revert { run: u32 },
}

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    aside(move || shared.emergency.enter(|room| answer(room, None))).await
}

pub(super) async fn wish(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let wish: Wish = match serde_json::from_str(&body) {
        Ok(wish) => wish,
        Err(error) => return refuse(&format!("not what is wanted here: {error}")),
    };
    aside(move || {
        shared.emergency.enter(|room| {
            let done = match wish {
                Wish::Run { plan, sku } => room.run(&shared, &plan, sku),
                Wish::Revert { run } => room.call_off(&shared, run).map(|()| run),
            };
            done.map_or_else(|why| refuse(&why.to_string()), |run| answer(room, Some(run)))
        })
    })
    .await
}

/// A plan takes what it takes; health and metrics don't wait for it.
async fn aside(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a wish for an emergency plan came to nothing");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

fn answer(room: &Room, run: Option<u32>) -> Response {
    let plans: Vec<Value> = room
        .plans()
        .iter()
        .map(|plan| {
            json!({
                "name": plan.name,
                "revert_after_s": plan.revert_after_s,
                "actions": plan.actions.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    let rules: Vec<Value> = room
        .rules()
        .map(|(rule, fired, ratio)| {
            json!({ "name": rule.name, "plan": rule.plan, "above": rule.above, "ratio": ratio, "fired": fired })
        })
        .collect();
    let runs: Vec<Value> = room.runs().map(document).collect();
    let report = json!({ "schema_version": 1, "run": run, "plans": plans, "rules": rules, "runs": runs });
    ([(CONTENT_TYPE, "application/json")], format!("{report}\n")).into_response()
}

fn document(run: &Run) -> Value {
    let steps: Vec<Value> = run
        .steps
        .iter()
        .map(|step| {
            json!({
                "do": step.action.name(),
                "action": step.action.to_string(),
                "outcome": step.outcome.name(),
                "why": step.outcome.why(),
                "undone": step.undone,
            })
        })
        .collect();
    json!({
        "number": run.number,
        "plan": run.plan,
        "sku": run.sku.map(|sku| sku.to_string()),
        "cause": run.cause,
        "rule": run.rule,
        "at_ms": run.at_ms,
        "revert_at_ms": run.revert_at_ms,
        "state": run.state.name(),
        "steps": steps,
    })
}

fn refuse(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response()
}
