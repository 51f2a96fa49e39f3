//! Reading a log from its start, without changing anything.
//!
//! Every segment's header page is looked at first; they say where each segment's blocks end. Then the blocks are
//! read in order and each is checked against the one before. Where a segment that has a successor ends too early,
//! that is corruption; where the last one ends, [`tail`](super::tail) decides between corruption and a tear.

use std::collections::VecDeque;
use std::sync::Arc;

use super::block::{BLOCK_VERSION, BlockFault, BlockHeader};
use super::chain::{Link, LogPlace};
use super::error::{LogError, Proof, VisitError};
use super::position::{BlockNumber, BlockPlace, Epoch, Lsn, SegmentNumber};
use super::segment::{SEGMENT_HEADER_LEN, SEGMENT_VERSION, SegmentHeader, file_name, file_number};
use super::tail::{self, TornTail};
use super::walk::Walk;
use super::window::Window;
use crate::storage::{LogId, Manifest, Storage, StorageFile};

/// What a reading found. Not to be copied: a log is repaired once after it was read.
#[derive(Debug)]
pub struct Scan {
    /// The log's identity.
    pub log_id: LogId,
    /// Blocks in the log, empty ones included: the next block's number.
    pub blocks: BlockNumber,
    /// Events in the log.
    pub lsn: Lsn,
    /// The latest leader's time in any block, milliseconds since the Unix epoch; 0 without blocks.
    pub time_ms: u64,
    /// The newest epoch of a block or segment.
    pub epoch: Epoch,
    /// Bytes of all blocks, headers and padding included.
    pub bytes: u64,
    /// Segments that hold a header.
    pub segments: usize,
    /// What stands behind the last whole block and is no part of the log.
    pub torn: Option<TornTail>,
    /// The last block: its hash is one for all events in the log.
    pub head: Link,
    /// The newest segment with a header; none in a new log.
    pub(super) last: Option<LastSegment>,
    /// Segments behind it, ascending: prepared, or begun and torn.
    pub(super) behind: Vec<Behind>,
}

/// Where the log ends.
#[derive(Clone, Debug)]
pub(super) struct LastSegment {
    pub(super) number: SegmentNumber,
    /// Bytes in its file.
    pub(super) length: u64,
    /// Byte offset behind its last whole block.
    pub(super) end: u64,
    /// The blocks that nothing proves durable, in order.
    pub(super) unproven: VecDeque<Unproven>,
}

/// A block that nothing proves durable, and how the log stood before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unproven {
    pub(super) number: BlockNumber,
    pub(super) offset: u64,
    pub(super) lsn: Lsn,
    pub(super) previous: Link,
}

/// A segment behind the log's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) number: SegmentNumber,
    pub(super) length: u64,
    /// Nothing in it but zeros: it may be used.
    pub(super) blank: bool,
}

/// A segment's file and what its header page holds.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) number: SegmentNumber,
    pub(super) length: u64,
    pub(super) header: Result<SegmentHeader, BlockFault>,
}

/// Reads the log of a data folder and shows `visit` each block that holds events, in order, once it is checked.
/// What a crash left half done is understood, but not repaired.
///
/// # Errors
/// Everything that [`LogError`] says of reading; `visit` may have been called before it was found.
pub fn scan(
    storage: &dyn Storage,
    visit: impl FnMut(BlockPlace, &BlockHeader, &[u8]) -> Result<(), VisitError>,
) -> Result<Scan, LogError> {
    scan_from(storage, None, visit)
}

/// As [`scan`], from a place on that a snapshot was made at: what stands before it is not read and need not be there.
///
/// # Errors
/// As [`scan`]; and [`LogError::EndsBefore`] or [`LogError::OtherPlace`], if the log doesn't lead through that place.
pub fn scan_from(
    storage: &dyn Storage,
    from: Option<LogPlace>,
    mut visit: impl FnMut(BlockPlace, &BlockHeader, &[u8]) -> Result<(), VisitError>,
) -> Result<Scan, LogError> {
    let manifest = Manifest::read(storage)?.ok_or(LogError::NoManifest)?;
    let mut found = find_segments(storage, &manifest, from)?;
    let from = from.unwrap_or_default();
    // All before the segment that holds the place.
    let holds =
        |segment: &Found| segment.header.as_ref().is_ok_and(|header| header.first_block <= from.block);
    found.drain(..found.iter().rposition(holds).unwrap_or(0));
    let mut window = Window::new(found.iter().map(|segment| segment.length).max().unwrap_or(0));
    let mut walk = match found.first().map(|first| &first.header) {
        Some(Ok(header)) if from.block > BlockNumber::default() => Walk::at(header),
        _ => Walk::new(manifest.log_id),
    };
    if let Some(first) = found.first().filter(|_| walk.number > from.block) {
        return Err(LogError::MissingSegment { segment: first.number.before(), known: first.number });
    }
    let mut scan = Scan {
        log_id: manifest.log_id,
        blocks: walk.number,
        lsn: walk.lsn,
        time_ms: 0,
        epoch: Epoch::default(),
        bytes: 0,
        segments: 0,
        torn: None,
        head: walk.previous,
        last: None,
        behind: Vec::new(),
    };
    for (index, segment) in found.iter().enumerate() {
        let header = match &segment.header {
            Ok(header) => header,
            Err(fault) if index == 0 => {
                return Err(refuse(segment.number, 0, &walk, *fault, Proof::FirstHeader));
            }
            Err(_) => break,
        };
        let entered = walk.enter(header);
        entered.map_err(|fault| refuse(segment.number, 0, &walk, fault, Proof::Intact))?;
        scan.segments += 1;
        scan.epoch = header.epoch;
        let next = found.get(index + 1).and_then(|next| next.header.as_ref().ok());
        let file = storage.open(&file_name(segment.number))?;
        window.reset();
        let reading = Reading { segment, epoch: header.epoch, from, until: next, file: file.as_ref() };
        let (last, fault) = reading.run(&mut window, &mut walk, &mut visit)?;
        scan.bytes += last.end - SEGMENT_HEADER_LEN as u64;
        if let Some(fault) = fault {
            let tail = tail::examine(storage, &mut window, &walk, &found[index..], last.end, fault)?;
            scan.torn = tail.torn;
            scan.behind = tail.behind;
        }
        scan.last = Some(last);
    }
    meet(&walk, &from)?;
    if walk.number < from.block {
        return Err(LogError::EndsBefore { block: from.block, found: walk.number });
    }
    scan.blocks = walk.number;
    scan.lsn = walk.lsn;
    scan.time_ms = walk.time_ms;
    scan.head = walk.previous;
    Ok(scan)
}

/// One segment that is being read.
struct Reading<'a> {
    segment: &'a Found,
    epoch: Epoch,
    /// What stands before it is not shown.
    from: LogPlace,
    /// The segment that takes over, where there is one.
    until: Option<&'a SegmentHeader>,
    file: &'a dyn StorageFile,
}

impl Reading<'_> {
    /// Reads up to where the next segment takes over, or up to the first bytes that aren't a block: then the fault
    /// comes with the answer.
    fn run(
        &self,
        window: &mut Window,
        walk: &mut Walk,
        visit: &mut impl FnMut(BlockPlace, &BlockHeader, &[u8]) -> Result<(), VisitError>,
    ) -> Result<(LastSegment, Option<BlockFault>), LogError> {
        let number = self.segment.number;
        let mut unproven = VecDeque::new();
        let mut offset = SEGMENT_HEADER_LEN as u64;
        let mut stopped = None;
        while self.until.is_none_or(|next| walk.number < next.first_block) {
            meet(walk, &self.from)?;
            let bytes = window.at(self.file, offset)?;
            let (header, payload) = match BlockHeader::parse(bytes) {
                Ok(block) => block,
                Err(fault) => {
                    if let Some(next) = self.until {
                        let proof = Proof::Segment { number: next.number };
                        return Err(refuse(number, offset, walk, fault, proof));
                    }
                    stopped = Some(fault);
                    break;
                }
            };
            let before = Unproven { number: walk.number, offset, lsn: walk.lsn, previous: walk.previous };
            let passed = walk.pass(&header, header.link(bytes), self.epoch);
            passed.map_err(|fault| refuse(number, offset, walk, fault, Proof::Intact))?;
            unproven.push_back(before);
            while unproven.front().is_some_and(|block| block.number < walk.proven) {
                unproven.pop_front();
            }
            if header.count > 0 && header.number >= self.from.block {
                let place = BlockPlace { segment: number, offset, block: header.number };
                visit(place, &header, payload)
                    .map_err(|error| LogError::Rejected { place, source: Arc::from(error) })?;
            }
            offset += header.padded_len() as u64;
        }
        Ok((LastSegment { number, length: self.segment.length, end: offset, unproven }, stopped))
    }
}

/// Where the log comes by the place that a snapshot was made at, it must be the log of that snapshot.
fn meet(walk: &Walk, from: &LogPlace) -> Result<(), LogError> {
    if walk.number == from.block && walk.place() != *from {
        return Err(LogError::OtherPlace { block: from.block });
    }
    Ok(())
}

/// The segments of a folder, ascending.
fn segment_numbers(storage: &dyn Storage) -> Result<Vec<SegmentNumber>, LogError> {
    let mut numbers: Vec<_> = storage.list()?.iter().filter_map(|name| file_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The oldest segment of a folder.
///
/// # Errors
/// The folder can't be read.
pub fn oldest_segment(storage: &dyn Storage) -> Result<Option<SegmentNumber>, LogError> {
    Ok(segment_numbers(storage)?.first().copied())
}

/// Removes segments before `before`, the oldest first and each for sure, as long as `keep` bytes of the log stay. Only of a log
/// that has a snapshot of a position at or behind the start of `before`. Returns how many.
///
/// # Errors
/// The disk fails; there is no gap in what is left.
pub fn remove_segments(storage: &dyn Storage, before: SegmentNumber, keep: u64) -> Result<usize, LogError> {
    let numbers = segment_numbers(storage)?;
    let length = |number: &SegmentNumber| Ok::<_, LogError>(storage.open(&file_name(*number))?.length()?);
    let lengths = numbers.iter().map(length).collect::<Result<Vec<u64>, _>>()?;
    let mut kept = lengths.iter().sum::<u64>();
    let mut removed = 0;
    for (number, length) in numbers.iter().zip(lengths).take_while(|(number, _)| **number < before) {
        kept = kept.saturating_sub(length);
        if kept < keep {
            break;
        }
        storage.remove(&file_name(*number))?;
        storage.sync_folder()?;
        removed += 1;
    }
    Ok(removed)
}

/// Finds the segments in order and reads their header pages. Before the place that a snapshot was made at, some may be gone.
fn find_segments(
    storage: &dyn Storage,
    manifest: &Manifest,
    from: Option<LogPlace>,
) -> Result<Vec<Found>, LogError> {
    let numbers = segment_numbers(storage)?;
    let oldest = numbers.first().copied();
    let first = from.and(oldest).unwrap_or(SegmentNumber::new(1));
    let known = SegmentNumber::new(manifest.segment);
    if numbers.first().map_or(known >= first, |found| *found != first) {
        return Err(LogError::MissingStart { segment: first, found: numbers.first().copied() });
    }
    for (index, number) in numbers.iter().enumerate() {
        let expected = first.plus(index as u64);
        if *number != expected {
            return Err(LogError::MissingSegment { segment: expected, known: *number });
        }
    }
    if numbers.last().is_some_and(|last| *last < known) {
        return Err(LogError::MissingSegment { segment: first.plus(numbers.len() as u64), known });
    }
    let look = |number: &SegmentNumber| {
        let file = storage.open(&file_name(*number))?;
        let header = read_header(file.as_ref(), manifest.log_id, *number)?;
        Ok(Found { number: *number, length: file.length()?, header })
    };
    numbers.iter().map(look).collect()
}

/// What a segment's header page holds: its header, or what is wrong with the page, as it is while nothing was written there.
///
/// # Errors
/// The page can't be read, or holds a header of another log, of a newer version, or of another segment.
pub(super) fn read_header(
    file: &dyn StorageFile,
    log_id: LogId,
    number: SegmentNumber,
) -> Result<Result<SegmentHeader, BlockFault>, LogError> {
    let mut page = [0; SEGMENT_HEADER_LEN];
    let read = file.read_at(0, &mut page)?;
    match SegmentHeader::parse(&page[..read]) {
        Ok(SegmentHeader { log_id: found, .. }) if found != log_id => {
            Err(LogError::ForeignSegment { segment: number, found, need: log_id })
        }
        Err(BlockFault::Version { found }) => {
            Err(LogError::NewerVersion { segment: number, offset: 0, found, supported: SEGMENT_VERSION })
        }
        Ok(SegmentHeader { number: found, first_block, .. }) if found != number => {
            let fault =
                BlockFault::Unlinked { field: "segment number", found: found.get(), need: number.get() };
            let proof = Proof::Intact;
            Err(LogError::Corrupt { segment: number, offset: 0, block: first_block, fault, proof })
        }
        header => Ok(header),
    }
}

/// The error for bytes that must be there and aren't.
pub(super) fn refuse(
    segment: SegmentNumber,
    offset: u64,
    walk: &Walk,
    fault: BlockFault,
    proof: Proof,
) -> LogError {
    match fault {
        BlockFault::Version { found } => {
            LogError::NewerVersion { segment, offset, found, supported: BLOCK_VERSION }
        }
        fault => LogError::Corrupt { segment, offset, block: walk.number, fault, proof },
    }
}
