//! What all parts of a running server share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use doorbuster_engine::Engine;
use doorbuster_engine::clock::Clock;
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::LogId;
use doorbuster_engine::storage::SyncDelay;
use doorbuster_ledger::Rules;
use doorbuster_protocol::people::Request;

use super::Setup;
use crate::admin::Dev;
use crate::emergency::{Bounds, Emergency};
use crate::feed::Desk;
use crate::keys::LiveKeys;
use crate::live::LiveDuration;
use crate::overload::{Breakers, Micros, Moment, breaker, losses};
use crate::pseudonyms::Pseudonyms;
use crate::reactor::{Callers, ReactorStats};
use crate::reload::Reloader;
use crate::targets::Targets;
use crate::tls::Tls;

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
