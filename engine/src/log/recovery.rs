//! From what a crash left to a log that can be written again.
//!
//! ```text
//!  scan ─► copy what nothing proves durable ─► add an empty block that proves it ─► sync
//!       ─► drop torn segments ─► give the copy its name ─► manifest ─► cut the old copy off
//! ```
//!
//! The copy has no name that a scan knows until it is whole and durable, so up to then a crash leaves the old
//! segment as it was. Afterwards the new one takes over at its first block, and the old copy of these blocks is
//! only waste; cutting it off gives the space back, since recovery leaves the rest of a segment unused.
//!
//! Where nothing in the last segment is proven durable, its header isn't either: it may stand in the page cache
//! only. Then the new segment takes the old one's name, and so its place, in one step.

use std::collections::VecDeque;
use std::sync::Arc;

use super::block::{BLOCK_HEADER_LEN, BlockHeader, PAGE};
use super::error::LogError;
use super::options::LogOptions;
use super::pool::{ReadySegment, SegmentPool};
use super::position::{BlockNumber, Epoch, SegmentNumber};
use super::preparer::{LEFTOVERS, PREPARE_STEP, Preparer, fill};
use super::reader::{Behind, LastSegment, Scan, Unproven};
use super::segment::{SEGMENT_HEADER_LEN, SegmentHeader, file_name};
use super::writer::{End, Place, Writer};
use crate::planted::{Bug, is_planted};
use crate::storage::{Manifest, Storage, StorageFile};

/// Name of the segment that is being made.
const ASIDE: &str = "recovery.tmp";

/// A log that is whole, durable and ready to be written.
#[derive(Debug)]
pub struct Recovered {
    /// What was found, before anything was repaired.
    pub scan: Scan,
    /// The epoch that starts now.
    pub epoch: Epoch,
    /// Blocks that nothing proved durable, which were therefore written again.
    pub rewritten_blocks: u64,
    /// Their bytes.
    pub rewritten_bytes: u64,
    /// Continues the log.
    pub writer: Writer,
    /// Prepares segments for the writer; belongs on a thread of its own.
    pub preparer: Preparer,
}

/// Makes the log that `scan` has just read, and nobody has changed since, ready to be written. When it returns,
/// everything that the scan's visitor saw is durable.
///
/// # Errors
/// The disk fails, or an option is out of its range. It may be tried again, after another scan: a recovery that is cut
/// short loses nothing.
pub fn recover(storage: &Arc<dyn Storage>, options: &LogOptions, scan: Scan) -> Result<Recovered, LogError> {
    options.check()?;
    let repair = Repair::plan(storage.as_ref(), options, &scan);
    let (end, length, offset) = repair.write_aside()?;
    let ready = repair.publish()?;
    let file = storage.open(&file_name(repair.number))?;

    let next = ready.back().map_or(repair.number, |ready| ready.number).plus(1);
    let pool =
        SegmentPool::new(Arc::clone(storage), options.segment_bytes, options.ready_segments, next, ready);
    let pool = Arc::new(pool);
    let place = Place { number: repair.number, file, length, offset };
    let identity = (scan.log_id, repair.epoch, options.owner);
    Ok(Recovered {
        epoch: repair.epoch,
        rewritten_blocks: scan.blocks.get() - repair.from.number.get(),
        rewritten_bytes: repair.tail_bytes(),
        writer: Writer::new(Arc::clone(&pool), identity, options.block_bytes, place, end),
        preparer: Preparer::new(pool),
        scan,
    })
}

/// What is to be done.
struct Repair<'a> {
    storage: &'a dyn Storage,
    options: &'a LogOptions,
    scan: &'a Scan,
    /// The segment to make.
    number: SegmentNumber,
    epoch: Epoch,
    /// The first block that nothing proves durable, or the log's end.
    from: Unproven,
}

impl<'a> Repair<'a> {
    fn plan(storage: &'a dyn Storage, options: &'a LogOptions, scan: &'a Scan) -> Self {
        let last = scan.last.as_ref();
        let offset = last.map_or(SEGMENT_HEADER_LEN as u64, |last| last.end);
        let end = Unproven { number: scan.blocks, offset, lsn: scan.lsn, previous: scan.head };
        let unproven = last.and_then(|last| last.unproven.front().copied());
        let from = unproven.filter(|_| !is_planted(Bug::ForgetTornTail)).unwrap_or(end);
        let holds_proven = from.offset > SEGMENT_HEADER_LEN as u64;
        let number = last.map_or(SegmentNumber::new(1), |last| last.number.plus(u64::from(holds_proven)));
        Self { storage, options, scan, number, epoch: scan.epoch.plus(1), from }
    }

    fn tail_bytes(&self) -> u64 {
        self.scan.last.as_ref().map_or(0, |last| last.end - self.from.offset)
    }

    /// Writes the new segment under a name that no scan knows and makes it durable. Answers how the log stands
    /// behind it, the file's length and where its next block goes.
    fn write_aside(&self) -> Result<(End, u64, u64), LogError> {
        let file = self.storage.create(ASIDE)?;
        let header = SegmentHeader {
            log_id: self.scan.log_id,
            number: self.number,
            epoch: self.epoch,
            owner: self.options.owner,
            first_block: self.from.number,
            first_lsn: self.from.lsn,
            previous: self.from.previous,
        };
        file.write_at(0, &header.encode())?;
        let mut offset = SEGMENT_HEADER_LEN as u64;
        if let Some(last) = &self.scan.last {
            offset = self.copy_tail(last, file.as_ref(), offset)?;
        }
        let (proof, end) = self.proof();
        file.write_at(offset, &proof)?;
        offset += proof.len() as u64;
        let length = self.options.segment_bytes.max(offset);
        fill(file.as_ref(), offset, length)?;
        file.sync_data()?;
        Ok((end, length, offset))
    }

    /// Copies the blocks that nothing proves durable, byte for byte, so that they stay the links of the chain that
    /// they were.
    fn copy_tail(
        &self,
        last: &LastSegment,
        file: &dyn StorageFile,
        mut offset: u64,
    ) -> Result<u64, LogError> {
        let old = self.storage.open(&file_name(last.number))?;
        let mut piece = vec![0; PREPARE_STEP.min(super::in_memory(self.tail_bytes()))];
        let mut from = self.from.offset;
        while from < last.end {
            let wanted = super::in_memory(last.end - from).min(piece.len());
            let read = old.read_at(from, &mut piece[..wanted])?;
            if read == 0 {
                // The file shrank since it was scanned. The scan's blocks are not all copied: don't go on.
                return Err(LogError::MissingSegment { segment: last.number, known: self.number });
            }
            file.write_at(offset, &piece[..read])?;
            from += read as u64;
            offset += read as u64;
        }
        Ok(offset)
    }

    /// The empty block that starts the epoch. It says that all blocks before it are durable, which is true whenever
    /// anybody can read it: the segment has no name before they are.
    fn proof(&self) -> ([u8; PAGE], End) {
        let mut header = BlockHeader {
            flags: 0,
            count: 0,
            log_id: self.scan.log_id,
            epoch: self.epoch,
            owner: self.options.owner,
            number: self.scan.blocks,
            first_lsn: self.scan.lsn,
            time_ms: self.scan.time_ms,
            durable_before: self.scan.blocks,
            payload_len: 0,
            previous: self.scan.head,
            checksum: 0,
        };
        let mut block = [0; PAGE];
        header.encode(&mut block[..BLOCK_HEADER_LEN]);
        let next: BlockNumber = header.number.plus(1);
        let previous = header.link(&block);
        (block, End { next, lsn: header.end_lsn(), previous })
    }

    /// Gives the new segment its name, in the place of a torn one where there is one, and clears away what it
    /// replaces. Answers the prepared segments behind it that are still good.
    fn publish(&self) -> Result<VecDeque<ReadySegment>, LogError> {
        let behind = self.scan.behind.iter().filter(|segment| segment.number > self.number);
        let usable = |segment: &&Behind| segment.blank && segment.length == self.options.segment_bytes;
        let kept: Vec<_> = behind.clone().take_while(usable).collect();
        let dropped: Vec<_> = behind.skip(kept.len()).collect();
        // From the last one down and each for sure, so that a crash never leaves a gap in the numbers.
        for segment in dropped.iter().rev() {
            self.storage.remove(&file_name(segment.number))?;
            self.storage.sync_folder()?;
        }
        self.storage.rename(ASIDE, &file_name(self.number))?;
        self.storage.sync_folder()?;
        Manifest { log_id: self.scan.log_id, segment: self.number.get() }.write(self.storage)?;
        self.clear_away()?;
        let open = |segment: &&Behind| {
            let file = self.storage.open(&file_name(segment.number))?;
            Ok(ReadySegment { number: segment.number, file })
        };
        kept.iter().map(open).collect()
    }

    fn clear_away(&self) -> Result<(), LogError> {
        if let Some(last) = &self.scan.last
            && last.number != self.number
            && self.from.offset < last.length
        {
            self.storage.open(&file_name(last.number))?.truncate(self.from.offset)?;
        }
        let names = self.storage.list()?;
        for name in names.iter().filter(|name| LEFTOVERS.contains(&name.as_str())) {
            self.storage.remove(name)?;
        }
        Ok(())
    }
}
