//! A client: one connection at a time, many requests on it, and whatever was not answered once more on the next one.

use std::collections::{BTreeMap, BTreeSet};

use doorbuster_gateway::simulation::Peer;
use doorbuster_protocol::{
    Class, Code, FLAG_FIRST_ATTEMPT, Fault, Header, Hello, Kind, MAGIC, OrderState, Parsed, Push, Record,
    Refused, VERSION, body, parse,
};

use crate::deeds::{Deed, Pushed, Said};

/// Requests of a client that may be unanswered.
pub(crate) const MAX_OPEN: usize = 12;

/// The frame of the greeting; requests count from 1.
const HELLO: u64 = 0;

/// The history, as far as all clients have seen it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) deeds: Vec<Deed>,
    pub(crate) pushes: Vec<Pushed>,
    /// Deeds that were answered and not looked at since.
    pub(crate) fresh: Vec<usize>,
    /// When the server died. What had been sent by then is decided by then, or never.
    pub(crate) crashes: Vec<u64>,
    /// Rises with each thing that is seen.
    moment: u64,
    /// Answers that say to try again, by code.
    pub(crate) put_off: BTreeMap<u16, u64>,
}

impl Seen {
    /// A moment of its own.
    pub(crate) fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// When a copy that was sent at a moment can be decided no more.
    pub(crate) fn dies(&self, sent: u64) -> u64 {
        self.crashes.iter().copied().find(|crash| *crash > sent).unwrap_or(u64::MAX)
    }

    /// Until when copies of a deed may still do something, other than the one that was answered; `None`: they can't.
    pub(crate) fn lingers(&self, deed: &Deed) -> Option<u64> {
        let until = self.dies(deed.latest());
        let others = deed.sent.len().saturating_sub(1);
        deed.sent.iter().take(others).any(|sent| self.dies(*sent) == until).then_some(until)
    }
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) peer: Option<Peer>,
    /// The reactor that serves it.
    pub(crate) reactor: usize,
    /// Nothing is carried on its connection before this step of the world.
    pub(crate) stalled_until: u64,
    /// Bytes that its connection had no room for.
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    next_frame: u64,
    /// Frames without answers, and the deeds in them.
    waiting: BTreeMap<u64, Vec<usize>>,
    /// What is to be sent again.
    pub(crate) again: Vec<usize>,
    /// Orders that its connection watches.
    pub(crate) watches: BTreeSet<u64>,
}

impl Client {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            peer: None,
            reactor: 0,
            stalled_until: 0,
            outbox: Vec::new(),
            inbox: Vec::new(),
            next_frame: 0,
            waiting: BTreeMap::new(),
            again: Vec::new(),
            watches: BTreeSet::new(),
        }
    }

    /// The shopper for whom it asks.
    pub(crate) fn user(&self) -> u64 {
        self.number as u64 + 1
    }

    /// Requests without answers.
    pub(crate) fn open(&self) -> usize {
        self.again.len() + self.waiting.values().map(Vec::len).sum::<usize>()
    }

    /// Begins on a fresh connection.
    pub(crate) fn greet(&mut self, peer: Peer, reactor: usize, features: u64) {
        (self.peer, self.reactor, self.stalled_until) = (Some(peer), reactor, 0);
        let hello = Hello {
            magic: MAGIC,
            oldest: VERSION,
            newest: VERSION,
            features,
            client: "simulation".to_owned(),
        };
        body::frame(Header::new(Kind::Hello, HELLO, 1), &[hello], &mut self.outbox);
        self.write();
    }

    /// Its connection is gone. What was not answered is to be sent again.
    pub(crate) fn hang_up(&mut self, seen: &Seen) {
        self.peer = None;
        self.outbox.clear();
        self.inbox.clear();
        self.watches.clear();
        let open = std::mem::take(&mut self.waiting).into_values().flatten();
        self.again.extend(open.filter(|deed| seen.deeds[*deed].is_open()));
    }

    /// Sends deeds of one kind in a frame that counts until `deadline`, server milliseconds; 0: for ever.
    pub(crate) fn send(&mut self, deeds: Vec<usize>, deadline: u64, seen: &mut Seen) {
        let Some(&first) = deeds.first() else { return };
        self.next_frame += 1;
        let kind = seen.deeds[first].asked.kind();
        let count = u32::try_from(deeds.len()).expect("a frame has few");
        let mut header = Header { time: deadline, ..Header::new(kind, self.next_frame, count) };
        // As the real client sets it: on what was never sent before.
        if deeds.iter().all(|deed| seen.deeds[*deed].sent.is_empty()) {
            header.flags |= FLAG_FIRST_ATTEMPT;
        }
        header.encode(&mut self.outbox, |out| {
            for deed in &deeds {
                seen.deeds[*deed].asked.put(out);
            }
        });
        for &at in &deeds {
            let now = seen.tick();
            seen.deeds[at].sent.push(now);
        }
        self.waiting.insert(self.next_frame, deeds);
        self.write();
    }

    /// Hands as many bytes to the connection as it takes.
    pub(crate) fn write(&mut self) {
        if let Some(peer) = &self.peer {
            let taken = peer.send(&self.outbox);
            self.outbox.drain(..taken);
        }
    }

    /// Reads what has arrived. `patient` says whether what is put off is to be asked again.
    ///
    /// # Errors
    /// The server said something that no server may say.
    pub(crate) fn read(&mut self, seen: &mut Seen, mut patient: impl FnMut() -> bool) -> Result<(), String> {
        let Some(peer) = &self.peer else { return Ok(()) };
        let open = peer.receive(&mut self.inbox);
        let inbox = std::mem::take(&mut self.inbox);
        let mut used = 0;
        loop {
            match parse(&inbox[used..]).map_err(|error| format!("a server's bytes: {error}"))? {
                Parsed::Incomplete { .. } => break,
                Parsed::Frame { header, body, consumed } => {
                    used += consumed;
                    self.hear(&header, body, seen, &mut patient)?;
                }
            }
        }
        self.inbox = inbox[used..].to_vec();
        if !open {
            self.hang_up(seen);
        }
        Ok(())
    }

    fn hear(
        &mut self,
        header: &Header,
        body: &[u8],
        seen: &mut Seen,
        patient: &mut impl FnMut() -> bool,
    ) -> Result<(), String> {
        match header.kind {
            Kind::Welcome | Kind::Credit | Kind::Pong | Kind::Goodbye => Ok(()),
            Kind::Push => self.pushed(&one(header, body)?, seen),
            Kind::Error => {
                let fault: Fault = one(header, body)?;
                let may_pass = Code::from_number(fault.code).is_some_and(|code| code.class() == Class::Retry);
                if !may_pass {
                    return Err(format!("client {} was told of a fault: {fault:?}", self.number));
                }
                if header.correlation == HELLO {
                    return Ok(());
                }
                self.refused(header.correlation, fault.code, seen, patient)
            }
            Kind::Refused => {
                let refused: Refused = one(header, body)?;
                (0..u64::from(refused.frames))
                    .try_for_each(|nth| self.refused(refused.first + nth, refused.code, seen, patient))
            }
            Kind::OrderRead => self.answered(header, body, seen, patient, Said::Order),
            Kind::StockRead => self.answered(header, body, seen, patient, Said::Stock),
            _ => self.answered(header, body, seen, patient, Said::Answer),
        }
    }

    /// A frame was refused as a whole: nothing of it was executed, this time.
    fn refused(
        &mut self,
        frame: u64,
        code: u16,
        seen: &mut Seen,
        patient: &mut impl FnMut() -> bool,
    ) -> Result<(), String> {
        let deeds = self.waiting.remove(&frame).ok_or("a frame that was never sent was refused")?;
        for deed in deeds {
            self.put_off(deed, code, seen, patient);
        }
        Ok(())
    }

    fn put_off(&mut self, deed: usize, code: u16, seen: &mut Seen, patient: &mut impl FnMut() -> bool) {
        *seen.put_off.entry(code).or_default() += 1;
        if patient() {
            self.again.push(deed);
        } else {
            seen.deeds[deed].given_up = true;
        }
    }

    fn answered<R: Record>(
        &mut self,
        header: &Header,
        body: &[u8],
        seen: &mut Seen,
        patient: &mut impl FnMut() -> bool,
        said: impl Fn(R) -> Said,
    ) -> Result<(), String> {
        let deeds =
            self.waiting.remove(&header.correlation).ok_or("a frame that was never sent was answered")?;
        let asked = seen.deeds[deeds[0]].asked.kind();
        if asked.answer() != Some(header.kind) || deeds.len() != header.count as usize {
            return Err(format!("{} was answered with {}", asked.name(), header.kind.name()));
        }
        let mut answers = Vec::new();
        body::read(header, body, |record: R| answers.push(said(record)))
            .map_err(|error| error.to_string())?;
        for (deed, said) in deeds.into_iter().zip(answers) {
            let code = Code::from_number(said.code()).ok_or("an unknown code")?;
            if code.class() == Class::Retry {
                self.put_off(deed, code.number(), seen, patient);
                continue;
            }
            let now = seen.tick();
            seen.deeds[deed].said = Some((now, said));
            seen.fresh.push(deed);
            if let (Kind::Watched, Said::Answer(answer)) = (header.kind, said)
                && code == Code::Ok
                && answer.state == OrderState::Waiting.byte()
            {
                self.watches.insert(answer.order);
            }
        }
        Ok(())
    }

    fn pushed(&mut self, push: &Push, seen: &mut Seen) -> Result<(), String> {
        if !self.watches.remove(&push.order) || push.user != self.user() {
            return Err(format!("client {} was pushed what it doesn't watch: {push:?}", self.number));
        }
        let at = seen.tick();
        seen.pushes.push(Pushed { at, order: push.order, state: push.state });
        Ok(())
    }
}

fn one<R: Record>(header: &Header, body: &[u8]) -> Result<R, String> {
    body::read_one(header, body).map_err(|error| error.to_string())
}
