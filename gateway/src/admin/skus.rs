//! `/api/v1/skus`: a SKU's accounts and settings, as JSON.
//!
//! A change takes the way of every command, through its shard into the log, and is answered when it is durable. It says what is to be,
//! so the same again changes nothing. It names who wants it and why; both are in the log, and in a line of the server's own.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use doorbuster_engine::shard::{Answer, Request};
use doorbuster_ledger::{
    ChannelId, ChannelSnapshot, Command, Outcome, SetChannel, SkuCommand, SkuId, StockSnapshot, Timestamp,
};
use doorbuster_protocol::Code;
use parking_lot::Mutex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::convert;
use crate::emergency::Hands;
use crate::server::Shared;
use crate::sku::Sku;

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Skus {
    shared: Arc<Shared>,
    /// One change at a time: few people make any.
    hands: Mutex<Hands>,
}

impl Skus {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        // Behind the ports of the reactors, of the feed, and of plans.
        let hands = Mutex::new(Hands::new(shared.stats.len() + 2));
        Arc::new(Self { shared, hands })
    }

    fn ask(&self, sku: SkuId, request: Request) -> Result<Answer, Refused> {
        self.hands.lock().ask(&self.shared.engine, sku, request).map_err(Refused::unavailable)
    }
}

/// Why nothing was done.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    why: String,
}

impl Refused {
    fn bad(why: &impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: Code::BadRequest.name(), why: why.to_string() }
    }

    fn unavailable(why: String) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: Code::Busy.name(), why }
    }

    fn by(code: Code) -> Self {
        let status = if code == Code::UnknownSku { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
        Self { status, code: code.name(), why: code.meaning().to_owned() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, code, why } = self;
        (status, document(&json!({ "schema_version": 1, "code": code, "why": why }))).into_response()
    }
}

/// Most units of a SKU that a shopper may have, and most in an order; 0: any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    user_limit: u32,
    order_limit: u32,
    by: u64,
    reason: u32,
}

/// Whether a SKU is sold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frozen {
    frozen: bool,
    by: u64,
    reason: u32,
}

/// What a channel may have of a SKU.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allotment {
    guarantee: u64,
    cap: Option<u64>,
    release_at_ms: Option<u64>,
    by: u64,
    reason: u32,
}

pub(super) async fn show(State(skus): State<Arc<Skus>>, Path(sku): Path<String>) -> Response {
    aside(move || skus.read(named(&sku)?, None)).await
}

pub(super) async fn limit(State(skus): State<Arc<Skus>>, Path(sku): Path<String>, body: String) -> Response {
    aside(move || {
        let (sku, Limits { user_limit, order_limit, by, reason }) = (named(&sku)?, read(&body)?);
        let command = SkuCommand::Limits { sku, user_limit, order_limit, by, reason };
        skus.change(sku, Command::Sku(command), ("limits", by, reason))
    })
    .await
}

pub(super) async fn freeze(State(skus): State<Arc<Skus>>, Path(sku): Path<String>, body: String) -> Response {
    aside(move || {
        let (sku, Frozen { frozen, by, reason }) = (named(&sku)?, read(&body)?);
        let command = SkuCommand::Freeze { sku, frozen, by, reason };
        skus.change(sku, Command::Sku(command), (if frozen { "freeze" } else { "unfreeze" }, by, reason))
    })
    .await
}

pub(super) async fn allot(
    State(skus): State<Arc<Skus>>,
    Path((sku, channel)): Path<(String, String)>,
    body: String,
) -> Response {
    aside(move || {
        let sku = named(&sku)?;
        let number = channel
            .parse()
            .map_err(|_| Refused::bad(&format!("channel: {channel:?} is no number from 0 to 65535")))?;
        let Allotment { guarantee, cap, release_at_ms, by, reason } = read(&body)?;
        let set = SetChannel {
            sku,
            channel: ChannelId::new(number),
            guarantee,
            // The largest number stands for no cap in the log.
            cap: cap.filter(|cap| *cap != u64::MAX),
            release_at: release_at_ms.filter(|at| *at != 0).map(Timestamp::new),
            by,
            reason,
        };
        skus.change(sku, Command::SetChannel(set), ("channel", by, reason))
    })
    .await
}

impl Skus {
    /// Changes a SKU, says so in the server's log, and shows it as it is then.
    fn change(
        &self,
        sku: SkuId,
        command: Command,
        (what, by, reason): (&'static str, u64, u32),
    ) -> Result<Value, Refused> {
        let changed = match self.ask(sku, Request::Command(command))? {
            Answer::Outcome(Outcome::Refused(refusal)) => {
                let code = Code::from_number(convert::refusal(&refusal).code);
                return Err(Refused::by(code.unwrap_or(Code::BadRequest)));
            }
            Answer::Outcome(Outcome::Replayed { .. }) => false,
            Answer::Outcome(_) => true,
            _ => return Err(Refused::unavailable("the shard gave no answer to it".to_owned())),
        };
        tracing::info!(sku = %Sku(sku.raw()), what, by, reason, changed, "an operator set a SKU over the admin port");
        self.read(sku, Some(changed))
    }

    fn read(&self, sku: SkuId, changed: Option<bool>) -> Result<Value, Refused> {
        let Answer::Stock(Some(stock)) = self.ask(sku, Request::ReadStock { sku })? else {
            return Err(Refused::by(Code::UnknownSku));
        };
        let mut channels = Vec::new();
        let mut more = false;
        if let Answer::Channels(Some(page)) =
            self.ask(sku, Request::ReadChannels { sku, first: ChannelId::default() })?
        {
            more = page.more;
            for channel in page.channels.iter().take(usize::from(page.count)) {
                let request = Request::ReadChannel { sku, channel: *channel };
                if let Answer::Channel(Some(known)) = self.ask(sku, request)? {
                    channels.push(of_channel(&known));
                }
            }
        }
        let StockSnapshot {
            available,
            held,
            sold,
            stocked,
            holds,
            waiting,
            frozen,
            user_limit,
            order_limit,
            ..
        } = stock;
        Ok(json!({
            "schema_version": 1,
            "changed": changed,
            "sku": Sku(sku.raw()).to_string(),
            "available": available,
            "held": held,
            "sold": sold,
            "stocked": stocked,
            "holds": holds,
            "waiting": waiting,
            "frozen": frozen,
            "user_limit": user_limit,
            "order_limit": order_limit,
            "channels": channels,
            "more_channels": more,
        }))
    }
}

fn of_channel(known: &ChannelSnapshot) -> Value {
    json!({
        "channel": known.channel.raw(),
        "guarantee": known.guarantee,
        "cap": known.cap,
        "release_at_ms": known.release_at.map(Timestamp::raw),
        "taken": known.taken,
        "available": known.available,
    })
}

/// An answer waits for the log, and health and metrics don't wait for it.
async fn aside(work: impl FnOnce() -> Result<Value, Refused> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => document(&done),
        Ok(Err(refused)) => refused.into_response(),
        Err(error) => {
            tracing::error!(%error, "a wish at the admin port came to nothing");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn named(text: &str) -> Result<SkuId, Refused> {
    text.parse().map(|Sku(number)| SkuId::new(number)).map_err(|error| Refused::bad(&error))
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, Refused> {
    serde_json::from_str(body).map_err(|error| Refused::bad(&format!("not what is wanted here: {error}")))
}

fn document(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}
