//! Who waited for what, by the log: units that come back go to the first who may have them, and to no newcomer before him.
//!
//! An order of one SKU that was placed later has a higher number, so that numbers tell the order of arrival. Somebody may
//! be passed over for three reasons: there are too few units for him, his own time is up, or he would be over his limit.

use std::collections::{BTreeMap, HashMap};

use crate::faults::Faults;

/// One who waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) user: u64,
    pub(super) quantity: u32,
    /// When he gives up, milliseconds.
    pub(super) until: u64,
}

/// The lines of all SKUs.
#[derive(Debug, Default)]
pub struct Lines {
    lines: HashMap<u64, Line>,
    /// Who was passed over without a reason.
    pub faults: Faults,
    /// Orders that were placed to wait.
    pub waited: u64,
    /// Of those, the ones that got units.
    pub offered: u64,
}

#[derive(Debug, Default)]
struct Line {
    /// By the order's number.
    waiters: BTreeMap<u64, Waiter>,
    /// Units that all of them wait for.
    wanted: u64,
}

impl Lines {
    pub(super) fn join(&mut self, sku: u64, order: u64, waiter: Waiter) {
        let line = self.lines.entry(sku).or_default();
        line.wanted += u64::from(waiter.quantity);
        line.waiters.insert(order, waiter);
        self.waited += 1;
    }

    pub(super) fn leave(&mut self, sku: u64, order: u64) {
        let Some(line) = self.lines.get_mut(&sku) else { return };
        if let Some(waiter) = line.waiters.remove(&order) {
            line.wanted -= u64::from(waiter.quantity);
        }
    }

    /// Units that all who wait for the SKU want.
    pub(super) fn wanted(&self, sku: u64) -> u64 {
        self.lines.get(&sku).map_or(0, |line| line.wanted)
    }

    /// An order that waited gets units, of so many that are free. `allowed` says whether a shopper's limit lets him have as
    /// many more.
    pub(super) fn offer(
        &mut self,
        sku: u64,
        order: u64,
        free: u64,
        at: u64,
        allowed: impl Fn(u64, u32) -> bool,
    ) {
        self.offered += 1;
        let earlier = self.lines.get(&sku).and_then(|line| {
            line.waiters.range(..order).find(|(_, waiter)| waiter.may_have(free, at, &allowed))
        });
        if let Some((earlier, _)) = earlier {
            let line = format!(
                "order {order} got units of SKU {sku}, and order {earlier} came before it and still waits"
            );
            self.faults.note(|| line);
        }
        self.leave(sku, order);
    }

    /// A newcomer gets units, of so many that were free before.
    pub(super) fn newcomer(
        &mut self,
        sku: u64,
        (order, quantity): (u64, u32),
        free: u64,
        at: u64,
        allowed: impl Fn(u64, u32) -> bool,
    ) {
        let Some(line) = self.lines.get(&sku) else { return };
        let left = free.saturating_sub(u64::from(quantity));
        if left >= line.wanted {
            return;
        }
        let fitting = line.waiters.values().filter(|waiter| waiter.may_have(free, at, &allowed));
        let wanted: u64 = fitting.map(|waiter| u64::from(waiter.quantity)).sum();
        if left < wanted {
            self.faults.note(|| format!("order {order} got units of SKU {sku} that {wanted} waited for"));
        }
    }

    /// At the end: units that lie idle although somebody waits who may have them.
    pub(super) fn finish(
        &mut self,
        free: impl Fn(u64) -> u64,
        at: u64,
        allowed: impl Fn(u64, u64, u32) -> bool,
    ) {
        let mut skus: Vec<&u64> = self.lines.keys().collect();
        skus.sort_unstable();
        for &sku in skus {
            let units = free(sku);
            let may = |user: u64, quantity: u32| allowed(sku, user, quantity);
            let line = self
                .lines
                .get(&sku)
                .and_then(|line| line.waiters.iter().find(|(_, waiter)| waiter.may_have(units, at, &may)));
            if let Some((order, _)) = line {
                self.faults.note(|| {
                    format!("{units} units of SKU {sku} lie idle, and order {order} waits for them")
                });
            }
        }
    }

    /// Orders that still wait.
    pub fn waiting(&self) -> u64 {
        self.lines.values().map(|line| line.waiters.len() as u64).sum()
    }
}

impl Waiter {
    fn may_have(&self, free: u64, at: u64, allowed: &impl Fn(u64, u32) -> bool) -> bool {
        u64::from(self.quantity) <= free && at < self.until && allowed(self.user, self.quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(waiters: &[(u64, u64, u32, u64)]) -> Lines {
        let mut lines = Lines::default();
        for &(order, user, quantity, until) in waiters {
            lines.join(5, order, Waiter { user, quantity, until });
        }
        lines
    }

    #[test]
    fn the_first_in_line_gets_what_comes_back() {
        let mut lines = line(&[(1, 1, 1, 100), (2, 2, 1, 100)]);
        lines.offer(5, 1, 1, 10, |_, _| true);
        lines.offer(5, 2, 1, 10, |_, _| true);
        assert_eq!((lines.faults.count, lines.waiting(), lines.offered), (0, 0, 2));
    }

    #[test]
    fn whoever_is_passed_over_without_a_reason_is_found() {
        let mut lines = line(&[(1, 1, 1, 100), (2, 2, 1, 100)]);
        lines.offer(5, 2, 1, 10, |_, _| true);
        assert_eq!(lines.faults.count, 1);
        assert!(lines.faults.examples[0].contains("order 1 came before"), "{:?}", lines.faults);
    }

    #[test]
    fn too_few_units_a_time_that_is_up_and_a_limit_are_reasons() {
        for (first, free) in [((1, 1, 3, 100), 2), ((1, 1, 1, 10), 2), ((1, 9, 1, 100), 2)] {
            let mut lines = line(&[first, (2, 2, 1, 100)]);
            lines.offer(5, 2, free, 10, |user, _| user != 9);
            assert_eq!(lines.faults.count, 0, "{first:?}");
        }
    }

    #[test]
    fn a_newcomer_may_have_only_what_nobody_waits_for() {
        let mut lines = line(&[(1, 1, 1, 100)]);
        lines.newcomer(5, (7, 1), 2, 10, |_, _| true);
        assert_eq!(lines.faults.count, 0);
        lines.newcomer(5, (8, 1), 1, 10, |_, _| true);
        assert_eq!(lines.faults.count, 1);
        assert!(lines.faults.examples[0].contains("order 8 got units"), "{:?}", lines.faults);
    }

    #[test]
    fn units_that_lie_idle_while_somebody_waits_are_found() {
        let mut lines = line(&[(1, 1, 1, 100)]);
        lines.finish(|_| 0, 10, |_, _, _| true);
        lines.finish(|_| 1, 100, |_, _, _| true);
        assert_eq!(lines.faults.count, 0);
        lines.finish(|_| 1, 10, |_, _, _| true);
        assert_eq!(lines.faults.count, 1);
    }
}
