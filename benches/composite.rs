//! Orders with several lines over several ledgers, beside the plain order with one line over the same ledgers: decide,
//! apply, and the events encoded into a buffer, as the engine's desk does it.
//!
//! `DOORBUSTER_BENCH_FULL=1` takes more shoppers and SKUs.
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use doorbuster_benches::{Crowd, START, stocked_of};
use doorbuster_engine::Keeper;
use doorbuster_engine::log::record;
use doorbuster_ledger::{
    Command, Composite, Event, Ledger, Line, PartitionId, Rules, SkuId, Span, Timestamp,
};

/// Commands of one sample.
const COMMANDS: usize = 4_096;

/// Commands that are decided under one taking of locks.
const AT_ONCE: usize = 64;

/// The shards of a machine with two cores.
const SHARDS: u16 = 2;

fn full() -> bool {
    std::env::var_os("DOORBUSTER_BENCH_FULL").is_some()
}

/// One benchmark over ledgers that keep what they are given. Only deciding is timed.
fn growing<T>(
    c: &mut Criterion,
    id: &str,
    mut make: impl FnMut(&mut Crowd) -> T,
    mut decide: impl FnMut(&mut [Ledger], &[T], &mut Vec<u8>),
) {
    let (users, skus) = if full() { (10_000_000, 100_000) } else { (1_000_000, 10_000) };
    let mut crowd = Crowd::new(9, users, skus, 0);
    let mut ledgers = stocked_of(SHARDS, Rules::default(), skus, 1 << 30);
    let keeper = std::sync::Arc::new(Keeper::new(ledgers.len()));
    keeper.start().expect("the system gives a thread");
    let mut bytes = Vec::new();
    let mut group = c.benchmark_group("composite");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.bench_function(id, |b| {
        b.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                let asked: Vec<T> = (0..COMMANDS).map(|_| make(&mut crowd)).collect();
                let started = Instant::now();
                for few in asked.chunks(AT_ONCE) {
                    ledgers.iter_mut().enumerate().for_each(|(number, ledger)| keeper.serve(number, ledger));
                    bytes.clear();
                    decide(&mut ledgers, few, &mut bytes);
                    black_box(bytes.len());
                }
                took += started.elapsed();
            }
            took
        });
    });
    keeper.close();
    group.finish();
}

fn orders(c: &mut Criterion) {
    let now = Timestamp::new(START + 1);
    // In two batches, as reactors sort them.
    let reserve = |crowd: &mut Crowd| Command::Reserve(crowd.reserve(Timestamp::new(START)));
    growing(c, "one_line", reserve, |ledgers, few, bytes| {
        for ledger in ledgers {
            let its = few.iter().filter(|command| match command {
                Command::Reserve(reserve) => ledger.share().serves(PartitionId::of(reserve.sku)),
                _ => false,
            });
            let its: Vec<_> = its.collect();
            let places = ledger.touch(its.iter().copied());
            for (command, place) in its.into_iter().zip(places) {
                let outcome = ledger.execute_at(now, command, place, |e| record::encode_event(e, bytes));
                black_box(outcome.expect("a sound ledger stays sound"));
            }
        }
    });

    // Two SKUs of two shards.
    let two = |crowd: &mut Crowd| {
        let reserve = crowd.reserve(Timestamp::new(START));
        let shard = |sku: SkuId| PartitionId::of(sku).raw() % SHARDS;
        let mut other = SkuId::new(reserve.sku.raw() + 1);
        while shard(other) == shard(reserve.sku) {
            other = SkuId::new(if other.raw() > 9_000 { 1 } else { other.raw() + 1 });
        }
        let line = |sku| Line { sku, units: 1, ..Line::default() };
        let mut lines = [line(reserve.sku), line(other)];
        lines.sort_unstable_by_key(|line| line.sku);
        (Composite::Reserve { reserve, supersedes: None }, lines)
    };
    let mut events: Vec<Event> = Vec::new();
    growing(c, "two_lines_over_two_shards", two, |ledgers, few, bytes| {
        let mut ledgers: Vec<&mut Ledger> = ledgers.iter_mut().collect();
        let mut span = Span::new(&mut ledgers);
        span.touch(&few.iter().map(|(command, lines)| (command, lines.as_slice())));
        for (command, lines) in few {
            events.clear();
            let outcome = span.execute(now, command, lines, &mut events);
            black_box(outcome.expect("sound ledgers stay sound"));
            for event in &events {
                record::encode_event(event, bytes);
            }
        }
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = orders
}
criterion_main!(benches);
