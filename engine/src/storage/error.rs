//! What can go wrong below the log.

use std::fmt;
use std::io;
use std::sync::Arc;

/// What was tried on a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// List a folder's files.
    List,
    /// Create a file or folder.
    Create,
    /// Open a file or folder.
    Open,
    /// Read the length of a file.
    Measure,
    /// Read from a file.
    Read,
    /// Write to a file.
    Write,
    /// Make a file or a folder durable.
    Sync,
    /// Rename a file.
    Rename,
    /// Remove a file.
    Remove,
    /// Cut a file.
    Truncate,
    /// Lock a file.
    Lock,
    /// Read random bytes.
    Randomness,
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::List => "list",
            Self::Create => "create",
            Self::Open => "open",
            Self::Measure => "measure",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Truncate => "truncate",
            Self::Lock => "lock",
            Self::Randomness => "read random bytes from",
        })
    }
}

/// The disk or the data folder isn't as it must be.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused an operation. Read its reason; the log that used the file is poisoned.
    #[error("{operation} {file}: {error}")]
    Io {
        /// What was tried.
        operation: Operation,
        /// On which file or folder.
        file: String,
        /// The operating system's answer; shared so that a poisoned log can repeat it.
        error: Arc<io::Error>,
    },
    /// Another process serves from this folder. Stop it, or give this one another folder.
    #[error("lock data folder {folder}: another process uses it; stop that process or choose another folder")]
    Locked {
        /// The folder's path.
        folder: String,
    },
    /// The folder holds something else than Doorbuster's data. Choose an empty folder or a new name.
    #[error(
        "use {folder} as data folder: it holds {entry:?} but no {}; choose an empty or new folder",
        super::MANIFEST
    )]
    Foreign {
        /// The folder's path.
        folder: String,
        /// One of the entries that aren't ours.
        entry: String,
    },
    /// The folder was written by a newer build. Run that build, or restore a backup of this version.
    #[error(
        "read {file}: format version {found}, but this build reads up to version {supported}; use a newer build"
    )]
    Version {
        /// The manifest.
        file: String,
        /// The version that it states.
        found: u32,
        /// The newest version that this build knows.
        supported: u32,
    },
    /// The manifest doesn't parse or its checksum doesn't match. Restore it from a backup.
    #[error("read {file}: {reason}; restore it from a backup")]
    Manifest {
        /// The manifest.
        file: String,
        /// The first thing that is wrong with it.
        reason: &'static str,
    },
    /// A file that must be small is not.
    #[error("read {file}: it is over {limit} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// Bytes allowed.
        limit: usize,
    },
}

impl StorageError {
    /// An error of the operating system.
    pub fn io(operation: Operation, file: impl Into<String>, error: io::Error) -> Self {
        Self::Io { operation, file: file.into(), error: Arc::new(error) }
    }

    /// Whether the file doesn't exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the disk or a quota is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { error, .. }
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}
