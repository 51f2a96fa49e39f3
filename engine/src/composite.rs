//! Orders that concern several shards.
//!
//! Most commands concern one shard and go the way of [`shard`](crate::shard). The others come to one desk: a bounded queue,
//! and a try-lock for whoever works it. He takes the locks of the shards that a few of these commands need, in ascending
//! order, decides them, hands their events to the journal together, and lets the shards go. A shard's own visitors never
//! wait: they find its lock taken and leave their work to whoever has it, and so he looks at their inboxes when he is done.
//!
//! ```text
//! reactor ──push──► │ desk │ ─try-lock─► lock shards 1, 4, 5 ─► decide ─► one hand-over, one ticket ─► unlock ─► port
//! timer   ──────────┘ overdue orders                                                       then: visit 1, 4, 5
//! ```
//!
//! There is nothing in doubt at any time: the events of a decision stand in one block of the log or nowhere, and the
//! ticket is taken while every shard concerned is still locked. Only one holds more than one lock at a time, and those who
//! hold one wait for no other, so nobody waits in a circle.

use std::sync::atomic::{Ordering, fence};

use doorbuster_ledger::{
    Advance, AfterCommand, BudgetCommand, BudgetSnapshot, CampaignCommand, Composite, CouponId, Event,
    Funder, Inspect, Ledger, Line, Outcome, PartitionId, Refund, Span, Timestamp, Violation,
};

use crate::combiner::{Combiner, Turn};
use crate::engine::Engine;
use crate::log::{MAX_BLOCK, record};
use crate::notices::Notice;
use crate::planted::{Bug, is_planted};
use crate::shard::{Answer, Batch, Held, Request, Shard, Slot, Work};

/// Batches that may wait at the desk: as at a shard's inbox.
const CAPACITY: usize = 256;

/// Commands that are decided under one taking of locks: some 100 us, which the shards' own visitors have to wait for.
const AT_ONCE: usize = 64;

/// Commands after which whoever works here goes back to his own work: some milliseconds. He comes again soon.
const ENOUGH: usize = 1_024;

/// Most bytes of one command's events: 32 lines of a hold that give their units back, and 32 that take some, each with up
/// to four offers to those who wait; the orders themselves; a budget that is drained and a slice that is filled, for a
/// discount; and two coupons. Or, of a paid order, 32 lines that go back, each of which may cover missing units, with two
/// offers. Or 32 orders that a shortfall hits. A budget that is set up, with sixteen funders, takes less.
const COMMAND_BYTES: usize = 32 * (55 + 39 + 2 * 2 * 25) + 2 * 160 + (21 + 23) + 2 * 25;

const _: () = assert!(32 * (53 + 37 + 25 + 2 * 25) < COMMAND_BYTES);

const _: () = assert!(AT_ONCE * COMMAND_BYTES < MAX_BLOCK / 2);

/// Where commands wait that concern several shards.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The lock is that of whoever works here; it guards what he uses again and again.
    line: Combiner<Batch, Vec<Event>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { line: Combiner::new(CAPACITY, Vec::new()) }
    }

    /// Whether batches wait.
    pub(crate) fn has_mail(&self) -> bool {
        self.line.has_mail()
    }

    /// Hands in what no shard can decide about alone.
    ///
    /// # Errors
    /// The batch itself, if too many wait.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), Batch> {
        self.line.push(batch)
    }
}

/// What a few commands came to.
struct Done {
    ticket: u64,
    shards: u64,
}

impl Engine {
    /// Hands in a batch of requests for the desk, [`Request::Composite`]s and those about budgets and coupons, to be decided at the next [`visit_desk`](Self::visit_desk).
    ///
    /// # Errors
    /// The batch itself, if too many wait.
    pub fn submit_composite(&self, batch: Batch) -> Result<(), Batch> {
        self.desk().push(batch)
    }

    /// Decides a part of what waits at the desk, and ends orders over several shards whose time is up, unless somebody else
    /// is at it, who then does it. Returns whether more is due: come again soon. `reactor` is the caller's own.
    pub fn visit_desk(&self, reactor: usize) -> bool {
        if !self.desk().has_mail() && !self.has_due() {
            return false;
        }
        let more = self.work_at_desk();
        self.ports().wake_others(reactor);
        more
    }

    /// Ends a bounded number of orders over several shards whose time is up; waits for whoever is at the desk. Never on an
    /// order's path. Returns whether there were any: what came back may be due to somebody who waits, and there may be more.
    pub(crate) fn attend_desk(&self) -> bool {
        if !self.has_due() {
            return false;
        }
        let mut events = self.desk().line.hold();
        self.end_overdue(&mut events);
        self.look_at_campaigns(&mut events);
        drop(events);
        // Whoever came meanwhile found somebody at the desk and relies on him.
        self.work_at_desk();
        true
    }

    /// Whether time alone gives the desk something to do.
    fn has_due(&self) -> bool {
        self.campaigns().is_due(self.latest()) || self.all_shards().iter().any(Shard::has_overdue)
    }

    fn work_at_desk(&self) -> bool {
        let line = &self.desk().line;
        line.visit(
            || self.journal().has_room(),
            |events| {
                let more = self.end_overdue(events);
                self.look_at_campaigns(events);
                let mut decided = 0;
                while decided < ENOUGH
                    && self.journal().has_room()
                    && let Some(mut batch) = line.pop()
                {
                    decided += batch.slots.len();
                    self.decide_all(&mut batch, events);
                    if self.journal().poisoned().is_some() {
                        return Turn::Over { more: false };
                    }
                    self.ports().deliver(batch);
                }
                if decided >= ENOUGH { Turn::Enough } else { Turn::Over { more } }
            },
        )
    }

    /// Asserts the ledgers' invariants, over all of them together.
    pub(crate) fn check_all(&self) -> Result<(), Violation> {
        let mut held = self.hold(u64::MAX);
        let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
        Span::new(&mut ledgers).check()
    }

    fn decide_all(&self, batch: &mut Batch, events: &mut Vec<Event>) {
        let Batch { slots, lines, funders, budgets, ticket, .. } = batch;
        let mut aids = Aids { lines, funders, budgets };
        for few in slots.chunks_mut(AT_ONCE) {
            let done = self.decide_few(few, &mut aids, events);
            *ticket = (*ticket).max(done.ticket);
            self.visit_all(done.shards);
        }
    }

    fn decide_few(&self, slots: &mut [Slot], aids: &mut Aids<'_>, events: &mut Vec<Event>) -> Done {
        let lines = aids.lines;
        let mut shards = 0;
        for slot in &*slots {
            if let Work::Asked(request) = &slot.work {
                shards |= self.asks_of(request, lines);
            }
        }
        let mut held = self.hold(shards);
        // Dropped before the locks: nobody decides on a state that a panic has left half changed.
        let _guard = self.journal().poison_on_panic();
        let now = self.now();
        let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
        Span::new(&mut ledgers).touch(&slots.iter().filter_map(|slot| match &slot.work {
            Work::Asked(Request::Composite { command, first, count, .. }) => {
                Some((command, named(lines, *first, *count)))
            }
            Work::Asked(_) | Work::Answered(_) | Work::Rerouted => None,
        }));
        let mut desk = At::new(self, now, events);
        for slot in slots {
            let Work::Asked(request) = slot.work else { continue };
            if let Request::Composite { command: Composite::Campaign(_), .. } = request {
                self.campaigns().look_again();
            }
            let answer = if slot.deadline != Timestamp::default() && slot.deadline < now {
                Held::count_late(&mut held);
                Answer::DeadlineExceeded
            } else {
                Held::count_command(&mut held);
                match desk.answer(&mut held, &request, aids) {
                    Some(answer) => answer,
                    None => break,
                }
            };
            slot.work = Work::Answered(answer);
        }
        Done { ticket: desk.hand_over(&mut held), shards }
    }

    /// Ends a bounded number of orders over several shards whose time is up. Returns whether there are more.
    fn end_overdue(&self, events: &mut Vec<Event>) -> bool {
        let mut more = false;
        for (number, shard) in self.all_shards().iter().enumerate() {
            if !shard.has_overdue() || !self.journal().has_room() {
                continue;
            }
            let mut home = shard.hold(self.keeper());
            let commands: Vec<_> = home.ledger().errands().take(AT_ONCE).collect();
            drop(home);
            more |= commands.len() == AT_ONCE;
            // Its own among them, though a visitor may have dealt with what was due: others left their work to whoever held it.
            let shards =
                commands.iter().fold(1 << number, |shards, command| shards | self.concerned(command, &[]));
            let mut held = self.hold(shards);
            let guard = self.journal().poison_on_panic();
            let now = self.now();
            let mut desk = At::new(self, now, events);
            for command in &commands {
                let Some(outcome) = desk.decide(&mut held, command, (&[], None)) else { return false };
                if let Outcome::Replayed { deadline, .. } = outcome
                    && desk.events.iter().any(|event| matches!(event, Event::Expired { .. }))
                {
                    Held::count_expired(&mut held, now.since(deadline));
                }
            }
            desk.hand_over(&mut held);
            drop(guard);
            drop(held);
            self.visit_all(shards);
        }
        more
    }

    /// Notes in the log that phases have begun, and publishes what is known of campaigns, where it is time to.
    fn look_at_campaigns(&self, events: &mut Vec<Event>) {
        if !self.campaigns().is_due(self.latest()) || !self.journal().has_room() {
            return;
        }
        let mut held = self.hold(u64::MAX);
        let guard = self.journal().poison_on_panic();
        let now = self.now();
        let enter = Composite::Campaign(CampaignCommand::Enter);
        let mut desk = At::new(self, now, events);
        for _ in 0..AT_ONCE {
            match desk.decide(&mut held, &enter, (&[], None)) {
                Some(Outcome::CampaignSet) => {}
                Some(_) => break,
                None => return,
            }
        }
        desk.hand_over(&mut held);
        let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
        self.campaigns().publish(now, &Span::new(&mut ledgers));
        drop(guard);
        drop(held);
        self.visit_all(u64::MAX);
    }

    /// The shards that a request concerns, a bit each.
    fn asks_of(&self, request: &Request, lines: &[Line]) -> u64 {
        let bit = |partition: PartitionId| 1_u64 << self.shard_of(partition);
        match request {
            // By its request id it is known in one place.
            Request::Composite { command: Composite::Reserve { .. }, first, count, recall: true, .. } => {
                named(lines, *first, *count).first().map_or(0, |line| bit(PartitionId::of(line.sku)))
            }
            // What a budget has left is all that its slices have.
            Request::Composite { command: Composite::Reserve { reserve, .. }, .. }
                if reserve.claim.is_some() =>
            {
                u64::MAX
            }
            Request::Composite { command, first, count, coupon, .. } => {
                let coupon = coupon.map_or(0, |coupon| bit(coupon.partition()));
                self.concerned(command, named(lines, *first, *count)) | coupon
            }
            Request::Budget { command: BudgetCommand::Issue { batch, .. }, .. } => bit(batch.partition()),
            Request::Budget { .. } | Request::ReadBudget { .. } | Request::ReadCampaign { .. } => u64::MAX,
            Request::ReadCoupon { coupon } => bit(coupon.partition()),
            Request::Command(_)
            | Request::Recall(_)
            | Request::ReadLine { .. }
            | Request::ReadOrder { .. }
            | Request::ReadChannel { .. }
            | Request::ReadChannels { .. }
            | Request::ReadPhase { .. }
            | Request::ReadPrice { .. }
            | Request::ReadAfter(_)
            | Request::ReadStock { .. } => 0,
        }
    }

    /// The shards that must agree to a command, a bit each.
    fn concerned(&self, command: &Composite, lines: &[Line]) -> u64 {
        let mut shards = 0;
        let mut add = |partition: PartitionId| shards |= 1_u64 << self.shard_of(partition);
        let order = match command {
            Composite::Reserve { supersedes, .. } => {
                for line in lines {
                    add(PartitionId::of(line.sku));
                }
                *supersedes
            }
            Composite::Confirm(confirm) => Some(confirm.order),
            Composite::Cancel { cancel, .. } => Some(cancel.order),
            Composite::Expire(number) => Some(*number),
            Composite::Campaign(_) => return u64::MAX,
            Composite::After(after) => match after {
                AfterCommand::Advance(Advance { order, .. }) | AfterCommand::Refund(Refund { order, .. }) => {
                    Some(*order)
                }
                AfterCommand::Inspect(Inspect { sku, .. }) => {
                    add(PartitionId::of(*sku));
                    None
                }
                // Any shard may have orders that are hit.
                AfterCommand::Count(_) | AfterCommand::Name(_) => return u64::MAX,
            },
        };
        if let Some(number) = order {
            add(number.partition());
            // An order's SKUs, coupon and budget never change, so that what is seen here still holds when the locks are taken.
            let pays = matches!(command, Composite::Confirm(_));
            let home = self.shard_of(number.partition());
            if let Some(home) = self.all_shards().get(home).filter(|_| number.is_composite() || pays) {
                let mut held = home.hold(self.keeper());
                let ledger = held.ledger();
                let skus = ledger.skus_of(number).map(PartitionId::of);
                let partitions: Vec<_> =
                    skus.chain(ledger.coupon_of(number).map(CouponId::partition)).collect();
                let claims = pays && ledger.claims(number);
                drop(held);
                partitions.into_iter().for_each(&mut add);
                if claims {
                    // It may have ended, and its discount must be found again.
                    shards = u64::MAX;
                }
            }
        }
        shards
    }

    /// Takes the locks of these shards, in ascending order.
    fn hold(&self, shards: u64) -> Vec<Held<'_>> {
        let wanted = |number: &usize| shards & (1 << number) != 0;
        let numbers = (0..self.shards()).filter(wanted);
        numbers
            .filter_map(|number| self.all_shards().get(number))
            .map(|shard| shard.hold(self.keeper()))
            .collect()
    }

    /// Decides what others left at these shards while they were held.
    fn visit_all(&self, shards: u64) {
        if is_planted(Bug::HeldAndLeft) {
            return;
        }
        // With the one of whoever pushed: either he finds the lock free, or his batch is seen here.
        fence(Ordering::SeqCst);
        for (number, shard) in self.all_shards().iter().enumerate() {
            if shards & (1 << number) != 0 && shard.has_mail() {
                shard.visit(self.now(), self.journal(), self.ports(), self.keeper());
            }
        }
    }
}

/// What the requests of a batch name, and their answers may.
struct Aids<'a> {
    lines: &'a [Line],
    funders: &'a [Funder],
    budgets: &'a mut Vec<BudgetSnapshot>,
}

/// Somebody at the desk, with the shards that he holds.
struct At<'a> {
    engine: &'a Engine,
    now: Timestamp,
    events: &'a mut Vec<Event>,
    bytes: Vec<u8>,
    count: u32,
    /// Orders that waited and got units.
    offered: u32,
    /// The same, for those who watch them.
    notices: Vec<Notice>,
}

impl<'a> At<'a> {
    fn new(engine: &'a Engine, now: Timestamp, events: &'a mut Vec<Event>) -> Self {
        let bytes = engine.journal().buffer();
        Self { engine, now, events, bytes, count: 0, offered: 0, notices: Vec::new() }
    }

    /// Answers one request. `None` if the state is broken, after poisoning the journal.
    fn answer(&mut self, held: &mut [Held<'_>], request: &Request, aids: &mut Aids<'_>) -> Option<Answer> {
        match *request {
            Request::Composite { ref command, first, count, coupon, recall } => {
                let with = (named(aids.lines, first, count), coupon);
                if recall {
                    return self.recall(held, command, with);
                }
                self.decide(held, command, with).map(Answer::Outcome)
            }
            Request::Budget { ref command, first, count } => {
                let funders = named(aids.funders, first, count);
                let (now, mut ledgers) = (self.now, held.iter_mut().map(Held::ledger).collect::<Vec<_>>());
                self.events.clear();
                let decided = Span::new(&mut ledgers).budget(now, command, funders, self.events);
                self.take_down(decided).map(Answer::Outcome)
            }
            Request::ReadCampaign { campaign } => {
                let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
                Some(Answer::Campaign(Span::new(&mut ledgers).campaign(campaign)))
            }
            Request::ReadBudget { budget } => {
                let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
                let read = Span::new(&mut ledgers).read_budget(budget);
                let found = read.map_err(|violation| self.give_up(violation)).ok()?;
                // A batch has at most MAX_SLOTS of them.
                let at = u32::try_from(aids.budgets.len()).unwrap_or(u32::MAX);
                aids.budgets.extend(found);
                Some(Answer::Budget(found.map(|_| at)))
            }
            Request::ReadCoupon { coupon } => {
                let serves = |ledger: &&mut Ledger| ledger.share().serves(coupon.partition());
                let read = held.iter_mut().map(Held::ledger).find(serves);
                Some(Answer::Coupon(read.and_then(|ledger| ledger.coupon(coupon))))
            }
            // Never sent here; nothing is decided, so nothing is lost.
            Request::Command(_)
            | Request::Recall(_)
            | Request::ReadLine { .. }
            | Request::ReadOrder { .. }
            | Request::ReadChannel { .. }
            | Request::ReadChannels { .. }
            | Request::ReadPhase { .. }
            | Request::ReadPrice { .. }
            | Request::ReadAfter(_)
            | Request::ReadStock { .. } => Some(Answer::Busy),
        }
    }

    /// Decides one command. `None` if the state is broken, after poisoning the journal.
    fn decide(
        &mut self,
        held: &mut [Held<'_>],
        command: &Composite,
        with: (&[Line], Option<CouponId>),
    ) -> Option<Outcome> {
        let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
        self.events.clear();
        let decided = Span::new(&mut ledgers).execute_with(self.now, command, with, self.events);
        self.take_down(decided)
    }

    /// Answers one command without a change. `None` if the state is broken, after poisoning the journal.
    fn recall(
        &mut self,
        held: &mut [Held<'_>],
        command: &Composite,
        with: (&[Line], Option<CouponId>),
    ) -> Option<Answer> {
        let mut ledgers: Vec<&mut Ledger> = held.iter_mut().map(Held::ledger).collect();
        self.events.clear();
        match Span::new(&mut ledgers).recall(self.now, command, with, self.events) {
            Ok(known) => Some(known.map_or(Answer::NotKnown, Answer::Outcome)),
            Err(violation) => {
                self.give_up(violation);
                None
            }
        }
    }

    /// Encodes the events that something came to.
    fn take_down(&mut self, decided: Result<Outcome, Violation>) -> Option<Outcome> {
        match decided {
            Ok(outcome) => {
                for event in &*self.events {
                    if is_planted(Bug::OrderInParts) && self.count > 0 {
                        let before = std::mem::take(&mut self.bytes);
                        self.engine.journal().hand_over(std::mem::take(&mut self.count), before);
                    }
                    record::encode_event(event, &mut self.bytes);
                    self.count += 1;
                    if let Some(notice) = Notice::of(event) {
                        self.offered += 1;
                        self.notices.push(notice);
                    }
                }
                Some(outcome)
            }
            Err(violation) => {
                self.give_up(violation);
                None
            }
        }
    }

    fn give_up(&self, violation: Violation) {
        self.engine.journal().poison(format!("the ledger contradicts itself: {violation}"));
    }

    /// Hands the events over and says at which log position the answers may leave.
    fn hand_over(mut self, held: &mut [Held<'_>]) -> u64 {
        let journal = self.engine.journal();
        if self.count == 0 {
            journal.give_back(self.bytes);
            return held.iter().map(Held::ticket).max().unwrap_or(0);
        }
        held.iter_mut().for_each(Held::wipe_returned);
        let ticket = journal.hand_over(self.count, self.bytes);
        // While the shards are still held: what they delivered comes before.
        self.engine.ports().tell(&mut self.notices, ticket);
        for (nth, shard) in held.iter_mut().enumerate() {
            let (events, offered) = if nth == 0 { (self.count, self.offered) } else { (0, 0) };
            shard.decided(ticket, events, offered);
        }
        ticket
    }
}

/// What one command of a batch names of a list.
fn named<T>(list: &[T], first: u32, count: u8) -> &[T] {
    let first = first as usize;
    list.get(first..first + usize::from(count)).unwrap_or_default()
}
