//! From entries to a ledger.

use super::{
    ImageCampaign, ImageChannel, ImageEntry, ImageGoods, ImageLeg, ImageOrder, ImagePayment, ImageProgress,
    ImageSku, ImageSlice,
};
use crate::after::{Goods, LineProgress, Payback};
use crate::budget::Money;
use crate::channels::Allotment;
use crate::command::Line;
use crate::ids::{CampaignId, OrderNumber, SkuId, UserId};
use crate::ledger::{Ledger, Place, TOUCHED, Violation};
use crate::legs::Leg;
use crate::order::{Asked, Order, Phase};
use crate::outcome::OrderState;
use crate::payment::Payment;
use crate::stock::{Marks, Sku};
use crate::table::{NONE, Slot};

impl Ledger {
    /// Takes entries of an [`image`](Self::image), in its order, into a ledger that was empty before the first. Nothing
    /// falls due until [`resume`](Self::resume) has been called. The ledger's seed should be another than that of the one
    /// that told them, or it takes long.
    ///
    /// # Errors
    /// [`Violation`] if an entry can't follow the ones before it. The ledger must not be used any further.
    pub fn load(&mut self, entries: &[ImageEntry]) -> Result<(), Violation> {
        for few in entries.chunks(TOUCHED) {
            self.touch_entries(few);
            few.iter().try_for_each(|entry| self.load_entry(entry))?;
        }
        Ok(())
    }

    /// Reads the places where orders and units will be put, all at once: see [`touch`](Self::touch).
    fn touch_entries(&self, entries: &[ImageEntry]) {
        let mut seen = 0_u32;
        for entry in entries {
            if let ImageEntry::Order(order) = entry {
                let hash = self.hasher.request(order.request, self.slot_of(order.sku));
                seen ^= self.orders.touch_request(self.orders.home(hash));
            } else if let ImageEntry::Units { user, sku, .. } = entry {
                seen ^= self.tally.touch(self.tally.home(self.hasher.user(*user, self.slot_of(*sku))));
            }
        }
        core::hint::black_box(seen);
    }

    fn load_entry(&mut self, entry: &ImageEntry) -> Result<(), Violation> {
        match *entry {
            ImageEntry::Now(now) => self.now = self.now.max(now),
            ImageEntry::Phase { campaign, plan, nth, phase } => {
                let written = self.campaigns.write(campaign, (plan, nth), phase);
                return written.ok_or(Violation::Campaign { campaign });
            }
            ImageEntry::Campaign(ref campaign) => return self.load_campaign(campaign),
            ImageEntry::Counted { campaign, from, version } => {
                let known = self.campaigns.entry(campaign).ok_or(Violation::Campaign { campaign })?;
                known.counted.push((from, version));
            }
            ImageEntry::Budget { budget, funded, stopped } => {
                let missing = Violation::Budget { budget };
                return self.budgets.load(budget, funded, stopped).ok_or(missing);
            }
            ImageEntry::Funder { budget, funder } => {
                let missing = Violation::Budget { budget };
                return self.budgets.load_funder(budget, funder).ok_or(missing);
            }
            ImageEntry::Bank { budget, cents } => self.budgets.load_bank(budget, cents),
            ImageEntry::Slice(ImageSlice { budget, partition, left, reserved, spent }) => {
                let money = Money { left, reserved, spent };
                let loaded = self.budgets.load_slice(budget, partition, money);
                return loaded.ok_or(Violation::Budget { budget });
            }
            ImageEntry::Posted { budget, partition, nth, cents } => {
                let loaded = self.budgets.load_posted(budget, partition, nth, cents);
                return loaded.ok_or(Violation::Budget { budget });
            }
            ImageEntry::Batch { batch, coupons } => {
                return self.coupons.issue(batch, coupons).ok_or(Violation::Batch { batch });
            }
            ImageEntry::Coupon { coupon, reserved, redeemed } => {
                self.coupons.load(coupon, reserved, redeemed);
            }
            ImageEntry::Sku(ref sku) => return self.load_sku(sku),
            ImageEntry::Price { sku, version, price } => {
                let slot = self.slot_of(sku);
                let set = self.offers.set_price(&mut self.stock, slot, None, version, price);
                return set.ok_or(Violation::UnknownSku { sku });
            }
            ImageEntry::Bound { sku, campaign } => return self.load_bound(sku, campaign),
            ImageEntry::Channel(ref channel) => return self.load_channel(channel),
            ImageEntry::Goods(ref goods) => return self.load_goods(goods),
            ImageEntry::Missing { sku, paid_at, number, units } => {
                let slot = self.slot_of(sku);
                let goods = self.goods.get_mut(slot).ok_or(Violation::Goods { sku })?;
                goods.orders.insert((paid_at, number), units);
            }
            ImageEntry::Order(ref order) => return self.load_order(order),
            ImageEntry::Payment(ref payment) => return self.load_payment(payment),
            ImageEntry::Leg(ref leg) => return self.load_leg(leg),
            ImageEntry::Asked { number, quantity, amount } => {
                self.orders.load_asked(number, Asked { quantity, amount });
            }
            ImageEntry::Progress(ref progress) => self.load_progress(progress),
            ImageEntry::LineProgress { number, sku, shipped, cancelled, returned, short } => {
                let line = LineProgress { sku, shipped, cancelled, returned, short };
                let progress = self.progress.get_mut(number).ok_or(Violation::After { number })?;
                progress.lines.push(line);
            }
            ImageEntry::Payback { number, refund, payment, amount } => {
                let progress = self.progress.get_mut(number).ok_or(Violation::After { number })?;
                progress.paybacks.push(Payback { refund, payment, amount });
            }
            ImageEntry::Units { user, sku, units } => return self.load_units(user, sku, units),
            ImageEntry::Sequence { partition, last } => {
                let number = OrderNumber::compose(partition, last);
                let next = last.saturating_add(1);
                return self.orders.sequences.skip(partition, next).ok_or(Violation::Sequence { number });
            }
        }
        Ok(())
    }

    fn slot_of(&self, sku: SkuId) -> Slot {
        self.sku_at(Place::default(), sku)
    }

    fn load_campaign(&mut self, image: &ImageCampaign) -> Result<(), Violation> {
        let &ImageCampaign { campaign: id, plan, phases, policy, standing, entered, since } = image;
        if plan != 0 {
            let followed = self.campaigns.follow(id, (plan, phases), policy, since);
            followed.ok_or(Violation::Campaign { campaign: id })?;
        }
        let campaign = self.campaigns.entry(id).ok_or(Violation::Campaign { campaign: id })?;
        campaign.counted.clear();
        (campaign.policy, campaign.standing) = (policy, standing);
        (campaign.entered, campaign.since) = (entered, since);
        self.campaigns.look_ahead(self.now);
        Ok(())
    }

    fn load_sku(&mut self, image: &ImageSku) -> Result<(), Violation> {
        let id = image.sku;
        let twice = Violation::SkuTwice { sku: id };
        self.apply_put(id, image.stocked, image.user_limit, image.order_limit)?;
        let slot = self.slot_of(id);
        let row: &mut Sku = self.stock.get_mut(slot).ok_or(twice)?;
        let &ImageSku { available, held, sold, earliest_deadline, holds, .. } = image;
        (row.available, row.held, row.sold) = (available, held, sold);
        (row.earliest_deadline, row.holds) = (earliest_deadline, holds);
        row.marks.set(Marks::LIMITS_CHANGED, image.limits_changed);
        row.marks.set(Marks::FROZEN, image.frozen);
        let totals = &mut self.totals;
        totals.available = totals.available.saturating_sub(image.stocked).saturating_add(available);
        totals.held = totals.held.saturating_add(held);
        totals.sold = totals.sold.saturating_add(sold);
        Ok(())
    }

    fn load_bound(&mut self, sku: SkuId, to: CampaignId) -> Result<(), Violation> {
        let slot = self.slot_of(sku);
        let nth = self.campaigns.find(to).ok_or(Violation::Campaign { campaign: to })?;
        self.offers
            .bind(&mut self.stock, slot, None, Some((to, nth)))
            .ok_or(Violation::UnknownSku { sku })?;
        let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        row.marks.set(Marks::CAMPAIGN, true);
        Ok(())
    }

    fn load_channel(&mut self, image: &ImageChannel) -> Result<(), Violation> {
        let &ImageChannel { sku, channel, ruled, guarantee, cap, release_at, taken } = image;
        let slot = self.slot_of(sku);
        let (row, offer) = self.stock.both_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        row.marks.set(Marks::CHANNELS, true);
        if ruled {
            self.channels.set(offer, slot, channel, Allotment { guarantee, cap, release_at, taken: 0 });
        }
        self.channels.take(offer, slot, channel, taken);
        Ok(())
    }

    fn load_goods(&mut self, image: &ImageGoods) -> Result<(), Violation> {
        let sku = image.sku;
        let slot = self.slot_of(sku);
        self.stock.get(slot).ok_or(Violation::UnknownSku { sku })?;
        *self.goods.of(slot, 0) = Goods {
            brought: image.brought,
            counted: image.counted,
            shipped: image.shipped,
            quarantine: image.quarantine,
            scrapped: image.scrapped,
            short: image.short,
            named: image.named,
            watermark: image.watermark,
            last_count: image.last_count,
            ..Goods::default()
        };
        self.note_short(slot);
        Ok(())
    }

    fn load_order(&mut self, image: &ImageOrder) -> Result<(), Violation> {
        let number = image.number;
        let missing = Violation::Sequence { number };
        let sku = self.slot_of(image.sku);
        self.stock.get(sku).ok_or(Violation::UnknownSku { sku: image.sku })?;
        self.orders.sequences.skip(number.partition(), number.sequence()).ok_or(missing)?;
        let detail = if number.is_composite() {
            self.orders.legs.begin(image.fingerprint).ok_or(missing)?
        } else {
            image.fingerprint
        };
        let mut order = Order {
            number,
            user: image.user,
            amount: image.amount,
            placed_at: image.placed_at,
            detail,
            sku,
            quantity: image.quantity,
            asked_hold_ms: image.asked_hold_ms,
            hold_ms: image.hold_ms,
            ended_ms: image.ended_ms,
            channel: image.channel,
            phase: Phase::Live(image.state),
            moves: image.moves,
            ..Order::default()
        };
        order.set_request(image.request);
        let hash = self.hasher.request(image.request, sku);
        let slot = self.orders.insert(hash, order).ok_or(missing)?;
        self.totals.orders = self.totals.orders.saturating_add(1);
        self.totals.holds = self.totals.holds.saturating_add(u64::from(image.state.is_open()));
        if image.state == OrderState::Waiting {
            let channel = self.channels.ruled(&self.stock, sku, image.channel);
            self.waitlists.join(sku, slot, &order, channel).ok_or(Violation::Waiting { number })?;
            if let Some(row) = self.stock.get_mut(sku) {
                row.marks.set(Marks::WAITERS, true);
            }
            self.totals.waiting = self.totals.waiting.saturating_add(1);
        }
        Ok(())
    }

    fn load_payment(&mut self, image: &ImagePayment) -> Result<(), Violation> {
        let &ImagePayment { number, kind, id, value } = image;
        let slot = self.orders.slot_of(number).unwrap_or(NONE);
        let attached = self.orders.attach(slot, Payment::told(kind, id, value));
        attached.ok_or(Violation::NoSuchOrder { number })
    }

    fn load_leg(&mut self, image: &ImageLeg) -> Result<(), Violation> {
        let &ImageLeg { number, sku, ordered, units, gifts, location, pool, held } = image;
        let wrong = Violation::Leg { number, sku };
        let (_, order) = self.order_at(Place::default(), number).ok_or(wrong)?;
        let list = order.lines();
        let line = Line { sku, units, gifts, location, pool };
        self.orders.legs.add(list, Leg::new(&line, ordered, held)).ok_or(wrong)
    }

    fn load_progress(&mut self, image: &ImageProgress) {
        let progress = self.progress.of(image.number, image.touched_at);
        (progress.delivered_at, progress.closed_at) = (image.delivered_at, image.closed_at);
        (progress.fulfilling, progress.under_way) = (image.fulfilling, image.under_way);
    }

    fn load_units(&mut self, user: UserId, sku: SkuId, units: u32) -> Result<(), Violation> {
        let slot = self.slot_of(sku);
        let row = self.stock.get(slot).ok_or(Violation::UnknownSku { sku })?;
        let full = Violation::Tally { user };
        if row.marks.has(Marks::GROUPED) {
            let group = self.stock.offer(slot).group;
            self.tally.add(self.hasher.user(user, group), user, group, units).ok_or(full)?;
        }
        self.tally.add(self.hasher.user(user, slot), user, slot, units).ok_or(full)
    }
}
