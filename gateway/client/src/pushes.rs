//! Being told when orders that wait get units, or wait no longer.
//!
//! [`Client::watch`] asks for it, one order at a time, and [`Pushes`] hands out what comes, over all connections. A push
//! is a help: what counts is the order, and reading it tells the same.

use std::sync::OnceLock;

use doorbuster_protocol::{Answer, Kind, OrderState, Push, Watch};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::client::{Client, only};
use crate::error::Error;
use crate::outcome::{Kept, Outcome, kept};

/// Pushes that may be unread in a [`Pushes`]: as many as a connection may watch. Beyond it the oldest are dropped, and
/// [`Pushed::Missed`] says so.
pub const MAX_UNREAD: usize = 16_384;

/// What was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Units are held for an order that waited, until [`expires_at`](Self::Offered::expires_at): pay it like any other.
    Offered {
        /// The order.
        order: u64,
        /// Its shopper.
        user: u64,
        /// Its SKU.
        sku: u64,
        /// Its units.
        quantity: u32,
        /// Until when they are held, server milliseconds.
        expires_at: u64,
        /// When that was decided, server milliseconds.
        at: u64,
    },
    /// An order waited in vain: its time was up.
    Lapsed {
        /// The order.
        order: u64,
        /// Its shopper.
        user: u64,
        /// Its SKU.
        sku: u64,
        /// Its units.
        quantity: u32,
        /// When that was decided, server milliseconds.
        at: u64,
    },
    /// A connection ended, and what it watched is watched no longer; or more came than was read. Watch the orders again that
    /// you still wait for: the answers say how they stand.
    Missed,
}

impl From<Push> for Pushed {
    fn from(push: Push) -> Self {
        let Push { order, user, sku, expires_at, at, quantity, state } = push;
        match OrderState::from_byte(state) {
            Some(OrderState::Held) => Self::Offered { order, user, sku, quantity, expires_at, at },
            Some(OrderState::Lapsed) => Self::Lapsed { order, user, sku, quantity, at },
            // Of a newer server.
            _ => Self::Missed,
        }
    }
}

/// Where a client's connections put pushes; nothing is there, and none kept, until somebody wants them.
#[derive(Debug, Default)]
pub(crate) struct PushBoard {
    sender: OnceLock<broadcast::Sender<Pushed>>,
}

impl PushBoard {
    pub(crate) fn put(&self, pushed: Pushed) {
        if let Some(sender) = self.sender.get() {
            // It fails where nobody listens any more.
            drop(sender.send(pushed));
        }
    }

    fn listen(&self) -> broadcast::Receiver<Pushed> {
        self.sender.get_or_init(|| broadcast::channel(MAX_UNREAD).0).subscribe()
    }
}

/// What is pushed from now on, over all connections of a client. Made by [`Client::pushes`].
#[derive(Debug)]
pub struct Pushes {
    receiver: broadcast::Receiver<Pushed>,
    /// Keeps the connections.
    _client: Client,
}

impl Pushes {
    /// The next push, however long it takes.
    pub async fn next(&mut self) -> Pushed {
        // The sender lives as long as the client, and that as long as this.
        match self.receiver.recv().await {
            Ok(pushed) => pushed,
            Err(RecvError::Lagged(_) | RecvError::Closed) => Pushed::Missed,
        }
    }
}

impl Client {
    /// What is pushed from now on about orders that are [watched](Client::watch). Ask for it before the first watch, so that
    /// nothing is missed.
    ///
    /// ```no_run
    /// use doorbuster_client::{Client, Line, OrderState, Outcome, Pushed, ReserveOrder};
    ///
    /// # async fn wait(client: Client) -> Result<(), doorbuster_client::Error> {
    /// let mut pushes = client.pushes();
    /// let lines = vec![Line { sku: 7, quantity: 1, ..Line::default() }];
    /// let wish = ReserveOrder { user: 42, wait_ms: 600_000, lines, ..ReserveOrder::default() };
    /// let Outcome::Done(hold) = client.reserve_order(&wish).await? else { return Ok(()) };
    /// while let Outcome::Done(stands) = client.watch(hold.order, 42).await? {
    ///     if stands.state != OrderState::Waiting {
    ///         println!("order {} is {}", stands.order, stands.state.name());
    ///         break;
    ///     }
    ///     match pushes.next().await {
    ///         Pushed::Offered { order, expires_at, .. } => println!("pay order {order} until {expires_at}"),
    ///         Pushed::Lapsed { order, .. } => println!("order {order} waited in vain"),
    ///         // The connection was lost: the loop asks anew.
    ///         Pushed::Missed => continue,
    ///     }
    ///     break;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pushes(&self) -> Pushes {
        Pushes { receiver: self.push_board().listen(), _client: self.clone() }
    }

    /// Reads how an order stands, and if it waits, asks to be told when it waits no more: see [`Client::pushes`]. Repeating it
    /// is safe. `CAPACITY_EXCEEDED` says that too many orders are watched: read this one now and then.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn watch(&self, order: u64, user: u64) -> Result<Outcome<Kept>, Error> {
        only(self.watch_batch(&[Watch { order, user }]).await)
    }

    /// The same of many orders; one result each, in order.
    pub async fn watch_batch(&self, orders: &[Watch]) -> Vec<Result<Outcome<Kept>, Error>> {
        let answers = self.operate::<_, Answer>(Kind::Watch, orders).await;
        answers.into_iter().map(|answer| Ok(kept(&answer?)?)).collect()
    }
}
