//! Memory that was made ready ahead changes nothing but who waits for it.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod plain;

use doorbuster_ledger::*;
use plain::{NOW, reserve};

/// Orders: enough for several chunks of rows, and for tables that split.
const ORDERS: u64 = 60_000;

const SKU: SkuId = SkuId::new(1);

/// Sells to all, takes money from every other, and lets the rest expire; after each step `supply` may look after the
/// ledger. Returns all events and the digest.
fn sale(seed: u64, mut supply: impl FnMut(&mut Ledger)) -> (Vec<Event>, Digest) {
    let mut ledger = Ledger::new(Rules::default(), seed);
    let mut events = Vec::new();
    let put = PutSku { sku: SKU, units: ORDERS, user_limit: 1, order_limit: 0, ..PutSku::default() };
    ledger.execute(NOW, &Command::PutSku(put), |event| events.push(*event)).unwrap();
    for number in 0..ORDERS {
        supply(&mut ledger);
        let outcome = ledger
            .execute(NOW, &Command::Reserve(reserve(number, SKU)), |event| events.push(*event))
            .unwrap();
        let Outcome::Reserved { order, .. } = outcome else { panic!("{outcome:?}") };
        if number % 2 == 0 {
            let (user, payment, amount) = (UserId::new(number), PaymentId::new(1), Amount::new(0));
            let confirm = Command::Confirm(Confirm { order, user, payment, amount });
            ledger.execute(NOW, &confirm, |event| events.push(*event)).unwrap();
        }
    }
    while ledger.pulse(NOW.plus(61_000), 256, |event| events.push(*event)).unwrap().more {
        supply(&mut ledger);
    }
    ledger.check().unwrap();
    (events, ledger.digest())
}

#[test]
fn a_ledger_decides_the_same_with_spares_and_without() {
    let (events, digest) = sale(1, |_| {});
    let mut spares = 0;
    let at_once = sale(1, |ledger| {
        while let Some(need) = ledger.need() {
            ledger.stock_up(need.meet());
            spares += 1;
        }
    });
    assert!(spares > Need::MOST + 4, "{spares} spares: none was used");
    // One at a time, and not before many more orders have come.
    let (mut made, mut step) = (None, 0);
    let late = sale(1, |ledger| {
        step += 1;
        if step % 5_000 == 0 {
            made.take().into_iter().for_each(|spare| ledger.stock_up(spare));
            made = ledger.need().map(Need::meet);
        }
    });
    assert_eq!(events.len(), 1 + 60_000 + 30_000 + 30_000);
    assert!(at_once == (events.clone(), digest) && late == (events, digest));
}

#[test]
fn a_ledger_says_what_it_needs_once_and_is_quiet_when_it_has_it() {
    let mut ledger = Ledger::new(Rules::default(), 1);
    let empty = ledger.bytes();
    let needs: Vec<Need> = std::iter::from_fn(|| ledger.need()).collect();
    assert_eq!(needs.len(), Need::MOST);
    assert_eq!(ledger.bytes(), empty, "saying what it needs takes no memory");
    for need in needs {
        ledger.stock_up(need.meet());
        assert!(ledger.need().is_none());
    }
    let spares = ledger.bytes() - empty;
    assert!((8 << 20..=(2 * Need::MOST) << 20).contains(&spares), "{spares} bytes");
}
