//! Folders that were forged, and then changed.

use std::path::Path;

use super::*;
use crate::forge::{Forger, put, reserved};
use crate::record::Entry;

/// Who remembers what it was shown.
#[derive(Debug, Default)]
struct Seen {
    entries: Vec<Entry>,
    places: Vec<Place>,
    blocks: Vec<u64>,
}

impl Visit for Seen {
    fn record(&mut self, place: Place, entry: Entry) {
        self.entries.push(entry);
        self.places.push(place);
    }

    fn block_end(&mut self, place: Place) {
        self.blocks.push(place.block);
    }
}

/// Two segments with three blocks, of which the last is in the second segment.
fn three() -> Forger {
    let mut forger = Forger::of(&[vec![put(5, 10), reserved(1, 2, 5)], vec![reserved(2, 3, 5)]]);
    forger.begin_segment();
    forger.block(&[reserved(3, 4, 5)]);
    forger
}

fn read_folder(folder: &Path) -> (Result<Found, LogError>, Seen) {
    let mut seen = Seen::default();
    (read(folder, &mut seen), seen)
}

/// Writes a log and reads it, after `change` had its way with the folder.
fn changed(forger: &Forger, change: impl FnOnce(&Path)) -> Result<Found, LogError> {
    let folder = tempfile::tempdir().expect("a folder");
    forger.write(folder.path()).expect("written");
    change(folder.path());
    read_folder(folder.path()).0
}

fn refusal(forger: &Forger, change: impl FnOnce(&Path)) -> String {
    changed(forger, change).expect_err("refused").to_string()
}

/// Changes bytes of a segment's file.
fn patch(folder: &Path, number: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let file = folder.join(file_name(number));
    let mut bytes = std::fs::read(&file).expect("read");
    change(&mut bytes);
    std::fs::write(&file, bytes).expect("written");
}

/// Sets the checksum of the header at an offset, of a block or a segment.
fn mend(bytes: &mut [u8], at: usize) {
    let covered = crc32c::crc32c(&bytes[at..at + 124]);
    let sum = if bytes[at..].starts_with(BLOCK_MAGIC) {
        let length = crate::bytes::u32_at(bytes, at + 80) as usize;
        crc32c::crc32c_append(covered, &bytes[at + BLOCK_HEADER..at + BLOCK_HEADER + length])
    } else {
        covered
    };
    bytes[at + 124..at + 128].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn records_come_in_order_with_their_places() {
    let folder = tempfile::tempdir().expect("a folder");
    three().write(folder.path()).expect("written");
    let (found, seen) = read_folder(folder.path());
    let found = found.expect("sound");
    assert_eq!((found.lsn, found.blocks, found.segments, found.epochs), (4, 3, 2, 1));
    assert_eq!((found.bytes, found.times_ms), (3 * PAGE as u64, Some((1, 3))));
    assert_eq!(found.log_id, format!("{:032x}", 0x0F1E_2D3C));
    assert_eq!((found.unproven_blocks, found.unproven_records, found.tail), (1, 1, None));
    assert_eq!(seen.entries[0], Entry::Put { sku: 5, units: 10, user_limit: 0, order_limit: 0, at: 0 });
    let place = |record, block, segment, offset| Place { record, block, segment, offset };
    assert_eq!(
        seen.places,
        [place(1, 0, 1, 4096), place(2, 0, 1, 4096), place(3, 1, 1, 8192), place(4, 2, 2, 4096)]
    );
    assert_eq!(seen.blocks, [0, 1, 2]);
}

#[test]
fn the_head_is_the_hash_of_the_last_block_and_so_of_all() {
    let head = |records: &[Vec<u8>]| {
        changed(&Forger::of(&[vec![put(5, 10)], records.to_vec()]), |_| {}).expect("sound").head
    };
    assert_eq!(head(&[reserved(1, 2, 5)]), head(&[reserved(1, 2, 5)]));
    assert_ne!(head(&[reserved(1, 2, 5)]), head(&[reserved(1, 3, 5)]));
    assert_ne!(
        changed(&Forger::of(&[vec![put(5, 10)], vec![]]), |_| {}).expect("sound").head,
        changed(&Forger::of(&[vec![put(5, 11)], vec![]]), |_| {}).expect("sound").head,
    );
}

#[test]
fn a_block_that_was_changed_with_its_checksum_is_found_at_the_next_one() {
    let fault = refusal(&three(), |folder| {
        patch(folder, 1, |bytes| {
            // A unit more for SKU 5, in the first block; each later block names the one before by the right checksum.
            bytes[PAGE + BLOCK_HEADER + 9] += 1;
            mend(bytes, PAGE);
            let first = bytes[PAGE + 124..PAGE + 128].to_vec();
            bytes[2 * PAGE + 84..2 * PAGE + 88].copy_from_slice(&first);
            mend(bytes, 2 * PAGE);
        });
    });
    assert!(
        fault.starts_with("read segment-0000000001.log at offset 8192: the block follows a block with hash "),
        "{fault}"
    );
    assert!(fault.ends_with(": that one, or this, was forged"), "{fault}");
}

#[test]
fn a_header_that_does_not_go_on_is_named() {
    for (at, what) in [
        (12, "the segment follows a block with checksum"),
        (16, "the segment belongs to log"),
        (56, "block 2 is missing; it had been durable, because segment-0000000002.log was begun after it"),
        (64, "the segment says position 2 where position 3 is"),
        (72, "the segment follows a block with hash"),
        (104, "reserved bytes of a segment's header page aren't zero"),
        (10, "reserved bytes of a segment's header page aren't zero"),
    ] {
        // One more block, which shows that the segment's first one had been durable.
        let mut forger = three();
        forger.block(&[]);
        let fault = refusal(&forger, |folder| {
            patch(folder, 2, |bytes| {
                bytes[at] ^= 1;
                mend(bytes, 0);
            });
        });
        assert!(fault.starts_with("read segment-000000000") && fault.contains(what), "byte {at}: {fault}");
    }
    let epoch = refusal(&three(), |folder| {
        patch(folder, 2, |bytes| {
            bytes[40] = 0;
            mend(bytes, 0);
        });
    });
    assert!(epoch.contains("the segment is of epoch 0, and epoch 1 was before it"), "{epoch}");
}

#[test]
fn a_block_that_does_not_go_on_is_named() {
    for (at, what) in [
        (10, "reserved bytes of a block's header aren't zero"),
        (12, "the block says that it has 0 records, and has 1"),
        (16, "the block belongs to log"),
        (40, "the block is of owner 0000000000000001, and epoch 1 of 0000000000000000"),
        (48, "the block says block 0 where block 1 belongs"),
        (56, "the block says position 3 where position 2 is"),
        (72, "block 1 says that block"),
        (84, "the block follows a block with checksum"),
        (88, "the block follows a block with hash"),
        (120, "reserved bytes of a block's header aren't zero"),
    ] {
        let fault = refusal(&three(), |folder| {
            patch(folder, 1, |bytes| {
                bytes[2 * PAGE + at] ^= if at == 72 { 2 } else { 1 };
                mend(bytes, 2 * PAGE);
            });
        });
        assert!(fault.starts_with("read segment-0000000001.log at offset 8192: "), "byte {at}: {fault}");
        assert!(fault.contains(what), "byte {at}: {fault}");
    }
    for (epoch, what) in
        [(0, "is of epoch 0, and epoch 1 was before"), (2, "is of epoch 2, and its segment of 1")]
    {
        let fault = refusal(&three(), |folder| {
            patch(folder, 1, |bytes| {
                bytes[2 * PAGE + 32] = epoch;
                mend(bytes, 2 * PAGE);
            });
        });
        assert!(fault.contains(what), "{fault}");
    }
}

#[test]
fn a_record_of_no_kind_is_named_with_its_position() {
    let fault = refusal(&Forger::of(&[vec![put(5, 1), vec![200, 0, 0]]]), |_| {});
    assert_eq!(
        fault,
        "read segment-0000000001.log at offset 4096: record 1 of the block, at position 1, is of no kind, or cut short \
         (200)"
    );
}

#[test]
fn newer_files_are_refused_as_newer() {
    for (file, at) in [(1, 0), (1, PAGE)] {
        let error = changed(&three(), |folder| {
            patch(folder, file, |bytes| {
                bytes[at + 8] = 2;
                mend(bytes, at);
            });
        });
        let error = error.expect_err("refused");
        assert_eq!(
            error.to_string(),
            format!(
                "read segment-0000000001.log at offset {at}: format version 2, but this auditor knows version 1; use a newer build"
            )
        );
        assert!(!error.is_damage());
    }
    let text = format!("{TITLE}\nversion 7\nlog 00\nsegment 1\n");
    let text = format!("{text}checksum {:08x}\n", crc32c::crc32c(text.as_bytes()));
    let fault = refusal(&three(), |folder| std::fs::write(folder.join(MANIFEST), text).expect("written"));
    assert!(fault.starts_with("read MANIFEST at offset 0: format version 7"), "{fault}");
}

#[test]
fn missing_files_are_named() {
    let remove = |name: &str| {
        let name = name.to_owned();
        move |folder: &Path| std::fs::remove_file(folder.join(name)).expect("removed")
    };
    let none = refusal(&three(), remove(MANIFEST));
    assert!(none.contains("it has no MANIFEST, so it is no data folder"), "{none}");
    let mut forger = three();
    forger.begin_segment();
    forger.block(&[]);
    let middle = refusal(&forger, remove("segment-0000000002.log"));
    assert_eq!(
        middle,
        "read segment-0000000002.log at offset 0: the segment is missing; restore it from a backup"
    );
    let headless = changed(&three(), remove("segment-0000000001.log")).expect_err("refused");
    assert_eq!(
        headless.to_string(),
        "read segment-0000000002.log: the log is here from position 3 on only, and everything before it is needed to add \
         up; put the older segments, from segment-0000000001.log on, back from a backup"
    );
    assert!(!headless.is_damage());
    let all = refusal(&Forger::of(&[vec![put(5, 1)]]), remove("segment-0000000001.log"));
    assert!(all.contains("read segment-0000000001.log at offset 0: the segment is missing"), "{all}");
    let nowhere = read_folder(Path::new("/nowhere/at/all")).0.expect_err("refused").to_string();
    assert!(nowhere.starts_with("read /nowhere/at/all: "), "{nowhere}");
}

#[test]
fn every_damage_to_the_manifest_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    three().write(folder.path()).expect("written");
    let file = folder.path().join(MANIFEST);
    let whole = std::fs::read(&file).expect("read");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).expect("written");
        let fault = read_folder(folder.path()).0.expect_err("refused");
        assert!(fault.is_damage() && fault.to_string().starts_with("read MANIFEST"), "byte {at}: {fault}");
    }
}

#[test]
fn a_tear_is_told_from_damage_by_what_stands_behind_it() {
    let forger = Forger::of(&[vec![put(5, 10)], vec![reserved(1, 2, 5)], vec![reserved(2, 3, 5)]]);
    let flip = |page: usize| move |folder: &Path| patch(folder, 1, |bytes| bytes[page * PAGE + 140] ^= 1);
    // Block 2 says that block 1 was durable before it, and not that it is durable itself.
    let damage = refusal(&forger, flip(2));
    assert_eq!(
        damage,
        "read segment-0000000001.log at offset 8192: a block's checksum doesn't match its content; it had been durable, \
         because block 2 was written after all before block 2 were durable"
    );
    let torn = changed(&forger, flip(3)).expect("a tear");
    let tail = Tail { file: file_name(1), offset: 3 * PAGE as u64, bytes: PAGE as u64, blocks: 0 };
    assert_eq!((torn.lsn, torn.tail), (2, Some(tail)));
    assert_eq!((torn.unproven_blocks, torn.unproven_records), (1, 1));
    let behind = changed(&forger, flip(5)).expect("a tear");
    let tail = Tail { file: file_name(1), offset: 4 * PAGE as u64, bytes: 2 * PAGE as u64, blocks: 0 };
    assert_eq!((behind.lsn, behind.tail), (3, Some(tail)));
}

#[test]
fn bytes_behind_a_full_segment_are_found_or_are_an_old_copy() {
    let behind = |folder: &Path| patch(folder, 1, |bytes| bytes[5 * PAGE] = 1);
    let fault = refusal(&three(), behind);
    assert!(
        fault.starts_with(
            "read segment-0000000001.log at offset 12288: there are bytes behind the segment's last block"
        ),
        "{fault}"
    );
    // A segment of a later epoch was made by a recovery, which copied what stood there.
    let found = changed(&three(), |folder| {
        behind(folder);
        patch(folder, 2, |bytes| {
            bytes[40] = 2;
            mend(bytes, 0);
        });
    });
    assert_eq!(found.expect("sound").superseded_bytes, 4 * PAGE as u64);
}

#[test]
fn a_bad_header_of_the_last_segment_is_a_tear_unless_its_blocks_say_otherwise() {
    let mut forger = three();
    forger.block(&[reserved(4, 5, 5)]);
    let flip = |folder: &Path| patch(folder, 2, |bytes| bytes[60] ^= 1);
    let fault = refusal(&forger, flip);
    assert!(
        fault.starts_with("read segment-0000000002.log at offset 0: the segment header's checksum"),
        "{fault}"
    );
    assert!(fault.ends_with("because block 3 was written after all before block 3 were durable"), "{fault}");
    let mut empty = Forger::of(&[vec![put(5, 1)]]);
    empty.begin_segment();
    let torn = changed(&empty, flip).expect("a tear").tail.expect("there");
    assert_eq!((torn.file.as_str(), torn.offset, torn.bytes), ("segment-0000000002.log", 0, PAGE as u64));
}

/// A server that writes two blocks more, in another segment, while somebody reads.
struct Growing<'a> {
    folder: &'a Path,
    seen: Seen,
}

impl Visit for Growing<'_> {
    fn record(&mut self, place: Place, entry: Entry) {
        self.seen.record(place, entry);
    }

    fn block_end(&mut self, place: Place) {
        self.seen.block_end(place);
        if place.block == 1 {
            let mut forger =
                Forger::of(&[vec![put(5, 10)], vec![reserved(1, 2, 5)], vec![reserved(2, 3, 5)]]);
            forger.begin_segment();
            forger.block(&[reserved(3, 4, 5)]);
            forger.block(&[reserved(4, 5, 5)]);
            forger.write(self.folder).expect("written");
        }
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_is_no_damaged_one() {
    for prepared in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let forger = Forger::of(&[vec![put(5, 10)], vec![reserved(1, 2, 5)]]);
        forger.write(folder.path()).expect("written");
        if prepared {
            std::fs::write(folder.path().join(file_name(2)), vec![0; 8 * PAGE]).expect("written");
        }
        let mut growing = Growing { folder: folder.path(), seen: Seen::default() };
        let found = read(folder.path(), &mut growing).expect("sound");
        assert_eq!((found.blocks, found.lsn, found.segments, found.tail), (5, 5, 2, None));
        assert_eq!(growing.seen.blocks, [0, 1, 2, 3, 4]);
    }
}
