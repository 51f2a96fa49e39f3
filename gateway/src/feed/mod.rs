//! The event feed: what happened, from any log position on, for whoever asks.
//!
//! A consumer asks for a batch from a position ([`Fetch`]) and goes on from where the answer says. So the feed has no
//! subscriptions, no cursors of consumers and no queue that a slow one could fill; a consumer that was away for a
//! night asks for the position where it stopped. What it gets is what the log has, up to what is durable.
//!
//! ```text
//! reactor ──job──► queue ──► feed thread ──reads the log's files──► answer ──door──► reactor ──► connection
//!                              ▲  │ nothing new: waits with the job until something is durable, or its time is up
//!                              └──┘ more to be read: behind the others
//! ```
//!
//! Reading files takes what it takes, so a thread of its own does it: neither a reactor nor a shard waits for it. Each
//! job has a bounded turn, then the next one; a consumer who wants the last hundred events isn't held up by one who
//! reads a year.

mod event;
mod filter;
mod reader;

pub(crate) use reader::FeedReader;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use doorbuster_engine::Waker;
use doorbuster_engine::log::{Cursor, LogError};
use doorbuster_engine::storage::Storage;
use doorbuster_protocol::{Code, Fault, Fetch, Header, Kind, body};

use crate::reactor::Door;
use crate::server::Shared;

/// Requests of one reactor that may be unanswered; beyond: BUSY.
pub(crate) const MAX_FETCHES: usize = 64;

/// Requests of one connection that may be unanswered; beyond: BUSY. Each answer may be 1 MiB.
pub(crate) const MAX_FETCHES_EACH: u32 = 8;

/// Longest time that a request is worked at without an answer, though nothing was found yet: shorter than a client's
/// patience.
const AT_WORK: Duration = Duration::from_secs(1);

/// Longest sleep: how late, at most, a stop is noticed whose wake-up was lost.
const IDLE: Duration = Duration::from_millis(100);

/// What a refused request should wait, milliseconds.
const RETRY_AFTER_MS: u32 = 50;

/// A request, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) reactor: usize,
    pub(crate) session: usize,
    pub(crate) generation: u32,
    pub(crate) correlation: u64,
    pub(crate) ask: Fetch,
    pub(crate) received: Instant,
}

/// An answer on its way to its reactor.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) session: usize,
    pub(crate) generation: u32,
    pub(crate) correlation: u64,
    pub(crate) code: u16,
    /// A whole frame.
    pub(crate) frame: Vec<u8>,
}

/// Where reactors leave requests.
#[derive(Debug)]
pub(crate) struct Desk {
    jobs: ArrayQueue<Job>,
    /// Set by the feed thread before its last look for work, cleared by whoever wakes it. Sequentially consistent: the
    /// thread sees the work, or who brings it sees that it sleeps.
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
    ended: AtomicBool,
}

impl Desk {
    /// A desk for so many reactors.
    pub(crate) fn new(reactors: usize) -> Arc<Self> {
        Arc::new(Self {
            jobs: ArrayQueue::new(reactors.max(1) * MAX_FETCHES),
            asleep: AtomicBool::new(false),
            thread: OnceLock::new(),
            ended: AtomicBool::new(false),
        })
    }

    /// Wakes the feed thread when something has become durable.
    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        let desk = Arc::clone(self);
        Arc::new(move || desk.wake())
    }

    /// Leaves a request. Returns false if there is no room, which the bound of each reactor keeps from happening.
    pub(crate) fn push(&self, job: Job) -> bool {
        let pushed = self.jobs.push(job).is_ok();
        self.wake();
        pushed
    }

    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Starts the thread that answers.
    pub(crate) fn start(
        self: &Arc<Self>,
        storage: Arc<dyn Storage>,
        shared: Arc<Shared>,
        doors: Vec<Arc<Door>>,
    ) -> io::Result<JoinHandle<()>> {
        let desk = Arc::clone(self);
        std::thread::Builder::new().name("feed".to_owned()).spawn(move || {
            // The first to set it is this thread: a desk is started once.
            drop(desk.thread.set(std::thread::current()));
            Clerk { desk, storage, shared, doors, reader: None, jobs: VecDeque::new() }.run();
        })
    }

    /// Ends the thread; what is unanswered stays so.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Answers what is left at the desk.
struct Clerk {
    desk: Arc<Desk>,
    storage: Arc<dyn Storage>,
    shared: Arc<Shared>,
    doors: Vec<Arc<Door>>,
    /// Opened for the first request.
    reader: Option<FeedReader>,
    /// Requests that are worked at or wait for something new.
    jobs: VecDeque<Job>,
}

impl Clerk {
    fn run(mut self) {
        while !self.desk.ended.load(Ordering::SeqCst) {
            let durable = self.shared.engine.journal().durable();
            let mut idle = true;
            while let Some(job) = self.desk.jobs.pop() {
                self.jobs.push_back(job);
            }
            for _ in 0..self.jobs.len() {
                let Some(job) = self.jobs.pop_front() else { break };
                if let Some((job, more)) = self.turn(job) {
                    idle &= !more;
                    self.jobs.push_back(job);
                }
            }
            if idle {
                self.sleep(durable);
            }
        }
    }

    /// Sleeps until there is a request, something new for those who wait, or the time of one of them is up.
    fn sleep(&self, durable: u64) {
        self.desk.asleep.store(true, Ordering::SeqCst);
        let news = !self.jobs.is_empty()
            && (self.shared.engine.journal().durable() > durable || self.shared.stopping());
        if !news && self.desk.jobs.is_empty() {
            let now = Instant::now();
            let left = self.jobs.iter().map(|job| patience(job).saturating_duration_since(now)).min();
            std::thread::park_timeout(left.map_or(IDLE, |left| left.min(IDLE)));
        }
        self.desk.asleep.store(false, Ordering::SeqCst);
    }

    /// Works at a request. Gives it back where it isn't answered yet, and whether there is more to do at once.
    fn turn(&mut self, mut job: Job) -> Option<(Job, bool)> {
        let until = self.shared.engine.journal().durable();
        let from = job.ask.from;
        let turn = match self.reader().and_then(|reader| reader.turn(&job.ask, until)) {
            Ok(turn) => turn,
            Err(error) => {
                tracing::error!(%error, from, "the log can't be read for the feed");
                self.fail(&job, &error);
                return None;
            }
        };
        let late = Instant::now() >= if turn.more { job.received + AT_WORK } else { patience(&job) };
        let settled = turn.answer.code != Code::Ok.number() || !turn.answer.events.is_empty();
        if settled || late || self.shared.stopping() {
            let mut frame = Vec::new();
            let mut header = Header::new(Kind::Fetched, job.correlation, 1);
            header.time = turn.answer.durable;
            body::frame(header, std::slice::from_ref(&turn.answer), &mut frame);
            self.deliver(&job, turn.answer.code, frame);
            return None;
        }
        job.ask.from = turn.next;
        Some((job, turn.more))
    }

    fn reader(&mut self) -> Result<&mut FeedReader, LogError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => FeedReader::new(Cursor::open(Arc::clone(&self.storage))?),
        };
        Ok(self.reader.insert(reader))
    }

    /// Says that the log can't be read; begins anew with the next request.
    fn fail(&mut self, job: &Job, error: &LogError) {
        self.reader = None;
        let mut message = format!("the log can't be read from position {}: {error}", job.ask.from);
        let mut end = message.len().min(doorbuster_protocol::hello::MAX_TEXT);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        let code = Code::InvariantViolation.number();
        let mut frame = Vec::new();
        let fault = Fault { code, retry_after_ms: 0, message };
        body::frame(Header::new(Kind::Error, job.correlation, 1), std::slice::from_ref(&fault), &mut frame);
        self.deliver(job, code, frame);
    }

    fn deliver(&self, job: &Job, code: u16, frame: Vec<u8>) {
        let Some(door) = self.doors.get(job.reactor) else { return };
        let (session, generation, correlation) = (job.session, job.generation, job.correlation);
        door.reply(Reply { session, generation, correlation, code, frame });
    }
}

/// Until when a request waits for something new.
fn patience(job: &Job) -> Instant {
    job.received + Duration::from_millis(u64::from(job.ask.wait_ms))
}

/// The answer to a request that there is no room for.
pub(crate) fn busy(from: u64) -> doorbuster_protocol::Fetched {
    doorbuster_protocol::Fetched {
        code: Code::Busy.number(),
        retry_after_ms: RETRY_AFTER_MS,
        next: from,
        ..doorbuster_protocol::Fetched::default()
    }
}
