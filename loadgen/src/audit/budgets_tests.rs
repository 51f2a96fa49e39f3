//! Logs of budgets and coupons that were made up, and accounts that the server might say.

use doorbuster_auditor::forge::{Forger, put, record, several};
use doorbuster_protocol::budget::FunderView;

use super::super::Sale;
use super::*;

const ORDER: u64 = 7 << 52 | 1;

/// A hold of one unit of SKU 5 that claims so much of budget 3.
fn claiming(order: u64, cents: u64) -> Vec<u8> {
    let fields =
        [(order, 8), (order, 8), (0, 8), (7, 8), (5, 8), (1, 8), (0, 8), (1, 4), (0, 4), (9, 4), (0, 2)];
    let claim = [(0, 4), (0, 4), (0, 2), (3, 4), (cents, 8)];
    record(48, &[&fields[..], &claim].concat())
}

fn confirmed(order: u64) -> Vec<u8> {
    record(5, &[(order, 8), (9, 8), (0, 8), (0, 8), (2, 8)])
}

fn cancelled(order: u64) -> Vec<u8> {
    record(6, &[(order, 8), (0, 4), (2, 8)])
}

fn filled(cents: u64) -> Vec<u8> {
    record(70, &[(3, 4), (7, 2), (cents, 8), (1, 8)])
}

fn drained(cents: u64) -> Vec<u8> {
    record(69, &[(3, 4), (cents, 8), (1, 8)])
}

/// Nine units of SKU 5, and 100 in budget 3, which two funders share as 2 to 1; then these records.
fn logged(records: &[Vec<u8>]) -> Replay {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = record(65, &[(3, 4), (0, 8), (0, 4), (1, 8)]);
    let pays = |id: u64, share: u64| record(66, &[(3, 4), (id, 4), (share, 4), (1, 8)]);
    let funded = record(67, &[(3, 4), (100, 8), (0, 8), (0, 4), (1, 8)]);
    let mut all = vec![put(5, 9), opened, pays(1, 2), pays(2, 1), funded];
    all.extend_from_slice(records);
    Forger::of(&[all]).write(folder.path()).expect("written");
    let sale = Sale { skus: 5..6, units_each: 9, restocked_each: 0, user_limit: 0, retention_ms: 100 };
    Replay::read(folder.path(), sale.expected())
}

fn view(left: u64, reserved: u64, spent: u64, posted: [u64; 2]) -> BudgetView {
    let mut funders = [FunderView::default(); 16];
    for (row, (funder, posted)) in funders.iter_mut().zip((1..).zip(posted)) {
        *row = FunderView { funder, share: 3 - funder, posted };
    }
    let code = Code::Ok.number();
    BudgetView {
        code,
        budget: 3,
        count: 2,
        funded: 100,
        left,
        reserved,
        spent,
        funders,
        ..BudgetView::default()
    }
}

fn faults(records: &[Vec<u8>], view: &BudgetView, exhausted: &[Exhausted]) -> Vec<String> {
    let journal = Journal { exhausted: exhausted.to_vec(), ..Journal::default() };
    let replay = logged(records);
    assert_eq!(replay.faults.examples, [""; 0], "the log's own rules are kept");
    check(&journal, Some(view), &replay).expect("there is a budget").faults.examples
}

#[test]
fn discounts_that_are_claimed_paid_and_given_back_are_sound() {
    let (second, third) = (ORDER + 1, ORDER + 2);
    let records = [
        filled(40),
        claiming(ORDER, 10),
        claiming(second, 20),
        confirmed(ORDER),
        cancelled(second),
        drained(30),
        filled(90),
        claiming(third, 90),
    ];
    // 7 and 3 of 10; 60 and 30 of 90.
    assert_eq!(faults(&records, &view(0, 90, 10, [67, 33]), &[]), [""; 0]);
    // Nothing is left behind record 13, the last one.
    assert_eq!(faults(&records, &view(0, 90, 10, [67, 33]), &[Exhausted { after: 13, until: 13 }]), [""; 0]);
    let early = faults(&records, &view(0, 90, 10, [67, 33]), &[Exhausted { after: 8, until: 12 }]);
    assert!(early[0].contains("between positions 8 and 12") && early[0].contains("was left"), "{early:?}");
}

#[test]
fn a_discount_that_nobody_pays_is_found() {
    let over = faults(&[filled(5), claiming(ORDER, 6)], &view(95, 6, 0, [4, 2]), &[]);
    assert!(over[0].contains("takes 6 of 5 that are left"), "{over:?}");
    let bank = faults(&[filled(101)], &view(100, 0, 0, [0, 0]), &[]);
    assert!(bank[0].contains("101 leave a bank of 100"), "{bank:?}");
    let stopped = record(68, &[(3, 4), (0, 8), (0, 4), (1, 8)]);
    let late = faults(&[filled(5), stopped, claiming(ORDER, 5)], &view(95, 5, 0, [3, 2]), &[]);
    assert!(late[0].contains("can't claim 5"), "{late:?}");
    let drain = faults(&[filled(5), drained(4)], &view(99, 0, 0, [0, 0]), &[]);
    assert!(drain[0].contains("slices had 5 left, and 4 went back"), "{drain:?}");
}

#[test]
fn a_cent_that_a_funder_pays_too_much_at_the_server_is_found() {
    let records = [filled(10), claiming(ORDER, 10)];
    assert_eq!(faults(&records, &view(90, 10, 0, [7, 3]), &[]), [""; 0]);
    for wrong in [view(90, 10, 0, [6, 4]), view(91, 9, 0, [7, 3]), view(90, 0, 10, [7, 3])] {
        assert!(faults(&records, &wrong, &[])[0].contains("budget 3"), "{wrong:?}");
    }
}

#[test]
fn a_coupon_that_is_used_too_often_is_found() {
    let issued = record(72, &[(4, 4), (2, 4), (1, 4), (0, 8), (9, 8), (0, 8), (0, 4), (1, 8)]);
    let coupon = |kind: u8, serial: u64| record(kind, &[(4 << 32 | serial, 8), (several(1), 8), (1, 8)]);
    let of = |records: &[Vec<u8>]| {
        logged(&[std::slice::from_ref(&issued), records].concat()).budgets.faults.examples
    };
    assert_eq!(of(&[coupon(73, 1), coupon(74, 1), coupon(73, 1), coupon(75, 1), coupon(73, 0)]), [""; 0]);
    for wrong in [
        vec![coupon(73, 1), coupon(73, 1)],
        vec![coupon(73, 1), coupon(75, 1), coupon(73, 1)],
        vec![coupon(74, 0)],
        vec![coupon(73, 2)],
    ] {
        assert!(of(&wrong)[0].contains("can't follow"), "{:?}", of(&wrong));
    }
}
