//! A connection, plain or encrypted, for who moves bytes himself.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ClientConnection, ServerConfig};

use super::encrypted::Encrypted;

/// See the module's doc. `S` is what the operating system gives.
///
/// Read from until a buffer doesn't get full: what is encrypted may have come already while the socket has nothing more to tell of.
#[derive(Debug)]
pub struct Stream<S>(Way<S>);

#[derive(Debug)]
enum Way<S> {
    Plain(S),
    Encrypted(Box<Encrypted<S>>),
}

impl<S: Read + Write> Stream<S> {
    /// Either end of a plain connection.
    pub const fn plain(socket: S) -> Self {
        Self(Way::Plain(socket))
    }

    /// The client's end of an encrypted one.
    pub fn client(socket: S, tls: ClientConnection) -> Self {
        Self(Way::Encrypted(Box::new(Encrypted::of(socket, tls))))
    }

    /// The server's end of an encrypted one.
    ///
    /// # Errors
    /// The library can't serve with this configuration.
    pub(crate) fn server(socket: S, config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self(Way::Encrypted(Box::new(Encrypted::server(socket, config)?))))
    }

    /// What the operating system knows.
    pub const fn socket(&self) -> &S {
        match &self.0 {
            Way::Plain(stream) => stream,
            Way::Encrypted(stream) => stream.inner(),
        }
    }

    /// As [`socket`](Self::socket).
    pub(crate) const fn socket_mut(&mut self) -> &mut S {
        match &mut self.0 {
            Way::Plain(stream) => stream,
            Way::Encrypted(stream) => stream.inner_mut(),
        }
    }

    /// Whether it is encrypted.
    pub const fn is_encrypted(&self) -> bool {
        matches!(self.0, Way::Encrypted(_))
    }

    /// Whether bytes of the protocol can flow.
    pub(crate) fn is_established(&self) -> bool {
        match &self.0 {
            Way::Plain(_) => true,
            Way::Encrypted(stream) => stream.is_established(),
        }
    }

    /// Agrees on keys with the other side, over a socket that waits.
    ///
    /// # Errors
    /// The socket's, or, as the inner error, why the two can't agree.
    pub fn agree(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Way::Plain(_) => Ok(()),
            Way::Encrypted(stream) => stream.agree(),
        }
    }

    pub(crate) fn say_farewell(&mut self) {
        if let Way::Encrypted(stream) = &mut self.0 {
            stream.say_farewell();
        }
    }

    /// Reads for who is told only once that something has come: less than the buffer only where nothing more has.
    #[inline]
    pub(crate) fn drain(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Way::Plain(stream) => stream.read(buffer),
            Way::Encrypted(stream) => stream.drain(buffer),
        }
    }
}

impl<S: Read + Write> Read for Stream<S> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Way::Plain(stream) => stream.read(buffer),
            Way::Encrypted(stream) => stream.read(buffer),
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Way::Plain(stream) => stream.write(bytes),
            Way::Encrypted(stream) => stream.write(bytes),
        }
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Way::Plain(_) => Ok(()),
            Way::Encrypted(stream) => stream.flush(),
        }
    }
}
