//! The log, added up: where every order, unit and payment stands, and what contradicts itself on the way.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use doorbuster_protocol::{Code, OrderView};

use super::Sale;
use super::after::Afters;
use super::allot::Allotments;
use super::budgets::Budgets;
use super::legs::{Head, Legs};
use super::lines::{Lines, Waiter};
use super::log::{self, Position};
use super::order::{Order, State};
use super::prices::Prices;
use super::record::{Entry, Leg, LegChange, Paid, Placed, has_legs};
use super::refusals::Left;
use crate::journal::Faults;

/// What the log says of one payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// How often it bought its order.
    pub(super) bought: u32,
    /// How often it was written down as to be refunded.
    pub(super) refunds: u32,
    /// The amount, minor units.
    pub(super) amount: u64,
}

/// A SKU's units as the log's records add up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Units {
    pub(super) stocked: i128,
    pub(super) taken: i128,
}

impl Units {
    fn free(self) -> u64 {
        u64::try_from((self.stocked - self.taken).max(0)).unwrap_or(u64::MAX)
    }
}

/// The whole log.
#[derive(Debug, Default)]
pub struct Replay {
    pub(super) orders: HashMap<u64, Order>,
    /// By order and payment id.
    pub(super) payments: BTreeMap<(u64, [u8; 16]), Ends>,
    pub(super) lines: Lines,
    /// Lines of orders that have several.
    pub(super) legs: Legs,
    /// Promotion budgets and coupons.
    pub(super) budgets: Budgets,
    /// What sales channels may have.
    pub(super) channels: Allotments,
    /// What campaigns say, and the orders by their prices.
    pub(super) prices: Prices,
    pub(super) left: Left,
    pub(super) faults: Faults,
    pub(super) records: u64,
    pub(super) units: HashMap<u64, Units>,
    /// What became of paid orders, and of goods.
    pub(super) afters: Afters,
    /// Units that a shopper holds and owns of a SKU, by SKU and shopper, where there is a limit.
    has: HashMap<(u64, u64), u32>,
    user_limit: u32,
    retention_ms: u64,
    /// Time of the latest record.
    pub(super) latest: u64,
    /// The block that is being read.
    block: u64,
    /// The log's position behind the record that is being read.
    position: u64,
}

/// Units that are about to be taken or given back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) order: u64,
    pub(super) user: u64,
    pub(super) sku: u64,
    pub(super) units: u32,
    pub(super) channel: u16,
    pub(super) at: u64,
}

impl Share {
    /// All units of an order with one line, as it has them now.
    fn of(order: &Order, at: u64) -> Self {
        let Placed { order: number, user, sku, channel, .. } = order.placed;
        Self { order: number, user, sku, units: order.units, channel, at }
    }

    fn of_leg(leg: &Leg) -> Self {
        let Leg { order, sku, user, units, channel, at, .. } = *leg;
        Self { order, user, sku, units, channel, at }
    }
}

impl Replay {
    /// Reads the log in `data`.
    pub fn read(data: &Path, sale: &Sale) -> Self {
        let mut replay =
            Self { user_limit: sale.user_limit, retention_ms: sale.retention_ms, ..Self::default() };
        match log::read(data, |position, entry| replay.pass(position, entry)) {
            Ok(records) => replay.records = records,
            Err(reason) => replay.faults.note(|| reason),
        }
        replay.end_block();
        let Self { lines, units, has, user_limit, latest, .. } = &mut replay;
        let free = |sku: u64| units.get(&sku).map_or(0, |units| units.free());
        lines.finish(free, *latest, |sku, user, more| allowed(has, *user_limit, sku, user, more));
        replay
    }

    /// An order that ended and left memory, as reading it would have shown it before.
    pub fn evicted(&self, number: u64) -> Option<OrderView> {
        let Order { placed, state, units, payment_id, .. } =
            *self.orders.get(&number).filter(|order| order.evicted)?;
        let refunds = self.payments.range((number, [0; 16])..=(number, [0xFF; 16]));
        let refunds = refunds.map(|(_, ends)| ends.refunds).sum::<u32>();
        Some(OrderView {
            code: Code::Ok.number(),
            state: state.on_the_wire().byte(),
            refunds: u8::try_from(refunds).unwrap_or(u8::MAX),
            quantity: units,
            order: number,
            user: placed.user,
            sku: placed.sku,
            amount: placed.amount,
            request_id: placed.request_id,
            payment_id,
            ..OrderView::default()
        })
    }

    /// As if the log had shown this order leave memory.
    #[cfg(test)]
    pub(super) fn leaves(&mut self, number: u64) {
        let placed =
            Placed { order: number, request_id: [4; 16], user: 1, sku: 5, quantity: 1, ..Placed::default() };
        self.placed(placed, State::Held);
        self.end(number, State::Confirmed, 0);
        self.evict(number, self.retention_ms);
    }

    fn pass(&mut self, position: Position, entry: Entry) {
        if position.block != self.block {
            self.end_block();
            self.block = position.block;
        }
        self.position = position.record;
        let Some(sku) = self.apply(entry) else { return };
        let free = self.free(sku);
        self.left.note(sku, None, position.record, free.saturating_sub(self.lines.wanted(sku)));
        for (channel, _) in self.channels.of(sku) {
            let left = self.channels.left(sku, channel, free, self.latest);
            self.left.note(sku, Some(channel), position.record, left.saturating_sub(self.lines.wanted(sku)));
        }
    }

    /// What stands in one block must be whole.
    fn end_block(&mut self) {
        let Self { orders, legs, block, .. } = self;
        let head = |number: u64| {
            let Order { placed, state, units, .. } = *orders.get(&number)?;
            Some(Head { state, sku: placed.sku, units })
        };
        legs.end_block(*block, head);
    }

    /// Adds a record up; gives the SKU that it concerns.
    pub(super) fn apply(&mut self, entry: Entry) -> Option<u64> {
        match entry {
            Entry::Put { sku, units } => {
                self.units.entry(sku).or_default().stocked += i128::from(units);
                Some(sku)
            }
            Entry::Restocked { sku, units } => {
                self.units.entry(sku).or_default().stocked += i128::from(units);
                Some(sku)
            }
            Entry::Reserved { placed } => {
                self.latest = self.latest.max(placed.at);
                self.prices.placed(&placed);
                let Placed { order, sku, quantity, at, .. } = placed;
                let free = self.free(sku);
                let Self { lines, has, user_limit, .. } = self;
                let may = |user, more| allowed(has, *user_limit, sku, user, more);
                self.legs.touch(order);
                if !has_legs(order) {
                    lines.newcomer(sku, (order, quantity), free, at, may);
                    self.take(Share::of(&Order::new(placed, State::Held), at));
                }
                self.placed(placed, State::Held);
                if let Some(claim) = placed.claim {
                    self.budgets.claim(self.position, order, claim);
                }
                Some(sku)
            }
            Entry::Waitlisted { placed, until } => {
                self.latest = self.latest.max(placed.at);
                self.placed(placed, State::Waiting);
                let Placed { order, sku, quantity, user, .. } = placed;
                self.lines.join(sku, order, Waiter { user, quantity, until });
                Some(sku)
            }
            Entry::Offered { order, at } => self.offered(order, at),
            Entry::Confirmed { paid, at } => {
                self.ends(paid).bought += 1;
                let found = self.end(paid.order, State::Confirmed, at)?;
                found.payment_id = paid.payment_id;
                Some(found.placed.sku)
            }
            Entry::Reacquired { paid, at } => self.reacquired(paid, at),
            Entry::RefundRequired { paid } => {
                self.ends(paid).refunds += 1;
                if !self.orders.contains_key(&paid.order) {
                    let order = paid.order;
                    self.faults.note(|| format!("log: a refund for order {order}, which was never placed"));
                }
                None
            }
            Entry::Cancelled { order, at } => Some(self.end(order, State::Cancelled, at)?.placed.sku),
            Entry::Expired { order, at } => Some(self.end(order, State::Expired, at)?.placed.sku),
            Entry::Evicted { order, at } => {
                self.evict(order, at);
                None
            }
            Entry::Superseded { order, at } => Some(self.end(order, State::Superseded, at)?.placed.sku),
            Entry::Cut { order, units, at } => self.cut(order, units, at),
            Entry::Leg { change, leg } => {
                self.latest = self.latest.max(leg.at);
                if self.legs.change(change, &leg) {
                    match change {
                        LegChange::Held => self.take(Share::of_leg(&leg)),
                        LegChange::Back | LegChange::Cut | LegChange::Dropped => {
                            self.give_back(Share::of_leg(&leg));
                        }
                        LegChange::Paid => {}
                    }
                }
                Some(leg.sku)
            }
            Entry::Channel { sku, channel, rules, at } => {
                self.latest = self.latest.max(at);
                let free = self.free(sku);
                self.channels.set(sku, channel, rules, free, at);
                Some(sku)
            }
            Entry::Moved { sku, from, to, units, at } => {
                self.latest = self.latest.max(at);
                self.channels.moved(sku, (from, to), units, at);
                Some(sku)
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
            Entry::Other => None,
        }
    }

    fn ends(&mut self, paid: Paid) -> &mut Ends {
        let ends = self.payments.entry((paid.order, paid.payment_id)).or_default();
        ends.amount = paid.amount;
        ends
    }

    fn free(&self, sku: u64) -> u64 {
        self.units.get(&sku).map_or(0, |units| units.free())
    }

    fn placed(&mut self, placed: Placed, state: State) {
        if self.orders.insert(placed.order, Order::new(placed, state)).is_some() {
            self.faults.note(|| format!("log: order {} is placed twice", placed.order));
        }
    }

    /// An order gets units.
    fn take(&mut self, share: Share) {
        let Share { order, user, sku, units, channel, at } = share;
        self.channels.take(sku, channel, u64::from(units), self.free(sku), at);
        let account = self.units.entry(sku).or_default();
        account.taken += i128::from(units);
        if account.taken > account.stocked {
            self.faults.note(|| format!("log: order {order} takes a unit of SKU {sku} that isn't there"));
        }
        if self.user_limit != 0 {
            let has = self.has.entry((sku, user)).or_default();
            *has += units;
            if *has > self.user_limit {
                self.faults
                    .note(|| format!("log: order {order} takes user {user} over his limit of SKU {sku}"));
            }
        }
    }

    /// An order's units go back.
    pub(super) fn give_back(&mut self, share: Share) {
        let Share { user, sku, units, channel, at, .. } = share;
        self.channels.give_back(sku, channel, u64::from(units), at);
        self.units.entry(sku).or_default().taken -= i128::from(units);
        if let Some(has) = self.has.get_mut(&(sku, user)) {
            *has = has.saturating_sub(units);
        }
    }

    /// Part of an open order goes back for good; where it has several lines, their own records move the units.
    fn cut(&mut self, number: u64, units: u32, at: u64) -> Option<u64> {
        self.latest = self.latest.max(at);
        self.legs.touch(number);
        let Some(order) = self.orders.get_mut(&number).filter(|o| o.state == State::Held && o.units > units)
        else {
            self.faults
                .note(|| format!("log: {units} units of order {number} go back, and it holds no more"));
            return None;
        };
        let before = order.units;
        order.units -= units;
        self.budgets.cut(self.position, number, before, order.units);
        let part = Share { units, ..Share::of(order, at) };
        if !has_legs(number) {
            self.give_back(part);
        }
        Some(part.sku)
    }

    fn offered(&mut self, number: u64, at: u64) -> Option<u64> {
        self.latest = self.latest.max(at);
        let waiting = self.orders.get_mut(&number).filter(|order| order.state == State::Waiting);
        let Some(order) = waiting else {
            self.faults.note(|| format!("log: order {number} gets units and didn't wait"));
            return None;
        };
        order.state = State::Held;
        let share = Share::of(order, at);
        let sku = share.sku;
        let free = self.free(sku);
        let Self { lines, has, user_limit, .. } = self;
        lines.offer(sku, number, free, at, |user, more| allowed(has, *user_limit, sku, user, more));
        self.take(share);
        Some(sku)
    }

    /// Takes the units of an order again that had ended, and pays it; also of one whose end was due.
    fn reacquired(&mut self, paid: Paid, at: u64) -> Option<u64> {
        self.latest = self.latest.max(at);
        self.ends(paid).bought += 1;
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
            State::Held => {}
            State::Cancelled | State::Expired if has_legs(number) => {}
            State::Cancelled | State::Expired => self.take(share),
            State::Confirmed | State::Superseded | State::Waiting | State::Lapsed => {
                self.faults.note(|| format!("log: order {number} was {was:?} and is paid late"));
            }
        }
        Some(share.sku)
    }

    /// Ends an open order; anything else is a fault.
    fn end(&mut self, number: u64, state: State, at: u64) -> Option<&mut Order> {
        self.latest = self.latest.max(at);
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
        } else if state != State::Confirmed && !has_legs(number) {
            self.give_back(Share::of(&order, at));
        }
        self.legs.touch(number);
        self.budgets.ended(self.position, number, state);
        let found = self.orders.get_mut(&number)?;
        found.state = if was == State::Waiting && state == State::Expired { State::Lapsed } else { state };
        found.ended_at = at;
        Some(found)
    }

    /// An order may leave memory when it has ended, and a while after that.
    fn evict(&mut self, number: u64, at: u64) {
        self.latest = self.latest.max(at);
        // A restock is remembered like an order; the log's reader doesn't tell it.
        let Some(order) = self.orders.get_mut(&number) else { return };
        order.evicted = true;
        let (state, ended_at, retention_ms) = (order.state, order.ended_at, self.retention_ms);
        let open = state.is_open() || self.is_under_way(number);
        if open || at < ended_at.saturating_add(retention_ms) {
            self.faults.note(|| {
                format!(
                    "log: order {number} was {state:?}, ended at {ended_at}, and left memory at {at}, sooner than \
                     {retention_ms} ms later"
                )
            });
        }
    }
}

/// Whether a shopper's limit lets him have as many units more.
fn allowed(has: &HashMap<(u64, u64), u32>, limit: u32, sku: u64, user: u64, more: u32) -> bool {
    limit == 0 || has.get(&(sku, user)).copied().unwrap_or(0).saturating_add(more) <= limit
}
