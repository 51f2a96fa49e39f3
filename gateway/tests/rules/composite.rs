//! Orders with several lines: all or none, whatever shards their SKUs are in.

use std::sync::Arc;

use doorbuster_client::{
    CancelLines, Client, Code, ConfirmLines, Field, Hold, Line, LineUnits, OrderState, Outcome, PutSku,
    ReadOrder, Refusal, ReserveOrder, StockView,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

use crate::{DAY, START, cancel, confirm, connect, held, id, order, paid_by, set_up, wish};

/// Of these, some are in each of two shards.
const SKUS: std::ops::RangeInclusive<u64> = 1..=4;

/// Reads after which an order that should have ended surely won't: seconds.
const MOST_READS: usize = 100_000;

/// A server of two shards that sells `units` of each SKU.
async fn shop(units: u64) -> (Server, Client) {
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let server = Server::start_on(Arc::new(SimStorage::new(0)), clock, |setup| setup.shards = 2);
    let client = connect(&server).await;
    for sku in SKUS {
        set_up(&client, PutSku { sku, units, ..PutSku::default() }).await;
    }
    (server, client)
}

fn line(sku: u64, quantity: u32) -> Line {
    Line { sku, quantity, ..Line::default() }
}

fn named(units: &[(u64, u32)]) -> Vec<LineUnits> {
    units.iter().map(|&(sku, units)| LineUnits { sku, units }).collect()
}

fn cart(user: u64, lines: &[Line]) -> ReserveOrder {
    ReserveOrder { user, lines: lines.to_vec(), ..ReserveOrder::default() }
}

async fn hold(client: &Client, cart: &ReserveOrder) -> Hold {
    client.reserve_order(cart).await.expect("an answer").done().expect("the cart is granted")
}

async fn refused(client: &Client, cart: &ReserveOrder) -> Refusal {
    *client.reserve_order(cart).await.expect("an answer").refusal().expect("the cart is refused")
}

/// Reads an order until it has expired.
async fn ended(client: &Client, number: u64, user: u64) {
    for _ in 0..MOST_READS {
        if order(client, number, user).await.state == OrderState::Expired.byte() {
            return;
        }
    }
    panic!("order {number} is past its deadline and doesn't end");
}

/// Available, held and sold, of each SKU.
async fn accounts(client: &Client) -> Vec<(u64, u64, u64)> {
    let mut all = Vec::new();
    for sku in SKUS {
        let read = client.read_stock(sku).await.expect("an answer");
        let stock: StockView = read.done().expect("the SKU is there");
        all.push((stock.available, stock.held, stock.sold));
    }
    all
}

async fn lines(client: &Client, order: u64, user: u64) -> Vec<(u64, u32, u32, u32)> {
    let read = client.read_lines(&ReadOrder { order, user }).await.expect("an answer");
    let read = read.done().expect("the order is there");
    read.iter().map(|line| (line.sku, line.ordered, line.units, line.gifts)).collect()
}

#[tokio::test]
async fn all_lines_are_held_paid_and_read_under_one_number() {
    let (_server, client) = shop(9).await;
    let gift = Line { gift: 1, ..line(4, 2) };
    let hold = hold(&client, &cart(1, &[line(3, 1), line(1, 2), gift, line(3, 1), line(4, 1)])).await;
    assert_eq!(accounts(&client).await, [(7, 2, 0), (9, 0, 0), (7, 2, 0), (6, 3, 0)]);
    assert_eq!(lines(&client, hold.order, 1).await, [(1, 2, 2, 0), (3, 2, 2, 0), (4, 3, 3, 2)]);
    let read = order(&client, hold.order, 1).await;
    assert_eq!((read.sku, read.quantity, read.lines), (1, 7, 3));

    assert_eq!(confirm(&client, paid_by(hold.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(confirm(&client, paid_by(hold.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, true)));
    assert_eq!(accounts(&client).await, [(7, 0, 2), (9, 0, 0), (7, 0, 2), (6, 0, 3)]);
    let second = confirm(&client, paid_by(hold.order, 1, 2, 0)).await.unwrap_err();
    assert_eq!(second.code, Code::RefundRequired);
}

#[tokio::test]
async fn one_line_that_is_short_refuses_the_whole_order_and_is_named() {
    let (_server, client) = shop(2).await;
    held(&client, &wish(9, 1)).await;
    let refusal = refused(&client, &cart(1, &[line(2, 2), line(1, 2), line(3, 1)])).await;
    assert_eq!(
        (refusal.code, refusal.field, refusal.order, refusal.units),
        (Code::Insufficient, Some(Field::Lines), 1, 1)
    );
    // Two lines of one SKU are one demand: each alone would fit.
    let refusal = refused(&client, &cart(1, &[line(2, 1), line(3, 2), line(2, 2)])).await;
    assert_eq!((refusal.code, refusal.order, refusal.units), (Code::Insufficient, 2, 2));
    let refusal = refused(&client, &cart(1, &[line(2, 1), line(77, 1)])).await;
    assert_eq!((refusal.code, refusal.order), (Code::UnknownSku, 77));
    let refusal = refused(&client, &ReserveOrder { wait_ms: 9, ..cart(1, &[line(2, 9), line(3, 1)]) }).await;
    assert_eq!(refusal.code, Code::SeveralSkus);
    assert_eq!(accounts(&client).await, [(1, 1, 0), (2, 0, 0), (2, 0, 0), (2, 0, 0)]);
}

#[tokio::test]
async fn a_repeat_gets_the_same_order_and_other_lines_are_a_conflict() {
    let (_server, client) = shop(9).await;
    let request = ReserveOrder { request_id: id(START, 1), ..cart(1, &[line(1, 2), line(2, 1)]) };
    let first = hold(&client, &request).await;
    let again = hold(&client, &ReserveOrder { lines: vec![line(2, 1), line(1, 2)], ..request.clone() }).await;
    assert_eq!((again.order, again.replayed), (first.order, true));
    let other = ReserveOrder { lines: vec![line(1, 2), line(2, 2)], ..request.clone() };
    let refusal = refused(&client, &other).await;
    assert_eq!((refusal.code, refusal.field), (Code::IdempotencyConflict, Some(Field::Lines)));
    // Even after a part was given back.
    let part = CancelLines { order: first.order, user: 1, lines: named(&[(1, 1)]), ..CancelLines::default() };
    client.cancel_lines(&part).await.unwrap().done().unwrap();
    assert_eq!(hold(&client, &request).await.order, first.order);
    assert_eq!(accounts(&client).await[..2], [(8, 1, 0), (8, 1, 0)]);
}

#[tokio::test]
async fn a_part_is_given_back_and_a_part_is_paid() {
    let (_server, client) = shop(9).await;
    let request = ReserveOrder { amount: 500, ..cart(1, &[line(1, 3), line(2, 2), line(3, 1)]) };
    let hold = hold(&client, &request).await;
    let part = CancelLines {
        order: hold.order,
        user: 1,
        amount: 400,
        lines: named(&[(3, 0), (1, 2)]),
        ..CancelLines::default()
    };
    let kept = client.cancel_lines(&part).await.unwrap().done().unwrap();
    assert_eq!((kept.state, kept.replayed), (OrderState::Held, false));
    assert!(client.cancel_lines(&part).await.unwrap().done().unwrap().replayed);
    assert_eq!(accounts(&client).await, [(7, 2, 0), (7, 2, 0), (9, 0, 0), (9, 0, 0)]);
    assert_eq!(order(&client, hold.order, 1).await.amount, 400);
    assert_eq!(lines(&client, hold.order, 1).await, [(1, 3, 2, 0), (2, 2, 2, 0), (3, 1, 0, 0)]);
    let more = CancelLines { lines: named(&[(1, 3)]), ..part.clone() };
    let refusal = *client.cancel_lines(&more).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.units), (Code::ExceedsHeld, 2));
    let stranger = CancelLines { lines: named(&[(4, 0)]), ..part };
    let refusal = *client.cancel_lines(&stranger).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Lines)));

    let pay = ConfirmLines {
        order: hold.order,
        user: 1,
        payment_id: [1; 16],
        amount: 150,
        lines: named(&[(1, 1)]),
    };
    let paid = client.confirm_lines(&pay).await.unwrap().done().unwrap();
    assert_eq!((paid.state, paid.replayed), (OrderState::Confirmed, false));
    assert!(client.confirm_lines(&pay).await.unwrap().done().unwrap().replayed);
    assert_eq!(accounts(&client).await, [(8, 0, 1), (9, 0, 0), (9, 0, 0), (9, 0, 0)]);
}

#[tokio::test]
async fn a_part_of_an_order_with_one_line_is_given_back_and_paid() {
    let (_server, client) = shop(9).await;
    let hold = held(&client, &wish(1, 5)).await;
    let part = CancelLines { order: hold.order, user: 1, lines: named(&[(1, 3)]), ..CancelLines::default() };
    client.cancel_lines(&part).await.unwrap().done().unwrap();
    assert_eq!(accounts(&client).await[0], (6, 3, 0));
    let pay = ConfirmLines {
        order: hold.order,
        user: 1,
        payment_id: [1; 16],
        lines: named(&[(1, 2)]),
        ..ConfirmLines::default()
    };
    client.confirm_lines(&pay).await.unwrap().done().unwrap();
    assert_eq!(accounts(&client).await[0], (7, 0, 2));
    assert_eq!(lines(&client, hold.order, 1).await, [(1, 5, 2, 0)]);
}

#[tokio::test]
async fn all_lines_go_back_by_a_cancel_and_by_the_deadline_and_may_be_paid_late() {
    let (server, client) = shop(9).await;
    let given_back = hold(&client, &cart(1, &[line(1, 3), line(2, 2)])).await;
    assert_eq!(cancel(&client, given_back.order, 1).await, Ok((OrderState::Cancelled, false)));
    assert_eq!(accounts(&client).await, [(9, 0, 0); 4]);

    let late = hold(&client, &cart(1, &[line(1, 3), line(2, 2), line(4, 1)])).await;
    let lost = hold(&client, &cart(2, &[line(3, 5), line(4, 1)])).await;
    server.clock().advance(10 * 60_000);
    let client = connect(&server).await;
    // Ends of orders over several shards are carried out at the desk, which comes after the shards that see them.
    ended(&client, late.order, 1).await;
    ended(&client, lost.order, 2).await;
    assert_eq!(accounts(&client).await, [(9, 0, 0); 4]);
    let paid = client.confirm(&paid_by(late.order, 1, 1, 0)).await.unwrap().done().unwrap();
    assert!(paid.reacquired);
    assert_eq!(accounts(&client).await, [(6, 0, 3), (7, 0, 2), (9, 0, 0), (8, 0, 1)]);
    // One line of the other one is gone: nothing of it is taken.
    held(&client, &doorbuster_client::Reserve { sku: 3, ..wish(5, 5) }).await;
    let refusal = confirm(&client, paid_by(lost.order, 2, 7, 0)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.state), (Code::RefundRequired, Some(OrderState::Expired)));
    assert_eq!(accounts(&client).await, [(6, 0, 3), (7, 0, 2), (4, 5, 0), (8, 0, 1)]);
}

#[tokio::test]
async fn a_hold_is_swapped_for_another_of_other_skus_in_one_step() {
    let (_server, client) = shop(2).await;
    let first = hold(&client, &cart(1, &[line(1, 2), line(2, 2)])).await;
    // Only because his own units go back with it.
    let swap = ReserveOrder { supersedes: first.order, ..cart(1, &[line(2, 2), line(3, 1)]) };
    let second = hold(&client, &swap).await;
    assert_eq!(accounts(&client).await, [(2, 0, 0), (0, 2, 0), (1, 1, 0), (2, 0, 0)]);
    assert_eq!(order(&client, first.order, 1).await.state, OrderState::Superseded.byte());
    // And for one line of a SKU elsewhere.
    let swap = ReserveOrder { supersedes: second.order, ..cart(1, &[line(4, 1)]) };
    let third = hold(&client, &swap).await;
    assert_eq!(accounts(&client).await, [(2, 0, 0), (2, 0, 0), (2, 0, 0), (1, 1, 0)]);
    assert_eq!(confirm(&client, paid_by(third.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    // Where the new one can't be had, the old one stays.
    let fourth = hold(&client, &cart(1, &[line(1, 1), line(2, 1)])).await;
    let greedy = ReserveOrder { supersedes: fourth.order, ..cart(1, &[line(1, 2), line(2, 3)]) };
    assert_eq!(refused(&client, &greedy).await.order, 2);
    assert_eq!(order(&client, fourth.order, 1).await.state, OrderState::Held.byte());
}

#[tokio::test]
async fn units_of_a_line_that_go_back_are_offered_to_those_who_wait() {
    let (_server, client) = shop(2).await;
    let all = hold(&client, &cart(1, &[line(1, 2), line(3, 2)])).await;
    let wait = |user, sku| ReserveOrder { wait_ms: 60_000, ..cart(user, &[line(sku, 1)]) };
    let first = hold(&client, &wait(2, 1)).await;
    let second = hold(&client, &wait(3, 3)).await;
    let part = CancelLines { order: all.order, user: 1, lines: named(&[(1, 1)]), ..CancelLines::default() };
    client.cancel_lines(&part).await.unwrap().done().unwrap();
    assert_eq!(order(&client, first.order, 2).await.state, OrderState::Held.byte());
    assert_eq!(order(&client, second.order, 3).await.state, OrderState::Waiting.byte());
    cancel(&client, all.order, 1).await.unwrap();
    assert_eq!(order(&client, second.order, 3).await.state, OrderState::Held.byte());
    // Who waits holds nothing that could be swapped.
    let waiting = hold(&client, &wait(4, 1)).await;
    assert_eq!(waiting.state, OrderState::Held, "one unit was left");
    let waiting = hold(&client, &wait(5, 1)).await;
    let swap = ReserveOrder { supersedes: waiting.order, ..cart(5, &[line(2, 1)]) };
    assert_eq!(refused(&client, &swap).await.code, Code::StillWaiting);
}

#[tokio::test]
async fn orders_over_shards_survive_a_restart_over_another_number_of_shards() {
    let (server, client) = shop(9).await;
    let kept = hold(&client, &cart(1, &[line(1, 1), line(2, 2), line(3, 3)])).await;
    let paid = hold(&client, &cart(2, &[line(2, 1), line(4, 4)])).await;
    confirm(&client, paid_by(paid.order, 2, 1, 0)).await.unwrap();
    let before = accounts(&client).await;
    let (storage, clock) = server.stop();
    clock.advance(1_000);
    let server = Server::start_on(storage, clock, |setup| setup.shards = 3);
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, before);
    assert_eq!(lines(&client, kept.order, 1).await, [(1, 1, 1, 0), (2, 2, 2, 0), (3, 3, 3, 0)]);
    let read = client.read_lines(&ReadOrder { order: kept.order, user: 9 }).await.unwrap();
    assert!(matches!(read, Outcome::Refused(Refusal { code: Code::OwnerMismatch, .. })));
    assert_eq!(confirm(&client, paid_by(kept.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(accounts(&client).await, [(8, 0, 1), (6, 0, 3), (6, 0, 3), (5, 0, 4)]);
    // Ended orders leave memory, with their lines.
    server.clock().advance(3 * DAY);
    let client = connect(&server).await;
    let gone = client.read_lines(&ReadOrder { order: kept.order, user: 1 }).await.unwrap();
    assert!(matches!(gone, Outcome::Refused(Refusal { code: Code::NoSuchOrder, .. })));
    assert_eq!(accounts(&client).await, [(8, 0, 1), (6, 0, 3), (6, 0, 3), (5, 0, 4)]);
}
