//! Holds: whether a shopper may have these units.

use super::{Decision, replayed};
use crate::budget::BudgetRefusal;
use crate::command::{Reserve, Terms};
use crate::event::{Event, Reserved};
use crate::hash::Mix;
use crate::ids::Timestamp;
use crate::ledger::{Ledger, Place};
use crate::order::Order;
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::table::Slot;

impl Ledger {
    pub(super) fn decide_reserve(&self, now: Timestamp, reserve: &Reserve, place: Place) -> Decision {
        let sku_slot = self.sku_at(place, reserve.sku);
        let sku = self.stock.get(sku_slot);
        let admitted = sku.map_or(Err(Refusal::UnknownSku), |sku| self.admit(now, sku_slot, sku, reserve));
        if reserve.first_attempt
            && let Some(sku) = sku
        {
            // The crowd's path: nothing was decided under this id before, so nothing needs to be looked up.
            if let Err(refusal) = admitted {
                return Decision::refuse(refusal);
            }
            if reserve.wait_ms == 0 && sku.available == 0 {
                return Decision::refuse(Refusal::SoldOut {
                    holds: sku.holds,
                    next_expiry: sku.next_expiry(now),
                });
            }
        }
        // Requests are known by SKU and id: which shard a SKU is in must not decide what a repeat is.
        let place = self.hashed(place, sku_slot, reserve.request, reserve.user);
        if let Some((_, order)) = self.orders.by_request(place.request_hash, reserve.request, sku_slot) {
            return self.repeat_reserve(order, reserve);
        }
        if let Err(refusal) = self.check_request(now, reserve.request) {
            return Decision::refuse(refusal);
        }
        if reserve.hold_ms > self.rules.max_hold_ms {
            return Decision::refuse(Refusal::Invalid { field: Field::HoldMs });
        }
        if reserve.claim.is_some() && reserve.wait_ms != 0 {
            return Decision::refuse(Refusal::Budget(BudgetRefusal::CantWait));
        }
        let (sku, limits) = match (sku, admitted) {
            (Some(sku), Ok(limits)) => (sku, limits),
            (None, _) => return Decision::refuse(Refusal::UnknownSku),
            (_, Err(refusal)) => return Decision::refuse(refusal),
        };
        let available = self.free_units(sku_slot, sku);
        if available == 0 && reserve.wait_ms == 0 {
            return Decision::refuse(Refusal::SoldOut {
                holds: sku.holds,
                next_expiry: sku.next_expiry(now),
            });
        }
        let quantity = reserve.quantity.units();
        if quantity > limits.order {
            return Decision::refuse(Refusal::OrderLimit { limit: limits.order });
        }
        let has = self.tally.units(place.user_hash, reserve.user, sku_slot);
        let limit = limits.user;
        if has.checked_add(quantity).is_none_or(|units| units > limit) {
            return Decision::refuse(Refusal::UserLimit { left: limit.saturating_sub(has) });
        }
        if let Err(refusal) = self.check_group((sku_slot, sku), reserve.user, limits.group, (quantity, 0)) {
            return Decision::refuse(refusal);
        }
        let enough = self.enough(sku_slot, sku, reserve.channel, (quantity, available));
        let waits = enough.is_err();
        if let Err(refusal) = enough {
            if reserve.wait_ms == 0 {
                return Decision::refuse(refusal);
            }
            if let Err(refusal) = self.may_wait(reserve, sku_slot) {
                return Decision::refuse(refusal);
            }
        }
        if let Some(claim) = reserve.claim
            && let Err(refusal) = self.may_claim(claim, sku.partition)
        {
            return Decision::refuse(refusal);
        }
        let Some(number) = self.orders.next_number(sku.partition) else {
            return Decision::refuse(Refusal::CapacityExceeded);
        };
        let hold_ms = if reserve.hold_ms == 0 { self.rules.default_hold_ms } else { reserve.hold_ms };
        let event = Event::Reserved(Reserved {
            number,
            request: reserve.request,
            user: reserve.user,
            sku: reserve.sku,
            quantity: reserve.quantity,
            amount: reserve.amount,
            at: now,
            asked_hold_ms: reserve.hold_ms,
            hold_ms,
            channel: reserve.channel,
            moves: 0,
            wait_ms: if waits { reserve.wait_ms } else { 0 },
            terms: reserve.terms,
            claim: reserve.claim,
        });
        let outcome = if waits {
            let deadline = now.plus(u64::from(reserve.wait_ms));
            Outcome::Waitlisted { order: number, deadline, ahead: self.waitlists.len(sku_slot) }
        } else {
            Outcome::Reserved { order: number, deadline: now.plus(u64::from(hold_ms)) }
        };
        Decision { outcome, event: Some(event), place }
    }

    /// Whether the shopper may wait for the SKU.
    #[cold]
    fn may_wait(&self, reserve: &Reserve, sku: Slot) -> Result<(), Refusal> {
        if reserve.wait_ms > self.rules.max_wait_ms {
            return Err(Refusal::Invalid { field: Field::WaitMs });
        }
        if let Some(order) = self.waitlists.of(sku, reserve.user) {
            return Err(Refusal::AlreadyWaiting { order });
        }
        if self.waitlists.len(sku) >= self.rules.max_waiting {
            return Err(Refusal::WaitlistFull);
        }
        Ok(())
    }

    /// The request is known: the same content gets the same answer, other content names what differs.
    pub(in crate::ledger) fn repeat_reserve(&self, order: &Order, reserve: &Reserve) -> Decision {
        let asked = self.orders.asked(order);
        let differs = if order.user != reserve.user {
            Some(Field::User)
        } else if order.state() == Some(OrderState::Restocked) {
            // A restock's id: no field of a reserve can be the same, and units are what it counts.
            Some(Field::Units)
        } else if order.number.is_composite() {
            Some(if self.orders.coupon(order).is_some() { Field::Coupon } else { Field::Lines })
        } else if asked.quantity != reserve.quantity.units() {
            Some(Field::Quantity)
        } else {
            self.differs(order, reserve)
        };
        match differs {
            Some(field) => Decision::refuse(Refusal::IdempotencyConflict { order: order.number, field }),
            None => Decision::unchanged(replayed(order)),
        }
    }
}

impl Ledger {
    /// The first of these fields that differs, of those that orders with one line and with several have in common.
    pub(in crate::ledger) fn differs(&self, order: &Order, reserve: &Reserve) -> Option<Field> {
        if order.asked_hold_ms != reserve.hold_ms {
            Some(Field::HoldMs)
        } else if self.orders.asked(order).amount != reserve.amount {
            Some(Field::Amount)
        } else if order.channel != reserve.channel {
            Some(Field::Channel)
        } else if self.orders.fingerprint(order) != fingerprint(&reserve.terms) {
            Some(Field::Terms)
        } else {
            self.claims_differ(order, reserve.claim)
        }
    }
}

/// A fixed mix of the terms, 0 for the default: equal terms have equal fingerprints, on every machine. It tells a
/// client's mistake from a repeat, and misses one in 2^32.
#[inline]
pub(in crate::ledger) fn fingerprint(terms: &Terms) -> u32 {
    if *terms == Terms::default() {
        return 0;
    }
    let Terms { campaign, price_version, tier, location, pool, device, address, pay_account } = *terms;
    let packed = (u64::from(tier) << 32) | (u64::from(location) << 16) | u64::from(pool);
    let sale =
        Mix::new(0x7465_726D).word((u64::from(campaign) << 32) | u64::from(price_version)).word(packed);
    // A mix takes some nanoseconds a word, and most orders carry no hashes.
    let hashed = (device | address | pay_account) != 0;
    let mixed = if hashed { sale.word(device).word(address).word(pay_account) } else { sale };
    u32::try_from(mixed.finish() >> 32).unwrap_or(0)
}
