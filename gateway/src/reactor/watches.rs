//! Which connections of a reactor watch which orders that wait for units.
//!
//! A place is taken when a watch is asked for, and is kept or given back when the order has been read. A watch ends with its
//! push or with its connection. An order that left the line in another way leaves its watch behind: that is found when its time
//! is over and the place is needed.

use std::collections::{BTreeMap, BTreeSet};

/// Orders that may be watched at a reactor, those that are being read included: some 20 MiB.
pub(crate) const MAX_WATCHES: usize = 131_072;

/// Orders that one connection may watch: its pushes are 1.2 MiB, and forgetting them all when it ends takes some
/// milliseconds.
pub(crate) const MAX_WATCHES_EACH: usize = 16_384;

/// How often orders that can wait no longer are looked for where there is no room, milliseconds: it takes some milliseconds.
const SWEEP_EVERY_MS: u64 = 1_000;

/// What a push says of an order that its notice doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) user: u64,
    pub(crate) sku: u64,
    pub(crate) quantity: u32,
    /// When it stops waiting at the latest, server milliseconds.
    pub(crate) until: u64,
}

/// See the module's doc.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    /// By order and session.
    orders: BTreeMap<(u64, usize), Watched>,
    /// The same by session.
    sessions: BTreeSet<(usize, u64)>,
    /// Places taken for orders that are being read.
    asked: usize,
    swept_at: u64,
}

impl Watches {
    /// Orders that are watched or being read.
    pub(crate) fn len(&self) -> usize {
        self.orders.len() + self.asked
    }

    /// How many more a session may watch, which watches or reads `has` now. `now` is in server milliseconds; the sessions
    /// whose watches were over by then are handed to `over`, once for each.
    pub(crate) fn room(&mut self, has: usize, now: u64, over: impl FnMut(usize)) -> usize {
        let full = self.len() >= MAX_WATCHES || has >= MAX_WATCHES_EACH;
        if full && now >= self.swept_at.saturating_add(SWEEP_EVERY_MS) {
            self.swept_at = now;
            self.sweep(now, over);
        }
        MAX_WATCHES.saturating_sub(self.len()).min(MAX_WATCHES_EACH.saturating_sub(has))
    }

    fn sweep(&mut self, now: u64, mut over: impl FnMut(usize)) {
        let sessions = &mut self.sessions;
        self.orders.retain(|&(order, session), watched| {
            // A second for a notice that is on its way.
            let keep = watched.until.saturating_add(SWEEP_EVERY_MS) >= now;
            if !keep {
                sessions.remove(&(session, order));
                over(session);
            }
            keep
        });
    }

    /// Takes so many places for orders that are going to be read.
    pub(crate) fn ask(&mut self, places: usize) {
        self.asked += places;
    }

    /// Gives the place of an order back that has been read.
    pub(crate) fn answered(&mut self) {
        self.asked = self.asked.saturating_sub(1);
    }

    /// Keeps an order. False if the session watches it already.
    pub(crate) fn keep(&mut self, session: usize, order: u64, watched: Watched) -> bool {
        self.sessions.insert((session, order));
        self.orders.insert((order, session), watched).is_none()
    }

    /// Takes out who watches an order.
    pub(crate) fn take(&mut self, order: u64) -> Vec<(usize, Watched)> {
        let found: Vec<_> = self
            .orders
            .range((order, 0)..=(order, usize::MAX))
            .map(|(&(_, session), watched)| (session, *watched))
            .collect();
        for &(session, _) in &found {
            self.orders.remove(&(order, session));
            self.sessions.remove(&(session, order));
        }
        found
    }

    /// Forgets what a session watches, and says how many orders that was.
    pub(crate) fn forget(&mut self, session: usize) -> usize {
        let orders: Vec<u64> =
            self.sessions.range((session, 0)..=(session, u64::MAX)).map(|&(_, order)| order).collect();
        for &order in &orders {
            self.sessions.remove(&(session, order));
            self.orders.remove(&(order, session));
        }
        orders.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHED: Watched = Watched { user: 1, sku: 2, quantity: 3, until: 10_000 };

    #[test]
    fn an_order_is_told_to_all_who_watch_it_and_once() {
        let mut watches = Watches::default();
        assert!(watches.keep(1, 7, WATCHED) && watches.keep(2, 7, WATCHED) && watches.keep(1, 8, WATCHED));
        assert!(!watches.keep(1, 7, WATCHED), "a second time changes nothing");
        assert_eq!(watches.take(7), [(1, WATCHED), (2, WATCHED)]);
        assert_eq!(watches.take(7), []);
        assert_eq!(watches.forget(1), 1);
        assert_eq!((watches.take(8), watches.len()), (Vec::new(), 0));
    }

    #[test]
    fn places_are_bounded_and_those_of_orders_that_wait_no_more_are_found() {
        let mut watches = Watches::default();
        let mut over = Vec::new();
        assert_eq!(watches.room(0, 0, |session| over.push(session)), MAX_WATCHES_EACH);
        assert_eq!(watches.room(MAX_WATCHES_EACH, 0, |session| over.push(session)), 0);
        watches.ask(MAX_WATCHES - 1);
        watches.keep(4, 7, WATCHED);
        assert_eq!(watches.room(0, 11_000, |session| over.push(session)), 0, "its time is not over");
        assert_eq!(watches.room(0, 11_001, |session| over.push(session)), 0, "just looked");
        assert_eq!(watches.room(0, 12_001, |session| over.push(session)), 1);
        assert_eq!(over, [4]);
        watches.answered();
        assert_eq!(watches.room(0, 12_001, |_| {}), 2);
    }
}
