//! A connection of the operating system, plain or encrypted.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::callers::Seat;
use crate::tls::Stream;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(super) stream: Stream<TcpStream>,
    /// Given back when the connection is dropped.
    _seat: Seat,
}

impl Wire {
    pub(super) const fn new(stream: Stream<TcpStream>, seat: Seat) -> Self {
        Self { stream, _seat: seat }
    }
}

impl Read for Wire {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.drain(buffer)
    }
}

impl Write for Wire {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
