//! How a client is set up.

use std::time::Duration;

use doorbuster_protocol::Secret;

use crate::budget::RetryBudget;
use crate::client::Client;
use crate::error::Error;
use crate::retry::Backoff;
use crate::tls::Tls;

/// Most connections of one client. One connection carries several hundred thousand operations a second; more
/// than a few only help against head-of-line blocking on lossy networks.
pub const MAX_CONNECTIONS: usize = 64;

/// Most unanswered operations of one connection, unless the server allows fewer.
const IN_FLIGHT: usize = 65_536;

/// Settings of a [`Client`]; every one has a default.
#[derive(Debug)]
pub struct Builder {
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) timeout: Duration,
    pub(crate) silence: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) budget: RetryBudget,
    pub(crate) hold_back: bool,
    pub(crate) drill: bool,
    pub(crate) tls: Option<Tls>,
    pub(crate) key: Option<Secret>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            name: concat!("doorbuster-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            connections: 2,
            in_flight: IN_FLIGHT,
            timeout: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            backoff: Backoff::default(),
            budget: RetryBudget::default(),
            hold_back: true,
            drill: false,
            tls: None,
            key: None,
        }
    }
}

impl Builder {
    /// The name that the server writes into its logs, cut to 256 bytes. Default: this library's name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        let mut end = name.len().min(doorbuster_protocol::hello::MAX_TEXT);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.get(..end).unwrap_or_default().clone_into(&mut self.name);
        self
    }

    /// Connections to hold open, 1 to [`MAX_CONNECTIONS`] (clamped). Default 2.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.clamp(1, MAX_CONNECTIONS);
        self
    }

    /// Most unanswered operations a connection, at least 1; the server's own bound holds too. Default 65,536.
    #[must_use]
    pub fn in_flight(mut self, operations: usize) -> Self {
        self.in_flight = operations.max(1);
        self
    }

    /// How long a request may take, all its tries included. The server gets it as the request's deadline.
    /// Default 5 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a connection with unanswered requests may stay silent before it is given up. Default 15 seconds.
    #[must_use]
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Pauses between tries. Default: 20 ms growing to 2 s.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The bucket that pays for retries. Default: 10 at the start, then one for every ten requests.
    #[must_use]
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Whether new holds and reads are held back, a part of them at random, while the server refuses most of them because it is
    /// asked for too much: they end with [`Error::HeldBack`]. Default: yes.
    #[must_use]
    pub fn hold_back(mut self, hold_back: bool) -> Self {
        self.hold_back = hold_back;
        self
    }

    /// Marks all requests as a drill's, so that the server counts them apart. Default: off.
    #[must_use]
    pub fn drill(mut self, drill: bool) -> Self {
        self.drill = drill;
        self
    }

    /// Encrypts all connections. Default: none.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Proves who the client is, on each of its connections, with the secret of an API key. Default: nobody in particular, which does for
    /// servers that have no keys. A key is read from its text: `"dbk_…".parse()`.
    #[must_use]
    pub fn key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// Connects. The first connection is made now, so that a wrong address shows at once; the others follow by
    /// themselves, and all of them are made anew when they are lost. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Connect`] if nobody listens there or the server refuses the greeting; [`Error::Denied`] if it refuses the key;
    /// [`Error::Protocol`] if what
    /// answers isn't a Doorbuster server.
    pub async fn connect(self, address: &str) -> Result<Client, Error> {
        Client::start(self, address).await
    }
}
