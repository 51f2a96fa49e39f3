//! The log, added up: where every order, unit and payment stands, and what contradicts itself on the way.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use doorbuster_protocol::{Code, OrderState, OrderView};

use super::Sale;
use super::lines::{Lines, Waiter};
use super::log::{self, Entry, Paid, Placed};
use super::refusals::Left;
use crate::journal::Faults;

/// Where an order stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Held,
    Confirmed,
    Cancelled,
    Expired,
    Superseded,
    Waiting,
    Lapsed,
}

impl State {
    fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Waiting)
    }

    fn on_the_wire(self) -> OrderState {
        match self {
            Self::Held => OrderState::Held,
            Self::Confirmed => OrderState::Confirmed,
            Self::Cancelled => OrderState::Cancelled,
            Self::Expired => OrderState::Expired,
            Self::Superseded => OrderState::Superseded,
            Self::Waiting => OrderState::Waiting,
            Self::Lapsed => OrderState::Lapsed,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) placed: Placed,
    pub(super) state: State,
    /// It was placed to wait.
    pub(super) waited: bool,
    pub(super) payment_id: [u8; 16],
    ended_at: u64,
    /// It left memory, and no answer names it any more.
    evicted: bool,
}

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
struct Units {
    stocked: i128,
    taken: i128,
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
    pub(super) left: Left,
    pub(super) faults: Faults,
    pub(super) records: u64,
    units: HashMap<u64, Units>,
    /// Units that a shopper holds and owns of a SKU, by SKU and shopper, where there is a limit.
    has: HashMap<(u64, u64), u32>,
    user_limit: u32,
    retention_ms: u64,
    /// Time of the latest record.
    latest: u64,
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
        let Self { lines, units, has, user_limit, latest, .. } = &mut replay;
        let free = |sku: u64| units.get(&sku).map_or(0, |units| units.free());
        lines.finish(free, *latest, |sku, user, more| allowed(has, *user_limit, sku, user, more));
        replay
    }

    /// An order that ended and left memory, as reading it would have shown it before.
    pub fn evicted(&self, number: u64) -> Option<OrderView> {
        let Order { placed, state, payment_id, .. } =
            *self.orders.get(&number).filter(|order| order.evicted)?;
        let refunds = self.payments.range((number, [0; 16])..=(number, [0xFF; 16]));
        let refunds = refunds.map(|(_, ends)| ends.refunds).sum::<u32>();
        Some(OrderView {
            code: Code::Ok.number(),
            state: state.on_the_wire().byte(),
            refunds: u8::try_from(refunds).unwrap_or(u8::MAX),
            quantity: placed.quantity,
            order: number,
            user: placed.user,
            sku: placed.sku,
            amount: crate::worker::AMOUNT,
            request_id: placed.request_id,
            payment_id,
            ..OrderView::default()
        })
    }

    /// As if the log had shown this order leave memory.
    #[cfg(test)]
    pub(super) fn leaves(&mut self, number: u64) {
        let placed = Placed { order: number, request_id: [4; 16], user: 1, sku: 5, quantity: 1, at: 0 };
        self.placed(placed, State::Held);
        self.end(number, State::Confirmed, 0);
        self.evict(number, self.retention_ms);
    }

    fn pass(&mut self, position: u64, entry: Entry) {
        let sku = self.apply(entry);
        if let Some(sku) = sku {
            let left = self.free(sku).saturating_sub(self.lines.wanted(sku));
            self.left.note(sku, position, left);
        }
    }

    /// Adds a record up; gives the SKU that it concerns.
    fn apply(&mut self, entry: Entry) -> Option<u64> {
        match entry {
            Entry::Put { sku, units } => {
                self.units.entry(sku).or_default().stocked += i128::from(units);
                Some(sku)
            }
            Entry::Restocked { sku, units } => {
                self.units.entry(sku).or_default().stocked += i128::from(units);
                Some(sku)
            }
            Entry::Reserved { placed, instead_of } => {
                self.latest = self.latest.max(placed.at);
                if instead_of != 0 {
                    self.end(instead_of, State::Superseded, placed.at);
                }
                let Placed { order, sku, quantity, at, .. } = placed;
                let free = self.free(sku);
                let Self { lines, has, user_limit, .. } = self;
                let may = |user, more| allowed(has, *user_limit, sku, user, more);
                lines.newcomer(sku, (order, quantity), free, at, may);
                self.placed(placed, State::Held);
                self.take(order, &placed);
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
        let waited = state == State::Waiting;
        let order = Order { placed, state, waited, payment_id: [0; 16], ended_at: 0, evicted: false };
        if self.orders.insert(placed.order, order).is_some() {
            self.faults.note(|| format!("log: order {} is placed twice", placed.order));
        }
    }

    /// An order gets its units.
    fn take(&mut self, number: u64, placed: &Placed) {
        let Placed { sku, quantity, user, .. } = *placed;
        let units = self.units.entry(sku).or_default();
        units.taken += i128::from(quantity);
        if units.taken > units.stocked {
            self.faults.note(|| format!("log: order {number} takes a unit of SKU {sku} that isn't there"));
        }
        if self.user_limit != 0 {
            *self.has.entry((sku, user)).or_default() += quantity;
        }
    }

    /// An order's units go back.
    fn give_back(&mut self, placed: &Placed) {
        self.units.entry(placed.sku).or_default().taken -= i128::from(placed.quantity);
        if let Some(has) = self.has.get_mut(&(placed.sku, placed.user)) {
            *has = has.saturating_sub(placed.quantity);
        }
    }

    fn offered(&mut self, number: u64, at: u64) -> Option<u64> {
        self.latest = self.latest.max(at);
        let waiting = self.orders.get_mut(&number).filter(|order| order.state == State::Waiting);
        let Some(order) = waiting else {
            self.faults.note(|| format!("log: order {number} gets units and didn't wait"));
            return None;
        };
        order.state = State::Held;
        let placed = order.placed;
        let sku = placed.sku;
        let free = self.free(sku);
        let Self { lines, has, user_limit, .. } = self;
        lines.offer(sku, number, free, at, |user, more| allowed(has, *user_limit, sku, user, more));
        self.take(number, &placed);
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
        let placed = order.placed;
        match was {
            State::Held => {}
            State::Cancelled | State::Expired => self.take(number, &placed),
            State::Confirmed | State::Superseded | State::Waiting | State::Lapsed => {
                self.faults.note(|| format!("log: order {number} was {was:?} and is paid late"));
            }
        }
        Some(placed.sku)
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
        } else if state != State::Confirmed {
            self.give_back(&order.placed);
        }
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
        if state.is_open() || at < ended_at.saturating_add(retention_ms) {
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
