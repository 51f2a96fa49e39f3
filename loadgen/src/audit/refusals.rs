//! Whether everybody who was told `SOLD_OUT` was told the truth.
//!
//! A refusal is not in the log. But its answer names a position of the log, and so did the answers before its request was
//! sent. What was decided saw a state between the two. So the log must pass, between the two, through a state in which
//! nothing was left for a newcomer: no unit was free, or as many were waited for. After a restock's acknowledgement the
//! first position is behind the restock.

use std::collections::HashMap;

use crate::journal::{Faults, Refusal};

/// For each SKU, from which position on something was left, or nothing.
#[derive(Debug, Default)]
pub(super) struct Left {
    changes: HashMap<u64, Vec<(u64, bool)>>,
}

impl Left {
    /// From this position on so many units of the SKU are left.
    pub(super) fn note(&mut self, sku: u64, position: u64, units: u64) {
        let left = units > 0;
        let changes = self.changes.entry(sku).or_default();
        if changes.last().is_none_or(|(_, before)| *before != left) {
            changes.push((position, left));
        }
    }

    /// Whether something was left all the time from the state at `after` to that at `until`.
    fn throughout(&self, sku: u64, after: u64, until: u64) -> bool {
        let Some(changes) = self.changes.get(&sku) else { return false };
        let next = changes.partition_point(|(position, _)| *position <= after);
        let at_first =
            next.checked_sub(1).and_then(|index| changes.get(index)).is_some_and(|(_, left)| *left);
        let ends = changes.get(next).is_some_and(|(position, _)| *position <= until);
        at_first && !ends
    }

    /// Notes every refusal that no state explains.
    pub(super) fn check(&self, first_sku: u64, refusals: &[Refusal], faults: &mut Faults) {
        for refusal in refusals {
            let sku = first_sku + u64::from(refusal.sku);
            let Refusal { after, until, .. } = *refusal;
            if self.throughout(sku, after, until) {
                faults.note(|| {
                    format!("SKU {sku}: SOLD_OUT between positions {after} and {until} of the log, and units were left")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units are left up to position 10, and again from 20 on.
    fn faults(after: u64, until: u64) -> u64 {
        let mut left = Left::default();
        for (position, units) in [(1, 5), (9, 1), (10, 0), (12, 0), (20, 3), (21, 2)] {
            left.note(100, position, units);
        }
        let mut faults = Faults::default();
        left.check(100, &[Refusal { sku: 0, after, until }], &mut faults);
        faults.count
    }

    #[test]
    fn a_refusal_is_explained_by_any_state_in_which_nothing_was_left() {
        for (after, until) in [(5, 10), (10, 10), (12, 25), (19, 20), (15, 15), (0, 0)] {
            assert_eq!(faults(after, until), 0, "{after} to {until}");
        }
    }

    #[test]
    fn a_refusal_while_units_were_left_is_found() {
        for (after, until) in [(1, 9), (20, 20), (20, 30), (25, 3), (5, 5)] {
            assert_eq!(faults(after, until), 1, "{after} to {until}");
        }
    }
}
