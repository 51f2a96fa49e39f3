//! The rules of selling, through the real client and real sockets, on a clock that only the test moves.

mod after;
mod budgets;
mod campaigns;
mod channels;
mod composite;
mod freezing;
mod groups;
mod limits;
mod orders;
mod payments;
mod pushes;
mod repeats;
mod restarts;
mod time;
mod waitlist;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use doorbuster_client::{
    Applied, BeginPay, Cancel, Client, Confirm, Hold, Kept, OrderState, OrderView, Outcome, PutSku,
    ReadOrder, Refusal, RequestId, Reserve, StockView,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

const SKU: u64 = 1;

/// The server's time at the start of each test.
const START: u64 = 1_700_000_000_000;

const DAY: u64 = 24 * 60 * 60 * 1_000;

fn start() -> Server {
    start_on(Arc::new(SimStorage::new(0)))
}

fn start_on(storage: Arc<SimStorage>) -> Server {
    Server::start_on(storage, Arc::new(ManualClock::new(Timestamp::new(START))), |_| {})
}

/// A client that knows the server's time as it is now: one from before the clock was moved would be late.
async fn connect(server: &Server) -> Client {
    Client::builder()
        .connections(1)
        .timeout(Duration::from_mins(1))
        .connect(&server.address().to_string())
        .await
        .expect("the server takes connections")
}

async fn set_up(client: &Client, put: PutSku) {
    let applied = client.put_sku(&put).await.expect("an answer");
    assert_eq!(applied, Outcome::Done(Applied { units: 0, replayed: false }));
}

/// A server that sells `units` of [`SKU`] without limits, and a client.
async fn shop(units: u64) -> (Server, Client) {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units, ..PutSku::default() }).await;
    (server, client)
}

/// An id that says it was made at this time; the seed tells ids of one time apart.
fn id(made_at: u64, seed: u64) -> RequestId {
    (u128::from(made_at) << 80 | 7 << 76 | 2 << 62 | u128::from(seed)).to_be_bytes()
}

fn wish(user: u64, quantity: u32) -> Reserve {
    Reserve { user, sku: SKU, quantity, ..Reserve::default() }
}

async fn ask(client: &Client, reserve: &Reserve) -> Outcome<Hold> {
    client.reserve(reserve).await.expect("an answer")
}

async fn held(client: &Client, reserve: &Reserve) -> Hold {
    match ask(client, reserve).await {
        Outcome::Done(hold) => hold,
        Outcome::Refused(refusal) => panic!("{reserve:?} was refused: {refusal:?}"),
    }
}

async fn refused(client: &Client, reserve: &Reserve) -> Refusal {
    match ask(client, reserve).await {
        Outcome::Done(hold) => panic!("{reserve:?} was granted: {hold:?}"),
        Outcome::Refused(refusal) => refusal,
    }
}

async fn confirm(client: &Client, confirm: Confirm) -> Result<(OrderState, bool), Refusal> {
    match client.confirm(&confirm).await.expect("an answer") {
        Outcome::Done(settled) => Ok((settled.state, settled.replayed)),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn begin_pay(client: &Client, order: u64, user: u64, payment: u8, slow: u8) -> Result<Kept, Refusal> {
    let begin = BeginPay { order, user, payment_id: [payment; 16], slow };
    match client.begin_pay(&begin).await.expect("an answer") {
        Outcome::Done(kept) => Ok(kept),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn cancel(client: &Client, order: u64, user: u64) -> Result<(OrderState, bool), Refusal> {
    match client.cancel(&Cancel { order, user, reason: 3 }).await.expect("an answer") {
        Outcome::Done(settled) => Ok((settled.state, settled.replayed)),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn stock(client: &Client) -> StockView {
    let read = client.read_stock(SKU).await.expect("an answer");
    read.done().expect("the SKU is set up")
}

async fn accounts(client: &Client) -> (u64, u64, u64) {
    let stock = stock(client).await;
    assert_eq!(stock.available + stock.held + stock.sold, stock.stocked);
    (stock.available, stock.held, stock.sold)
}

async fn order(client: &Client, order: u64, user: u64) -> OrderView {
    let read = client.read_order(&ReadOrder { order, user }).await.expect("an answer");
    read.done().expect("the order is there")
}

fn paid_by(order: u64, user: u64, payment: u8, amount: u64) -> Confirm {
    Confirm { order, user, payment_id: [payment; 16], amount }
}
