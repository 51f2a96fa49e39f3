//! When snapshots are made, and what is kept.

/// See the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionOptions {
    /// Bytes of log between two snapshots, if the state is smaller than that; `None`: no snapshots. A log of a larger state is
    /// left to grow by the size of its last snapshot, so that snapshots never write more than the log itself.
    pub every_bytes: Option<u64>,
    /// Snapshots that are kept, at least 1. With two, one may be damaged.
    pub keep_snapshots: usize,
    /// What is kept of the log before the oldest of them.
    pub keep_log: KeepLog,
}

/// What is kept of the log before the oldest snapshot. Whatever goes can't be told, explained or audited any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepLog {
    /// All of it.
    All,
    /// The latest so many bytes, by whole segments.
    Bytes(u64),
}

impl CompactionOptions {
    /// No snapshots.
    pub const NEVER: Self = Self { every_bytes: None, keep_snapshots: 1, keep_log: KeepLog::All };
}

impl Default for CompactionOptions {
    /// A snapshot for each 256 MiB of log, four million orders and less than a second of replay; two are kept, and all of the
    /// log.
    fn default() -> Self {
        Self { every_bytes: Some(256 << 20), keep_snapshots: 2, keep_log: KeepLog::All }
    }
}
