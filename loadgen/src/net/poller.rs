//! Readiness of many sockets, with nanosecond timeouts.
//!
//! Linux only (epoll). Runtimes round their timers to milliseconds; an open-loop sender that wakes a millisecond
//! late reports a latency that isn't the server's.

use std::io;
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::Timespec;

/// Events taken at once; more stay for the next call.
const EVENTS: usize = 512;

/// An epoll instance.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
}

impl Poller {
    /// An instance that watches nothing yet.
    ///
    /// # Errors
    /// What the system says: out of descriptors or memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    /// Watches a socket for input under this token.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&self, stream: &TcpStream, token: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, stream, EventData::new_u64(token as u64), EventFlags::IN)?)
    }

    /// Watches a socket for room to write as well, or no longer.
    ///
    /// # Errors
    /// What the system says.
    pub fn want_write(&self, stream: &TcpStream, token: usize, wanted: bool) -> io::Result<()> {
        let flags = if wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.epoll, stream, EventData::new_u64(token as u64), flags)?)
    }

    /// Stops watching a socket.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, stream: &TcpStream) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, stream)?)
    }

    /// Waits until a socket is ready or the time is over, and replaces `ready` by the ready tokens. An interrupting
    /// signal looks like the end of the time.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self, timeout: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        ready.clear();
        let mut room = [const { MaybeUninit::<Event>::uninit() }; EVENTS];
        match epoll::wait(&self.epoll, &mut room, Some(&timeout)) {
            Ok((events, _)) => {
                ready.extend(
                    events.iter().map(|event| usize::try_from(event.data.u64()).unwrap_or(usize::MAX)),
                );
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
