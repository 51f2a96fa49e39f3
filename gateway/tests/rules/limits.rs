//! Limits, and what a shopper who gets nothing is told.

use doorbuster_client::{Code, OrderState, PutSku, Reserve};

use crate::{
    SKU, START, accounts, cancel, confirm, connect, held, paid_by, refused, set_up, shop, start, wish,
};

#[tokio::test]
async fn a_shoppers_limit_counts_open_holds_and_paid_units() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 10, user_limit: 2, order_limit: 0, ..PutSku::default() }).await;
    let first = held(&client, &wish(1, 1)).await;
    let refusal = refused(&client, &wish(1, 2)).await;
    assert_eq!((refusal.code, refusal.units), (Code::UserLimit, 1));
    assert_eq!(cancel(&client, first.order, 1).await, Ok((OrderState::Cancelled, false)));
    let both = held(&client, &wish(1, 2)).await;
    assert_eq!(confirm(&client, paid_by(both.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    let refusal = refused(&client, &wish(1, 1)).await;
    assert_eq!((refusal.code, refusal.units), (Code::UserLimit, 0));
    held(&client, &wish(2, 2)).await;
    assert_eq!(accounts(&client).await, (6, 2, 2));
}

#[tokio::test]
async fn an_orders_limit_is_kept_and_named() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 10, user_limit: 0, order_limit: 3, ..PutSku::default() }).await;
    let refusal = refused(&client, &wish(1, 4)).await;
    assert_eq!((refusal.code, refusal.units), (Code::OrderLimit, 3));
    held(&client, &wish(1, 3)).await;
    held(&client, &wish(1, 3)).await;
    assert_eq!(accounts(&client).await, (4, 6, 0));
}

#[tokio::test]
async fn sold_out_names_the_open_holds_and_the_next_expiry() {
    let (_server, client) = shop(3).await;
    held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    held(&client, &Reserve { hold_ms: 30_000, ..wish(2, 2) }).await;
    let refusal = refused(&client, &wish(3, 1)).await;
    assert_eq!((refusal.code, refusal.units, refusal.at), (Code::SoldOut, 2, START + 30_000));
}

#[tokio::test]
async fn sold_out_for_good_names_no_hold_and_no_time() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    assert_eq!(confirm(&client, paid_by(hold.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    let refusal = refused(&client, &wish(2, 1)).await;
    assert_eq!((refusal.code, refusal.units, refusal.at), (Code::SoldOut, 0, 0));
}

#[tokio::test]
async fn too_few_units_are_said_and_none_is_taken() {
    let (_server, client) = shop(3).await;
    held(&client, &wish(1, 1)).await;
    let refusal = refused(&client, &wish(2, 3)).await;
    assert_eq!((refusal.code, refusal.units), (Code::Insufficient, 2));
    assert_eq!(accounts(&client).await, (2, 1, 0));
}
