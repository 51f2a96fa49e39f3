//! Orders: one row each, found by number and by request id.

use alloc::collections::BTreeMap;

use crate::budget::{Claim, CouponId};
use crate::ids::{
    Amount, ChannelId, MAX_SEQUENCE, OrderNumber, PartitionId, PaymentId, RequestId, Timestamp, UserId,
};
use crate::legs::{Leg, Legs};
use crate::outcome::OrderState;
use crate::payment::{Payment, PaymentKind, Payments, join, split};
use crate::sequence::Sequences;
use crate::stock::Reference;
use crate::table::{Due, Home, NONE, Row, Rows, Segmented, Slot};

/// An order's row. 88 bytes; every field that is not needed again to decide or to answer stays in the log alone, and
/// what only some orders have stands elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) request: [u64; 2],
    pub(crate) number: OrderNumber,
    pub(crate) user: UserId,
    pub(crate) amount: Amount,
    pub(crate) placed_at: Timestamp,
    /// Fingerprint of the content that is not kept in the row, for telling a repeat from a conflict. Of an order with several
    /// lines, where these are; the fingerprint stands there.
    pub(crate) detail: u32,
    pub(crate) sku: Slot,
    pub(crate) quantity: u32,
    pub(crate) asked_hold_ms: u32,
    /// Deadline less `placed_at`.
    pub(crate) hold_ms: u32,
    /// End less `placed_at`; the largest value stands for that or more.
    pub(crate) ended_ms: u32,
    pub(crate) link: Slot,
    /// Where its payments are, and its claim and coupon.
    pub(crate) payment: Slot,
    pub(crate) channel: ChannelId,
    pub(crate) phase: Phase,
    /// Whether the calendar's links run through this row.
    pub(crate) in_calendar: bool,
    /// How its deadline was moved: see [`Order::extensions`] and [`Order::is_pinned`].
    pub(crate) moves: u8,
}

const _: () = assert!(size_of::<Order>() == 88);

/// What a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not in use.
    #[default]
    Free,
    /// In use, and where its order stands.
    Live(OrderState),
    /// Evicted while the calendar still leads here; freed when the calendar comes by.
    Gone,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            request: [0; 2],
            number: OrderNumber::default(),
            user: UserId::default(),
            amount: Amount::default(),
            placed_at: Timestamp::default(),
            detail: 0,
            sku: NONE,
            quantity: 0,
            asked_hold_ms: 0,
            hold_ms: 0,
            ended_ms: 0,
            link: NONE,
            payment: NONE,
            channel: ChannelId::default(),
            phase: Phase::Free,
            in_calendar: false,
            moves: 0,
        }
    }
}

/// The bit of [`Order::moves`] that says that a payment has begun; the others count extensions.
const PINNED: u8 = 0x80;

impl Order {
    #[inline]
    pub(crate) fn request(&self) -> RequestId {
        RequestId::new(join(self.request))
    }

    pub(crate) fn set_request(&mut self, request: RequestId) {
        self.request = split(request.raw());
    }

    pub(crate) fn deadline(&self) -> Timestamp {
        self.placed_at.plus(u64::from(self.hold_ms))
    }

    /// Moves the deadline.
    pub(crate) fn hold_until(&mut self, deadline: Timestamp) {
        self.hold_ms = u32::try_from(deadline.since(self.placed_at)).unwrap_or(u32::MAX);
    }

    /// The latest deadline that a row can hold: 49 days.
    pub(crate) fn latest_deadline(&self) -> Timestamp {
        self.placed_at.plus(u64::from(u32::MAX))
    }

    /// How often its shopper has moved the deadline.
    pub(crate) fn extensions(&self) -> u8 {
        self.moves & !PINNED
    }

    /// Counts an extension.
    pub(crate) fn extended(&mut self) {
        self.moves = self.moves.saturating_add(u8::from(self.extensions() < !PINNED));
    }

    /// Where its lines are; none if it has one.
    pub(crate) fn lines(&self) -> Slot {
        if self.number.is_composite() { self.detail } else { NONE }
    }

    /// Whether a payment has begun before.
    pub(crate) fn is_pinned(&self) -> bool {
        self.moves & PINNED != 0
    }

    /// Notes that a payment has begun.
    pub(crate) fn pin(&mut self) {
        self.moves |= PINNED;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state().is_some_and(OrderState::is_open)
    }

    pub(crate) fn ended_at(&self) -> Timestamp {
        self.placed_at.plus(u64::from(self.ended_ms))
    }

    pub(crate) fn end(&mut self, state: OrderState, at: Timestamp) {
        self.phase = Phase::Live(state);
        self.ended_ms = u32::try_from(at.since(self.placed_at)).unwrap_or(u32::MAX);
    }

    pub(crate) fn state(&self) -> Option<OrderState> {
        match self.phase {
            Phase::Live(state) => Some(state),
            Phase::Free | Phase::Gone => None,
        }
    }
}

impl Row for Order {
    fn link(&self) -> Slot {
        self.link
    }

    fn set_link(&mut self, link: Slot) {
        self.link = link;
    }
}

impl Due for Order {
    fn due(&self) -> Option<Timestamp> {
        self.state().is_some_and(OrderState::has_deadline).then(|| self.deadline())
    }
}

/// What an order asked for at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) quantity: u32,
    pub(crate) amount: Amount,
}

/// All orders of a ledger.
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) rows: Rows<Order>,
    pub(crate) payments: Payments,
    pub(crate) by_request: Segmented<Reference, 8>,
    pub(crate) sequences: Sequences,
    pub(crate) legs: Legs,
    /// What was asked for, of orders that gave part of it back.
    asked: BTreeMap<OrderNumber, Asked>,
}

impl Orders {
    pub(crate) fn new() -> Self {
        Self {
            rows: Rows::new(),
            payments: Payments::new(),
            by_request: Segmented::new(0, 75),
            sequences: Sequences::new(),
            legs: Legs::new(),
            asked: BTreeMap::new(),
        }
    }

    #[inline]
    pub(crate) fn home(&self, request_hash: u64) -> Home {
        self.by_request.home(request_hash)
    }

    #[inline]
    pub(crate) fn touch_request(&self, home: Home) -> Slot {
        self.by_request.touch(home).map_or(NONE, |reference| reference.slot)
    }

    #[inline]
    pub(crate) fn touch_overflow(&self, home: Home) -> Slot {
        self.by_request.touch_overflow(home).map_or(NONE, |reference| reference.slot)
    }

    /// All that is known of an order's payments.
    pub(crate) fn payments(&self, order: &Order) -> impl Iterator<Item = &Payment> {
        self.payments.list(order.payment).filter(|payment| payment.kind().is_payment())
    }

    /// What the order claims of a budget, or claimed until it ended, and what it asked for at first.
    #[inline]
    pub(crate) fn claim(&self, order: &Order) -> Option<(Claim, Amount)> {
        self.payments.list(order.payment).find_map(Payment::claimed)
    }

    /// The coupon that the order uses, or used until it ended.
    #[inline]
    pub(crate) fn coupon(&self, order: &Order) -> Option<CouponId> {
        self.payments.list(order.payment).find_map(Payment::used)
    }

    /// Puts a claim or a coupon beside the order in `slot`. `None` if there is no such order, or no room.
    pub(crate) fn attach(&mut self, slot: Slot, row: Payment) -> Option<()> {
        let order = self.rows.get_mut(slot)?;
        order.payment = self.payments.add(order.payment, row)?;
        Some(())
    }

    /// What is known of one payment of an order.
    #[inline]
    pub(crate) fn payment(&self, order: &Order, id: PaymentId) -> Option<&Payment> {
        self.payments(order).find(|payment| payment.id() == id)
    }

    /// The payment that paid the order.
    pub(crate) fn taken(&self, order: &Order) -> Option<&Payment> {
        self.payments(order).find(|payment| payment.kind() == PaymentKind::Taken)
    }

    /// Payments of an order that must be paid back.
    pub(crate) fn refunds(&self, order: &Order) -> u8 {
        let refunds = self.payments(order).filter(|payment| payment.kind() == PaymentKind::Refund);
        u8::try_from(refunds.count()).unwrap_or(u8::MAX)
    }

    /// Notes a payment of the order in `slot`, in the place of the one that is under way, which any news ends. `None`
    /// if there is no such order, or no room.
    pub(crate) fn set_payment(&mut self, slot: Slot, payment: Payment) -> Option<()> {
        let order = self.rows.get_mut(slot)?;
        let rest = if payment.kind() == PaymentKind::Refund {
            order.payment
        } else {
            self.payments.forget_begun(order.payment)
        };
        order.payment = self.payments.add(rest, payment)?;
        Some(())
    }

    /// Marks the payment of the order in `slot` that was under way as failed.
    pub(crate) fn fail_begun(&mut self, slot: Slot) {
        if let Some(order) = self.rows.get(slot) {
            self.payments.fail_begun(order.payment);
        }
    }

    /// Payments of an order that have begun, whatever became of them before it was paid.
    pub(crate) fn attempts(&self, order: &Order) -> u8 {
        let begun = |payment: &&Payment| matches!(payment.kind(), PaymentKind::Begun | PaymentKind::Failed);
        u8::try_from(self.payments(order).filter(begun).count()).unwrap_or(u8::MAX)
    }

    #[inline]
    pub(crate) fn by_request(&self, hash: u64, request: RequestId, sku: Slot) -> Option<(Slot, &Order)> {
        let found = self.by_request.find(
            hash,
            |reference| reference.matches(hash),
            |reference| {
                let row = self.rows.get(reference.slot);
                row.is_some_and(|row| row.request() == request && row.sku == sku)
            },
        )?;
        self.rows.get(found.slot).map(|row| (found.slot, row))
    }

    #[inline]
    pub(crate) fn slot_of(&self, number: OrderNumber) -> Option<Slot> {
        let slot = self.sequences.slot(number);
        (slot != NONE).then_some(slot)
    }

    /// The number that the next order of the partition gets; `None` when the partition or the table is full.
    #[inline]
    pub(crate) fn next_number(&self, partition: PartitionId) -> Option<OrderNumber> {
        let next = self.sequences.next(partition)?;
        (next <= MAX_SEQUENCE && self.rows.has_room()).then(|| OrderNumber::compose(partition, next))
    }

    /// The number of the partition's last order; 0: none yet.
    pub(crate) fn last_sequence(&self, partition: PartitionId) -> u64 {
        self.sequences.next(partition).map_or(0, |next| next.saturating_sub(1))
    }

    /// Stores an order under the next number of its partition. `None` if that is not its number, or there is no room; the
    /// orders must then not be used any further, as part of it may have been done.
    pub(crate) fn insert(&mut self, hash: u64, order: Order) -> Option<Slot> {
        let slot = self.rows.insert(order)?;
        self.sequences.push(order.number, slot)?;
        self.by_request.insert(hash, Reference::new(hash, slot))?;
        Some(slot)
    }

    /// The lines of an order that has several, by SKU.
    pub(crate) fn legs(&self, order: &Order) -> impl Iterator<Item = &Leg> {
        self.legs.of(order.lines())
    }

    /// See [`Order::detail`].
    pub(crate) fn fingerprint(&self, order: &Order) -> u32 {
        if order.number.is_composite() { self.legs.fingerprint(order.detail) } else { order.detail }
    }

    /// What the order asked for at first.
    pub(crate) fn asked(&self, order: &Order) -> Asked {
        let now = Asked { quantity: order.quantity, amount: order.amount };
        if self.asked.is_empty() { now } else { self.asked.get(&order.number).copied().unwrap_or(now) }
    }

    /// Takes what an image says of an order that gave part of it back.
    pub(crate) fn load_asked(&mut self, number: OrderNumber, asked: Asked) {
        self.asked.insert(number, asked);
    }

    /// The order in `slot` gave `units` of its units back for good, and another amount is due. `None`, and no change, if it
    /// has fewer.
    pub(crate) fn cut(&mut self, slot: Slot, units: u32, amount: Amount) -> Option<()> {
        let order = self.rows.get_mut(slot)?;
        let left = order.quantity.checked_sub(units)?;
        let asked = Asked { quantity: order.quantity, amount: order.amount };
        self.asked.entry(order.number).or_insert(asked);
        order.quantity = left;
        order.amount = amount;
        Some(())
    }

    /// Takes an order out of both indexes, with what stands beside its row; the row stays until [`free`](Self::free).
    pub(crate) fn forget(&mut self, hash: u64, slot: Slot, number: OrderNumber) {
        if !self.asked.is_empty() {
            self.asked.remove(&number);
        }
        self.by_request.remove(hash, |reference| reference.slot == slot);
        self.sequences.forget(number);
    }

    /// Gives an order's row back, and what belongs to it.
    pub(crate) fn free(&mut self, slot: Slot) {
        if let Some(order) = self.rows.get(slot) {
            self.payments.free(order.payment);
            self.legs.free(order.lines());
        }
        self.rows.remove(slot);
    }

    pub(crate) fn requests(&self) -> usize {
        self.by_request.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        let rows = self.rows.bytes().saturating_add(self.payments.bytes());
        let lines = self.legs.bytes();
        rows.saturating_add(self.by_request.bytes())
            .saturating_add(self.sequences.bytes())
            .saturating_add(lines)
    }
}
