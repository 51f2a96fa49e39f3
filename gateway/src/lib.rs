//! The Doorbuster server: listeners and sessions, admin port, configuration and command line.
//!
//! [`Server`] is the whole of it; the `doorbuster` binary is [`cli`] and nothing else. For tests of your own software
//! against a real server in the same process, see [`testing`].

mod admin;
pub mod cli;
mod config;
mod convert;
mod duration;
mod error;
mod feed;
mod late;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        unused_imports,
        reason = "only its own tests use it until reactors refuse by these rules"
    )
)]
pub(crate) mod overload;
mod reactor;
mod server;
mod sku;
pub mod testing;
mod utc;

pub use config::{Config, ConfigError, DurabilityName, LogConfig, RulesConfig, ServerConfig};
pub use error::ServerError;
pub use reactor::{OpStats, ReactorStats};
pub use server::{Server, Setup};
