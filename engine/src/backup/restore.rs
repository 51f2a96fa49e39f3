//! Restoring a backup, or a part of it.

use doorbuster_ledger::{ImageEntry, Timestamp};

use super::error::BackupError;
use crate::log::record::{self, Record};
use crate::log::{
    BlockHeader, LogError, Lsn, SegmentNumber, Take, copy_segment, oldest_segment, scan_from, segment_header,
};
use crate::snapshot::{SnapshotHeader, SnapshotReader, copy_snapshot, snapshots};
use crate::storage::{LogId, Manifest, Storage};

/// What the names of a restore's files begin with.
const COPIED: [&str; 4] = ["segment-", "snapshot", "copy.tmp", crate::storage::MANIFEST];

/// How much is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreTo {
    /// Everything.
    End,
    /// All events before this position.
    Position(Lsn),
    /// All events before the first one that is later than this.
    Time(Timestamp),
}

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The log.
    pub log_id: LogId,
    /// Where it ends.
    pub end: Lsn,
    /// The latest time in its last blocks, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Segments that were copied.
    pub segments: u64,
    /// Bytes that were copied.
    pub bytes: u64,
}

/// Copies a backup, or a data folder that nobody serves from, into a fresh data folder, up to the event that is asked for.
/// `progress` is told the bytes of each file that was copied. The folder can be served from when this returns; before, it is
/// refused.
///
/// # Errors
/// See [`BackupError`].
pub fn restore(
    from: &dyn Storage,
    into: &dyn Storage,
    until: RestoreTo,
    mut progress: impl FnMut(u64),
) -> Result<Restored, BackupError> {
    if Manifest::read(into)?.is_some() {
        return Err(BackupError::NotFresh);
    }
    let done = attempt(from, into, until, &mut progress);
    if done.is_err() {
        // What was copied is good for nothing; where it can't be removed either, the folder is refused as none of a log.
        drop(empty(into));
    }
    done
}

/// Removes what a restore has copied.
fn empty(folder: &dyn Storage) -> Result<(), BackupError> {
    for name in folder.list()?.iter().filter(|name| COPIED.iter().any(|copied| name.starts_with(copied))) {
        folder.remove(name)?;
    }
    Ok(folder.sync_folder()?)
}

fn attempt(
    from: &dyn Storage,
    into: &dyn Storage,
    until: RestoreTo,
    progress: &mut impl FnMut(u64),
) -> Result<Restored, BackupError> {
    let log_id = Manifest::read(from)?.ok_or(LogError::NoManifest)?.log_id;
    let oldest = oldest_segment(from)?.unwrap_or(SegmentNumber::new(1));
    let snapshot = covering(from, log_id, until)?;
    let whole = oldest == SegmentNumber::new(1);
    if snapshot.is_none() && !whole {
        let oldest = snapshots(from)?.last().copied().unwrap_or_default();
        return Err(BackupError::TooEarly { oldest });
    }
    let mut restored = Restored { log_id, end: Lsn::default(), time_ms: 0, segments: 0, bytes: 0 };
    if let Some(header) = &snapshot {
        let bytes = copy_snapshot(from, into, log_id, header.place.lsn)?;
        progress(bytes);
        restored.bytes += bytes;
    }
    let mut number = oldest;
    let mut ended = false;
    while !ended && segment_header(from, log_id, number)?.is_some() {
        let next = segment_header(from, log_id, number.plus(1))?;
        let copied = copy_segment((from, into), log_id, number, |block, payload| {
            if next.is_some_and(|next| block.number >= next.first_block) {
                // The next segment has taken over before it.
                return Ok(Take::Nothing);
            }
            take(until, block, payload)
        })?;
        ended = copied.ended && next.is_none_or(|next| copied.end < next.first_lsn);
        progress(copied.bytes);
        restored.end = copied.end;
        restored.time_ms = restored.time_ms.max(copied.time_ms);
        restored.segments += 1;
        restored.bytes += copied.bytes;
        number = number.plus(1);
    }
    if let RestoreTo::Position(asked) = until
        && restored.end < asked
    {
        return Err(BackupError::NotReached { asked: asked.get(), end: restored.end });
    }
    let last = number.before();
    Manifest { log_id, segment: last.get() }.write(into)?;
    scan_from(into, snapshot.map(|header| header.place), |_, _, _| Ok(()))?;
    Ok(restored)
}

/// The newest sound snapshot of a position that is restored as well.
fn covering(
    from: &dyn Storage,
    log_id: LogId,
    until: RestoreTo,
) -> Result<Option<SnapshotHeader>, BackupError> {
    for lsn in snapshots(from)? {
        let Ok(mut reader) = SnapshotReader::open(from, log_id, lsn) else { continue };
        let covers = match until {
            RestoreTo::End => true,
            RestoreTo::Position(position) => lsn <= position,
            RestoreTo::Time(time) => latest(&mut reader).is_some_and(|latest| latest <= time),
        };
        if covers {
            return Ok(Some(*reader.header()));
        }
    }
    Ok(None)
}

/// The latest time that a snapshot knows of; a block's time may lag behind that, where a clock went back.
fn latest(reader: &mut SnapshotReader) -> Option<Timestamp> {
    let mut latest = None;
    let read = reader.read(|entry| {
        if let ImageEntry::Now(now) = entry {
            latest = Some(now);
        }
    });
    latest.filter(|_| read.is_ok())
}

/// What of a block is restored.
fn take(until: RestoreTo, block: &BlockHeader, payload: &[u8]) -> Result<Take, LogError> {
    match until {
        RestoreTo::End => Ok(Take::Whole),
        RestoreTo::Position(position) if block.end_lsn() <= position && block.count > 0 => Ok(Take::Whole),
        RestoreTo::Position(position) => first(block, payload, |lsn, _| lsn < position),
        RestoreTo::Time(time) => first(block, payload, |_, record| at(record) <= time),
    }
}

fn at(record: &Record) -> Timestamp {
    match record {
        Record::Event(event) => event.at(),
        Record::Checkpoint { at, .. } => *at,
    }
}

/// The block's first events for which `wanted` holds.
fn first(
    block: &BlockHeader,
    payload: &[u8],
    wanted: impl Fn(Lsn, &Record) -> bool,
) -> Result<Take, LogError> {
    let (mut count, mut bytes) = (0, 0);
    while count < block.count {
        let rest = payload.get(bytes..).unwrap_or_default();
        let (record, used) = record::decode(rest).map_err(|error| LogError::Unreadable {
            block: block.number,
            lsn: block.first_lsn.plus(u64::from(count)),
            source: std::sync::Arc::new(error),
        })?;
        if !wanted(block.first_lsn.plus(u64::from(count)), &record) {
            return Ok(if count == 0 { Take::Nothing } else { Take::First { count, bytes } });
        }
        count += 1;
        bytes += used;
    }
    Ok(Take::Whole)
}
