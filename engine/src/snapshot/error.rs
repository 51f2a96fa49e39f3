//! What can be wrong with a snapshot.

use doorbuster_ledger::{Digest, Violation};

use crate::log::record::RecordError;
use crate::storage::{LogId, StorageError};

/// A snapshot can't be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file is no sound snapshot. An older one serves as well, and so does the log as a whole: remove this one.
    #[error("read {file}: {fault}")]
    Unsound {
        /// The file.
        file: String,
        /// What is wrong.
        fault: SnapshotFault,
    },
    /// A newer build has written it. Run that one.
    #[error(
        "read {file}: format version {found}, but this build reads up to version {supported}; use a newer build"
    )]
    NewerVersion {
        /// The file.
        file: String,
        /// The version that it states.
        found: u16,
        /// The newest version that this build knows.
        supported: u16,
    },
    /// The disk is nearly full. Nothing was written; make room, or have less of the log kept.
    #[error(
        "a snapshot may need {need} bytes, the log's next segments included, but the disk has {have} left"
    )]
    NoRoom {
        /// Bytes that must be free.
        need: u64,
        /// Bytes that are.
        have: u64,
    },
    /// It was told to stop. Nothing is left behind.
    #[error("the snapshot was given up, as the engine stops")]
    Stopped,
}

/// What is wrong with a snapshot's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// It doesn't start with a snapshot's header, or that is damaged.
    #[error("its header is damaged")]
    Header,
    /// It is of another log.
    #[error("it belongs to log {found}, but this folder holds log {need}")]
    Foreign {
        /// The log that it names.
        found: LogId,
        /// The log of this folder.
        need: LogId,
    },
    /// The file's length is not the one that it states.
    #[error("it has {found} bytes, but should have {need}")]
    Length {
        /// Bytes in the file.
        found: u64,
        /// Bytes that the header states.
        need: u64,
    },
    /// A piece of it is damaged.
    #[error("piece {number} at offset {offset} is damaged")]
    Piece {
        /// The piece, from 0.
        number: u32,
        /// Byte offset in the file.
        offset: u64,
    },
    /// An entry is none of this version.
    #[error("piece {number} holds an entry that can't be read: {error}")]
    Entry {
        /// The piece.
        number: u32,
        /// What is wrong.
        error: RecordError,
    },
    /// It holds fewer or more entries than it states.
    #[error("it holds {found} entries, but should hold {need}")]
    Count {
        /// Entries in it.
        found: u64,
        /// Entries that the header states.
        need: u64,
    },
    /// An entry can't follow those before it.
    #[error("its entries don't fit together: {0}")]
    Violation(Violation),
    /// The entries come to another state than the one that was written.
    #[error("it comes to digest {found}, but {need} was recorded")]
    Digest {
        /// The digest of what was read.
        found: Digest,
        /// The digest that the header states.
        need: Digest,
    },
    /// The log in this folder doesn't lead to it.
    #[error("block {block} of the log is not the one that it was made at")]
    OtherLog {
        /// The block in front of which it was made.
        block: u64,
    },
}
