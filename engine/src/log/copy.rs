//! Copying a log's segments, block by block, also beside somebody who writes them.
//!
//! A file that is being written can't be copied as it is: a block may be seen half written, and one behind it whole, which
//! proves that the first had been durable. So blocks are read in order, each is checked, and the copy ends in front of the
//! first that isn't whole. What is copied is a prefix of the log, up to some moment while it was copied.

use super::block::{BLOCK_HEADER_LEN, BlockHeader, PAGE};
use super::error::LogError;
use super::position::{Lsn, SegmentNumber};
use super::reader::read_header;
use super::segment::{SEGMENT_HEADER_LEN, SegmentHeader, file_name};
use super::window::Window;
use crate::storage::{LogId, Storage};

/// Name of a segment's copy that is being made. Left by a crash, the next one overwrites it.
const ASIDE: &str = "copy.tmp";

/// What a copy takes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// All of it.
    Whole,
    /// Only its first events, so many in so many bytes of its payload; the copy ends with them.
    First {
        /// Events.
        count: u32,
        /// Bytes of the payload.
        bytes: usize,
    },
    /// Nothing: the copy ends before it.
    Nothing,
}

/// What was copied of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedSegment {
    /// What it says about itself.
    pub header: SegmentHeader,
    /// Events in the log up to the copy's end.
    pub end: Lsn,
    /// The latest leader's time in a block, milliseconds since the Unix epoch; 0 without blocks.
    pub time_ms: u64,
    /// Bytes of the copy.
    pub bytes: u64,
    /// Whether `take` ended the copy.
    pub ended: bool,
}

/// What a segment says about itself; `None` if it isn't there, or was prepared and not begun.
///
/// # Errors
/// It can't be read, is of another log, or of a newer version.
pub fn segment_header(
    storage: &dyn Storage,
    log_id: LogId,
    number: SegmentNumber,
) -> Result<Option<SegmentHeader>, LogError> {
    let file = match storage.open(&file_name(number)) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(read_header(file.as_ref(), log_id, number)?.ok())
}

/// Copies a segment, as far as it is whole and as `take` says, and gives the copy its name when it is durable.
///
/// # Errors
/// One of the disks fails; or the segment isn't there, or is of another log ([`LogError::MissingSegment`]).
pub fn copy_segment(
    (from, to): (&dyn Storage, &dyn Storage),
    log_id: LogId,
    number: SegmentNumber,
    mut take: impl FnMut(&BlockHeader, &[u8]) -> Result<Take, LogError>,
) -> Result<CopiedSegment, LogError> {
    let header = segment_header(from, log_id, number)?
        .ok_or(LogError::MissingSegment { segment: number, known: number })?;
    let source = from.open(&file_name(number))?;
    let copy = to.create(ASIDE)?;
    copy.write_at(0, &header.encode())?;
    let mut window = Window::new(source.length()?);
    let mut offset = SEGMENT_HEADER_LEN as u64;
    let mut copied = CopiedSegment { header, end: header.first_lsn, time_ms: 0, bytes: offset, ended: false };
    while !copied.ended {
        let bytes = window.at(source.as_ref(), offset)?;
        let Ok((block, payload)) = BlockHeader::parse(bytes) else { break };
        if block.log_id != log_id {
            break;
        }
        let taken = take(&block, payload)?;
        copied.ended = taken != Take::Whole;
        let length = match taken {
            Take::Whole => {
                copied.end = block.end_lsn();
                copy.write_at(offset, &bytes[..block.padded_len()])?;
                block.padded_len()
            }
            Take::First { count, bytes } => {
                copied.end = block.first_lsn.plus(u64::from(count));
                let cut = cut(block, payload, count, bytes);
                copy.write_at(offset, &cut)?;
                cut.len()
            }
            Take::Nothing => break,
        };
        offset += length as u64;
        copied.time_ms = copied.time_ms.max(block.time_ms);
    }
    copied.bytes = offset;
    copy.sync_data()?;
    to.rename(ASIDE, &file_name(number))?;
    to.sync_folder()?;
    Ok(copied)
}

/// The block with its first events alone.
fn cut(mut header: BlockHeader, payload: &[u8], count: u32, bytes: usize) -> Vec<u8> {
    let mut block = vec![0; BLOCK_HEADER_LEN];
    block.extend_from_slice(&payload[..bytes.min(payload.len())]);
    header.count = count;
    header.encode(&mut block);
    block.resize(block.len().next_multiple_of(PAGE), 0);
    block
}
