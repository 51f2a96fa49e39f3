//! The comparison itself: a pure function over the account and what was read back.

use std::collections::HashMap;

use std::ops::Range;

use doorbuster_protocol::{Class, Code, OrderState, OrderView, StockView};

use super::{Audit, Check, StockTotals};
use crate::journal::{Attempt, Journal, Settlement, hex};
use crate::recorder::Recorder;

/// What the drill put up for sale.
#[derive(Clone, Debug)]
pub struct Sale {
    /// Its SKUs.
    pub skus: Range<u64>,
    /// Units of each SKU.
    pub units_each: u64,
    /// Most units of a SKU for one shopper; 0: no limit.
    pub user_limit: u32,
}

/// Compares the account with what the server says.
///
/// `orders` has an entry for each attempt, `stock` one for each SKU of the sale.
pub fn compare(
    sale: &Sale,
    journal: &Journal,
    recorder: &Recorder,
    orders: &[Option<OrderView>],
    stock: &[StockView],
) -> Audit {
    let mut audit = Audit::default();
    let mut answers = Check::new("answers", "no two answers contradict each other");
    answers.examined = recorder.answers();
    answers.faults = journal.faults.clone();
    let counts = check_counts(recorder);
    let orders_check = check_orders(sale, journal, orders, &mut audit.lost_effects);
    let stock_check = check_stock(sale, journal, orders, stock, &mut audit);
    let limits = check_limits(sale, journal, orders);
    audit.checks = vec![answers, counts, orders_check, stock_check, limits];
    audit
}

fn check_counts(recorder: &Recorder) -> Check {
    let mut check = Check::new("counts", "sent = answered + unanswered, for every operation");
    for (&operation, &sent) in &recorder.sent {
        let answered = recorder.count(operation, |_| true);
        let unanswered = recorder.unanswered.get(&operation).copied().unwrap_or(0);
        check.examined += sent;
        if sent != answered + unanswered {
            check.faults.note(|| {
                let name = operation.name();
                format!("{name}: {sent} sent, {answered} answered with a known code, {unanswered} unanswered")
            });
        }
    }
    check
}

/// Every acknowledged effect is at the server, in the state that the answers allow.
fn check_orders(sale: &Sale, journal: &Journal, orders: &[Option<OrderView>], lost: &mut u64) -> Check {
    let mut check = Check::new("orders", "every acknowledged reserve, payment and cancel is at the server");
    let mut owners: HashMap<u64, usize> = HashMap::with_capacity(journal.attempts.len());
    for (index, (attempt, view)) in journal.attempts.iter().zip(orders).enumerate() {
        if attempt.order == 0 {
            continue;
        }
        check.examined += 1;
        if let Some(other) = owners.insert(attempt.order, index) {
            let first =
                journal.attempts.get(other).map(|attempt| hex(&attempt.request_id)).unwrap_or_default();
            let second = hex(&attempt.request_id);
            check
                .faults
                .note(|| format!("order {} was given to two requests: {first} and {second}", attempt.order));
        }
        let Some(view) = view.filter(|view| view.code == Code::Ok.number()) else {
            *lost += 1;
            let code = view.and_then(|view| Code::from_number(view.code)).map_or("nothing", Code::name);
            check
                .faults
                .note(|| format!("order {} was acknowledged; reading it gives {code}", attempt.order));
            continue;
        };
        if let Some(difference) = content_difference(sale, attempt, &view) {
            check
                .faults
                .note(|| format!("order {} has another {difference} than was asked for", attempt.order));
        }
        let allowed = allowed_states(attempt);
        let state = OrderState::from_byte(view.state);
        if !state.is_some_and(|state| allowed.contains(&state)) {
            *lost += u64::from(is_done(attempt.settled));
            check.faults.note(|| {
                let found = state.map_or("no state", OrderState::name);
                let names: Vec<&str> = allowed.iter().map(|state| state.name()).collect();
                let settled = Code::from_number(attempt.settled).map_or("no answer", Code::name);
                format!(
                    "order {} is {found}; {:?} was answered with {settled}, which allows {}",
                    attempt.order,
                    attempt.settlement,
                    names.join(" or ")
                )
            });
        }
        let paid_otherwise =
            view.state == OrderState::Confirmed.byte() && view.payment_id != attempt.request_id;
        if paid_otherwise {
            check
                .faults
                .note(|| format!("order {} is paid with a payment that was never sent", attempt.order));
        }
    }
    check
}

fn content_difference(sale: &Sale, attempt: &Attempt, view: &OrderView) -> Option<&'static str> {
    [
        (view.order == attempt.order, "number"),
        (view.user == u64::from(attempt.user), "user"),
        (view.sku == sale.skus.start + u64::from(attempt.sku), "SKU"),
        (view.quantity == 1, "quantity"),
        (view.request_id == attempt.request_id, "request id"),
    ]
    .into_iter()
    .find_map(|(same, field)| (!same).then_some(field))
}

/// The states that an order may have after the answers that were seen.
fn allowed_states(attempt: &Attempt) -> &'static [OrderState] {
    const OPEN: &[OrderState] = &[OrderState::Held, OrderState::Expired];
    let done = is_done(attempt.settled);
    match (attempt.settlement, attempt.settled) {
        (Settlement::None, _) => OPEN,
        (Settlement::Pay, _) if done => &[OrderState::Confirmed],
        (Settlement::Cancel, _) if done => &[OrderState::Cancelled],
        (Settlement::Pay, 0) => &[OrderState::Held, OrderState::Expired, OrderState::Confirmed],
        (Settlement::Cancel, 0) => &[OrderState::Held, OrderState::Expired, OrderState::Cancelled],
        (_, code) if code == Code::HoldExpired.number() || code == Code::RefundRequired.number() => {
            &[OrderState::Expired]
        }
        // Refused for any other reason: nothing was done.
        (Settlement::Pay | Settlement::Cancel, _) => OPEN,
    }
}

fn is_done(code: u16) -> bool {
    Code::from_number(code).is_some_and(|code| code.class() == Class::Done)
}

/// Units are conserved, nothing is sold beyond the stock, and the server's sums are the sums of its orders.
fn check_stock(
    sale: &Sale,
    journal: &Journal,
    orders: &[Option<OrderView>],
    stock: &[StockView],
    audit: &mut Audit,
) -> Check {
    let mut check = Check::new("stock", "stocked = available + held + sold, and sums match the orders");
    let mut tallies = vec![Tally::default(); stock.len()];
    for (attempt, view) in journal.attempts.iter().zip(orders) {
        let Some(tally) = tallies.get_mut(attempt.sku as usize) else { continue };
        match view.and_then(|view| OrderState::from_byte(view.state)) {
            Some(OrderState::Confirmed) => tally.confirmed += 1,
            Some(OrderState::Held | OrderState::Paying) => tally.held += 1,
            // No answer: the hold may be there all the same.
            None if attempt.reserved == 0 || (attempt.twice && attempt.repeated == 0) => tally.unknown += 1,
            Some(
                OrderState::Cancelled
                | OrderState::Expired
                | OrderState::Restocked
                | OrderState::Superseded
                | OrderState::Waiting
                | OrderState::Lapsed,
            )
            | None => {}
        }
    }
    let mut totals = StockTotals::default();
    for (view, tally) in stock.iter().zip(&tallies) {
        check.examined += 1;
        let sku = view.sku;
        let mut demand = |holds: bool, rule: &dyn std::fmt::Display| {
            if !holds {
                check.faults.note(|| format!("SKU {sku}: {rule}"));
            }
        };
        let StockView { available, held, sold, stocked, .. } = *view;
        demand(view.code == Code::Ok.number(), &"the server doesn't know it any more");
        demand(
            stocked == sale.units_each,
            &format_args!("stocked {stocked}, but {} were set up", sale.units_each),
        );
        let sum = available.checked_add(held).and_then(|sum| sum.checked_add(sold));
        demand(
            sum == Some(stocked),
            &format_args!("available {available} + held {held} + sold {sold} is not stocked {stocked}"),
        );
        demand(
            sold == tally.confirmed,
            &format_args!("{sold} units sold, but {} of its orders are paid", tally.confirmed),
        );
        demand(
            (tally.held..=tally.held + tally.unknown).contains(&held),
            &format_args!(
                "{held} units held, but {} to {} orders hold",
                tally.held,
                tally.held + tally.unknown
            ),
        );
        let promised = sold.max(tally.confirmed).saturating_add(tally.held);
        let over = promised.saturating_sub(sale.units_each);
        demand(over == 0, &format_args!("oversold by {over}"));
        audit.oversold_units += over;
        totals.stocked_units += stocked;
        totals.available_units += available;
        totals.held_units += held;
        totals.sold_units += sold;
        totals.empty_skus += u64::from(available == 0);
    }
    audit.stock = totals;
    check
}

/// What the orders of one SKU add up to, in units (every order of a drill is for one).
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    confirmed: u64,
    held: u64,
    unknown: u64,
}

/// No shopper has more of a SKU than its limit.
fn check_limits(sale: &Sale, journal: &Journal, orders: &[Option<OrderView>]) -> Check {
    let mut check = Check::new("limits", "no shopper holds and owns more of a SKU than its limit");
    if sale.user_limit == 0 {
        return check;
    }
    let mut units: HashMap<(u32, u32), u32> = HashMap::new();
    for (attempt, view) in journal.attempts.iter().zip(orders) {
        let state = view.and_then(|view| OrderState::from_byte(view.state));
        if matches!(state, Some(OrderState::Confirmed | OrderState::Held)) {
            check.examined += 1;
            let units = units.entry((attempt.user, attempt.sku)).or_default();
            *units += 1;
            if *units > sale.user_limit {
                let (user, limit) = (attempt.user, sale.user_limit);
                let sku = sale.skus.start + u64::from(attempt.sku);
                check.faults.note(|| format!("user {user} has more than {limit} of SKU {sku}"));
            }
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::{Limits, Operation};

    const SALE: Sale = Sale { skus: 100..101, units_each: 3, user_limit: 2 };

    struct Case {
        journal: Journal,
        recorder: Recorder,
        orders: Vec<Option<OrderView>>,
        stock: Vec<StockView>,
    }

    /// Shopper 1 paid for one unit; shopper 2 holds one; shopper 3 was refused. Three units of one SKU.
    fn sound() -> Case {
        let mut recorder = Recorder::new(Limits { reserve_ns: 1, confirm_ns: 1 }, Vec::new());
        for code in [Code::Ok, Code::Ok, Code::SoldOut] {
            recorder.sent(Operation::Reserve, 0, 0);
            recorder.answered(Operation::Reserve, code.number(), 0, 0, 1);
        }
        recorder.sent(Operation::Confirm, 0, 0);
        recorder.answered(Operation::Confirm, Code::Ok.number(), 0, 0, 1);
        let attempt = |user: u32, order, code: Code| Attempt {
            request_id: [u8::try_from(user).expect("small"); 16],
            order,
            user,
            reserved: code.number(),
            ..Attempt::default()
        };
        let mut journal = Journal::default();
        journal.begin(Attempt {
            settlement: Settlement::Pay,
            settled: Code::Ok.number(),
            ..attempt(1, 11, Code::Ok)
        });
        journal.begin(attempt(2, 12, Code::Ok));
        journal.begin(attempt(3, 0, Code::SoldOut));
        let view = |user: u8, order, state: OrderState| {
            let payment_id = if state == OrderState::Confirmed { [user; 16] } else { [0; 16] };
            Some(OrderView {
                code: Code::Ok.number(),
                state: state.byte(),
                quantity: 1,
                order,
                user: u64::from(user),
                sku: 100,
                request_id: [user; 16],
                payment_id,
                ..OrderView::default()
            })
        };
        let stock = StockView {
            code: Code::Ok.number(),
            sku: 100,
            available: 1,
            held: 1,
            sold: 1,
            stocked: 3,
            ..StockView::default()
        };
        let orders = vec![view(1, 11, OrderState::Confirmed), view(2, 12, OrderState::Held), None];
        Case { journal, recorder, orders, stock: vec![stock] }
    }

    fn audit(change: impl FnOnce(&mut Case)) -> Audit {
        let mut case = sound();
        change(&mut case);
        compare(&SALE, &case.journal, &case.recorder, &case.orders, &case.stock)
    }

    fn broken(audit: &Audit) -> Vec<&'static str> {
        audit.checks.iter().filter(|check| check.faults.count > 0).map(|check| check.name).collect()
    }

    #[test]
    fn a_sound_sale_has_no_fault() {
        let audit = audit(|_| {});
        assert_eq!(broken(&audit), [""; 0], "{audit:?}");
        assert_eq!((audit.oversold_units, audit.lost_effects, audit.stock.sold_units), (0, 0, 1));
    }

    #[test]
    fn an_acknowledged_order_that_is_gone_is_lost() {
        let audit = audit(|case| {
            case.orders[1].as_mut().expect("an order").code = Code::NoSuchOrder.number();
            case.orders[1].as_mut().expect("an order").state = 0;
            case.stock[0].held = 0;
            case.stock[0].available = 2;
        });
        assert_eq!((broken(&audit), audit.lost_effects), (vec!["orders"], 1));
    }

    #[test]
    fn an_acknowledged_payment_that_is_forgotten_is_lost() {
        let audit = audit(|case| {
            let view = case.orders[0].as_mut().expect("an order");
            view.state = OrderState::Held.byte();
            (case.stock[0].held, case.stock[0].sold) = (2, 0);
        });
        assert_eq!((broken(&audit), audit.lost_effects), (vec!["orders"], 1));
    }

    #[test]
    fn units_from_nowhere_and_units_that_vanish_are_found() {
        assert_eq!(broken(&audit(|case| case.stock[0].available = 2)), ["stock"]);
        assert_eq!(broken(&audit(|case| case.stock[0].held = 0)), ["stock"]);
        assert_eq!(broken(&audit(|case| case.stock[0].sold = 2)), ["stock"]);
    }

    #[test]
    fn a_sale_beyond_the_stock_is_oversold() {
        let audit = audit(|case| {
            (case.stock[0].available, case.stock[0].held, case.stock[0].sold) = (0, 1, 4);
            case.stock[0].stocked = 5;
        });
        assert_eq!(audit.oversold_units, 2);
        assert_eq!(broken(&audit), ["stock"]);
    }

    #[test]
    fn an_order_for_two_requests_is_found() {
        let audit = audit(|case| {
            case.journal.attempts[1].order = 11;
            case.orders[1].as_mut().expect("an order").order = 11;
        });
        assert!(broken(&audit).contains(&"orders"));
    }

    #[test]
    fn more_than_the_limit_for_one_shopper_is_found() {
        let audit = audit(|case| {
            for index in [1, 2] {
                let mut view = case.orders[0].expect("an order");
                view.order = 20 + index as u64;
                view.request_id = [9; 16];
                view.payment_id = [9; 16];
                case.orders[index] = Some(view);
                let attempt = &mut case.journal.attempts[index];
                (attempt.user, attempt.order, attempt.request_id) = (1, view.order, [9; 16]);
                (attempt.settlement, attempt.settled) = (Settlement::Pay, Code::Ok.number());
            }
            (case.stock[0].available, case.stock[0].held, case.stock[0].sold) = (0, 0, 3);
        });
        assert_eq!(broken(&audit), ["limits"], "{audit:?}");
    }

    #[test]
    fn an_unanswered_request_may_be_in_or_out_but_not_half() {
        let unanswered = |held, available| {
            audit(|case| {
                case.journal.attempts[2].reserved = 0;
                (case.stock[0].held, case.stock[0].available) = (held, available);
            })
        };
        assert_eq!(broken(&unanswered(1, 1)), [""; 0]);
        assert_eq!(broken(&unanswered(2, 0)), [""; 0]);
        assert_eq!(broken(&unanswered(1, 0)), ["stock"]);
    }

    #[test]
    fn an_answer_that_is_missing_in_the_counts_is_found() {
        assert_eq!(broken(&audit(|case| case.recorder.sent(Operation::Look, 0, 0))), ["counts"]);
    }
}
