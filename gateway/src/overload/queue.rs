//! New holds that are let in one after the other.
//!
//! Where a crowd asks for one SKU, it does no good to decide as fast as they come: the first thousand are scripts. A queue lets so
//! many in a second, whoever they are, and tells the others when to ask again. It is the Generic Cell Rate Algorithm (see
//! [`gcra`](super::gcra)) with one client, shared by all reactors: of what was let in, one moment is kept.
//!
//! **A turn.** Those who are refused get moments to ask again that lie an interval apart, one after the other, so that they come
//! back at the queue's rate and not all at once. A turn is advice: nobody's place is kept, a newcomer may come first. Beyond
//! [`LONGEST_US`] everybody is told that.
//!
//! **What it doesn't do.** It reserves nothing: who is let in may still be refused. It knows no shoppers.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Micros, Moment};

/// Longest time until a turn that is told, microseconds: a shopper who is told more doesn't come back.
const LONGEST_US: u64 = 60_000_000;

/// How many are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// New holds a second, of all shoppers.
    pub(crate) per_second: NonZeroU32,
    /// New holds at once, after a while without any.
    pub(crate) burst: NonZeroU32,
}

/// See the module's doc. Moments are nanoseconds since the process started. Reactors read and write both with relaxed operations:
/// nothing else depends on them.
#[derive(Debug)]
pub(crate) struct Queue {
    pace: Pace,
    /// Nanoseconds between two who are let in.
    interval: u64,
    /// How far ahead of now `due` may be.
    ahead: u64,
    /// The theoretical arrival time of the next.
    due: AtomicU64,
    /// The last turn that was told.
    told: AtomicU64,
}

impl Queue {
    pub(crate) fn new(pace: Pace) -> Self {
        let interval = 1_000_000_000_u64.div_ceil(u64::from(pace.per_second.get()));
        let ahead = interval.saturating_mul(u64::from(pace.burst.get()));
        Self { pace, interval, ahead, due: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// Lets one in, or says how long it takes until his turn.
    pub(crate) fn ask(&self, now: Moment) -> Result<(), Micros> {
        let now = now.us().saturating_mul(1_000);
        let relaxed = Ordering::Relaxed;
        let let_in = self.due.fetch_update(relaxed, relaxed, |due| {
            let next = due.max(now).saturating_add(self.interval);
            (next <= now.saturating_add(self.ahead)).then_some(next)
        });
        let Err(due) = let_in else { return Ok(()) };
        let free = due.saturating_add(self.interval).saturating_sub(self.ahead);
        let last = now.saturating_add(LONGEST_US * 1_000);
        let next = |told: u64| told.saturating_add(self.interval).max(free).min(last);
        let told = self.told.fetch_update(relaxed, relaxed, |told| Some(next(told)));
        let turn = next(told.unwrap_or_default());
        Err(Micros::from_us(turn.saturating_sub(now).div_ceil(1_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(per_second: u32, burst: u32) -> Queue {
        let (per_second, burst) = (NonZeroU32::new(per_second).unwrap(), NonZeroU32::new(burst).unwrap());
        Queue::new(Pace { per_second, burst })
    }

    #[test]
    fn so_many_are_let_in_a_second_and_the_others_get_turns_one_after_the_other() {
        let queue = queue(10, 2);
        let now = Moment::after_start(Micros::from_ms(5_000));
        assert_eq!([0; 2].map(|_| queue.ask(now)), [Ok(()); 2]);
        let turns = [0; 3].map(|_| queue.ask(now).unwrap_err());
        assert_eq!(turns, [100, 200, 300].map(Micros::from_ms));
        let mut let_in = 0;
        for ms in 1..=10_000 {
            let_in += u32::from(queue.ask(now.plus(Micros::from_ms(ms))).is_ok());
        }
        assert_eq!(let_in, 100);
    }

    #[test]
    fn who_comes_at_his_turn_is_let_in() {
        let queue = queue(10, 1);
        let now = Moment::after_start(Micros::from_ms(1));
        assert_eq!(queue.ask(now), Ok(()));
        let turns: Vec<Micros> = (0..50).map(|_| queue.ask(now).unwrap_err()).collect();
        assert!(turns.iter().all(|turn| queue.ask(now.plus(*turn)) == Ok(())), "{turns:?}");
    }

    #[test]
    fn nobody_is_told_a_turn_that_is_more_than_a_minute_away() {
        let queue = queue(1, 1);
        let turns: Vec<u64> =
            (0..200).filter_map(|_| queue.ask(Moment::START).err()).map(Micros::us).collect();
        assert_eq!((turns.len(), turns.last()), (199, Some(&LONGEST_US)));
    }
}
