//! A segment's header: one page, little-endian, written when the writer rolls over into the segment.
//!
//! ```text
//!   0 magic        8   "DBRSEGMT"
//!   8 version      2   1
//!  10 flags        2   0
//!  12 previous     4   checksum of the block before the first, 0 where there is none
//!  16 log id      16
//!  32 number       8   of the segment, as in the file's name
//!  40 epoch        8   in which the segment was begun; its blocks are of this epoch or older
//!  48 owner        8   who began it
//!  56 first block  8   number of the first block; supersedes what the segment before holds from there on
//!  64 first lsn    8   events in the log before that block
//!  72 hash        32   BLAKE3 of the block before the first, 0 where there is none
//! 104 reserved    20   0
//! 124 checksum     4   CRC-32C of bytes 0..124
//! 128 zeros up to the page's end
//! ```
//!
//! A segment whose header page is blank was prepared and never used. Later versions keep magic, version and
//! checksum where they are.

use super::block::{BlockFault, PAGE, is_zero, u32_at, u64_at};
use super::chain::{BlockHash, Link};
use super::position::{BlockNumber, Epoch, Lsn, Owner, SegmentNumber};
use crate::storage::LogId;

/// Bytes in front of a segment's first block: one page.
pub const SEGMENT_HEADER_LEN: usize = PAGE;

/// The segment format's version that is written, and the newest that is read.
pub(super) const SEGMENT_VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"DBRSEGMT";
const HASH: usize = 72;
const RESERVED: usize = HASH + 32;
const CHECKSUM: usize = 124;
const FIELDS: usize = 128;

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".log";

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The log that the segment belongs to.
    pub log_id: LogId,
    /// The segment's number.
    pub number: SegmentNumber,
    /// The epoch in which it was begun.
    pub epoch: Epoch,
    /// The process that began it.
    pub owner: Owner,
    /// Number of its first block.
    pub first_block: BlockNumber,
    /// Events in the log before its first block.
    pub first_lsn: Lsn,
    /// The block before its first; zeros where there is none.
    pub previous: Link,
}

impl SegmentHeader {
    /// The header page.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut page = [0; SEGMENT_HEADER_LEN];
        page[0..8].copy_from_slice(&MAGIC);
        page[8..10].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
        page[12..16].copy_from_slice(&self.previous.checksum.to_le_bytes());
        page[16..32].copy_from_slice(&self.log_id.get().to_le_bytes());
        page[32..40].copy_from_slice(&self.number.get().to_le_bytes());
        page[40..48].copy_from_slice(&self.epoch.get().to_le_bytes());
        page[48..56].copy_from_slice(&self.owner.get().to_le_bytes());
        page[56..64].copy_from_slice(&self.first_block.get().to_le_bytes());
        page[64..72].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        page[HASH..RESERVED].copy_from_slice(self.previous.hash.bytes());
        let checksum = crc32c::crc32c(&page[..CHECKSUM]);
        page[CHECKSUM..FIELDS].copy_from_slice(&checksum.to_le_bytes());
        page
    }

    /// Reads a header page. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// What is wrong with the bytes as a header page; whether it belongs here is for the caller to check.
    pub fn parse(bytes: &[u8]) -> Result<Self, BlockFault> {
        let Some(page) = bytes.first_chunk::<SEGMENT_HEADER_LEN>() else { return Err(BlockFault::End) };
        if page[0..8] != MAGIC {
            return Err(if is_zero(page) { BlockFault::Blank } else { BlockFault::Magic });
        }
        let found = u32_at(page, CHECKSUM);
        let computed = crc32c::crc32c(&page[..CHECKSUM]);
        if found != computed {
            return Err(BlockFault::Checksum { found, computed });
        }
        let version = u16::from_le_bytes([page[8], page[9]]);
        if version != SEGMENT_VERSION {
            return Err(BlockFault::Version { found: version });
        }
        if !is_zero(&page[FIELDS..]) {
            return Err(BlockFault::Padding);
        }
        Ok(Self {
            log_id: LogId::new(u128::from(u64_at(page, 16)) | u128::from(u64_at(page, 24)) << 64),
            number: SegmentNumber::new(u64_at(page, 32)),
            epoch: Epoch::new(u64_at(page, 40)),
            owner: Owner::new(u64_at(page, 48)),
            first_block: BlockNumber::new(u64_at(page, 56)),
            first_lsn: Lsn::new(u64_at(page, 64)),
            previous: Link { checksum: u32_at(page, 12), hash: BlockHash::at(page, HASH) },
        })
    }
}

/// The file of a segment.
pub(super) fn file_name(number: SegmentNumber) -> String {
    format!("{PREFIX}{number:010}{SUFFIX}")
}

/// The segment of a file, where the name is one of a segment.
pub(super) fn file_number(name: &str) -> Option<SegmentNumber> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let number = SegmentNumber::new(digits.parse().ok()?);
    (file_name(number) == name).then_some(number)
}

const _: () = assert!(8 + 2 + 2 + 4 + 16 + 5 * 8 == HASH && RESERVED + 20 == CHECKSUM);
const _: () = assert!(CHECKSUM + 4 == FIELDS && FIELDS <= SEGMENT_HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SegmentHeader {
        SegmentHeader {
            log_id: LogId::new(0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100),
            number: SegmentNumber::new(2),
            epoch: Epoch::new(3),
            owner: Owner::new(0x1111_2222_3333_4444),
            first_block: BlockNumber::new(7),
            first_lsn: Lsn::new(40),
            previous: Link { checksum: 0xAABB_CCDD, hash: BlockHash::new([0xEE; 32]) },
        }
    }

    #[test]
    fn header_bytes_are_golden() {
        let golden: [u8; FIELDS] = [
            b'D', b'B', b'R', b'S', b'E', b'G', b'M', b'T', 1, 0, 0, 0, 0xDD, 0xCC, 0xBB, 0xAA, //
            0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
            2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, //
            0x44, 0x44, 0x33, 0x33, 0x22, 0x22, 0x11, 0x11, 7, 0, 0, 0, 0, 0, 0, 0, //
            40, 0, 0, 0, 0, 0, 0, 0, //
            0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE,
            0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0, 0, 0, 0, 0x60, 0x4E, 0x39, 0x1D,
        ];
        assert_eq!(sample().encode()[..FIELDS], golden);
    }

    #[test]
    fn a_parsed_header_is_what_was_encoded() {
        assert_eq!(SegmentHeader::parse(&sample().encode()), Ok(sample()));
    }

    #[test]
    fn every_flipped_bit_of_a_header_page_is_seen() {
        let page = sample().encode();
        for bit in 0..page.len() * 8 {
            let mut damaged = page;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::parse(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn only_exact_names_are_segments() {
        assert_eq!(file_name(SegmentNumber::new(1)), "segment-0000000001.log");
        assert_eq!(file_number("segment-0000000042.log"), Some(SegmentNumber::new(42)));
        for name in ["segment-1.log", "segment-0000000001.log.tmp", "segment-+000000001.log", "MANIFEST", ""]
        {
            assert_eq!(file_number(name), None, "{name}");
        }
    }
}
