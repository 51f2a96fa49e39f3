//! The threads of a running engine: each drives one step function.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::EngineError;
use crate::journal::{Journal, Scribe};
use crate::keeper::Keeper;
use crate::log::{Lsn, Preparer, Progress};
use crate::snapshot::{Compactor, CompactorStep, SnapshotError};
use crate::sync::AtomicBool;

/// How often the preparer looks whether the writer has taken a segment: a segment lasts about a second at full speed.
const PREPARER_IDLE: Duration = Duration::from_millis(20);

/// How often the compactor looks whether there is enough log for a snapshot.
const COMPACTOR_IDLE: Duration = Duration::from_millis(500);

/// How long the compactor leaves off when it could not make a snapshot: a full disk stays full for a while, and each try reads
/// much.
const COMPACTOR_PAUSE: Duration = Duration::from_mins(1);

/// Most bytes of a snapshot that are written in a second: a sixteenth of what a disk can do that the log needs too.
const SNAPSHOT_RATE: u64 = 64 << 20;

/// How long the compactor rests after each step of reading: about four times as long as it worked.
const COMPACTOR_REST: Duration = Duration::from_micros(500);

/// What the compactor's thread is to the scheduler: it gets what others leave.
const NICEST: i32 = 19;

/// Threads of a running engine.
#[derive(Debug)]
pub struct Threads {
    journal: JoinHandle<()>,
    preparer: JoinHandle<()>,
    compactor: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

impl Threads {
    /// Starts them; they end when `closed` is set, or the journal is poisoned.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(crate) fn start(
        (scribe, preparer, compactor): (Scribe, Preparer, Compactor),
        journal: &Arc<Journal>,
        keeper: &Arc<Keeper>,
        closed: &Arc<AtomicBool>,
    ) -> Result<Self, EngineError> {
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let until = Until { closed: Arc::clone(closed), journal: Arc::clone(journal) };
        let scribes = Arc::clone(closed);
        Ok(Self {
            journal: spawn("journal")
                .spawn(move || scribe.run(&|| scribes.load(Ordering::Acquire)))
                .map_err(EngineError::Thread)?,
            preparer: spawn("preparer")
                .spawn({
                    let until = until.clone();
                    move || prepare(preparer, &until)
                })
                .map_err(EngineError::Thread)?,
            compactor: spawn("compactor")
                .spawn(move || compact(compactor, &until))
                .map_err(EngineError::Thread)?,
            keeper: keeper.start().map_err(EngineError::Thread)?,
        })
    }

    /// Waits until they have ended; returns whether all did in good order.
    pub(crate) fn join(self) -> bool {
        let journal = self.journal.join();
        self.preparer.thread().unpark();
        self.compactor.thread().unpark();
        let others = [self.preparer.join(), self.compactor.join(), self.keeper.join()];
        journal.is_ok() && others.iter().all(Result::is_ok)
    }
}

/// How long a thread runs.
#[derive(Clone, Debug)]
struct Until {
    closed: Arc<AtomicBool>,
    journal: Arc<Journal>,
}

impl Until {
    fn goes_on(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && self.journal.poisoned().is_none()
    }
}

fn prepare(mut preparer: Preparer, until: &Until) {
    while until.goes_on() {
        match preparer.step() {
            Ok(Progress::Working | Progress::Ready(_)) => {}
            Ok(Progress::Idle) => std::thread::park_timeout(PREPARER_IDLE),
            Err(error) => {
                // Not fatal here: the writer prepares a segment itself when it needs one, and fails then if the disk still
                // does.
                tracing::warn!(%error, "can't prepare a log segment ahead");
                std::thread::park_timeout(PREPARER_IDLE);
            }
        }
    }
}

fn compact(mut compactor: Compactor, until: &Until) {
    if let Err(error) = rustix::process::setpriority_process(None, NICEST) {
        tracing::warn!(%error, "snapshots are made at the priority of everything else");
    }
    let mut pace = |bytes: u64| {
        std::thread::park_timeout(Duration::from_micros(bytes * 1_000_000 / SNAPSHOT_RATE));
        until.goes_on()
    };
    while until.goes_on() {
        match compactor.step(Lsn::new(until.journal.durable()), &mut pace) {
            Ok(CompactorStep::Working) => std::thread::park_timeout(COMPACTOR_REST),
            Err(EngineError::Snapshot(SnapshotError::Stopped)) => {}
            Ok(CompactorStep::Idle) => std::thread::park_timeout(COMPACTOR_IDLE),
            Ok(CompactorStep::Written(header)) => {
                let (position, bytes) = (header.place.lsn.get(), header.length);
                tracing::info!(position, bytes, entries = header.entries, "made a snapshot");
            }
            Err(error) => {
                // Not fatal: the log has everything. A start takes longer.
                tracing::warn!(%error, "can't make a snapshot; trying again in a minute");
                std::thread::park_timeout(COMPACTOR_PAUSE);
            }
        }
    }
}
