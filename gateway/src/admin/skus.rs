//! `/api/v1/skus`: a SKU's accounts and settings, as JSON.
//!
//! Settings say what is to be, so the same again changes nothing. A restock and a move say by how much, and are safe to repeat in ways of
//! their own: by the request's id, and by what was there.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use doorbuster_engine::shard::{Answer, Request};
use doorbuster_ledger::{
    ChannelId, ChannelSnapshot, Command, PutSku, Rebalance, RequestId, Restock, SetChannel, SkuCommand,
    SkuId, StockSnapshot, Timestamp,
};
use doorbuster_protocol::Code;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::clerk::{Clerk, Refused, aside, changed, named, read};
use crate::reactor::fresh_id;
use crate::sku::Sku;

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

/// A SKU to be set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUp {
    units: u64,
    user_limit: u32,
    order_limit: u32,
    by: u64,
    reason: u32,
}

/// Units that come in; negative: that are withdrawn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    units: i64,
    /// A UUID that names the change; a fresh one unless given.
    request: Option<String>,
    by: u64,
    reason: u32,
}

/// A part of one channel's guarantee, for another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    from: u16,
    to: u16,
    units: u64,
    /// Units that stay kept for the giving channel.
    keep: u64,
    /// The guarantee that it is known to have.
    expected: u64,
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

pub(super) async fn show(State(clerk): State<Arc<Clerk>>, Path(sku): Path<String>) -> Response {
    aside(move || clerk.show(named(&sku)?, None)).await
}

/// Makes a document's change to a SKU, and shows it as it is then.
async fn set<T: DeserializeOwned>(
    clerk: Arc<Clerk>,
    sku: String,
    body: String,
    command: impl FnOnce(SkuId, T) -> Command + Send + 'static,
) -> Response {
    aside(move || {
        let sku = named(&sku)?;
        clerk.change(sku, command(sku, read(&body)?))
    })
    .await
}

pub(super) async fn put(State(clerk): State<Arc<Clerk>>, Path(sku): Path<String>, body: String) -> Response {
    set(clerk, sku, body, |sku, SetUp { units, user_limit, order_limit, by, reason }| {
        let put = PutSku { sku, units, user_limit, order_limit, by, reason };
        Command::PutSku(put)
    })
    .await
}

pub(super) async fn restock(
    State(clerk): State<Arc<Clerk>>,
    Path(sku): Path<String>,
    body: String,
) -> Response {
    aside(move || {
        let (sku, Units { units, request, by, reason }) = (named(&sku)?, read(&body)?);
        let request = match request {
            Some(text) => request_id(&text)?,
            None => fresh_id(&mut rand::rng(), clerk.shared.engine.now()),
        };
        let restock = Restock { request, sku, units, by, reason };
        let mut done = clerk.change(sku, Command::Restock(restock))?;
        done["request"] = json!(format!("{:032x}", request.raw()));
        Ok(done)
    })
    .await
}

pub(super) async fn move_units(
    State(clerk): State<Arc<Clerk>>,
    Path(sku): Path<String>,
    body: String,
) -> Response {
    set(clerk, sku, body, |sku, Move { from, to, units, keep, expected, by, reason }| {
        let (from, to) = (ChannelId::new(from), ChannelId::new(to));
        let rebalance = Rebalance { sku, from, to, units, keep, expected, by, reason };
        Command::Rebalance(rebalance)
    })
    .await
}

pub(super) async fn limit(
    State(clerk): State<Arc<Clerk>>,
    Path(sku): Path<String>,
    body: String,
) -> Response {
    set(clerk, sku, body, |sku, Limits { user_limit, order_limit, by, reason }| {
        let limits = SkuCommand::Limits { sku, user_limit, order_limit, by, reason };
        Command::Sku(limits)
    })
    .await
}

pub(super) async fn freeze(
    State(clerk): State<Arc<Clerk>>,
    Path(sku): Path<String>,
    body: String,
) -> Response {
    set(clerk, sku, body, |sku, Frozen { frozen, by, reason }| {
        let freeze = SkuCommand::Freeze { sku, frozen, by, reason };
        Command::Sku(freeze)
    })
    .await
}

pub(super) async fn allot(
    State(clerk): State<Arc<Clerk>>,
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
        clerk.change(sku, Command::SetChannel(set))
    })
    .await
}

impl Clerk {
    /// Changes a SKU, and shows it as it is then.
    fn change(&self, sku: SkuId, command: Command) -> Result<Value, Refused> {
        let changed = changed(&self.ask(sku, Request::Command(command))?)?;
        self.show(sku, Some(changed))
    }

    fn show(&self, sku: SkuId, changed: Option<bool>) -> Result<Value, Refused> {
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

/// A UUID, with its hyphens or without.
fn request_id(text: &str) -> Result<RequestId, Refused> {
    let digits = text.replace('-', "");
    let known = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = known.then(|| u128::from_str_radix(&digits, 16).ok()).flatten();
    number
        .map(RequestId::new)
        .ok_or_else(|| Refused::bad(&format!("request: {text:?} is no UUID of 32 hexadecimal digits")))
}
