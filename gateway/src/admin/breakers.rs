//! `/breakers`: how the circuit breakers stand, and what operators want of them.
//!
//! `POST` takes a small document, `{"mode": "forced-open", "scope": "shard-0", "class": "reserve"}`, and does so to every
//! breaker that its `scope` and `class` name; one that is left out names all. Both ways answer with all breakers.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::overload::breaker::{Gate, Mode, Report};
use crate::overload::{Class, Micros, Moment, Scope};
use crate::server::Shared;

/// What an operator asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    mode: String,
    scope: Option<String>,
    class: Option<String>,
}

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    answer(&shared)
}

pub(super) async fn set(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let wish: Wish = match serde_json::from_str(&body) {
        Ok(wish) => wish,
        Err(error) => return refuse(&format!("not what is wanted here: {error}")),
    };
    let Some(mode) = Mode::ALL.into_iter().find(|mode| mode.name() == wish.mode) else {
        let known = Mode::ALL.map(Mode::name).join(", ");
        return refuse(&format!("no such mode: {}; there are {known}", wish.mode));
    };
    match chosen(&shared, &wish) {
        Ok(chosen) => {
            let now = shared.moment(Instant::now());
            for (scope, class, gate) in chosen {
                change(scope, class, gate, now, mode);
            }
            answer(&shared)
        }
        Err(why) => refuse(&why),
    }
}

/// The breakers that a wish names, or why there are none.
fn chosen<'a>(shared: &'a Shared, wish: &Wish) -> Result<Vec<(Scope, Class, &'a Gate)>, String> {
    let (mut scopes, mut classes): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut chosen = Vec::new();
    for (scope, class, gate) in shared.breakers.each() {
        let name = scope.to_string();
        let fits = wish.scope.as_ref().is_none_or(|wanted| *wanted == name)
            && wish.class.as_deref().is_none_or(|wanted| wanted == class.name());
        if fits {
            chosen.push((scope, class, gate));
        }
        if !classes.contains(&class.name()) {
            classes.push(class.name());
        }
        if !scopes.contains(&name) {
            scopes.push(name);
        }
    }
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    Err(match (&wish.scope, &wish.class) {
        (Some(wanted), _) if !scopes.contains(wanted) => {
            format!("no such scope: {wanted}; there are {}", scopes.join(", "))
        }
        (_, Some(wanted)) if !classes.contains(&wanted.as_str()) => {
            format!("no such class: {wanted}; there are {}", classes.join(", "))
        }
        _ => format!("the log has a breaker for class {} only", Class::Reserve.name()),
    })
}

fn change(scope: Scope, class: Class, gate: &Gate, now: Moment, mode: Mode) {
    let before = gate.report(now).mode;
    if before == mode {
        return;
    }
    gate.set_mode(now, mode);
    let (class, from, to) = (class.name(), before.name(), mode.name());
    tracing::info!(%scope, class, from, to, "an operator set a circuit breaker");
}

fn answer(shared: &Shared) -> Response {
    let now = shared.moment(Instant::now());
    let breakers: Vec<Value> = shared
        .breakers
        .each()
        .map(|(scope, class, gate)| document(scope, class, &gate.report(now), now))
        .collect();
    let report = json!({ "schema_version": 1, "breakers": breakers });
    ([(CONTENT_TYPE, "application/json")], format!("{report}\n")).into_response()
}

fn document(scope: Scope, class: Class, report: &Report, now: Moment) -> Value {
    let transitions: Vec<Value> = report
        .history
        .last()
        .map(|step| {
            json!({
                "from": step.from.name(),
                "to": step.to.name(),
                "reason": step.reason.name(),
                "seconds_ago": seconds(now.since(step.at)),
            })
        })
        .collect();
    json!({
        "scope": scope.to_string(),
        "class": class.name(),
        "state": report.state.name(),
        "mode": report.mode.name(),
        "ok": report.window.ok,
        "slow": report.window.slow,
        "failed": report.window.failed,
        "openings": report.openings,
        "probes": report.probes,
        "time_open_seconds": seconds(report.time_open),
        "would_refuse": report.would_refuse,
        "spared": report.spared,
        "transitions": transitions,
    })
}

/// Whole milliseconds are enough to read.
fn seconds(length: Micros) -> f64 {
    std::time::Duration::from_millis(length.us() / 1_000).as_secs_f64()
}

fn refuse(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response()
}
