//! Whole engines in any order of their threads' steps.
//!
//! Two shards, the desk, the journal with its scribe, the directory and a simulated disk, and reactors that sleep when there is
//! nothing for them: nobody looks again after a while, so whoever has something for one must wake it, or the model ends as a
//! deadlock. The parts alone are explored beside them; here stands what they promise together.

mod world;

use std::sync::Arc;

use doorbuster_ledger::{Outcome, Refusal};
use shuttle::rand::{RngCore, thread_rng};
use shuttle::thread::{self, JoinHandle};

use self::world::{SKUS, World};
use crate::planted::Bug;
use crate::shard::Request;
use crate::storage::Crash;
use crate::sync::{Schedules, found_within};

/// Disks on which power fails in ways of their own.
const DISKS: u64 = 16;

fn join<T>(threads: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().expect("a panic ends the model")).collect()
}

fn is_held(outcome: Option<Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Reserved { .. }))
}

/// Three threads hand work in, for a shard each and for both together, and visit once.
fn three_hand_in() {
    let mut world = World::new(1);
    world.stock(9);
    let asked = [&SKUS[..1], &SKUS[1..], &SKUS[..]];
    let threads = asked.into_iter().enumerate().map(|(number, skus)| {
        let mut reactor = world.reactor(number);
        thread::spawn(move || reactor.ask_for(skus))
    });
    join(threads.collect::<Vec<_>>());
    world.assert_nothing_waits();
    for sku in SKUS {
        assert_eq!(world.stock_of(sku).held, 2, "both orders for the SKU were decided");
    }
}

/// Somebody at the desk is sent to a shard where an order was overdue; a visitor has dealt with it meanwhile.
fn sent_in_vain() {
    let mut world = World::new(1);
    world.stock(2);
    world.engine.all_shards()[0].seem_overdue();
    let (desk, mut reader) = (world.reactor(0), world.reactor(1));
    join([
        thread::spawn(move || desk.visit_desk()),
        thread::spawn(move || reader.hand_in(Request::ReadStock { sku: SKUS[0] })),
    ]);
    world.assert_nothing_waits();
}

/// Reactors hold and give back, of a shard and of both, and sleep until they are answered. In the end the log is replayed.
fn a_crowd_and_a_replay() {
    let mut world = World::new(1);
    world.stock(9);
    let scribe = world.start_scribe();
    let threads = [[0, 1], [1, 0]].into_iter().enumerate().map(|(number, [own, other])| {
        let mut reactor = world.reactor(number);
        thread::spawn(move || {
            let Some(Outcome::Reserved { order, .. }) = reactor.reserve(&[SKUS[own]]) else {
                panic!("there are units for all")
            };
            assert!(matches!(reactor.cancel(order), Some(Outcome::Cancelled { .. })), "it was held");
            assert!(is_held(reactor.reserve(&SKUS)), "there are units for all");
            assert!(is_held(reactor.reserve(&[SKUS[other]])), "there are units for all");
        })
    });
    join(threads.collect::<Vec<_>>());
    world.engine.end_log();
    join([scribe]);
    assert_eq!(world.engine.journal().poisoned(), None);
    assert_eq!(world.engine.journal().durable(), world.engine.journal().decided(), "the end is durable");
    let replayed = World::open(world.storage.clone()).expect("what was written is read");
    assert_eq!(replayed.engine.digest(), world.engine.digest(), "the log has the order of decisions");
}

/// Power fails while three hold units of a shard or of both, of which there are two, or are told that there are none.
fn power_fails() {
    let mut world = World::new(thread_rng().next_u64() % DISKS);
    world.stock(2);
    let scribe = world.start_scribe();
    let asked = [&SKUS[..], &SKUS[..1], &SKUS[..1]];
    let threads: Vec<JoinHandle<Option<Outcome>>> = asked
        .into_iter()
        .enumerate()
        .map(|(number, skus)| {
            let mut reactor = world.reactor(number);
            thread::spawn(move || reactor.reserve(skus))
        })
        .collect();
    let shed = {
        let engine = Arc::clone(&world.engine);
        thread::spawn(move || engine.sold_out(SKUS[0], engine.now()).is_some())
    };
    let power = {
        let storage = world.storage.clone();
        thread::spawn(move || storage.crash(Crash::Power))
    };
    let outcomes = join(threads);
    let refused = |outcome: &Option<Outcome>| {
        matches!(outcome, Some(Outcome::Refused(Refusal::SoldOut { .. } | Refusal::Insufficient { .. })))
    };
    let told = join([shed])[0] || outcomes.iter().any(refused);
    join([power]);
    world.engine.end_log();
    join([scribe]);
    let found = World::open(world.storage.clone()).expect("a loss of power leaves a log that is read");
    found.engine.check_all().expect("what is found is sound");
    let [first, second] = SKUS.map(|sku| found.stock_of(sku));
    let both = u64::from(is_held(outcomes[0]));
    let singles = outcomes[1..].iter().filter(|outcome| is_held(**outcome)).count() as u64;
    assert!(first.held >= both + singles, "of {both} + {singles} acknowledged units {} are held", first.held);
    assert!(second.held >= both, "an order over both shards was acknowledged, and a line is lost");
    assert!(first.held >= second.held, "a line of an order over both shards was invented");
    assert!(!told || first.available == 0, "somebody was told \"sold out\" of {} units", first.available);
}

/// The only unit comes back. Whoever has heard of it isn't told that there is none, unless somebody took it.
fn the_only_unit_comes_back() {
    let mut world = World::new(1);
    world.stock(1);
    let scribe = world.start_scribe();
    let sku = SKUS[0];
    let mut first = world.reactor(0);
    let Some(Outcome::Reserved { order, .. }) = first.reserve(&[sku]) else { panic!("there is one unit") };
    let mut late = world.reactor(1);
    let crowd = thread::spawn(move || {
        let first = is_held(late.reserve(&[sku]));
        first || is_held(late.reserve(&[sku]))
    });
    let engine = Arc::clone(&world.engine);
    let owner = thread::spawn(move || {
        assert!(matches!(first.cancel(order), Some(Outcome::Cancelled { .. })), "it was held");
        engine.sold_out(sku, engine.now()).is_some()
    });
    let told = join([owner])[0];
    let taken = join([crowd])[0];
    assert!(taken || !told, "who gave the unit back was told that there is none");
    world.engine.end_log();
    join([scribe]);
    let noted = world.engine.sold_out(sku, world.engine.now()).is_some();
    assert!(!noted || world.stock_of(sku).available == 0, "a note stays of what isn't sold out");
}

/// The log fails while reactors wait: each of them is woken and told.
fn the_log_fails() {
    let mut world = World::new(1);
    world.stock(9);
    world.storage.fail_sync(1);
    let scribe = world.start_scribe();
    let threads: Vec<JoinHandle<Option<Outcome>>> = (0..3)
        .map(|number| {
            let mut reactor = world.reactor(number);
            thread::spawn(move || reactor.reserve(&SKUS[number % 2..]))
        })
        .collect();
    let outcomes = join(threads);
    join([scribe]);
    assert!(world.engine.journal().poisoned().is_some(), "the first sync failed");
    assert_eq!(outcomes, [None, None, None], "nothing is acknowledged behind a failed sync");
}

#[test]
fn whatever_is_handed_in_is_decided_though_nobody_looks_again() {
    Schedules { each: 300 }.explore("three hand in", three_hand_in);
}

#[test]
fn whoever_is_sent_to_a_shard_in_vain_sees_to_what_was_left_to_him() {
    Schedules { each: 300 }.explore("sent in vain", sent_in_vain);
}

#[test]
fn all_are_answered_without_a_timer_and_the_log_has_the_order_of_decisions() {
    Schedules { each: 150 }.explore("a crowd and a replay", a_crowd_and_a_replay);
}

#[test]
fn power_takes_nothing_back_that_anybody_was_told() {
    Schedules { each: 200 }.explore("power fails", power_fails);
}

#[test]
fn who_gave_a_unit_back_is_not_told_that_there_is_none() {
    Schedules { each: 200 }.explore("the only unit comes back", the_only_unit_comes_back);
}

#[test]
fn a_log_that_fails_leaves_nobody_waiting() {
    Schedules { each: 150 }.explore("the log fails", the_log_fails);
}

#[test]
fn batches_left_to_the_desk_and_forgotten_are_found_out() {
    found_within(1_000, Bug::HeldAndLeft, three_hand_in);
}

#[test]
fn sleeping_without_a_last_look_is_found_out_in_a_whole_engine() {
    found_within(1_000, Bug::NoLastLook, a_crowd_and_a_replay);
}

#[test]
fn what_is_told_before_it_is_durable_is_found_out() {
    found_within(1_000, Bug::AcknowledgeBeforeSync, power_fails);
    found_within(1_000, Bug::PublishBeforeDurable, power_fails);
}

#[test]
fn an_order_that_is_handed_over_in_parts_is_found_out() {
    found_within(1_000, Bug::OrderInParts, power_fails);
}

#[test]
fn a_return_that_is_told_before_the_note_is_wiped_is_found_out() {
    found_within(1_000, Bug::WipeLate, the_only_unit_comes_back);
}
