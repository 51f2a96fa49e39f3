//! One connection's state: bytes in, bytes out, and the bounds that it keeps.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use doorbuster_protocol::resp::{Facts, Translator};
use doorbuster_protocol::{FEATURE_BULK_REFUSALS, Refused};

use super::network::Dialect;
use crate::keys::Pass;

/// Operations of one connection that may be unanswered. At the bound the server stops reading from it, so that TCP
/// slows the client down; one connection can't claim all memory.
pub(crate) const MAX_IN_FLIGHT: u32 = 65_536;

/// Bytes of answers that a client may leave unread before the server stops reading its requests: 4 MiB, the answers to
/// twice [`MAX_IN_FLIGHT`] reserves.
const MAX_OUTPUT: usize = 4 << 20;

/// Bytes of output buffer that a session keeps when it is idle.
const KEEP_OUTPUT: usize = 64 << 10;

/// See the module's doc.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; none excludes another")]
pub(crate) struct Session<S> {
    pub(crate) stream: S,
    /// Tells this session from an earlier one in the same place.
    pub(crate) generation: u32,
    /// When it was made.
    pub(super) opened: Instant,
    /// Bytes of a frame that has not come whole.
    pub(crate) input: Vec<u8>,
    /// When that frame began.
    pub(super) began: Option<Instant>,
    output: Vec<u8>,
    written: usize,
    pub(crate) dialect: Dialect,
    /// Of a connection that speaks another language than ours; with the reactor while commands are read.
    pub(crate) translator: Option<Box<Translator>>,
    /// Frames that wait to be translated.
    frames: Vec<u8>,
    /// `input` holds commands that were not looked at, as too much waited to be written.
    pub(crate) more: bool,
    pub(crate) in_flight: u32,
    /// Fetches among them.
    pub(crate) fetching: u32,
    /// Orders that it watches, or that are being read for that.
    pub(crate) watching: usize,
    pub(crate) greeted: bool,
    /// What it may do: nothing, until it is said.
    pub(crate) pass: Pass,
    /// Who is at its other end.
    pub(crate) peer: Option<SocketAddr>,
    /// Wrong keys that it sent since the last right one.
    pub(super) wrong_keys: u8,
    /// Since when it may do nothing, where it may do nothing.
    pub(super) locked_since: Instant,
    /// Features that both sides have.
    pub(crate) features: u64,
    /// Frames that were refused, and not said yet.
    pub(super) refused: Option<Refused>,
    /// The socket may have more to read than was taken.
    pub(crate) readable: bool,
    /// The peer has closed its side. Readiness is told once, so the end must be read now, behind what is left.
    pub(crate) ended: bool,
    /// Close when all answers are out; take nothing more in.
    pub(crate) closing: bool,
    /// Since when its socket has taken nothing of what is to be written.
    pub(super) stuck_since: Option<Instant>,
    /// Already on the reactor's list of sessions to flush.
    pub(crate) dirty: bool,
    /// Already on the reactor's list of sessions that stopped reading at a bound.
    pub(crate) stalled: bool,
}

impl<S: Read + Write> Session<S> {
    pub(crate) fn new(stream: S, generation: u32, opened: Instant) -> Self {
        Self {
            stream,
            generation,
            opened,
            input: Vec::new(),
            began: None,
            output: Vec::new(),
            written: 0,
            dialect: Dialect::Native,
            translator: None,
            frames: Vec::new(),
            more: false,
            in_flight: 0,
            fetching: 0,
            watching: 0,
            greeted: false,
            pass: Pass::default(),
            peer: None,
            wrong_keys: 0,
            locked_since: opened,
            features: 0,
            refused: None,
            readable: true,
            ended: false,
            closing: false,
            stuck_since: None,
            dirty: false,
            stalled: false,
        }
    }

    /// A session whose client speaks RESP. Nobody greets there; that frames may be refused together, the translator knows.
    pub(crate) fn translated(stream: S, generation: u32, opened: Instant, number: u64) -> Self {
        Self {
            dialect: Dialect::Resp,
            translator: Some(Box::new(Translator::new(Facts { connection: number }))),
            greeted: true,
            features: FEATURE_BULK_REFUSALS,
            ..Self::new(stream, generation, opened)
        }
    }

    /// Where frames of answers are appended.
    #[inline]
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        match self.dialect {
            Dialect::Native => &mut self.output,
            Dialect::Resp => &mut self.frames,
        }
    }

    /// Whether more requests may be read.
    pub(crate) fn may_read(&self) -> bool {
        !self.closing && self.in_flight < MAX_IN_FLIGHT && self.backlog() < MAX_OUTPUT
    }

    /// Bytes of answers not yet taken by the socket.
    pub(crate) fn backlog(&self) -> usize {
        let early = self.translator.as_ref().map_or(0, |translator| translator.early());
        self.output.len() - self.written + self.frames.len() + early
    }

    /// Reads once. `Ok(None)` where nothing has come, `Ok(Some(0))` at the end of the stream.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.stream.read(buffer) {
                Ok(length) => {
                    // A short read has emptied the socket; the next readiness comes as an event, unless the end has
                    // been announced already.
                    self.readable = self.ended || length == buffer.len();
                    return Ok(Some(length));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes as much output as the socket takes.
    pub(crate) fn flush(&mut self, now: Instant) -> io::Result<()> {
        if let Some(translator) = &mut self.translator {
            translator.write(&self.frames, &mut self.output);
            self.frames.clear();
            self.frames.shrink_to(KEEP_OUTPUT);
        }
        let before = self.written;
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.written > before || self.stuck_since.is_none() {
                        self.stuck_since = Some(now);
                    }
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.stream.flush() {
            // What is left is the connection's own, and goes when there is room.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            flushed => flushed?,
        }
        self.output.clear();
        self.written = 0;
        self.stuck_since = None;
        if self.output.capacity() > KEEP_OUTPUT && self.in_flight == 0 {
            self.output.shrink_to(KEEP_OUTPUT);
        }
        Ok(())
    }
}
