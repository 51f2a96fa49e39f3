//! Containers whose growth never stops the ledger.
//!
//! A hash map of ten million entries that doubles moves all of them at once: over 100 ms in which nobody is served.
//! The containers here grow in small pieces instead: [`Rows`] by a row, [`Segmented`] by a segment, and the memory of both
//! by one of [`Chunks`], which may have been made ready ahead.

mod chunks;
mod rows;
mod segmented;

pub(crate) use chunks::Chunks;
pub(crate) use rows::{Due, Row, Rows};
pub(crate) use segmented::{Entry, Home, Line, Segmented};

/// Where a row stands in its [`Rows`]. Local to the process: never logged, never part of a digest.
pub(crate) type Slot = u32;

/// No slot.
pub(crate) const NONE: Slot = u32::MAX;

/// A slot as an index.
pub(crate) fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}
