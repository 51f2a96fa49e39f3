//! Deadlines: of holds, of requests and of request ids.

use doorbuster_client::{Code, Error, Field, OrderState, ReadOrder, Reserve};

use crate::{
    DAY, SKU, START, accounts, cancel, confirm, connect, held, id, order, paid_by, refused, shop, wish,
};

#[tokio::test]
async fn an_expired_hold_gives_its_units_back() {
    let (server, client) = shop(2).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 2) }).await;
    assert_eq!(hold.expires_at, START + 60_000);
    server.clock().advance(59_999);
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (0, 2, 0));
    server.clock().advance(1);
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (2, 0, 0));
    let ended = order(&client, hold.order, 1).await;
    assert_eq!(OrderState::from_byte(ended.state), Some(OrderState::Expired));
    assert_eq!((ended.expires_at, ended.ended_at), (START + 60_000, START + 60_000));
    held(&client, &wish(2, 2)).await;
}

#[tokio::test]
async fn a_hold_is_one_before_its_deadline_and_not_at_it() {
    let (server, client) = shop(2).await;
    let early = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let late = held(&client, &Reserve { hold_ms: 60_000, ..wish(2, 1) }).await;
    server.clock().advance(59_999);
    let client = connect(&server).await;
    assert_eq!(confirm(&client, paid_by(early.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    server.clock().advance(1);
    let client = connect(&server).await;
    let refusal = cancel(&client, late.order, 2).await.unwrap_err();
    assert_eq!((refusal.code, refusal.at), (Code::HoldExpired, START + 60_000));
    assert_eq!(accounts(&client).await, (1, 0, 1));
}

#[tokio::test]
async fn a_hold_longer_than_allowed_is_refused() {
    let (_server, client) = shop(2).await;
    let refusal = refused(&client, &Reserve { hold_ms: u32::MAX, ..wish(1, 1) }).await;
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::HoldMs)));
    let refusal = refused(&client, &wish(1, 0)).await;
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Quantity)));
}

#[tokio::test]
async fn request_ids_must_be_of_their_time() {
    let (_server, client) = shop(9).await;
    let with = |request_id| Reserve { request_id, ..wish(1, 1) };
    held(&client, &with(id(START - DAY, 1))).await;
    let refusal = refused(&client, &with(id(START - DAY - 1, 2))).await;
    assert_eq!((refusal.code, refusal.units), (Code::IdTooOld, DAY));
    held(&client, &with(id(START + 300_000, 3))).await;
    assert_eq!(refused(&client, &with(id(START + 300_001, 4))).await.code, Code::IdFromFuture);
    let mut version_4 = id(START, 5);
    version_4[6] = 0x40;
    let refusal = refused(&client, &with(version_4)).await;
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::RequestId)));
    assert_eq!(accounts(&client).await, (7, 2, 0));
}

#[tokio::test]
async fn a_forgotten_order_is_never_placed_a_second_time() {
    let (server, client) = shop(9).await;
    let request = Reserve { request_id: id(START, 1), hold_ms: 60_000, ..wish(1, 1) };
    let hold = held(&client, &request).await;
    server.clock().advance(DAY);
    let client = connect(&server).await;
    let again = held(&client, &request).await;
    assert_eq!((again.order, again.state, again.replayed), (hold.order, OrderState::Expired, true));
    server.clock().advance(2 * DAY);
    let client = connect(&server).await;
    assert_eq!(refused(&client, &request).await.code, Code::IdTooOld);
    let forgotten = client.read_order(&ReadOrder { order: hold.order, user: 1 }).await.unwrap();
    assert_eq!(forgotten.refusal().map(|refusal| refusal.code), Some(Code::NoSuchOrder));
    assert_eq!(accounts(&client).await, (9, 0, 0));
}

#[tokio::test]
async fn a_request_past_its_deadline_is_not_executed() {
    let (server, client) = shop(9).await;
    let hold = held(&client, &wish(1, 1)).await;
    // The client computes deadlines by the time that it was told, which is now long ago.
    server.clock().advance(120_000);
    let is_late = |error: Error| matches!(error, Error::Fault { code: Code::DeadlineExceeded, .. });
    assert!(is_late(client.reserve(&wish(2, 1)).await.unwrap_err()));
    assert!(is_late(client.confirm(&paid_by(hold.order, 1, 1, 0)).await.unwrap_err()));
    assert!(is_late(client.read_stock(SKU).await.unwrap_err()));
    assert!(is_late(client.read_order(&ReadOrder { order: hold.order, user: 1 }).await.unwrap_err()));
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (8, 1, 0));
}
