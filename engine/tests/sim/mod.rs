//! One seeded world: an engine on a simulated disk and clock, shoppers who ask, and crashes at any step.
//!
//! The parts are those of production; only the threads are missing. A single loop, driven by one seed, decides who
//! takes the next step: a shopper asks, a reactor hands a batch in or visits the shard, the scribe writes, the scribe
//! syncs, the preparer fills a piece of a segment, the keeper makes memory ready, time passes, power fails. What a shopper has seen is kept in the
//! shopper's own account, and after each crash the account is held against the recovered engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::journal::{Durability, Scribe};
use doorbuster_engine::log::{LogOptions, Owner, PAGE, Preparer};
use doorbuster_engine::shard::{Answer, Batch, Request, Slot, Work};
use doorbuster_engine::storage::{Crash, SimStorage, Storage};
use doorbuster_engine::{Engine, EngineError, Opened, Options};
use doorbuster_ledger::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Where the simulated clock starts.
const START: u64 = 1_700_000_000_000;

/// Shoppers; few, so that they get in each other's way.
const USERS: u64 = 6;
const SKUS: u64 = 3;

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
}

struct World {
    plan: Plan,
    rng: Xoshiro256PlusPlus,
    disk: SimStorage,
    clock: Arc<ManualClock>,
    engine: Arc<Engine>,
    scribe: Scribe,
    preparer: Preparer,
    /// Batches that were handed in and have not come back.
    underway: usize,
    waiting: Vec<Batch>,
    asked: BTreeMap<u64, Command>,
    next_token: u64,
    next_request: u64,
    /// Every reserve or restock that was ever sent.
    sent: BTreeMap<RequestId, Command>,
    orders: BTreeMap<OrderNumber, Known>,
    skus: BTreeSet<SkuId>,
    /// Reserves without an answer, to be sent again.
    unanswered: Vec<Command>,
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
        seed: plan.seed,
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
        let Opened { engine, scribe, preparer, .. } =
            open(&plan, &disk, &clock).map_err(|error| error.to_string())?;
        Ok(Self {
            plan,
            rng: Xoshiro256PlusPlus::seed_from_u64(plan.seed),
            disk,
            clock,
            engine,
            scribe,
            preparer,
            underway: 0,
            waiting: Vec::new(),
            asked: BTreeMap::new(),
            next_token: 0,
            next_request: 0,
            sent: BTreeMap::new(),
            orders: BTreeMap::new(),
            skus: BTreeSet::new(),
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
            90..93 => drop(self.preparer.step()),
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

    fn ask(&mut self) {
        let mut shards: BTreeMap<usize, Batch> = BTreeMap::new();
        for _ in 0..self.rng.random_range(1..6) {
            let command = self.command();
            self.next_token += 1;
            self.asked.insert(self.next_token, command);
            let shard = self.engine.shard_of(match &command {
                Command::Reserve(reserve) => PartitionId::of(reserve.sku),
                Command::Restock(restock) => PartitionId::of(restock.sku),
                Command::PutSku(put) => PartitionId::of(put.sku),
                Command::Confirm(confirm) => confirm.order.partition(),
                Command::Cancel(cancel) => cancel.order.partition(),
                Command::BeginPay(begin) => begin.order.partition(),
                Command::FailPay(failed) => failed.order.partition(),
                Command::Extend(extend) => extend.order.partition(),
            });
            let work = Work::Asked(Request::Command(command));
            let slot = Slot { token: self.next_token, deadline: Timestamp::default(), work };
            shards.entry(shard).or_default().slots.push(slot);
        }
        for (shard, batch) in shards {
            if self.engine.submit(shard, batch).is_ok() {
                self.underway += 1;
            }
        }
    }

    fn command(&mut self) -> Command {
        if let Some(again) =
            (!self.unanswered.is_empty()).then(|| self.rng.random_range(0..self.unanswered.len()))
        {
            return self.unanswered.swap_remove(again);
        }
        let sku = SkuId::new(self.rng.random_range(1..=SKUS));
        let orders = self.orders.len();
        let pick = |rng: &mut Xoshiro256PlusPlus| rng.random_range(0..orders.max(1));
        match self.rng.random_range(0..20_u32) {
            0..2 => Command::PutSku(PutSku { sku, units: 8, user_limit: 3, order_limit: 0 }),
            2 => {
                let units = self.rng.random_range(1..5);
                let restock = Restock { request: self.request(), sku, units, reason: 0 };
                self.sent.insert(restock.request, Command::Restock(restock));
                Command::Restock(restock)
            }
            3..7 if orders > 0 => {
                let at = pick(&mut self.rng);
                let (&order, known) = self.orders.iter_mut().nth(at).expect("the pick is in range");
                known.unsure = true;
                let payment = PaymentId::new(u128::from(order.raw()));
                Command::Confirm(Confirm { order, user: known.user, payment, amount: Amount::new(0) })
            }
            7..9 if orders > 0 => {
                let at = pick(&mut self.rng);
                let (&order, known) = self.orders.iter_mut().nth(at).expect("the pick is in range");
                known.unsure = true;
                Command::Cancel(Cancel { order, user: known.user, reason: 0 })
            }
            9..12 if orders > 0 => {
                let at = pick(&mut self.rng);
                let (&order, known) = self.orders.iter_mut().nth(at).expect("the pick is in range");
                known.unsure = true;
                let (user, payment) = (known.user, PaymentId::new(u128::from(order.raw())));
                match self.rng.random_range(0..4_u32) {
                    0 => Command::BeginPay(BeginPay { order, user, payment, class: PayClass::Slow }),
                    1 => Command::BeginPay(BeginPay { order, user, payment, class: PayClass::Fast }),
                    2 => Command::FailPay(FailPay { order, user, payment }),
                    _ => Command::Extend(Extend { order, user, until: self.clock.now().plus(1_000) }),
                }
            }
            _ => {
                let reserve = Reserve {
                    request: self.request(),
                    user: UserId::new(self.rng.random_range(1..=USERS)),
                    sku,
                    quantity: Quantity::new(self.rng.random_range(1..3)).expect("not zero"),
                    amount: Amount::new(0),
                    hold_ms: if self.rng.random_bool(0.5) { 0 } else { 300 },
                    channel: ChannelId::new(0),
                    first_attempt: false,
                    supersedes: None,
                    wait_ms: if self.rng.random_bool(0.5) { 0 } else { 6_000 },
                    terms: Terms::default(),
                };
                self.sent.insert(reserve.request, Command::Reserve(reserve));
                Command::Reserve(reserve)
            }
        }
    }

    fn request(&mut self) -> RequestId {
        self.next_request += 1;
        let now = u128::from(self.clock.now().raw());
        RequestId::new((now << 80) | (7 << 76) | (2 << 62) | u128::from(self.next_request))
    }

    fn visit(&mut self) {
        let shard = self.rng.random_range(0..self.plan.shards);
        self.engine.visit(shard, 0);
    }

    /// What a reactor does: answers leave once their ticket is durable, and no sooner.
    fn deliver(&mut self) -> Result<(), String> {
        while let Some(batch) = self.engine.take(0) {
            self.underway -= 1;
            self.waiting.push(batch);
        }
        let durable = self.engine.journal().durable();
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|batch| batch.ticket <= durable);
        self.waiting = waiting;
        let ready: Vec<Batch> = ready;
        for slot in ready.iter().flat_map(|batch| &batch.slots) {
            let Work::Answered(Answer::Outcome(outcome)) = slot.work else {
                return Err(format!("a command came back as {:?}", slot.work));
            };
            let command = self.asked.remove(&slot.token).ok_or("a command was answered twice")?;
            self.seen(&command, &outcome)?;
        }
        Ok(())
    }

    /// A shopper takes note of an answer.
    fn seen(&mut self, command: &Command, outcome: &Outcome) -> Result<(), String> {
        self.report.acknowledged += 1;
        match (command, outcome) {
            (Command::PutSku(put), Outcome::SkuPut) => {
                self.skus.insert(put.sku);
            }
            (
                Command::Reserve(reserve),
                Outcome::Reserved { order, deadline } | Outcome::Waitlisted { order, deadline, .. },
            ) => {
                // An offer will have a deadline of its own.
                let waits = matches!(outcome, Outcome::Waitlisted { .. });
                let known = Known {
                    user: reserve.user,
                    request: reserve.request,
                    quantity: reserve.quantity.units(),
                    deadline: if waits { 0 } else { deadline.raw() },
                    state: if waits { OrderState::Waiting } else { OrderState::Held },
                    unsure: false,
                };
                if self.orders.insert(*order, known).is_some() {
                    return Err(format!("order {} was given out twice", order.raw()));
                }
            }
            (
                Command::Reserve(reserve),
                Outcome::Replayed { order: Some(order), state: Some(state), deadline },
            ) => {
                let known = self.orders.entry(*order).or_insert(Known {
                    user: reserve.user,
                    request: reserve.request,
                    quantity: reserve.quantity.units(),
                    deadline: if *state == OrderState::Waiting { 0 } else { deadline.raw() },
                    state: *state,
                    unsure: false,
                });
                if known.request != reserve.request {
                    return Err(format!(
                        "request {:x} was answered with another's order",
                        reserve.request.raw()
                    ));
                }
            }
            (Command::Confirm(confirm), Outcome::Confirmed { .. } | Outcome::Reacquired { .. }) => {
                self.note(confirm.order, OrderState::Confirmed)?;
            }
            (Command::Cancel(cancel), Outcome::Cancelled { .. }) => {
                self.note(cancel.order, OrderState::Cancelled)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, order: OrderNumber, state: OrderState) -> Result<(), String> {
        let known = self.orders.get_mut(&order).ok_or("an order that was never given out ended")?;
        if known.state == OrderState::Confirmed {
            return Err(format!("order {} was {:?} and became {state:?}", order.raw(), known.state));
        }
        known.state = state;
        Ok(())
    }

    /// The machine or the process dies and comes back.
    fn crash(&mut self) -> Result<(), String> {
        self.report.crashes += 1;
        let crash = if self.rng.random_bool(0.6) { Crash::Power } else { Crash::Process };
        self.disk.crash(crash);
        for command in std::mem::take(&mut self.asked).into_values() {
            if matches!(command, Command::Reserve(_)) {
                self.unanswered.push(command);
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
                    self.engine = opened.engine;
                    self.scribe = opened.scribe;
                    self.preparer = opened.preparer;
                    return self.compare();
                }
                Err(EngineError::Log(doorbuster_engine::log::LogError::Storage(_))) => {
                    self.disk.crash(Crash::Power);
                }
                Err(error) => return Err(format!("recovery failed: {error}")),
            }
        }
        let opened =
            open(&self.plan, &self.disk, &self.clock).map_err(|error| format!("recovery failed: {error}"))?;
        self.engine = opened.engine;
        self.scribe = opened.scribe;
        self.preparer = opened.preparer;
        self.compare()
    }

    /// Holds what was acknowledged against what the engine has: nothing lost, nothing invented.
    fn compare(&mut self) -> Result<(), String> {
        self.engine.check().map_err(|error| error.to_string())?;
        let mut batch = Batch::default();
        for (&order, known) in &self.orders {
            let work = Work::Asked(Request::ReadOrder { order, user: known.user });
            batch.slots.push(Slot { token: order.raw(), deadline: Timestamp::default(), work });
        }
        let stocks = (1..=SKUS).map(SkuId::new).map(|sku| Slot {
            token: sku.raw(),
            deadline: Timestamp::default(),
            work: Work::Asked(Request::ReadStock { sku }),
        });
        let mut orders = Vec::new();
        for slot in batch.slots.drain(..).chain(stocks) {
            let partition = match slot.work {
                Work::Asked(Request::ReadOrder { order, .. }) => order.partition(),
                Work::Asked(Request::ReadStock { sku }) => PartitionId::of(sku),
                _ => unreachable!(),
            };
            let one = Batch { slots: vec![slot], ..Batch::default() };
            let shard = self.engine.shard_of(partition);
            self.engine.submit(shard, one).map_err(|_| "the inbox of an idle engine is full")?;
            self.engine.visit(shard, 0);
            let back = self.engine.take(0).ok_or("an idle engine doesn't answer")?;
            orders.extend(back.slots);
        }
        let now = self.engine.now().raw();
        for slot in orders {
            match slot.work {
                Work::Answered(Answer::Order(Ok(read))) => {
                    let known = self.orders.get_mut(&read.number).ok_or("an order was invented")?;
                    if read.request != known.request || read.quantity != known.quantity {
                        return Err(format!("order {} changed its content", read.number.raw()));
                    }
                    let explained = read.state == known.state
                        || (known.state.is_open() && read.state == OrderState::Expired)
                        || known.state == OrderState::Waiting
                        || (known.state != OrderState::Confirmed && known.unsure);
                    if !explained {
                        return Err(format!(
                            "order {} was acknowledged as {:?} and is {:?}",
                            read.number.raw(),
                            known.state,
                            read.state
                        ));
                    }
                    if read.deadline.raw() < known.deadline {
                        return Err(format!("order {} lost time", read.number.raw()));
                    }
                    known.state = read.state;
                    known.unsure = false;
                }
                Work::Answered(Answer::Order(Err(refusal))) => {
                    // An ended order may have left memory, but not before its retention.
                    let number = OrderNumber::new(slot.token);
                    let known = self.orders.remove(&number).ok_or("an order was invented")?;
                    if known.deadline + 500 > now.saturating_sub(20_000)
                        && known.state != OrderState::Waiting
                        && known.state != OrderState::Cancelled
                        && known.state != OrderState::Confirmed
                    {
                        return Err(format!("acknowledged order {} is gone: {refusal:?}", slot.token));
                    }
                    if known.deadline > now + 10_000 {
                        return Err(format!("acknowledged order {} is gone: {refusal:?}", slot.token));
                    }
                }
                Work::Answered(Answer::Stock(stock)) => {
                    if stock.is_none() && self.skus.contains(&SkuId::new(slot.token)) {
                        return Err(format!("acknowledged SKU {} is gone", slot.token));
                    }
                }
                other => return Err(format!("a read came back as {other:?}")),
            }
        }
        Ok(())
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
        Ok(())
    }
}
