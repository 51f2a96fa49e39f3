//! The operating system's connections: TCP over mio's poll.
//!
//! One reactor listens for all. It deals the connections out in turn: each goes into the queue of its reactor, who is woken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use super::callers::{Callers, Seat};
use super::door::Door;
use super::network::{Arrival, Dialect, Network, Ready};
use super::wire::Wire;
use crate::tls::{Stream, Tls};

/// The token of the waker in the poll.
const WAKER: Token = Token(usize::MAX);

/// The token of the first listener in the poll; the next one's is one less. No connection's name is as great.
const LISTENER: usize = usize::MAX - 1;

/// Listeners at most.
const MAX_LISTENERS: usize = 2;

/// Readiness events that one poll reports.
const EVENTS: usize = 1_024;

/// Connections accepted elsewhere that may wait to be taken over.
const MAX_HANDED: usize = 4_096;

/// Where a reactor's connections wait to be taken over.
#[derive(Debug)]
struct Porch {
    door: Arc<Door>,
    handed: ArrayQueue<Handed>,
}

/// A connection that was accepted for some reactor.
#[derive(Debug)]
struct Handed {
    stream: TcpStream,
    dialect: Dialect,
    peer: SocketAddr,
    seat: Seat,
}

/// See the module's doc. Of one reactor.
#[derive(Debug)]
pub(crate) struct Sockets {
    poll: Poll,
    events: Events,
    own: Arc<Porch>,
    porches: Vec<Arc<Porch>>,
    /// Whose turn it is to get a connection.
    next: usize,
    listeners: Vec<Listener>,
    callers: Arc<Callers>,
    /// What connections are encrypted with; `None`: nothing.
    tls: Option<Arc<Tls>>,
}

/// Where connections come to.
#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    dialect: Dialect,
    /// Connections wait, or the socket failed other than by having nobody waiting.
    accept: bool,
}

impl Sockets {
    /// The sockets of so many reactors. Nobody listens yet.
    ///
    /// # Errors
    /// The operating system refuses a poll.
    pub(crate) fn prepare(
        reactors: usize,
        callers: &Arc<Callers>,
        tls: Option<&Arc<Tls>>,
    ) -> io::Result<Vec<Self>> {
        let mut prepared = Vec::new();
        for _ in 0..reactors {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKER)?;
            // The only failure is a full event counter, which means that it is being woken already.
            let door = Arc::new(Door::new(Arc::new(move || drop(waker.wake()))));
            prepared.push((poll, Arc::new(Porch { door, handed: ArrayQueue::new(MAX_HANDED) })));
        }
        let porches: Vec<_> = prepared.iter().map(|(_, porch)| Arc::clone(porch)).collect();
        let sockets = prepared.into_iter().map(|(poll, own)| Self {
            poll,
            events: Events::with_capacity(EVENTS),
            own,
            porches: porches.clone(),
            next: 0,
            listeners: Vec::new(),
            callers: Arc::clone(callers),
            tls: tls.cloned(),
        });
        Ok(sockets.collect())
    }

    /// The reactor's door.
    pub(crate) fn door(&self) -> &Arc<Door> {
        &self.own.door
    }

    /// Accepts connections for all reactors from now on, which speak this language.
    ///
    /// # Errors
    /// The operating system refuses to tell of them.
    pub(crate) fn listen(&mut self, mut socket: TcpListener, dialect: Dialect) -> io::Result<()> {
        let token = Token(LISTENER - self.listeners.len());
        debug_assert!(self.listeners.len() < MAX_LISTENERS, "a listener for each language");
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        self.listeners.push(Listener { socket, dialect, accept: false });
        Ok(())
    }
}

impl Network for Sockets {
    type Stream = Wire;

    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in &self.events {
            match event.token() {
                WAKER => {}
                Token(name) if name > LISTENER - MAX_LISTENERS => {
                    if let Some(listener) = self.listeners.get_mut(LISTENER - name) {
                        listener.accept = true;
                    }
                }
                Token(name) => ready.push(Ready {
                    name,
                    readable: event.is_readable(),
                    writable: event.is_writable(),
                    ended: event.is_read_closed(),
                }),
            }
        }
        Ok(())
    }

    fn accept(&mut self) {
        for listener in &mut self.listeners {
            while listener.accept {
                match listener.socket.accept() {
                    Ok((stream, peer)) => {
                        let Some(seat) = self.callers.seat(peer.ip()) else { continue };
                        let porch = &self.porches[self.next % self.porches.len()];
                        self.next += 1;
                        let handed = Handed { stream, dialect: listener.dialect, peer, seat };
                        if porch.handed.push(handed).is_ok() {
                            porch.door.wake();
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => listener.accept = false,
                    // A peer that was gone before it was taken.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        // Out of descriptors, say: no event will tell when there are some again, so each pass asks.
                        tracing::warn!(%error, "can't accept connections for now");
                        return;
                    }
                }
            }
        }
    }

    fn adopt(&mut self) -> Option<Arrival<Wire>> {
        loop {
            let Handed { stream, dialect, peer, seat } = self.own.handed.pop()?;
            let stream = match &self.tls {
                None => Stream::plain(stream),
                Some(tls) => match Stream::server(stream, tls.current()) {
                    Ok(stream) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "can't serve an encrypted connection");
                        continue;
                    }
                },
            };
            return Some(Arrival { stream: Wire::new(stream, seat), dialect, peer: Some(peer) });
        }
    }

    fn has_arrivals(&self) -> bool {
        !self.own.handed.is_empty()
    }

    fn watch(&mut self, stream: &mut Wire, name: usize) -> io::Result<()> {
        let socket = stream.stream.socket_mut();
        // Without it answers are only later.
        drop(socket.set_nodelay(true));
        self.poll.registry().register(socket, Token(name), Interest::READABLE | Interest::WRITABLE)
    }

    fn is_established(&self, stream: &Wire) -> bool {
        stream.stream.is_established()
    }

    fn forget(&mut self, Wire { stream, .. }: &mut Wire) {
        stream.say_farewell();
        drop(self.poll.registry().deregister(stream.socket_mut()));
    }

    fn close(&mut self) {
        self.listeners.clear();
    }
}
