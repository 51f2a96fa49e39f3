//! A real server inside a test: real sockets, real log, a clock of the test's own.
//!
//! ```
//! use doorbuster_gateway::testing::Server;
//!
//! let server = Server::start();
//! // … connect a client to server.address() …
//! server.clock().advance(60_000); // a minute passes: holds of a minute are over
//! server.stop();
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use doorbuster_engine::clock::{Clock, ManualClock, SystemClock};
use doorbuster_engine::storage::{SimStorage, Storage};

use crate::server::{self, Setup};

/// Bytes of a test server's log segments: small, so that starting one takes a few milliseconds.
const SEGMENT: u64 = 4 << 20;

/// A server on a free loopback port. Its log is kept in memory, so that tests need no folder and can stop it and start
/// another on the same data.
#[derive(Debug)]
pub struct Server {
    inner: server::Server,
    clock: Arc<ManualClock>,
    storage: Arc<dyn Storage>,
}

impl Server {
    /// Starts an empty server whose clock stands at the time of the call until the test moves it.
    ///
    /// # Panics
    /// If the machine has no free port or thread.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// As [`start`](Self::start), after `adjust` has changed the setup.
    ///
    /// # Panics
    /// If the setup can't be started.
    pub fn start_with(adjust: impl FnOnce(&mut Setup)) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        Self::start_on(Arc::new(SimStorage::new(0)), clock, adjust)
    }

    /// Starts a server on the data that another one left.
    ///
    /// # Panics
    /// If the setup can't be started.
    pub fn start_on(
        storage: Arc<dyn Storage>,
        clock: Arc<ManualClock>,
        adjust: impl FnOnce(&mut Setup),
    ) -> Self {
        let dyn_clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let mut setup = Setup::on_storage(Arc::clone(&storage), dyn_clock);
        setup.segment_bytes = SEGMENT;
        setup.throwaway = true;
        adjust(&mut setup);
        let inner = server::Server::start(setup).expect("a test server starts on a free loopback port");
        Self { inner, clock, storage }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.inner.listen()
    }

    /// The server's clock.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The server itself, for looking at.
    pub fn server(&self) -> &server::Server {
        &self.inner
    }

    /// Stops in good order and hands over data and clock, for [`start_on`](Self::start_on).
    ///
    /// # Panics
    /// If the server failed while it ran.
    pub fn stop(self) -> (Arc<dyn Storage>, Arc<ManualClock>) {
        self.inner.stop().expect("a test server stops in good order");
        (self.storage, self.clock)
    }
}
