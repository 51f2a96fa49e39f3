use super::*;
use crate::linearize::{Operation, Verdict, check};

/// When something ended that never did.
const NEVER: u64 = u64::MAX;

fn sure(called: u64, ended: u64, action: Action) -> Operation<Action> {
    Operation { called, ended, happened: true, action }
}

fn perhaps(called: u64, ended: u64, action: Action) -> Operation<Action> {
    Operation { called, ended, happened: false, action }
}

/// The verdict about a SKU of so many free units, and orders of one unit each.
fn judge(available: u64, orders: usize, history: &[Operation<Action>]) -> Verdict {
    let model = StockModel { units: vec![1; orders] };
    check(&model, model.start(available), history)
}

fn accepts(available: u64, orders: usize, history: impl AsRef<[Operation<Action>]>) {
    assert_eq!(judge(available, orders, history.as_ref()), Verdict::Linearizable);
}

fn convicts(available: u64, orders: usize, history: impl AsRef<[Operation<Action>]>) {
    let verdict = judge(available, orders, history.as_ref());
    assert!(matches!(verdict, Verdict::Broken(_)), "{verdict:?}");
}

fn level(available: u64, held: u64, sold: u64, waiting: u32) -> Action {
    Action::Level { available, held, sold, waiting }
}

#[test]
fn one_unit_is_not_sold_to_two() {
    accepts(1, 2, [sure(1, 4, Action::Hold(0)), sure(2, 3, Action::Refuse(1, Some(0)))]);
    convicts(1, 2, [sure(1, 4, Action::Hold(0)), sure(2, 3, Action::Hold(1))]);
}

#[test]
fn nobody_is_told_sold_out_while_a_unit_is_free() {
    convicts(1, 2, [sure(1, 2, Action::Refuse(0, Some(0))), sure(3, 4, Action::Hold(1))]);
    // The hold began before the refusal was out, so it may have come first.
    accepts(1, 2, [sure(1, 3, Action::Refuse(0, Some(0))), sure(2, 4, Action::Hold(1))]);
}

#[test]
fn a_refusal_names_the_units_that_are_free() {
    let model = StockModel { units: vec![3, 1] };
    let judge = |left| check(&model, model.start(2), &[sure(1, 2, Action::Refuse(0, Some(left)))]);
    assert_eq!(judge(2), Verdict::Linearizable);
    assert!(matches!(judge(1), Verdict::Broken(_)));
    assert!(matches!(judge(3), Verdict::Broken(_)));
}

#[test]
fn what_was_cancelled_is_free_again_once_that_is_said() {
    let cancel = Action::Cancel { order: 0, again: false };
    let history = |ended| {
        [sure(1, 2, Action::Hold(0)), sure(3, ended, cancel.clone()), sure(5, 6, Action::Refuse(1, Some(0)))]
    };
    accepts(1, 2, history(7));
    convicts(1, 2, history(4));
}

#[test]
fn a_hold_ends_by_its_deadline_and_not_before() {
    let history = |deadline| {
        [
            sure(1, 2, Action::Hold(0)),
            perhaps(deadline, NEVER, Action::Expire(0)),
            sure(5, 6, Action::Hold(1)),
        ]
    };
    accepts(1, 2, history(3));
    accepts(1, 2, history(5));
    convicts(1, 2, history(6));
}

#[test]
fn units_do_not_come_back_twice() {
    let history = |available| {
        [sure(1, 2, Action::Hold(0)), sure(3, 9, Action::Expire(0)), sure(10, 11, level(available, 0, 0, 0))]
    };
    accepts(1, 1, history(1));
    convicts(1, 1, history(2));
}

#[test]
fn what_a_crash_has_undone_was_never_seen() {
    // The first hold was lost in a crash at 4; what the second was told can only have come from it.
    let history = |told| {
        [
            perhaps(1, 4, Action::Hold(0)),
            sure(2, 3, Action::Refuse(1, told)),
            sure(5, 6, level(1, 0, 0, 0)),
            perhaps(9, NEVER, Action::Expire(0)),
        ]
    };
    accepts(1, 2, history(None));
    convicts(1, 2, history(Some(0)));
}

#[test]
fn a_request_that_took_effect_is_not_refused() {
    // Its first copy took the unit, as the level shows; its second was told that there are none.
    let history = |told| {
        [
            sure(3, 4, level(0, 1, 0, 0)),
            sure(5, 6, told),
            perhaps(1, NEVER, Action::Expire(0)),
            perhaps(5, NEVER, Action::Hold(0)),
        ]
    };
    convicts(1, 1, history(Action::Refuse(0, Some(0))));
    let replayed = [sure(1, 6, Action::Hold(0)), sure(3, 4, level(0, 1, 0, 0))];
    accepts(1, 1, replayed);
}

#[test]
fn a_copy_that_lingers_may_do_later_what_was_refused() {
    let history = [
        sure(1, 2, Action::Hold(0)),
        sure(3, 4, Action::Refuse(1, Some(0))),
        perhaps(3, NEVER, Action::Hold(1)),
        sure(5, 6, Action::Cancel { order: 0, again: false }),
        sure(7, 8, level(0, 1, 0, 0)),
    ];
    accepts(1, 2, history);
}

#[test]
fn what_is_paid_stays_paid() {
    let history = |last| [sure(1, 2, Action::Hold(0)), sure(3, 4, Action::Pay(0)), sure(7, 8, last)];
    accepts(1, 1, history(level(0, 0, 1, 0)));
    convicts(1, 1, history(Action::See(0, vec![Place::Expired])));
    convicts(1, 1, history(level(1, 0, 0, 0)));
}

#[test]
fn a_late_payment_takes_units_that_are_there_or_buys_nothing() {
    let late = |paid, other| {
        [
            sure(1, 2, Action::Hold(0)),
            perhaps(3, NEVER, Action::Expire(0)),
            sure(4, 5, other),
            sure(6, 7, paid),
        ]
    };
    accepts(1, 2, late(Action::PayLate(0), level(1, 0, 0, 0)));
    accepts(1, 2, late(Action::Refund { order: 0, alone: true }, Action::Hold(1)));
    convicts(1, 2, late(Action::PayLate(0), Action::Hold(1)));
    convicts(1, 2, late(Action::Refund { order: 0, alone: true }, level(1, 0, 0, 0)));
    // Of several SKUs, another one's units may have been missing.
    accepts(1, 2, late(Action::Refund { order: 0, alone: false }, level(1, 0, 0, 0)));
}

#[test]
fn who_waits_is_offered_what_comes_back() {
    let history = |seen| {
        [
            sure(1, 2, Action::Hold(0)),
            sure(3, 4, Action::Wait(1)),
            perhaps(3, NEVER, Action::Offer(1)),
            perhaps(9, NEVER, Action::Lapse(1)),
            sure(5, 6, Action::Cancel { order: 0, again: false }),
            sure(7, 8, Action::See(1, vec![seen])),
        ]
    };
    accepts(1, 2, history(Place::Held));
    accepts(1, 2, history(Place::Waiting));
    convicts(1, 2, history(Place::Lapsed));
    convicts(1, 2, [sure(1, 2, Action::Wait(0))]);
}

#[test]
fn while_somebody_waits_a_newcomer_may_be_told_of_less() {
    let refused = sure(7, 8, Action::Refuse(2, Some(0)));
    let free = [sure(1, 2, Action::Hold(0)), sure(5, 6, Action::Cancel { order: 0, again: false }), refused];
    convicts(1, 3, free.clone());
    let [hold, cancel, refused] = free;
    accepts(1, 3, [hold, sure(3, 4, Action::Wait(1)), cancel, refused]);
}

#[test]
fn new_units_are_there_once_and_from_their_request_on() {
    let history = |units| [sure(1, 2, Action::Add(2)), sure(3, 4, level(units, 0, 0, 0))];
    accepts(1, 0, history(3));
    convicts(1, 0, history(1));
    convicts(1, 0, history(5));
    convicts(0, 1, [sure(3, 4, Action::Add(1)), sure(1, 2, Action::Hold(0))]);
}
