//! Credits: how much connections may have unanswered, so that what can't be done isn't sent.
//!
//! A refusal costs the server a part of what it should do, and the network all of it. Clients that keep to a credit hold back
//! what exceeds it: at ten times the peak, a server hardly sees more than its peak.
//!
//! The law is Breakwater's (Cho et al., OSDI 2020): there is one pool of credits. Every [`TICK`] it shrinks by a share that grows with
//! how far the delay is above its target, to a half at most, and grows by a little while the delay is below. Delay is here how
//! long all that was asked for in a pass would take, what was refused included. The pool is dealt out evenly: a
//! connection that doesn't use its part costs nothing, as what is counted is the delay.
//!
//! Two things differ, because a disk may stall for 200 ms, and a pool that shrinks in every tick of it is gone by its end, though
//! nobody asked for too much. What was asked for before the pool shrank still counts until it is done, so it shrinks once in a
//! delay and not once in a tick, as TCP does once in a round trip. And it grows the faster the longer there is room, so that it is
//! back after tenths of a second, while next to the level that is bearable it moves by hundredths.
//!
//! While there is no overload there are no credits: a connection may have as much unanswered as its bound allows.

use super::{Micros, Moment};

/// How often the pool is set anew. Breakwater takes a round trip; a pass of a busy reactor and a write to the log are some
/// milliseconds.
const TICK: Micros = Micros::from_ms(10);

/// By which share the pool shrinks for each target that the delay is above it, in parts of a thousand. Breakwater's 2 %.
const SHRINK: u64 = 20;

/// Most by which it shrinks at once, in parts of a thousand.
const MOST_SHRINK: u64 = 500;

/// Longest that the pool waits for what it did, when it has shrunk. A delay that is estimated to be longer is mostly of what was
/// refused, and that is gone.
const PATIENCE: Micros = Micros::from_ms(100);

/// By which share the pool grows in the first tick with room, in parts of a thousand, and by how much more in each one after.
/// Breakwater grows by a thousandth of the clients; with few clients that have large credits, as storefronts have, that takes
/// minutes to come back.
const GROW: u64 = 10;

/// Most by which it grows at once, in parts of a thousand.
const MOST_GROW: u64 = 250;

/// What each connection has when the pool is given up again, over the in-flight that was seen: nobody is near it then.
const PLENTY: u64 = 8;

/// See the module's doc. All operations and connections are those of one reactor.
#[derive(Debug, Default)]
pub(crate) struct Credits {
    /// Operations; `None`: nobody is held back.
    pool: Option<u64>,
    /// When it is set anew.
    next: Moment,
    /// The longest delay since it was set, microseconds.
    delay_us: u64,
    /// By how much it grew last, in parts of a thousand; 0 after it shrank.
    growth: u64,
}

impl Credits {
    /// How long all that was asked for in a pass would take.
    #[inline]
    pub(crate) fn note(&mut self, delay_us: u64) {
        self.delay_us = self.delay_us.max(delay_us);
    }

    /// Sets the pool anew if it is time to; `in_flight` operations are unanswered.
    pub(crate) fn tick(&mut self, now: Moment, target_us: u64, in_flight: u64, connections: u64) {
        if now < self.next || target_us == 0 || connections == 0 {
            return;
        }
        self.next = now.plus(TICK);
        let delay_us = std::mem::take(&mut self.delay_us);
        if delay_us > target_us {
            let over = (delay_us - target_us).saturating_mul(SHRINK) / target_us;
            let pool = self.pool.unwrap_or(in_flight).max(connections);
            self.pool = Some((pool * (1_000 - over.min(MOST_SHRINK)) / 1_000).max(connections));
            self.growth = 0;
            self.next = now.plus(Micros::from_us(delay_us).clamp(TICK, PATIENCE));
        } else if let Some(pool) = self.pool {
            self.growth = (self.growth + GROW).min(MOST_GROW);
            let pool = pool + (pool * self.growth / 1_000).max(1);
            self.pool = (pool < in_flight.max(connections) * PLENTY).then_some(pool);
        }
    }

    /// What each connection may have unanswered, at least 1; `None`: as much as its bound allows.
    pub(crate) fn each(&self, connections: u64) -> Option<u32> {
        let each = self.pool? / connections.max(1);
        Some(u32::try_from(each.max(1)).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 5_000;

    fn at(ms: u64) -> Moment {
        Moment::after_start(Micros::from_ms(ms))
    }

    /// As often as the pool is set, with this delay each time.
    fn pass(credits: &mut Credits, times: u64, delay_us: u64, in_flight: u64) -> Vec<Option<u32>> {
        (0..times)
            .map(|_| {
                credits.note(delay_us);
                credits.tick(credits.next, T, in_flight, 10);
                credits.each(10)
            })
            .collect()
    }

    #[test]
    fn nobody_is_held_back_before_there_is_too_much() {
        let mut credits = Credits::default();
        assert_eq!(pass(&mut credits, 3, T, 4_000), [None, None, None]);
        credits.note(10 * T);
        credits.tick(at(30), 0, 4_000, 10);
        assert_eq!(credits.each(10), None, "without a target there is no delay that is too long");
    }

    #[test]
    fn the_pool_begins_with_what_is_in_flight_and_shrinks_with_the_delay() {
        let mut credits = Credits::default();
        // 10 targets over: by 20 %; 100 over: by a half.
        assert_eq!(pass(&mut credits, 2, 11 * T, 10_000), [Some(800), Some(640)]);
        assert_eq!(pass(&mut credits, 2, 101 * T, 10_000), [Some(320), Some(160)]);
        assert_eq!(pass(&mut credits, 20, 1_000 * T, 10_000).last(), Some(&Some(1)), "each keeps one");
    }

    #[test]
    fn it_grows_while_the_delay_is_bearable_until_nobody_is_near_it() {
        let mut credits = Credits::default();
        pass(&mut credits, 1, 11 * T, 1_000);
        assert_eq!(credits.each(10), Some(80));
        let grown = pass(&mut credits, 20, T, 1_000);
        assert_eq!(grown[..4], [Some(80), Some(82), Some(84), Some(88)], "by hundredths at first");
        assert!(grown.windows(2).all(|pair| pair[0] <= pair[1]) && grown[19] > Some(400), "{grown:?}");
        // Little is in flight by then: the flood is over.
        assert_eq!(pass(&mut credits, 100, T, 100).last(), Some(&None));
    }

    #[test]
    fn between_two_ticks_nothing_changes_and_the_longest_delay_counts() {
        let mut credits = Credits::default();
        credits.note(11 * T);
        credits.note(T);
        credits.tick(at(0), T, 1_000, 10);
        assert_eq!(credits.each(10), Some(80));
        credits.note(11 * T);
        credits.tick(at(54), T, 1_000, 10);
        assert_eq!(credits.each(10), Some(80), "what was asked for before takes 55 ms");
        credits.note(T);
        credits.tick(at(55), T, 1_000, 10);
        assert_eq!(credits.each(10), Some(64));
    }

    /// Milliseconds from the end of a stall of the disk until as much may be asked for as before.
    fn back_after(stall_ms: u64) -> u64 {
        let mut credits = Credits::default();
        pass(&mut credits, 1, 2 * T, 10_000);
        let before = credits.each(10);
        for ms in 0..stall_ms {
            credits.note(stall_ms * 1_000);
            credits.tick(at(ms), T, 10_000, 10);
        }
        (0..10_000)
            .find(|ms| {
                credits.note(T);
                credits.tick(at(stall_ms + ms), T, 10_000, 10);
                credits.each(10).is_none_or(|each| Some(each) >= before)
            })
            .expect("it is back after ten seconds")
    }

    #[test]
    fn after_a_stall_of_the_disk_the_pool_is_back_within_tenths_of_a_second() {
        for (stall_ms, most_ms) in [(20, 100), (100, 300), (200, 400), (1_000, 600)] {
            let took_ms = back_after(stall_ms);
            assert!(took_ms <= most_ms, "{took_ms} ms after a stall of {stall_ms} ms");
        }
    }
}
