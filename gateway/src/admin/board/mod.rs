//! The live board: a page for whoever keeps an eye on a sale, and what feeds it.
//!
//! ```text
//! counters, boards, histograms ──a Reading a second──► Frame ──one text for all──► each viewer's SSE stream
//! (written anyway, read lock-free)            └──Point──► History, 15 minutes ──► a page that is opened or comes back
//! shards ──128 rows at a time, while somebody looks──► Shelf ──► lists of SKUs: the busiest, the emptiest, a search
//! ```
//!
//! * **No order pays for it.** What the board shows is counted anyway. A frame is made once a second, whether nobody looks or
//!   64 do, on the admin port's thread; viewers share its bytes.
//! * **A viewer that is slow misses frames** and holds nobody up: it gets the latest when it can take one. Nothing queues up.
//! * **SKUs are looked at only while somebody looks at the board**, and never all at once: [`stock`] says how.
//! * **What isn't known isn't shown.** The engine knows SKUs and channels; categories and the plan of a day's curve are in a file of
//!   goals, if there is one, and nobody knows what a warehouse does. `docs/board.md` says which alarm sees what.
//!
//! The page is three files in the binary, loads nothing from anywhere else, and its Content-Security-Policy forbids it.

mod alarms;
mod burn;
mod frame;
mod goals;
mod history;
mod reading;
mod stock;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

use self::frame::Maker;
use self::history::History;
use self::reading::Reading;
use self::stock::{Shelf, Wish};
use super::access::Visitor;
use crate::server::Shared;
use crate::sku;

/// Time between two frames: people don't read faster, and a curve of 15 minutes has 900 points of it.
const EVERY: Duration = Duration::from_secs(1);

/// Most pages that are fed at a time. Each costs a connection and some kilobytes a second; a crisis room has fewer screens.
const MAX_VIEWERS: usize = 64;

/// SKUs are looked at for this long after somebody asked for a list of them; pages ask every two seconds.
const LOOKED_AT_FOR: Duration = Duration::from_secs(30);

/// Nothing from elsewhere, nothing inline, and no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Board {
    shared: Arc<Shared>,
    history: Mutex<History>,
    shelf: Mutex<Shelf>,
    /// When a list of SKUs was asked for last.
    looked_at: Mutex<Option<Instant>>,
    latest: watch::Sender<Bytes>,
    seats: Arc<Semaphore>,
}

impl Board {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shelf: Mutex::new(Shelf::new(shared.engine.shards(), shared.targets.clone())),
            shared,
            history: Mutex::default(),
            looked_at: Mutex::default(),
            latest: watch::channel(Bytes::new()).0,
            seats: Arc::new(Semaphore::new(MAX_VIEWERS)),
        })
    }

    /// Its paths.
    pub(super) fn routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/board", get(page))
            .route("/board/board.css", get(style))
            .route("/board/board.js", get(script))
            .route("/board/stream", get(watched))
            .route("/board/history", get(past))
            .route("/board/skus", get(skus))
            .route("/board/sku", get(sku))
            .with_state(Arc::clone(self))
    }

    /// Makes a frame a second until the server ends.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut maker = Maker::new(Reading::of(&self.shared, Instant::now()));
        loop {
            ticks.tick().await;
            let looked_at = *self.looked_at.lock();
            if looked_at.is_some_and(|at| at.elapsed() < LOOKED_AT_FOR) {
                self.survey().await;
            }
            let reading = Reading::of(&self.shared, Instant::now());
            let (point, frame) = maker.next(reading, &self.shared, &self.shelf.lock());
            self.history.lock().push(point);
            let text = serde_json::to_string(&frame).unwrap_or_default();
            self.latest.send_replace(Bytes::from(format!("data: {text}\n\n")));
        }
    }

    /// Looks at some SKUs, with room for others between each few of them.
    async fn survey(&self) {
        for _ in 0..stock::PIECES {
            let more = self.shelf.lock().look(&self.shared.engine);
            if !more {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn page() -> Response {
    text("text/html; charset=utf-8", include_str!("page/board.html"))
}

async fn style() -> Response {
    text("text/css; charset=utf-8", include_str!("page/board.css"))
}

async fn script() -> Response {
    text("text/javascript; charset=utf-8", include_str!("page/board.js"))
}

fn text(kind: &'static str, text: &'static str) -> Response {
    (headers(kind), text).into_response()
}

/// What goes with all that a browser gets. A page that is kept would show an earlier version's.
const fn headers(kind: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ]
}

/// A frame a second, the latest at once.
async fn watched(State(board): State<Arc<Board>>, Extension(visitor): Extension<Visitor>) -> Response {
    let Ok(seat) = Arc::clone(&board.seats).try_acquire_owned() else {
        let why = format!("{MAX_VIEWERS} pages are fed already; close one, and this one goes on by itself\n");
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], why).into_response();
    };
    let mut frames = board.latest.subscribe();
    frames.mark_changed();
    let feed = (frames, seat, visitor, Arc::clone(&board.shared));
    let frames = stream::unfold(feed, async |(mut frames, seat, visitor, shared)| {
        loop {
            frames.changed().await.ok()?;
            // Whose key was revoked looks at nothing more.
            if !visitor.may_stay(&shared) {
                return None;
            }
            let frame = frames.borrow_and_update().clone();
            // Before the first second is over there is none.
            if !frame.is_empty() {
                return Some((Ok::<_, Infallible>(frame), (frames, seat, visitor, shared)));
            }
        }
    });
    (headers("text/event-stream"), Body::from_stream(frames)).into_response()
}

async fn past(State(board): State<Arc<Board>>) -> Response {
    let past = board.history.lock().columns();
    answer(&past)
}

async fn skus(
    State(board): State<Arc<Board>>,
    wish: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
) -> Response {
    *board.looked_at.lock() = Some(Instant::now());
    let found =
        wish.map_err(|error| error.body_text()).and_then(|Query(wish)| board.shelf.lock().find(&wish));
    match found {
        Ok(found) => answer(&found),
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
}

/// Which SKU somebody looks at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    sku: String,
}

async fn sku(
    State(board): State<Arc<Board>>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Response {
    *board.looked_at.lock() = Some(Instant::now());
    let found = which.map_err(|error| error.body_text()).and_then(|Query(Which { sku })| {
        let sku = sku::number(&sku).map_err(|error| format!("sku: {error}"))?;
        board.shelf.lock().course(sku)
    });
    match found {
        Ok(found) => answer(&found),
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
}

fn answer(document: &impl serde::Serialize) -> Response {
    match serde_json::to_string(document) {
        Ok(text) => (headers("application/json"), text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
