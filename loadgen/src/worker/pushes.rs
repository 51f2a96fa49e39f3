//! Shoppers who wait and are told by the server.

use doorbuster_protocol::{Answer, Code, OrderState, Push};

use super::Worker;
use super::flight::Plan;
use crate::population::Step;

impl Worker {
    /// The answer to a shopper who asked to be told.
    pub(super) fn watched(&mut self, plan: Plan, answer: &Answer, now_ns: u64) {
        let state = OrderState::from_byte(answer.state).filter(|_| answer.code == Code::Ok.number());
        match state {
            Some(OrderState::Waiting) => {
                self.watched.insert(answer.order, plan.attempt);
            }
            Some(OrderState::Held | OrderState::Paying) => self.take_offer(plan.attempt, answer.at, now_ns),
            // Too many watch: he looks himself.
            _ if answer.code == Code::CapacityExceeded.number() => self.poll_later(plan.attempt, now_ns),
            // It ended, or is asked again.
            _ => {}
        }
    }

    /// The server tells of an order.
    pub(super) fn pushed(&mut self, push: &Push, now_ns: u64) {
        let Some(attempt) = self.watched.remove(&push.order) else {
            self.journal.faults.note(|| format!("a push of order {}, which nobody watches", push.order));
            return;
        };
        if push.state == OrderState::Held.byte() {
            let offered_ns = push.at.saturating_sub(self.server_start_ms) * 1_000_000;
            self.task.recorder.pushed(offered_ns, now_ns);
            self.take_offer(attempt, push.expires_at, now_ns);
        }
    }

    /// What a connection watched is forgotten with it.
    pub(super) fn watch_again(&mut self, token: usize) {
        let now_ns = self.now_ns();
        let (links, attempts) = (self.links.len(), &self.journal.attempts);
        let lane = |attempt: u32| attempts.get(attempt as usize).map(|attempt| attempt.user as usize % links);
        let lost: Vec<_> = self
            .watched
            .iter()
            .filter(|watched| lane(*watched.1) == Some(token))
            .map(|(o, a)| (*o, *a))
            .collect();
        for (order, attempt) in lost {
            self.watched.remove(&order);
            self.plan(now_ns, attempt, Step::Watch);
        }
    }

    /// A shopper has units after all, until then, server milliseconds.
    pub(super) fn take_offer(&mut self, attempt: u32, expires_at: u64, now_ns: u64) {
        let left_ms = expires_at.saturating_sub(self.server_ms(now_ns));
        let script = self.task.population.offer_script(left_ms * 1_000_000);
        self.follow_script(attempt, &script, now_ns);
    }
}
