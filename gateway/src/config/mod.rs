//! Configuration: every key has a default; one TOML file overrides it, the environment overrides the file, and flags override
//! both.
//!
//! ```text
//! defaults ◄── file (TOML) ◄── DOORBUSTER_SECTION__KEY ◄── flags, --set section.key=value
//!                  │                     │                        │
//!                  └────► each value, read and checked by its Key ┘
//!                                        │ with where it came from
//!                                        ▼
//!                                    Effective ──► Config
//! ```
//!
//! [`KEYS`] is the one list of what can be set: unit, range, whether it may change while the server runs, meaning. The
//! readers, the messages of faults, `doorbuster config show` and the table of `docs/operations.md` are made of it.
//!
//! All faults are found at once, each with its place, and one is enough for nothing to be taken over.

mod effective;
mod error;
mod key;
mod keys;
mod kind;
mod nearest;
mod origin;
mod place;
mod reading;
mod sections;
mod sources;

pub(crate) use self::effective::Change;
pub use self::effective::Effective;
pub use self::error::{ConfigError, Faults};
pub use self::key::{Key, Reload};
pub use self::keys::KEYS;
pub use self::origin::Origin;
pub use self::sections::{
    AnomalyConfig, BoardConfig, Config, DurabilityName, EmergencyConfig, LogConfig, OverloadConfig,
    RulesConfig, SecurityConfig, ServerConfig, SnapshotsConfig, TlsConfig, Unprotected,
};
pub use self::sources::Sources;

/// The file with the API keys, in the data folder, unless configured otherwise.
pub(crate) const KEYS_FILE: &str = "keys.json";

/// Most reactors; more threads than this gain nothing on one log.
pub(crate) const MAX_REACTORS: usize = 64;
