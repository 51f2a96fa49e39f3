//! Orders over several shards, while several threads are at the engine as reactors are.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::{LogOptions, Owner};
use doorbuster_engine::shard::{AfterAnswer, Answer, Batch, ReadAfter, Request, Slot, Work};
use doorbuster_engine::snapshot::CompactionOptions;
use doorbuster_engine::storage::{SimStorage, Storage};
use doorbuster_engine::{Engine, Options, Waker};
use doorbuster_ledger::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const START: u64 = 1_700_000_000_000;
const SHARDS: usize = 4;
const REACTORS: usize = 4;
const SKUS: u64 = 12;
const UNITS: u64 = 400;
/// Less than the crowd would claim.
const BUDGET: u64 = 2_000;
/// Batches that each reactor sends, of one to four commands.
const BATCHES: usize = 2_000;

/// One reactor's thread: sends batches to shards and to the desk, a few at a time, and takes what comes back.
struct Reactor<'a> {
    number: usize,
    engine: &'a Engine,
    rng: Xoshiro256PlusPlus,
    underway: usize,
    answered: usize,
    held: Vec<(OrderNumber, UserId)>,
    /// Discounts that were refused.
    exhausted: usize,
}

impl Reactor<'_> {
    /// Returns how many commands were sent, and how many discounts were refused.
    fn run(mut self) -> (usize, usize) {
        let mut sent = 0;
        for _ in 0..BATCHES {
            sent += self.send();
            self.visit();
        }
        // What a shard hands on to the desk comes with a batch of its own.
        while self.underway > 0 || self.answered < sent {
            self.visit();
        }
        assert_eq!(self.answered, sent, "a command was answered twice");
        (sent, self.exhausted)
    }

    fn send(&mut self) -> usize {
        let sku = SkuId::new(self.rng.random_range(1..=SKUS));
        let mut batch = Batch { reactor: self.number, ..Batch::default() };
        let mut desk = false;
        for _ in 0..self.rng.random_range(1..5) {
            let user = UserId::new(self.rng.random_range(1..1_000));
            let request = u128::from(START) << 80 | 7 << 76 | 2 << 62 | self.rng.random::<u128>() >> 70;
            let mut reserve = Reserve {
                request: RequestId::new(request),
                user,
                sku,
                quantity: Quantity::new(1).unwrap(),
                amount: Amount::new(0),
                hold_ms: 0,
                channel: ChannelId::new(0),
                first_attempt: false,
                wait_ms: 0,
                terms: Terms::default(),
                claim: None,
            };
            if self.rng.random_bool(0.3) {
                let amount = Amount::new(self.rng.random_range(1..20));
                reserve.claim = Some(Claim { budget: BudgetId::new(1).unwrap(), amount });
            }
            let last = self.held.pop().filter(|_| self.rng.random_bool(0.6));
            let work = match last {
                Some((order, user)) if order.is_composite() && (desk || batch.slots.is_empty()) => {
                    desk = true;
                    let confirm = Confirm { order, user, payment: PaymentId::new(1), amount: Amount::new(0) };
                    let cancel = Cancel { order, user, reason: 0 };
                    let command = if self.rng.random_bool(0.5) {
                        Composite::Confirm(confirm)
                    } else {
                        Composite::Cancel { cancel, amount: Amount::new(0) }
                    };
                    Request::Composite { command, first: 0, count: 0, coupon: None, recall: false }
                }
                _ if desk || (batch.slots.is_empty() && self.rng.random_bool(0.5)) => {
                    desk = true;
                    let first = u32::try_from(batch.lines.len()).unwrap();
                    let mut skus: Vec<_> = (1..=SKUS).filter(|_| self.rng.random_bool(0.3)).collect();
                    skus.push(SKUS + 1);
                    let line = |sku: &u64| Line { sku: SkuId::new(*sku), units: 1, ..Line::default() };
                    batch.lines.extend(skus.iter().map(line));
                    reserve.sku = SkuId::new(skus[0]);
                    let count = u8::try_from(skus.len()).unwrap();
                    let command = Composite::Reserve { reserve, supersedes: None };
                    Request::Composite { command, first, count, coupon: None, recall: false }
                }
                _ => Request::Command(Command::Reserve(reserve)),
            };
            let slot = Slot { token: user.raw(), deadline: Timestamp::default(), work: Work::Asked(work) };
            batch.slots.push(slot);
        }
        let sent = batch.slots.len();
        let shard = self.engine.shard_of_sku(sku);
        loop {
            let refused =
                if desk { self.engine.submit_composite(batch) } else { self.engine.submit(shard, batch) };
            match refused {
                Ok(()) => break,
                Err(back) => batch = back,
            }
            self.visit();
        }
        self.underway += 1;
        sent
    }

    fn visit(&mut self) {
        for shard in 0..SHARDS {
            self.engine.visit(shard, self.number);
        }
        self.engine.visit_desk(self.number);
        while let Some(batch) = self.engine.take(self.number) {
            self.underway -= usize::from(!batch.rerouted);
            for slot in batch.slots {
                self.answered += usize::from(!matches!(slot.work, Work::Rerouted));
                let Work::Answered(Answer::Outcome(outcome)) = slot.work else { continue };
                let refusal = BudgetRefusal::SliceShort;
                assert_ne!(outcome, Outcome::Refused(Refusal::Budget(refusal)), "a slice was seen");
                let exhausted =
                    matches!(outcome, Outcome::Refused(Refusal::Budget(BudgetRefusal::Exhausted { .. })));
                self.exhausted += usize::from(exhausted);
                if let Outcome::Reserved { order, .. } = outcome {
                    self.held.push((order, UserId::new(slot.token)));
                }
            }
        }
    }
}

fn read_budget(engine: &Engine, budget: BudgetId) -> BudgetSnapshot {
    let work = Work::Asked(Request::ReadBudget { budget });
    let slots = vec![Slot { token: 0, deadline: Timestamp::default(), work }];
    engine.submit_composite(Batch { slots, ..Batch::default() }).unwrap();
    engine.visit_desk(0);
    let batch = engine.take(0).unwrap();
    let Work::Answered(Answer::Budget(Some(at))) = batch.slots[0].work else { panic!("{batch:?}") };
    batch.budgets[at as usize]
}

/// One request, carried out.
fn ask(engine: &Engine, request: Request) -> Answer {
    let slot = Slot { token: 0, deadline: Timestamp::default(), work: Work::Asked(request) };
    let batch = Batch { slots: vec![slot], ..Batch::default() };
    if matches!(request, Request::Composite { .. }) {
        engine.submit_composite(batch).unwrap();
        engine.visit_desk(0);
    } else {
        engine.submit(0, batch).unwrap();
        engine.visit(0, 0);
    }
    let Work::Answered(answer) = engine.take(0).unwrap().slots[0].work else { panic!("no answer") };
    answer
}

#[test]
fn the_desk_goes_on_naming_orders_that_miss_units_without_a_visit_to_their_shard() {
    let storage: Arc<dyn Storage> = Arc::new(SimStorage::new(1));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::new(START)));
    let waker: Waker = Arc::new(|| {});
    let opened = Engine::open(&storage, &options(1), clock, vec![waker]).unwrap();
    let engine = opened.engine;
    let threads = engine.start(opened.scribe, opened.preparer, opened.compactor).unwrap();
    let sku = SkuId::new(1);
    // More than are named with one command.
    let paid = 80;
    let put = PutSku { sku, units: paid, user_limit: 0, order_limit: 0, ..PutSku::default() };
    ask(&engine, Request::Command(Command::PutSku(put)));
    for user in (1..=paid).map(UserId::new) {
        let request = RequestId::new(u128::from(START) << 80 | 7 << 76 | 2 << 62 | u128::from(user.raw()));
        let reserve = Reserve {
            request,
            user,
            sku,
            quantity: Quantity::new(1).unwrap(),
            amount: Amount::new(0),
            hold_ms: 0,
            channel: ChannelId::new(0),
            first_attempt: true,
            wait_ms: 0,
            terms: Terms::default(),
            claim: None,
        };
        let held = ask(&engine, Request::Command(Command::Reserve(reserve)));
        let Answer::Outcome(Outcome::Reserved { order, .. }) = held else { panic!("{held:?}") };
        let confirm = Confirm { order, user, payment: PaymentId::new(1), amount: Amount::new(0) };
        ask(&engine, Request::Command(Command::Confirm(confirm)));
    }
    let count = Count {
        sku,
        on_hand: 0,
        as_of: Timestamp::new(START),
        expected: None,
        reason: 0,
        by: OperatorId::new(1),
    };
    let command = Composite::After(AfterCommand::Count(count));
    ask(&engine, Request::Composite { command, first: 0, count: 0, coupon: None, recall: false });
    // A reactor comes by each few milliseconds; nobody comes to the shard any more.
    for _ in 0..paid {
        engine.visit_desk(0);
    }
    let read = ask(&engine, Request::ReadAfter(ReadAfter::Goods { sku }));
    let Answer::After(AfterAnswer::Goods(Some(goods))) = read else { panic!("{read:?}") };
    assert_eq!((goods.short, goods.named), (paid, paid));
    engine.close(threads).unwrap();
}

fn options(shards: usize) -> Options {
    Options {
        shards,
        rules: Rules::default(),
        durability: Durability::None,
        recovery_grace_ms: 0,
        log: LogOptions { segment_bytes: 4 << 20, ..LogOptions::new(Owner::new(1)) },
        compaction: CompactionOptions::NEVER,
        seed: 1,
        added_cost: std::time::Duration::ZERO,
    }
}

#[test]
fn threads_that_work_at_the_desk_and_at_shards_forget_no_batch_and_no_unit() {
    let storage: Arc<dyn Storage> = Arc::new(SimStorage::new(1));
    let manual = Arc::new(ManualClock::new(Timestamp::new(START)));
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&manual);
    let options = options(SHARDS);
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = || -> Waker {
        let woken = Arc::clone(&woken);
        Arc::new(move || {
            woken.fetch_add(1, Ordering::Relaxed);
        })
    };
    let wakers = (0..REACTORS).map(|_| waker()).collect();
    let opened = Engine::open(&storage, &options, Arc::clone(&clock), wakers).unwrap();
    let engine = opened.engine;
    let threads = engine.start(opened.scribe, opened.preparer, opened.compactor).unwrap();
    for sku in (1..=SKUS + 1).map(SkuId::new) {
        let units = if sku.raw() > SKUS { 1 << 30 } else { UNITS };
        let put = Command::PutSku(PutSku { sku, units, user_limit: 0, order_limit: 0, ..PutSku::default() });
        let work = Work::Asked(Request::Command(put));
        let slot = Slot { token: 0, deadline: Timestamp::default(), work };
        let shard = engine.shard_of_sku(sku);
        engine.submit(shard, Batch { slots: vec![slot], ..Batch::default() }).unwrap();
        engine.visit(shard, 0);
        engine.take(0).unwrap();
    }
    let funders = [40, 50, 10].map(|share| Funder { id: FunderId::new(share), share }).to_vec();
    let budget = BudgetId::new(1).unwrap();
    let command = BudgetCommand::Set { budget, funded: BUDGET, by: 1, reason: 0 };
    let work = Work::Asked(Request::Budget { command, first: 0, count: 3 });
    let slots = vec![Slot { token: 0, deadline: Timestamp::default(), work }];
    engine.submit_composite(Batch { slots, funders, ..Batch::default() }).unwrap();
    engine.visit_desk(0);
    engine.take(0).unwrap();
    let reactor = |number| Reactor {
        number,
        engine: &engine,
        rng: Xoshiro256PlusPlus::seed_from_u64(number as u64),
        underway: 0,
        answered: 0,
        held: Vec::new(),
        exhausted: 0,
    };
    let sums: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..REACTORS).map(|number| scope.spawn(move || reactor(number).run())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(sums.iter().map(|(sent, _)| sent).sum::<usize>() > REACTORS * BATCHES);
    assert!(sums.iter().any(|(_, exhausted)| *exhausted > 0), "the budget was never used up: {sums:?}");
    engine.check().unwrap();
    let read = read_budget(&engine, budget);
    assert_eq!(read.left + read.reserved + read.spent, BUDGET, "{read:?}");
    assert!(read.reserved > 0 && read.spent > 0, "{read:?}");
    // What nobody paid ends by its deadline, over all shards.
    manual.advance(10 * 60 * 1_000);
    while engine.totals().holds > 0 {
        for shard in 0..SHARDS {
            engine.visit(shard, 0);
        }
        engine.visit_desk(0);
    }
    engine.check().unwrap();
    let (totals, digest) = (engine.totals(), engine.digest());
    assert!(totals.sold > 100 && totals.held == 0, "{totals:?}");
    let read = read_budget(&engine, budget);
    assert_eq!((read.reserved, read.left + read.spent), (0, BUDGET), "{read:?}");
    let posted: u64 = read.funders.iter().map(|funder| funder.posted).sum();
    assert_eq!(posted, read.spent, "{read:?}");
    engine.close(threads).unwrap();
    drop(engine);
    let opened = Engine::open(&storage, &Options { shards: 3, ..options }, clock, vec![waker()]).unwrap();
    assert_eq!(opened.engine.digest(), digest, "replay over another number of shards gives another state");
}
