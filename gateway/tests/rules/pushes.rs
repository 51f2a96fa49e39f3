//! Being told, on the connection that asked for it, that an order waits no more.

use doorbuster_client::{
    Client, Code, Hold, Kept, Line, OrderState, Outcome, Pushed, Refusal, ReserveOrder, Restock,
};
use doorbuster_gateway::testing::Server;

use crate::{SKU, START, cancel, connect, held, set_up, shop, start, wish};

const MINUTE: u64 = 60_000;

/// An order that waits ten minutes.
async fn waits(client: &Client, user: u64) -> Hold {
    let lines = vec![Line { sku: SKU, quantity: 1, ..Line::default() }];
    let request = ReserveOrder { user, wait_ms: 600_000, lines, ..ReserveOrder::default() };
    let hold = client.reserve_order(&request).await.expect("an answer").done().expect("nothing is refused");
    assert_eq!(hold.state, OrderState::Waiting);
    hold
}

async fn watch(client: &Client, order: u64, user: u64) -> Result<Kept, Refusal> {
    match client.watch(order, user).await.expect("an answer") {
        Outcome::Done(kept) => Ok(kept),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

/// As [`watch`], of an order that waits.
async fn watched(client: &Client, hold: &Hold, user: u64) {
    let kept = watch(client, hold.order, user).await.expect("the order is his");
    assert_eq!((kept.order, kept.state), (hold.order, OrderState::Waiting));
}

fn offered(hold: &Hold, user: u64, at: u64) -> Pushed {
    Pushed::Offered { order: hold.order, user, sku: SKU, quantity: 1, expires_at: at + 5 * MINUTE, at }
}

#[tokio::test]
async fn who_watches_is_told_of_his_offer_and_nobody_else() {
    let (server, client) = shop(2).await;
    let (first, second) = (held(&client, &wish(1, 1)).await, held(&client, &wish(2, 1)).await);
    let (third, fourth) = (waits(&client, 3).await, waits(&client, 4).await);
    let (one, other) = (connect(&server).await, connect(&server).await);
    let (mut to_one, mut to_other) = (one.pushes(), other.pushes());
    watched(&one, &third, 3).await;
    // The same order again changes nothing, and two connections may watch it.
    watched(&one, &third, 3).await;
    watched(&other, &third, 3).await;
    watched(&other, &fourth, 4).await;
    cancel(&client, first.order, 1).await.unwrap();
    cancel(&client, second.order, 2).await.unwrap();
    assert_eq!(to_one.next().await, offered(&third, 3, START));
    assert_eq!(to_other.next().await, offered(&third, 3, START));
    assert_eq!(to_other.next().await, offered(&fourth, 4, START));
    // What it waited for has come: nothing more is told, and asking says how it stands.
    let kept = watch(&one, third.order, 3).await.unwrap();
    assert_eq!((kept.state, kept.expires_at), (OrderState::Held, START + 5 * MINUTE));
    cancel(&client, third.order, 3).await.unwrap();
    let next = waits_after_all(&client, 5).await;
    watched(&one, &next, 5).await;
    cancel(&client, fourth.order, 4).await.unwrap();
    assert_eq!(to_one.next().await, offered(&next, 5, START), "nothing came in between");
}

/// Takes what is free, and waits.
async fn waits_after_all(client: &Client, user: u64) -> Hold {
    held(client, &wish(90, 1)).await;
    waits(client, user).await
}

#[tokio::test]
async fn a_wait_in_vain_is_told_and_the_end_of_a_hold_is_not() {
    let (server, client) = shop(1).await;
    held(&client, &doorbuster_client::Reserve { hold_ms: 3_600_000, ..wish(1, 1) }).await;
    let hold = waits(&client, 2).await;
    let mut pushes = client.pushes();
    watched(&client, &hold, 2).await;
    server.clock().advance(10 * MINUTE);
    let at = match pushes.next().await {
        Pushed::Lapsed { order, user: 2, sku: SKU, quantity: 1, at } if order == hold.order => at,
        other => panic!("{other:?}"),
    };
    assert!(at >= START + 10 * MINUTE, "{at}");
    let client = connect(&server).await;
    assert_eq!(watch(&client, hold.order, 2).await.unwrap().state, OrderState::Lapsed);
}

#[tokio::test]
async fn an_offer_that_is_not_taken_is_told_to_the_next() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    let (second, third) = (waits(&client, 2).await, waits(&client, 3).await);
    let mut pushes = client.pushes();
    watched(&client, &second, 2).await;
    watched(&client, &third, 3).await;
    cancel(&client, hold.order, 1).await.unwrap();
    assert_eq!(pushes.next().await, offered(&second, 2, START));
    server.clock().advance(5 * MINUTE);
    let push = pushes.next().await;
    assert!(matches!(push, Pushed::Offered { order, user: 3, .. } if order == third.order), "{push:?}");
}

#[tokio::test]
async fn an_offer_out_of_an_order_over_several_shards_is_told() {
    let (_server, client) = shop(1).await;
    let others = 2..=9;
    for sku in others.clone() {
        set_up(&client, doorbuster_client::PutSku { sku, units: 1, ..Default::default() }).await;
    }
    let lines = (1..=9).map(|sku| Line { sku, quantity: 1, ..Line::default() }).collect();
    let cart = ReserveOrder { user: 1, lines, ..ReserveOrder::default() };
    let cart = client.reserve_order(&cart).await.unwrap().done().expect("the cart is granted");
    let hold = waits(&client, 2).await;
    let mut pushes = client.pushes();
    watched(&client, &hold, 2).await;
    cancel(&client, cart.order, 1).await.unwrap();
    assert_eq!(pushes.next().await, offered(&hold, 2, START));
}

#[tokio::test]
async fn a_restock_is_told_to_all_whom_it_serves() {
    let (_server, client) = shop(1).await;
    held(&client, &wish(1, 1)).await;
    let mut orders = Vec::new();
    let mut pushes = client.pushes();
    for user in 100..400 {
        let hold = waits(&client, user).await;
        watched(&client, &hold, user).await;
        orders.push(hold.order);
    }
    let restock = Restock { sku: SKU, units: 299, ..Restock::default() };
    assert!(matches!(client.restock(&restock).await.unwrap(), Outcome::Done(_)));
    let mut told = Vec::new();
    while told.len() < 299 {
        match pushes.next().await {
            Pushed::Offered { order, .. } => told.push(order),
            other => panic!("{other:?}"),
        }
    }
    told.sort_unstable();
    orders.sort_unstable();
    assert_eq!(told, orders[..299], "the last in line waits on");
    assert_eq!(watch(&client, orders[299], 399).await.unwrap().state, OrderState::Waiting);
}

#[tokio::test]
async fn a_watch_needs_an_order_of_its_shopper() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    let waiting = waits(&client, 2).await;
    let mut pushes = client.pushes();
    assert_eq!(watch(&client, waiting.order, 3).await.unwrap_err().code, Code::OwnerMismatch);
    assert_eq!(watch(&client, waiting.order + 1_000, 2).await.unwrap_err().code, Code::NoSuchOrder);
    assert_eq!(watch(&client, hold.order, 1).await.unwrap().state, OrderState::Held);
    // The offer goes to the second shopper, and nobody here is told; the next is.
    cancel(&client, hold.order, 1).await.unwrap();
    let next = waits(&client, 4).await;
    watched(&client, &next, 4).await;
    cancel(&client, waiting.order, 2).await.unwrap();
    assert_eq!(pushes.next().await, offered(&next, 4, START));
}

#[tokio::test]
async fn a_watch_ends_with_its_connection_and_may_be_asked_for_again() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, doorbuster_client::PutSku { sku: SKU, units: 1, ..Default::default() }).await;
    let hold = held(&client, &wish(1, 1)).await;
    let waiting = waits(&client, 2).await;
    let mut pushes = client.pushes();
    watched(&client, &waiting, 2).await;
    let (storage, clock) = server.stop();
    assert_eq!(pushes.next().await, Pushed::Missed, "the connection is gone");
    let server = Server::start_on(storage, clock, |_| {});
    let client = connect(&server).await;
    let mut pushes = client.pushes();
    watched(&client, &waiting, 2).await;
    cancel(&client, hold.order, 1).await.unwrap();
    assert_eq!(pushes.next().await, offered(&waiting, 2, START));
}
