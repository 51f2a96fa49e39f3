//! Records: what a block's payload is made of.
//!
//! A record is one byte that says what it is, then its fields in order, fixed width, little-endian, no padding; a list
//! is its u64 length, then its elements. bincode writes that layout and this module alone names it. The kinds and
//! fields of version 1 never change; what is added later gets a new kind. `docs/durability.md` has the table.
//!
//! A plain order (one line, no terms) has a record of its own: it is what a sale writes a million times a second, and
//! takes 71 bytes. So has an order by the rules of a sale: see `sale.rs`, which has a layout of its own.

mod after;
mod bodies;
mod budget;
mod campaign;
mod decode;
mod encode;
mod sale;
#[cfg(test)]
mod tests;

pub(crate) use campaign::{policy, policy_bytes, stage, stage_byte, standing, standing_byte};
pub use decode::decode;
pub(crate) use decode::take;
pub(crate) use encode::put;
pub use encode::{encode, encode_event};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use doorbuster_ledger::{Digest, Event, Timestamp};

/// Most bytes of a record, and most that decoding one may ask for.
pub const MAX_RECORD: usize = 4_096;

const LAYOUT: Configuration<LittleEndian, Fixint, Limit<MAX_RECORD>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<MAX_RECORD>();

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A change of some partition's state, or of all.
    Event(Event),
    /// The digest of the whole state at this position: replay must come to the same.
    Checkpoint {
        /// The digest.
        digest: Digest,
        /// When it was taken.
        at: Timestamp,
    },
}

/// Bytes that are no record of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The kind byte is unknown: a later version wrote it.
    #[error("record kind {kind} is unknown to this version")]
    UnknownKind {
        /// The byte.
        kind: u8,
    },
    /// The fields are cut short or over a bound.
    #[error("record of kind {kind} is cut short or over its bound")]
    Malformed {
        /// The byte.
        kind: u8,
    },
    /// A field has a value that no version writes.
    #[error("record of kind {kind} has an impossible {field}")]
    Impossible {
        /// The byte.
        kind: u8,
        /// The field.
        field: &'static str,
    },
}
