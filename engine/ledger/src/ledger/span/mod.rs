//! Decisions that concern several ledgers at once.
//!
//! An order with several lines may have its SKUs in several ledgers. Whoever decides about it holds all of these, so there is
//! no coordinator, no leg that waits for another, and nothing in doubt: the events of one decision are handed over together
//! and stand in one block of the log, or none does.
//!
//! Each event changes what one partition knows, or two: a line is listed in its order's ledger and accounted for in its SKU's.
//! So a replay hands it to the one or two ledgers that serve these, and however many ledgers there are, all come to the
//! same.
//!
//! What has one line, but concerns another order too, or changes its own number of units, is decided here as well: all that
//! is rare, and the path of the common order stays short.

mod after;
mod budget;
mod campaign;
mod goods;
mod pay;
mod release;
mod reserve;

use alloc::vec::Vec;

use super::offer;
use super::{Ledger, Place, Violation};
use crate::after::{AfterCommand, AfterOutcome, Count};
use crate::budget::{BudgetEvent, CouponId, CouponUse};
use crate::command::{Composite, Line};
use crate::event::{Event, LegEnd, LegHeld};
use crate::ids::{OrderNumber, PartitionId, SkuId, Timestamp};
use crate::order::Order;
use crate::outcome::{Field, Outcome, Refusal};
use crate::stock::Marks;

/// Several ledgers, with different shares of the same partitions, for one decision.
#[derive(Debug)]
pub struct Span<'s, 'l> {
    ledgers: &'s mut [&'l mut Ledger],
}

impl<'s, 'l> Span<'s, 'l> {
    /// These ledgers together. They need not be all there are: those of an order's own partition, of its SKUs', and of the
    /// order that it replaces, with its SKUs.
    pub fn new(ledgers: &'s mut [&'l mut Ledger]) -> Self {
        Self { ledgers }
    }

    /// Decides a command at `now` (or at the latest time that any of the ledgers has seen) and applies what it came to. The
    /// events are appended to `events`; they belong together. `lines` are in ascending order of their SKUs, each named once.
    ///
    /// # Errors
    /// [`Violation`] if the ledgers' state contradicts itself, or if one that is needed is missing. They must not be used
    /// any further.
    pub fn execute(
        &mut self,
        now: Timestamp,
        command: &Composite,
        lines: &[Line],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        self.execute_with(now, command, (lines, None), events)
    }

    /// As [`execute`](Self::execute), of a command that may hold a use of a coupon, too. Where a discount is claimed, or a hold
    /// that had one is paid, the ledgers must be all there are.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn execute_with(
        &mut self,
        now: Timestamp,
        command: &Composite,
        (lines, coupon): (&[Line], Option<CouponId>),
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let now = self.come_to(now);
        let decided = events.len();
        let outcome = match command {
            Composite::Reserve { reserve, supersedes } => {
                self.decide_reserve(now, (reserve, coupon), *supersedes, lines, events)?
            }
            Composite::Confirm(confirm) => self.decide_confirm(now, confirm, lines, events)?,
            Composite::Cancel { cancel, amount } => {
                self.decide_cancel(now, cancel, *amount, lines, events)?
            }
            Composite::Expire(number) => self.decide_expire(now, *number, events)?,
            Composite::Campaign(command) => self.decide_campaign(now, command, events),
            Composite::After(after) => self.decide_after(now, after, lines, events)?,
        };
        let end = events.len();
        self.apply_from(decided, events)?;
        for at in decided..end {
            if let Some(event) = events.get(at).copied() {
                self.settle_short(&event, events)?;
            }
        }
        if let Composite::After(AfterCommand::Count(Count { sku, .. }) | AfterCommand::Name(sku)) = command {
            self.name(*sku, events)?;
        }
        for at in decided..end {
            if let Some(event) = events.get(at).copied() {
                self.offer(&event, events)?;
            }
        }
        if let Composite::Expire(number) = command {
            self.serving_mut(number.partition())?.no_longer_overdue(*number);
        }
        Ok(self.restated(outcome))
    }

    /// What a shopper's command comes to if that changes nothing: because it was decided before, or needs no change. None
    /// where it would have to be decided afresh, or is an operator's. Of a hold that is a look-up in the ledger of its first
    /// SKU, and no other is needed; else the ledgers must be those for [`execute_with`](Self::execute_with).
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn recall(
        &mut self,
        now: Timestamp,
        command: &Composite,
        (lines, coupon): (&[Line], Option<CouponId>),
        events: &mut Vec<Event>,
    ) -> Result<Option<Outcome>, Violation> {
        let now = self.come_to(now);
        let decided = events.len();
        let outcome = match command {
            Composite::Reserve { reserve, .. } => {
                let Some((reserve, home)) = self.at_home(reserve, lines)? else { return Ok(None) };
                let Some(outcome) = home.repeated(&reserve, lines, coupon) else { return Ok(None) };
                outcome
            }
            Composite::Confirm(confirm) => self.decide_confirm(now, confirm, lines, events)?,
            Composite::Cancel { cancel, amount } => {
                self.decide_cancel(now, cancel, *amount, lines, events)?
            }
            Composite::After(after @ (AfterCommand::Advance(_) | AfterCommand::Refund(_))) => {
                self.decide_after(now, after, lines, events)?
            }
            Composite::Expire(_) | Composite::Campaign(_) | Composite::After(_) => return Ok(None),
        };
        let changes = events.len() > decided;
        events.truncate(decided);
        Ok((!changes).then(|| self.restated(outcome)))
    }

    /// Says of a paid order where it stands after all this.
    fn restated(&self, outcome: Outcome) -> Outcome {
        let stands = |number: OrderNumber, state| {
            let home = self.serving(number.partition()).ok();
            let order =
                home.and_then(|home| home.order_at(Place::default(), number).map(|(_, order)| (home, order)));
            order.map_or(state, |(home, order)| home.stands(order))
        };
        if let Outcome::After(AfterOutcome::Advanced { order, state, units }) = outcome {
            return Outcome::After(AfterOutcome::Advanced { order, state: stands(order, state), units });
        }
        if let Outcome::After(AfterOutcome::PaidBack { order, state, left }) = outcome {
            return Outcome::After(AfterOutcome::PaidBack { order, state: stands(order, state), left });
        }
        if let Outcome::Replayed { order: Some(order), .. } | Outcome::RefundRequired { order, .. } = outcome
            && let Ok(home) = self.serving(order.partition())
        {
            return home.restated(outcome);
        }
        outcome
    }

    /// Reads the places where these commands, some [`TOUCHED`](crate::TOUCHED), will look: see [`Ledger::touch`].
    pub fn touch<'a>(&self, commands: &(impl Iterator<Item = (&'a Composite, &'a [Line])> + Clone)) {
        for ledger in &*self.ledgers {
            ledger.touch_composites(commands.clone());
        }
    }

    /// Asserts what [`Ledger::check`] does, of ledgers that serve all partitions together.
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn check(&self) -> Result<(), Violation> {
        let all: Vec<&Ledger> = self.ledgers.iter().map(|ledger| &**ledger).collect();
        all.iter().try_for_each(|ledger| ledger.check_among(&all))
    }

    /// Brings all ledgers to `now`, or to the latest time that one of them has seen.
    fn come_to(&mut self, now: Timestamp) -> Timestamp {
        let now = self.ledgers.iter().fold(now, |latest, ledger| latest.max(ledger.now));
        for ledger in &mut *self.ledgers {
            ledger.now = now;
            ledger.begin_phases();
            ledger.share_released();
        }
        now
    }

    /// Applies the events from this place on.
    fn apply_from(&mut self, first: usize, events: &[Event]) -> Result<(), Violation> {
        events.iter().skip(first).try_for_each(|event| self.apply(event))
    }

    fn apply(&mut self, event: &Event) -> Result<(), Violation> {
        for ledger in &mut *self.ledgers {
            if event.concerns(ledger.share) {
                let place = ledger.locate(event, Place::default());
                ledger.apply_at(event, place, true)?;
            }
        }
        Ok(())
    }

    /// Offers what an event gave back to those who wait.
    fn offer(&mut self, event: &Event, events: &mut Vec<Event>) -> Result<(), Violation> {
        // Nothing comes back with these, which are what a cart consists of.
        if matches!(event, Event::Reserved(_) | Event::LegHeld(_) | Event::LegSold(_)) {
            return Ok(());
        }
        for ledger in &mut *self.ledgers {
            if event.concerns(ledger.share) {
                let sku = ledger.locate(event, Place::default()).sku;
                if ledger.stock.get(sku).is_some_and(|sku| sku.marks.has(Marks::WAITERS)) {
                    let mut left = offer::AT_ONCE;
                    ledger.settle(sku, &mut left, &mut |event| events.push(*event))?;
                }
            }
        }
        Ok(())
    }

    /// The ledger that serves the partition.
    fn serving(&self, partition: PartitionId) -> Result<&Ledger, Violation> {
        let found = self.ledgers.iter().find(|ledger| ledger.share.serves(partition));
        found.map(|ledger| &**ledger).ok_or(Violation::Elsewhere { partition })
    }

    fn serving_mut(&mut self, partition: PartitionId) -> Result<&mut Ledger, Violation> {
        let found = self.ledgers.iter_mut().find(|ledger| ledger.share.serves(partition));
        found.map(|ledger| &mut **ledger).ok_or(Violation::Elsewhere { partition })
    }
}

/// The events that give all of an order's held lines back.
fn end_legs(
    home: &Ledger,
    order: &Order,
    at: Timestamp,
    event: impl Fn(LegEnd) -> Event,
    events: &mut Vec<Event>,
) {
    let held = home.orders.legs(order).filter(|leg| leg.held);
    events.extend(held.map(|leg| event(leg_end(order, leg.sku, leg.units, at))));
    events.extend(coupon_event(home, order, at, BudgetEvent::CouponReleased));
}

/// What becomes of the coupon of an order, if it has one.
fn coupon_event(
    home: &Ledger,
    order: &Order,
    at: Timestamp,
    event: impl Fn(CouponUse) -> BudgetEvent,
) -> Option<Event> {
    let coupon = home.orders.coupon(order)?;
    Some(Event::Budget(event(CouponUse { coupon, order: order.number, at })))
}

/// What ends units of a line of an order.
fn leg_end(order: &Order, sku: SkuId, units: u32, at: Timestamp) -> LegEnd {
    LegEnd { order: order.number, sku, user: order.user, units, channel: order.channel, at }
}

/// The events that hold all of an order's lines again, of one whose hold had ended.
fn hold_legs(home: &Ledger, order: &Order, at: Timestamp, events: &mut Vec<Event>) {
    events.extend(coupon_event(home, order, at, BudgetEvent::CouponHeld));
    let lost = home.orders.legs(order).filter(|leg| !leg.held && leg.units > 0);
    events.extend(lost.map(|leg| {
        let (user, channel) = (order.user, order.channel);
        Event::LegHeld(LegHeld { order: order.number, line: leg.line(), user, channel, deadline: at, at })
    }));
}

/// Units that the order has of a line's SKU beyond those that the line names.
fn beyond(home: &Ledger, order: &Order, line: &Line) -> Result<u32, Refusal> {
    let held = units_of(home, order, line.sku).ok_or(Refusal::Invalid { field: Field::Lines })?;
    held.checked_sub(line.units).ok_or(Refusal::ExceedsHeld { held })
}

/// Units of the SKU that the order has now.
fn units_of(home: &Ledger, order: &Order, sku: SkuId) -> Option<u32> {
    if order.number.is_composite() {
        home.orders.legs.get(order.lines(), sku).map(|leg| leg.units)
    } else {
        home.stock.get(order.sku).filter(|row| row.id == sku).map(|_| order.quantity)
    }
}
