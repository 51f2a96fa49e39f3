//! The configuration as the server uses it: a struct for each section, with the defaults.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use doorbuster_engine::journal::Durability;
use doorbuster_engine::snapshot::{CompactionOptions, KeepLog};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::effective::{hold_fault, tls_fault, values};
use super::kind::shown;
use super::{ConfigError, KEYS, KEYS_FILE, Origin, Sources};
use crate::emergency::EmergencyPlan;
use crate::overload::anomaly::AnomalyRule;
use crate::overload::shoppers::ShopperLimit;
use crate::percent::Percent;
use crate::tls::TlsFiles;

/// All of it. `config/doorbuster.toml` documents every key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Addresses and threads.
    pub server: ServerConfig,
    /// How connections are encrypted.
    pub tls: TlsConfig,
    /// The log.
    pub log: LogConfig,
    /// What a start reads instead of all of it.
    pub snapshots: SnapshotsConfig,
    /// The rules of selling.
    pub rules: RulesConfig,
    /// Who may do what.
    pub security: SecurityConfig,
    /// What is done when there is too much to do.
    pub overload: OverloadConfig,
    /// The live board.
    pub board: BoardConfig,
    /// When the order rate is an anomaly.
    pub anomaly: AnomalyConfig,
    /// What is done then.
    pub emergency: EmergencyConfig,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where clients connect that speak RESP, the protocol of Redis; `off`: nowhere.
    #[serde(serialize_with = "written", deserialize_with = "address_or_off")]
    pub resp: Option<SocketAddr>,
    /// Where health and metrics are served.
    pub admin: SocketAddr,
    /// Connections at most.
    pub max_connections: usize,
    /// Those at most that come from one address.
    pub max_connections_per_address: usize,
    /// Threads that serve connections; 0: by the number of cores.
    pub reactors: usize,
    /// Shards of the ledger; 0: by the number of reactors.
    pub shards: usize,
    /// Longest wait for answers on their way when stopping, milliseconds.
    pub drain_ms: u64,
    /// How long a connection may take nothing of its answers before it is closed, milliseconds.
    pub slow_reader_ms: u64,
    /// A hold that ends later than this past its deadline is an alarm, milliseconds.
    pub release_alarm_ms: u64,
    /// How long before its prices count a campaign must have all of them, else there is an alarm, milliseconds.
    pub price_alarm_ms: u64,
    /// What is told on standard error: the syntax of tracing's `EnvFilter`.
    pub log_level: String,
}

/// `[tls]`. In a file, what is not there is `off`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The server's certificate.
    #[serde(serialize_with = "file_written", deserialize_with = "file_or_off")]
    pub certificate: Option<PathBuf>,
    /// Its private key.
    #[serde(serialize_with = "file_written", deserialize_with = "file_or_off")]
    pub key: Option<PathBuf>,
    /// Whose certificates clients must show.
    #[serde(serialize_with = "file_written", deserialize_with = "file_or_off")]
    pub client_ca: Option<PathBuf>,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The data folder.
    pub folder: PathBuf,
    /// `always`, `interval` or `none`.
    pub durability: DurabilityName,
    /// Milliseconds between syncs, where durability is `interval`.
    pub interval_ms: u32,
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// After downtime, no open hold ends earlier than this after the start, milliseconds.
    pub recovery_grace_ms: u64,
    /// The key of the pseudonyms that shoppers have in the log.
    #[serde(serialize_with = "file_written", deserialize_with = "file_or_off")]
    pub shopper_key: Option<PathBuf>,
}

/// `[snapshots]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotsConfig {
    /// Bytes of log between two snapshots; 0: there are none.
    pub every_bytes: u64,
    /// Snapshots that are kept.
    pub keep: usize,
    /// Bytes of log that are kept before the oldest of them; 0: all of it.
    pub keep_log_bytes: u64,
}

/// `[rules]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Hold time where a request names none, milliseconds.
    pub default_hold_ms: u64,
    /// Longest hold time, milliseconds.
    pub max_hold_ms: u64,
    /// How long a request's repeat is recognised, milliseconds.
    pub idempotency_window_ms: u64,
    /// How long an ended order stays readable, milliseconds.
    pub order_retention_ms: u64,
    /// How long a paid order stays readable of which nothing was heard since, milliseconds, if that is longer.
    pub paid_retention_ms: u64,
    /// How long after its delivery units of an order may come back, milliseconds.
    pub return_window_ms: u64,
    /// How far ahead of the server's clock a request id may be, milliseconds.
    pub future_tolerance_ms: u64,
    /// How much longer a hold lasts once its payment has begun, milliseconds.
    pub pay_pin_ms: u64,
    /// How long a hold lasts from the beginning of a slow payment, milliseconds.
    pub slow_pay_ms: u64,
    /// What a shopper has at least after a failed payment, milliseconds.
    pub pay_grace_ms: u64,
    /// How often a hold may be extended.
    pub max_extensions: u8,
    /// How long an offer to one who waited lasts, milliseconds.
    pub offer_ms: u64,
    /// Longest wait, milliseconds.
    pub max_wait_ms: u64,
    /// Most orders that wait for one SKU.
    pub max_waiting: u32,
}

/// `[security]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityConfig {
    /// The file with the API keys, in the data folder unless its path is absolute.
    pub keys: PathBuf,
    /// Whether ports that other machines can reach may go without API keys or without a certificate.
    pub unprotected: Unprotected,
}

/// `[overload]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverloadConfig {
    /// How much work may wait before new holds are refused, microseconds; 0: nothing is refused.
    pub backlog_us: u64,
    /// New holds that a shopper may ask for a second, in the long run; 0: as many as he likes.
    pub shopper_per_second: u32,
    /// New holds that a shopper may ask for at once.
    pub shopper_burst: u32,
    /// Shoppers that a reactor remembers for that.
    pub shoppers_remembered: u32,
    /// Work that is added to each command, microseconds: for rehearsals.
    pub added_cost_us: u64,
    /// How much may be lost of each kind before less may wait.
    pub loss_budget: Percent,
    /// An answer that takes longer is late, milliseconds.
    pub late_ms: u64,
}

/// `[board]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoardConfig {
    /// A file of goals that it shows; `off`: none.
    #[serde(serialize_with = "file_written", deserialize_with = "file_or_off")]
    pub targets: Option<PathBuf>,
}

/// `[anomaly]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnomalyConfig {
    /// When the order rate is an anomaly, and which plan is carried out then.
    pub rules: Vec<AnomalyRule>,
}

/// `[emergency]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmergencyConfig {
    /// What is done in an emergency.
    pub plans: Vec<EmergencyPlan>,
}

/// What becomes of a server that others can reach and that has no keys or no certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unprotected {
    /// It does not start.
    #[default]
    Refuse,
    /// It starts.
    Allow,
}

/// The durability levels by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityName {
    /// An answer leaves when its effect is synced to disk.
    #[default]
    Always,
    /// An answer leaves when its effect is written; a sync follows within the interval.
    Interval,
    /// An answer leaves when its effect is written; nothing is synced before a clean end.
    None,
}

fn address_or_off<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    let address = (text != "off").then(|| text.parse()).transpose();
    address.map_err(|_| D::Error::custom("invalid socket address syntax, and not \"off\""))
}

#[expect(clippy::ref_option, reason = "serde wants a reference to the field")]
fn written<S: Serializer>(address: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => to.collect_str(address),
        None => to.serialize_str("off"),
    }
}

fn file_or_off<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(from)?;
    Ok((text != "off").then(|| text.into()))
}

#[expect(clippy::ref_option, reason = "serde wants a reference to the field")]
fn file_written<S: Serializer>(file: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    match file {
        Some(file) => file.serialize(to),
        None => to.serialize_str("off"),
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            resp: None,
            admin: SocketAddr::from(([127, 0, 0, 1], 7701)),
            max_connections: 4_096,
            max_connections_per_address: 1_024,
            reactors: 0,
            shards: 0,
            drain_ms: 5_000,
            slow_reader_ms: 10_000,
            release_alarm_ms: 1_000,
            price_alarm_ms: 30 * 60 * 1_000,
            log_level: "info".to_owned(),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("doorbuster-data"),
            durability: DurabilityName::Always,
            interval_ms: 100,
            segment_bytes: doorbuster_engine::log::DEFAULT_SEGMENT,
            recovery_grace_ms: 30_000,
            shopper_key: None,
        }
    }
}

impl Default for SnapshotsConfig {
    fn default() -> Self {
        Self { every_bytes: 256 << 20, keep: 2, keep_log_bytes: 0 }
    }
}

impl Default for SecurityConfig {
    fn default() -> Self {
        Self { keys: PathBuf::from(KEYS_FILE), unprotected: Unprotected::Refuse }
    }
}

impl Default for OverloadConfig {
    fn default() -> Self {
        Self {
            backlog_us: 5_000,
            shopper_per_second: 0,
            shopper_burst: 10,
            shoppers_remembered: 65_536,
            added_cost_us: 0,
            loss_budget: Percent::whole(3),
            late_ms: 50,
        }
    }
}

impl Default for RulesConfig {
    fn default() -> Self {
        let rules = doorbuster_ledger::Rules::default();
        Self {
            default_hold_ms: u64::from(rules.default_hold_ms),
            max_hold_ms: u64::from(rules.max_hold_ms),
            idempotency_window_ms: rules.idempotency_window_ms,
            order_retention_ms: rules.order_retention_ms,
            paid_retention_ms: rules.paid_retention_ms,
            return_window_ms: rules.return_window_ms,
            future_tolerance_ms: rules.future_tolerance_ms,
            pay_pin_ms: u64::from(rules.pay_pin_ms),
            slow_pay_ms: u64::from(rules.slow_pay_ms),
            pay_grace_ms: u64::from(rules.pay_grace_ms),
            max_extensions: rules.max_extensions,
            offer_ms: u64::from(rules.offer_ms),
            max_wait_ms: u64::from(rules.max_wait_ms),
            max_waiting: rules.max_waiting,
        }
    }
}

impl Config {
    /// Reads a file's text; `file` names it in faults.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let read = Sources::parse(file, text);
        read.map(|effective| effective.config().clone()).map_err(super::Faults::into_first)
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// The first that is out of it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let values = values(self);
        for key in &KEYS {
            let value = values.get(key.name).map(|(value, _)| value.clone());
            let found = value.as_ref().map_or_else(|| "more than a file can say".to_owned(), shown);
            if value.and_then(|value| key.kind.checked(value)).is_none() {
                let (at, need) = (Origin::Default, key.need.to_owned());
                return Err(ConfigError::Value { at, key: key.name, found, need });
            }
        }
        hold_fault(&values).or_else(|| tls_fault(&values)).map_or(Ok(()), Err)
    }

    /// The file with the API keys of a data folder.
    pub fn keys_file(&self, folder: &Path) -> PathBuf {
        folder.join(&self.security.keys)
    }

    /// The durability level with its interval.
    pub fn durability(&self) -> Durability {
        match self.log.durability {
            DurabilityName::Always => Durability::Always,
            DurabilityName::Interval => Durability::Interval { ms: self.log.interval_ms },
            DurabilityName::None => Durability::None,
        }
    }

    /// When snapshots are made, and what is kept.
    pub fn compaction(&self) -> CompactionOptions {
        let SnapshotsConfig { every_bytes, keep, keep_log_bytes } = self.snapshots;
        CompactionOptions {
            every_bytes: (every_bytes != 0).then_some(every_bytes),
            keep_snapshots: keep,
            keep_log: if keep_log_bytes == 0 { KeepLog::All } else { KeepLog::Bytes(keep_log_bytes) },
        }
    }

    /// How often each shopper may ask for new holds.
    pub fn shopper_limit(&self) -> Option<ShopperLimit> {
        let overload = &self.overload;
        Some(ShopperLimit {
            per_second: NonZeroU32::new(overload.shopper_per_second)?,
            burst: NonZeroU32::new(overload.shopper_burst)?,
            remembered: usize::try_from(overload.shoppers_remembered).unwrap_or(usize::MAX),
        })
    }

    /// Where certificates are, if connections are to be encrypted.
    pub fn tls(&self) -> Option<TlsFiles> {
        let TlsConfig { certificate, key, client_ca } = self.tls.clone();
        Some(TlsFiles { certificate: certificate?, key: key?, clients: client_ca })
    }

    /// The ledger's rules.
    pub fn rules(&self) -> doorbuster_ledger::Rules {
        let rules = &self.rules;
        let ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        doorbuster_ledger::Rules {
            default_hold_ms: ms(rules.default_hold_ms),
            max_hold_ms: ms(rules.max_hold_ms),
            idempotency_window_ms: rules.idempotency_window_ms,
            order_retention_ms: rules.order_retention_ms,
            paid_retention_ms: rules.paid_retention_ms,
            return_window_ms: rules.return_window_ms,
            future_tolerance_ms: rules.future_tolerance_ms,
            pay_pin_ms: ms(rules.pay_pin_ms),
            slow_pay_ms: ms(rules.slow_pay_ms),
            pay_grace_ms: ms(rules.pay_grace_ms),
            max_extensions: rules.max_extensions,
            offer_ms: ms(rules.offer_ms),
            max_wait_ms: ms(rules.max_wait_ms),
            max_waiting: rules.max_waiting,
        }
    }
}
