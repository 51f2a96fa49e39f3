//! A snapshot's header: one page, little-endian.
//!
//! ```text
//!   0 magic        8   "DBRSNAPS"
//!   8 version      2   1
//!  10 flags        2   0
//!  12 previous     4   checksum of the block before the position, 0 where there is none
//!  16 log id      16
//!  32 segment      8   the segment that begins at the position
//!  40 block        8   number of its first block
//!  48 lsn          8   events in the log before it
//!  56 time         8   the latest leader's time before it, milliseconds since the Unix epoch
//!  64 hash        32   BLAKE3 of the block before the position
//!  96 digest       8   of the state
//! 104 entries      8
//! 112 length       8   bytes of the file
//! 120 pieces       4
//! 124 checksum     4   CRC-32C of bytes 0..124
//! 128 zeros up to the page's end
//! ```
//!
//! Behind it stand the pieces; see [`file`](super::file). Later versions keep magic, version and checksum where they are.

use doorbuster_ledger::Digest;

use crate::log::{BlockHash, BlockNumber, Link, LogPlace, Lsn, PAGE, SegmentNumber, u32_at, u64_at};
use crate::storage::LogId;

/// The snapshot format's version that is written, and the newest that is read.
pub const SNAPSHOT_VERSION: u16 = 1;

/// Bytes in front of a snapshot's first piece: one page.
pub(super) const HEADER_LEN: usize = PAGE;

const MAGIC: [u8; 8] = *b"DBRSNAPS";
const CHECKSUM: usize = 124;
const FIELDS: usize = 128;

/// What a snapshot says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The log that it belongs to.
    pub log_id: LogId,
    /// The segment that the log goes on with.
    pub segment: SegmentNumber,
    /// Where the log goes on.
    pub place: LogPlace,
    /// The latest leader's time before it, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The digest of the state.
    pub digest: Digest,
    /// Entries in it.
    pub entries: u64,
    /// Bytes of its file.
    pub length: u64,
    /// Pieces in it.
    pub pieces: u32,
}

/// What a header page is, if it is none of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Newer(u16),
    Damaged,
}

impl SnapshotHeader {
    /// The header page.
    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut page = [0; HEADER_LEN];
        page[0..8].copy_from_slice(&MAGIC);
        page[8..10].copy_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        page[12..16].copy_from_slice(&self.place.previous.checksum.to_le_bytes());
        page[16..32].copy_from_slice(&self.log_id.get().to_le_bytes());
        page[32..40].copy_from_slice(&self.segment.get().to_le_bytes());
        page[40..48].copy_from_slice(&self.place.block.get().to_le_bytes());
        page[48..56].copy_from_slice(&self.place.lsn.get().to_le_bytes());
        page[56..64].copy_from_slice(&self.time_ms.to_le_bytes());
        page[64..96].copy_from_slice(self.place.previous.hash.bytes());
        page[96..104].copy_from_slice(&self.digest.raw().to_le_bytes());
        page[104..112].copy_from_slice(&self.entries.to_le_bytes());
        page[112..120].copy_from_slice(&self.length.to_le_bytes());
        page[120..124].copy_from_slice(&self.pieces.to_le_bytes());
        let checksum = crc32c::crc32c(&page[..CHECKSUM]);
        page[CHECKSUM..FIELDS].copy_from_slice(&checksum.to_le_bytes());
        page
    }

    /// Reads a header page. Never panics, whatever the bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let page = bytes.first_chunk::<HEADER_LEN>().ok_or(HeaderFault::Damaged)?;
        let sound = crc32c::crc32c(&page[..CHECKSUM]) == u32_at(page, CHECKSUM);
        if page[0..8] != MAGIC || !sound {
            return Err(HeaderFault::Damaged);
        }
        let version = u16::from_le_bytes([page[8], page[9]]);
        if version != SNAPSHOT_VERSION {
            return Err(HeaderFault::Newer(version));
        }
        if page[FIELDS..].iter().any(|byte| *byte != 0) {
            return Err(HeaderFault::Damaged);
        }
        let previous = Link { checksum: u32_at(page, 12), hash: BlockHash::at(page, 64) };
        Ok(Self {
            log_id: LogId::new(u128::from(u64_at(page, 16)) | u128::from(u64_at(page, 24)) << 64),
            segment: SegmentNumber::new(u64_at(page, 32)),
            place: LogPlace {
                block: BlockNumber::new(u64_at(page, 40)),
                lsn: Lsn::new(u64_at(page, 48)),
                previous,
            },
            time_ms: u64_at(page, 56),
            digest: Digest::new(u64_at(page, 96)),
            entries: u64_at(page, 104),
            length: u64_at(page, 112),
            pieces: u32_at(page, 120),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SnapshotHeader {
        SnapshotHeader {
            log_id: LogId::new(0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100),
            segment: SegmentNumber::new(3),
            place: LogPlace {
                block: BlockNumber::new(7),
                lsn: Lsn::new(40),
                previous: Link { checksum: 0xAABB_CCDD, hash: BlockHash::new([0xEE; 32]) },
            },
            time_ms: 1_762_790_400_000,
            digest: Digest::new(0x1111_2222_3333_4444),
            entries: 9,
            length: 8_192,
            pieces: 2,
        }
    }

    #[test]
    fn header_bytes_are_golden() {
        let golden: [u8; FIELDS] = [
            b'D', b'B', b'R', b'S', b'N', b'A', b'P', b'S', 1, 0, 0, 0, 0xDD, 0xCC, 0xBB, 0xAA, //
            0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
            3, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, //
            40, 0, 0, 0, 0, 0, 0, 0, 0x00, 0xE0, 0x7E, 0x6E, 0x9A, 0x01, 0, 0, //
            0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE,
            0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE,
            0x44, 0x44, 0x33, 0x33, 0x22, 0x22, 0x11, 0x11, 9, 0, 0, 0, 0, 0, 0, 0, //
            0, 0x20, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        ];
        let page = sample().encode();
        assert_eq!(page[..CHECKSUM], golden[..CHECKSUM]);
        assert_eq!(SnapshotHeader::parse(&page), Ok(sample()));
    }

    #[test]
    fn every_flipped_bit_of_a_header_page_is_seen() {
        let page = sample().encode();
        for bit in 0..page.len() * 8 {
            let mut damaged = page;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(SnapshotHeader::parse(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut page = sample().encode();
        page[8] = 2;
        assert_eq!(SnapshotHeader::parse(&page), Err(HeaderFault::Damaged));
        let checksum = crc32c::crc32c(&page[..CHECKSUM]);
        page[CHECKSUM..FIELDS].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(SnapshotHeader::parse(&page), Err(HeaderFault::Newer(2)));
    }
}
