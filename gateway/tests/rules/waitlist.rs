//! Waiting for units, and who gets them when they come back.

use doorbuster_client::{
    Client, Code, Field, Hold, Line, OrderState, Outcome, PutSku, Refusal, Reserve, ReserveOrder, Restock,
};
use doorbuster_gateway::testing::Server;

use crate::{
    SKU, START, accounts, begin_pay, cancel, confirm, connect, held, order, paid_by, refused, set_up, shop,
    start, stock, wish,
};

const MINUTE: u64 = 60_000;

/// A reserve that waits up to ten minutes.
async fn wait(client: &Client, user: u64, quantity: u32) -> Result<Hold, Refusal> {
    wait_for(client, user, quantity, 600_000).await
}

async fn wait_for(client: &Client, user: u64, quantity: u32, wait_ms: u32) -> Result<Hold, Refusal> {
    let lines = vec![Line { sku: SKU, quantity, ..Line::default() }];
    let request = ReserveOrder { user, wait_ms, lines, ..ReserveOrder::default() };
    match client.reserve_order(&request).await.expect("an answer") {
        Outcome::Done(hold) => Ok(hold),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn state(client: &Client, hold: &Hold, user: u64) -> OrderState {
    OrderState::from_byte(order(client, hold.order, user).await.state).expect("a known state")
}

#[tokio::test]
async fn units_that_come_back_go_to_who_waited_longest() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    let second = wait(&client, 2, 1).await.unwrap();
    assert_eq!((second.state, second.expires_at), (OrderState::Waiting, START + 10 * MINUTE));
    let third = wait(&client, 3, 1).await.unwrap();
    assert_eq!(stock(&client).await.waiting, 2);
    server.clock().advance(MINUTE);
    let client = connect(&server).await;

    cancel(&client, hold.order, 1).await.unwrap();
    let offered = order(&client, second.order, 2).await;
    assert_eq!(OrderState::from_byte(offered.state), Some(OrderState::Held));
    assert_eq!(offered.expires_at, START + 6 * MINUTE, "an offer lasts five minutes");
    assert_eq!(state(&client, &third, 3).await, OrderState::Waiting);
    // Nobody new comes in between.
    assert_eq!(refused(&client, &wish(4, 1)).await.code, Code::SoldOut);
    assert_eq!(accounts(&client).await, (0, 1, 0));

    // An offer that is not taken goes to the next.
    server.clock().advance(5 * MINUTE);
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (0, 1, 0));
    assert_eq!(state(&client, &second, 2).await, OrderState::Expired);
    assert_eq!(confirm(&client, paid_by(third.order, 3, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(stock(&client).await.waiting, 0);
}

#[tokio::test]
async fn who_does_not_fit_is_passed_and_keeps_his_place() {
    let (_server, client) = shop(2).await;
    let (one, two) = (held(&client, &wish(1, 1)).await, held(&client, &wish(2, 1)).await);
    let pair = wait(&client, 3, 2).await.unwrap();
    let single = wait(&client, 4, 1).await.unwrap();
    cancel(&client, one.order, 1).await.unwrap();
    assert_eq!(state(&client, &pair, 3).await, OrderState::Waiting);
    assert_eq!(state(&client, &single, 4).await, OrderState::Held);
    cancel(&client, two.order, 2).await.unwrap();
    assert_eq!(accounts(&client).await, (1, 1, 0));
    // One unit is free, and whoever waits can't use it: a newcomer may.
    held(&client, &wish(5, 1)).await;
    cancel(&client, single.order, 4).await.unwrap();
    let applied = client.restock(&Restock { sku: SKU, units: 1, ..Restock::default() }).await.unwrap();
    assert!(matches!(applied, Outcome::Done(_)), "{applied:?}");
    assert_eq!(state(&client, &pair, 3).await, OrderState::Held);
    assert_eq!(accounts(&client).await, (0, 3, 0));
}

#[tokio::test]
async fn a_wait_ends_by_its_time_or_by_its_shopper() {
    let (server, client) = shop(1).await;
    held(&client, &Reserve { hold_ms: 3_600_000, ..wish(1, 1) }).await;
    let gives_up = wait(&client, 2, 1).await.unwrap();
    let leaves = wait(&client, 3, 1).await.unwrap();
    assert_eq!(cancel(&client, leaves.order, 3).await, Ok((OrderState::Cancelled, false)));
    let refusal = begin_pay(&client, gives_up.order, 2, 1, 0).await.unwrap_err();
    assert_eq!((refusal.code, refusal.at), (Code::StillWaiting, START + 10 * MINUTE));
    server.clock().advance(10 * MINUTE);
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (0, 1, 0));
    assert_eq!(state(&client, &gives_up, 2).await, OrderState::Lapsed);
    assert_eq!(stock(&client).await.waiting, 0);
    let refusal = confirm(&client, paid_by(gives_up.order, 2, 1, 0)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.state), (Code::RefundRequired, Some(OrderState::Lapsed)));
}

#[tokio::test]
async fn a_shopper_waits_once_and_within_his_limit() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 1, user_limit: 1, ..PutSku::default() }).await;
    let hold = held(&client, &wish(1, 1)).await;
    assert_eq!(wait(&client, 1, 1).await.unwrap_err().code, Code::UserLimit);
    let waits = wait(&client, 2, 1).await.unwrap();
    let refusal = wait(&client, 2, 1).await.unwrap_err();
    assert_eq!((refusal.code, refusal.order), (Code::AlreadyWaiting, waits.order));
    let refusal = wait_for(&client, 3, 1, u32::MAX).await.unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::WaitMs)));
    // Where units are free, nobody waits.
    cancel(&client, waits.order, 2).await.unwrap();
    cancel(&client, hold.order, 1).await.unwrap();
    assert_eq!(wait(&client, 4, 1).await.unwrap().state, OrderState::Held);
}

#[tokio::test]
async fn a_line_outlives_a_restart() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 1, ..PutSku::default() }).await;
    let hold = held(&client, &wish(1, 1)).await;
    let second = wait(&client, 2, 1).await.unwrap();
    let third = wait(&client, 3, 1).await.unwrap();
    let (storage, clock) = server.stop();

    let server = Server::start_on(storage, clock, |_| {});
    let client = connect(&server).await;
    assert_eq!(stock(&client).await.waiting, 2);
    cancel(&client, hold.order, 1).await.unwrap();
    assert_eq!(state(&client, &second, 2).await, OrderState::Held);
    assert_eq!(state(&client, &third, 3).await, OrderState::Waiting);
}
