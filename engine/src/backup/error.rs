//! What can keep a backup from being taken or restored.

use crate::error::EngineError;
use crate::log::{LogError, Lsn};
use crate::snapshot::SnapshotError;
use crate::storage::{LogId, StorageError};

/// A backup can't be taken, verified or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// One of the disks fails, or the log in one of the folders is damaged.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The folder holds the backup of another log. Take this one into a folder of its own.
    #[error(
        "the folder holds a backup of log {found}, but the data folder holds log {need}; use another folder"
    )]
    OtherLog {
        /// The log of the backup.
        found: LogId,
        /// The log of the data folder.
        need: LogId,
    },
    /// The folder that is restored into holds a log. Choose a new one.
    #[error("the folder holds a log already; restore into a new folder")]
    NotFresh,
    /// What was to be copied was removed while it was copied, again and again.
    #[error("the server removes old segments faster than they are copied; raise snapshots.keep_log_bytes")]
    Outrun,
    /// The data folder has removed segments that the backup doesn't have: there would be a gap.
    #[error(
        "the log goes on with segment {next} in the backup, but the data folder keeps it from segment {oldest} on; take the backup into a new folder"
    )]
    Gap {
        /// The segment that the backup needs next.
        next: u64,
        /// The oldest one of the data folder.
        oldest: u64,
    },
    /// The log ends before the position, or the time.
    #[error("the backup ends at position {end}, before position {asked}")]
    NotReached {
        /// What was asked for.
        asked: u64,
        /// What there is.
        end: Lsn,
    },
    /// Nothing of the log before that position or time was kept.
    #[error("the backup has the log from position {oldest} on and no snapshot before what was asked for")]
    TooEarly {
        /// The oldest position that can be restored.
        oldest: Lsn,
    },
}

impl From<LogError> for BackupError {
    fn from(error: LogError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<StorageError> for BackupError {
    fn from(error: StorageError) -> Self {
        Self::from(LogError::from(error))
    }
}

impl From<SnapshotError> for BackupError {
    fn from(error: SnapshotError) -> Self {
        Self::Engine(error.into())
    }
}

impl BackupError {
    /// Whether a file was gone.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Engine(
                EngineError::Log(LogError::Storage(error))
                | EngineError::Snapshot(SnapshotError::Storage(error)),
            ) => error.is_not_found(),
            Self::Engine(EngineError::Log(LogError::MissingSegment { .. })) => true,
            _ => false,
        }
    }
}
