//! Notes, and who may read them when.

use std::sync::{Arc, LazyLock};

use shuttle::thread;

use super::*;
use crate::sync::{AtomicBool, Schedules, fails_within, found_within};

const NOW: Timestamp = Timestamp::new(1_000);
const SOLD_OUT: SoldOut = SoldOut { holds: 3, next_expiry: Some(Timestamp::new(9_000)) };

fn read(directory: &Directory, sku: u64, now: u64, durable: u64) -> Option<SoldOut> {
    directory.read(SkuId::new(sku), Timestamp::new(now), durable)
}

#[test]
fn a_note_is_used_when_it_is_durable_and_while_it_is_fresh() {
    let directory = Directory::new();
    assert_eq!(read(&directory, 7, 1_000, 99), None);
    directory.note(SkuId::new(7), SOLD_OUT, NOW, 20);
    assert_eq!(read(&directory, 7, 1_000, 19), None, "not durable yet");
    assert_eq!(read(&directory, 7, 1_000, 20), Some(SOLD_OUT));
    assert_eq!(read(&directory, 7, 1_000 + VALID_MS, 20), Some(SOLD_OUT));
    assert_eq!(read(&directory, 7, 1_001 + VALID_MS, 20), None, "out of date");
    let last = SoldOut { holds: 0, next_expiry: None };
    directory.note(SkuId::new(7), last, Timestamp::new(2_000), 20);
    assert_eq!(read(&directory, 7, 2_000, 20), Some(last));
}

#[test]
fn units_that_come_back_wipe_the_note_of_their_sku_alone() {
    let directory = Directory::new();
    let all: Vec<u64> = (1..=8).collect();
    for sku in &all {
        directory.note(SkuId::new(*sku), SOLD_OUT, NOW, 1);
    }
    directory.wipe(SkuId::new(3));
    let left = |directory: &Directory| -> Vec<u64> {
        all.iter().copied().filter(|sku| read(directory, *sku, 1_000, 1).is_some()).collect()
    };
    assert_eq!(left(&directory), [1, 2, 4, 5, 6, 7, 8]);
    let fives = PartitionId::of(SkuId::new(5));
    directory.wipe_all(|partition| partition == fives);
    assert_eq!(left(&directory), [1, 2, 4, 6, 7, 8]);
}

#[test]
fn of_two_skus_in_one_place_the_latest_is_known_and_the_other_wipes_nothing() {
    let directory = Directory::new();
    let place = |sku: u64| (PartitionId::of(SkuId::new(sku)), sku % WAYS as u64);
    let other = (2..1 << 20).find(|sku| place(*sku) == place(1)).unwrap();
    directory.note(SkuId::new(1), SOLD_OUT, NOW, 1);
    directory.note(SkuId::new(other), SOLD_OUT, NOW, 1);
    directory.wipe(SkuId::new(1));
    assert_eq!((read(&directory, 1, 1_000, 1), read(&directory, other, 1_000, 1)), (None, Some(SOLD_OUT)));
}

#[test]
fn a_reader_sees_whole_notes_only() {
    const NOTES: u32 = 200_000;
    let (directory, ended) = (Directory::new(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Acquire) {
                if let Some(seen) = read(&directory, 7, 1_000, u64::MAX) {
                    assert_eq!(seen.next_expiry, Some(Timestamp::new(u64::from(seen.holds))));
                }
            }
        });
        for holds in 1..=NOTES {
            let next_expiry = Some(Timestamp::new(u64::from(holds)));
            directory.note(SkuId::new(7), SoldOut { holds, next_expiry }, NOW, u64::from(holds));
        }
        ended.store(true, Ordering::Release);
    });
}

/// Two SKUs whose notes share a place, and one of another shard whose bit shares a word with theirs.
struct Skus {
    first: SkuId,
    beside: SkuId,
    elsewhere: SkuId,
}

/// Found once: it takes longer than a schedule.
static SKUS: LazyLock<Skus> = LazyLock::new(Skus::find);

impl Skus {
    fn find() -> Self {
        let of = |partition: u16| {
            let there = move |sku: &SkuId| PartitionId::of(*sku).raw() == partition;
            (1..).map(SkuId::new).filter(there)
        };
        let first = of(0).next().expect("each partition has SKUs");
        let beside = of(0).skip(1).find(|sku| Directory::number(*sku) == Directory::number(first));
        let elsewhere = of(1).next().expect("each partition has SKUs");
        Self { first, beside: beside.expect("each place has many"), elsewhere }
    }
}

/// Places of the partitions 0 and 1.
fn small() -> Arc<Directory> {
    Arc::new(Directory::with_places(2 * WAYS))
}

/// What a note with so many holds says. Its ticket is the same number.
fn says(holds: u32) -> SoldOut {
    SoldOut { holds, next_expiry: Some(Timestamp::new(u64::from(holds) * 1_000)) }
}

fn note(directory: &Directory, sku: SkuId, holds: u32) {
    directory.note(sku, says(holds), NOW, u64::from(holds));
}

/// A note is written over another while somebody reads.
fn one_note_after_another() {
    let (directory, skus) = (small(), &*SKUS);
    note(&directory, skus.first, 1);
    let reader = {
        let directory = Arc::clone(&directory);
        thread::spawn(move || directory.read(skus.first, NOW, 2))
    };
    note(&directory, skus.first, 2);
    let seen = reader.join().expect("a panic ends the model");
    assert!([None, Some(says(1)), Some(says(2))].contains(&seen), "no note ever said {seen:?}");
    assert_eq!(directory.read(skus.first, NOW, 1), None, "the last one's ticket counts");
    assert_eq!(directory.read(skus.first, NOW, 2), Some(says(2)));
}

/// Another SKU's note takes the place while somebody reads.
fn a_place_changes_hands() {
    let (directory, skus) = (small(), &*SKUS);
    note(&directory, skus.first, 1);
    let reader = {
        let directory = Arc::clone(&directory);
        thread::spawn(move || directory.read(skus.first, NOW, 9))
    };
    note(&directory, skus.beside, 2);
    let seen = reader.join().expect("a panic ends the model");
    assert!([None, Some(says(1))].contains(&seen), "nobody noted {seen:?} of this SKU");
    assert_eq!(directory.read(skus.first, NOW, 9), None);
    assert_eq!(directory.read(skus.beside, NOW, 9), Some(says(2)));
}

/// Two shards note and wipe at once, and their bits share a word.
fn two_shards_write() {
    let (directory, skus) = (small(), &*SKUS);
    let other = {
        let directory = Arc::clone(&directory);
        thread::spawn(move || {
            note(&directory, skus.elsewhere, 1);
            directory.wipe(skus.elsewhere);
            note(&directory, skus.elsewhere, 2);
        })
    };
    note(&directory, skus.first, 1);
    directory.wipe(skus.first);
    note(&directory, skus.first, 3);
    other.join().expect("a panic ends the model");
    assert_eq!(directory.read(skus.elsewhere, NOW, 9), Some(says(2)));
    assert_eq!(directory.read(skus.first, NOW, 9), Some(says(3)));
}

/// Units come back: the note is wiped, the return is told, and somebody who may have heard of it reads.
fn a_return(late: bool) {
    let (directory, skus) = (small(), &*SKUS);
    note(&directory, skus.first, 1);
    let told = Arc::new(AtomicBool::new(false));
    let reader = {
        let (directory, told) = (Arc::clone(&directory), Arc::clone(&told));
        thread::spawn(move || {
            let heard = told.load(Ordering::Acquire);
            (heard, directory.read(skus.first, NOW, 9))
        })
    };
    if !late {
        directory.wipe(skus.first);
    }
    told.store(true, Ordering::Release);
    if late {
        directory.wipe(skus.first);
    }
    let (heard, seen) = reader.join().expect("a panic ends the model");
    assert!(!heard || seen.is_none(), "who has heard of the return was told {seen:?}");
}

fn a_return_wipes_first() {
    a_return(false);
}

fn a_return_wipes_late() {
    a_return(true);
}

#[test]
fn a_note_is_read_whole_or_not_at_all_in_every_order_of_steps() {
    let schedules = Schedules::exhaust("one note after another", one_note_after_another);
    assert!(schedules > 10_000, "{schedules} schedules are no search");
}

#[test]
fn a_place_that_changes_hands_is_never_read_as_the_other_skus() {
    Schedules { each: 1_500 }.explore("a place changes hands", a_place_changes_hands);
}

#[test]
fn shards_whose_bits_share_a_word_lose_none() {
    Schedules { each: 1_500 }.explore("two shards write", two_shards_write);
}

#[test]
fn who_has_heard_of_a_return_is_not_told_sold_out() {
    Schedules::exhaust("a return wipes first", a_return_wipes_first);
}

#[test]
fn torn_notes_are_found_out() {
    found_within(1_000, Bug::TornNote, one_note_after_another);
    found_within(1_000, Bug::TornNote, a_place_changes_hands);
}

#[test]
fn a_note_that_is_wiped_late_is_found_out() {
    let found = fails_within(1_000, a_return_wipes_late);
    assert!(found.is_some(), "nobody was told \"sold out\" behind the return");
}
