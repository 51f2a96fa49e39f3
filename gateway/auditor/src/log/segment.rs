//! A segment's header page, and its file's name.

use super::block::{Hash, Name};
use super::{PAGE, VERSION};
use crate::bytes::{is_zero, u16_at, u32_at, u64_at};

/// First bytes of a segment.
pub(crate) const SEGMENT_MAGIC: &[u8; 8] = b"DBRSEGMT";

/// What a segment's header page says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) log_id: [u8; 16],
    pub(super) number: u64,
    pub(super) epoch: u64,
    pub(super) first_block: u64,
    pub(super) first_lsn: u64,
    /// The block before its first.
    pub(super) previous: Name,
}

/// Why there is no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// Only zeros: prepared, and never begun.
    Blank,
    /// A newer build wrote it.
    Newer(u16),
    /// Bytes that are no header.
    Damaged(&'static str),
}

impl Segment {
    /// Reads a header page.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NoHeader> {
        let Some(page) = bytes.get(..PAGE) else {
            return Err(NoHeader::Damaged("the file is shorter than a segment's header page"));
        };
        if is_zero(page) {
            return Err(NoHeader::Blank);
        }
        if !page.starts_with(SEGMENT_MAGIC) {
            return Err(NoHeader::Damaged("a segment's first bytes aren't what they must be"));
        }
        if crc32c::crc32c(&page[..124]) != u32_at(page, 124) {
            return Err(NoHeader::Damaged("the segment header's checksum doesn't match"));
        }
        let version = u16_at(page, 8);
        if version != VERSION {
            return Err(NoHeader::Newer(version));
        }
        if u16_at(page, 10) != 0 || !is_zero(&page[104..124]) || !is_zero(&page[128..]) {
            return Err(NoHeader::Damaged("reserved bytes of a segment's header page aren't zero"));
        }
        Ok(Self {
            log_id: *page.get(16..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 16]),
            number: u64_at(page, 32),
            epoch: u64_at(page, 40),
            first_block: u64_at(page, 56),
            first_lsn: u64_at(page, 64),
            previous: Name { checksum: u32_at(page, 12), hash: Hash::at(page, 72) },
        })
    }
}

/// The file of a segment.
pub(crate) fn file_name(number: u64) -> String {
    format!("segment-{number:010}.log")
}

/// The segment's number, where this is a segment's file.
pub(super) fn file_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("segment-")?.strip_suffix(".log")?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}
