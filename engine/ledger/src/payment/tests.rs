//! Lists of payments are what was put into them, though some share a row.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn claim(budget: u32, cents: u64) -> Payment {
    let cents = Amount::new(cents);
    Payment::claim(Claim { budget: BudgetId::new(budget).unwrap(), amount: cents }, cents)
}

/// What a row says.
type Row = (PaymentKind, u128, u64);

fn said(payment: &Payment) -> Row {
    (payment.kind(), payment.id().raw(), payment.value())
}

fn rows_in_use(payments: &Payments, lists: &[Slot]) -> usize {
    let mut slots = Vec::new();
    for first in lists {
        let mut at = *first;
        while let Some(payment) = payments.rows.get(at) {
            slots.push(at);
            at = payment.next;
        }
    }
    slots.sort_unstable();
    slots.dedup();
    slots.len()
}

/// Rows that the table has, less those that wait to be used again.
fn rows_taken(payments: &Payments) -> usize {
    payments.rows.iter().filter(|(_, row)| row.kind != PaymentKind::default() || row.value != 0).count()
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Place { budget: u32, cents: u64 },
    Begin(usize),
    Fail(usize),
    Take(usize),
    Refund(usize),
    Cut(usize, u64),
    Free(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let order = 0_usize..8;
    let step = prop_oneof![
        4 => (1_u32..3, 1_u64..4).prop_map(|(budget, cents)| Step::Place { budget, cents }),
        1 => order.clone().prop_map(Step::Begin),
        1 => order.clone().prop_map(Step::Fail),
        1 => order.clone().prop_map(Step::Take),
        1 => order.clone().prop_map(Step::Refund),
        2 => (order.clone(), 0_u64..3).prop_map(|(order, left)| Step::Cut(order, left)),
        2 => order.prop_map(Step::Free),
    ];
    proptest::collection::vec(step, 0..200)
}

/// The list in `nth` place, if there are any.
fn pick<T>(lists: &mut [T], nth: usize) -> Option<&mut T> {
    let len = lists.len();
    lists.get_mut(nth.checked_rem(len)?)
}

proptest! {
    /// Whatever is done to one order's list, no other's changes; and a row stays as long as a list has it, and no longer.
    #[test]
    fn lists_that_share_claims_behave_as_lists_of_their_own(steps in steps()) {
        let mut payments = Payments::new();
        let (mut lists, mut model) = (Vec::<Slot>::new(), Vec::<Vec<Row>>::new());
        for (nth, step) in steps.into_iter().enumerate() {
            let id = PaymentId::new(u128::try_from(nth).unwrap());
            match step {
                Step::Place { budget, cents } => {
                    let claim = claim(budget, cents);
                    lists.push(payments.add(NONE, claim).unwrap());
                    model.push(vec![said(&claim)]);
                }
                Step::Begin(at) => {
                    let begun = Payment::begun(id, Timestamp::new(9));
                    let (Some(list), Some(model)) = (pick(&mut lists, at), pick(&mut model, at)) else { continue };
                    *list = payments.forget_begun(*list);
                    *list = payments.add(*list, begun).unwrap();
                    model.retain(|row| row.0 != PaymentKind::Begun);
                    model.insert(0, said(&begun));
                }
                Step::Fail(at) => {
                    let (Some(list), Some(model)) = (pick(&mut lists, at), pick(&mut model, at)) else { continue };
                    payments.fail_begun(*list);
                    for row in model.iter_mut().filter(|row| row.0 == PaymentKind::Begun) {
                        row.0 = PaymentKind::Failed;
                    }
                }
                Step::Take(at) | Step::Refund(at) => {
                    let kind = if matches!(step, Step::Take(_)) { PaymentKind::Taken } else { PaymentKind::Refund };
                    let payment = Payment::of(kind, id, Amount::new(8));
                    let (Some(list), Some(model)) = (pick(&mut lists, at), pick(&mut model, at)) else { continue };
                    *list = payments.add(*list, payment).unwrap();
                    model.insert(0, said(&payment));
                }
                Step::Cut(at, left) => {
                    let (Some(list), Some(model)) = (pick(&mut lists, at), pick(&mut model, at)) else { continue };
                    *list = payments.cut_claim(*list, Amount::new(left)).unwrap();
                    for row in model.iter_mut().filter(|row| row.0 == PaymentKind::Claim) {
                        row.2 = left;
                    }
                }
                Step::Free(at) => {
                    let Some(at) = at.checked_rem(lists.len()) else { continue };
                    payments.free(lists.swap_remove(at));
                    model.swap_remove(at);
                }
            }
            for (first, model) in lists.iter().zip(&model) {
                let list: Vec<_> = payments.list(*first).map(said).collect();
                prop_assert_eq!(&list, model);
                let reversed: Vec<_> = payments.oldest_first(*first).map(said).collect();
                prop_assert!(reversed.iter().eq(model.iter().rev()));
            }
            prop_assert_eq!(rows_taken(&payments), rows_in_use(&payments, &lists));
        }
    }
}

#[test]
fn orders_that_claim_the_same_share_a_row_and_others_do_not() {
    let mut payments = Payments::new();
    let first = payments.add(NONE, claim(1, 500)).unwrap();
    assert_eq!(payments.add(NONE, claim(1, 500)), Some(first));
    assert_ne!(payments.add(NONE, claim(2, 500)), Some(first), "another budget");
    assert_ne!(payments.add(NONE, claim(1, 501)), Some(first), "another amount");
    assert_eq!(payments.add(NONE, claim(1, 500)), Some(first), "what came between changes nothing");

    // One that was cut has a row of its own, even where it comes to the same as another's.
    let cut = payments.cut_claim(first, Amount::new(501)).unwrap();
    assert_ne!(cut, first);
    assert_eq!(payments.list(cut).next().and_then(Payment::claimed).unwrap().1, Amount::new(500));
}

#[test]
fn a_row_is_shared_by_as_many_orders_as_it_can_count() {
    let mut payments = Payments::new();
    let first = payments.add(NONE, claim(1, 500)).unwrap();
    for _ in 0..u16::MAX {
        assert_eq!(payments.add(NONE, claim(1, 500)), Some(first));
    }
    let second = payments.add(NONE, claim(1, 500)).unwrap();
    assert_ne!(second, first);
    for _ in 0..u16::MAX {
        payments.free(first);
    }
    assert!(payments.list(first).next().is_some(), "one order is left");
    payments.free(first);
    assert_eq!(payments.rows.get(first).map(Payment::kind), Some(PaymentKind::default()));
    assert_eq!(payments.add(NONE, claim(1, 500)), Some(second));
}

#[test]
fn a_crowd_that_claims_one_discount_takes_no_memory_for_it() {
    let mut payments = Payments::new();
    payments.add(NONE, claim(1, 500)).unwrap();
    let one = payments.bytes();
    for _ in 0..10_000 {
        payments.add(NONE, claim(1, 500)).unwrap();
    }
    assert_eq!(payments.bytes(), one);
    assert!(one < 17 << 10, "{one}");
}
