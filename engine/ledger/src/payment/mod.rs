//! What is known of an order's payments: a short list beside its row.
//!
//! Most orders in memory during a sale are not paid yet, so a payment has a row of its own, linked from the order's.
//!
//! A discount comes with the order, so a row for each would cost a crowd that claims one a third more memory, and time: the
//! kernel clears what it gives. But a sale has few discounts that differ, and an order's claim stands last in its list. So
//! lists of orders that claim the same end in the same row, which changes for one of them only by a copy.
//!
//! ```text
//!   order 1 ──────────────► claim of 5.00 from budget 7, and 2 other orders'
//!   order 2 ──► taken ──────┘ │
//!   order 3 ──────────────────┘
//! ```

mod recent;
#[cfg(test)]
mod tests;

use self::recent::Recent;
use crate::budget::{BudgetId, Claim, CouponId};
use crate::ids::{Amount, PaymentId, Timestamp};
use crate::table::{NONE, Row, Rows, Slot};

/// What became of a payment, or what else stands beside an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaymentKind {
    /// Under way; pins the hold.
    #[default]
    Begun,
    /// It paid the order.
    Taken,
    /// It bought nothing and must be paid back.
    Refund,
    /// It came to nothing, or another took its place.
    Failed,
    /// No payment, but the discount that the order claims.
    Claim,
    /// No payment, but the coupon that the order uses.
    Coupon,
}

impl PaymentKind {
    /// Whether it is a payment at all.
    pub(crate) fn is_payment(self) -> bool {
        !matches!(self, Self::Claim | Self::Coupon)
    }
}

/// One payment of one order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Payment {
    id: [u64; 2],
    /// The amount; of one that has begun, the deadline that the hold had before.
    value: u64,
    next: Slot,
    /// Other orders whose lists end in this row: a claim that they share.
    others: u16,
    kind: PaymentKind,
}

const _: () = assert!(size_of::<Payment>() == 32);

impl Payment {
    pub(crate) fn begun(id: PaymentId, deadline_before: Timestamp) -> Self {
        Self {
            id: split(id.raw()),
            value: deadline_before.raw(),
            next: NONE,
            others: 0,
            kind: PaymentKind::Begun,
        }
    }

    pub(crate) fn of(kind: PaymentKind, id: PaymentId, amount: Amount) -> Self {
        Self { id: split(id.raw()), value: amount.raw(), next: NONE, others: 0, kind }
    }

    /// The row that an image tells of.
    pub(crate) fn told(kind: PaymentKind, id: u128, value: u64) -> Self {
        Self { id: split(id), value, next: NONE, others: 0, kind }
    }

    /// What an order claims of a budget now. What it claimed at first is kept beside it, as repeats are compared with that.
    pub(crate) fn claim(claim: Claim, asked: Amount) -> Self {
        let id = [u64::from(claim.budget.raw()), asked.raw()];
        Self { id, value: claim.amount.raw(), next: NONE, others: 0, kind: PaymentKind::Claim }
    }

    pub(crate) fn coupon(coupon: CouponId) -> Self {
        Self { id: [coupon.raw(), 0], value: 0, next: NONE, others: 0, kind: PaymentKind::Coupon }
    }

    /// The claim of a row that is one, now and as it was asked for.
    pub(crate) fn claimed(&self) -> Option<(Claim, Amount)> {
        let [budget, asked] = self.id;
        let budget = BudgetId::new(u32::try_from(budget).ok()?)?;
        let claim = Claim { budget, amount: Amount::new(self.value) };
        (self.kind == PaymentKind::Claim).then_some((claim, Amount::new(asked)))
    }

    /// Whether this row may stand for another order's claim as well.
    #[inline]
    fn is_same_claim(&self, claim: &Self) -> bool {
        let same = (self.kind, self.id, self.value) == (PaymentKind::Claim, claim.id, claim.value);
        same && self.next == NONE && self.others < u16::MAX
    }

    /// The coupon of a row that is one.
    pub(crate) fn used(&self) -> Option<CouponId> {
        let [coupon, _] = self.id;
        CouponId::new(coupon).filter(|_| self.kind == PaymentKind::Coupon)
    }

    pub(crate) fn id(&self) -> PaymentId {
        PaymentId::new(join(self.id))
    }

    pub(crate) fn kind(&self) -> PaymentKind {
        self.kind
    }

    /// What was paid, by a payment that was.
    pub(crate) fn amount(&self) -> Amount {
        Amount::new(self.value)
    }

    /// When the hold ended before the payment began, of one that is under way.
    pub(crate) fn deadline_before(&self) -> Timestamp {
        Timestamp::new(self.value)
    }

    /// Amount or deadline, for a digest.
    pub(crate) fn value(&self) -> u64 {
        self.value
    }
}

impl Row for Payment {
    fn link(&self) -> Slot {
        self.next
    }

    fn set_link(&mut self, link: Slot) {
        self.next = link;
    }
}

/// The payments of all orders. An order's list is named by the slot of its first.
#[derive(Debug)]
pub(crate) struct Payments {
    pub(crate) rows: Rows<Payment>,
    recent: Recent,
}

impl Payments {
    pub(crate) const fn new() -> Self {
        Self { rows: Rows::new(), recent: Recent::new() }
    }

    /// The payments of a list.
    pub(crate) fn list(&self, first: Slot) -> impl Iterator<Item = &Payment> {
        core::iter::successors(self.rows.get(first), |payment| self.rows.get(payment.next))
    }

    /// The payments of a list, the other way round. Lists are short: most have one row or two, none more than some dozens.
    pub(crate) fn oldest_first(&self, first: Slot) -> impl Iterator<Item = &Payment> {
        (0..self.list(first).count()).rev().filter_map(move |nth| self.list(first).nth(nth))
    }

    /// Reads the first of a list, so that it is in the cache when it is needed.
    #[inline]
    pub(crate) fn touch(&self, first: Slot) -> Slot {
        self.rows.get(first).map_or(NONE, |payment| payment.next)
    }

    /// Puts a payment in front of a list; returns the new first. `None` if there is no room.
    #[inline]
    pub(crate) fn add(&mut self, first: Slot, mut payment: Payment) -> Option<Slot> {
        payment.next = first;
        if first == NONE && payment.kind == PaymentKind::Claim {
            return self.share(payment);
        }
        self.rows.insert(payment)
    }

    /// A row for an order's claim: one that is there, or a new one.
    #[inline]
    fn share(&mut self, claim: Payment) -> Option<Slot> {
        let known = self.recent.get(&claim);
        if let Some(row) = self.rows.get_mut(known).filter(|row| row.is_same_claim(&claim)) {
            row.others = row.others.saturating_add(1);
            return Some(known);
        }
        let slot = self.rows.insert(claim)?;
        self.recent.put(&claim, slot);
        Some(slot)
    }

    /// Takes the payment that is under way out of a list, if there is one; returns the new first.
    pub(crate) fn forget_begun(&mut self, first: Slot) -> Slot {
        let (mut new_first, mut before, mut at) = (first, NONE, first);
        while let Some(payment) = self.rows.get(at).copied() {
            if payment.kind == PaymentKind::Begun {
                if let Some(before) = self.rows.get_mut(before) {
                    before.next = payment.next;
                } else {
                    new_first = payment.next;
                }
                self.rows.remove(at);
            } else {
                before = at;
            }
            at = payment.next;
        }
        new_first
    }

    /// Marks the payment of a list that is under way as failed, if there is one.
    pub(crate) fn fail_begun(&mut self, first: Slot) {
        let mut at = first;
        while let Some(payment) = self.rows.get_mut(at) {
            if payment.kind == PaymentKind::Begun {
                payment.kind = PaymentKind::Failed;
            }
            at = payment.next;
        }
    }

    /// Makes the claim of a list, if there is one, a smaller one; returns the new first. `None` if there is no room.
    pub(crate) fn cut_claim(&mut self, first: Slot, left: Amount) -> Option<Slot> {
        let (mut before, mut at) = (NONE, first);
        while let Some(payment) = self.rows.get_mut(at) {
            if payment.kind != PaymentKind::Claim {
                (before, at) = (at, payment.next);
                continue;
            }
            if payment.others == 0 {
                payment.value = left.raw();
                return Some(first);
            }
            payment.others = payment.others.saturating_sub(1);
            let own = Payment { value: left.raw(), others: 0, ..*payment };
            let own = self.rows.insert(own)?;
            let Some(before) = self.rows.get_mut(before) else { return Some(own) };
            before.next = own;
            return Some(first);
        }
        Some(first)
    }

    /// Gives a whole list back, but for what other orders share.
    pub(crate) fn free(&mut self, first: Slot) {
        let mut at = first;
        while let Some(payment) = self.rows.get_mut(at) {
            let next = payment.next;
            if payment.others == 0 {
                self.rows.remove(at);
            } else {
                payment.others = payment.others.saturating_sub(1);
            }
            at = next;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows.bytes().saturating_add(self.recent.bytes())
    }
}

/// A 128-bit id as two words, which need no alignment of 16 bytes in a row.
pub(crate) fn split(id: u128) -> [u64; 2] {
    [u64::try_from(id >> 64).unwrap_or(0), u64::try_from(id & u128::from(u64::MAX)).unwrap_or(0)]
}

/// The id of two words.
#[inline]
pub(crate) fn join([high, low]: [u64; 2]) -> u128 {
    (u128::from(high) << 64) | u128::from(low)
}
