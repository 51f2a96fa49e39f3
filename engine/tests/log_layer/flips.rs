//! Every byte of a small log, flipped: what had been proven durable is refused by place, what had not is cut.

use doorbuster_engine::log::{LogError, SegmentNumber, TornTail};
use doorbuster_engine::storage::SimStorage;

use crate::world::{Block, PAGE, SEGMENT, append, log_of, look, open, segment};

/// Flips a byte, reads the log, and mends the byte.
fn flipped(storage: &SimStorage, number: u64, offset: usize) -> (Result<Option<TornTail>, LogError>, usize) {
    let mask = 1 << (offset % 8);
    storage.damage(&segment(number), offset, mask);
    let (answer, blocks) = look(storage);
    storage.damage(&segment(number), offset, mask);
    (answer.map(|scan| scan.torn), blocks.len())
}

fn assert_refused(answer: &Result<Option<TornTail>, LogError>, number: u64, at: usize, flipped: usize) {
    let Err(LogError::Corrupt { segment, offset, .. }) = answer else {
        panic!("byte {flipped} of segment {number}: {answer:?}");
    };
    assert_eq!((segment.get(), *offset), (number, at as u64), "byte {flipped}: {answer:?}");
}

#[test]
fn a_flip_before_the_last_proof_is_refused_and_one_behind_it_is_cut() {
    let storage = SimStorage::new(11);
    // Block 0 is the epoch's; blocks 1 to 4 take a page, two pages, a page and a page.
    let payloads = [vec![1; 100], vec![2; PAGE], vec![3; 5], vec![4; 1000]];
    let starts = [PAGE, 2 * PAGE, 3 * PAGE, 5 * PAGE, 6 * PAGE, 7 * PAGE];
    log_of(&storage, &payloads);
    let (intact, blocks) = look(&storage);
    assert_eq!((intact.unwrap().torn, blocks.len()), (None, 4));

    let last = 6 * PAGE;
    for offset in 0..SEGMENT {
        let (answer, blocks) = flipped(&storage, 1, offset);
        if offset < last {
            let block = starts.iter().rev().find(|start| **start <= offset).copied().unwrap_or(0);
            assert_refused(&answer, 1, block, offset);
        } else {
            let torn = answer.unwrap().unwrap_or_else(|| panic!("byte {offset} went unnoticed"));
            let end = offset.max(last).next_multiple_of(PAGE).max(offset + 1).next_multiple_of(PAGE);
            let (start, whole) = if offset < 7 * PAGE { (last, 3) } else { (7 * PAGE, 4) };
            assert_eq!((torn.segment.get(), torn.offset), (1, start as u64), "byte {offset}");
            assert_eq!((torn.bytes, torn.blocks), ((end - start) as u64, 0), "byte {offset}");
            assert_eq!(blocks, whole, "byte {offset}");
        }
    }
}

#[test]
fn a_flip_in_a_segment_that_has_a_successor_is_always_refused() {
    let storage = SimStorage::new(12);
    let payloads: Vec<_> = (0..16).map(|fill| vec![fill; 10]).collect();
    let mut log = log_of(&storage, &payloads);
    assert_eq!(log.writer.segment(), SegmentNumber::new(2));
    // Segment 2 holds blocks 15 and 16; a last block proves 16.
    append(&mut log.writer, &[99]).unwrap();
    let (intact, blocks) = look(&storage);
    assert_eq!((intact.unwrap().torn, blocks.len()), (None, 17));

    for (number, used) in [(1, SEGMENT), (2, 3 * PAGE)] {
        for offset in (0..used).step_by(17) {
            let (answer, _) = flipped(&storage, number, offset);
            assert_refused(&answer, number, offset / PAGE * PAGE, offset);
        }
    }
}

#[test]
fn after_a_seal_only_the_seal_itself_can_be_cut() {
    let storage = SimStorage::new(13);
    let mut log = log_of(&storage, &[vec![1; 50], vec![2; 50]]);
    log.writer.seal(2_000).unwrap();
    for offset in (0..5 * PAGE).step_by(13) {
        let (answer, blocks) = flipped(&storage, 1, offset);
        if offset < 4 * PAGE {
            assert_refused(&answer, 1, offset / PAGE * PAGE, offset);
        } else {
            assert!(answer.unwrap().is_some(), "byte {offset}");
            assert_eq!(blocks, 2, "byte {offset}");
        }
    }
}

#[test]
fn a_recovered_log_is_proven_to_its_last_event() {
    let storage = SimStorage::new(14);
    log_of(&storage, &[vec![1; 50], vec![2; 50]]);
    let (recovered, _) = open(&storage, 2).unwrap();
    assert_eq!((recovered.rewritten_blocks, recovered.rewritten_bytes), (1, PAGE as u64));
    drop(recovered);
    // Segment 2 begins with the rewritten block 2 and the epoch's empty block 3.
    for offset in (0..2 * PAGE).step_by(7) {
        let (answer, _) = flipped(&storage, 2, offset);
        assert_refused(&answer, 2, offset / PAGE * PAGE, offset);
    }
}

#[test]
fn a_torn_tail_is_cut_and_said_and_the_log_goes_on() {
    let storage = SimStorage::new(15);
    log_of(&storage, &[vec![1; 50], vec![2; 50], vec![3; 50]]);
    storage.damage(&segment(1), 4 * PAGE + 200, 1);
    let (mut recovered, blocks) = open(&storage, 2).unwrap();
    let torn = recovered.scan.torn.expect("the tear is said");
    assert_eq!((torn.segment.get(), torn.offset), (1, 4 * PAGE as u64));
    assert_eq!((torn.bytes, torn.blocks), (PAGE as u64, 0));
    let block = |fill| Block { payload: vec![fill; 50], count: 1 };
    assert_eq!(blocks, [block(1), block(2)]);
    append(&mut recovered.writer, &[4; 50]).unwrap();
    drop(recovered);
    let (recovered, blocks) = open(&storage, 3).unwrap();
    assert_eq!((blocks, recovered.scan.torn), (vec![block(1), block(2), block(4)], None));
}
