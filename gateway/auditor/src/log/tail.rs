//! What stands behind the last whole block: nothing, a write that a crash cut short, or proof of damage.

use super::PAGE;
use super::block::{Block, NoBlock};
use super::error::LogError;
use super::folder::Folder;
use super::reader::{Header, Walk};
use super::segment::{NoHeader, Segment, file_name};
use crate::bytes::is_zero;

/// Bytes behind the last block that are none, and that nothing shows to have been durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The file where they begin.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// Bytes from there to the last one that isn't zero, by whole pages, over all segments.
    pub bytes: u64,
    /// Whole blocks among them, which can't be reached because one before them isn't whole.
    pub blocks: u64,
}

/// Looks through everything behind the last block: the rest of its segment, of which `stopped` is what stands there instead
/// of the next block, and the segments behind it.
pub(super) fn examine(
    folder: &Folder,
    walk: &Walk,
    (segment, offset, rest): (u64, usize, &[u8]),
    stopped: NoBlock,
    later: &[Header],
) -> Result<Option<Tail>, LogError> {
    // Where a segment just ends, the next block was the first of the segment behind it, whose header is bad.
    let bad = later.first().and_then(|(number, header)| match header {
        Err(NoHeader::Damaged(what)) => Some((*number, (*what).to_owned())),
        Ok(_) | Err(NoHeader::Blank | NoHeader::Newer(_)) => None,
    });
    let place = match (stopped, bad) {
        (NoBlock::Damaged(what), _) => (segment, offset, what),
        (NoBlock::Nothing | NoBlock::Newer(_), Some((number, what))) => (number, 0, what),
        (NoBlock::Nothing | NoBlock::Newer(_), None) => (segment, offset, "the block is missing".to_owned()),
    };
    let refuse = |proof: String| {
        walk.damaged(place.0, place.1, format!("{}; it had been durable, because {proof}", place.2))
    };
    if let Some((begun, _)) = later.iter().find(|(_, header)| header.is_ok()) {
        return Err(refuse(format!("{} was begun after it", file_name(*begun))));
    }
    let mut tail: Option<Tail> = None;
    let mut look = |number: u64, start: usize, bytes: &[u8]| {
        let seen = seen(bytes, walk);
        if let Some((block, before)) = seen.proof {
            return Err(refuse(format!(
                "block {block} was written after all before block {before} were durable"
            )));
        }
        if seen.bytes > 0 {
            let begin = Tail { file: file_name(number), offset: start as u64, bytes: 0, blocks: 0 };
            let tail = tail.get_or_insert(begin);
            tail.bytes += seen.bytes as u64;
            tail.blocks += seen.blocks;
        }
        Ok(())
    };
    look(segment, offset, rest)?;
    for (number, header) in later {
        let bytes = folder.segment(*number)?;
        if matches!(header, Err(NoHeader::Blank)) && Segment::parse(&bytes).is_ok() {
            // A server has begun it since: the log goes on, and what is read is a whole front of it.
            return Ok(None);
        }
        look(*number, 0, &bytes)?;
    }
    Ok(tail)
}

/// What stands where nothing should be.
#[derive(Debug, Default)]
struct Seen {
    /// A block that was written after others had been durable: its number, and the one before which they were.
    proof: Option<(u64, u64)>,
    /// From the start to the end of the last page that isn't zero.
    bytes: usize,
    blocks: u64,
}

fn seen(bytes: &[u8], walk: &Walk) -> Seen {
    let mut seen = Seen::default();
    let mut offset = 0;
    while let Some(page) = bytes.get(offset..bytes.len().min(offset + PAGE)).filter(|page| !page.is_empty()) {
        let mut length = page.len();
        if !is_zero(page) {
            if let Ok(block) = Block::parse(&bytes[offset..])
                && block.log_id == walk.log_id
            {
                if block.durable_before > walk.number {
                    seen.proof = Some((block.number, block.durable_before));
                    return seen;
                }
                seen.blocks += 1;
                length = block.padded();
            }
            seen.bytes = offset + length;
        }
        offset += length;
    }
    seen
}
