//! How long a start takes with many open orders: from the log alone, and from a snapshot with the log behind it. Criterion
//! would repeat what takes seconds and gigabytes a hundred times; this takes each once, in turns, and prints it.
//!
//! Orders are placed through the engine over 1,000 SKUs by distinct shoppers, each with a hold that is open, on a data folder
//! under the current directory's target folder. `DOORBUSTER_BENCH_FULL=1` places 10 M and takes four gigabytes of memory;
//! the default is 500,000.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorbuster_benches::{Crowd, START};
use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::{LogOptions, Lsn, Owner};
use doorbuster_engine::shard::{Batch, MAX_SLOTS, Request, Slot, Work};
use doorbuster_engine::snapshot::{CompactionOptions, CompactorStep, KeepLog, SnapshotHeader, name};
use doorbuster_engine::storage::{FileStorage, Storage};
use doorbuster_engine::{Engine, Opened, Options};
use doorbuster_ledger::{Command, PutSku, Rules, SkuId, Timestamp};

const SKUS: u64 = 1_000;
const SHARDS: usize = 2;

/// How often each way to start is measured.
const ROUNDS: usize = 3;

fn options(compaction: CompactionOptions) -> Options {
    // As in production, each start has its own.
    static SEED: AtomicU64 = AtomicU64::new(1);
    Options {
        shards: SHARDS,
        rules: Rules::default(),
        durability: Durability::Interval { ms: 100 },
        recovery_grace_ms: 30_000,
        log: LogOptions { segment_bytes: 8 << 20, ..LogOptions::new(Owner::new(1)) },
        compaction,
        seed: SEED.fetch_add(0x1234_5678_9ABC, Ordering::Relaxed),
        added_cost: Duration::ZERO,
    }
}

fn open(storage: &Arc<dyn Storage>, compaction: CompactionOptions) -> Opened {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::new(START)));
    Engine::open(storage, &options(compaction), clock, vec![Arc::new(|| {})]).expect("the folder opens")
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("somebody reads the figures");
}

fn ask(engine: &Engine, shard: usize, commands: Vec<Command>) {
    let slot = |command| Slot {
        token: 0,
        deadline: Timestamp::default(),
        work: Work::Asked(Request::Command(command)),
    };
    let mut batch = Batch { slots: commands.into_iter().map(slot).collect(), ..Batch::default() };
    while let Err(back) = engine.submit(shard, batch) {
        batch = back;
        engine.visit(shard, 0);
    }
    engine.visit(shard, 0);
    while engine.take(0).is_none() {
        // The journal is behind.
        std::thread::yield_now();
        engine.visit(shard, 0);
    }
}

/// Places `orders` orders.
fn fill(storage: &Arc<dyn Storage>, orders: usize) {
    let Opened { engine, scribe, preparer, compactor, .. } = open(storage, CompactionOptions::NEVER);
    let threads = engine.start(scribe, preparer, compactor).expect("threads start");
    for sku in (1..=SKUS).map(SkuId::new) {
        let put = PutSku { sku, units: 1 << 30, user_limit: 0, order_limit: 0, ..PutSku::default() };
        ask(&engine, engine.shard_of_sku(sku), vec![Command::PutSku(put)]);
    }
    let mut crowd = Crowd::new(1, u64::MAX, SKUS, 24 * 60 * 60 * 1_000);
    let mut waiting = vec![Vec::new(); SHARDS];
    for _ in 0..orders {
        let reserve = crowd.reserve(Timestamp::new(START));
        let shard = engine.shard_of_sku(reserve.sku);
        waiting[shard].push(Command::Reserve(reserve));
        if waiting[shard].len() == MAX_SLOTS {
            ask(&engine, shard, std::mem::take(&mut waiting[shard]));
        }
    }
    for (shard, commands) in waiting.into_iter().enumerate() {
        ask(&engine, shard, commands);
    }
    engine.close(threads).expect("a healthy disk");
}

/// Makes a snapshot of all segments but the last.
fn compact(storage: &Arc<dyn Storage>) -> (SnapshotHeader, Duration) {
    let always = CompactionOptions { every_bytes: Some(1), keep_snapshots: 1, keep_log: KeepLog::All };
    let Opened { engine, mut compactor, .. } = open(storage, always);
    let durable = Lsn::new(engine.journal().durable());
    drop(engine);
    let started = Instant::now();
    loop {
        match compactor.step(durable, &mut |_| true).expect("a healthy disk") {
            CompactorStep::Written(header) => return (header, started.elapsed()),
            CompactorStep::Working => {}
            CompactorStep::Idle => panic!("the log has no whole segment"),
        }
    }
}

fn start(storage: &Arc<dyn Storage>, what: &str, orders: usize) {
    let started = Instant::now();
    let opened = open(storage, CompactionOptions::NEVER);
    let took = started.elapsed();
    let totals = opened.engine.totals();
    assert_eq!(totals.holds, orders as u64, "an order is missing");
    let read = opened.recovery;
    say(&format!("start from {what:<24} {:>6.2} s  {} records read", took.as_secs_f64(), read.events));
}

fn main() {
    let full = std::env::var_os("DOORBUSTER_BENCH_FULL").is_some();
    let orders = if full { 10_000_000 } else { 500_000 };
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::fs::create_dir_all(&target).expect("the target folder can be made");
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(target).expect("it takes a folder");
    let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(folder.path()).expect("a fresh folder opens"));
    let started = Instant::now();
    fill(&storage, orders);
    say(&format!("placed {orders} orders in {:.1} s", started.elapsed().as_secs_f64()));
    for _ in 0..ROUNDS {
        start(&storage, "the whole log", orders);
    }
    let (header, took) = compact(&storage);
    let megabytes = header.length >> 20;
    say(&format!(
        "snapshot of {} entries, {megabytes} MiB, made in {:.2} s",
        header.entries,
        took.as_secs_f64()
    ));
    for _ in 0..ROUNDS {
        start(&storage, "the snapshot", orders);
    }
    let file = name(header.place.lsn);
    storage.remove(&file).expect("it was there");
}
