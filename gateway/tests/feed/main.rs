//! The event feed, through the real client and real sockets: gap-free, in order, resumable, filtered.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

mod after;
mod budgets;
mod campaigns;
mod filters;
mod resuming;
mod wire;
mod workload;

use std::sync::Arc;
use std::time::Duration;

use doorbuster_client::{Client, Error, Feed, FeedEvent};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

/// The server's time at the start of each test. Nothing but the test moves it.
const START: u64 = 1_700_000_000_000;

fn start() -> Server {
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    Server::start_on(Arc::new(SimStorage::new(0)), clock, |_| {})
}

async fn connect(server: &Server) -> Client {
    let builder = Client::builder().connections(1).timeout(Duration::from_secs(30));
    builder.connect(&server.address().to_string()).await.unwrap()
}

/// Every event from where the feed stands to its end.
async fn rest(feed: &mut Feed) -> Result<Vec<FeedEvent>, Error> {
    let mut events = Vec::new();
    while !feed.at_end() {
        events.extend(feed.next_batch().await?);
    }
    Ok(events)
}

fn no_wait(feed: Feed) -> Feed {
    feed.wait(Duration::ZERO)
}
