//! The event feed: what happened, in order and without a gap.
//!
//! The position is all that a consumer has to keep. Store [`Feed::position`] with what you make of the events, in one
//! step, and begin there after whatever happened to you or to the connection.

use std::collections::VecDeque;
use std::time::Duration;

use doorbuster_protocol::feed::by;
use doorbuster_protocol::{Class, Code, EventKind, FeedEvent, Fetch, MAX_FETCH, MAX_FETCH_WAIT_MS};

use crate::client::Client;
use crate::error::Error;

/// Events from a log position on. Made by [`Client::feed`].
#[derive(Clone, Debug)]
pub struct Feed {
    client: Client,
    ask: Fetch,
    /// Fetched and not yet handed out.
    events: VecDeque<FeedEvent>,
    /// Where the feed ended at the last answer.
    durable: Option<u64>,
    log_id: Option<[u8; 16]>,
}

impl Feed {
    pub(crate) fn new(client: Client, from: u64) -> Self {
        let ask = Fetch { from, wait_ms: MAX_FETCH_WAIT_MS / 2, ..Fetch::default() };
        Self { client, ask, events: VecDeque::new(), durable: None, log_id: None }
    }

    /// Only these kinds of event. Default: all.
    #[must_use]
    pub fn kinds(mut self, kinds: &[EventKind]) -> Self {
        self.ask.kinds = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        self
    }

    /// Only events of this order, and what concerns every order.
    #[must_use]
    pub fn order(mut self, order: u64) -> Self {
        (self.ask.order, self.ask.by) = (order, self.ask.by | by::ORDER);
        self
    }

    /// Only events of this SKU, of orders for it, and what concerns every order. Its first answer takes as long as the
    /// server needs to read the log up to the position.
    #[must_use]
    pub fn sku(mut self, sku: u64) -> Self {
        (self.ask.sku, self.ask.by) = (sku, self.ask.by | by::SKU);
        self
    }

    /// Only events of this shopper's orders, and what concerns every order. As slow to begin as [`Feed::sku`].
    #[must_use]
    pub fn user(mut self, user: u64) -> Self {
        (self.ask.user, self.ask.by) = (user, self.ask.by | by::USER);
        self
    }

    /// Only events of this partition, 0 to 4,095, and what concerns every order.
    #[must_use]
    pub fn partition(mut self, partition: u16) -> Self {
        (self.ask.partition, self.ask.by) = (partition, self.ask.by | by::PARTITION);
        self
    }

    /// How long a request may wait at the server for something new: cut to 10 seconds. Default: 5 seconds.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        let longest = Duration::from_millis(u64::from(MAX_FETCH_WAIT_MS));
        self.ask.wait_ms = u32::try_from(wait.min(longest).as_millis()).unwrap_or(MAX_FETCH_WAIT_MS);
        self
    }

    /// Most events of one request, 1 to 7,000 (clamped). Default: as many as fit a frame.
    #[must_use]
    pub fn batch(mut self, events: u32) -> Self {
        self.ask.max_events = events.clamp(1, MAX_FETCH);
        self
    }

    /// The position behind the last event that was handed out, and all that the filter passed over: where to begin
    /// again.
    pub fn position(&self) -> u64 {
        self.events.front().map_or(self.ask.from, |event| event.position)
    }

    /// Whether everything that was durable at the last answer has been handed out. False before the first one.
    pub fn at_end(&self) -> bool {
        self.durable.is_some_and(|durable| self.position() >= durable)
    }

    /// The next event, however long it takes.
    ///
    /// # Errors
    /// As [`Feed::next_batch`].
    pub async fn next(&mut self) -> Result<FeedEvent, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.fetch().await?;
        }
    }

    /// The next events, as one request brings them: none if nothing new came while it waited, or if the server has only
    /// got on with its reading.
    ///
    /// # Errors
    /// [`Error::Feed`] where the log doesn't reach the position or too many orders fit the filter, [`Error::OtherLog`]
    /// where the data was reset. [`Error::Unavailable`] if the connection can't be had for now: call again, nothing is
    /// lost. [`Error::Invalid`] for a partition that doesn't exist.
    pub async fn next_batch(&mut self) -> Result<Vec<FeedEvent>, Error> {
        if self.events.is_empty() {
            self.fetch().await?;
        }
        Ok(self.events.drain(..).collect())
    }

    async fn fetch(&mut self) -> Result<(), Error> {
        let fetched = self.client.fetch(&self.ask).await?;
        let (from, code) = (self.ask.from, fetched.code()?);
        if code.class() == Class::Retry {
            return Err(Error::Unavailable { tries: 1, reason: code.to_string() });
        }
        if self.log_id.is_some_and(|log_id| log_id != fetched.log_id) {
            return Err(Error::OtherLog { from });
        }
        if code != Code::Ok {
            return Err(Error::Feed { code, from, durable: fetched.durable });
        }
        self.log_id = Some(fetched.log_id);
        self.durable = Some(fetched.durable);
        self.ask.from = fetched.next;
        self.events.extend(fetched.events);
        Ok(())
    }
}
