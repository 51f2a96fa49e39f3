//! A connection that speaks TLS, for who never waits: bytes in and out as of a plain one.
//!
//! Either end of it. It reads as a socket does, in two ways. [`drain`](Encrypted::drain), for who is told once that something has come,
//! gives as much as there is, and less than was asked for only where nothing more has come. `read`, for who is told as long as the
//! socket has something, and for who waits, asks the socket no more once anything is there; what it leaves outside the socket it
//! leaves only to who gave it no room, and had a full buffer back.
//!
//! It writes as a socket does that is full until a whole record is out: what it has encrypted and the socket did not take is not
//! counted as written, so that whoever offers it again, unchanged, finds out when it is. Nothing is kept between two calls beside one
//! record.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{Connection, ServerConfig, ServerConnection};

/// Encrypted bytes that are read at once: four of the largest records.
const READ: usize = 64 << 10;

/// Bytes of one record: what one write takes.
const RECORD: usize = 16 << 10;

thread_local! {
    /// Where a thread reads encrypted bytes to, for all of its connections: empty between two reads.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Encrypted<S> {
    inner: S,
    tls: Connection,
    /// Encrypted bytes that have come, for whose content there was no room.
    early: Vec<u8>,
    /// Bytes that were offered and encrypted, and are not out.
    taken: usize,
    /// Nothing more will come.
    ended: bool,
}

impl<S: Read + Write> Encrypted<S> {
    /// The server's end.
    ///
    /// # Errors
    /// The library can't serve with this configuration.
    pub(super) fn server(inner: S, config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self::of(inner, ServerConnection::new(config).map_err(io::Error::other)?))
    }

    /// Either end.
    pub(super) fn of(inner: S, tls: impl Into<Connection>) -> Self {
        Self { inner, tls: tls.into(), early: Vec::new(), taken: 0, ended: false }
    }

    /// Whether both sides have agreed on keys.
    pub(super) fn is_established(&self) -> bool {
        !self.tls.is_handshaking()
    }

    /// Agrees on keys with the other side, over a connection that waits.
    pub(super) fn agree(&mut self) -> io::Result<()> {
        while self.tls.is_handshaking() {
            self.tls.complete_io(&mut self.inner)?;
        }
        Ok(())
    }

    /// The connection below.
    pub(super) const fn inner(&self) -> &S {
        &self.inner
    }

    /// As [`inner`](Self::inner).
    pub(super) const fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Says that nothing more will come from here, if there is room to say it: a peer that hears nothing has to assume that somebody
    /// cut the line.
    pub(super) fn say_farewell(&mut self) {
        self.tls.send_close_notify();
        drop(self.push());
    }

    /// Writes what is encrypted.
    fn push(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.inner) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Fills the buffer behind `filled` with what is decrypted, and says how far it is filled.
    fn take_plain(&mut self, buffer: &mut [u8], mut filled: usize) -> io::Result<usize> {
        while filled < buffer.len() {
            match self.tls.reader().read(&mut buffer[filled..]) {
                // The peer has said that it is done.
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Decrypts, answers what the protocol itself wants to have answered, and keeps what the buffer has no room for.
    fn decrypt(&mut self, mut cipher: &[u8], buffer: &mut [u8], mut filled: usize) -> io::Result<usize> {
        while !cipher.is_empty() && !self.ended {
            if filled == buffer.len() {
                self.early.extend_from_slice(cipher);
                break;
            }
            self.tls.read_tls(&mut cipher)?;
            let processed = self.tls.process_new_packets();
            // With an error, what tells the peer of it.
            match self.push() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            filled = self.take_plain(buffer, filled)?;
        }
        Ok(filled)
    }

    /// Reads until nothing more has come, or the buffer is full.
    pub(super) fn drain(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(buffer, true)
    }

    fn fill(&mut self, buffer: &mut [u8], until_dry: bool) -> io::Result<usize> {
        let mut filled = self.take_plain(buffer, 0)?;
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            filled = self.decrypt(&early, buffer, filled)?;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            while filled < buffer.len() && !self.ended && (until_dry || filled == 0) {
                match self.inner.read(scratch) {
                    Ok(0) => self.ended = true,
                    Ok(length) => {
                        filled = self.decrypt(&scratch[..length], buffer, filled)?;
                        // A short read has emptied the socket. Where it was a part of a record only, the socket says so itself.
                        if filled > 0 && length < scratch.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock && filled > 0 => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(filled)
        })
    }
}

impl<S: Read + Write> Read for Encrypted<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(buffer, false)
    }
}

impl<S: Read + Write> Write for Encrypted<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.taken == 0 {
            self.push()?;
            let record = bytes.get(..RECORD).unwrap_or(bytes);
            self.taken = self.tls.writer().write(record)?;
        }
        self.push()?;
        Ok(std::mem::take(&mut self.taken))
    }

    /// Writes what the protocol has to say of its own.
    fn flush(&mut self) -> io::Result<()> {
        self.push()
    }
}

#[cfg(test)]
mod tests;
