//! Flash-sale drills: open-loop load, latency histograms, and an audit of what the server did.
//!
//! A drill sends what a sale's crowd would send, when it would send it, whether or not the server keeps up;
//! it keeps its own account of every answer; and afterwards it compares that account with the server's orders,
//! stock and log. It shares no code with the ledger or the engine that it audits.
//!
//! ```text
//! scenario ─► schedule ─► worker ──frames──► server
//!                │           │                  │
//!             shoppers   recorder, journal      │ orders, stock, log
//!                            │                  ▼
//!                            └────────────► audit ─► verdict ─► report
//! ```

pub mod all;
pub mod audit;
pub mod calibrate;
pub mod cli;
pub mod compare;
pub mod drill;
pub mod exit;
pub mod frames;
pub mod health;
pub mod ids;
pub mod journal;
pub mod knee;
pub mod machine;
pub mod net;
pub mod pin;
pub mod population;
pub mod program;
pub mod progress;
pub mod recorder;
pub mod release_lag;
pub mod report;
pub mod resident;
pub mod saturate;
pub mod scenario;
pub mod schedule;
pub mod shards;
pub mod spread;
pub mod target;
pub mod verdict;
pub mod worker;
