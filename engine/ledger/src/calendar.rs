//! When something has to be done about an order.
//!
//! Each order stands in at most one place of the calendar: at its deadline while it is held, at the end of its
//! retention afterwards. What is due is found without touching what is not, and adding costs a few nanoseconds,
//! because a day is a list of orders that are linked through their own rows:
//!
//! ```text
//! near: a ring of 131,072 days of 8 ms (17 min)      far: a map of whole seconds beyond the ring
//!   [·][·][●→order→order→order][·][●→order] …          {1 700 000 123: ●→order→order, …}
//!       ▲ cursor: everything before it is done
//! ```
//!
//! An order whose deadline moves to a later time, or that ends early, stays where it is; when its day comes, the ledger
//! looks at the order and puts it where it belongs now. So there is no removal, no search, and a link is enough. Far
//! seconds move into the ring a few orders at a time once the ring reaches them. The few deadlines that move to an
//! earlier time, when a payment fails, stand in a sorted list besides.
//!
//! The calendar is a derived index: it is neither logged nor part of a digest, and replay rebuilds it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;

use crate::ids::Timestamp;
use crate::table::{Due, NONE, Row, Rows, Slot};

/// Milliseconds of a day: how late, at most, a hold is found to be due.
const DAY_MS: u64 = 8;

/// Days in the ring: over 17 minutes, longer than common hold times.
const RING: u64 = 1 << 17;

/// Days that make up a far second.
const DAYS_A_SECOND: u64 = 1_000 / DAY_MS;

/// Orders that move from the far map into the ring in one step.
const MOVES_A_STEP: u32 = 64;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Calendar {
    ring: Box<[Slot]>,
    /// The first day that may not be done. Days before it are empty.
    cursor: u64,
    far: BTreeMap<u64, Slot>,
    /// Orders in the ring: where there are none, the cursor leaps.
    near_len: u32,
    /// Deadlines that have moved to an earlier time.
    sooner: BTreeSet<(Timestamp, Slot)>,
}

impl Calendar {
    pub(crate) fn new() -> Self {
        Self {
            ring: vec![NONE; usize::try_from(RING).unwrap_or(0)].into_boxed_slice(),
            cursor: 0,
            far: BTreeMap::new(),
            near_len: 0,
            sooner: BTreeSet::new(),
        }
    }

    /// Notes that an order, which keeps its place, must be looked at already at `at`.
    pub(crate) fn add_sooner(&mut self, slot: Slot, at: Timestamp) {
        self.sooner.insert((at, slot));
    }

    /// Takes one order that had to be looked at early and is due at `now`. The row may hold another order by now.
    pub(crate) fn take_sooner(&mut self, now: Timestamp) -> Option<Slot> {
        let (at, _) = self.sooner.first()?;
        if *at > now {
            return None;
        }
        self.sooner.pop_first().map(|(_, slot)| slot)
    }

    /// Puts an order on the day of `at`, or on the first day not done if that has passed.
    pub(crate) fn add<R: Due>(&mut self, rows: &mut Rows<R>, slot: Slot, at: Timestamp, now: Timestamp) {
        let day = at.raw().div_ceil(DAY_MS);
        if self.cursor == 0 {
            // The first order of all: days before now have never had anybody.
            self.cursor = (now.raw() / DAY_MS).max(1);
        }
        let day = day.max(self.cursor);
        let head = if day < self.cursor.saturating_add(RING) {
            self.near_len = self.near_len.saturating_add(1);
            self.near(day)
        } else {
            Some(self.far.entry(day / DAYS_A_SECOND).or_insert(NONE))
        };
        let (Some(head), Some(row)) = (head, rows.get_mut(slot)) else { return };
        row.set_link(*head);
        *head = slot;
    }

    /// Takes one order whose day is over at `now`, unless there is none. The order is then in no place.
    pub(crate) fn take_due<R: Due>(&mut self, rows: &mut Rows<R>, now: Timestamp) -> Option<Slot> {
        self.bring_near(rows);
        let today = now.raw() / DAY_MS;
        while self.cursor <= today && self.cursor != 0 {
            if self.near_len == 0 {
                // After downtime or a leap of the clock: days without anybody are not walked one by one.
                let first = self.far.first_key_value().map_or(u64::MAX, |(second, _)| *second);
                let day = first.saturating_mul(DAYS_A_SECOND).min(today.saturating_add(1));
                self.cursor = self.cursor.max(day);
                self.bring_near(rows);
                if self.near_len == 0 {
                    return None;
                }
            }
            let cursor = self.cursor;
            let head = self.near(cursor)?;
            if *head == NONE {
                self.cursor = cursor.saturating_add(1);
                if self.cursor.is_multiple_of(DAYS_A_SECOND) {
                    self.bring_near(rows);
                }
                continue;
            }
            let slot = *head;
            *head = rows.get(slot).map_or(NONE, Row::link);
            self.near_len = self.near_len.saturating_sub(1);
            return Some(slot);
        }
        None
    }

    fn near(&mut self, day: u64) -> Option<&mut Slot> {
        self.ring.get_mut(usize::try_from(day % RING).ok()?)
    }

    /// Moves a few orders of the first far second into the ring, once the ring covers it whole.
    fn bring_near<R: Due>(&mut self, rows: &mut Rows<R>) {
        for _ in 0..MOVES_A_STEP {
            let Some(mut first) = self.far.first_entry() else { return };
            let second_ends = first.key().saturating_add(1).saturating_mul(DAYS_A_SECOND);
            if second_ends > self.cursor.saturating_add(RING) {
                return;
            }
            let slot = *first.get();
            let Some(link) = rows.get(slot).map(Row::link) else {
                first.remove();
                continue;
            };
            if link == NONE {
                first.remove();
            } else {
                first.insert(link);
            }
            // The order's own time is finer than the second, where it has one that is known here.
            let due = rows.get(slot).and_then(Due::due);
            let day =
                due.map_or(second_ends, |due| due.raw().div_ceil(DAY_MS)).min(second_ends).max(self.cursor);
            self.near_len = self.near_len.saturating_add(1);
            let (Some(head), Some(row)) = (self.near(day), rows.get_mut(slot)) else { return };
            row.set_link(*head);
            *head = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[derive(Clone, Copy, Debug, Default)]
    struct Task {
        link: Slot,
        at: u64,
    }

    impl Row for Task {
        fn link(&self) -> Slot {
            self.link
        }
        fn set_link(&mut self, link: Slot) {
            self.link = link;
        }
    }

    impl Due for Task {
        fn due(&self) -> Option<Timestamp> {
            Some(Timestamp::new(self.at))
        }
    }

    proptest::proptest! {
        /// Near and far times, and leaps of the clock: nothing is early, nothing is later than a day, nothing is lost.
        #[test]
        fn everything_comes_due_once_and_in_time(
            holds in proptest::collection::vec((0_u64..3_000_000, 0_u64..50_000), 1..200),
        ) {
            let start = 1_700_000_000_000;
            let (mut calendar, mut rows) = (Calendar::new(), Rows::<Task>::new());
            let mut now = start;
            let mut open = 0;
            for (hold, pause) in holds {
                let slot = rows.insert(Task { link: NONE, at: now + hold }).unwrap();
                calendar.add(&mut rows, slot, Timestamp::new(now + hold), Timestamp::new(now));
                open += 1;
                now += pause;
                let mut taken = Vec::new();
                while let Some(slot) = calendar.take_due(&mut rows, Timestamp::new(now)) { taken.push(slot); }
                for slot in taken {
                    let at = rows.get(slot).unwrap().at;
                    assert!(at <= now && at + pause + DAY_MS >= now, "due {at}, taken {now}");
                    open -= 1;
                }
            }
            while let Some(slot) = calendar.take_due(&mut rows, Timestamp::new(now + 4_000_000)) {
                assert!(rows.get(slot).unwrap().at > now - DAY_MS);
                open -= 1;
            }
            assert_eq!(open, 0);
        }
    }
}
