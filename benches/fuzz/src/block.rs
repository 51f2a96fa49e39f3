//! Blocks and the headers of segments.

use doorbuster_engine::log::{
    BLOCK_HEADER_LEN, BLOCK_VERSION, BlockFault, BlockHeader, MAX_BLOCK, PAGE, SEGMENT_HEADER_LEN,
    SegmentHeader,
};

const BLOCK_MAGIC: &[u8; 8] = b"DBRBLOCK";
const SEGMENT_MAGIC: &[u8; 8] = b"DBRSEGMT";

/// Offset of a block's length, and of the checksum in both headers.
const LENGTH: usize = 80;
const CHECKSUM: usize = 124;

/// Bytes of a segment's header that aren't zero.
const FIELDS: usize = 128;

/// Reads the bytes as a block and as a segment's header, as they are; and once more with magic, version, length, checksum and
/// padding set right.
///
/// # Panics
/// A header that was read isn't read again from what it is written as.
pub fn check(bytes: &[u8]) {
    block(bytes);
    segment(bytes);
    if let Some(sealed) = sealed_block(bytes) {
        assert!(block(&sealed), "a block whose checksum is right");
    }
    if let Some(sealed) = sealed_segment(bytes) {
        assert!(segment(&sealed), "a header whose checksum is right");
    }
}

fn block(bytes: &[u8]) -> bool {
    let (header, payload) = match BlockHeader::parse(bytes) {
        Ok(found) => found,
        Err(fault) => return told(fault),
    };
    assert_eq!(header.payload_len as usize, payload.len());
    assert_eq!(header.unpadded_len(), BLOCK_HEADER_LEN + payload.len());
    assert!(header.padded_len() <= bytes.len() && header.padded_len().is_multiple_of(PAGE));
    assert!(header.end_lsn() >= header.first_lsn);
    assert_eq!(header.link(bytes).checksum, header.checksum);
    let mut again = vec![0; BLOCK_HEADER_LEN];
    again.extend_from_slice(payload);
    let mut written = header;
    written.encode(&mut again);
    again.resize(header.padded_len(), 0);
    assert_eq!(BlockHeader::parse(&again), Ok((written, payload)));
    // Reserved bytes are written as zeros, whatever they were: the checksum alone may be another.
    assert_eq!(BlockHeader { checksum: header.checksum, ..written }, header);
    true
}

fn segment(bytes: &[u8]) -> bool {
    match SegmentHeader::parse(bytes) {
        Ok(header) => assert_eq!(SegmentHeader::parse(&header.encode()), Ok(header)),
        Err(fault) => return told(fault),
    }
    true
}

/// A refusal is one line.
fn told(fault: BlockFault) -> bool {
    let line = fault.to_string();
    assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    false
}

/// The bytes as a block of this version: header, then payload.
fn sealed_block(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(bytes.len().checked_sub(BLOCK_HEADER_LEN)?).ok()?;
    let mut block = bytes.to_vec();
    block[..8].copy_from_slice(BLOCK_MAGIC);
    block[8..10].copy_from_slice(&BLOCK_VERSION.to_le_bytes());
    block[LENGTH..LENGTH + 4].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&block[..CHECKSUM]), &block[BLOCK_HEADER_LEN..]);
    block[CHECKSUM..BLOCK_HEADER_LEN].copy_from_slice(&checksum.to_le_bytes());
    block.resize(block.len().next_multiple_of(PAGE), 0);
    (block.len() <= MAX_BLOCK).then_some(block)
}

/// The front of the bytes as the header of a segment of this version.
fn sealed_segment(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut page = bytes.get(..FIELDS)?.to_vec();
    page[..8].copy_from_slice(SEGMENT_MAGIC);
    page[8..10].copy_from_slice(&1_u16.to_le_bytes());
    let checksum = crc32c::crc32c(&page[..CHECKSUM]);
    page[CHECKSUM..FIELDS].copy_from_slice(&checksum.to_le_bytes());
    page.resize(SEGMENT_HEADER_LEN, 0);
    Some(page)
}
