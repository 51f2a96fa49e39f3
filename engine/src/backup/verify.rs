//! Reading a folder whole, with everything in it that can be compared.

use std::collections::BTreeMap;

use doorbuster_ledger::{Digest, ImageEntry, Ledger, Timestamp, Totals};

use super::error::BackupError;
use crate::engine::Options;
use crate::error::EngineError;
use crate::log::{
    BlockHash, BlockNumber, LogError, LogId, LogPlace, Lsn, SegmentNumber, TornTail, VisitError,
    oldest_segment, scan_from,
};
use crate::replay::Replay;
use crate::snapshot::{SnapshotFault, SnapshotHeader, SnapshotReader, snapshots};
use crate::storage::{Manifest, Storage};

/// What a folder holds, after all of it was read and compared.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The log.
    pub log_id: LogId,
    /// The position that reading began at: 0, or that of the oldest snapshot, where the log's start was removed.
    pub from: Lsn,
    /// Where the log ends.
    pub end: Lsn,
    /// Blocks before the end.
    pub blocks: BlockNumber,
    /// Bytes of the blocks that were read.
    pub bytes: u64,
    /// Records that were applied.
    pub events: u64,
    /// The digest of the state at the end.
    pub digest: Digest,
    /// The hash of the last block, which stands for all of them.
    pub head: BlockHash,
    /// The latest time of a block, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Digests in the log that were met and found equal.
    pub checkpoints: u64,
    /// Snapshots that were read and compared.
    pub snapshots: Vec<VerifiedSnapshot>,
    /// A write that a crash had cut short, or that is under way.
    pub torn: Option<TornTail>,
    /// Sums over the state at the end.
    pub totals: Totals,
}

/// A snapshot that was read, and compared with what the log comes to at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedSnapshot {
    /// Its position.
    pub position: Lsn,
    /// Its digest.
    pub digest: Digest,
    /// Whether the log comes to that; `None` of the one that reading began with.
    pub matches_log: Option<bool>,
}

/// Reads a folder whole: every block with its checksum and hash, every event applied, every digest that was recorded compared,
/// every snapshot read back and compared with the log at its position. Changes nothing.
///
/// # Errors
/// What is damaged, or contradicts itself.
pub fn verify(storage: &dyn Storage, options: &Options) -> Result<Verified, BackupError> {
    let log_id = Manifest::read(storage)?.ok_or(LogError::NoManifest)?.log_id;
    let mut against = Against { replay: Replay::start(options)?, ahead: BTreeMap::new(), seen: Vec::new() };
    // Where the log's start was removed, reading begins with the oldest snapshot.
    let whole = oldest_segment(storage)?.is_none_or(|oldest| oldest == SegmentNumber::new(1));
    let mut begin: Option<LogPlace> = None;
    for lsn in snapshots(storage)?.into_iter().rev() {
        let first = !whole && begin.is_none();
        let header = read_back(storage, options, (log_id, lsn), |entry| {
            if first { against.replay.load(entry) } else { Ok(()) }
        })?;
        if first {
            begin = Some(header.place);
            against.seen.push(VerifiedSnapshot { position: lsn, digest: header.digest, matches_log: None });
        } else {
            against.ahead.insert(header.place.block, header);
        }
    }
    let scanned = scan_from(storage, begin, |place, _, payload| {
        against.come_to(place.block).map_err(VisitError::from)?;
        against.replay.block(place, payload).map_err(VisitError::from)
    });
    let end = scanned.as_ref().map_or(BlockNumber::default(), |scan| scan.blocks);
    let digest = against.come_to(end).and_then(|()| against.replay.digest_now());
    let replayed = against.replay.finish(Timestamp::default())?;
    let (scan, digest) = (scanned?, digest?);
    Ok(Verified {
        log_id,
        from: begin.map_or_else(Lsn::default, |place| place.lsn),
        end: scan.lsn,
        blocks: scan.blocks,
        bytes: scan.bytes,
        events: replayed.events,
        digest,
        head: scan.head.hash,
        time_ms: scan.time_ms,
        checkpoints: replayed.compared,
        snapshots: against.seen,
        torn: scan.torn,
        totals: replayed.ledgers.iter().map(Ledger::totals).fold(Totals::default(), Totals::and),
    })
}

/// Reads a snapshot whole and compares its digest; shows `each` its entries.
fn read_back(
    storage: &dyn Storage,
    options: &Options,
    (log_id, lsn): (LogId, Lsn),
    mut each: impl FnMut(ImageEntry) -> Result<(), EngineError>,
) -> Result<SnapshotHeader, BackupError> {
    let mut reader = SnapshotReader::open(storage, log_id, lsn)?;
    let mut ledger = Ledger::new(options.rules, options.seed);
    let mut entries = Vec::new();
    while reader.read(|entry| entries.push(entry))? {
        let loaded = ledger.load(&entries);
        loaded.map_err(|violation| reader.unsound(SnapshotFault::Violation(violation)))?;
        entries.drain(..).try_for_each(&mut each)?;
    }
    let header = *reader.header();
    let found = ledger.digest();
    if found != header.digest {
        return Err(reader.unsound(SnapshotFault::Digest { found, need: header.digest }).into());
    }
    Ok(header)
}

/// A replay, and the snapshots that it comes by.
struct Against {
    replay: Replay,
    /// Those that are still to come, by the block in front of which they were made.
    ahead: BTreeMap<BlockNumber, SnapshotHeader>,
    seen: Vec<VerifiedSnapshot>,
}

impl Against {
    /// All before this block is applied: compares the snapshots of this place.
    fn come_to(&mut self, block: BlockNumber) -> Result<(), EngineError> {
        while let Some(entry) = self.ahead.first_entry()
            && *entry.key() <= block
        {
            let SnapshotHeader { place, digest, .. } = entry.remove();
            let matches_log = Some(self.replay.digest_now()? == digest);
            self.seen.push(VerifiedSnapshot { position: place.lsn, digest, matches_log });
        }
        Ok(())
    }
}
