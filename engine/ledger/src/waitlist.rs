//! Who waits for units to come back, by arrival.
//!
//! Most SKUs have no list, and nobody waits while units are free for him; so lists stand beside the stock, in maps, and
//! a SKU's row says only that there is one. An order waits in one list, a shopper once for each SKU.
//!
//! A list is kept apart by sales channel and by the number of units that are waited for, so that the first whom the free
//! units fit is found without a look at those whom they don't. Whoever is over his limit for now is set aside until his own
//! units go back.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

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
    /// Who was set aside, and of which SKU. Nearly always empty.
    aside: BTreeSet<(UserId, Slot)>,
}

/// A channel with rules of its own, or all others together.
type Channel = Option<ChannelId>;

/// One SKU's list.
#[derive(Debug, Default)]
pub(crate) struct Waitlist {
    /// By channel and units, then by the orders' numbers: those of one SKU ascend with time.
    queues: BTreeMap<(Channel, u32), BTreeMap<OrderNumber, Slot>>,
    shoppers: BTreeMap<UserId, OrderNumber>,
    /// Those who may not have units for now.
    aside: BTreeSet<OrderNumber>,
    /// Units that are waited for by all others, by channel.
    wanted: BTreeMap<Channel, u64>,
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
    pub(crate) fn join(&mut self, sku: Slot, slot: Slot, order: &Order, channel: Channel) -> Option<()> {
        let list = self.lists.entry(sku).or_default();
        if list.shoppers.contains_key(&order.user) {
            return None;
        }
        list.shoppers.insert(order.user, order.number);
        list.queue(slot, order, channel);
        Some(())
    }

    /// Takes an order out; returns whether anybody is left. `None` if it doesn't wait.
    pub(crate) fn leave(&mut self, sku: Slot, order: &Order, channel: Channel) -> Option<bool> {
        let list = self.lists.get_mut(&sku)?;
        list.shoppers.remove(&order.user)?;
        if list.aside.remove(&order.number) {
            self.aside.remove(&(order.user, sku));
        } else {
            list.unqueue(order, channel)?;
        }
        let left = !list.shoppers.is_empty();
        if !left {
            self.lists.remove(&sku);
            self.unsettled.remove(&sku);
        }
        Some(left)
    }

    /// Sets an order aside that may not have units for now.
    pub(crate) fn set_aside(&mut self, sku: Slot, order: &Order, channel: Channel) {
        if let Some(list) = self.lists.get_mut(&sku)
            && list.unqueue(order, channel).is_some()
        {
            list.aside.insert(order.number);
            self.aside.insert((order.user, sku));
        }
    }

    /// Units of the shopper himself went back: he is looked at again. Returns his order's number.
    pub(crate) fn aside(&self, sku: Slot, user: UserId) -> Option<OrderNumber> {
        let list = self.lists.get(&sku)?;
        list.shoppers.get(&user).copied().filter(|number| list.aside.contains(number))
    }

    /// SKUs for which the shopper waits with an order that was set aside.
    pub(crate) fn with_aside(&self, user: UserId) -> Vec<Slot> {
        let his = self.aside.range((user, 0)..=(user, Slot::MAX));
        his.map(|(_, sku)| *sku).collect()
    }

    /// Orders that were set aside, of one SKU.
    pub(crate) fn all_aside(&self, sku: Slot) -> Vec<OrderNumber> {
        self.lists.get(&sku).map_or_else(Vec::new, |list| list.aside.iter().copied().collect())
    }

    /// SKUs for which somebody waits.
    pub(crate) fn skus(&self) -> Vec<Slot> {
        self.lists.keys().copied().collect()
    }

    /// Puts an order that was set aside back in its place.
    pub(crate) fn put_back(&mut self, sku: Slot, slot: Slot, order: &Order, channel: Channel) {
        if let Some(list) = self.lists.get_mut(&sku)
            && list.aside.remove(&order.number)
        {
            self.aside.remove(&(order.user, sku));
            list.queue(slot, order, channel);
        }
    }

    /// A channel has got rules of its own: who waits through it is kept apart from now on. `of` says through which an order
    /// waits.
    pub(crate) fn rule(&mut self, sku: Slot, channel: ChannelId, of: impl Fn(Slot) -> Option<ChannelId>) {
        let Some(list) = self.lists.get_mut(&sku) else { return };
        let shared = list.queues.range((None, 0)..=(None, u32::MAX));
        let all = shared
            .flat_map(|((_, units), queue)| queue.iter().map(|(number, slot)| (*units, *number, *slot)));
        let its: Vec<_> = all.filter(|(_, _, slot)| of(*slot) == Some(channel)).collect();
        for (units, number, slot) in its {
            list.remove(None, units, number);
            list.add(Some(channel), units, number, slot);
        }
    }

    /// The first by arrival who waits for no more units than his channel may have.
    pub(crate) fn first(&self, sku: Slot, left: impl Fn(Channel) -> u64) -> Option<Slot> {
        let list = self.lists.get(&sku)?;
        let firsts = list.wanted.keys().flat_map(|&channel| {
            let most = u32::try_from(left(channel)).unwrap_or(u32::MAX);
            let fit = list.queues.range((channel, 0)..=(channel, most));
            fit.filter_map(|(_, queue)| queue.first_key_value())
        });
        firsts.min_by_key(|(number, _)| **number).map(|(_, slot)| *slot)
    }

    /// Units that those who wait may be about to get, given how many each channel may have.
    pub(crate) fn wanted(&self, sku: Slot, left: impl Fn(Channel) -> u64) -> u64 {
        let Some(list) = self.lists.get(&sku) else { return 0 };
        list.wanted.iter().fold(0_u64, |sum, (&channel, &units)| {
            let left = left(channel);
            let mut least = list.queues.range((channel, 0)..=(channel, u32::MAX));
            let fits = least.next().is_some_and(|((_, least), _)| u64::from(*least) <= left);
            sum.saturating_add(if fits { units.min(left) } else { 0 })
        })
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
    fn queue(&mut self, slot: Slot, order: &Order, channel: Channel) {
        self.add(channel, order.quantity, order.number, slot);
    }

    fn unqueue(&mut self, order: &Order, channel: Channel) -> Option<()> {
        self.remove(channel, order.quantity, order.number)
    }

    fn add(&mut self, channel: Channel, units: u32, number: OrderNumber, slot: Slot) {
        self.queues.entry((channel, units)).or_default().insert(number, slot);
        let wanted = self.wanted.entry(channel).or_default();
        *wanted = wanted.saturating_add(u64::from(units));
    }

    fn remove(&mut self, channel: Channel, units: u32, number: OrderNumber) -> Option<()> {
        let queue = self.queues.get_mut(&(channel, units))?;
        queue.remove(&number)?;
        if queue.is_empty() {
            self.queues.remove(&(channel, units));
        }
        let wanted = self.wanted.get_mut(&channel)?;
        *wanted = wanted.saturating_sub(u64::from(units));
        if *wanted == 0 {
            self.wanted.remove(&channel);
        }
        Some(())
    }
}
