//! A connection of the operating system, plain or encrypted.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::callers::Seat;
use crate::tls::Encrypted;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    /// Given back when the connection is dropped.
    _seat: Seat,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Encrypted(Box<Encrypted<TcpStream>>),
}

impl Wire {
    pub(super) fn plain(stream: TcpStream, seat: Seat) -> Self {
        Self { stream: Stream::Plain(stream), _seat: seat }
    }

    pub(super) fn encrypted(stream: Encrypted<TcpStream>, seat: Seat) -> Self {
        Self { stream: Stream::Encrypted(Box::new(stream)), _seat: seat }
    }

    /// What the operating system knows.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Encrypted(stream) => stream.inner(),
        }
    }

    /// Whether bytes of the protocol can flow.
    pub(super) fn is_established(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => true,
            Stream::Encrypted(stream) => stream.is_established(),
        }
    }

    pub(super) fn say_farewell(&mut self) {
        if let Stream::Encrypted(stream) = &mut self.stream {
            stream.say_farewell();
        }
    }
}

impl Read for Wire {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Encrypted(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Encrypted(stream) => stream.write(bytes),
        }
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(_) => Ok(()),
            Stream::Encrypted(stream) => stream.flush(),
        }
    }
}
