//! One connection's commands to frames, and the answers to them to replies.
//!
//! Replies stand in the order of their commands. Each frame, and each reply that needs none, gets a place in a queue and the
//! number of that place, which the frame carries as its correlation. An answer that comes early is written into its place; what
//! stands at the front, and is there, leaves.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;

use super::arguments::Arguments;
use super::command::{self, Asked, Form, Operation};
use super::connection::{Connection, Facts, Proof, Then, Verdict, is_open};
use super::following::Following;
use super::parse::parse;
use super::reply;
use super::write::{Version, Writer};
use crate::body;
use crate::frame::{self, Header, Parsed};
use crate::hello::Fault;
use crate::kind::Kind;
use crate::overload::Refused;
use crate::watch::Push;

/// Most commands that become one frame: more would gain nothing, and an answer leaves when the last of its frame is there.
const MAX_RUN: u32 = 1_024;

/// Bytes of replies that may wait for an earlier one before no more commands are taken. A reply may be much longer than its
/// command: `COMMAND DOCS`.
const MAX_EARLY: usize = 1 << 20;

/// What comes of a connection's bytes.
#[derive(Debug)]
pub enum Next<'a> {
    /// A frame, to be handed in before the next is asked for.
    Frame {
        /// Its header.
        header: Header,
        /// Its body.
        body: &'a [u8],
    },
    /// A key, to be looked at before the next is asked for: [`Translator::judged`] is to be told what was found.
    Judge(Proof),
    /// More bytes are needed.
    Wait,
    /// Too much waits to be written. Ask again when some of it has left.
    Full,
    /// Nothing more is taken; the connection ends when all replies are out.
    End,
}

/// A place in the queue.
#[derive(Debug)]
enum Place {
    /// Of a frame that is on its way, with so many commands.
    Waits { commands: u32, form: Form, version: Version },
    /// Of replies that are there.
    Here(Vec<u8>),
}

/// See the module's doc.
#[derive(Debug, Default)]
pub struct Translator {
    connection: Connection,
    queue: VecDeque<Place>,
    /// The number of the place at the front, less one: the first has 1, as 0 is nobody's.
    gone: u64,
    /// Bytes of replies in the queue.
    early: usize,
    /// The operation of the commands that stand one behind the other, and how many they are so far.
    run: Option<(Operation, u32)>,
    /// Their records, behind those of the frame that was handed out last.
    body: Vec<u8>,
    handed_out: usize,
    ending: bool,
    following: Option<Following>,
    arguments: Vec<Range<usize>>,
    /// A key that is to be looked at, behind the frame of the commands before it.
    proof: Option<Proof>,
    /// Commands are obeyed only if they need no key.
    locked: bool,
}

impl Translator {
    /// For a new connection.
    pub fn new(facts: Facts) -> Self {
        Self { connection: Connection::new(facts), ..Self::default() }
    }

    /// Bytes of replies that wait for an earlier one.
    pub fn early(&self) -> usize {
        self.early
    }

    /// Whether from the next command on only those are obeyed that need no key.
    pub fn lock(&mut self, locked: bool) {
        self.locked = locked;
    }

    /// Replies to a key that was looked at.
    pub fn judged(&mut self, verdict: Verdict) {
        let mut reply = Vec::new();
        self.connection.judged(verdict, &mut reply);
        if self.connection.version == Version::Two {
            self.following = None;
        }
        self.queue(&reply);
    }

    /// Takes commands from `input`, from `used` on, until there is a frame to be handed in. `now_ms` is the server's time.
    pub fn read(&mut self, input: &[u8], used: &mut usize, now_ms: u64) -> Next<'_> {
        self.body.drain(..mem::take(&mut self.handed_out));
        loop {
            if let Some(proof) = self.proof.take() {
                return Next::Judge(proof);
            }
            let idle = match (self.ending, self.early > MAX_EARLY) {
                (true, _) => Some(Next::End),
                (false, true) => Some(Next::Full),
                (false, false) => None,
            };
            let rest = input.get(*used..).unwrap_or_default();
            let (header, idle) = match idle {
                Some(idle) => (self.close_run(self.body.len(), now_ms), Some(idle)),
                None => self.next_command(rest, used, now_ms),
            };
            if let Some(header) = header {
                return Next::Frame { header, body: self.body.get(..self.handed_out).unwrap_or_default() };
            }
            if let Some(idle) = idle {
                return idle;
            }
        }
    }

    /// Takes the command at the front of `input`. Gives the frame that is to be handed in before it; and why there is no
    /// command, if there is none.
    fn next_command<'a>(
        &mut self,
        input: &[u8],
        used: &mut usize,
        now_ms: u64,
    ) -> (Option<Header>, Option<Next<'a>>) {
        let mut arguments = mem::take(&mut self.arguments);
        let found = match parse(input, &mut arguments) {
            Ok(None) => (self.close_run(self.body.len(), now_ms), Some(Next::Wait)),
            Ok(Some(length)) => {
                *used = used.saturating_add(length);
                (self.command(input, &arguments, now_ms), None)
            }
            Err(error) => {
                let header = self.close_run(self.body.len(), now_ms);
                self.say(|to| to.error("ERR", &error.to_string()));
                self.ending = true;
                (header, None)
            }
        };
        self.arguments = arguments;
        found
    }

    /// Does what a command says, or begins to. Gives the frame that is to be handed in before it.
    fn command(&mut self, input: &[u8], at: &[Range<usize>], now_ms: u64) -> Option<Header> {
        let mark = self.body.len();
        if self.locked && Arguments::new(input, at).word().is_some_and(|name| !is_open(name)) {
            let header = self.close_run(mark, now_ms);
            self.say(|to| to.error("NOAUTH", NO_KEY));
            return header;
        }
        match command::read(input, at, &mut self.body) {
            Ok(Asked::Nothing) => None,
            Ok(Asked::Operation(operation)) if self.can_not_be_told(operation) => {
                self.body.truncate(mark);
                let header = self.close_run(mark, now_ms);
                self.say(|to| to.error("BAD_REQUEST", NO_PUSHES));
                header
            }
            Ok(Asked::Operation(operation)) if operation.form == Form::Pushes => {
                let record = self.body.split_off(mark);
                let header = self.close_run(mark, now_ms);
                if let Ok(fetch) = body::read_one(&Header::new(Kind::Fetch, 0, 1), &record) {
                    self.following = Some(Following::new(fetch, self.following.as_ref()));
                    self.say(|to| to.simple("OK"));
                }
                header
            }
            Ok(Asked::Operation(operation)) => match &mut self.run {
                Some((run, commands))
                    if *run == operation && *commands < MAX_RUN && may_join(operation.kind) =>
                {
                    *commands = commands.saturating_add(1);
                    None
                }
                Some(_) | None => {
                    let header = self.close_run(mark, now_ms);
                    self.run = Some((operation, 1));
                    header
                }
            },
            Ok(Asked::Other(name, words)) => {
                let header = self.close_run(mark, now_ms);
                let mut reply = Vec::new();
                match self.connection.obey(name, words, &mut reply) {
                    Then::Replied if self.connection.version == Version::Two => self.following = None,
                    Then::Replied => {}
                    Then::End => self.ending = true,
                    Then::Judge(proof) => self.proof = Some(proof),
                    Then::Info => {
                        let (kind, form) = (Kind::ReadStatus, Form::Info);
                        self.run = Some((Operation { kind, flags: 0, within_ms: 0, form }, 1));
                    }
                }
                self.queue(&reply);
                header
            }
            Err((spec, complaint)) => {
                let header = self.close_run(mark, now_ms);
                self.say(|to| to.error("BAD_REQUEST", &format!("{complaint}; usage: {}", spec.brief())));
                header
            }
        }
    }

    fn can_not_be_told(&self, operation: Operation) -> bool {
        let pushes = operation.kind == Kind::Watch || operation.form == Form::Pushes;
        pushes && self.connection.version == Version::Two
    }

    /// The frame that a feed which is followed goes on with, where there is one. To be asked for when there is room for what it
    /// brings.
    pub fn follow(&mut self) -> Option<(Header, Vec<u8>)> {
        self.following.as_mut().filter(|_| !self.ending)?.next()
    }

    /// The frame of the commands that stand one behind the other, whose records end at `end`, with a place for its answer.
    fn close_run(&mut self, end: usize, now_ms: u64) -> Option<Header> {
        let (Operation { kind, flags, within_ms, form }, commands) = self.run.take()?;
        self.queue.push_back(Place::Waits { commands, form, version: self.connection.version });
        let places = u64::try_from(self.queue.len()).unwrap_or(u64::MAX);
        let correlation = self.gone.saturating_add(places);
        let time = if within_ms == 0 { 0 } else { now_ms.saturating_add(u64::from(within_ms)) };
        self.handed_out = end;
        Some(Header { flags, time, ..Header::new(kind, correlation, commands) })
    }

    /// Writes a reply of our own behind all that are to come.
    fn say(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let mut reply = Vec::new();
        write(&mut Writer::new(&mut reply, self.connection.version));
        self.queue(&reply);
    }

    fn queue(&mut self, reply: &[u8]) {
        self.early = self.early.saturating_add(reply.len());
        match self.queue.back_mut() {
            _ if reply.is_empty() => {}
            Some(Place::Here(bytes)) => bytes.extend_from_slice(reply),
            Some(Place::Waits { .. }) | None => self.queue.push_back(Place::Here(reply.to_vec())),
        }
    }

    /// Takes frames of answers, and appends to `out` the replies whose turn it is.
    pub fn write(&mut self, frames: &[u8], out: &mut Vec<u8>) {
        self.let_go(out);
        let mut rest = frames;
        while let Ok(Parsed::Frame { header, body, consumed }) = frame::parse(rest) {
            self.answer(&header, body, out);
            rest = rest.get(consumed..).unwrap_or_default();
        }
        debug_assert!(rest.is_empty(), "the server's frames are whole");
    }

    fn answer(&mut self, header: &Header, body: &[u8], out: &mut Vec<u8>) {
        let version = self.connection.version;
        if let Some(following) = self.following.as_mut().filter(|following| following.is_asked_by(header)) {
            if !following.hear(header, body, &mut Writer::new(out, version)) {
                self.following = None;
            }
        } else if header.kind == Kind::Push {
            if let Ok(push) = body::read_one::<Push>(header, body) {
                reply::push(&push, &mut Writer::new(out, version));
            }
        } else if header.kind == Kind::Refused {
            let Ok(refused) = body::read_one::<Refused>(header, body) else { return };
            for correlation in refused.correlations() {
                self.settle(correlation, out, |commands, _, to| {
                    (0..commands).for_each(|_| reply::refused(refused.code, refused.retry_after_ms, "", to));
                });
            }
        } else if header.kind == Kind::Error {
            let Ok(fault) = body::read_one::<Fault>(header, body) else { return };
            if header.correlation == 0 {
                return reply::fault(&fault, &mut Writer::new(out, version));
            }
            self.settle(header.correlation, out, |commands, _, to| {
                (0..commands).for_each(|_| reply::fault(&fault, to));
            });
        } else {
            self.settle(header.correlation, out, |commands, form, to| {
                let written = reply::answers(header, body, form, to);
                debug_assert_eq!(written, commands, "an answer for each command");
                (written..commands).for_each(|_| to.error("ERR", "the server has no answer to this"));
            });
        }
    }

    /// Writes what became of a frame into its place, or to `out` where that is at the front.
    fn settle(
        &mut self,
        correlation: u64,
        out: &mut Vec<u8>,
        write: impl FnOnce(u32, Form, &mut Writer<'_>),
    ) {
        let nth =
            correlation.checked_sub(self.gone.saturating_add(1)).and_then(|nth| usize::try_from(nth).ok());
        let Some(place) = nth.and_then(|nth| self.queue.get_mut(nth)) else { return };
        let Place::Waits { commands, form, version } = *place else { return };
        if nth == Some(0) {
            write(commands, form, &mut Writer::new(out, version));
            self.queue.pop_front();
            self.gone = self.gone.saturating_add(1);
            self.let_go(out);
        } else {
            let mut reply = Vec::new();
            write(commands, form, &mut Writer::new(&mut reply, version));
            self.early = self.early.saturating_add(reply.len());
            *place = Place::Here(reply);
        }
    }

    /// Lets the replies at the front go that are there.
    fn let_go(&mut self, out: &mut Vec<u8>) {
        while let Some(Place::Here(bytes)) = self.queue.front() {
            out.extend_from_slice(bytes);
            self.early = self.early.saturating_sub(bytes.len());
            self.queue.pop_front();
            self.gone = self.gone.saturating_add(1);
        }
    }
}

const NO_KEY: &str = "Authentication required. Send AUTH with a key, or HELLO with AUTH";

const NO_PUSHES: &str = "SALE.WATCH and SALE.FOLLOW tell by pushes, which RESP2 has not: say HELLO 3 first, \
    or ask with SALE.ORDER and SALE.FETCH";

/// Whether several operations of a kind may stand in one frame.
fn may_join(kind: Kind) -> bool {
    !matches!(kind, Kind::ReadStatus | Kind::Fetch)
}
