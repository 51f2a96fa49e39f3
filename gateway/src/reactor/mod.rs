//! A reactor: one thread that serves many connections.
//!
//! Each pass takes what the poll reports, reads every ready connection, decodes its frames and sorts the operations
//! into one batch a shard; then it hands the batches in, decides them (unless another reactor is at that shard), and
//! lets those answers go whose log position is durable. A pass is one poll, one read and at most one write a
//! connection, and no wake-up, allocation or lock that an order would have to itself.
//!
//! ```text
//! poll ─► read + decode ─► batch a shard ─► submit, visit ─► take decided ─► durable? ─► encode ─► write
//!   ▲                                                            waits by ticket │             │
//!   └────────────────────────────────────────────────────────────────────────────┴─────────────┘
//! ```
//!
//! Answers wait in one queue ordered by ticket. The journal wakes the reactor after each group; the reactor says when
//! it sleeps, so that a busy one is never woken.

mod frames;
mod session;
mod stats;

pub(crate) use session::MAX_IN_FLIGHT;
pub use stats::{OpStats, ReactorStats};

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use doorbuster_engine::shard::{self, Batch, MAX_SLOTS, Slot, Work};
use doorbuster_engine::{Engine, MAX_BATCHES};
use doorbuster_ledger::{PartitionId, RequestId, Timestamp};
use doorbuster_protocol::{
    Answer, Code, FLAG_FIRST_ATTEMPT, Fault, Header, Hello, Kind, OrderView, Parsed, ProtocolError,
    ReadStock, StatusView, StockView, VERSION, Welcome, body, parse,
};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use slab::Slab;

use crate::convert;
use crate::server::Shared;
use frames::Frames;
use session::Session;

/// The token of the waker in the poll.
const WAKER: Token = Token(usize::MAX);
/// The token of the listener in the poll.
const LISTENER: Token = Token(usize::MAX - 1);

/// Bytes that one read asks for: a batch of 4,096 reserves.
const READ: usize = 256 << 10;

/// Readiness events that one poll reports.
const EVENTS: usize = 1_024;

/// Longest sleep of a poll: how late, at most, an idle server lets a hold expire.
const TICK: Duration = Duration::from_millis(4);

/// Connections accepted elsewhere that may wait to be taken over.
const MAX_HANDED: usize = 4_096;

/// How other threads reach a reactor.
#[derive(Debug)]
pub(crate) struct Door {
    waker: mio::Waker,
    /// Set by the reactor before it polls, cleared by whoever wakes it: one system call a sleep at most. Sequentially
    /// consistent with the reactor's last look at its port and at the durable position.
    asleep: AtomicBool,
    handed: ArrayQueue<TcpStream>,
}

impl Door {
    /// Wakes the reactor if it sleeps.
    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // The only failure is a full event counter, which means that it is being woken already.
            drop(self.waker.wake());
        }
    }
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Reactor {
    index: usize,
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    poll: Poll,
    door: Arc<Door>,
    doors: Vec<Arc<Door>>,
    listener: Option<TcpListener>,
    next_door: usize,
    sessions: Slab<Session>,
    generation: u32,
    frames: Frames,
    /// A batch a shard, being filled.
    filling: Vec<Batch>,
    /// Full batches that their shard's inbox or the port's bound had no room for.
    held_back: VecDeque<(usize, Batch)>,
    /// Batches handed in and not taken back.
    underway: usize,
    /// Decided batches whose ticket is not durable yet, in the order of their tickets.
    waiting: VecDeque<Batch>,
    spare: Vec<Vec<Slot>>,
    /// Sessions with output to write.
    dirty: Vec<usize>,
    /// Sessions that stopped reading at a bound.
    stalled: Vec<usize>,
    scratch: Vec<u8>,
    rng: Xoshiro256PlusPlus,
    stats: Arc<ReactorStats>,
    /// The time of this pass.
    now: Instant,
    draining_since: Option<Instant>,
}

/// A reactor's poll and door, made before the engine that wakes it.
pub(crate) fn prepare() -> io::Result<(Poll, Arc<Door>)> {
    let poll = Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), WAKER)?;
    let door = Door { waker, asleep: AtomicBool::new(false), handed: ArrayQueue::new(MAX_HANDED) };
    Ok((poll, Arc::new(door)))
}

impl Reactor {
    pub(crate) fn new(
        index: usize,
        (poll, door): (Poll, Arc<Door>),
        doors: Vec<Arc<Door>>,
        listener: Option<TcpListener>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let mut listener = listener;
        if let Some(listener) = &mut listener {
            poll.registry().register(listener, LISTENER, Interest::READABLE)?;
        }
        let engine = Arc::clone(&shared.engine);
        let batch = || Batch { reactor: index, ..Batch::default() };
        let seed = shared.seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Ok(Self {
            index,
            stats: Arc::clone(&shared.stats[index]),
            poll,
            door,
            doors,
            listener,
            next_door: 0,
            sessions: Slab::new(),
            generation: 0,
            frames: Frames::default(),
            filling: (0..engine.shards()).map(|_| batch()).collect(),
            held_back: VecDeque::new(),
            underway: 0,
            waiting: VecDeque::new(),
            spare: Vec::new(),
            dirty: Vec::new(),
            stalled: Vec::new(),
            scratch: vec![0; READ],
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            engine,
            shared,
            now: Instant::now(),
            draining_since: None,
        })
    }

    /// Serves until the server is told to stop or the log fails.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let timeout = if self.has_work_now() { Duration::ZERO } else { TICK };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            self.door.asleep.store(false, Ordering::SeqCst);
            self.now = Instant::now();
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => self.accept(),
                    Token(name) => {
                        if event.is_read_closed()
                            && let Some(session) = self.sessions.get_mut(name)
                        {
                            session.ended = true;
                        }
                        if event.is_readable() || event.is_read_closed() {
                            self.read(name, true);
                        }
                        if event.is_writable() {
                            self.mark_dirty(name);
                        }
                    }
                }
            }
            self.adopt();
            self.resume();
            self.decide();
            self.release();
            self.flush();
            if self.engine.journal().poisoned().is_some() {
                // Nothing may be acknowledged any more: close every connection without an answer.
                return Ok(());
            }
            if self.drained() {
                return Ok(());
            }
        }
    }

    /// Announces sleep, then looks once more for what must not wait for the next event.
    fn has_work_now(&mut self) -> bool {
        self.door.asleep.store(true, Ordering::SeqCst);
        let durable = self.engine.journal().durable();
        while let Some(batch) = self.engine.take(self.index) {
            self.keep_in_order(batch);
        }
        self.waiting.front().is_some_and(|batch| batch.ticket <= durable)
            || (!self.held_back.is_empty() && self.underway < MAX_BATCHES / 2)
    }

    fn accept(&mut self) {
        loop {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok((stream, _)) => {
                    let door = &self.doors[self.next_door % self.doors.len()];
                    self.next_door += 1;
                    if door.handed.push(stream).is_ok() {
                        door.wake();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // Out of descriptors, or a peer that was gone before it was taken: the others go on.
                    tracing::warn!(%error, "can't accept a connection");
                    return;
                }
            }
        }
    }

    /// Takes over connections that were accepted for this reactor.
    fn adopt(&mut self) {
        while let Some(mut stream) = self.door.handed.pop() {
            if self.sessions.len() >= self.shared.max_connections || self.draining_since.is_some() {
                continue;
            }
            drop(stream.set_nodelay(true));
            let entry = self.sessions.vacant_entry();
            let name = entry.key();
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = self.poll.registry().register(&mut stream, Token(name), interest) {
                tracing::warn!(%error, "can't watch a connection");
                continue;
            }
            self.generation = self.generation.wrapping_add(1);
            entry.insert(Session::new(stream, self.generation));
            self.stats.opened();
            self.read(name, true);
        }
    }

    /// Reads what a connection has, until it is empty or at a bound.
    fn read(&mut self, name: usize, readable: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Some(session) = self.sessions.get_mut(name) {
            session.readable |= readable;
        }
        while let Some(session) = self.sessions.get_mut(name) {
            if !session.readable {
                break;
            }
            if !session.may_read() || self.underway + self.held_back.len() >= MAX_BATCHES / 2 {
                if !session.closing && !self.stalled.contains(&name) {
                    self.stalled.push(name);
                }
                break;
            }
            let read = session.read(&mut scratch);
            match read {
                Ok(None) => break,
                Ok(Some(0)) | Err(_) => {
                    self.close(name);
                    break;
                }
                Ok(Some(length)) => {
                    let fresh = scratch.get(..length).unwrap_or_default();
                    if let Err(error) = self.take_in(name, fresh) {
                        self.fail(name, 0, &error);
                        break;
                    }
                }
            }
        }
        self.scratch = scratch;
    }

    /// Decodes all whole frames of a connection's bytes and keeps the rest.
    fn take_in(&mut self, name: usize, fresh: &[u8]) -> Result<(), ProtocolError> {
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        let mut kept = std::mem::take(&mut session.input);
        if kept.is_empty() {
            let used = self.frames_in(name, fresh)?;
            kept.extend_from_slice(fresh.get(used..).unwrap_or_default());
        } else {
            kept.extend_from_slice(fresh);
            let used = self.frames_in(name, &kept)?;
            kept.drain(..used);
        }
        if let Some(session) = self.sessions.get_mut(name)
            && !kept.is_empty()
        {
            session.input = kept;
        }
        Ok(())
    }

    fn frames_in(&mut self, name: usize, bytes: &[u8]) -> Result<usize, ProtocolError> {
        let mut used = 0;
        loop {
            match parse(bytes.get(used..).unwrap_or_default())? {
                Parsed::Incomplete { .. } => return Ok(used),
                Parsed::Frame { header, body, consumed } => {
                    self.frame(name, &header, body)?;
                    used += consumed;
                    if self.sessions.get(name).is_none_or(|session| session.closing) {
                        return Ok(bytes.len());
                    }
                }
            }
        }
    }

    fn frame(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        if !session.greeted && header.kind != Kind::Hello {
            self.fault(name, header.correlation, Code::HelloRequired, "the first frame must be HELLO");
            self.close_after_flush(name);
            return Ok(());
        }
        if self.draining_since.is_some() && header.kind != Kind::Ping {
            self.fault(name, header.correlation, Code::ShuttingDown, "the server is shutting down");
            return Ok(());
        }
        match header.kind {
            Kind::Hello => self.hello(name, header, body),
            Kind::Ping => {
                self.say(name, &Header::new(Kind::Pong, header.correlation, 0), |_| {});
                Ok(())
            }
            Kind::ReadStatus => {
                self.status(name, header);
                Ok(())
            }
            Kind::Reserve => {
                let first = header.flags & FLAG_FIRST_ATTEMPT != 0;
                self.operations(name, header, body, |asked, fresh| convert::reserve(asked, first, fresh))
            }
            Kind::ReserveOrder => {
                let first = header.flags & FLAG_FIRST_ATTEMPT != 0;
                self.operations(name, header, body, |asked, fresh| {
                    convert::reserve_order(asked, first, fresh)
                })
            }
            Kind::Confirm => self.operations(name, header, body, |asked, _| Ok(convert::confirm(asked))),
            Kind::Cancel => self.operations(name, header, body, |asked, _| Ok(convert::cancel(asked))),
            Kind::PutSku => self.operations(name, header, body, |asked, _| Ok(convert::put_sku(asked))),
            Kind::Restock => {
                self.operations(name, header, body, |asked, fresh| Ok(convert::restock(asked, fresh)))
            }
            Kind::ReadOrder => self.operations(name, header, body, |asked, _| Ok(convert::read_order(asked))),
            Kind::ReadStock => {
                self.operations(name, header, body, |asked: &ReadStock, _| Ok(convert::read_stock(*asked)))
            }
            kind => Err(ProtocolError::UnknownKind { kind: kind.byte() }),
        }
    }

    /// Sorts a frame's operations into the shards' batches.
    fn operations<R: doorbuster_protocol::Record>(
        &mut self,
        name: usize,
        header: &Header,
        body: &[u8],
        mut convert: impl FnMut(&R, convert::FreshId<'_>) -> convert::Asked,
    ) -> Result<(), ProtocolError> {
        if header.count == 0 {
            return Err(ProtocolError::BatchSize { count: 0, limit: doorbuster_protocol::MAX_BATCH });
        }
        let least = R::MIN_LEN.saturating_mul(header.count as usize);
        if body.len() < least {
            return Err(ProtocolError::Body { kind: header.kind.name(), index: 0, reason: "cut short" });
        }
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        // The whole body is checked before the first operation of it is handed in: a frame is taken or refused whole.
        let mark: Vec<usize> = self.filling.iter().map(|batch| batch.slots.len()).collect();
        let frame = self.frames.expect(header, (name, session.generation), self.now);
        let deadline = Timestamp::new(header.time);
        let mut index = 0;
        let mut refused: Vec<(u64, Answer)> = Vec::new();
        let (filling, rng, engine) = (&mut self.filling, &mut self.rng, &self.engine);
        let read = body::read(header, body, |asked: R| {
            let token = Frames::token(frame, index);
            index += 1;
            let mut fresh = || fresh_id(rng, engine.now());
            match convert(&asked, &mut fresh) {
                Ok((partition, request)) => {
                    let slot = Slot { token, deadline, work: Work::Asked(request) };
                    put(filling, engine, partition, slot);
                }
                Err(answer) => refused.push((token, answer)),
            }
        });
        if let Err(error) = read {
            for (batch, mark) in self.filling.iter_mut().zip(mark) {
                batch.slots.truncate(mark);
            }
            self.frames.finish(frame, 0, None);
            return Err(error);
        }
        session.in_flight = session.in_flight.saturating_add(header.count);
        for (token, answer) in refused {
            self.stats.count(header.kind, answer.code);
            if let Some(done) = self.frames.answer(token, &answer) {
                self.finish(done);
            }
        }
        for shard in 0..self.filling.len() {
            if self.filling[shard].slots.len() >= MAX_SLOTS / 2 {
                self.hand_in(shard);
            }
        }
        Ok(())
    }

    fn hello(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let hello: Hello = body::read_one(header, body)?;
        if hello.oldest > VERSION || hello.newest < VERSION {
            return Err(ProtocolError::Version { found: hello.newest });
        }
        let rules = self.shared.rules;
        let welcome = Welcome {
            version: VERSION,
            durability: self.shared.durability_byte(),
            features: 0,
            now_ms: self.engine.now().raw(),
            log_id: self.shared.log_id,
            max_batch: doorbuster_protocol::MAX_BATCH,
            max_body: doorbuster_protocol::MAX_BODY,
            max_in_flight: MAX_IN_FLIGHT,
            idempotency_window_ms: rules.idempotency_window_ms,
            default_hold_ms: rules.default_hold_ms,
            max_hold_ms: rules.max_hold_ms,
            server: concat!("doorbuster/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        if let Some(session) = self.sessions.get_mut(name) {
            session.greeted = true;
        }
        self.say(name, &Header::new(Kind::Welcome, header.correlation, 1), |out| body::put(&welcome, out));
        Ok(())
    }

    fn status(&mut self, name: usize, header: &Header) {
        let totals = self.engine.totals();
        let journal = self.engine.journal();
        let view = StatusView {
            code: Code::Ok.number(),
            durability: self.shared.durability_byte(),
            throwaway: u8::from(self.shared.throwaway),
            shards: u32::try_from(self.engine.shards()).unwrap_or(u32::MAX),
            now_ms: self.engine.now().raw(),
            skus: totals.skus,
            orders: totals.orders,
            available: totals.available,
            held: totals.held,
            sold: totals.sold,
            decided: journal.decided(),
            durable: journal.durable(),
            sync_p99_us: journal.stats().sync_times().p99_us,
        };
        self.say(name, &Header::new(Kind::StatusRead, header.correlation, 1), |out| body::put(&view, out));
    }

    /// Appends a frame to a session's output.
    fn say(&mut self, name: usize, header: &Header, body: impl FnOnce(&mut Vec<u8>)) {
        if let Some(session) = self.sessions.get_mut(name) {
            header.encode(session.output(), body);
        }
        self.mark_dirty(name);
    }

    fn fault(&mut self, name: usize, correlation: u64, code: Code, message: &str) {
        let mut message = message.to_owned();
        message.truncate(doorbuster_protocol::hello::MAX_TEXT);
        let fault = Fault { code: code.number(), retry_after_ms: 0, message };
        self.stats.fault();
        self.say(name, &Header::new(Kind::Error, correlation, 1), |out| body::put(&fault, out));
    }

    /// Answers a broken frame and closes its connection; no other is touched.
    fn fail(&mut self, name: usize, correlation: u64, error: &ProtocolError) {
        self.fault(name, correlation, error.code(), &error.to_string());
        self.close_after_flush(name);
    }

    fn close_after_flush(&mut self, name: usize) {
        if let Some(session) = self.sessions.get_mut(name) {
            session.closing = true;
        }
        self.mark_dirty(name);
    }

    fn close(&mut self, name: usize) {
        if let Some(mut session) = self.sessions.try_remove(name) {
            drop(self.poll.registry().deregister(&mut session.stream));
            self.stats.closed();
        }
    }

    fn mark_dirty(&mut self, name: usize) {
        if let Some(session) = self.sessions.get_mut(name)
            && !session.dirty
        {
            session.dirty = true;
            self.dirty.push(name);
        }
    }

    /// Lets sessions read again that had stopped at a bound and are under it now.
    fn resume(&mut self) {
        if self.stalled.is_empty() || self.underway + self.held_back.len() >= MAX_BATCHES / 2 {
            return;
        }
        for name in std::mem::take(&mut self.stalled) {
            self.read(name, false);
        }
    }

    fn hand_in(&mut self, shard: usize) {
        let slots = self.spare.pop().unwrap_or_default();
        let fresh = Batch { reactor: self.index, slots, ticket: 0 };
        let mut batch = std::mem::replace(&mut self.filling[shard], fresh);
        while batch.slots.len() > MAX_SLOTS {
            let rest = batch.slots.split_off(MAX_SLOTS);
            let first = std::mem::replace(&mut batch, Batch { reactor: self.index, slots: rest, ticket: 0 });
            self.held_back.push_back((shard, first));
        }
        self.held_back.push_back((shard, batch));
    }

    /// Hands the batches in and decides them, and whatever else waits at the shards.
    fn decide(&mut self) {
        for shard in 0..self.filling.len() {
            if !self.filling[shard].slots.is_empty() {
                self.hand_in(shard);
            }
        }
        while self.underway < MAX_BATCHES {
            let Some((shard, batch)) = self.held_back.pop_front() else { break };
            match self.engine.submit(shard, batch) {
                Ok(()) => self.underway += 1,
                Err(batch) => {
                    self.held_back.push_front((shard, batch));
                    break;
                }
            }
        }
        for shard in 0..self.filling.len() {
            self.engine.visit(shard, self.index);
        }
        while let Some(batch) = self.engine.take(self.index) {
            self.keep_in_order(batch);
        }
    }

    /// Files a decided batch by its ticket. Nearly always the last place.
    fn keep_in_order(&mut self, batch: Batch) {
        self.underway = self.underway.saturating_sub(1);
        let mut at = self.waiting.len();
        while at > 0 && self.waiting[at - 1].ticket > batch.ticket {
            at -= 1;
        }
        self.waiting.insert(at, batch);
    }

    /// Encodes the answers whose ticket is durable.
    fn release(&mut self) {
        let durable = self.engine.journal().durable();
        while self.waiting.front().is_some_and(|batch| batch.ticket <= durable) {
            let Some(mut batch) = self.waiting.pop_front() else { return };
            for slot in batch.slots.drain(..) {
                let Work::Answered(answer) = slot.work else { continue };
                let done = match answer {
                    shard::Answer::Outcome(outcome) => self.answer(slot.token, &convert::outcome(&outcome)),
                    shard::Answer::DeadlineExceeded => self.answer_too_late(slot.token),
                    shard::Answer::Order(order) => self.frames.answer(slot.token, &convert::order(&order)),
                    shard::Answer::Stock(stock) => {
                        self.frames.answer(slot.token, &convert::stock(stock.as_ref()))
                    }
                };
                if let Some(done) = done {
                    self.finish(done);
                }
            }
            if self.spare.len() < MAX_BATCHES {
                self.spare.push(batch.slots);
            }
        }
    }

    fn answer(&mut self, token: u64, answer: &Answer) -> Option<usize> {
        let name = usize::try_from(token >> 32).ok()?;
        if let Some(frame) = self.frames.get(name) {
            self.stats.count(frame.kind, answer.code);
        }
        self.frames.answer(token, answer)
    }

    /// Answers an operation whose deadline had passed, with the record that its kind calls for.
    fn answer_too_late(&mut self, token: u64) -> Option<usize> {
        let name = usize::try_from(token >> 32).ok()?;
        let code = Code::DeadlineExceeded.number();
        match self.frames.get(name)?.kind {
            Kind::ReadOrder => self.frames.answer(token, &OrderView { code, ..OrderView::default() }),
            Kind::ReadStock => self.frames.answer(token, &StockView { code, ..StockView::default() }),
            _ => self.answer(token, &Answer::of(Code::DeadlineExceeded)),
        }
    }

    /// Sends a frame whose answers are all there.
    fn finish(&mut self, done: usize) {
        let Some(frame) = self.frames.get(done) else { return };
        let (name, generation, count) = (frame.session, frame.generation, frame.count);
        self.stats.took(frame.kind, self.now.saturating_duration_since(frame.received), count);
        let position = self.engine.journal().durable();
        let session = self.sessions.get_mut(name).filter(|session| session.generation == generation);
        let output = session.map(|session| {
            session.in_flight = session.in_flight.saturating_sub(count);
            session.output()
        });
        let alive = output.is_some();
        self.frames.finish(done, position, output);
        if alive {
            self.mark_dirty(name);
        }
    }

    fn flush(&mut self) {
        for name in std::mem::take(&mut self.dirty) {
            let Some(session) = self.sessions.get_mut(name) else { continue };
            session.dirty = false;
            let flushed = session.flush();
            let answered = session.backlog() == 0 && session.in_flight == 0;
            if flushed.is_err() || (session.closing && answered) {
                self.close(name);
            }
        }
    }

    /// Whether a stop was asked for and everything taken in has been answered.
    fn drained(&mut self) -> bool {
        if !self.shared.stopping() {
            return false;
        }
        if self.draining_since.is_none() {
            self.draining_since = Some(self.now);
            self.listener = None;
            let names: Vec<usize> = self.sessions.iter().map(|(name, _)| name).collect();
            for name in names {
                self.say(name, &Header::new(Kind::Goodbye, 0, 0), |_| {});
            }
            self.flush();
        }
        let idle = self.frames.len() == 0 && self.sessions.iter().all(|(_, session)| session.backlog() == 0);
        let patience =
            self.draining_since.is_some_and(|since| self.now.duration_since(since) > self.shared.drain);
        idle || patience
    }
}

/// Appends a slot to its shard's batch.
#[inline]
fn put(filling: &mut [Batch], engine: &Engine, partition: PartitionId, slot: Slot) {
    if let Some(batch) = filling.get_mut(engine.shard_of(partition)) {
        batch.slots.push(slot);
    }
}

/// A UUID version 7 made here, for a client that sent no id.
fn fresh_id(rng: &mut Xoshiro256PlusPlus, now: Timestamp) -> RequestId {
    let random: u128 = rng.random();
    let time = u128::from(now.raw()) << 80;
    let tail = random & ((0xFFF << 64) | ((1 << 62) - 1));
    RequestId::new(time | (7 << 76) | (2 << 62) | tail)
}
