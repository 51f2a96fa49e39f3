//! Orders with several lines, by the log: all lines are held, paid or given back together, in one block with the order's own
//! record.
//!
//! A block reaches the disk whole or not at all. So what every block's end shows is what a crash may leave: an order with one
//! line held and another not must not be there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Share, State};
use crate::faults::Faults;
use crate::record::{LegChange, has_legs};

/// A line as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Units that were held first.
    pub ordered: u32,
    /// How many of these are given for nothing.
    pub gifts: u32,
    /// Units that it has now, or had when it ended.
    pub units: u32,
    state: LineState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineState {
    Held,
    Back,
    Paid,
    Dropped,
}

/// An order's own record, as far as its lines must agree with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) state: State,
    pub(super) sku: u64,
    /// Units of all lines now.
    pub(super) units: u32,
}

/// Lines of all orders that have several.
#[derive(Debug, Default)]
pub struct Legs {
    /// By order and SKU.
    orders: HashMap<u64, BTreeMap<u64, Line>>,
    /// Orders of which something stood in the block.
    touched: BTreeSet<u64>,
    /// What contradicts itself.
    pub faults: Faults,
}

impl Legs {
    /// The lines of an order, by SKU.
    pub fn of(&self, order: u64) -> impl Iterator<Item = (u64, Line)> {
        self.orders.get(&order).into_iter().flatten().map(|(sku, line)| (*sku, *line))
    }

    /// Orders with several lines.
    pub fn count(&self) -> u64 {
        self.orders.len() as u64
    }

    /// A record about the order itself.
    pub(super) fn touch(&mut self, order: u64) {
        if has_legs(order) {
            self.touched.insert(order);
        }
    }

    /// A record about a line; false, and a fault, if it can't follow what was before.
    pub(super) fn change(&mut self, change: LegChange, share: Share, gifts: u32) -> bool {
        let Share { order, sku, units, .. } = share;
        self.touched.insert(order);
        let lines = self.orders.entry(order).or_default();
        let before = lines.get(&sku).copied();
        let after = match (change, before) {
            (LegChange::Held, None) if units > 0 => {
                Some(Line { ordered: units, gifts, units, state: LineState::Held })
            }
            (LegChange::Held, Some(line)) if line.state == LineState::Back && line.units == units => {
                Some(Line { state: LineState::Held, ..line })
            }
            (LegChange::Back, Some(line)) if line.state == LineState::Held && line.units == units => {
                Some(Line { state: LineState::Back, ..line })
            }
            (LegChange::Paid, Some(line)) if line.state == LineState::Held && line.units == units => {
                Some(Line { state: LineState::Paid, ..line })
            }
            (LegChange::Cut, Some(line)) if line.state == LineState::Held && line.units > units => {
                Some(Line { units: line.units - units, ..line })
            }
            (LegChange::Dropped, Some(line)) if line.state == LineState::Held && line.units == units => {
                Some(Line { units: 0, state: LineState::Dropped, ..line })
            }
            _ => None,
        };
        if let Some(after) = after.filter(|_| has_legs(order)) {
            lines.insert(sku, after);
            return true;
        }
        self.faults.note(|| {
            let was = before.map_or_else(
                || "never held".to_owned(),
                |line| format!("{:?} with {} units", line.state, line.units),
            );
            format!("log: SKU {sku} of order {order} was {was}, and then {change:?} with {units} units")
        });
        false
    }

    /// Units of a line that is paid went back.
    pub(super) fn take_paid(&mut self, order: u64, sku: u64, units: u32) {
        self.touch(order);
        let line = self.orders.get_mut(&order).and_then(|lines| lines.get_mut(&sku));
        if let Some(line) = line.filter(|line| line.state == LineState::Paid) {
            line.units = line.units.saturating_sub(units);
        }
    }

    /// A block ends: every order of which something stood in it must be whole. `head` gives an order's own record.
    pub(super) fn end_block(&mut self, block: u64, head: impl Fn(u64) -> Option<Head>) {
        for order in std::mem::take(&mut self.touched) {
            let Some(found) = head(order) else {
                self.faults.note(|| {
                    format!("log: block {block} has lines of order {order}, and not the order's own record")
                });
                continue;
            };
            self.whole(block, order, found);
        }
    }

    fn whole(&mut self, block: u64, order: u64, head: Head) {
        let Self { orders, faults, .. } = self;
        let empty = BTreeMap::new();
        let lines = orders.get(&order).unwrap_or(&empty);
        let wanted = match head.state {
            State::Held => LineState::Held,
            State::Confirmed => LineState::Paid,
            State::Cancelled | State::Expired | State::Superseded => LineState::Back,
            // No order with several lines waits.
            State::Waiting | State::Lapsed => {
                return faults.note(|| format!("log: order {order} has several lines and waits"));
            }
        };
        let state = head.state;
        let otherwise = lines.iter().find(|(_, line)| line.units > 0 && line.state != wanted);
        if let Some((sku, line)) = otherwise {
            let found = line.state;
            faults.note(|| {
                format!(
                    "log: order {order} is {state:?} behind block {block}, and its SKU {sku} is {found:?}"
                )
            });
        }
        let units: u64 = lines.values().map(|line| u64::from(line.units)).sum();
        if units != u64::from(head.units) {
            let whole = head.units;
            faults.note(|| {
                format!(
                    "log: order {order} has {whole} units behind block {block}, and its lines have {units}"
                )
            });
        }
        if lines.keys().next().is_some_and(|first| *first != head.sku) {
            let named = head.sku;
            faults.note(|| format!("log: order {order} names SKU {named}, which is not its lowest"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::several;

    const ORDER: u64 = several(1);

    fn leg(sku: u64, units: u32) -> Share {
        Share { order: ORDER, sku, user: 1, units, channel: 0, at: 0 }
    }

    fn run(changes: &[(LegChange, u64, u32)], state: State, units: u32) -> Vec<String> {
        let mut legs = Legs::default();
        for &(change, sku, units) in changes {
            legs.change(change, leg(sku, units), 0);
        }
        legs.end_block(3, |_| Some(Head { state, sku: 5, units }));
        legs.faults.examples
    }

    #[test]
    fn lines_that_are_held_paid_and_given_back_together_are_sound() {
        use LegChange::{Back, Cut, Dropped, Held, Paid};
        let held = [(Held, 5, 2), (Held, 6, 1)];
        assert_eq!(run(&held, State::Held, 3), [""; 0]);
        for (change, state) in [
            (Paid, State::Confirmed),
            (Back, State::Cancelled),
            (Back, State::Expired),
            (Back, State::Superseded),
        ] {
            let ended = [&held[..], &[(change, 5, 2), (change, 6, 1)]].concat();
            assert_eq!(run(&ended, state, 3), [""; 0], "{state:?}");
        }
        let part = [&held[..], &[(Dropped, 6, 1), (Cut, 5, 1), (Paid, 5, 1)]].concat();
        assert_eq!(run(&part, State::Confirmed, 1), [""; 0]);
        let late = [&held[..], &[(Back, 5, 2), (Back, 6, 1)], &held[..], &[(Paid, 5, 2), (Paid, 6, 1)]];
        assert_eq!(run(&late.concat(), State::Confirmed, 3), [""; 0]);
    }

    #[test]
    fn a_line_that_is_missing_is_found() {
        let faults = run(&[(LegChange::Held, 5, 2)], State::Held, 3);
        assert!(faults[0].contains("has 3 units behind block 3, and its lines have 2"), "{faults:?}");
    }

    #[test]
    fn one_line_paid_and_the_other_still_held_is_found() {
        use LegChange::{Held, Paid};
        let faults = run(&[(Held, 5, 2), (Held, 6, 1), (Paid, 5, 2)], State::Confirmed, 3);
        assert!(faults[0].contains("is Confirmed behind block 3, and its SKU 6 is Held"), "{faults:?}");
    }

    #[test]
    fn a_line_that_ends_twice_or_with_other_units_is_found() {
        use LegChange::{Back, Cut, Dropped, Held, Paid};
        for (change, units) in [(Paid, 2), (Back, 2), (Held, 2), (Cut, 1), (Dropped, 2)] {
            let faults = run(&[(Held, 5, 2), (Paid, 5, 2), (change, 5, units)], State::Confirmed, 2);
            assert!(faults[0].contains("was Paid with 2 units, and then"), "{faults:?}");
        }
        for (change, units) in [(Cut, 2), (Dropped, 1)] {
            let faults = run(&[(Held, 5, 2), (change, 5, units)], State::Held, 2);
            assert!(faults[0].contains("was Held with 2 units, and then"), "a cut leaves some: {faults:?}");
        }
        let other = run(&[(Held, 5, 2), (Paid, 5, 1)], State::Held, 2);
        assert!(other[0].contains("was Held with 2 units, and then Paid with 1"), "{other:?}");
    }

    #[test]
    fn lines_without_their_order_and_an_order_under_another_sku_are_found() {
        let mut legs = Legs::default();
        legs.change(LegChange::Held, leg(5, 1), 0);
        legs.end_block(3, |_| None);
        assert!(legs.faults.examples[0].contains("not the order's own record"), "{:?}", legs.faults);
        let faults = run(&[(LegChange::Held, 4, 1)], State::Held, 1);
        assert!(faults[0].contains("names SKU 5, which is not its lowest"), "{faults:?}");
    }
}
