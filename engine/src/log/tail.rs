//! What stands behind the last whole block: nothing, a torn end, or proof of damage.
//!
//! A crash may leave any mixture there: blocks that were written without a sync survive page by page, in any
//! order, so that a later block can be whole while an earlier one is gone. They are cut. But a block, or a segment,
//! that could only have been written after the missing one was durable shows that the disk lost what it had
//! promised to keep; then nothing is cut and the log is refused.

use super::block::{BlockFault, BlockHeader, PAGE, is_zero};
use super::error::{LogError, Proof};
use super::position::SegmentNumber;
use super::reader::{Behind, Found, refuse};
use super::segment::file_name;
use super::walk::Walk;
use super::window::Window;
use crate::storage::Storage;

/// An end that was never acknowledged and is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment where it starts.
    pub segment: SegmentNumber,
    /// Byte offset in that segment.
    pub offset: u64,
    /// Bytes from there to the last one that isn't zero, by whole pages, over all segments.
    pub bytes: u64,
    /// Whole blocks among them, unreachable because one before them is not whole.
    pub blocks: u64,
}

/// What was found behind the last whole block.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) torn: Option<TornTail>,
    pub(super) behind: Vec<Behind>,
}

/// Looks through everything behind `offset` in the first of `segments`, where `fault` was found instead of the
/// block that `walk` expects, and through all segments behind it.
pub(super) fn examine(
    storage: &dyn Storage,
    window: &mut Window,
    walk: &Walk,
    segments: &[Found],
    offset: u64,
    fault: BlockFault,
) -> Result<Tail, LogError> {
    let mut tail = Tail::default();
    let Some((here, later)) = segments.split_first() else { return Ok(tail) };
    // Where a segment just ends, the expected block was the first of the next one, whose header is bad.
    let place = match (fault, later.first()) {
        (BlockFault::Blank | BlockFault::End, Some(Found { number, header: Err(fault), .. })) => {
            (*number, 0, *fault)
        }
        _ => (here.number, offset, fault),
    };
    if let Some(begun) = later.iter().find(|segment| segment.header.is_ok()) {
        return Err(refuse(place.0, place.1, walk, place.2, Proof::Segment { number: begun.number }));
    }
    if let BlockFault::Version { .. } = fault {
        return Err(refuse(here.number, offset, walk, fault, Proof::Intact));
    }
    for segment in segments {
        let is_here = segment.number == here.number;
        let start = if is_here { offset } else { 0 };
        let seen = look_through(storage, window, walk, segment, start)?;
        if let Some(proof) = seen.proof {
            let (number, offset, fault) = if is_here { (here.number, offset, fault) } else { place };
            return Err(refuse(number, offset, walk, fault, proof));
        }
        if seen.bytes > 0 {
            let begin = TornTail { segment: segment.number, offset: start, bytes: 0, blocks: 0 };
            let torn = tail.torn.get_or_insert(begin);
            torn.bytes += seen.bytes;
            torn.blocks += seen.blocks;
        }
        if !is_here {
            tail.behind.push(Behind {
                number: segment.number,
                length: segment.length,
                blank: seen.bytes == 0 && segment.length > 0,
            });
        }
    }
    Ok(tail)
}

/// What one segment holds where nothing should be.
#[derive(Debug, Default)]
struct Seen {
    proof: Option<Proof>,
    /// From the start to the end of the last page that isn't zero.
    bytes: u64,
    blocks: u64,
}

fn look_through(
    storage: &dyn Storage,
    window: &mut Window,
    walk: &Walk,
    segment: &Found,
    start: u64,
) -> Result<Seen, LogError> {
    let file = storage.open(&file_name(segment.number))?;
    window.reset();
    let mut seen = Seen::default();
    let mut offset = start;
    loop {
        let bytes = window.at(file.as_ref(), offset)?;
        if bytes.is_empty() {
            return Ok(seen);
        }
        let page = &bytes[..bytes.len().min(PAGE)];
        let mut length = page.len();
        if !is_zero(page) {
            if let Ok((header, _)) = BlockHeader::parse(bytes)
                && header.log_id == walk.log_id
            {
                if header.durable_before > walk.number {
                    let (number, durable_before) = (header.number, header.durable_before);
                    seen.proof = Some(Proof::Block { number, durable_before });
                    return Ok(seen);
                }
                seen.blocks += 1;
                length = header.padded_len();
            }
            seen.bytes = offset + length as u64 - start;
        }
        offset += length as u64;
    }
}
