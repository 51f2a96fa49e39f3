//! What campaigns change, and what is changed about SKUs because of them.

use super::{Ledger, Place, Violation};
use crate::campaign::{CampaignEvent, PriceSnapshot};
use crate::ids::{CampaignId, SkuId};
use crate::stock::{Marks, Sku};
use crate::table::Slot;

impl Ledger {
    pub(super) fn apply_campaign(&mut self, event: &CampaignEvent, place: Place) -> Result<(), Violation> {
        match *event {
            CampaignEvent::PhasePut { campaign: id, plan, nth, phase, .. } => {
                let written = self.campaigns.write(id, (plan, nth), phase);
                written.ok_or(Violation::Campaign { campaign: id })?;
            }
            CampaignEvent::PlanActivated { campaign: id, plan, phases, policy, at, .. } => {
                let followed = self.campaigns.follow(id, (plan, phases), policy, at);
                followed.ok_or(Violation::Campaign { campaign: id })?;
                self.open_lists(Some(id));
            }
            CampaignEvent::StandingSet { set, .. } => {
                let id = set.campaign;
                let campaign = self.campaigns.entry(id).ok_or(Violation::Campaign { campaign: id })?;
                campaign.standing = set.standing;
                self.open_lists(Some(id));
            }
            CampaignEvent::PhaseEntered { campaign: id, plan, nth, .. } => {
                let campaign = self.campaigns.entry(id).ok_or(Violation::Campaign { campaign: id })?;
                if (campaign.plan, campaign.entered) != (plan, nth) {
                    return Err(Violation::Campaign { campaign: id });
                }
                campaign.entered = nth.saturating_add(1);
            }
            CampaignEvent::SkuBound { sku, campaign, .. } => return self.apply_bound(sku, campaign, place),
            CampaignEvent::PriceSet { sku, version, price, .. } => {
                let slot = self.sku_at(place, sku);
                let campaign = self.campaign_id(slot);
                let set = self.offers.set_price(&mut self.stock, slot, campaign, version, price);
                return set.ok_or(Violation::UnknownSku { sku });
            }
            CampaignEvent::LimitsSet { sku, user_limit, order_limit, .. } => {
                let slot = self.sku_at(place, sku);
                let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
                (row.user_limit, row.order_limit) = (user_limit, order_limit);
                row.marks.set(Marks::LIMITS_CHANGED, true);
                self.open_list(slot);
            }
            CampaignEvent::FreezeSet { sku, frozen, .. } => {
                let slot = self.sku_at(place, sku);
                let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
                row.marks.set(Marks::FROZEN, frozen);
                // Also when it is frozen: who was told "sold out" would be told something else now.
                self.open_list(slot);
            }
        }
        Ok(())
    }

    fn apply_bound(&mut self, sku: SkuId, to: CampaignId, place: Place) -> Result<(), Violation> {
        let slot = self.sku_at(place, sku);
        let from = self.campaign_id(slot);
        let nth = self.campaigns.find(to);
        if nth.is_none() && to != CampaignId::new(0) {
            return Err(Violation::Campaign { campaign: to });
        }
        self.offers
            .bind(&mut self.stock, slot, from, nth.map(|nth| (to, nth)))
            .ok_or(Violation::UnknownSku { sku })?;
        let row = self.stock.get_mut(slot).ok_or(Violation::UnknownSku { sku })?;
        row.marks.set(Marks::CAMPAIGN, nth.is_some());
        self.open_list(slot);
        Ok(())
    }

    /// The campaign that sells a SKU.
    pub(super) fn campaign_id(&self, slot: Slot) -> Option<CampaignId> {
        self.campaigns.id(self.stock.offer(slot).campaign)
    }

    /// Whether what stands in a SKU's row about its campaign and its latest price is so.
    pub(super) fn is_offered_as_said(&self, slot: Slot, sku: &Sku) -> bool {
        let marked = sku.marks.has(Marks::CAMPAIGN);
        marked == self.campaign_id(slot).is_some() && self.offers.is_latest(self.stock.offer(slot), slot)
    }

    /// What a SKU costs by a version of prices, and which campaign sells it; `None` if there is no such SKU.
    pub fn price(&self, sku: SkuId, version: u32) -> Option<PriceSnapshot> {
        let slot = self.sku_at(Place::default(), sku);
        self.stock.get(slot)?;
        let campaign = self.campaign_id(slot).unwrap_or_default();
        Some(PriceSnapshot { sku, campaign, version, price: self.offers.price(slot, version) })
    }

    /// Phases that have begun by now let others in: those who wait come first.
    #[inline]
    pub(super) fn begin_phases(&mut self) {
        if self.campaigns.has_begun(self.now) {
            self.campaigns.look_ahead(self.now);
            self.open_lists(None);
        }
    }

    /// Other rules hold for a SKU: whoever waits is looked at again, also those who were passed before.
    fn open_list(&mut self, sku: Slot) {
        if let Some(row) = self.stock.get(sku) {
            self.returns.note(row);
        }
        for number in self.waitlists.all_aside(sku) {
            if let Some((slot, order)) = self.order_at(Place::default(), number) {
                let order = *order;
                self.waitlists.put_back(
                    sku,
                    slot,
                    &order,
                    self.channels.ruled(&self.stock, sku, order.channel),
                );
            }
        }
        self.waitlists.unsettle(sku);
    }

    /// As [`open_list`](Self::open_list), for the SKUs of this campaign, or of all.
    fn open_lists(&mut self, of: Option<CampaignId>) {
        self.returns.note_all();
        for sku in self.waitlists.skus() {
            let campaign = self.campaign_id(sku);
            if campaign.is_some() && (of.is_none() || campaign == of) {
                self.open_list(sku);
            }
        }
    }
}
