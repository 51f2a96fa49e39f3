//! A server's parts, without threads.

use std::sync::Arc;

use doorbuster_engine::journal::Scribe;
use doorbuster_engine::log::{LogError, LogOptions, Lsn, Preparer};
use doorbuster_engine::snapshot::Compactor;
use doorbuster_engine::{Engine, Opened, Recovery};

use super::cable::{Peer, connect};
use super::network::{Arrivals, SimNetwork, VirtualTime};
use crate::error::ServerError;
use crate::feed::Desk;
use crate::reactor::{Door, Flow, Reactor};
use crate::server::{Setup, Shared, Start, wakers};

/// Who may take a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A reactor takes the next of the three steps of a pass: it reads, decides, or lets answers go.
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
    Gather,
    Decide,
    GiveOut,
    /// It has ended, as the log has failed.
    Nothing,
}

#[derive(Debug)]
struct Seat {
    reactor: Reactor<SimNetwork>,
    next: Next,
    arrivals: Arrivals,
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
        let doors: Vec<Arc<Door>> = (0..reactors).map(|_| Arc::new(Door::new(Arc::new(|| {})))).collect();
        let desk = Desk::new(reactors);
        let options = setup.options(setup.shards.max(1), log, seed);
        let Opened { engine, scribe, preparer, compactor, recovery } =
            Engine::open(&setup.storage, &options, Arc::clone(&setup.clock), wakers(&doors, &desk))?;
        let max_connections = setup.max_connections.div_ceil(reactors);
        let start = Start { reactors, seed, started: time.start(), desk, max_connections };
        let shared = Arc::new(Shared::new(setup, engine, recovery.log_id, start));
        let seat = |(index, door)| {
            let arrivals = Arrivals::default();
            let network = SimNetwork::new(Arc::clone(time), Arc::clone(&arrivals));
            let reactor = Reactor::new(index, network, door, Arc::clone(&shared));
            Seat { reactor, next: Next::Gather, arrivals }
        };
        let reactors = doors.into_iter().enumerate().map(seat).collect();
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
        peer
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
        self.next = match self.next {
            Next::Gather => {
                let gathered = self.reactor.gather();
                gathered.map_err(|error| ServerError::Io { doing: "serve connections", error })?;
                Next::Decide
            }
            Next::Decide => {
                self.reactor.decide();
                Next::GiveOut
            }
            Next::GiveOut => match self.reactor.give_out() {
                Flow::On => Next::Gather,
                Flow::Ended => Next::Nothing,
            },
            Next::Nothing => Next::Nothing,
        };
        Ok(())
    }
}

fn failed(error: &LogError) -> ServerError {
    ServerError::LogFailed { why: error.to_string().into() }
}
