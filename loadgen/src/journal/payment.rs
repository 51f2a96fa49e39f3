//! What became of each payment that the drill sent.
//!
//! A payment has a number within its purchase, from 0, and an id that follows from it: [`Payment::id`]. One that was
//! confirmed must have bought its order or be noted as to be refunded, once, whatever else was sent about it.

use doorbuster_protocol::{Class, Code, RequestId};

/// How much of its order a payment pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All lines.
    #[default]
    Whole,
    /// Some of them, for half the price.
    Part,
}

/// One payment of one purchase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// Index of the purchase.
    pub attempt: u32,
    /// The purchase's next payment: its index and 1; 0: none.
    pub next: u32,
    /// What is due for the whole order, minor units.
    pub due: u32,
    /// Which of the purchase's payments, from 0.
    pub ordinal: u8,
    /// It was begun, or that was tried.
    pub begun: bool,
    /// How much of the order it pays.
    pub extent: Extent,
    /// How often it was confirmed, or that was tried.
    pub confirms: u8,
    /// Answers to these that say how it ended, or that nothing was executed.
    pub answers: u8,
    /// An answer says that it bought its order.
    pub bought: bool,
    /// An answer says that it is to be refunded.
    pub refund: bool,
    /// The first answer that is neither, and is not to be tried again; 0: none.
    pub refused: u16,
}

impl Payment {
    /// Its id: the purchase's request id, with the ordinal in the last byte's bits.
    pub fn id(request_id: RequestId, ordinal: u8) -> RequestId {
        let mut id = request_id;
        id[15] ^= ordinal;
        id
    }

    /// Whether it pays only a part of the order.
    pub fn is_part(&self) -> bool {
        self.extent == Extent::Part
    }

    /// Its amount, minor units.
    pub fn amount(&self) -> u64 {
        let due = u64::from(self.due);
        if self.is_part() { due / 2 } else { due }
    }

    /// Whether money moved, as far as answers tell: it was confirmed, and somebody owes something for it.
    pub fn is_decided(&self) -> bool {
        self.bought || self.refund
    }

    /// Whether it may have taken effect without our knowing.
    pub fn is_unknown(&self) -> bool {
        !self.is_decided() && self.answers < self.confirms
    }

    /// Notes the answer to a confirmation.
    pub(super) fn answered(&mut self, code: u16) {
        self.answers = self.answers.saturating_add(1);
        match Code::from_number(code) {
            Some(code) if code.class() == Class::Done => self.bought = true,
            Some(Code::RefundRequired) => self.refund = true,
            Some(code) if code.class() == Class::Retry => {}
            Some(_) | None if self.refused == 0 => self.refused = code,
            Some(_) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments_of_a_purchase_differ_and_the_first_has_the_requests_id() {
        let ids: Vec<RequestId> = (0..4).map(|ordinal| Payment::id([9; 16], ordinal)).collect();
        assert_eq!(ids[0], [9; 16]);
        assert!((1..4).all(|other| ids[other] != ids[0] && ids[..other].iter().all(|id| *id != ids[other])));
    }

    #[test]
    fn an_answer_that_executed_nothing_leaves_a_payment_undecided_but_known() {
        let mut payment = Payment { confirms: 2, ..Payment::default() };
        payment.answered(Code::DeadlineExceeded.number());
        assert!(payment.is_unknown());
        payment.answered(Code::DeadlineExceeded.number());
        assert!(!payment.is_unknown() && !payment.is_decided() && payment.refused == 0);
    }
}
