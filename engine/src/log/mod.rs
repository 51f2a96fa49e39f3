//! The log's block layer: what is durable, in which order, and how that is known after a crash.
//!
//! A log is a row of segments of equal size, a segment is a header page and blocks, a block is a header and an
//! opaque payload, padded to whole pages. One block is one group commit: one positioned write, one sync.
//!
//! ```text
//! segment-0000000001.log                        segment-0000000002.log
//! ┌────────┬─────────┬─────────┬───┬──────┐     ┌────────┬─────────┬──────┐
//! │ header │ block 0 │ block 1 │ … │ zero │     │ header │ block 7 │ zero │
//! └────────┴─────────┴─────────┴───┴──────┘     └────────┴─────────┴──────┘
//!  first block 0                                 first block 7
//! ```
//!
//! # Rules
//! * **L1** Blocks are numbered from 0 without a gap, each names the checksum and the hash of the one before
//!   ([`Link`]) and the count of events before it ([`Lsn`]). What is read back is therefore a prefix of what was
//!   written, or an error.
//! * **L2** Each block says up to which block the log was durable when it was written (`durable_before`). So a bad
//!   block is either corruption, because something later proves that it had been durable, or a tear, because
//!   nothing does. Corruption is refused, a tear is cut.
//! * **L3** A segment's header is written only after everything before it was synced: a header is a proof, too.
//!   A segment takes over at its first block, whatever the segment before still holds at or behind that number.
//! * **L4** No page that may hold acknowledged bytes is written again. Recovery can't know whether the blocks
//!   behind the last proof reached the disk or only the page cache (a sync may have failed before the crash), so
//!   it copies them into a fresh segment, adds an empty block that proves them, syncs, and gives the segment its
//!   name only then. A crash at any step of this leaves the old segment in charge, or the new one, whole. A name
//!   of a segment on disk is therefore never taken back, but may be given to a better copy of the same blocks.
//! * **L5** Segments are filled with zeros and synced before they get a name ([`Preparer`]), so that writing a
//!   block neither grows a file nor allocates an extent, and so that old content is never behind the log's end.
//! * **L6** The first failed write or sync poisons the [`Writer`]; it answers that same error from then on.
//!
//! An epoch is one recovery and the writing after it; it starts with the empty block of L4. Epoch and owner are in
//! each block so that the same blocks can be carried by a replicated log, where they fence a deposed writer.
//!
//! What this layer doesn't do: it doesn't know what an event is, when to sync, or what time it is.
mod block;
mod buffer;
mod chain;
mod copy;
mod cursor;
mod error;
mod options;
mod pool;
mod position;
mod preparer;
mod reader;
pub mod record;
mod recovery;
mod segment;
mod tail;
mod walk;
mod window;
mod writer;

pub use block::{BLOCK_HEADER_LEN, BLOCK_VERSION, BlockFault, BlockHeader, MAX_BLOCK, PAGE};
pub(crate) use block::{u32_at, u64_at};
pub use chain::{BlockHash, Link, LogPlace};
pub use copy::{CopiedSegment, Take, copy_segment, segment_header};
pub use cursor::{Cursor, LogEnd};
pub use error::{LogError, Proof, VisitError};
pub use options::{DEFAULT_SEGMENT, LogOptions};
pub use pool::SegmentPool;
pub use position::{BlockNumber, BlockPlace, Epoch, Lsn, Owner, SegmentNumber};
pub use preparer::{PREPARE_STEP, Preparer, Progress};
pub use reader::{Scan, oldest_segment, remove_segments, scan, scan_from};
pub use recovery::{Recovered, recover};
pub use segment::{SEGMENT_HEADER_LEN, SegmentHeader};
pub use tail::TornTail;
pub use writer::Writer;

pub use crate::storage::LogId;

/// A file offset or length as a size in memory.
fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).expect("lengths inside a segment fit the address space of a 64-bit machine")
}

const _: () = assert!(usize::BITS >= 64, "segments are addressed in memory by file offsets");
