//! A sender: one thread, many connections, tens of thousands of shoppers.
//!
//! The thread never waits for an answer before it sends what is due. Each turn of its loop sends everything whose
//! time has come, then sleeps on its sockets until the next due time or the next answer. An answer to a reserve
//! plans what its shopper does next; payments and cancels have due times of their own, and count from them.

mod task;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorbuster_protocol::{
    Answer, Cancel, Confirm, FLAG_DRILL, FLAG_FIRST_ATTEMPT, Fault, Header, Kind, ReadStock, Record, Reserve,
    StockView, body,
};

pub use self::task::{Harvest, Progress, Task};
use crate::ids::IdMaker;
use crate::journal::{Attempt, Journal, Settlement};
use crate::net::{Link, LinkError, Poller};
use crate::population::{Intent, Visit};
use crate::recorder::Operation;

/// What every purchase costs, minor units: the server checks that the payment names the same.
const AMOUNT: u64 = 9_900;

/// When an impatient finger sends the same request again, nanoseconds after the first time.
const SECOND_PRESS_NS: u64 = 50_000_000;

/// Longest nap, so that an interruption is noticed.
const NAP: Duration = Duration::from_millis(20);

/// Longest wait for answers after the last request.
const DRAIN_NS: u64 = 10_000_000_000;

/// Most unanswered requests of a worker; what is due beyond is counted as not sent. Bounds memory at 50 MB.
const MOST_IN_FLIGHT: usize = 1 << 20;

/// A request without an answer yet; its index is its correlation.
#[derive(Clone, Copy, Debug)]
struct Flight {
    operation: Operation,
    /// Purchase that it belongs to; unused for looks.
    attempt: u32,
    token: u32,
    due_ns: u64,
    sent_ns: u64,
    open: bool,
}

/// Something that a shopper will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Plan {
    due_ns: u64,
    attempt: u32,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Repeat,
    Pay,
    Cancel,
}

/// A worker whose connections stand.
#[derive(Debug)]
pub struct Worker {
    task: Task,
    /// The start, the same for all workers.
    start: Instant,
    poller: Poller,
    links: Vec<Link>,
    dirty: Vec<usize>,
    flights: Vec<Flight>,
    free: Vec<u32>,
    plans: BinaryHeap<Reverse<Plan>>,
    ids: IdMaker,
    /// Server milliseconds at the start.
    server_start_ms: u64,
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
            let (link, welcome) = Link::connect(task.address, "doorbuster-drill")?;
            server_now_ms = welcome.now_ms;
            poller.add(link.stream(), token)?;
            links.push(link);
        }
        Ok(Self {
            task,
            start: Instant::now(),
            poller,
            links,
            dirty: Vec::new(),
            flights: Vec::new(),
            free: Vec::new(),
            plans: BinaryHeap::new(),
            ids: IdMaker::new(IdMaker::fresh_nonce()),
            server_start_ms: server_now_ms,
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
        self.abandon_flights(None);
        Harvest {
            recorder: self.task.recorder,
            journal: self.journal,
            held_back: self.held_back,
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
                self.plans.clear();
            }
            let now_ns = self.now_ns();
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
            self.flush()?;
            let next = arrival.into_iter().chain(self.plans.peek().map(|plan| plan.0.due_ns)).min();
            if next.is_none() {
                let give_up = *give_up_ns.get_or_insert(now_ns + DRAIN_NS);
                if self.free.len() == self.flights.len() || now_ns >= give_up {
                    return Ok(());
                }
            }
            let nap =
                next.map_or(NAP, |next| Duration::from_nanos(next.saturating_sub(self.now_ns())).min(NAP));
            self.poller.wait(nap, &mut ready)?;
            for &token in &ready {
                if let Err(error) = self.answers(token, progress) {
                    self.reconnect(token, &error)?;
                }
            }
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A shopper comes.
    fn arrive(&mut self, due_ns: u64, now_ns: u64) {
        match self.task.population.visit() {
            Visit::Look { sku } => {
                let read = ReadStock { sku: self.task.first_sku + u64::from(sku) };
                self.send(Operation::Look, Kind::ReadStock, &read, u32::MAX, sku, due_ns, now_ns);
            }
            Visit::Buy { user, sku, twice } => {
                let request_id = self.ids.make(self.server_start_ms + due_ns / 1_000_000);
                let attempt =
                    self.journal.begin(Attempt { request_id, user, sku, twice, ..Attempt::default() });
                self.reserve(Operation::Reserve, attempt, due_ns, now_ns);
                if twice {
                    self.plan(due_ns + SECOND_PRESS_NS, attempt, Step::Repeat);
                }
            }
        }
    }

    fn reserve(&mut self, operation: Operation, attempt: u32, due_ns: u64, now_ns: u64) {
        let Some(entry) = self.journal.attempts.get(attempt as usize).copied() else { return };
        let reserve = Reserve {
            request_id: entry.request_id,
            user: u64::from(entry.user),
            sku: self.task.first_sku + u64::from(entry.sku),
            amount: AMOUNT,
            hold_ms: self.task.hold_ms,
            quantity: 1,
            ..Reserve::default()
        };
        self.send(operation, Kind::Reserve, &reserve, attempt, entry.user, due_ns, now_ns);
    }

    /// A shopper does what he planned.
    fn follow(&mut self, plan: Plan, now_ns: u64) {
        let Some(entry) = self.journal.attempts.get_mut(plan.attempt as usize) else { return };
        let (order, user) = (entry.order, u64::from(entry.user));
        match plan.step {
            Step::Repeat => self.reserve(Operation::Repeat, plan.attempt, plan.due_ns, now_ns),
            Step::Pay => {
                entry.settlement = Settlement::Pay;
                let confirm = Confirm { order, user, payment_id: entry.request_id, amount: AMOUNT };
                let lane = entry.user;
                self.send(
                    Operation::Confirm,
                    Kind::Confirm,
                    &confirm,
                    plan.attempt,
                    lane,
                    plan.due_ns,
                    now_ns,
                );
            }
            Step::Cancel => {
                entry.settlement = Settlement::Cancel;
                let cancel = Cancel { order, user, reason: 1 };
                let lane = entry.user;
                self.send(Operation::Cancel, Kind::Cancel, &cancel, plan.attempt, lane, plan.due_ns, now_ns);
            }
        }
    }

    fn plan(&mut self, due_ns: u64, attempt: u32, step: Step) {
        if due_ns <= self.task.last_ns {
            self.plans.push(Reverse(Plan { due_ns, attempt, step }));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a request meets its bookkeeping")]
    fn send<R: Record>(
        &mut self,
        operation: Operation,
        kind: Kind,
        record: &R,
        attempt: u32,
        lane: u32,
        due_ns: u64,
        now_ns: u64,
    ) {
        let token = lane as usize % self.links.len();
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.flights.len() < MOST_IN_FLIGHT => {
                let nothing = Flight { operation, attempt, token: 0, due_ns, sent_ns: now_ns, open: false };
                self.flights.push(nothing);
                u32::try_from(self.flights.len() - 1).unwrap_or(u32::MAX)
            }
            None => {
                self.held_back += 1;
                return;
            }
        };
        self.flights[index as usize] = Flight {
            operation,
            attempt,
            token: u32::try_from(token).unwrap_or(u32::MAX),
            due_ns,
            sent_ns: now_ns,
            open: true,
        };
        let mut header = Header::new(kind, u64::from(index), 1);
        let first = if operation == Operation::Repeat { 0 } else { FLAG_FIRST_ATTEMPT };
        header.flags = FLAG_DRILL | first;
        header.time = self.server_start_ms + now_ns / 1_000_000 + u64::from(self.task.deadline_ms);
        let out = self.links[token].out();
        if out.is_empty() {
            self.dirty.push(token);
        }
        body::frame(header, std::slice::from_ref(record), out);
        self.task.recorder.sent(operation, due_ns, now_ns);
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        let mut dirty = std::mem::take(&mut self.dirty);
        for token in dirty.drain(..) {
            match self.links[token].flush() {
                Ok(true) => {}
                Ok(false) => self.poller.want_write(self.links[token].stream(), token, true)?,
                Err(error) => self.reconnect(token, &error)?,
            }
        }
        self.dirty = dirty;
        Ok(())
    }

    /// Takes what a connection has to say, and writes on where it was full.
    fn answers(&mut self, token: usize, progress: &Progress) -> Result<(), LinkError> {
        if !self.links[token].is_flushed() && self.links[token].flush()? {
            self.poller.want_write(self.links[token].stream(), token, false)?;
        }
        self.links[token].receive()?;
        let now_ns = self.now_ns();
        let Self { task, links, flights, free, journal, plans, .. } = self;
        let Task { recorder, population, last_ns, .. } = task;
        links[token].each_frame(|header, content| {
            if header.kind == Kind::Goodbye {
                return Ok(());
            }
            let index = usize::try_from(header.correlation).unwrap_or(usize::MAX);
            let Some(flight) = flights.get_mut(index).filter(|flight| flight.open) else {
                journal.faults.note(|| format!("an answer to nothing that was asked: correlation {index}"));
                return Ok(());
            };
            flight.open = false;
            free.push(u32::try_from(index).unwrap_or(u32::MAX));
            let code = match header.kind {
                Kind::Error => body::read_one::<Fault>(header, content)?.code,
                Kind::StockRead => body::read_one::<StockView>(header, content)?.code,
                _ => {
                    let answer: Answer = body::read_one(header, content)?;
                    note(flight, &answer, journal, |attempt| {
                        let (delay, step) = match population.intent() {
                            Intent::Pay(delay) => (delay, Step::Pay),
                            Intent::Cancel(delay) => (delay, Step::Cancel),
                            Intent::Leave => return,
                        };
                        let due_ns = now_ns + delay;
                        if due_ns <= *last_ns {
                            plans.push(Reverse(Plan { due_ns, attempt, step }));
                        }
                    });
                    answer.code
                }
            };
            recorder.answered(flight.operation, code, flight.due_ns, flight.sent_ns, now_ns);
            let done = doorbuster_protocol::Code::from_number(code)
                .is_some_and(|code| code.class() == doorbuster_protocol::Class::Done);
            let counter = if done { &progress.done } else { &progress.refused };
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    /// A connection broke: what it carried stays unanswered. One new connection is tried; if that fails, the
    /// target is lost.
    fn reconnect(&mut self, token: usize, error: &LinkError) -> Result<(), LinkError> {
        self.abandon_flights(Some(token));
        // The old socket is closed with its link; the poller forgets it then.
        let (link, _) = Link::connect(self.task.address, "doorbuster-drill")
            .map_err(|again| LinkError::Refused(format!("{error}; and a new connection failed: {again}")))?;
        self.poller.add(link.stream(), token)?;
        self.links[token] = link;
        self.reconnects += 1;
        Ok(())
    }

    /// Counts what is in flight, on one connection or on all, as unanswered.
    fn abandon_flights(&mut self, token: Option<usize>) {
        for (index, flight) in (0..).zip(&mut self.flights) {
            if flight.open && token.is_none_or(|token| flight.token as usize == token) {
                flight.open = false;
                self.free.push(index);
                self.task.recorder.unanswered(flight.operation, flight.due_ns);
            }
        }
    }
}

/// Writes an answer into the account; `plan` is called if it made an order known.
fn note(flight: &Flight, answer: &Answer, journal: &mut Journal, plan: impl FnOnce(u32)) {
    match flight.operation {
        Operation::Reserve | Operation::Repeat => {
            if journal.reserved(flight.attempt, answer, flight.operation == Operation::Repeat) {
                plan(flight.attempt);
            }
        }
        Operation::Confirm | Operation::Cancel => {
            if let Some(entry) = journal.attempts.get_mut(flight.attempt as usize) {
                entry.settled = answer.code;
            }
        }
        Operation::Look => {}
    }
}
