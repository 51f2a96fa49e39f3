//! What is pushed is taken, in every order of steps that was tried.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use shuttle::thread::{self, JoinHandle};

use super::{Combiner, Turn};
use crate::planted::Bug;
use crate::sync::{AtomicBool, Schedules, Thread, fails_within, found_within, park_timeout};

/// Who pushed it, and which of his it is.
type Work = (u32, u32);

type Line = Arc<Combiner<Work, Vec<Work>>>;

fn line(capacity: usize) -> Line {
    Arc::new(Combiner::new(capacity, Vec::new()))
}

/// Takes all that waits.
fn take_all(line: &Line, taken: &mut Vec<Work>) -> Turn {
    taken.extend(std::iter::from_fn(|| line.pop()));
    Turn::Over { more: false }
}

fn visit(line: &Line) {
    line.visit(|| true, |taken| take_all(line, taken));
}

/// Pushes so many, and visits after each.
fn pusher(line: &Line, who: u32, count: u32) -> JoinHandle<()> {
    let line = Arc::clone(line);
    thread::spawn(move || {
        for nth in 0..count {
            line.push((who, nth)).expect("there is room for all");
            visit(&line);
        }
    })
}

/// All that was pushed was taken, and of each pusher the first first.
fn check(line: &Line, pushers: u32, count: u32) {
    assert!(!line.has_mail(), "something was left behind");
    let taken = line.hold().clone();
    assert_eq!(taken.len(), (pushers * count) as usize, "all of {pushers} pushers, each once: {taken:?}");
    for who in 0..pushers {
        let of_his: Vec<u32> = taken.iter().filter(|work| work.0 == who).map(|work| work.1).collect();
        assert_eq!(of_his, (0..count).collect::<Vec<_>>(), "of pusher {who} in his order");
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a panic ends the model");
    }
}

fn two_push() {
    let line = line(2);
    join((0..2).map(|who| pusher(&line, who, 1)).collect());
    check(&line, 2, 1);
}

fn three_push_several() {
    let line = line(9);
    join((0..3).map(|who| pusher(&line, who, 3)).collect());
    check(&line, 3, 3);
}

/// Somebody holds it meanwhile, and visits when he has let go, or doesn't.
fn held_meanwhile(visits: bool) {
    let line = line(4);
    let holder = {
        let line = Arc::clone(&line);
        thread::spawn(move || {
            drop(line.hold());
            fence(Ordering::SeqCst);
            if visits && line.has_mail() {
                visit(&line);
            }
        })
    };
    join([pusher(&line, 0, 2), pusher(&line, 1, 2), holder].into());
    check(&line, 2, 2);
}

fn held_and_visited() {
    held_meanwhile(true);
}

fn held_and_left() {
    held_meanwhile(false);
}

/// Four push where there is room for two.
fn too_many() {
    let line = line(2);
    let pushers: Vec<JoinHandle<Option<Work>>> = (0..4)
        .map(|who| {
            let line = Arc::clone(&line);
            thread::spawn(move || {
                let refused = line.push((who, 0)).err();
                visit(&line);
                refused
            })
        })
        .collect();
    let refused: Vec<Option<Work>> =
        pushers.into_iter().map(|thread| thread.join().expect("a panic ends the model")).collect();
    assert!(!line.has_mail(), "something was left behind");
    let mut taken = line.hold().clone();
    taken.sort_unstable();
    let accepted: Vec<Work> =
        (0..4).zip(&refused).filter(|(_, no)| no.is_none()).map(|(who, _)| (who, 0)).collect();
    assert_eq!(taken, accepted, "what is refused leaves nothing, what is accepted is taken once");
    for (who, refused) in (0..4).zip(refused) {
        assert!(refused.is_none_or(|work| work == (who, 0)), "who is refused gets his own back");
    }
}

/// There is no room at first. Whoever leaves something for that sleeps until somebody who made room wakes him.
fn no_room_at_first() {
    let (line, room) = (line(4), Arc::new(AtomicBool::new(false)));
    let visit = |line: &Line, room: &AtomicBool| {
        let has_room = || room.load(Ordering::Relaxed);
        line.visit(
            has_room,
            |taken| {
                if has_room() { take_all(line, taken) } else { Turn::Over { more: false } }
            },
        );
    };
    let pushers: Vec<JoinHandle<()>> = (0..2)
        .map(|who| {
            let (line, room) = (Arc::clone(&line), Arc::clone(&room));
            thread::spawn(move || {
                line.push((who, 0)).expect("there is room for all");
                visit(&line, &room);
                while !room.load(Ordering::Relaxed) {
                    park_timeout(Duration::ZERO);
                }
                visit(&line, &room);
            })
        })
        .collect();
    let opener = {
        let room = Arc::clone(&room);
        let reactors: Vec<Thread> =
            pushers.iter().map(|thread| Thread::Modelled(thread.thread().clone())).collect();
        thread::spawn(move || {
            room.store(true, Ordering::Relaxed);
            reactors.iter().for_each(Thread::unpark);
        })
    };
    join(pushers.into_iter().chain([opener]).collect());
    check(&line, 2, 1);
}

#[test]
fn what_two_push_at_once_is_taken_in_every_order_of_their_steps() {
    let schedules = Schedules::exhaust("two push", two_push);
    assert!(schedules > 1_000, "{schedules} schedules are no search");
}

#[test]
fn whatever_is_pushed_is_taken_in_the_order_of_who_pushed_it() {
    Schedules { each: 1_500 }.explore("three push three each", three_push_several);
}

#[test]
fn whoever_held_it_sees_to_what_was_left_to_him() {
    Schedules { each: 1_500 }.explore("held and visited", held_and_visited);
}

#[test]
fn a_full_inbox_gives_back_what_it_refuses_and_keeps_none_of_it() {
    Schedules { each: 1_500 }.explore("too many", too_many);
}

#[test]
fn what_there_was_no_room_for_is_taken_when_there_is_some() {
    Schedules { each: 1_500 }.explore("no room at first", no_room_at_first);
}

#[test]
fn leaving_without_a_second_look_is_found_out() {
    found_within(1_000, Bug::NoSecondLook, two_push);
    found_within(1_000, Bug::NoSecondLook, three_push_several);
}

#[test]
fn holding_without_a_visit_is_found_out() {
    let found = fails_within(1_000, held_and_left);
    assert!(found.is_some(), "what was left to the holder was never missed");
}
