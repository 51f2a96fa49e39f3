//! The sharded in-memory ledger on one group-committed log.
//!
//! ```text
//! reactor ──batch──► shard inbox ──try-lock──► ledger ──events, ticket──► journal ──one block, one sync──► disk
//!    ▲                                            │                          │
//!    └───────── answers, once durable ◄───────────┴──────────────────────────┘
//! ```
//!
//! [`Engine`] puts the parts together: [`shard`] decides, [`journal`] orders and makes durable, [`log`] lays blocks out
//! on disk and reads them back, [`snapshot`] keeps a start from reading all of them, [`storage`] and [`clock`] are the seams where a simulator takes the place of the
//! machine. Every part is a step function over plain data; threads only drive them.
//!
//! What the engine promises, with the numbers of the ledger's documentation: **I4** an answer leaves only when the last
//! change that it has seen is durable at the chosen level, and **I6** replaying the log gives the same state. On the
//! first IO error it stops for good: nothing is acknowledged afterwards.

pub mod backup;
pub mod campaigns;
pub mod clock;
mod combiner;
mod composite;
mod directory;
mod engine;
mod error;
#[cfg(test)]
mod interleavings;
pub mod journal;
mod keeper;
pub mod log;
mod notices;
#[doc(hidden)]
pub mod planted;
mod port;
mod replay;
mod restore;
pub mod shard;
pub mod snapshot;
pub mod storage;
mod sync;
mod threads;

pub use directory::{SoldOut, VALID_MS};
pub use engine::{Engine, MAX_SHARDS, Opened, Options, Recovery};
pub use error::EngineError;
pub use keeper::Keeper;
pub use notices::{MAX_NOTICES, News, Notice};
pub use port::{MAX_BATCHES, Waker};
pub use threads::Threads;
