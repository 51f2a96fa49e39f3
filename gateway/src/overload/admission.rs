//! Admission: how much may wait, and who is turned away at the door.
//!
//! A server that takes in more than it can do answers everybody too late: it works as hard as ever, on what nobody waits for any
//! more. So each reactor lets in what it can decide within a bearable time, and refuses the rest at once, when that costs least.
//!
//! **Bounded in time, not in number.** A bound of a thousand requests is right for the speed that it was tuned at. What waits is
//! counted in operations and weighed with what one has cost lately, so that the bound holds when the disk is slow, the rules
//! are many or the machine is another one.
//!
//! **Classes.** With T for [`Settings::target_us`], a class is let in while no more than so much waits, of all classes together:
//!
//! | class | bound | why |
//! |---|---|---|
//! | operate | none | |
//! | settle | 4 T | who has paid is served while new holds are refused for a long time |
//! | reserve | T | |
//! | read | T / 4 | a shopper looks again; and nothing is lost |
//!
//! **A burst.** What a door that opens brings within a millisecond is no overload: it is done with in some tens of milliseconds,
//! and nobody would have come later instead. So a pass that comes out of a calm, in which no more than T waited, lets in
//! [`BURST`] times as much, of each class. From then on T counts again, until there has been a calm. It is `CoDel`'s distinction
//! (Nichols and Jacobson, 2012) between a queue that drains by itself and one that stands, and only the second is to be cut.
//!
//! A settle that finds 4 T taken pushes the newest reads and then the newest holds out: see
//! [`Reactor`](crate::reactor). Within a class who came first is served first. That is a promise to shoppers, and newest-first
//! would reward those who ask again and again.
//!
//! **Where the queue is.** A reactor decides, in each of its passes, whatever it has read. So what waits is what was let in
//! within the pass, and longer only where a shard can't decide: while the log has no room. That the pass itself is bounded keeps the
//! sockets' queues short; nobody can see these from here.
//!
//! What is *not* done here: the cost of a refusal is not counted as work that waits. It bounds how far over its capacity a
//! server stays useful, see `docs/overload.md`.

use std::time::Duration;

use doorbuster_protocol::FULL_LOAD;

use super::{Class, Micros, Moment};

/// What an operation is taken to cost before any was measured, nanoseconds.
const FIRST_COST_NS: u64 = 2_000;

/// Operations after which the cost is set anew: of fewer, a single interruption would be taken for their cost.
const SAMPLE: u64 = 64;

/// A sample counts for one part in so many. Eight samples, some milliseconds of full load, bring a new cost nearly home.
const WEIGHT: u64 = 4;

/// Parts of a nanosecond that a cost is kept in, so that smoothing ends where it should.
const PARTS: u64 = 256;

/// Most that one operation is taken to cost, nanoseconds. A pass in which the machine stood still says nothing.
const MOST_COST_NS: u64 = 10_000_000;

/// Least and most that who is refused is asked to wait, milliseconds. Less would have him back before anything has changed.
const RETRY_AFTER_MS: std::ops::RangeInclusive<u64> = 20..=1_000;

/// How many times as much may wait in a pass that comes out of a calm: 40 ms of work where T is the default's 5 ms, which with the
/// log's part is answered within the 50 ms that `overload.late_ms` calls late.
const BURST: u64 = 8;

/// How long nothing may have been refused before the overload counts as over, and no more than T have waited before a burst is let
/// in. `CoDel`'s interval.
const CALM: Micros = Micros::from_ms(100);

/// How a server's doors are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// T: how much work may wait before new holds are refused, microseconds. 0: nothing is ever refused here.
    pub(crate) target_us: u64,
}

/// See the module's doc. Time is what the caller says it is.
#[derive(Debug)]
pub(crate) struct Admission {
    settings: Settings,
    /// Of one operation, smoothed, in parts of a nanosecond: 1 / [`PARTS`].
    cost: u64,
    /// Operations and time of the sample that is being gathered.
    sample: (u64, u64),
    /// Operations that were let in and are not decided.
    waiting: u64,
    /// Operations that were refused in this pass.
    refused: u64,
    /// The load of the last pass, as answers name it.
    load: u8,
    /// Until when at least there is no calm.
    strained_until: Moment,
    /// How many times as much may wait in this pass.
    scale: u64,
    /// Since when, and until when at least, the server is overloaded.
    overloaded: Option<(Moment, Moment)>,
    /// How long it was, before that.
    overloaded_for: Micros,
}

impl Admission {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            cost: FIRST_COST_NS * PARTS,
            sample: (0, 0),
            waiting: 0,
            refused: 0,
            load: 0,
            strained_until: Moment::START,
            scale: 1,
            overloaded: None,
            overloaded_for: Micros::ZERO,
        }
    }

    /// How much of this class may wait, with all that is before it, microseconds.
    const fn bound_us(&self, class: Class) -> u64 {
        let target_us = self.scale * self.settings.target_us;
        match class {
            Class::Operate => u64::MAX,
            Class::Settle => 4 * target_us,
            Class::Reserve => target_us,
            Class::Read => target_us / 4,
        }
    }

    /// Begins a pass's reading.
    pub(crate) fn begin_reading(&mut self, now: Moment) {
        self.scale = if now >= self.strained_until { BURST } else { 1 };
    }

    /// What so many operations take, microseconds.
    const fn time_us(&self, operations: u64) -> u64 {
        operations.saturating_mul(self.cost) / (1_000 * PARTS)
    }

    /// Whether so many operations of a class may come in. If nothing waits they may, however many they are: else a large batch
    /// never could.
    #[inline]
    pub(crate) fn lets_in(&self, class: Class, operations: u32) -> bool {
        self.settings.target_us == 0
            || self.waiting == 0
            || self.time_us(self.waiting + u64::from(operations)) <= self.bound_us(class)
    }

    /// How many operations must go so that so many of a class may come in.
    pub(crate) fn too_many(&self, class: Class, operations: u32) -> u64 {
        let bound = self.bound_us(class).saturating_mul(1_000 * PARTS) / self.cost.max(1);
        (self.waiting + u64::from(operations)).saturating_sub(bound)
    }

    /// Operations were let in.
    #[inline]
    pub(crate) fn let_in(&mut self, operations: u32) {
        self.waiting += u64::from(operations);
    }

    /// Operations were refused.
    pub(crate) fn refuse(&mut self, operations: u32) {
        self.refused += u64::from(operations);
    }

    /// Operations that were let in wait no more.
    #[inline]
    pub(crate) fn gone(&mut self, operations: u64) {
        self.waiting = self.waiting.saturating_sub(operations);
    }

    /// So many operations were decided within a time.
    pub(crate) fn measured(&mut self, operations: u64, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sample = (self.sample.0 + operations, self.sample.1.saturating_add(took));
        if self.sample.0 >= SAMPLE {
            let cost = (self.sample.1 / self.sample.0).clamp(1, MOST_COST_NS) * PARTS;
            self.cost = (self.cost * (WEIGHT - 1) + cost) / WEIGHT;
            self.sample = (0, 0);
        }
    }

    /// Ends a pass's reading: everything that had come is let in or refused. Returns how long all of it would take,
    /// microseconds.
    pub(crate) fn end_reading(&mut self, now: Moment) -> u64 {
        let all = self.time_us(self.waiting + self.refused);
        if all > self.settings.target_us {
            self.strained_until = now.plus(CALM);
        }
        let load = all.saturating_mul(u64::from(FULL_LOAD)).checked_div(self.settings.target_us).unwrap_or(0);
        // Passes are of different lengths: a short one in the middle of a flood must not call it over.
        self.load = u8::try_from(load).unwrap_or(u8::MAX).max(self.load - self.load.div_ceil(8));
        match &mut self.overloaded {
            Some((_, until)) if self.refused > 0 => *until = now.plus(CALM),
            Some((since, until)) if now >= *until => {
                self.overloaded_for = self.overloaded_for.and(until.since(*since));
                self.overloaded = None;
            }
            None if self.refused > 0 => self.overloaded = Some((now, now.plus(CALM))),
            Some(_) | None => {}
        }
        self.refused = 0;
        all
    }

    /// From now on so much work may wait before new holds are refused, microseconds.
    pub(crate) fn set_target_us(&mut self, target_us: u64) {
        self.settings.target_us = target_us;
    }

    /// How much work may wait before new holds are refused, microseconds.
    pub(crate) const fn target_us(&self) -> u64 {
        self.settings.target_us
    }

    /// How much waits, as a share of what may; [`FULL_LOAD`] is all of it.
    pub(crate) const fn load(&self) -> u8 {
        self.load
    }

    /// What one operation costs, nanoseconds.
    pub(crate) fn cost_ns(&self) -> u64 {
        self.cost.div_ceil(PARTS)
    }

    /// What waits, microseconds of work.
    pub(crate) fn backlog_us(&self) -> u64 {
        self.time_us(self.waiting)
    }

    /// When who is refused now may try again, milliseconds: when what came with him could have been done.
    pub(crate) fn retry_after_ms(&self) -> u32 {
        let all_ms = self.time_us(self.waiting + self.refused) / 1_000;
        u32::try_from(all_ms.clamp(*RETRY_AFTER_MS.start(), *RETRY_AFTER_MS.end())).unwrap_or(u32::MAX)
    }

    /// Whether requests were refused within the last [`CALM`].
    pub(crate) fn is_overloaded(&self) -> bool {
        self.overloaded.is_some()
    }

    /// How long that was so, in all.
    pub(crate) fn overloaded_for(&self, now: Moment) -> Micros {
        let current = self.overloaded.map_or(Micros::ZERO, |(since, _)| now.since(since));
        self.overloaded_for.and(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many milliseconds after the start.
    fn at(ms: u64) -> Moment {
        Moment::after_start(Micros::from_ms(ms))
    }

    /// A door with a target of 5 ms, where an operation costs 10 us: 500 of them.
    fn door() -> Admission {
        Admission { cost: 10_000 * PARTS, ..Admission::new(Settings { target_us: 5_000 }) }
    }

    /// How many operations of a class come in, one by one.
    fn come(door: &mut Admission, class: Class, asked: u32) -> u32 {
        let mut in_ = 0;
        for _ in 0..asked {
            if door.lets_in(class, 1) {
                door.let_in(1);
                in_ += 1;
            } else {
                door.refuse(1);
            }
        }
        in_
    }

    #[test]
    fn each_class_comes_in_up_to_its_own_bound_of_what_waits_in_all() {
        let mut door = door();
        assert_eq!(come(&mut door, Class::Read, 1_000), 125);
        assert_eq!(come(&mut door, Class::Reserve, 1_000), 375, "T in all");
        assert_eq!(come(&mut door, Class::Read, 10), 0);
        assert_eq!(come(&mut door, Class::Settle, 3_000), 1_500, "4 T in all");
        assert_eq!(come(&mut door, Class::Reserve, 10), 0);
        assert_eq!(door.backlog_us(), 20_000);
        door.gone(1_501);
        assert_eq!(come(&mut door, Class::Reserve, 10), 1);
    }

    #[test]
    fn a_burst_comes_in_out_of_a_calm_and_an_overload_does_not() {
        let mut door = door();
        let mut pass = |ms, asked| {
            door.begin_reading(at(ms));
            let in_ = come(&mut door, Class::Reserve, asked);
            door.end_reading(at(ms));
            door.gone(u64::from(in_));
            in_
        };
        assert_eq!(pass(0, 500), 500);
        assert_eq!(pass(1, 10_000), 4_000, "eight times as much");
        assert_eq!(pass(40, 10_000), 500);
        assert_eq!(pass(139, 501), 500, "no calm yet, and here is more than T again");
        assert_eq!(pass(238, 500), 500);
        assert_eq!(pass(239, 501), 501);
        assert_eq!(pass(338, 10_000), 500, "a burst that was let in ends the calm too");
        assert_eq!(pass(438, 10_000), 4_000);
        assert!((440..5_000).step_by(10).all(|ms| pass(ms, 1_000) == 500), "what stands is cut");
    }

    #[test]
    fn each_class_has_its_part_of_a_burst() {
        let mut door = door();
        door.begin_reading(at(0));
        assert_eq!(come(&mut door, Class::Read, 10_000), 1_000);
        assert_eq!(come(&mut door, Class::Reserve, 10_000), 3_000);
        assert_eq!(come(&mut door, Class::Settle, 20_000), 12_000);
        assert_eq!(door.too_many(Class::Settle, 1), 1);
    }

    #[test]
    fn a_large_batch_comes_in_when_nothing_waits() {
        let mut door = door();
        assert!(door.lets_in(Class::Read, 8_192));
        door.let_in(8_192);
        assert!(!door.lets_in(Class::Settle, 1));
        assert_eq!(door.too_many(Class::Settle, 1), 8_193 - 2_000);
    }

    #[test]
    fn what_operations_cost_is_learnt_and_the_bound_follows_in_numbers() {
        let mut door = door();
        (0..200).for_each(|_| door.measured(1_000, Duration::from_millis(1)));
        assert_eq!(door.cost_ns(), 1_000);
        assert!((4_990..=5_010).contains(&come(&mut door, Class::Reserve, 10_000)));
        // Few operations are no sample, and a machine that stood still is no cost.
        door.measured(1, Duration::from_secs(9));
        assert_eq!(door.cost_ns(), 1_000);
        door.measured(SAMPLE, Duration::from_secs(9_999));
        assert!(door.cost_ns() <= MOST_COST_NS);
    }

    #[test]
    fn without_a_target_nothing_is_refused() {
        let mut door = Admission::new(Settings { target_us: 0 });
        assert_eq!(come(&mut door, Class::Read, 100_000), 100_000);
        door.end_reading(at(1));
        assert_eq!((door.load(), door.is_overloaded()), (0, false));
    }

    #[test]
    fn the_load_rises_at_once_and_falls_slowly() {
        let mut door = door();
        come(&mut door, Class::Reserve, 250);
        door.end_reading(at(1));
        assert_eq!(door.load(), FULL_LOAD / 2);
        door.gone(250);
        come(&mut door, Class::Reserve, 1_000);
        door.end_reading(at(2));
        assert_eq!(door.load(), 2 * FULL_LOAD);
        door.gone(500);
        let falls: Vec<u8> = (3..6)
            .map(|ms| {
                door.end_reading(at(ms));
                door.load()
            })
            .collect();
        assert_eq!(falls, [112, 98, 85]);
        for ms in 6..100 {
            door.end_reading(at(ms));
        }
        assert_eq!(door.load(), 0);
    }

    #[test]
    fn an_overload_ends_a_tenth_of_a_second_after_the_last_refusal() {
        let mut door = door();
        come(&mut door, Class::Reserve, 501);
        assert_eq!(door.retry_after_ms(), 20);
        door.end_reading(at(10));
        door.gone(500);
        door.end_reading(at(60));
        come(&mut door, Class::Reserve, 501);
        door.end_reading(at(70));
        door.end_reading(at(169));
        assert!(door.is_overloaded());
        assert_eq!(door.overloaded_for(at(169)), Micros::from_ms(159));
        door.end_reading(at(170));
        assert!(!door.is_overloaded());
        assert_eq!(door.overloaded_for(at(500)), Micros::from_ms(160));
    }

    #[test]
    fn who_is_refused_waits_for_what_came_with_him() {
        let mut door = door();
        come(&mut door, Class::Reserve, 10_000);
        assert_eq!(door.retry_after_ms(), 100);
        come(&mut door, Class::Reserve, 1_000_000);
        assert_eq!(door.retry_after_ms(), 1_000);
    }
}
