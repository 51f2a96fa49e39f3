//! What a paid order costs in memory once something became of it. A test program of its own, as it looks at the whole
//! process.

use doorbuster_ledger::*;

const NOW: Timestamp = Timestamp::new(1_700_000_000_000);

const ORDERS: u64 = 200_000;

/// Most bytes that a shipped order may take beyond a paid one: bounds what an operator must plan for.
const MOST: u64 = 400;

/// Resident memory of this process, bytes; `None` where the system doesn't say.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1_024)
}

#[test]
fn a_shipped_order_takes_a_few_hundred_bytes_more_than_a_paid_one() {
    let mut ledger = Ledger::new(Rules::default(), 1);
    let sku = SkuId::new(1);
    let put = PutSku { sku, units: ORDERS, user_limit: 0, order_limit: 0, ..PutSku::default() };
    ledger.execute(NOW, &Command::PutSku(put), |_| {}).unwrap();
    let empty = resident();
    let mut orders = Vec::with_capacity(usize::try_from(ORDERS).unwrap());
    for number in 0..ORDERS {
        let (user, amount) = (UserId::new(number), Amount::new(100));
        let reserve = Reserve {
            claim: None,
            request: RequestId::new(
                (u128::from(NOW.raw()) << 80) | (7 << 76) | (2 << 62) | u128::from(number),
            ),
            user,
            sku,
            quantity: Quantity::new(1).unwrap(),
            amount,
            hold_ms: 60_000,
            channel: ChannelId::new(1),
            first_attempt: true,
            wait_ms: 0,
            terms: Terms::default(),
        };
        let outcome = ledger.execute(NOW, &Command::Reserve(reserve), |_| {}).unwrap();
        let Outcome::Reserved { order, .. } = outcome else { panic!("{outcome:?}") };
        let confirm = Confirm { order, user, payment: PaymentId::new(1), amount };
        ledger.execute(NOW, &Command::Confirm(confirm), |_| {}).unwrap();
        orders.push((order, user));
    }
    let paid = resident();
    let mut events = Vec::new();
    for (order, user) in orders {
        events.clear();
        let advance = Advance { order, user, step: Step::Ship, reason: 0, by: OperatorId::new(1) };
        let command = Composite::After(AfterCommand::Advance(advance));
        Span::new(&mut [&mut ledger]).execute(NOW, &command, &[], &mut events).unwrap();
        assert_eq!(events.len(), 1);
    }
    let (Some(empty), Some(paid), Some(shipped)) = (empty, paid, resident()) else { return };
    let (each, more) = ((paid - empty) / ORDERS, (shipped - paid) / ORDERS);
    println!("a paid order takes {each} bytes, a shipped one {more} more");
    assert!(more <= MOST, "{more} bytes more");
    assert_eq!(ledger.goods(sku).map(|goods| goods.shipped), Some(ORDERS));
}
