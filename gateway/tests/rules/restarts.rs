//! What a stop, a start and a failed disk leave behind.

use std::sync::Arc;

use doorbuster_client::{Client, OrderState, OrderView, Outcome, PutSku, Reserve};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{ServerError, Setup};
use doorbuster_ledger::Timestamp;

use crate::{SKU, START, accounts, confirm, connect, held, id, order, paid_by, set_up, shop, wish};

#[tokio::test]
async fn a_restart_keeps_orders_and_gives_those_who_pay_their_grace() {
    let (server, client) = shop(9).await;
    let soon = held(&client, &Reserve { hold_ms: 10_000, amount: 5, tier: 2, ..wish(1, 1) }).await;
    let passed = held(&client, &Reserve { hold_ms: 1_000, ..wish(2, 1) }).await;
    let later = held(&client, &Reserve { hold_ms: 600_000, ..wish(3, 1) }).await;
    let paid = held(&client, &wish(4, 1)).await;
    assert_eq!(confirm(&client, paid_by(paid.order, 4, 9, 0)).await, Ok((OrderState::Confirmed, false)));
    let before = order(&client, soon.order, 1).await;
    let log_id = server.server().recovery().log_id;
    let digest = server.server().engine().digest();
    drop(client);
    let (storage, clock) = server.stop();

    clock.advance(8_000);
    let restarted = START + 8_000;
    let server = Server::start_on(storage, clock, |setup| setup.recovery_grace_ms = 30_000);
    assert_eq!(server.server().recovery().log_id, log_id);
    assert_ne!(server.server().engine().digest(), digest, "deadlines have moved");
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (5, 3, 1));
    let after = order(&client, soon.order, 1).await;
    assert_eq!(after, OrderView { expires_at: restarted + 30_000, ..before });
    assert_eq!(order(&client, passed.order, 2).await.expires_at, restarted + 30_000);
    assert_eq!(order(&client, later.order, 3).await.expires_at, START + 600_000);
    let kept = order(&client, paid.order, 4).await;
    assert_eq!((kept.state, kept.payment_id), (OrderState::Confirmed.byte(), [9; 16]));

    server.clock().advance(29_999);
    let client = connect(&server).await;
    assert_eq!(confirm(&client, paid_by(soon.order, 1, 1, 5)).await, Ok((OrderState::Confirmed, false)));
    server.clock().advance(1);
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (6, 1, 2));
    drop(client);
    server.stop();
}

#[tokio::test]
async fn a_restart_remembers_request_ids() {
    let (server, client) = shop(9).await;
    let request = Reserve { request_id: id(START, 1), ..wish(1, 1) };
    let hold = held(&client, &request).await;
    drop(client);
    let (storage, clock) = server.stop();
    let server = Server::start_on(storage, clock, |setup| setup.shards = 4);
    let client = connect(&server).await;
    let again = held(&client, &request).await;
    assert_eq!((again.order, again.replayed), (hold.order, true));
    assert_eq!(accounts(&client).await, (8, 1, 0));
    server.server().engine().check().unwrap();
    drop(client);
    server.stop();
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_and_the_server_says_why() {
    /// Reserves until the fault strikes the log; the thread that prepares segments may catch a planted one first.
    const ROUNDS: u32 = 1_000;

    let storage = SimStorage::new(0);
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let mut setup = Setup::on_storage(Arc::new(storage.clone()), Arc::<ManualClock>::clone(&clock));
    setup.segment_bytes = 4 << 20;
    let server = doorbuster_gateway::Server::start(setup).unwrap();
    let address = server.listen().to_string();
    let client = Client::builder().connections(1).connect(&address).await.unwrap();
    set_up(&client, PutSku { sku: SKU, units: 1_000_000, ..PutSku::default() }).await;
    let mut acknowledged = Vec::new();
    let mut failed = false;
    for _ in 0..ROUNDS {
        storage.fail_sync(1);
        match client.reserve(&wish(1, 1)).await {
            Ok(Outcome::Done(hold)) => acknowledged.push(hold.order),
            Ok(Outcome::Refused(refusal)) => panic!("refused: {refusal:?}"),
            Err(_) => {
                failed = true;
                break;
            }
        }
    }
    assert!(failed, "{ROUNDS} planted faults never struck the log");
    assert!(server.failed());
    for _ in 0..3 {
        assert!(client.reserve(&wish(1, 1)).await.is_err(), "nothing is acknowledged after the failure");
    }
    assert!(Client::connect(&address).await.is_err(), "the listener is closed");
    let why = match server.stop() {
        Err(error @ ServerError::LogFailed { .. }) => {
            assert_eq!(error.exit_code(), 6);
            error.to_string()
        }
        other => panic!("the server stopped with {other:?}"),
    };
    assert!(why.contains("acknowledged nothing more") && why.contains("sync"), "{why}");
    assert_eq!(why.lines().count(), 1, "{why}");

    let server = Server::start_on(Arc::new(storage), clock, |_| {});
    let client = connect(&server).await;
    for &number in &acknowledged {
        assert_eq!(order(&client, number, 1).await.state, OrderState::Held.byte());
    }
    let (available, held, sold) = accounts(&client).await;
    assert!(held == acknowledged.len() as u64 || held == acknowledged.len() as u64 + 1, "{held}");
    assert_eq!((available + held, sold), (1_000_000, 0));
    drop(client);
    server.stop();
}
