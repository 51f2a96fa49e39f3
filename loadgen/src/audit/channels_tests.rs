//! Channels' levels and refusals that were made up, against a log that was made up.

use doorbuster_auditor::forge::{Forger, put, record};

use super::*;
use crate::journal::Refusal;

/// The guarantee's end.
const RELEASE: u64 = 100;

/// A plain hold of one unit, through this channel.
fn reserved(order: u64, channel: u16, at: u64) -> Vec<u8> {
    let fields = [(order, 8), (order, 8), (0, 8), (7, 8), (5, 8), (at, 8), (0, 8), (1, 4), (0, 4), (0, 4)];
    let mut bytes = record(3, &fields);
    bytes.extend(channel.to_le_bytes());
    assert_eq!(bytes.len(), 71);
    bytes
}

fn sale() -> Sale {
    Sale { skus: 5..6, units_each: 3, restocked_each: 0, user_limit: 0, retention_ms: 100 }
}

/// Three units of SKU 5, of which two are kept for channel 1 and none for channel 2; then these records.
fn logged(records: &[Vec<u8>]) -> Replay {
    let folder = tempfile::tempdir().expect("a folder");
    let set = |channel: u64, guarantee: u64| {
        record(
            27,
            &[(5, 8), (channel, 2), (guarantee, 8), (u64::MAX, 8), (RELEASE, 8), (0, 8), (0, 4), (0, 8)],
        )
    };
    let mut all = vec![put(5, 3), set(1, 2), set(2, 0)];
    all.extend_from_slice(records);
    Forger::of(&[all]).write(folder.path()).expect("written");
    Replay::read(folder.path(), sale().expected())
}

fn levels(taken: [u64; 2]) -> Vec<ChannelView> {
    let level = |channel, guarantee, taken| ChannelView {
        code: Code::Ok.number(),
        channel,
        sku: 5,
        guarantee,
        cap: u64::MAX,
        release_at: RELEASE,
        taken,
        ..ChannelView::default()
    };
    vec![level(1, 2, taken[0]), level(2, 0, taken[1])]
}

fn faults(records: &[Vec<u8>], taken: [u64; 2], refusals: &[Refusal]) -> Vec<String> {
    let journal = Journal { refusals: refusals.to_vec(), ..Journal::default() };
    check(&sale(), &journal, &levels(taken), &logged(records)).expect("there are rules").faults.examples
}

#[test]
fn a_channel_that_takes_its_own_and_after_the_release_the_rest_is_sound() {
    let records = [reserved(1, 2, 1), reserved(2, 1, 2), reserved(3, 2, RELEASE)];
    assert_eq!(faults(&records, [1, 2], &[]), [""; 0]);
    let totals = totals(&Journal::default(), &levels([1, 2]), Some(&logged(&records)));
    let of: Vec<_> = totals.iter().map(|row| (row.taken_before_release_units, row.taken_units)).collect();
    assert_eq!(of, [(Some(1), 1), (Some(1), 2)]);
}

#[test]
fn a_unit_that_was_kept_for_another_channel_is_found() {
    let found = faults(&[reserved(1, 2, 1), reserved(2, 2, 2)], [0, 2], &[]);
    assert!(found[0].contains("channel 2 took 1 units, and 0 of 2 free ones were for it"), "{found:?}");
}

#[test]
fn levels_that_are_not_the_logs_are_found() {
    let found = faults(&[reserved(1, 1, 1)], [0, 0], &[]);
    assert!(found[0].contains("SKU 5, channel 1: ") && found[0].contains("in the log"), "{found:?}");
}

#[test]
fn a_channel_that_is_refused_what_is_kept_for_it_is_found() {
    let refusal = |channel| [Refusal { sku: 0, channel: Some(channel), after: 4, until: 4 }];
    let records = [reserved(1, 2, 1)];
    assert_eq!(faults(&records, [0, 1], &refusal(2)), [""; 0], "the hog has had what is kept for nobody");
    let found = faults(&records, [0, 1], &refusal(1));
    assert!(found[0].contains("CHANNEL_EXHAUSTED between positions 4 and 4"), "{found:?}");
}

#[test]
fn a_rebalance_moves_what_is_kept() {
    let moved = record(28, &[(5, 8), (1, 2), (2, 2), (1, 8), (0, 8), (0, 4), (1, 8)]);
    let records = [reserved(1, 2, 1), moved, reserved(2, 2, 2)];
    let found = logged(&records);
    assert_eq!(found.channels.faults.examples, [""; 0]);
    let kept: Vec<_> = found.channels.of(5).map(|(_, one)| (one.rules.guarantee, one.taken)).collect();
    assert_eq!(kept, [(1, 0), (1, 2)]);
}
