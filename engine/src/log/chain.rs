//! What binds a block to the one before it.
//!
//! ```text
//!  block 0 ◄── checksum and hash ── block 1 ◄── checksum and hash ── block 2 ◄── …
//! ```
//!
//! The checksum finds what disks and cables do. Whoever changes an event on purpose sets the block's checksum to what
//! it should be, and can choose the change so that it doesn't even move. A cryptographic hash can't be had for another
//! content, so a block that was changed no longer is the one that the next block names, and to hide that, every block
//! behind it has to be written anew. Then the hash of the last block is another one: who noted it elsewhere, in the
//! certificate of an audit, say, has all events before it in 32 bytes.
//!
//! The hash is BLAKE3 over the block's header with its checksum, which holds the hash of the block before, and its
//! payload; padding is under neither.

use std::fmt;

use super::position::{BlockNumber, Lsn};

/// Bytes of a [`BlockHash`].
const HASH_LEN: usize = 32;

/// The hash of a block, and so of all blocks up to it; zeros where there is no block.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BlockHash([u8; HASH_LEN]);

impl BlockHash {
    /// Takes these bytes for a hash.
    pub const fn new(bytes: [u8; HASH_LEN]) -> Self {
        Self(bytes)
    }

    /// The hash of a block: its header, with the checksum set, and its payload, without padding.
    pub fn of(block: &[u8]) -> Self {
        Self(*blake3::hash(block).as_bytes())
    }

    /// Its bytes, in the order in which they are written.
    pub const fn bytes(&self) -> &[u8; HASH_LEN] {
        &self.0
    }

    /// Its first eight bytes, as the number that its first 16 digits show.
    pub(super) fn start(self) -> u64 {
        self.0.first_chunk().map_or(0, |start| u64::from_be_bytes(*start))
    }

    /// The hash that stands at `at`; zeros where the bytes end before.
    pub(crate) fn at(bytes: &[u8], at: usize) -> Self {
        Self(bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default())
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// How a block or a segment names the block before it; all zeros where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its checksum.
    pub checksum: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// Where a log goes on: in front of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// The block's number.
    pub block: BlockNumber,
    /// Events before it.
    pub lsn: Lsn,
    /// The block before it.
    pub previous: Link,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_as_64_digits_and_read_back() {
        let hash = BlockHash::of(b"");
        // The first test vector of the BLAKE3 paper's reference implementation: no bytes at all.
        let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!((hash.to_string(), format!("{hash:?}")), (text.to_owned(), text.to_owned()));
        assert_eq!(format!("{:016x}", hash.start()), text[..16]);
        assert_eq!(BlockHash::new(*hash.bytes()), hash);
        assert_eq!(BlockHash::at(hash.bytes(), 0), hash);
        assert_eq!(BlockHash::at(&hash.bytes()[1..], 0), BlockHash::default(), "one byte is missing");
    }
}
