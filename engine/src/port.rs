//! Where a reactor gets its decided batches back.

use std::fmt;
use std::sync::Arc;

use crossbeam::queue::ArrayQueue;

use crate::shard::Batch;

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
}

struct Port {
    decided: ArrayQueue<Batch>,
    wake: Waker,
}

impl Ports {
    pub(crate) fn new(wakers: Vec<Waker>) -> Self {
        let port = |wake| Port { decided: ArrayQueue::new(PORT), wake };
        Self { ports: wakers.into_iter().map(port).collect() }
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
            if reactor != except && !port.decided.is_empty() {
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
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("ports", &self.ports.len()).finish_non_exhaustive()
    }
}
