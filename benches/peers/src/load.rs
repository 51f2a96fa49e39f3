//! A closed loop over many connections: each sends so many requests at once, and the next when all are answered.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use doorbuster_loadgen::health::{CpuMeter, CpuUse};
use doorbuster_loadgen::net::Poller;
use hdrhistogram::Histogram;

use crate::error::PeerError;
use crate::replies::reply_len;
use crate::servers::Target;
use crate::speech::{Requests, Speech};

/// How the server is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Connections.
    pub(crate) connections: usize,
    /// Requests that each sends at once.
    pub(crate) pipeline: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Reservations a second.
    pub(crate) rate: f64,
    /// From a request's sending to its reply, microseconds.
    pub(crate) p50_us: u64,
    /// Likewise.
    pub(crate) p99_us: u64,
    /// Who used the processors.
    pub(crate) cpu: CpuUse,
}

/// Part of the time before it that is not measured.
const WARM_UP: f64 = 0.25;

/// Bytes that one read takes.
const READ: usize = 256 << 10;

struct Connection {
    stream: TcpStream,
    /// Bytes that have come, and were not looked at.
    input: Vec<u8>,
    /// Bytes to be sent, and how many were.
    output: Vec<u8>,
    sent: usize,
    /// The poll tells when there is room.
    watched: bool,
    /// Replies that are to come, and when their requests were sent.
    waiting: usize,
    since: Instant,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let since = Instant::now();
        Ok(Self { stream, input: Vec::new(), output: Vec::new(), sent: 0, watched: false, waiting: 0, since })
    }

    /// Sends what there is, as far as there is room. Says whether all went.
    fn send(&mut self) -> io::Result<bool> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(true)
    }

    fn ask(&mut self, requests: &mut Requests, pipeline: usize) -> io::Result<bool> {
        for _ in 0..pipeline {
            requests.put(&mut self.output);
        }
        self.waiting = pipeline;
        self.since = Instant::now();
        self.send()
    }

    /// Has the poll tell when there is room, where not all went.
    fn watch(&mut self, poller: &Poller, name: usize, all: bool) -> io::Result<()> {
        if self.watched == all {
            poller.want_write(&self.stream, name, !all)?;
            self.watched = !all;
        }
        Ok(())
    }
}

/// Loads a server for so long, after a warm-up.
///
/// # Errors
/// A connection breaks, or a reservation is refused.
pub(crate) fn run(target: &Target, shape: Shape, seconds: f64, seed: u64) -> Result<Measured, PeerError> {
    let server = target.name;
    let broken = |error| PeerError::Connection { server, error };
    let mut requests = Requests::new(target.speech.clone(), seed);
    let poller = Poller::new().map_err(broken)?;
    let mut connections = Vec::new();
    for name in 0..shape.connections {
        let connection = Connection::open(target.address).map_err(broken)?;
        poller.add(&connection.stream, name).map_err(broken)?;
        connections.push(connection);
    }
    for (name, connection) in connections.iter_mut().enumerate() {
        let all = connection.ask(&mut requests, shape.pipeline).map_err(broken)?;
        connection.watch(&poller, name, all).map_err(broken)?;
    }
    let warm = Instant::now() + Duration::from_secs_f64(seconds * WARM_UP);
    let mut measuring: Option<(Instant, CpuMeter)> = None;
    let mut times = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3).expect("bounds in their order");
    let (mut held, mut ready, mut scratch) = (0_u64, Vec::new(), vec![0; READ]);
    loop {
        let now = Instant::now();
        match &measuring {
            None if now >= warm => {
                measuring = Some((now, CpuMeter::start(target.pid)));
                held = 0;
                times.reset();
            }
            Some((since, meter)) if now.duration_since(*since).as_secs_f64() >= seconds => {
                return Ok(Measured {
                    rate: doorbuster_loadgen::health::lossy(held) / now.duration_since(*since).as_secs_f64(),
                    p50_us: times.value_at_quantile(0.5),
                    p99_us: times.value_at_quantile(0.99),
                    cpu: meter.stop(),
                });
            }
            _ => {}
        }
        poller.wait(Duration::from_millis(10), &mut ready).map_err(broken)?;
        for &name in &ready {
            let Some(connection) = connections.get_mut(name) else { continue };
            let mut all = connection.send().map_err(broken)?;
            let read = match connection.stream.read(&mut scratch) {
                Ok(0) => return Err(broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => &scratch[..length],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => &[],
                Err(error) => return Err(broken(error)),
            };
            connection.input.extend_from_slice(read);
            let before = connection.waiting;
            take(connection, &target.speech, server)?;
            let came = (before - connection.waiting) as u64;
            if came > 0 {
                held += came;
                let took = u64::try_from(connection.since.elapsed().as_micros()).unwrap_or(u64::MAX);
                times.saturating_record_n(took, came);
            }
            if connection.waiting == 0 {
                all = connection.ask(&mut requests, shape.pipeline).map_err(broken)?;
            }
            connection.watch(&poller, name, all).map_err(broken)?;
        }
    }
}

/// Takes the replies that have come whole. Each must say that a unit is held.
fn take(connection: &mut Connection, speech: &Speech, server: &'static str) -> Result<(), PeerError> {
    let mut at = 0;
    while connection.waiting > 0
        && let Some(length) = reply_len(&connection.input[at..])
    {
        let reply = &connection.input[at..at + length];
        if !reply.starts_with(speech.held()) {
            return Err(PeerError::Refused {
                server,
                reply: String::from_utf8_lossy(reply).trim().to_owned(),
            });
        }
        connection.waiting -= 1;
        at += length;
    }
    connection.input.drain(..at);
    Ok(())
}
