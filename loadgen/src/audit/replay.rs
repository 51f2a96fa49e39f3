//! What the log says, against the account.

use std::collections::HashMap;
use std::path::Path;

use doorbuster_protocol::{Class, Code};

use super::log::{self, Entry};
use super::{Check, Sale};
use crate::journal::{Faults, Journal, Settlement, hex};

/// Where an order stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    Confirmed,
    Cancelled,
    Expired,
    Superseded,
    Waiting,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    state: State,
    user: u64,
    sku: u64,
    quantity: u32,
    request_id: [u8; 16],
    payment_id: [u8; 16],
    /// A payment that bought nothing.
    refund: Option<[u8; 16]>,
}

/// A SKU's units as the log's records add up.
#[derive(Clone, Copy, Debug, Default)]
struct Units {
    stocked: i128,
    taken: i128,
}

#[derive(Debug, Default)]
struct Replay {
    orders: HashMap<u64, Order>,
    units: HashMap<u64, Units>,
    faults: Faults,
}

/// Reads the log in `data` and compares it with the account. Gives the rule and how many acknowledged effects the
/// log lacks.
pub fn check_log(data: &Path, sale: &Sale, journal: &Journal) -> (Check, u64) {
    let mut check =
        Check::new("log", "the log holds every acknowledged effect, none without a request, and adds up");
    let mut replay = Replay::default();
    match log::read(data, |entry| replay.pass(entry)) {
        Ok(records) => check.examined = records,
        Err(reason) => check.faults.note(|| reason),
    }
    check.faults.merge(std::mem::take(&mut replay.faults));
    let lost = replay.compare(sale, journal, &mut check.faults);
    (check, lost)
}

impl Replay {
    fn pass(&mut self, entry: Entry) {
        match entry {
            Entry::Put { sku, units } => self.units.entry(sku).or_default().stocked += i128::from(units),
            Entry::Restocked { sku, units } => {
                self.units.entry(sku).or_default().stocked += i128::from(units);
            }
            Entry::Reserved { order, request_id, user, sku, quantity, instead_of } => {
                if instead_of != 0 {
                    self.give_back(instead_of, State::Superseded);
                }
                self.take(order, sku, quantity);
                let (state, payment_id, refund) = (State::Held, [0; 16], None);
                let new = Order { state, user, sku, quantity, request_id, payment_id, refund };
                self.placed(order, new);
            }
            Entry::Waitlisted { order, request_id, user, sku, quantity } => {
                let (state, payment_id, refund) = (State::Waiting, [0; 16], None);
                self.placed(order, Order { state, user, sku, quantity, request_id, payment_id, refund });
            }
            Entry::Offered { order } => match self.orders.get_mut(&order) {
                Some(found) if found.state == State::Waiting => {
                    found.state = State::Held;
                    let (sku, quantity) = (found.sku, found.quantity);
                    self.take(order, sku, quantity);
                }
                _ => self.faults.note(|| format!("log: order {order} gets units and didn't wait")),
            },
            Entry::Confirmed { order, payment_id } => {
                if let Some(found) = self.end(order, State::Confirmed) {
                    found.payment_id = payment_id;
                }
            }
            Entry::Reacquired { order, payment_id } => self.reacquire(order, payment_id),
            Entry::RefundRequired { order, payment_id } => match self.orders.get_mut(&order) {
                Some(found) => found.refund = Some(payment_id),
                None => {
                    self.faults.note(|| format!("log: a refund for order {order}, which was never placed"));
                }
            },
            Entry::Cancelled { order } => drop(self.give_back(order, State::Cancelled)),
            Entry::Expired { order } => drop(self.give_back(order, State::Expired)),
            Entry::Other => {}
        }
    }

    fn give_back(&mut self, order: u64, state: State) -> Option<()> {
        let waited = self.orders.get(&order).is_some_and(|order| order.state == State::Waiting);
        let Order { sku, quantity, .. } = *self.end(order, state)?;
        if waited {
            return Some(());
        }
        self.units.entry(sku).or_default().taken -= i128::from(quantity);
        Some(())
    }

    fn placed(&mut self, number: u64, order: Order) {
        if self.orders.insert(number, order).is_some() {
            self.faults.note(|| format!("log: order {number} is placed twice"));
        }
    }

    fn take(&mut self, number: u64, sku: u64, quantity: u32) {
        let units = self.units.entry(sku).or_default();
        units.taken += i128::from(quantity);
        if units.taken > units.stocked {
            self.faults.note(|| format!("log: order {number} takes a unit of SKU {sku} that isn't there"));
        }
    }

    /// Takes the units of an order again that had ended, and pays it; also of one whose end was due.
    fn reacquire(&mut self, number: u64, payment_id: [u8; 16]) {
        let Some(order) = self.orders.get_mut(&number) else {
            self.faults.note(|| format!("log: order {number} is paid late and was never placed"));
            return;
        };
        match order.state {
            State::Held => {}
            State::Cancelled | State::Expired => {
                let (sku, quantity) = (order.sku, order.quantity);
                (order.state, order.payment_id) = (State::Confirmed, payment_id);
                self.take(number, sku, quantity);
                return;
            }
            State::Confirmed | State::Superseded | State::Waiting => {
                let was = order.state;
                self.faults.note(|| format!("log: order {number} was {was:?} and is paid late"));
            }
        }
        (order.state, order.payment_id) = (State::Confirmed, payment_id);
    }

    /// Ends an open order; anything else is a fault.
    fn end(&mut self, number: u64, state: State) -> Option<&mut Order> {
        match self.orders.get_mut(&number) {
            Some(order)
                if order.state == State::Held
                    || (order.state == State::Waiting && state != State::Confirmed) =>
            {
                order.state = state;
                Some(order)
            }
            Some(order) => {
                let was = order.state;
                self.faults.note(|| format!("log: order {number} was {was:?} and becomes {state:?}"));
                None
            }
            None => {
                self.faults.note(|| format!("log: order {number} becomes {state:?} and was never placed"));
                None
            }
        }
    }

    /// Compares with the account; gives the number of acknowledged effects that the log lacks.
    fn compare(&self, sale: &Sale, journal: &Journal, faults: &mut Faults) -> u64 {
        let mut lost = 0;
        let mut asked = HashMap::with_capacity(journal.attempts.len());
        for attempt in &journal.attempts {
            asked.insert(attempt.request_id, attempt);
            if attempt.order == 0 {
                continue;
            }
            let done = Code::from_number(attempt.settled).is_some_and(|code| code.class() == Class::Done);
            let wanted = match attempt.settlement {
                Settlement::Pay if done => Some(State::Confirmed),
                Settlement::Cancel if done => Some(State::Cancelled),
                Settlement::None | Settlement::Pay | Settlement::Cancel => None,
            };
            match self.orders.get(&attempt.order) {
                None => {
                    lost += 1;
                    faults.note(|| format!("log: order {} was acknowledged and isn't there", attempt.order));
                }
                Some(order) if wanted.is_some_and(|wanted| wanted != order.state) => {
                    lost += 1;
                    let (number, state) = (attempt.order, order.state);
                    faults.note(|| format!("log: order {number} is {state:?}; {wanted:?} was acknowledged"));
                }
                Some(order)
                    if attempt.settled == Code::RefundRequired.number()
                        && order.refund != Some(attempt.request_id) =>
                {
                    lost += 1;
                    let number = attempt.order;
                    faults.note(|| {
                        format!("log: the refund of order {number} was acknowledged and isn't there")
                    });
                }
                Some(_) => {}
            }
        }
        let mut ours: Vec<(&u64, &Order)> =
            self.orders.iter().filter(|(_, order)| sale.skus.contains(&order.sku)).collect();
        ours.sort_unstable_by_key(|(number, _)| **number);
        for (number, order) in ours {
            match asked.get(&order.request_id) {
                None => {
                    let id = hex(&order.request_id);
                    faults.note(|| format!("log: order {number} of request {id} was never asked for"));
                }
                Some(attempt) => {
                    let as_asked = u64::from(attempt.user) == order.user
                        && sale.skus.start + u64::from(attempt.sku) == order.sku
                        && (attempt.order == 0 || attempt.order == *number);
                    if !as_asked {
                        faults.note(|| format!("log: order {number} has other content than its request"));
                    }
                    let paid = order.state == State::Confirmed;
                    if paid
                        && (attempt.settlement != Settlement::Pay || order.payment_id != attempt.request_id)
                    {
                        faults.note(|| format!("log: order {number} was paid by nobody"));
                    }
                    if order.state == State::Cancelled && attempt.settlement != Settlement::Cancel {
                        faults.note(|| format!("log: order {number} was cancelled by nobody"));
                    }
                }
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::{put, reserved, segment};
    use super::*;
    use crate::journal::Attempt;

    fn attempt(user: u32, order: u64) -> Attempt {
        let mut request_id = [u8::try_from(user).expect("small"); 16];
        request_id[0] = 0x55;
        Attempt { request_id, order, user, sku: 0, reserved: Code::Ok.number(), ..Attempt::default() }
    }

    fn check(records: &[Vec<u8>], attempts: &[Attempt]) -> (Check, u64) {
        let folder = tempfile::tempdir().expect("a folder");
        let count = u32::try_from(records.len()).expect("few");
        let bytes = segment(&[(count, records.concat())]);
        std::fs::write(folder.path().join("segment-0000000001.log"), bytes).expect("written");
        let journal = Journal { attempts: attempts.to_vec(), faults: Faults::default() };
        let sale = Sale { skus: 5..6, units_each: 1, user_limit: 0 };
        check_log(folder.path(), &sale, &journal)
    }

    #[test]
    fn a_log_that_says_what_was_acknowledged_is_sound() {
        let (check, lost) = check(&[put(5, 1), reserved(1, 2, 5)], &[attempt(2, 1)]);
        assert_eq!((check.faults.count, lost, check.examined), (0, 0, 2), "{check:?}");
    }

    #[test]
    fn an_acknowledged_order_that_the_log_lacks_is_lost() {
        let (check, lost) = check(&[put(5, 1)], &[attempt(2, 1)]);
        assert_eq!((check.faults.count, lost), (1, 1));
    }

    #[test]
    fn an_order_that_nobody_asked_for_is_found() {
        let (check, lost) = check(&[put(5, 1), reserved(1, 2, 5)], &[]);
        assert_eq!((check.faults.count, lost), (1, 0), "{check:?}");
        assert!(check.faults.examples[0].contains("never asked for"));
    }

    #[test]
    fn a_log_that_sells_more_than_it_has_is_found() {
        let (check, _) =
            check(&[put(5, 1), reserved(1, 2, 5), reserved(2, 3, 5)], &[attempt(2, 1), attempt(3, 2)]);
        assert_eq!(check.faults.count, 1, "{check:?}");
        assert!(check.faults.examples[0].contains("isn't there"));
    }

    #[test]
    fn a_payment_and_an_expiry_of_one_order_contradict_each_other() {
        let mut confirmed = vec![5];
        confirmed.extend(1_u64.to_le_bytes());
        confirmed.extend([0; 32]);
        let mut expired = vec![7];
        expired.extend(1_u64.to_le_bytes());
        expired.extend([0; 8]);
        let records = [put(5, 1), reserved(1, 2, 5), confirmed, expired];
        let (check, _) = check(&records, &[attempt(2, 1)]);
        assert!(
            check.faults.examples.iter().any(|line| line.contains("Confirmed and becomes Expired")),
            "{check:?}"
        );
    }
}
