//! Application: the only code that changes the state, live and in replay.

use super::accounts::Taker;
use super::check::Violation;
use super::decide::{MAX_REFUNDS, fingerprint};
use super::{Ledger, MAX_UNITS, Place};
use crate::event::{Event, Reserved};
use crate::ids::{Amount, OrderNumber, PartitionId, PaymentId, RequestId, SkuId, Timestamp, UserId};
use crate::order::{Order, Phase};
use crate::outcome::OrderState;
use crate::payment::{Payment, PaymentKind};
use crate::stock::{Marks, Sku};
use crate::table::{NONE, Slot};

impl Ledger {
    /// Applies an event that was decided earlier, here or elsewhere: replay. Nothing falls due until
    /// [`resume`](Self::resume) has been called, so that an order that was evicted in the log leaves memory at once.
    /// `place` is where [`touch_events`](Self::touch_events) saw what the event is about, or [`Place::default`].
    ///
    /// # Errors
    /// [`Violation`] if the event can't follow the state: the log is not the one that this state came from. The
    /// ledger must not be used any further.
    pub fn apply(&mut self, event: &Event, place: Place) -> Result<(), Violation> {
        let place = self.locate(event, place);
        self.apply_at(event, place, false)
    }

    #[inline]
    pub(super) fn apply_at(&mut self, event: &Event, place: Place, live: bool) -> Result<(), Violation> {
        self.now = self.now.max(event.at());
        match event {
            Event::Reserved(reserved) => self.apply_reserved(reserved, place, live),
            Event::Confirmed { number, payment, amount, at } => {
                self.apply_confirmed(*number, (*payment, *amount), *at, place)
            }
            Event::Reacquired { number, payment, amount, at } => {
                self.apply_reacquired(*number, (*payment, *amount), *at, place)
            }
            Event::RefundRequired { .. } if self.has_refunds(place) => Ok(()),
            Event::RefundRequired { number, payment, amount, .. } => {
                let refund = Payment::of(PaymentKind::Refund, *payment, *amount);
                self.orders.set_payment(place.order, refund).ok_or(Violation::NoSuchOrder { number: *number })
            }
            Event::AmountMismatched { .. } => Ok(()),
            Event::PayBegun { number, payment, deadline, .. } => {
                self.apply_begun(*number, *payment, *deadline, place)
            }
            Event::PayFailed { number, deadline, .. } => {
                self.orders.fail_begun(place.order);
                self.apply_deadline(*number, *deadline, OrderState::Held, place, live)
            }
            Event::Extended { number, deadline, .. } => {
                if let Some(order) = self.orders.rows.get_mut(place.order) {
                    order.extended();
                }
                self.apply_deadline(*number, *deadline, OrderState::Held, place, live)
            }
            Event::Offered { number, deadline, .. } => self.apply_offered(*number, *deadline, place, live),
            Event::Superseded { number, at, .. } => self.release(*number, OrderState::Superseded, *at, place),
            Event::Cut { number, units, amount, .. } => self.apply_cut(*number, *units, *amount, place),
            Event::LegHeld(leg) => self.apply_leg_held(leg, place),
            Event::LegReleased(end) => self.apply_leg_ended(end, false, place),
            Event::LegSold(end) => self.apply_leg_ended(end, true, place),
            Event::LegCut(end) => self.apply_leg_cut(end, false, place),
            Event::LegDropped(end) => self.apply_leg_cut(end, true, place),
            Event::Cancelled { number, at, .. } => self.release(*number, OrderState::Cancelled, *at, place),
            Event::Expired { number, at } => self.release(*number, OrderState::Expired, *at, place),
            Event::Evicted { number, .. } => self.apply_evicted(*number, place),
            Event::SkuPut { sku, units, user_limit, order_limit, .. } => {
                self.apply_put(*sku, *units, *user_limit, *order_limit)
            }
            Event::Restocked { number, request, units, reason, at, .. } => {
                self.apply_restocked((*number, *request), (*units, *reason), *at, place, live)
            }
            Event::ChannelSet { rules, .. } => self.apply_channel(rules, place),
            Event::Rebalanced { sku, from, to, units, .. } => {
                self.apply_rebalanced(*sku, (*from, *to), *units, place)
            }
            Event::Campaign(event) => self.apply_campaign(event, place),
            Event::After(event) => self.apply_after(event, place),
            Event::Budget(event) => self.apply_budget(event),
            Event::GraceGranted { until, .. } => {
                self.apply_grace(*until);
                Ok(())
            }
        }
    }

    fn apply_reserved(&mut self, reserved: &Reserved, place: Place, live: bool) -> Result<(), Violation> {
        if reserved.wait_ms != 0 {
            return self.apply_waiting(reserved, place, live);
        }
        let quantity = reserved.quantity.units();
        let number = reserved.number;
        let mut detail = fingerprint(&reserved.terms);
        if number.is_composite() {
            detail = self.orders.legs.begin(detail).ok_or(Violation::NoSuchOrder { number })?;
        } else {
            let deadline = reserved.at.plus(u64::from(reserved.hold_ms));
            let missing = Violation::UnknownSku { sku: reserved.sku };
            let taker = Taker { user: reserved.user, hash: place.user_hash, channel: reserved.channel };
            self.hold_units(place.sku, taker, quantity, deadline, missing)?;
        }
        self.totals.holds = self.totals.holds.saturating_add(1);
        let slot = self.store(reserved, (OrderState::Held, detail), place, live)?;
        if reserved.moves != 0
            && let Some(order) = self.orders.rows.get_mut(slot)
        {
            order.moves = reserved.moves;
        }
        Ok(())
    }

    /// Stores the order of a reserve, with what it claims. Returns its slot.
    #[inline]
    fn store(
        &mut self,
        reserved: &Reserved,
        (state, detail): (OrderState, u32),
        place: Place,
        live: bool,
    ) -> Result<Slot, Violation> {
        let number = reserved.number;
        let hold_ms = if state == OrderState::Waiting { reserved.wait_ms } else { reserved.hold_ms };
        let payment = match reserved.claim {
            None => NONE,
            Some(claim) => self.apply_claim(number, claim)?,
        };
        let mut order = Order {
            number,
            user: reserved.user,
            amount: reserved.amount,
            placed_at: reserved.at,
            detail,
            sku: place.sku,
            quantity: reserved.quantity.units(),
            asked_hold_ms: reserved.asked_hold_ms,
            hold_ms,
            payment,
            channel: reserved.channel,
            phase: Phase::Live(state),
            in_calendar: live,
            ..Order::default()
        };
        order.set_request(reserved.request);
        let slot = self.orders.insert(place.request_hash, order).ok_or(Violation::Sequence { number })?;
        if live {
            self.calendar.add(&mut self.orders.rows, slot, order.deadline(), reserved.at);
        }
        self.totals.orders = self.totals.orders.saturating_add(1);
        Ok(slot)
    }

    /// An order without units joins the end of its SKU's list.
    #[cold]
    fn apply_waiting(&mut self, reserved: &Reserved, place: Place, live: bool) -> Result<(), Violation> {
        let number = reserved.number;
        if reserved.claim.is_some() {
            return Err(Violation::Waiting { number });
        }
        let slot = self.store(reserved, (OrderState::Waiting, fingerprint(&reserved.terms)), place, live)?;
        let order = self.orders.rows.get(slot).ok_or(Violation::NoSuchOrder { number })?;
        self.waitlists
            .join(place.sku, slot, order, self.channels.ruled(&self.stock, place.sku, order.channel))
            .ok_or(Violation::Waiting { number })?;
        let sku = self.stock.get_mut(place.sku).ok_or(Violation::UnknownSku { sku: reserved.sku })?;
        sku.marks.set(Marks::WAITERS, true);
        self.totals.waiting = self.totals.waiting.saturating_add(1);
        Ok(())
    }

    /// An order that waited gets its units, as a hold.
    fn apply_offered(
        &mut self,
        number: OrderNumber,
        deadline: Timestamp,
        place: Place,
        live: bool,
    ) -> Result<(), Violation> {
        self.leave(number, place)?;
        self.take_units(number, deadline, place)?;
        self.apply_deadline(number, deadline, OrderState::Held, place, live)
    }

    /// Takes an order out of its SKU's list.
    fn leave(&mut self, number: OrderNumber, place: Place) -> Result<(), Violation> {
        let order = self.orders.rows.get(place.order).ok_or(Violation::NoSuchOrder { number })?;
        let left = self
            .waitlists
            .leave(place.sku, order, self.channels.ruled(&self.stock, place.sku, order.channel))
            .ok_or(Violation::Waiting { number })?;
        if let Some(sku) = self.stock.get_mut(place.sku) {
            sku.marks.set(Marks::WAITERS, left);
        }
        self.totals.waiting = self.totals.waiting.saturating_sub(1);
        Ok(())
    }

    fn apply_confirmed(
        &mut self,
        number: OrderNumber,
        (payment, amount): (PaymentId, Amount),
        at: Timestamp,
        place: Place,
    ) -> Result<(), Violation> {
        let quantity = self.end(number, OrderState::Confirmed, at, place)?;
        let taken = Payment::of(PaymentKind::Taken, payment, amount);
        self.orders.set_payment(place.order, taken).ok_or(Violation::NoSuchOrder { number })?;
        self.spend_claim(place.order)?;
        if number.is_composite() {
            return Ok(());
        }
        self.sell(place.sku, quantity, Violation::NoSuchOrder { number })
    }

    /// A payment for a hold that has ended: as [`apply_confirmed`](Self::apply_confirmed), with the units taken again
    /// if they had gone back.
    fn apply_reacquired(
        &mut self,
        number: OrderNumber,
        paid: (PaymentId, Amount),
        at: Timestamp,
        place: Place,
    ) -> Result<(), Violation> {
        let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
        if !order.is_open() {
            if order.number != number || order.phase == Phase::Live(OrderState::Confirmed) {
                return Err(Violation::EndedTwice { number });
            }
            self.claim_again(place.order)?;
            self.take_units(number, at, place)?;
        }
        self.apply_confirmed(number, paid, at, place)
    }

    /// Gives an order that holds no units its units, as a hold.
    fn take_units(
        &mut self,
        number: OrderNumber,
        deadline: Timestamp,
        place: Place,
    ) -> Result<(), Violation> {
        let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
        order.phase = Phase::Live(OrderState::Held);
        let (user, quantity, channel) = (order.user, order.quantity, order.channel);
        self.totals.holds = self.totals.holds.saturating_add(1);
        if number.is_composite() {
            return Ok(());
        }
        let taker = Taker { user, hash: self.hasher.user(user, place.sku), channel };
        self.hold_units(place.sku, taker, quantity, deadline, Violation::NoSuchOrder { number })
    }

    /// Whether an order has as many payments to be paid back as are remembered.
    fn has_refunds(&self, place: Place) -> bool {
        let order = self.orders.rows.get(place.order);
        order.is_some_and(|order| self.orders.refunds(order) >= MAX_REFUNDS)
    }

    fn apply_begun(
        &mut self,
        number: OrderNumber,
        payment: PaymentId,
        deadline: Timestamp,
        place: Place,
    ) -> Result<(), Violation> {
        let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
        order.pin();
        // The deadline from before the first of several attempts is the shopper's own.
        let order = *order;
        let under_way = self.orders.payments(&order).find(|known| known.kind() == PaymentKind::Begun);
        let before = under_way.map_or_else(|| order.deadline(), Payment::deadline_before);
        self.orders.fail_begun(place.order);
        self.orders
            .set_payment(place.order, Payment::begun(payment, before))
            .ok_or(Violation::NoSuchOrder { number })?;
        self.apply_deadline(number, deadline, OrderState::Paying, place, false)
    }

    /// Moves an open hold's deadline. The calendar notices a later one when the old day comes; an earlier one needs a
    /// word.
    fn apply_deadline(
        &mut self,
        number: OrderNumber,
        deadline: Timestamp,
        state: OrderState,
        place: Place,
        live: bool,
    ) -> Result<(), Violation> {
        let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
        if order.number != number || !order.is_open() {
            return Err(Violation::EndedTwice { number });
        }
        let sooner = deadline < order.deadline();
        order.phase = Phase::Live(state);
        order.hold_until(deadline);
        if let Some(sku) = self.stock.get_mut(place.sku) {
            sku.earliest_deadline = sku.earliest_deadline.min(deadline);
        }
        if sooner && live {
            self.calendar.add_sooner(place.order, deadline);
        }
        Ok(())
    }

    /// Ends a hold and gives its units back.
    fn release(
        &mut self,
        number: OrderNumber,
        state: OrderState,
        at: Timestamp,
        place: Place,
    ) -> Result<(), Violation> {
        let waits = self.orders.rows.get(place.order).is_some_and(Self::waits);
        if waits {
            self.leave(number, place)?;
            let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
            order.end(if state == OrderState::Expired { OrderState::Lapsed } else { state }, at);
            return Ok(());
        }
        let quantity = self.end(number, state, at, place)?;
        self.return_claim(place.order)?;
        if number.is_composite() {
            return Ok(());
        }
        let order = self.orders.rows.get(place.order).ok_or(Violation::NoSuchOrder { number })?;
        let (taker, deadline) = ((order.user, order.channel), order.deadline());
        self.give_back(place.sku, taker, quantity, Violation::NoSuchOrder { number })?;
        if state == OrderState::Expired
            && let Some(sku) = self.stock.get_mut(place.sku)
        {
            // Holds expire in the order of their deadlines, but for the width of a calendar day.
            sku.earliest_deadline = sku.earliest_deadline.max(deadline);
        }
        Ok(())
    }

    /// Marks an order's end, and takes the units of one with one line out of `held`. Returns the order's units.
    fn end(
        &mut self,
        number: OrderNumber,
        state: OrderState,
        at: Timestamp,
        place: Place,
    ) -> Result<u32, Violation> {
        let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
        if order.number != number || !order.is_open() {
            return Err(Violation::EndedTwice { number });
        }
        order.end(state, at);
        let quantity = order.quantity;
        self.totals.holds = self.totals.holds.saturating_sub(1);
        if !number.is_composite() {
            self.unhold(place.sku, quantity, true, Violation::NoSuchOrder { number })?;
        }
        Ok(quantity)
    }

    fn apply_evicted(&mut self, number: OrderNumber, place: Place) -> Result<(), Violation> {
        let order = self.orders.rows.get_mut(place.order).ok_or(Violation::NoSuchOrder { number })?;
        if order.state().is_some_and(OrderState::has_deadline) {
            return Err(Violation::EvictedOpen { number });
        }
        let request = order.request();
        order.phase = Phase::Gone;
        let in_calendar = order.in_calendar;
        self.orders.forget(self.hasher.request(request, place.sku), place.order, number);
        self.progress.forget(number);
        if !in_calendar {
            self.orders.free(place.order);
        }
        self.totals.orders = self.totals.orders.saturating_sub(1);
        Ok(())
    }

    pub(super) fn apply_put(
        &mut self,
        id: SkuId,
        units: u64,
        user_limit: u32,
        order_limit: u32,
    ) -> Result<(), Violation> {
        let hash = self.hasher.sku(id);
        if units > MAX_UNITS || self.stock.find(hash, id).is_some() {
            return Err(Violation::SkuTwice { sku: id });
        }
        let mut sku = Sku {
            id,
            available: units,
            stocked: units,
            user_limit,
            order_limit,
            partition: PartitionId::of(id),
            ..Sku::default()
        };
        sku.marks.set(Marks::GROUPED, id.group().is_some());
        let slot = self.stock.insert(hash, sku).ok_or(Violation::SkuTwice { sku: id })?;
        self.offers.put(&mut self.stock, slot, id.group()).ok_or(Violation::SkuTwice { sku: id })?;
        self.totals.skus = self.totals.skus.saturating_add(1);
        self.totals.available = self.totals.available.saturating_add(units);
        Ok(())
    }

    fn apply_restocked(
        &mut self,
        (number, request): (OrderNumber, RequestId),
        (units, reason): (i64, u32),
        at: Timestamp,
        place: Place,
        live: bool,
    ) -> Result<(), Violation> {
        let sku = self.stock.get_mut(place.sku).ok_or(Violation::NoSuchOrder { number })?;
        self.returns.note(sku);
        let available = sku.available.checked_add_signed(units);
        let stocked = sku.stocked.checked_add_signed(units);
        let (Some(available), Some(stocked)) = (available, stocked) else {
            return Err(Violation::Oversold { sku: sku.id });
        };
        sku.available = available;
        sku.stocked = stocked;
        if let Some(goods) = self.goods.get_mut(place.sku) {
            goods.brought = goods.brought.saturating_add(units);
        }
        self.totals.available = self.totals.available.saturating_add_signed(units);
        let mut order = Order {
            number,
            user: UserId::new(0),
            amount: Amount::new(units.cast_unsigned()),
            placed_at: at,
            sku: place.sku,
            asked_hold_ms: reason,
            phase: Phase::Live(OrderState::Restocked),
            in_calendar: live,
            ..Order::default()
        };
        order.set_request(request);
        let evict_at = self.evict_at(&order);
        let slot = self.orders.insert(place.request_hash, order).ok_or(Violation::Sequence { number })?;
        if live {
            self.calendar.add(&mut self.orders.rows, slot, evict_at, at);
        }
        self.totals.orders = self.totals.orders.saturating_add(1);
        Ok(())
    }

    /// Moves every open deadline that lies before `until` to `until`. The calendar notices when the old day comes.
    fn apply_grace(&mut self, until: Timestamp) {
        let mut slot: Slot = 0;
        while let Some(order) = self.orders.rows.get_mut(slot) {
            if order.is_open() && order.deadline() < until {
                order.hold_until(until);
                let sku = order.sku;
                if let Some(sku) = self.stock.get_mut(sku) {
                    sku.earliest_deadline = sku.earliest_deadline.max(until);
                }
            }
            slot = slot.saturating_add(1);
        }
    }
}
