//! An independent reader of the server's log.
//!
//! It knows the log's documented layout and nothing else: segments of pages, a header page each, then blocks of a
//! 128-byte header and records. It shares no code with the engine that writes them, so that a mistake in the one
//! isn't repeated by the other. It checks what it passes (checksums, the chain from block to block) and hands over
//! each [record](super::record)'s few fields that an audit needs.

use std::fs;
use std::path::{Path, PathBuf};

use super::record::{Entry, entry};

/// Bytes of a page.
const PAGE: usize = 4_096;
/// Bytes of a block's header.
const BLOCK_HEADER: usize = 128;
/// First bytes of a segment.
const SEGMENT_MAGIC: &[u8] = b"DBRSEGMT";
/// First bytes of a block.
const BLOCK_MAGIC: &[u8] = b"DBRBLOCK";
/// Versions that this reader knows.
const VERSION: u16 = 1;

/// Bytes of blocks in the log below `data`, without what its last segment has prepared ahead; none if it can't be read.
pub fn bytes(data: &Path) -> Option<u64> {
    let mut sum = 0;
    for file in segments(data).ok()? {
        let bytes = fs::read(&file).ok()?;
        let mut offset = PAGE;
        while let Some(block) = bytes.get(offset..).filter(|rest| rest.starts_with(BLOCK_MAGIC)) {
            let length = BLOCK_HEADER + u32_at(block, 80) as usize;
            offset += length.next_multiple_of(PAGE);
        }
        sum += (offset - PAGE) as u64;
    }
    Some(sum)
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The log's position behind it: how many records there are up to it.
    pub(super) record: u64,
    /// Number of its block: what stands in one block is durable together, or not at all.
    pub(super) block: u64,
}

/// Reads every record of the log in `data`, in order, and hands it to `each` with where it stands.
///
/// # Errors
/// The file and offset of the first thing that isn't as documented.
pub(super) fn read(data: &Path, mut each: impl FnMut(Position, Entry)) -> Result<u64, String> {
    let mut chain = Chain::default();
    let mut records = 0;
    for file in segments(data)? {
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let fault = |offset: usize, what: &str| format!("{}: offset {offset}: {what}", file.display());
        let header = bytes.get(..PAGE).ok_or_else(|| fault(0, "shorter than its header page"))?;
        if header.iter().all(|&byte| byte == 0) {
            // Prepared and never used.
            continue;
        }
        if !header.starts_with(SEGMENT_MAGIC) || u16_at(header, 8) != VERSION {
            return Err(fault(0, "not a segment of version 1"));
        }
        if crc32c::crc32c(&header[..124]) != u32_at(header, 124) {
            return Err(fault(0, "the segment header's checksum doesn't match"));
        }
        let first_block = u64_at(header, 56);
        if first_block != chain.next_block || u64_at(header, 64) != chain.next_record {
            return Err(fault(0, "the segment doesn't go on where the one before ended"));
        }
        let mut offset = PAGE;
        while let Some(block) = bytes.get(offset..).filter(|rest| rest.starts_with(BLOCK_MAGIC)) {
            let payload = chain.pass(block).map_err(|what| fault(offset, &what))?;
            let mut rest = payload;
            while let Some((&kind, fields)) = rest.split_first() {
                let (entry, used) = entry(kind, fields).ok_or_else(|| fault(offset, "a malformed record"))?;
                records += 1;
                each(Position { record: records, block: chain.next_block - 1 }, entry);
                rest = &fields[used..];
            }
            offset += (BLOCK_HEADER + payload.len()).next_multiple_of(PAGE);
        }
    }
    Ok(records)
}

/// The segment files below `data`, in the order of their numbers, which their names sort by.
fn segments(data: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![data.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if name.strip_prefix("segment-").is_some_and(|rest| rest.strip_suffix(".log").is_some()) {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() { Err(format!("{}: no log segment", data.display())) } else { Ok(found) }
}

/// What the next block must say.
#[derive(Debug, Default)]
struct Chain {
    next_block: u64,
    next_record: u64,
    previous: u32,
}

impl Chain {
    /// Checks a block's header and checksum and gives its payload.
    fn pass<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], String> {
        let header = block.get(..BLOCK_HEADER).ok_or("a block header is cut short")?;
        if u16_at(header, 8) != VERSION {
            return Err("not a block of version 1".to_owned());
        }
        let length = u32_at(header, 80) as usize;
        let payload = block.get(BLOCK_HEADER..BLOCK_HEADER + length).ok_or("a block is cut short")?;
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..124]), payload);
        if checksum != u32_at(header, 124) {
            return Err("a block's checksum doesn't match".to_owned());
        }
        let (number, first_record) = (u64_at(header, 48), u64_at(header, 56));
        if number != self.next_block
            || first_record != self.next_record
            || u32_at(header, 84) != self.previous
        {
            return Err(format!("block {number} doesn't follow block {}", self.next_block.wrapping_sub(1)));
        }
        self.next_block = number + 1;
        self.next_record = first_record + u64::from(u32_at(header, 12));
        self.previous = checksum;
        Ok(payload)
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::record::Placed;
    use super::*;

    /// A segment with one block a payload, as the layout is documented.
    pub(in crate::audit) fn segment(payloads: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![0; PAGE];
        bytes[..8].copy_from_slice(SEGMENT_MAGIC);
        bytes[8] = 1;
        let checksum = crc32c::crc32c(&bytes[..124]);
        bytes[124..128].copy_from_slice(&checksum.to_le_bytes());
        let (mut first, mut previous) = (0_u64, 0_u32);
        for (number, (count, payload)) in (0_u64..).zip(payloads) {
            let mut header = vec![0; BLOCK_HEADER];
            header[..8].copy_from_slice(BLOCK_MAGIC);
            header[8] = 1;
            header[12..16].copy_from_slice(&count.to_le_bytes());
            header[48..56].copy_from_slice(&number.to_le_bytes());
            header[56..64].copy_from_slice(&first.to_le_bytes());
            header[80..84].copy_from_slice(&u32::try_from(payload.len()).expect("small").to_le_bytes());
            header[84..88].copy_from_slice(&previous.to_le_bytes());
            previous = crc32c::crc32c_append(crc32c::crc32c(&header[..124]), payload);
            header[124..].copy_from_slice(&previous.to_le_bytes());
            first += u64::from(*count);
            bytes.extend(header);
            bytes.extend(payload);
            bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
        }
        bytes.resize(bytes.len() + 4 * PAGE, 0);
        bytes
    }

    pub(in crate::audit) fn reserved(order: u64, user: u64, sku: u64) -> Vec<u8> {
        let mut record = vec![3];
        record.extend(order.to_le_bytes());
        let mut id = [u8::try_from(user).expect("small"); 16];
        id[0] = 0x55;
        id.reverse();
        record.extend(id);
        record.extend(user.to_le_bytes());
        record.extend(sku.to_le_bytes());
        record.extend([0; 16]);
        record.extend(1_u32.to_le_bytes());
        record.extend([0; 10]);
        assert_eq!(record.len(), 71);
        record
    }

    pub(in crate::audit) fn put(sku: u64, units: u64) -> Vec<u8> {
        let mut record = vec![1];
        record.extend(sku.to_le_bytes());
        record.extend(units.to_le_bytes());
        record.extend([0; 28]);
        record
    }

    fn read_all(segment: &[u8]) -> Result<Vec<Entry>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("segment-0000000001.log"), segment).expect("written");
        let mut entries = Vec::new();
        read(folder.path(), |position, entry| {
            entries.push(entry);
            assert_eq!(position.record, entries.len() as u64);
        })
        .map(|_| entries)
    }

    #[test]
    fn records_come_back_in_order_over_blocks() {
        let payloads = [(2, [put(5, 10), reserved(1, 2, 5)].concat()), (1, reserved(3, 4, 5))];
        let entries = read_all(&segment(&payloads)).expect("sound");
        let mut id = [2; 16];
        id[0] = 0x55;
        assert_eq!(entries[0], Entry::Put { sku: 5, units: 10 });
        let placed = Placed { order: 1, request_id: id, user: 2, sku: 5, quantity: 1, ..Placed::default() };
        assert_eq!(entries[1], Entry::Reserved { placed });
        assert_eq!(entries.len(), 3);
    }

    #[test]
    fn a_flipped_byte_is_named_with_its_file_and_offset() {
        let mut bytes = segment(&[(1, reserved(1, 2, 5)), (1, reserved(3, 4, 5))]);
        bytes[2 * PAGE + BLOCK_HEADER + 3] ^= 1;
        let fault = read_all(&bytes).expect_err("damaged");
        assert!(fault.contains("segment-0000000001.log") && fault.contains("offset 8192"), "{fault}");
    }

    #[test]
    fn a_missing_block_is_found() {
        let mut bytes = segment(&[(1, reserved(1, 2, 5)), (1, reserved(3, 4, 5))]);
        bytes.drain(PAGE..2 * PAGE);
        assert!(read_all(&bytes).expect_err("a gap").contains("doesn't follow"));
    }
}
