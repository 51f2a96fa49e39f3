//! The way in: bytes of a connection to operations in the shards' batches.

use doorbuster_engine::shard::{MAX_SLOTS, Slot, Work};
use doorbuster_ledger::{RequestId, Timestamp};
use doorbuster_protocol::people::Request;
use doorbuster_protocol::resp::Next;
use doorbuster_protocol::{FLAG_DRILL, Header, Kind, Parsed, ProtocolError, body, parse};
use rand::{Rng, RngExt};

use super::frames::Frames;
use super::gate::Entry;
use super::sorting::Sorter;
use super::{Dialect, Network, Reactor};
use crate::audit;
use crate::convert;
use crate::overload::Class;

/// Reads in one pass from connections that are agreeing on keys. Each may cost a signature, some tenths of a millisecond, and when all
/// clients connect again at once, those that are served go on between.
pub(super) const AGREEING_READS: u32 = 16;

/// A frame of requests that was let in.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    /// The session.
    pub(super) name: usize,
    pub(super) header: &'a Header,
    pub(super) body: &'a [u8],
    pub(super) entry: Entry,
}

impl<N: Network> Reactor<N> {
    /// Reads what a connection has, until it is empty or at a bound.
    pub(super) fn read(&mut self, name: usize, readable: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Some(session) = self.sessions.get_mut(name) {
            session.readable |= readable;
        }
        loop {
            let full = self.is_full();
            let Some(session) = self.sessions.get_mut(name) else { break };
            if !(session.readable || session.more) {
                break;
            }
            let agrees = !self.network.is_established(&session.stream);
            let turn = !agrees || self.agreeing < AGREEING_READS;
            if full || !turn || !session.may_read() {
                if !session.closing && !session.stalled {
                    session.stalled = true;
                    self.stalled.push(name);
                }
                break;
            }
            if session.more {
                if let Err(error) = self.take_in(name, &[]) {
                    self.fail(name, 0, &error);
                    break;
                }
                if self.sessions.get(name).is_some_and(|session| session.stalled) {
                    break;
                }
                continue;
            }
            self.agreeing += u32::from(agrees);
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
                    if self.sessions.get(name).is_some_and(|session| session.stalled) {
                        break;
                    }
                }
            }
        }
        self.scratch = scratch;
    }

    /// Decodes all whole frames, or commands, of a connection's bytes and keeps the rest.
    pub(super) fn take_in(&mut self, name: usize, fresh: &[u8]) -> Result<(), ProtocolError> {
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        let mut kept = std::mem::take(&mut session.input);
        let read = match session.dialect {
            Dialect::Native => Self::frames_in,
            Dialect::Resp => Self::commands_in,
        };
        let used = if kept.is_empty() {
            let used = read(self, name, fresh)?;
            kept.extend_from_slice(fresh.get(used..).unwrap_or_default());
            used
        } else {
            kept.extend_from_slice(fresh);
            let used = read(self, name, &kept)?;
            kept.drain(..used);
            used
        };
        if let Some(session) = self.sessions.get_mut(name) {
            session.began = match session.began {
                _ if kept.is_empty() => None,
                Some(since) if used == 0 => Some(since),
                Some(_) | None => Some(self.now),
            };
            if !kept.is_empty() {
                session.input = kept;
            }
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

    /// Translates all whole commands of a connection's bytes, as far as their replies have room.
    fn commands_in(&mut self, name: usize, bytes: &[u8]) -> Result<usize, ProtocolError> {
        let Some(session) = self.sessions.get_mut(name) else { return Ok(bytes.len()) };
        let Some(mut translator) = session.translator.take() else { return Ok(bytes.len()) };
        session.more = false;
        translator.lock(session.pass.is_locked());
        let now_ms = self.wall.raw();
        let mut used = 0;
        let outcome = loop {
            match translator.read(bytes, &mut used, now_ms) {
                Next::Frame { header, body } => {
                    if let Err(error) = self.frame(name, &header, body) {
                        break Err(error);
                    }
                }
                Next::Judge(proof) => {
                    let verdict = self.judge(name, &proof);
                    translator.judged(verdict);
                    let Some(session) = self.sessions.get(name).filter(|session| !session.closing) else {
                        break Ok(bytes.len());
                    };
                    translator.lock(session.pass.is_locked());
                }
                Next::Wait => break Ok(used),
                Next::Full => {
                    if let Some(session) = self.sessions.get_mut(name) {
                        session.more = true;
                        session.stalled = true;
                        self.stalled.push(name);
                    }
                    break Ok(used);
                }
                Next::End => {
                    if let Some(session) = self.sessions.get_mut(name) {
                        session.closing = true;
                    }
                    break Ok(bytes.len());
                }
            }
        };
        if let Some(session) = self.sessions.get_mut(name) {
            session.translator = Some(translator);
        }
        // Some replies need nobody's answer.
        self.mark_dirty(name);
        outcome
    }

    /// Sorts a frame's operations into the shards' batches.
    pub(super) fn operations<R: Request>(
        &mut self,
        incoming: &Incoming<'_>,
        mut convert: impl FnMut(&R, &mut convert::Aids<'_>) -> convert::Asked,
    ) -> Result<(), ProtocolError> {
        let Incoming { name, header, body, entry } = *incoming;
        if header.count == 0 {
            return Err(ProtocolError::BatchSize { count: 0, limit: doorbuster_protocol::MAX_BATCH });
        }
        let least = R::MIN_LEN.saturating_mul(header.count as usize);
        if body.len() < least {
            return Err(ProtocolError::Body { kind: header.kind.name(), index: 0, reason: "cut short" });
        }
        let moment = self.moment();
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        // The whole body is checked before the first operation of it is handed in: a frame is taken or refused whole.
        let mark: Vec<usize> = self.filling.iter().map(|batch| batch.slots.len()).collect();
        let told = audit::Entry::where_told(&session.pass, session.peer, header, body);
        let frame = self.frames.expect(header, (name, session.generation), self.now, told);
        let deadline = Timestamp::new(header.time);
        let mut index = 0;
        let mut answered = std::mem::take(&mut self.answered);
        let desk = self.engine.shards();
        let mut lines =
            self.filling.get_mut(desk).map(|batch| std::mem::take(&mut batch.lines)).unwrap_or_default();
        let lines_mark = lines.len();
        let mut funders =
            self.filling.get_mut(desk).map(|batch| std::mem::take(&mut batch.funders)).unwrap_or_default();
        let funders_mark = funders.len();
        let class = Class::of(header.kind);
        let mut ways = Sorter {
            engine: &self.engine,
            frames: &mut self.frames,
            shoppers: self.shoppers.as_mut(),
            standing: &self.standing.1,
            counts: self.counts.as_deref(),
            wall: self.wall,
            moment,
            entry,
            sold_out: 0,
        };
        let (filling, rng) = (&mut self.filling, &mut self.rng);
        let mut let_in = 0;
        let read = body::read_each_mut(header, body, |asked: &mut R| {
            self.shared.rename(asked);
            let token = Frames::token(frame, index);
            index += 1;
            let count = |list: usize| u32::try_from(list).unwrap_or(u32::MAX);
            let firsts = (count(lines.len()), count(funders.len()));
            let mut fresh = || fresh_id(rng, ways.wall);
            let mut aids = convert::Aids { fresh: &mut fresh, lines: &mut lines, funders: &mut funders };
            let asked = convert(asked, &mut aids);
            let sorted = asked.and_then(|ask| ways.sort(token, &ask, firsts, &lines));
            let (to, request) = match sorted {
                Ok(sorted) => sorted,
                Err(answer) => return answered.push((token, answer)),
            };
            if let Some(batch) = filling.get_mut(to) {
                let_in += 1;
                batch.slots.push(Slot { token, deadline, work: Work::Asked(request) });
            }
        });
        let sold_out = ways.sold_out;
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
            answered.clear();
            self.answered = answered;
            self.frames.finish(frame, (0, 0), None);
            return Err(error);
        }
        for ((batch, classes), mark) in self.filling.iter().zip(&mut self.filling_classes).zip(mark) {
            let fresh = batch.slots.len() - mark;
            classes[class.index()] +=
                u32::try_from(fresh).expect("a frame has a bounded number of operations");
        }
        self.admission.let_in(let_in);
        self.stats.sold_out(sold_out);
        self.stats.offered(header.kind, header.count);
        session.in_flight = session.in_flight.saturating_add(header.count);
        if header.flags & FLAG_DRILL != 0 {
            self.stats.drilled(header.count);
        }
        for (token, answer) in answered.drain(..) {
            // A watch that is refused has no place to give back; the other kinds that are refused here have this record.
            let is_view = header.kind == Kind::ReadChannel;
            let done = if is_view { self.answer_only(token, &answer) } else { self.answer(token, &answer) };
            if let Some(done) = done {
                self.finish(done);
            }
        }
        self.answered = answered;
        for shard in 0..self.filling.len() {
            if self.filling[shard].slots.len() >= MAX_SLOTS / 2 {
                self.hand_in(shard);
            }
        }
        Ok(())
    }
}

/// A UUID version 7 made here, for a client that sent no id.
pub(crate) fn fresh_id(rng: &mut impl Rng, now: Timestamp) -> RequestId {
    let random: u128 = rng.random();
    let time = u128::from(now.raw()) << 80;
    let tail = random & ((0xFFF << 64) | ((1 << 62) - 1));
    RequestId::new(time | (7 << 76) | (2 << 62) | tail)
}
