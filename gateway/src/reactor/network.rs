//! What a reactor needs of the world outside: connections, their readiness, and the time.
//!
//! There are two worlds: [`Sockets`](super::Sockets) are the operating system's; the network of a simulated
//! [`Node`](crate::simulation::Node) is a test's, in one thread and with a time of its own. A reactor is built for one of them, so that the compiler knows each call: the seam costs
//! nothing while a server runs, and a simulated server runs the same code.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What has happened to a connection since it was asked last. As edge-triggered polls tell it: once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The name that the connection was [watched](Network::watch) under.
    pub(crate) name: usize,
    /// Bytes came.
    pub(crate) readable: bool,
    /// There is room for bytes again.
    pub(crate) writable: bool,
    /// The peer writes no more, or the connection is broken.
    pub(crate) ended: bool,
}

/// The language of a connection, which is that of the port it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The native protocol's frames.
    Native,
    /// Redis's commands and replies.
    Resp,
}

/// A connection that was accepted for a reactor.
#[derive(Debug)]
pub(crate) struct Arrival<S> {
    pub(crate) stream: S,
    pub(crate) dialect: Dialect,
    /// Who is at its other end; `None`: nobody has an address there.
    pub(crate) peer: Option<SocketAddr>,
}

/// See the module's doc.
pub(crate) trait Network: Debug {
    /// A connection. Reading and writing never wait.
    type Stream: Read + Write + Debug;

    /// The time now. It never goes back.
    fn now(&self) -> Instant;

    /// Waits until something has happened, somebody has knocked at the [door](super::Door), or so much time has passed, and
    /// appends what has happened to `ready`.
    ///
    /// # Errors
    /// The poll is broken, and with it the reactor.
    fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> io::Result<()>;

    /// Takes connections that wait outside, for all reactors.
    fn accept(&mut self);

    /// A connection that was accepted for this reactor.
    fn adopt(&mut self) -> Option<Arrival<Self::Stream>>;

    /// Whether a connection waits to be [adopted](Self::adopt).
    fn has_arrivals(&self) -> bool;

    /// Tells from now on, under this name, what happens to a connection.
    ///
    /// # Errors
    /// It can't be watched, and is of no use.
    fn watch(&mut self, stream: &mut Self::Stream, name: usize) -> io::Result<()>;

    /// Whether bytes of the protocol can flow on it: nothing has to be agreed on first.
    fn is_established(&self, _: &Self::Stream) -> bool {
        true
    }

    /// Ends [`watch`](Self::watch), before the connection is dropped.
    fn forget(&mut self, stream: &mut Self::Stream);

    /// Accepts no more.
    fn close(&mut self);
}
