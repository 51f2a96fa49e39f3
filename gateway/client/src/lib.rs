//! Asynchronous Rust client of Doorbuster.
//!
//! ```no_run
//! use doorbuster_client::{Client, Outcome, Reserve};
//!
//! # async fn buy() -> Result<(), doorbuster_client::Error> {
//! let client = Client::connect("127.0.0.1:7700").await?;
//! let wish = Reserve { user: 42, sku: 1, quantity: 1, ..Reserve::default() };
//! match client.reserve(&wish).await? {
//!     Outcome::Done(hold) => println!("order {} is held until {}", hold.order, hold.expires_at),
//!     Outcome::Refused(refusal) => println!("no: {}", refusal.code),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What the client does by itself
//! * **Pool and pipelining.** A few connections carry any number of requests at the same time; answers come in
//!   any order. What waits while a connection's writer is busy leaves in one frame: batching needs no timer.
//! * **Refusals are values.** "Sold out" is an answer ([`Outcome::Refused`]); an [`Error`] means that the
//!   transport or the protocol failed.
//! * **Safe retries.** Only codes of the class RETRY and lost connections are tried again, at most
//!   [`MAX_TRIES`] times in all, with the same request id, a growing jittered pause, and out of a
//!   [budget](RetryBudget) that keeps retries below a tenth of the traffic. Nothing else is ever repeated.
//! * **No false certainty.** If a request was sent and no answer came, the error is [`Error::Uncertain`]: it may
//!   have taken effect. Sending the same request with the same id later gives the true answer.
//! * **A feed.** [`Client::feed`] gives what happened from any log position on, in order and without a gap, and goes on
//!   where it stopped after a lost connection; [`Levels`] makes the stock of each SKU of it.
//! * **Pushes.** [`Client::watch`] asks to be told when an order that waits gets its units, [`Client::pushes`] tells.
//! * **Keys.** [`Builder::key`] proves who the client is, on each connection; see `docs/security.md`.
//! * **Deadlines.** Each request carries its deadline in server time; a copy that is stuck in a buffer isn't
//!   executed later.

mod after;
mod budget;
mod builder;
mod campaigns;
mod channels;
mod client;
mod clock;
mod error;
mod failure;
mod feed;
mod levels;
mod link;
mod outbox;
mod outcome;
mod pool;
mod promotions;
mod pushes;
mod retry;
mod throttle;
mod tls;

pub use after::Advanced;
pub use budget::RetryBudget;
pub use builder::{Builder, MAX_CONNECTIONS};
pub use client::Client;
pub use doorbuster_protocol::{
    Advance, BeginPay, BindSku, BudgetView, CampaignView, Cancel, CancelLines, ChannelView, ChannelsView,
    Class, Code, Confirm, ConfirmLines, CouponView, DEFAULT_PORT, EventKind, Extend, FailPay, FeedEvent,
    Field, FreezeSku, FundBudget, Funder, GoodsTo, GoodsView, Inspect, IssueCoupons, Line, LineUnits,
    LineView, OrderState, OrderView, Phase, PhaseView, PriceView, ProgressView, PutPhase, PutPrice, PutSku,
    ReadChannels, ReadOrder, ReadPhase, ReadPrice, ReadShortfall, ReadStock, Rebalance, Refund, RequestId,
    Reserve, ReserveClaims, ReserveOrder, Restock, Secret, SecretError, SetBudget, SetCampaign, SetChannel,
    SetLimits, SetOnHand, ShortOrder, ShortfallView, StatusView, Step, StockView, StopBudget, Watch,
};
pub use error::Error;
pub use feed::Feed;
pub use levels::{Level, Levels, LevelsError};
pub use outcome::{Applied, Hold, Kept, Outcome, Refusal, Settled};
pub use pushes::{MAX_UNREAD, Pushed, Pushes};
pub use retry::{Backoff, MAX_TRIES};
pub use tls::{Tls, TlsError};
