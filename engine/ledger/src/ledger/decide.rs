//! Decisions: what a command comes to, given the state and the time. Reads only.

use super::{Ledger, MAX_UNITS, Place};
use crate::command::{Cancel, Command, Confirm, PutSku, Reserve, Restock, Terms};
use crate::event::{Event, Reserved};
use crate::hash::Mix;
use crate::ids::{OrderNumber, PartitionId, PaymentId, RequestId, Timestamp, UserId};
use crate::order::Order;
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::table::{NONE, Slot};

/// What a command came to.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// The change that goes with it, if there is one.
    pub event: Option<Event>,
    pub(super) place: Place,
}

impl Decision {
    fn refuse(refusal: Refusal) -> Self {
        Self::unchanged(Outcome::Refused(refusal))
    }

    fn unchanged(outcome: Outcome) -> Self {
        Self { outcome, event: None, place: Place::default() }
    }
}

impl Ledger {
    /// What `command` comes to at `now`, which must not be before [`Ledger::now`]. Changes nothing. `place` is where
    /// [`touch`](Self::touch) saw the command's SKU or order, or [`Place::default`].
    #[inline]
    pub fn decide(&self, now: Timestamp, command: &Command, place: Place) -> Decision {
        match command {
            Command::Reserve(reserve) => self.decide_reserve(now, reserve, place),
            Command::Confirm(confirm) => self.decide_confirm(now, confirm, place),
            Command::Cancel(cancel) => self.decide_cancel(now, cancel, place),
            Command::PutSku(put) => self.decide_put(now, put),
            Command::Restock(restock) => self.decide_restock(now, restock),
        }
    }

    fn decide_reserve(&self, now: Timestamp, reserve: &Reserve, place: Place) -> Decision {
        let sku_slot = self.sku_at(place, reserve.sku);
        let sku = self.stock.get(sku_slot);
        if reserve.first_attempt
            && let Some(sku) = sku
            && sku.available == 0
        {
            // The crowd's path: nothing was decided under this id before, so nothing needs to be looked up.
            return Decision::refuse(Refusal::SoldOut {
                holds: sku.holds,
                next_expiry: sku.next_expiry(now),
            });
        }
        // Requests are known by SKU and id: which shard a SKU is in must not decide what a repeat is.
        let place = self.hashed(place, sku_slot, reserve.request, reserve.user);
        if let Some((_, order)) = self.orders.by_request(place.request_hash, reserve.request, sku_slot) {
            return repeat_reserve(order, reserve);
        }
        if let Err(refusal) = self.check_request(now, reserve.request) {
            return Decision::refuse(refusal);
        }
        if reserve.hold_ms > self.rules.max_hold_ms {
            return Decision::refuse(Refusal::Invalid { field: Field::HoldMs });
        }
        let Some(sku) = sku else { return Decision::refuse(Refusal::UnknownSku) };
        if sku.available == 0 {
            return Decision::refuse(Refusal::SoldOut {
                holds: sku.holds,
                next_expiry: sku.next_expiry(now),
            });
        }
        let quantity = reserve.quantity.units();
        if sku.order_limit != 0 && quantity > sku.order_limit {
            return Decision::refuse(Refusal::OrderLimit { limit: sku.order_limit });
        }
        let has = self.tally.units(place.user_hash, reserve.user, sku_slot);
        let limit = if sku.user_limit == 0 { u32::MAX } else { sku.user_limit };
        if has.checked_add(quantity).is_none_or(|units| units > limit) {
            return Decision::refuse(Refusal::UserLimit { left: limit.saturating_sub(has) });
        }
        if sku.available < u64::from(quantity) {
            return Decision::refuse(Refusal::Insufficient { available: sku.available });
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
            terms: reserve.terms,
        });
        Decision {
            outcome: Outcome::Reserved { order: number, deadline: now.plus(u64::from(hold_ms)) },
            event: Some(event),
            place,
        }
    }

    fn check_request(&self, now: Timestamp, request: RequestId) -> Result<(), Refusal> {
        if !request.is_uuid_v7() {
            return Err(Refusal::Invalid { field: Field::RequestId });
        }
        let window_ms = self.rules.idempotency_window_ms;
        let made_at = request.made_at();
        if now.since(made_at) > window_ms {
            return Err(Refusal::IdTooOld { window_ms });
        }
        if made_at.since(now) > self.rules.future_tolerance_ms {
            return Err(Refusal::IdFromFuture);
        }
        Ok(())
    }

    /// The order with this number, if it is a sale and belongs to `user`.
    fn owned(
        &self,
        number: OrderNumber,
        user: UserId,
        place: Place,
    ) -> Result<(Slot, &Order, OrderState), Refusal> {
        let (slot, order) = self.order_at(place, number).ok_or(Refusal::NoSuchOrder)?;
        match order.state() {
            None | Some(OrderState::Restocked) => Err(Refusal::NoSuchOrder),
            Some(_) if order.user != user => Err(Refusal::OwnerMismatch),
            Some(state) => Ok((slot, order, state)),
        }
    }

    fn decide_confirm(&self, now: Timestamp, confirm: &Confirm, place: Place) -> Decision {
        if confirm.payment == PaymentId::new(0) {
            return Decision::refuse(Refusal::Invalid { field: Field::PaymentId });
        }
        let (slot, order, state) = match self.owned(confirm.order, confirm.user, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        let deadline = order.deadline();
        let amount_differs = order.amount.raw() != 0 && order.amount != confirm.amount;
        match state {
            OrderState::Confirmed if self.orders.payment(order) != confirm.payment => {
                Decision::refuse(Refusal::AlreadyConfirmed)
            }
            OrderState::Held | OrderState::Confirmed if amount_differs => {
                Decision::refuse(Refusal::AmountMismatch { due: order.amount })
            }
            OrderState::Confirmed => Decision::unchanged(replayed(order)),
            OrderState::Held if deadline <= now => Decision::refuse(Refusal::HoldExpired { deadline }),
            OrderState::Held => Decision {
                outcome: Outcome::Confirmed { order: confirm.order },
                event: Some(Event::Confirmed {
                    number: confirm.order,
                    payment: confirm.payment,
                    amount: confirm.amount,
                    at: now,
                }),
                place: Place::of_order(slot, order.sku),
            },
            OrderState::Cancelled => Decision::refuse(Refusal::AlreadyCancelled),
            OrderState::Expired => Decision::refuse(Refusal::HoldExpired { deadline }),
            OrderState::Restocked => Decision::refuse(Refusal::NoSuchOrder),
        }
    }

    fn decide_cancel(&self, now: Timestamp, cancel: &Cancel, place: Place) -> Decision {
        let (slot, order, state) = match self.owned(cancel.order, cancel.user, place) {
            Ok(found) => found,
            Err(refusal) => return Decision::refuse(refusal),
        };
        let deadline = order.deadline();
        match state {
            OrderState::Held if deadline <= now => Decision::refuse(Refusal::HoldExpired { deadline }),
            OrderState::Held => Decision {
                outcome: Outcome::Cancelled { order: cancel.order },
                event: Some(Event::Cancelled { number: cancel.order, reason: cancel.reason, at: now }),
                place: Place::of_order(slot, order.sku),
            },
            OrderState::Cancelled => Decision::unchanged(replayed(order)),
            OrderState::Expired => Decision::refuse(Refusal::HoldExpired { deadline }),
            OrderState::Confirmed => Decision::refuse(Refusal::AlreadyConfirmed),
            OrderState::Restocked => Decision::refuse(Refusal::NoSuchOrder),
        }
    }

    fn decide_put(&self, now: Timestamp, put: &PutSku) -> Decision {
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
                at: now,
            }),
            place: Place::default(),
        }
    }

    fn decide_restock(&self, now: Timestamp, restock: &Restock) -> Decision {
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
        let Some(available) = sku.available.checked_add_signed(restock.units) else {
            return Decision::refuse(Refusal::Insufficient { available: sku.available });
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
                reason: restock.reason,
                at: now,
            }),
            place: Place { request_hash, ..Place::of_sku(slot) },
        }
    }
}

/// The request is known: the same content gets the same answer, other content names what differs.
fn repeat_reserve(order: &Order, reserve: &Reserve) -> Decision {
    let differs = if order.user != reserve.user {
        Some(Field::User)
    } else if order.state() == Some(OrderState::Restocked) {
        // A restock's id: no field of a reserve can be the same, and units are what it counts.
        Some(Field::Units)
    } else if order.quantity != reserve.quantity.units() {
        Some(Field::Quantity)
    } else if order.asked_hold_ms != reserve.hold_ms {
        Some(Field::HoldMs)
    } else if order.amount != reserve.amount {
        Some(Field::Amount)
    } else if order.channel != reserve.channel {
        Some(Field::Channel)
    } else if order.fingerprint != fingerprint(&reserve.terms) {
        Some(Field::Terms)
    } else {
        None
    };
    match differs {
        Some(field) => Decision::refuse(Refusal::IdempotencyConflict { order: order.number, field }),
        None => Decision::unchanged(replayed(order)),
    }
}

fn replayed(order: &Order) -> Outcome {
    Outcome::Replayed { order: Some(order.number), state: order.state(), deadline: order.deadline() }
}

/// A fixed mix of the terms, 0 for the default: equal terms have equal fingerprints, on every machine. It tells a
/// client's mistake from a repeat, and misses one in 2^32.
pub(super) fn fingerprint(terms: &Terms) -> u32 {
    if *terms == Terms::default() {
        return 0;
    }
    let mixed = Mix::new(0x7465_726D)
        .word(u64::from(terms.campaign))
        .word(u64::from(terms.price_version))
        .word(u64::from(terms.tier))
        .word(u64::from(terms.location))
        .word(u64::from(terms.pool))
        .word(terms.device)
        .word(terms.address)
        .word(terms.pay_account)
        .finish();
    u32::try_from(mixed >> 32).unwrap_or(0)
}
