//! Fail stop: the first fault of the disk ends the log, and every later call says the same.

use doorbuster_engine::log::Recovered;
use doorbuster_engine::storage::{Crash, SimStorage};

use crate::world::{Block, SEGMENT, append, look, open};

/// Every call must answer the poison; then the log must come back with the blocks that were durable.
fn check_poisoned(storage: &SimStorage, log: &mut Recovered, message: &str, durable: usize) {
    for _ in 0..3 {
        let answers = [
            log.writer.begin(),
            log.writer.push(&[1], 1),
            log.writer.write(1).map(drop),
            log.writer.sync().map(drop),
            log.writer.seal(1),
        ];
        for answer in answers {
            assert_eq!(answer.unwrap_err().to_string(), message);
        }
    }
    storage.crash(Crash::Power);
    let (_, blocks) = open(storage, 2).unwrap();
    assert!(blocks.len() >= durable, "{} of {durable} durable blocks came back", blocks.len());
}

#[test]
fn a_failing_write_poisons_the_log() {
    let storage = SimStorage::new(21);
    let (mut log, _) = open(&storage, 1).unwrap();
    append(&mut log.writer, &[1; 100]).unwrap();
    storage.fail_write(1);
    let error = append(&mut log.writer, &[2; 100]).unwrap_err();
    assert_eq!(error.to_string(), "write segment-0000000001.log: other error");
    assert_eq!(log.writer.durable().get(), 1);
    check_poisoned(&storage, &mut log, "write segment-0000000001.log: other error", 1);
}

#[test]
fn a_failing_sync_poisons_the_log_and_is_never_tried_again() {
    let storage = SimStorage::new(22);
    let (mut log, _) = open(&storage, 1).unwrap();
    append(&mut log.writer, &[1; 100]).unwrap();
    storage.fail_sync(1);
    append(&mut log.writer, &[2; 100]).unwrap_err();
    let operations = storage.operations();
    assert!(log.writer.sync().is_err());
    assert_eq!(storage.operations(), operations, "a poisoned log leaves the disk alone");
    assert_eq!(log.writer.durable().get(), 1);
    check_poisoned(&storage, &mut log, "sync segment-0000000001.log: other error", 1);
}

#[test]
fn what_a_failed_sync_left_in_the_page_cache_is_made_durable_before_serving() {
    let storage = SimStorage::new(23);
    let (mut log, _) = open(&storage, 1).unwrap();
    storage.fail_sync(1);
    append(&mut log.writer, &[7; 100]).unwrap_err();
    // The process ends, the machine does not: the block is read back, though the disk never got it.
    storage.crash(Crash::Process);
    let expected = [Block { payload: vec![7; 100], count: 1 }];
    assert_eq!(open(&storage, 2).unwrap().1, expected);
    // Now that it was served, losing power must not take it away.
    storage.crash(Crash::Power);
    assert_eq!(look(&storage).1, expected);
}

#[test]
fn a_full_disk_poisons_the_log_at_the_roll_over_and_not_before() {
    let storage = SimStorage::new(24);
    let (mut log, _) = open(&storage, 1).unwrap();
    storage.limit_capacity(SEGMENT + 2000);
    // One page holds the header and one the epoch's block: 14 blocks fit into space that is already taken.
    for fill in 0..14 {
        append(&mut log.writer, &[fill; 10]).unwrap();
    }
    let error = append(&mut log.writer, &[14; 10]).unwrap_err();
    let message = "write writer.tmp: no storage space";
    assert_eq!(error.to_string(), message);
    check_poisoned(&storage, &mut log, message, 14);
}

#[test]
fn a_full_disk_fails_the_preparer_and_leaves_the_writer_alone() {
    let storage = SimStorage::new(25);
    let (mut log, _) = open(&storage, 1).unwrap();
    storage.limit_capacity(SEGMENT + 2000);
    log.preparer.step().unwrap();
    let error = log.preparer.step().unwrap_err();
    assert_eq!(error.to_string(), "write prepare.tmp: no storage space");
    append(&mut log.writer, &[1; 10]).unwrap();
    storage.limit_capacity(4 * SEGMENT);
    while log.preparer.pool().ready() == 0 {
        log.preparer.step().unwrap();
    }
}

#[test]
fn several_written_blocks_become_durable_with_one_sync() {
    let storage = SimStorage::new(26);
    let (mut log, _) = open(&storage, 1).unwrap();
    for count in 1..=3 {
        log.writer.begin().unwrap();
        log.writer.push(&[9; 10], count).unwrap();
        log.writer.write(5).unwrap();
        assert_eq!(log.writer.durable().get(), 0);
    }
    let operations = storage.operations();
    assert_eq!(log.writer.sync().unwrap().get(), 6);
    assert_eq!(storage.operations(), operations + 1);
    assert_eq!(log.writer.sync().unwrap().get(), 6);
    assert_eq!(storage.operations(), operations + 1, "there was nothing to sync");
}

#[test]
fn a_block_costs_one_write_and_one_sync() {
    let storage = SimStorage::new(27);
    let (mut log, _) = open(&storage, 1).unwrap();
    let operations = storage.operations();
    append(&mut log.writer, &[1; 5000]).unwrap();
    assert_eq!(storage.operations(), operations + 2);
}
