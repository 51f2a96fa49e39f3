//! A consumer that stops and goes on: whatever happens meanwhile, it misses nothing and gets nothing twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorbuster_client::{Client, Code, Error, EventKind, Levels, Line, PutSku, ReserveOrder};
use doorbuster_engine::storage::FileStorage;
use doorbuster_gateway::testing::Server;
use rand::RngExt;

use crate::workload::{Crowd, SKUS};
use crate::{connect, no_wait, rest, start};

/// Reads on to the end of the log in pieces of random size, over a new connection each.
async fn consume(server: &Server, crowd: &mut Crowd, levels: &mut Levels, kinds: &mut BTreeSet<EventKind>) {
    let until = server.server().engine().journal().durable();
    while levels.position() < until {
        let client = connect(server).await;
        let mut feed = no_wait(client.feed(levels.position())).batch(crowd.random.random_range(1..50));
        for _ in 0..crowd.random.random_range(1..4) {
            for event in feed.next_batch().await.unwrap() {
                assert_eq!(event.position, levels.position(), "neither a gap nor a repetition");
                levels.apply(&event).unwrap();
                kinds.insert(event.kind().unwrap());
            }
            assert_eq!(feed.position(), levels.position());
        }
    }
}

/// Compares with what the engine says, at the same position.
async fn compare(server: &Server, crowd: &mut Crowd, levels: &mut Levels, kinds: &mut BTreeSet<EventKind>) {
    loop {
        let journal = server.server().engine().journal();
        let client = connect(server).await;
        let mut stocks = Vec::new();
        for sku in 1..=SKUS {
            stocks.push(client.read_stock(sku).await.unwrap().done().unwrap());
        }
        consume(server, crowd, levels, kinds).await;
        // Holds may end on their own while this looks; then it looks again.
        if levels.position() < journal.decided() {
            continue;
        }
        let again = connect(server).await;
        for stock in stocks {
            let now = again.read_stock(stock.sku).await.unwrap().done().unwrap();
            let level = levels.level(stock.sku).unwrap();
            let account = |units: u64| i128::from(units);
            if levels.position() == journal.decided() {
                assert_eq!(
                    (level.available, level.held, level.sold),
                    (account(now.available), account(now.held), account(now.sold)),
                    "SKU {} at position {}",
                    stock.sku,
                    levels.position()
                );
            }
        }
        if levels.position() == journal.decided() {
            return;
        }
    }
}

#[tokio::test]
async fn rebuilt_levels_equal_the_engines_through_reconnects_restarts_and_pieces_of_any_size() {
    let seed = 20_251_111;
    println!("seed {seed}");
    let mut crowd = Crowd::new(seed);
    let mut server = start();
    let mut client = connect(&server).await;
    crowd.set_up(&client).await;
    let (mut levels, mut kinds) = (Levels::default(), BTreeSet::new());
    for round in 1..=64 {
        let times = crowd.random.random_range(10..80);
        client = crowd.act(&server, client, times).await;
        if crowd.random.random_ratio(1, 2) {
            consume(&server, &mut crowd, &mut levels, &mut kinds).await;
        }
        if round % 4 == 0 {
            compare(&server, &mut crowd, &mut levels, &mut kinds).await;
        }
        if round % 8 == 0 {
            let (storage, clock) = server.stop();
            server = Server::start_on(storage, clock, |_| {});
            client = connect(&server).await;
        }
    }
    server.clock().advance(3 * 24 * 3_600_000);
    compare(&server, &mut crowd, &mut levels, &mut kinds).await;
    let missing: Vec<_> = EventKind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    // Whether old orders have left memory by now is a matter of the reactors' pace.
    assert!(missing.iter().all(|kind| **kind == EventKind::Evicted), "{missing:?} never happened");
    server.stop();
}

async fn shop(server: &Server) -> Client {
    let client = connect(server).await;
    client.put_sku(&PutSku { sku: 1, units: 9, ..PutSku::default() }).await.unwrap().done().unwrap();
    client
}

async fn hold(client: &Client, user: u64) -> u64 {
    let lines = vec![Line { sku: 1, quantity: 1, ..Line::default() }];
    let wish = ReserveOrder { user, lines, ..ReserveOrder::default() };
    client.reserve_order(&wish).await.unwrap().done().unwrap().order
}

#[tokio::test]
async fn who_waits_at_the_end_is_told_of_the_next_event() {
    let server = start();
    let client = shop(&server).await;
    let mut feed = client.feed(0);
    assert_eq!(feed.next().await.unwrap().kind(), Some(EventKind::SkuPut));
    let waiting = tokio::spawn(async move { (feed.next().await.unwrap(), feed.position()) });
    // Whether its request is there by now or comes later: it is told.
    client.read_stock(1).await.unwrap().done().unwrap();
    let order = hold(&client, 7).await;
    let (event, position) = waiting.await.unwrap();
    assert_eq!((event.kind(), event.order, event.user), (Some(EventKind::Reserved), order, 7));
    assert_eq!(position, event.position + 1);
    server.stop();
}

#[tokio::test]
async fn a_feed_goes_on_when_its_server_has_come_back() {
    let server = start();
    let client = shop(&server).await;
    let address = server.address();
    let mut feed = client.feed(0).batch(1);
    assert_eq!(feed.next().await.unwrap().position, 0);
    hold(&client, 1).await;
    let (storage, clock) = server.stop();
    let server = Server::start_on(storage, clock, |setup| setup.listen = address);
    let other = connect(&server).await;
    hold(&other, 2).await;
    let mut positions = Vec::new();
    while positions.len() < 4 {
        match feed.next().await {
            Ok(event) => positions.push(event.position),
            Err(Error::Unavailable { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    // The hold, the checkpoint of the stop, the grace of the start, the second hold.
    assert_eq!(positions, [1, 2, 3, 4]);
    server.stop();
}

#[tokio::test]
async fn a_position_behind_the_end_is_refused_with_the_end() {
    let server = start();
    let client = shop(&server).await;
    let refused = client.feed(2).next_batch().await.unwrap_err();
    assert_eq!(refused, Error::Feed { code: Code::NoSuchPosition, from: 2, durable: 1 });
    let message = refused.to_string();
    assert!(message.starts_with("feed from position 2: NO_SUCH_POSITION: The log ends before"), "{message}");
    assert!(message.ends_with("the log is durable up to position 1"), "{message}");
    let mut at_end = no_wait(client.feed(1));
    assert!(!at_end.at_end());
    assert_eq!(at_end.next_batch().await, Ok(vec![]));
    assert!(at_end.at_end());
    server.stop();
}

#[tokio::test]
async fn a_log_that_was_reset_is_not_taken_for_the_old_one() {
    let server = start();
    let address = server.address();
    let client = shop(&server).await;
    let mut feed = no_wait(client.feed(0));
    assert_eq!(rest(&mut feed).await.unwrap().len(), 1);
    server.stop();
    let place = tempfile::tempdir().unwrap();
    let server = Server::start_with(|setup| {
        setup.listen = address;
        setup.storage = Arc::new(FileStorage::open(place.path()).unwrap());
    });
    let _other = shop(&server).await;
    let refused = loop {
        match feed.next_batch().await {
            Err(Error::Unavailable { .. }) => {}
            other => break other.unwrap_err(),
        }
    };
    assert_eq!(refused, Error::OtherLog { from: 1 });
    server.stop();
}
