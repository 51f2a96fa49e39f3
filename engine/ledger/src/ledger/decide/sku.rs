//! What operators change about a SKU during its life: its campaign, prices and limits, and whether it is sold at all.

use super::Decision;
use crate::campaign::CampaignEvent;
use crate::command::SkuCommand;
use crate::event::Event;
use crate::ids::{CampaignId, Timestamp};
use crate::ledger::{Ledger, Place};
use crate::offers::MAX_VERSIONS;
use crate::outcome::{Field, Outcome, Refusal};
use crate::stock::Marks;
use crate::table::index;

/// What is asked for is so already.
pub(in crate::ledger) const NOTHING_NEW: Outcome =
    Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) };

impl Ledger {
    pub(super) fn decide_sku(&self, now: Timestamp, command: &SkuCommand, place: Place) -> Decision {
        let slot = self.sku_at(place, command.sku());
        let Some(sku) = self.stock.get(slot) else { return Decision::refuse(Refusal::UnknownSku) };
        let event = match *command {
            SkuCommand::Bind { sku: id, campaign, by, reason } => {
                let none = campaign == CampaignId::new(0);
                let nth = self.campaigns.find(campaign);
                if !none && nth.is_none() {
                    return Decision::refuse(Refusal::NoSuchCampaign);
                }
                let known = self.campaign_of(slot, sku).is_some();
                if (none && !known) || (known && nth == Some(self.stock.offer(slot).campaign)) {
                    return Decision::unchanged(NOTHING_NEW);
                }
                CampaignEvent::SkuBound { sku: id, campaign, by, reason, at: now }
            }
            SkuCommand::Price { sku: id, version, price, by, reason } => {
                if version == 0 {
                    return Decision::refuse(Refusal::Invalid { field: Field::PriceVersion });
                }
                if price.floor > price.price || price.price > price.ceiling {
                    return Decision::refuse(Refusal::Invalid { field: Field::Price });
                }
                match self.offers.price(slot, version) {
                    Some(known) if known == price => return Decision::unchanged(NOTHING_NEW),
                    Some(_) => return Decision::refuse(Refusal::VersionExists { field: Field::Price }),
                    None => {}
                }
                if self.offers.versions(slot).zip(0..MAX_VERSIONS).count() >= index(MAX_VERSIONS) {
                    return Decision::refuse(Refusal::CapacityExceeded);
                }
                CampaignEvent::PriceSet { sku: id, version, price, by, reason, at: now }
            }
            SkuCommand::Limits { sku: id, user_limit, order_limit, by, reason } => {
                if (sku.user_limit, sku.order_limit) == (user_limit, order_limit) {
                    return Decision::unchanged(NOTHING_NEW);
                }
                CampaignEvent::LimitsSet { sku: id, user_limit, order_limit, by, reason, at: now }
            }
            SkuCommand::Freeze { sku: id, frozen, by, reason } => {
                if sku.marks.has(Marks::FROZEN) == frozen {
                    return Decision::unchanged(NOTHING_NEW);
                }
                CampaignEvent::FreezeSet { sku: id, frozen, by, reason, at: now }
            }
        };
        Decision {
            outcome: Outcome::CampaignSet,
            event: Some(Event::Campaign(event)),
            place: Place::of_sku(slot),
        }
    }
}
