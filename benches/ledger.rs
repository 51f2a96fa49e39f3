//! The ledger alone: decide, apply, and the event encoded into a buffer, as a shard does it, in batches of 64. As in
//! production, the engine's keeper makes memory ready on a thread of its own, which a growing ledger is not charged for.
//!
//! The defaults fit a short run. `DOORBUSTER_BENCH_FULL=1` takes the sizes of the goals: 10 M users, 1 M SKUs, 10 M
//! orders present.
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use doorbuster_benches::{Crowd, START, fill, ledger};
use doorbuster_engine::Keeper;
use doorbuster_engine::log::record;
use doorbuster_ledger::{
    Amount, BudgetCommand, BudgetId, Claim, Command, Composite, Funder, FunderId, Ledger, Line, MAX_FUNDED,
    Reserve, Span, Timestamp,
};

/// Commands that a shard decides together.
const BATCH: usize = 64;

/// Batches in one measured sample.
const BATCHES: usize = 64;

fn full() -> bool {
    std::env::var_os("DOORBUSTER_BENCH_FULL").is_some()
}

/// Starts a keeper of one ledger.
fn keeper() -> Arc<Keeper> {
    let keeper = Arc::new(Keeper::new(1));
    keeper.start().expect("the system gives a thread");
    keeper
}

/// What a shard does with a batch.
fn decide(ledger: &mut Ledger, keeper: &Keeper, commands: &[Command], bytes: &mut Vec<u8>) {
    let now = Timestamp::new(START + 1);
    for batch in commands.chunks(BATCH) {
        keeper.serve(0, ledger);
        bytes.clear();
        let places = ledger.touch(batch.iter());
        for (command, place) in batch.iter().zip(places) {
            let outcome = ledger.execute_at(now, command, place, |event| record::encode_event(event, bytes));
            black_box(outcome.expect("a sound ledger stays sound"));
        }
        black_box(bytes.len());
    }
}

/// One benchmark over a ledger that keeps what it is given, as in a sale. Only deciding is timed; each iteration gets
/// fresh commands, made just before, as a reactor would have decoded them.
fn growing(c: &mut Criterion, id: &str, mut ledger: Ledger, mut commands: impl FnMut() -> Vec<Command>) {
    let (keeper, mut bytes) = (keeper(), Vec::new());
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements((BATCH * BATCHES) as u64));
    group.bench_function(id, |b| {
        b.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                let commands = commands();
                let started = Instant::now();
                decide(&mut ledger, &keeper, &commands, &mut bytes);
                took += started.elapsed();
            }
            took
        });
    });
    keeper.close();
    group.finish();
}

fn reserve(c: &mut Criterion) {
    let users = if full() { 10_000_000 } else { 1_000_000 };
    let orders = if full() { 10_000_000 } else { 500_000 };
    let skus = if full() { 1_000_000 } else { 100_000 };
    let now = Timestamp::new(START);

    let mut crowd = Crowd::new(1, users, 1, 0);
    let mut hot = ledger(1, 1 << 39);
    fill(&mut hot, &mut crowd, orders);
    growing(c, "reserve/hot_sku", hot, || crowd.reserves(now, BATCH * BATCHES));

    let mut crowd = Crowd::new(2, users, skus, 0);
    let mut wide = ledger(skus, 1 << 19);
    fill(&mut wide, &mut crowd, orders);
    growing(c, "reserve/many_skus", wide, || crowd.reserves(now, BATCH * BATCHES));
}

/// Holds of one SKU that claim a discount each, from a slice that is full: the claim beside the plain hold.
fn claim(c: &mut Criterion) {
    let users = if full() { 10_000_000 } else { 1_000_000 };
    let orders = if full() { 10_000_000 } else { 500_000 };
    let now = Timestamp::new(START);
    let mut crowd = Crowd::new(7, users, 1, 0);
    let mut ledger = ledger(1, 1 << 39);
    fill(&mut ledger, &mut crowd, orders);
    let budget = BudgetId::new(1).expect("not zero");
    let funders = [40, 50, 10].map(|share| Funder { id: FunderId::new(share), share });
    let set = BudgetCommand::Set { budget, funded: MAX_FUNDED, by: 0, reason: 0 };
    Span::new(&mut [&mut ledger]).budget(now, &set, &funders, &mut Vec::new()).expect("a sound ledger");
    let claiming = |crowd: &mut Crowd| {
        let claim = Some(Claim { budget, amount: Amount::new(1_999) });
        Reserve { claim, ..crowd.reserve(now) }
    };
    // The first one fills the slice.
    let reserve = claiming(&mut crowd);
    let line = Line { sku: reserve.sku, units: reserve.quantity.units(), ..Line::default() };
    let first = Composite::Reserve { reserve, supersedes: None };
    Span::new(&mut [&mut ledger]).execute(now, &first, &[line], &mut Vec::new()).expect("a sound ledger");
    growing(c, "reserve/hot_sku_with_a_discount", ledger, || {
        (0..BATCH * BATCHES).map(|_| Command::Reserve(claiming(&mut crowd))).collect()
    });
}

/// Pays holds in the order in which they were placed. Each iteration places its holds first, untimed, among ten
/// million that are there already.
fn confirm(c: &mut Criterion) {
    let orders = if full() { 10_000_000 } else { 500_000 };
    let mut crowd = Crowd::new(3, 10_000_000, 1, 0);
    let mut ledger = ledger(1, 1 << 39);
    let mut waiting = std::collections::VecDeque::from(fill(&mut ledger, &mut crowd, orders));
    let (keeper, mut bytes) = (keeper(), Vec::new());
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements((BATCH * BATCHES) as u64));
    group.bench_function("confirm/hot_sku", |b| {
        b.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                waiting.extend(fill(&mut ledger, &mut crowd, BATCH * BATCHES));
                let confirms: Vec<_> = waiting.drain(..BATCH * BATCHES).collect();
                let started = Instant::now();
                decide(&mut ledger, &keeper, &confirms, &mut bytes);
                took += started.elapsed();
            }
            took
        });
    });
    keeper.close();
    group.finish();
}

fn refuse(c: &mut Criterion) {
    let users = if full() { 10_000_000 } else { 1_000_000 };
    let now = Timestamp::new(START);
    let mut crowd = Crowd::new(4, users, 1, 0);
    let sold_out = ledger(1, 0);
    growing(c, "sold_out/first_attempt", sold_out, || crowd.reserves(now, BATCH * BATCHES));

    let mut crowd = Crowd::new(5, users, 1, 0);
    let mut retried = ledger(1, if full() { 10_000_000 } else { 500_000 });
    fill(&mut retried, &mut crowd, if full() { 10_000_000 } else { 500_000 });
    growing(c, "sold_out/retry", retried, || {
        let mut commands = crowd.reserves(now, BATCH * BATCHES);
        for command in &mut commands {
            if let Command::Reserve(reserve) = command {
                reserve.first_attempt = false;
            }
        }
        commands
    });
}

/// Short holds that expire as fast as new ones come: the steady state of a long sale.
fn expire(c: &mut Criterion) {
    let mut crowd = Crowd::new(6, 1_000_000, 1, 100);
    let mut ledger = ledger(1, 1 << 39);
    let mut now = START;
    let (keeper, mut bytes) = (keeper(), Vec::new());
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements((BATCH * BATCHES) as u64));
    group.bench_function("reserve_and_expire/short_holds", |b| {
        b.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                now += 4;
                let now = Timestamp::new(now);
                let commands = crowd.reserves(now, BATCH * BATCHES);
                let started = Instant::now();
                for batch in commands.chunks(BATCH) {
                    keeper.serve(0, &mut ledger);
                    bytes.clear();
                    let places = ledger.touch(batch.iter());
                    for (command, place) in batch.iter().zip(places) {
                        let outcome = ledger
                            .execute_at(now, command, place, |event| record::encode_event(event, &mut bytes));
                        black_box(outcome.expect("a sound ledger stays sound"));
                    }
                }
                while ledger
                    .pulse(now, 256, |event| record::encode_event(event, &mut bytes))
                    .expect("sound")
                    .more
                {
                    bytes.clear();
                }
                took += started.elapsed();
            }
            took
        });
    });
    keeper.close();
    group.finish();
}

criterion_group!(benches, reserve, claim, confirm, refuse, expire);
criterion_main!(benches);
