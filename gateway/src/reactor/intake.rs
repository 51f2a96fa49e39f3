//! The way in: bytes of a connection to operations in the shards' batches.

use doorbuster_engine::shard::{self, MAX_SLOTS, Slot, Work};
use doorbuster_ledger::{RequestId, Timestamp};
use doorbuster_protocol::{
    Answer, Code, FLAG_DRILL, FLAG_FIRST_ATTEMPT, Header, Hello, Kind, Parsed, ProtocolError, ReadBudget,
    ReadCampaign, ReadCoupon, ReadGoods, ReadStock, StatusView, VERSION, Welcome, body, parse,
};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::frames::Frames;
use super::{MAX_IN_FLIGHT, Reactor};
use crate::convert::{self, Ask, budget};

impl Reactor {
    /// Reads what a connection has, until it is empty or at a bound.
    pub(super) fn read(&mut self, name: usize, readable: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Some(session) = self.sessions.get_mut(name) {
            session.readable |= readable;
        }
        loop {
            let full = self.is_full();
            let Some(session) = self.sessions.get_mut(name) else { break };
            if !session.readable {
                break;
            }
            if full || !session.may_read() {
                if !session.closing && !session.stalled {
                    session.stalled = true;
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
    pub(super) fn take_in(&mut self, name: usize, fresh: &[u8]) -> Result<(), ProtocolError> {
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

    pub(super) fn frames_in(&mut self, name: usize, bytes: &[u8]) -> Result<usize, ProtocolError> {
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

    pub(super) fn frame(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
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
        let first = header.flags & FLAG_FIRST_ATTEMPT != 0;
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
                self.operations(name, header, body, |asked, aids| convert::reserve(asked, first, aids))
            }
            Kind::ReserveOrder => {
                self.operations(name, header, body, |asked, aids| convert::reserve_order(asked, first, aids))
            }
            Kind::ReserveClaims => {
                self.operations(name, header, body, |asked, aids| budget::reserve_claims(asked, first, aids))
            }
            Kind::ReserveDiscounted => self
                .operations(name, header, body, |asked, aids| budget::reserve_discounted(asked, first, aids)),
            Kind::SetBudget => self.operations(name, header, body, budget::set_budget),
            Kind::FundBudget => self.operations(name, header, body, |asked, _| budget::fund_budget(asked)),
            Kind::StopBudget => self.operations(name, header, body, |asked, _| budget::stop_budget(asked)),
            Kind::IssueCoupons => {
                self.operations(name, header, body, |asked, _| budget::issue_coupons(asked))
            }
            Kind::ReadBudget => {
                self.operations(name, header, body, |asked: &ReadBudget, _| budget::read_budget(*asked))
            }
            Kind::ReadCoupon => {
                self.operations(name, header, body, |asked: &ReadCoupon, _| budget::read_coupon(*asked))
            }
            Kind::Confirm => self.operations(name, header, body, |asked, _| Ok(convert::confirm(asked))),
            Kind::Cancel => self.operations(name, header, body, |asked, _| Ok(convert::cancel(asked))),
            Kind::ConfirmLines => self.operations(name, header, body, convert::confirm_lines),
            Kind::CancelLines => self.operations(name, header, body, convert::cancel_lines),
            Kind::BeginPay => self.operations(name, header, body, |asked, _| Ok(convert::begin_pay(asked))),
            Kind::FailPay => self.operations(name, header, body, |asked, _| Ok(convert::fail_pay(asked))),
            Kind::Extend => self.operations(name, header, body, |asked, _| Ok(convert::extend(asked))),
            Kind::PutSku => self.operations(name, header, body, |asked, _| Ok(convert::put_sku(asked))),
            Kind::Restock => {
                self.operations(name, header, body, |asked, aids| Ok(convert::restock(asked, aids)))
            }
            Kind::ReadOrder => self.operations(name, header, body, |asked, _| Ok(convert::read_order(asked))),
            Kind::SetChannel => {
                self.operations(name, header, body, |asked, _| Ok(convert::set_channel(asked)))
            }
            Kind::Rebalance => self.operations(name, header, body, |asked, _| Ok(convert::rebalance(asked))),
            Kind::ReadChannel => {
                self.operations(name, header, body, |asked, _| Ok(convert::read_channel(asked)))
            }
            Kind::ReadChannels => {
                self.operations(name, header, body, |asked, _| Ok(convert::read_channels(asked)))
            }
            Kind::ReadLine => self.operations(name, header, body, |asked, _| Ok(convert::read_line(asked))),
            Kind::ReadStock => {
                self.operations(name, header, body, |asked: &ReadStock, _| Ok(convert::read_stock(*asked)))
            }
            Kind::PutPhase => self.operations(name, header, body, |asked, _| convert::put_phase(asked)),
            Kind::SetCampaign => {
                self.operations(name, header, body, |asked, _| Ok(convert::set_campaign(asked)))
            }
            Kind::BindSku => self.operations(name, header, body, |asked, _| Ok(convert::bind_sku(asked))),
            Kind::PutPrice => self.operations(name, header, body, |asked, _| Ok(convert::put_price(asked))),
            Kind::SetLimits => self.operations(name, header, body, |asked, _| Ok(convert::set_limits(asked))),
            Kind::ReadCampaign => self
                .operations(name, header, body, |asked: &ReadCampaign, _| Ok(convert::read_campaign(*asked))),
            Kind::ReadPhase => self.operations(name, header, body, |asked, _| Ok(convert::read_phase(asked))),
            Kind::ReadPrice => self.operations(name, header, body, |asked, _| Ok(convert::read_price(asked))),
            Kind::Advance => self.operations(name, header, body, convert::after::advance),
            Kind::Refund => self.operations(name, header, body, |asked, _| Ok(convert::after::refund(asked))),
            Kind::SetOnHand => {
                self.operations(name, header, body, |asked, _| Ok(convert::after::set_on_hand(asked)))
            }
            Kind::Inspect => self.operations(name, header, body, |asked, _| convert::after::inspect(asked)),
            Kind::ReadProgress => {
                self.operations(name, header, body, |asked, _| Ok(convert::after::read_progress(asked)))
            }
            Kind::ReadGoods => self.operations(name, header, body, |asked: &ReadGoods, _| {
                Ok(convert::after::read_goods(*asked))
            }),
            Kind::ReadShortfall => {
                self.operations(name, header, body, |asked, _| Ok(convert::after::read_shortfall(asked)))
            }
            Kind::Watch => self.watch(name, header, body),
            Kind::Fetch => self.fetch(name, header, body),
            kind => Err(ProtocolError::UnknownKind { kind: kind.byte() }),
        }
    }

    /// Sorts a frame's operations into the shards' batches.
    pub(super) fn operations<R: doorbuster_protocol::Record + Default>(
        &mut self,
        name: usize,
        header: &Header,
        body: &[u8],
        mut convert: impl FnMut(&R, &mut convert::Aids<'_>) -> convert::Asked,
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
        let desk = self.engine.shards();
        let mut lines =
            self.filling.get_mut(desk).map(|batch| std::mem::take(&mut batch.lines)).unwrap_or_default();
        let lines_mark = lines.len();
        let mut funders =
            self.filling.get_mut(desk).map(|batch| std::mem::take(&mut batch.funders)).unwrap_or_default();
        let funders_mark = funders.len();
        let (filling, rng, engine) = (&mut self.filling, &mut self.rng, &self.engine);
        let read = body::read_each(header, body, |asked: &R| {
            let token = Frames::token(frame, index);
            index += 1;
            let first = u32::try_from(lines.len()).unwrap_or(u32::MAX);
            let first_funder = u32::try_from(funders.len()).unwrap_or(u32::MAX);
            let mut fresh = || fresh_id(rng, engine.now());
            let mut aids = convert::Aids { fresh: &mut fresh, lines: &mut lines, funders: &mut funders };
            let (to, request) = match convert(asked, &mut aids) {
                Ok(Ask::Shard(partition, request)) => (engine.shard_of(partition), request),
                Ok(Ask::All(request)) => (desk, request),
                Ok(Ask::Desk(command, count)) => {
                    (desk, shard::Request::Composite { command, first, count, coupon: None })
                }
                Ok(Ask::WithCoupon(command, count, coupon)) => {
                    (desk, shard::Request::Composite { command, first, count, coupon })
                }
                Ok(Ask::Budget(command, count)) => {
                    (desk, shard::Request::Budget { command, first: first_funder, count })
                }
                Err(answer) => return refused.push((token, answer)),
            };
            if let Some(batch) = filling.get_mut(to) {
                batch.slots.push(Slot { token, deadline, work: Work::Asked(request) });
            }
        });
        if read.is_err() {
            lines.truncate(lines_mark);
            funders.truncate(funders_mark);
        }
        if let Some(batch) = self.filling.get_mut(desk) {
            batch.lines = lines;
            batch.funders = funders;
        }
        if let Err(error) = read {
            for (batch, mark) in self.filling.iter_mut().zip(mark) {
                batch.slots.truncate(mark);
            }
            self.frames.finish(frame, 0, None);
            return Err(error);
        }
        session.in_flight = session.in_flight.saturating_add(header.count);
        if header.flags & FLAG_DRILL != 0 {
            self.stats.drilled(header.count);
        }
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

    pub(super) fn hello(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
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

    pub(super) fn status(&mut self, name: usize, header: &Header) {
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
}

/// A UUID version 7 made here, for a client that sent no id.
fn fresh_id(rng: &mut Xoshiro256PlusPlus, now: Timestamp) -> RequestId {
    let random: u128 = rng.random();
    let time = u128::from(now.raw()) << 80;
    let tail = random & ((0xFFF << 64) | ((1 << 62) - 1));
    RequestId::new(time | (7 << 76) | (2 << 62) | tail)
}
