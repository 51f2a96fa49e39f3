//! Stock: what the operator sets up, brings in and takes out.

use super::{Decision, replayed};
use crate::command::{PutSku, Restock};
use crate::event::Event;
use crate::ids::{PartitionId, Timestamp};
use crate::ledger::{Ledger, MAX_UNITS, Place};
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::table::NONE;

impl Ledger {
    pub(super) fn decide_put(&self, now: Timestamp, put: &PutSku) -> Decision {
        if put.units > MAX_UNITS {
            return Decision::refuse(Refusal::Invalid { field: Field::Units });
        }
        if let Some(slot) = self.stock.find(self.hasher.sku(put.sku), put.sku) {
            let differs = self.stock.get(slot).and_then(|sku| {
                if sku.user_limit != put.user_limit {
                    Some(Field::UserLimit)
                } else if sku.order_limit != put.order_limit {
                    Some(Field::OrderLimit)
                } else if sku.stocked != put.units {
                    Some(Field::Units)
                } else {
                    None
                }
            });
            return match differs {
                Some(field) => Decision::refuse(Refusal::SkuExists { field }),
                None => Decision::unchanged(Outcome::Replayed {
                    order: None,
                    state: None,
                    deadline: Timestamp::default(),
                }),
            };
        }
        if !self.stock.has_room() {
            return Decision::refuse(Refusal::CapacityExceeded);
        }
        Decision {
            outcome: Outcome::SkuPut,
            event: Some(Event::SkuPut {
                sku: put.sku,
                units: put.units,
                user_limit: put.user_limit,
                order_limit: put.order_limit,
                by: put.by,
                reason: put.reason,
                at: now,
            }),
            place: Place::default(),
        }
    }

    pub(super) fn decide_restock(&self, now: Timestamp, restock: &Restock) -> Decision {
        let found = self.stock.find(self.hasher.sku(restock.sku), restock.sku);
        let known = found.unwrap_or(NONE);
        let request_hash = self.hasher.request(restock.request, known);
        if let Some((_, order)) = self.orders.by_request(request_hash, restock.request, known) {
            let differs = if order.state() != Some(OrderState::Restocked)
                || order.amount.raw() != restock.units.cast_unsigned()
            {
                Some(Field::Units)
            } else if order.asked_hold_ms != restock.reason {
                Some(Field::Reason)
            } else {
                None
            };
            return match differs {
                Some(field) => Decision::refuse(Refusal::IdempotencyConflict { order: order.number, field }),
                None => Decision::unchanged(replayed(order)),
            };
        }
        if let Err(refusal) = self.check_request(now, restock.request) {
            return Decision::refuse(refusal);
        }
        if restock.units == 0 || restock.units.unsigned_abs() > MAX_UNITS {
            return Decision::refuse(Refusal::Invalid { field: Field::Units });
        }
        let Some(slot) = found else { return Decision::refuse(Refusal::UnknownSku) };
        let Some(sku) = self.stock.get(slot) else { return Decision::refuse(Refusal::UnknownSku) };
        let unallotted = self.unallotted(slot, sku);
        let available = sku.available.checked_add_signed(restock.units);
        let Some(available) = available.filter(|_| unallotted.checked_add_signed(restock.units).is_some())
        else {
            return Decision::refuse(Refusal::Insufficient { available: unallotted });
        };
        let stocked = sku.stocked.checked_add_signed(restock.units);
        let number = self.orders.next_number(PartitionId::of(restock.sku));
        let (Some(number), Some(0..=MAX_UNITS)) = (number, stocked) else {
            return Decision::refuse(Refusal::CapacityExceeded);
        };
        Decision {
            outcome: Outcome::Restocked { order: number, available },
            event: Some(Event::Restocked {
                number,
                request: restock.request,
                sku: restock.sku,
                units: restock.units,
                by: restock.by,
                reason: restock.reason,
                at: now,
            }),
            place: Place { request_hash, ..Place::of_sku(slot) },
        }
    }
}
