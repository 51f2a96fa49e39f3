//! Whether a shopper may have what he asks for.

use doorbuster_ledger::*;

use super::campaigns::Admitted;
use super::groups::units_with;
use super::{Content, Model, ModelOrder};

/// The line of an order that has one.
pub(super) fn one_line(reserve: &Reserve) -> Line {
    Line { sku: reserve.sku, units: reserve.quantity.units(), ..Line::default() }
}

fn several(lines: &[Line]) -> bool {
    lines.len() > 1 || lines[0].gifts > 0
}

/// Whether the amount is one that the prices of all lines allow.
fn paid(reserve: &Reserve, doors: &[Admitted]) -> Result<(), Refusal> {
    let amount = reserve.amount.raw();
    let least = doors.iter().map(|door| door.least).sum();
    let most = doors.iter().try_fold(0, |sum, door| door.most.map(|most| sum + most));
    match most {
        _ if amount < least => Err(Refusal::PriceOutOfBounds { bound: Amount::new(least) }),
        Some(most) if amount > most => Err(Refusal::PriceOutOfBounds { bound: Amount::new(most) }),
        _ => Ok(()),
    }
}

impl Model {
    fn sold_out(&self, sku: SkuId) -> Refusal {
        let holds = self.orders.iter().filter(|order| order.state.is_open() && order.units(sku) > 0);
        Refusal::SoldOut { holds: holds.count().try_into().expect("few"), next_expiry: None }
    }

    fn put_of(&self, sku: SkuId) -> Option<PutSku> {
        self.skus.iter().find(|known| known.put.sku == sku).map(|known| known.put)
    }

    fn by_request(&self, reserve: &Reserve) -> Option<&ModelOrder> {
        self.orders.iter().find(|order| match &order.content {
            Content::Sale(sale, _) => (sale.request, sale.sku) == (reserve.request, reserve.sku),
            Content::Restock(restock) => (restock.request, restock.sku) == (reserve.request, reserve.sku),
        })
    }

    fn repeat(
        order: &ModelOrder,
        (reserve, coupon): (&Reserve, Option<CouponId>),
        lines: &[Line],
    ) -> Outcome {
        let conflict = |field| Outcome::Refused(Refusal::IdempotencyConflict { order: order.number, field });
        let Content::Sale(sale, asked) = &order.content else {
            return conflict(if reserve.user == UserId::new(0) { Field::Units } else { Field::User });
        };
        let named = order.coupon.is_some() || coupon.is_some();
        let several = several(asked) || several(lines) || named;
        let differs = [
            (sale.user != reserve.user, Field::User),
            (order.coupon != coupon, Field::Coupon),
            (several && asked != lines, Field::Lines),
            (!several && asked[0].units != lines[0].units, Field::Quantity),
            (sale.hold_ms != reserve.hold_ms, Field::HoldMs),
            (sale.amount != reserve.amount, Field::Amount),
            (sale.channel != reserve.channel, Field::Channel),
            (sale.terms != reserve.terms, Field::Terms),
            (sale.claim.map(|claim| claim.budget) != reserve.claim.map(|claim| claim.budget), Field::Budget),
            (sale.claim != reserve.claim, Field::Discount),
        ];
        match differs.iter().find(|(differs, _)| *differs) {
            Some((_, field)) => conflict(*field),
            None => Self::replay(order),
        }
    }

    pub(super) fn reserve_one(&mut self, now: u64, reserve: &Reserve) -> Outcome {
        let refuse = |refusal| Outcome::Refused(refusal);
        let line = one_line(reserve);
        let known = self.put_of(reserve.sku);
        if reserve.first_attempt
            && known.is_some()
            && let Err(refusal) = self.door(now, reserve, &line).and_then(|door| paid(reserve, &[door]))
        {
            return refuse(refusal);
        }
        let quick = reserve.first_attempt && reserve.wait_ms == 0;
        if quick && known.is_some() && self.available(reserve.sku) == 0 {
            return refuse(self.sold_out(reserve.sku));
        }
        if let Some(order) = self.by_request(reserve) {
            return Self::repeat(order, (reserve, None), &[line]);
        }
        if let Some(refusal) = self.check_id(now, reserve.request) {
            return refuse(refusal);
        }
        if reserve.hold_ms > self.rules.max_hold_ms {
            return refuse(Refusal::Invalid { field: Field::HoldMs });
        }
        if reserve.claim.is_some() && reserve.wait_ms != 0 {
            return refuse(Refusal::Budget(BudgetRefusal::CantWait));
        }
        if known.is_some()
            && let Err(refusal) = self.door(now, reserve, &line).and_then(|door| paid(reserve, &[door]))
        {
            return refuse(refusal);
        }
        match self.may_hold(now, reserve, (&line, line.units), None) {
            Ok(_) => match self.may_claim(reserve.claim, None) {
                Ok(()) => self.hold(now, (reserve, None), vec![line], None),
                Err(outcome) => outcome,
            },
            Err(refusal @ (Refusal::Insufficient { .. } | Refusal::ChannelExhausted { .. })) => {
                self.wait(now, reserve, refusal)
            }
            Err(refusal) => refuse(refusal),
        }
    }

    pub(super) fn reserve_several(
        &mut self,
        now: u64,
        (reserve, coupon): (&Reserve, Option<CouponId>),
        supersedes: Option<OrderNumber>,
        lines: &[Line],
    ) -> Outcome {
        let refuse = |refusal| Outcome::Refused(refusal);
        let units: u32 = lines.iter().map(|line| line.units).sum();
        let quantity = Quantity::new(units).expect("lines have units");
        let reserve = &Reserve { sku: lines[0].sku, quantity, ..*reserve };
        if let Some(order) = self.by_request(reserve) {
            return Self::repeat(order, (reserve, coupon), lines);
        }
        if let Some(refusal) = self.check_id(now, reserve.request) {
            return refuse(refusal);
        }
        let old = match supersedes.map_or(Ok(None), |number| self.replaceable(now, number, reserve.user)) {
            Ok(old) => old,
            Err(outcome) => return outcome,
        };
        let alone = !several(lines) && coupon.is_none();
        if alone && old.is_none() && reserve.claim.is_none() {
            return self.reserve_one(now, reserve);
        }
        if reserve.hold_ms > self.rules.max_hold_ms {
            return refuse(Refusal::Invalid { field: Field::HoldMs });
        }
        if reserve.wait_ms != 0 && (coupon.is_some() || reserve.claim.is_some()) {
            return refuse(Refusal::Budget(BudgetRefusal::CantWait));
        }
        if several(lines) && reserve.wait_ms != 0 {
            return refuse(Refusal::SeveralSkus);
        }
        let mut doors = Vec::new();
        for line in lines {
            let of_group = units_with(line.sku, lines);
            match self.may_hold(now, &Reserve { wait_ms: 0, ..*reserve }, (line, of_group), old) {
                Ok(door) => doors.push(door),
                Err(refusal) if lines.len() == 1 => return refuse(refusal),
                Err(refusal) => return Outcome::LineRefused { sku: line.sku, refusal },
            }
        }
        if let Err(refusal) = paid(reserve, &doors) {
            return refuse(refusal);
        }
        let may = self.may_use(now, coupon, old).and_then(|()| self.may_claim(reserve.claim, old));
        if let Err(outcome) = may {
            return outcome;
        }
        self.hold(now, (reserve, coupon), lines.to_vec(), old)
    }

    fn may_hold(
        &self,
        now: u64,
        reserve: &Reserve,
        (line, of_group): (&Line, u32),
        old: Option<usize>,
    ) -> Result<Admitted, Refusal> {
        let Reserve { user, channel, wait_ms, .. } = *reserve;
        let freed = old.map_or(0, |at| self.orders[at].units(line.sku));
        if self.put_of(line.sku).is_none() {
            return Err(Refusal::UnknownSku);
        }
        let door = self.door(now, reserve, line)?;
        let available = self.available(line.sku) + u64::from(freed);
        if available == 0 && wait_ms == 0 {
            return Err(self.sold_out(line.sku));
        }
        if door.order_limit > 0 && line.units > door.order_limit {
            return Err(Refusal::OrderLimit { limit: door.order_limit });
        }
        let has = self.has(user, line.sku) - freed;
        if door.user_limit > 0 && has + line.units > door.user_limit {
            return Err(Refusal::UserLimit { left: door.user_limit.saturating_sub(has) });
        }
        let freed = old.map_or(0, |at| units_with(line.sku, &self.orders[at].lines));
        let has = self.has_with(user, line.sku) - freed;
        if door.group_limit > 0 && has + of_group > door.group_limit {
            return Err(Refusal::GroupLimit { left: door.group_limit.saturating_sub(has) });
        }
        self.enough(now, (line.sku, channel), (line.units, available), old)?;
        Ok(door)
    }

    fn hold(
        &mut self,
        now: u64,
        (reserve, coupon): (&Reserve, Option<CouponId>),
        lines: Vec<Line>,
        old: Option<usize>,
    ) -> Outcome {
        let mut hold = if reserve.hold_ms == 0 { self.rules.default_hold_ms } else { reserve.hold_ms };
        let number = self.next_number(reserve.sku, several(&lines) || coupon.is_some());
        let (mut pinned, mut extensions) = (false, 0);
        if let Some(old) = old {
            let old = &mut self.orders[old];
            if old.extensions >= self.rules.max_extensions {
                hold = hold.min(u32::try_from(old.deadline - now).expect("short"));
            }
            (pinned, extensions) =
                (old.pinned, old.extensions + u8::from(now + u64::from(hold) > old.deadline));
            old.end(OrderState::Superseded, now);
        }
        let deadline = now + u64::from(hold);
        let content = Content::Sale(*reserve, lines);
        let order = ModelOrder::new(number, content, OrderState::Held, now, u64::from(hold));
        self.orders.push(ModelOrder { pinned, extensions, coupon, ..order });
        Outcome::Reserved { order: number, deadline: Timestamp::new(deadline) }
    }

    /// Where the hold that a reserve replaces stands in the list, if there is one to replace.
    fn replaceable(&mut self, now: u64, number: OrderNumber, user: UserId) -> Result<Option<usize>, Outcome> {
        let order = match self.open(number, user, now) {
            Ok(order) => order.clone(),
            Err(outcome @ Outcome::Refused(Refusal::OwnerMismatch | Refusal::StillWaiting { .. })) => {
                return Err(outcome);
            }
            Err(_) => return Ok(None),
        };
        if order.state == OrderState::Paying {
            let deadline = Timestamp::new(order.deadline);
            return Err(Outcome::Refused(Refusal::PaymentUnderWay { deadline }));
        }
        Ok(self.orders.iter().position(|order| order.number == number))
    }
}
