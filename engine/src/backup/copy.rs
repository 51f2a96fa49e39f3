//! Taking a backup.

use super::error::BackupError;
use crate::log::{Lsn, SegmentNumber, Take, copy_segment, oldest_segment, scan_from, segment_header};
use crate::snapshot::{SnapshotError, SnapshotReader, copy_snapshot, snapshots};
use crate::storage::{LogId, Manifest, Storage};

/// How often a backup is begun anew because the server has removed what was being copied.
const TRIES: usize = 5;

/// What a backup holds, and what was copied for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The log.
    pub log_id: LogId,
    /// The oldest position in it.
    pub oldest: Lsn,
    /// Where it ends.
    pub end: Lsn,
    /// The latest time in its last blocks, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Segments in it.
    pub segments: u64,
    /// Bytes that were copied this time.
    pub copied_bytes: u64,
    /// The newest snapshot in it.
    pub snapshot: Option<Lsn>,
}

/// Copies what `to` doesn't have yet of the data folder `from`, beside whoever serves from it, and reads back what is new.
/// `progress` is told the bytes of each file that was copied.
///
/// # Errors
/// See [`BackupError`]. What was copied before stays a whole backup.
pub fn back_up(
    from: &dyn Storage,
    to: &dyn Storage,
    mut progress: impl FnMut(u64),
) -> Result<BackedUp, BackupError> {
    for _ in 0..TRIES {
        match attempt(from, to, &mut progress) {
            Err(error) if error.is_missing() => {}
            done => return done,
        }
    }
    Err(BackupError::Outrun)
}

fn attempt(
    from: &dyn Storage,
    to: &dyn Storage,
    progress: &mut impl FnMut(u64),
) -> Result<BackedUp, BackupError> {
    let log_id = Manifest::read(from)?.ok_or(crate::log::LogError::NoManifest)?.log_id;
    if let Some(known) = Manifest::read(to)?
        && known.log_id != log_id
    {
        return Err(BackupError::OtherLog { found: known.log_id, need: log_id });
    }
    let mut copied_bytes = 0;
    let snapshot = newest(from, log_id)?;
    if let Some(lsn) = snapshot.filter(|lsn| !has_snapshot(to, log_id, *lsn)) {
        let bytes = copy_snapshot(from, to, log_id, lsn)?;
        progress(bytes);
        copied_bytes += bytes;
    }
    let first = oldest_segment(from)?.unwrap_or(SegmentNumber::new(1));
    let known = oldest_segment(to)?;
    let mut number = known.map_or(first, |known| last_from(to, log_id, known));
    if number < first {
        return Err(BackupError::Gap { next: number.get(), oldest: first.get() });
    }
    let (mut last, mut time_ms) = (number, 0);
    while segment_header(from, log_id, number)?.is_some() {
        let copied = copy_segment((from, to), log_id, number, |_, _| Ok(Take::Whole))?;
        progress(copied.bytes);
        copied_bytes += copied.bytes;
        (last, time_ms) = (number, copied.time_ms.max(time_ms));
        number = number.plus(1);
    }
    Manifest { log_id, segment: last.get() }.write(to)?;
    let place = snapshot.map(|lsn| SnapshotReader::open(to, log_id, lsn).map(|reader| reader.header().place));
    let scan = scan_from(to, place.transpose()?, |_, _, _| Ok(()))?;
    let oldest = known.unwrap_or(first);
    let oldest_lsn = segment_header(to, log_id, oldest)?.map_or_else(Lsn::default, |header| header.first_lsn);
    Ok(BackedUp {
        log_id,
        oldest: oldest_lsn,
        end: scan.lsn,
        time_ms: scan.time_ms.max(time_ms),
        segments: last.get().saturating_sub(oldest.get()) + 1,
        copied_bytes,
        snapshot,
    })
}

/// The newest snapshot that is whole.
fn newest(storage: &dyn Storage, log_id: LogId) -> Result<Option<Lsn>, BackupError> {
    for lsn in snapshots(storage)? {
        match SnapshotReader::open(storage, log_id, lsn) {
            Ok(_) => return Ok(Some(lsn)),
            Err(SnapshotError::Unsound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

fn has_snapshot(storage: &dyn Storage, log_id: LogId, lsn: Lsn) -> bool {
    SnapshotReader::open(storage, log_id, lsn).is_ok()
}

/// The last segment of a backup that begins with `first`: it may have grown since, and so is copied anew.
fn last_from(storage: &dyn Storage, log_id: LogId, first: SegmentNumber) -> SegmentNumber {
    let mut last = first;
    while segment_header(storage, log_id, last.plus(1)).is_ok_and(|header| header.is_some()) {
        last = last.plus(1);
    }
    last
}
