//! A running server: engine, reactors and admin port, started and stopped together.

mod setup;
mod shared;

pub use setup::Setup;
pub(crate) use shared::{Shared, Start};

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use doorbuster_engine::log::{LogOptions, Owner};
use doorbuster_engine::storage::random_u64;
use doorbuster_engine::{Engine, EngineError, Opened, Recovery, Threads, Waker};

use crate::admin::{Admin, Lobby};
use crate::config::MAX_REACTORS;
use crate::emergency::Watcher;
use crate::error::ServerError;
use crate::exposure::Protection;
use crate::feed::Desk;
use crate::keys::{KeysError, LiveKeys};
use crate::listener;
use crate::overload::{Micros, Moment};
use crate::pseudonyms::Pseudonyms;
use crate::reactor::{Callers, Dialect, Door, Reactor, ReactorStats, Sockets};
use crate::reload::{ReloadError, Reloader, Report};
use crate::targets::Targets;
use crate::tls::Tls;

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
