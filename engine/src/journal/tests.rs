//! The queue of tickets and the bell, in every order of steps that was tried. The whole journal is explored with the engine.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread::{self, JoinHandle};

use super::bell::Bell;
use super::tickets::{HandOver, Tickets, Turns};
use crate::planted::Bug;
use crate::sync::{Mutex, Schedules, fails_within, found_within};

/// The position that the log begins at.
const FIRST: u64 = 10;

/// Who handed something over, and which of his it is; written in its bytes.
type Mark = [u8; 2];

struct Desk {
    tickets: Tickets,
    bell: Bell,
    /// Two shards. Each has the marks of what was decided under its lock, in that order.
    shards: [Mutex<Vec<Mark>>; 2],
}

impl Desk {
    fn new() -> Arc<Self> {
        let shards = [Mutex::new(Vec::new()), Mutex::new(Vec::new())];
        Arc::new(Self { tickets: Tickets::new(FIRST, 8), bell: Bell::default(), shards })
    }

    /// Decides something at a shard: two events, one ticket, which is taken under the lock or, wrongly, after it.
    fn decide(&self, shard: usize, mark: Mark, late: bool) {
        let mut decided = self.shards[shard].lock();
        decided.push(mark);
        if late {
            drop(decided);
            self.hand_over(mark);
        } else {
            self.hand_over(mark);
            drop(decided);
        }
    }

    fn hand_over(&self, mark: Mark) {
        assert!(self.tickets.hand_over(2, mark.to_vec()).is_ok(), "there is room for all");
        self.bell.ring();
    }

    fn take(&self, turns: &mut Turns, log: &mut Vec<(u64, Mark)>) {
        while let Some(HandOver { first, bytes, .. }) = turns.next(&self.tickets) {
            log.push((first, bytes.try_into().expect("a mark")));
        }
    }

    /// The log has no gap, and each shard's decisions in their order.
    fn check(&self, log: &[(u64, Mark)]) {
        let firsts: Vec<u64> = log.iter().map(|(first, _)| *first).collect();
        let expected: Vec<u64> = (0..log.len() as u64).map(|nth| FIRST + 2 * nth).collect();
        assert_eq!(firsts, expected, "each position once, in order");
        for shard in &self.shards {
            let decided = shard.lock().clone();
            let logged: Vec<Mark> =
                log.iter().map(|(_, mark)| *mark).filter(|mark| decided.contains(mark)).collect();
            assert_eq!(logged, decided, "a shard's decisions stand in the log in their order");
        }
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a panic ends the model");
    }
}

/// Two shards hand one over each, while the reader looks a few times.
fn two_shards() {
    let desk = Desk::new();
    let threads = (0..2_u8)
        .map(|shard| {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.decide(usize::from(shard), [shard, 0], false))
        })
        .collect();
    let (mut turns, mut log) = (Turns::new(FIRST), Vec::new());
    desk.take(&mut turns, &mut log);
    join(threads);
    desk.take(&mut turns, &mut log);
    assert_eq!((log.len(), turns.taken()), (2, FIRST + 4));
    desk.check(&log);
}

/// Three threads decide at two shards; the reader sleeps when there is nothing, and nobody wakes it in vain.
fn read_to_the_end(late: bool) {
    let desk = Desk::new();
    let threads = (0..3_u8)
        .map(|who| {
            let desk = Arc::clone(&desk);
            thread::spawn(move || {
                for nth in 0..2 {
                    desk.decide(usize::from((who + nth) % 2), [who, nth], late);
                }
            })
        })
        .collect();
    let reader = {
        let desk = Arc::clone(&desk);
        thread::spawn(move || {
            let (mut turns, mut log) = (Turns::new(FIRST), Vec::new());
            desk.bell.listen();
            while log.len() < 6 {
                desk.take(&mut turns, &mut log);
                if log.len() < 6 {
                    desk.bell.sleep(Duration::ZERO, || desk.tickets.is_empty());
                }
            }
            desk.check(&log);
        })
    };
    join(threads);
    join(vec![reader]);
}

fn under_the_lock() {
    read_to_the_end(false);
}

fn after_the_lock() {
    read_to_the_end(true);
}

/// One is left while the reader is about to sleep.
fn one_wakes_the_reader() {
    let desk = Desk::new();
    let reader = {
        let desk = Arc::clone(&desk);
        thread::spawn(move || {
            let (mut turns, mut log) = (Turns::new(FIRST), Vec::new());
            desk.bell.listen();
            loop {
                desk.take(&mut turns, &mut log);
                if !log.is_empty() {
                    break;
                }
                desk.bell.sleep(Duration::ZERO, || desk.tickets.is_empty());
            }
        })
    };
    desk.decide(0, [0, 0], false);
    join(vec![reader]);
}

#[test]
fn hand_overs_of_two_shards_are_taken_in_the_order_of_their_tickets_in_every_order_of_steps() {
    let schedules = Schedules::exhaust("two shards", two_shards);
    assert!(schedules > 1_000, "{schedules} schedules are no search");
}

#[test]
fn what_a_shard_decides_stands_in_the_log_in_that_order() {
    Schedules { each: 1_500 }.explore("under the lock", under_the_lock);
}

#[test]
fn a_reader_that_sleeps_is_woken() {
    Schedules { each: 3_000 }.explore("one wakes the reader", one_wakes_the_reader);
}

#[test]
fn what_was_put_back_comes_next_again() {
    let tickets = Tickets::new(FIRST, 2);
    assert_eq!((tickets.hand_over(3, vec![1]), tickets.hand_over(1, vec![2])), (Ok(13), Ok(14)));
    assert_eq!(tickets.hand_over(1, vec![3]), Err(15), "there is room for two");
    let mut turns = Turns::new(FIRST);
    let first = turns.next(&tickets).expect("it is there");
    turns.put_back(first);
    assert_eq!(turns.taken(), FIRST);
    let bytes: Vec<_> = std::iter::from_fn(|| turns.next(&tickets)).map(|next| next.bytes).collect();
    assert_eq!((bytes, turns.taken()), (vec![vec![1], vec![2]], 14));
}

#[test]
fn hand_overs_taken_as_they_come_are_found_out() {
    found_within(1_000, Bug::OutOfTurn, under_the_lock);
}

#[test]
fn a_ticket_that_is_taken_after_the_lock_is_found_out() {
    let found = fails_within(1_000, after_the_lock);
    assert!(found.is_some(), "the log was always in the order of decisions");
}

#[test]
fn going_to_sleep_without_a_last_look_is_found_out() {
    found_within(1_000, Bug::NoLastLook, one_wakes_the_reader);
}
