//! How one block follows another.

use super::block::{BlockFault, BlockHeader};
use super::chain::{Link, LogPlace};
use super::position::{BlockNumber, Epoch, Lsn, Owner};
use super::segment::SegmentHeader;
use crate::storage::LogId;

/// What the next block or segment must say, after all before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) log_id: LogId,
    pub(super) number: BlockNumber,
    pub(super) lsn: Lsn,
    pub(super) previous: Link,
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
            previous: Link::default(),
            epoch: Epoch::default(),
            owner: Owner::default(),
            time_ms: 0,
            proven: BlockNumber::default(),
        }
    }

    /// In front of the first block of a segment, with nothing known of what stands before it.
    pub(super) fn at(header: &SegmentHeader) -> Self {
        Self {
            number: header.first_block,
            lsn: header.first_lsn,
            previous: header.previous,
            proven: header.first_block,
            ..Self::new(header.log_id)
        }
    }

    /// Where it is.
    pub(super) const fn place(&self) -> LogPlace {
        LogPlace { block: self.number, lsn: self.lsn, previous: self.previous }
    }

    /// Enters a segment of this log.
    pub(super) fn enter(&mut self, header: &SegmentHeader) -> Result<(), BlockFault> {
        same("first block", header.first_block.get(), self.number.get())?;
        same("first lsn", header.first_lsn.get(), self.lsn.get())?;
        linked(&header.previous, &self.previous)?;
        at_least("epoch", header.epoch.get(), self.epoch.get())?;
        self.proven = self.proven.max(header.first_block);
        Ok(())
    }

    /// Goes past a block that stands in a segment of `epoch` and that the next one names as `link`.
    pub(super) fn pass(&mut self, header: &BlockHeader, link: Link, epoch: Epoch) -> Result<(), BlockFault> {
        if header.log_id != self.log_id {
            return Err(BlockFault::Foreign { found: header.log_id });
        }
        same("number", header.number.get(), self.number.get())?;
        same("first lsn", header.first_lsn.get(), self.lsn.get())?;
        linked(&header.previous, &self.previous)?;
        at_least("epoch", header.epoch.get(), self.epoch.get())?;
        at_least("segment's epoch", epoch.get(), header.epoch.get())?;
        at_least("number", header.number.get(), header.durable_before.get())?;
        if header.epoch == self.epoch {
            same("owner", header.owner.get(), self.owner.get())?;
        }
        self.number = header.number.plus(1);
        self.lsn = header.end_lsn();
        self.previous = link;
        self.epoch = header.epoch;
        self.owner = header.owner;
        self.time_ms = self.time_ms.max(header.time_ms);
        self.proven = self.proven.max(header.durable_before);
        Ok(())
    }
}

/// The checksum comes first: it is what differs where the disk is to blame.
fn linked(found: &Link, need: &Link) -> Result<(), BlockFault> {
    same("previous checksum", found.checksum.into(), need.checksum.into())?;
    if found.hash == need.hash {
        Ok(())
    } else {
        Err(BlockFault::Forged { found: found.hash.start(), need: need.hash.start() })
    }
}

const fn same(field: &'static str, found: u64, need: u64) -> Result<(), BlockFault> {
    if found == need { Ok(()) } else { Err(BlockFault::Unlinked { field, found, need }) }
}

const fn at_least(field: &'static str, found: u64, need: u64) -> Result<(), BlockFault> {
    if found >= need { Ok(()) } else { Err(BlockFault::Unlinked { field, found, need }) }
}
