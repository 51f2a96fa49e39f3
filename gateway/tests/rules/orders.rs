//! Whose an order is, what it costs, and what is in it.

use doorbuster_client::{Code, Field, Line, OrderState, ReadOrder, Reserve, ReserveOrder};

use crate::{SKU, accounts, cancel, confirm, held, order, paid_by, shop, wish};

#[tokio::test]
async fn another_shopper_cannot_pay_cancel_or_read_an_order() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &wish(1, 1)).await;
    assert_eq!(confirm(&client, paid_by(hold.order, 2, 1, 0)).await.unwrap_err().code, Code::OwnerMismatch);
    assert_eq!(cancel(&client, hold.order, 2).await.unwrap_err().code, Code::OwnerMismatch);
    let read = client.read_order(&ReadOrder { order: hold.order, user: 2 }).await.unwrap();
    assert_eq!(read.refusal().map(|refusal| refusal.code), Some(Code::OwnerMismatch));
    assert_eq!(cancel(&client, hold.order + 1, 1).await.unwrap_err().code, Code::NoSuchOrder);
    assert_eq!(accounts(&client).await, (0, 1, 0));
}

#[tokio::test]
async fn another_amount_is_refused_and_the_amount_due_is_named() {
    let (_server, client) = shop(2).await;
    let hold = held(&client, &Reserve { amount: 9_900, ..wish(1, 1) }).await;
    let refusal = confirm(&client, paid_by(hold.order, 1, 1, 9_899)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.units), (Code::AmountMismatch, 9_900));
    assert_eq!(confirm(&client, paid_by(hold.order, 1, 1, 9_900)).await, Ok((OrderState::Confirmed, false)));
    let free = held(&client, &wish(2, 1)).await;
    assert_eq!(confirm(&client, paid_by(free.order, 2, 1, 123)).await, Ok((OrderState::Confirmed, false)));
}

#[tokio::test]
async fn lines_of_one_sku_are_summed_and_malformed_ones_refused() {
    let (_server, client) = shop(5).await;
    let line = |sku, quantity| Line { sku, quantity, ..Line::default() };
    let ask = async |lines: Vec<Line>| {
        client
            .reserve_order(&ReserveOrder { user: 1, lines, ..ReserveOrder::default() })
            .await
            .expect("an answer")
    };
    let hold = ask(vec![line(SKU, 1), line(SKU, 2)]).await.done().unwrap();
    assert_eq!(order(&client, hold.order, 1).await.quantity, 3);
    for (lines, code, field) in [
        (vec![line(SKU, 1), line(SKU, 0)], Code::BadRequest, Field::Lines),
        (vec![line(SKU, 1), Line { location: 1, ..line(SKU, 1) }], Code::BadRequest, Field::Lines),
        (vec![line(SKU, u32::MAX), line(SKU, 1)], Code::BadRequest, Field::Quantity),
    ] {
        let answer = ask(lines.clone()).await;
        let refusal = answer.refusal().unwrap();
        assert_eq!((refusal.code, refusal.field), (code, Some(field)), "{lines:?}");
    }
    assert_eq!(accounts(&client).await, (2, 3, 0));
}
