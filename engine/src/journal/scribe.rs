//! The one who writes the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::tickets::{HandOver, Turns};
use super::{Durability, Journal};
use crate::clock::Clock;
use crate::log::{LogError, Writer};
use crate::planted::{Bug, is_planted};
use crate::port::Ports;

/// Longest sleep of an idle scribe: how late, at most, an interval's sync is noticed to be due.
const IDLE: Duration = Duration::from_millis(5);

/// Takes hand-overs in ticket order and makes them durable. A step function over plain data: a thread of its own drives
/// it in production, a seeded loop in the simulator.
#[derive(Debug)]
pub struct Scribe {
    journal: Arc<Journal>,
    ports: Arc<Ports>,
    writer: Writer,
    clock: Arc<dyn Clock>,
    durability: Durability,
    turns: Turns,
    /// Bytes of the block that is being filled or written.
    block_bytes: u64,
    block_events: u64,
    last_sync: Instant,
    unsynced: bool,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing waited.
    Idle,
    /// A block was filled and written; [`Scribe::sync`] comes next.
    Written,
}

impl Scribe {
    pub(crate) fn new(
        journal: Arc<Journal>,
        ports: Arc<Ports>,
        writer: Writer,
        clock: Arc<dyn Clock>,
        durability: Durability,
    ) -> Self {
        let turns = Turns::new(journal.durable());
        Self {
            journal,
            ports,
            writer,
            clock,
            durability,
            turns,
            block_bytes: 0,
            block_events: 0,
            last_sync: Instant::now(),
            unsynced: false,
        }
    }

    /// Fills a block with all that waits, as far as it fits, and writes it.
    ///
    /// # Errors
    /// The log failed. The journal is poisoned; so it is for every later step.
    pub fn write(&mut self) -> Result<Step, LogError> {
        let begun = self.writer.begin();
        self.check(begun)?;
        while let Some(next) = self.next() {
            let room = self.writer.room();
            if next.bytes.len() > room {
                if self.block_events == 0 {
                    // Bounds that are checked when the program is built keep this from happening.
                    self.journal
                        .poison(format!("{} bytes of events don't fit an empty block", next.bytes.len()));
                }
                self.turns.put_back(next);
                break;
            }
            let pushed = self.writer.push(&next.bytes, next.count);
            self.check(pushed)?;
            self.block_events += u64::from(next.count);
            self.block_bytes += next.bytes.len() as u64;
            self.journal.give_back(next.bytes);
        }
        if self.block_events == 0 {
            return Ok(Step::Idle);
        }
        let now = self.clock.now();
        let written = self.writer.write(now.raw());
        self.check(written)?;
        self.unsynced = true;
        if is_planted(Bug::AcknowledgeBeforeSync) {
            self.let_go();
        }
        Ok(Step::Written)
    }

    /// Makes what was written durable, as far as the durability level asks for it, and lets the answers go.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn sync(&mut self, force: bool) -> Result<(), LogError> {
        let due = match self.durability {
            Durability::Always => true,
            Durability::Interval { ms } => self.last_sync.elapsed() >= Duration::from_millis(u64::from(ms)),
            Durability::None => false,
        };
        if self.unsynced && (due || force) {
            let synced = self.writer.sync();
            self.check(synced)?;
            self.unsynced = false;
            self.last_sync = Instant::now();
        }
        self.let_go();
        Ok(())
    }

    /// Lets the answers go to what was written.
    fn let_go(&mut self) {
        if self.block_events > 0 {
            self.journal.ahead_bytes.fetch_sub(self.block_bytes, Ordering::Relaxed);
            (self.block_events, self.block_bytes) = (0, 0);
            self.journal.durable.store(self.turns.taken(), Ordering::Release);
            self.ports.wake_all();
        }
    }

    /// Ends the log in good order: all that was written is durable and proven to be.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn seal(&mut self) -> Result<(), LogError> {
        self.sync(true)?;
        let sealed = self.writer.seal(self.clock.now().raw());
        self.check(sealed)
    }

    /// Runs until the journal is closed or poisoned: the body of the journal's thread.
    pub(crate) fn run(mut self, closed: &dyn Fn() -> bool) {
        let journal = Arc::clone(&self.journal);
        let _guard = journal.poison_on_panic();
        self.journal.bell.listen();
        while self.journal.poisoned.get().is_none() {
            let started = Instant::now();
            match self.write() {
                Err(_) => break,
                Ok(Step::Written) => {
                    let (events, bytes) = (self.block_events, self.block_bytes);
                    if self.sync(false).is_err() {
                        break;
                    }
                    self.journal.stats.record(events, bytes, started.elapsed());
                }
                Ok(Step::Idle) => {
                    if self.sync(false).is_err() || (closed() && self.journal.tickets.is_empty()) {
                        break;
                    }
                    self.journal.bell.sleep(IDLE, || self.journal.tickets.is_empty());
                }
            }
        }
        if self.journal.poisoned.get().is_none() {
            // A failure has poisoned the journal and is reported from there.
            drop(self.seal());
        }
        self.ports.wake_all();
    }

    /// The hand-over whose turn it is, if it has come.
    fn next(&mut self) -> Option<HandOver> {
        self.turns.next(&self.journal.tickets)
    }

    fn check<T>(&self, result: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(error) = &result {
            self.journal.poison(error.to_string());
            self.ports.wake_all();
        }
        result
    }
}
