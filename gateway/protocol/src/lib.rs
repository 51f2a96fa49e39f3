//! Every byte that enters or leaves Doorbuster is understood here.
//!
//! A connection carries frames: a 32-byte [`Header`], then a body of records, all of one kind. The client greets
//! with [`Hello`], the server answers [`Welcome`]; from then on the client sends requests, as many at a time as it
//! likes up to the server's bound, each frame with its own correlation number, and the server answers each frame
//! with one frame of as many answers, in any order.
//!
//! ```text
//! client                                   server
//!   │ HELLO {versions, name}                 │
//!   ├───────────────────────────────────────►│
//!   │           WELCOME {version, now, bounds}│
//!   │◄───────────────────────────────────────┤
//!   │ RESERVE #7 ×64, RESERVE #8 ×1           │
//!   ├───────────────────────────────────────►│
//!   │                RESERVED #8 ×1, #7 ×64   │
//!   │◄───────────────────────────────────────┤
//! ```
//!
//! The crate is pure: bytes in, values out, no IO, no clock, no panic on any input. `docs/protocol.md` states the
//! same for people who write a client in another language; the golden bytes in `tests/golden.rs` keep both true.
#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::float_arithmetic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing
)]

pub mod access;
pub mod after;
pub mod answer;
pub mod body;
pub mod budget;
mod campaign;
pub mod code;
mod cursor;
pub mod error;
pub mod feed;
pub mod frame;
pub mod hello;
pub mod kind;
pub mod overload;
pub mod people;
pub mod request;
pub mod resp;
pub mod secret;
pub mod watch;

pub use access::{Access, Auth, Role};
pub use after::{
    Advance, GoodsTo, GoodsView, Inspect, ProgressView, ReadGoods, ReadProgress, ReadShortfall, Refund,
    SHORT_PAGE, SetOnHand, ShortOrder, ShortfallView, Step,
};
pub use answer::{
    Answer, CHANNEL_PAGE, ChannelView, ChannelsView, Field, LineView, OrderState, OrderView, StatusView,
    StockView,
};
pub use body::Record;
pub use budget::{
    BudgetView, CouponView, FundBudget, Funder, IssueCoupons, ReadBudget, ReadCoupon, ReserveClaims,
    ReserveDiscounted, SetBudget, StopBudget,
};
pub use campaign::{
    BindSku, CampaignView, FreezeSku, MAX_PHASE_CHANNELS, Phase, PhaseView, PriceView, PutPhase, PutPrice,
    ReadCampaign, ReadPhase, ReadPrice, SetCampaign, SetLimits,
};
pub use code::{Class, Code};
pub use error::ProtocolError;
pub use feed::{EventKind, FeedEvent, Fetch, Fetched, MAX_FETCH, MAX_FETCH_WAIT_MS};
pub use frame::{FLAG_DRILL, FLAG_FIRST_ATTEMPT, HEADER_LEN, Header, MAX_BATCH, MAX_BODY, Parsed, parse};
pub use hello::{Fault, Hello, MAGIC, Welcome};
pub use kind::Kind;
pub use overload::{Credit, FEATURE_BULK_REFUSALS, FEATURE_CREDITS, FEATURES, FULL_LOAD, Refused};
pub use request::{
    BeginPay, Cancel, CancelLines, Confirm, ConfirmLines, Extend, FailPay, Line, LineUnits, MAX_LINES,
    PutSku, ReadChannel, ReadChannels, ReadLine, ReadOrder, ReadStock, Rebalance, RequestId, Reserve,
    ReserveOrder, Restock, SetChannel,
};
pub use secret::{SECRET_LEN, SECRET_PREFIX, Secret, SecretError};
pub use watch::{Push, Watch};

/// The protocol's version, in every header.
pub const VERSION: u8 = 1;

/// The port that servers listen on and clients try unless told otherwise.
pub const DEFAULT_PORT: u16 = 7700;
