//! The log's bytes: a data folder is read block by block, and everything that its layout promises is checked.
//!
//! * **Manifest**: its words and checksum, the log's identity, and that the newest segment that it knows is there.
//! * **Segments**: no number is missing, from 1 on; each header page is whole, of this log, and names the block before its
//!   first by number, position, checksum and hash. A segment takes over at its first block; what the one before still holds
//!   from there on is an old copy. Behind a segment's last block there are only zeros.
//! * **Blocks**: the checksum, the padding, and that each names the one before; numbers and positions without a gap; epochs
//!   that never go back, and one owner an epoch; records that fill the payload, as many as the header says.
//!
//! # The end
//! A crash may leave half a write behind the last whole block. So bytes there that are no block are one of two things: damage,
//! if anything behind them shows that they had been durable (a later block says so, or a later segment was begun), or a tear,
//! if nothing does. The last blocks of a log that was not stopped in good order are in no better position: each is whole, and
//! nothing shows that there weren't more. [`Found`] says how many they are.
//!
//! A server may write the log meanwhile: then what is read is a front of it.

mod block;
mod error;
mod folder;
mod manifest;
mod reader;
mod segment;
mod tail;
#[cfg(test)]
mod tests;

pub use block::Hash;
pub(crate) use block::{BLOCK_HEADER, BLOCK_MAGIC};
pub use error::LogError;
pub use folder::bytes;
pub(crate) use manifest::{MANIFEST, TITLE};
pub use reader::{Found, Place, Visit, read};
pub(crate) use segment::{SEGMENT_MAGIC, file_name};
pub use tail::Tail;

/// Bytes of a page: blocks start and end on such a boundary.
pub(crate) const PAGE: usize = 4_096;
/// Versions that this reader knows.
pub(crate) const VERSION: u16 = 1;
