//! A running server: engine, reactors and admin port, started and stopped together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use doorbuster_engine::clock::{Clock, DevClock, SystemClock};
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::{LogId, LogOptions, Owner};
use doorbuster_engine::snapshot::CompactionOptions;
use doorbuster_engine::storage::{FileStorage, Storage, SyncDelay, random_u64};
use doorbuster_engine::{Engine, EngineError, Opened, Options, Recovery, Threads, Waker};
use doorbuster_ledger::Rules;
use doorbuster_protocol::people::Request;

use crate::admin::{Admin, Dev, Lobby};
use crate::config::MAX_REACTORS;
use crate::emergency::{Bounds, Emergency, EmergencyPlan, Watcher};
use crate::error::ServerError;
use crate::exposure::Protection;
use crate::feed::Desk;
use crate::keys::{KeysError, LiveKeys};
use crate::listener;
use crate::live::LiveDuration;
use crate::overload::anomaly::AnomalyRule;
use crate::overload::shoppers::ShopperLimit;
use crate::overload::{Breakers, Micros, Moment, breaker, losses};
use crate::percent::Percent;
use crate::pseudonyms::Pseudonyms;
use crate::reactor::{Callers, Dialect, Door, Reactor, ReactorStats, Sockets};
use crate::reload::{ReloadError, Reloader, Report};
use crate::targets::Targets;
use crate::tls::{Tls, TlsFiles};

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
    /// Whether a thread of the server looks for anomalies, ten times a second; else [`Server::look`] does.
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

/// Who is woken when something is decided or durable: the reactors; behind them the feed, which gets no batches; and behind that
/// whoever carries plans out, and the admin port, who look for their answers themselves.
pub(crate) fn wakers(doors: &[Arc<Door>], desk: &Arc<Desk>) -> Vec<Waker> {
    let nobody: Waker = Arc::new(|| {});
    let wakers = doors.iter().map(|door| {
        let door = Arc::clone(door);
        Arc::new(move || door.wake()) as Waker
    });
    wakers.chain([desk.waker(), Arc::clone(&nobody), nobody]).collect()
}

/// File descriptors that the log, the admin port and the threads need beside connections.
pub(crate) const RESERVED_DESCRIPTORS: u64 = 64;

/// Raises the process's limit of file descriptors as far as the system lets it, and lowers the number of connections to
/// what then fits: a log that finds no descriptor for its next segment would end the server.
fn within_descriptors(connections: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Some(connections as u64 + RESERVED_DESCRIPTORS);
    let raised = limit.maximum.map_or(wanted, |maximum| wanted.map(|wanted| wanted.min(maximum)));
    let mut current = limit.current;
    if current.is_some() && current < raised {
        let set = setrlimit(Resource::Nofile, Rlimit { current: raised, maximum: limit.maximum });
        current = if set.is_ok() { raised } else { current };
    }
    let room = current.map_or(u64::MAX, |current| current.saturating_sub(RESERVED_DESCRIPTORS).max(1));
    let allowed = usize::try_from(room).unwrap_or(usize::MAX).min(connections);
    if allowed < connections {
        tracing::warn!(
            allowed,
            wanted = connections,
            "the limit of file descriptors (ulimit -n) allows fewer connections"
        );
    }
    allowed
}

/// What reactors and the admin port share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    /// The machine's clock, which may be behind the engine's.
    clock: Arc<dyn Clock>,
    pub(crate) rules: Rules,
    pub(crate) durability: Durability,
    pub(crate) log_id: [u8; 16],
    pub(crate) throwaway: bool,
    /// Where fetches are left.
    pub(crate) desk: Arc<Desk>,
    /// What shoppers are called behind the reactors.
    pub(crate) pseudonyms: Option<Pseudonyms>,
    /// What moves time; `None` on servers that keep their data.
    pub(crate) dev: Option<Dev>,
    /// What makes syncs slow; `None` on servers that keep their data.
    pub(crate) sync_delay: Option<Arc<SyncDelay>>,
    pub(crate) max_connections: usize,
    pub(crate) callers: Arc<Callers>,
    /// `None`: nothing is encrypted.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) drain: LiveDuration,
    /// How long a connection may take nothing of its answers before it is closed.
    pub(crate) slow_reader: LiveDuration,
    /// An answer that takes longer is late.
    pub(crate) late: LiveDuration,
    pub(crate) breakers: Breakers,
    pub(crate) emergency: Emergency,
    /// Who may do what.
    pub(crate) keys: LiveKeys,
    /// Goals that the board shows.
    pub(crate) targets: Option<Arc<Targets>>,
    /// What reads the configuration again; empty where the server was not started from one.
    pub(crate) reloader: OnceLock<Reloader>,
    /// The start of the time by which the rules of overload go.
    started: Instant,
    pub(crate) seed: u64,
    pub(crate) stats: Vec<Arc<ReactorStats>>,
    /// Set once, by whoever stops the server; reactors look at it each pass.
    stop: AtomicBool,
}

/// What is known at a start, beside the setup.
pub(crate) struct Start {
    pub(crate) reactors: usize,
    pub(crate) seed: u64,
    pub(crate) started: Instant,
    pub(crate) desk: Arc<Desk>,
    pub(crate) keys: LiveKeys,
    /// Of each reactor.
    pub(crate) max_connections: usize,
    pub(crate) callers: Arc<Callers>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) targets: Option<Arc<Targets>>,
}

impl Shared {
    pub(crate) fn new(setup: Setup, engine: Arc<Engine>, log_id: LogId, start: Start) -> Self {
        let Start { reactors, seed, started, desk, keys, max_connections, callers, tls, targets } = start;
        Self {
            clock: setup.clock,
            rules: setup.rules,
            durability: setup.durability,
            log_id: log_id.get().to_be_bytes(),
            throwaway: setup.throwaway,
            desk,
            pseudonyms: setup.pseudonyms,
            keys,
            dev: setup.dev_clock.map(Dev::new),
            sync_delay: setup.sync_delay,
            max_connections,
            callers,
            tls,
            drain: LiveDuration::new(setup.drain),
            slow_reader: LiveDuration::new(setup.slow_reader),
            started,
            targets,
            emergency: Emergency::new(
                setup.anomaly_rules,
                setup.emergency_plans,
                (reactors, seed),
                Bounds {
                    shopper_limit: setup.shopper_limit,
                    losses: losses::Settings {
                        budget: setup.loss_budget.ten_thousandths(),
                        target_us: setup.backlog_us,
                    },
                },
            ),
            late: LiveDuration::new(setup.late),
            reloader: OnceLock::new(),
            breakers: Breakers::new(engine.shards(), &breaker::Settings::default(), seed),
            seed,
            stats: (0..reactors).map(|_| Arc::default()).collect(),
            stop: AtomicBool::new(false),
            engine,
        }
    }

    /// Puts pseudonyms in the places of people, where they have some.
    #[inline]
    pub(crate) fn rename(&self, request: &mut impl Request) {
        if let Some(pseudonyms) = &self.pseudonyms {
            request.rename(|person, number| pseudonyms.of(person, number));
        }
    }

    /// Asks reactors and the feed to come to an end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// A time, as the rules of overload see it.
    pub(crate) fn moment(&self, at: Instant) -> Moment {
        let passed = at.saturating_duration_since(self.started).as_micros();
        Moment::after_start(Micros::from_us(u64::try_from(passed).unwrap_or(u64::MAX)))
    }

    /// How far the clock is behind the latest time that the log or an answer carries, milliseconds. Above 0 only after
    /// the clock was set back or the log came from a machine whose clock was ahead; time stands still meanwhile.
    pub(crate) fn clock_behind_ms(&self) -> u64 {
        // In this order: the clock goes on between the two readings, and seems level rather than behind.
        let engine = self.engine.now();
        engine.since(self.clock.now())
    }

    pub(crate) fn durability_byte(&self) -> u8 {
        match self.durability {
            Durability::Always => 0,
            Durability::Interval { .. } => 1,
            Durability::None => 2,
        }
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    listen: SocketAddr,
    resp: Option<SocketAddr>,
    admin: Option<Admin>,
    recovery: Recovery,
    doors: Vec<Arc<Door>>,
    reactors: Vec<JoinHandle<std::io::Result<()>>>,
    feed: JoinHandle<()>,
    watcher: Option<Watcher>,
    log: Threads,
}

impl Server {
    /// Recovers the data, listens, and serves.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start(mut setup: Setup) -> Result<Self, ServerError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let reactors = if setup.reactors == 0 { cores.min(MAX_REACTORS) } else { setup.reactors };
        let shards = if setup.shards == 0 { reactors.next_power_of_two().min(64) } else { setup.shards };
        let io = |doing: &'static str| move |error| ServerError::Io { doing, error };
        let keys = LiveKeys::open(setup.keys.take()).map_err(ServerError::Keys)?;
        let tls = setup.tls.take().map(Tls::load).transpose()?.map(Arc::new);
        if !setup.unprotected {
            let protection = Protection { has_keys: !keys.ring().is_empty(), encrypts: tls.is_some() };
            protection.check([Some(setup.listen), setup.resp, setup.admin].into_iter().flatten())?;
        }
        let targets = setup.targets.as_deref().map(Targets::read).transpose()?.map(Arc::new);
        let (listener, listen) = listener::bind(setup.listen)?;
        let resp = setup.resp.map(listener::bind).transpose()?;
        let admin = setup.admin.map(Admin::bind).transpose()?;
        let lobby = admin.as_ref().map(|listener| Lobby::open(listener, tls.clone())).transpose()?;
        let max_connections = within_descriptors(setup.max_connections);
        let callers = Callers::new(setup.max_connections_per_address);

        let prepared = Sockets::prepare(reactors, &callers, tls.as_ref());
        let mut prepared = prepared.map_err(io("set up a reactor"))?;
        let doors: Vec<_> = prepared.iter().map(|sockets| Arc::clone(sockets.door())).collect();
        let desk = Desk::new(reactors);
        let seed = random_u64().map_err(ServerError::Storage)?;
        let owner = Owner::new(random_u64().map_err(ServerError::Storage)?);
        let log = LogOptions { segment_bytes: setup.segment_bytes, ..LogOptions::new(owner) };
        let options = setup.options(shards, log, seed);
        let Opened { engine, scribe, preparer, compactor, recovery } =
            Engine::open(&setup.storage, &options, Arc::clone(&setup.clock), wakers(&doors, &desk))?;
        if let Some(folder) = &setup.folder {
            let has_begun = recovery.events > 0 || recovery.snapshot.is_some();
            Pseudonyms::bind(setup.pseudonyms.as_ref(), folder, has_begun)?;
        }
        engine.alarm_above(setup.release_alarm_ms);
        engine.campaigns().alarm_prices_before(setup.price_alarm_ms);
        let log = engine.start(scribe, preparer, compactor)?;
        let journal = setup.plan_journal.take();
        let (storage, looks) = (Arc::clone(&setup.storage), setup.watches);
        let max_connections = max_connections.div_ceil(reactors);
        let started = Instant::now();
        let start = Start { reactors, seed, started, desk, keys, max_connections, callers, tls, targets };
        let shared = Arc::new(Shared::new(setup, engine, recovery.log_id, start));
        let resumed = shared.emergency.enter(|room| room.resume(&shared, journal.as_deref()));
        resumed.map_err(io("read the journal of plans"))?;
        let resp_listen = resp.as_ref().map(|(_, address)| *address);
        if let Some(first) = prepared.first_mut() {
            first.listen(listener, Dialect::Native).map_err(io("set up a reactor"))?;
            if let Some((listener, _)) = resp {
                first.listen(listener, Dialect::Resp).map_err(io("set up a reactor"))?;
            }
        }
        let mut threads = Vec::new();
        for (index, sockets) in prepared.into_iter().enumerate() {
            let door = Arc::clone(sockets.door());
            let reactor = Reactor::new(index, sockets, door, Arc::clone(&shared));
            let thread = std::thread::Builder::new().name(format!("reactor-{index}"));
            threads.push(thread.spawn(move || reactor.run()).map_err(io("start a reactor"))?);
        }
        let feed = shared.desk.start(storage, Arc::clone(&shared), doors.clone());
        let feed = feed.map_err(io("start the feed"))?;
        if let Some(lobby) = lobby {
            lobby.close();
        }
        let admin = admin.map(|listener| Admin::start(listener, Arc::clone(&shared))).transpose()?;
        let anything = looks && shared.emergency.watches();
        let watcher = anything.then(|| Watcher::start(Arc::clone(&shared))).transpose();
        let watcher = watcher.map_err(io("start the watcher"))?;
        Ok(Self {
            shared,
            listen,
            resp: resp_listen,
            admin,
            recovery,
            doors,
            reactors: threads,
            feed,
            watcher,
            log,
        })
    }

    /// Where clients connect.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where clients connect that speak RESP.
    pub fn resp(&self) -> Option<SocketAddr> {
        self.resp
    }

    /// Where health and metrics are served.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::listen)
    }

    /// What was found in the log.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The engine, for looking at.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Looks for anomalies as of so long after the start, carries plans out, and reverts those whose time is up: what a thread
    /// does where [`Setup::watches`]. Time must not go back.
    pub fn look(&self, since_start: Duration) {
        let us = u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX);
        self.shared.emergency.look(&self.shared, Moment::after_start(Micros::from_us(us)));
    }

    /// Lets the configuration be read again, by a signal or over the admin port. What is given first counts.
    pub(crate) fn reload_with(&self, reloader: Reloader) {
        if self.shared.reloader.set(reloader).is_err() {
            tracing::debug!("the configuration is read again as it was said first");
        }
    }

    /// Reads the configuration again, and takes over what may change while the server runs.
    ///
    /// # Errors
    /// Something is wrong with it; nothing was taken over.
    pub(crate) fn reload(&self) -> Result<Report, ReloadError> {
        crate::reload::reload(&self.shared)
    }

    /// Reads the keys again if their file is another one than at the last look: what `doorbuster serve` does many times a second. Says
    /// whether they have changed.
    ///
    /// # Errors
    /// Something is wrong with the file; the keys that counted still count. The same is said once.
    pub fn look_at_keys(&self) -> Result<bool, KeysError> {
        self.shared.keys.look()
    }

    /// Whether there are keys, so that nothing but health is open without one.
    pub fn has_keys(&self) -> bool {
        !self.shared.keys.ring().is_empty()
    }

    /// What each reactor counts.
    pub fn stats(&self) -> impl Iterator<Item = &ReactorStats> {
        self.shared.stats.iter().map(AsRef::as_ref)
    }

    /// Whether the log has failed: nothing is acknowledged any more, and [`stop`](Self::stop) says why.
    pub fn failed(&self) -> bool {
        self.shared.engine.journal().poisoned().is_some() || self.reactors.iter().any(JoinHandle::is_finished)
    }

    /// Takes no new work, waits for the answers on their way, writes a digest, syncs and ends.
    ///
    /// # Errors
    /// The log failed, now or earlier, or a thread did.
    pub fn stop(self) -> Result<(), ServerError> {
        self.shared.stop();
        for door in &self.doors {
            door.wake();
        }
        self.shared.desk.wake();
        let mut outcome = Ok(());
        if self.watcher.is_some_and(|watcher| !watcher.stop()) {
            outcome = Err(ServerError::Panicked);
        }
        for reactor in self.reactors {
            match reactor.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(ServerError::Io { doing: "serve connections", error }),
                Err(_) => outcome = Err(ServerError::Panicked),
            }
        }
        self.shared.desk.end();
        if self.feed.join().is_err() {
            outcome = Err(ServerError::Panicked);
        }
        if let Some(admin) = self.admin {
            admin.stop();
        }
        let closed = self.shared.engine.close(self.log);
        match closed {
            Err(EngineError::Poisoned { why }) => Err(ServerError::LogFailed { why }),
            Err(error) => Err(error.into()),
            Ok(()) => outcome,
        }
    }
}
