//! Small sales that were made up, sound ones and broken ones.

use super::*;
use crate::recorder::{Limits, Operation};

const SALE: Sale =
    Sale { skus: 100..101, units_each: 3, restocked_each: 0, user_limit: 2, retention_ms: 1_000 };

struct Case {
    journal: Journal,
    recorder: Recorder,
    orders: Vec<Option<OrderView>>,
    stock: Vec<StockView>,
    now_ms: u64,
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
    let bought = journal.begin(attempt(1, 11, Code::Ok));
    let payment = journal.payment(bought, 0);
    journal.confirms(payment);
    journal.confirmed(payment, Code::Ok.number());
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
            amount: crate::worker::AMOUNT,
            expires_at: 1_000,
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
    Case { journal, recorder, orders, stock: vec![stock], now_ms: 500 }
}

fn audit(change: impl FnOnce(&mut Case)) -> Audit {
    let mut case = sound();
    change(&mut case);
    let evidence =
        Evidence { orders: case.orders, stock: case.stock, now_ms: case.now_ms, ..Evidence::default() };
    compare(&SALE, &case.journal, &case.recorder, &evidence)
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
            let payment = case.journal.payment(u32::try_from(index).expect("small"), 0);
            case.journal.confirms(payment);
            case.journal.confirmed(payment, Code::Ok.number());
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
fn a_hold_that_nobody_ended_is_found() {
    assert_eq!(broken(&audit(|case| case.now_ms = 6_000)), [""; 0]);
    assert_eq!(broken(&audit(|case| case.now_ms = 6_001)), ["holds"]);
}

#[test]
fn an_answer_that_is_missing_in_the_counts_is_found() {
    assert_eq!(broken(&audit(|case| case.recorder.sent(Operation::Look, 0, 0))), ["counts"]);
}

#[test]
fn units_are_lost_that_are_left_though_somebody_wanted_them_and_had_no_reason_of_his_own_not_to_get_them() {
    let lost = |code: Code, available: u64| {
        let audit = audit(|case| {
            case.journal.attempts[2].reserved = code.number();
            case.stock[0].available = available;
        });
        audit.stock.unsold_wanted_units
    };
    assert_eq!([lost(Code::SoldOut, 1), lost(Code::Shed, 1), lost(Code::UserLimit, 1)], [1, 1, 0]);
    assert_eq!([lost(Code::SoldOut, 0), lost(Code::SoldOut, 9)], [0, 1], "of one SKU, and for one shopper");
}

#[test]
fn of_copies_that_were_not_all_answered_any_may_have_taken_effect() {
    let with_copy_lost = |held, available| {
        audit(|case| {
            case.journal.attempts[2].reserved = Code::Shed.number();
            case.journal.lost(2);
            (case.stock[0].held, case.stock[0].available) = (held, available);
        })
    };
    assert_eq!(broken(&with_copy_lost(1, 1)), [""; 0]);
    assert_eq!(broken(&with_copy_lost(2, 0)), [""; 0]);
    assert_eq!(broken(&with_copy_lost(1, 0)), ["stock"]);
    let all_answered = audit(|case| {
        case.journal.attempts[2].reserved = Code::Shed.number();
        (case.stock[0].held, case.stock[0].available) = (2, 0);
    });
    assert_eq!(broken(&all_answered), ["stock"], "what was refused holds nothing");
}
