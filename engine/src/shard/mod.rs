//! A shard: a ledger behind a try-lock, with a bounded lock-free queue in front of it.
//!
//! A shard is data, not a thread. Whoever has work pushes a batch into the inbox and tries the lock. If he gets it, he
//! decides for everybody whose batches are there (flat combining, Hendler et al., SPAA 2010); if not, the one who
//! holds it will. Nobody ever waits for the lock, and no request pays for waking a thread.
//!
//! ```text
//! reactor 1 ──push──► ┌───────┐   try_lock: whoever gets it drains for all
//! reactor 2 ──push──► │ inbox │ ─────────────► ledger ──events──► journal (ticket taken under the lock)
//! timer     ──────────└───────┘                   └──answers──► port of the batch's reactor
//! ```
//!
//! No batch is left behind: a pusher pushes, then tries the lock; a holder unlocks, then looks at the inbox again. With
//! a sequentially consistent fence between the two steps on both sides, at least one of them sees the other.
//!
//! The ticket, the log position after the batch's last event, is taken while the lock is held. So tickets follow the
//! order of decisions, and any prefix of the log is a state that was really there. A batch that changed nothing
//! carries the ticket of the last change that it may have seen: a refusal, too, waits until its reason is durable.

mod after;
mod batch;
mod elsewhere;
mod figures;
mod held;
mod lag;
mod notes;
#[cfg(feature = "planted")]
mod planted;
#[cfg(test)]
mod tests;

pub use after::{AfterAnswer, ReadAfter};
pub use batch::{Answer, Batch, MAX_SLOTS, Request, Slot, Work};
pub use figures::Figures;
pub(crate) use held::Held;
pub use lag::ReleaseLag;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;
use doorbuster_ledger::{
    BudgetRefusal, Event, Ledger, OrderNumber, Outcome, Place, Refusal, SkuId, TOUCHED, Timestamp,
};
use parking_lot::Mutex;

use self::elsewhere::Elsewhere;
use self::figures::Board;
use self::lag::LagBoard;
use crate::directory::{Directory, SoldOut};
use crate::journal::Journal;
use crate::keeper::Keeper;
use crate::log::{MAX_BLOCK, record};
use crate::notices::Notice;
use crate::port::Ports;

/// Batches that may wait at a shard. A reactor has one on its way to each shard at a time and keeps the rest to
/// itself, so the bound is never reached with fewer reactors than this.
const INBOX_CAPACITY: usize = 256;

/// Commands that are decided before their events are handed to the journal: bounds how long a first answer waits for
/// the rest of a long queue, about 100 us.
const HAND_OVER_AFTER: usize = 240;

/// Most bytes that the events of one command can take: an order that claims a discount has up to 130, and the units that come back
/// may take the place of missing ones or be offered to two who wait, 25 bytes each.
const COMMAND_BYTES: usize = 130 + 3 * 25;

const _: () = assert!((HAND_OVER_AFTER + MAX_SLOTS) * COMMAND_BYTES < MAX_BLOCK / 2);

/// Orders whose time is up that one visit deals with: some 50 us at most.
const PULSE_LIMIT: u32 = 256;

/// How old the measured size of the tables may get, milliseconds. Measuring looks at every partition, some 10 us: too much
/// for a visit, nothing for one visit a second.
const MEASURE_EVERY_MS: u64 = 1_000;

/// See the module's doc.
#[derive(Debug)]
pub struct Shard {
    inbox: ArrayQueue<Batch>,
    /// The inbox of the desk, for what its ledger can't decide about alone.
    desk: Arc<ArrayQueue<Batch>>,
    state: Mutex<State>,
    /// How many wait for the lock, who need several shards. Others leave their work to them and come to an end soon.
    wanted: AtomicU32,
    /// Whether orders over several shards are overdue here. Advice, stored under the lock: who misses it sees it at the next
    /// visit.
    overdue: AtomicBool,
    /// On a line of its own: readers take nothing away from those who work.
    board: CachePadded<Board>,
    lag: CachePadded<LagBoard>,
    /// What reactors may say without asking. Of the partitions served here it is written under the lock alone.
    directory: Arc<Directory>,
}

/// What the lock guards.
#[derive(Debug)]
struct State {
    /// Of this shard among the engine's, from 0.
    number: usize,
    ledger: Ledger,
    /// Log position after the last event of this shard.
    last_ticket: u64,
    counters: Counters,
    /// The size of the ledger's tables when it was measured last, bytes.
    bytes: u64,
    measured_at: Timestamp,
    /// Batches that are decided and wait for the ticket of their hand-over. Empty between visits.
    decided: Vec<Batch>,
    /// What its ledger can't decide about alone, of the batch that is being decided. Empty between batches.
    elsewhere: Elsewhere,
    /// Orders that wait no more, whose events have no ticket yet. Empty between visits.
    notices: Vec<Notice>,
    /// Orders whose time was up, of the pulse that is carried out. Empty between pulses.
    ended: Vec<OrderNumber>,
    /// SKUs that were found sold out, to be noted once the ticket is known. Empty between visits.
    sold_out: Vec<(SkuId, SoldOut)>,
    /// See [`Options::added_cost`](crate::Options::added_cost).
    added_cost: Duration,
    #[cfg(feature = "planted")]
    late: Option<planted::Late>,
}

/// What a shard has done since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commands decided.
    pub commands: u64,
    /// Events, expiries included.
    pub events: u64,
    /// Requests whose deadline had passed.
    pub deadline_exceeded: u64,
    /// Holds that ended by their deadline.
    pub expired: u64,
    /// Orders that waited and got units.
    pub offered: u64,
    /// Waits that ended in vain.
    pub lapsed: u64,
    /// Ended orders that left memory.
    pub evicted: u64,
    /// The most that a hold was past its deadline when its units went back, milliseconds.
    pub release_lag_max_ms: u64,
}

impl Shard {
    pub(crate) fn new(
        number: usize,
        ledger: Ledger,
        desk: Arc<ArrayQueue<Batch>>,
        directory: Arc<Directory>,
        added_cost: Duration,
    ) -> Self {
        let mut state = State {
            number,
            measured_at: ledger.now(),
            ledger,
            last_ticket: 0,
            counters: Counters::default(),
            bytes: 0,
            decided: Vec::new(),
            elsewhere: Elsewhere::default(),
            notices: Vec::new(),
            ended: Vec::new(),
            sold_out: Vec::new(),
            added_cost,
            #[cfg(feature = "planted")]
            late: None,
        };
        state.measure();
        let board = CachePadded::new(Board::default());
        board.publish(state.figures());
        Self {
            inbox: ArrayQueue::new(INBOX_CAPACITY),
            desk,
            state: Mutex::new(state),
            wanted: AtomicU32::new(0),
            overdue: AtomicBool::new(false),
            board,
            lag: CachePadded::default(),
            directory,
        }
    }

    /// Hands a batch in, to be decided by whoever holds or gets the lock.
    ///
    /// # Errors
    /// The batch itself, if the inbox is full.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), Batch> {
        self.inbox.push(batch)
    }

    /// Decides what waits and a bounded part of what is due, unless somebody else is at it, who then does it. Returns
    /// whether more is due.
    pub(crate) fn visit(&self, now: Timestamp, journal: &Journal, ports: &Ports, keeper: &Keeper) -> bool {
        loop {
            fence(Ordering::SeqCst);
            if self.wanted.load(Ordering::SeqCst) > 0 {
                // Whoever waits for the lock looks at the inbox when he is done.
                return false;
            }
            let Some(mut state) = self.state.try_lock() else { return false };
            let more = self.step(&mut state, now, journal, ports, keeper);
            drop(state);
            fence(Ordering::SeqCst);
            if self.inbox.is_empty() || !journal.has_room() {
                return more;
            }
        }
    }

    /// As [`visit`](Self::visit), but waits for whoever is at the shard: never on an order's path.
    pub(crate) fn attend(&self, now: Timestamp, journal: &Journal, ports: &Ports, keeper: &Keeper) -> bool {
        let mut state = self.state.lock();
        let more = self.step(&mut state, now, journal, ports, keeper);
        drop(state);
        fence(Ordering::SeqCst);
        // Whoever pushed meanwhile found the lock taken and relies on its holder.
        if self.inbox.is_empty() { more } else { self.visit(now, journal, ports, keeper) || more }
    }

    /// What whoever has the lock does. Returns whether more is due.
    fn step(
        &self,
        state: &mut State,
        now: Timestamp,
        journal: &Journal,
        ports: &Ports,
        keeper: &Keeper,
    ) -> bool {
        // Dropped before the lock: nobody decides on a state that a panic has left half changed.
        let guard = journal.poison_on_panic();
        let more = state.pulse(now, journal, ports, self);
        let more = state.work(self, now, journal, ports, keeper) && more;
        drop(guard);
        self.overdue.store(state.ledger.errands().next().is_some(), Ordering::Relaxed);
        more
    }

    /// The figures of the latest visit; waits for nobody.
    pub fn figures(&self) -> Figures {
        self.board.read()
    }

    /// How late holds ended, since the process started; waits for nobody.
    pub fn release_lag(&self) -> ReleaseLag {
        self.lag.read()
    }

    /// Sets the bound above which [`ReleaseLag::alarms`] counts, milliseconds.
    pub(crate) fn alarm_above(&self, lag_ms: u64) {
        self.lag.alarm_above(lag_ms);
    }

    /// Waits for the lock and looks at the ledger: for digests, checks and tests, never on an order's path.
    pub(crate) fn inspect<T>(&self, look: impl FnOnce(&Ledger, Counters) -> T) -> T {
        let state = self.state.lock();
        look(&state.ledger, state.counters)
    }

    /// Waits for the lock, changes the ledger and hands the event over; for the few changes that concern all shards.
    pub(crate) fn amend(&self, amend: impl FnOnce(&mut Ledger) -> u64) {
        let mut state = self.state.lock();
        state.last_ticket = amend(&mut state.ledger);
        self.board.publish(state.figures());
    }
}

impl State {
    /// What a visit does about batches. Returns false if the state is broken.
    fn work(
        &mut self,
        shard: &Shard,
        now: Timestamp,
        journal: &Journal,
        ports: &Ports,
        keeper: &Keeper,
    ) -> bool {
        let Shard { inbox, board, wanted, directory, .. } = shard;
        if now.since(self.measured_at) >= MEASURE_EVERY_MS {
            self.measured_at = now;
            self.measure();
        }
        board.publish(self.figures());
        while journal.has_room() && wanted.load(Ordering::Relaxed) == 0 {
            // Not once a visit: a long queue uses up more than the spares that a ledger keeps.
            keeper.serve(self.number, &mut self.ledger);
            let mut bytes = journal.buffer();
            let mut events = 0_u32;
            let mut commands = 0;
            while commands < HAND_OVER_AFTER {
                let Some(mut batch) = inbox.pop() else { break };
                commands += batch.slots.len();
                if !self.decide(&mut batch, now, &mut bytes, &mut events, journal) {
                    return false;
                }
                self.elsewhere.hand_on(&mut batch, &shard.desk);
                self.decided.push(batch);
            }
            if commands == 0 {
                journal.give_back(bytes);
                #[cfg(feature = "planted")]
                self.take_late_ticket(journal, ports);
                return true;
            }
            #[cfg(feature = "planted")]
            let bytes = match self.unlock_first(events, bytes, directory) {
                Ok(()) => return true,
                Err(bytes) => bytes,
            };
            self.hand_over(journal, events, bytes, directory);
            for (sku, sold_out) in self.sold_out.drain(..) {
                directory.note(sku, sold_out, now, self.last_ticket);
            }
            // Before the answers leave: who has one finds it counted.
            board.publish(self.figures());
            for mut batch in self.decided.drain(..) {
                batch.ticket = self.last_ticket;
                ports.deliver(batch);
            }
            ports.tell(&mut self.notices, self.last_ticket);
            #[cfg(feature = "planted")]
            self.take_late_ticket(journal, ports);
        }
        true
    }

    /// Answers every slot of the batch. Returns false if the state is broken, after poisoning the journal.
    fn decide(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        bytes: &mut Vec<u8>,
        events: &mut u32,
        journal: &Journal,
    ) -> bool {
        for slots in batch.slots.chunks_mut(TOUCHED) {
            if !self.decide_few(slots, now, bytes, events, journal) {
                return false;
            }
        }
        true
    }

    fn decide_few(
        &mut self,
        slots: &mut [Slot],
        now: Timestamp,
        bytes: &mut Vec<u8>,
        events: &mut u32,
        journal: &Journal,
    ) -> bool {
        let mut places = self
            .ledger
            .touch(slots.iter().filter_map(|slot| match &slot.work {
                Work::Asked(Request::Command(command) | Request::Recall(command)) => Some(command),
                Work::Asked(_) | Work::Answered(_) | Work::Rerouted => None,
            }))
            .into_iter();
        for slot in slots {
            let Work::Asked(request) = &slot.work else { continue };
            let place = match request {
                Request::Command(_) | Request::Recall(_) => places.next().unwrap_or_default(),
                Request::Composite { .. }
                | Request::ReadCampaign { .. }
                | Request::ReadPhase { .. }
                | Request::ReadPrice { .. }
                | Request::Budget { .. }
                | Request::ReadBudget { .. }
                | Request::ReadCoupon { .. }
                | Request::ReadLine { .. }
                | Request::ReadOrder { .. }
                | Request::ReadChannel { .. }
                | Request::ReadChannels { .. }
                | Request::ReadAfter(_)
                | Request::ReadStock { .. } => Place::default(),
            };
            let answer = if slot.deadline != Timestamp::default() && slot.deadline < now {
                self.counters.deadline_exceeded += 1;
                Answer::DeadlineExceeded
            } else {
                match request {
                    Request::Recall(command) => {
                        let decision = self.ledger.decide(self.ledger.now().max(now), command, place);
                        match (decision.event, decision.outcome) {
                            // Decided neither now nor before: all ledgers together would have to.
                            (None, Outcome::Refused(Refusal::Budget(BudgetRefusal::SliceShort)))
                            | (Some(_), _) => Answer::NotKnown,
                            (None, outcome) => Answer::Outcome(outcome),
                        }
                    }
                    Request::Command(command) => {
                        self.counters.commands += 1;
                        spend(self.added_cost);
                        let (offered, notices) = (&mut self.counters.offered, &mut self.notices);
                        let decided = self.ledger.execute_at(now, command, place, |event| {
                            *events += 1;
                            if let Some(notice) = Notice::of(event) {
                                *offered += 1;
                                notices.push(notice);
                            }
                            record::encode_event(event, bytes);
                        });
                        match decided {
                            Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::SliceShort))) => {
                                self.elsewhere.add(slot.token, slot.deadline, command);
                                slot.work = Work::Rerouted;
                                continue;
                            }
                            Ok(outcome) => {
                                if let Outcome::Refused(Refusal::SoldOut { holds, next_expiry }) = outcome {
                                    let sold_out = SoldOut { holds, next_expiry };
                                    let (ledger, known) = (&self.ledger, &mut self.sold_out);
                                    notes::note(ledger, command, place, sold_out, known);
                                }
                                Answer::Outcome(outcome)
                            }
                            Err(violation) => {
                                journal.poison(format!("the ledger contradicts itself: {violation}"));
                                return false;
                            }
                        }
                    }
                    // Never sent here; nothing is decided, so nothing is lost.
                    Request::Composite { .. }
                    | Request::ReadCampaign { .. }
                    | Request::Budget { .. }
                    | Request::ReadBudget { .. }
                    | Request::ReadCoupon { .. } => Answer::Outcome(Outcome::Refused(Refusal::SeveralSkus)),
                    Request::ReadLine { order, user, nth } => {
                        Answer::Line(self.ledger.line(*order, *user, *nth))
                    }
                    Request::ReadOrder { order, user } => Answer::Order(self.ledger.order(*order, *user)),
                    Request::ReadChannel { sku, channel } => {
                        Answer::Channel(self.ledger.channel(*sku, *channel))
                    }
                    Request::ReadChannels { sku, first } => {
                        Answer::Channels(self.ledger.channels(*sku, *first))
                    }
                    Request::ReadPhase { campaign, plan, nth } => {
                        Answer::Phase(self.ledger.phase(*campaign, *plan, *nth))
                    }
                    Request::ReadPrice { sku, version } => Answer::Price(self.ledger.price(*sku, *version)),
                    Request::ReadAfter(read) => Answer::After(read.answer(&self.ledger)),
                    Request::ReadStock { sku } => Answer::Stock(self.ledger.stock(*sku)),
                }
            };
            slot.work = Work::Answered(answer);
        }
        true
    }

    fn figures(&self) -> Figures {
        Figures { totals: self.ledger.totals(), counters: self.counters, bytes: self.bytes }
    }

    fn measure(&mut self) {
        self.bytes = self.ledger.bytes() as u64;
    }

    /// Carries out a bounded part of what is due. Returns whether there is more.
    fn pulse(&mut self, now: Timestamp, journal: &Journal, ports: &Ports, shard: &Shard) -> bool {
        if !journal.has_room() {
            return false;
        }
        let mut bytes = journal.buffer();
        let mut events = 0;
        let watched = ports.is_watched();
        #[cfg(feature = "planted")]
        let before = self.held_units();
        let (notices, ended) = (&mut self.notices, &mut self.ended);
        let pulse = self.ledger.pulse(now, PULSE_LIMIT, |event| {
            events += 1;
            match event {
                Event::Expired { number, .. } if watched => ended.push(*number),
                event => notices.extend(Notice::of(event)),
            }
            record::encode_event(event, &mut bytes);
        });
        match pulse {
            Ok(pulse) => {
                self.counters.expired += u64::from(pulse.expired);
                self.counters.offered += u64::from(pulse.offered);
                self.counters.lapsed += u64::from(pulse.lapsed);
                self.counters.evicted += u64::from(pulse.evicted);
                self.counters.release_lag_max_ms = self.counters.release_lag_max_ms.max(pulse.lags.max_ms);
                shard.lag.note(&pulse.lags);
                self.note_lapsed(pulse.lapsed, now);
                #[cfg(feature = "planted")]
                {
                    events += self.release_again(&before, now, &mut bytes);
                }
                self.hand_over(journal, events, bytes, &shard.directory);
                ports.tell(&mut self.notices, self.last_ticket);
                pulse.more
            }
            Err(violation) => {
                journal.poison(format!("the ledger contradicts itself: {violation}"));
                false
            }
        }
    }

    /// Makes notes of the waits that ended in vain, so many of the orders whose time was up.
    fn note_lapsed(&mut self, lapsed: u32, now: Timestamp) {
        let Self { ledger, ended, notices, .. } = self;
        let numbers = ended.drain(..);
        if lapsed > 0 {
            let waited = numbers.filter(|number| ledger.has_lapsed(*number));
            notices.extend(waited.map(|number| Notice::lapsed(number, now)));
        }
    }

    fn hand_over(&mut self, journal: &Journal, events: u32, bytes: Vec<u8>, directory: &Directory) {
        self.wipe_returned(directory);
        if events == 0 {
            journal.give_back(bytes);
        } else {
            self.counters.events += u64::from(events);
            self.last_ticket = journal.hand_over(events, bytes);
        }
    }
}

/// Keeps the processor busy for a while.
#[inline]
fn spend(while_: Duration) {
    if !while_.is_zero() {
        let began = Instant::now();
        while began.elapsed() < while_ {
            std::hint::spin_loop();
        }
    }
}
