//! A server's parts, without threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorbuster_engine::journal::Scribe;
use doorbuster_engine::log::{LogError, LogOptions, Lsn, Preparer};
use doorbuster_engine::snapshot::Compactor;
use doorbuster_engine::{Engine, Opened, Recovery};

use super::cable::{Peer, connect};
use super::network::{Arrivals, SimNetwork, VirtualTime};
use crate::error::ServerError;
use crate::feed::Desk;
use crate::keys::LiveKeys;
use crate::reactor::{Callers, Door, Flow, Reactor};
use crate::server::{Setup, Shared, Start, wakers};

/// Who may take a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A reactor takes the next of the four steps of a pass: it lies down to rest, reads, decides, or lets answers go. Where it
    /// sleeps, it is taken to wake because its tick is over.
    Reactor(usize),
    /// Somebody else visits a shard.
    Shard(usize),
    /// Somebody else visits the desk of orders over several shards.
    Desk,
    /// The scribe fills a block and writes it.
    Write,
    /// The scribe syncs what it has written.
    Sync,
    /// The preparer fills a piece of a segment.
    Prepare,
    /// The keeper makes memory ready.
    Keep,
    /// The compactor does a piece of the next snapshot, or clears away what an older one made needless.
    Compact,
}

/// The next step of a reactor's pass.
#[derive(Clone, Copy, Debug)]
enum Next {
    Rest,
    /// After a rest that may last so long.
    Gather(Duration),
    Decide,
    GiveOut,
    /// It has ended, as the log has failed or the node was told to stop.
    Nothing,
}

#[derive(Debug)]
struct Seat {
    /// `None` when it has ended: its connections are closed.
    reactor: Option<Reactor<SimNetwork>>,
    next: Next,
    arrivals: Arrivals,
    door: Arc<Door>,
    /// Set by the door's waker, cleared by the reactor's next step.
    woken: Arc<AtomicBool>,
}

/// See the [module's doc](super). Dropping it is a crash of the process: nothing is written any more, and its connections end.
#[derive(Debug)]
pub struct Node {
    shared: Arc<Shared>,
    reactors: Vec<Seat>,
    scribe: Scribe,
    preparer: Preparer,
    compactor: Compactor,
    recovery: Recovery,
}

impl Node {
    /// Recovers the data and is ready to take steps. Of the setup all counts but what listens and has threads; 0 reactors or
    /// shards are 1. `log` are the log's sizes; equal seeds and equal steps give equal nodes.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn open(
        setup: Setup,
        log: LogOptions,
        seed: u64,
        time: &Arc<VirtualTime>,
    ) -> Result<Self, ServerError> {
        let reactors = setup.reactors.max(1);
        let woken: Vec<Arc<AtomicBool>> = (0..reactors).map(|_| Arc::default()).collect();
        let doors: Vec<Arc<Door>> = woken.iter().map(door).collect();
        let desk = Desk::new(reactors);
        let options = setup.options(setup.shards.max(1), log, seed);
        let Opened { engine, scribe, preparer, compactor, recovery } =
            Engine::open(&setup.storage, &options, Arc::clone(&setup.clock), wakers(&doors, &desk))?;
        let max_connections = setup.max_connections.div_ceil(reactors);
        let keys = LiveKeys::open(setup.keys.clone()).map_err(ServerError::Keys)?;
        let callers = Callers::new(setup.max_connections_per_address);
        let start = Start {
            reactors,
            seed,
            started: time.start(),
            desk,
            keys,
            max_connections,
            callers,
            tls: None,
            targets: None,
        };
        let shared = Arc::new(Shared::new(setup, engine, recovery.log_id, start));
        let seat = |(index, (door, woken))| {
            let arrivals = Arrivals::default();
            let network = SimNetwork::new(Arc::clone(time), Arc::clone(&arrivals));
            let reactor = Reactor::new(index, network, Arc::clone(&door), Arc::clone(&shared));
            Seat { reactor: Some(reactor), next: Next::Rest, arrivals, door, woken }
        };
        let reactors = doors.into_iter().zip(woken).enumerate().map(seat).collect();
        Ok(Self { shared, reactors, scribe, preparer, compactor, recovery })
    }

    /// Opens a connection to a reactor.
    ///
    /// # Panics
    /// There is no such reactor: the test is wrong.
    pub fn connect(&self, reactor: usize) -> Peer {
        let (peer, stream) = connect();
        let seat = self.reactors.get(reactor).expect("the test names a reactor that the node has");
        seat.arrivals.lock().push_back(stream);
        seat.door.wake();
        peer
    }

    /// Whether a reactor goes on before its tick is over: it is in the middle of a pass, has something to do, or was woken.
    ///
    /// # Panics
    /// As [`connect`](Self::connect).
    pub fn is_awake(&self, reactor: usize) -> bool {
        let seat = self.reactors.get(reactor).expect("the test names a reactor that the node has");
        let has_news = |reactor: &Reactor<SimNetwork>| reactor.network().has_news();
        match seat.next {
            Next::Gather(timeout) => {
                timeout.is_zero()
                    || seat.woken.load(Ordering::Relaxed)
                    || seat.reactor.as_ref().is_some_and(has_news)
            }
            Next::Rest | Next::Decide | Next::GiveOut => true,
            Next::Nothing => false,
        }
    }

    /// Lets a part take a step.
    ///
    /// # Errors
    /// The log has failed, and the part says why. Nothing is acknowledged any more, as [`failed`](Self::failed) says.
    pub fn step(&mut self, part: Part) -> Result<(), ServerError> {
        let engine = &self.shared.engine;
        match part {
            Part::Reactor(index) => {
                if let Some(seat) = self.reactors.get_mut(index) {
                    seat.step()?;
                }
            }
            // Nobody has this number: all reactors are woken.
            Part::Shard(shard) => drop(engine.visit(shard, usize::MAX)),
            Part::Desk => drop(engine.visit_desk(usize::MAX)),
            Part::Write => drop(self.scribe.write().map_err(|error| failed(&error))?),
            Part::Sync => self.scribe.sync(false).map_err(|error| failed(&error))?,
            // No failure of the node: the writer fills the segment itself then, and fails if the disk still does.
            Part::Prepare => drop(self.preparer.step()),
            Part::Keep => drop(engine.keeper().step()),
            // No failure of the node: the snapshot is given up, and the log is as it was.
            Part::Compact => {
                let durable = Lsn::new(engine.journal().durable());
                drop(self.compactor.step(durable, &mut |_| true));
            }
        }
        Ok(())
    }

    /// Tells the node to take no new work, to answer what it has, and to end.
    pub fn stop(&self) {
        self.shared.stop();
        self.reactors.iter().for_each(|seat| seat.door.wake());
    }

    /// Whether every reactor has ended.
    pub fn is_over(&self) -> bool {
        self.reactors.iter().all(|seat| seat.reactor.is_none())
    }

    /// Whether the log has failed: every process that sees this ends.
    pub fn failed(&self) -> bool {
        self.shared.engine.journal().poisoned().is_some()
    }

    /// Ends the log in good order: everything that was written is durable and proven to be.
    ///
    /// # Errors
    /// The disk fails.
    pub fn seal(&mut self) -> Result<(), ServerError> {
        self.scribe.write().map_err(|error| failed(&error))?;
        self.scribe.seal().map_err(|error| failed(&error))
    }

    /// What was found in the log.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The engine, for looking at.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// What each reactor counts.
    pub fn stats(&self) -> impl Iterator<Item = &crate::ReactorStats> {
        self.shared.stats.iter().map(AsRef::as_ref)
    }
}

impl Seat {
    fn step(&mut self) -> Result<(), ServerError> {
        let Some(reactor) = &mut self.reactor else { return Ok(()) };
        self.next = match self.next {
            Next::Rest => Next::Gather(reactor.rest()),
            Next::Gather(timeout) => {
                self.woken.store(false, Ordering::Relaxed);
                let gathered = reactor.gather(timeout);
                gathered.map_err(|error| ServerError::Io { doing: "serve connections", error })?;
                Next::Decide
            }
            Next::Decide => {
                reactor.decide();
                Next::GiveOut
            }
            Next::GiveOut => match reactor.give_out() {
                Flow::On => Next::Rest,
                Flow::Ended => Next::Nothing,
            },
            Next::Nothing => Next::Nothing,
        };
        if let Next::Nothing = self.next {
            self.reactor = None;
        }
        Ok(())
    }
}

/// A door whose waker says that it was used.
fn door(woken: &Arc<AtomicBool>) -> Arc<Door> {
    let woken = Arc::clone(woken);
    Arc::new(Door::new(Arc::new(move || woken.store(true, Ordering::Relaxed))))
}

fn failed(error: &LogError) -> ServerError {
    ServerError::LogFailed { why: error.to_string().into() }
}
