//! A SKU that is frozen: nobody gets units of it who has none, and who has some goes on.

use doorbuster_client::{Applied, Client, Code, FreezeSku, Line, OrderState, Outcome, PutSku, ReserveOrder};

use crate::{SKU, confirm, connect, held, paid_by, refused, set_up, shop, start_on, stock, wish};

async fn freeze(client: &Client, frozen: bool) -> Applied {
    let asked = FreezeSku { sku: SKU, frozen: frozen.into(), by: 7, reason: 8 };
    let done = client.freeze_skus(&[asked]).await.remove(0).expect("an answer");
    done.done().expect("the SKU is there")
}

#[tokio::test]
async fn a_frozen_sku_takes_no_new_holds_and_its_open_ones_are_paid() {
    let (_server, client) = shop(3).await;
    let hold = held(&client, &wish(1, 1)).await;
    assert!(!freeze(&client, true).await.replayed);
    assert!(freeze(&client, true).await.replayed);
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::SkuFrozen);
    assert_eq!(stock(&client).await.frozen, 1);
    assert_eq!(confirm(&client, paid_by(hold.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert!(!freeze(&client, false).await.replayed);
    assert_eq!(stock(&client).await.frozen, 0);
    held(&client, &wish(2, 1)).await;
}

#[tokio::test]
async fn an_order_with_a_line_of_a_frozen_sku_is_refused_as_a_whole() {
    let (_server, client) = shop(3).await;
    set_up(&client, PutSku { sku: 2, units: 3, ..PutSku::default() }).await;
    freeze(&client, true).await;
    let lines = [SKU, 2].map(|sku| Line { sku, quantity: 1, ..Line::default() });
    let cart = ReserveOrder { user: 1, lines: lines.to_vec(), ..ReserveOrder::default() };
    let refusal = match client.reserve_order(&cart).await.expect("an answer") {
        Outcome::Done(hold) => panic!("{hold:?}"),
        Outcome::Refused(refusal) => refusal,
    };
    assert_eq!(refusal.code, Code::SkuFrozen);
    held(&client, &doorbuster_client::Reserve { sku: 2, ..wish(1, 3) }).await;
}

#[tokio::test]
async fn who_was_told_sold_out_is_told_that_it_is_frozen_once_it_is() {
    let (_server, client) = shop(1).await;
    held(&client, &wish(1, 1)).await;
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::SoldOut);
    freeze(&client, true).await;
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::SkuFrozen);
    freeze(&client, false).await;
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::SoldOut);
}

#[tokio::test]
async fn a_sku_stays_frozen_over_a_restart() {
    let storage = std::sync::Arc::new(doorbuster_engine::storage::SimStorage::new(0));
    let server = start_on(std::sync::Arc::clone(&storage));
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 1, ..PutSku::default() }).await;
    freeze(&client, true).await;
    drop(client);
    server.stop();
    let server = start_on(storage);
    let client = connect(&server).await;
    assert_eq!(refused(&client, &wish(1, 1)).await.code, Code::SkuFrozen);
}
