//! The digest is written into logs and compared when they are replayed, so a state must have the same digest in every
//! later version of data folder 1.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use doorbuster_ledger::*;

const NOW: u64 = 1_700_000_000_000;

fn request(number: u128) -> RequestId {
    RequestId::new((u128::from(NOW) << 80) | (7 << 76) | (2 << 62) | number)
}

fn reserve(number: u128, terms: Terms) -> Command {
    Command::Reserve(Reserve {
        request: request(number),
        user: UserId::new(11),
        sku: SkuId::new(7),
        quantity: Quantity::new(2).unwrap(),
        amount: Amount::new(1_990),
        hold_ms: 60_000,
        channel: ChannelId::new(3),
        first_attempt: true,
        wait_ms: 0,
        terms,
        claim: None,
    })
}

#[test]
fn a_known_state_has_a_known_digest() {
    let mut ledger = Ledger::new(Rules::default(), 1);
    let mut run = |at: u64, command: Command| ledger.execute(Timestamp::new(at), &command, |_| {}).unwrap();
    let sku = SkuId::new(7);
    run(NOW, Command::PutSku(PutSku { sku, units: 100, user_limit: 9, order_limit: 5, ..PutSku::default() }));
    run(NOW, Command::Restock(Restock { request: request(1), sku, units: -3, reason: 4, by: 5 }));
    let terms = Terms {
        campaign: 1,
        price_version: 2,
        tier: 3,
        location: 4,
        pool: 5,
        device: 6,
        address: 7,
        pay_account: 8,
    };
    let orders: Vec<_> = [(2, Terms::default()), (3, terms), (4, terms), (5, Terms::default())]
        .into_iter()
        .map(|(number, terms)| match run(NOW + 1, reserve(number, terms)) {
            Outcome::Reserved { order, .. } => order,
            other => panic!("{other:?}"),
        })
        .collect();
    let user = UserId::new(11);
    let (payment, amount) = (PaymentId::new(1 << 100 | 5), Amount::new(1_990));
    run(NOW + 2, Command::Confirm(Confirm { order: orders[1], user, payment, amount }));
    run(NOW + 3, Command::Cancel(Cancel { order: orders[2], user, reason: 6 }));
    assert_eq!(ledger.digest().to_string(), "a94a4538862d30f9");
}
