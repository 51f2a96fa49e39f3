//! What a warehouse does with the crowd's orders.

use doorbuster_client::{Advance, Client, GoodsTo, Inspect, OrderState, ReadOrder, Refund, SetOnHand, Step};
use rand::RngExt;

use crate::workload::{Crowd, SKUS};

impl Crowd {
    /// Something about a paid order, or about goods.
    pub(crate) async fn warehouse(&mut self, client: &Client) {
        match self.random.random_range(0..16_u32) {
            0 => self.count(client).await,
            1 => self.inspect(client).await,
            2 | 3 => self.pay_back(client).await,
            _ => self.step(client).await,
        }
    }

    async fn step(&mut self, client: &Client) {
        let steps =
            [Step::Fulfil, Step::Ship, Step::Ship, Step::Deliver, Step::Cancel, Step::Return, Step::Close];
        let step = steps[self.random.random_range(0..steps.len())];
        let back = if step == Step::Return { self.random.random_range(1..=3) } else { 0 };
        for _ in 0..8 {
            let (order, user) = self.some_order();
            let read = client.read_order(&ReadOrder { order, user }).await.unwrap().done();
            let Some(state) = read.and_then(|read| OrderState::from_byte(read.state)) else { continue };
            let open = [
                OrderState::Held,
                OrderState::Paying,
                OrderState::Waiting,
                OrderState::Expired,
                OrderState::Cancelled,
                OrderState::Lapsed,
                OrderState::Superseded,
            ];
            if !open.contains(&state) {
                let advance =
                    Advance { order, user, by: 5, reason: 6, step: step.byte(), to: back, lines: Vec::new() };
                client.advance(&advance).await.unwrap();
                return;
            }
        }
    }

    async fn pay_back(&mut self, client: &Client) {
        let (order, user) = self.some_order();
        let Some(read) = client.read_order(&ReadOrder { order, user }).await.unwrap().done() else { return };
        let refund_id = u128::to_be_bytes(self.random.random_range(1..4));
        let payment_id = read.payment_id;
        client
            .refund(&Refund { order, user, payment_id, refund_id, amount: 1, by: 5, reason: 7 })
            .await
            .unwrap();
    }

    /// Mostly a few more or less than there should be, seldom hardly any.
    async fn count(&mut self, client: &Client) {
        let sku = self.random.random_range(1..=SKUS);
        let goods = client.read_goods(sku).await.unwrap().done().unwrap();
        let on_hand = if self.random.random_ratio(1, 3) {
            self.random.random_range(0..=goods.on_hand / 2)
        } else {
            goods.on_hand + self.random.random_range(0..3)
        };
        let as_of = client.server_now_ms();
        let count = SetOnHand { sku, on_hand, as_of, expected: u64::MAX, by: 5, reason: 8 };
        client.set_on_hand(&count).await.unwrap();
    }

    async fn inspect(&mut self, client: &Client) {
        for sku in 1..=SKUS {
            let quarantine = client.read_goods(sku).await.unwrap().done().unwrap().quarantine;
            if quarantine > 0 {
                let to = if self.random.random_ratio(1, 2) { GoodsTo::Stock } else { GoodsTo::Scrap };
                let inspect =
                    Inspect { sku, units: 1, expected: quarantine, by: 5, reason: 9, to: to.byte() };
                client.inspect(&inspect).await.unwrap();
            }
        }
    }
}
