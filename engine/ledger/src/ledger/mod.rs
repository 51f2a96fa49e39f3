//! The state machine: [`Ledger`] and its parts.
//!
//! `decide` reads and never writes; `apply` writes and never decides. Live operation is `decide` then `apply` of the
//! event that came out; replay is `apply` alone. Nothing else changes state, so whatever the log holds, replaying it
//! gives the state that was live.

mod accounts;
mod after;
mod allot;
mod apply;
mod budget;
mod campaign;
mod check;
mod decide;
mod digest;
mod gate;
mod group;
mod image;
mod lines;
mod offer;
mod place;
mod pulse;
mod span;
mod spares;
mod survey;
mod touch;

pub use check::Violation;
pub use decide::Decision;
pub use digest::Digest;
pub use image::{
    ImageCampaign, ImageChannel, ImageEntry, ImageGoods, ImageLeg, ImageOrder, ImagePayment, ImageProgress,
    ImageSku, ImageSlice,
};
pub use place::Place;
pub use pulse::Pulse;
pub use span::Span;
pub use spares::{Need, Spare};
pub use touch::TOUCHED;

use alloc::collections::BTreeSet;

use crate::after::{AllGoods, AllProgress};
use crate::budget::{Budgets, UsedCoupons};
use crate::calendar::Calendar;
use crate::campaigns::Campaigns;
use crate::channels::Channels;
use crate::command::Command;
use crate::event::Event;
use crate::hash::Hasher;
use crate::ids::{OrderNumber, Share, SkuId, Timestamp, UserId};
use crate::offers::Offers;
use crate::order::Orders;
use crate::outcome::{OrderSnapshot, OrderState, Outcome, Refusal, StockSnapshot};
use crate::payment::Payment;
use crate::returns::{Returned, Returns};
use crate::stock::{Marks, Stock};
use crate::tally::Tally;
use crate::waitlist::Waitlists;

/// Most units of one SKU, and most that one restock moves: 2^40. Sums over 2^20 SKUs stay exact in 64 bits.
pub const MAX_UNITS: u64 = 1 << 40;

/// What the operator may choose. The same for every shard of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Hold time where a request names none, milliseconds.
    pub default_hold_ms: u32,
    /// Longest hold time, milliseconds.
    pub max_hold_ms: u32,
    /// How long a request's repeat is recognised, from the time in its id, milliseconds.
    pub idempotency_window_ms: u64,
    /// How long an ended order stays readable, milliseconds.
    pub order_retention_ms: u64,
    /// How long a paid order stays in memory of which nothing was heard since, milliseconds, if that is longer than
    /// `order_retention_ms`. One that is under way stays until it is closed.
    pub paid_retention_ms: u64,
    /// How long after its delivery units of an order may come back, milliseconds.
    pub return_window_ms: u64,
    /// How far ahead of the server's clock a request id's time may be, milliseconds.
    pub future_tolerance_ms: u64,
    /// How much longer a hold lasts once its payment has begun, milliseconds. Once a hold.
    pub pay_pin_ms: u32,
    /// How long a hold lasts from the beginning of a slow payment (a bank transfer), milliseconds. Once a hold.
    pub slow_pay_ms: u32,
    /// What a shopper has at least, after a payment failed, for another one, milliseconds; never more than he had.
    pub pay_grace_ms: u32,
    /// How often a hold may be extended, up to 127.
    pub max_extensions: u8,
    /// How long a unit that came back is held for the one who waited for it, milliseconds.
    pub offer_ms: u32,
    /// Longest time that a shopper may wait for units, milliseconds.
    pub max_wait_ms: u32,
    /// Most orders that wait for one SKU.
    pub max_waiting: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            default_hold_ms: 5 * 60 * 1_000,
            max_hold_ms: 24 * 60 * 60 * 1_000,
            idempotency_window_ms: 24 * 60 * 60 * 1_000,
            order_retention_ms: 24 * 60 * 60 * 1_000,
            paid_retention_ms: 0,
            return_window_ms: 14 * 24 * 60 * 60 * 1_000,
            future_tolerance_ms: 5 * 60 * 1_000,
            pay_pin_ms: 2 * 60 * 1_000,
            slow_pay_ms: 24 * 60 * 60 * 1_000,
            pay_grace_ms: 30 * 1_000,
            max_extensions: 3,
            offer_ms: 5 * 60 * 1_000,
            max_wait_ms: 24 * 60 * 60 * 1_000,
            max_waiting: 100_000,
        }
    }
}

/// Sums over a ledger, kept up to date by every event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// SKUs set up.
    pub skus: u64,
    /// Orders in memory, ended ones within their retention included.
    pub orders: u64,
    /// Open holds.
    pub holds: u64,
    /// Orders that wait for units.
    pub waiting: u64,
    /// Units free for new holds.
    pub available: u64,
    /// Units in open holds.
    pub held: u64,
    /// Units paid.
    pub sold: u64,
}

impl Totals {
    /// The sums over two ledgers.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            skus: self.skus.saturating_add(other.skus),
            orders: self.orders.saturating_add(other.orders),
            holds: self.holds.saturating_add(other.holds),
            waiting: self.waiting.saturating_add(other.waiting),
            available: self.available.saturating_add(other.available),
            held: self.held.saturating_add(other.held),
            sold: self.sold.saturating_add(other.sold),
        }
    }
}

/// The stock and the orders of one shard.
#[derive(Debug)]
pub struct Ledger {
    rules: Rules,
    share: Share,
    hasher: Hasher,
    stock: Stock,
    orders: Orders,
    tally: Tally,
    waitlists: Waitlists,
    channels: Channels,
    campaigns: Campaigns,
    offers: Offers,
    budgets: Budgets,
    coupons: UsedCoupons,
    calendar: Calendar,
    /// What is known of orders after their payment.
    progress: AllProgress,
    goods: AllGoods,
    /// Orders with several lines whose time is up: no ledger alone can end them. See [`Span`].
    overdue: BTreeSet<OrderNumber>,
    /// What came back since the last [`take_returns`](Self::take_returns).
    returns: Returns,
    now: Timestamp,
    totals: Totals,
}

impl Ledger {
    /// An empty ledger. `seed` makes its hash tables unpredictable to those who choose ids; it is no part of the
    /// state and may differ at every start.
    pub fn new(rules: Rules, seed: u64) -> Self {
        Self::of(Share::ALL, rules, seed)
    }

    /// As [`new`](Self::new), for one ledger of several, each with its share of the partitions.
    pub fn of(share: Share, rules: Rules, seed: u64) -> Self {
        Self {
            rules,
            share,
            hasher: Hasher::new(seed),
            stock: Stock::new(),
            orders: Orders::new(),
            tally: Tally::new(seed),
            waitlists: Waitlists::default(),
            channels: Channels::default(),
            campaigns: Campaigns::default(),
            offers: Offers::new(),
            budgets: Budgets::default(),
            coupons: UsedCoupons::default(),
            calendar: Calendar::new(),
            progress: AllProgress::default(),
            goods: AllGoods::default(),
            overdue: BTreeSet::new(),
            returns: Returns::default(),
            now: Timestamp::default(),
            totals: Totals::default(),
        }
    }

    /// The partitions that it serves.
    pub fn share(&self) -> Share {
        self.share
    }

    /// The rules that it decides by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The latest time that it has seen. Never goes back.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sums over all SKUs and orders.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Decides a command at `now` (or at the latest time seen, if that is later), applies what it came to and hands
    /// the event, if there is one, to `sink`.
    ///
    /// # Errors
    /// [`Violation`] if the ledger's own state contradicts itself. It must not be used any further.
    #[inline]
    pub fn execute(
        &mut self,
        now: Timestamp,
        command: &Command,
        sink: impl FnMut(&Event),
    ) -> Result<Outcome, Violation> {
        self.execute_at(now, command, Place::default(), sink)
    }

    /// As [`execute`](Self::execute), for a command that [`touch`](Self::touch) saw in this very place.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    #[inline]
    pub fn execute_at(
        &mut self,
        now: Timestamp,
        command: &Command,
        place: Place,
        mut sink: impl FnMut(&Event),
    ) -> Result<Outcome, Violation> {
        self.now = self.now.max(now);
        self.begin_phases();
        self.share_released();
        let decision = self.decide(self.now, command, place);
        if let Some(event) = &decision.event {
            self.apply_at(event, decision.place, true)?;
            sink(event);
            let sku = decision.place.sku;
            if self.stock.get(sku).is_some_and(|sku| sku.marks.has(Marks::WAITERS_OR_SHORT)) {
                self.settle_short(sku, event, &mut sink)?;
                let mut left = offer::AT_ONCE;
                self.settle(sku, &mut left, &mut sink)?;
            }
        }
        Ok(decision.outcome)
    }

    /// Hands over which SKUs got free units since the last call that had none before. Whoever tells others "sold out" without
    /// asking must be told before anybody hears of what was decided.
    #[inline]
    pub fn take_returns(&mut self, each: impl FnMut(Returned)) {
        self.returns.take(each);
    }

    /// Whether a SKU has no free unit at all, where it stands as [`touch`](Self::touch) saw it in `place`.
    #[inline]
    pub fn is_sold_out(&self, sku: SkuId, place: Place) -> bool {
        self.stock.get(self.sku_at(place, sku)).is_some_and(|row| row.available == 0)
    }

    /// The accounts of a SKU.
    pub fn stock(&self, sku: SkuId) -> Option<StockSnapshot> {
        let slot = self.stock.find(self.hasher.sku(sku), sku)?;
        let row = self.stock.get(slot)?;
        Some(StockSnapshot { waiting: self.waitlists.len(slot), ..row.snapshot(self.now) })
    }

    /// Every SKU's accounts, in no order that means anything.
    pub fn all_stock(&self) -> impl Iterator<Item = StockSnapshot> {
        self.stock
            .iter()
            .map(|(slot, sku)| StockSnapshot { waiting: self.waitlists.len(slot), ..sku.snapshot(self.now) })
    }

    /// An order of `user`.
    ///
    /// # Errors
    /// [`Refusal::NoSuchOrder`] or [`Refusal::OwnerMismatch`].
    pub fn order(&self, number: OrderNumber, user: UserId) -> Result<OrderSnapshot, Refusal> {
        let (_, order) = self.order_at(Place::default(), number).ok_or(Refusal::NoSuchOrder)?;
        order.state().filter(|&state| state != OrderState::Restocked).ok_or(Refusal::NoSuchOrder)?;
        let state = self.stands(order);
        if order.user != user {
            return Err(Refusal::OwnerMismatch);
        }
        let sku = self.stock.get(order.sku).ok_or(Refusal::NoSuchOrder)?;
        Ok(OrderSnapshot {
            number,
            request: order.request(),
            user,
            sku: sku.id,
            quantity: order.quantity,
            amount: order.amount,
            channel: order.channel,
            state,
            placed_at: order.placed_at,
            deadline: order.deadline(),
            ended_at: (!state.has_deadline()).then(|| order.ended_at()),
            payment: self.orders.taken(order).map(Payment::id),
            refunds: self.refunds_left(order),
            lines: self.lines_of(order),
        })
    }

    /// Bytes that its tables use, and those of spares. Tables take memory half a mebibyte at a time; what is not used yet of
    /// the last piece is not counted.
    pub fn bytes(&self) -> usize {
        let stock =
            self.stock.bytes().saturating_add(self.offers.bytes()).saturating_add(self.channels.bytes());
        let orders = self.orders.bytes().saturating_add(self.progress.bytes());
        stock.saturating_add(orders).saturating_add(self.tally.bytes()).saturating_add(self.budgets.bytes())
    }
}
