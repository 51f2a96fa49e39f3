//! A small sale whose every event is known.

use std::path::Path;
use std::sync::Arc;

use doorbuster_client::{
    Advance, BindSku, Client, Confirm, Line, Phase, PutPhase, PutPrice, PutSku, Refund, ReserveOrder,
    Restock, SetCampaign, Step,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

use crate::{START, connect, open};

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// When the sale begins: ten minutes after its preparation.
pub(crate) const T0: u64 = START + 10 * MINUTE;

/// Holds last a quarter of an hour.
const HOLD_MS: u32 = 900_000;

struct Sale {
    server: Server,
    client: Client,
    payments: u8,
}

impl Sale {
    /// So long after T0.
    async fn at(&mut self, since_t0: u64) {
        let now = self.server.clock();
        let to = T0 + since_t0;
        now.advance(to - self.client_time());
        self.client = connect(&self.server).await;
    }

    fn client_time(&self) -> u64 {
        doorbuster_engine::clock::Clock::now(self.server.clock()).raw()
    }

    async fn reserve(&self, user: u64, channel: u16, amount: u64, wait_ms: u32, lines: &[(u64, u32)]) -> u64 {
        let lines =
            lines.iter().map(|(sku, quantity)| Line { sku: *sku, quantity: *quantity, ..Line::default() });
        let lines = lines.collect();
        let hold_ms = if wait_ms == 0 { HOLD_MS } else { 0 };
        let wish = ReserveOrder {
            user,
            channel,
            amount,
            wait_ms,
            hold_ms,
            campaign: 11,
            lines,
            ..ReserveOrder::default()
        };
        self.client.reserve_order(&wish).await.unwrap().done().unwrap().order
    }

    /// Pays, and says whether that bought the order.
    async fn pay(&mut self, order: u64, user: u64, amount: u64) -> bool {
        self.payments += 1;
        let confirm = Confirm { order, user, payment_id: [self.payments; 16], amount };
        self.client.confirm(&confirm).await.unwrap().done().is_some()
    }

    /// Waits until so many units of a SKU are held: until the server has given back what has run out.
    async fn until_held(&self, sku: u64, units: u64) {
        while self.client.read_stock(sku).await.unwrap().done().unwrap().held != units {}
    }
}

/// Campaign 11 sells SKUs 1, 2 and 3 from T0 on for five hours; SKU 4 is sold beside it.
async fn prepare(client: &Client) {
    for (sku, units) in [(1, 10), (2, 4), (3, 6), (4, 5)] {
        let put = PutSku { sku, units, by: 9, reason: 1, ..PutSku::default() };
        client.put_sku(&put).await.unwrap().done().unwrap();
    }
    for (nth, start, stage) in [(0, T0, 1), (1, T0 + 5 * HOUR, 4)] {
        let phase = Phase { start, stage, ..Phase::default() };
        let put = PutPhase { campaign: 11, plan: 1, nth, phase, by: 9, ..PutPhase::default() };
        client.put_phases(&[put]).await.remove(0).unwrap().done().unwrap();
    }
    let plan = SetCampaign { campaign: 11, plan: 1, phases: 2, action: 1, by: 9, ..SetCampaign::default() };
    client.set_campaign(&plan).await.unwrap().done().unwrap();
    for (sku, price) in [(1, 10_000), (2, 1_000), (3, 5_000)] {
        let bind = BindSku { sku, campaign: 11, by: 9, reason: 0 };
        client.bind_skus(&[bind]).await.remove(0).unwrap().done().unwrap();
        let put = PutPrice {
            sku,
            version: 1,
            price,
            list: price,
            floor: price,
            ceiling: price,
            ..PutPrice::default()
        };
        client.put_prices(&[put]).await.remove(0).unwrap().done().unwrap();
    }
}

/// Writes the log of the sale into a folder.
pub(crate) async fn write(folder: &Path) {
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let storage = Arc::new(open(folder));
    let server = Server::start_on(storage, clock, |_| {});
    let client = connect(&server).await;
    prepare(&client).await;
    let mut sale = Sale { server, client, payments: 0 };

    sale.at(1_000).await;
    let early = sale.reserve(1, 1, 20_000, 0, &[(1, 2)]).await;
    let late = sale.reserve(2, 2, 30_000, 0, &[(1, 3)]).await;
    sale.at(2_000).await;
    let gone = sale.reserve(3, 1, 4_000, 0, &[(2, 4)]).await;
    sale.at(3_000).await;
    // SKU 2 is gone: two wait for it, one of them not for long.
    let first = sale.reserve(4, 2, 2_000, 3_600_000, &[(2, 2)]).await;
    let second = sale.reserve(5, 1, 1_000, 60_000, &[(2, 1)]).await;
    sale.at(31_000).await;
    assert!(sale.pay(early, 1, 20_000).await, "30 s after its hold");
    sale.at(63_250).await;
    // The second wait ends a quarter of a second late, when the clock is moved; a wait has no release lag.
    while sale
        .client
        .read_order(&doorbuster_client::ReadOrder { order: second, user: 5 })
        .await
        .unwrap()
        .done()
        .unwrap()
        .state
        != doorbuster_client::OrderState::Lapsed.byte()
    {}
    // B's hold ends at 15:01, C's at 15:02. Both are noticed at 15:04.
    sale.at(15 * MINUTE + 4_000).await;
    sale.until_held(1, 0).await;
    sale.until_held(2, 2).await;
    sale.at(16 * MINUTE).await;
    assert!(sale.pay(first, 4, 2_000).await, "56 s after the offer");
    sale.at(20 * MINUTE).await;
    assert!(sale.pay(late, 2, 30_000).await, "too late, but its units are free");
    assert!(!sale.pay(gone, 3, 4_000).await, "too late, and two of its units are sold");
    assert!(!sale.pay(early, 1, 20_000).await, "A is paid already");
    let short = sale.reserve(6, 0, 10_000, 0, &[(1, 1)]).await;
    assert!(!sale.pay(short, 6, 9_999).await, "a cent short");
    sale.at(21 * MINUTE).await;
    assert!(sale.pay(short, 6, 10_000).await, "60 s after its hold");

    sale.at(3 * HOUR).await;
    let several = sale.reserve(7, 1, 24_999, 0, &[(1, 2), (3, 1)]).await;
    let beside = sale.reserve(8, 1, 700, 0, &[(4, 1)]).await;
    let given_back = sale.reserve(9, 2, 5_000, 0, &[(3, 1)]).await;
    sale.at(3 * HOUR + 2 * MINUTE).await;
    assert!(sale.pay(several, 7, 24_999).await, "2 min after its hold");
    assert!(sale.pay(beside, 8, 700).await);
    let cancel = doorbuster_client::Cancel { order: given_back, user: 9, reason: 3 };
    sale.client.cancel(&cancel).await.unwrap().done().unwrap();
    let stock = Restock { sku: 3, units: 4, by: 12, reason: 7, ..Restock::default() };
    sale.client.restock(&stock).await.unwrap().done().unwrap();
    // One of A's two units goes back before it is shipped, and half of its money.
    let lines = vec![doorbuster_client::LineUnits { sku: 1, units: 1 }];
    let back = Advance { order: early, user: 1, by: 5, reason: 6, step: Step::Cancel.byte(), to: 0, lines };
    sale.client.advance(&back).await.unwrap().done().unwrap();
    let refund = Refund {
        order: early,
        user: 1,
        payment_id: [1; 16],
        refund_id: [1; 16],
        amount: 10_000,
        by: 5,
        reason: 7,
    };
    sale.client.refund(&refund).await.unwrap().done().unwrap();
    // More than the two units of SKU 2 that are left.
    sale.reserve(10, 2, 5_000, 7_200_000, &[(2, 3)]).await;
    sale.server.stop();
}
