//! `POST /dev/advance`: puts the clock of a `--dev` server forward. The body says how far, as `15m`.
//!
//! Time passes in small steps, and at each all that is due is carried out: a hold that ends after five minutes is
//! offered to who waits before that wait ends after ten, as if somebody had sat there and waited.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use doorbuster_engine::clock::DevClock;
use doorbuster_engine::shard::Counters;
use parking_lot::Mutex;

use crate::duration::Span;
use crate::server::Shared;

/// The most that time is put forward at once, milliseconds: a year.
const MAX_ADVANCE_MS: u64 = 365 * 24 * 60 * 60 * 1_000;

/// The least step, milliseconds: a second. What is due within a second of each other may happen together.
const STEP_MS: u64 = 1_000;

/// Most steps: bounds how long one call takes, at some microseconds a step.
const MAX_STEPS: u64 = 10_000;

/// Most visits to a shard in one step, 256 orders each: over a million orders that end in the same second.
const VISITS: u32 = 1 << 13;

/// What moves the clock of a `--dev` server.
#[derive(Debug)]
pub(crate) struct Dev {
    clock: Arc<DevClock>,
    /// One at a time, so that each counts what it brought about itself.
    turn: Mutex<()>,
}

impl Dev {
    pub(crate) fn new(clock: Arc<DevClock>) -> Self {
        Self { clock, turn: Mutex::new(()) }
    }

    /// Lets so much time pass and carries out what falls due. Answers once that is durable.
    fn advance(&self, shared: &Shared, by_ms: u64) -> Advanced {
        let turn = self.turn.lock();
        // What is due already is none of what the advance brings about.
        let mut more = shared.engine.catch_up(VISITS);
        let before = shared.engine.counters();
        let step = by_ms.div_ceil(MAX_STEPS).max(STEP_MS);
        let mut left = by_ms;
        while left > 0 {
            let now = left.min(step);
            self.clock.advance(now);
            left -= now;
            more = shared.engine.catch_up(VISITS);
        }
        shared.engine.wait_until_durable();
        drop(turn);
        Advanced { now_ms: shared.engine.now().raw(), before, after: shared.engine.counters(), more }
    }
}

/// What an advance brought about.
#[derive(Debug)]
struct Advanced {
    now_ms: u64,
    before: Counters,
    after: Counters,
    more: bool,
}

pub(super) async fn advance(State(shared): State<Arc<Shared>>, body: String) -> Response {
    if shared.dev.is_none() {
        let why =
            "this server's time can't be moved: its data is kept; start another with --dev to try things out";
        return (StatusCode::FORBIDDEN, format!("{why}\n")).into_response();
    }
    let by = match body.parse::<Span>() {
        Ok(by) if by.ms() <= MAX_ADVANCE_MS => by.ms(),
        Ok(_) => {
            let why = format!("{} is too far: at most 365d at once\n", body.trim());
            return (StatusCode::BAD_REQUEST, why).into_response();
        }
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let moved = tokio::task::spawn_blocking(move || shared.dev.as_ref().map(|dev| dev.advance(&shared, by)));
    let Ok(Some(moved)) = moved.await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the advance broke off; look at the server's log\n")
            .into_response();
    };
    let Advanced { now_ms, before, after, more } = moved;
    let report = serde_json::json!({
        "schema_version": 1,
        "advanced_ms": by,
        "now_ms": now_ms,
        "expired": after.expired - before.expired,
        "offered": after.offered - before.offered,
        "lapsed": after.lapsed - before.lapsed,
        "evicted": after.evicted - before.evicted,
        "more_due": more,
    });
    ([(CONTENT_TYPE, "application/json")], format!("{report}\n")).into_response()
}
