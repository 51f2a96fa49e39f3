//! How long the longest single step of a ledger takes while it fills, and whether it stays as fast when short holds come
//! and go for a long time. Criterion shows means; what a shopper waits for behind a table that grows is a maximum.
//!
//! A step is one command, one taking of spares, or one pulse of 64 orders, in the thread's own CPU time: what the machine
//! gave to others in the meantime doesn't count. So the memory that the engine's keeper makes ready on a thread of its
//! own, as in production, is not in it. Each time has the clock's own cost in it, some 200 ns. `DOORBUSTER_BENCH_FULL=1`
//! fills up to 10 M orders, then places 100 M short holds; the defaults fit a short run.

use std::io::Write as _;
use std::sync::Arc;

use doorbuster_benches::{Crowd, START, ledger};
use doorbuster_engine::Keeper;
use doorbuster_ledger::{Command, Ledger, TOUCHED, Timestamp};
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

/// Reserves a millisecond while short holds come and go: a million a second.
const PACE: usize = 1_024;

/// Longest step that is told from longer ones, nanoseconds: ten seconds.
const LONGEST_NS: u64 = 10_000_000_000;

/// How long a short hold lasts, milliseconds.
const HOLD_MS: u32 = 1_000;

fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// The times of single steps.
struct Steps(Histogram<u64>);

impl Steps {
    fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order"))
    }

    fn time<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let started = thread_ns();
        let done = step();
        self.0.saturating_record(thread_ns() - started);
        done
    }

    fn say(&self, what: &str) {
        let us = |quantile| self.0.value_at_quantile(quantile) / 1_000;
        let line = format!(
            "{what:<28} {:>11} steps  p99.99 {:>5} us  p99.9999 {:>5} us  max {:>6} us CPU",
            self.0.len(),
            us(0.9999),
            us(0.999_999),
            self.0.max() / 1_000
        );
        writeln!(std::io::stdout(), "{line}").expect("somebody reads the figures");
    }
}

/// Starts a keeper of one ledger and fetches the ledger's first spares.
fn keeper(ledger: &mut Ledger) -> Arc<Keeper> {
    let keeper = Arc::new(Keeper::new(1));
    keeper.serve(0, ledger);
    while keeper.step() {}
    keeper.start().expect("the system gives a thread");
    keeper
}

fn execute(ledger: &mut Ledger, keeper: &Keeper, commands: &[Command], now: Timestamp, steps: &mut Steps) {
    for batch in commands.chunks(TOUCHED) {
        steps.time(|| keeper.serve(0, ledger));
        let places = ledger.touch(batch.iter());
        for (command, place) in batch.iter().zip(places) {
            let outcome = steps.time(|| ledger.execute_at(now, command, place, |_| {}));
            outcome.expect("a sound ledger stays sound");
        }
    }
}

fn fill(id: &str, skus: u64, orders: usize) {
    let mut ledger = ledger(skus, 1 << 39 >> skus.ilog2());
    let keeper = keeper(&mut ledger);
    let mut crowd = Crowd::new(1, 10_000_000, skus, 0);
    let mut steps = Steps::new();
    let now = Timestamp::new(START);
    for _ in 0..orders / PACE {
        execute(&mut ledger, &keeper, &crowd.reserves(now, PACE), now, &mut steps);
    }
    steps.say(id);
    keeper.close();
}

/// Short holds at a steady pace: says the mean cost of a hold, its expiry and its eviction for each tenth of the run.
fn steady(holds: usize) {
    let mut ledger = doorbuster_benches::short_lived();
    let keeper = keeper(&mut ledger);
    let mut crowd = Crowd::new(2, 10_000_000, 1, HOLD_MS);
    let (mut reserves, mut pulses) = (Steps::new(), Steps::new());
    let tenth = (holds / PACE / 10).max(1);
    let mut spent = 0;
    for ms in 0..tenth * 10 {
        let now = Timestamp::new(START + u64::try_from(ms).expect("a run is short"));
        let commands = crowd.reserves(now, PACE);
        let started = thread_ns();
        execute(&mut ledger, &keeper, &commands, now, &mut reserves);
        while pulses.time(|| ledger.pulse(now, 64, |_| {})).expect("a sound ledger stays sound").more {}
        spent += thread_ns() - started;
        if (ms + 1) % tenth == 0 {
            let (done, each) = (ms / tenth + 1, spent / u64::try_from(tenth * PACE).expect("small"));
            let memory = ledger.bytes() >> 20;
            let line = format!(
                "growth/steady: tenth {done:>2}  {each} ns CPU a hold and its end  {memory} MiB of tables"
            );
            writeln!(std::io::stdout(), "{line}").expect("somebody reads the figures");
            spent = 0;
        }
    }
    reserves.say("growth/steady: reserve");
    pulses.say("growth/steady: pulse of 64");
    keeper.close();
}

fn main() {
    // What `cargo bench` and criterion's other users pass on; a name that isn't ours runs nothing.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_wanted = |id: &str| wanted.as_ref().is_none_or(|wanted| id.contains(wanted.as_str()));
    let full = std::env::var_os("DOORBUSTER_BENCH_FULL").is_some();
    let orders = if full { 10_000_000 } else { 1_000_000 };
    if is_wanted("growth/hot_sku") {
        fill("growth/hot_sku", 1, orders);
    }
    if is_wanted("growth/many_skus") {
        fill("growth/many_skus", if full { 1_000_000 } else { 100_000 }, orders);
    }
    if is_wanted("growth/steady") {
        steady(if full { 100_000_000 } else { 5_000_000 });
    }
}
