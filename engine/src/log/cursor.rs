//! Reading a log from any position, while it is written or at rest, without changing anything.
//!
//! A scan reads everything from the first block on: right for a start, too slow for somebody who wants the last
//! hundred events again and again. A cursor knows where segments begin, as each says which position it begins at, and
//! remembers a place for every mebibyte that it has read. From the nearest of them it goes on, block by block, and
//! checks the chain as a scan does.
//!
//! ```text
//!  position 812 ──► nearest mark before it ──► block ──► block ──► the block that holds 812
//!                   (segment's start, or a place that was read before)
//! ```
//!
//! Where the log ends is for the caller to say: beside a writer, it is what the journal calls durable. Blocks up to
//! there are whole in the file and don't change any more; what stands behind them is not looked at. At rest, or beside
//! a writer of another process, [`Cursor::end`] finds out.
//!
//! What it doesn't do: repair, or tell a torn tail from corruption. That is for a start, which reads everything.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::block::{BLOCK_HEADER_LEN, BLOCK_VERSION, BlockFault, BlockHeader, MAX_BLOCK, PAGE};
use super::chain::{Link, LogPlace};
use super::copy::segment_header;
use super::error::{LogError, Proof};
use super::position::{BlockPlace, Lsn, SegmentNumber};
use super::reader::{self, refuse};
use super::record::{self, Record};
use super::segment::{SEGMENT_HEADER_LEN, SegmentHeader, file_name};
use super::walk::Walk;
use crate::storage::{LogId, Manifest, Storage, StorageFile};

/// Bytes between two remembered places: what has to be read again at most before a position is reached, some
/// 100 us.
const MARK_EVERY: u64 = 1 << 20;

/// Most remembered places beside the segments' starts: 64 GiB of log, 12 MiB of memory. What is beyond is found from
/// its segment's start.
const MAX_MARKS: usize = 1 << 16;

/// See the module's doc.
#[derive(Debug)]
pub struct Cursor {
    storage: Arc<dyn Storage>,
    log_id: LogId,
    /// The oldest that is there.
    first: SegmentNumber,
    /// From the oldest one without a gap, as far as they have been begun and were looked at.
    segments: Vec<SegmentHeader>,
    /// Places by the position that they begin at; of several with the same, the latest.
    marks: BTreeMap<Lsn, Mark>,
    at: Option<At>,
    memory: Vec<u8>,
}

/// A place in front of a block.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Index of the segment, from 0.
    segment: usize,
    number: SegmentNumber,
    offset: u64,
    walk: Walk,
}

/// A block in its place, or what stands there instead.
type Found = Result<(Mark, BlockHeader, Link), (Mark, BlockFault)>;

/// Where the cursor stands: in front of a block.
#[derive(Debug)]
struct At {
    mark: Mark,
    file: Box<dyn StorageFile>,
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// Events before it.
    pub lsn: Lsn,
    /// What stands behind the last whole block, if it is neither the end of the file nor zeros: a write that is under
    /// way or was cut short, or damage.
    pub behind: Option<BlockFault>,
}

impl Cursor {
    /// Looks at a data folder's manifest and its segments' headers.
    ///
    /// # Errors
    /// The folder holds no log, or a segment's header is not of this log or of a newer version.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Self, LogError> {
        let manifest = Manifest::read(storage.as_ref())?.ok_or(LogError::NoManifest)?;
        let mut cursor = Self {
            log_id: manifest.log_id,
            first: reader::oldest_segment(storage.as_ref())?.unwrap_or(SegmentNumber::new(1)),
            segments: Vec::new(),
            marks: BTreeMap::new(),
            at: None,
            memory: vec![0; PAGE],
            storage,
        };
        while cursor.find_segment()? {}
        if cursor.segments.is_empty() && manifest.segment > 0 {
            return Err(LogError::MissingStart { segment: SegmentNumber::new(1), found: None });
        }
        Ok(cursor)
    }

    /// The log's identity.
    pub fn log_id(&self) -> LogId {
        self.log_id
    }

    /// The oldest segment that is there.
    pub fn first_segment(&self) -> SegmentNumber {
        self.first
    }

    /// The oldest position that can be read.
    pub fn oldest(&self) -> Lsn {
        self.segments.first().map_or_else(Lsn::default, |segment| segment.first_lsn)
    }

    /// The latest time in any block that was read since the last jump, milliseconds since the Unix epoch.
    pub fn time_ms(&self) -> u64 {
        self.at.as_ref().map_or(0, |at| at.mark.walk.time_ms)
    }

    /// The latest segment that holds something before a position, and where it begins.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn begun(&mut self, durable: Lsn) -> Result<Option<(SegmentNumber, LogPlace)>, LogError> {
        while self.find_segment()? {}
        let latest = self.segments.iter().rev().find(|segment| segment.first_lsn < durable);
        Ok(latest.map(|segment| (segment.number, Walk::at(segment).place())))
    }

    /// Shows `visit` the records from position `from` on, up to and without `until`, until it breaks or about `budget`
    /// bytes have been read; at least one record is shown, if there is one. Returns the position of the first record that it was not shown or
    /// that it broke at.
    ///
    /// # Errors
    /// What should be there can't be read, or is damaged. `until` is taken at its word: all before it was durable.
    pub fn read(
        &mut self,
        from: Lsn,
        until: Lsn,
        budget: u64,
        mut visit: impl FnMut(Lsn, &Record) -> ControlFlow<()>,
    ) -> Result<Lsn, LogError> {
        let mut next = from;
        let mut left = budget;
        if from < until {
            self.seek(from)?;
        }
        while next < until && (left > 0 || next == from) {
            let (mark, header, link) = match self.block()? {
                Ok(found) => found,
                Err((mark, fault)) => {
                    let segment = mark.number;
                    let proof = Proof::Position { until: until.get() };
                    return Err(refuse(segment, mark.offset, &mark.walk, fault, proof));
                }
            };
            let mut rest = self.payload(&header);
            let mut lsn = header.first_lsn;
            for _ in 0..header.count {
                let (record, used) = record::decode(rest).map_err(|error| LogError::Rejected {
                    place: BlockPlace { segment: mark.number, offset: mark.offset, block: header.number },
                    source: Arc::new(error),
                })?;
                rest = rest.get(used..).unwrap_or_default();
                if lsn >= until {
                    return Ok(next);
                }
                if lsn >= from {
                    if visit(lsn, &record).is_break() {
                        return Ok(lsn);
                    }
                    next = lsn.plus(1);
                }
                lsn = lsn.plus(1);
            }
            left = left.saturating_sub(header.padded_len() as u64);
            self.pass(&header, link)?;
        }
        Ok(next)
    }

    /// Where the log ends. Reads its last segment.
    ///
    /// `whole`: behind the last whole block, which is what a start would find; right where nobody writes. Else behind
    /// the last one that a later block proves durable: right beside a writer, as it may lag by a block or a few.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn end(&mut self, whole: bool) -> Result<LogEnd, LogError> {
        let Some(last) = self.segments.last().copied() else {
            return Ok(LogEnd { lsn: Lsn::default(), behind: None });
        };
        self.stand(Self::start_of(self.segments.len() - 1, &last))?;
        let mut proven = last.first_lsn;
        let mut unproven = VecDeque::new();
        loop {
            match self.block()? {
                Ok((_, header, link)) => {
                    unproven.push_back((header.number, header.end_lsn()));
                    self.pass(&header, link)?;
                    let durable = self.at.as_ref().map_or(header.durable_before, |at| at.mark.walk.proven);
                    while let Some((_, end)) = unproven.pop_front_if(|(number, _)| *number < durable) {
                        proven = end;
                    }
                }
                Err((mark, fault)) => {
                    let behind = (!matches!(fault, BlockFault::Blank | BlockFault::End)).then_some(fault);
                    return Ok(LogEnd { lsn: if whole { mark.walk.lsn } else { proven }, behind });
                }
            }
        }
    }

    /// Goes to the nearest known place at or before a position.
    fn seek(&mut self, to: Lsn) -> Result<(), LogError> {
        let known = self.marks.range(..=to).next_back().map(|(_, mark)| *mark);
        let here = self.at.as_ref().map(|at| at.mark).filter(|mark| mark.walk.lsn <= to);
        let further = |mark: &Mark| here.is_none_or(|here| mark.walk.number > here.walk.number);
        match known.filter(further) {
            Some(mark) => self.stand(mark),
            None if here.is_some() => Ok(()),
            None => Err(LogError::Dropped { position: to, oldest: self.oldest() }),
        }
    }

    fn stand(&mut self, mark: Mark) -> Result<(), LogError> {
        let file = match self.at.take() {
            Some(at) if at.mark.segment == mark.segment => at.file,
            _ => match self.storage.open(&file_name(mark.number)) {
                Ok(file) => file,
                // Removed since the cursor was opened.
                Err(error) if error.is_not_found() && mark.number < self.next_segment() => {
                    let oldest = self.oldest_now()?;
                    return Err(LogError::Dropped { position: mark.walk.lsn, oldest });
                }
                Err(error) => return Err(error.into()),
            },
        };
        self.at = Some(At { mark, file });
        Ok(())
    }

    /// Reads the block in front of which the cursor stands, in whichever segment it is, and checks that it belongs
    /// there. The inner error is what stands there instead.
    fn block(&mut self) -> Result<Found, LogError> {
        loop {
            let Some(mark) = self.at.as_ref().map(|at| at.mark) else {
                return Err(LogError::MissingStart { segment: SegmentNumber::new(1), found: None });
            };
            let takes_over = |next: &SegmentHeader| next.first_block == mark.walk.number;
            if let Some(next) = self.segments.get(mark.segment + 1).copied().filter(takes_over) {
                self.enter(mark, &next)?;
                continue;
            }
            let fault = match self.load(mark.offset)? {
                Ok((header, link)) => {
                    let mut walk = mark.walk;
                    let epoch = self.segments[mark.segment].epoch;
                    return match walk.pass(&header, link, epoch) {
                        Ok(()) => Ok(Ok((mark, header, link))),
                        Err(fault) => Ok(Err((mark, fault))),
                    };
                }
                Err(fault) => fault,
            };
            if mark.segment + 1 == self.segments.len() && self.find_segment()? {
                continue;
            }
            return Ok(Err((mark, fault)));
        }
    }

    /// Reads the bytes of the block at an offset; the next block names it as the link says.
    fn load(&mut self, offset: u64) -> Result<Result<(BlockHeader, Link), BlockFault>, LogError> {
        let Some(at) = &self.at else { return Ok(Err(BlockFault::End)) };
        if self.memory.len() < PAGE {
            self.memory.resize(PAGE, 0);
        }
        let mut filled = at.file.read_at(offset, &mut self.memory[..PAGE])?;
        let announced = BlockHeader::announced_len(&self.memory[..filled]);
        if let Some(length) = announced.filter(|length| *length > filled && filled == PAGE) {
            if self.memory.len() < length {
                self.memory.resize(length.next_power_of_two().min(MAX_BLOCK), 0);
            }
            filled += at.file.read_at(offset + PAGE as u64, &mut self.memory[PAGE..length])?;
        }
        let bytes = &self.memory[..filled];
        Ok(BlockHeader::parse(bytes).map(|(header, _)| (header, header.link(bytes))))
    }

    /// The payload of the block that was loaded last.
    fn payload(&self, header: &BlockHeader) -> &[u8] {
        let end = BLOCK_HEADER_LEN + header.payload_len as usize;
        self.memory.get(BLOCK_HEADER_LEN..end).unwrap_or_default()
    }

    /// Goes past the block that was loaded last.
    fn pass(&mut self, header: &BlockHeader, link: Link) -> Result<(), LogError> {
        let Some(at) = &mut self.at else { return Ok(()) };
        let before = at.mark;
        let passed = at.mark.walk.pass(header, link, self.segments[before.segment].epoch);
        at.mark.offset += header.padded_len() as u64;
        let after = at.mark;
        let segment = before.number;
        passed.map_err(|fault| refuse(segment, before.offset, &before.walk, fault, Proof::Intact))?;
        let nearest = self.marks.range(..=after.walk.lsn).next_back().map(|(_, mark)| *mark);
        let far = nearest.is_none_or(|mark| {
            mark.segment < after.segment || after.offset.saturating_sub(mark.offset) >= MARK_EVERY
        });
        if far && self.marks.len() < MAX_MARKS + self.segments.len() {
            self.marks.insert(after.walk.lsn, after);
        }
        Ok(())
    }

    /// Goes from a segment's last block to the segment that takes over.
    fn enter(&mut self, mark: Mark, next: &SegmentHeader) -> Result<(), LogError> {
        let mut walk = mark.walk;
        let entered = walk.enter(next);
        entered.map_err(|fault| refuse(next.number, 0, &mark.walk, fault, Proof::Intact))?;
        let (segment, number) = (mark.segment + 1, next.number);
        self.stand(Mark { segment, number, offset: SEGMENT_HEADER_LEN as u64, walk })
    }

    /// Looks whether the next segment has been begun.
    fn find_segment(&mut self) -> Result<bool, LogError> {
        let number = self.next_segment();
        // One that was prepared and not begun, or is just being begun, has none.
        let Some(header) = segment_header(self.storage.as_ref(), self.log_id, number)? else {
            return Ok(false);
        };
        let start = Self::start_of(self.segments.len(), &header);
        self.segments.push(header);
        self.marks.insert(header.first_lsn, start);
        Ok(true)
    }

    /// The number of the segment behind those that were looked at.
    fn next_segment(&self) -> SegmentNumber {
        self.first.plus(self.segments.len() as u64)
    }

    /// The oldest position that can be read by now.
    fn oldest_now(&self) -> Result<Lsn, LogError> {
        let first = reader::oldest_segment(self.storage.as_ref())?;
        let found = self.segments.iter().find(|segment| Some(segment.number) >= first);
        Ok(found.map_or_else(Lsn::default, |segment| segment.first_lsn))
    }

    fn start_of(segment: usize, header: &SegmentHeader) -> Mark {
        Mark { segment, number: header.number, offset: SEGMENT_HEADER_LEN as u64, walk: Walk::at(header) }
    }
}

const _: () = assert!(BLOCK_VERSION == 1, "a later version may announce its length elsewhere");
