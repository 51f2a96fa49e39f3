//! What becomes of orders.

use super::lines::Waiter;
use super::units::Source;
use super::{Ends, Order, Replay, Share, State};
use crate::record::{Paid, Placed, has_legs};

/// Payments to be refunded of one order that the engine tells apart for sure; of those beyond, one may be written twice.
const REMEMBERED_REFUNDS: u32 = 8;

impl Replay {
    /// What a payment came to.
    fn ends(&mut self, paid: Paid, bought: bool) {
        let ends = self.payments.entry((paid.order, paid.payment_id)).or_default();
        ends.amount = paid.amount;
        if bought {
            ends.bought += 1;
        } else {
            ends.refunds += 1;
        }
        let Ends { bought, refunds, .. } = *ends;
        if bought > 1 || (bought == 1 && (1..=REMEMBERED_REFUNDS).contains(&refunds)) {
            let order = paid.order;
            self.faults.note(|| {
                format!("log: one payment bought order {order} {bought} times and is to be refunded {refunds} times")
            });
        }
    }

    pub(super) fn reserved(&mut self, placed: Placed) -> u64 {
        self.passes(placed.at);
        self.prices.placed(&placed);
        let Placed { order, sku, quantity, at, .. } = placed;
        let held = Order::new(placed, State::Held, at.saturating_add(u64::from(placed.hold_ms)));
        self.legs.touch(order);
        if !has_legs(order) {
            let free = self.free(sku);
            let limits = self.limits(sku, at);
            let Self { lines, owned, .. } = self;
            lines.newcomer(sku, (order, quantity), free, at, |user, more| {
                owned.allows(limits, sku, user, more)
            });
            if quantity > limits.order {
                let most = limits.order;
                self.faults.note(|| {
                    format!(
                        "log: order {order} has {quantity} units of SKU {sku}, and an order may have {most}"
                    )
                });
            }
            self.take(Share::of(&held, at));
        }
        self.placed(held);
        if let Some(claim) = placed.claim {
            self.budgets.claim(self.position, order, claim);
        }
        sku
    }

    /// An order is placed that waits for units.
    pub(super) fn waitlisted(&mut self, placed: Placed, until: u64) -> u64 {
        self.passes(placed.at);
        let Placed { order, sku, quantity, user, .. } = placed;
        self.placed(Order::new(placed, State::Waiting, until));
        self.lines.join(sku, order, Waiter { user, quantity, until });
        sku
    }

    /// The time of a hold or a wait is over.
    pub(super) fn expired(&mut self, order: u64, at: u64) -> Option<u64> {
        let due = self.orders.get(&order).filter(|order| order.state.is_open()).map(|order| order.deadline);
        if let Some(deadline) = due.filter(|deadline| at < *deadline) {
            self.faults
                .note(|| format!("log: order {order} runs out at {at}, and its time ends at {deadline}"));
        }
        Some(self.end(order, State::Expired, at)?.placed.sku)
    }

    /// A payment bought nothing.
    pub(super) fn refund(&mut self, paid: Paid, at: u64) {
        self.passes(at);
        self.ends(paid, false);
        if !self.orders.contains_key(&paid.order) {
            let order = paid.order;
            self.faults.note(|| format!("log: a refund for order {order}, which was never placed"));
        }
    }

    fn placed(&mut self, order: Order) {
        let Placed { order: number, request_id, sku, .. } = order.placed;
        let before = self.requests.insert((request_id, sku), number).filter(|before| *before != number);
        if let Some(before) = before {
            self.faults.note(|| format!("log: one request placed order {before} and order {number}"));
        }
        if self.orders.insert(number, order).is_some() {
            self.faults.note(|| format!("log: order {number} is placed twice"));
        }
    }

    /// Part of an open order goes back for good; where it has several lines, their own records move the units.
    pub(super) fn cut(&mut self, number: u64, units: u32, amount: u64, at: u64) -> Option<u64> {
        self.passes(at);
        self.legs.touch(number);
        let block = self.block;
        let Some(order) = self.orders.get_mut(&number).filter(|o| o.state == State::Held && o.units > units)
        else {
            self.faults
                .note(|| format!("log: {units} units of order {number} go back, and it holds no more"));
            return None;
        };
        let before = order.units;
        order.units -= units;
        order.amount = amount;
        order.cut_in = Some(block);
        self.budgets.cut(self.position, number, before, order.units);
        let part = Share { units, ..Share::of(order, at) };
        if !has_legs(number) {
            self.give_back(part, Source::Held);
        }
        Some(part.sku)
    }

    pub(super) fn offered(&mut self, number: u64, deadline: u64, at: u64) -> Option<u64> {
        self.passes(at);
        let waiting = self.orders.get_mut(&number).filter(|order| order.state == State::Waiting);
        let Some(order) = waiting else {
            self.faults.note(|| format!("log: order {number} gets units and didn't wait"));
            return None;
        };
        (order.state, order.deadline) = (State::Held, deadline);
        let share = Share::of(order, at);
        let sku = share.sku;
        let (free, limits) = (self.free(sku), self.limits(sku, at));
        let Self { lines, owned, .. } = self;
        lines.offer(sku, number, free, at, |user, more| owned.allows(limits, sku, user, more));
        self.take(share);
        Some(sku)
    }

    /// A hold's deadline is moved, by a payment or by its shopper.
    pub(super) fn moved(&mut self, number: u64, deadline: u64, at: u64) -> Option<u64> {
        self.passes(at);
        let held =
            self.orders.get_mut(&number).filter(|order| order.state == State::Held && at < order.deadline);
        let Some(order) = held else {
            self.faults.note(|| {
                format!("log: the time of order {number} is moved at {at}, and it held nothing then")
            });
            return None;
        };
        order.deadline = deadline;
        None
    }

    /// A payment buys a hold that isn't over.
    pub(super) fn confirmed(&mut self, paid: Paid, at: u64) -> Option<u64> {
        self.ends(paid, true);
        let held = self.orders.get(&paid.order).filter(|order| order.state == State::Held);
        if let Some(deadline) = held.map(|order| order.deadline).filter(|deadline| at >= *deadline) {
            let order = paid.order;
            self.faults.note(|| {
                format!(
                    "log: order {order} is paid at {at} as if it were held, and its hold ended at {deadline}"
                )
            });
        }
        self.is_due(paid);
        let found = self.end(paid.order, State::Confirmed, at)?;
        found.payment_id = paid.payment_id;
        Some(found.placed.sku)
    }

    /// What bought an order must be what was due, or less if the rest of it is given back with the payment.
    fn is_due(&mut self, paid: Paid) {
        let Paid { order: number, amount, .. } = paid;
        let Some(order) = self.orders.get(&number) else { return };
        let due = order.amount;
        let in_part = order.cut_in == Some(self.block) && amount < due;
        if due != 0 && due != amount && !in_part {
            self.faults.note(|| format!("log: order {number} is bought for {amount}, and {due} were due"));
        }
    }

    /// Takes the units of an order again that had ended, and pays it; also of one whose end was due.
    pub(super) fn reacquired(&mut self, paid: Paid, at: u64) -> Option<u64> {
        self.passes(at);
        self.ends(paid, true);
        self.is_due(paid);
        let number = paid.order;
        let Some(order) = self.orders.get_mut(&number) else {
            self.faults.note(|| format!("log: order {number} is paid late and was never placed"));
            return None;
        };
        let was = order.state;
        (order.state, order.payment_id, order.ended_at) = (State::Confirmed, paid.payment_id, at);
        let share = Share::of(order, at);
        self.budgets.again(self.position, number, was != State::Held);
        self.legs.touch(number);
        match was {
            // Its lines have records of their own.
            State::Held | State::Cancelled | State::Expired if has_legs(number) => {}
            State::Held => self.sell(share),
            State::Cancelled | State::Expired => {
                self.take(share);
                self.sell(share);
            }
            State::Confirmed | State::Superseded | State::Waiting | State::Lapsed => {
                self.faults.note(|| format!("log: order {number} was {was:?} and is paid late"));
            }
        }
        Some(share.sku)
    }

    /// Ends an open order; anything else is a fault.
    pub(super) fn end(&mut self, number: u64, state: State, at: u64) -> Option<&mut Order> {
        self.passes(at);
        let Some(order) = self.orders.get(&number).copied() else {
            self.faults.note(|| format!("log: order {number} becomes {state:?} and was never placed"));
            return None;
        };
        let was = order.state;
        if !was.is_open() || (was == State::Waiting && state == State::Confirmed) {
            self.faults.note(|| format!("log: order {number} was {was:?} and becomes {state:?}"));
            return None;
        }
        if was == State::Waiting {
            self.lines.leave(order.placed.sku, number);
        } else if !has_legs(number) {
            let share = Share::of(&order, at);
            if state == State::Confirmed {
                self.sell(share);
            } else {
                self.give_back(share, Source::Held);
            }
        }
        self.legs.touch(number);
        self.budgets.ended(self.position, number, state);
        let found = self.orders.get_mut(&number)?;
        found.state = if was == State::Waiting && state == State::Expired { State::Lapsed } else { state };
        found.ended_at = at;
        Some(found)
    }

    /// An order may leave memory when it has ended, and a while after that.
    pub(super) fn evict(&mut self, number: u64, at: u64) {
        self.passes(at);
        let under_way = self.is_under_way(number);
        // A restock is remembered like an order, and is none.
        let Some(order) = self.orders.get_mut(&number) else { return };
        order.evicted = true;
        let (state, ended_at, retention_ms) = (order.state, order.ended_at, self.expected.retention_ms);
        let request = (order.placed.request_id, order.placed.sku);
        if self.requests.get(&request) == Some(&number) {
            self.requests.remove(&request);
        }
        if state.is_open() || under_way || at < ended_at.saturating_add(retention_ms) {
            self.faults.note(|| {
                format!(
                    "log: order {number} was {state:?}, ended at {ended_at}, and left memory at {at}, sooner than \
                     {retention_ms} ms later"
                )
            });
        }
    }
}
