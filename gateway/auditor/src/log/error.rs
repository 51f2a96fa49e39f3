//! Why a log can't be read.

use std::path::PathBuf;

/// Why a log can't be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The folder or a file in it can't be read.
    #[error("read {}: {error}", file.display())]
    Io {
        /// The folder or file.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The folder holds no log.
    #[error("read {}: it has no MANIFEST, so it is no data folder, or was never served; name the folder that `serve` uses", folder.display())]
    NoManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer build wrote this.
    #[error("read {file} at offset {offset}: format version {found}, but this auditor knows version {known}; use a newer build", known = super::VERSION)]
    Newer {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// The version that it states.
        found: u32,
    },
    /// The log's first segments aren't there.
    #[error(
        "read {file}: the log is here from position {lsn} on only, and everything before it is needed to add up; put the \
         older segments, from segment-0000000001.log on, back from a backup"
    )]
    Headless {
        /// The oldest segment that is there.
        file: String,
        /// The position that it begins at.
        lsn: u64,
    },
    /// Something isn't as the layout promises.
    #[error("read {file} at offset {offset}: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// Where in it the header or block begins, bytes.
        offset: u64,
        /// The log's position before it.
        lsn: u64,
        /// What is wrong.
        what: String,
    },
}

impl LogError {
    /// Whether the log itself is to blame, and not that it can't be had.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}
