//! A block: 128 bytes of header, little-endian, then an opaque payload, then zeros up to a whole page.
//!
//! ```text
//!   0 magic       8   "DBRBLOCK"
//!   8 version     2   1
//!  10 flags       2   0
//!  12 count       4   events in the payload
//!  16 log id     16
//!  32 epoch       8   which take-over of the log
//!  40 owner       8   which process
//!  48 number      8   of the block in the log, from 0
//!  56 first lsn   8   events in the log before this block
//!  64 time        8   leader's milliseconds since the Unix epoch
//!  72 durable     8   all blocks before this number were durable when this one was written
//!  80 length      4   payload bytes
//!  84 previous    4   checksum of the block before, 0 for block 0
//!  88 hash       32   BLAKE3 of the block before, 0 for block 0
//! 120 reserved    4   0
//! 124 checksum    4   CRC-32C of bytes 0..124, then the payload
//! 128 payload
//! ```
//!
//! Padding is not under the checksum, so that a block means the same where there are no pages; a reader of a file
//! checks that it is zero. The hash of a block is over its header, checksum included, and its payload (see
//! [`chain`](super::chain)). Later versions keep magic, version, length and checksum where they are, so that "newer"
//! and "damaged" stay two different answers.

use std::fmt;

use super::chain::{BlockHash, Link};
use super::position::{BlockNumber, Epoch, Lsn, Owner};
use crate::storage::LogId;

/// Bytes of a page: blocks start and end on such a boundary, the unit in which disks and page caches write.
pub const PAGE: usize = 4096;

/// Bytes of a block's header.
pub const BLOCK_HEADER_LEN: usize = 128;

/// Most bytes of a block with header and padding. Bounds the memory of writer and reader, and how long one group
/// keeps everybody waiting: 1 MiB takes less than a millisecond to sync.
pub const MAX_BLOCK: usize = 1 << 20;

/// The block format's version that is written, and the newest that is read.
pub const BLOCK_VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"DBRBLOCK";
const CHECKSUM: usize = BLOCK_HEADER_LEN - 4;
const HASH: usize = 88;
const RESERVED: usize = HASH + 32;

/// What a block says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Reserved bits, 0 in this version.
    pub flags: u16,
    /// Events in the payload.
    pub count: u32,
    /// The log that the block belongs to.
    pub log_id: LogId,
    /// The take-over in which it was written.
    pub epoch: Epoch,
    /// The process that wrote it.
    pub owner: Owner,
    /// Its number in the log.
    pub number: BlockNumber,
    /// Events in the log before it.
    pub first_lsn: Lsn,
    /// Leader's time in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// All blocks before this number were durable when it was written.
    pub durable_before: BlockNumber,
    /// Payload bytes.
    pub payload_len: u32,
    /// The block before; zeros for block 0.
    pub previous: Link,
    /// Checksum of this block. Set by [`BlockHeader::encode`] and [`BlockHeader::parse`].
    pub checksum: u32,
}

/// What is wrong with the bytes where a block or a segment's header should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockFault {
    /// The file ends.
    End,
    /// The page holds nothing but zeros.
    Blank,
    /// It doesn't start with the magic bytes.
    Magic,
    /// The payload's length is impossible.
    Length {
        /// Bytes announced.
        found: u32,
        /// Bytes possible.
        limit: u32,
    },
    /// The checksum doesn't match.
    Checksum {
        /// The checksum in the header.
        found: u32,
        /// The checksum of the content.
        computed: u32,
    },
    /// The bytes behind the payload aren't zero.
    Padding,
    /// Whole, but of a newer version.
    Version {
        /// The version.
        found: u16,
    },
    /// Whole, but of another log.
    Foreign {
        /// The log that it names.
        found: LogId,
    },
    /// Whole, but a field doesn't continue the log.
    Unlinked {
        /// The field.
        field: &'static str,
        /// What it says.
        found: u64,
        /// What it must say (for an epoch: at least or at most).
        need: u64,
    },
    /// Whole, but it follows another block than the one before it, of the same number and checksum.
    Forged {
        /// First bytes of the hash that it names.
        found: u64,
        /// First bytes of the hash of the block before it.
        need: u64,
    },
}

impl BlockHeader {
    /// Events in the log up to and with this block.
    pub const fn end_lsn(&self) -> Lsn {
        self.first_lsn.plus(self.count as u64)
    }

    /// Bytes of header and payload: what checksum and hash are over.
    pub const fn unpadded_len(&self) -> usize {
        BLOCK_HEADER_LEN + self.payload_len as usize
    }

    /// Bytes of the whole block with header and padding.
    pub const fn padded_len(&self) -> usize {
        padded_len(self.payload_len as usize)
    }

    /// Bytes of the whole block, with padding, that starts with `front`, as far as it looks like a block of possible
    /// length; nothing is checked.
    pub(super) fn announced_len(front: &[u8]) -> Option<usize> {
        let raw = front.first_chunk::<BLOCK_HEADER_LEN>()?;
        let length = padded_len(usize::try_from(u32_at(raw, 80)).ok()?);
        (raw[0..8] == MAGIC && length <= MAX_BLOCK).then_some(length)
    }

    /// How the next block names this one, whose bytes are the first of `block`.
    ///
    /// # Panics
    /// `block` ends before the payload does.
    pub fn link(&self, block: &[u8]) -> Link {
        Link { checksum: self.checksum, hash: BlockHash::of(&block[..self.unpadded_len()]) }
    }

    /// Writes the header in front of a payload: `block` is 128 bytes of room, then the payload. Sets
    /// `payload_len` and `checksum`.
    ///
    /// # Panics
    /// `block` has no room for a header or is over [`MAX_BLOCK`].
    pub fn encode(&mut self, block: &mut [u8]) {
        assert!(block.len() >= BLOCK_HEADER_LEN && block.len() <= MAX_BLOCK, "a block is within its bounds");
        let (header, payload) = block.split_at_mut(BLOCK_HEADER_LEN);
        self.payload_len = u32::try_from(payload.len()).expect("a block is at most 1 MiB");
        header[0..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&BLOCK_VERSION.to_le_bytes());
        header[10..12].copy_from_slice(&self.flags.to_le_bytes());
        header[12..16].copy_from_slice(&self.count.to_le_bytes());
        header[16..32].copy_from_slice(&self.log_id.get().to_le_bytes());
        header[32..40].copy_from_slice(&self.epoch.get().to_le_bytes());
        header[40..48].copy_from_slice(&self.owner.get().to_le_bytes());
        header[48..56].copy_from_slice(&self.number.get().to_le_bytes());
        header[56..64].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        header[64..72].copy_from_slice(&self.time_ms.to_le_bytes());
        header[72..80].copy_from_slice(&self.durable_before.get().to_le_bytes());
        header[80..84].copy_from_slice(&self.payload_len.to_le_bytes());
        header[84..88].copy_from_slice(&self.previous.checksum.to_le_bytes());
        header[HASH..RESERVED].copy_from_slice(self.previous.hash.bytes());
        header[RESERVED..CHECKSUM].fill(0);
        self.checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..CHECKSUM]), payload);
        header[CHECKSUM..].copy_from_slice(&self.checksum.to_le_bytes());
    }

    /// Reads the block at the front of `bytes`, which must hold all of it with its padding, and answers header and
    /// payload. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// What is wrong with the bytes as a block; whether it belongs here is for the caller to check.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), BlockFault> {
        let Some((raw, rest)) = bytes.split_first_chunk::<BLOCK_HEADER_LEN>() else {
            return Err(BlockFault::End);
        };
        if raw[0..8] != MAGIC {
            let blank = is_zero(&bytes[..bytes.len().min(PAGE)]);
            return Err(if blank { BlockFault::Blank } else { BlockFault::Magic });
        }
        let payload_len = u32_at(raw, 80);
        let limit = bytes.len().min(MAX_BLOCK) - BLOCK_HEADER_LEN;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        if payload_len > limit || padded_len(payload_len as usize) > bytes.len() {
            return Err(BlockFault::Length { found: payload_len, limit });
        }
        let (payload, behind) = rest.split_at(payload_len as usize);
        let found = u32_at(raw, CHECKSUM);
        let computed = crc32c::crc32c_append(crc32c::crc32c(&raw[..CHECKSUM]), payload);
        if found != computed {
            return Err(BlockFault::Checksum { found, computed });
        }
        let version = u16::from_le_bytes([raw[8], raw[9]]);
        if version != BLOCK_VERSION {
            return Err(BlockFault::Version { found: version });
        }
        let padding = padded_len(payload.len()) - BLOCK_HEADER_LEN - payload.len();
        if !is_zero(&behind[..padding]) {
            return Err(BlockFault::Padding);
        }
        let header = Self {
            flags: u16::from_le_bytes([raw[10], raw[11]]),
            count: u32_at(raw, 12),
            log_id: LogId::new(u128::from(u64_at(raw, 16)) | u128::from(u64_at(raw, 24)) << 64),
            epoch: Epoch::new(u64_at(raw, 32)),
            owner: Owner::new(u64_at(raw, 40)),
            number: BlockNumber::new(u64_at(raw, 48)),
            first_lsn: Lsn::new(u64_at(raw, 56)),
            time_ms: u64_at(raw, 64),
            durable_before: BlockNumber::new(u64_at(raw, 72)),
            payload_len,
            previous: Link { checksum: u32_at(raw, 84), hash: BlockHash::at(raw, HASH) },
            checksum: found,
        };
        Ok((header, payload))
    }
}

impl fmt::Display for BlockFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => out.write_str("the file ends before it"),
            Self::Blank => out.write_str("there are only zeros"),
            Self::Magic => out.write_str("it does not start with the magic bytes"),
            Self::Length { found, limit } => write!(out, "its length of {found} bytes is over {limit}"),
            Self::Checksum { found, computed } => {
                write!(out, "its checksum {found:#010x} does not match its content ({computed:#010x})")
            }
            Self::Padding => out.write_str("the padding behind it is not zero"),
            Self::Version { found } => write!(out, "it has format version {found}"),
            Self::Foreign { found } => write!(out, "it belongs to log {found}"),
            Self::Unlinked { field, found, need } => write!(out, "its {field} is {found}, need {need}"),
            Self::Forged { found, need } => {
                write!(
                    out,
                    "it follows a block with hash {found:016x}…, but the one before it has {need:016x}…"
                )
            }
        }
    }
}

/// Bytes of a block with this much payload, header and padding included.
pub(super) const fn padded_len(payload: usize) -> usize {
    (BLOCK_HEADER_LEN + payload).next_multiple_of(PAGE)
}

/// Whether all bytes are zero, in a form that the compiler turns into wide instructions.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(PAGE).all(|page| page.iter().fold(0, |seen, byte| seen | byte) == 0)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

const _: () = assert!(8 + 2 + 2 + 4 + 16 + 6 * 8 + 4 + 4 == HASH);
const _: () = assert!(RESERVED + 4 + 4 == BLOCK_HEADER_LEN);
const _: () = assert!(MAX_BLOCK.is_multiple_of(PAGE) && PAGE > BLOCK_HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (BlockHeader, Vec<u8>) {
        let mut header = BlockHeader {
            flags: 0,
            count: 3,
            log_id: LogId::new(0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100),
            epoch: Epoch::new(2),
            owner: Owner::new(0x1111_2222_3333_4444),
            number: BlockNumber::new(7),
            first_lsn: Lsn::new(40),
            time_ms: 1_762_790_400_000,
            durable_before: BlockNumber::new(6),
            payload_len: 0,
            previous: Link { checksum: 0xAABB_CCDD, hash: BlockHash::new([0xEE; 32]) },
            checksum: 0,
        };
        let mut block = vec![0; BLOCK_HEADER_LEN];
        block.extend_from_slice(b"events");
        header.encode(&mut block);
        block.resize(PAGE, 0);
        (header, block)
    }

    #[test]
    fn block_bytes_are_golden() {
        let (_, block) = sample();
        let golden: [u8; BLOCK_HEADER_LEN + 6] = [
            b'D', b'B', b'R', b'B', b'L', b'O', b'C', b'K', 1, 0, 0, 0, 3, 0, 0, 0, //
            0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
            2, 0, 0, 0, 0, 0, 0, 0, 0x44, 0x44, 0x33, 0x33, 0x22, 0x22, 0x11, 0x11, //
            7, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, //
            0x00, 0xE0, 0x7E, 0x6E, 0x9A, 0x01, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, //
            6, 0, 0, 0, 0xDD, 0xCC, 0xBB, 0xAA, //
            0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE,
            0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE,
            0, 0, 0, 0, 0x9C, 0x1D, 0x93, 0x10, //
            b'e', b'v', b'e', b'n', b't', b's',
        ];
        assert_eq!(block[..golden.len()], golden);
    }

    #[test]
    fn a_parsed_block_is_what_was_encoded() {
        let (header, block) = sample();
        assert_eq!(BlockHeader::parse(&block), Ok((header, &b"events"[..])));
        assert_eq!(header.end_lsn(), Lsn::new(43));
    }

    #[test]
    fn every_flipped_bit_of_a_block_is_seen() {
        let (_, block) = sample();
        for bit in 0..block.len() * 8 {
            let mut damaged = block.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(BlockHeader::parse(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_of_a_block_is_seen() {
        let (_, block) = sample();
        for length in 0..block.len() {
            assert!(BlockHeader::parse(&block[..length]).is_err(), "{length} bytes");
        }
    }
}
