//! The beginning and the end: nothing fails, and everything must come to an end.

use doorbuster_engine::storage::Crash;
use doorbuster_gateway::ReactorStats;
use doorbuster_gateway::simulation::Part;
use doorbuster_protocol::{OrderState, PutSku, ReadOrder, ReadStock};

use super::{CLIENTS, SKUS, World};
use crate::deeds::{Asked, Deed, Said};

/// Rounds after which everything that is asked is answered, where nothing fails. It takes some ten.
const ROUNDS: u32 = 400;

/// Rounds of 100 ms after which all holds and waits are over: the longest take some 20 s.
const LONG_ROUNDS: u32 = 600;

/// Steps that a reactor takes before others have their turn, if it doesn't sleep before.
const STEPS_AWAKE: u32 = 40;

impl World {
    /// Sets up what is sold.
    pub(super) fn stock_up(&mut self) -> Result<(), String> {
        for (sku, units) in SKUS {
            let deed = self.note(0, Asked::PutSku(PutSku { sku, units, ..PutSku::default() }));
            self.clients[0].again.push(deed);
        }
        self.answer_all()
    }

    /// Faults stop. All that was asked is answered, all holds end, nothing is left on its way; and a replay gives the same state.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.calm = true;
        self.crash()?;
        self.time.set_pace(1);
        // What was given up is looked at all the same: nobody knows what became of it.
        self.answer_all()?;
        let mut rounds = 0;
        while self.is_busy() {
            rounds += 1;
            if rounds > LONG_ROUNDS {
                return Err(format!("holds or waits never end: {:?}", self.node().engine().totals()));
            }
            // Time alone wakes nobody but by the tick.
            for reactor in 0..self.reactors {
                self.part(Part::Reactor(reactor));
            }
            self.round(100)?;
        }
        self.look_at_everything()?;
        self.watches_are_over()?;
        self.nothing_is_left()?;
        self.count();
        self.replay()
    }

    fn is_busy(&mut self) -> bool {
        let totals = self.node().engine().totals();
        totals.holds > 0 || totals.waiting > 0
    }

    /// Reads every account and every order.
    fn look_at_everything(&mut self) -> Result<(), String> {
        for (order, client) in self.orders.clone() {
            let user = self.clients[client].user();
            let deed = self.note(client, Asked::ReadOrder(ReadOrder { order, user }));
            self.clients[client].again.push(deed);
        }
        for (sku, _) in SKUS {
            let deed = self.note(0, Asked::ReadStock(ReadStock { sku }));
            self.clients[0].again.push(deed);
        }
        self.answer_all()
    }

    fn answer_all(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            if self.clients.iter().all(|client| client.peer.is_some() && client.open() == 0) {
                return Ok(());
            }
            self.round(5)?;
        }
        let open: Vec<&Deed> = self.seen.deeds.iter().filter(|deed| deed.is_open()).collect();
        Err(format!("{} requests never get a final answer, such as {:?}", open.len(), open.first()))
    }

    /// Everybody does what he can, and so many milliseconds pass. No tick wakes a reactor that sleeps: whoever has something for it
    /// must.
    fn round(&mut self, ms: u64) -> Result<(), String> {
        for client in 0..CLIENTS {
            if self.clients[client].peer.is_none() {
                self.connect(client);
            }
            for deed in std::mem::take(&mut self.clients[client].again) {
                self.send(client, vec![deed], 0);
            }
            self.clients[client].write();
            if let Some(peer) = &self.clients[client].peer {
                peer.carry_up(usize::MAX);
            }
        }
        self.pass()?;
        for part in [Part::Desk, Part::Write, Part::Sync, Part::Prepare, Part::Keep] {
            let step = self.node().step(part);
            step.map_err(|error| format!("a healthy disk fails: {error}"))?;
        }
        self.pass()?;
        for client in 0..CLIENTS {
            if let Some(peer) = &self.clients[client].peer {
                peer.carry_down(usize::MAX);
            }
            self.clients[client].read(&mut self.seen, || true)?;
        }
        self.look_at_answers();
        self.advance(ms);
        Ok(())
    }

    /// Every reactor goes on until it sleeps.
    fn pass(&mut self) -> Result<(), String> {
        for reactor in 0..self.reactors {
            for _ in 0..STEPS_AWAKE {
                if !self.node().is_awake(reactor) {
                    break;
                }
                let step = self.node().step(Part::Reactor(reactor));
                step.map_err(|error| format!("a healthy network fails: {error}"))?;
            }
        }
        Ok(())
    }

    /// Whoever watched an order that waited was told of its end, unless somebody cancelled it.
    fn watches_are_over(&self) -> Result<(), String> {
        for order in self.clients.iter().flat_map(|client| &client.watches) {
            let mut read = self.seen.deeds.iter().rev().filter(|deed| deed.asked.order() == Some(*order));
            match read.next().and_then(|deed| deed.said) {
                Some((_, Said::Order(view))) if view.state == OrderState::Cancelled.byte() => {}
                last => {
                    return Err(format!("nobody was told of the end of order {order}, which is {last:?}"));
                }
            }
        }
        Ok(())
    }

    fn nothing_is_left(&mut self) -> Result<(), String> {
        // A tick each, for figures that a pass begins with.
        for reactor in 0..self.reactors {
            (0..8).for_each(|_| self.part(Part::Reactor(reactor)));
        }
        let waiting: usize = self.clients.iter().map(|client| client.watches.len()).sum();
        let node = self.node();
        let in_flight: u64 = node.stats().map(|stats| stats.pressure().in_flight).sum();
        let watched: u64 = node.stats().map(ReactorStats::orders_watched).sum();
        let connections: u64 = node.stats().map(ReactorStats::connections).sum();
        let journal = node.engine().journal();
        let ahead = journal.decided() - journal.durable();
        if (in_flight, watched, ahead) != (0, waiting as u64, 0) || connections != CLIENTS as u64 {
            return Err(format!(
                "at rest {in_flight} operations are on their way, {watched} orders are watched and not {waiting}, {ahead} events \
                 are not durable, {connections} connections are open"
            ));
        }
        node.engine().check().map_err(|error| error.to_string())
    }

    fn replay(&mut self) -> Result<(), String> {
        let sealed = self.node().seal();
        sealed.map_err(|error| format!("a healthy disk fails: {error}"))?;
        let digest = self.node().engine().digest();
        self.node = None;
        self.disk.crash(Crash::Power);
        let node = self.open(0).map_err(|error| format!("recovery failed: {error}"))?;
        if node.engine().digest() != digest {
            return Err("replay gives another digest".to_owned());
        }
        self.report.digest = digest.raw();
        Ok(())
    }
}
