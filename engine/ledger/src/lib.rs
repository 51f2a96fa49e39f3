//! The rules and the state of a flash sale, and nothing else.
//!
//! A [`Ledger`] holds the stock and the orders of one shard. It is a pure state machine: [`Ledger::decide`] reads the
//! state and answers a [`Command`] with an [`Outcome`] and, if something changes, an [`Event`]; [`Ledger::apply`] is
//! the only code that changes the state, live and in replay. There is no IO, no clock, no thread and no randomness in
//! here, and the compiler keeps it so: the crate is `no_std`. Time comes in as an argument called `now`.
//!
//! ```text
//!             now, command                     event
//!   shard ───────────────► decide(&state) ─────────────► apply(&mut state)
//!         ◄───────────────                                     ▲
//!              outcome                        log ── replay ───┘
//! ```
//!
//! # Invariants
//! They hold after every event; [`Ledger::check`] asserts those that one state can show.
//!
//! * **I1** conservation: for every SKU, available + held + sold = what was stocked less what was withdrawn.
//! * **I2** nothing below its floor, nothing over its limit: no account is negative, no shopper has more than he may.
//! * **I3** the sum of open holds equals `held`; every hold ends in exactly one way.
//! * **I5** an effect is bound to its SKU and request id: the same id with the same content gets the same answer, with other
//!   content an answer that names the field; a refusal binds nothing and is decided afresh.
//! * **I6** replay gives a state with the same [`Digest`].
//! * **I7** past its deadline a hold is none, whether its units have gone back yet or not: a payment takes them again, if they
//!   are there, or is to be refunded; time never goes back.
//!
//! I4 (what was acknowledged is durable) and I8 (a refusal for overload leaves no trace) belong to the engine and the
//! gateway; the numbers are the same in all documents.
//!
//! # Example
//! ```
//! use doorbuster_ledger::*;
//!
//! let mut ledger = Ledger::new(Rules::default(), 1);
//! let now = Timestamp::new(1_700_000_000_000);
//! let sku = SkuId::new(7);
//! let put = Command::PutSku(PutSku { sku, units: 1, user_limit: 1, order_limit: 0, ..PutSku::default() });
//! assert_eq!(ledger.execute(now, &put, |_| {}), Ok(Outcome::SkuPut));
//!
//! let reserve = Command::Reserve(Reserve {
//!     request: RequestId::new((1_700_000_000_000 << 80) | (7 << 76) | (2 << 62)),
//!     user: UserId::new(1),
//!     sku,
//!     quantity: Quantity::new(1).unwrap(),
//!     amount: Amount::new(0),
//!     hold_ms: 0,
//!     channel: ChannelId::new(0),
//!     first_attempt: true,
//!     wait_ms: 0,
//!     terms: Terms::default(),
//!     claim: None,
//! });
//! assert!(matches!(ledger.execute(now, &reserve, |_| {}), Ok(Outcome::Reserved { .. })));
//! assert_eq!(ledger.stock(sku).unwrap().held, 1);
//! ```
#![no_std]
#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::float_arithmetic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::allow_attributes,
        reason = "a test that overflows fails, as it should"
    )
)]

extern crate alloc;

mod after;
mod budget;
mod calendar;
mod campaign;
mod campaigns;
mod channels;
mod command;
mod event;
mod hash;
mod ids;
mod lag;
mod ledger;
mod legs;
mod offers;
mod order;
mod outcome;
mod payment;
mod returns;
mod sequence;
mod stock;
mod table;
mod tally;
mod waitlist;

pub use after::{
    Advance, AfterCommand, AfterEvent, AfterOutcome, AfterRefusal, AfterState, Count, Disposition,
    GoodsSnapshot, Inspect, LineMoved, Moved, OrderStep, ProgressSnapshot, Refund, SHORT_PAGE, Short,
    ShortOrder, ShortPage, Step,
};
pub use budget::{
    BudgetCommand, BudgetEvent, BudgetId, BudgetRefusal, BudgetSnapshot, Claim, CouponBatch, CouponId,
    CouponSnapshot, CouponUse, Coupons, Funder, FunderId, FunderSnapshot, MAX_FUNDED, MAX_FUNDERS, split,
};
pub use campaign::{
    CampaignEvent, CampaignSnapshot, MAX_PHASE_CHANNELS, MAX_PHASES, Phase, PhaseChannels, Price,
    PricePolicy, PriceSnapshot, Stage, Standing,
};
pub use command::{
    Activate, BeginPay, CampaignCommand, Cancel, Command, Composite, Confirm, Extend, FailPay, Line,
    MAX_LINES, PayClass, PutSku, Rebalance, Reserve, Restock, SetChannel, SetStanding, SkuCommand, Terms,
};
pub use event::{Event, LegEnd, LegHeld, Partitions, Reserved};
pub use ids::{
    Amount, CampaignId, ChannelId, GroupId, OperatorId, OrderNumber, PARTITIONS, PartitionId, PaymentId,
    Quantity, RefundId, RequestId, Share, SkuId, Timestamp, UserId,
};
pub use lag::{LAG_BOUNDS_MS, Lags};
pub use ledger::{
    Decision, Digest, ImageCampaign, ImageChannel, ImageEntry, ImageGoods, ImageLeg, ImageOrder,
    ImagePayment, ImageProgress, ImageSku, ImageSlice, Ledger, MAX_UNITS, Need, Place, Pulse, Rules, Span,
    Spare, TOUCHED, Totals, Violation,
};
pub use outcome::{
    CHANNEL_PAGE, ChannelPage, ChannelSnapshot, Field, LineSnapshot, OrderSnapshot, OrderState, Outcome,
    Refusal, StockSnapshot,
};
pub use payment::PaymentKind;
pub use returns::Returned;
