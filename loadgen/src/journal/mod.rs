//! The drill's own account: what was asked, and what was answered.
//!
//! One entry a purchase, 64 bytes, kept in memory until the audit. It is written from answers alone; nothing in
//! it is what we believe that the server should have done.

use doorbuster_protocol::{Answer, Class, Code, RequestId};

/// Most faults that are kept word for word; the rest are counted.
const EXAMPLES: usize = 20;

/// How a shopper ended an order, or tried to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing was sent.
    #[default]
    None,
    /// A confirm was sent.
    Pay,
    /// A cancel was sent.
    Cancel,
}

/// One purchase. Codes are numbers of [`Code`]; 0: no answer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The reserve's request id; also the payment's id.
    pub request_id: RequestId,
    /// The order's number; 0: none was acknowledged.
    pub order: u64,
    /// The shopper.
    pub user: u32,
    /// The SKU, from 0.
    pub sku: u32,
    /// Answer to the reserve.
    pub reserved: u16,
    /// Answer to its repeat.
    pub repeated: u16,
    /// Answer to the settlement.
    pub settled: u16,
    /// What was sent to settle it.
    pub settlement: Settlement,
    /// The reserve was sent a second time.
    pub twice: bool,
}

/// Entries and the contradictions that were noticed while writing them.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Purchases in the order of their arrival.
    pub attempts: Vec<Attempt>,
    /// Contradictions in answers.
    pub faults: Faults,
}

/// Breaks of correctness: how many, and the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many.
    pub count: u64,
    /// The first ones, one line each.
    pub examples: Vec<String>,
}

impl Faults {
    /// Notes one.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(line());
        }
    }

    /// Adds another part's.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

impl Journal {
    /// Notes a purchase and gives its index.
    pub fn begin(&mut self, attempt: Attempt) -> u32 {
        let index = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        self.attempts.push(attempt);
        index
    }

    /// Notes the answer to a reserve or to its repeat; true if this answer is the first that names the order.
    pub fn reserved(&mut self, index: u32, answer: &Answer, is_repeat: bool) -> bool {
        let Some(attempt) = self.attempts.get_mut(index as usize) else { return false };
        if is_repeat {
            attempt.repeated = answer.code;
        } else {
            attempt.reserved = answer.code;
        }
        let done = Code::from_number(answer.code).is_some_and(|code| code.class() == Class::Done);
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

    /// Adds another worker's entries.
    pub fn merge(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.faults.merge(other.faults);
    }
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
        assert!(journal.reserved(index, &ok(5, Code::Ok), false));
        assert!(!journal.reserved(index, &ok(5, Code::Replayed), true));
        assert_eq!(journal.faults.count, 0);
        journal.reserved(index, &ok(6, Code::Replayed), true);
        assert_eq!(journal.faults.count, 1);
        assert!(journal.faults.examples[0].contains("5 and 6"), "{:?}", journal.faults);
    }

    #[test]
    fn a_refusal_followed_by_success_counts_once_as_an_order() {
        let mut journal = Journal::default();
        let index = journal.begin(Attempt::default());
        assert!(!journal.reserved(index, &Answer::of(Code::SoldOut), false));
        assert!(journal.reserved(index, &ok(5, Code::Ok), true));
    }
}
