//! The Doorbuster server: listeners and sessions, admin port, configuration and command line.
//!
//! [`Server`] is the whole of it; the `doorbuster` binary is [`cli`] and nothing else. For tests of your own software
//! against a real server in the same process, see [`testing`].

mod admin;
mod audit;
mod campaign;
pub mod cli;
mod config;
mod convert;
mod duration;
mod emergency;
mod error;
mod exposure;
mod faults;
mod feed;
pub mod http;
pub mod keys;
mod late;
mod listener;
mod live;
mod log_level;
mod overload;
mod percent;
mod pseudonyms;
mod reactor;
mod reload;
mod report;
mod server;
pub mod simulation;
mod sku;
mod supervisor;
mod targets;
pub mod testing;
mod tls;
mod utc;

pub use config::{
    AnomalyConfig, BoardConfig, Config, ConfigError, DurabilityName, Effective, EmergencyConfig, Faults,
    KEYS, Key, LogConfig, Origin, OverloadConfig, Reload, RulesConfig, SecurityConfig, ServerConfig,
    SnapshotsConfig, Sources, TlsConfig, Unprotected,
};
pub use emergency::{Action, EmergencyPlan};
pub use error::ServerError;
pub use overload::anomaly::{AnomalyRule, Per};
pub use overload::losses::Lost;
pub use overload::shoppers::ShopperLimit;
pub use percent::{Percent, PercentError};
pub use pseudonyms::{PseudonymError, Pseudonyms};
pub use reactor::{OpStats, Pressure, ReactorStats, Verdict};
pub use server::{Server, Setup};
pub use tls::{Stream, TlsError, TlsFiles};
