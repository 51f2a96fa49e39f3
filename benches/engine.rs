//! The engine in this process: inbox hand-over, the journal with real syncs, and the whole of it from a batch of
//! requests to durable answers. The data folder is a temporary one under the current directory's target folder, so
//! that the disk is measured and not a memory file system.
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use doorbuster_benches::{Crowd, START};
use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::{LogOptions, Owner, recover, scan};
use doorbuster_engine::shard::{Batch, Request, Slot, Work};
use doorbuster_engine::snapshot::CompactionOptions;
use doorbuster_engine::storage::{FileStorage, SimStorage, Storage};
use doorbuster_engine::{Engine, Opened, Options};
use doorbuster_ledger::{Command, PutSku, Rules, SkuId, Timestamp};

fn folder() -> tempfile::TempDir {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    tempfile::Builder::new().prefix("bench-").tempdir_in(target).expect("the target folder takes a folder")
}

fn log_options() -> LogOptions {
    LogOptions::new(Owner::new(1))
}

fn options(durability: Durability) -> Options {
    let rules = Rules::default();
    Options {
        shards: 1,
        rules,
        durability,
        recovery_grace_ms: 0,
        log: log_options(),
        seed: 1,
        compaction: CompactionOptions::NEVER,
        added_cost: Duration::ZERO,
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(Timestamp::new(START)))
}

fn journal(c: &mut Criterion) {
    let mut group = c.benchmark_group("journal");
    for kib in [4_usize, 64, 256] {
        let folder = folder();
        let storage: Arc<dyn Storage> =
            Arc::new(FileStorage::open(folder.path()).expect("a fresh folder opens"));
        let scan = scan(storage.as_ref(), |_, _, _| Ok(())).expect("an empty log reads");
        let recovered = recover(&storage, &log_options(), scan).expect("an empty log opens");
        let (mut writer, mut preparer) = (recovered.writer, recovered.preparer);
        let payload = vec![7_u8; kib * 1024 - 256];
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(format!("write_and_sync/{kib}_kib"), |b| {
            b.iter(|| {
                writer.begin().expect("a healthy disk");
                writer.push(&payload, 1).expect("the payload fits a block");
                writer.write(START).expect("a healthy disk");
                writer.sync().expect("a healthy disk");
                // In production this runs on a thread of its own.
                if writer.written().get().is_multiple_of(64) {
                    preparer.step().expect("a healthy disk");
                }
            });
        });
    }
    group.finish();
}

fn batch(commands: Vec<Command>) -> Batch {
    let slots = commands.into_iter().map(|command| {
        let work = Work::Asked(Request::Command(command));
        Slot { token: 0, deadline: Timestamp::default(), work }
    });
    Batch { slots: slots.collect(), ..Batch::default() }
}

fn set_up(engine: &Engine, units: u64) {
    let put = PutSku { sku: SkuId::new(1), units, user_limit: 0, order_limit: 0, ..PutSku::default() };
    assert!(engine.submit(0, batch(vec![Command::PutSku(put)])).is_ok());
    engine.visit(0, 0);
    assert!(engine.take(0).is_some());
}

/// The way of a batch through the inbox and back, with nothing to decide: the price of the hand-over.
fn inbox(c: &mut Criterion) {
    let storage: Arc<dyn Storage> = Arc::new(SimStorage::new(1));
    let Opened { engine, .. } =
        Engine::open(&storage, &options(Durability::None), clock(), vec![Arc::new(|| {})])
            .expect("an empty log opens");
    set_up(&engine, 0);
    let mut crowd = Crowd::new(1, 1_000_000, 1, 0);
    let mut travelling = Some(batch(crowd.reserves(Timestamp::new(START), 64)));
    let mut group = c.benchmark_group("inbox");
    group.throughput(Throughput::Elements(64));
    group.bench_function("hand_over/batch_64", |b| {
        b.iter(|| {
            // Already answered slots are passed over, so only the queues and the lock are left.
            assert!(engine.submit(0, travelling.take().expect("it came back")).is_ok());
            engine.visit(0, 0);
            travelling = engine.take(0);
        });
    });
    group.finish();
}

#[expect(clippy::significant_drop_tightening, reason = "criterion's group ends with its last bench")]
fn whole(c: &mut Criterion) {
    let folder = folder();
    let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(folder.path()).expect("a fresh folder opens"));
    let Opened { engine, scribe, preparer, compactor, .. } =
        Engine::open(&storage, &options(Durability::Always), clock(), vec![Arc::new(|| {})])
            .expect("an empty log opens");
    let threads = engine.start(scribe, preparer, compactor).expect("threads start");
    set_up(&engine, 1 << 39);
    let mut crowd = Crowd::new(2, 10_000_000, 1, 0);
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(64 * 64));
    group.sample_size(30);
    group.bench_function("reserve/durable_batch_64", |b| {
        b.iter_batched(
            || (0..64).map(|_| batch(crowd.reserves(Timestamp::new(START), 64))).collect::<Vec<_>>(),
            |batches| {
                let mut waiting = VecDeque::new();
                for batch in batches {
                    assert!(engine.submit(0, batch).is_ok());
                    engine.visit(0, 0);
                    waiting.extend(engine.take(0));
                }
                let last = waiting.back().map_or(0, |batch: &Batch| batch.ticket);
                while engine.journal().durable() < last {
                    std::thread::yield_now();
                }
                waiting
            },
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
    engine.close(threads).expect("a healthy disk");
}

criterion_group!(benches, journal, inbox, whole);
criterion_main!(benches);
