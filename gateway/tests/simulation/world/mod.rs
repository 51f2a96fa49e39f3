//! One seeded world: a whole node on a simulated disk, network and clock, clients that speak its protocol, and faults.
//!
//! A single loop, driven by one seed, decides who takes the next step: a client asks, a cable carries some bytes, a part of the
//! node goes on, time passes, something fails, the machine dies. Whatever clients see is written down. At the end faults stop:
//! everything must come to an end, replay must give the same state, and what was seen must be linearizable.

mod asking;
mod ending;
mod report;
mod settling;

pub(crate) use report::Report;

use std::sync::Arc;
use std::time::Duration;

use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::log::{LogOptions, Owner, PAGE};
use doorbuster_engine::snapshot::{CompactionOptions, KeepLog};
use doorbuster_engine::storage::{SimStorage, Storage};
use doorbuster_gateway::simulation::{Node, Part, VirtualTime};
use doorbuster_gateway::{ReactorStats, ServerError, Setup};
use doorbuster_ledger::{Rules, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::client::{Client, Seen};
use crate::history::{Readings, Times, judge};

/// Where the simulated clock starts.
const START: u64 = 1_700_000_000_000;

/// Clients; few, so that they get in each other's way.
const CLIENTS: usize = 4;

/// What is sold, and how many units of each there are at first: two that are sold out at once, one with a line of those who wait,
/// one that is restocked.
pub(crate) const SKUS: [(u64, u64); 4] = [(1, 2), (2, 4), (WAITED_FOR, 2), (RESTOCKED, 3)];
pub(crate) const WAITED_FOR: u64 = 5;
pub(crate) const RESTOCKED: u64 = 9;

/// Of a thousand pages that were not synced, how many have a flipped bit after a loss of power, in every third world.
const FLIPPED: usize = 100;

/// Work that may wait before requests are refused, in every fourth world: that of some four holds, by what they are taken to cost.
const NARROW_US: u64 = 8;

/// Bytes that a cable carries at once, at most: a part of a frame, or some.
const CARRIED: usize = 400;

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    /// Faults of the disk besides loss of power: writes and syncs that fail, a disk that fills up.
    pub(crate) faults: bool,
    /// What was seen is printed where something is wrong.
    pub(crate) tells: bool,
}

pub(crate) struct World {
    plan: Plan,
    rng: Xoshiro256PlusPlus,
    disk: SimStorage,
    clock: Arc<ManualClock>,
    time: Arc<VirtualTime>,
    reactors: usize,
    shards: usize,
    /// `None` while the machine is off.
    node: Option<Node>,
    clients: Vec<Client>,
    seen: Seen,
    readings: Readings,
    /// Orders that clients know of, and whose they are.
    orders: Vec<(u64, usize)>,
    next_id: u64,
    step: u64,
    /// Nothing fails any more, or yet.
    calm: bool,
    /// The scribe doesn't sync before this step.
    sync_stalled_until: u64,
    /// Everybody wants this SKU, until a step.
    rush: (u64, u64),
    /// A shard that its visitors find taken, and until when.
    taken: Option<(usize, u64)>,
    report: Report,
}

/// Runs a world to its end.
///
/// # Errors
/// What is wrong, for the caller to print with the seed.
pub(crate) fn run(plan: Plan) -> Result<Report, String> {
    let mut world = World::new(plan);
    let ended = world.run();
    if ended.is_err() && plan.tells {
        world.tell();
    }
    ended?;
    Ok(world.report)
}

/// Short times, so that much happens; ids and ended orders are kept for longer than a world lasts.
fn rules() -> Rules {
    Rules {
        default_hold_ms: 2_000,
        max_hold_ms: 10_000,
        idempotency_window_ms: 600_000,
        order_retention_ms: 600_000,
        paid_retention_ms: 600_000,
        return_window_ms: 700,
        future_tolerance_ms: 1_000,
        pay_pin_ms: 1_500,
        slow_pay_ms: 9_000,
        pay_grace_ms: 300,
        max_extensions: 2,
        offer_ms: 700,
        max_wait_ms: 8_000,
        max_waiting: 3,
    }
}

impl World {
    fn new(plan: Plan) -> Self {
        Self {
            plan,
            rng: Xoshiro256PlusPlus::seed_from_u64(plan.seed),
            disk: SimStorage::new(plan.seed),
            clock: Arc::new(ManualClock::new(Timestamp::new(START))),
            time: Arc::new(VirtualTime::begin()),
            reactors: 1,
            shards: 1,
            node: None,
            clients: (0..CLIENTS).map(Client::new).collect(),
            seen: Seen::default(),
            readings: Readings(vec![(0, START)]),
            orders: Vec::new(),
            next_id: 0,
            step: 0,
            calm: true,
            sync_stalled_until: 0,
            rush: (0, 0),
            taken: None,
            report: Report::default(),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        if self.plan.seed.is_multiple_of(3) {
            self.disk.flip_on_power_loss(FLIPPED);
        }
        self.power_on()?;
        self.stock_up()?;
        self.calm = false;
        for step in 0..self.plan.steps {
            self.step = step;
            self.step()?;
        }
        self.settle()?;
        let Rules { default_hold_ms, offer_ms, .. } = rules();
        let times = Times { default_hold: u64::from(default_hold_ms), offer: u64::from(offer_ms) };
        let judged = judge(&self.seen, &self.readings, times, &SKUS)?;
        self.report.judged(judged, &self.seen);
        Ok(())
    }

    /// Prints what clients have seen.
    fn tell(&self) {
        for deed in &self.seen.deeds {
            println!("{deed:?}");
        }
        for push in &self.seen.pushes {
            println!("{push:?}");
        }
        println!("crashes at {:?}; the clock, by moments: {:?}", self.seen.crashes, self.readings);
    }

    /// Opens the node with so much time for holds that are open, milliseconds.
    fn open(&self, grace_ms: u64) -> Result<Node, ServerError> {
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let setup = Setup {
            rules: rules(),
            shards: self.shards,
            reactors: self.reactors,
            recovery_grace_ms: grace_ms,
            backlog_us: if self.plan.seed % 4 == 1 { NARROW_US } else { 5_000 },
            slow_reader: Duration::from_secs(2),
            compaction: CompactionOptions {
                // As often as segments end.
                every_bytes: Some(1),
                keep_snapshots: 2,
                keep_log: [KeepLog::Bytes(0), KeepLog::All][(self.plan.seed / 4 % 2) as usize],
            },
            ..Setup::on_storage(storage, clock)
        };
        let log = LogOptions {
            segment_bytes: 24 * PAGE as u64,
            block_bytes: 4 * PAGE,
            ready_segments: 1,
            ..LogOptions::new(Owner::new(self.plan.seed))
        };
        Node::open(setup, log, self.plan.seed, &self.time)
    }

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("the machine is on between steps")
    }

    /// One step of anybody. Whoever is to take part in the simulation gets a share here.
    fn step(&mut self) -> Result<(), String> {
        if self.taken.is_some_and(|(_, until)| self.step >= until) {
            self.let_go_of_shard();
        }
        match self.rng.random_range(0..200_u32) {
            0..30 => self.act(),
            30..64 => self.carry()?,
            64..132 => {
                let reactor = self.rng.random_range(0..self.reactors);
                self.part(Part::Reactor(reactor));
            }
            132..140 => {
                let shard = self.rng.random_range(0..=self.shards);
                self.part(if shard < self.shards { Part::Shard(shard) } else { Part::Desk });
            }
            140..160 => self.part(Part::Write),
            160..178 if self.step >= self.sync_stalled_until => self.part(Part::Sync),
            178 | 179 => self.part(Part::Prepare),
            180 => self.part(Part::Keep),
            181..184 => self.compact(),
            184..191 => self.pass_time(),
            193 => self.cut(),
            195 | 196 => self.stall(),
            197 if self.plan.faults => self.plant(),
            // Most where much is written and not synced.
            198 if self.step < self.sync_stalled_until || self.rng.random_bool(0.4) => self.crash()?,
            199 if self.rng.random_bool(0.2) => self.restart()?,
            _ => {}
        }
        if self.node().failed() {
            self.report.poisoned += 1;
            self.crash()?;
        }
        Ok(())
    }

    /// A part of the node goes on. If the log fails, the node says so itself.
    fn part(&mut self, part: Part) {
        drop(self.node().step(part));
    }

    /// The compactor does some pieces.
    fn compact(&mut self) {
        for _ in 0..self.rng.random_range(1..12) {
            self.part(Part::Compact);
        }
    }

    fn pass_time(&mut self) {
        // The clock also jumps back at times; the engine must not care.
        if self.rng.random_bool(0.1) {
            let now = self.clock.now();
            self.clock.set(Timestamp::new(now.raw() - 50));
            self.readings.0.push((self.seen.tick(), now.raw() - 50));
        } else {
            let ms = self.rng.random_range(1..300);
            self.advance(ms);
        }
    }

    fn advance(&mut self, ms: u64) {
        self.clock.advance(ms);
        self.time.advance(Duration::from_millis(ms));
        let now = self.clock.now().raw();
        self.readings.0.push((self.seen.tick(), now));
    }

    /// Cables carry some bytes, and their readers look.
    fn carry(&mut self) -> Result<(), String> {
        for client in 0..CLIENTS {
            let bytes = self.rng.random_range(1..CARRIED);
            let Some(peer) = &self.clients[client].peer else { continue };
            if self.step < self.clients[client].stalled_until {
                continue;
            }
            if self.rng.random_bool(0.5) {
                peer.carry_up(bytes);
                self.clients[client].write();
            } else {
                peer.carry_down(bytes);
                self.read(client)?;
            }
        }
        Ok(())
    }

    /// A connection breaks: here, or because its client leaves.
    fn cut(&mut self) {
        let client = self.rng.random_range(0..CLIENTS);
        let by_client = self.rng.random_bool(0.3);
        let Some(peer) = &self.clients[client].peer else { return };
        self.report.broken += 1;
        if !by_client {
            peer.cut();
        }
        self.clients[client].hang_up(&self.seen);
    }

    /// For a while a connection carries nothing, the disk syncs nothing, a shard is taken, everybody wants the same, or work takes
    /// longer.
    fn stall(&mut self) {
        let until = self.step + self.rng.random_range(20..160);
        match self.rng.random_range(0..8_u32) {
            0..3 => self.sync_stalled_until = until,
            3 => {
                let client = self.rng.random_range(0..CLIENTS);
                self.clients[client].stalled_until = until;
            }
            4 => {
                let shard = self.rng.random_range(0..self.shards);
                self.let_go_of_shard();
                self.node().engine().occupy(shard);
                self.taken = Some((shard, until));
            }
            5 | 6 => self.rush = (SKUS[self.rng.random_range(0..SKUS.len())].0, until),
            _ => {
                let reading_us = [1, 20, 700, 3_000][self.rng.random_range(0..4)];
                self.time.set_pace(reading_us);
            }
        }
    }

    fn let_go_of_shard(&mut self) {
        if let (Some((shard, _)), Some(node)) = (self.taken.take(), &self.node) {
            node.engine().vacate(shard);
        }
    }

    fn plant(&mut self) {
        let nth = self.rng.random_range(1..6);
        match self.rng.random_range(0..4_u32) {
            0 => self.disk.fail_write(nth),
            1 => self.disk.fail_sync(nth),
            2 => self.disk.die_at(nth),
            _ => self.disk.limit_capacity(self.rng.random_range(0..2 << 20)),
        }
    }

    /// Takes down what the node has counted, before it is gone.
    fn count(&mut self) {
        let Some(node) = &self.node else { return };
        self.report.directory += node.stats().map(ReactorStats::sold_out_from_directory).sum::<u64>();
        let counters = node.engine().counters();
        self.report.expired += counters.expired;
        self.report.offered += counters.offered;
    }
}
