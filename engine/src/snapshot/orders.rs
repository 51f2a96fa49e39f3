//! What others want of the compactor, and what they may know of its work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::header::SnapshotHeader;
use crate::log::Lsn;

/// A position that stands for none.
const NONE: u64 = u64::MAX;

/// See the module's doc. Each figure is a fact of its own, and nothing is ordered by them: relaxed.
#[derive(Debug)]
pub struct SnapshotOrders {
    wanted: AtomicBool,
    newest: AtomicU64,
    made: AtomicU64,
    bytes: AtomicU64,
    failed: AtomicU64,
}

impl SnapshotOrders {
    /// Of a log that was recovered with this snapshot.
    pub(crate) fn new(newest: Option<&SnapshotHeader>) -> Self {
        Self {
            wanted: AtomicBool::new(false),
            newest: AtomicU64::new(newest.map_or(NONE, |header| header.place.lsn.get())),
            made: AtomicU64::new(0),
            bytes: AtomicU64::new(newest.map_or(0, |header| header.length)),
            failed: AtomicU64::new(0),
        }
    }

    /// Wants one of the latest position where a segment begins, however little was written since the last. Nothing is done where
    /// the newest one is of that position already, and nothing twice where one is being made.
    pub fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether one is wanted that is not begun.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// The position that the newest one is of.
    pub fn newest(&self) -> Option<Lsn> {
        let position = self.newest.load(Ordering::Relaxed);
        (position != NONE).then(|| Lsn::new(position))
    }

    /// Its length, bytes.
    pub fn newest_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many were made since the start.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// How many could not be made since the start.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Takes the wish, if there is one.
    pub(super) fn take(&self) -> bool {
        self.is_wanted() && self.wanted.swap(false, Ordering::Relaxed)
    }

    pub(super) fn note(&self, header: &SnapshotHeader) {
        self.newest.store(header.place.lsn.get(), Ordering::Relaxed);
        self.bytes.store(header.length, Ordering::Relaxed);
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}
