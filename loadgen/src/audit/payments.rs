//! Where the money is: every payment that was sent bought its order or is to be refunded, once. The answers, the orders
//! and the log must say the same.

use doorbuster_auditor::Replay;
use doorbuster_protocol::{Code, OrderState, OrderView};

use super::{Check, Money, evicted};
use crate::journal::{Attempt, Faults, Journal, Payment};

/// Most payments to be refunded that an order counts; what goes beyond is in the log alone.
const MOST_REFUNDS: u8 = 8;

/// Looks at every payment. `orders` has an entry for each attempt; `replay` is the log, where it could be read.
pub(super) fn check(
    journal: &Journal,
    orders: &[Option<OrderView>],
    replay: Option<&Replay>,
) -> (Check, Money) {
    let mut check = Check::new("payments", "every payment bought its order or is to be refunded, once");
    let mut money = Money::default();
    for (attempt, view) in journal.attempts.iter().zip(orders).filter(|(attempt, _)| attempt.payment != 0) {
        let mut of_order = OfOrder::default();
        for payment in journal.payments_of(attempt) {
            check.examined += u64::from(payment.confirms > 0);
            one(attempt, payment, replay, &mut of_order, &mut money, &mut check.faults);
        }
        if let Some(view) = view.filter(|view| view.code == Code::Ok.number()) {
            of_order.compare(attempt, &view, &mut check.faults);
        }
    }
    if let Some(replay) = replay {
        from_nowhere(journal, replay, &mut check.faults);
    }
    (check, money)
}

/// What the payments of one order come to.
#[derive(Debug, Default)]
struct OfOrder {
    bought: Vec<u8>,
    refunds: u8,
    unknown: u8,
}

/// Looks at one payment.
fn one(
    attempt: &Attempt,
    payment: &Payment,
    replay: Option<&Replay>,
    of_order: &mut OfOrder,
    money: &mut Money,
    faults: &mut Faults,
) {
    let Payment { ordinal, bought, refund, refused, .. } = *payment;
    let order = attempt.order;
    if bought && refund {
        faults.note(|| format!("payment {ordinal} of order {order} bought it, and is to be refunded"));
    }
    // Where the order had left memory, the answer says so, and who asks has to pay it back by himself.
    let gone = refused == Code::NoSuchOrder.number()
        && replay.is_some_and(|replay| evicted::view(replay, order).is_some());
    if !payment.is_decided() && refused != 0 && !gone {
        let code = Code::from_number(refused).map_or("an unknown code", Code::name);
        faults.note(|| {
            format!("payment {ordinal} of order {order} was answered {code}: it neither bought it nor is to be refunded")
        });
    }
    let ends = replay.map(|replay| {
        let id = Payment::id(attempt.request_id, ordinal);
        replay.payments.get(&(order, id)).copied().unwrap_or_default()
    });
    let unknown = payment.is_unknown();
    // What the log has of a payment whose answer never came is what became of it.
    let (in_fact_bought, in_fact_refund) = match ends {
        Some(ends) if unknown => (ends.bought > 0, ends.refunds > 0),
        _ => (bought, refund),
    };
    if in_fact_bought {
        of_order.bought.push(ordinal);
    }
    of_order.refunds = of_order.refunds.saturating_add(u8::from(in_fact_refund));
    of_order.unknown = of_order.unknown.saturating_add(u8::from(unknown && ends.is_none()));
    if payment.confirms > 0 {
        money.payments += 1;
        money.paid_minor += payment.amount();
        money.bought_minor += if in_fact_bought { payment.amount() } else { 0 };
        money.refund_minor += if in_fact_refund { payment.amount() } else { 0 };
    }
    let Some(ends) = ends else { return };
    let as_answered = unknown || (ends.bought == u32::from(bought) && ends.refunds == u32::from(refund));
    if !as_answered || ends.bought + ends.refunds > 1 {
        faults.note(|| {
            format!(
                "payment {ordinal} of order {order}: by its answers it {}, in the log it bought it {} times and is to be \
                 refunded {} times",
                match (bought, refund) {
                    (true, _) => "bought it",
                    (false, true) => "is to be refunded",
                    (false, false) => "came to nothing",
                },
                ends.bought,
                ends.refunds
            )
        });
    }
    if ends.bought + ends.refunds > 0 && ends.amount != payment.amount() {
        let (amount, sent) = (ends.amount, payment.amount());
        faults.note(|| format!("payment {ordinal} of order {order} is {amount} in the log and was {sent}"));
    }
}

impl OfOrder {
    /// Against the order as it was read.
    fn compare(&self, attempt: &Attempt, view: &OrderView, faults: &mut Faults) {
        let order = attempt.order;
        if self.bought.len() > 1 {
            let ordinals = &self.bought;
            faults.note(|| format!("order {order} was bought by several payments: {ordinals:?}"));
        }
        if view.amount != attempt.amount() {
            let (amount, agreed) = (view.amount, attempt.amount());
            faults.note(|| format!("order {order} costs {amount}, and {agreed} was agreed"));
        }
        let bought_by = self.bought.first().map(|&ordinal| Payment::id(attempt.request_id, ordinal));
        let confirmed = view.state == OrderState::Confirmed.byte();
        if let Some(id) = bought_by.filter(|id| confirmed && view.payment_id != *id) {
            let (id, found) = (crate::journal::hex(&id), crate::journal::hex(&view.payment_id));
            faults.note(|| format!("order {order} was bought by payment {id} and names {found}"));
        }
        let least = self.refunds.min(MOST_REFUNDS);
        let most = self.refunds.saturating_add(self.unknown).min(MOST_REFUNDS);
        if !(least..=most).contains(&view.refunds) {
            let (found, expected) = (view.refunds, self.refunds);
            faults.note(|| {
                format!("order {order} has {found} payments to be refunded; {expected} were answered so")
            });
        }
    }
}

/// Payments in the log that nobody sent.
fn from_nowhere(journal: &Journal, replay: &Replay, faults: &mut Faults) {
    let mut sent: Vec<(u64, [u8; 16])> = journal
        .payments
        .iter()
        .filter(|payment| payment.confirms > 0)
        .filter_map(|payment| {
            let attempt = journal.attempts.get(payment.attempt as usize)?;
            Some((attempt.order, Payment::id(attempt.request_id, payment.ordinal)))
        })
        .collect();
    sent.sort_unstable();
    for (order, id) in replay.payments.keys().filter(|(order, _)| replay.orders.contains_key(order)) {
        if sent.binary_search(&(*order, *id)).is_err() {
            let id = crate::journal::hex(id);
            faults.note(|| format!("log: payment {id} for order {order} was never sent"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::worker::AMOUNT;

    use super::*;
    use doorbuster_auditor::record::Placed;
    use doorbuster_auditor::{Ends, Order, State};

    struct Case {
        journal: Journal,
        view: OrderView,
        replay: Replay,
    }

    /// An order that was bought by its first payment, and paid a second time.
    fn paid_twice() -> Case {
        let mut journal = Journal::default();
        let request_id = [4; 16];
        let attempt = journal.begin(Attempt { request_id, order: 7, ..Attempt::default() });
        let (first, second) = (journal.payment(attempt, 0), journal.payment(attempt, 1));
        for (payment, code) in [(first, Code::Ok), (second, Code::RefundRequired)] {
            journal.confirms(payment);
            journal.confirmed(payment, code.number());
        }
        let view = OrderView {
            code: Code::Ok.number(),
            state: OrderState::Confirmed.byte(),
            refunds: 1,
            amount: AMOUNT,
            payment_id: request_id,
            ..OrderView::default()
        };
        let mut replay = Replay::default();
        let bought = Ends { bought: 1, refunds: 0, amount: AMOUNT };
        let refund = Ends { bought: 0, refunds: 1, amount: AMOUNT };
        replay.payments.insert((7, Payment::id(request_id, 0)), bought);
        replay.payments.insert((7, Payment::id(request_id, 1)), refund);
        Case { journal, view, replay }
    }

    fn faults(change: impl FnOnce(&mut Case)) -> Vec<String> {
        let mut case = paid_twice();
        change(&mut case);
        check(&case.journal, &[Some(case.view)], Some(&case.replay)).0.faults.examples
    }

    #[test]
    fn every_cent_is_found_again() {
        let case = paid_twice();
        let (check, money) = check(&case.journal, &[Some(case.view)], Some(&case.replay));
        assert_eq!((check.faults.count, check.examined), (0, 2), "{check:?}");
        let expected =
            Money { payments: 2, paid_minor: 2 * AMOUNT, bought_minor: AMOUNT, refund_minor: AMOUNT };
        assert_eq!(money, expected);
        assert_eq!(money.undecided_minor(), 0);
    }

    #[test]
    fn a_refund_that_was_forgotten_is_found() {
        assert!(faults(|case| case.view.refunds = 0)[0].contains("has 0 payments to be refunded"));
        let forgotten = faults(|case| {
            case.replay.payments.remove(&(7, Payment::id([4; 16], 1)));
        });
        assert!(forgotten[0].contains("refunded 0 times"), "{forgotten:?}");
    }

    #[test]
    fn a_payment_that_counts_twice_or_otherwise_is_found() {
        let id = (7, Payment::id([4; 16], 1));
        let twice = faults(|case| case.replay.payments.get_mut(&id).expect("there").refunds = 2);
        assert!(twice[0].contains("refunded 2 times"), "{twice:?}");
        let both = faults(|case| case.replay.payments.get_mut(&id).expect("there").bought = 1);
        assert!(both[0].contains("bought it 1 times"), "{both:?}");
        let less = faults(|case| case.replay.payments.get_mut(&id).expect("there").amount = 1);
        assert!(less[0].contains("is 1 in the log"), "{less:?}");
    }

    #[test]
    fn two_ends_of_one_payment_and_none_at_all_are_found() {
        let both = faults(|case| case.journal.payments[1].bought = true);
        assert!(both[0].contains("bought it, and is to be refunded"), "{both:?}");
        let neither = faults(|case| {
            let payment = &mut case.journal.payments[1];
            (payment.refund, payment.refused) = (false, Code::NoSuchOrder.number());
            case.view.refunds = 0;
            case.replay.payments.remove(&(7, Payment::id([4; 16], 1)));
        });
        assert!(neither[0].contains("answered NO_SUCH_ORDER"), "{neither:?}");
    }

    #[test]
    fn a_payment_for_an_order_that_left_memory_is_nobodys_fault() {
        let refused = |gone: bool| {
            faults(|case| {
                let payment = &mut case.journal.payments[1];
                (payment.refund, payment.refused) = (false, Code::NoSuchOrder.number());
                case.view.refunds = 0;
                case.replay.payments.remove(&(7, Payment::id([4; 16], 1)));
                if gone {
                    let placed =
                        Placed { order: 7, request_id: [4; 16], sku: 5, quantity: 1, ..Placed::default() };
                    let mut order = Order::new(placed, State::Confirmed, 0);
                    order.evicted = true;
                    case.replay.orders.insert(7, order);
                }
            })
        };
        assert_eq!((refused(true).len(), refused(false).len()), (0, 1));
    }

    #[test]
    fn an_answer_that_never_came_leaves_both_ends_open() {
        for ends in [(0, 1), (0, 0)] {
            let found = faults(|case| {
                let payment = &mut case.journal.payments[1];
                (payment.refund, payment.answers) = (false, 0);
                let logged = case.replay.payments.get_mut(&(7, Payment::id([4; 16], 1))).expect("there");
                (logged.bought, logged.refunds) = ends;
                case.view.refunds = u8::try_from(ends.1).expect("small");
            });
            assert_eq!(found, [""; 0], "{ends:?}");
        }
    }
}
