//! Orders with several lines that were made up, as the server reads them out and as the log has them.

use doorbuster_auditor::forge::{Forger, leg_ended, leg_held, opened, put, record, several};
use doorbuster_protocol::OrderState;

use super::*;
use crate::journal::{BasketLine, Extent};

/// SKUs 5 and 6 are for sale; the order is number 1 of SKU 5's partition.
const ORDER: u64 = several(1 | 0x171 << 52);

fn sale() -> Sale {
    Sale { skus: 5..7, units_each: 4, restocked_each: 0, user_limit: 0, retention_ms: 100 }
}

/// Shopper 2 asked for two units of SKU 6 and one of SKU 5, and pays with this code; 0: he hasn't.
fn journal(part: bool, paid: u16) -> Journal {
    let mut journal = Journal::default();
    let line = |sku, units| BasketLine { sku, units, gift: false };
    let basket = journal.ask_for(Basket { lines: vec![line(1, 2), line(0, 1)], ..Basket::default() });
    let mut request_id = [2; 16];
    request_id[0] = 0x55;
    let reserved = Code::Ok.number();
    let attempt = Attempt { request_id, order: ORDER, user: 2, basket, reserved, ..Attempt::default() };
    let attempt = journal.begin(attempt);
    if paid != 0 {
        let payment = journal.payment(attempt, 0);
        journal.payments[payment as usize].extent = if part { Extent::Part } else { Extent::Whole };
        journal.confirms(payment);
        journal.confirmed(payment, paid);
    }
    journal
}

/// The order and its lines with so many units of SKUs 5 and 6, as they are read.
fn read(units: [u32; 2]) -> (OrderView, Vec<LineView>) {
    let ok = Code::Ok.number();
    let view = OrderView {
        code: ok,
        state: OrderState::Held.byte(),
        quantity: units.iter().sum(),
        order: ORDER,
        sku: 5,
        lines: 2,
        ..OrderView::default()
    };
    let line = |nth: u8, sku, ordered, units| LineView {
        code: ok,
        nth,
        order: ORDER,
        sku,
        ordered,
        units,
        ..LineView::default()
    };
    let beyond = LineView { code: Code::NoSuchLine.number(), ..LineView::default() };
    (view, vec![line(0, 5, 1, units[0]), line(1, 6, 2, units[1]), beyond])
}

fn at_server(
    journal: &Journal,
    units: [u32; 2],
    change: impl FnOnce(&mut OrderView, &mut Vec<LineView>),
) -> Vec<String> {
    let (mut view, mut lines) = read(units);
    change(&mut view, &mut lines);
    let lines = LinesRead::from([(ORDER, lines)]);
    let check = at_the_server(&sale(), journal, &[Some(view)], &lines).expect("there are baskets");
    check.faults.examples
}

#[test]
fn lines_as_they_were_asked_for_are_sound_and_a_part_paid_leaves_nothing_of_the_rest() {
    assert_eq!(at_server(&journal(false, 0), [1, 2], |_, _| {}), [""; 0]);
    let ok = Code::Ok.number();
    assert_eq!(at_server(&journal(true, ok), [1, 0], |_, _| {}), [""; 0]);
    let whole = at_server(&journal(true, ok), [1, 2], |_, _| {});
    assert!(whole[0].contains("units [1, 2] in its lines; the answers allow [[1, 0]]"), "{whole:?}");
}

#[test]
fn a_line_that_is_missing_doubled_or_has_other_content_is_found() {
    let journal = journal(false, 0);
    let missing = at_server(&journal, [1, 2], |_, lines| lines.retain(|line| line.nth == 0));
    assert!(missing[0].contains("2 were asked for"), "{missing:?}");
    let more = at_server(&journal, [1, 2], |_, lines| lines[2].code = Code::Ok.number());
    assert!(more[0].contains("more lines than the 2"), "{more:?}");
    let other = at_server(&journal, [1, 2], |_, lines| lines[1].sku = 7);
    assert!(other[0].contains("as line 1 SKU 7"), "{other:?}");
    let gift = at_server(&journal, [1, 2], |_, lines| lines[0].gifts = 1);
    assert!(gift[0].contains("1 units, 1 gifts"), "{gift:?}");
}

#[test]
fn a_sum_that_is_not_the_lines_and_a_number_of_another_partition_are_found() {
    let journal = journal(false, 0);
    let sum = at_server(&journal, [1, 2], |view, _| view.quantity = 4);
    assert!(sum[0].contains("4 units and 2 lines by itself, and 3 and 2"), "{sum:?}");
    let elsewhere = at_server(&journal, [1, 2], |view, _| view.sku = 6);
    assert!(elsewhere[0].contains("another partition"), "{elsewhere:?}");
}

#[test]
fn a_cut_that_was_never_answered_allows_both() {
    let mut journal = journal(false, 0);
    journal.baskets[0].cuts = true;
    for units in [[1, 2], [1, 1]] {
        assert_eq!(at_server(&journal, units, |_, _| {}), [""; 0]);
    }
    journal.baskets[0].cut = Code::Ok.number();
    assert_eq!(at_server(&journal, [1, 2], |_, _| {}).len(), 1);
}

/// The log in these blocks, with units of both SKUs to begin with.
fn logged(blocks: &[Vec<Vec<u8>>]) -> Replay {
    let folder = tempfile::tempdir().expect("a folder");
    let stock = vec![put(5, 4), put(6, 4)];
    let blocks: Vec<Vec<Vec<u8>>> = std::iter::once(&stock).chain(blocks).cloned().collect();
    Forger::of(&blocks).write(folder.path()).expect("written");
    let replay = Replay::read(folder.path(), sale().expected());
    assert_eq!(replay.faults.examples, [""; 0]);
    replay
}

fn together(blocks: &[Vec<Vec<u8>>]) -> Vec<String> {
    let check = in_the_log(&sale(), &journal(false, 0), &logged(blocks)).expect("there are baskets");
    check.faults.examples
}

fn hold() -> Vec<Vec<u8>> {
    vec![opened(ORDER, 2, 5, 3), leg_held(ORDER, 2, 5, 1), leg_held(ORDER, 2, 6, 2)]
}

fn confirmed() -> Vec<u8> {
    record(5, &[(ORDER, 8), (1, 8), (1, 8), (0, 8), (9, 8)])
}

#[test]
fn a_log_with_all_lines_in_one_block_is_sound() {
    let paid = vec![leg_ended(25, ORDER, 2, 5, 1), leg_ended(25, ORDER, 2, 6, 2), confirmed()];
    assert_eq!(together(&[hold(), paid]), [""; 0]);
    let part = vec![
        leg_ended(29, ORDER, 2, 6, 2),
        record(22, &[(ORDER, 8), (2, 4), (0, 8), (0, 8)]),
        leg_ended(25, ORDER, 2, 5, 1),
        confirmed(),
    ];
    assert_eq!(together(&[hold(), part]), [""; 0]);
    let replaced = vec![
        leg_ended(24, ORDER, 2, 5, 1),
        leg_ended(24, ORDER, 2, 6, 2),
        record(21, &[(ORDER, 8), (9, 8), (0, 8)]),
    ];
    assert_eq!(together(&[hold(), replaced]), [""; 0]);
}

#[test]
fn a_line_that_the_log_lacks_is_found_twice() {
    let faults = together(&[hold().split_off(0)[..2].to_vec()]);
    assert!(faults[0].contains("has 3 units behind block 1, and its lines have 1"), "{faults:?}");
    assert!(faults[1].contains("were asked for"), "{faults:?}");
}

#[test]
fn a_line_that_was_sold_twice_is_found() {
    let once = leg_ended(25, ORDER, 2, 5, 1);
    let paid = vec![once.clone(), once, leg_ended(25, ORDER, 2, 6, 2), confirmed()];
    let faults = together(&[hold(), paid]);
    assert!(faults[0].contains("was Paid with 1 units, and then Paid"), "{faults:?}");
}

#[test]
fn lines_in_another_block_than_their_order_are_found() {
    let [order, one, other] = hold().try_into().expect("three");
    let faults = together(&[vec![order.clone()], vec![one.clone(), other.clone()]]);
    assert!(faults[0].contains("has 3 units behind block 1, and its lines have 0"), "{faults:?}");
    let faults = together(&[vec![one, other], vec![order]]);
    assert!(faults[0].contains("block 1 has lines of order"), "{faults:?}");
    let late = vec![leg_ended(25, ORDER, 2, 5, 1)];
    let rest = vec![leg_ended(25, ORDER, 2, 6, 2), confirmed()];
    let faults = together(&[hold(), late, rest]);
    assert!(faults[0].contains("is Held behind block 2, and its SKU 5 is Paid"), "{faults:?}");
}

#[test]
fn units_of_lines_are_taken_from_their_skus_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = [vec![put(5, 1), put(6, 1)], hold()].concat();
    Forger::of(&[records]).write(folder.path()).expect("written");
    let faults = Replay::read(folder.path(), sale().expected()).faults;
    // One unit of SKU 5 is there; of SKU 6 two are taken, and there is one.
    assert_eq!(faults.count, 1);
    assert!(faults.examples[0].contains("takes a unit of SKU 6 that isn't there"), "{faults:?}");
}
