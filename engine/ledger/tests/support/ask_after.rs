//! What is asked about paid orders and goods.

use std::collections::BTreeMap;

use doorbuster_ledger::*;
use proptest::prelude::*;

use super::asked::{Asked, Made};
use super::groups::sku_of;

#[derive(Clone, Debug)]
pub(crate) enum AskAfter {
    Advance {
        pick: usize,
        wrong_user: bool,
        step: Step,
        /// Units of the order's lines, in their order; none: all.
        units: Vec<u32>,
        /// Seldom another SKU instead.
        stray: bool,
    },
    Refund {
        pick: usize,
        payment: u128,
        refund: u128,
        amount: u64,
    },
    Count {
        sku: u64,
        on_hand: u64,
        when: usize,
        expected: Option<u64>,
    },
    Inspect {
        sku: u64,
        units: u64,
        to: Disposition,
        expected: u64,
    },
}

fn to() -> impl Strategy<Value = Disposition> {
    prop_oneof![
        4 => Just(Disposition::Restock),
        4 => Just(Disposition::Quarantine),
        1 => Just(Disposition::Scrap),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Fulfil),
        6 => Just(Step::Ship),
        6 => Just(Step::Deliver),
        3 => Just(Step::Cancel),
        6 => to().prop_map(Step::Return),
        1 => Just(Step::Close),
    ]
}

pub(crate) fn ask() -> impl Strategy<Value = AskAfter> {
    let units = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(0_u32..4, 1..4)];
    prop_oneof![
        14 => (0_usize..4, prop::bool::weighted(0.05), step(), units, prop::bool::weighted(0.05)).prop_map(
            |(pick, wrong_user, step, units, stray)| AskAfter::Advance { pick, wrong_user, step, units, stray }
        ),
        3 => (0_usize..4, 0_u128..3, prop_oneof![9 => 1_u128..3, 1 => Just(0)], prop_oneof![9 => 1_u64..4, 1 => Just(0)])
            .prop_map(|(pick, payment, refund, amount)| AskAfter::Refund { pick, payment, refund, amount }),
        2 => (1_u64..5, 0_u64..8, 0_usize..6, prop::option::weighted(0.2, 0_u64..8)).prop_map(
            |(sku, on_hand, when, expected)| AskAfter::Count { sku, on_hand, when, expected }
        ),
        5 => (1_u64..4, prop_oneof![5 => Just(1_u64), 1 => 0_u64..3], to(), 1_u64..3)
            .prop_map(|(sku, units, to, expected)| AskAfter::Inspect { sku, units, to, expected }),
    ]
}

pub(crate) fn command(ask: &AskAfter, now: u64, reserved: &[Made]) -> Option<Asked> {
    let by = OperatorId::new(7);
    let nth = |pick: usize| reserved.get(reserved.len().checked_sub(pick + 1)?);
    let (command, lines) = match *ask {
        AskAfter::Advance { pick, wrong_user, step, ref units, stray } => {
            let (order, user, lines) = nth(pick)?;
            let user = if wrong_user { UserId::new(99) } else { *user };
            // Steps of the whole order name no lines, but for a stray one.
            let whole = matches!(step, Step::Fulfil | Step::Deliver | Step::Close);
            let units: &[u32] = if whole { &[] } else { units };
            let named = lines.iter().zip(units).map(|(line, units)| (line.sku.raw(), *units));
            let mut named: BTreeMap<u64, u32> = named.collect();
            if stray {
                named.insert(4, 1);
            }
            let line = |(sku, units)| Line { sku: sku_of(sku), units, ..Line::default() };
            let advance = Advance { order: *order, user, step, reason: 1, by };
            (AfterCommand::Advance(advance), named.into_iter().map(line).collect())
        }
        AskAfter::Refund { pick, payment, refund, amount } => {
            let (order, user, _) = nth(pick)?;
            let (payment, refund) = (PaymentId::new(payment), RefundId::new(refund));
            let amount = Amount::new(amount);
            let refund = Refund { order: *order, user: *user, payment, refund, amount, reason: 2, by };
            (AfterCommand::Refund(refund), Vec::new())
        }
        AskAfter::Count { sku, on_hand, when, expected } => {
            let as_of = [now, now, now, now - now % 2_000, now - 500, now + 1_001][when];
            let (sku, as_of) = (sku_of(sku), Timestamp::new(as_of));
            (AfterCommand::Count(Count { sku, on_hand, as_of, expected, reason: 3, by }), Vec::new())
        }
        AskAfter::Inspect { sku, units, to, expected } => {
            let sku = sku_of(sku);
            (AfterCommand::Inspect(Inspect { sku, units, to, expected, reason: 4, by }), Vec::new())
        }
    };
    Some(Asked::Several(Composite::After(command), lines))
}
