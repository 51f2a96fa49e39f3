//! The auditor, on logs that a real server wrote: what the server did is sound to somebody who shares no code with it, and
//! whatever is changed afterwards is found.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

#[path = "../feed/after.rs"]
mod after;
#[path = "../feed/budgets.rs"]
mod budgets;
#[path = "../feed/campaigns.rs"]
mod campaigns;
mod sound;
#[path = "../feed/workload.rs"]
mod workload;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use doorbuster_auditor::{Certificate, Certified, certify};
use doorbuster_client::Client;
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::FileStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

use workload::Crowd;

/// The server's time at the start of each test. Nothing but the test moves it.
const START: u64 = 1_700_000_000_000;

async fn connect(server: &Server) -> Client {
    let builder = Client::builder().connections(1).timeout(Duration::from_secs(30));
    builder.connect(&server.address().to_string()).await.unwrap()
}

/// The certificate of a folder that must be sound.
fn certified(folder: &Path) -> Certificate {
    match certify(folder, &mut |_, _| {}) {
        Ok(Certified::Sound(certificate)) => certificate,
        other => panic!("the log is sound: {other:?}"),
    }
}

/// Writes a log with everything that a crowd may do, over as many starts of a server as `lives`.
async fn write(
    folder: &Path,
    seed: u64,
    lives: u32,
    acts: u32,
    segment_bytes: u64,
) -> Vec<doorbuster_client::StockView> {
    let mut crowd = Crowd::new(seed);
    let mut clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let mut stocks = Vec::new();
    for life in 0..lives {
        let storage = Arc::new(FileStorage::open(folder).unwrap());
        let server = Server::start_on(storage, clock, |setup| setup.segment_bytes = segment_bytes);
        let mut client = connect(&server).await;
        if life == 0 {
            crowd.set_up(&client).await;
        }
        client = crowd.act(&server, client, acts).await;
        stocks.clear();
        for sku in 1..=workload::SKUS {
            stocks.push(client.read_stock(sku).await.unwrap().done().unwrap());
        }
        drop(client);
        clock = server.stop().1;
    }
    stocks
}
