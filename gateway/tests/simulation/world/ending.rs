//! How a node ends and begins again: it is killed, loses power, fails, or is told to stop.

use doorbuster_engine::EngineError;
use doorbuster_engine::log::LogError;
use doorbuster_engine::snapshot::SnapshotError;
use doorbuster_engine::storage::Crash;
use doorbuster_gateway::ServerError;
use doorbuster_gateway::simulation::{Node, Part};
use rand::RngExt;

use super::{CARRIED, CLIENTS, World};

/// What open holds have left after a start at least, milliseconds.
pub(super) const GRACE_MS: u64 = 500;

/// Rounds of 20 ms after which a node that was told to stop has ended: it waits for 5 s at most.
const ROUNDS: u32 = 400;

impl World {
    /// The machine or the process dies and comes back.
    pub(super) fn crash(&mut self) -> Result<(), String> {
        self.report.crashes += 1;
        self.power_off()?;
        let crash = if self.rng.random_bool(0.6) { Crash::Power } else { Crash::Process };
        self.disk.crash(crash);
        let ms = self.rng.random_range(0..300);
        self.advance(ms);
        self.power_on()
    }

    /// The node is told to stop, answers what it has, ends, and starts again. A clean end is all that a start needs.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.let_go_of_shard();
        self.node().stop();
        let mut rounds = 0;
        while !self.node().is_over() && !self.node().failed() {
            rounds += 1;
            if rounds > ROUNDS {
                return Err("a node that was told to stop never ends".to_owned());
            }
            self.act();
            self.carry()?;
            for reactor in 0..self.reactors {
                (0..4).for_each(|_| self.part(Part::Reactor(reactor)));
            }
            for part in [Part::Desk, Part::Write, Part::Sync, Part::Compact] {
                self.part(part);
            }
            self.advance(20);
        }
        // A disk that fails now is another way to end.
        if self.node().failed() || self.node().seal().is_err() {
            return self.crash();
        }
        self.report.restarts += 1;
        let digest = self.node().engine().digest();
        self.power_off()?;
        self.disk.crash(Crash::Power);
        let node = self.open(0).map_err(|error| format!("recovery failed: {error}"))?;
        if node.engine().digest() != digest {
            return Err("a clean stop and a start give another digest".to_owned());
        }
        drop(node);
        self.disk.crash(Crash::Process);
        self.power_on()
    }

    /// The node is gone. Clients see what had left it, and that it is gone.
    fn power_off(&mut self) -> Result<(), String> {
        self.count();
        // What had left the machine may still arrive.
        for client in 0..CLIENTS {
            if let Some(peer) = &self.clients[client].peer {
                let bytes = self.rng.random_range(0..CARRIED);
                peer.carry_down(bytes);
            }
        }
        (self.node, self.taken) = (None, None);
        let now = self.seen.tick();
        self.seen.crashes.push(now);
        for client in 0..CLIENTS {
            self.read(client)?;
            if let Some(peer) = &self.clients[client].peer {
                peer.cut();
            }
            self.clients[client].hang_up(&self.seen);
        }
        Ok(())
    }

    /// Recovers and opens again. The machine may die while it does.
    pub(super) fn power_on(&mut self) -> Result<(), String> {
        // Partitions are dealt out anew at each start.
        (self.shards, self.reactors) = (self.rng.random_range(1..4), self.rng.random_range(1..3));
        for _ in 0..3 {
            if self.calm || !self.rng.random_bool(0.3) {
                break;
            }
            self.disk.die_at(self.rng.random_range(1..40));
            match self.open(GRACE_MS) {
                Ok(node) => return self.opened(node),
                Err(ServerError::Engine(
                    EngineError::Log(LogError::Storage(_)) | EngineError::Snapshot(SnapshotError::Storage(_)),
                )) => {
                    self.disk.crash(Crash::Power);
                }
                Err(error) => return Err(format!("recovery failed: {error}")),
            }
        }
        let node = self.open(GRACE_MS).map_err(|error| format!("recovery failed: {error}"))?;
        self.opened(node)
    }

    fn opened(&mut self, node: Node) -> Result<(), String> {
        let recovery = node.recovery();
        self.report.begun_with += u64::from(recovery.snapshot.is_some());
        self.report.rewritten += recovery.rewritten_blocks;
        self.report.torn += u64::from(recovery.torn.is_some());
        node.engine().check().map_err(|error| error.to_string())?;
        self.node = Some(node);
        Ok(())
    }
}
