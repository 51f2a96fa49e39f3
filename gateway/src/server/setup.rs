//! How a server is set up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use doorbuster_engine::Options;
use doorbuster_engine::clock::{Clock, DevClock, SystemClock};
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::LogOptions;
use doorbuster_engine::snapshot::CompactionOptions;
use doorbuster_engine::storage::{FileStorage, Storage, SyncDelay};
use doorbuster_ledger::Rules;

use crate::emergency::EmergencyPlan;
use crate::error::ServerError;
use crate::overload::anomaly::AnomalyRule;
use crate::overload::shoppers::ShopperLimit;
use crate::percent::Percent;
use crate::pseudonyms::Pseudonyms;
use crate::tls::TlsFiles;

/// How a server is set up. [`Config`](crate::Config) makes one from files, environment and flags.
#[derive(Debug)]
pub struct Setup {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where clients connect that speak RESP; `None`: nowhere.
    pub resp: Option<SocketAddr>,
    /// Where health and metrics are served; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// Where the log is.
    pub storage: Arc<dyn Storage>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// The ledger's rules.
    pub rules: Rules,
    /// When answers may leave.
    pub durability: Durability,
    /// Shards; 0: as many as reactors, rounded up to a power of two.
    pub shards: usize,
    /// Reactors; 0: one a core; the journal sleeps in its syncs and needs little of one.
    pub reactors: usize,
    /// After downtime, no open hold ends earlier than this, milliseconds.
    pub recovery_grace_ms: u64,
    /// A hold that ends later than this past its deadline is an alarm, milliseconds.
    pub release_alarm_ms: u64,
    /// How long before its prices count a campaign must have all of them, milliseconds.
    pub price_alarm_ms: u64,
    /// Bytes of a log segment.
    pub segment_bytes: u64,
    /// When snapshots are made, and what of the log is kept.
    pub compaction: CompactionOptions,
    /// Connections at most.
    pub max_connections: usize,
    /// Connections at most that come from one address, or one IPv6 network of 64 bits; the admin port's don't count.
    pub max_connections_per_address: usize,
    /// What all ports encrypt with; `None`: nothing.
    pub tls: Option<TlsFiles>,
    /// How long a connection may take nothing of its answers before it is closed.
    pub slow_reader: Duration,
    /// Longest wait for answers on their way when stopping.
    pub drain: Duration,
    /// How much work may wait before new holds are refused, microseconds; 0: nothing is refused.
    pub backlog_us: u64,
    /// How often each shopper may ask for new holds; `None`: as often as he likes.
    pub shopper_limit: Option<ShopperLimit>,
    /// Work that is added to each command, microseconds: for rehearsals.
    pub added_cost_us: u64,
    /// How much may be lost of each kind before less may wait.
    pub loss_budget: Percent,
    /// An answer that takes longer is late.
    pub late: Duration,
    /// A file of goals that the board shows.
    pub targets: Option<PathBuf>,
    /// When the order rate is an anomaly.
    pub anomaly_rules: Vec<AnomalyRule>,
    /// What is done then, or by hand.
    pub emergency_plans: Vec<EmergencyPlan>,
    /// What the log and the feed call shoppers; `None`: what clients call them.
    pub pseudonyms: Option<Pseudonyms>,
    /// The data folder, in which it stands which key the log's pseudonyms are by; `None`: it stands nowhere.
    pub folder: Option<PathBuf>,
    /// Where it is written down what plans have done, so that a restart forgets none; `None`: nowhere.
    pub plan_journal: Option<PathBuf>,
    /// Whether a thread of the server looks for anomalies, ten times a second; else [`Server::look`](super::Server::look) does.
    pub watches: bool,
    /// Whether ports that other machines can reach may go without API keys or without a certificate.
    pub unprotected: bool,
    /// The file with the API keys, which is looked at now and then; `None`: there are none, and everything is open.
    pub keys: Option<PathBuf>,
    /// The data is thrown away when the server stops; told to clients, so that a drill knows.
    pub throwaway: bool,
    /// The clock, where it may be put forward over the admin port: only on data that may be thrown away. It must be what
    /// `clock` is.
    pub dev_clock: Option<Arc<DevClock>>,
    /// What makes syncs of the log slow over the admin port: only on data that may be thrown away. `storage` must obey it.
    pub sync_delay: Option<Arc<SyncDelay>>,
}

impl Setup {
    /// The documented defaults on a data folder.
    ///
    /// # Errors
    /// The folder can't be opened: see [`StorageError`](doorbuster_engine::storage::StorageError).
    pub fn on_folder(folder: impl Into<PathBuf>) -> Result<Self, ServerError> {
        let storage = FileStorage::open(folder.into()).map_err(ServerError::Storage)?;
        let plan_journal = Some(storage.path().join(crate::emergency::FILE));
        let folder = Some(storage.path().to_owned());
        let keys = Some(storage.path().join(crate::config::KEYS_FILE));
        let on_storage = Self::on_storage(Arc::new(storage), Arc::new(SystemClock));
        Ok(Self { folder, plan_journal, keys, ..on_storage })
    }

    /// The documented defaults on any storage and clock, loopback, on free ports.
    pub fn on_storage(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: loopback,
            resp: None,
            admin: None,
            storage,
            clock,
            rules: Rules::default(),
            durability: Durability::Always,
            shards: 0,
            reactors: 0,
            recovery_grace_ms: 30_000,
            release_alarm_ms: 1_000,
            price_alarm_ms: 30 * 60 * 1_000,
            segment_bytes: doorbuster_engine::log::DEFAULT_SEGMENT,
            compaction: CompactionOptions::default(),
            max_connections: 4_096,
            max_connections_per_address: 1_024,
            tls: None,
            slow_reader: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            backlog_us: 5_000,
            shopper_limit: None,
            added_cost_us: 0,
            loss_budget: Percent::whole(3),
            late: Duration::from_millis(50),
            targets: None,
            anomaly_rules: Vec::new(),
            emergency_plans: Vec::new(),
            pseudonyms: None,
            folder: None,
            plan_journal: None,
            watches: true,
            unprotected: false,
            keys: None,
            throwaway: false,
            dev_clock: None,
            sync_delay: None,
        }
    }

    /// What the engine is opened with.
    pub(crate) fn options(&self, shards: usize, log: LogOptions, seed: u64) -> Options {
        Options {
            shards,
            rules: self.rules,
            durability: self.durability,
            recovery_grace_ms: self.recovery_grace_ms,
            log,
            compaction: self.compaction,
            seed,
            added_cost: Duration::from_micros(self.added_cost_us),
        }
    }
}
