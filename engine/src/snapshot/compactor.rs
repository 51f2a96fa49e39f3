//! The one who makes snapshots: a step function, driven by a thread of its own in production and by a simulator in tests.
//!
//! ```text
//! idle ──enough log──► load the snapshot before ──► replay to where a segment begins ──► write
//!   ▲                                                                                      │
//!   └── remove what is old ◄── give it its name ◄── read it back and compare its digest ◄──┘
//! ```
//!
//! It reads the log from the files, like anybody else, up to what the journal calls durable, and keeps a ledger of its own
//! while it works. Nobody waits for it, and it waits for nobody.

use std::ops::ControlFlow;
use std::sync::Arc;

use doorbuster_ledger::{Ledger, Place, Rules, Violation};

use super::error::{SnapshotError, SnapshotFault};
use super::file::{SnapshotReader, publish, write};
use super::header::SnapshotHeader;
use super::options::{CompactionOptions, KeepLog};
use super::orders::SnapshotOrders;
use super::shelf::{ASIDE, name, snapshots};
use crate::error::EngineError;
use crate::log::record::Record;
use crate::log::{Cursor, LogPlace, Lsn, SegmentNumber, remove_segments};
use crate::storage::Storage;

/// Bytes of log that one step replays, or a block, if that is longer: half a millisecond's work.
const REPLAY: u64 = 64 << 10;

/// What must be left of the disk beside a snapshot, in segments: the log is what the disk is for.
const SPARE_SEGMENTS: u64 = 8;

/// Between two seeds. The golden ratio of 2^64, as in `SplitMix64`: no two of them are alike for long.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// See the module's doc.
#[derive(Debug)]
pub struct Compactor {
    storage: Arc<dyn Storage>,
    options: CompactionOptions,
    orders: Arc<SnapshotOrders>,
    rules: Rules,
    seed: u64,
    segment_bytes: u64,
    cursor: Cursor,
    /// The newest snapshot that is known to be sound.
    newest: Option<SnapshotHeader>,
    /// Positions of snapshots that were found damaged; removed with the next one that is old.
    unsound: Vec<Lsn>,
    job: Option<Job>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompactorStep {
    /// There is nothing to do yet.
    Idle,
    /// A part of the work; more is to be done.
    Working,
    /// A snapshot was written, and what is old was removed.
    Written(SnapshotHeader),
}

/// Where a snapshot is to be made.
#[derive(Clone, Copy, Debug)]
struct Goal {
    segment: SegmentNumber,
    place: LogPlace,
}

#[derive(Debug)]
struct Job {
    goal: Goal,
    ledger: Ledger,
    /// The snapshot that is being read, until all of it is: the one before, or the one that was just written.
    reader: Option<SnapshotReader>,
    /// Position up to which the ledger has the log.
    at: Lsn,
    time_ms: u64,
    /// What was written, once it is.
    written: Option<SnapshotHeader>,
}

impl Compactor {
    /// For a log that was recovered with `newest`, and with snapshots that were found to be unsound.
    ///
    /// # Errors
    /// The log's segments can't be read.
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        (options, orders): (CompactionOptions, Arc<SnapshotOrders>),
        (rules, seed): (Rules, u64),
        segment_bytes: u64,
        (newest, unsound): (Option<SnapshotHeader>, Vec<Lsn>),
    ) -> Result<Self, EngineError> {
        let cursor = Cursor::open(Arc::clone(&storage))?;
        Ok(Self { storage, options, orders, rules, seed, segment_bytes, cursor, newest, unsound, job: None })
    }

    /// Does the next piece of work, given how far the log is durable. `pace` is called after each piece that is written; it may take
    /// its time, and gives the snapshot up by returning false.
    ///
    /// # Errors
    /// The disk failed, or the log can't be read. The snapshot that was being made is given up; a later step begins anew.
    pub fn step(
        &mut self,
        durable: Lsn,
        pace: &mut dyn FnMut(u64) -> bool,
    ) -> Result<CompactorStep, EngineError> {
        let done = self.advance(durable, pace);
        if !matches!(done, Ok(_) | Err(EngineError::Snapshot(SnapshotError::Stopped))) {
            self.orders.note_failure();
        }
        done
    }

    fn advance(
        &mut self,
        durable: Lsn,
        pace: &mut dyn FnMut(u64) -> bool,
    ) -> Result<CompactorStep, EngineError> {
        let Some(job) = self.job.take() else { return self.begin(durable) };
        if job.reader.is_some() {
            return self.load(job);
        }
        if let Some(header) = job.written {
            publish(self.storage.as_ref(), &header)?;
            self.newest = Some(header);
            self.orders.note(&header);
            self.clear_away()?;
            return Ok(CompactorStep::Written(header));
        }
        if job.at < job.goal.place.lsn {
            return self.replay(job);
        }
        self.write(job, pace)
    }

    fn write(
        &mut self,
        mut job: Job,
        pace: &mut dyn FnMut(u64) -> bool,
    ) -> Result<CompactorStep, EngineError> {
        let need = job.ledger.bytes() as u64 + SPARE_SEGMENTS * self.segment_bytes;
        let have = self.storage.free_bytes().map_err(SnapshotError::from)?;
        if have < need {
            return Err(SnapshotError::NoRoom { need, have }.into());
        }
        let marks = (job.goal.segment, job.goal.place, job.time_ms);
        let written = write(self.storage.as_ref(), self.cursor.log_id(), marks, &job.ledger, pace);
        let header = match written {
            Ok(header) => header,
            Err(error) => {
                // What is left of it only takes room; the next one overwrites it.
                drop(self.storage.remove(ASIDE));
                return Err(error.into());
            }
        };
        // The first ledger's memory is given back before the second takes as much.
        job.ledger = self.ledger();
        job.written = Some(header);
        let aside = SnapshotReader::open_aside(self.storage.as_ref(), self.cursor.log_id(), header.place.lsn);
        job.reader = Some(aside?);
        self.job = Some(job);
        Ok(CompactorStep::Working)
    }

    /// Starts a snapshot where the latest segment begins of which something is durable, if enough was written since the last, or
    /// somebody wants one.
    fn begin(&mut self, durable: Lsn) -> Result<CompactorStep, EngineError> {
        let wanted = self.orders.take();
        if self.options.every_bytes.is_none() && !wanted {
            return Ok(CompactorStep::Idle);
        }
        let Some((segment, place)) = self.cursor.begun(durable)? else { return Ok(CompactorStep::Idle) };
        let (from, lsn, length) = match &self.newest {
            Some(newest) => (newest.segment, newest.place.lsn, newest.length),
            None => (self.cursor.first_segment(), Lsn::default(), 0),
        };
        let sealed = segment.get().saturating_sub(from.get()).saturating_mul(self.segment_bytes);
        let due = self.options.every_bytes.is_some_and(|every| sealed >= every.max(length));
        if !(due || wanted) || place.lsn <= lsn {
            return Ok(CompactorStep::Idle);
        }
        let mut job = Job {
            goal: Goal { segment, place },
            ledger: self.ledger(),
            reader: None,
            at: Lsn::default(),
            time_ms: 0,
            written: None,
        };
        if let Some(newest) = &self.newest {
            match SnapshotReader::open(self.storage.as_ref(), self.cursor.log_id(), newest.place.lsn) {
                Ok(reader) => job.reader = Some(reader),
                Err(error) => return self.fall_back(error),
            }
        }
        self.job = Some(job);
        Ok(CompactorStep::Working)
    }

    /// An empty ledger, with another seed than all before: entries come in the order of the hashes of the ledger that told
    /// them, and a table that is filled in the order of its own hashes is filled very slowly.
    fn ledger(&mut self) -> Ledger {
        self.seed = self.seed.wrapping_add(SEED_STEP);
        Ledger::new(self.rules, self.seed)
    }

    fn load(&mut self, mut job: Job) -> Result<CompactorStep, EngineError> {
        let Some(reader) = &mut job.reader else { return Ok(CompactorStep::Working) };
        let mut entries = Vec::new();
        let header = *reader.header();
        let written = job.written.is_some();
        let fault = match reader.read(|entry| entries.push(entry)) {
            Err(error) if written => return Err(error.into()),
            Err(error) => return self.fall_back(error),
            Ok(true) => job.ledger.load(&entries).err().map(SnapshotFault::Violation),
            Ok(false) => {
                let (found, need) = (job.ledger.digest(), header.digest);
                (found != need).then_some(SnapshotFault::Digest { found, need })
            }
        };
        if let Some(fault) = fault {
            let error = reader.unsound(fault);
            return if written { Err(error.into()) } else { self.fall_back(error) };
        }
        if entries.is_empty() {
            job.reader = None;
            (job.at, job.time_ms) = (header.place.lsn, header.time_ms);
        }
        self.job = Some(job);
        Ok(CompactorStep::Working)
    }

    /// The newest snapshot turned out to be damaged: the next step begins with an older one, or with the log's start.
    fn fall_back(&mut self, error: SnapshotError) -> Result<CompactorStep, EngineError> {
        let SnapshotError::Unsound { .. } = error else { return Err(error.into()) };
        tracing::warn!(%error, "a snapshot is damaged; an older one is used, or the whole log");
        let Some(damaged) = self.newest.take() else { return Err(error.into()) };
        self.unsound.push(damaged.place.lsn);
        for lsn in snapshots(self.storage.as_ref()).map_err(SnapshotError::from)? {
            if lsn < damaged.place.lsn
                && let Ok(reader) = SnapshotReader::open(self.storage.as_ref(), self.cursor.log_id(), lsn)
            {
                self.newest = Some(*reader.header());
                break;
            }
        }
        Ok(CompactorStep::Working)
    }

    fn replay(&mut self, mut job: Job) -> Result<CompactorStep, EngineError> {
        let mut violated: Option<Violation> = None;
        let until = job.goal.place.lsn;
        job.at = self.cursor.read(job.at, until, REPLAY, |_, record| {
            if let Record::Event(event) = record
                && let Err(violation) = job.ledger.apply(event, Place::default())
            {
                violated = Some(violation);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if let Some(violation) = violated {
            return Err(EngineError::Violation(violation));
        }
        job.time_ms = job.time_ms.max(self.cursor.time_ms());
        self.job = Some(job);
        Ok(CompactorStep::Working)
    }

    /// Removes what is not kept any more, the oldest first, so that a crash leaves no gap.
    fn clear_away(&mut self) -> Result<(), EngineError> {
        let storage = self.storage.as_ref();
        let clear = || -> Result<Option<Lsn>, SnapshotError> {
            let (unsound, sound): (Vec<_>, Vec<_>) =
                snapshots(storage)?.into_iter().partition(|lsn| self.unsound.contains(lsn));
            let kept = self.options.keep_snapshots.max(1).min(sound.len());
            for lsn in sound[kept..].iter().chain(&unsound) {
                storage.remove(&name(*lsn))?;
            }
            storage.sync_folder()?;
            Ok(sound.get(kept.saturating_sub(1)).copied())
        };
        let oldest = clear()?;
        self.unsound.clear();
        let (KeepLog::Bytes(keep), Some(oldest)) = (self.options.keep_log, oldest) else { return Ok(()) };
        let reader = SnapshotReader::open(storage, self.cursor.log_id(), oldest)?;
        let before = reader.header().segment;
        if remove_segments(storage, before, keep)? > 0 {
            self.cursor = Cursor::open(Arc::clone(&self.storage))?;
        }
        Ok(())
    }
}
