//! Who waits for units to come back, by arrival.
//!
//! Most SKUs have no list, and nobody waits while units are free for him; so lists stand beside the stock, in maps, and
//! a SKU's row says only that there is one. An order waits in one list, a shopper once for each SKU.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::{OrderNumber, UserId};
use crate::order::Order;
use crate::table::Slot;

/// The lists of all SKUs, by the SKU's slot.
#[derive(Debug, Default)]
pub(crate) struct Waitlists {
    lists: BTreeMap<Slot, Waitlist>,
    /// SKUs of which units came back that were not offered to everybody yet.
    unsettled: BTreeSet<Slot>,
}

/// One SKU's list.
#[derive(Debug, Default)]
pub(crate) struct Waitlist {
    /// By the orders' numbers: those of one SKU ascend with time.
    queue: BTreeMap<OrderNumber, Slot>,
    shoppers: BTreeMap<UserId, OrderNumber>,
    /// How many orders wait for each number of units.
    quantities: BTreeMap<u32, u32>,
    /// Everybody before this has been looked at since units came back.
    looked_to: OrderNumber,
}

impl Waitlists {
    /// Orders that wait for the SKU.
    pub(crate) fn len(&self, sku: Slot) -> u32 {
        self.lists.get(&sku).map_or(0, |list| u32::try_from(list.queue.len()).unwrap_or(u32::MAX))
    }

    /// The order with which the shopper waits for the SKU.
    pub(crate) fn of(&self, sku: Slot, user: UserId) -> Option<OrderNumber> {
        self.lists.get(&sku)?.shoppers.get(&user).copied()
    }

    /// Adds an order at the end. `None`, and no change, if its shopper waits already.
    pub(crate) fn join(&mut self, sku: Slot, slot: Slot, order: &Order) -> Option<()> {
        let list = self.lists.entry(sku).or_default();
        if list.shoppers.contains_key(&order.user) {
            return None;
        }
        list.shoppers.insert(order.user, order.number);
        list.queue.insert(order.number, slot);
        let same = list.quantities.entry(order.quantity).or_default();
        *same = same.saturating_add(1);
        Some(())
    }

    /// Takes an order out; returns whether anybody is left. `None` if it doesn't wait.
    pub(crate) fn leave(&mut self, sku: Slot, order: &Order) -> Option<bool> {
        let list = self.lists.get_mut(&sku)?;
        list.queue.remove(&order.number)?;
        list.shoppers.remove(&order.user)?;
        let same = list.quantities.get_mut(&order.quantity)?;
        *same = same.saturating_sub(1);
        if *same == 0 {
            list.quantities.remove(&order.quantity);
        }
        let left = !list.queue.is_empty();
        if !left {
            self.lists.remove(&sku);
            self.unsettled.remove(&sku);
        }
        Some(left)
    }

    /// Units of the SKU came back: everybody is to be looked at again.
    pub(crate) fn unsettle(&mut self, sku: Slot) {
        if let Some(list) = self.lists.get_mut(&sku) {
            list.looked_to = OrderNumber::default();
            self.unsettled.insert(sku);
        }
    }

    /// As [`unsettle`](Self::unsettle), for all.
    pub(crate) fn unsettle_all(&mut self) {
        self.unsettled = self.lists.keys().copied().collect();
        for list in self.lists.values_mut() {
            list.looked_to = OrderNumber::default();
        }
    }

    /// Everybody has been looked at.
    pub(crate) fn settled(&mut self, sku: Slot) {
        self.unsettled.remove(&sku);
    }

    /// Whether somebody may be about to get the SKU's free units.
    #[inline]
    pub(crate) fn is_unsettled(&self, sku: Slot) -> bool {
        self.unsettled.contains(&sku)
    }

    /// A SKU of which units came back.
    pub(crate) fn first_unsettled(&self) -> Option<Slot> {
        self.unsettled.first().copied()
    }

    /// The fewest units that anybody waits for: with less, nobody needs to be looked at.
    pub(crate) fn least(&self, sku: Slot) -> Option<u32> {
        self.lists.get(&sku)?.quantities.first_key_value().map(|(quantity, _)| *quantity)
    }

    /// Whether somebody has not been looked at.
    pub(crate) fn has_next(&self, sku: Slot) -> bool {
        self.lists.get(&sku).is_some_and(|list| list.queue.range(list.looked_to..).next().is_some())
    }

    /// The next order of the list to be looked at, by arrival.
    pub(crate) fn next(&mut self, sku: Slot) -> Option<Slot> {
        let list = self.lists.get_mut(&sku)?;
        let (number, slot) =
            list.queue.range(list.looked_to..).next().map(|(number, slot)| (*number, *slot))?;
        list.looked_to = OrderNumber::new(number.raw().saturating_add(1));
        Some(slot)
    }

    /// Every order that waits, with its SKU.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, Slot)> {
        self.lists.iter().flat_map(|(sku, list)| list.queue.values().map(|order| (*sku, *order)))
    }
}
