//! Steps of paid orders.

use alloc::vec::Vec;

use super::Span;
use crate::after::{
    Advance, AfterCommand, AfterEvent, AfterOutcome, AfterRefusal, LineMoved, MAX_PAYBACKS, Moved, OrderStep,
    Progress, Refund, Step,
};
use crate::command::Line;
use crate::event::Event;
use crate::ids::{Amount, PaymentId, RefundId, SkuId, Timestamp};
use crate::ledger::{Ledger, Place, Violation};
use crate::order::Order;
use crate::outcome::{Field, OrderState, Outcome, Refusal};
use crate::payment::PaymentKind;

fn refuse(refusal: AfterRefusal) -> Outcome {
    Outcome::Refused(Refusal::After(refusal))
}

impl Span<'_, '_> {
    pub(super) fn decide_after(
        &self,
        now: Timestamp,
        command: &AfterCommand,
        lines: &[Line],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        match command {
            AfterCommand::Advance(advance) => self.decide_advance(now, advance, lines, events),
            AfterCommand::Refund(refund) => self.decide_refund(now, refund, events),
            AfterCommand::Count(count) => self.decide_count(now, count, events),
            AfterCommand::Inspect(inspect) => self.decide_inspect(now, inspect, events),
            AfterCommand::Name(_) => Ok(Outcome::After(AfterOutcome::Named)),
        }
    }

    fn decide_advance(
        &self,
        now: Timestamp,
        advance: &Advance,
        lines: &[Line],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let number = advance.order;
        let home = self.serving(number.partition())?;
        let (_, order, paid) = match home.owned(number, advance.user, Place::default()) {
            Ok(found) => found,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let state = home.stands(order);
        if paid != OrderState::Confirmed {
            return Ok(refuse(AfterRefusal::OrderState { state }));
        }
        let none = Progress::default();
        let progress = home.progress.get(number).unwrap_or(&none);
        let step = Of { home, order, progress, state, advance, now };
        match advance.step {
            Step::Fulfil | Step::Deliver | Step::Close if !lines.is_empty() => {
                Ok(Outcome::Refused(Refusal::Invalid { field: Field::Lines }))
            }
            Step::Fulfil | Step::Deliver | Step::Close => Ok(step.whole(events)),
            Step::Ship => self.ship(&step, lines, events),
            Step::Cancel => Ok(step.lines(lines, Moved::Cancelled, events)),
            Step::Return(to) => Ok(match home.return_until(progress) {
                Some(until) if until <= now && step.is_new(lines, Moved::Returned(to)) => {
                    refuse(AfterRefusal::ReturnWindow { until })
                }
                _ => step.lines(lines, Moved::Returned(to), events),
            }),
        }
    }

    /// As any step of lines, unless units aren't there.
    fn ship(&self, step: &Of<'_>, lines: &[Line], events: &mut Vec<Event>) -> Result<Outcome, Violation> {
        let mark = events.len();
        let outcome = step.lines(lines, Moved::Shipped, events);
        if events.len() == mark {
            return Ok(outcome);
        }
        let short = step.progress.sum(|line| line.short);
        if short > 0 {
            events.truncate(mark);
            return Ok(refuse(AfterRefusal::Shortfall { units: u64::from(short) }));
        }
        // While orders are still to be named, the goods themselves say what can't be shipped.
        let mut missing = 0_u64;
        for event in events.iter().skip(mark) {
            if let Event::After(AfterEvent::Line(LineMoved { sku, units, .. })) = event {
                let ledger = self.serving(crate::ids::PartitionId::of(*sku))?;
                let slot = ledger.sku_at(Place::default(), *sku);
                if let Some(row) = ledger.stock.get(slot) {
                    missing = missing.max(u64::from(*units).saturating_sub(ledger.on_hand(slot, row)));
                }
            }
        }
        if missing > 0 {
            events.truncate(mark);
            return Ok(refuse(AfterRefusal::Shortfall { units: missing }));
        }
        Ok(outcome)
    }

    fn decide_refund(
        &self,
        now: Timestamp,
        refund: &Refund,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let &Refund { order: number, user, payment, refund: id, amount, reason, by } = refund;
        if id == RefundId::new(0) {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::RefundId }));
        }
        if amount == Amount::new(0) {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::Amount }));
        }
        let home = self.serving(number.partition())?;
        let order = match home.owned(number, user, Place::default()) {
            Ok((_, order, _)) => order,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let none = Progress::default();
        let progress = home.progress.get(number).unwrap_or(&none);
        if let Some(known) = progress.paybacks.iter().find(|known| known.refund == id) {
            return Ok(if (known.payment, known.amount) == (payment, amount) {
                step_replayed(home, order)
            } else {
                refuse(AfterRefusal::RefundDiffers)
            });
        }
        let Some(paid) = paid_with(home, order, payment) else {
            return Ok(refuse(AfterRefusal::NoSuchPayment));
        };
        let left = paid.raw().saturating_sub(progress.paid_back(payment).raw());
        let Some(rest) = left.checked_sub(amount.raw()) else {
            return Ok(refuse(AfterRefusal::RefundExceeds { left: Amount::new(left) }));
        };
        if progress.paybacks.len() >= MAX_PAYBACKS {
            return Ok(Outcome::Refused(Refusal::CapacityExceeded));
        }
        let paid_back = AfterEvent::PaidBack { number, payment, refund: id, amount, reason, by, at: now };
        events.push(Event::After(paid_back));
        let (state, left) = (home.stands(order), Amount::new(rest));
        Ok(Outcome::After(AfterOutcome::PaidBack { order: number, state, left }))
    }
}

/// What was paid with a payment of an order: one that bought it, or nothing.
fn paid_with(home: &Ledger, order: &Order, payment: PaymentId) -> Option<Amount> {
    let known = home.orders.payment(order, payment)?;
    matches!(known.kind(), PaymentKind::Taken | PaymentKind::Refund).then(|| known.amount())
}

fn step_replayed(home: &Ledger, order: &Order) -> Outcome {
    Outcome::Replayed {
        order: Some(order.number),
        state: Some(home.stands(order)),
        deadline: order.deadline(),
    }
}

/// An order that is to take a step.
struct Of<'a> {
    home: &'a Ledger,
    order: &'a Order,
    progress: &'a Progress,
    state: OrderState,
    advance: &'a Advance,
    now: Timestamp,
}

impl Of<'_> {
    fn replayed(&self) -> Outcome {
        step_replayed(self.home, self.order)
    }

    fn advanced(&self, units: u32) -> Outcome {
        Outcome::After(AfterOutcome::Advanced { order: self.order.number, state: self.state, units })
    }

    fn wrong_state(&self) -> Outcome {
        refuse(AfterRefusal::OrderState { state: self.state })
    }

    /// Units that are in the house, over all lines.
    fn open(&self) -> u32 {
        let progress = self.progress;
        let gone = progress.sum(|line| line.shipped).saturating_sub(progress.sum(|line| line.returned));
        self.order.quantity.saturating_sub(gone)
    }

    /// Steps of the whole order.
    fn whole(&self, events: &mut Vec<Event>) -> Outcome {
        let progress = self.progress;
        let closed = progress.closed_at.is_some();
        let (done, may) = match self.advance.step {
            Step::Fulfil => (progress.fulfilling, self.open() > 0),
            Step::Deliver => (progress.delivered_at.is_some(), self.open() == 0 && self.order.quantity > 0),
            Step::Close => (closed, self.open() == 0),
            Step::Ship | Step::Cancel | Step::Return(_) => (false, false),
        };
        if done {
            return self.replayed();
        }
        if closed || !may {
            return self.wrong_state();
        }
        let short = progress.sum(|line| line.short);
        if short > 0 {
            return refuse(AfterRefusal::Shortfall { units: u64::from(short) });
        }
        let &Advance { order: number, reason, by, .. } = self.advance;
        let step = OrderStep { number, reason, by, at: self.now };
        events.push(Event::After(match self.advance.step {
            Step::Deliver => AfterEvent::Delivered(step),
            Step::Close => AfterEvent::Closed(step),
            Step::Fulfil | Step::Ship | Step::Cancel | Step::Return(_) => AfterEvent::Fulfilling(step),
        }));
        self.advanced(0)
    }

    /// Units of a line that have taken the step, and the most that can have.
    fn reached(&self, sku: SkuId, to: Moved) -> Option<(u32, u32)> {
        let (units, open) = self.home.line_units(self.order, Some(self.progress), sku)?;
        let line = self.progress.line(sku);
        Some(match to {
            Moved::Shipped => (line.shipped, units.saturating_add(line.returned)),
            Moved::Cancelled => (line.cancelled, line.cancelled.saturating_add(open)),
            Moved::Returned(_) => (line.returned, line.shipped),
        })
    }

    /// Whether any of these units have not taken the step yet.
    fn is_new(&self, lines: &[Line], to: Moved) -> bool {
        let all = self.home.lines_now(self.order).map(|(sku, _)| (sku, u32::MAX));
        let named = lines.iter().map(|line| (line.sku, line.units));
        let mut wanted = named.chain(all.filter(|_| lines.is_empty()));
        wanted
            .any(|(sku, units)| self.reached(sku, to).is_some_and(|(by_now, most)| units.min(most) > by_now))
    }

    /// Steps of units.
    fn lines(&self, lines: &[Line], to: Moved, events: &mut Vec<Event>) -> Outcome {
        let refuse_line = |sku, refusal| match lines {
            [_] => Outcome::Refused(refusal),
            _ => Outcome::LineRefused { sku, refusal },
        };
        let mut steps: Vec<(SkuId, u32)> = Vec::new();
        let mut known = 0_u32;
        for line in lines {
            let Some((by_now, most)) = self.reached(line.sku, to) else {
                return refuse_line(line.sku, Refusal::Invalid { field: Field::Lines });
            };
            if line.units > most {
                return refuse_line(line.sku, Refusal::After(exceeds(to, most)));
            }
            known = known.saturating_add(by_now);
            steps.push((line.sku, line.units.saturating_sub(by_now)));
        }
        if lines.is_empty() {
            for (sku, _) in self.home.lines_now(self.order) {
                let (by_now, most) = self.reached(sku, to).unwrap_or_default();
                known = known.saturating_add(by_now);
                steps.push((sku, most.saturating_sub(by_now)));
            }
        }
        let units = steps.iter().fold(0_u32, |sum, (_, units)| sum.saturating_add(*units));
        if units == 0 {
            // So many have taken the step already, or (of none) always had.
            return if known > 0 || !lines.is_empty() { self.replayed() } else { self.wrong_state() };
        }
        if self.progress.closed_at.is_some() {
            return self.wrong_state();
        }
        for (sku, units) in steps.into_iter().filter(|(_, units)| *units > 0) {
            if to == Moved::Cancelled {
                self.cover(sku, units, events);
            }
            let Order { number, user, channel, .. } = *self.order;
            let &Advance { reason, by, .. } = self.advance;
            let moved = LineMoved { order: number, sku, user, channel, units, to, reason, by, at: self.now };
            events.push(Event::After(AfterEvent::Line(moved)));
        }
        self.advanced(units)
    }

    /// Of units that are cancelled, as many are missing no longer as the line has no room for.
    fn cover(&self, sku: SkuId, units: u32, events: &mut Vec<Event>) {
        let short = self.progress.line(sku).short;
        let (_, open) = self.home.line_units(self.order, Some(self.progress), sku).unwrap_or_default();
        let units = short.saturating_sub(open.saturating_sub(units));
        if units > 0 {
            let (order, paid_at) = (self.order.number, self.order.ended_at());
            let covered = crate::after::Short { order, sku, units, paid_at, at: self.now };
            events.push(Event::After(AfterEvent::Covered(covered)));
        }
    }
}

fn exceeds(to: Moved, left: u32) -> AfterRefusal {
    match to {
        Moved::Shipped => AfterRefusal::ShipExceeds { left },
        Moved::Cancelled => AfterRefusal::CancelExceeds { left },
        Moved::Returned(_) => AfterRefusal::ReturnExceeds { left },
    }
}
