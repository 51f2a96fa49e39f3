//! What shoppers send who claim a discount.

use doorbuster_protocol::{Kind, Line, ReserveClaims, ReserveOrder};

use super::flight::{Errand, Plan};
use super::{AMOUNT, Worker};
use crate::population::Step;
use crate::recorder::Operation;

impl Worker {
    /// Sends a purchase of one unit, with the discount that every purchase claims.
    pub(super) fn reserve_claim(&mut self, plan: Plan, now_ns: u64) {
        let Some(entry) = self.journal.attempts.get(plan.attempt as usize).copied() else { return };
        let Some((budget, cents)) = self.task.claim else { return };
        let order = ReserveOrder {
            request_id: entry.request_id,
            user: u64::from(entry.user),
            amount: AMOUNT,
            hold_ms: self.task.hold_ms,
            channel: entry.channel,
            lines: vec![Line {
                sku: self.task.first_sku + u64::from(entry.sku),
                quantity: 1,
                ..Line::default()
            }],
            ..ReserveOrder::default()
        };
        let operation = if plan.step == Step::Reserve { Operation::Reserve } else { Operation::Repeat };
        let errand = Errand { operation, plan: Some(plan), payment: u32::MAX, due_ns: plan.due_ns };
        let claims = ReserveClaims::of(order).discount(budget, cents);
        self.send(errand, Kind::ReserveClaims, &claims, entry.user, now_ns);
    }
}
