//! Time that is moved over the admin port: what falls due has happened when the answer comes.

#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use doorbuster_client::{
    BindSku, Client, Code, EventKind, Line, OrderState, Phase, PutPhase, PutSku, ReadOrder, Reserve,
    ReserveOrder, SetCampaign,
};
use doorbuster_engine::clock::{Clock, DevClock, ManualClock};
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

/// The server's time at the start of each test. Nothing but the test moves it.
const START: u64 = 1_700_000_000_000;

const MINUTE: u32 = 60_000;

fn start(dev: bool) -> Server {
    let below = Arc::new(ManualClock::new(Timestamp::new(START)));
    let clock = Arc::new(DevClock::new(Arc::<ManualClock>::clone(&below) as Arc<dyn Clock>));
    Server::start_on(Arc::new(SimStorage::new(0)), below, |setup| {
        setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        setup.clock = Arc::<DevClock>::clone(&clock);
        setup.dev_clock = dev.then_some(clock);
    })
}

/// The status line's code and the body.
fn advance(server: &Server, by: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.server().admin().unwrap()).unwrap();
    let length = by.len();
    write!(stream, "POST /dev/advance HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{by}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// Holds expired, offers made, waits in vain.
fn advanced(server: &Server, by: &str) -> [u64; 3] {
    let (status, body) = advance(server, by);
    assert_eq!(status, 200, "{body}");
    let report: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(report["more_due"], false);
    ["expired", "offered", "lapsed"].map(|name| report[name].as_u64().unwrap())
}

async fn connect(server: &Server) -> Client {
    Client::builder().connections(1).connect(&server.address().to_string()).await.unwrap()
}

async fn state(client: &Client, order: u64, user: u64) -> Option<OrderState> {
    let read = client.read_order(&ReadOrder { order, user }).await.unwrap().done().unwrap();
    OrderState::from_byte(read.state)
}

async fn wait(client: &Client, user: u64, minutes: u32) -> u64 {
    let lines = vec![Line { sku: 1, quantity: 2, ..Line::default() }];
    let wish = ReserveOrder { user, wait_ms: minutes * MINUTE, lines, ..ReserveOrder::default() };
    let hold = client.reserve_order(&wish).await.unwrap().done().unwrap();
    assert_eq!(hold.state, OrderState::Waiting);
    hold.order
}

#[tokio::test]
async fn what_falls_due_has_happened_when_the_answer_comes_and_in_its_order() {
    let server = start(true);
    let client = connect(&server).await;
    client.put_sku(&PutSku { sku: 1, units: 2, ..PutSku::default() }).await.unwrap().done().unwrap();
    let wish = Reserve { user: 1, sku: 1, quantity: 2, hold_ms: 5 * MINUTE, ..Reserve::default() };
    let held = client.reserve(&wish).await.unwrap().done().unwrap().order;
    let first = wait(&client, 2, 8).await;
    let vain = wait(&client, 3, 3).await;

    assert_eq!(advanced(&server, "2m"), [0, 0, 0]);
    // The hold ends before the first wait would: who waits is offered the units in time. The other wait ends earlier.
    assert_eq!(advanced(&server, "7m"), [1, 1, 1]);
    let client = connect(&server).await;
    assert_eq!(state(&client, held, 1).await, Some(OrderState::Expired));
    assert_eq!(state(&client, first, 2).await, Some(OrderState::Held));
    assert_eq!(state(&client, vain, 3).await, Some(OrderState::Lapsed));
    assert_eq!(client.server_now_ms() / 1_000, (START + 9 * 60_000) / 1_000);

    // Nobody pays the offer, and a day later nothing is left of any of it.
    assert_eq!(advanced(&server, "15m"), [1, 0, 0]);
    let client = connect(&server).await;
    let stock = client.read_stock(1).await.unwrap().done().unwrap();
    assert_eq!((stock.available, stock.held, stock.sold), (2, 0, 0));
    assert_eq!(advanced(&server, "3d"), [0, 0, 0]);
    let client = connect(&server).await;
    assert!(client.read_order(&ReadOrder { order: held, user: 1 }).await.unwrap().refusal().is_some());
    server.stop();
}

/// Sets SKUs 1 to 4 up with two units each and holds an order with a line of each: SKUs of any shards.
async fn hold_all(client: &Client, minutes: u32) -> u64 {
    for sku in 1..=4 {
        client.put_sku(&PutSku { sku, units: 2, ..PutSku::default() }).await.unwrap().done().unwrap();
    }
    let lines = (1..=4).map(|sku| Line { sku, quantity: 2, ..Line::default() }).collect();
    let wish = ReserveOrder { user: 1, hold_ms: minutes * MINUTE, lines, ..ReserveOrder::default() };
    client.reserve_order(&wish).await.unwrap().done().unwrap().order
}

#[tokio::test]
async fn an_order_with_several_lines_has_ended_and_its_units_are_offered_when_the_answer_comes() {
    let server = start(true);
    let client = connect(&server).await;
    let held = hold_all(&client, 5).await;
    let first = wait(&client, 2, 8).await;

    assert_eq!(advanced(&server, "4m"), [0, 0, 0]);
    assert_eq!(advanced(&server, "2m"), [1, 1, 0]);
    let client = connect(&server).await;
    assert_eq!(state(&client, held, 1).await, Some(OrderState::Expired));
    assert_eq!(state(&client, first, 2).await, Some(OrderState::Held));
    for (sku, accounts) in [(1, (0, 2, 0)), (2, (2, 0, 0)), (3, (2, 0, 0)), (4, (2, 0, 0))] {
        let stock = client.read_stock(sku).await.unwrap().done().unwrap();
        assert_eq!((stock.available, stock.held, stock.sold), accounts, "SKU {sku}");
    }
    // The order leaves memory, too.
    assert_eq!(advanced(&server, "3d"), [1, 0, 0]);
    let client = connect(&server).await;
    assert!(client.read_order(&ReadOrder { order: held, user: 1 }).await.unwrap().refusal().is_some());
    server.stop();
}

#[tokio::test]
async fn more_orders_with_several_lines_than_the_desk_ends_at_once_have_all_ended() {
    let server = start(true);
    let client = connect(&server).await;
    for sku in 1..=2 {
        client.put_sku(&PutSku { sku, units: 300, ..PutSku::default() }).await.unwrap().done().unwrap();
    }
    for user in 1..=300 {
        let lines = (1..=2).map(|sku| Line { sku, quantity: 1, ..Line::default() }).collect();
        let wish = ReserveOrder { user, hold_ms: 5 * MINUTE, lines, ..ReserveOrder::default() };
        client.reserve_order(&wish).await.unwrap().done().unwrap();
    }
    assert_eq!(advanced(&server, "6m"), [300, 0, 0]);
    server.stop();
}

#[tokio::test]
async fn an_offer_of_units_that_a_line_gave_back_is_counted() {
    let server = start(true);
    let client = connect(&server).await;
    let held = hold_all(&client, 5).await;
    let first = wait(&client, 2, 8).await;
    let cancel = doorbuster_client::Cancel { order: held, user: 1, reason: 0 };
    client.cancel(&cancel).await.unwrap().done().unwrap();
    assert_eq!(state(&client, first, 2).await, Some(OrderState::Held));
    assert_eq!(server.server().engine().counters().offered, 1);
    server.stop();
}

#[tokio::test]
async fn a_cancel_that_offers_at_once_is_counted_too() {
    let server = start(true);
    let client = connect(&server).await;
    client.put_sku(&PutSku { sku: 1, units: 2, ..PutSku::default() }).await.unwrap().done().unwrap();
    let wish = Reserve { user: 1, sku: 1, quantity: 2, ..Reserve::default() };
    let held = client.reserve(&wish).await.unwrap().done().unwrap().order;
    let first = wait(&client, 2, 8).await;
    let cancel = doorbuster_client::Cancel { order: held, user: 1, reason: 0 };
    client.cancel(&cancel).await.unwrap().done().unwrap();
    assert_eq!(state(&client, first, 2).await, Some(OrderState::Held));
    assert_eq!(server.server().engine().counters().offered, 1);
    server.stop();
}

#[test]
fn a_server_that_keeps_its_data_refuses() {
    let server = start(false);
    let (status, why) = advance(&server, "15m");
    assert_eq!(status, 403);
    assert!(why.contains("time can't be moved") && why.contains("--dev"), "{why}");
    assert_eq!(server.server().engine().now(), Timestamp::new(START));
    server.stop();
}

#[test]
fn a_length_of_time_that_is_none_or_too_long_is_said() {
    let server = start(true);
    for (by, part) in
        [("soon", "\"soon\" is no length of time"), ("366d", "at most 365d"), ("-5m", "\"-5m\"")]
    {
        let (status, why) = advance(&server, by);
        assert_eq!(status, 400, "{by}");
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(server.server().engine().now(), Timestamp::new(START));
    server.stop();
}

#[tokio::test]
async fn a_phase_that_begins_on_the_way_is_in_the_log_and_sells_when_the_answer_comes() {
    let server = start(true);
    let client = connect(&server).await;
    client.put_sku(&PutSku { sku: 1, units: 2, ..PutSku::default() }).await.unwrap().done().unwrap();
    let phase = |nth: u8, minutes: u64, stage| {
        let phase = Phase { start: START + minutes * u64::from(MINUTE), stage, ..Phase::default() };
        PutPhase { campaign: 3, plan: 1, nth, phase, ..PutPhase::default() }
    };
    for put in client.put_phases(&[phase(0, 0, 0), phase(1, 10, 1), phase(2, 90, 4)]).await {
        put.unwrap().done().unwrap();
    }
    let follow = SetCampaign { campaign: 3, action: 1, plan: 1, phases: 3, ..SetCampaign::default() };
    client.set_campaign(&follow).await.unwrap().done().unwrap();
    let bind = BindSku { sku: 1, campaign: 3, ..BindSku::default() };
    client.bind_skus(&[bind]).await.remove(0).unwrap().done().unwrap();
    let wish = Reserve { user: 1, sku: 1, quantity: 1, ..Reserve::default() };
    let code = |refused: &doorbuster_client::Outcome<_>| refused.refusal().map(|refusal| refusal.code);
    assert_eq!(code(&client.reserve(&wish).await.unwrap()), Some(Code::NotStarted));

    advanced(&server, "15m");
    let client = connect(&server).await;
    assert_eq!(code(&client.reserve(&wish).await.unwrap()), None);
    advanced(&server, "2h");
    let client = connect(&server).await;
    assert_eq!(code(&client.reserve(&wish).await.unwrap()), Some(Code::Ended));
    let mut feed = client.feed(0);
    let mut begun = Vec::new();
    while begun.len() < 3 {
        let event = feed.next().await.unwrap();
        begun.extend((event.kind() == Some(EventKind::PhaseEntered)).then_some(event.channel));
    }
    assert_eq!(begun, [0, 1, 2]);
    server.stop();
}
