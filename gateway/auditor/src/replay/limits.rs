//! How many units one may have.

use std::collections::HashMap;

/// The bit of a SKU's number that says that the 31 bits behind it are its placement group.
const GROUPED: u64 = 1 << 63;

/// The placement group that a SKU's number names, if it does.
fn group(sku: u64) -> Option<u64> {
    (sku & GROUPED != 0).then_some((sku & !GROUPED) >> 32)
}

/// Most units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Of a SKU, for a shopper.
    pub(super) user: u32,
    /// Of a SKU, in one order.
    pub(super) order: u32,
    /// Of all SKUs of a placement group, for a shopper; of one in no group, that is a limit for the SKU.
    pub(super) group: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self::NONE
    }
}

impl Limits {
    /// No limits.
    pub(super) const NONE: Self = Self { user: u32::MAX, order: u32::MAX, group: u32::MAX };

    /// 0 stands for no limit.
    pub(super) fn new(user: u32, order: u32, group: u32) -> Self {
        let or_none = |limit| if limit == 0 { u32::MAX } else { limit };
        Self { user: or_none(user), order: or_none(order), group: or_none(group) }
    }

    /// The lower ones.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            user: self.user.min(other.user),
            order: self.order.min(other.order),
            group: self.group.min(other.group),
        }
    }
}

/// What shoppers hold and own.
#[derive(Debug, Default)]
pub(super) struct Owned {
    /// By SKU and shopper.
    skus: HashMap<(u64, u64), u32>,
    /// By placement group and shopper.
    groups: HashMap<(u64, u64), u32>,
}

impl Owned {
    /// Whether a shopper's limits let him have as many units more.
    pub(super) fn allows(&self, limits: Limits, sku: u64, user: u64, more: u32) -> bool {
        let has =
            |of: &HashMap<(u64, u64), u32>, key| of.get(&key).copied().unwrap_or(0).saturating_add(more);
        let of_sku = has(&self.skus, (sku, user));
        match group(sku) {
            Some(group) => of_sku <= limits.user && has(&self.groups, (group, user)) <= limits.group,
            None => of_sku <= limits.user.min(limits.group),
        }
    }

    /// A shopper gets units.
    pub(super) fn add(&mut self, sku: u64, user: u64, units: u32) {
        let own = self.skus.entry((sku, user)).or_default();
        *own = own.saturating_add(units);
        if let Some(group) = group(sku) {
            let own = self.groups.entry((group, user)).or_default();
            *own = own.saturating_add(units);
        }
    }

    /// Units of a shopper go back; false, if he hasn't as many.
    pub(super) fn subtract(&mut self, sku: u64, user: u64, units: u32) -> bool {
        if let Some(group) = group(sku) {
            less(&mut self.groups, (group, user), units);
        }
        less(&mut self.skus, (sku, user), units)
    }
}

fn less(of: &mut HashMap<(u64, u64), u32>, key: (u64, u64), units: u32) -> bool {
    let own = of.entry(key).or_default();
    let enough = *own >= units;
    *own = own.saturating_sub(units);
    if *own == 0 {
        of.remove(&key);
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_what_is_held_and_owned_and_no_more() {
        let limits = Limits::new(3, 0, 0);
        let mut owned = Owned::default();
        owned.add(5, 1, 2);
        assert!(owned.allows(limits, 5, 1, 1) && !owned.allows(limits, 5, 1, 2));
        assert!(owned.allows(limits, 5, 2, 3) && owned.allows(limits, 6, 1, 3));
        assert!(owned.subtract(5, 1, 1) && !owned.subtract(5, 1, 2));
        assert!(owned.allows(limits, 5, 1, 3));
    }

    #[test]
    fn a_groups_limit_is_over_all_of_its_skus_and_a_single_skus_own() {
        let limits = Limits::new(0, 0, 3);
        let sku = |group: u64, number: u64| GROUPED | group << 32 | number;
        let mut owned = Owned::default();
        owned.add(sku(7, 1), 1, 2);
        assert!(owned.allows(limits, sku(7, 2), 1, 1) && !owned.allows(limits, sku(7, 2), 1, 2));
        assert!(owned.allows(limits, sku(8, 2), 1, 3));
        owned.add(9, 1, 2);
        assert!(!owned.allows(limits, 9, 1, 2));
    }

    #[test]
    fn the_lower_limits_count() {
        let both = Limits::new(3, 0, 5).and(Limits::new(4, 2, 0));
        assert_eq!(both, Limits { user: 3, order: 2, group: 5 });
    }
}
