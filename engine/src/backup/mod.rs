//! Backups: a copy of a log and its snapshots in another folder, taken beside a server that runs, and the way back.
//!
//! ```text
//! data folder ──backup──► folder of copies ──restore, to a position or a time──► new data folder
//! ```
//!
//! * A backup is a folder of the same kind, and can be read like one: audited, verified, explained. Only a server doesn't
//!   serve from it, so that it stays what it was.
//! * It is taken again and again into the same folder: what is there already is not copied again. It keeps segments and
//!   snapshots that the data folder has removed since.
//! * It holds everything that had been acknowledged when it began, and some of what was since.
//! * What is restored is a prefix of the log, to the very event if a position or a time is asked for. From there on it is a
//!   log of its own: a consumer of the feed that is ahead of it must begin anew.

mod copy;
mod error;
mod restore;
mod verify;

pub use copy::{BackedUp, back_up};
pub use error::BackupError;
pub use restore::{RestoreTo, Restored, restore};
pub use verify::{Verified, VerifiedSnapshot, verify};
