//! What becomes of a hold: paid, kept longer, given back.

use doorbuster_ledger::*;

use super::groups::units_with;
use super::{Model, ModelOrder};

impl Model {
    /// `paid`: so many units of these SKUs; none: all.
    pub(super) fn confirm(&mut self, now: u64, confirm: &Confirm, paid: &[Line]) -> Outcome {
        if confirm.payment == PaymentId::new(0) {
            return Outcome::Refused(Refusal::Invalid { field: Field::PaymentId });
        }
        let order = match self.owned(confirm.order, confirm.user) {
            Ok(order) => order.clone(),
            Err(outcome) => return outcome,
        };
        let left = if paid.is_empty() { Ok(order.lines.clone()) } else { Self::paid_for(&order, paid) };
        let part = left.as_ref().map_or(true, |left| *left != order.lines);
        let number = confirm.order;
        let mismatch = |due| Outcome::Refused(Refusal::AmountMismatch { due });
        if let Some((taken, amount)) = order.payment
            && taken == confirm.payment
        {
            return if amount == confirm.amount { Self::replay(&order) } else { mismatch(amount) };
        }
        let to_refund = Outcome::RefundRequired { order: number, state: order.state };
        if order.refunds.iter().any(|(id, _)| *id == confirm.payment) {
            return to_refund;
        }
        let may_buy = !matches!(
            order.state,
            OrderState::Confirmed | OrderState::Superseded | OrderState::Waiting | OrderState::Lapsed
        );
        let enough = order.due == confirm.amount || (part && confirm.amount < order.due);
        if may_buy && order.due != Amount::new(0) && !enough {
            return mismatch(order.due);
        }
        let there = !part
            && self.may_have_again(&order)
            && order.lines.iter().all(|line| {
                let of_group = units_with(line.sku, &order.lines);
                let free = self.available(line.sku);
                self.enough(now, (line.sku, order.channel()), (line.units, free), None).is_ok()
                    && self.may_have_more(
                        now,
                        (line.sku, order.channel()),
                        order.user(),
                        (line.units, of_group),
                    )
            });
        let order = self.owned(confirm.order, confirm.user).expect("known");
        if may_buy && (order.state.is_open() || there) {
            match left {
                Ok(left) => {
                    let before = order.all_units();
                    order.lines = left;
                    order.cut_claim(before, order.all_units());
                }
                Err(refusal) => return Outcome::Refused(refusal),
            }
            let in_time = order.state.is_open() && now < order.deadline;
            order.end(OrderState::Confirmed, now);
            order.payment = Some((confirm.payment, confirm.amount));
            return if in_time {
                Outcome::Confirmed { order: number }
            } else {
                Outcome::Reacquired { order: number }
            };
        }
        if order.refunds.len() < 8 {
            order.refunds.push((confirm.payment, confirm.amount));
        }
        to_refund
    }

    /// The lines of an order, with so many units as are paid for.
    fn paid_for(order: &ModelOrder, paid: &[Line]) -> Result<Vec<Line>, Refusal> {
        Self::may_name(order, paid)?;
        if paid.iter().all(|line| line.units == 0) {
            return Err(Refusal::Invalid { field: Field::Lines });
        }
        let units = |sku| paid.iter().find(|line| line.sku == sku).map_or(0, |line| line.units);
        Ok(order.lines.iter().map(|line| Line { units: units(line.sku), ..*line }).collect())
    }

    /// Whether the order has as many units of each of these.
    fn may_name(order: &ModelOrder, lines: &[Line]) -> Result<(), Refusal> {
        for line in lines {
            let known = order.lines.iter().find(|known| known.sku == line.sku);
            let held = known.ok_or(Refusal::Invalid { field: Field::Lines })?.units;
            if line.units > held {
                return Err(Refusal::ExceedsHeld { held });
            }
        }
        Ok(())
    }

    pub(super) fn open(
        &mut self,
        number: OrderNumber,
        user: UserId,
        now: u64,
    ) -> Result<&mut ModelOrder, Outcome> {
        let order = self.owned(number, user)?;
        let deadline = Timestamp::new(order.deadline);
        Err(Outcome::Refused(match order.state {
            OrderState::Cancelled | OrderState::Superseded => Refusal::AlreadyCancelled,
            OrderState::Confirmed => Refusal::AlreadyConfirmed,
            OrderState::Waiting => Refusal::StillWaiting { deadline },
            OrderState::Expired | OrderState::Lapsed => Refusal::HoldExpired { deadline },
            _ if order.deadline <= now => Refusal::HoldExpired { deadline },
            _ => return Ok(order),
        }))
    }

    pub(super) fn begin_pay(&mut self, now: u64, begin: &BeginPay) -> Outcome {
        if begin.payment == PaymentId::new(0) {
            return Outcome::Refused(Refusal::Invalid { field: Field::PaymentId });
        }
        let rules = self.rules;
        let order = match self.open(begin.order, begin.user, now) {
            Ok(order) => order,
            Err(outcome) => return outcome,
        };
        if order.refunds.iter().any(|(id, _)| *id == begin.payment) {
            return Outcome::RefundRequired { order: order.number, state: order.state };
        }
        if order.begun.is_some_and(|(payment, _)| payment == begin.payment)
            || order.failed.contains(&begin.payment)
        {
            return Self::replay(order);
        }
        if order.failed.len() + usize::from(order.begun.is_some()) >= 10 {
            return Outcome::Refused(Refusal::CapacityExceeded);
        }
        order.failed.extend(order.begun.map(|(payment, _)| payment));
        order.begun = Some((begin.payment, order.begun.map_or(order.deadline, |(_, before)| before)));
        if !order.pinned {
            order.pinned = true;
            order.deadline = match begin.class {
                PayClass::Fast => order.deadline + u64::from(rules.pay_pin_ms),
                PayClass::Slow => order.deadline.max(now + u64::from(rules.slow_pay_ms)),
            };
        }
        order.state = OrderState::Paying;
        Self::kept(order)
    }

    pub(super) fn kept(order: &ModelOrder) -> Outcome {
        let deadline = Timestamp::new(order.deadline);
        Outcome::Kept { order: order.number, state: order.state, deadline }
    }

    pub(super) fn fail_pay(&mut self, now: u64, failed: &FailPay) -> Outcome {
        let grace = now + u64::from(self.rules.pay_grace_ms);
        let order = match self.open(failed.order, failed.user, now) {
            Ok(order) => order,
            Err(outcome) => return outcome,
        };
        match order.begun {
            Some((payment, before)) if payment == failed.payment => {
                order.begun = None;
                order.failed.push(payment);
                order.state = OrderState::Held;
                order.deadline = before.max(grace).min(order.deadline);
                Self::kept(order)
            }
            _ => Self::replay(order),
        }
    }

    pub(super) fn extend(&mut self, now: u64, extend: &Extend) -> Outcome {
        let rules = self.rules;
        let order = match self.open(extend.order, extend.user, now) {
            Ok(order) => order,
            Err(outcome) => return outcome,
        };
        let until = extend.until.raw();
        if until <= order.deadline {
            return Self::replay(order);
        }
        let placed = order.placed_at;
        let mut latest = order.deadline;
        if order.state == OrderState::Held && order.extensions < rules.max_extensions {
            latest = latest.max(placed + u64::from(rules.max_hold_ms));
        }
        if until > latest {
            return Outcome::Refused(Refusal::ExtendLimit { latest: Timestamp::new(latest) });
        }
        order.extensions += 1;
        order.deadline = until;
        Self::kept(order)
    }

    /// `left`: so many units of these SKUs stay; none: nothing stays.
    pub(super) fn cancel(&mut self, now: u64, cancel: &Cancel, amount: Amount, left: &[Line]) -> Outcome {
        let order = match self.owned(cancel.order, cancel.user) {
            Ok(order) => order.clone(),
            Err(outcome) => return outcome,
        };
        let deadline = Timestamp::new(order.deadline);
        match order.state {
            OrderState::Cancelled => return Self::replay(&order),
            OrderState::Waiting if now >= order.deadline => {
                return Outcome::Refused(Refusal::HoldExpired { deadline });
            }
            OrderState::Waiting => {}
            _ => {
                if let Err(outcome) = self.open(cancel.order, cancel.user, now) {
                    return outcome;
                }
            }
        }
        let known = self.owned(cancel.order, cancel.user).expect("known");
        if !left.is_empty() {
            if order.state == OrderState::Waiting {
                return Outcome::Refused(Refusal::StillWaiting { deadline });
            }
            if let Err(refusal) = Self::may_name(&order, left) {
                return Outcome::Refused(refusal);
            }
            for line in &mut known.lines {
                line.units = left.iter().find(|named| named.sku == line.sku).map_or(line.units, |n| n.units);
            }
            if known.lines == order.lines {
                return Self::replay(known);
            }
            if order.state == OrderState::Paying {
                known.lines = order.lines;
                return Outcome::Refused(Refusal::PaymentUnderWay { deadline });
            }
            if known.lines.iter().any(|line| line.units > 0) {
                known.cut_claim(order.all_units(), known.all_units());
                if amount != Amount::new(0) {
                    known.due = amount;
                }
                return Self::kept(known);
            }
            known.lines = order.lines;
        }
        known.end(OrderState::Cancelled, now);
        Outcome::Cancelled { order: cancel.order }
    }
}
