//! A snapshot's file: a header page, then pieces.
//!
//! ```text
//! piece:  0 length   4   bytes of its entries
//!         4 entries  4
//!         8 number   4   from 0
//!        12 checksum 4   CRC-32C of bytes 0..12, then the entries
//!        16 entries, each whole
//! ```

use doorbuster_ledger::{ImageEntry, Ledger};

use super::entry;
use super::error::{SnapshotError, SnapshotFault};
use super::header::{HEADER_LEN, HeaderFault, SNAPSHOT_VERSION, SnapshotHeader};
use super::shelf::{ASIDE, name};
use crate::log::{LogPlace, Lsn, SegmentNumber, u32_at};
use crate::storage::{LogId, Storage, StorageFile};

/// Bytes of entries after which a piece is full: a tenth of a millisecond's work. Whoever makes a snapshot beside a server rests
/// after each, and a thread that wakes meanwhile may have to wait for its end: schedulers let even the nicest finish its turn.
const PIECE: usize = 32 << 10;

/// Most bytes of entries in a piece that is read. The last entry may reach past a full one; and pieces may have been larger.
const MOST: usize = (256 << 10) + crate::log::record::MAX_RECORD;

const PIECE_HEADER: usize = 16;

/// Pieces after which what was written is synced: a MiB at most is dirty, so that a sync of the log waits for no more.
const SYNC_EVERY: u32 = 32;

/// Writes the snapshot of a ledger that serves all partitions, beside its name, and makes it durable. `pace` is called after each piece
/// with its bytes; it may take its time, and gives the whole up by returning false.
///
/// # Errors
/// The disk failed, or `pace` gave up; the snapshot isn't there.
pub(super) fn write(
    storage: &dyn Storage,
    log_id: LogId,
    (segment, at, time_ms): (SegmentNumber, LogPlace, u64),
    ledger: &Ledger,
    pace: &mut dyn FnMut(u64) -> bool,
) -> Result<SnapshotHeader, SnapshotError> {
    let file = storage.create(ASIDE)?;
    let mut pieces = Pieces {
        file: file.as_ref(),
        pace,
        bytes: Vec::with_capacity(PIECE_HEADER + PIECE + crate::log::record::MAX_RECORD),
        in_piece: 0,
        offset: HEADER_LEN as u64,
        number: 0,
        entries: 0,
    };
    pieces.begin();
    ledger.image(|entry| pieces.push(entry))?;
    pieces.flush()?;
    let header = SnapshotHeader {
        log_id,
        segment,
        place: at,
        time_ms,
        digest: ledger.digest(),
        entries: pieces.entries,
        length: pieces.offset,
        pieces: pieces.number,
    };
    file.write_at(0, &header.encode())?;
    file.sync_data()?;
    Ok(header)
}

/// Gives the snapshot that was written its name.
///
/// # Errors
/// The disk failed.
pub(super) fn publish(storage: &dyn Storage, header: &SnapshotHeader) -> Result<(), SnapshotError> {
    storage.rename(ASIDE, &name(header.place.lsn))?;
    Ok(storage.sync_folder()?)
}

/// Copies the snapshot of a position, reads every piece of the copy, and gives it its name when it is durable. Returns its bytes.
///
/// # Errors
/// One of the disks fails, or the snapshot isn't sound.
pub fn copy_snapshot(
    from: &dyn Storage,
    to: &dyn Storage,
    log_id: LogId,
    lsn: Lsn,
) -> Result<u64, SnapshotError> {
    let source = from.open(&name(lsn))?;
    let copy = to.create(ASIDE)?;
    let mut memory = vec![0; MOST];
    let mut offset = 0;
    loop {
        let read = source.read_at(offset, &mut memory)?;
        if read == 0 {
            break;
        }
        copy.write_at(offset, &memory[..read])?;
        offset += read as u64;
    }
    copy.sync_data()?;
    let mut reader = SnapshotReader::open_aside(to, log_id, lsn)?;
    while reader.read(drop)? {}
    publish(to, reader.header())?;
    Ok(offset)
}

/// Writes entries by pieces.
struct Pieces<'a> {
    file: &'a dyn StorageFile,
    pace: &'a mut dyn FnMut(u64) -> bool,
    /// The piece that is being filled, with room for its header in front.
    bytes: Vec<u8>,
    in_piece: u32,
    offset: u64,
    number: u32,
    entries: u64,
}

impl Pieces<'_> {
    fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.resize(PIECE_HEADER, 0);
        self.in_piece = 0;
    }

    fn push(&mut self, entry: &ImageEntry) -> Result<(), SnapshotError> {
        entry::encode(entry, &mut self.bytes);
        self.in_piece += 1;
        if self.bytes.len() < PIECE_HEADER + PIECE { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        if self.in_piece == 0 {
            return Ok(());
        }
        let length = u32::try_from(self.bytes.len() - PIECE_HEADER).expect("a piece has less than 4 GiB");
        let (header, entries) = self.bytes.split_at_mut(PIECE_HEADER);
        header[0..4].copy_from_slice(&length.to_le_bytes());
        header[4..8].copy_from_slice(&self.in_piece.to_le_bytes());
        header[8..12].copy_from_slice(&self.number.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), entries);
        header[12..16].copy_from_slice(&checksum.to_le_bytes());
        self.file.write_at(self.offset, &self.bytes)?;
        self.offset += self.bytes.len() as u64;
        self.number += 1;
        self.entries += u64::from(self.in_piece);
        if self.number.is_multiple_of(SYNC_EVERY) {
            self.file.sync_data()?;
        }
        if !(self.pace)(self.bytes.len() as u64) {
            return Err(SnapshotError::Stopped);
        }
        self.begin();
        Ok(())
    }
}

/// Reads a snapshot piece by piece.
#[derive(Debug)]
pub struct SnapshotReader {
    file: Box<dyn StorageFile>,
    name: String,
    header: SnapshotHeader,
    memory: Vec<u8>,
    offset: u64,
    number: u32,
    entries: u64,
}

impl SnapshotReader {
    /// Opens the snapshot of a position and looks at its header.
    ///
    /// # Errors
    /// It isn't there, or is no sound snapshot of this log.
    pub fn open(storage: &dyn Storage, log_id: LogId, lsn: Lsn) -> Result<Self, SnapshotError> {
        Self::open_file(storage, log_id, lsn, name(lsn))
    }

    /// As [`open`](Self::open), of the one that has no name yet.
    pub(super) fn open_aside(storage: &dyn Storage, log_id: LogId, lsn: Lsn) -> Result<Self, SnapshotError> {
        Self::open_file(storage, log_id, lsn, ASIDE.to_owned())
    }

    fn open_file(
        storage: &dyn Storage,
        log_id: LogId,
        lsn: Lsn,
        name: String,
    ) -> Result<Self, SnapshotError> {
        let file = storage.open(&name)?;
        let mut memory = vec![0; PIECE_HEADER + MOST];
        let read = file.read_at(0, &mut memory[..HEADER_LEN])?;
        let header = match SnapshotHeader::parse(&memory[..read]) {
            Ok(header) => header,
            Err(HeaderFault::Newer(found)) => {
                return Err(SnapshotError::NewerVersion { file: name, found, supported: SNAPSHOT_VERSION });
            }
            Err(HeaderFault::Damaged) => {
                return Err(SnapshotError::Unsound { file: name, fault: SnapshotFault::Header });
            }
        };
        let found = file.length()?;
        let fault = if header.log_id != log_id {
            Some(SnapshotFault::Foreign { found: header.log_id, need: log_id })
        } else if header.place.lsn != lsn {
            Some(SnapshotFault::Header)
        } else {
            (found != header.length).then_some(SnapshotFault::Length { found, need: header.length })
        };
        if let Some(fault) = fault {
            return Err(SnapshotError::Unsound { file: name, fault });
        }
        Ok(Self { file, name, header, memory, offset: HEADER_LEN as u64, number: 0, entries: 0 })
    }

    /// What it says about itself.
    pub const fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// Hands the next piece's entries to `each`; returns false behind the last piece.
    ///
    /// # Errors
    /// The piece is damaged, or can't be read.
    pub fn read(&mut self, mut each: impl FnMut(ImageEntry)) -> Result<bool, SnapshotError> {
        if self.number == self.header.pieces {
            let (found, need) = (self.entries, self.header.entries);
            return if found == need && self.offset == self.header.length {
                Ok(false)
            } else {
                Err(self.unsound(SnapshotFault::Count { found, need }))
            };
        }
        let damaged = SnapshotFault::Piece { number: self.number, offset: self.offset };
        let filled = self.file.read_at(self.offset, &mut self.memory)?;
        let Some((entries, bytes)) = sound_piece(&self.memory[..filled], self.number) else {
            return Err(self.unsound(damaged));
        };
        let mut rest = bytes;
        for _ in 0..entries {
            match entry::decode(rest) {
                Ok((entry, used)) => {
                    each(entry);
                    rest = rest.get(used..).unwrap_or_default();
                }
                Err(error) => return Err(self.unsound(SnapshotFault::Entry { number: self.number, error })),
            }
        }
        if !rest.is_empty() {
            return Err(self.unsound(damaged));
        }
        self.offset += (PIECE_HEADER + bytes.len()) as u64;
        self.number += 1;
        self.entries += u64::from(entries);
        Ok(true)
    }

    /// Says of this snapshot what is wrong with it.
    pub(crate) fn unsound(&self, fault: SnapshotFault) -> SnapshotError {
        SnapshotError::Unsound { file: self.name.clone(), fault }
    }
}

/// How many entries the piece at the front of `memory` holds, and their bytes.
fn sound_piece(memory: &[u8], number: u32) -> Option<(u32, &[u8])> {
    let (header, rest) = memory.split_first_chunk::<PIECE_HEADER>()?;
    let bytes = rest.get(..usize::try_from(u32_at(header, 0)).ok()?)?;
    let computed = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), bytes);
    (computed == u32_at(header, 12) && u32_at(header, 8) == number).then_some((u32_at(header, 4), bytes))
}
