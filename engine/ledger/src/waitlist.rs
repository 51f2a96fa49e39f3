//! Who waits for units to come back, by arrival.
//!
//! Most SKUs have no list, and nobody waits while units are free for him; so lists stand beside the stock, in maps, and
//! a SKU's row says only that there is one. An order waits in one list, a shopper once for each SKU.
//!
//! A list is kept apart by sales channel and by the number of units that are waited for, so that the first whom the free
//! units fit is found without a look at those whom they don't. Whoever is over his limit for now is set aside until his own
//! units go back.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::{ChannelId, OrderNumber, UserId};
use crate::order::Order;
use crate::table::Slot;

/// The lists of all SKUs, by the SKU's slot.
#[derive(Debug, Default)]
pub(crate) struct Waitlists {
    lists: BTreeMap<Slot, Waitlist>,
    /// SKUs of which somebody may be about to get units.
    unsettled: BTreeSet<Slot>,
    /// Where the last look at these ended, so that each has its turn.
    turn: Slot,
}

/// One SKU's list.
#[derive(Debug, Default)]
pub(crate) struct Waitlist {
    /// By channel and units, then by the orders' numbers: those of one SKU ascend with time.
    queues: BTreeMap<(ChannelId, u32), BTreeMap<OrderNumber, Slot>>,
    shoppers: BTreeMap<UserId, OrderNumber>,
    /// Those who may not have units for now.
    aside: BTreeSet<OrderNumber>,
    /// Units that are waited for by all others, by channel.
    wanted: BTreeMap<ChannelId, u64>,
}

impl Waitlists {
    /// Orders that wait for the SKU.
    pub(crate) fn len(&self, sku: Slot) -> u32 {
        self.lists.get(&sku).map_or(0, |list| u32::try_from(list.shoppers.len()).unwrap_or(u32::MAX))
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
        list.queue(slot, order);
        Some(())
    }

    /// Takes an order out; returns whether anybody is left. `None` if it doesn't wait.
    pub(crate) fn leave(&mut self, sku: Slot, order: &Order) -> Option<bool> {
        let list = self.lists.get_mut(&sku)?;
        list.shoppers.remove(&order.user)?;
        if !list.aside.remove(&order.number) {
            list.unqueue(order)?;
        }
        let left = !list.shoppers.is_empty();
        if !left {
            self.lists.remove(&sku);
            self.unsettled.remove(&sku);
        }
        Some(left)
    }

    /// Sets an order aside that may not have units for now.
    pub(crate) fn set_aside(&mut self, sku: Slot, order: &Order) {
        if let Some(list) = self.lists.get_mut(&sku)
            && list.unqueue(order).is_some()
        {
            list.aside.insert(order.number);
        }
    }

    /// Units of the shopper himself went back: he is looked at again. Returns his order's number.
    pub(crate) fn aside(&self, sku: Slot, user: UserId) -> Option<OrderNumber> {
        let list = self.lists.get(&sku)?;
        list.shoppers.get(&user).copied().filter(|number| list.aside.contains(number))
    }

    /// Puts an order that was set aside back in its place.
    pub(crate) fn put_back(&mut self, sku: Slot, slot: Slot, order: &Order) {
        if let Some(list) = self.lists.get_mut(&sku)
            && list.aside.remove(&order.number)
        {
            list.queue(slot, order);
        }
    }

    /// The first by arrival who waits for no more units than his channel may have.
    pub(crate) fn first(&self, sku: Slot, left: impl Fn(ChannelId) -> u64) -> Option<Slot> {
        let list = self.lists.get(&sku)?;
        let firsts = list.wanted.keys().flat_map(|&channel| {
            let most = u32::try_from(left(channel)).unwrap_or(u32::MAX);
            let fit = list.queues.range((channel, 0)..=(channel, most));
            fit.filter_map(|(_, queue)| queue.first_key_value())
        });
        firsts.min_by_key(|(number, _)| **number).map(|(_, slot)| *slot)
    }

    /// Units that those who wait may be about to get, given how many each channel may have.
    pub(crate) fn wanted(&self, sku: Slot, left: impl Fn(ChannelId) -> u64) -> u64 {
        let Some(list) = self.lists.get(&sku) else { return 0 };
        let fits = |channel| {
            let mut least = list.queues.range((channel, 0)..=(channel, u32::MAX));
            least.next().is_some_and(|((_, least), _)| u64::from(*least) <= left(channel))
        };
        let wanted = list.wanted.iter().filter(|(channel, _)| fits(**channel));
        wanted.fold(0_u64, |sum, (_, units)| sum.saturating_add(*units))
    }

    /// Notes that the SKU's list is to be gone through.
    pub(crate) fn unsettle(&mut self, sku: Slot) {
        if self.lists.contains_key(&sku) {
            self.unsettled.insert(sku);
        }
    }

    /// As [`unsettle`](Self::unsettle), for all.
    pub(crate) fn unsettle_all(&mut self) {
        self.unsettled = self.lists.keys().copied().collect();
    }

    /// Nobody whom the free units fit is left.
    pub(crate) fn settled(&mut self, sku: Slot) {
        self.unsettled.remove(&sku);
    }

    /// Whether there is a list to be gone through.
    pub(crate) fn has_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// The next list to be gone through, in turn.
    pub(crate) fn next_unsettled(&mut self) -> Option<Slot> {
        let next = self.unsettled.range(self.turn..).next().or_else(|| self.unsettled.first()).copied()?;
        self.turn = next.saturating_add(1);
        Some(next)
    }

    /// How many wait, over all SKUs, as far as every one of them is in its place.
    pub(crate) fn check(&self, waits: impl Fn(Slot, OrderNumber) -> bool) -> Option<u64> {
        self.lists.iter().try_fold(0_u64, |sum, (sku, list)| {
            let queued = list.queues.values().map(BTreeMap::len).sum::<usize>();
            let whole = queued.saturating_add(list.aside.len()) == list.shoppers.len();
            let known = list.shoppers.values().all(|number| waits(*sku, *number));
            (whole && known).then(|| sum.saturating_add(list.shoppers.len().try_into().unwrap_or(u64::MAX)))
        })
    }
}

impl Waitlist {
    fn queue(&mut self, slot: Slot, order: &Order) {
        self.queues.entry((order.channel, order.quantity)).or_default().insert(order.number, slot);
        let wanted = self.wanted.entry(order.channel).or_default();
        *wanted = wanted.saturating_add(u64::from(order.quantity));
    }

    fn unqueue(&mut self, order: &Order) -> Option<()> {
        let key = (order.channel, order.quantity);
        let queue = self.queues.get_mut(&key)?;
        queue.remove(&order.number)?;
        if queue.is_empty() {
            self.queues.remove(&key);
        }
        let wanted = self.wanted.get_mut(&order.channel)?;
        *wanted = wanted.saturating_sub(u64::from(order.quantity));
        if *wanted == 0 {
            self.wanted.remove(&order.channel);
        }
        Some(())
    }
}
