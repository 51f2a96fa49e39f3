//! The drill's own account: what was asked, and what was answered.
//!
//! One entry a purchase, 64 bytes, kept in memory until the audit. It is written from answers alone; nothing in
//! it is what we believe that the server should have done.

mod basket;
mod payment;

use doorbuster_protocol::{Answer, Class, Code, RequestId};

use crate::scenario::Campaign;

pub use doorbuster_auditor::Faults;

pub use self::basket::{Basket, BasketLine, Summed};
pub use self::payment::{Extent, Payment};

/// Answers `SOLD_OUT` that a worker keeps for the audit, 96 MB: all of a sale of four million refusals.
const MOST_REFUSALS: usize = 4_000_000;

/// What kind of request is to place an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// The first one.
    Reserve,
    /// The same again.
    Repeat,
    /// With the wish to wait where there are too few units.
    Wait,
}

/// One purchase. Codes are numbers of [`Code`]; 0: no answer came.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about requests, of a byte each")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The reserve's request id; payments' ids follow from it.
    pub request_id: RequestId,
    /// The order's number; 0: none was acknowledged.
    pub order: u64,
    /// The shopper.
    pub user: u32,
    /// The SKU, from 0; of several the lowest.
    pub sku: u32,
    /// What it asks for, where that may be several lines: its index and 1; 0: one unit of the SKU.
    pub basket: u32,
    /// The purchase's latest payment: its index and 1; 0: none.
    pub payment: u32,
    /// Answer to the reserve.
    pub reserved: u16,
    /// Answer to its repeat.
    pub repeated: u16,
    /// Answer to the cancel.
    pub cancelled: u16,
    /// Answer to the wish to wait.
    pub waitlisted: u16,
    /// The sales channel that it came through; 0: none.
    pub channel: u16,
    /// A cancel was sent.
    pub cancels: bool,
    /// The wish to wait was sent.
    pub waits: bool,
    /// The reserve was sent a second time.
    pub twice: bool,
    /// A request about it never got an answer, though another copy may have: it may or may not have taken effect.
    pub uncertain: bool,
    /// The version of prices that it orders by; 0: none.
    pub prices: u8,
}

impl Attempt {
    /// What is due for it, minor units.
    pub fn amount(&self) -> u64 {
        Campaign::price(self.prices)
    }
}

/// Entries and the contradictions that were noticed while writing them.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Purchases in the order of their arrival.
    pub attempts: Vec<Attempt>,
    /// Payments in the order in which they were first sent.
    pub payments: Vec<Payment>,
    /// Purchases that may have several lines: what they ask for.
    pub baskets: Vec<Basket>,
    /// Answers `SOLD_OUT`, as far as there was room for them.
    pub refusals: Vec<Refusal>,
    /// Answers `BUDGET_EXHAUSTED`, as far as there was room for them.
    pub exhausted: Vec<Exhausted>,
    /// Contradictions in answers.
    pub faults: Faults,
}

/// An answer `SOLD_OUT` or `CHANNEL_EXHAUSTED`, and between which positions of the log it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The SKU, from 0.
    pub sku: u32,
    /// The channel that was told `CHANNEL_EXHAUSTED`; none: it was `SOLD_OUT`.
    pub channel: Option<u16>,
    /// The latest position that any answer had named before the request was sent: the decision saw at least that.
    pub after: u64,
    /// The answer's own position: the decision saw nothing later.
    pub until: u64,
}

/// An answer `BUDGET_EXHAUSTED`, and between which positions of the log it was decided: see [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// As in [`Refusal`].
    pub after: u64,
    /// As in [`Refusal`].
    pub until: u64,
}

impl Journal {
    /// What a purchase asks for, where that may be several lines.
    pub fn basket_of(&self, attempt: &Attempt) -> Option<&Basket> {
        self.baskets.get((attempt.basket as usize).wrapping_sub(1))
    }

    /// The same, to be changed.
    pub fn basket_mut(&mut self, attempt: u32) -> Option<&mut Basket> {
        let basket = self.attempts.get(attempt as usize)?.basket;
        self.baskets.get_mut((basket as usize).wrapping_sub(1))
    }

    /// Notes what a purchase asks for, and gives what its entry says of that.
    pub fn ask_for(&mut self, basket: Basket) -> u32 {
        self.baskets.push(basket);
        u32::try_from(self.baskets.len()).unwrap_or(u32::MAX)
    }

    /// Notes a purchase and gives its index.
    pub fn begin(&mut self, attempt: Attempt) -> u32 {
        let index = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        self.attempts.push(attempt);
        index
    }

    /// Notes the answer to a reserve, to its repeat or to the wish to wait; true if this answer is the first that names the
    /// order.
    pub fn placed(&mut self, index: u32, answer: &Answer, placing: Placing) -> bool {
        let Some(attempt) = self.attempts.get_mut(index as usize) else { return false };
        let done = is_done(answer.code);
        match placing {
            // A copy may be refused after another one was accepted.
            Placing::Reserve if attempt.order != 0 && !done => {}
            Placing::Reserve => attempt.reserved = answer.code,
            Placing::Repeat => attempt.repeated = answer.code,
            Placing::Wait if attempt.waitlisted == Code::Waitlisted.number() => {}
            Placing::Wait => attempt.waitlisted = answer.code,
        }
        if !done {
            return false;
        }
        if answer.order == 0 {
            self.faults
                .note(|| format!("request {} was acknowledged without an order", hex(&attempt.request_id)));
            return false;
        }
        if attempt.order == 0 {
            attempt.order = answer.order;
            return true;
        }
        if attempt.order != answer.order {
            let (id, first) = (hex(&attempt.request_id), attempt.order);
            self.faults.note(|| format!("request {id} made two orders: {first} and {}", answer.order));
        }
        false
    }

    /// The index of a purchase's payment with this ordinal, which is noted if it is new.
    pub fn payment(&mut self, attempt: u32, ordinal: u8) -> u32 {
        let Some(entry) = self.attempts.get_mut(attempt as usize) else { return u32::MAX };
        let mut at = entry.payment;
        while let Some(payment) = self.payments.get((at as usize).wrapping_sub(1)) {
            if payment.ordinal == ordinal {
                return at - 1;
            }
            at = payment.next;
        }
        let index = u32::try_from(self.payments.len()).unwrap_or(u32::MAX);
        let (due, next) = (u32::try_from(entry.amount()).unwrap_or(u32::MAX), entry.payment);
        self.payments.push(Payment { attempt, next, due, ordinal, ..Payment::default() });
        entry.payment = index.saturating_add(1);
        index
    }

    /// The payments of a purchase, latest first.
    pub fn payments_of<'a>(&'a self, attempt: &Attempt) -> impl Iterator<Item = &'a Payment> {
        let at = |link: u32| self.payments.get((link as usize).wrapping_sub(1));
        std::iter::successors(at(attempt.payment), move |payment| at(payment.next))
    }

    /// Notes that a payment is begun.
    pub fn begins(&mut self, index: u32) {
        if let Some(payment) = self.payments.get_mut(index as usize) {
            payment.begun = true;
        }
    }

    /// Notes that a payment is confirmed, once more.
    pub fn confirms(&mut self, index: u32) {
        if let Some(payment) = self.payments.get_mut(index as usize) {
            payment.confirms = payment.confirms.saturating_add(1);
        }
    }

    /// Notes the answer to a payment's confirmation.
    pub fn confirmed(&mut self, index: u32, code: u16) {
        if let Some(payment) = self.payments.get_mut(index as usize) {
            payment.answered(code);
        }
    }

    /// Notes the answer to a cancel.
    pub fn cancelled(&mut self, index: u32, code: u16) {
        if let Some(attempt) = self.attempts.get_mut(index as usize)
            && (is_done(code) || attempt.cancelled == 0)
        {
            attempt.cancelled = code;
        }
    }

    /// Notes that a request about a purchase will never be answered.
    pub fn lost(&mut self, index: u32) {
        if let Some(attempt) = self.attempts.get_mut(index as usize) {
            attempt.uncertain = true;
        }
    }

    /// Notes an answer `SOLD_OUT`.
    pub fn refused(&mut self, refusal: Refusal) {
        if self.refusals.len() < MOST_REFUSALS {
            self.refusals.push(refusal);
        }
    }

    /// Notes an answer `BUDGET_EXHAUSTED`.
    pub fn exhausted(&mut self, refusal: Exhausted) {
        if self.exhausted.len() < MOST_REFUSALS {
            self.exhausted.push(refusal);
        }
    }

    /// Adds another worker's entries.
    pub fn merge(&mut self, other: Self) {
        let before = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        let payments = u32::try_from(self.payments.len()).unwrap_or(u32::MAX);
        let link = |link: u32| if link == 0 { 0 } else { link.saturating_add(payments) };
        self.payments.extend(other.payments.into_iter().map(|payment| Payment {
            attempt: payment.attempt.saturating_add(before),
            next: link(payment.next),
            ..payment
        }));
        self.refusals.extend(other.refusals);
        self.exhausted.extend(other.exhausted);
        let baskets = u32::try_from(self.baskets.len()).unwrap_or(u32::MAX);
        let after = |link: u32, count: u32| if link == 0 { 0 } else { link.saturating_add(count) };
        self.baskets.extend(other.baskets.into_iter().map(|basket| Basket {
            instead_of: after(basket.instead_of, before),
            replaced_by: after(basket.replaced_by, before),
            ..basket
        }));
        let moved = |attempt: Attempt| {
            let (payment, basket) = (link(attempt.payment), after(attempt.basket, baskets));
            Attempt { basket, payment, ..attempt }
        };
        self.attempts.extend(other.attempts.into_iter().map(moved));
        self.faults.merge(other.faults);
    }
}

/// Whether a code says that the request took effect.
pub fn is_done(code: u16) -> bool {
    Code::from_number(code).is_some_and(|code| code.class() == Class::Done)
}

/// A request id as people write it.
pub fn hex(id: &RequestId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

const _: () = assert!(size_of::<Attempt>() <= 64);

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(order: u64, code: Code) -> Answer {
        Answer { order, ..Answer::of(code) }
    }

    #[test]
    fn a_repeat_with_another_order_is_a_fault() {
        let mut journal = Journal::default();
        let index = journal.begin(Attempt::default());
        assert!(journal.placed(index, &ok(5, Code::Ok), Placing::Reserve));
        assert!(!journal.placed(index, &ok(5, Code::Replayed), Placing::Repeat));
        assert_eq!(journal.faults.count, 0);
        journal.placed(index, &ok(6, Code::Replayed), Placing::Repeat);
        assert_eq!(journal.faults.count, 1);
        assert!(journal.faults.examples[0].contains("5 and 6"), "{:?}", journal.faults);
    }

    #[test]
    fn payments_follow_their_purchases_when_journals_are_merged() {
        let mut one = Journal::default();
        let first = one.begin(Attempt { user: 1, ..Attempt::default() });
        one.payment(first, 0);
        let mut two = Journal::default();
        let bought = two.begin(Attempt { user: 2, ..Attempt::default() });
        let (paid, again) = (two.payment(bought, 0), two.payment(bought, 1));
        assert_eq!((two.payment(bought, 0), two.payment(bought, 1)), (paid, again));
        two.confirms(paid);
        two.confirmed(paid, Code::Ok.number());
        one.merge(two);
        let of = |index: usize| -> Vec<(u32, u8, bool)> {
            let payments = one.payments_of(&one.attempts[index]);
            payments.map(|payment| (payment.attempt, payment.ordinal, payment.bought)).collect()
        };
        assert_eq!((of(0), of(1)), (vec![(0, 0, false)], vec![(1, 1, false), (1, 0, true)]));
    }

    #[test]
    fn a_refusal_followed_by_success_counts_once_as_an_order() {
        let mut journal = Journal::default();
        let index = journal.begin(Attempt::default());
        assert!(!journal.placed(index, &Answer::of(Code::SoldOut), Placing::Reserve));
        assert!(journal.placed(index, &ok(5, Code::Ok), Placing::Repeat));
    }
}
