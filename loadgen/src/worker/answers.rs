//! What an answer leads to: it is written into the account, and its shopper plans what he does next.

use doorbuster_protocol::{Answer, Class, Code, OrderState, OrderView};

use super::Worker;
use super::flight::{Content, Errand, Flight, Plan, Reply};
use crate::journal::{Exhausted, Placing, Refusal, is_done};
use crate::population::Step;

impl Worker {
    /// Takes an answer; returns its code's class, or none if nothing was asked.
    pub(super) fn answered(&mut self, reply: &Reply, now_ns: u64) -> Option<Class> {
        let index = usize::try_from(reply.correlation).unwrap_or(usize::MAX);
        let Some(flight) = self.flights.get_mut(index).filter(|flight| flight.open) else {
            let line = || format!("an answer to nothing that was asked: correlation {index}");
            self.journal.faults.note(line);
            return None;
        };
        flight.open = false;
        let flight = *flight;
        self.free.push(u32::try_from(index).unwrap_or(u32::MAX));
        let Errand { operation, plan, due_ns, .. } = flight.errand;
        self.task.recorder.answered(operation, reply.code, due_ns, flight.sent_ns, now_ns);
        self.seen = self.seen.max(reply.position);
        let class = Code::from_number(reply.code).map_or(Class::Final, Code::class);
        if let Some(plan) = plan {
            self.note(&flight, plan, reply, now_ns);
            if class == Class::Retry
                && !flight.overdue
                && self.try_again(plan, reply.retry_after_ms, now_ns)
                && reply.code == Code::ShuttingDown.number()
            {
                self.task.recorder.broken_off(now_ns);
            }
        }
        Some(class)
    }

    fn note(&mut self, flight: &Flight, plan: Plan, reply: &Reply, now_ns: u64) {
        match (plan.step, &reply.content) {
            (Step::Reserve, Content::Answer(answer)) => {
                self.placed(flight, plan, answer, Placing::Reserve, reply.position, now_ns);
            }
            (Step::Repeat, Content::Answer(answer)) => {
                self.placed(flight, plan, answer, Placing::Repeat, reply.position, now_ns);
            }
            (Step::Wait, Content::Answer(answer)) => {
                self.placed(flight, plan, answer, Placing::Wait, reply.position, now_ns);
            }
            (Step::Poll, Content::Order(view)) => self.looked(plan, view, now_ns),
            (Step::Watch, Content::Answer(answer)) => self.watched(plan, answer, now_ns),
            (Step::Pay(_) | Step::PayPart(_), _) => self.journal.confirmed(flight.errand.payment, reply.code),
            (Step::Cancel, _) => self.journal.cancelled(plan.attempt, reply.code),
            (Step::Cut, _) => {
                // A copy may be refused after another one was accepted.
                let done = is_done(reply.code);
                if let Some(basket) =
                    self.journal.basket_mut(plan.attempt).filter(|basket| done || basket.cut == 0)
                {
                    basket.cut = reply.code;
                }
            }
            (
                Step::Reserve
                | Step::Repeat
                | Step::Wait
                | Step::Poll
                | Step::Watch
                | Step::Begin(_)
                | Step::Fail(_)
                | Step::Swap,
                _,
            ) => {}
        }
    }

    /// An answer to a request that was to place an order.
    fn placed(
        &mut self,
        flight: &Flight,
        plan: Plan,
        answer: &Answer,
        placing: Placing,
        position: u64,
        now_ns: u64,
    ) {
        if self.journal.placed(plan.attempt, answer, placing) {
            if answer.state == OrderState::Waiting.byte() {
                if self.task.population.watches() {
                    self.plan(now_ns, plan.attempt, Step::Watch);
                } else {
                    self.poll_later(plan.attempt, now_ns);
                }
            } else {
                let mut script = self.task.population.script(u64::from(self.task.hold_ms) * 1_000_000);
                let attempt = self.journal.attempts.get(plan.attempt as usize);
                if let Some(basket) = attempt.and_then(|attempt| self.journal.basket_of(attempt)) {
                    self.task.population.change_of_mind(basket, &mut script);
                }
                self.follow_script(plan.attempt, &script, now_ns);
            }
        }
        if answer.code == Code::BudgetExhausted.number() {
            self.journal.exhausted(Exhausted { after: flight.after, until: position });
        }
        let sold_out = answer.code == Code::SoldOut.number();
        if sold_out || answer.code == Code::ChannelExhausted.number() {
            let refusal = self.refusal(plan.attempt, answer, flight.after, position);
            self.journal.refused(refusal);
        }
        if placing == Placing::Reserve {
            self.come_again(plan.attempt, answer, now_ns);
        }
        if sold_out && placing == Placing::Reserve && self.task.population.waits() {
            self.plan(now_ns, plan.attempt, Step::Wait);
        }
    }

    fn refusal(&self, attempt: u32, answer: &Answer, after: u64, until: u64) -> Refusal {
        let attempt = self.journal.attempts.get(attempt as usize).copied().unwrap_or_default();
        // Where a line of several is refused, the answer names its SKU.
        let sku = match answer.order {
            0 => attempt.sku,
            line => u32::try_from(line.wrapping_sub(self.task.first_sku)).unwrap_or(u32::MAX),
        };
        let channel = (answer.code == Code::ChannelExhausted.number()).then_some(attempt.channel);
        Refusal { sku, channel, after, until }
    }

    /// A shopper has looked at his order that waited.
    fn looked(&mut self, plan: Plan, view: &OrderView, now_ns: u64) {
        match OrderState::from_byte(view.state).filter(|_| view.code == Code::Ok.number()) {
            Some(OrderState::Waiting) => self.poll_later(plan.attempt, now_ns),
            Some(OrderState::Held | OrderState::Paying) => {
                self.take_offer(plan.attempt, view.expires_at, now_ns);
            }
            // It ended: there is nothing to do.
            Some(
                OrderState::Confirmed
                | OrderState::Fulfilling
                | OrderState::PartShipped
                | OrderState::Shipped
                | OrderState::Delivered
                | OrderState::Closed
                | OrderState::Shortfall
                | OrderState::RefundDue
                | OrderState::Refunded
                | OrderState::Cancelled
                | OrderState::Expired
                | OrderState::Restocked
                | OrderState::Superseded
                | OrderState::Lapsed,
            )
            | None => {}
        }
    }

    pub(super) fn poll_later(&mut self, attempt: u32, now_ns: u64) {
        if self.settled {
            return;
        }
        let pause_ns = self.task.population.poll_pause_ns();
        self.plan(now_ns + pause_ns, attempt, Step::Poll);
    }

    pub(super) fn follow_script(&mut self, attempt: u32, script: &[(u64, Step)], now_ns: u64) {
        for &(delay, step) in script {
            self.plan(now_ns + delay, attempt, step);
        }
    }

    /// The server has executed nothing and says that the same may be sent again. False if that won't be done.
    pub(super) fn try_again(&mut self, plan: Plan, retry_after_ms: u32, now_ns: u64) -> bool {
        let tries = plan.tries.saturating_add(1);
        let jitter = self.task.population.jitter();
        let hasty = self.task.population.is_hasty(self.budget.hasty_share());
        let pause_ns = self.budget.pause_ns(tries, retry_after_ms, jitter, hasty);
        if let Some(pause_ns) = pause_ns {
            self.plan_again(Plan { due_ns: now_ns + pause_ns, tries, ..plan });
        }
        pause_ns.is_some()
    }
}
