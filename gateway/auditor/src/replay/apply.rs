//! Each record, added up.

use super::{Checkpoint, Replay, Share, State};
use crate::record::Entry;

impl Replay {
    /// Adds a record up; gives the SKU that it concerns.
    pub(super) fn apply(&mut self, entry: Entry) -> Option<u64> {
        match entry {
            Entry::Put { .. }
            | Entry::Limits { .. }
            | Entry::Frozen { .. }
            | Entry::Restocked { .. }
            | Entry::Channel { .. }
            | Entry::Rebalanced { .. } => self.stock(entry),
            Entry::Reserved { placed } => Some(self.reserved(placed)),
            Entry::Waitlisted { placed, until } => Some(self.waitlisted(placed, until)),
            Entry::Offered { order, deadline, at } => self.offered(order, deadline, at),
            Entry::Moved { order, deadline, at } => self.moved(order, deadline, at),
            Entry::Grace { until, at } => {
                self.passes(at);
                for order in self.orders.values_mut().filter(|order| order.state == State::Held) {
                    order.deadline = order.deadline.max(until);
                }
                None
            }
            Entry::Confirmed { paid, at } => self.confirmed(paid, at),
            Entry::Reacquired { paid, at } => self.reacquired(paid, at),
            Entry::RefundRequired { paid, at } => {
                self.refund(paid, at);
                None
            }
            Entry::Mismatched { at, .. } => {
                self.passes(at);
                None
            }
            Entry::Cancelled { order, at } => Some(self.end(order, State::Cancelled, at)?.placed.sku),
            Entry::Expired { order, at } => self.expired(order, at),
            Entry::Evicted { order, at } => {
                self.evict(order, at);
                None
            }
            Entry::Superseded { order, at } => Some(self.end(order, State::Superseded, at)?.placed.sku),
            Entry::Cut { order, units, amount, at } => self.cut(order, units, amount, at),
            Entry::Leg { change, leg } => {
                self.passes(leg.at);
                self.leg(change, Share::of_leg(&leg), leg.gifts);
                Some(leg.sku)
            }
            Entry::Campaign(change) => {
                self.prices.change(change);
                None
            }
            Entry::After(after) => self.after(after),
            Entry::Budget(entry) => {
                self.budgets.change(self.position, entry);
                None
            }
            Entry::Checkpoint { digest, at } => {
                self.passes(at);
                let (count, _) = self.checkpoints;
                let position = self.position.saturating_sub(1);
                self.checkpoints = (count + 1, Some(Checkpoint { digest, position, at }));
                None
            }
            Entry::Other => None,
        }
    }

    /// Time goes on.
    pub(super) fn passes(&mut self, at: u64) {
        self.latest = self.latest.max(at);
    }
}
