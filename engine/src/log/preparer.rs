//! Fills segments with zeros before they are needed.
//!
//! Writing into pages that were written before costs half of what growing a file costs, and a sync then has no
//! metadata to journal. The filling is cut into pieces, each synced by itself, so that the writer's own syncs never
//! wait behind 64 MiB of zeros. In production a thread of its own calls [`Preparer::step`] whenever
//! [`SegmentPool::wait_for_demand`] says so, and may pause between steps; a simulator calls it where it likes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::error::LogError;
use super::pool::SegmentPool;
use super::position::SegmentNumber;
use super::segment::file_name;
use crate::storage::{StorageError, StorageFile};

/// Bytes that one step fills and syncs. 1 MiB takes 0.7 ms: what a concurrent sync of the writer waits at most.
pub const PREPARE_STEP: usize = 1 << 20;

/// Name of the file that the preparer fills.
const ASIDE: &str = "prepare.tmp";

/// Name of the file that the writer fills by itself when nothing is ready.
const ASIDE_WRITER: &str = "writer.tmp";

/// Names that a crash may leave behind and that mean nothing.
pub(super) const LEFTOVERS: [&str; 3] = [ASIDE, ASIDE_WRITER, crate::snapshot::ASIDE];

static ZEROS: [u8; PREPARE_STEP] = [0; PREPARE_STEP];

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Enough segments are ready; there was nothing to do.
    Idle,
    /// A piece was filled; there is more to do.
    Working,
    /// The segment is filled, durable and waits for the writer.
    Ready(SegmentNumber),
}

/// Prepares one segment after the other.
#[derive(Debug)]
pub struct Preparer {
    pool: Arc<SegmentPool>,
    aside: &'static str,
    filling: Option<Filling>,
    recycled: VecDeque<SegmentNumber>,
}

#[derive(Debug)]
struct Filling {
    file: Box<dyn StorageFile>,
    done: u64,
}

impl Preparer {
    pub(super) const fn new(pool: Arc<SegmentPool>) -> Self {
        Self { pool, aside: ASIDE, filling: None, recycled: VecDeque::new() }
    }

    pub(super) const fn for_writer(pool: Arc<SegmentPool>) -> Self {
        Self { pool, aside: ASIDE_WRITER, filling: None, recycled: VecDeque::new() }
    }

    /// The pool that this preparer fills.
    pub const fn pool(&self) -> &Arc<SegmentPool> {
        &self.pool
    }

    /// Gives back a segment that nobody will read again; the next one to prepare is made from its file. It is
    /// filled with zeros like a new one, so nothing of its old content can ever be taken for new, but its place on
    /// the disk is already allocated.
    ///
    /// The caller vouches that the log no longer starts there: this version's recovery reads from block 0 on and
    /// refuses a log without its first segment.
    pub fn recycle(&mut self, segment: SegmentNumber) {
        self.recycled.push_back(segment);
    }

    /// Does one bounded piece of work: starts a file, fills and syncs [`PREPARE_STEP`] bytes, or names the segment.
    ///
    /// # Errors
    /// The disk failed or is full. The file is begun anew at the next step, and the log is as good as before: the
    /// writer will try by itself when it needs a segment.
    pub fn step(&mut self) -> Result<Progress, LogError> {
        let Some(mut filling) = self.filling.take() else {
            if !self.pool.wants_more() {
                return Ok(Progress::Idle);
            }
            self.filling = Some(Filling { file: self.start()?, done: 0 });
            return Ok(Progress::Working);
        };
        if filling.done >= self.pool.segment_bytes() {
            return Ok(Progress::Ready(self.pool.publish(self.aside)?));
        }
        let end = (filling.done + PREPARE_STEP as u64).min(self.pool.segment_bytes());
        fill(filling.file.as_ref(), filling.done, end)?;
        filling.file.sync_data()?;
        filling.done = end;
        self.filling = Some(filling);
        Ok(Progress::Working)
    }

    fn start(&mut self) -> Result<Box<dyn StorageFile>, StorageError> {
        let storage = self.pool.storage();
        let Some(segment) = self.recycled.pop_front() else { return storage.create(self.aside) };
        storage.rename(&file_name(segment), self.aside)?;
        storage.sync_folder()?;
        let file = storage.open(self.aside)?;
        if file.length()? > self.pool.segment_bytes() {
            file.truncate(self.pool.segment_bytes())?;
        }
        Ok(file)
    }
}

/// Writes zeros from one offset to another.
pub(super) fn fill(file: &dyn StorageFile, from: u64, to: u64) -> Result<(), StorageError> {
    let mut at = from;
    while at < to {
        let piece = super::in_memory(to - at).min(PREPARE_STEP);
        file.write_at(at, &ZEROS[..piece])?;
        at += piece as u64;
    }
    Ok(())
}
