//! Sizes of the log's parts.

use super::block::{MAX_BLOCK, PAGE};
use super::error::LogError;
use super::position::Owner;

/// Default size of a segment in bytes: about a second of writing at full speed, zero-filled in some 50 ms.
pub const DEFAULT_SEGMENT: u64 = 64 << 20;

/// Most bytes of a segment: bounds what a roll-over has to prepare when nothing is ready.
const MAX_SEGMENT: u64 = 4 << 30;

/// How a log is written. Reading needs none of this: sizes may change at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Who writes; random for each start of a process.
    pub owner: Owner,
    /// Bytes of a new segment: whole pages, room for a header page and two of the largest blocks, at most 4 GiB.
    pub segment_bytes: u64,
    /// Most bytes of one block with header and padding: whole pages, at most [`MAX_BLOCK`].
    pub block_bytes: usize,
    /// Segments that the preparer keeps ready ahead of the writer; each takes `segment_bytes` of disk.
    pub ready_segments: usize,
}

impl LogOptions {
    /// The defaults: segments of 64 MiB, blocks of up to 1 MiB, two segments ahead.
    pub const fn new(owner: Owner) -> Self {
        Self { owner, segment_bytes: DEFAULT_SEGMENT, block_bytes: MAX_BLOCK, ready_segments: 2 }
    }

    pub(crate) fn check(&self) -> Result<(), LogError> {
        let page = PAGE as u64;
        if self.block_bytes < PAGE || self.block_bytes > MAX_BLOCK || !self.block_bytes.is_multiple_of(PAGE) {
            return Err(LogError::Options {
                field: "block_bytes",
                need: "whole 4 KiB pages, 4 KiB to 1 MiB",
            });
        }
        let least = page + 2 * self.block_bytes as u64;
        if self.segment_bytes < least
            || self.segment_bytes > MAX_SEGMENT
            || !self.segment_bytes.is_multiple_of(page)
        {
            let need = "whole 4 KiB pages, room for a header page and two blocks, up to 4 GiB";
            return Err(LogError::Options { field: "segment_bytes", need });
        }
        Ok(())
    }
}
