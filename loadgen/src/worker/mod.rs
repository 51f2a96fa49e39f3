//! A sender: one thread, many connections, tens of thousands of shoppers.
//!
//! The thread never waits for an answer before it sends what is due. Each turn of its loop sends everything whose
//! time has come, then sleeps on its sockets until the next due time or the next answer. An answer to a reserve
//! plans what its shopper does next; payments and cancels have due times of their own, and count from them.

mod answers;
mod baskets;
mod campaign;
mod connections;
mod flight;
mod pushes;
mod retry;
mod task;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorbuster_protocol::{
    BeginPay, Cancel, Confirm, FLAG_DRILL, FLAG_FIRST_ATTEMPT, FailPay, Header, Kind, Line, ReadOrder,
    ReadStock, Record, Reserve, ReserveDiscounted, ReserveOrder, Watch, body,
};

use self::flight::{Errand, Flight, Patience, Plan, Reply};
use self::retry::RetryBudget;
pub use self::task::{Harvest, Progress, Task};
use crate::ids::IdMaker;
use crate::journal::{Attempt, Journal, Payment};
use crate::net::{Link, LinkError, Poller};
use crate::population::{Step, Visit};
use crate::recorder::Operation;

/// What every purchase costs, minor units: the server checks that the payment names the same.
pub(crate) const AMOUNT: u64 = 9_900;

/// When an impatient finger sends the same request again, nanoseconds after the first time.
const SECOND_PRESS_NS: u64 = 50_000_000;

/// Longest nap, so that an interruption is noticed.
const NAP: Duration = Duration::from_millis(20);

/// Longest wait for answers after the last request.
const DRAIN_NS: u64 = 10_000_000_000;

/// Most unanswered requests of a worker; what is due beyond is counted as not sent. Bounds memory at 100 MB.
const MOST_IN_FLIGHT: usize = 1 << 20;

/// A worker whose connections stand.
#[derive(Debug)]
pub struct Worker {
    task: Task,
    /// The start, the same for all workers.
    start: Instant,
    poller: Poller,
    /// None: it broke while the server was down.
    links: Vec<Option<Link>>,
    /// How many of them are none: each pass asks, and there may be thousands of links.
    missing: usize,
    dirty: Vec<usize>,
    flights: Vec<Flight>,
    free: Vec<u32>,
    /// Requests sent ever.
    serial: u64,
    /// When requests are overdue, in order.
    patience: VecDeque<Patience>,
    plans: BinaryHeap<Reverse<Plan>>,
    replies: Vec<Reply>,
    /// Purchases by their orders that wait and are watched.
    watched: HashMap<u64, u32>,
    ids: IdMaker,
    /// Server milliseconds at the start.
    server_start_ms: u64,
    /// The latest position of the log that any answer has named.
    seen: u64,
    budget: RetryBudget,
    /// Nobody who waits has anything to wait for any more.
    settled: bool,
    /// Nothing is sent again any more.
    over: bool,
    /// How often connections were broken on purpose.
    breaks: u32,
    held_back: u64,
    reconnects: u64,
    journal: Journal,
}

impl Worker {
    /// Makes the connections; nothing is sent yet.
    ///
    /// # Errors
    /// If a connection can't be made.
    pub fn connect(task: Task) -> Result<Self, LinkError> {
        let poller = Poller::new()?;
        let mut links = Vec::new();
        let mut server_now_ms = 0;
        for token in 0..task.connections as usize {
            let (link, welcome) = Link::connect(&task.peer, "doorbuster-drill")?;
            server_now_ms = welcome.now_ms;
            poller.add(link.stream(), token)?;
            links.push(Some(link));
        }
        let budget = RetryBudget::new(task.retries.clone());
        Ok(Self {
            task,
            start: Instant::now(),
            poller,
            links,
            missing: 0,
            dirty: Vec::new(),
            flights: Vec::new(),
            free: Vec::new(),
            serial: 0,
            patience: VecDeque::new(),
            plans: BinaryHeap::new(),
            replies: Vec::new(),
            watched: HashMap::new(),
            ids: IdMaker::new(IdMaker::fresh_nonce()),
            server_start_ms: server_now_ms,
            seen: 0,
            budget,
            settled: false,
            over: false,
            breaks: 0,
            held_back: 0,
            reconnects: 0,
            journal: Journal::default(),
        })
    }

    /// Waits for the start and runs until the schedule's end. A target that is lost is part of the harvest.
    pub fn run(mut self, start: Instant, progress: &Progress) -> Harvest {
        let since_greeting = start.saturating_duration_since(self.start);
        self.server_start_ms += u64::try_from(since_greeting.as_millis()).unwrap_or(0);
        self.start = start;
        let lost = self.drive(progress).err().map(|error| error.to_string());
        self.over = true;
        self.abandon_flights(None);
        Harvest {
            recorder: self.task.recorder,
            journal: self.journal,
            held_back: self.held_back,
            retries: self.budget.retries,
            given_up: self.budget.given_up,
            reconnects: self.reconnects,
            lost,
        }
    }

    fn drive(&mut self, progress: &Progress) -> Result<(), LinkError> {
        std::thread::sleep(self.start.saturating_duration_since(Instant::now()));
        let mut arrival = self.task.schedule.next();
        let mut ready = Vec::new();
        let mut give_up_ns = None;
        loop {
            let stop = progress.stop.load(Ordering::Relaxed);
            if stop {
                arrival = None;
                self.over = true;
                self.plans.clear();
            }
            if !self.settled && progress.settled.load(Ordering::Relaxed) {
                self.settled = true;
                self.plans.retain(|plan| plan.0.step != Step::Poll);
            }
            self.seen = self.seen.max(progress.seen.load(Ordering::Relaxed));
            self.keep_connected(progress)?;
            let now_ns = self.now_ns();
            self.lose_patience(now_ns);
            while let Some(due_ns) = arrival.filter(|&due_ns| due_ns <= now_ns) {
                self.arrive(due_ns, now_ns);
                progress.sent.fetch_add(1, Ordering::Relaxed);
                arrival = self.task.schedule.next();
            }
            while let Some(Reverse(plan)) = self.plans.peek().copied().filter(|plan| plan.0.due_ns <= now_ns)
            {
                self.plans.pop();
                self.follow(plan, now_ns);
                progress.sent.fetch_add(1, Ordering::Relaxed);
            }
            self.flush(progress)?;
            let planned = self.plans.peek().map(|plan| plan.0.due_ns);
            let overdue = self.patience.front().map(|patience| patience.until_ns);
            let next = arrival.into_iter().chain(planned).min();
            // Who watches may be told at any time, as long as anybody waits and the drill lasts.
            let told = !self.watched.is_empty();
            let over = self.settled || stop || now_ns > self.task.last_ns;
            if next.is_none() && (over || !told) {
                let give_up = *give_up_ns.get_or_insert(now_ns + DRAIN_NS);
                if (self.free.len() == self.flights.len() && !told) || now_ns >= give_up {
                    return Ok(());
                }
            } else {
                // An answer has led to something more: the last request is still to come.
                give_up_ns = None;
            }
            let wake = next.into_iter().chain(overdue).min();
            let nap =
                wake.map_or(NAP, |next| Duration::from_nanos(next.saturating_sub(self.now_ns())).min(NAP));
            self.poller.wait(nap, &mut ready)?;
            for &token in &ready {
                if let Err(error) = self.answers(token, progress) {
                    self.reconnect(token, &error, progress)?;
                }
            }
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The server's time, as the greeting told it.
    fn server_ms(&self, now_ns: u64) -> u64 {
        self.server_start_ms + now_ns / 1_000_000
    }

    /// A shopper comes.
    fn arrive(&mut self, due_ns: u64, now_ns: u64) {
        match self.task.population.visit(due_ns) {
            Visit::Look { sku } => {
                let read = ReadStock { sku: self.task.first_sku + u64::from(sku) };
                let errand = Errand { operation: Operation::Look, plan: None, payment: u32::MAX, due_ns };
                self.send(errand, Kind::ReadStock, &read, sku, now_ns);
            }
            Visit::Buy { user, sku, twice, channel } => {
                let request_id = self.ids.make(self.server_ms(due_ns));
                let prices = self.version_seen(due_ns);
                let mut entry =
                    Attempt { request_id, user, sku, channel, twice, prices, ..Attempt::default() };
                self.fill(&mut entry, 0);
                let attempt = self.journal.begin(entry);
                self.follow(Plan { due_ns, attempt, step: Step::Reserve, tries: 0 }, now_ns);
                if twice {
                    self.plan(due_ns + SECOND_PRESS_NS, attempt, Step::Repeat);
                }
            }
        }
    }

    /// A shopper does what he planned.
    fn follow(&mut self, plan: Plan, now_ns: u64) {
        let Some(entry) = self.journal.attempts.get_mut(plan.attempt as usize) else { return };
        let Attempt { order, user: lane, request_id, .. } = *entry;
        let (user, sku) = (u64::from(lane), self.task.first_sku + u64::from(entry.sku));
        entry.waits |= plan.step == Step::Wait;
        entry.cancels |= plan.step == Step::Cancel;
        let (channel, amount, prices) = (entry.channel, entry.amount(), entry.prices);
        let hold_ms = self.task.hold_ms;
        let of_payment = |ordinal: u8| Payment::id(request_id, ordinal);
        let errand =
            |operation, payment| Errand { operation, plan: Some(plan), payment, due_ns: plan.due_ns };
        let none = u32::MAX;
        match plan.step {
            Step::Reserve | Step::Repeat if entry.basket != 0 => self.reserve_order(plan, now_ns),
            Step::Reserve | Step::Repeat => {
                let operation =
                    if plan.step == Step::Reserve { Operation::Reserve } else { Operation::Repeat };
                let price_version = u32::from(prices);
                let reserve = Reserve {
                    request_id,
                    user,
                    sku,
                    amount,
                    hold_ms,
                    quantity: 1,
                    price_version,
                    channel,
                    ..Reserve::default()
                };
                let errand = errand(operation, none);
                match self.task.claim {
                    None => self.send(errand, Kind::Reserve, &reserve, lane, now_ns),
                    Some((budget, discount)) => {
                        let discounted = ReserveDiscounted { reserve, discount, budget };
                        self.send(errand, Kind::ReserveDiscounted, &discounted, lane, now_ns)
                    }
                };
            }
            Step::Wait => {
                let lines = vec![Line { sku, quantity: 1, ..Line::default() }];
                let wait_ms = self.task.population.wait_ms();
                let mut order = ReserveOrder { request_id, user, amount, hold_ms, ..Default::default() };
                (order.wait_ms, order.lines, order.channel) = (wait_ms, lines, channel);
                self.send(errand(Operation::Wait, none), Kind::ReserveOrder, &order, lane, now_ns);
            }
            Step::Poll => {
                let read = ReadOrder { order, user };
                self.send(errand(Operation::Poll, none), Kind::ReadOrder, &read, lane, now_ns);
            }
            Step::Watch => {
                let watch = Watch { order, user };
                self.send(errand(Operation::Watch, none), Kind::Watch, &watch, lane, now_ns);
            }
            Step::Begin(ordinal) => {
                let payment = self.journal.payment(plan.attempt, ordinal);
                self.journal.begins(payment);
                let begin = BeginPay { order, user, payment_id: of_payment(ordinal), slow: 0 };
                self.send(errand(Operation::Begin, payment), Kind::BeginPay, &begin, lane, now_ns);
            }
            Step::Fail(ordinal) => {
                let payment = self.journal.payment(plan.attempt, ordinal);
                let fail = FailPay { order, user, payment_id: of_payment(ordinal) };
                self.send(errand(Operation::Fail, payment), Kind::FailPay, &fail, lane, now_ns);
            }
            Step::Pay(ordinal) => {
                let payment = self.journal.payment(plan.attempt, ordinal);
                let confirm = Confirm { order, user, payment_id: of_payment(ordinal), amount };
                if self.send(errand(Operation::Confirm, payment), Kind::Confirm, &confirm, lane, now_ns) {
                    self.journal.confirms(payment);
                }
            }
            Step::Cancel => {
                let cancel = Cancel { order, user, reason: 1 };
                self.send(errand(Operation::Cancel, none), Kind::Cancel, &cancel, lane, now_ns);
            }
            Step::PayPart(_) | Step::Cut | Step::Swap => self.change(plan, now_ns),
        }
    }

    fn plan(&mut self, due_ns: u64, attempt: u32, step: Step) {
        self.plan_again(Plan { due_ns, attempt, step, tries: 0 });
    }

    fn plan_again(&mut self, plan: Plan) {
        if plan.due_ns <= self.task.last_ns {
            self.plans.push(Reverse(plan));
        }
    }

    /// Sends a request; false if too many are underway.
    fn send<R: Record>(&mut self, errand: Errand, kind: Kind, record: &R, lane: u32, now_ns: u64) -> bool {
        let token = lane as usize % self.links.len();
        let tries = errand.plan.map_or(0, |plan| plan.tries);
        if tries == 0 {
            self.budget.deposit();
        }
        if self.links[token].is_none() {
            self.task.recorder.sent(errand.operation, errand.due_ns, now_ns);
            self.lose(errand, false, now_ns);
            return true;
        }
        self.serial += 1;
        let flight = Flight {
            errand,
            token: u32::try_from(token).unwrap_or(u32::MAX),
            sent_ns: now_ns,
            after: self.seen,
            open: true,
            overdue: false,
            serial: self.serial,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.flights[index as usize] = flight;
                index
            }
            None if self.flights.len() < MOST_IN_FLIGHT => {
                self.flights.push(flight);
                u32::try_from(self.flights.len() - 1).unwrap_or(u32::MAX)
            }
            None => {
                self.held_back += 1;
                return false;
            }
        };
        let mut header = Header::new(kind, u64::from(index), 1);
        let never_sent = errand.operation == Operation::Reserve && tries == 0;
        header.flags = FLAG_DRILL | if never_sent { FLAG_FIRST_ATTEMPT } else { 0 };
        header.time = self.server_ms(now_ns) + u64::from(self.task.deadline_ms);
        if let Some(link) = &mut self.links[token] {
            let out = link.out();
            if out.is_empty() {
                self.dirty.push(token);
            }
            body::frame(header, std::slice::from_ref(record), out);
        }
        if let Some(patience_ns) = self.budget.patience_ns().filter(|_| errand.plan.is_some()) {
            let flight = (index, self.serial);
            self.patience.push_back(Patience { until_ns: now_ns + patience_ns, flight });
        }
        self.task.recorder.sent(errand.operation, errand.due_ns, now_ns);
        true
    }
}
