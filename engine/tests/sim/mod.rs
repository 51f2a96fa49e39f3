//! One seeded world: an engine on a simulated disk and clock, shoppers who ask, and crashes at any step.
//!
//! The parts are those of production; only the threads are missing. A single loop, driven by one seed, decides who
//! takes the next step: a shopper asks, a reactor hands a batch in or visits the shard, the scribe writes, the scribe
//! syncs, the preparer fills a piece of a segment, the keeper makes memory ready, time passes, power fails. What a shopper has seen is kept in the
//! shopper's own account, and after each crash the account is held against the recovered engine.

mod account;
mod after;
mod campaigns;
mod certify;
mod fixture;
mod record;
mod shoppers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::journal::{Durability, Scribe};
use doorbuster_engine::log::{LogError, LogOptions, Lsn, Owner, PAGE, Preparer};
use doorbuster_engine::shard::{Answer, Batch, Work};
use doorbuster_engine::snapshot::{CompactionOptions, Compactor, CompactorStep, KeepLog, SnapshotError};
use doorbuster_engine::storage::{Crash, SimStorage, Storage};
use doorbuster_engine::{Engine, EngineError, Opened, Options};
use doorbuster_ledger::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Where the simulated clock starts.
const START: u64 = 1_700_000_000_000;

/// Shoppers; few, so that they get in each other's way.
const USERS: u64 = 6;
/// What is sold: two SKUs on their own, and two that are in a placement group.
const SKUS: [SkuId; 4] =
    [SkuId::new(1), SkuId::new(2), SkuId::new(0x8000_0007_0000_0001), SkuId::new(0x8000_0007_0000_0002)];

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) shards: usize,
    pub(crate) steps: usize,
    pub(crate) durability: Durability,
    /// Faults of the disk besides loss of power: writes and syncs that fail, a disk that fills up.
    pub(crate) faults: bool,
}

/// What a run did, to see that it was worth running.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) acknowledged: u64,
    pub(crate) crashes: u64,
    pub(crate) poisoned: u64,
    pub(crate) expired: u64,
    /// Orders over several SKUs that were held.
    pub(crate) composite: u64,
    /// Steps of paid orders that were acknowledged.
    pub(crate) advanced: u64,
    /// Discounts that were claimed, coupons that were used, and batches that shards handed on to the desk.
    pub(crate) claimed: u64,
    pub(crate) coupons: u64,
    pub(crate) rerouted: u64,
    /// Steps after which the directory knew of a SKU that it is sold out.
    pub(crate) sold_out: u64,
    /// Snapshots that were made, and starts that began with one.
    pub(crate) snapshots: u64,
    pub(crate) begun_with: u64,
    /// Logs that an auditor who shares no code with the engine certified.
    pub(crate) certified: u64,
    pub(crate) digest: u64,
}

/// What a shopper knows of an order.
#[derive(Clone, Copy, Debug)]
struct Known {
    user: UserId,
    request: RequestId,
    quantity: u32,
    deadline: u64,
    /// The last state that was acknowledged.
    state: OrderState,
    /// A command that may end it was sent and not answered.
    unsure: bool,
    /// A part of it may have gone back.
    cut: bool,
    /// Units that were acknowledged to have gone since it was paid.
    gone: u32,
    /// Whether it was acknowledged to be closed.
    closed: bool,
}

/// What a shopper asks: of one shard, or of several with a list of lines.
#[derive(Clone, Debug)]
enum Ask {
    One(Command),
    Several(Composite, Vec<Line>),
    /// As `Several`, with a coupon.
    WithCoupon(Composite, Vec<Line>, CouponId),
    Budget(BudgetCommand, Vec<Funder>),
}

impl Ask {
    /// The hold that is asked for, if one is.
    fn reserve(&self) -> Option<&Reserve> {
        match self {
            Self::One(Command::Reserve(reserve))
            | Self::Several(Composite::Reserve { reserve, .. }, _)
            | Self::WithCoupon(Composite::Reserve { reserve, .. }, ..) => Some(reserve),
            Self::One(_) | Self::Several(..) | Self::WithCoupon(..) | Self::Budget(..) => None,
        }
    }
}

impl Ask {
    /// The same, as it is sent again: an earlier copy may have been decided.
    fn again(mut self) -> Self {
        if let Self::One(Command::Reserve(reserve))
        | Self::Several(Composite::Reserve { reserve, .. }, _)
        | Self::WithCoupon(Composite::Reserve { reserve, .. }, ..) = &mut self
        {
            reserve.first_attempt = false;
        }
        self
    }
}

struct World {
    plan: Plan,
    rng: Xoshiro256PlusPlus,
    disk: SimStorage,
    clock: Arc<ManualClock>,
    engine: Arc<Engine>,
    scribe: Scribe,
    preparer: Preparer,
    compactor: Compactor,
    /// Batches that were handed in and have not come back.
    underway: usize,
    waiting: Vec<Batch>,
    asked: BTreeMap<u64, Ask>,
    next_token: u64,
    next_request: u64,
    orders: BTreeMap<OrderNumber, Known>,
    skus: BTreeSet<SkuId>,
    /// Phases of the campaign that were written, by plan.
    phases: BTreeSet<(u32, u8)>,
    /// Reserves without an answer, to be sent again.
    unanswered: Vec<Ask>,
    report: Report,
}

/// Runs a world to its end.
///
/// # Errors
/// What is wrong, for the caller to print with the seed.
pub(crate) fn run(plan: Plan) -> Result<Report, String> {
    let mut world = World::new(plan)?;
    for _ in 0..plan.steps {
        world.step()?;
    }
    world.settle()?;
    Ok(world.report)
}

fn options(plan: &Plan) -> Options {
    Options {
        shards: plan.shards,
        rules: Rules {
            default_hold_ms: 2_000,
            max_hold_ms: 10_000,
            idempotency_window_ms: 30_000,
            order_retention_ms: 20_000,
            paid_retention_ms: 6_000,
            return_window_ms: 700,
            future_tolerance_ms: 1_000,
            pay_pin_ms: 1_500,
            slow_pay_ms: 9_000,
            pay_grace_ms: 300,
            max_extensions: 2,
            offer_ms: 700,
            max_wait_ms: 8_000,
            max_waiting: 20,
        },
        durability: plan.durability,
        recovery_grace_ms: 500,
        log: LogOptions {
            segment_bytes: 24 * PAGE as u64,
            block_bytes: 4 * PAGE,
            ready_segments: 1,
            ..LogOptions::new(Owner::new(plan.seed))
        },
        compaction: CompactionOptions {
            // As often as segments end.
            every_bytes: Some(1),
            keep_snapshots: 2,
            keep_log: [KeepLog::Bytes(0), KeepLog::All][(plan.seed / 4 % 2) as usize],
        },
        seed: plan.seed,
        added_cost: std::time::Duration::ZERO,
    }
}

fn open(plan: &Plan, disk: &SimStorage, clock: &Arc<ManualClock>) -> Result<Opened, EngineError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Engine::open(&storage, &options(plan), clock, vec![Arc::new(|| {})])
}

impl World {
    fn new(plan: Plan) -> Result<Self, String> {
        let disk = SimStorage::new(plan.seed);
        let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
        let Opened { engine, scribe, preparer, compactor, .. } =
            open(&plan, &disk, &clock).map_err(|error| error.to_string())?;
        Ok(Self {
            plan,
            rng: Xoshiro256PlusPlus::seed_from_u64(plan.seed),
            disk,
            clock,
            engine,
            scribe,
            preparer,
            compactor,
            underway: 0,
            waiting: Vec::new(),
            asked: BTreeMap::new(),
            next_token: 0,
            next_request: 0,
            orders: BTreeMap::new(),
            skus: BTreeSet::new(),
            phases: BTreeSet::new(),
            unanswered: Vec::new(),
            report: Report::default(),
        })
    }

    fn step(&mut self) -> Result<(), String> {
        match self.rng.random_range(0..100_u32) {
            0..30 => self.ask(),
            30..50 => self.visit(),
            50..65 => drop(self.scribe.write()),
            65..80 => drop(self.scribe.sync(false)),
            80..90 => self.deliver()?,
            90..92 => drop(self.preparer.step()),
            92 => self.compact(),
            93..97 => {
                let ms = self.rng.random_range(1..400);
                // The clock also jumps back at times; the engine must not care.
                if self.rng.random_bool(0.1) {
                    let now = self.clock.now();
                    self.clock.set(Timestamp::new(now.raw() - 50));
                } else {
                    self.clock.advance(ms);
                }
            }
            97 if self.plan.faults => self.plant(),
            98 => self.crash()?,
            99 => drop(self.engine.keeper().step()),
            _ => {}
        }
        if self.engine.journal().poisoned().is_some() {
            self.report.poisoned += 1;
            self.crash()?;
        }
        let now = self.engine.now();
        self.report.sold_out += u64::from(SKUS.iter().any(|sku| self.engine.sold_out(*sku, now).is_some()));
        self.engine.check().map_err(|error| error.to_string())
    }

    fn plant(&mut self) {
        let nth = self.rng.random_range(1..6);
        match self.rng.random_range(0..4) {
            0 => self.disk.fail_write(nth),
            1 => self.disk.fail_sync(nth),
            2 => self.disk.die_at(nth),
            _ => self.disk.limit_capacity(self.rng.random_range(0..2 << 20)),
        }
    }

    /// A disk that fails gives the snapshot up and nothing else; where it dies, a crash follows.
    fn compact(&mut self) {
        let durable = Lsn::new(self.engine.journal().durable());
        for _ in 0..self.rng.random_range(1..30) {
            if let Ok(CompactorStep::Written(_)) = self.compactor.step(durable, &mut |_| true) {
                self.report.snapshots += 1;
            }
        }
    }

    fn visit(&mut self) {
        match self.rng.random_range(0..=self.plan.shards) {
            shard if shard < self.plan.shards => self.engine.visit(shard, 0),
            _ => self.engine.visit_desk(0),
        };
    }

    /// What a reactor does: answers leave once their ticket is durable, and no sooner.
    fn deliver(&mut self) -> Result<(), String> {
        while let Some(batch) = self.engine.take(0) {
            self.underway -= usize::from(!batch.rerouted);
            self.report.rerouted += u64::from(batch.rerouted);
            self.waiting.push(batch);
        }
        let durable = self.engine.journal().durable();
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|batch| batch.ticket <= durable);
        self.waiting = waiting;
        let mut ready: Vec<Batch> = ready;
        // In the order of their tickets, which is that of the decisions.
        ready.sort_by_key(|batch| batch.ticket);
        for slot in ready.iter().flat_map(|batch| &batch.slots) {
            if let Work::Rerouted = slot.work {
                continue;
            }
            let Work::Answered(Answer::Outcome(outcome)) = slot.work else {
                return Err(format!("a command came back as {:?}", slot.work));
            };
            let command = self.asked.remove(&slot.token).ok_or("a command was answered twice")?;
            self.seen(&command, &outcome)?;
        }
        Ok(())
    }

    /// The machine or the process dies and comes back.
    fn crash(&mut self) -> Result<(), String> {
        self.report.crashes += 1;
        let crash = if self.rng.random_bool(0.6) { Crash::Power } else { Crash::Process };
        self.disk.crash(crash);
        // What a crash leaves is sound as it is, a torn end included.
        if self.plan.seed.is_multiple_of(4) {
            self.certify()?;
        }
        // Partitions are dealt out anew at each start.
        if self.plan.shards > 1 {
            self.plan.shards = self.rng.random_range(1..4);
        }
        for command in std::mem::take(&mut self.asked).into_values() {
            if command.reserve().is_some() {
                self.unanswered.push(command.again());
            }
        }
        self.waiting.clear();
        self.underway = 0;
        self.clock.advance(self.rng.random_range(0..300));
        // The machine may die again while it recovers.
        for _ in 0..3 {
            if self.rng.random_bool(0.3) {
                self.disk.die_at(self.rng.random_range(1..40));
            }
            match open(&self.plan, &self.disk, &self.clock) {
                Ok(opened) => {
                    self.go_on_with(opened);
                    return self.compare();
                }
                Err(
                    EngineError::Log(LogError::Storage(_)) | EngineError::Snapshot(SnapshotError::Storage(_)),
                ) => {
                    self.disk.crash(Crash::Power);
                }
                Err(error) => return Err(format!("recovery failed: {error}")),
            }
        }
        let opened =
            open(&self.plan, &self.disk, &self.clock).map_err(|error| format!("recovery failed: {error}"))?;
        self.go_on_with(opened);
        self.compare()
    }

    fn go_on_with(&mut self, opened: Opened) {
        self.report.begun_with += u64::from(opened.recovery.snapshot.is_some());
        self.engine = opened.engine;
        self.scribe = opened.scribe;
        self.preparer = opened.preparer;
        self.compactor = opened.compactor;
    }

    /// Faults stop; everything that waits must come to an end, and a clean stop must replay to the same digest.
    fn settle(&mut self) -> Result<(), String> {
        self.disk.crash(Crash::Process);
        self.crash()?;
        for _ in 0..200 {
            self.clock.advance(200);
            for shard in 0..self.plan.shards {
                self.engine.visit(shard, 0);
            }
            self.engine.visit_desk(0);
            self.scribe.write().map_err(|error| format!("a healthy disk fails: {error}"))?;
            self.scribe.sync(true).map_err(|error| format!("a healthy disk fails: {error}"))?;
        }
        let totals = self.engine.totals();
        if totals.holds != 0 {
            return Err(format!("{} holds never ended", totals.holds));
        }
        self.report.expired = self.engine.counters().expired;
        self.scribe.seal().map_err(|error| format!("a healthy disk fails: {error}"))?;
        let digest = self.engine.digest();
        self.disk.crash(Crash::Power);
        let opened =
            open(&self.plan, &self.disk, &self.clock).map_err(|error| format!("recovery failed: {error}"))?;
        if opened.engine.digest() != digest {
            return Err("replay gives another digest".to_owned());
        }
        self.report.digest = digest.raw();
        self.certify()
    }

    /// Somebody else reads the log and adds it up.
    fn certify(&mut self) -> Result<(), String> {
        self.report.certified += u64::from(certify::audit(&self.disk)?.is_some());
        Ok(())
    }
}
