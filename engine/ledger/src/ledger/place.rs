//! Where in the tables something was found, so that nothing is looked up or hashed twice on its way through
//! `touch`, `decide` and `apply`.

use super::Ledger;
use crate::event::{Event, Subject};
use crate::ids::{OrderNumber, RequestId, SkuId, UserId};
use crate::order::Order;
use crate::table::{NONE, Slot};

/// Where the ledger saw what a command or an event is about. Opaque; the default means "not looked for yet", which is
/// always allowed and only slower.
///
/// A place belongs to one command or event and never grows stale: SKUs don't leave, hashes don't change, and a row
/// that holds another order by now is not taken for the one that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) sku: Slot,
    pub(super) order: Slot,
    /// Of the request id with the SKU; 0 where it was not worked out.
    pub(super) request_hash: u64,
    /// Of the shopper with the SKU, likewise.
    pub(super) user_hash: u64,
}

impl Default for Place {
    #[inline]
    fn default() -> Self {
        Self { sku: NONE, order: NONE, request_hash: 0, user_hash: 0 }
    }
}

impl Place {
    #[inline]
    pub(super) fn of_sku(sku: Slot) -> Self {
        Self { sku, ..Self::default() }
    }

    #[inline]
    pub(super) fn of_order(order: Slot, sku: Slot) -> Self {
        Self { sku, order, ..Self::default() }
    }
}

impl Ledger {
    /// The slot of the SKU; none if there is no such SKU.
    #[inline]
    pub(super) fn sku_at(&self, place: Place, sku: SkuId) -> Slot {
        if self.stock.get(place.sku).is_some_and(|seen| seen.id == sku) {
            return place.sku;
        }
        self.stock.find(self.hasher.sku(sku), sku).unwrap_or(NONE)
    }

    /// The order with this number.
    #[inline]
    pub(super) fn order_at(&self, place: Place, number: OrderNumber) -> Option<(Slot, &Order)> {
        if let Some(order) = self.orders.rows.get(place.order)
            && order.number == number
        {
            return Some((place.order, order));
        }
        let slot = self.orders.slot_of(number)?;
        self.orders.rows.get(slot).filter(|order| order.number == number).map(|order| (slot, order))
    }

    /// The place of a request of a shopper for a SKU, with its hashes.
    #[inline]
    pub(super) fn hashed(&self, place: Place, sku: Slot, request: RequestId, user: UserId) -> Place {
        if place.sku == sku && place.request_hash != 0 {
            debug_assert_eq!(
                place.request_hash,
                self.hasher.request(request, sku),
                "another command's place"
            );
            return place;
        }
        Place {
            sku,
            order: NONE,
            request_hash: self.hasher.request(request, sku),
            user_hash: self.hasher.user(user, sku),
        }
    }

    /// Completes the place of an event that was decided elsewhere: what `decide` would have found.
    #[inline]
    pub(super) fn locate(&self, event: &Event, place: Place) -> Place {
        match event.subject() {
            Subject::Sale(reserved) => {
                let sku = self.sku_at(place, reserved.sku);
                self.hashed(place, sku, reserved.request, reserved.user)
            }
            Subject::Restock { sku, request, .. } => {
                let sku = self.sku_at(place, sku);
                Place { request_hash: self.hasher.request(request, sku), ..Place::of_sku(sku) }
            }
            Subject::Order(number) => self
                .order_at(place, number)
                .map_or_else(Place::default, |(slot, order)| Place::of_order(slot, order.sku)),
            // Where only the order is, the SKU would be looked for in vain, and in cold memory.
            Subject::Leg(_, sku) if !self.accounts(sku) => Place::default(),
            Subject::Leg(_, sku) | Subject::Goods(sku) => Place::of_sku(self.sku_at(place, sku)),
            Subject::Sku(_) | Subject::Budget(_) | Subject::All => Place::default(),
        }
    }
}
