//! How one block follows another.

use super::block::{BlockFault, BlockHeader};
use super::position::{BlockNumber, Epoch, Lsn, Owner};
use super::segment::SegmentHeader;
use crate::storage::LogId;

/// What the next block or segment must say, after all before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) log_id: LogId,
    pub(super) number: BlockNumber,
    pub(super) lsn: Lsn,
    pub(super) previous: u32,
    pub(super) epoch: Epoch,
    pub(super) owner: Owner,
    pub(super) time_ms: u64,
    /// All blocks before this one are proven durable by something behind them.
    pub(super) proven: BlockNumber,
}

impl Walk {
    /// The start of a log.
    pub(super) fn new(log_id: LogId) -> Self {
        Self {
            log_id,
            number: BlockNumber::default(),
            lsn: Lsn::default(),
            previous: 0,
            epoch: Epoch::default(),
            owner: Owner::default(),
            time_ms: 0,
            proven: BlockNumber::default(),
        }
    }

    /// Enters a segment of this log.
    pub(super) fn enter(&mut self, header: &SegmentHeader) -> Result<(), BlockFault> {
        same("first block", header.first_block.get(), self.number.get())?;
        same("first lsn", header.first_lsn.get(), self.lsn.get())?;
        same("previous checksum", header.previous.into(), self.previous.into())?;
        at_least("epoch", header.epoch.get(), self.epoch.get())?;
        self.proven = self.proven.max(header.first_block);
        Ok(())
    }

    /// Goes past a block that stands in a segment of `epoch`.
    pub(super) fn pass(&mut self, header: &BlockHeader, epoch: Epoch) -> Result<(), BlockFault> {
        if header.log_id != self.log_id {
            return Err(BlockFault::Foreign { found: header.log_id });
        }
        same("number", header.number.get(), self.number.get())?;
        same("first lsn", header.first_lsn.get(), self.lsn.get())?;
        same("previous checksum", header.previous.into(), self.previous.into())?;
        at_least("epoch", header.epoch.get(), self.epoch.get())?;
        at_least("segment's epoch", epoch.get(), header.epoch.get())?;
        at_least("number", header.number.get(), header.durable_before.get())?;
        if header.epoch == self.epoch {
            same("owner", header.owner.get(), self.owner.get())?;
        }
        self.number = header.number.plus(1);
        self.lsn = header.end_lsn();
        self.previous = header.checksum;
        self.epoch = header.epoch;
        self.owner = header.owner;
        self.time_ms = self.time_ms.max(header.time_ms);
        self.proven = self.proven.max(header.durable_before);
        Ok(())
    }
}

const fn same(field: &'static str, found: u64, need: u64) -> Result<(), BlockFault> {
    if found == need { Ok(()) } else { Err(BlockFault::Unlinked { field, found, need }) }
}

const fn at_least(field: &'static str, found: u64, need: u64) -> Result<(), BlockFault> {
    if found >= need { Ok(()) } else { Err(BlockFault::Unlinked { field, found, need }) }
}
