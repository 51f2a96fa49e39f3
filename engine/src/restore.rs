//! From a data folder to ledgers: the newest sound snapshot, then the log behind it.

use doorbuster_ledger::Timestamp;

use crate::engine::Options;
use crate::error::EngineError;
use crate::log::{LogError, LogId, Lsn, Scan, VisitError, scan_from};
use crate::replay::{Replay, Replayed};
use crate::snapshot::{SnapshotError, SnapshotFault, SnapshotHeader, SnapshotReader, snapshots};
use crate::storage::{Manifest, Storage};

/// What a data folder came to.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) replayed: Replayed,
    pub(crate) scan: Scan,
    /// The latest time that the folder knows of.
    pub(crate) latest: Timestamp,
    /// What it began with.
    pub(crate) snapshot: Option<SnapshotHeader>,
    /// Snapshots that were passed over as they are damaged.
    pub(crate) unsound: Vec<Lsn>,
}

/// Rebuilds the ledgers of a folder, and lets things fall due from `now` on, or from the latest time that the folder knows of.
///
/// # Errors
/// The log is damaged, of another version, or contradicts itself; or the disk failed.
pub(crate) fn restore(
    storage: &dyn Storage,
    options: &Options,
    now: Timestamp,
) -> Result<Restored, EngineError> {
    let manifest = Manifest::read(storage).map_err(LogError::from)?.ok_or(LogError::NoManifest)?;
    let mut unsound = Vec::new();
    let (mut replay, snapshot) = begin(storage, options, manifest.log_id, &mut unsound)?;
    let scanned = scan_from(storage, snapshot.map(|header| header.place), |place, _, payload| {
        replay.block(place, payload).map_err(VisitError::from)
    });
    let written = scanned.as_ref().map_or(0, |scan| scan.time_ms);
    let written = written.max(snapshot.map_or(0, |header| header.time_ms));
    let latest = replay.latest().max(Timestamp::new(written));
    // What can't follow the state stands earlier in the log than what the scan stopped at, and may be its cause.
    let replayed = replay.finish(latest.max(now))?;
    Ok(Restored { replayed, scan: scanned?, latest, snapshot, unsound })
}

/// Begins a replay with the newest snapshot that is sound, or with nothing.
fn begin(
    storage: &dyn Storage,
    options: &Options,
    log_id: LogId,
    unsound: &mut Vec<Lsn>,
) -> Result<(Replay, Option<SnapshotHeader>), EngineError> {
    for lsn in snapshots(storage).map_err(LogError::from)? {
        match load(storage, options, log_id, lsn) {
            Ok((replay, header)) => return Ok((replay, Some(header))),
            Err(EngineError::Snapshot(error @ SnapshotError::Unsound { .. })) => {
                tracing::warn!(%error, "a snapshot is damaged; an older one is used, or the whole log");
                unsound.push(lsn);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((Replay::start(options)?, None))
}

/// Loads a snapshot whole.
fn load(
    storage: &dyn Storage,
    options: &Options,
    log_id: LogId,
    lsn: Lsn,
) -> Result<(Replay, SnapshotHeader), EngineError> {
    let mut reader = SnapshotReader::open(storage, log_id, lsn)?;
    let header = *reader.header();
    let mut replay = Replay::start(options)?;
    let mut taken = true;
    // Where a shard's thread has stopped, it is told below why.
    while taken && reader.read(|entry| taken &= replay.load(entry).is_ok())? {}
    let replay = replay.loaded().map_err(|error| match error {
        EngineError::Violation(violation) => reader.unsound(SnapshotFault::Violation(violation)).into(),
        error => error,
    })?;
    Ok((replay, header))
}
