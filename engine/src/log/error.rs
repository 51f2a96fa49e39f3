//! What can go wrong with the log.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::block::BlockFault;
use super::position::{BlockNumber, BlockPlace, Lsn, SegmentNumber};
use super::segment::file_name;
use crate::storage::{LogId, StorageError};

/// Why a visitor of recovered blocks turned one down.
pub type VisitError = Box<dyn Error + Send + Sync>;

/// The log can't be read or written any further.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk failed. While writing, the log is poisoned: nothing more may be acknowledged; end the process.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder has no manifest, so it was never a data folder, or the manifest was removed.
    #[error("open the log: the data folder has no {}; restore it from a backup", crate::storage::MANIFEST)]
    NoManifest,
    /// Something that had been durable is damaged or gone. Never cut: restore from a backup or a copy.
    #[error(
        "read {} at offset {offset}: block {block} is corrupt: {fault}; it was durable, because {proof}; \
         restore this segment from a backup",
        file_name(*segment)
    )]
    Corrupt {
        /// The segment with the damage.
        segment: SegmentNumber,
        /// Byte offset in the segment where the damaged block or header starts.
        offset: u64,
        /// The block that should be there.
        block: BlockNumber,
        /// What is wrong with it.
        fault: BlockFault,
        /// What shows that it isn't just a torn end.
        proof: Proof,
    },
    /// A segment between others, or the newest known one, is gone. Restore it from a backup.
    #[error("read {}: the segment is missing, but {} is there or was; restore it from a backup", file_name(*segment), file_name(*known))]
    MissingSegment {
        /// The segment that isn't there.
        segment: SegmentNumber,
        /// A later segment that is there, or the newest that the manifest knows of.
        known: SegmentNumber,
    },
    /// The log's start is gone. Restore it from a backup.
    #[error("read {}: the log's first segment is missing; the oldest one found is {}", file_name(*segment), found.map_or_else(|| "none".to_owned(), file_name))]
    MissingStart {
        /// The segment that the log starts with.
        segment: SegmentNumber,
        /// The oldest segment that is there.
        found: Option<SegmentNumber>,
    },
    /// What stood before the oldest segment was removed, as a snapshot covers it. Backups may have it.
    #[error(
        "read position {position}: this log is kept from position {oldest} on; what came before it was removed, as a snapshot covers it, and may be in a backup"
    )]
    Dropped {
        /// The position that was asked for.
        position: Lsn,
        /// The oldest that is there.
        oldest: Lsn,
    },
    /// The log ends before the place where a snapshot was made, of which it had been durable. Restore it from a backup.
    #[error(
        "read the log: it ends at block {found}, but a snapshot was made at block {block}, and the log was durable up to there; restore its last segments from a backup"
    )]
    EndsBefore {
        /// The block in front of which the snapshot was made.
        block: BlockNumber,
        /// The block in front of which the log ends.
        found: BlockNumber,
    },
    /// A snapshot was made at another log's block of this number. Remove it, or put back the log that it belongs to.
    #[error(
        "read the log: block {block} is not the one in front of which a snapshot was made; the snapshot or the log was put here from elsewhere: remove the snapshot, or restore the log"
    )]
    OtherPlace {
        /// The block.
        block: BlockNumber,
    },
    /// The segment belongs to another log: files of two data folders were mixed. Put it back where it came from.
    #[error("read {}: it belongs to log {found}, but this folder holds log {need}; remove the foreign file", file_name(*segment))]
    ForeignSegment {
        /// The segment.
        segment: SegmentNumber,
        /// The log that it names.
        found: LogId,
        /// The log of this folder.
        need: LogId,
    },
    /// The segment was written by a newer build. Run that one.
    #[error("read {} at offset {offset}: format version {found}, but this build reads up to version {supported}; use a newer build", file_name(*segment))]
    NewerVersion {
        /// The segment.
        segment: SegmentNumber,
        /// Byte offset of the header in question.
        offset: u64,
        /// The version that it states.
        found: u16,
        /// The newest version that this build knows.
        supported: u16,
    },
    /// Whoever was shown the block could not make sense of its payload.
    #[error("read {} at offset {}: block {} has an intact checksum, but {source}", file_name(place.segment), place.offset, place.block)]
    Rejected {
        /// Where the block is.
        place: BlockPlace,
        /// What the visitor said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A block that is intact holds something that this version can't read.
    #[error("read position {lsn} in block {block}: {source}")]
    Unreadable {
        /// The block.
        block: BlockNumber,
        /// The event.
        lsn: Lsn,
        /// What is wrong with it.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The block has no room for what was pushed; write it and begin the next. Nothing was changed.
    #[error("push {need} bytes into a block that has room for {have}")]
    BlockFull {
        /// Bytes that were pushed.
        need: usize,
        /// Bytes that are free.
        have: usize,
    },
    /// An option is out of its range.
    #[error("use log option {field}: it must be {need}")]
    Options {
        /// Name of the option.
        field: &'static str,
        /// Its range.
        need: &'static str,
    },
}

/// What shows that a damaged block had been durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// A later block was written when the log up to there was known to be durable.
    Block {
        /// The later block.
        number: BlockNumber,
        /// All blocks before this one were durable when it was written.
        durable_before: BlockNumber,
    },
    /// A later segment was begun, which happens only when everything before it is durable.
    Segment {
        /// The later segment.
        number: SegmentNumber,
    },
    /// The header of a log's first segment is durable before the segment gets its name.
    FirstHeader,
    /// Whoever writes the log, or its own blocks, say that it is durable up to a position behind the damage.
    Position {
        /// Events before that position.
        until: u64,
    },
    /// Header and checksum are whole, but it is not the block that belongs here. A torn write can't do that.
    Intact,
}

impl fmt::Display for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { number, durable_before } => {
                write!(out, "block {number} was written after all before block {durable_before} were durable")
            }
            Self::Segment { number } => write!(out, "{} was begun after it", file_name(*number)),
            Self::FirstHeader => out.write_str("a first segment gets its name after its header is durable"),
            Self::Position { until } => write!(out, "the log is durable up to position {until}"),
            Self::Intact => out.write_str("a torn write can't leave an intact block of another place"),
        }
    }
}
