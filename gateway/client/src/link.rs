//! One connection: a task that dials, greets, writes what is queued, hands answers to those who wait, and dials
//! again when the connection is lost.
//!
//! ```text
//!  callers ──queue──► write_loop ──frames──► server
//!     ▲                   │ registers each frame before it is written
//!     │                   ▼
//!     └──oneshot──── Pending ◄── read_loop ◄── answers, in any order
//! ```
//!
//! A frame is registered before its first byte is written. When the connection ends, everything registered is
//! reported as lost (it may have arrived), and everything still queued stays queued for the next connection.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use doorbuster_protocol::{
    Auth, Credit, FEATURES, Fault, Header, Hello, Kind, MAGIC, Parsed, ProtocolError, Push, Refused, Secret,
    VERSION, Welcome, body, parse,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::clock::ServerClock;
use crate::error::Error;
use crate::outbox::{Call, Loss, Pending, pack};
use crate::pushes::{PushBoard, Pushed};
use crate::retry::Backoff;
use crate::tls::Tls;

/// Longest time for a connection and its greeting: a server that takes longer is as good as down.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls taken from the queue for one write: bounds the memory of a write at a few megabytes.
const CALLS_A_WRITE: usize = 8_192;

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;

/// The correlation of the proof of a key: it is answered before any request is sent.
const PROOF: u64 = u64::MAX;

/// What all links of a client share.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) address: String,
    pub(crate) name: String,
    /// The secret that each connection is proved with.
    pub(crate) key: Option<Secret>,
    pub(crate) in_flight: usize,
    pub(crate) silence: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) clock: ServerClock,
    pub(crate) pushes: PushBoard,
    pub(crate) tls: Option<Tls>,
}

/// A greeted connection.
#[derive(Debug)]
pub(crate) struct Session {
    stream: Stream,
    pub(crate) welcome: Welcome,
    /// Bytes that came behind the greeting.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// The callers' end of a link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) queue: mpsc::Sender<Call>,
    /// Whether a connection stands. Written by the link's task, read by callers as a hint only: relaxed.
    pub(crate) up: Arc<AtomicBool>,
}

/// Connects and greets.
pub(crate) async fn dial(settings: &Settings) -> Result<Session, Error> {
    let failed = |reason: String| Error::Connect { address: settings.address.clone(), reason };
    match tokio::time::timeout(DIAL_TIMEOUT, greet(settings)).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(Ended::Broken(fault))) => Err(Error::Protocol(fault)),
        Ok(Err(Ended::Closed(reason))) => Err(failed(reason)),
        Ok(Err(Ended::Denied(reason))) => Err(Error::Denied { address: settings.address.clone(), reason }),
        Err(_) => Err(failed(format!("no greeting within {} s", DIAL_TIMEOUT.as_secs()))),
    }
}

async fn greet(settings: &Settings) -> Result<Session, Ended> {
    let mut stream = TcpStream::connect(&settings.address).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = &settings.tls else {
        let (welcome, buffer) = hello(settings, &mut stream).await?;
        return Ok(Session { stream: Stream::Plain(stream), welcome, buffer });
    };
    let name = tls.name(&settings.address)?;
    let connector = TlsConnector::from(Arc::clone(tls.config()));
    let agreed = connector.connect(name, stream).await;
    let mut stream = agreed.map_err(|error| Ended::Closed(format!("no encrypted connection: {error}")))?;
    let (welcome, buffer) = hello(settings, &mut stream).await?;
    Ok(Session { stream: Stream::Encrypted(Box::new(stream)), welcome, buffer })
}

/// Greets; with the answer, what came behind it.
async fn hello(
    settings: &Settings,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<(Welcome, Vec<u8>), Ended> {
    let began = Instant::now();
    let hello = Hello {
        magic: MAGIC,
        oldest: VERSION,
        newest: VERSION,
        features: FEATURES,
        client: settings.name.clone(),
    };
    let mut bytes = Vec::new();
    if let Some(secret) = settings.key.clone() {
        body::frame(Header::new(Kind::Auth, PROOF, 1), &[Auth { secret }], &mut bytes);
    }
    body::frame(Header::new(Kind::Hello, 0, 1), std::slice::from_ref(&hello), &mut bytes);
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    let mut buffer = Vec::with_capacity(READ_BYTES);
    loop {
        if let Parsed::Frame { header, body: content, consumed } = parse(&buffer)? {
            match header.kind {
                Kind::Welcome => {
                    let welcome: Welcome = body::read_one(&header, content)?;
                    settings.clock.adjust(welcome.now_ms, began.elapsed());
                    buffer.drain(..consumed);
                    return Ok((welcome, buffer));
                }
                Kind::Authenticated if settings.key.is_some() => {
                    buffer.drain(..consumed);
                    continue;
                }
                Kind::Error if header.correlation == PROOF => {
                    let fault: Fault = body::read_one(&header, content)?;
                    return Err(Ended::Denied(fault.message));
                }
                Kind::Error => {
                    let fault: Fault = body::read_one(&header, content)?;
                    return Err(Ended::Closed(format!("server refused the greeting: {}", fault.message)));
                }
                other => return Err(Ended::unexpected(other)),
            }
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            let why = if settings.tls.is_some() { "" } else { " (does it want an encrypted one?)" };
            return Err(Ended::Closed(format!("server closed the connection before its greeting{why}")));
        }
    }
}

/// Runs a link until its client is dropped. `session` is the first connection, if it was made already.
pub(crate) fn spawn(settings: Arc<Settings>, session: Option<Session>) -> Link {
    let (queue, calls) = mpsc::channel(CALLS_A_WRITE);
    let up = Arc::new(AtomicBool::new(session.is_some()));
    let flag = Arc::clone(&up);
    tokio::spawn(async move { run(&settings, session, calls, &flag).await });
    Link { queue, up }
}

async fn run(settings: &Settings, first: Option<Session>, mut calls: mpsc::Receiver<Call>, up: &AtomicBool) {
    let mut next_session = first;
    let mut failures = 0;
    while !calls.is_closed() || !calls.is_empty() {
        let session = match next_session.take() {
            Some(session) => Ok(session),
            None => dial(settings).await,
        };
        match session {
            Ok(session) => {
                failures = 0;
                up.store(true, Ordering::Relaxed);
                if serve(settings, session, &mut calls).await.is_break() {
                    return;
                }
                up.store(false, Ordering::Relaxed);
                failures += 1;
            }
            Err(error) => {
                failures += 1;
                let reason = error.to_string();
                while let Ok(call) = calls.try_recv() {
                    drop(call.reply.send(Err(Loss::NotSent(reason.clone()))));
                }
            }
        }
        tokio::time::sleep(settings.backoff.pause(failures, Duration::ZERO)).await;
    }
}

/// Why a connection ended.
enum Ended {
    Closed(String),
    Denied(String),
    Broken(ProtocolError),
}

impl Ended {
    fn unexpected(kind: Kind) -> Self {
        Self::Broken(ProtocolError::Body { kind: kind.name(), index: 0, reason: "was not expected here" })
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Closed(error.to_string())
    }
}

impl From<ProtocolError> for Ended {
    fn from(fault: ProtocolError) -> Self {
        Self::Broken(fault)
    }
}

/// State that the two directions of a connection share. One task polls both, so the lock is never contended.
struct Shared {
    pending: Mutex<Pending>,
    /// Woken when answers make room.
    room: Notify,
    /// Operations that may be unanswered, as the server says. One task reads and writes it: relaxed.
    credit: AtomicUsize,
    /// The server said GOODBYE: write nothing more.
    closing: AtomicBool,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one connection; breaks when the client is gone and everything is answered.
async fn serve(
    settings: &Settings,
    session: Session,
    calls: &mut mpsc::Receiver<Call>,
) -> std::ops::ControlFlow<()> {
    let shared = Shared {
        pending: Mutex::default(),
        room: Notify::new(),
        credit: AtomicUsize::new(operations(session.welcome.max_in_flight)),
        closing: AtomicBool::new(false),
    };
    let Session { stream, welcome, buffer } = session;
    let ended = match stream {
        Stream::Plain(stream) => {
            exchange(&shared, stream.into_split(), (&welcome, buffer), calls, settings).await
        }
        Stream::Encrypted(stream) => {
            exchange(&shared, tokio::io::split(stream), (&welcome, buffer), calls, settings).await
        }
    };
    let Some(ended) = ended else { return std::ops::ControlFlow::Break(()) };
    let loss = match ended {
        Ended::Closed(reason) | Ended::Denied(reason) => Loss::Lost(reason),
        Ended::Broken(fault) => Loss::Protocol(fault),
    };
    shared.pending().fail_all(&loss);
    settings.pushes.put(Pushed::Missed);
    std::ops::ControlFlow::Continue(())
}

/// Reads and writes until the connection ends; `None` when the client is gone and everything is answered.
async fn exchange(
    shared: &Shared,
    (read_half, write_half): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (welcome, buffer): (&Welcome, Vec<u8>),
    calls: &mut mpsc::Receiver<Call>,
    settings: &Settings,
) -> Option<Ended> {
    tokio::select! {
        ended = read_loop(shared, read_half, buffer, settings) => Some(ended),
        finished = write_loop(shared, write_half, calls, settings.in_flight, welcome) => finished.err(),
    }
}

/// Writes what is queued; `Ok` when the queue is closed and every answer has come.
async fn write_loop(
    shared: &Shared,
    mut stream: impl AsyncWrite + Unpin,
    calls: &mut mpsc::Receiver<Call>,
    in_flight: usize,
    welcome: &Welcome,
) -> Result<(), Ended> {
    let mut taken = Vec::new();
    let mut correlation = 1;
    let mut out = Vec::new();
    while calls.recv_many(&mut taken, CALLS_A_WRITE).await > 0 {
        // A caller that gave up meanwhile must not have its request executed.
        taken.retain(|call| !call.reply.is_closed());
        let credit = u32::try_from(shared.credit.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        for frame in pack(taken.drain(..), welcome.max_batch.min(credit), &mut correlation) {
            loop {
                let woken = shared.room.notified();
                let bound = in_flight.min(shared.credit.load(Ordering::Relaxed)).max(1);
                if shared.pending().has_room(&frame, bound) {
                    break;
                }
                if !out.is_empty() {
                    stream.write_all(&out).await?;
                    stream.flush().await?;
                    out.clear();
                }
                woken.await;
            }
            shared.pending().insert(frame.correlation, frame.sent);
            out.extend_from_slice(&frame.bytes);
        }
        stream.write_all(&out).await?;
        stream.flush().await?;
        out.clear();
        if shared.closing.load(Ordering::Relaxed) {
            // The answers still come; the reader ends the connection.
            return std::future::pending().await;
        }
    }
    loop {
        let woken = shared.room.notified();
        if shared.pending().is_empty() {
            return Ok(());
        }
        woken.await;
    }
}

/// Reads answers until the connection ends.
async fn read_loop(
    shared: &Shared,
    mut stream: impl AsyncRead + Unpin,
    mut buffer: Vec<u8>,
    settings: &Settings,
) -> Ended {
    let silence = settings.silence;
    loop {
        match take_frames(shared, &settings.pushes, &buffer) {
            Ok(consumed) => drop(buffer.drain(..consumed)),
            Err(ended) => return ended,
        }
        shared.room.notify_one();
        if shared.closing.load(Ordering::Relaxed) && shared.pending().is_empty() {
            return Ended::Closed("server is shutting down".to_owned());
        }
        buffer.reserve(READ_BYTES);
        match tokio::time::timeout(silence, stream.read_buf(&mut buffer)).await {
            Ok(Ok(0)) if buffer.is_empty() => {
                return Ended::Closed("server closed the connection".to_owned());
            }
            Ok(Ok(0)) => {
                return Ended::Closed("server closed the connection in the middle of a frame".to_owned());
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) if shared.pending().is_empty() => {}
            Err(_) => return Ended::Closed(format!("server was silent for {} ms", silence.as_millis())),
        }
    }
}

/// Handles the whole frames at the front of `buffer` and says how many bytes they were.
fn take_frames(shared: &Shared, pushes: &PushBoard, buffer: &[u8]) -> Result<usize, Ended> {
    let mut at = 0;
    while let Parsed::Frame { header, body: content, consumed } = parse(buffer.get(at..).unwrap_or_default())?
    {
        at += consumed;
        match header.kind {
            Kind::Push => body::read(&header, content, |push: Push| pushes.put(push.into()))?,
            Kind::Credit => {
                let credit: Credit = body::read_one(&header, content)?;
                shared.credit.store(operations(credit.operations), Ordering::Relaxed);
            }
            Kind::Refused => {
                let refused: Refused = body::read_one(&header, content)?;
                let Refused { code, retry_after_ms, .. } = refused;
                let fault = Fault { code, retry_after_ms, message: String::new() };
                let mut correlations = refused.correlations();
                if !correlations.all(|correlation| shared.pending().refuse(correlation, fault.clone())) {
                    return Err(Ended::unexpected(Kind::Refused));
                }
            }
            Kind::Goodbye => shared.closing.store(true, Ordering::Relaxed),
            Kind::Error => {
                let fault: Fault = body::read_one(&header, content)?;
                let line = format!("server ended the connection: {}", fault.message);
                if header.correlation == 0 || !shared.pending().refuse(header.correlation, fault) {
                    return Err(Ended::Closed(line));
                }
            }
            _ => shared.pending().answer(&header, content)?,
        }
    }
    Ok(at)
}

fn operations(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
