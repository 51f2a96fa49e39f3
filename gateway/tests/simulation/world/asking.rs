//! What clients do of their own accord.

use doorbuster_engine::clock::Clock;
use doorbuster_protocol::{
    BeginPay, Cancel, Confirm, Extend, FEATURES, FailPay, Line, ReadOrder, ReadStock, Reserve, ReserveOrder,
    Restock, Watch,
};
use rand::RngExt;

use super::{CLIENTS, RESTOCKED, SKUS, WAITED_FOR, World};
use crate::client::MAX_OPEN;
use crate::deeds::{Asked, Deed};
use crate::history::number;

/// Holds in one frame, at most.
const TOGETHER: usize = 4;

impl World {
    /// A client connects, repeats what was not answered, or asks something new.
    pub(super) fn act(&mut self) {
        let client = self.rng.random_range(0..CLIENTS);
        if self.clients[client].peer.is_none() {
            self.connect(client);
            return;
        }
        let deadline = self.deadline();
        let again = self.clients[client].again.len();
        if again > 0 && self.rng.random_bool(0.7) {
            let pick = self.rng.random_range(0..again);
            let deed = self.clients[client].again.swap_remove(pick);
            self.send(client, vec![deed], deadline);
        } else if self.clients[client].open() < MAX_OPEN {
            let asked = self.ask(client);
            let deeds = asked.into_iter().map(|asked| self.note(client, asked)).collect();
            self.send(client, deeds, deadline);
        }
    }

    pub(super) fn connect(&mut self, client: usize) {
        let reactor = self.rng.random_range(0..self.reactors);
        let features = self.rng.random_range(0..=FEATURES);
        let peer = self.node().connect(reactor);
        self.clients[client].greet(peer, reactor, features);
    }

    pub(super) fn send(&mut self, client: usize, deeds: Vec<usize>, deadline: u64) {
        self.report.repeated +=
            deeds.iter().filter(|deed| !self.seen.deeds[**deed].sent.is_empty()).count() as u64;
        self.clients[client].send(deeds, deadline, &mut self.seen);
    }

    /// Enters an operation into the history.
    pub(super) fn note(&mut self, client: usize, asked: Asked) -> usize {
        self.seen.deeds.push(Deed { asked, client, sent: Vec::new(), said: None, given_up: false });
        self.seen.deeds.len() - 1
    }

    /// A client looks at what has arrived.
    pub(super) fn read(&mut self, client: usize) -> Result<(), String> {
        let rng = &mut self.rng;
        self.clients[client].read(&mut self.seen, || rng.random_bool(0.8))?;
        self.look_at_answers();
        Ok(())
    }

    pub(super) fn look_at_answers(&mut self) {
        for deed in std::mem::take(&mut self.seen.fresh) {
            self.report.answered += 1;
            let deed = &self.seen.deeds[deed];
            *self.report.codes.entry(deed.said.map_or(0, |(_, said)| said.code())).or_default() += 1;
            let client = deed.client;
            let Some(order) = number(deed) else { continue };
            self.orders.push((order, client));
            if deed.asked.times().0 > 0 && self.rng.random_bool(0.8) {
                let user = self.clients[client].user();
                let watch = self.note(client, Asked::Watch(Watch { order, user }));
                self.clients[client].again.push(watch);
            }
        }
    }

    fn deadline(&mut self) -> u64 {
        let soon = self.clock.now().raw() + self.rng.random_range(1..500);
        if self.rng.random_bool(0.25) { soon } else { 0 }
    }

    /// An id as clients make them: a UUID of version 7.
    fn id(&mut self) -> [u8; 16] {
        self.next_id += 1;
        let now = u128::from(self.clock.now().raw());
        ((now << 80) | (7 << 76) | (2 << 62) | u128::from(self.next_id)).to_be_bytes()
    }

    fn sku(&mut self) -> u64 {
        if self.step < self.rush.1 && self.rng.random_bool(0.8) {
            return self.rush.0;
        }
        SKUS[self.rng.random_range(0..SKUS.len())].0
    }

    fn hold_ms(&mut self) -> u32 {
        if self.rng.random_bool(0.6) { 0 } else { 300 }
    }

    fn ask(&mut self, client: usize) -> Vec<Asked> {
        match self.rng.random_range(0..100_u32) {
            0..34 => {
                let together =
                    if self.rng.random_bool(0.7) { 1 } else { self.rng.random_range(1..=TOGETHER) };
                (0..together).map(|_| self.reserve(client)).collect()
            }
            34..44 => vec![self.wait(client)],
            44..52 => vec![self.order(client)],
            52..54 => {
                let (request_id, units) = (self.id(), self.rng.random_range(1..3));
                vec![Asked::Restock(Restock { request_id, sku: RESTOCKED, units, reason: 0, by: 1 })]
            }
            54..68 => vec![Asked::ReadStock(ReadStock { sku: self.sku() })],
            _ => vec![self.about_an_order(client)],
        }
    }

    fn reserve(&mut self, client: usize) -> Asked {
        Asked::Reserve(Reserve {
            request_id: self.id(),
            user: self.clients[client].user(),
            sku: self.sku(),
            quantity: self.rng.random_range(1..3),
            hold_ms: self.hold_ms(),
            ..Reserve::default()
        })
    }

    /// A hold, or a place in the line.
    fn wait(&mut self, client: usize) -> Asked {
        let quantity = self.rng.random_range(1..3);
        Asked::ReserveOrder(ReserveOrder {
            request_id: self.id(),
            user: self.clients[client].user(),
            hold_ms: self.hold_ms(),
            wait_ms: self.rng.random_range(300..4_000),
            lines: vec![Line { sku: WAITED_FOR, quantity, ..Line::default() }],
            ..ReserveOrder::default()
        })
    }

    /// A hold over several SKUs.
    fn order(&mut self, client: usize) -> Asked {
        let mut lines = Vec::new();
        for (sku, _) in SKUS {
            if self.rng.random_bool(0.5) {
                let quantity = self.rng.random_range(1..3);
                lines.push(Line { sku, quantity, ..Line::default() });
            }
        }
        if lines.is_empty() {
            return self.reserve(client);
        }
        Asked::ReserveOrder(ReserveOrder {
            request_id: self.id(),
            user: self.clients[client].user(),
            hold_ms: self.hold_ms(),
            lines,
            ..ReserveOrder::default()
        })
    }

    /// Something about an order that this client has.
    fn about_an_order(&mut self, client: usize) -> Asked {
        // Mostly of late: old ones have ended.
        let own: Vec<u64> =
            self.orders.iter().rev().filter(|order| order.1 == client).take(6).map(|order| order.0).collect();
        if own.is_empty() {
            return self.reserve(client);
        }
        let (order, user) = (own[self.rng.random_range(0..own.len())], self.clients[client].user());
        match self.rng.random_range(0..16_u32) {
            0..4 => Asked::Confirm(Confirm { order, user, payment_id: self.id(), amount: 0 }),
            4..8 => Asked::Cancel(Cancel { order, user, reason: 0 }),
            8 => {
                let slow = u8::from(self.rng.random_bool(0.3));
                Asked::BeginPay(BeginPay { order, user, payment_id: self.id(), slow })
            }
            9 => Asked::FailPay(FailPay { order, user, payment_id: self.id() }),
            10 => Asked::Extend(Extend { order, user, until: self.clock.now().raw() + 1_000 }),
            11..14 => Asked::Watch(Watch { order, user }),
            _ => Asked::ReadOrder(ReadOrder { order, user }),
        }
    }
}
