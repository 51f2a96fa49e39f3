//! Snapshots: the state at a position of the log, so that a start need not read everything before it.
//!
//! ```text
//! log       │ segment 1 │ segment 2 │ segment 3 │ segment 4 │ segment 5 …
//! snapshots                         ▲ snapshot-…118.snap    ▲ being made, from the one before and segments 3 and 4
//! a start reads                     └──────────── snapshot, then segments 3, 4, 5
//! ```
//!
//! # Rules
//! * **S1** A snapshot is of a position where a segment begins, of which something is durable already. Everything before
//!   it is durable by rule L3 of the [log](crate::log), so no crash can make the log shorter than a snapshot.
//! * **S2** It is made by the [`Compactor`] from the snapshot before and the log, with the code that recovers: shards
//!   never pause for it, and the state in memory is never looked at. It costs the state's memory a second time while it
//!   runs.
//! * **S3** It is written beside its name, synced, read back into another ledger whose digest is compared with the first
//!   one's, and named then. A file that has the name was whole and right, or was damaged later.
//! * **S4** Each piece has a checksum, for that. The newest one that is sound is used; a damaged one costs time at a start, not data, as long as the log behind an
//!   older one is there.
//! * **S5** A segment is removed only when the oldest snapshot that is kept is of a position behind it, and the policy
//!   says so.
//!
//! What is written is said in the ledger's terms ([`ImageEntry`](doorbuster_ledger::ImageEntry)), not in those of its
//! memory: it is read by any number of shards, and by later versions.

mod compactor;
mod entry;
mod error;
mod file;
mod header;
mod options;
mod orders;
mod shelf;

pub use compactor::{Compactor, CompactorStep};
pub use error::{SnapshotError, SnapshotFault};
pub use file::{SnapshotReader, copy_snapshot};
pub use header::{SNAPSHOT_VERSION, SnapshotHeader};
pub use options::{CompactionOptions, KeepLog};
pub use orders::SnapshotOrders;
pub(crate) use shelf::ASIDE;
pub use shelf::{name, snapshots};
