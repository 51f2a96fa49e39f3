//! A shop on a simulated disk whose log is written, and compacted, when the test says so.

use std::sync::Arc;

use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::journal::{Durability, Scribe};
use doorbuster_engine::log::{LogOptions, Lsn, Owner, PAGE};
use doorbuster_engine::shard::{Batch, Request, Slot, Work};
use doorbuster_engine::snapshot::{CompactionOptions, Compactor, CompactorStep, SnapshotHeader};
use doorbuster_engine::storage::{LogId, Manifest, SimStorage, Storage};
use doorbuster_engine::{Engine, EngineError, Opened, Options, Recovery};
use doorbuster_ledger::*;

pub(crate) const SEGMENT: u64 = 24 * PAGE as u64;

/// Orders that are written together.
const WRITE: u64 = 40;

const START: u64 = 1_700_000_000_000;
const SKUS: u64 = 5;

pub(crate) struct Shop {
    pub(crate) disk: SimStorage,
    pub(crate) engine: Arc<Engine>,
    pub(crate) recovery: Recovery,
    /// All snapshots that were made since the start.
    pub(crate) made: Vec<SnapshotHeader>,
    scribe: Scribe,
    compactor: Compactor,
    clock: Arc<ManualClock>,
    compaction: CompactionOptions,
    sold: u64,
}

pub(crate) fn options(shards: usize, compaction: CompactionOptions) -> Options {
    Options {
        shards,
        rules: Rules { idempotency_window_ms: 60_000, order_retention_ms: 60_000, ..Rules::default() },
        durability: Durability::Always,
        recovery_grace_ms: 0,
        log: LogOptions { segment_bytes: SEGMENT, block_bytes: 4 * PAGE, ..LogOptions::new(Owner::new(1)) },
        compaction,
        seed: shards as u64,
        added_cost: std::time::Duration::ZERO,
    }
}

impl Shop {
    pub(crate) fn open(disk: SimStorage, compaction: CompactionOptions) -> Self {
        Self::open_as(disk, compaction, 7)
    }

    /// Of a log with this id.
    pub(crate) fn open_as(disk: SimStorage, compaction: CompactionOptions, log_id: u128) -> Self {
        Manifest { log_id: LogId::new(log_id), segment: 0 }.write(&disk).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
        let opened = start_on(&disk, 1, compaction, &clock).unwrap();
        let mut shop = Self::of(opened, disk, compaction, clock, 0);
        for sku in (1..=SKUS).map(SkuId::new) {
            let put = PutSku { sku, units: 1 << 30, user_limit: 0, order_limit: 0, ..PutSku::default() };
            shop.ask(sku, vec![Command::PutSku(put)]);
        }
        shop
    }

    fn of(
        opened: Opened,
        disk: SimStorage,
        compaction: CompactionOptions,
        clock: Arc<ManualClock>,
        sold: u64,
    ) -> Self {
        let Opened { engine, scribe, compactor, recovery, .. } = opened;
        Self { disk, engine, recovery, made: Vec::new(), scribe, compactor, clock, compaction, sold }
    }

    /// Starts anew from what is on the disk.
    pub(crate) fn reopen(self, shards: usize) -> Self {
        let Self { disk, clock, compaction, sold, .. } = self;
        let opened = start_on(&disk, shards, compaction, &clock).unwrap();
        opened.engine.check().unwrap();
        Self::of(opened, disk, compaction, clock, sold)
    }

    /// Starts on a folder that was restored.
    pub(crate) fn reopen_on(disk: SimStorage, compaction: CompactionOptions) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
        let opened = start_on(&disk, 1, compaction, &clock).unwrap();
        opened.engine.check().unwrap();
        clock.set(opened.engine.now());
        Self::of(opened, disk, compaction, clock, 1_000_000)
    }

    pub(crate) fn fail_to_reopen(self) -> String {
        start_on(&self.disk, 1, self.compaction, &self.clock).unwrap_err().to_string()
    }

    /// Places orders, some of which end or are paid, and writes all that happens.
    pub(crate) fn sell(&mut self, orders: u64) {
        for first in (0..orders).step_by(usize::try_from(WRITE).unwrap()) {
            for nth in first..orders.min(first + WRITE) {
                self.sold += 1;
                self.order(nth);
            }
            self.clock.advance(500);
            self.write();
        }
    }

    /// Sells, and has snapshots made, until something is so.
    pub(crate) fn sell_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            self.sell(300);
            self.compact();
            if done(self) {
                return;
            }
        }
        panic!("it never came to that");
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.clock.advance(ms);
    }

    fn order(&mut self, nth: u64) {
        let sku = SkuId::new(1 + self.sold % SKUS);
        let now = self.clock.now().raw();
        let request = (u128::from(now) << 80) | (7 << 76) | (2 << 62) | u128::from(self.sold);
        let reserve = Reserve {
            request: RequestId::new(request),
            user: UserId::new(self.sold % 97),
            sku,
            quantity: Quantity::new(1).unwrap(),
            amount: Amount::new(100),
            hold_ms: 2_000,
            channel: ChannelId::new(0),
            first_attempt: true,
            wait_ms: 0,
            terms: Terms::default(),
            claim: None,
        };
        let placed = self.ask(sku, vec![Command::Reserve(reserve)]);
        let Some(Outcome::Reserved { order, .. }) = placed.first().copied() else { panic!("{placed:?}") };
        if nth.is_multiple_of(3) {
            let payment = PaymentId::new(u128::from(self.sold));
            let user = reserve.user;
            let confirm = Confirm { order, user, payment, amount: Amount::new(100) };
            self.ask(sku, vec![Command::Confirm(confirm)]);
        }
    }

    fn ask(&mut self, sku: SkuId, commands: Vec<Command>) -> Vec<Outcome> {
        let slot = |command| Slot {
            token: 0,
            deadline: Timestamp::default(),
            work: Work::Asked(Request::Command(command)),
        };
        let slots = commands.into_iter().map(slot).collect();
        let shard = self.engine.shard_of_sku(sku);
        self.engine.submit(shard, Batch { slots, ..Batch::default() }).unwrap();
        self.engine.visit(shard, 0);
        let batch = self.engine.take(0).unwrap();
        let outcome = |slot: &Slot| match slot.work {
            Work::Answered(doorbuster_engine::shard::Answer::Outcome(outcome)) => outcome,
            ref work => panic!("{work:?}"),
        };
        batch.slots.iter().map(outcome).collect()
    }

    /// Carries out what is due, and makes all of it durable.
    fn write(&mut self) {
        for shard in 0..self.engine.shards() {
            self.engine.visit(shard, 0);
        }
        while self.engine.journal().durable() < self.engine.journal().decided() {
            self.scribe.write().unwrap();
            self.scribe.sync(false).unwrap();
        }
    }

    /// Has the compactor do all that there is to do; returns the snapshots that were made.
    pub(crate) fn compact(&mut self) -> Vec<SnapshotHeader> {
        let before = self.made.len();
        assert!(self.compact_or_die());
        self.made[before..].to_vec()
    }

    /// As [`compact`](Self::compact), on a disk that may die; returns whether it lived.
    pub(crate) fn compact_or_die(&mut self) -> bool {
        let durable = Lsn::new(self.engine.journal().durable());
        loop {
            match self.compactor.step(durable, &mut |_| true) {
                Ok(CompactorStep::Idle) => return true,
                Ok(CompactorStep::Working) => {}
                Ok(CompactorStep::Written(header)) => self.made.push(header),
                Err(_) => return false,
            }
        }
    }

    pub(crate) fn compact_until_it_fails(&mut self) -> String {
        self.give_up_after(u64::MAX)
    }

    /// Gives a snapshot up after so many pieces; returns what the compactor says.
    pub(crate) fn give_up_after(&mut self, pieces: u64) -> String {
        let durable = Lsn::new(self.engine.journal().durable());
        let mut left = pieces;
        loop {
            let step = self.compactor.step(durable, &mut |_| {
                left -= 1;
                left > 0
            });
            match step {
                Ok(CompactorStep::Working) => {}
                Ok(step) => panic!("{step:?}"),
                Err(error) => return error.to_string(),
            }
        }
    }

    /// The log's files, ascending.
    pub(crate) fn segments(&self) -> Vec<String> {
        let mut names = self.disk.list().unwrap();
        names.retain(|name| name.starts_with("segment-"));
        names.sort_unstable();
        names
    }
}

fn start_on(
    disk: &SimStorage,
    shards: usize,
    compaction: CompactionOptions,
    clock: &Arc<ManualClock>,
) -> Result<Opened, EngineError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Engine::open(&storage, &options(shards, compaction), clock, vec![Arc::new(|| {})])
}

pub(crate) fn start(
    storage: &Arc<dyn Storage>,
    shards: usize,
    compaction: CompactionOptions,
) -> Result<Opened, EngineError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::new(START)));
    Engine::open(storage, &options(shards, compaction), clock, vec![Arc::new(|| {})])
}
