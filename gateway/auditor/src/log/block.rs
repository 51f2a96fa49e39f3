//! A block's header and payload.

use std::fmt;

use super::{PAGE, VERSION};
use crate::bytes::{is_zero, u16_at, u32_at, u64_at};

/// Bytes of a block's header.
pub(crate) const BLOCK_HEADER: usize = 128;
/// First bytes of a block.
pub(crate) const BLOCK_MAGIC: &[u8; 8] = b"DBRBLOCK";
/// Most bytes of a block with header and padding.
const MAX_BLOCK: usize = 1 << 20;

/// A BLAKE3 hash; zeros where there is nothing to hash.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash that stands at an offset.
    pub(super) fn at(bytes: &[u8], at: usize) -> Self {
        Self(bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default())
    }

    /// Its first eight bytes, as digits.
    pub(super) fn start(&self) -> String {
        self.to_string()[..16].to_owned()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// What names a block: its checksum and its hash; zeros before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) checksum: u32,
    pub(super) hash: Hash,
}

/// A block whose bytes are whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub(super) count: u32,
    pub(super) log_id: [u8; 16],
    pub(super) epoch: u64,
    pub(super) owner: u64,
    pub(super) number: u64,
    pub(super) first_lsn: u64,
    pub(super) time_ms: u64,
    pub(super) durable_before: u64,
    /// The block before, as this one names it.
    pub(super) previous: Name,
    pub(super) payload: &'a [u8],
    /// Header and payload.
    pub(super) bytes: &'a [u8],
    pub(super) checksum: u32,
}

/// Why there is no block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoBlock {
    /// The file ends, or there are only zeros up to the end of the page.
    Nothing,
    /// A newer build wrote it.
    Newer(u16),
    /// Bytes that are no block.
    Damaged(String),
}

impl<'a> Block<'a> {
    /// The block at the front of these bytes.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, NoBlock> {
        let damaged = |what: &str| Err(NoBlock::Damaged(what.to_owned()));
        let page = bytes.get(..PAGE.min(bytes.len())).unwrap_or_default();
        if is_zero(page) {
            return Err(NoBlock::Nothing);
        }
        let Some(header) = bytes.get(..BLOCK_HEADER) else { return damaged("a block's header is cut short") };
        if !header.starts_with(BLOCK_MAGIC) {
            return damaged("a block's first bytes aren't what they must be");
        }
        let length = BLOCK_HEADER + u32_at(header, 80) as usize;
        let padded = length.next_multiple_of(PAGE);
        if padded > MAX_BLOCK {
            return damaged("a block is longer than any can be");
        }
        let (Some(whole), Some(padding)) = (bytes.get(..length), bytes.get(length..padded)) else {
            return damaged("a block is cut short");
        };
        let payload = &whole[BLOCK_HEADER..];
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..124]), payload);
        if checksum != u32_at(header, 124) {
            return damaged("a block's checksum doesn't match its content");
        }
        let version = u16_at(header, 8);
        if version != VERSION {
            return Err(NoBlock::Newer(version));
        }
        if u16_at(header, 10) != 0 || !is_zero(&header[120..124]) {
            return damaged("reserved bytes of a block's header aren't zero");
        }
        if !is_zero(padding) {
            return damaged("the padding behind a block isn't zero");
        }
        Ok(Self {
            count: u32_at(header, 12),
            log_id: *header.get(16..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 16]),
            epoch: u64_at(header, 32),
            owner: u64_at(header, 40),
            number: u64_at(header, 48),
            first_lsn: u64_at(header, 56),
            time_ms: u64_at(header, 64),
            durable_before: u64_at(header, 72),
            previous: Name { checksum: u32_at(header, 84), hash: Hash::at(header, 88) },
            payload,
            bytes: whole,
            checksum,
        })
    }

    /// Bytes of the whole block with padding.
    pub(super) fn padded(&self) -> usize {
        self.bytes.len().next_multiple_of(PAGE)
    }

    /// How the next block must name this one.
    pub(super) fn name(&self) -> Name {
        Name { checksum: self.checksum, hash: Hash::of(self.bytes) }
    }
}
