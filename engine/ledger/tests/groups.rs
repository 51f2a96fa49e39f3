//! What a shopper has of a placement group stays countable, whatever is asked for.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod plain;

use doorbuster_ledger::*;
use plain::{NOW, reserve};

fn sku(number: u32) -> SkuId {
    GroupId::new(7).unwrap().sku(number)
}

fn wish(request: u64, sku: SkuId, units: u32) -> Reserve {
    Reserve { user: UserId::new(1), quantity: Quantity::new(units).unwrap(), ..reserve(request, sku) }
}

#[test]
fn more_units_than_can_be_counted_are_refused_where_there_is_no_limit() {
    let mut ledger = Ledger::new(Rules::default(), 1);
    for number in [1, 2] {
        let put =
            PutSku { sku: sku(number), units: 1 << 40, user_limit: 0, order_limit: 0, by: 1, reason: 1 };
        ledger.execute(NOW, &Command::PutSku(put), |_| {}).unwrap();
    }
    let mut ask = |reserve| ledger.execute(NOW, &Command::Reserve(reserve), |_| {}).unwrap();
    assert!(matches!(ask(wish(1, sku(1), u32::MAX - 1)), Outcome::Reserved { .. }));
    assert_eq!(ask(wish(2, sku(2), 2)), Outcome::Refused(Refusal::GroupLimit { left: 1 }));
    assert!(matches!(ask(wish(3, sku(2), 1)), Outcome::Reserved { .. }));
    let cart = [
        Line { sku: sku(1), units: 1, ..Line::default() },
        Line { sku: sku(2), units: 1, ..Line::default() },
    ];
    let command = Composite::Reserve { reserve: wish(4, sku(1), 2), supersedes: None };
    let outcome = Span::new(&mut [&mut ledger]).execute(NOW, &command, &cart, &mut Vec::new()).unwrap();
    assert!(matches!(outcome, Outcome::LineRefused { .. }), "{outcome:?}");
    ledger.check().unwrap();
}
