//! Where prepared segments wait for the writer.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::error::LogError;
use super::position::SegmentNumber;
use super::segment::file_name;
use crate::storage::{Storage, StorageFile};

/// Segments that are filled with zeros, synced and named, in the order of their numbers.
///
/// Shared by the writer and the preparer. Numbers are given when a segment gets its name, under the lock, so that
/// two preparers (the thread's and the writer's own for emergencies) can't leave a gap.
#[derive(Debug)]
pub struct SegmentPool {
    storage: Arc<dyn Storage>,
    segment_bytes: u64,
    target: usize,
    state: Mutex<State>,
    demand: Condvar,
}

#[derive(Debug)]
struct State {
    next: SegmentNumber,
    ready: VecDeque<ReadySegment>,
    closed: bool,
}

/// A segment that nothing was written to but zeros.
#[derive(Debug)]
pub(super) struct ReadySegment {
    pub(super) number: SegmentNumber,
    pub(super) file: Box<dyn StorageFile>,
}

impl SegmentPool {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        segment_bytes: u64,
        target: usize,
        next: SegmentNumber,
        ready: VecDeque<ReadySegment>,
    ) -> Self {
        let state = Mutex::new(State { next, ready, closed: false });
        Self { storage, segment_bytes, target, state, demand: Condvar::new() }
    }

    /// Segments that are ready.
    pub fn ready(&self) -> usize {
        self.state.lock().ready.len()
    }

    /// Whether fewer segments are ready than should be.
    pub fn wants_more(&self) -> bool {
        self.ready() < self.target.max(1)
    }

    /// Blocks until a segment is wanted. Answers `false` once the pool is closed: the preparer's thread ends then.
    pub fn wait_for_demand(&self) -> bool {
        let mut state = self.state.lock();
        while !state.closed && state.ready.len() >= self.target.max(1) {
            self.demand.wait(&mut state);
        }
        !state.closed
    }

    /// Lets every [`SegmentPool::wait_for_demand`] end.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.demand.notify_all();
    }

    pub(super) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    pub(super) const fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    pub(super) fn take(&self) -> Option<ReadySegment> {
        let taken = self.state.lock().ready.pop_front();
        self.demand.notify_all();
        taken
    }

    /// Gives a filled and synced file the next segment's name, and opens it by that name, so that errors tell it.
    pub(super) fn publish(&self, aside: &str) -> Result<SegmentNumber, LogError> {
        let mut state = self.state.lock();
        let number = state.next;
        self.storage.rename(aside, &file_name(number))?;
        self.storage.sync_folder()?;
        let file = self.storage.open(&file_name(number))?;
        state.next = number.plus(1);
        state.ready.push_back(ReadySegment { number, file });
        drop(state);
        Ok(number)
    }
}
