//! A simulated connection: two directions of bytes, each with some on their way and some arrived.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use parking_lot::Mutex;

/// Bytes that one direction holds, on their way or arrived and not read: as the buffers of a socket. So small that a page of
/// answers doesn't fit, and writes are cut short.
const WINDOW: usize = 4 << 10;

/// One direction.
#[derive(Debug, Default)]
struct Direction {
    flying: VecDeque<u8>,
    arrived: VecDeque<u8>,
    /// Who writes has closed his side.
    closed: bool,
    /// A write found no room since there was some.
    blocked: bool,
}

impl Direction {
    fn room(&self) -> usize {
        WINDOW.saturating_sub(self.flying.len() + self.arrived.len())
    }

    fn carry(&mut self, bytes: usize) -> usize {
        let carried = bytes.min(self.flying.len());
        self.arrived.extend(self.flying.drain(..carried));
        carried
    }

    /// Whether the reader has seen or may see the end now.
    fn has_ended(&self) -> bool {
        self.closed && self.flying.is_empty()
    }
}

/// What the server has not been told yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) ended: bool,
}

/// See the module's doc.
#[derive(Debug, Default)]
pub(super) struct Cable {
    up: Direction,
    down: Direction,
    broken: bool,
    news: News,
}

impl Cable {
    /// What the server is to be told, once.
    pub(super) fn take_news(&mut self) -> Option<News> {
        self.has_news().then(|| std::mem::take(&mut self.news))
    }

    /// Whether there is something to tell.
    pub(super) fn has_news(&self) -> bool {
        let News { readable, writable, ended } = self.news;
        readable || writable || ended
    }

    /// What a poll tells of a connection that it is new to.
    pub(super) fn greet(&mut self) {
        let readable = !self.up.arrived.is_empty();
        self.news = News { readable, writable: true, ended: self.broken || self.up.has_ended() };
    }

    /// What the server reads.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.broken {
            return Err(ErrorKind::ConnectionReset.into());
        }
        let length = self.up.arrived.len().min(buffer.len());
        if length == 0 && !self.up.has_ended() {
            return Err(ErrorKind::WouldBlock.into());
        }
        for (place, byte) in buffer.iter_mut().zip(self.up.arrived.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }

    /// What the server writes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(ErrorKind::ConnectionReset.into());
        }
        let length = self.down.room().min(bytes.len());
        self.down.blocked = length < bytes.len();
        if length == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.down.flying.extend(bytes.iter().take(length));
        Ok(length)
    }
}

/// A pair of ends.
pub(super) fn connect() -> (Peer, SimStream) {
    let cable = Arc::new(Mutex::new(Cable::default()));
    (Peer { cable: Arc::clone(&cable) }, SimStream { cable })
}

/// The server's end.
#[derive(Debug)]
pub(crate) struct SimStream {
    pub(super) cable: Arc<Mutex<Cable>>,
}

impl Read for SimStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.cable.lock().read(buffer)
    }
}

impl Write for SimStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cable.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.cable.lock().down.closed = true;
    }
}

/// The client's end of a simulated connection, and what carries its bytes.
#[derive(Debug)]
pub struct Peer {
    cable: Arc<Mutex<Cable>>,
}

impl Peer {
    /// Sends bytes: as many as there is room for, which it returns. None where the connection is broken.
    pub fn send(&self, bytes: &[u8]) -> usize {
        let mut cable = self.cable.lock();
        if cable.broken || cable.down.closed {
            return 0;
        }
        let length = cable.up.room().min(bytes.len());
        cable.up.flying.extend(bytes.iter().take(length));
        length
    }

    /// Appends to `bytes` what has arrived. Returns whether more may come.
    pub fn receive(&self, bytes: &mut Vec<u8>) -> bool {
        let mut cable = self.cable.lock();
        bytes.extend(cable.down.arrived.drain(..));
        if cable.down.blocked && cable.down.room() > 0 {
            cable.down.blocked = false;
            cable.news.writable = true;
        }
        !cable.broken && !cable.down.has_ended()
    }

    /// Carries so many bytes to the server, or all that are on their way if they are fewer. Returns how many.
    pub fn carry_up(&self, bytes: usize) -> usize {
        let mut cable = self.cable.lock();
        let carried = cable.up.carry(bytes);
        cable.news.readable |= carried > 0;
        carried
    }

    /// Carries so many bytes to the client, or all that are on their way if they are fewer. Returns how many.
    pub fn carry_down(&self, bytes: usize) -> usize {
        self.cable.lock().down.carry(bytes)
    }

    /// Breaks the connection: what was on its way to the server or unread there is lost. What has arrived at the client can be
    /// received.
    pub fn cut(&self) {
        let mut cable = self.cable.lock();
        cable.broken = true;
        cable.up = Direction::default();
        cable.down.flying.clear();
        cable.news = News { readable: true, writable: true, ended: true };
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut cable = self.cable.lock();
        cable.up.closed = true;
        cable.news.readable = true;
        cable.news.ended = true;
    }
}
