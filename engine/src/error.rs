//! What can stop an engine.

use std::io;
use std::sync::Arc;

use doorbuster_ledger::{Digest, SkuId, Violation};

use crate::engine::MAX_SHARDS;
use crate::log::LogError;
use crate::log::record::RecordError;
use crate::snapshot::SnapshotError;

/// The engine can't open or can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The number of shards is out of its range.
    #[error("open the engine with {found} shards: it must be 1 to {MAX_SHARDS}")]
    Shards {
        /// The number asked for.
        found: usize,
    },
    /// The log can't be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A snapshot can't be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A block that is intact holds something that this version can't read.
    #[error("{0}")]
    Record(RecordError),
    /// The state contradicts itself, or an event can't follow it. Keep the data folder and report it.
    #[error("the ledger contradicts itself: {0}")]
    Violation(Violation),
    /// The sold-out directory speaks of a SKU that has free units. Report it.
    #[error("the sold-out directory names SKU {}, which has free units", sku.raw())]
    Directory {
        /// The SKU.
        sku: SkuId,
    },
    /// Replay came to another state than the one that was recorded. Keep the data folder and report it.
    #[error("replay came to digest {found}, but {recorded} was recorded")]
    Digest {
        /// The digest in the log.
        recorded: Digest,
        /// The digest of what replay came to.
        found: Digest,
    },
    /// The log failed earlier; nothing was acknowledged since.
    #[error("{why}")]
    Poisoned {
        /// The first failure.
        why: Arc<str>,
    },
    /// The operating system refused a thread.
    #[error("start a thread: {0}")]
    Thread(io::Error),
}
