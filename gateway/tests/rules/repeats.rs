//! The same request again: the same answer, or a conflict that is named.

use doorbuster_client::{Applied, Code, Field, Hold, OrderState, Outcome, PutSku, Reserve, Restock};

use crate::{SKU, START, accounts, cancel, confirm, held, id, order, paid_by, refused, shop, wish};

#[tokio::test]
async fn the_same_reserve_again_gets_the_same_order() {
    let (_server, client) = shop(5).await;
    let request = Reserve { request_id: id(START, 1), ..wish(1, 2) };
    let first = held(&client, &request).await;
    let again = held(&client, &request).await;
    assert!(!first.replayed && again.replayed);
    assert_eq!(
        (again.order, again.expires_at, again.state),
        (first.order, first.expires_at, OrderState::Held)
    );
    assert_eq!(confirm(&client, paid_by(first.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(held(&client, &request).await.state, OrderState::Confirmed);
    assert_eq!(accounts(&client).await, (3, 0, 2));
}

#[tokio::test]
async fn a_repeat_finds_its_order_although_all_is_sold_out() {
    let (_server, client) = shop(1).await;
    let request = Reserve { request_id: id(START, 1), ..wish(1, 1) };
    let first = held(&client, &request).await;
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::SoldOut);
    let again = held(&client, &request).await;
    assert_eq!((again.order, again.replayed), (first.order, true));
}

#[tokio::test]
async fn a_batch_that_repeats_a_request_executes_it_once() {
    let (_server, client) = shop(5).await;
    let request = Reserve { request_id: id(START, 1), ..wish(1, 1) };
    let holds: Vec<Hold> = client
        .reserve_batch(&[request, request, wish(2, 1), request])
        .await
        .into_iter()
        .map(|answer| answer.unwrap().done().unwrap())
        .collect();
    assert_eq!(holds.iter().map(|hold| hold.replayed).collect::<Vec<_>>(), [false, true, false, true]);
    assert!(holds[0].order == holds[1].order && holds[0].order == holds[3].order);
    assert_eq!(accounts(&client).await, (3, 2, 0));
}

#[tokio::test]
async fn a_refusal_binds_nothing() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    let request = Reserve { request_id: id(START, 2), ..wish(2, 1) };
    assert_eq!(refused(&client, &request).await.code, Code::SoldOut);
    assert_eq!(cancel(&client, hold.order, 1).await, Ok((OrderState::Cancelled, false)));
    assert!(!held(&client, &request).await.replayed);
}

#[tokio::test]
async fn a_payment_again_is_replayed_and_another_payment_is_to_be_refunded() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &Reserve { amount: 9_900, ..wish(1, 1) }).await;
    let payment = paid_by(hold.order, 1, 1, 9_900);
    assert_eq!(confirm(&client, payment).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(confirm(&client, payment).await, Ok((OrderState::Confirmed, true)));
    let other = confirm(&client, paid_by(hold.order, 1, 2, 9_900)).await.unwrap_err();
    assert_eq!((other.code, other.state), (Code::RefundRequired, Some(OrderState::Confirmed)));
    assert_eq!(order(&client, hold.order, 1).await.refunds, 1);
    assert_eq!(cancel(&client, hold.order, 1).await.unwrap_err().code, Code::AlreadyConfirmed);
    let nameless = confirm(&client, paid_by(hold.order, 1, 0, 9_900)).await.unwrap_err();
    assert_eq!((nameless.code, nameless.field), (Code::BadRequest, Some(Field::PaymentId)));
    assert_eq!(accounts(&client).await, (0, 0, 1));
}

#[tokio::test]
async fn a_cancel_again_is_replayed_and_gives_back_once() {
    let (_server, client) = shop(3).await;
    let hold = held(&client, &wish(1, 2)).await;
    assert_eq!(cancel(&client, hold.order, 1).await, Ok((OrderState::Cancelled, false)));
    assert_eq!(cancel(&client, hold.order, 1).await, Ok((OrderState::Cancelled, true)));
    assert_eq!(accounts(&client).await, (3, 0, 0));
}

#[tokio::test]
async fn a_restock_again_is_replayed_and_counts_once() {
    let (_server, client) = shop(1).await;
    let restock = |units, reason| Restock { request_id: id(START, 1), sku: SKU, units, reason, by: 7 };
    let ask = async |restock: Restock| client.restock(&restock).await.expect("an answer");
    assert_eq!(ask(restock(5, 7)).await, Outcome::Done(Applied { units: 6, replayed: false }));
    assert!(matches!(ask(restock(5, 7)).await, Outcome::Done(Applied { replayed: true, .. })));
    let another = Restock { by: 8, ..restock(5, 7) };
    assert!(matches!(ask(another).await, Outcome::Done(Applied { replayed: true, .. })), "whoever asks");
    for (changed, field) in [(restock(6, 7), Field::Units), (restock(5, 8), Field::Reason)] {
        let answer = ask(changed).await;
        let refusal = answer.refusal().unwrap();
        assert_eq!((refusal.code, refusal.field), (Code::IdempotencyConflict, Some(field)));
    }
    let withdraw =
        |seed, units| Restock { request_id: id(START, seed), sku: SKU, units, ..Restock::default() };
    assert_eq!(ask(withdraw(2, -4)).await, Outcome::Done(Applied { units: 2, replayed: false }));
    let answer = ask(withdraw(3, -3)).await;
    let refusal = answer.refusal().unwrap();
    assert_eq!((refusal.code, refusal.units), (Code::Insufficient, 2));
    assert_eq!(accounts(&client).await, (2, 0, 0));
}

#[tokio::test]
async fn a_conflict_names_the_field_that_differs() {
    let (_server, client) = shop(9).await;
    let request = Reserve {
        request_id: id(START, 1),
        user: 1,
        sku: SKU,
        quantity: 1,
        amount: 100,
        hold_ms: 60_000,
        channel: 1,
        tier: 1,
        ..Reserve::default()
    };
    let hold = held(&client, &request).await;
    for (changed, field) in [
        (Reserve { user: 2, ..request }, Field::User),
        (Reserve { quantity: 2, ..request }, Field::Quantity),
        (Reserve { amount: 101, ..request }, Field::Amount),
        (Reserve { hold_ms: 60_001, ..request }, Field::HoldMs),
        (Reserve { channel: 2, ..request }, Field::Channel),
        (Reserve { tier: 2, ..request }, Field::Attributes),
        (Reserve { campaign: 2, ..request }, Field::Attributes),
        (Reserve { price_version: 2, ..request }, Field::Attributes),
        (Reserve { location: 2, ..request }, Field::Attributes),
        (Reserve { pool: 2, ..request }, Field::Attributes),
    ] {
        let refusal = refused(&client, &changed).await;
        assert_eq!((refusal.code, refusal.field), (Code::IdempotencyConflict, Some(field)), "{changed:?}");
        assert_eq!(refusal.order, hold.order);
    }
    assert_eq!(accounts(&client).await, (8, 1, 0));
}

#[tokio::test]
async fn a_sku_is_set_up_once() {
    let (_server, client) = shop(5).await;
    let put = PutSku { sku: SKU, units: 5, ..PutSku::default() };
    let ask = async |put: PutSku| client.put_sku(&put).await.expect("an answer");
    for same in [put, PutSku { by: 7, reason: 8, ..put }] {
        assert_eq!(ask(same).await, Outcome::Done(Applied { units: 0, replayed: true }));
    }
    for (changed, field) in [
        (PutSku { units: 6, ..put }, Field::Units),
        (PutSku { user_limit: 1, ..put }, Field::UserLimit),
        (PutSku { order_limit: 1, ..put }, Field::OrderLimit),
    ] {
        let answer = ask(changed).await;
        let refusal = answer.refusal().unwrap();
        assert_eq!((refusal.code, refusal.field), (Code::SkuExists, Some(field)));
    }
    let answer = ask(PutSku { sku: 2, units: (1 << 40) + 1, ..put }).await;
    let refusal = answer.refusal().unwrap();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Units)));
    assert_eq!(refused(&client, &Reserve { sku: 2, ..wish(1, 1) }).await.code, Code::UnknownSku);
    let read = client.read_stock(2).await.unwrap();
    assert_eq!(read.refusal().map(|refusal| refusal.code), Some(Code::UnknownSku));
}
