//! Who is let in: the checks of a frame before its body is looked at.
//!
//! From the cheapest to the dearest; each way out has a code and a counter of its own:
//!
//! 1. the connection is greeted, and the server isn't stopping ([`dispatch`](super::dispatch));
//! 2. its deadline has not passed;
//! 3. all that is asked for is known to be sold out: the directory answers, and nothing waits;
//! 4. admission: as much of the frame's class waits as may.
//!
//! What is refused was not executed, this time. An earlier copy of it may have been, and then its shopper must hear so: a
//! frame without `FIRST_ATTEMPT` is let in as a repeat, which is looked up without changing anything.

use std::io::{Read, Write};
use std::time::Duration;

use doorbuster_engine::shard::{Batch, Request};
use doorbuster_ledger::SkuId;
use doorbuster_protocol::{
    Answer, Code, Credit, FEATURE_BULK_REFUSALS, FEATURE_CREDITS, FLAG_FIRST_ATTEMPT, Fault, Header, Kind,
    Record, Refused, Reserve, ReserveDiscounted, body,
};

use super::session::Session;
use super::{MAX_IN_FLIGHT, Network, Pressure, Reactor};
use crate::overload::losses::Lost;
use crate::overload::{Class, Moment, Shoppers};

/// Where the SKU stands in the records of RESERVE and `RESERVE_DISCOUNTED`, after `request_id` and `user`.
const SKU_AT: usize = 24;

/// How a frame came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// To be decided.
    Open,
    /// To be answered if that needs no change; else it is refused.
    Repeat,
}

impl Entry {
    /// What the shard is asked.
    #[inline]
    pub(super) fn recalled(self, request: Request) -> Request {
        match (self, request) {
            (Self::Repeat, Request::Command(command)) => Request::Recall(command),
            (Self::Repeat, Request::Composite { command, first, count, coupon, recall: _ }) => {
                Request::Composite { command, first, count, coupon, recall: true }
            }
            (Self::Open | Self::Repeat, request) => request,
        }
    }
}

impl<N: Network> Reactor<N> {
    /// Lets a frame in, or refuses it: then it has its answer.
    #[inline]
    pub(super) fn enter(&mut self, name: usize, header: &Header, body: &[u8]) -> Option<Entry> {
        let class = Class::of(header.kind);
        if header.time != 0 && header.time < self.wall.raw() && header.kind != Kind::Fetch {
            // It lay in a socket until nobody waited for it any more, or its client's clock is behind. That says nothing about
            // what waits here, and is no loss of what was let in.
            self.unread.note(class, header.count);
            self.count_unread(header, body);
            self.turn_away(name, header, Code::DeadlineExceeded, 0);
            return None;
        }
        if self.admission.lets_in(class, header.count) {
            return Some(Entry::Open);
        }
        self.enter_full(name, class, header, body)
    }

    #[cold]
    fn enter_full(&mut self, name: usize, class: Class, header: &Header, body: &[u8]) -> Option<Entry> {
        if class == Class::Settle {
            self.push_out(self.admission.too_many(class, header.count));
            if self.admission.lets_in(class, header.count) {
                return Some(Entry::Open);
            }
        }
        let first = header.flags & FLAG_FIRST_ATTEMPT != 0;
        match header.kind {
            Kind::Reserve if first && self.all_sold_out(body, Reserve::MIN_LEN) => return Some(Entry::Open),
            Kind::ReserveDiscounted if first && self.all_sold_out(body, ReserveDiscounted::MIN_LEN) => {
                return Some(Entry::Open);
            }
            Kind::Reserve
            | Kind::ReserveDiscounted
            | Kind::ReserveOrder
            | Kind::ReserveClaims
            | Kind::Confirm
            | Kind::ConfirmLines
            | Kind::Cancel
            | Kind::CancelLines
            | Kind::BeginPay
            | Kind::FailPay
            | Kind::Extend
                if !first =>
            {
                return Some(Entry::Repeat);
            }
            _ => {}
        }
        self.count_unread(header, body);
        self.refuse(name, header, Code::Shed);
        None
    }

    /// Counts the new holds of a frame that is refused unread. Where its records are of one length, their SKUs are known.
    fn count_unread(&self, header: &Header, body: &[u8]) {
        let Some(counts) = &self.counts else { return };
        let length = match header.kind {
            Kind::Reserve => Reserve::MIN_LEN,
            Kind::ReserveDiscounted => ReserveDiscounted::MIN_LEN,
            Kind::ReserveOrder | Kind::ReserveClaims => return counts.note_unread(header.count),
            _ => return,
        };
        counts.note_unread(header.count);
        let skus = body.chunks_exact(length).filter_map(|record| record.get(SKU_AT..)?.first_chunk::<8>());
        skus.for_each(|sku| counts.note_line(u64::from_le_bytes(*sku)));
    }

    /// Whether all SKUs of a frame are known to be sold out, of records of this length.
    fn all_sold_out(&self, body: &[u8], length: usize) -> bool {
        body.chunks_exact(length).all(|record| {
            let sku = record.get(SKU_AT..).and_then(<[u8]>::first_chunk::<8>);
            sku.is_some_and(|sku| {
                self.engine.sold_out(SkuId::new(u64::from_le_bytes(*sku)), self.wall).is_some()
            })
        })
    }

    /// Refuses a frame as a whole, because there is too much to do.
    pub(super) fn refuse(&mut self, name: usize, header: &Header, code: Code) {
        self.admission.refuse(header.count);
        self.turn_away(name, header, code, self.admission.retry_after_ms());
    }

    #[cold]
    fn turn_away(&mut self, name: usize, header: &Header, code: Code, retry_after_ms: u32) {
        self.stats.offered(header.kind, header.count);
        self.stats.count(header.kind, code.number(), header.count);
        if let Some(session) = self.sessions.get_mut(name) {
            session.refuse(header, code, retry_after_ms);
        }
        self.mark_dirty(name);
    }

    /// Takes so many operations that came in, and were not handed to a shard, out again: the newest reads, then the newest
    /// holds.
    fn push_out(&mut self, operations: u64) {
        let mut left = operations;
        let mut out = Vec::new();
        for class in [Class::Read, Class::Reserve] {
            for shard in 0..self.filling.len() {
                let mut at = self.filling[shard].slots.len();
                while at > 0 && left > 0 {
                    at -= 1;
                    let token = self.filling[shard].slots[at].token;
                    if self.kind_of(token).map(Class::of) == Some(class) {
                        self.filling[shard].slots.remove(at);
                        self.filling_classes[shard][class.index()] -= 1;
                        out.push(token);
                        left -= 1;
                    }
                }
            }
        }
        self.admission.gone(out.len() as u64);
        let retry_after_ms = self.admission.retry_after_ms();
        for token in out {
            self.admission.refuse(1);
            if let Some(done) = self.answer_only(token, &Answer { retry_after_ms, ..Answer::of(Code::Shed) })
            {
                self.finish(done);
            }
        }
    }

    /// Everything that had come is let in or refused; says how hard that was.
    pub(super) fn end_reading(&mut self) {
        let now = self.moment();
        let delay_us = self.admission.end_reading(now);
        self.give_credit(now, delay_us);
        if self.losses.is_due(now) {
            self.look_at_losses(now);
        }
        let admission = &self.admission;
        self.stats.press(Pressure {
            in_flight: self.frames.unanswered() + self.fetching as u64,
            backlog: Duration::from_micros(admission.backlog_us()),
            cost: Duration::from_nanos(admission.cost_ns()),
            load: admission.load(),
            overloaded: admission.is_overloaded(),
            overloaded_for: Duration::from_micros(admission.overloaded_for(now).us()),
            forgotten: self.shoppers.as_ref().map_or(0, Shoppers::forgotten),
            target: Duration::from_micros(admission.target_us()),
            lost: self.losses.lost(),
        });
    }

    /// Holds what was lost in the last second against the budget, and lets as much wait as that allows.
    fn look_at_losses(&mut self, now: Moment) {
        let totals = self.stats.totals(self.late, self.unread);
        let before = self.admission.target_us();
        let target_us = self.losses.look(now, totals, self.admission.is_overloaded());
        if target_us < before {
            let Lost { goodput, admitted, settled } = self.losses.lost();
            tracing::warn!(
                target_us,
                goodput,
                admitted,
                settled,
                "more is lost than the budget allows, of ten thousand: less may wait from now on"
            );
        }
        self.admission.set_target_us(target_us);
    }

    /// Tells connections what they may have unanswered, where that has changed by more than a tenth.
    fn give_credit(&mut self, now: Moment, delay_us: u64) {
        self.credits.note(delay_us);
        self.credits.tick(now, self.admission.target_us(), self.frames.unanswered(), self.crediting);
        let each = self.credits.each(self.crediting);
        let alike = match (self.credit, each) {
            (Some(told), Some(each)) => told.abs_diff(each) <= told / 10,
            (told, each) => told == each,
        };
        if alike {
            return;
        }
        self.credit = each;
        let keeps = |session: &Session<N::Stream>| session.features & FEATURE_CREDITS != 0;
        let names: Vec<usize> =
            self.sessions.iter().filter(|(_, session)| keeps(session)).map(|(name, _)| name).collect();
        for name in names {
            self.say_credit(name);
        }
    }

    /// Tells a connection what it may have unanswered.
    pub(super) fn say_credit(&mut self, name: usize) {
        let operations = self.credit.unwrap_or(MAX_IN_FLIGHT);
        let credit = Credit { operations, load: self.admission.load(), reserved: [0; 3] };
        self.say(name, &Header::new(Kind::Credit, 0, 1), |out| body::put(&credit, out));
    }

    /// The time of this pass, as the rules of overload see it.
    pub(super) fn moment(&self) -> Moment {
        self.shared.moment(self.now)
    }

    /// The answer to an operation that was looked up only, and that nobody knew.
    pub(super) fn not_known(&self, token: u64) -> Answer {
        let shed = || (Code::Shed, self.admission.retry_after_ms());
        let (code, retry_after_ms) = self.frames.refusal(token).unwrap_or_else(shed);
        Answer { retry_after_ms, ..Answer::of(code) }
    }

    /// Operations of a batch that came back wait no more.
    pub(super) fn came_back(&mut self, batch: &Batch) {
        if !batch.rerouted {
            self.admission.gone(batch.slots.len() as u64);
        }
    }
}

impl<S: Read + Write> Session<S> {
    /// Says that a frame was refused; together with those before it, where the client understands that.
    fn refuse(&mut self, header: &Header, code: Code, retry_after_ms: u32) {
        if self.features & FEATURE_BULK_REFUSALS == 0 {
            let fault = Fault { code: code.number(), retry_after_ms, message: String::new() };
            Header::new(Kind::Error, header.correlation, 1)
                .encode(self.output(), |out| body::put(&fault, out));
            return;
        }
        match &mut self.refused {
            Some(refused)
                if refused.code == code.number()
                    && refused.first.wrapping_add(u64::from(refused.frames)) == header.correlation =>
            {
                refused.frames += 1;
                refused.operations = refused.operations.saturating_add(header.count);
                refused.retry_after_ms = refused.retry_after_ms.max(retry_after_ms);
            }
            _ => {
                self.say_refused();
                self.refused = Some(Refused {
                    first: header.correlation,
                    frames: 1,
                    operations: header.count,
                    retry_after_ms,
                    code: code.number(),
                    reserved: 0,
                });
            }
        }
    }

    /// Appends what was refused and not said yet.
    pub(super) fn say_refused(&mut self) {
        if let Some(refused) = self.refused.take() {
            Header::new(Kind::Refused, 0, 1).encode(self.output(), |out| body::put(&refused, out));
        }
    }
}
