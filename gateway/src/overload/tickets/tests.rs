//! Bounds, collisions, and that every ticket comes back.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

#[test]
fn the_bound_is_the_least_of_time_and_worth() {
    let cases = [
        ((1_000, 0), 32),
        ((1_000, 1), 34),
        ((1_000, 100), 232),
        ((1_000, 484), 1_000),
        ((1_000, 485), 1_000),
        ((20, 100), 20),
        ((0, 100), 0),
        ((u32::MAX, u64::MAX), u32::MAX),
    ];
    for ((in_time, available), bound) in cases {
        assert_eq!(Bound::of(in_time, available), Bound(bound), "{in_time} in time, {available} available");
    }
}

#[test]
fn a_sku_has_as_many_tickets_as_its_bound_and_the_next_batch_gets_the_rest() {
    let tickets = Tickets::new(64);
    let first = tickets.take(7, 20, Bound(32));
    let second = tickets.take(7, 20, Bound(32));
    let third = tickets.take(7, 1, Bound(32));
    assert_eq!([&first, &second, &third].map(Ticket::granted), [20, 12, 0]);
    assert_eq!(tickets.take(8, 20, Bound(32)).granted(), 20, "another SKU has its own");
    drop(first);
    assert_eq!((tickets.out(7), tickets.take(7, 64, Bound(32)).granted()), (12, 20));
    let lower = tickets.take(7, 64, Bound(4));
    assert_eq!(lower.granted(), 0, "units have gone: more are out than the bound allows now");
    drop((second, third, lower));
    assert_eq!(tickets.out(7), 0);
}

#[test]
fn a_set_full_of_other_skus_refuses_nobody() {
    let tickets = Tickets::new(WAYS);
    let held: Vec<Ticket> = (1..=4).map(|sku| tickets.take(sku, 32, Bound(32))).collect();
    let fifth = tickets.take(5, 1_024, Bound(32));
    assert_eq!((fifth.granted(), tickets.out(5)), (1_024, 0), "admitted without being counted");
    drop(held);
    let counted = tickets.take(5, 1_024, Bound(32));
    assert_eq!((counted.granted(), tickets.out(5)), (32, 32), "there is room now");
    drop(fifth);
    assert_eq!(tickets.out(5), 32, "what was not counted is not taken off");
}

#[test]
fn a_panic_gives_tickets_back() {
    let tickets = Tickets::new(64);
    let lost = catch_unwind(AssertUnwindSafe(|| {
        let ticket = tickets.take(7, 20, Bound(32));
        assert_eq!((ticket.granted(), tickets.out(7)), (20, 20));
        panic!("a batch is lost");
    }));
    assert!(lost.is_err());
    assert_eq!(tickets.out(7), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Take { sku: u64, asked: u32, bound: u32 },
    Drop { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u64..12, 0_u32..40, 0_u32..60).prop_map(|(sku, asked, bound)| Step::Take { sku, asked, bound }),
        (0_usize..64).prop_map(|which| Step::Drop { which }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A table of two sets, so that SKUs collide.
    #[test]
    fn counted_tickets_keep_the_bound_and_none_is_lost(steps in prop::collection::vec(step(), 1..300)) {
        let tickets = Tickets::new(2 * WAYS);
        let mut held: Vec<(u64, Ticket)> = Vec::new();
        for step in steps {
            match step {
                Step::Take { sku, asked, bound } => {
                    let out = tickets.out(sku);
                    let ticket = tickets.take(sku, asked, Bound(bound));
                    // Less strict where SKUs collide, never stricter.
                    prop_assert!(ticket.granted() == asked || ticket.granted() == bound.saturating_sub(out));
                    prop_assert!(tickets.out(sku) <= bound.max(out));
                    held.push((sku, ticket));
                }
                Step::Drop { which } if !held.is_empty() => drop(held.swap_remove(which % held.len())),
                Step::Drop { .. } => {}
            }
            let mut counted: BTreeMap<u64, u32> = BTreeMap::new();
            for (sku, ticket) in held.iter().filter(|(_, ticket)| ticket.counted.is_some()) {
                *counted.entry(*sku).or_default() += ticket.granted();
            }
            for sku in 0..12 {
                prop_assert_eq!(tickets.out(sku), counted.get(&sku).copied().unwrap_or(0));
            }
        }
        drop(held);
        prop_assert!(tickets.0.lock().0.iter().flatten().all(|place| place.out == 0));
    }
}
