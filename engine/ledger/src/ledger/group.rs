//! Units that a shopper has of all SKUs of a placement group.
//!
//! They are counted like those of one SKU, in the same table, so that a limit over a group costs one more look into it and
//! nothing for a SKU without a group. All SKUs of a group are in one partition: one ledger knows the whole count.

use super::{Ledger, Violation};
use crate::ids::UserId;
use crate::outcome::Refusal;
use crate::stock::{Marks, Sku};
use crate::table::Slot;

impl Ledger {
    /// Units that the shopper has of the SKU's group.
    pub(super) fn units_in_group(&self, sku: Slot, user: UserId) -> u32 {
        let group = self.stock.offer(sku).group;
        self.tally.units(self.hasher.user(user, group), user, group)
    }

    /// Whether the shopper may have `units` more of the SKU's group, once he has given `freed` of it back.
    #[inline]
    pub(super) fn check_group(
        &self,
        (slot, sku): (Slot, &Sku),
        user: UserId,
        limit: u32,
        (units, freed): (u32, u32),
    ) -> Result<(), Refusal> {
        if !sku.marks.has(Marks::GROUPED) {
            return Ok(());
        }
        // Also where there is no limit: what is counted must not overflow.
        let has = self.units_in_group(slot, user).saturating_sub(freed);
        if has.checked_add(units).is_some_and(|units| units <= limit) {
            return Ok(());
        }
        Err(Refusal::GroupLimit { left: limit.saturating_sub(has) })
    }

    /// Counts units no longer as a shopper's. What he waits for of other SKUs of the group may be his now.
    pub(super) fn disown_in_group(&mut self, sku: Slot, user: UserId, units: u32) -> Result<(), Violation> {
        let group = self.stock.offer(sku).group;
        let hash = self.hasher.user(user, group);
        self.tally.subtract(hash, user, group, units).ok_or(Violation::Tally { user })?;
        for other in self.waitlists.with_aside(user) {
            if other != sku && self.stock.offer(other).group == group {
                self.look_again(other, user);
                self.waitlists.unsettle(other);
            }
        }
        Ok(())
    }
}
