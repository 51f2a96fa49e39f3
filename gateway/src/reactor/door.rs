//! How other threads reach a reactor: with connections that they accepted, with answers of the feed, and to wake it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam::queue::ArrayQueue;
use mio::net::TcpStream;
use mio::{Poll, Token};

use crate::feed::{MAX_FETCHES, Reply};

/// The token of the waker in the poll.
pub(super) const WAKER: Token = Token(usize::MAX);

/// Connections accepted elsewhere that may wait to be taken over.
const MAX_HANDED: usize = 4_096;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Door {
    waker: mio::Waker,
    /// Set by the reactor before it polls, cleared by whoever wakes it: one system call a sleep at most. Sequentially
    /// consistent with the reactor's last look at its port and at the durable position.
    pub(super) asleep: AtomicBool,
    pub(super) handed: ArrayQueue<TcpStream>,
    /// Answers of the feed. As many as may be underway, so it is never full.
    pub(super) replies: ArrayQueue<Reply>,
}

impl Door {
    /// Wakes the reactor if it sleeps.
    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // The only failure is a full event counter, which means that it is being woken already.
            drop(self.waker.wake());
        }
    }

    /// Hands an answer of the feed over.
    pub(crate) fn reply(&self, reply: Reply) {
        let refused = self.replies.push(reply).is_err();
        debug_assert!(!refused, "a reactor has no more fetches underway than its door holds");
        self.wake();
    }
}

/// A reactor's poll and door, made before the engine that wakes it.
pub(crate) fn prepare() -> io::Result<(Poll, Arc<Door>)> {
    let poll = Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), WAKER)?;
    let door = Door {
        waker,
        asleep: AtomicBool::new(false),
        handed: ArrayQueue::new(MAX_HANDED),
        replies: ArrayQueue::new(MAX_FETCHES),
    };
    Ok((poll, Arc::new(door)))
}
