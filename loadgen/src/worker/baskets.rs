//! What shoppers send about orders with several lines.

use doorbuster_protocol::{CancelLines, ConfirmLines, Kind, Line, LineUnits, ReserveOrder};

use super::flight::{Errand, Plan};
use super::{AMOUNT, Worker};
use crate::journal::{Attempt, Basket, Extent, Payment};
use crate::population::Step;
use crate::recorder::Operation;

impl Worker {
    /// Draws what a purchase asks for, where that may be several lines.
    pub(super) fn fill(&mut self, entry: &mut Attempt, instead_of: u32) {
        let Some(lines) = self.task.population.basket(entry.sku) else { return };
        let basket = Basket { lines, instead_of, ..Basket::default() };
        entry.sku = basket.summed().first().map_or(entry.sku, |line| line.sku);
        entry.basket = self.journal.ask_for(basket);
    }

    /// Sends a purchase's lines; a repeat has them in the other order.
    pub(super) fn reserve_order(&mut self, plan: Plan, now_ns: u64) {
        let Some(entry) = self.journal.attempts.get(plan.attempt as usize).copied() else { return };
        let Some(basket) = self.journal.basket_of(&entry) else { return };
        let line = |line: &crate::journal::BasketLine| Line {
            sku: self.task.first_sku + u64::from(line.sku),
            quantity: line.units,
            gift: u8::from(line.gift),
            ..Line::default()
        };
        let mut lines: Vec<Line> = basket.lines.iter().map(line).collect();
        let operation = match (plan.step, basket.instead_of) {
            (Step::Repeat, _) => {
                lines.reverse();
                Operation::Repeat
            }
            (_, 0) => Operation::Reserve,
            (_, _) => Operation::Swap,
        };
        let old = self.journal.attempts.get((basket.instead_of as usize).wrapping_sub(1));
        let order = ReserveOrder {
            request_id: entry.request_id,
            user: u64::from(entry.user),
            amount: AMOUNT,
            hold_ms: self.task.hold_ms,
            channel: entry.channel,
            supersedes: old.map_or(0, |old| old.order),
            lines,
            ..ReserveOrder::default()
        };
        let errand = Errand { operation, plan: Some(plan), payment: u32::MAX, due_ns: plan.due_ns };
        self.send(errand, Kind::ReserveOrder, &order, entry.user, now_ns);
    }

    /// Pays a part of an order, gives a part back, or wants other SKUs instead.
    pub(super) fn change(&mut self, plan: Plan, now_ns: u64) {
        let Some(entry) = self.journal.attempts.get(plan.attempt as usize).copied() else { return };
        let Some(basket) = self.journal.basket_of(&entry) else { return };
        let first_sku = self.task.first_sku;
        let (order, user) = (entry.order, u64::from(entry.user));
        let units = |&(sku, units): &(u32, u32)| LineUnits { sku: first_sku + u64::from(sku), units };
        let errand =
            |operation, payment| Errand { operation, plan: Some(plan), payment, due_ns: plan.due_ns };
        match plan.step {
            Step::PayPart(ordinal) => {
                let Some(part) = basket.part() else { return };
                let payment = self.journal.payment(plan.attempt, ordinal);
                let Some(paid) = self.journal.payments.get_mut(payment as usize) else { return };
                paid.extent = Extent::Part;
                let confirm = ConfirmLines {
                    order,
                    user,
                    payment_id: Payment::id(entry.request_id, ordinal),
                    amount: paid.amount(),
                    lines: part.iter().map(units).collect(),
                };
                let errand = errand(Operation::PayPart, payment);
                if self.send(errand, Kind::ConfirmLines, &confirm, entry.user, now_ns) {
                    self.journal.confirms(payment);
                }
            }
            Step::Cut => {
                let Some(left) = basket.cut_to() else { return };
                let lines = vec![units(&left)];
                let cancel = CancelLines { order, user, amount: 0, reason: 1, lines };
                let errand = errand(Operation::Cut, u32::MAX);
                if self.send(errand, Kind::CancelLines, &cancel, entry.user, now_ns)
                    && let Some(basket) = self.journal.basket_mut(plan.attempt)
                {
                    basket.cuts = true;
                }
            }
            Step::Swap => self.swap(plan, &entry, now_ns),
            Step::Reserve
            | Step::Repeat
            | Step::Wait
            | Step::Poll
            | Step::Watch
            | Step::Begin(_)
            | Step::Fail(_)
            | Step::Pay(_)
            | Step::Cancel => {}
        }
    }

    /// A new purchase that takes the place of an open hold.
    fn swap(&mut self, plan: Plan, old: &Attempt, now_ns: u64) {
        let request_id = self.ids.make(self.server_ms(plan.due_ns));
        let sku = self.task.population.sku();
        let Attempt { user, channel, .. } = *old;
        let mut entry = Attempt { request_id, user, sku, channel, ..Attempt::default() };
        self.fill(&mut entry, plan.attempt + 1);
        let heir = self.journal.begin(entry);
        if let Some(basket) = self.journal.basket_mut(plan.attempt) {
            basket.replaced_by = heir + 1;
        }
        self.follow(Plan { due_ns: plan.due_ns, attempt: heir, step: Step::Reserve, tries: 0 }, now_ns);
    }
}
