//! Each way in which a log can be incomplete or not ours has its own clear error.

use doorbuster_engine::log::{BlockHeader, BlockPlace, LogError, recover, scan};
use doorbuster_engine::storage::{SimStorage, Storage};

use crate::world::{PAGE, log_of, look, open, options, segment, shared};

/// A log of three segments, each full: 15 one-page blocks a segment.
fn three_segments(seed: u64) -> SimStorage {
    let storage = SimStorage::new(seed);
    log_of(&storage, &(0..40).map(|fill| vec![fill; 10]).collect::<Vec<_>>());
    assert!(storage.content(&segment(3)).is_some());
    storage
}

fn refusal(storage: &SimStorage) -> String {
    let before: Vec<_> = storage.list().unwrap();
    let error = open(storage, 5).unwrap_err();
    assert_eq!(storage.list().unwrap(), before, "a refused folder is left as it was");
    assert_eq!(look(storage).0.unwrap_err().to_string(), error.to_string());
    error.to_string()
}

fn overwrite(storage: &SimStorage, name: &str, content: &[u8]) {
    storage.create(name).unwrap().write_at(0, content).unwrap();
}

#[test]
fn a_missing_middle_segment_is_named() {
    let storage = three_segments(1);
    storage.remove(&segment(2)).unwrap();
    assert_eq!(
        refusal(&storage),
        "read segment-0000000002.log: the segment is missing, but segment-0000000003.log is there or was; \
         restore it from a backup"
    );
}

#[test]
fn a_missing_first_segment_is_named() {
    let storage = three_segments(2);
    storage.remove(&segment(1)).unwrap();
    assert_eq!(
        refusal(&storage),
        "read segment-0000000001.log: the log's first segment is missing; the oldest one found is \
         segment-0000000002.log"
    );
}

#[test]
fn a_log_without_any_segment_is_not_taken_for_a_new_one() {
    let storage = SimStorage::new(3);
    log_of(&storage, &[vec![1]]);
    storage.remove(&segment(1)).unwrap();
    assert_eq!(
        refusal(&storage),
        "read segment-0000000001.log: the log's first segment is missing; the oldest one found is none"
    );
}

#[test]
fn a_missing_newest_segment_of_a_recovery_is_noticed() {
    let storage = SimStorage::new(4);
    log_of(&storage, &[vec![1]]);
    open(&storage, 2).unwrap();
    storage.remove(&segment(2)).unwrap();
    assert_eq!(
        refusal(&storage),
        "read segment-0000000002.log: the segment is missing, but segment-0000000002.log is there or was; \
         restore it from a backup"
    );
}

#[test]
fn a_segment_of_another_log_is_refused() {
    let storage = three_segments(5);
    let other = three_segments(6).content(&segment(2)).unwrap();
    overwrite(&storage, &segment(2), &other);
    let message = refusal(&storage);
    assert!(message.starts_with("read segment-0000000002.log: it belongs to log "), "{message}");
}

#[test]
fn a_segment_in_the_place_of_another_is_refused() {
    let storage = three_segments(7);
    let third = storage.content(&segment(3)).unwrap();
    overwrite(&storage, &segment(2), &third);
    let message = refusal(&storage);
    assert!(message.contains("its segment number is 3, need 2"), "{message}");
}

#[test]
fn a_shortened_segment_is_refused() {
    let storage = three_segments(8);
    storage.open(&segment(2)).unwrap().truncate(5 * PAGE as u64).unwrap();
    let message = refusal(&storage);
    let start = "read segment-0000000002.log at offset 20480: block 19 is corrupt: the file ends before it";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn an_intact_block_of_another_place_is_refused_and_not_cut() {
    let storage = SimStorage::new(9);
    log_of(&storage, &[vec![1], vec![2]]);
    let content = storage.content(&segment(1)).unwrap();
    let file = storage.open(&segment(1)).unwrap();
    file.write_at(4 * PAGE as u64, &content[2 * PAGE..3 * PAGE]).unwrap();
    let message = refusal(&storage);
    assert!(message.contains("offset 16384: block 3 is corrupt: its number is 1, need 3"), "{message}");
}

#[test]
fn a_middle_segment_of_zeros_is_refused() {
    let storage = three_segments(13);
    overwrite(&storage, &segment(2), &vec![0; 16 * PAGE]);
    assert_eq!(
        refusal(&storage),
        "read segment-0000000002.log at offset 0: block 15 is corrupt: there are only zeros; it was durable, because \
         segment-0000000003.log was begun after it; restore this segment from a backup"
    );
}

#[test]
fn a_block_of_another_history_of_the_same_log_is_refused() {
    let (storage, other) = (SimStorage::new(14), SimStorage::new(14));
    log_of(&storage, &[vec![1], vec![2]]);
    log_of(&other, &[vec![9], vec![2]]);
    let fork = other.content(&segment(1)).unwrap();
    let file = storage.open(&segment(1)).unwrap();
    file.write_at(3 * PAGE as u64, &fork[3 * PAGE..4 * PAGE]).unwrap();
    let message = refusal(&storage);
    assert!(message.contains("offset 12288: block 2 is corrupt: its previous checksum is "), "{message}");
}

#[test]
fn newer_segments_and_blocks_are_refused_as_newer() {
    for (offset, covered) in [(0, 124), (PAGE, 124)] {
        let storage = SimStorage::new(10);
        log_of(&storage, &[vec![1]]);
        let mut content = storage.content(&segment(1)).unwrap();
        content[offset + 8] = 2;
        let checksum = crc32c::crc32c(&content[offset..offset + covered]);
        content[offset + covered..offset + covered + 4].copy_from_slice(&checksum.to_le_bytes());
        overwrite(&storage, &segment(1), &content);
        assert_eq!(
            refusal(&storage),
            format!(
                "read segment-0000000001.log at offset {offset}: format version 2, but this build reads up to \
                 version 1; use a newer build"
            )
        );
    }
}

#[test]
fn a_block_that_the_visitor_rejects_is_named() {
    let storage = SimStorage::new(11);
    log_of(&storage, &[vec![1], vec![2]]);
    let reject = |_: BlockPlace, header: &BlockHeader, _: &[u8]| match header.number.get() {
        2 => Err("record 0 has no such kind".into()),
        _ => Ok(()),
    };
    let error = scan(&storage, reject).unwrap_err();
    assert_eq!(
        error.to_string(),
        "read segment-0000000001.log at offset 12288: block 2 has an intact checksum, but record 0 has no such kind"
    );
}

#[test]
fn sizes_out_of_range_are_refused() {
    for (segment_bytes, block_bytes) in [(4096, 4096), (1 << 20, 1000), (1 << 20, 2 << 20), (100_000, 4096)] {
        let mut options = options(1);
        options.segment_bytes = segment_bytes;
        options.block_bytes = block_bytes;
        let storage = SimStorage::new(12);
        let scan = scan(&storage, |_, _, _| Ok(())).unwrap();
        let error = recover(&shared(&storage), &options, scan).unwrap_err();
        assert!(matches!(error, LogError::Options { .. }), "{error}");
    }
}

/// The generator polynomial of CRC-32C, as the bytes of a message have their bits. Added without carry to any place of a message, it
/// leaves the checksum as it is.
const GENERATOR: u64 = 1 | 0x82F6_3B78 << 1;

#[test]
fn a_forged_block_with_the_checksum_it_had_is_found_by_the_hash() {
    let storage = three_segments(15);
    let name = segment(2);
    let before = storage.content(&name).unwrap();
    // Segment 2 begins with block 15; block 17 stands in its third page behind the header page.
    let payload = 3 * PAGE + 128;
    for (nth, byte) in GENERATOR.to_le_bytes().iter().enumerate().filter(|(_, byte)| **byte != 0) {
        storage.damage(&name, payload + nth, *byte);
    }
    let after = storage.content(&name).unwrap();
    assert_ne!(before[3 * PAGE..4 * PAGE], after[3 * PAGE..4 * PAGE]);
    let (was, is) = (&before[3 * PAGE..4 * PAGE], &after[3 * PAGE..4 * PAGE]);
    let (was, is) = (BlockHeader::parse(was).unwrap().0, BlockHeader::parse(is).unwrap().0);
    assert_eq!(was, is, "no header says that anything was changed");
    let message = refusal(&storage);
    assert!(
        message.starts_with(
            "read segment-0000000002.log at offset 16384: block 18 is corrupt: it follows a block with hash "
        ),
        "{message}"
    );
    assert!(message.contains(", but the one before it has "), "{message}");
}

#[test]
fn a_segment_that_follows_a_forged_block_is_refused() {
    let storage = three_segments(16);
    let name = segment(1);
    // The last block of segment 1: no other stands behind it there.
    let payload = 15 * PAGE + 128;
    for (nth, byte) in GENERATOR.to_le_bytes().iter().enumerate().filter(|(_, byte)| **byte != 0) {
        storage.damage(&name, payload + nth, *byte);
    }
    let message = refusal(&storage);
    assert!(
        message.starts_with(
            "read segment-0000000002.log at offset 0: block 15 is corrupt: it follows a block with hash "
        ),
        "{message}"
    );
}
