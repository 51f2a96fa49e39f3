//! Circuit breakers on a batch's way: who goes on to the shard, and what came of it.
//!
//! ```text
//! filled ──► breakers ──► handed over ──► decided ──────► durable ──► answered
//!               │              └─ shard's time ─┘└─ log's time ─┘        │
//!               ▼                                                        ▼
//!     the newest are refused                                   results to the breakers
//! ```
//!
//! They are asked once for a batch and class, when the batch is complete. Of those that are refused, whoever may have been
//! decided before is looked up instead, as at the [gate](super::gate): a retry of something that happened must hear so. Such
//! look-ups stand behind the batch's other operations and are in no count: nobody let them through.
//!
//! Time before a batch is handed over is time in a queue and counts for nobody.

use doorbuster_engine::shard::{self, AfterAnswer, Batch, Request, Slot, Work};
use doorbuster_ledger::{Command, Composite, Outcome};
use doorbuster_protocol::{Answer, Code};
use rand::RngExt;

use super::gate::Entry;
use super::{Network, Reactor};
use crate::overload::breaker::{Guard, Results};
use crate::overload::{Class, Leave, Micros, Moment};

/// A batch that breakers let through, until its answers may leave.
#[derive(Debug)]
pub(super) struct Handed {
    /// When it was handed over to its shard.
    since: Moment,
    /// When it was seen decided.
    decided_at: Moment,
    /// The class of all of its operations, where they are of one.
    only: Option<Class>,
    /// Its slots that were let through: so many, from the first on.
    let_through: usize,
    /// Of the shard's breakers, by class.
    guards: [Option<Guard>; Class::COUNT],
    /// Of the log's breaker.
    log: Option<Guard>,
    /// Operations that say that all is well, by class.
    well: [u64; Class::COUNT],
}

impl Handed {
    fn is_empty(&self) -> bool {
        self.log.is_none() && self.guards.iter().all(Option::is_none)
    }
}

impl<N: Network> Reactor<N> {
    /// Queues a batch for its shard, less what breakers refuse. `classes` are its operations by class.
    pub(super) fn pass_breakers(&mut self, shard: usize, mut batch: Batch, classes: [u32; Class::COUNT]) {
        let now = self.moment();
        let mut handed = Handed {
            since: now,
            decided_at: now,
            only: None,
            let_through: batch.slots.len(),
            guards: [const { None }; Class::COUNT],
            log: None,
            well: [0; Class::COUNT],
        };
        let all = batch.slots.len();
        for class in [Class::Settle, Class::Reserve, Class::Read] {
            let asked = classes[class.index()];
            if asked == 0 {
                continue;
            }
            if asked as usize == all {
                handed.only = Some(class);
            }
            let Leave { admitted, retry_after, part, log } =
                self.shared.breakers.admit(shard, class, now, asked);
            handed.guards[class.index()] = part;
            handed.log = handed.log.or(log);
            if admitted < asked {
                handed.let_through =
                    self.break_off(&mut batch, handed.let_through, class, asked - admitted, retry_after);
            }
        }
        if batch.slots.is_empty() {
            self.keep_spare(batch.slots);
            return;
        }
        if !handed.is_empty() {
            let key = u32::try_from(self.handed.insert(handed));
            batch.tag = key.expect("a reactor has a bounded number of batches") + 1;
        }
        self.held_back.push_back((shard, batch));
    }

    /// Takes the newest of a class out of the first `let_through` slots; returns how many of these are left.
    #[cold]
    fn break_off(
        &mut self,
        batch: &mut Batch,
        let_through: usize,
        class: Class,
        refused: u32,
        retry_after: Micros,
    ) -> usize {
        let mut looked_up = batch.slots.split_off(let_through);
        let (mut from, mut left) = (batch.slots.len(), refused);
        while from > 0 && left > 0 {
            from -= 1;
            left -= u32::from(self.class_of(&batch.slots[from]) == Some(class));
        }
        let mut gone = 0;
        for mut slot in batch.slots.split_off(from) {
            if self.class_of(&slot) != Some(class) {
                batch.slots.push(slot);
                continue;
            }
            let retry_after_ms = self.spread(retry_after);
            match slot.work {
                Work::Asked(request) if may_be_known(&request) => {
                    slot.work = Work::Asked(Entry::Repeat.recalled(request));
                    self.frames.refuse(slot.token, (Code::BreakerOpen, retry_after_ms));
                    looked_up.push(slot);
                }
                Work::Asked(_) | Work::Answered(_) | Work::Rerouted => {
                    gone += 1;
                    let answer = Answer { retry_after_ms, ..Answer::of(Code::BreakerOpen) };
                    if let Some(done) = self.answer_only(slot.token, &answer) {
                        self.finish(done);
                    }
                }
            }
        }
        self.admission.gone(gone);
        let left = batch.slots.len();
        batch.slots.append(&mut looked_up);
        left
    }

    /// A wait in milliseconds, up to half as long again: who was refused together doesn't come back together.
    fn spread(&mut self, wait: Micros) -> u32 {
        let ms = u32::try_from(wait.us().div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
        ms.saturating_add(self.rng.random_range(0..=ms / 2))
    }

    /// The class of a slot's request.
    fn class_of(&self, slot: &Slot) -> Option<Class> {
        self.kind_of(slot.token).map(Class::of)
    }

    /// The operations of slots by class.
    pub(super) fn classes_of(&self, slots: &[Slot]) -> [u32; Class::COUNT] {
        let mut classes = [0; Class::COUNT];
        for class in slots.iter().filter_map(|slot| self.class_of(slot)) {
            classes[class.index()] += 1;
        }
        classes
    }

    /// Notes when a batch is handed over to its shard.
    pub(super) fn handed_over(&mut self, batch: &Batch, now: Moment) {
        if let Some(handed) = key(batch).and_then(|key| self.handed.get_mut(key)) {
            handed.since = now;
        }
    }

    /// Notes when a batch was decided.
    pub(super) fn decided(&mut self, batch: &Batch, now: Moment) {
        if let Some(handed) = key(batch).and_then(|key| self.handed.get_mut(key)) {
            handed.decided_at = now;
        }
    }

    /// Takes out what is known of a batch whose answers leave.
    pub(super) fn returned(&mut self, batch: &Batch) -> Option<Handed> {
        self.handed.try_remove(key(batch)?)
    }

    /// Counts the answer of a batch's `nth` slot.
    #[inline]
    pub(super) fn weigh(&self, handed: &mut Handed, nth: usize, token: u64, answer: &shard::Answer) {
        if nth < handed.let_through
            && is_well(answer)
            && let Some(class) = handed.only.or_else(|| self.kind_of(token).map(Class::of))
        {
            handed.well[class.index()] += 1;
        }
    }

    /// Tells the breakers what came of a batch whose answers leave now.
    pub(super) fn record(&self, handed: Handed, now: Moment) {
        let breakers = &self.shared.breakers;
        let results = |done, took| {
            if breakers.is_slow(took) {
                Results { slow: done, ..Results::default() }
            } else {
                Results { ok: done, ..Results::default() }
            }
        };
        let Handed { since, decided_at, guards, log, well, .. } = handed;
        for (guard, done) in guards.into_iter().zip(well) {
            if let Some(guard) = guard {
                guard.record(now, results(done, decided_at.since(since)));
            }
        }
        if let Some(log) = log {
            log.record(now, results(well[Class::Reserve.index()], now.since(decided_at)));
        }
    }
}

/// Where it is kept what breakers want to know of a batch.
#[inline]
fn key(batch: &Batch) -> Option<usize> {
    usize::try_from(batch.tag.checked_sub(1)?).ok()
}

/// Whether it may be a copy of something that was decided before. A first attempt says that it isn't, and what reads has nothing
/// to remember.
fn may_be_known(request: &Request) -> bool {
    match request {
        Request::Command(Command::Reserve(reserve)) | Request::Recall(Command::Reserve(reserve)) => {
            !reserve.first_attempt
        }
        Request::Composite { command: Composite::Reserve { reserve, .. }, .. } => !reserve.first_attempt,
        Request::Command(_) | Request::Recall(_) | Request::Composite { .. } => true,
        Request::Budget { .. }
        | Request::ReadBudget { .. }
        | Request::ReadCoupon { .. }
        | Request::ReadLine { .. }
        | Request::ReadOrder { .. }
        | Request::ReadChannel { .. }
        | Request::ReadChannels { .. }
        | Request::ReadCampaign { .. }
        | Request::ReadPhase { .. }
        | Request::ReadPrice { .. }
        | Request::ReadAfter(_)
        | Request::ReadStock { .. } => false,
    }
}

/// Whether an answer says that who gave it is well. A refusal says nothing: not even that of a read.
fn is_well(answer: &shard::Answer) -> bool {
    match answer {
        shard::Answer::Outcome(Outcome::Refused(_))
        | shard::Answer::Order(Err(_))
        | shard::Answer::Line(Err(_))
        | shard::Answer::After(AfterAnswer::Progress(Err(_)))
        | shard::Answer::Busy
        | shard::Answer::NotKnown
        | shard::Answer::DeadlineExceeded => false,
        shard::Answer::Outcome(_)
        | shard::Answer::Order(Ok(_))
        | shard::Answer::Line(Ok(_))
        | shard::Answer::After(_)
        | shard::Answer::Channel(_)
        | shard::Answer::Channels(_)
        | shard::Answer::Campaign(_)
        | shard::Answer::Phase(_)
        | shard::Answer::Price(_)
        | shard::Answer::Stock(_)
        | shard::Answer::Budget(_)
        | shard::Answer::Coupon(_) => true,
    }
}
