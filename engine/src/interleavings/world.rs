//! An engine on a simulated disk, and the threads that are at it as reactors are.

use std::sync::Arc;
use std::time::Duration;

use doorbuster_ledger::{
    Amount, Cancel, ChannelId, Command, Composite, Line, OrderNumber, Outcome, PartitionId, PutSku, Quantity,
    RequestId, Reserve, Rules, SkuId, StockSnapshot, Terms, Timestamp, UserId,
};
use parking_lot::Mutex;
use shuttle::thread::{self, JoinHandle, Thread};

use crate::clock::ManualClock;
use crate::journal::{Durability, Scribe};
use crate::log::{LogOptions, Owner, PAGE};
use crate::shard::{Answer, Batch, Request, Slot, Work};
use crate::snapshot::CompactionOptions;
use crate::storage::{SimStorage, Storage};
use crate::{Engine, Opened, Options, Waker};

const START: Timestamp = Timestamp::new(1_700_000_000_000);

/// Shards of the engine.
const SHARDS: usize = 2;

/// Reactors that a model may have; one more is for whoever sets it up and looks at the end.
const REACTORS: usize = 3;

/// A SKU of each shard.
pub(super) const SKUS: [SkuId; SHARDS] = {
    /// The first SKU that this shard serves.
    const fn first_of(shard: usize) -> SkuId {
        let mut sku = 1;
        while PartitionId::of(SkuId::new(sku)).raw() as usize % SHARDS != shard {
            sku += 1;
        }
        SkuId::new(sku)
    }
    [first_of(0), first_of(1)]
};

/// Which thread a reactor is on, once it looks for something. Locked for no longer than it takes to look.
type Sleeper = Arc<Mutex<Option<Thread>>>;

/// See the module's doc.
pub(super) struct World {
    pub(super) engine: Arc<Engine>,
    pub(super) storage: SimStorage,
    sleepers: Vec<Sleeper>,
    scribe: Option<Scribe>,
}

impl World {
    /// A new engine on a new disk.
    pub(super) fn new(seed: u64) -> Self {
        Self::open(SimStorage::new(seed)).expect("an empty log opens")
    }

    /// The engine that is found on a disk, or why there is none.
    pub(super) fn open(storage: SimStorage) -> Result<Self, String> {
        let sleepers: Vec<Sleeper> = (0..=REACTORS).map(|_| Arc::default()).collect();
        let wakers = sleepers.iter().map(|sleeper| {
            let sleeper = Arc::clone(sleeper);
            let wake: Waker = Arc::new(move || {
                let sleeps = sleeper.lock().clone();
                if let Some(thread) = sleeps {
                    thread.unpark();
                }
            });
            wake
        });
        let options = Options {
            shards: SHARDS,
            rules: Rules::default(),
            durability: Durability::Always,
            recovery_grace_ms: 0,
            log: LogOptions {
                segment_bytes: 24 * PAGE as u64,
                block_bytes: 4 * PAGE,
                ready_segments: 1,
                ..LogOptions::new(Owner::new(1))
            },
            compaction: CompactionOptions::NEVER,
            seed: 1,
            added_cost: Duration::ZERO,
        };
        let disk: Arc<dyn Storage> = Arc::new(storage.clone());
        let clock = Arc::new(ManualClock::new(START));
        let Opened { engine, scribe, .. } =
            Engine::open(&disk, &options, clock, wakers.collect()).map_err(|error| error.to_string())?;
        Ok(Self { engine, storage, sleepers, scribe: Some(scribe) })
    }

    /// Lets the scribe run on a thread of its own.
    pub(super) fn start_scribe(&mut self) -> JoinHandle<()> {
        let (engine, scribe) = (Arc::clone(&self.engine), self.scribe.take().expect("it runs once"));
        thread::spawn(move || scribe.run(&|| engine.has_ended()))
    }

    /// A reactor; 0 to [`REACTORS`], the last one for setting up and looking at the end.
    pub(super) fn reactor(&self, number: usize) -> Reactor {
        let (engine, sleeper) = (Arc::clone(&self.engine), Arc::clone(&self.sleepers[number]));
        Reactor { engine, sleeper, number, users: 1_000 * (number as u64 + 1) }
    }

    /// Sets up the SKUs with so many units each, and makes that durable.
    pub(super) fn stock(&mut self, units: u64) {
        let mut reactor = self.reactor(REACTORS);
        for sku in SKUS {
            let put = PutSku { sku, units, user_limit: 0, order_limit: 0, ..PutSku::default() };
            reactor.hand_in(Request::Command(Command::PutSku(put)));
        }
        self.write();
        while self.engine.take(REACTORS).is_some() {}
    }

    /// Writes and syncs what was decided. Before the scribe has a thread.
    pub(super) fn write(&mut self) {
        let scribe = self.scribe.as_mut().expect("it has no thread yet");
        scribe.write().and_then(|_| scribe.sync(true)).expect("a healthy disk");
    }

    /// A SKU's accounts now. Nobody else is at the engine.
    pub(super) fn stock_of(&self, sku: SkuId) -> StockSnapshot {
        let shard = &self.engine.all_shards()[self.engine.shard_of_sku(sku)];
        shard.inspect(|ledger, _| ledger.stock(sku)).expect("the SKU was set up")
    }

    /// Asserts that nothing waits at any shard or at the desk.
    pub(super) fn assert_nothing_waits(&self) {
        for (number, shard) in self.engine.all_shards().iter().enumerate() {
            assert!(!shard.has_mail(), "a batch was left behind at shard {number}");
        }
        assert!(!self.engine.desk().has_mail(), "a batch was left behind at the desk");
    }
}

/// A thread that hands work in, and sleeps while there is nothing for it.
pub(super) struct Reactor {
    engine: Arc<Engine>,
    sleeper: Sleeper,
    number: usize,
    /// Each order has a shopper of its own.
    users: u64,
}

impl Reactor {
    /// Hands a request in and visits, as a reactor does: every shard and the desk.
    pub(super) fn hand_in(&mut self, request: Request) {
        self.hand_in_lines(request, Vec::new());
    }

    fn hand_in_lines(&mut self, request: Request, lines: Vec<Line>) {
        let shard = match &request {
            Request::Command(Command::Reserve(reserve)) => Some(reserve.sku),
            Request::Command(Command::PutSku(put)) => Some(put.sku),
            Request::ReadStock { sku } => Some(*sku),
            _ => None,
        }
        .map(|sku| self.engine.shard_of_sku(sku));
        let shard = shard.or(match &request {
            Request::Command(Command::Cancel(Cancel { order, .. })) => {
                Some(self.engine.shard_of(order.partition()))
            }
            _ => None,
        });
        let slot = Slot { token: 0, deadline: Timestamp::default(), work: Work::Asked(request) };
        let batch = Batch { reactor: self.number, slots: vec![slot], lines, ..Batch::default() };
        let taken = match shard {
            Some(shard) => self.engine.submit(shard, batch),
            None => self.engine.submit_composite(batch),
        };
        assert!(taken.is_ok(), "there is room for all");
        self.visit();
    }

    /// One pass over every shard and the desk. Returns whether more is due.
    pub(super) fn visit(&self) -> bool {
        let mut due = false;
        for shard in 0..SHARDS {
            due |= self.engine.visit(shard, self.number);
        }
        self.engine.visit_desk(self.number) || due
    }

    /// As [`visit`](Self::visit), of the desk alone.
    pub(super) fn visit_desk(&self) {
        self.engine.visit_desk(self.number);
    }

    /// Waits, without a timer, until the answer to what was handed in may leave. `None` if the log has failed.
    fn answer(&self) -> Option<Answer> {
        self.answer_with(|| self.visit())
    }

    fn answer_with(&self, visit: impl Fn() -> bool) -> Option<Answer> {
        *self.sleeper.lock() = Some(thread::current());
        let mut decided: Option<Batch> = None;
        loop {
            let due = visit();
            if let Some(batch) = self.engine.take(self.number) {
                assert!(decided.replace(batch).is_none(), "one was handed in, and two came back");
            }
            let durable = self.engine.journal().durable();
            if let Some(batch) = decided.take_if(|batch| batch.ticket <= durable) {
                let Work::Answered(answer) = batch.slots[0].work else { panic!("no answer: {batch:?}") };
                return Some(answer);
            }
            if self.engine.journal().poisoned().is_some() {
                return None;
            }
            if !due {
                thread::park();
            }
        }
    }

    /// Asks for a hold of one unit of each of these SKUs, and waits for the answer.
    pub(super) fn reserve(&mut self, skus: &[SkuId]) -> Option<Outcome> {
        let (request, lines) = self.reservation(skus);
        self.hand_in_lines(request, lines);
        outcome(self.answer())
    }

    /// Gives an order of one SKU back, and visits but once: others do that, too.
    pub(super) fn cancel(&mut self, order: OrderNumber) -> Option<Outcome> {
        let cancel = Cancel { order, user: UserId::new(self.users), reason: 0 };
        self.hand_in(Request::Command(Command::Cancel(cancel)));
        outcome(self.answer_with(|| false))
    }

    /// Hands in a request for a hold, and doesn't wait.
    pub(super) fn ask_for(&mut self, skus: &[SkuId]) {
        let (request, lines) = self.reservation(skus);
        self.hand_in_lines(request, lines);
    }

    fn reservation(&mut self, skus: &[SkuId]) -> (Request, Vec<Line>) {
        self.users += 1;
        let id = u128::from(START.raw()) << 80 | 7 << 76 | 2 << 62 | u128::from(self.users);
        let reserve = Reserve {
            request: RequestId::new(id),
            user: UserId::new(self.users),
            sku: skus[0],
            quantity: Quantity::new(1).expect("not 0"),
            amount: Amount::default(),
            hold_ms: 0,
            channel: ChannelId::default(),
            first_attempt: true,
            wait_ms: 0,
            terms: Terms::default(),
            claim: None,
        };
        if skus.len() == 1 {
            return (Request::Command(Command::Reserve(reserve)), Vec::new());
        }
        let mut lines: Vec<Line> =
            skus.iter().map(|sku| Line { sku: *sku, units: 1, ..Line::default() }).collect();
        lines.sort_unstable_by_key(|line| line.sku);
        let reserve = Reserve { sku: lines[0].sku, ..reserve };
        let command = Composite::Reserve { reserve, supersedes: None };
        let count = u8::try_from(lines.len()).expect("a few");
        (Request::Composite { command, first: 0, count, coupon: None, recall: false }, lines)
    }
}

fn outcome(answer: Option<Answer>) -> Option<Outcome> {
    match answer? {
        Answer::Outcome(outcome) => Some(outcome),
        other => panic!("a command came back as {other:?}"),
    }
}
