//! Snapshots' files.

use doorbuster_engine::log::{LogId, Lsn, PAGE};
use doorbuster_engine::snapshot::{SNAPSHOT_VERSION, SnapshotError, SnapshotReader, name};
use doorbuster_engine::storage::{SimStorage, Storage};

const MAGIC: &[u8; 8] = b"DBRSNAPS";

/// Offsets of a header's fields.
const LOG_ID: usize = 16;
const LSN: usize = 48;
const ENTRIES: usize = 104;
const LENGTH: usize = 112;
const PIECES: usize = 120;
const CHECKSUM: usize = 124;

/// Bytes in front of a piece's entries; its length, how many they are, its number, its checksum.
const PIECE_HEADER: usize = 16;

/// Reads the bytes as a snapshot's file, as they are; and once more as the entries of a file whose header and checksums are
/// right, the first four bytes saying how many they are.
///
/// # Panics
/// A file that is read to its end has another number of entries than it states.
pub fn check(bytes: &[u8]) {
    read(bytes);
    if let Some((count, entries)) = bytes.split_first_chunk() {
        read(&sealed(u32::from_le_bytes(*count), entries));
    }
}

/// Reads a file as the snapshot of the log and the position that it names.
fn read(file: &[u8]) {
    let log_id = file.get(LOG_ID..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    let lsn = file.get(LSN..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    let (log_id, lsn) = (LogId::new(u128::from_le_bytes(log_id)), Lsn::new(u64::from_le_bytes(lsn)));
    let disk = SimStorage::new(0);
    let written = disk.create(&name(lsn)).and_then(|place| place.write_at(0, file));
    written.expect("no fault is planted on the simulated disk");
    let mut entries = 0;
    match through(&disk, log_id, lsn, &mut entries) {
        Ok(stated) => assert_eq!(entries, stated),
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n') && line.starts_with("read snapshot-"), "{line:?}");
        }
    }
}

/// Reads every piece, and answers how many entries the header states.
fn through(disk: &SimStorage, log_id: LogId, lsn: Lsn, entries: &mut u64) -> Result<u64, SnapshotError> {
    let mut reader = SnapshotReader::open(disk, log_id, lsn)?;
    while reader.read(|_| *entries += 1)? {}
    Ok(reader.header().entries)
}

/// A file of one piece with these entries.
fn sealed(count: u32, entries: &[u8]) -> Vec<u8> {
    let mut file = vec![0; PAGE + PIECE_HEADER];
    file.extend_from_slice(entries);
    let length = file.len() as u64;
    let (page, piece) = file.split_at_mut(PAGE);
    put(piece, 0, &u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes());
    put(piece, 4, &count.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&piece[..12]), entries);
    put(piece, 12, &checksum.to_le_bytes());
    put(page, 0, MAGIC);
    put(page, 8, &SNAPSHOT_VERSION.to_le_bytes());
    put(page, ENTRIES, &u64::from(count).to_le_bytes());
    put(page, LENGTH, &length.to_le_bytes());
    put(page, PIECES, &1_u32.to_le_bytes());
    let checksum = crc32c::crc32c(&page[..CHECKSUM]);
    put(page, CHECKSUM, &checksum.to_le_bytes());
    file
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_behind_a_right_header_are_read() {
        let disk = SimStorage::new(0);
        let place = disk.create(&name(Lsn::new(0))).expect("a disk");
        place.write_at(0, &sealed(0, &[])).expect("a disk");
        let mut entries = 0;
        assert!(matches!(through(&disk, LogId::new(0), Lsn::new(0), &mut entries), Ok(0)));
        place.write_at(0, &sealed(1, &[0xFF; 9])).expect("a disk");
        let error =
            through(&disk, LogId::new(0), Lsn::new(0), &mut entries).expect_err("no entry").to_string();
        assert!(error.contains("holds an entry that can't be read"), "{error}");
    }
}
