//! Snapshots: a start from one comes to the same state; damage costs time, not data; nothing that is needed is removed.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod backups;
mod shop;

use std::ops::ControlFlow;
use std::sync::Arc;

use doorbuster_engine::log::{Cursor, LogError, Lsn};
use doorbuster_engine::snapshot::{CompactionOptions, KeepLog, name, snapshots};
use doorbuster_engine::storage::{Crash, SimStorage, Storage};
use shop::Shop;

/// A snapshot at every segment; the log stays.
const ALWAYS: CompactionOptions =
    CompactionOptions { every_bytes: Some(1), keep_snapshots: 2, keep_log: KeepLog::All };

/// As [`ALWAYS`], and whatever a snapshot covers goes.
const SHORT: CompactionOptions = CompactionOptions { keep_log: KeepLog::Bytes(0), ..ALWAYS };

fn position(disk: &SimStorage, nth: usize) -> Lsn {
    snapshots(disk).unwrap()[nth]
}

fn flip(disk: &SimStorage, file: &str, offset: u64) {
    let file = disk.open(file).unwrap();
    let mut byte = [0];
    assert_eq!(file.read_at(offset, &mut byte).unwrap(), 1);
    file.write_at(offset, &[byte[0] ^ 0x10]).unwrap();
    file.sync_data().unwrap();
}

#[test]
fn a_start_reads_the_newest_snapshot_and_what_came_after_it() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    let mut made = 0;
    for round in 0..12 {
        shop.sell(200);
        made += shop.compact().len();
        let events = shop.engine.journal().durable();
        let digest = shop.engine.digest();
        shop = shop.reopen(1 + round % 3);
        assert_eq!(shop.engine.digest(), digest, "round {round}");
        if let Some(snapshot) = shop.recovery.snapshot {
            assert_eq!(snapshot, position(&shop.disk, 0));
            assert_eq!(snapshot.get() + shop.recovery.events, events, "more was read than had to be");
        }
    }
    assert!(made > 6, "{made} snapshots");
    assert_eq!(snapshots(&shop.disk).unwrap().len(), 2, "older ones are removed");
}

#[test]
fn one_that_is_wanted_is_made_at_once_however_little_was_written() {
    for compaction in [CompactionOptions::NEVER, ALWAYS] {
        let mut shop = Shop::open(SimStorage::new(1), compaction);
        shop.sell(10);
        shop.engine.snapshots().want();
        assert!(shop.compact().is_empty(), "nothing is whole that it could be of");
        while shop.segments().len() < 4 {
            shop.sell(100);
        }
        shop.compact();
        let before = shop.engine.snapshots().made();
        shop.engine.snapshots().want();
        assert!(shop.engine.snapshots().is_wanted());
        let made = shop.compact();
        let expected = usize::from(compaction == CompactionOptions::NEVER);
        assert_eq!(made.len(), expected, "the newest one of another policy is of that position already");
        let orders = shop.engine.snapshots();
        assert_eq!(
            (orders.made() - before, orders.failed(), orders.is_wanted()),
            (made.len() as u64, 0, false)
        );
        assert_eq!(orders.newest(), Some(position(&shop.disk, 0)));
        let digest = shop.engine.digest();
        shop = shop.reopen(2);
        assert_eq!(shop.engine.digest(), digest);
        assert_eq!(shop.engine.snapshots().newest(), shop.recovery.snapshot);
    }
}

#[test]
fn a_snapshot_waits_for_as_much_log_as_the_last_one_is_large() {
    let rarely = CompactionOptions { every_bytes: Some(2 * shop::SEGMENT), ..ALWAYS };
    let mut shop = Shop::open(SimStorage::new(1), rarely);
    for _ in 0..40 {
        shop.sell(400);
        shop.compact();
    }
    for (last, next) in shop.made.iter().zip(&shop.made[1..]) {
        let log = (next.segment.get() - last.segment.get()) * shop::SEGMENT;
        assert!(log >= last.length.max(2 * shop::SEGMENT), "{log} bytes of log behind {last:?}");
    }
    assert!(shop.made.iter().any(|made| made.length > 2 * shop::SEGMENT), "{:?}", shop.made);
}

#[test]
fn a_damaged_snapshot_is_passed_over_wherever_it_is_damaged() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell_until(|shop| snapshots(&shop.disk).unwrap().len() == 2);
    let (newest, older) = (position(&shop.disk, 0), position(&shop.disk, 1));
    let digest = shop.engine.digest();
    let length = shop.disk.open(&name(newest)).unwrap().length().unwrap();
    // Each byte of the header and some of each page behind it.
    let offsets = (0..128).chain((128..length).step_by(601)).chain([length - 1]);
    for offset in offsets {
        flip(&shop.disk, &name(newest), offset);
        shop = shop.reopen(2);
        assert_eq!(shop.engine.digest(), digest, "byte {offset}");
        assert_eq!(shop.recovery.snapshot, Some(older), "byte {offset}");
        flip(&shop.disk, &name(newest), offset);
    }
    // With both damaged, the whole log serves.
    flip(&shop.disk, &name(newest), 5_000);
    flip(&shop.disk, &name(older), 5_000);
    shop = shop.reopen(1);
    assert_eq!((shop.engine.digest(), shop.recovery.snapshot), (digest, None));
    // The next one begins with the log's start, and clears the damaged ones away.
    shop.sell_until(|shop| !shop.made.is_empty());
    let kept = snapshots(&shop.disk).unwrap();
    assert!(!kept.contains(&newest) && !kept.contains(&older), "{kept:?}");
    let digest = shop.engine.digest();
    shop = shop.reopen(1);
    assert_eq!((shop.engine.digest(), shop.recovery.snapshot.is_some()), (digest, true));
}

#[test]
fn a_snapshot_that_is_damaged_while_the_server_runs_is_passed_over_too() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell_until(|shop| snapshots(&shop.disk).unwrap().len() == 2);
    let damaged = position(&shop.disk, 0);
    flip(&shop.disk, &name(damaged), 9_000);
    let before = shop.made.len();
    shop.sell_until(|shop| shop.made.len() > before);
    assert!(!snapshots(&shop.disk).unwrap().contains(&damaged));
    let digest = shop.engine.digest();
    shop = shop.reopen(1);
    assert_eq!((shop.engine.digest(), shop.recovery.snapshot), (digest, Some(position(&shop.disk, 0))));
}

#[test]
fn segments_that_a_kept_snapshot_covers_are_removed_where_that_is_wanted() {
    let mut shop = Shop::open(SimStorage::new(1), SHORT);
    for round in 0..10 {
        shop.sell(300);
        shop.compact();
        let digest = shop.engine.digest();
        shop = shop.reopen(1 + round % 2);
        assert_eq!(shop.engine.digest(), digest);
        assert!(shop.segments().len() < 12, "{:?}", shop.segments());
    }
    assert!(!shop.segments().contains(&"segment-0000000001.log".to_owned()));
    // A reader hears from where on the log is kept, also one that was there before.
    let storage: Arc<dyn Storage> = Arc::new(shop.disk.clone());
    let mut cursor = Cursor::open(storage).unwrap();
    let oldest = cursor.oldest();
    let until = Lsn::new(shop.engine.journal().durable());
    assert!(oldest > Lsn::default() && oldest < until);
    let read = |cursor: &mut Cursor, from| cursor.read(from, until, 1, |_, _| ControlFlow::Break(()));
    assert_eq!(read(&mut cursor, oldest).unwrap(), oldest);
    let error = read(&mut cursor, oldest.before()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read position {}: this log is kept from position {oldest} on; what came before it was removed, as a \
             snapshot covers it, and may be in a backup",
            oldest.before()
        )
    );
    read(&mut cursor, until.before()).unwrap();
    while shop.segments().contains(&format!("segment-{:010}.log", cursor.first_segment())) {
        shop.sell(300);
        shop.compact();
    }
    let error = read(&mut cursor, oldest).unwrap_err();
    assert!(matches!(error, LogError::Dropped { oldest: now, .. } if now > oldest), "{error}");
}

#[test]
fn as_much_of_the_log_stays_as_is_wanted() {
    let keep = 12 * shop::SEGMENT;
    let some = CompactionOptions { keep_log: KeepLog::Bytes(keep), ..ALWAYS };
    let mut shop = Shop::open(SimStorage::new(1), some);
    for _ in 0..60 {
        shop.sell(300);
        shop.compact();
        let files = shop.segments().into_iter().map(|name| shop.disk.open(&name).unwrap().length().unwrap());
        let bytes: u64 = files.sum();
        assert!(bytes <= keep + 4 * shop::SEGMENT || !shop.segments()[0].ends_with("1.log"), "{bytes}");
    }
    assert!(!shop.segments().contains(&"segment-0000000001.log".to_owned()));
}

#[test]
fn without_its_snapshots_a_log_whose_start_is_gone_is_refused() {
    let mut shop = Shop::open(SimStorage::new(1), SHORT);
    shop.sell_until(|shop| !shop.segments()[0].ends_with("-0000000001.log"));
    let oldest = shop.segments()[0].clone();
    for lsn in snapshots(&shop.disk).unwrap() {
        flip(&shop.disk, &name(lsn), 4_200);
    }
    let error = shop.fail_to_reopen();
    assert_eq!(
        error,
        format!(
            "read segment-0000000001.log: the log's first segment is missing; the oldest one found is {oldest}"
        )
    );
}

#[test]
fn a_log_that_ends_before_its_snapshot_is_refused() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell_until(|shop| shop.made.last().is_some_and(|made| made.segment.get() > 4));
    let from = shop.made.last().unwrap().segment.get();
    let names = shop.segments();
    let (block, disk) = (shop.made.last().unwrap().place.block, shop.disk.clone());
    let lost = |name: &String| name[8..18].parse::<u64>().unwrap() + 1 >= from;
    for name in names.iter().filter(|name| lost(name)).rev() {
        disk.remove(name).unwrap();
    }
    disk.sync_folder().unwrap();
    let error = shop.fail_to_reopen();
    let ends = "restore its last segments from a backup";
    assert!(error.starts_with("read the log: it ends at block ") && error.ends_with(ends), "{error}");
    assert!(error.contains(&format!("a snapshot was made at block {block}, ")), "{error}");
}

#[test]
fn a_snapshot_of_another_log_is_passed_over_and_one_of_another_course_is_refused() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    let mut other = Shop::open_as(SimStorage::new(2), ALWAYS, 9);
    // The same log, but its course parted: a folder that was copied and served twice.
    let mut course = Shop::open(SimStorage::new(3), ALWAYS);
    for shop in [&mut shop, &mut other] {
        shop.sell_until(|shop| !shop.made.is_empty());
    }
    course.sell(1);
    course.sell_until(|shop| !shop.made.is_empty());
    let digest = shop.engine.digest();
    let copy = |from: &SimStorage, lsn: Lsn, to: Lsn| {
        let file = from.open(&name(lsn)).unwrap();
        let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        let copy = shop.disk.create(&name(to)).unwrap();
        copy.write_at(0, &bytes).unwrap();
        copy.sync_data().unwrap();
        shop.disk.sync_folder().unwrap();
    };
    let (foreign, mine) = (position(&other.disk, 0), position(&shop.disk, 0));
    copy(&other.disk, foreign, foreign.plus(1_000_000));
    copy(&other.disk, foreign, foreign);
    let parted = position(&course.disk, 0);
    let shop = if foreign == mine {
        // Its own is gone with that name; the log serves.
        shop.reopen(1)
    } else {
        let shop = shop.reopen(1);
        assert_eq!(shop.recovery.snapshot, Some(mine));
        shop
    };
    assert_eq!(shop.engine.digest(), digest);
    for lsn in snapshots(&shop.disk).unwrap() {
        shop.disk.remove(&name(lsn)).unwrap();
    }
    let file = course.disk.open(&name(parted)).unwrap();
    let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    shop.disk.create(&name(parted)).unwrap().write_at(0, &bytes).unwrap();
    let error = shop.fail_to_reopen();
    assert!(error.contains("is not the one in front of which a snapshot was made"), "{error}");
}

#[test]
fn a_newer_snapshot_is_refused_as_newer() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell_until(|shop| !shop.made.is_empty());
    let newest = name(position(&shop.disk, 0));
    let file = shop.disk.open(&newest).unwrap();
    let mut fields = [0; 124];
    file.read_at(0, &mut fields).unwrap();
    fields[8] = 2;
    file.write_at(0, &fields).unwrap();
    file.write_at(124, &crc32c::crc32c(&fields).to_le_bytes()).unwrap();
    let error = shop.fail_to_reopen();
    let expected =
        format!("read {newest}: format version 2, but this build reads up to version 1; use a newer build");
    assert_eq!(error, expected);
}

#[test]
fn a_nearly_full_disk_keeps_its_room_for_the_log() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell(2_000);
    shop.disk.limit_capacity(shop.disk.used() + 4 * usize::try_from(shop::SEGMENT).unwrap());
    let error = shop.compact_until_it_fails();
    assert!(error.starts_with("a snapshot may need ") && error.contains("next segments included"), "{error}");
    shop.sell(1);
    shop.disk.limit_capacity(usize::MAX);
    assert!(!shop.compact().is_empty(), "it is made when there is room");
}

#[test]
fn a_snapshot_that_is_given_up_leaves_nothing_behind() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell(2_000);
    let error = shop.give_up_after(1);
    assert_eq!(error, "the snapshot was given up, as the engine stops");
    assert!(
        !shop.disk.list().unwrap().iter().any(|name| name.starts_with("snapshot")),
        "{:?}",
        shop.disk.list()
    );
    assert!(!shop.compact().is_empty(), "another one is made");
}

/// Power fails at every operation of a snapshot and of what is removed after it.
#[test]
fn a_crash_at_any_step_of_a_snapshot_loses_nothing() {
    for nth in 1.. {
        let mut shop = Shop::open(SimStorage::new(nth), SHORT);
        shop.sell_until(|shop| snapshots(&shop.disk).unwrap().len() == 2);
        shop.sell(2_000);
        let digest = shop.engine.digest();
        shop.disk.die_at(nth);
        let died = !shop.compact_or_die();
        shop.disk.crash(Crash::Power);
        let shop = shop.reopen(if nth.is_multiple_of(2) { 1 } else { 2 });
        assert_eq!(shop.engine.digest(), digest, "died at operation {nth}");
        if !died {
            assert!(nth > 20, "a snapshot takes only {nth} operations");
            return;
        }
    }
}
