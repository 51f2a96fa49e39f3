//! What a shard's lock guards, and what whoever has it does.
//!
//! The order in which a visit makes things known is what its promises rest on. Units that came back wipe their notes out of
//! the sold-out directory, then the events get their ticket, then new notes are made, with that ticket, and then the
//! answers go to their ports. So whoever hears of a return can't find an older note, and no note says more than the log will.

use std::time::{Duration, Instant};

use doorbuster_ledger::{
    BudgetRefusal, Event, Ledger, OrderNumber, Outcome, Place, Refusal, SkuId, TOUCHED, Timestamp,
};

use super::elsewhere::Elsewhere;
#[cfg(any(test, feature = "planted"))]
use super::planted;
use super::{Answer, Batch, Counters, Figures, MAX_SLOTS, Request, Shard, Slot, Work, notes};
use crate::directory::{Directory, SoldOut};
use crate::journal::Journal;
use crate::keeper::Keeper;
use crate::log::{MAX_BLOCK, record};
use crate::notices::Notice;
use crate::planted::{Bug, is_planted};
use crate::port::Ports;

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
pub(super) const MEASURE_EVERY_MS: u64 = 1_000;

/// What the lock guards.
#[derive(Debug)]
pub(super) struct State {
    /// Of this shard among the engine's, from 0.
    pub(super) number: usize,
    pub(super) ledger: Ledger,
    /// Log position after the last event of this shard.
    pub(super) last_ticket: u64,
    pub(super) counters: Counters,
    /// The size of the ledger's tables when it was measured last, bytes.
    bytes: u64,
    measured_at: Timestamp,
    /// Batches that are decided and wait for the ticket of their hand-over. Empty between visits.
    pub(super) decided: Vec<Batch>,
    /// What its ledger can't decide about alone, of the batch that is being decided. Empty between batches.
    elsewhere: Elsewhere,
    /// Orders that wait no more, whose events have no ticket yet. Empty between visits.
    pub(super) notices: Vec<Notice>,
    /// Orders whose time was up, of the pulse that is carried out. Empty between pulses.
    ended: Vec<OrderNumber>,
    /// SKUs that were found sold out, to be noted once the ticket is known. Empty between visits.
    pub(super) sold_out: Vec<(SkuId, SoldOut)>,
    /// See [`Options::added_cost`](crate::Options::added_cost).
    added_cost: Duration,
    #[cfg(any(test, feature = "planted"))]
    pub(super) late: Option<planted::Late>,
}

impl State {
    pub(super) fn new(number: usize, ledger: Ledger, added_cost: Duration) -> Self {
        let mut state = Self {
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
            #[cfg(any(test, feature = "planted"))]
            late: None,
        };
        state.measure();
        state
    }

    /// What a visit does about batches. Returns false if the state is broken.
    pub(super) fn work(
        &mut self,
        shard: &Shard,
        now: Timestamp,
        journal: &Journal,
        ports: &Ports,
        keeper: &Keeper,
    ) -> bool {
        let Shard { line, board, directory, .. } = shard;
        if now.since(self.measured_at) >= MEASURE_EVERY_MS {
            self.measured_at = now;
            self.measure();
        }
        board.publish(self.figures());
        while journal.has_room() && !line.is_wanted() {
            // Not once a visit: a long queue uses up more than the spares that a ledger keeps.
            keeper.serve(self.number, &mut self.ledger);
            let mut bytes = journal.buffer();
            let mut events = 0_u32;
            let mut commands = 0;
            while commands < HAND_OVER_AFTER {
                let Some(mut batch) = line.pop() else { break };
                commands += batch.slots.len();
                if !self.decide(&mut batch, now, &mut bytes, &mut events, journal) {
                    return false;
                }
                self.elsewhere.hand_on(&mut batch, &shard.desk);
                self.decided.push(batch);
            }
            if commands == 0 {
                journal.give_back(bytes);
                #[cfg(any(test, feature = "planted"))]
                self.take_late_ticket(journal, ports);
                return true;
            }
            #[cfg(any(test, feature = "planted"))]
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
            #[cfg(any(test, feature = "planted"))]
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

    pub(super) fn figures(&self) -> Figures {
        Figures { totals: self.ledger.totals(), counters: self.counters, bytes: self.bytes }
    }

    fn measure(&mut self) {
        self.bytes = self.ledger.bytes() as u64;
    }

    /// Carries out a bounded part of what is due. Returns whether there is more.
    pub(super) fn pulse(&mut self, now: Timestamp, journal: &Journal, ports: &Ports, shard: &Shard) -> bool {
        if !journal.has_room() {
            return false;
        }
        let mut bytes = journal.buffer();
        let mut events = 0;
        let watched = ports.is_watched();
        #[cfg(any(test, feature = "planted"))]
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
                #[cfg(any(test, feature = "planted"))]
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
        if events == 0 || !is_planted(Bug::WipeLate) {
            self.wipe_returned(directory);
        }
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
