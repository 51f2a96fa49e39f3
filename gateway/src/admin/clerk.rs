//! What operators' documents turn into: commands that take the way of every command, through a shard into the log, answered when they
//! are durable.
//!
//! Who wants a change and why is in the log, and in a line of the server's own.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use doorbuster_engine::shard::{Answer, Request};
use doorbuster_ledger::{Outcome, SkuId};
use doorbuster_protocol::Code;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::convert;
use crate::emergency::Hands;
use crate::server::Shared;
use crate::sku::Sku;

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Clerk {
    pub(super) shared: Arc<Shared>,
    /// One change at a time: few people make any.
    hands: Mutex<Hands>,
}

impl Clerk {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        // Behind the ports of the reactors, of the feed, and of plans.
        let hands = Mutex::new(Hands::new(shared.stats.len() + 2));
        Arc::new(Self { shared, hands })
    }

    /// Asks the shard of a SKU.
    pub(super) fn ask(&self, sku: SkuId, request: Request) -> Result<Answer, Refused> {
        self.hands.lock().ask(&self.shared.engine, sku, request).map_err(Refused::unavailable)
    }

    /// Asks all shards together.
    pub(super) fn ask_all(&self, request: Request) -> Result<Answer, Refused> {
        self.hands.lock().ask_all(&self.shared.engine, request).map_err(Refused::unavailable)
    }
}

/// Whether a command has changed anything.
pub(super) fn changed(answer: &Answer) -> Result<bool, Refused> {
    match answer {
        Answer::Outcome(Outcome::Refused(refusal)) => {
            let code = Code::from_number(convert::refusal(refusal).code);
            Err(Refused::by(code.unwrap_or(Code::BadRequest)))
        }
        Answer::Outcome(Outcome::Replayed { .. }) => Ok(false),
        Answer::Outcome(_) => Ok(true),
        _ => Err(Refused::unavailable("the shard gave no answer to it".to_owned())),
    }
}

/// Why nothing was done.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    why: String,
}

impl Refused {
    pub(super) fn bad(why: &impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: Code::BadRequest.name(), why: why.to_string() }
    }

    pub(super) fn unavailable(why: String) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: Code::Busy.name(), why }
    }

    pub(super) fn by(code: Code) -> Self {
        let status = if matches!(code, Code::UnknownSku | Code::NoSuchCampaign) {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::CONFLICT
        };
        Self { status, code: code.name(), why: code.meaning().to_owned() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, code, why } = self;
        (status, document(&json!({ "schema_version": 1, "code": code, "why": why }))).into_response()
    }
}

/// An answer waits for the log, and health and metrics don't wait for it.
pub(super) async fn aside(work: impl FnOnce() -> Result<Value, Refused> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => document(&done),
        Ok(Err(refused)) => refused.into_response(),
        Err(error) => {
            tracing::error!(%error, "a wish at the admin port came to nothing");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The SKU that a path names.
pub(super) fn named(text: &str) -> Result<SkuId, Refused> {
    text.parse().map(|Sku(number)| SkuId::new(number)).map_err(|error| Refused::bad(&error))
}

/// What a body wants.
pub(super) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Refused> {
    serde_json::from_str(body).map_err(|error| Refused::bad(&format!("not what is wanted here: {error}")))
}

pub(super) fn document(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}
