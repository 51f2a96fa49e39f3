//! The way out: decided batches to answers in the connections' output, once they are durable.

use doorbuster_engine::shard::{self, Batch, MAX_SLOTS, Slot, Work};
use doorbuster_protocol::{
    Answer, BudgetView, CampaignView, ChannelView, ChannelsView, Code, CouponView, GoodsView, Kind, LineView,
    OrderView, PhaseView, PriceView, ProgressView, Record, ShortfallView, StockView,
};

use super::{Network, Reactor};
use crate::convert;
use crate::convert::after::View;
use crate::overload::Class;

/// Emptied batches that are kept for the next requests: 64 of 4,096 slots are 40 MiB at most.
const MAX_SPARE: usize = 64;

impl<N: Network> Reactor<N> {
    /// Takes back what was decided.
    pub(super) fn take_decided(&mut self) {
        let mut decided_at = None;
        while let Some(batch) = self.engine.take(self.index) {
            let now = *decided_at.get_or_insert_with(|| self.shared.moment(self.network.now()));
            self.decided(&batch, now);
            self.keep_in_order(batch);
        }
    }

    /// Files a decided batch by its ticket. Nearly always the last place.
    fn keep_in_order(&mut self, batch: Batch) {
        self.underway = self.underway.saturating_sub(usize::from(!batch.rerouted));
        self.came_back(&batch);
        let mut at = self.waiting.len();
        while at > 0 && self.waiting[at - 1].ticket > batch.ticket {
            at -= 1;
        }
        self.waiting_len += batch.slots.len();
        self.waiting.insert(at, batch);
    }

    /// Encodes the answers whose ticket is durable.
    pub(super) fn release(&mut self, durable: u64) {
        let mut released_at = None;
        while self.waiting.front().is_some_and(|batch| batch.ticket <= durable) {
            let Some(mut batch) = self.waiting.pop_front() else { return };
            self.waiting_len -= batch.slots.len();
            let now = *released_at.get_or_insert_with(|| self.shared.moment(self.network.now()));
            let mut handed = self.returned(&batch);
            for (nth, slot) in batch.slots.drain(..).enumerate() {
                let Work::Answered(answer) = slot.work else { continue };
                if let Some(handed) = &mut handed {
                    self.weigh(handed, nth, slot.token, &answer);
                }
                let done = match answer {
                    shard::Answer::Outcome(outcome) => self.answer(slot.token, &convert::outcome(&outcome)),
                    shard::Answer::DeadlineExceeded => {
                        self.answer_only(slot.token, &Answer::of(Code::DeadlineExceeded))
                    }
                    shard::Answer::NotKnown => {
                        let answer = self.not_known(slot.token);
                        self.answer_only(slot.token, &answer)
                    }
                    shard::Answer::Busy => self.answer(slot.token, &convert::budget::busy()),
                    shard::Answer::Budget(at) => {
                        let read = at.and_then(|at| batch.budgets.get(at as usize));
                        let view = convert::budget::budget_view(read);
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Coupon(coupon) => {
                        let view = convert::budget::coupon_view(coupon.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Order(order) => {
                        let view = convert::order(&order);
                        if self.kind_of(slot.token) == Some(Kind::Watch) {
                            self.watched(slot.token, &view)
                        } else {
                            self.put(slot.token, view.code, &view)
                        }
                    }
                    shard::Answer::Channel(channel) => {
                        let view = convert::channel(channel.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Channels(page) => {
                        let view = convert::channels(page.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Campaign(campaign) => {
                        let view = convert::campaign(campaign.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Phase(phase) => {
                        let view = convert::phase(phase.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Price(price) => {
                        let view = convert::price(price.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::Line(line) => {
                        let view = convert::line(&line);
                        self.put(slot.token, view.code, &view)
                    }
                    shard::Answer::After(read) => match convert::after::read(&read) {
                        View::Progress(view) => self.put(slot.token, view.code, &view),
                        View::Goods(view) => self.put(slot.token, view.code, &view),
                        View::Shortfall(view) => self.put(slot.token, view.code, &view),
                    },
                    shard::Answer::Stock(stock) => {
                        let view = convert::stock(stock.as_ref());
                        self.put(slot.token, view.code, &view)
                    }
                };
                if let Some(done) = done {
                    self.finish(done);
                }
            }
            if let Some(handed) = handed {
                self.record(handed, now);
            }
            self.keep_spare(batch.slots);
        }
    }

    /// Keeps the memory of an emptied batch for the next ones.
    pub(super) fn keep_spare(&mut self, slots: Vec<Slot>) {
        if self.spare.len() < MAX_SPARE && slots.capacity() <= 2 * MAX_SLOTS {
            self.spare.push(slots);
        }
    }

    pub(super) fn answer(&mut self, token: u64, answer: &Answer) -> Option<usize> {
        self.put(token, answer.code, answer)
    }

    /// The kind of request that this answers.
    pub(super) fn kind_of(&self, token: u64) -> Option<Kind> {
        Some(self.frames.get(usize::try_from(token >> 32).ok()?)?.kind)
    }

    /// Counts an answer and puts it in its place.
    fn put<R: Record>(&mut self, token: u64, code: u16, record: &R) -> Option<usize> {
        let name = usize::try_from(token >> 32).ok()?;
        let verdict = self.stats.count(self.frames.get(name)?.kind, code, 1);
        self.frames.answer(token, verdict, record)
    }

    /// Answers an operation that was not decided, with the record that its kind calls for.
    pub(super) fn answer_only(&mut self, token: u64, answer: &Answer) -> Option<usize> {
        let name = usize::try_from(token >> 32).ok()?;
        let code = answer.code;
        match self.frames.get(name)?.kind {
            Kind::Watch => self.watched(token, &OrderView { code, ..OrderView::default() }),
            Kind::ReadOrder => self.put(token, code, &OrderView { code, ..OrderView::default() }),
            Kind::ReadChannel => self.put(token, code, &ChannelView { code, ..ChannelView::default() }),
            Kind::ReadChannels => self.put(token, code, &ChannelsView { code, ..ChannelsView::default() }),
            Kind::ReadCampaign => self.put(token, code, &CampaignView { code, ..CampaignView::default() }),
            Kind::ReadPhase => self.put(token, code, &PhaseView { code, ..PhaseView::default() }),
            Kind::ReadPrice => self.put(token, code, &PriceView { code, ..PriceView::default() }),
            Kind::ReadLine => self.put(token, code, &LineView { code, ..LineView::default() }),
            Kind::ReadProgress => self.put(token, code, &ProgressView { code, ..ProgressView::default() }),
            Kind::ReadGoods => self.put(token, code, &GoodsView { code, ..GoodsView::default() }),
            Kind::ReadShortfall => self.put(token, code, &ShortfallView { code, ..ShortfallView::default() }),
            Kind::ReadBudget => self.put(token, code, &BudgetView { code, ..BudgetView::default() }),
            Kind::ReadCoupon => self.put(token, code, &CouponView { code, ..CouponView::default() }),
            Kind::ReadStock => self.put(token, code, &StockView { code, ..StockView::default() }),
            _ => self.answer(token, answer),
        }
    }

    /// Sends a frame whose answers are all there.
    pub(super) fn finish(&mut self, done: usize) {
        let Some(frame) = self.frames.get(done) else { return };
        let (name, generation, count) = (frame.session, frame.generation, frame.count);
        let took = self.now.saturating_duration_since(frame.received);
        self.stats.took(frame.kind, took, frame.verdicts);
        if took > self.shared.late.get() {
            self.late.note(Class::of(frame.kind), count);
        }
        let position = self.engine.journal().durable();
        let session = self.sessions.get_mut(name).filter(|session| session.generation == generation);
        let output = session.map(|session| {
            session.in_flight = session.in_flight.saturating_sub(count);
            session.output()
        });
        let alive = output.is_some();
        self.frames.finish(done, (position, self.admission.load()), output);
        if alive {
            self.mark_dirty(name);
        }
    }

    pub(super) fn flush(&mut self) {
        for name in std::mem::take(&mut self.dirty) {
            let Some(session) = self.sessions.get_mut(name) else { continue };
            session.dirty = false;
            session.say_refused();
            let flushed = session.flush(self.now);
            let answered = session.backlog() == 0 && session.in_flight == 0;
            if flushed.is_err() || (session.closing && answered) {
                self.close(name);
                continue;
            }
            let room = session.may_read();
            let translator = session.translator.as_mut().filter(|_| room);
            if let Some((header, body)) = translator.and_then(|translator| translator.follow())
                && let Err(error) = self.frame(name, &header, &body)
            {
                self.fail(name, 0, &error);
            }
        }
    }
}
