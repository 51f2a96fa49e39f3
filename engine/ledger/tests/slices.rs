//! A crowd that claims from one budget everywhere seldom needs more than one shard.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod plain;

use doorbuster_ledger::*;
use plain::{NOW, reserve};

/// Ledgers that serve the partitions together.
const SHARDS: u16 = 2;

/// What each order claims, minor units.
const DISCOUNT: u64 = 500;

fn budget() -> BudgetId {
    BudgetId::new(9).unwrap()
}

/// Claims by so many orders, one each of `skus` in turn, from a budget that is enough for so many times as many. Returns how many
/// of them had to be decided over all ledgers, in the first half of them and in all.
fn claims(skus: u64, orders: u64, times: u64) -> (u64, u64) {
    let share = |number| Share::new(number, SHARDS).unwrap();
    let mut ledgers: Vec<_> =
        (0..SHARDS).map(|number| Ledger::of(share(number), Rules::default(), 1)).collect();
    for number in 1..=skus {
        let sku = SkuId::new(number);
        let put = PutSku { sku, units: orders, user_limit: 0, order_limit: 0, by: 1, reason: 1 };
        home(&mut ledgers, sku).execute(NOW, &Command::PutSku(put), |_| {}).unwrap();
    }
    let set = BudgetCommand::Set { budget: budget(), funded: times * orders * DISCOUNT, by: 1, reason: 1 };
    let funders = [Funder { id: FunderId::new(1), share: 1 }];
    let set =
        Span::new(&mut ledgers.iter_mut().collect::<Vec<_>>()).budget(NOW, &set, &funders, &mut Vec::new());
    assert!(matches!(set, Ok(Outcome::BudgetSet { .. })), "{set:?}");
    let (mut over_all, mut of_first_half) = (0, 0);
    for number in 0..orders {
        let claim = Some(Claim { budget: budget(), amount: Amount::new(DISCOUNT) });
        let reserve = Reserve { claim, ..reserve(number, SkuId::new(1 + number % skus)) };
        let ledger = home(&mut ledgers, reserve.sku);
        let outcome = ledger.execute(NOW, &Command::Reserve(reserve), |_| {}).unwrap();
        if outcome == Outcome::Refused(Refusal::Budget(BudgetRefusal::SliceShort)) {
            over_all += 1;
            let line = Line { sku: reserve.sku, units: 1, ..Line::default() };
            let command = Composite::Reserve { reserve, supersedes: None };
            let mut ledgers: Vec<_> = ledgers.iter_mut().collect();
            let outcome = Span::new(&mut ledgers).execute(NOW, &command, &[line], &mut Vec::new()).unwrap();
            assert!(matches!(outcome, Outcome::Reserved { .. }), "{number}: {outcome:?}");
        }
        if number == orders / 2 {
            of_first_half = over_all;
        }
    }
    let mut ledgers: Vec<_> = ledgers.iter_mut().collect();
    let span = Span::new(&mut ledgers);
    span.check().unwrap();
    let read = span.read_budget(budget()).unwrap().unwrap();
    let claimed = orders * DISCOUNT;
    assert_eq!(
        (read.left, read.reserved),
        ((times - 1) * claimed, claimed),
        "every cent is there or claimed"
    );
    (of_first_half, over_all)
}

fn home(ledgers: &mut [Ledger], sku: SkuId) -> &mut Ledger {
    ledgers.iter_mut().find(|ledger| ledger.share().serves(PartitionId::of(sku))).unwrap()
}

#[test]
fn claims_at_one_place_are_decided_there() {
    let (of_first_half, all) = claims(1, 100_000, 1);
    assert!(of_first_half < 150 && all < 1_500, "{of_first_half} and {all} of 100,000");
}

#[test]
fn claims_at_a_few_places_are_decided_there() {
    let (of_first_half, all) = claims(40, 100_000, 1);
    assert!(of_first_half < 500 && all < 1_800, "{of_first_half} and {all} of 100,000");
}

#[test]
fn claims_everywhere_are_seldom_decided_over_all() {
    // A hundred and twenty claims in each of the partitions, nearly all of which have a SKU.
    let (of_first_half, all) = claims(40_000, 500_000, 1);
    assert!(of_first_half < 10_000 && all < 50_000, "{of_first_half} and {all} of 500,000");
}

#[test]
fn where_there_is_plenty_each_place_is_filled_once() {
    let (of_first_half, all) = claims(40_000, 500_000, 10);
    assert_eq!((of_first_half, all), (4_096, 4_096), "of 500,000, in all partitions");
}
