//! Paid orders and goods, by the log: units go out of the house, come back and are counted, and every account adds up.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Replay, Share, Source, State};
use crate::record::{After, Way, has_legs};

/// What became of a line.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    shipped: u64,
    returned: u64,
    short: u64,
}

/// Where the goods of a SKU are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    /// With shoppers.
    pub shipped: u64,
    /// Back, and not looked at yet.
    pub quarantine: u64,
    /// Missing by the latest count.
    pub short: u64,
    /// Of the missing ones, those that orders were told of.
    named: u64,
    counted_at: u64,
}

/// What became of all orders and goods.
#[derive(Debug, Default)]
pub(super) struct Afters {
    /// By order and SKU.
    lines: BTreeMap<(u64, u64), Line>,
    goods: HashMap<u64, Goods>,
    /// What went back, by order and payment.
    back: HashMap<(u64, [u8; 16]), u64>,
    /// Orders that are closed.
    closed: HashSet<u64>,
}

impl Afters {
    pub(super) fn goods(&self, sku: u64) -> Goods {
        self.goods.get(&sku).copied().unwrap_or_default()
    }

    pub(super) fn paid_back(&self) -> u64 {
        self.back.values().sum()
    }
}

impl Replay {
    /// Adds a record up; gives the SKU that it concerns.
    pub(super) fn after(&mut self, after: After) -> Option<u64> {
        match after {
            After::Step { order, closes, at } => {
                self.passes(at);
                self.paid(order, "takes a step")?;
                if closes && !self.afters.closed.insert(order) {
                    self.faults.note(|| format!("log: order {order} is closed twice"));
                }
                None
            }
            After::Line { way, order, sku, user, units, channel, at } => {
                self.passes(at);
                self.paid(order, "moves units")?;
                self.line(way, Share { order, user, sku, units, channel, at });
                Some(sku)
            }
            After::PaidBack { order, payment_id, amount, at } => {
                self.passes(at);
                let paid = self.payments.get(&(order, payment_id)).map_or(0, |ends| ends.amount);
                let back = self.afters.back.entry((order, payment_id)).or_default();
                *back = back.saturating_add(amount);
                let back = *back;
                if back > paid {
                    self.faults
                        .note(|| format!("log: {back} of a payment of {paid} for order {order} went back"));
                }
                None
            }
            After::Counted { sku, on_hand, change, short, as_of, at } => {
                self.passes(at);
                let units = self.units.entry(sku).or_default();
                units.corrected += i128::from(change);
                let goods = self.afters.goods.entry(sku).or_default();
                let found = units.stocked() - i128::from(goods.shipped) - i128::from(short);
                if found != i128::from(on_hand) || units.available() < 0 {
                    self.faults.note(|| {
                        format!("log: {on_hand} units of SKU {sku} were counted, and its accounts have {found} from then on")
                    });
                }
                if as_of <= goods.counted_at {
                    self.faults.note(|| format!("log: a count of SKU {sku} is older than the one before"));
                }
                (goods.short, goods.counted_at) = (short, as_of);
                Some(sku)
            }
            After::Short { order, sku, units, more, at } => {
                self.passes(at);
                self.paid(order, "misses units")?;
                self.short(order, sku, u64::from(units), more);
                None
            }
            After::WrittenOff { sku, units, at } => {
                self.passes(at);
                let account = self.units.entry(sku).or_default();
                account.corrected -= i128::from(units);
                let goods = self.afters.goods.entry(sku).or_default();
                if account.available() < 0 || goods.short < units {
                    self.faults.note(|| {
                        format!("log: {units} units of SKU {sku} are written off that aren't missing")
                    });
                }
                goods.short = goods.short.saturating_sub(units);
                Some(sku)
            }
            After::Inspected { sku, units, to, at } => {
                self.passes(at);
                let goods = self.afters.goods.entry(sku).or_default();
                if goods.quarantine < units {
                    self.faults
                        .note(|| format!("log: {units} units of SKU {sku} leave a quarantine with fewer"));
                }
                goods.quarantine = goods.quarantine.saturating_sub(units);
                if to == 1 {
                    self.units.entry(sku).or_default().removed -= i128::from(units);
                }
                Some(sku)
            }
        }
    }

    /// Whether an order has units with its shopper or in the house of which something is still to be said.
    pub(super) fn is_under_way(&self, order: u64) -> bool {
        let lines = self.afters.lines.range((order, 0)..=(order, u64::MAX));
        let short = lines.map(|(_, line)| line.short).any(|units| units > 0);
        short && !self.afters.closed.contains(&order)
    }

    fn paid(&mut self, order: u64, what: &str) -> Option<()> {
        let state = self.orders.get(&order).filter(|order| !order.evicted).map(|order| order.state);
        if state == Some(State::Confirmed) {
            return Some(());
        }
        self.faults.note(|| format!("log: order {order} {what} and is {state:?}"));
        None
    }

    fn line(&mut self, way: Way, share: Share) {
        let Share { order, sku, units, .. } = share;
        let count = u64::from(units);
        let has = if has_legs(order) {
            self.legs.of(order).find(|(of, _)| *of == sku).map_or(0, |(_, line)| u64::from(line.units))
        } else {
            self.orders.get(&order).map_or(0, |order| u64::from(order.units))
        };
        let line = self.afters.lines.entry((order, sku)).or_default();
        let goods = self.afters.goods.entry(sku).or_default();
        // Of the units that the order has, those in the house.
        let house = (has + line.returned).saturating_sub(line.shipped);
        let fault = match way {
            Way::Shipped => count > house || line.short > 0,
            Way::Cancelled => count > house,
            Way::Returned(_) => line.returned + count > line.shipped,
        };
        if fault {
            let line = *line;
            self.faults.note(|| {
                format!("log: {units} units of SKU {sku} of order {order} are {way:?}; it has {has}, with {line:?}")
            });
        }
        match way {
            Way::Shipped => {
                line.shipped += count;
                goods.shipped += count;
                self.units.entry(sku).or_default().shipped += i128::from(count);
                return;
            }
            Way::Cancelled => {}
            Way::Returned(to) => {
                line.returned += count;
                goods.shipped = goods.shipped.saturating_sub(count);
                let account = self.units.entry(sku).or_default();
                account.shipped -= i128::from(count);
                if to != 1 {
                    goods.quarantine += if to == 2 { count } else { 0 };
                    account.removed += i128::from(count);
                }
            }
        }
        self.legs.take_paid(order, sku, units);
        if let Some(order) = self.orders.get_mut(&order) {
            order.units = order.units.saturating_sub(units);
        }
        self.give_back(share, Source::Sold);
    }

    fn short(&mut self, order: u64, sku: u64, units: u64, more: bool) {
        let line = self.afters.lines.entry((order, sku)).or_default();
        let goods = self.afters.goods.entry(sku).or_default();
        if more {
            line.short += units;
            goods.named += units;
        } else if line.short < units {
            self.faults
                .note(|| format!("log: {units} units of order {order} are found, and fewer were missing"));
        } else {
            line.short -= units;
            goods.named = goods.named.saturating_sub(units);
        }
        if more && goods.named > goods.short {
            self.faults.note(|| format!("log: more units of orders are missing than of SKU {sku}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Entry, Paid, Placed};

    /// Ten units, and three of them bought by order 7.
    fn bought() -> Replay {
        let mut replay = Replay::default();
        let placed = Placed { order: 7, sku: 5, quantity: 3, user: 1, hold_ms: 9, ..Placed::default() };
        let put = Entry::Put { sku: 5, units: 10, user_limit: 0, order_limit: 0, at: 0 };
        let paid = Paid { order: 7, payment_id: [4; 16], amount: 300 };
        for entry in [put, Entry::Reserved { placed }, Entry::Confirmed { paid, at: 1 }] {
            replay.apply(entry);
        }
        replay
    }

    fn moved(way: Way, units: u32) -> After {
        After::Line { way, order: 7, sku: 5, user: 1, units, channel: 0, at: 2 }
    }

    fn counted(on_hand: u64, change: i64, short: u64, as_of: u64) -> After {
        After::Counted { sku: 5, on_hand, change, short, as_of, at: 2 }
    }

    fn faults(steps: &[After]) -> Vec<String> {
        let mut replay = bought();
        for step in steps {
            replay.apply(Entry::After(*step));
        }
        replay.faults.examples
    }

    #[test]
    fn a_whole_way_adds_up() {
        let back = After::PaidBack { order: 7, payment_id: [4; 16], amount: 300, at: 2 };
        let steps = [
            moved(Way::Shipped, 2),
            moved(Way::Cancelled, 1),
            moved(Way::Returned(2), 1),
            moved(Way::Returned(1), 1),
            After::Inspected { sku: 5, units: 1, to: 1, at: 2 },
            counted(10, 0, 0, 3),
            After::Step { order: 7, closes: true, at: 2 },
            back,
        ];
        assert_eq!(faults(&steps), [""; 0]);
    }

    #[test]
    fn missing_units_are_named_and_found_again() {
        let short = |more| After::Short { order: 7, sku: 5, units: 1, more, at: 2 };
        let steps =
            [counted(2, -7, 1, 3), short(true), short(false), counted(3, 0, 0, 4), moved(Way::Shipped, 3)];
        assert_eq!(faults(&steps), [""; 0]);
        let shipped = faults(&[counted(2, -7, 1, 3), short(true), moved(Way::Shipped, 1)]);
        assert!(shipped[0].contains("are Shipped; it has 3"), "{shipped:?}");
    }

    #[test]
    fn whatever_cannot_follow_is_found() {
        let twice = After::PaidBack { order: 7, payment_id: [4; 16], amount: 301, at: 2 };
        let cases = [
            (vec![moved(Way::Shipped, 4)], "are Shipped; it has 3"),
            (vec![moved(Way::Shipped, 2), moved(Way::Cancelled, 2)], "are Cancelled; it has 3"),
            (vec![moved(Way::Returned(1), 1)], "are Returned(1); it has 3"),
            (vec![twice], "301 of a payment of 300"),
            (vec![counted(9, 0, 0, 3)], "9 units of SKU 5 were counted, and its accounts have 10"),
            (vec![counted(10, 0, 0, 3), counted(10, 0, 0, 3)], "older than the one before"),
            (vec![After::WrittenOff { sku: 5, units: 1, at: 2 }], "written off that aren't missing"),
            (vec![After::Inspected { sku: 5, units: 1, to: 1, at: 2 }], "quarantine with fewer"),
            (vec![After::Short { order: 7, sku: 5, units: 1, more: true, at: 2 }], "more units of orders"),
            (vec![After::Step { order: 8, closes: false, at: 2 }], "order 8 takes a step and is None"),
        ];
        for (steps, fault) in cases {
            let found = faults(&steps);
            assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:?}");
        }
    }
}
