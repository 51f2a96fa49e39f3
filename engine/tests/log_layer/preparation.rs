//! Segments that are prepared ahead, taken, kept over a restart, and recycled.

use doorbuster_engine::log::{Progress, SegmentNumber};
use doorbuster_engine::storage::{Crash, SimStorage, Storage};

use crate::world::{PAGE, SEGMENT, append, log_of, open, segment};

#[test]
fn the_preparer_keeps_two_segments_ready_and_then_rests() {
    let storage = SimStorage::new(31);
    let (mut log, _) = open(&storage, 1).unwrap();
    let mut ready = Vec::new();
    loop {
        match log.preparer.step().unwrap() {
            Progress::Ready(number) => ready.push(number.get()),
            Progress::Working => {}
            Progress::Idle => break,
        }
    }
    assert_eq!(ready, [2, 3]);
    assert_eq!(storage.content(&segment(2)), Some(vec![0; SEGMENT]));
    assert_eq!(storage.content("prepare.tmp"), None);
}

#[test]
fn a_roll_over_into_a_ready_segment_creates_no_file() {
    let storage = SimStorage::new(32);
    let mut log = log_of(&storage, &vec![vec![1]; 14]);
    while log.preparer.step().unwrap() != Progress::Idle {}
    let operations = storage.operations();
    append(&mut log.writer, &[2]).unwrap();
    assert_eq!(log.writer.segment(), SegmentNumber::new(2));
    // The header, the block, one sync: everything before was durable already.
    assert_eq!(storage.operations(), operations + 3);
    assert!(log.preparer.pool().wants_more());
}

#[test]
fn prepared_segments_survive_a_restart_and_leftovers_do_not() {
    let storage = SimStorage::new(33);
    let (mut log, _) = open(&storage, 1).unwrap();
    while log.preparer.step().unwrap() != Progress::Idle {}
    drop(log);
    storage.create("prepare.tmp").unwrap();
    storage.create("writer.tmp").unwrap();
    // Nothing in segment 1 was proven, so that the recovery replaces it; both others stay ready.
    let (log, _) = open(&storage, 2).unwrap();
    assert_eq!((log.writer.segment(), log.preparer.pool().ready()), (SegmentNumber::new(1), 2));
    // Now something is: the recovery takes the name of segment 2, and segment 3 stays ready.
    drop(log);
    let (log, _) = open(&storage, 3).unwrap();
    assert_eq!((log.writer.segment(), log.preparer.pool().ready()), (SegmentNumber::new(2), 1));
    let mut names = storage.list().unwrap();
    names.sort();
    assert_eq!(names, ["MANIFEST", &segment(1), &segment(2), &segment(3)]);
}

#[test]
fn a_restart_gives_back_the_space_behind_the_old_end() {
    let storage = SimStorage::new(34);
    for owner in 1..5 {
        open(&storage, owner).unwrap();
    }
    // The first restart replaces segment 1, of which nothing was proven; then a header and an empty block stay.
    for number in 1..3 {
        assert_eq!(storage.content(&segment(number)).unwrap().len(), 2 * PAGE, "segment {number}");
    }
    assert_eq!(storage.content(&segment(3)).unwrap().len(), SEGMENT);
    assert_eq!(storage.content(&segment(4)), None);
}

#[test]
fn a_recycled_segment_comes_back_blank_under_the_next_number() {
    let storage = SimStorage::new(35);
    let mut log = log_of(&storage, &vec![vec![7; 3000]; 20]);
    assert_eq!(log.writer.segment(), SegmentNumber::new(2));
    log.preparer.recycle(SegmentNumber::new(1));
    while log.preparer.step().unwrap() != Progress::Ready(SegmentNumber::new(3)) {}
    assert_eq!(storage.content(&segment(1)), None);
    assert_eq!(storage.content(&segment(3)), Some(vec![0; SEGMENT]));
    for _ in 0..20 {
        append(&mut log.writer, &[8]).unwrap();
    }
    assert_eq!(log.writer.segment(), SegmentNumber::new(3));
}

#[test]
fn a_closed_pool_ends_the_preparers_wait() {
    let storage = SimStorage::new(36);
    let (mut log, _) = open(&storage, 1).unwrap();
    assert!(log.preparer.pool().wait_for_demand());
    while log.preparer.step().unwrap() != Progress::Idle {}
    let pool = std::sync::Arc::clone(log.preparer.pool());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.wait_for_demand());
        pool.close();
        assert!(!waiting.join().unwrap());
    });
}

#[test]
fn a_ready_segment_is_durable_to_its_last_zero() {
    for seed in 0..20 {
        for recycled in [false, true] {
            let storage = SimStorage::new(seed);
            let mut log = log_of(&storage, &vec![vec![7; 3000]; 20]);
            if recycled {
                log.preparer.recycle(SegmentNumber::new(1));
            }
            while log.preparer.step().unwrap() != Progress::Ready(SegmentNumber::new(3)) {}
            storage.crash(Crash::Power);
            assert!(
                storage.content(&segment(3)) == Some(vec![0; SEGMENT]),
                "seed {seed}, recycled {recycled}"
            );
        }
    }
}
