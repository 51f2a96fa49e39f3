//! Writing: one block at a time, in steps that a simulator can stop between.
//!
//! ```text
//! begin ─► push ─► push ─► … ─► write(now) ─► sync ─► durable up to
//!   ▲                                │                     │
//!   └────────────────────────────────┴─────────────────────┘
//! ```
//!
//! Each write is one positioned write of a whole block, each sync one `fdatasync`; in steady state nothing is
//! allocated. Several blocks may be written before one sync makes them all durable. A block that doesn't fit into
//! what is left of the segment goes to the next one, and the old segment is synced first (rule L3).

use std::sync::Arc;

use super::block::BlockHeader;
use super::buffer::BlockBuffer;
use super::chain::Link;
use super::error::LogError;
use super::pool::{ReadySegment, SegmentPool};
use super::position::{BlockNumber, Epoch, Lsn, Owner, SegmentNumber};
use super::preparer::Preparer;
use super::segment::{SEGMENT_HEADER_LEN, SegmentHeader};
use crate::storage::{LogId, StorageFile};

/// Appends blocks to the log.
#[derive(Debug)]
pub struct Writer {
    pool: Arc<SegmentPool>,
    emergency: Preparer,
    log_id: LogId,
    epoch: Epoch,
    owner: Owner,
    at: Place,
    buffer: BlockBuffer,
    next: BlockNumber,
    lsn: Lsn,
    previous: Link,
    /// All blocks before this one are durable, and so are all events before the position.
    durable: (BlockNumber, Lsn),
    poison: Option<LogError>,
}

/// Where the next block goes.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) number: SegmentNumber,
    pub(super) file: Box<dyn StorageFile>,
    /// Bytes in the segment's file.
    pub(super) length: u64,
    /// Byte offset of the next block.
    pub(super) offset: u64,
}

/// How far the log goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) next: BlockNumber,
    pub(super) lsn: Lsn,
    pub(super) previous: Link,
}

impl Writer {
    /// A writer behind the end of a log of which every byte is durable.
    pub(super) fn new(
        pool: Arc<SegmentPool>,
        (log_id, epoch, owner): (LogId, Epoch, Owner),
        block_bytes: usize,
        at: Place,
        end: End,
    ) -> Self {
        Self {
            emergency: Preparer::for_writer(Arc::clone(&pool)),
            pool,
            log_id,
            epoch,
            owner,
            at,
            buffer: BlockBuffer::new(block_bytes),
            next: end.next,
            lsn: end.lsn,
            previous: end.previous,
            durable: (end.next, end.lsn),
            poison: None,
        }
    }

    /// Begins a block; what was pushed and not written is forgotten.
    ///
    /// # Errors
    /// The log is poisoned: the first error, again.
    pub fn begin(&mut self) -> Result<(), LogError> {
        self.check()?;
        self.buffer.clear();
        Ok(())
    }

    /// Payload bytes that the block has room for.
    pub const fn room(&self) -> usize {
        self.buffer.room()
    }

    /// Appends bytes that hold `count` events to the block's payload.
    ///
    /// # Errors
    /// [`LogError::BlockFull`], which changes nothing, or the error that poisoned the log.
    pub fn push(&mut self, bytes: &[u8], count: u32) -> Result<(), LogError> {
        self.check()?;
        self.buffer.push(bytes, count)
    }

    /// Writes the block, with the leader's time in milliseconds since the Unix epoch, and answers the position
    /// behind it. It is not durable yet. Without a payload there is nothing to write.
    ///
    /// # Errors
    /// The disk failed: the log is poisoned.
    pub fn write(&mut self, now_ms: u64) -> Result<Lsn, LogError> {
        self.check()?;
        if self.buffer.payload_len() > 0 {
            let done = self.write_block(now_ms);
            self.keep(done)?;
        }
        Ok(self.lsn)
    }

    /// Makes all written blocks durable and answers the position before which all events are.
    ///
    /// # Errors
    /// The disk failed: the log is poisoned, and which of the blocks since the last sync are durable is unknown.
    pub fn sync(&mut self) -> Result<Lsn, LogError> {
        self.check()?;
        let done = self.sync_written();
        self.keep(done)?;
        Ok(self.durable.1)
    }

    /// Ends a log in good order: syncs, and adds an empty block that proves all others durable, so that from then
    /// on damage to any event is told from a torn end. The log may still be continued.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub fn seal(&mut self, now_ms: u64) -> Result<(), LogError> {
        self.sync()?;
        self.buffer.clear();
        let done = self.write_block(now_ms).and_then(|()| self.sync_written());
        self.keep(done)
    }

    /// The position before which all events are durable.
    pub const fn durable(&self) -> Lsn {
        self.durable.1
    }

    /// The position behind all written events.
    pub const fn written(&self) -> Lsn {
        self.lsn
    }

    /// Number of the next block.
    pub const fn next_block(&self) -> BlockNumber {
        self.next
    }

    /// The segment that is being written.
    pub const fn segment(&self) -> SegmentNumber {
        self.at.number
    }

    /// The epoch that this writer writes in.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The log's identity.
    pub const fn log_id(&self) -> LogId {
        self.log_id
    }

    fn write_block(&mut self, now_ms: u64) -> Result<(), LogError> {
        let length = self.buffer.padded_len() as u64;
        if self.at.offset + length > self.at.length {
            self.roll_over()?;
        }
        let mut header = BlockHeader {
            flags: 0,
            count: self.buffer.count(),
            log_id: self.log_id,
            epoch: self.epoch,
            owner: self.owner,
            number: self.next,
            first_lsn: self.lsn,
            time_ms: now_ms,
            durable_before: self.durable.0,
            payload_len: 0,
            previous: self.previous,
            checksum: 0,
        };
        let block = self.buffer.unpadded_mut();
        header.encode(block);
        let link = header.link(block);
        self.at.file.write_at(self.at.offset, self.buffer.padded())?;
        self.at.offset += length;
        self.next = self.next.plus(1);
        self.lsn = header.end_lsn();
        self.previous = link;
        self.buffer.clear();
        Ok(())
    }

    fn sync_written(&mut self) -> Result<(), LogError> {
        if self.durable.0 < self.next {
            self.at.file.sync_data()?;
            self.durable = (self.next, self.lsn);
        }
        Ok(())
    }

    /// Goes on in the next segment. Its header must not be written before all blocks before it are durable.
    fn roll_over(&mut self) -> Result<(), LogError> {
        self.sync_written()?;
        let ReadySegment { number, file } = loop {
            if let Some(ready) = self.pool.take() {
                break ready;
            }
            self.emergency.step()?;
        };
        let header = SegmentHeader {
            log_id: self.log_id,
            number,
            epoch: self.epoch,
            owner: self.owner,
            first_block: self.next,
            first_lsn: self.lsn,
            previous: self.previous,
        };
        file.write_at(0, &header.encode())?;
        let length = self.pool.segment_bytes();
        self.at = Place { number, file, length, offset: SEGMENT_HEADER_LEN as u64 };
        Ok(())
    }

    fn check(&self) -> Result<(), LogError> {
        self.poison.clone().map_or(Ok(()), Err)
    }

    /// Keeps the first error for ever.
    fn keep(&mut self, done: Result<(), LogError>) -> Result<(), LogError> {
        self.poison = done.as_ref().err().cloned();
        done
    }
}
