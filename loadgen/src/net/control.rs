//! A blocking connection for what is rare: setting stock up, reading orders and accounts back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use doorbuster_gateway::Stream;
use doorbuster_protocol::{
    Access, Auth, Class, Code, FLAG_DRILL, Fault, Header, Hello, Kind, MAGIC, Parsed, ProtocolError,
    ReadStock, Record, StatusView, StockView, VERSION, Welcome, body, parse,
};

use super::{LinkError, Peer};

/// Operations in one frame: answers of 100 bytes stay far below a frame's bound.
const BATCH: usize = 4_096;

/// Longest wait for one answer. Reads after a drill may queue behind its last writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bounds of the pause before something is asked again, milliseconds.
const SHORTEST_PAUSE_MS: u64 = 10;
const LONGEST_PAUSE_MS: u64 = 1_000;

/// A greeted blocking connection; one frame is in flight at a time.
#[derive(Debug)]
pub struct Control {
    stream: Stream<TcpStream>,
    input: Vec<u8>,
    correlation: u64,
    /// The latest position of the log that an answer has named.
    pub seen: u64,
    /// What the server said of itself.
    pub welcome: Welcome,
}

impl Control {
    /// Connects and greets.
    ///
    /// # Errors
    /// As [`Link::connect`](super::Link::connect).
    pub fn connect(peer: &Peer, name: &str) -> Result<Self, LinkError> {
        let stream = peer.connect(PATIENCE)?;
        let hello =
            Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: name.to_owned() };
        let nothing_yet = Welcome {
            version: 0,
            durability: 0,
            features: 0,
            now_ms: 0,
            log_id: [0; 16],
            max_batch: 0,
            max_body: 0,
            max_in_flight: 0,
            idempotency_window_ms: 0,
            default_hold_ms: 0,
            max_hold_ms: 0,
            server: String::new(),
        };
        let mut control = Self { stream, input: Vec::new(), correlation: 0, seen: 0, welcome: nothing_yet };
        control.welcome = control.greet(peer, hello).map_err(|error| peer.ungreeted(error))?;
        Ok(control)
    }

    fn greet(&mut self, peer: &Peer, hello: Hello) -> Result<Welcome, LinkError> {
        if let Some(proof) = peer.proof() {
            self.exchange::<Auth, Access>(Kind::Auth, &[proof])?;
        }
        self.exchange::<Hello, Welcome>(Kind::Hello, &[hello])?.pop().ok_or(LinkError::Closed)
    }

    /// Executes operations of one kind, in batches; answers in order.
    ///
    /// # Errors
    /// If the connection breaks or the server refuses a frame.
    pub fn execute<R: Record, A: Record>(&mut self, kind: Kind, requests: &[R]) -> Result<Vec<A>, LinkError> {
        let mut answers = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(BATCH) {
            let part = self.exchange::<R, A>(kind, chunk)?;
            if part.len() != chunk.len() {
                let reason = "has another number of answers than operations";
                return Err(ProtocolError::Body { kind: kind.name(), index: 0, reason }.into());
            }
            answers.extend(part);
        }
        Ok(answers)
    }

    /// The server's totals.
    ///
    /// # Errors
    /// As [`Control::execute`].
    pub fn status(&mut self) -> Result<StatusView, LinkError> {
        self.exchange::<ReadStock, StatusView>(Kind::ReadStatus, &[])?.pop().ok_or(LinkError::Closed)
    }

    /// The accounts of these SKUs, in order. Those that the server was too busy to read are asked for again: their zeros mean nothing.
    ///
    /// # Errors
    /// As [`Control::execute`]; or the server was too busy for too long.
    pub fn stock(&mut self, skus: &[ReadStock]) -> Result<Vec<StockView>, LinkError> {
        let mut views: Vec<StockView> = self.execute(Kind::ReadStock, skus)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let shed = views.iter_mut().zip(skus).filter(|(view, _)| is_for_later(view.code));
            let (mut unread, asked): (Vec<&mut StockView>, Vec<ReadStock>) = shed.unzip();
            let Some(first) = unread.first() else { return Ok(views) };
            if Instant::now() >= until {
                let fault = Fault { code: first.code, retry_after_ms: 0, message: String::new() };
                return Err(LinkError::refused(fault));
            }
            std::thread::sleep(Duration::from_millis(SHORTEST_PAUSE_MS));
            for (unread, view) in unread.iter_mut().zip(self.execute(Kind::ReadStock, &asked)?) {
                **unread = view;
            }
        }
    }

    /// Asks, and asks again as long as the server is too busy: what is refused for that was not executed.
    fn exchange<R: Record, A: Record>(&mut self, kind: Kind, requests: &[R]) -> Result<Vec<A>, LinkError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.exchange_once(kind, requests)? {
                Ok(answers) => return Ok(answers),
                Err(fault) => {
                    if !is_for_later(fault.code) || Instant::now() >= until {
                        return Err(LinkError::refused(fault));
                    }
                    let pause_ms = u64::from(fault.retry_after_ms).clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS);
                    std::thread::sleep(Duration::from_millis(pause_ms));
                }
            }
        }
    }

    fn exchange_once<R: Record, A: Record>(
        &mut self,
        kind: Kind,
        requests: &[R],
    ) -> Result<Result<Vec<A>, Fault>, LinkError> {
        self.correlation += 1;
        let mut header = Header::new(kind, self.correlation, 0);
        header.flags = FLAG_DRILL;
        let mut bytes = Vec::new();
        body::frame(header, requests, &mut bytes);
        self.stream.write_all(&bytes)?;
        loop {
            if let Parsed::Frame { header, body: content, consumed } = parse(&self.input)? {
                if header.kind == Kind::Error {
                    let fault: Fault = body::read_one(&header, content)?;
                    self.input.drain(..consumed);
                    return Ok(Err(fault));
                }
                let mut answers = Vec::with_capacity(requests.len());
                if Some(header.kind) == kind.answer() {
                    self.seen = self.seen.max(header.time);
                    body::read(&header, content, |answer| answers.push(answer))?;
                    self.input.drain(..consumed);
                    return Ok(Ok(answers));
                }
                if header.kind == Kind::Goodbye {
                    return Err(LinkError::Closed);
                }
                self.input.drain(..consumed);
                continue;
            }
            let mut chunk = vec![0; 64 << 10];
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(LinkError::Closed);
            }
            self.input.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }
}

/// Whether what has this code wasn't done, and may be asked for again.
fn is_for_later(code: u16) -> bool {
    Code::from_number(code).map(Code::class) == Some(Class::Retry)
}
