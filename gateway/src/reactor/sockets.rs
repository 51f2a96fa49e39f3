//! The operating system's connections: TCP over mio's poll.
//!
//! One reactor listens for all. It deals the connections out in turn: each goes into the queue of its reactor, who is woken.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use super::door::Door;
use super::network::{Arrival, Dialect, Network, Ready};

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
    handed: ArrayQueue<Arrival<TcpStream>>,
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
    pub(crate) fn prepare(reactors: usize) -> io::Result<Vec<Self>> {
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
    type Stream = TcpStream;

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
                    Ok((stream, _)) => {
                        let porch = &self.porches[self.next % self.porches.len()];
                        self.next += 1;
                        if porch.handed.push(Arrival { stream, dialect: listener.dialect }).is_ok() {
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

    fn adopt(&mut self) -> Option<Arrival<TcpStream>> {
        self.own.handed.pop()
    }

    fn has_arrivals(&self) -> bool {
        !self.own.handed.is_empty()
    }

    fn watch(&mut self, stream: &mut TcpStream, name: usize) -> io::Result<()> {
        // Without it answers are only later.
        drop(stream.set_nodelay(true));
        self.poll.registry().register(stream, Token(name), Interest::READABLE | Interest::WRITABLE)
    }

    fn forget(&mut self, stream: &mut TcpStream) {
        drop(self.poll.registry().deregister(stream));
    }

    fn close(&mut self) {
        self.listeners.clear();
    }
}
