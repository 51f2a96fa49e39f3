//! Orders after their payment, goods and counts.

use doorbuster_ledger::*;

use super::{Model, ModelOrder};

/// What became of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ModelLine {
    pub(crate) shipped: u32,
    pub(crate) cancelled: u32,
    pub(crate) returned: u32,
    pub(crate) short: u32,
}

/// What became of an order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelAfter {
    /// As many as the order has lines.
    pub(crate) lines: Vec<ModelLine>,
    pub(crate) refunds: Vec<(RefundId, PaymentId, u64)>,
    pub(crate) fulfilling: bool,
    pub(crate) delivered: Option<u64>,
    pub(crate) closed: bool,
    pub(crate) under_way: bool,
}

/// Where the goods of a SKU are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ModelGoods {
    pub(crate) shipped: u64,
    pub(crate) quarantine: u64,
    pub(crate) scrapped: u64,
    pub(crate) short: u64,
    pub(crate) last: Option<(u64, u64)>,
}

fn refuse(refusal: AfterRefusal) -> Outcome {
    Outcome::Refused(Refusal::After(refusal))
}

impl ModelOrder {
    fn quantity(&self) -> u32 {
        self.lines.iter().map(|line| line.units).sum()
    }

    /// Units of a line that are in the house.
    pub(super) fn open(&self, nth: usize) -> u32 {
        let line = self.after.lines.get(nth).copied().unwrap_or_default();
        self.lines[nth].units + line.returned - line.shipped
    }

    fn short(&self) -> u32 {
        self.after.lines.iter().map(|line| line.short).sum()
    }

    fn all_open(&self) -> u32 {
        (0..self.lines.len()).map(|nth| self.open(nth)).sum()
    }

    fn back(&self, payment: PaymentId) -> u64 {
        self.after.refunds.iter().filter(|refund| refund.1 == payment).map(|refund| refund.2).sum()
    }

    /// Where it stands at `now`.
    pub(crate) fn stands(&self, now: u64, window: u64) -> OrderState {
        let after = &self.after;
        if self.state != OrderState::Confirmed {
            return self.state;
        }
        let (payment, paid) = self.payment.expect("it is paid");
        let out = self.quantity() - self.all_open();
        OrderState::After(match after.delivered {
            _ if after.closed => AfterState::Closed,
            _ if self.quantity() == 0 && self.back(payment) >= paid.raw() => AfterState::Refunded,
            _ if self.quantity() == 0 => AfterState::RefundDue,
            _ if self.short() > 0 => AfterState::Shortfall,
            Some(at) if at + window <= now => AfterState::Closed,
            Some(_) => AfterState::Delivered,
            None if out > 0 && self.all_open() == 0 => AfterState::Shipped,
            None if out > 0 => AfterState::PartShipped,
            None if after.fulfilling => AfterState::Fulfilling,
            None => return OrderState::Confirmed,
        })
    }

    /// Payments that were to be paid back and have not been, so far as is remembered.
    pub(crate) fn refunds_left(&self) -> usize {
        self.refunds.iter().filter(|(id, amount)| self.back(*id) < amount.raw().max(1)).count()
    }
}

impl Model {
    fn goods_mut(&mut self, sku: SkuId) -> &mut ModelGoods {
        &mut self.skus.iter_mut().find(|known| known.put.sku == sku).expect("known").goods
    }

    pub(crate) fn goods(&self, sku: SkuId) -> ModelGoods {
        self.skus
            .iter()
            .find(|known| known.put.sku == sku)
            .map_or_else(ModelGoods::default, |known| known.goods)
    }

    pub(crate) fn on_hand(&self, sku: SkuId) -> u64 {
        let goods = self.goods(sku);
        self.available(sku) + self.held(sku) + self.sold(sku) - goods.shipped - goods.short
    }

    pub(super) fn after(&mut self, now: u64, command: &AfterCommand, lines: &[Line]) -> Outcome {
        match command {
            AfterCommand::Advance(advance) => self.advance(now, advance, lines),
            AfterCommand::Refund(refund) => self.refund(now, refund),
            AfterCommand::Count(count) => self.count(now, count),
            AfterCommand::Inspect(inspect) => self.inspect(inspect),
            AfterCommand::Name(_) => unreachable!("nobody asks for it"),
        }
    }

    fn replayed_now(order: &ModelOrder, now: u64, window: u64) -> Outcome {
        let deadline = Timestamp::new(order.deadline);
        Outcome::Replayed { order: Some(order.number), state: Some(order.stands(now, window)), deadline }
    }

    /// Steps of the whole order.
    fn whole(now: u64, order: &mut ModelOrder, step: Step, window: u64) -> Outcome {
        let state = order.stands(now, window);
        let replayed = Self::replayed_now(order, now, window);
        let wrong = refuse(AfterRefusal::OrderState { state });
        let short = u64::from(order.short());
        let (done, may) = match step {
            Step::Fulfil => (order.after.fulfilling, order.all_open() > 0),
            Step::Deliver => (order.after.delivered.is_some(), order.all_open() == 0 && order.quantity() > 0),
            _ => (order.after.closed, order.all_open() == 0),
        };
        if done {
            return replayed;
        }
        if !may || order.after.closed {
            return wrong;
        }
        if short > 0 {
            return refuse(AfterRefusal::Shortfall { units: short });
        }
        match step {
            Step::Fulfil => order.after.fulfilling = true,
            Step::Deliver => order.after.delivered = Some(now),
            _ => order.after.closed = true,
        }
        (order.after.under_way, order.heard_at) = (true, now);
        let (order, state) = (order.number, order.stands(now, window));
        Outcome::After(AfterOutcome::Advanced { order, state, units: 0 })
    }

    fn advance(&mut self, now: u64, advance: &Advance, named: &[Line]) -> Outcome {
        let window = self.rules.return_window_ms;
        let order = match self.owned(advance.order, advance.user) {
            Ok(order) => order,
            Err(outcome) => return outcome,
        };
        let state = order.stands(now, window);
        let replayed = Self::replayed_now(order, now, window);
        let wrong = refuse(AfterRefusal::OrderState { state });
        if order.state != OrderState::Confirmed {
            return wrong;
        }
        order.after.lines.resize(order.lines.len(), ModelLine::default());
        let whole = matches!(advance.step, Step::Fulfil | Step::Deliver | Step::Close);
        if whole && named.is_empty() {
            return Self::whole(now, order, advance.step, window);
        } else if whole {
            return Outcome::Refused(Refusal::Invalid { field: Field::Lines });
        }
        let short = u64::from(order.short());
        let mut steps = Vec::new();
        let reached = |order: &ModelOrder, nth: usize| {
            let line = order.after.lines[nth];
            match advance.step {
                Step::Ship => (line.shipped, order.lines[nth].units + line.returned),
                Step::Cancel => (line.cancelled, line.cancelled + order.open(nth)),
                _ => (line.returned, line.shipped),
            }
        };
        let window_over = match (advance.step, order.after.delivered) {
            (Step::Return(_), Some(at)) if at + window <= now => Some(at + window),
            _ => None,
        };
        let mut late = false;
        let mut known = 0;
        let mut fault = None;
        for line in named {
            let refused = |refusal| {
                let sku = line.sku;
                if named.len() == 1 {
                    Outcome::Refused(refusal)
                } else {
                    Outcome::LineRefused { sku, refusal }
                }
            };
            let Some(nth) = order.lines.iter().position(|known| known.sku == line.sku) else {
                fault = fault.or(Some(refused(Refusal::Invalid { field: Field::Lines })));
                continue;
            };
            let (by_now, most) = reached(order, nth);
            late |= line.units.min(most) > by_now;
            if line.units > most {
                let refusal = match advance.step {
                    Step::Ship => AfterRefusal::ShipExceeds { left: most },
                    Step::Cancel => AfterRefusal::CancelExceeds { left: most },
                    _ => AfterRefusal::ReturnExceeds { left: most },
                };
                fault = fault.or(Some(refused(Refusal::After(refusal))));
            }
            known += by_now;
            steps.push((nth, line.units.saturating_sub(by_now)));
        }
        if named.is_empty() {
            for nth in 0..order.lines.len() {
                let (by_now, most) = reached(order, nth);
                late |= most > by_now;
                known += by_now;
                steps.push((nth, most - by_now));
            }
        }
        if let (Some(until), true) = (window_over, late) {
            return refuse(AfterRefusal::ReturnWindow { until: Timestamp::new(until) });
        }
        if let Some(fault) = fault {
            return fault;
        }
        let units: u32 = steps.iter().map(|(_, units)| units).sum();
        if units == 0 {
            return if known > 0 || !named.is_empty() { replayed } else { wrong };
        }
        if order.after.closed {
            return wrong;
        }
        if advance.step == Step::Ship && short > 0 {
            return refuse(AfterRefusal::Shortfall { units: short });
        }
        if advance.step == Step::Ship {
            // Paid units that no order in memory has may be missing, too.
            let order = order.clone();
            let missing = steps
                .iter()
                .map(|(nth, units)| u64::from(*units).saturating_sub(self.on_hand(order.lines[*nth].sku)));
            if let Some(units) = missing.max().filter(|units| *units > 0) {
                return refuse(AfterRefusal::Shortfall { units });
            }
        }
        let order = self.owned(advance.order, advance.user).expect("known");
        let moved = Self::move_lines(order, advance.step, steps);
        (order.after.under_way, order.heard_at) = (true, now);
        let outcome = AfterOutcome::Advanced { order: order.number, state: order.stands(now, window), units };
        self.move_goods(advance.step, moved);
        Outcome::After(outcome)
    }

    fn move_lines(order: &mut ModelOrder, step: Step, steps: Vec<(usize, u32)>) -> Vec<(SkuId, u64)> {
        let mut moved = Vec::new();
        for (nth, units) in steps {
            let open = order.open(nth);
            let line = &mut order.after.lines[nth];
            match step {
                Step::Ship => {
                    line.shipped += units;
                    order.after.fulfilling |= units > 0;
                }
                Step::Cancel => {
                    line.cancelled += units;
                    line.short = line.short.min(open - units);
                    order.lines[nth].units -= units;
                }
                _ => {
                    line.returned += units;
                    order.lines[nth].units -= units;
                }
            }
            moved.push((order.lines[nth].sku, u64::from(units)));
        }
        moved
    }

    fn move_goods(&mut self, step: Step, moved: Vec<(SkuId, u64)>) {
        for (sku, units) in moved {
            let goods = self.goods_mut(sku);
            match step {
                Step::Ship => goods.shipped += units,
                Step::Return(to) => {
                    goods.shipped -= units;
                    match to {
                        Disposition::Restock => {}
                        Disposition::Quarantine => goods.quarantine += units,
                        Disposition::Scrap => goods.scrapped += units,
                    }
                    if to != Disposition::Restock {
                        self.sku_mut(sku).stocked -= i128::from(units);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn sku_mut(&mut self, sku: SkuId) -> &mut super::ModelSku {
        self.skus.iter_mut().find(|known| known.put.sku == sku).expect("known")
    }

    fn refund(&mut self, now: u64, refund: &Refund) -> Outcome {
        let window = self.rules.return_window_ms;
        let invalid = |field| Outcome::Refused(Refusal::Invalid { field });
        if refund.refund == RefundId::new(0) {
            return invalid(Field::RefundId);
        }
        if refund.amount == Amount::new(0) {
            return invalid(Field::Amount);
        }
        let order = match self.owned(refund.order, refund.user) {
            Ok(order) => order,
            Err(outcome) => return outcome,
        };
        if let Some(known) = order.after.refunds.iter().find(|known| known.0 == refund.refund) {
            return if *known == (refund.refund, refund.payment, refund.amount.raw()) {
                Self::replayed_now(order, now, window)
            } else {
                refuse(AfterRefusal::RefundDiffers)
            };
        }
        let paid = order.payment.iter().chain(&order.refunds).find(|(id, _)| *id == refund.payment);
        let Some((_, paid)) = paid.copied() else { return refuse(AfterRefusal::NoSuchPayment) };
        let left = paid.raw() - order.back(refund.payment);
        if refund.amount.raw() > left {
            return refuse(AfterRefusal::RefundExceeds { left: Amount::new(left) });
        }
        order.after.refunds.push((refund.refund, refund.payment, refund.amount.raw()));
        order.heard_at = now;
        Outcome::After(AfterOutcome::PaidBack {
            order: order.number,
            state: order.stands(now, window),
            left: Amount::new(left - refund.amount.raw()),
        })
    }

    fn count(&mut self, now: u64, count: &Count) -> Outcome {
        let sku = count.sku;
        if !self.skus.iter().any(|known| known.put.sku == sku) {
            return Outcome::Refused(Refusal::UnknownSku);
        }
        let as_of = count.as_of.raw();
        if as_of > now + self.rules.future_tolerance_ms {
            return Outcome::Refused(Refusal::Invalid { field: Field::AsOf });
        }
        match self.goods(sku).last {
            Some(last) if last == (as_of, count.on_hand) => {
                return Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) };
            }
            Some((latest, _)) if as_of <= latest => {
                return refuse(AfterRefusal::StaleWatermark { latest: Timestamp::new(latest) });
            }
            _ => {}
        }
        let found = self.on_hand(sku);
        if count.expected.is_some_and(|expected| expected != found) {
            return Outcome::Refused(Refusal::CasMismatch { found });
        }
        let available = self.available(sku);
        let known = self.sku_mut(sku);
        known.goods.last = Some((as_of, count.on_hand));
        // All units that are free or missing make up the difference.
        let rest = i128::from(count.on_hand) - i128::from(found) + i128::from(available)
            - i128::from(known.goods.short);
        let (free, short) = (u64::try_from(rest.max(0)).unwrap(), u64::try_from((-rest).max(0)).unwrap());
        known.stocked += i128::from(free) - i128::from(available);
        known.goods.short = short;
        Outcome::After(AfterOutcome::Counted { available: free, short })
    }

    fn inspect(&mut self, inspect: &Inspect) -> Outcome {
        let &Inspect { sku, units, to, expected, .. } = inspect;
        if !self.skus.iter().any(|known| known.put.sku == sku) {
            return Outcome::Refused(Refusal::UnknownSku);
        }
        let found = self.goods(sku).quarantine;
        if to == Disposition::Quarantine {
            return Outcome::Refused(Refusal::Invalid { field: Field::Disposition });
        }
        if units == 0 {
            return Outcome::Refused(Refusal::Invalid { field: Field::Units });
        }
        if found != expected {
            return Outcome::Refused(Refusal::CasMismatch { found });
        }
        if units > found {
            return Outcome::Refused(Refusal::Insufficient { available: found });
        }
        let known = self.sku_mut(sku);
        known.goods.quarantine -= units;
        match to {
            Disposition::Scrap => known.goods.scrapped += units,
            _ => known.stocked += i128::from(units),
        }
        Outcome::After(AfterOutcome::Inspected { quarantine: found - units })
    }

    /// Says of a paid order where it stands.
    pub(super) fn restated(&self, now: u64, outcome: Outcome) -> Outcome {
        let stands = |number: OrderNumber| {
            let order = self.orders.iter().find(|order| order.number == number).expect("known");
            order.stands(now, self.rules.return_window_ms)
        };
        match outcome {
            Outcome::Replayed { order: Some(order), deadline, .. } => {
                Outcome::Replayed { order: Some(order), state: Some(stands(order)), deadline }
            }
            Outcome::RefundRequired { order, .. } => Outcome::RefundRequired { order, state: stands(order) },
            other => other,
        }
    }

    /// Whether an order may leave memory.
    pub(super) fn may_leave(&self, order: &ModelOrder, now: u64) {
        let window = self.rules.return_window_ms;
        let ended = if order.after.under_way {
            let state = order.stands(now, window);
            let over = matches!(state, OrderState::After(AfterState::Closed | AfterState::Refunded));
            assert!(over, "an order leaves that is under way: {order:?}");
            order.heard_at + self.rules.order_retention_ms
        } else if order.state == OrderState::Confirmed {
            order.ended_at + self.rules.paid_retention_ms
        } else {
            order.ended_at + self.rules.order_retention_ms
        };
        assert!(ended <= now, "an order is evicted early: {order:?}");
    }
}
