//! Payments that take their time, fail, come late or twice.

use doorbuster_client::{
    Client, Code, Extend, FailPay, Kept, Line, OrderState, Outcome, PutSku, Reserve, ReserveOrder,
};
use doorbuster_gateway::testing::Server;

use crate::{
    DAY, SKU, START, accounts, begin_pay, cancel, confirm, connect, held, order, paid_by, set_up, shop,
    start, wish,
};

const MINUTE: u64 = 60_000;

/// Lets time pass, and gives a client that knows of it.
async fn later(server: &Server, ms: u64) -> Client {
    server.clock().advance(ms);
    connect(server).await
}

async fn fail_pay(client: &Client, order: u64, user: u64, payment: u8) -> Outcome<Kept> {
    client.fail_pay(&FailPay { order, user, payment_id: [payment; 16] }).await.expect("an answer")
}

#[tokio::test]
async fn a_payment_that_has_begun_pins_the_hold_once() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let pinned = begin_pay(&client, hold.order, 1, 1, 0).await.unwrap();
    assert_eq!(
        (pinned.state, pinned.expires_at, pinned.replayed),
        (OrderState::Paying, START + 3 * MINUTE, false)
    );
    assert!(begin_pay(&client, hold.order, 1, 1, 0).await.unwrap().replayed);
    // Another payment takes the place of the first and brings no more time.
    let second = begin_pay(&client, hold.order, 1, 2, 1).await.unwrap();
    assert_eq!((second.expires_at, second.replayed), (START + 3 * MINUTE, false));

    let client = later(&server, 3 * MINUTE - 1).await;
    assert_eq!(accounts(&client).await, (0, 1, 0));
    assert_eq!(confirm(&client, paid_by(hold.order, 1, 2, 0)).await, Ok((OrderState::Confirmed, false)));
}

#[tokio::test]
async fn a_pin_ends_by_itself() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    begin_pay(&client, hold.order, 1, 1, 0).await.unwrap();
    let client = later(&server, 3 * MINUTE).await;
    assert_eq!(accounts(&client).await, (1, 0, 0));
    let refusal = begin_pay(&client, hold.order, 1, 1, 0).await.unwrap_err();
    assert_eq!((refusal.code, refusal.at), (Code::HoldExpired, START + 3 * MINUTE));
}

#[tokio::test]
async fn a_failed_payment_gives_the_pinned_time_back() {
    let (server, client) = shop(2).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    begin_pay(&client, hold.order, 1, 1, 1).await.unwrap();
    // The failure of a payment that is not the one under way changes nothing.
    let stale = fail_pay(&client, hold.order, 1, 9).await.done().unwrap();
    assert_eq!((stale.state, stale.replayed), (OrderState::Paying, true));

    let client = later(&server, 5 * MINUTE).await;
    let failed = fail_pay(&client, hold.order, 1, 1).await.done().unwrap();
    assert_eq!((failed.state, failed.expires_at), (OrderState::Held, START + 5 * MINUTE + 30_000));
    assert!(fail_pay(&client, hold.order, 1, 1).await.done().unwrap().replayed);
    // A late copy of the request that began it doesn't bring it back.
    let late = begin_pay(&client, hold.order, 1, 1, 1).await.unwrap();
    assert_eq!((late.state, late.replayed), (OrderState::Held, true));
    // A slow payment had a day. Its units must not wait for that.
    let client = later(&server, 30_000).await;
    assert_eq!(accounts(&client).await, (2, 0, 0));
}

#[tokio::test]
async fn a_slow_payment_has_a_day() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    assert_eq!(begin_pay(&client, hold.order, 1, 1, 1).await.unwrap().expires_at, START + DAY);
    let client = later(&server, DAY - 1).await;
    assert_eq!(confirm(&client, paid_by(hold.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
}

#[tokio::test]
async fn a_late_payment_takes_the_units_again_while_they_are_there() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, amount: 5, ..wish(1, 1) }).await;
    let client = later(&server, 10 * MINUTE).await;
    assert_eq!(accounts(&client).await, (1, 0, 0));
    let paid = client.confirm(&paid_by(hold.order, 1, 1, 5)).await.unwrap().done().unwrap();
    assert_eq!((paid.state, paid.replayed, paid.reacquired), (OrderState::Confirmed, false, true));
    let again = client.confirm(&paid_by(hold.order, 1, 1, 5)).await.unwrap().done().unwrap();
    assert_eq!((again.replayed, again.reacquired), (true, false));
    assert_eq!(accounts(&client).await, (0, 0, 1));
}

#[tokio::test]
async fn a_late_payment_for_units_that_are_gone_is_to_be_refunded() {
    let (server, client) = shop(1).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let client = later(&server, MINUTE).await;
    let other = held(&client, &wish(2, 1)).await;
    for _ in 0..2 {
        let refusal = confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap_err();
        assert_eq!((refusal.code, refusal.state), (Code::RefundRequired, Some(OrderState::Expired)));
    }
    // The same payment stays refunded when the unit comes back: the money is on its way.
    cancel(&client, other.order, 2).await.unwrap();
    let refusal = confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap_err();
    assert_eq!(refusal.code, Code::RefundRequired);
    assert_eq!(order(&client, hold.order, 1).await.refunds, 1);
    assert_eq!(accounts(&client).await, (1, 0, 0));
}

#[tokio::test]
async fn a_late_payment_keeps_the_limit_for_a_shopper() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 5, user_limit: 1, ..PutSku::default() }).await;
    let old = held(&client, &wish(1, 1)).await;
    cancel(&client, old.order, 1).await.unwrap();
    held(&client, &wish(1, 1)).await;
    let refusal = confirm(&client, paid_by(old.order, 1, 1, 0)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.state), (Code::RefundRequired, Some(OrderState::Cancelled)));
}

#[tokio::test]
async fn refunds_that_are_remembered_are_bounded() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap();
    for payment in 2..10 {
        let refusal = confirm(&client, paid_by(hold.order, 1, payment, 0)).await.unwrap_err();
        assert_eq!(refusal.code, Code::RefundRequired);
    }
    // One more is written down all the same.
    let refusal = confirm(&client, paid_by(hold.order, 1, 10, 0)).await.unwrap_err();
    assert_eq!(refusal.code, Code::RefundRequired);
    assert_eq!(order(&client, hold.order, 1).await.refunds, 8);
}

#[tokio::test]
async fn a_hold_is_extended_a_few_times_and_within_the_longest_hold() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let extend =
        async |until| client.extend(&Extend { order: hold.order, user: 1, until }).await.expect("an answer");
    for minutes in 2..5 {
        let kept = extend(START + minutes * MINUTE).await.done().unwrap();
        assert_eq!((kept.expires_at, kept.replayed), (START + minutes * MINUTE, false));
        assert!(extend(START + minutes * MINUTE).await.done().unwrap().replayed);
    }
    let refusal = *extend(START + 5 * MINUTE).await.refusal().unwrap();
    assert_eq!((refusal.code, refusal.at), (Code::ExtendLimit, START + 4 * MINUTE));

    let (_server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    let too_long = Extend { order: hold.order, user: 1, until: START + DAY + 1 };
    let refusal = *client.extend(&too_long).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.at), (Code::ExtendLimit, START + DAY));
}

#[tokio::test]
async fn replacing_a_hold_again_and_again_keeps_no_unit_for_ever() {
    let (_server, client) = shop(1).await;
    let mut hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let mut last = hold.expires_at;
    for longer in [2, 3, 4, 5, 6] {
        let request = ReserveOrder { hold_ms: longer * 60_000, ..instead_of(hold.order, 1, SKU, 1) };
        hold = client.reserve_order(&request).await.unwrap().done().unwrap();
        last = last.max(hold.expires_at);
    }
    // Three extensions, whether asked for as such or not.
    assert_eq!(last, START + 4 * MINUTE);
}

fn instead_of(supersedes: u64, user: u64, sku: u64, quantity: u32) -> ReserveOrder {
    let lines = vec![Line { sku, quantity, ..Line::default() }];
    ReserveOrder { user, supersedes, lines, ..ReserveOrder::default() }
}

#[tokio::test]
async fn a_shopper_replaces_his_own_hold_in_one_step() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 3, user_limit: 3, ..PutSku::default() }).await;
    set_up(&client, PutSku { sku: SKU + 1, units: 3, ..PutSku::default() }).await;
    let first = held(&client, &wish(1, 2)).await;
    held(&client, &wish(2, 1)).await;
    // All is held and he is near his limit: without the swap, there would be nothing for him.
    let swapped = client.reserve_order(&instead_of(first.order, 1, SKU, 1)).await.unwrap().done().unwrap();
    assert_eq!(accounts(&client).await, (1, 2, 0));
    let old = order(&client, first.order, 1).await;
    assert_eq!(OrderState::from_byte(old.state), Some(OrderState::Superseded));
    // What replaced it is his; what he replaced buys nothing any more.
    let refusal = confirm(&client, paid_by(first.order, 1, 1, 0)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.state), (Code::RefundRequired, Some(OrderState::Superseded)));

    let refused = async |request| *client.reserve_order(&request).await.unwrap().refusal().unwrap();
    let refusal = refused(instead_of(swapped.order, 2, SKU, 1)).await;
    assert_eq!(refusal.code, Code::OwnerMismatch);
    let refusal = refused(instead_of(swapped.order, 1, SKU, 4)).await;
    assert_eq!((refusal.code, refusal.units), (Code::UserLimit, 3));
    begin_pay(&client, swapped.order, 1, 1, 0).await.unwrap();
    let refusal = refused(instead_of(swapped.order, 1, SKU, 1)).await;
    assert_eq!((refusal.code, refusal.at), (Code::PaymentUnderWay, swapped.expires_at + 2 * MINUTE));
    assert_eq!(accounts(&client).await, (1, 2, 0));
}
