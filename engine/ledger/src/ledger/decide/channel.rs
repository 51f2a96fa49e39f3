//! Rules for sales channels.

use super::Decision;
use crate::channels::Allotment;
use crate::command::{Rebalance, SetChannel};
use crate::event::Event;
use crate::ids::Timestamp;
use crate::ledger::{Ledger, MAX_UNITS, Place};
use crate::outcome::{Field, Outcome, Refusal};
use crate::stock::Marks;

/// Most channels that have rules for one SKU: each is looked at whenever somebody takes units. Shops have some ten.
const MAX_CHANNELS: usize = 64;

impl Ledger {
    pub(super) fn decide_channel(&self, now: Timestamp, set: &SetChannel, place: Place) -> Decision {
        let slot = self.sku_at(place, set.sku);
        let Some(sku) = self.stock.get(slot) else { return Decision::refuse(Refusal::UnknownSku) };
        if set.guarantee > MAX_UNITS {
            return Decision::refuse(Refusal::Invalid { field: Field::Guarantee });
        }
        if set.cap.is_some_and(|cap| cap < set.guarantee || cap > MAX_UNITS) {
            return Decision::refuse(Refusal::Invalid { field: Field::Cap });
        }
        if !sku.marks.has(Marks::CHANNELS) && sku.available != sku.stocked {
            return Decision::refuse(Refusal::TooLate);
        }
        let offer = self.stock.offer(slot);
        let known = self.channels.get(offer, slot, set.channel);
        let wanted = Allotment {
            guarantee: set.guarantee,
            cap: set.cap,
            release_at: set.release_at,
            taken: known.taken,
        };
        if sku.marks.has(Marks::CHANNELS) && wanted == known {
            let outcome = Outcome::Replayed { order: None, state: None, deadline: Timestamp::default() };
            return Decision::unchanged(outcome);
        }
        if self.channels.ruled(&self.stock, slot, set.channel).is_none()
            && self.channels.rules(offer, slot) >= MAX_CHANNELS
        {
            return Decision::refuse(Refusal::CapacityExceeded);
        }
        let others = self.channels.kept(offer, slot, now).saturating_sub(known.kept(now));
        let left = sku.available.saturating_sub(others);
        if wanted.kept(now) > left {
            return Decision::refuse(Refusal::OverAllotted { left });
        }
        Decision {
            outcome: Outcome::ChannelSet,
            event: Some(Event::ChannelSet { rules: *set, at: now }),
            place: Place::of_sku(slot),
        }
    }

    pub(super) fn decide_rebalance(&self, now: Timestamp, rebalance: &Rebalance, place: Place) -> Decision {
        let &Rebalance { sku, from, to, units, keep, expected, by, reason } = rebalance;
        let slot = self.sku_at(place, sku);
        if self.stock.get(slot).is_none() {
            return Decision::refuse(Refusal::UnknownSku);
        }
        if units == 0 || from == to {
            let field = if units == 0 { Field::Units } else { Field::Channel };
            return Decision::refuse(Refusal::Invalid { field });
        }
        let offer = self.stock.offer(slot);
        let (gives, gets) = (self.channels.get(offer, slot, from), self.channels.get(offer, slot, to));
        if gives.guarantee != expected {
            return Decision::refuse(Refusal::CasMismatch { found: gives.guarantee });
        }
        if self.channels.ruled(&self.stock, slot, to).is_none()
            && self.channels.rules(offer, slot) >= MAX_CHANNELS
        {
            return Decision::refuse(Refusal::CapacityExceeded);
        }
        let spare = gives.kept(now).saturating_sub(keep);
        // What it gets beyond its cap it could never take.
        let moved = units.min(spare).min(gets.cap.map_or(u64::MAX, |cap| cap.saturating_sub(gets.guarantee)));
        if moved == 0 {
            return Decision::refuse(Refusal::OverAllotted { left: 0 });
        }
        Decision {
            outcome: Outcome::Rebalanced { units: moved },
            event: Some(Event::Rebalanced { sku, from, to, units: moved, by, reason, at: now }),
            place: Place::of_sku(slot),
        }
    }
}
