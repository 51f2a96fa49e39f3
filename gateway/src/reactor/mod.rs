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

mod breaking;
mod callers;
mod dispatch;
mod door;
mod fetches;
mod frames;
mod gate;
mod intake;
mod keys;
mod network;
mod outlet;
mod pushes;
mod session;
mod sockets;
mod sorting;
mod stats;
mod sweep;
mod verdict;
mod watches;
mod wire;

pub(crate) use callers::Callers;
pub(crate) use door::Door;
pub(crate) use intake::fresh_id;
pub(crate) use network::{Arrival, Dialect, Network, Ready};
pub(crate) use session::MAX_IN_FLIGHT;
pub(crate) use sockets::Sockets;
pub(crate) use stats::histogram;
pub use stats::{OpStats, Pressure, ReactorStats};
pub use verdict::Verdict;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorbuster_engine::shard::{Batch, MAX_SLOTS, Slot};
use doorbuster_engine::{Engine, MAX_BATCHES, Notice};
use doorbuster_ledger::Timestamp;
use doorbuster_protocol::{Answer, Code, FEATURE_CREDITS, Fault, Header, Kind, ProtocolError, body};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use slab::Slab;

use crate::emergency::Standing;
use crate::overload::admission::Settings;
use crate::overload::anomaly::Counts;
use crate::overload::losses::Tally;
use crate::overload::{Admission, Class, Credits, Losses, Shoppers};
use crate::server::Shared;
use breaking::Handed;
use frames::Frames;
use keys::Keys;
use session::Session;
use watches::Watches;

/// Bytes that one read asks for: a batch of 4,096 reserves.
const READ: usize = 256 << 10;

/// Longest sleep of a poll: how late, at most, an idle server lets a hold expire.
const TICK: Duration = Duration::from_millis(4);

/// Decided operations that may wait for the log before a reactor stops reading: what a sold-out crowd can pile up behind
/// a sync that hangs. 262,144 slots of 160 bytes are 40 MiB.
const MAX_WAITING: usize = 1 << 18;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Reactor<N: Network> {
    index: usize,
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    network: N,
    door: Arc<Door>,
    sessions: Slab<Session<N::Stream>>,
    generation: u32,
    frames: Frames,
    /// A batch a shard, being filled, and behind them one for what concerns several.
    filling: Vec<Batch>,
    /// The operations of each of these by class.
    filling_classes: Vec<[u32; Class::COUNT]>,
    /// Full batches that their shard's inbox or the port's bound had no room for.
    held_back: VecDeque<(usize, Batch)>,
    /// What breakers want to know of batches that they let through, by [`Batch::tag`] less one.
    handed: Slab<Handed>,
    /// Batches handed in and not taken back.
    underway: usize,
    /// More is due at a shard than the last visit dealt with.
    due: bool,
    /// Operations in `waiting`.
    waiting_len: usize,
    /// Fetches that the feed has not answered.
    fetching: usize,
    /// Decided batches whose ticket is not durable yet, in the order of their tickets.
    waiting: VecDeque<Batch>,
    /// Who is to be told of which orders.
    watches: Watches,
    /// What is to be told when it is durable.
    notices: Vec<Notice>,
    /// The least ticket of these; `u64::MAX` where there are none.
    first_ticket: u64,
    spare: Vec<Vec<Slot>>,
    /// What the network reported. Empty between passes.
    ready: Vec<Ready>,
    /// Sessions with output to write.
    dirty: Vec<usize>,
    /// Sessions that stopped reading at a bound.
    stalled: Vec<usize>,
    scratch: Vec<u8>,
    rng: Xoshiro256PlusPlus,
    stats: Arc<ReactorStats>,
    /// Who is let in.
    admission: Admission,
    losses: Losses,
    /// Answers that came late.
    late: Tally,
    /// Operations that were refused unread, as their deadlines had passed.
    unread: Tally,
    /// How often each shopper may ask, where that is limited.
    shoppers: Option<Shoppers>,
    /// What plans want of it, and which change of that it is.
    standing: (u64, Arc<Standing>),
    /// Who may do what.
    keys: Keys,
    /// New holds that were asked for, where rules look at them.
    counts: Option<Arc<Counts>>,
    /// What connections may have unanswered.
    credits: Credits,
    /// Connections that keep to their credit.
    crediting: u64,
    /// What they were told last, each.
    credit: Option<u32>,
    /// Answers of a frame that needed no shard. Empty between frames.
    answered: Vec<(u64, Answer)>,
    /// Reads of this pass from connections that are agreeing on keys.
    agreeing: u32,
    /// When connections were looked for last that take up room.
    swept: Instant,
    /// The time of this pass.
    now: Instant,
    /// The same, as the engine has it.
    wall: Timestamp,
    draining_since: Option<Instant>,
}

/// Whether a reactor goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// With another pass.
    On,
    /// Everything is answered that ever will be.
    Ended,
}

impl<N: Network> Reactor<N> {
    pub(crate) fn new(index: usize, network: N, door: Arc<Door>, shared: Arc<Shared>) -> Self {
        let engine = Arc::clone(&shared.engine);
        let batch = || Batch { reactor: index, ..Batch::default() };
        let regime = &shared.emergency.regime;
        let standing = (regime.generation(), regime.standing());
        let seed = shared.seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let now = network.now();
        Self {
            index,
            stats: Arc::clone(&shared.stats[index]),
            network,
            door,
            sessions: Slab::new(),
            generation: 0,
            frames: Frames::default(),
            filling: (0..=engine.shards()).map(|_| batch()).collect(),
            filling_classes: vec![[0; Class::COUNT]; engine.shards() + 1],
            held_back: VecDeque::new(),
            handed: Slab::new(),
            underway: 0,
            due: false,
            waiting_len: 0,
            fetching: 0,
            waiting: VecDeque::new(),
            watches: Watches::default(),
            notices: Vec::new(),
            first_ticket: u64::MAX,
            spare: Vec::new(),
            ready: Vec::new(),
            dirty: Vec::new(),
            stalled: Vec::new(),
            scratch: vec![0; READ],
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            admission: Admission::new(Settings { target_us: standing.1.losses.target_us }),
            losses: Losses::new(standing.1.losses),
            late: Tally::default(),
            unread: Tally::default(),
            shoppers: standing.1.shopper_limit.map(Shoppers::new),
            standing,
            keys: Keys::of(&shared.keys, engine.now().raw()),
            counts: shared.emergency.counts(index),
            credits: Credits::default(),
            crediting: 0,
            credit: None,
            answered: Vec::new(),
            agreeing: 0,
            swept: now,
            now,
            wall: engine.now(),
            engine,
            shared,
            draining_since: None,
        }
    }

    /// What it stands on.
    pub(crate) fn network(&self) -> &N {
        &self.network
    }

    /// Serves until the server is told to stop or the log fails.
    pub(crate) fn run(mut self) -> io::Result<()> {
        loop {
            let timeout = self.rest();
            self.gather(timeout)?;
            self.decide();
            if self.give_out() == Flow::Ended {
                return Ok(());
            }
        }
    }

    /// Before a pass: announces sleep, and says how long it may last. From here on whoever has something to do here wakes the
    /// reactor at its door.
    pub(crate) fn rest(&mut self) -> Duration {
        if self.has_work_now() { Duration::ZERO } else { TICK }
    }

    /// The first part of a pass: waits for something to do, `timeout` at most, and reads what has come.
    ///
    /// # Errors
    /// The poll is broken.
    pub(crate) fn gather(&mut self, timeout: Duration) -> io::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.network.wait(timeout, &mut ready)?;
        self.door.asleep.store(false, Ordering::SeqCst);
        self.now = self.network.now();
        self.wall = self.engine.now();
        self.agreeing = 0;
        self.heed_plans();
        self.heed_keys();
        self.admission.begin_reading(self.moment());
        for Ready { name, readable, writable, ended } in ready.drain(..) {
            if ended && let Some(session) = self.sessions.get_mut(name) {
                session.ended = true;
            }
            if readable || ended {
                self.read(name, true);
            }
            if writable {
                self.mark_dirty(name);
            }
        }
        self.ready = ready;
        self.network.accept();
        self.adopt();
        self.resume();
        self.end_reading();
        Ok(())
    }

    /// The last part of a pass: lets go what is durable.
    pub(crate) fn give_out(&mut self) -> Flow {
        // One durable position for both: what is told follows the answers that it is later than.
        let durable = self.engine.journal().durable();
        self.release(durable);
        self.push(durable);
        self.release_fetched();
        self.flush();
        self.sweep();
        // Of a log that failed nothing may be acknowledged any more: every connection is closed without an answer.
        if self.engine.journal().poisoned().is_some() || self.drained() { Flow::Ended } else { Flow::On }
    }

    /// Does from now on what plans and the configuration want, if that has changed.
    fn heed_plans(&mut self) {
        let regime = &self.shared.emergency.regime;
        let generation = regime.generation();
        if generation == self.standing.0 {
            return;
        }
        let standing = regime.standing();
        if standing.shopper_limit != self.standing.1.shopper_limit {
            self.shoppers = standing.shopper_limit.map(Shoppers::new);
        }
        if standing.losses != self.standing.1.losses {
            self.losses.configure(standing.losses);
            self.admission.set_target_us(standing.losses.target_us);
        }
        self.standing = (generation, standing);
    }

    /// Announces sleep, then looks once more for what must not wait for the next event.
    fn has_work_now(&mut self) -> bool {
        self.door.asleep.store(true, Ordering::SeqCst);
        let durable = self.engine.journal().durable();
        self.take_notices();
        self.take_decided();
        self.due
            || self.has_durable_notice(durable)
            || self.waiting.front().is_some_and(|batch| batch.ticket <= durable)
            || self.network.has_arrivals()
            || self.agreeing >= intake::AGREEING_READS
            || !self.door.replies.is_empty()
            || (!self.held_back.is_empty() && self.underway < MAX_BATCHES / 2)
    }

    /// Takes over connections that were accepted for this reactor.
    fn adopt(&mut self) {
        while let Some(Arrival { mut stream, dialect, peer }) = self.network.adopt() {
            if self.draining_since.is_some() {
                continue;
            }
            if self.sessions.len() >= self.shared.max_connections {
                self.stats.turn_away();
                continue;
            }
            let entry = self.sessions.vacant_entry();
            let name = entry.key();
            if let Err(error) = self.network.watch(&mut stream, name) {
                tracing::warn!(%error, "can't watch a connection");
                continue;
            }
            self.generation = self.generation.wrapping_add(1);
            let number = (self.index as u64) << 32 | u64::from(self.generation);
            let session = entry.insert(match dialect {
                Dialect::Native => Session::new(stream, self.generation, self.now),
                Dialect::Resp => Session::translated(stream, self.generation, self.now, number),
            });
            session.pass = self.keys.pass();
            session.peer = peer;
            self.stats.opened();
            self.read(name, true);
        }
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
            if !self.network.is_established(&session.stream) {
                self.stats.unagree();
            }
            self.network.forget(&mut session.stream);
            if session.features & FEATURE_CREDITS != 0 {
                self.crediting -= 1;
            }
            if session.watching > 0 {
                self.watches.forget(name);
                self.say_whether_watched();
            }
            self.stats.closed();
        }
    }

    /// Whether so much is on its way that nothing more is read.
    fn is_full(&self) -> bool {
        self.underway + self.held_back.len() >= MAX_BATCHES / 2 || self.waiting_len >= MAX_WAITING
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
        if self.stalled.is_empty() || self.is_full() {
            return;
        }
        for name in std::mem::take(&mut self.stalled) {
            if let Some(session) = self.sessions.get_mut(name) {
                session.stalled = false;
                session.began = session.began.map(|_| self.now);
            }
            self.read(name, false);
        }
    }

    fn hand_in(&mut self, shard: usize) {
        let slots = self.spare.pop().unwrap_or_default();
        let fresh = Batch { reactor: self.index, slots, ..Batch::default() };
        let mut batch = std::mem::replace(&mut self.filling[shard], fresh);
        let classes = std::mem::take(&mut self.filling_classes[shard]);
        if batch.slots.len() <= MAX_SLOTS {
            return self.pass_breakers(shard, batch, classes);
        }
        while batch.slots.len() > MAX_SLOTS {
            let slots = batch.slots.split_off(MAX_SLOTS);
            // The slots name their lines by where these stand.
            let lines = batch.lines.clone();
            let funders = batch.funders.clone();
            let rest = Batch { reactor: self.index, slots, lines, funders, ..Batch::default() };
            let first = std::mem::replace(&mut batch, rest);
            let classes = self.classes_of(&first.slots);
            self.pass_breakers(shard, first, classes);
        }
        let classes = self.classes_of(&batch.slots);
        self.pass_breakers(shard, batch, classes);
    }

    /// The second part of a pass: hands the batches in and decides them, and whatever else waits at the shards.
    pub(crate) fn decide(&mut self) {
        let (began, before) = (self.network.now(), self.waiting_len);
        for shard in 0..self.filling.len() {
            if !self.filling[shard].slots.is_empty() {
                self.hand_in(shard);
            }
        }
        let since = self.shared.moment(began);
        // A full inbox holds back what is for it, and nothing else.
        let mut full = 0_u128;
        for _ in 0..self.held_back.len() {
            let Some((shard, batch)) = self.held_back.pop_front() else { break };
            if self.underway >= MAX_BATCHES || full & (1 << shard) != 0 {
                self.held_back.push_back((shard, batch));
                continue;
            }
            self.handed_over(&batch, since);
            let taken = if shard == self.engine.shards() {
                self.engine.submit_composite(batch)
            } else {
                self.engine.submit(shard, batch)
            };
            match taken {
                Ok(()) => self.underway += 1,
                Err(batch) => {
                    full |= 1 << shard;
                    self.held_back.push_back((shard, batch));
                }
            }
        }
        self.due = false;
        for shard in 0..self.engine.shards() {
            self.due |= self.engine.visit(shard, self.index);
        }
        self.due |= self.engine.visit_desk(self.index);
        self.take_notices();
        self.take_decided();
        let decided = self.waiting_len.saturating_sub(before);
        if decided > 0 {
            let took = self.network.now().saturating_duration_since(began);
            self.admission.measured(decided as u64, took);
        }
    }

    /// Whether a stop was asked for and everything taken in has been answered.
    fn drained(&mut self) -> bool {
        if !self.shared.stopping() {
            return false;
        }
        if self.draining_since.is_none() {
            self.draining_since = Some(self.now);
            self.network.close();
            let names: Vec<usize> = self.sessions.iter().map(|(name, _)| name).collect();
            for name in names {
                self.say(name, &Header::new(Kind::Goodbye, 0, 0), |_| {});
            }
            self.flush();
        }
        let idle = self.frames.len() == 0
            && self.fetching == 0
            && self.sessions.iter().all(|(_, session)| session.backlog() == 0);
        let patience =
            self.draining_since.is_some_and(|since| self.now.duration_since(since) > self.shared.drain.get());
        idle || patience
    }
}
