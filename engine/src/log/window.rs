//! Large sequential reads of a segment.

use super::block::MAX_BLOCK;
use crate::storage::{StorageError, StorageFile};

/// Bytes of one read: large enough that the read's fixed cost and the carried-over rest don't count.
const READ_BYTES: usize = 8 << 20;

/// A piece of a file in memory that moves forward.
#[derive(Debug)]
pub(super) struct Window {
    memory: Vec<u8>,
    /// File offset of the first byte in memory.
    start: u64,
    filled: usize,
    ended: bool,
}

impl Window {
    /// A window for files of up to `longest` bytes; a short file is read at once.
    pub(super) fn new(longest: u64) -> Self {
        // One byte more than the file has, so that the read comes back short and its end is seen.
        let memory = usize::try_from(longest).map_or(READ_BYTES, |longest| READ_BYTES.min(longest + 1));
        Self { memory: vec![0; memory], start: 0, filled: 0, ended: false }
    }

    /// Forgets everything: the next read is of another file.
    pub(super) const fn reset(&mut self) {
        self.start = 0;
        self.filled = 0;
        self.ended = false;
    }

    /// The file's bytes from `offset` on: at least a whole block of the largest size, unless the file ends before.
    /// Offsets may only grow between two resets.
    pub(super) fn at(&mut self, file: &dyn StorageFile, offset: u64) -> Result<&[u8], StorageError> {
        let mut skip = super::in_memory(offset.saturating_sub(self.start));
        if !self.ended && self.filled < skip + MAX_BLOCK {
            let kept = self.filled.saturating_sub(skip);
            self.memory.copy_within(self.filled - kept..self.filled, 0);
            let read = file.read_at(offset + kept as u64, &mut self.memory[kept..])?;
            self.start = offset;
            self.filled = kept + read;
            self.ended = self.filled < self.memory.len();
            skip = 0;
        }
        Ok(self.memory.get(skip..self.filled).unwrap_or_default())
    }
}

const _: () = assert!(READ_BYTES >= 2 * MAX_BLOCK);
