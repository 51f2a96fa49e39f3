//! A seeded crowd that does everything that the protocol offers.

use doorbuster_client::{
    BeginPay, Cancel, CancelLines, Client, Confirm, ConfirmLines, Extend, FailPay, Line, LineUnits,
    OrderState, OrderView, PutSku, ReadOrder, Rebalance, ReserveOrder, Restock, SetChannel,
};
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::OrderNumber;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::connect;

/// SKUs that are sold, from 1 on. Few, so that they sell out.
pub(crate) const SKUS: u64 = 5;

/// SKUs of which channels are kept units, from 1 on.
const SKUS_WITH_CHANNELS: u64 = 2;

/// Shoppers, from 1 on.
pub(crate) const USERS: u64 = 12;

pub(crate) struct Crowd {
    pub(crate) random: Xoshiro256PlusPlus,
    /// Orders that were placed, with their shopper.
    orders: Vec<(u64, u64)>,
    payments: u128,
    /// The payment that was begun last: its order, shopper and id.
    begun: (u64, u64, [u8; 16]),
}

impl Crowd {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            orders: Vec::new(),
            payments: 0,
            begun: (1, 1, [1; 16]),
        }
    }

    pub(crate) async fn set_up(&mut self, client: &Client) {
        for sku in 1..=SKUS {
            let put = PutSku { sku, units: self.random.random_range(3..20), ..PutSku::default() };
            client.put_sku(&put).await.unwrap().done().unwrap();
        }
        for sku in 1..=SKUS_WITH_CHANNELS {
            let rules = SetChannel {
                sku,
                channel: 1,
                guarantee: 2,
                cap: u64::MAX,
                release_at: 0,
                ..SetChannel::default()
            };
            client.set_channel(&rules).await.unwrap().done().unwrap();
        }
        self.promise(client).await;
    }

    /// Does so many things, one after the other; time goes on meanwhile. Gives the client to go on with.
    pub(crate) async fn act(&mut self, server: &Server, mut client: Client, times: u32) -> Client {
        for _ in 0..times {
            if self.random.random_ratio(1, 12) {
                server.clock().advance(self.random.random_range(1..120_000));
                client = connect(server).await;
            }
            self.act_once(&client).await;
            if self.random.random_ratio(1, 2) {
                self.warehouse(&client).await;
            }
            if self.random.random_ratio(1, 10) {
                self.operate(&client).await;
            }
            if self.random.random_ratio(1, 10) {
                self.fund(&client).await;
            }
        }
        client
    }

    async fn act_once(&mut self, client: &Client) {
        let (order, user) = self.some_order();
        self.payments += 1;
        let fresh = self.payments.to_be_bytes();
        // Refusals are part of it: they change nothing, and the feed must not say otherwise.
        match self.random.random_range(0..26) {
            0..=8 => self.reserve(client).await,
            20..=21 => self.confirm_a_part(client, fresh).await,
            22..=23 => self.cancel_a_part(client).await,
            24 => self.change_channels(client).await,
            9..=11 => {
                let confirm =
                    Confirm { order, user, payment_id: fresh, amount: self.random.random_range(0..2) };
                client.confirm(&confirm).await.unwrap();
            }
            12..=14 => {
                client.cancel(&Cancel { order, user, reason: 4 }).await.unwrap();
            }
            15 => {
                let begin = BeginPay { order, user, payment_id: fresh, slow: 0 };
                self.begun = (order, user, fresh);
                client.begin_pay(&begin).await.unwrap();
            }
            16 => {
                let (order, user, payment_id) = self.begun;
                client.fail_pay(&FailPay { order, user, payment_id }).await.unwrap();
            }
            17 => {
                let until = client.server_now_ms() + 400_000;
                client.extend(&Extend { order, user, until }).await.unwrap();
            }
            _ => {
                let (sku, units) = (self.random.random_range(1..=SKUS), self.random.random_range(-3..6));
                let restock = Restock { sku, units, reason: 9, ..Restock::default() };
                client.restock(&restock).await.unwrap();
            }
        }
    }

    async fn reserve(&mut self, client: &Client) {
        let user = self.random.random_range(1..=USERS);
        let (order, owner) = self.some_order();
        let instead = owner == user && self.random.random_ratio(1, 2);
        let waits = !instead && self.random.random_ratio(1, 2);
        let several = !waits && self.random.random_ratio(2, 5);
        let wish = ReserveOrder {
            user,
            channel: self.random.random_range(0..3),
            amount: self.random.random_range(0..2),
            hold_ms: self.random.random_range(1_000..300_000),
            supersedes: if instead { order } else { 0 },
            wait_ms: if waits { self.random.random_range(1_000..600_000) } else { 0 },
            lines: self.some_lines(if several { 3 } else { 1 }),
            ..ReserveOrder::default()
        };
        let held = if !waits && self.random.random_ratio(1, 3) {
            client.reserve_claims(&self.claim(wish)).await.unwrap()
        } else {
            client.reserve_order(&wish).await.unwrap()
        };
        if let Some(hold) = held.done() {
            self.orders.push((hold.order, user));
        }
    }

    /// Lines of so many SKUs, some of them gifts.
    fn some_lines(&mut self, count: u64) -> Vec<Line> {
        let first = self.random.random_range(1..=SKUS);
        let skus = (0..count).map(|nth| (first + nth) % SKUS + 1);
        let mut line = |sku| Line {
            sku,
            quantity: self.random.random_range(1..4),
            gift: u8::from(count > 1 && self.random.random_ratio(1, 4)),
            ..Line::default()
        };
        skus.map(&mut line).collect()
    }

    /// Some of the units of an order's lines.
    async fn a_part(&mut self, client: &Client, order: u64, user: u64) -> Vec<LineUnits> {
        let read = client.read_lines(&ReadOrder { order, user }).await.unwrap().done().unwrap_or_default();
        let mut part = |units: u32| self.random.random_range(0..=units);
        read.iter().map(|line| LineUnits { sku: line.sku, units: part(line.units) }).collect()
    }

    async fn confirm_a_part(&mut self, client: &Client, payment_id: [u8; 16]) {
        let (order, user) = self.some_order();
        let lines = self.a_part(client, order, user).await;
        if lines.is_empty() {
            return;
        }
        let due = client.read_order(&ReadOrder { order, user }).await.unwrap().done();
        let amount = due.map_or(0, |OrderView { amount, .. }| amount);
        let confirm = ConfirmLines { order, user, payment_id, amount, lines };
        client.confirm_lines(&confirm).await.unwrap();
    }

    async fn cancel_a_part(&mut self, client: &Client) {
        let (order, user) = self.some_hold(client).await;
        let lines = self.a_part(client, order, user).await;
        if !lines.is_empty() {
            let cancel = CancelLines { order, user, amount: 1, reason: 4, lines };
            client.cancel_lines(&cancel).await.unwrap();
        }
    }

    /// An order that holds units of several lines, if there is one among a few.
    async fn some_hold(&mut self, client: &Client) -> (u64, u64) {
        for _ in 0..8 {
            let (order, user) = self.some_order();
            let read = client.read_order(&ReadOrder { order, user }).await.unwrap().done();
            let held = read.is_some_and(|read| read.state == OrderState::Held.byte());
            if held && OrderNumber::new(order).is_composite() {
                return (order, user);
            }
        }
        self.some_order()
    }

    async fn change_channels(&mut self, client: &Client) {
        let sku = self.random.random_range(1..=SKUS_WITH_CHANNELS);
        let [from, to] = if self.random.random_ratio(1, 2) { [1, 2] } else { [2, 1] };
        let known = client.read_channel(sku, from).await.unwrap().done().unwrap();
        // So that there is something to be moved, if as much is free.
        let expected = known.taken + 1;
        let rules = SetChannel {
            sku,
            channel: from,
            guarantee: expected,
            cap: u64::MAX,
            release_at: 0,
            ..SetChannel::default()
        };
        client.set_channel(&rules).await.unwrap();
        let rebalance = Rebalance { sku, units: 1, keep: 0, expected, from, to, reason: 9, by: 3 };
        client.rebalance(&rebalance).await.unwrap();
    }

    pub(crate) fn some_order(&mut self) -> (u64, u64) {
        let recent = self.orders.len().saturating_sub(15);
        let among = self.orders.get(recent..).unwrap_or_default();
        if among.is_empty() { (1, 1) } else { among[self.random.random_range(0..among.len())] }
    }
}
