//! From the first block to the last, in order.

use std::collections::VecDeque;
use std::path::Path;

use super::PAGE;
use super::block::{Block, Hash, Name, NoBlock};
use super::error::LogError;
use super::folder::Folder;
use super::manifest::digits;
use super::segment::{NoHeader, Segment, file_name};
use super::tail::{self, Tail};
use crate::bytes::is_zero;
use crate::record::{Entry, entry};

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log's position behind it: how many records there are up to it.
    pub record: u64,
    /// Number of its block: what stands in one block is durable together, or not at all.
    pub block: u64,
    /// Number of its segment.
    pub segment: u64,
    /// Byte offset of its block in the segment's file.
    pub offset: u64,
}

/// Who is shown the log.
pub trait Visit {
    /// A record.
    fn record(&mut self, place: Place, entry: Entry);

    /// Behind the last record of a block.
    fn block_end(&mut self, place: Place);

    /// So many bytes of the folder's segments were read, of so many.
    fn progress(&mut self, _read: u64, _of: u64) {}
}

/// What was found in a log that is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The log's identity, as the manifest has it.
    pub log_id: String,
    /// Records in the log: its last position.
    pub lsn: u64,
    /// Blocks, empty ones included.
    pub blocks: u64,
    /// Segments that hold a header.
    pub segments: u64,
    /// Bytes of blocks, headers and padding included.
    pub bytes: u64,
    /// Recoveries and the writing after each.
    pub epochs: u64,
    /// The hash of the last block, and so of all of them.
    pub head: Hash,
    /// The earliest and the latest time that a block states, milliseconds.
    pub times_ms: Option<(u64, u64)>,
    /// Blocks at the end that nothing shows to have been durable.
    pub unproven_blocks: u64,
    /// Records in them.
    pub unproven_records: u64,
    /// Bytes that a recovery copied elsewhere and that are no part of the log any more.
    pub superseded_bytes: u64,
    /// What stands behind the last block and is none.
    pub tail: Option<Tail>,
}

/// Reads the log in `data` from its first record to its last, and checks everything on the way.
///
/// # Errors
/// The first thing that isn't as the layout promises, by its place.
pub fn read(data: &Path, visit: &mut dyn Visit) -> Result<Found, LogError> {
    let folder = Folder::open(data)?;
    let mut headers = headers(&folder)?;
    let mut walk = Walk { log_id: folder.manifest.log_id, ..Walk::default() };
    let mut found = Found {
        log_id: digits(walk.log_id),
        lsn: 0,
        blocks: 0,
        segments: 0,
        bytes: 0,
        epochs: 0,
        head: Hash::default(),
        times_ms: None,
        unproven_blocks: 0,
        unproven_records: 0,
        superseded_bytes: 0,
        tail: None,
    };
    let mut index = 0;
    while let Some((number, header)) = headers.get(index) {
        let (number, header) = match header {
            Ok(header) => (*number, *header),
            Err(fault) if index == 0 => return Err(walk.damaged(*number, 0, first_header(fault))),
            // The log ends before it; what was behind the segment before has looked at it.
            Err(_) => break,
        };
        walk.enter(&header)?;
        found.segments += 1;
        let mut offset = PAGE;
        loop {
            // Once the next segment is begun, nothing is written into this one any more.
            let next = headers.get(index + 1).and_then(|(_, next)| next.as_ref().ok()).copied();
            let bytes = folder.segment(number)?;
            let stopped = walk.segment(&header, next.as_ref(), &bytes, &mut offset, visit)?;
            let rest = bytes.get(offset..).unwrap_or_default();
            if let Some(next) = next {
                found.superseded_bytes += walk.rest(number, offset, rest, &next)?;
                break;
            }
            if look_again(&folder, &mut headers, index + 1)? {
                continue;
            }
            found.tail =
                tail::examine(&folder, &walk, (number, offset, rest), stopped, &headers[index + 1..])?;
            break;
        }
        found.bytes += (offset - PAGE) as u64;
        index += 1;
        visit.progress(index as u64, headers.len() as u64);
    }
    found.lsn = walk.lsn;
    found.blocks = walk.number;
    found.head = walk.previous.hash;
    found.epochs = walk.epochs;
    found.times_ms = walk.times_ms;
    found.unproven_blocks = walk.unproven.len() as u64;
    found.unproven_records = walk.unproven.front().map_or(0, |(_, lsn)| walk.lsn - lsn);
    Ok(found)
}

/// A segment's number, and what its header page says.
pub(super) type Header = (u64, Result<Segment, NoHeader>);

/// Looks at every segment's header page, and that none is missing.
fn headers(folder: &Folder) -> Result<Vec<Header>, LogError> {
    let known = folder.manifest.segment;
    let missing = |number: u64| LogError::Damaged {
        file: file_name(number),
        offset: 0,
        lsn: 0,
        what: "the segment is missing; restore it from a backup".to_owned(),
    };
    let first = folder.segments.first().copied();
    if let Some(number) = first.filter(|number| *number != 1) {
        let lsn = Segment::parse(&folder.front(number)?).map_or(0, |header| header.first_lsn);
        return Err(LogError::Headless { file: file_name(number), lsn });
    }
    for (expected, number) in (1..).zip(&folder.segments) {
        if *number != expected {
            return Err(missing(expected));
        }
    }
    let last = folder.segments.last().copied().unwrap_or(0);
    if last < known {
        return Err(missing(last + 1));
    }
    let mut headers = Vec::with_capacity(folder.segments.len());
    for &number in &folder.segments {
        let header = Segment::parse(&folder.front(number)?);
        if let Err(NoHeader::Newer(found)) = header {
            return Err(LogError::Newer { file: file_name(number), offset: 0, found: found.into() });
        }
        headers.push((number, header));
    }
    Ok(headers)
}

/// Whether a server has begun the next segment since its header page was looked at.
fn look_again(folder: &Folder, headers: &mut Vec<Header>, index: usize) -> Result<bool, LogError> {
    let number = index as u64 + 1;
    let was_blank = match headers.get(index) {
        None => folder.has(number),
        Some((_, header)) => matches!(header, Err(NoHeader::Blank)),
    };
    if !was_blank {
        return Ok(false);
    }
    let header = Segment::parse(&folder.front(number)?);
    let begun = header.is_ok();
    match headers.get_mut(index) {
        Some(known) => known.1 = header,
        None => headers.push((number, header)),
    }
    Ok(begun)
}

fn first_header(fault: &NoHeader) -> String {
    let what = match fault {
        NoHeader::Blank => "there are only zeros",
        NoHeader::Newer(_) => "a newer build wrote it",
        NoHeader::Damaged(what) => what,
    };
    format!("{what}; a first segment gets its name after its header is durable")
}

/// What the next block must say.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) log_id: [u8; 16],
    /// Number of the next block.
    pub(super) number: u64,
    lsn: u64,
    previous: Name,
    epoch: u64,
    owner: u64,
    epochs: u64,
    times_ms: Option<(u64, u64)>,
    /// Blocks that nothing shows to have been durable, and the position before each.
    unproven: VecDeque<(u64, u64)>,
}

impl Walk {
    /// Something at a place isn't as it must be.
    pub(super) fn damaged(&self, segment: u64, offset: usize, what: String) -> LogError {
        LogError::Damaged { file: file_name(segment), offset: offset as u64, lsn: self.lsn, what }
    }

    /// Goes from the segment before into this one.
    fn enter(&mut self, header: &Segment) -> Result<(), LogError> {
        let fault = self.unlike(
            header.log_id,
            (header.first_block, header.first_lsn),
            header.previous,
            header.epoch,
            "the segment",
        );
        if let Some(what) = fault {
            return Err(self.damaged(header.number, 0, what));
        }
        self.proven_before(header.first_block);
        Ok(())
    }

    /// Why this doesn't go on where the log stands, if it doesn't.
    fn unlike(
        &self,
        log_id: [u8; 16],
        (number, lsn): (u64, u64),
        previous: Name,
        epoch: u64,
        who: &str,
    ) -> Option<String> {
        if log_id != self.log_id {
            return Some(format!(
                "{who} belongs to log {}, and this is {}",
                digits(log_id),
                digits(self.log_id)
            ));
        }
        if number != self.number {
            let next = self.number;
            return Some(format!("{who} says block {number} where block {next} belongs: it doesn't follow"));
        }
        if lsn != self.lsn {
            let next = self.lsn;
            return Some(format!("{who} says position {lsn} where position {next} is: it doesn't follow"));
        }
        if previous.checksum != self.previous.checksum {
            return Some(format!(
                "{who} follows a block with checksum {:08x}, and the one before it has {:08x}",
                previous.checksum, self.previous.checksum
            ));
        }
        if previous.hash != self.previous.hash {
            return Some(format!(
                "{who} follows a block with hash {}…, and the one before it has {}…: that one, or this, was forged",
                previous.hash.start(),
                self.previous.hash.start()
            ));
        }
        (epoch < self.epoch)
            .then(|| format!("{who} is of epoch {epoch}, and epoch {} was before it", self.epoch))
    }

    fn proven_before(&mut self, number: u64) {
        while self.unproven.front().is_some_and(|(unproven, _)| *unproven < number) {
            self.unproven.pop_front();
        }
    }

    /// Reads a segment's blocks from an offset on, up to where the next one takes over or to where there is no block. Gives
    /// what is there instead, and leaves the offset there.
    fn segment(
        &mut self,
        header: &Segment,
        next: Option<&Segment>,
        bytes: &[u8],
        at: &mut usize,
        visit: &mut dyn Visit,
    ) -> Result<NoBlock, LogError> {
        let segment = header.number;
        while next.is_none_or(|next| self.number < next.first_block) {
            let offset = *at;
            let block = match Block::parse(bytes.get(offset..).unwrap_or_default()) {
                Ok(block) => block,
                Err(NoBlock::Newer(found)) => {
                    let (file, offset) = (file_name(segment), offset as u64);
                    return Err(LogError::Newer { file, offset, found: found.into() });
                }
                Err(fault) => {
                    let Some(next) = next else { return Ok(fault) };
                    let what = match fault {
                        NoBlock::Damaged(what) => what,
                        NoBlock::Nothing | NoBlock::Newer(_) => format!("block {} is missing", self.number),
                    };
                    let later = file_name(next.number);
                    let what = format!("{what}; it had been durable, because {later} was begun after it");
                    return Err(self.damaged(segment, offset, what));
                }
            };
            if let Some(what) = self.misplaced(&block, header.epoch) {
                return Err(self.damaged(segment, offset, what));
            }
            self.records(segment, offset, &block, visit)?;
            self.pass(&block);
            *at += block.padded();
        }
        Ok(NoBlock::Nothing)
    }

    /// Why a whole block doesn't belong here, if it doesn't.
    fn misplaced(&self, block: &Block<'_>, segment_epoch: u64) -> Option<String> {
        let follows = self.unlike(
            block.log_id,
            (block.number, block.first_lsn),
            block.previous,
            block.epoch,
            "the block",
        );
        follows.or_else(|| {
            let Block { epoch, number, durable_before, owner, .. } = *block;
            if epoch > segment_epoch {
                return Some(format!("the block is of epoch {epoch}, and its segment of {segment_epoch}"));
            }
            if durable_before > number {
                return Some(format!(
                    "block {number} says that block {durable_before} was durable before it"
                ));
            }
            (epoch == self.epoch && owner != self.owner).then(|| {
                format!("the block is of owner {owner:016x}, and epoch {epoch} of {:016x}", self.owner)
            })
        })
    }

    /// Shows the records of a block.
    fn records(
        &self,
        segment: u64,
        offset: usize,
        block: &Block<'_>,
        visit: &mut dyn Visit,
    ) -> Result<(), LogError> {
        let mut place = Place { record: self.lsn, block: block.number, segment, offset: offset as u64 };
        let mut rest = block.payload;
        while let Some((&kind, fields)) = rest.split_first() {
            let Some((entry, used)) = entry(kind, fields) else {
                let (nth, lsn) = (place.record - self.lsn, place.record);
                let what = format!(
                    "record {nth} of the block, at position {lsn}, is of no kind, or cut short ({kind})"
                );
                return Err(self.damaged(segment, offset, what));
            };
            place.record += 1;
            visit.record(place, entry);
            rest = fields.get(used..).unwrap_or_default();
        }
        let (read, count) = (place.record - self.lsn, u64::from(block.count));
        if read != count {
            let what = format!("the block says that it has {count} records, and has {read}");
            return Err(self.damaged(segment, offset, what));
        }
        visit.block_end(place);
        Ok(())
    }

    fn pass(&mut self, block: &Block<'_>) {
        self.unproven.push_back((block.number, block.first_lsn));
        self.proven_before(block.durable_before);
        self.number = block.number.saturating_add(1);
        self.lsn = block.first_lsn.saturating_add(u64::from(block.count));
        self.previous = block.name();
        self.epochs += u64::from(block.epoch != self.epoch);
        (self.epoch, self.owner) = (block.epoch, block.owner);
        let now = block.time_ms;
        if now != 0 {
            let (first, last) = self.times_ms.unwrap_or((now, now));
            self.times_ms = Some((first.min(now), last.max(now)));
        }
    }

    /// Looks at what stands behind a segment's last block, where another has taken over. Gives the bytes of an old copy.
    fn rest(&self, segment: u64, offset: usize, rest: &[u8], next: &Segment) -> Result<u64, LogError> {
        if is_zero(rest) {
            return Ok(0);
        }
        if next.epoch > self.epoch {
            return Ok(rest.len() as u64);
        }
        let what = "there are bytes behind the segment's last block, where only zeros belong".to_owned();
        Err(self.damaged(segment, offset, what))
    }
}
