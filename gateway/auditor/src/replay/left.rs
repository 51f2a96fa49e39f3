//! From which position of the log on something was left, and from which on nothing.
//!
//! A refusal is not in the log. But who was refused can say between which two positions it was decided, and then the log must
//! pass, between the two, through a state in which nothing was left for a newcomer.

use std::collections::HashMap;

/// A position of the log, and whether something is left from there on.
type Change = (u64, bool);

/// For each SKU, and each channel that has rules for it, from which position on something was left, or nothing.
#[derive(Debug, Default)]
pub struct Left {
    /// By SKU, and by channel, where it is about one.
    changes: HashMap<(u64, Option<u16>), Vec<Change>>,
}

impl Left {
    /// From this position on so many units of the SKU are left, for the channel or for anybody.
    pub fn note(&mut self, sku: u64, channel: Option<u16>, position: u64, units: u64) {
        let left = units > 0;
        let changes = self.changes.entry((sku, channel)).or_default();
        if changes.last().is_none_or(|(_, before)| *before != left) {
            changes.push((position, left));
        }
    }

    /// Whether something was left all the time from the state at `after` to that at `until`.
    pub fn throughout(&self, of: (u64, Option<u16>), after: u64, until: u64) -> bool {
        let Some(changes) = self.changes.get(&of) else { return false };
        let next = changes.partition_point(|(position, _)| *position <= after);
        let at_first =
            next.checked_sub(1).and_then(|index| changes.get(index)).is_some_and(|(_, left)| *left);
        let ends = changes.get(next).is_some_and(|(position, _)| *position <= until);
        at_first && !ends
    }
}
