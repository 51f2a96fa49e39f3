//! Reading from any position: the same records as a scan's, beside a writer and at rest.

use std::ops::ControlFlow;
use std::sync::Arc;

use doorbuster_engine::log::record::{self, Record};
use doorbuster_engine::log::{Cursor, LogError, Lsn, Writer};
use doorbuster_engine::storage::{FileStorage, ReadOnlyFolder, SimStorage, Storage};
use doorbuster_ledger::{Event, OrderNumber, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::world::{PAGE, open, options, segment, shared};

const SEED: u64 = 7;

/// The record at a position, as every test here writes it.
fn record_at(position: u64) -> Record {
    Record::Event(Event::Evicted { number: OrderNumber::new(position), at: Timestamp::new(1_000 + position) })
}

/// Writes a block of `count` records behind what is there.
fn append(writer: &mut Writer, count: u64) {
    let mut bytes = Vec::new();
    let first = writer.written().get();
    for position in first..first + count {
        record::encode(&record_at(position), &mut bytes);
    }
    writer.begin().unwrap();
    writer.push(&bytes, u32::try_from(count).unwrap()).unwrap();
    writer.write(1_000).unwrap();
    writer.sync().unwrap();
}

/// Reads and checks up to `most` records; gives the position to go on from.
fn read(cursor: &mut Cursor, from: u64, until: Lsn, budget: u64, most: u64) -> u64 {
    let mut expected = from;
    let next = cursor.read(Lsn::new(from), until, budget, |lsn, record| {
        if expected == from.saturating_add(most) {
            return ControlFlow::Break(());
        }
        assert_eq!((lsn.get(), *record), (expected, record_at(expected)));
        expected += 1;
        ControlFlow::Continue(())
    });
    let next = next.unwrap().get();
    assert_eq!(next, expected, "what was shown is what was counted");
    next
}

#[test]
fn any_position_can_be_read_from_in_pieces_of_any_size_beside_the_writer() {
    println!("seed {SEED}");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let storage = SimStorage::new(SEED);
    let mut log = open(&storage, 1).unwrap().0;
    let mut cursor = Cursor::open(shared(&storage)).unwrap();
    let mut at = 0;
    for round in 0..600_u64 {
        append(&mut log.writer, random.random_range(1..300));
        if round % 97 == 96 {
            // A restart: what nothing proved durable is written again, in a segment of its own.
            drop(log);
            log = open(&storage, round).unwrap().0;
            cursor = Cursor::open(shared(&storage)).unwrap();
        }
        let until = log.writer.durable();
        if round % 5 == 0 {
            at = random.random_range(0..=until.get());
        }
        for _ in 0..3 {
            let most = random.random_range(0..400);
            at = read(&mut cursor, at, until, random.random_range(0..40_000), most);
        }
    }
    assert!(log.writer.segment().get() > 20, "it rolled over");
    let until = log.writer.durable();
    for from in [0, until.get() / 2, until.get() - 1] {
        assert_eq!(read(&mut cursor, from, until, u64::MAX, u64::MAX), until.get());
    }
    assert_eq!(read(&mut cursor, until.get(), until, u64::MAX, 9), until.get(), "nothing is behind the end");
    assert_eq!(read(&mut cursor, until.get() + 5, until, u64::MAX, 9), until.get() + 5);
}

#[test]
fn a_budget_and_an_end_within_a_block_are_kept() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, 1).unwrap().0;
    for _ in 0..4 {
        append(&mut log.writer, 100);
    }
    let mut cursor = Cursor::open(shared(&storage)).unwrap();
    assert_eq!(
        read(&mut cursor, 30, log.writer.durable(), 1, u64::MAX),
        100,
        "one block at least, and no more"
    );
    assert_eq!(read(&mut cursor, 30, Lsn::new(250), u64::MAX, u64::MAX), 250);
    assert_eq!(read(&mut cursor, 250, Lsn::new(300), u64::MAX, 7), 257);
}

#[test]
fn the_end_is_what_a_later_block_proves_or_what_a_start_would_find() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, 1).unwrap().0;
    let mut cursor = Cursor::open(shared(&storage)).unwrap();
    assert_eq!((cursor.end(false).unwrap().lsn, cursor.end(true).unwrap().lsn), (Lsn::new(0), Lsn::new(0)));
    for _ in 0..40 {
        append(&mut log.writer, 10);
    }
    let (proven, whole) = (cursor.end(false).unwrap(), cursor.end(true).unwrap());
    assert_eq!((proven.lsn.get(), whole.lsn.get()), (390, 400));
    assert_eq!((proven.behind, whole.behind), (None, None));
    log.writer.seal(1_000).unwrap();
    assert_eq!(cursor.end(false).unwrap().lsn, Lsn::new(400), "the empty block proves the others");
    // A write that was cut short: the header of a block whose payload never came.
    let file = storage.open(&segment(log.writer.segment().get())).unwrap();
    let mut offset = PAGE as u64;
    let mut page = [0; PAGE];
    while file.read_at(offset, &mut page).unwrap() == PAGE && page[0] != 0 {
        offset += PAGE as u64;
    }
    file.write_at(offset, b"DBRBLOCK and no more").unwrap();
    let torn = cursor.end(true).unwrap();
    assert_eq!(torn.lsn, Lsn::new(400));
    assert!(torn.behind.is_some());
    assert_eq!(read(&mut cursor, 0, torn.lsn, u64::MAX, u64::MAX), 400);
}

#[test]
fn damage_before_the_end_is_named_with_its_place() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, 1).unwrap().0;
    for _ in 0..4 {
        append(&mut log.writer, 10);
    }
    let file = storage.open(&segment(log.writer.segment().get())).unwrap();
    // The header page, the empty block of the first epoch, the first block of ten.
    file.write_at(3 * PAGE as u64 + 200, &[0xFF]).unwrap();
    let mut cursor = Cursor::open(shared(&storage)).unwrap();
    let refused = cursor.read(Lsn::new(0), log.writer.durable(), u64::MAX, |_, _| ControlFlow::Continue(()));
    assert!(
        matches!(refused, Err(LogError::Corrupt { offset, .. }) if offset == 3 * PAGE as u64),
        "{refused:?}"
    );
    let message = refused.unwrap_err().to_string();
    assert!(
        message.ends_with("the log is durable up to position 40; restore this segment from a backup"),
        "{message}"
    );
}

#[test]
fn a_folder_is_read_while_another_serves_from_it_and_never_changed() {
    let place = tempfile::tempdir().unwrap();
    let serving: Arc<dyn Storage> = Arc::new(FileStorage::open(place.path()).unwrap());
    let scanned = doorbuster_engine::log::scan(serving.as_ref(), |_, _, _| Ok(())).unwrap();
    let mut log = doorbuster_engine::log::recover(&serving, &options(1), scanned).unwrap();
    append(&mut log.writer, 10);
    append(&mut log.writer, 10);
    let folder = ReadOnlyFolder::open(place.path()).unwrap();
    assert!(folder.is_served());
    for refused in [folder.create("x").err(), folder.rename("LOCK", "x").err(), folder.remove("LOCK").err()] {
        assert!(refused.unwrap().to_string().ends_with("the folder is only looked at"));
    }
    assert!(folder.open("LOCK").unwrap().write_at(0, b"x").is_err());
    let mut cursor = Cursor::open(Arc::new(folder)).unwrap();
    let end = cursor.end(false).unwrap();
    assert_eq!(end.lsn, Lsn::new(10));
    assert_eq!(read(&mut cursor, 0, end.lsn, u64::MAX, u64::MAX), 10);
    drop((log, serving));
    assert!(!ReadOnlyFolder::open(place.path()).unwrap().is_served());
    let elsewhere = place.path().join("none");
    let missing = ReadOnlyFolder::open(&elsewhere).unwrap_err().to_string();
    assert!(missing.contains("this is no data folder, or it was never served"), "{missing}");
    assert!(!elsewhere.exists());
}
