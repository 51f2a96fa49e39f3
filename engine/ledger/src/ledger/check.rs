//! The numbered invariants of the crate's doc, asserted over the whole state.

use alloc::collections::BTreeMap;

use super::{Ledger, Place, Totals};
use crate::budget::{BudgetId, CouponBatch, CouponId};
use crate::ids::{CampaignId, ChannelId, OrderNumber, PartitionId, SkuId, UserId};
use crate::legs::Leg;
use crate::offers::GROUP;
use crate::order::{Order, Phase};
use crate::outcome::OrderState;
use crate::stock::{Marks, Sku};

/// A state that contradicts itself, or an event that can't follow it. Never the fault of a request: either the
/// software or the data is broken. Stop, keep the data folder, and report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An event names a SKU that was never set up.
    UnknownSku {
        /// The SKU.
        sku: SkuId,
    },
    /// A SKU is set up a second time.
    SkuTwice {
        /// The SKU.
        sku: SkuId,
    },
    /// I2: more units would be held or withdrawn than are available.
    Oversold {
        /// The SKU.
        sku: SkuId,
    },
    /// I1: a SKU's accounts don't add up to what was stocked.
    Conservation {
        /// The SKU.
        sku: SkuId,
    },
    /// I3: a SKU's `held` is not the sum of its open holds.
    Held {
        /// The SKU.
        sku: SkuId,
    },
    /// I3: an order would end a second time.
    EndedTwice {
        /// The order.
        number: OrderNumber,
    },
    /// An order and its SKU's waitlist don't match, or somebody waits for units that are free for him.
    Waiting {
        /// The order.
        number: OrderNumber,
    },
    /// A line of an order doesn't hold the units that an event ends, or ledgers disagree about it.
    Leg {
        /// The order.
        number: OrderNumber,
        /// The line's SKU.
        sku: SkuId,
    },
    /// A channel would give back units that it has not taken, or rules for channels come after a SKU's first hold.
    Channel {
        /// The channel.
        channel: ChannelId,
    },
    /// A budget's accounts don't add up, or would go below 0.
    Budget {
        /// The budget.
        budget: BudgetId,
    },
    /// The uses of a coupon don't match the orders that hold them, or are more than there may be.
    Coupon {
        /// The coupon.
        coupon: CouponId,
    },
    /// A batch of coupons would be issued twice.
    Batch {
        /// The batch.
        batch: CouponBatch,
    },
    /// More units are kept for channels than there are, or channels have taken others than are held and sold.
    Allotment {
        /// The SKU.
        sku: SkuId,
    },
    /// An event about a campaign can't follow what is known of it.
    Campaign {
        /// The campaign.
        campaign: CampaignId,
    },
    /// What a SKU's row says of its campaign is not what stands beside it.
    Offer {
        /// The SKU.
        sku: SkuId,
    },
    /// A change concerns a partition that none of the ledgers at hand serves.
    Elsewhere {
        /// The partition.
        partition: PartitionId,
    },
    /// An open hold would leave memory.
    EvictedOpen {
        /// The order.
        number: OrderNumber,
    },
    /// An event names an order that does not exist.
    NoSuchOrder {
        /// The order.
        number: OrderNumber,
    },
    /// An order's number is not the next of its partition.
    Sequence {
        /// The order.
        number: OrderNumber,
    },
    /// I2: a shopper's units don't match his orders, or are over his limit.
    Tally {
        /// The shopper.
        user: UserId,
    },
    /// What became of a paid order doesn't match its units, or a step can't follow.
    After {
        /// The order.
        number: OrderNumber,
    },
    /// Where the goods of a SKU are doesn't match its units.
    Goods {
        /// The SKU.
        sku: SkuId,
    },
    /// The waitlists hold other orders than those that wait.
    Waitlists,
    /// I5: not every order is found by its request id, or more are.
    Requests,
    /// The sums over the ledger are not those of its entries.
    Totals,
}

impl core::fmt::Display for Violation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownSku { sku } => write!(f, "SKU {} was never set up", sku.raw()),
            Self::SkuTwice { sku } => write!(f, "SKU {} is set up twice", sku.raw()),
            Self::Oversold { sku } => write!(f, "SKU {} would be oversold", sku.raw()),
            Self::Conservation { sku } => write!(f, "the accounts of SKU {} don't add up", sku.raw()),
            Self::Held { sku } => write!(f, "the holds of SKU {} don't add up", sku.raw()),
            Self::EndedTwice { number } => write!(f, "order {} ends a second time", number.raw()),
            Self::Waiting { number } => write!(f, "order {} and the waitlist don't match", number.raw()),
            Self::Leg { number, sku } => {
                write!(f, "the units of SKU {} in order {} don't match", sku.raw(), number.raw())
            }
            Self::Channel { channel } => write!(f, "the units of channel {} don't match", channel.raw()),
            Self::Budget { budget } => write!(f, "the accounts of budget {} don't add up", budget.raw()),
            Self::Coupon { coupon } => write!(f, "the uses of coupon {} don't match", coupon.raw()),
            Self::Batch { batch } => write!(f, "batch {} of coupons is issued twice", batch.raw()),
            Self::Allotment { sku } => {
                write!(f, "what channels may have of SKU {} and have doesn't match its stock", sku.raw())
            }
            Self::Campaign { campaign } => {
                write!(f, "campaign {} is not as a change of it supposes", campaign.raw())
            }
            Self::Offer { sku } => {
                write!(f, "SKU {} and what is known of its campaign don't match", sku.raw())
            }
            Self::Elsewhere { partition } => {
                write!(f, "partition {} is not served by the ledgers that decide", partition.raw())
            }
            Self::EvictedOpen { number } => write!(f, "open order {} leaves memory", number.raw()),
            Self::NoSuchOrder { number } => write!(f, "order {} does not exist", number.raw()),
            Self::Sequence { number } => write!(f, "order {} is not the next of its partition", number.raw()),
            Self::Tally { user } => write!(f, "the units of user {} don't match the orders", user.raw()),
            Self::After { number } => {
                write!(f, "what became of order {} doesn't match its units", number.raw())
            }
            Self::Goods { sku } => write!(f, "the goods of SKU {} don't add up", sku.raw()),
            Self::Waitlists => f.write_str("the waitlists and the orders that wait don't match"),
            Self::Requests => f.write_str("request ids and orders don't match"),
            Self::Totals => f.write_str("the ledger's sums don't match its entries"),
        }
    }
}

impl core::error::Error for Violation {}

impl Ledger {
    /// Asserts the invariants I1, I2, I3 and I5 over everything, of a ledger that serves all partitions. Walks the whole
    /// state: for tests, the simulator and after recovery. Of ledgers that share them, see [`Span::check`](crate::Span::check).
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn check(&self) -> Result<(), Violation> {
        self.check_among(&[self])
    }

    /// As [`check`](Self::check), of one ledger of `all`.
    pub(super) fn check_among(&self, all: &[&Self]) -> Result<(), Violation> {
        let mut held = BTreeMap::<u32, (u64, u32)>::new();
        let mut sold = BTreeMap::<u32, u64>::new();
        let mut owned = BTreeMap::<(UserId, u32), u64>::new();
        let mut totals = Totals::default();
        let mut live = 0_usize;
        for (slot, order) in self.orders.rows.iter() {
            let Phase::Live(state) = order.phase else { continue };
            live = live.saturating_add(1);
            totals.orders = totals.orders.saturating_add(1);
            let number = order.number;
            let hash = self.hasher.request(order.request(), order.sku);
            if self.orders.slot_of(number) != Some(slot) {
                return Err(Violation::NoSuchOrder { number });
            }
            if self.orders.by_request(hash, order.request(), order.sku).is_none_or(|(found, _)| found != slot)
            {
                return Err(Violation::Requests);
            }
            if number.is_composite() {
                totals.holds = totals.holds.saturating_add(u64::from(state.is_open()));
                self.check_head(order, state)?;
                continue;
            }
            let units = u64::from(order.quantity);
            match state {
                OrderState::Held | OrderState::Paying => {
                    let entry = held.entry(order.sku).or_default();
                    *entry = (entry.0.saturating_add(units), entry.1.saturating_add(1));
                    totals.holds = totals.holds.saturating_add(1);
                }
                OrderState::Confirmed | OrderState::After(_) => {
                    let entry = sold.entry(order.sku).or_default();
                    *entry = entry.saturating_add(units);
                }
                OrderState::Waiting => {
                    if self.waitlists.of(order.sku, order.user) != Some(number) {
                        return Err(Violation::Waiting { number });
                    }
                    let settled = !self.waitlists.has_unsettled();
                    if settled && self.now < order.deadline() && self.may_take(order) {
                        return Err(Violation::Waiting { number });
                    }
                    totals.waiting = totals.waiting.saturating_add(1);
                    continue;
                }
                OrderState::Cancelled
                | OrderState::Lapsed
                | OrderState::Expired
                | OrderState::Superseded
                | OrderState::Restocked => continue,
            }
            // All units of a paid order may have been cancelled.
            if units > 0 {
                let entry = owned.entry((order.user, order.sku)).or_default();
                *entry = entry.saturating_add(units);
            }
        }
        self.check_legs(all, &mut held, &mut owned)?;
        self.check_promotions(all)?;
        let waits = |sku, number| {
            self.order_at(Place::default(), number)
                .is_some_and(|(_, order)| Self::waits(order) && order.sku == sku)
                && self.stock.get(sku).is_some_and(|sku| sku.marks.has(Marks::WAITERS))
        };
        if self.waitlists.check(waits) != Some(totals.waiting) {
            return Err(Violation::Waitlists);
        }
        if live != self.orders.requests() {
            return Err(Violation::Requests);
        }
        let tallied = self.check_tallies(owned)?;
        for (slot, sku) in self.stock.iter() {
            let sum = sku.available.saturating_add(sku.held).saturating_add(sku.sold);
            if sum != sku.stocked {
                return Err(Violation::Conservation { sku: sku.id });
            }
            if held.get(&slot).copied().unwrap_or_default() != (sku.held, sku.holds)
                || sold.get(&slot).copied().unwrap_or_default() > sku.sold
                || tallied.get(&slot).copied().unwrap_or_default() != sku.held.saturating_add(sku.sold)
            {
                return Err(Violation::Held { sku: sku.id });
            }
            if sku.marks.has(Marks::CHANNELS) {
                let taken = self.channels.taken(self.stock.offer(slot), slot);
                // A count may show fewer units than are kept, and what a channel took may be scrapped.
                let goods = self.goods.get(slot).is_some();
                if (self.channels.kept(self.stock.offer(slot), slot, self.now) > sku.available && !goods)
                    || taken != sku.held.saturating_add(sku.sold)
                {
                    return Err(Violation::Allotment { sku: sku.id });
                }
            }
            if !self.is_offered_as_said(slot, sku) {
                return Err(Violation::Offer { sku: sku.id });
            }
            totals.skus = totals.skus.saturating_add(1);
            totals.available = totals.available.saturating_add(sku.available);
            totals.held = totals.held.saturating_add(sku.held);
            totals.sold = totals.sold.saturating_add(sku.sold);
        }
        self.check_after(all)?;
        if totals == self.totals { Ok(()) } else { Err(Violation::Totals) }
    }

    /// Adds up the units of this ledger's SKUs that are held by lines of orders with several, of all ledgers.
    fn check_legs(
        &self,
        all: &[&Self],
        held: &mut BTreeMap<u32, (u64, u32)>,
        owned: &mut BTreeMap<(UserId, u32), u64>,
    ) -> Result<(), Violation> {
        let orders =
            all.iter().flat_map(|ledger| ledger.orders.rows.iter().map(|(_, order)| (*ledger, order)));
        for (ledger, order) in orders.filter(|(_, order)| order.state().is_some()) {
            let number = order.number;
            let here = |leg: &&Leg| leg.held && self.accounts(leg.sku);
            for leg in ledger.orders.legs(order).filter(here) {
                let sku = self.sku_at(Place::default(), leg.sku);
                if self.stock.get(sku).is_none() {
                    return Err(Violation::Leg { number, sku: leg.sku });
                }
                let units = u64::from(leg.units);
                let entry = held.entry(sku).or_default();
                *entry = (entry.0.saturating_add(units), entry.1.saturating_add(1));
                let entry = owned.entry((order.user, sku)).or_default();
                *entry = entry.saturating_add(units);
            }
        }
        Ok(())
    }

    /// No shopper has more than he may, nor less than his orders say. Returns the units of each SKU that shoppers have.
    fn check_tallies(
        &self,
        mut owned: BTreeMap<(UserId, u32), u64>,
    ) -> Result<BTreeMap<u32, u64>, Violation> {
        let mut tallied = BTreeMap::<u32, u64>::new();
        let mut of_groups = BTreeMap::<(UserId, u32), (u32, u32)>::new();
        for units in self.tally.iter() {
            if units.sku & GROUP != 0 {
                of_groups.entry((units.user, units.sku)).or_default().0 = units.units;
                continue;
            }
            if self.stock.get(units.sku).is_some_and(|sku| sku.marks.has(Marks::GROUPED)) {
                let entry = of_groups.entry((units.user, self.stock.offer(units.sku).group)).or_default();
                entry.1 = entry.1.saturating_add(units.units);
            }
            let entry = tallied.entry(units.sku).or_default();
            *entry = entry.saturating_add(u64::from(units.units));
            let kept = |sku: &&Sku| !sku.marks.has(Marks::LIMITS_CHANGED);
            let limit = self.stock.get(units.sku).filter(kept).map_or(0, |sku| sku.user_limit);
            let known = owned.remove(&(units.user, units.sku)).unwrap_or(0);
            if (limit != 0 && units.units > limit) || u64::from(units.units) < known || units.units == 0 {
                return Err(Violation::Tally { user: units.user });
            }
        }
        if let Some(((user, _), _)) = of_groups.iter().find(|(_, (counted, sum))| counted != sum) {
            return Err(Violation::Tally { user: *user });
        }
        match owned.first_key_value() {
            Some(((user, _), _)) => Err(Violation::Tally { user: *user }),
            None => Ok(tallied),
        }
    }

    /// An order's lines hold units while it is open and no longer, and add up to its own. It is to be looked at when its time
    /// is up.
    fn check_head(&self, order: &Order, state: OrderState) -> Result<(), Violation> {
        let number = order.number;
        let mut sum = 0_u32;
        for leg in self.orders.legs(order) {
            sum = sum.saturating_add(leg.units);
            if leg.held != (state.is_open() && leg.units > 0) {
                return Err(Violation::Leg { number, sku: leg.sku });
            }
        }
        if sum == order.quantity { Ok(()) } else { Err(Violation::NoSuchOrder { number }) }
    }
}
