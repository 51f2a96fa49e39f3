//! Where a reactor gets its decided batches back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::notices::{MAX_NOTICES, Notice};
use crate::shard::Batch;
use crate::sync::{ArrayQueue, AtomicBool, AtomicU64};

/// Batches that a reactor may have underway, decided or not. At 64 commands a batch that is 65,536 commands; the
/// reactor counts, and stops reading at the bound.
pub const MAX_BATCHES: usize = 1_024;

/// Batches that a port holds: those that a reactor may have underway, as many that shards made of them for the desk, and what
/// the desk had by then.
const PORT: usize = 2 * MAX_BATCHES + 512;

/// Wakes a reactor that may be waiting for its poll; called from any thread, cheap if it is awake.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// One port a reactor.
pub(crate) struct Ports {
    ports: Vec<Port>,
    /// Notes that a full queue had no room for, over all reactors. A count alone: relaxed.
    missed: AtomicU64,
}

struct Port {
    decided: ArrayQueue<Batch>,
    wake: Waker,
    notices: ArrayQueue<Notice>,
    /// Whether anybody watches orders here. Its reactor writes, before it hands in the read that a watch begins with; whoever
    /// decides about that read, or later at that shard, has seen the batch or the lock since, so relaxed is enough.
    watched: AtomicBool,
}

impl Ports {
    pub(crate) fn new(wakers: Vec<Waker>) -> Self {
        let port = |wake| Port {
            decided: ArrayQueue::new(PORT),
            wake,
            notices: ArrayQueue::new(MAX_NOTICES),
            watched: AtomicBool::new(false),
        };
        Self { ports: wakers.into_iter().map(port).collect(), missed: AtomicU64::new(0) }
    }

    /// Puts a decided batch into its reactor's port.
    pub(crate) fn deliver(&self, batch: Batch) {
        let Some(port) = self.ports.get(batch.reactor) else { return };
        // Can't be full: a reactor has at most MAX_BATCHES underway, a shard makes at most one more of each, and the reactor
        // takes both from here before it hands in another.
        let refused = port.decided.push(batch).is_err();
        debug_assert!(!refused, "a reactor has more batches underway than its port holds");
    }

    /// Wakes all reactors but `except`, so that they look at their ports.
    pub(crate) fn wake_others(&self, except: usize) {
        for (reactor, port) in self.ports.iter().enumerate() {
            if reactor != except && !(port.decided.is_empty() && port.notices.is_empty()) {
                (port.wake)();
            }
        }
    }

    /// Wakes all reactors.
    pub(crate) fn wake_all(&self) {
        for port in &self.ports {
            (port.wake)();
        }
    }

    pub(crate) fn take(&self, reactor: usize) -> Option<Batch> {
        self.ports.get(reactor)?.decided.pop()
    }

    /// Says whether anybody watches orders at this reactor.
    pub(crate) fn watch(&self, reactor: usize, watched: bool) {
        if let Some(port) = self.ports.get(reactor) {
            port.watched.store(watched, Ordering::Relaxed);
        }
    }

    /// Whether anybody watches orders anywhere.
    pub(crate) fn is_watched(&self) -> bool {
        self.ports.iter().any(|port| port.watched.load(Ordering::Relaxed))
    }

    /// Hands notes to all reactors where anybody watches, and leaves none. They follow the batches that were decided with
    /// them.
    pub(crate) fn tell(&self, notices: &mut Vec<Notice>, ticket: u64) {
        for notice in notices.drain(..) {
            for port in self.ports.iter().filter(|port| port.watched.load(Ordering::Relaxed)) {
                if port.notices.push(Notice { ticket, ..notice }).is_err() {
                    self.missed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    pub(crate) fn take_notice(&self, reactor: usize) -> Option<Notice> {
        self.ports.get(reactor)?.notices.pop()
    }

    pub(crate) fn has_notices(&self, reactor: usize) -> bool {
        self.ports.get(reactor).is_some_and(|port| !port.notices.is_empty())
    }

    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("ports", &self.ports.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use doorbuster_ledger::{OrderNumber, Timestamp};

    use super::*;

    fn ports(reactors: usize) -> Ports {
        let wake: Waker = Arc::new(|| {});
        Ports::new(vec![wake; reactors])
    }

    #[test]
    fn notices_go_where_somebody_watches_with_their_ticket() {
        let ports = ports(2);
        let notice = Notice::lapsed(OrderNumber::new(7), Timestamp::new(1));
        ports.tell(&mut vec![notice], 5);
        assert_eq!((ports.take_notice(0), ports.take_notice(1)), (None, None), "nobody watches");
        ports.watch(1, true);
        let mut notices = vec![notice];
        ports.tell(&mut notices, 5);
        assert_eq!((notices.len(), ports.has_notices(0), ports.has_notices(1)), (0, false, true));
        assert_eq!(ports.take_notice(1), Some(Notice { ticket: 5, ..notice }));
        ports.watch(1, false);
        assert_eq!((ports.is_watched(), ports.missed()), (false, 0));
    }

    #[test]
    fn notices_that_a_full_queue_has_no_room_for_are_counted_and_dropped() {
        let ports = ports(1);
        ports.watch(0, true);
        let notice = Notice::lapsed(OrderNumber::new(7), Timestamp::new(1));
        ports.tell(&mut vec![notice; MAX_NOTICES + 3], 5);
        assert_eq!(ports.missed(), 3);
        let taken = std::iter::from_fn(|| ports.take_notice(0)).count();
        assert_eq!(taken, MAX_NOTICES);
    }
}
