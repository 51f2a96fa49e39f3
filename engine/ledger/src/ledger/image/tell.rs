//! From a ledger to entries.

use super::{
    ImageCampaign, ImageChannel, ImageEntry, ImageGoods, ImageLeg, ImageOrder, ImagePayment, ImageProgress,
    ImageSku, ImageSlice,
};
use crate::budget::Money;
use crate::campaigns::Campaign;
use crate::ids::{CampaignId, PARTITIONS, PartitionId};
use crate::ledger::Ledger;
use crate::offers::GROUP;
use crate::order::{Order, Phase};
use crate::outcome::OrderState;
use crate::stock::{Marks, Sku};
use crate::table::Slot;

impl Ledger {
    /// Tells the state of a ledger that serves all partitions, entry by entry. Walks everything: some 100 ns an order.
    ///
    /// # Errors
    /// The first that `each` returns; nothing is told after it.
    pub fn image<E>(&self, mut each: impl FnMut(&ImageEntry) -> Result<(), E>) -> Result<(), E> {
        each(&ImageEntry::Now(self.now()))?;
        for (id, campaign) in self.campaigns.iter() {
            tell_campaign(id, campaign, &mut each)?;
        }
        self.tell_budgets(&mut each)?;
        for (slot, sku) in self.stock.iter() {
            self.tell_sku(slot, sku, &mut each)?;
        }
        for (slot, sku) in self.stock.iter() {
            for (channel, allotment) in self.channels.of(self.stock.offer(slot), slot) {
                each(&ImageEntry::Channel(ImageChannel {
                    sku: sku.id,
                    channel,
                    ruled: self.channels.ruled(&self.stock, slot, channel).is_some(),
                    guarantee: allotment.guarantee,
                    cap: allotment.cap,
                    release_at: allotment.release_at,
                    taken: allotment.taken,
                }))?;
            }
        }
        for partition in (0..PARTITIONS).filter_map(PartitionId::new) {
            for slot in self.orders.sequences.slots(partition) {
                if let Some(order) = self.orders.rows.get(slot)
                    && let Phase::Live(state) = order.phase
                {
                    self.tell_order(order, state, &mut each)?;
                }
            }
            let last = self.orders.last_sequence(partition);
            if last != 0 {
                each(&ImageEntry::Sequence { partition, last })?;
            }
        }
        self.tell_progress(&mut each)?;
        self.tell_goods(&mut each)?;
        for units in self.tally.iter().filter(|units| units.sku & GROUP == 0) {
            let sku = self.sku_of(units.sku);
            each(&ImageEntry::Units { user: units.user, sku, units: units.units })?;
        }
        Ok(())
    }

    fn sku_of(&self, slot: Slot) -> crate::ids::SkuId {
        self.stock.get(slot).map(|sku| sku.id).unwrap_or_default()
    }

    fn tell_budgets<E>(&self, each: &mut impl FnMut(&ImageEntry) -> Result<(), E>) -> Result<(), E> {
        for (budget, known) in self.budgets.known() {
            each(&ImageEntry::Budget { budget, funded: known.funded, stopped: known.stopped })?;
            for &funder in &known.funders {
                each(&ImageEntry::Funder { budget, funder })?;
            }
            each(&ImageEntry::Bank { budget, cents: self.budgets.bank(budget) })?;
        }
        for (budget, partition, slice) in self.budgets.slices() {
            let Money { left, reserved, spent } = slice.money;
            each(&ImageEntry::Slice(ImageSlice { budget, partition, left, reserved, spent }))?;
            for (nth, &cents) in (0..).zip(&slice.posted).filter(|(_, cents)| **cents > 0) {
                each(&ImageEntry::Posted { budget, partition, nth, cents })?;
            }
        }
        for (batch, coupons) in self.coupons.batches() {
            each(&ImageEntry::Batch { batch, coupons: *coupons })?;
        }
        for (coupon, uses) in self.coupons.used() {
            each(&ImageEntry::Coupon { coupon, reserved: uses.reserved, redeemed: uses.redeemed })?;
        }
        Ok(())
    }

    fn tell_sku<E>(
        &self,
        slot: Slot,
        row: &Sku,
        each: &mut impl FnMut(&ImageEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let sku = row.id;
        each(&ImageEntry::Sku(ImageSku {
            sku,
            available: row.available,
            held: row.held,
            sold: row.sold,
            stocked: row.stocked,
            earliest_deadline: row.earliest_deadline,
            holds: row.holds,
            user_limit: row.user_limit,
            order_limit: row.order_limit,
            limits_changed: row.marks.has(Marks::LIMITS_CHANGED),
            frozen: row.marks.has(Marks::FROZEN),
        }))?;
        let mut versions: alloc::vec::Vec<_> = self.offers.versions(slot).collect();
        versions.reverse();
        for (version, price) in versions {
            each(&ImageEntry::Price { sku, version, price })?;
        }
        match self.campaigns.id(self.stock.offer(slot).campaign) {
            Some(campaign) => each(&ImageEntry::Bound { sku, campaign }),
            None => Ok(()),
        }
    }

    fn tell_order<E>(
        &self,
        order: &Order,
        state: OrderState,
        each: &mut impl FnMut(&ImageEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let number = order.number;
        each(&ImageEntry::Order(ImageOrder {
            number,
            request: order.request(),
            user: order.user,
            sku: self.sku_of(order.sku),
            amount: order.amount,
            placed_at: order.placed_at,
            fingerprint: self.orders.fingerprint(order),
            quantity: order.quantity,
            asked_hold_ms: order.asked_hold_ms,
            hold_ms: order.hold_ms,
            ended_ms: order.ended_ms,
            channel: order.channel,
            state,
            moves: order.moves,
        }))?;
        for row in self.orders.payments.oldest_first(order.payment) {
            let (kind, id, value) = (row.kind(), row.id().raw(), row.value());
            each(&ImageEntry::Payment(ImagePayment { number, kind, id, value }))?;
        }
        for leg in self.orders.legs(order) {
            each(&ImageEntry::Leg(ImageLeg {
                number,
                sku: leg.sku,
                ordered: leg.ordered,
                units: leg.units,
                gifts: leg.gifts,
                location: leg.location,
                pool: leg.pool,
                held: leg.held,
            }))?;
        }
        let asked = self.orders.asked(order);
        if (asked.quantity, asked.amount) == (order.quantity, order.amount) {
            return Ok(());
        }
        each(&ImageEntry::Asked { number, quantity: asked.quantity, amount: asked.amount })
    }

    fn tell_progress<E>(&self, each: &mut impl FnMut(&ImageEntry) -> Result<(), E>) -> Result<(), E> {
        for (number, progress) in self.progress.iter() {
            each(&ImageEntry::Progress(ImageProgress {
                number,
                delivered_at: progress.delivered_at,
                closed_at: progress.closed_at,
                touched_at: progress.touched_at,
                fulfilling: progress.fulfilling,
                under_way: progress.under_way,
            }))?;
            for line in &progress.lines {
                each(&ImageEntry::LineProgress {
                    number,
                    sku: line.sku,
                    shipped: line.shipped,
                    cancelled: line.cancelled,
                    returned: line.returned,
                    short: line.short,
                })?;
            }
            for payback in &progress.paybacks {
                let (refund, payment, amount) = (payback.refund, payback.payment, payback.amount);
                each(&ImageEntry::Payback { number, refund, payment, amount })?;
            }
        }
        Ok(())
    }

    fn tell_goods<E>(&self, each: &mut impl FnMut(&ImageEntry) -> Result<(), E>) -> Result<(), E> {
        for (slot, goods) in self.goods.iter() {
            let sku = self.sku_of(slot);
            each(&ImageEntry::Goods(ImageGoods {
                sku,
                brought: goods.brought,
                counted: goods.counted,
                shipped: goods.shipped,
                quarantine: goods.quarantine,
                scrapped: goods.scrapped,
                short: goods.short,
                named: goods.named,
                watermark: goods.watermark,
                last_count: goods.last_count,
            }))?;
            for (&(paid_at, number), &units) in &goods.orders {
                each(&ImageEntry::Missing { sku, paid_at, number, units })?;
            }
        }
        Ok(())
    }
}

fn tell_campaign<E>(
    id: CampaignId,
    campaign: &Campaign,
    each: &mut impl FnMut(&ImageEntry) -> Result<(), E>,
) -> Result<(), E> {
    for (&plan, phases) in &campaign.plans {
        for (&nth, &phase) in phases {
            each(&ImageEntry::Phase { campaign: id, plan, nth, phase })?;
        }
    }
    each(&ImageEntry::Campaign(ImageCampaign {
        campaign: id,
        plan: campaign.plan,
        phases: u8::try_from(campaign.phases.len()).unwrap_or(u8::MAX),
        policy: campaign.policy,
        standing: campaign.standing,
        entered: campaign.entered,
        since: campaign.since,
    }))?;
    for &(from, version) in &campaign.counted {
        each(&ImageEntry::Counted { campaign: id, from, version })?;
    }
    Ok(())
}
