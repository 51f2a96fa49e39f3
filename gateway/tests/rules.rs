//! The rules of selling, through the real client and real sockets, on a clock that only the test moves.

use std::sync::Arc;
use std::time::Duration;

use doorbuster_client::{
    Applied, Cancel, Client, Code, Confirm, Field, Hold, Line, OrderState, OrderView, Outcome, PutSku,
    ReadOrder, Refusal, RequestId, Reserve, ReserveOrder, Restock, StockView,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{ServerError, Setup};
use doorbuster_ledger::Timestamp;

const SKU: u64 = 1;

/// The server's time at the start of each test.
const START: u64 = 1_700_000_000_000;

const DAY: u64 = 24 * 60 * 60 * 1_000;

fn start() -> Server {
    start_on(Arc::new(SimStorage::new(0)))
}

fn start_on(storage: Arc<SimStorage>) -> Server {
    Server::start_on(storage, Arc::new(ManualClock::new(Timestamp::new(START))), |_| {})
}

/// A client that knows the server's time as it is now: one from before the clock was moved would be late.
async fn connect(server: &Server) -> Client {
    Client::builder()
        .connections(1)
        .timeout(Duration::from_mins(1))
        .connect(&server.address().to_string())
        .await
        .expect("the server takes connections")
}

async fn set_up(client: &Client, put: PutSku) {
    let applied = client.put_sku(&put).await.expect("an answer");
    assert_eq!(applied, Outcome::Done(Applied { units: 0, replayed: false }));
}

/// A server that sells `units` of [`SKU`] without limits, and a client.
async fn shop(units: u64) -> (Server, Client) {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units, ..PutSku::default() }).await;
    (server, client)
}

/// An id that says it was made at this time; the seed tells ids of one time apart.
fn id(made_at: u64, seed: u64) -> RequestId {
    (u128::from(made_at) << 80 | 7 << 76 | 2 << 62 | u128::from(seed)).to_be_bytes()
}

fn wish(user: u64, quantity: u32) -> Reserve {
    Reserve { user, sku: SKU, quantity, ..Reserve::default() }
}

async fn ask(client: &Client, reserve: &Reserve) -> Outcome<Hold> {
    client.reserve(reserve).await.expect("an answer")
}

async fn held(client: &Client, reserve: &Reserve) -> Hold {
    match ask(client, reserve).await {
        Outcome::Done(hold) => hold,
        Outcome::Refused(refusal) => panic!("{reserve:?} was refused: {refusal:?}"),
    }
}

async fn refused(client: &Client, reserve: &Reserve) -> Refusal {
    match ask(client, reserve).await {
        Outcome::Done(hold) => panic!("{reserve:?} was granted: {hold:?}"),
        Outcome::Refused(refusal) => refusal,
    }
}

async fn confirm(client: &Client, confirm: Confirm) -> Result<(OrderState, bool), Refusal> {
    match client.confirm(&confirm).await.expect("an answer") {
        Outcome::Done(settled) => Ok((settled.state, settled.replayed)),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn cancel(client: &Client, order: u64, user: u64) -> Result<(OrderState, bool), Refusal> {
    match client.cancel(&Cancel { order, user, reason: 3 }).await.expect("an answer") {
        Outcome::Done(settled) => Ok((settled.state, settled.replayed)),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn stock(client: &Client) -> StockView {
    let read = client.read_stock(SKU).await.expect("an answer");
    read.done().expect("the SKU is set up")
}

async fn accounts(client: &Client) -> (u64, u64, u64) {
    let stock = stock(client).await;
    assert_eq!(stock.available + stock.held + stock.sold, stock.stocked);
    (stock.available, stock.held, stock.sold)
}

async fn order(client: &Client, order: u64, user: u64) -> OrderView {
    let read = client.read_order(&ReadOrder { order, user }).await.expect("an answer");
    read.done().expect("the order is there")
}

fn paid_by(order: u64, user: u64, payment: u8, amount: u64) -> Confirm {
    Confirm { order, user, payment_id: [payment; 16], amount }
}

#[tokio::test]
async fn a_shoppers_limit_counts_open_holds_and_paid_units() {
    let server = start();
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 10, user_limit: 2, order_limit: 0 }).await;
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
    set_up(&client, PutSku { sku: SKU, units: 10, user_limit: 0, order_limit: 3 }).await;
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
async fn a_hold_can_be_paid_before_its_deadline_and_not_at_it() {
    let (server, client) = shop(2).await;
    let early = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let late = held(&client, &Reserve { hold_ms: 60_000, ..wish(2, 1) }).await;
    server.clock().advance(59_999);
    let client = connect(&server).await;
    assert_eq!(confirm(&client, paid_by(early.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    server.clock().advance(1);
    let client = connect(&server).await;
    let refusal = confirm(&client, paid_by(late.order, 2, 1, 0)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.at), (Code::HoldExpired, START + 60_000));
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
async fn a_payment_again_is_replayed_and_another_payment_is_refused() {
    let (_server, client) = shop(1).await;
    let hold = held(&client, &Reserve { amount: 9_900, ..wish(1, 1) }).await;
    let payment = paid_by(hold.order, 1, 1, 9_900);
    assert_eq!(confirm(&client, payment).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(confirm(&client, payment).await, Ok((OrderState::Confirmed, true)));
    let other = confirm(&client, paid_by(hold.order, 1, 2, 9_900)).await.unwrap_err();
    assert_eq!(other.code, Code::AlreadyConfirmed);
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
    let refusal = confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap_err();
    assert_eq!(refusal.code, Code::AlreadyCancelled);
    assert_eq!(accounts(&client).await, (3, 0, 0));
}

#[tokio::test]
async fn a_restock_again_is_replayed_and_counts_once() {
    let (_server, client) = shop(1).await;
    let restock = |units, reason| Restock { request_id: id(START, 1), sku: SKU, units, reason };
    let ask = async |restock: Restock| client.restock(&restock).await.expect("an answer");
    assert_eq!(ask(restock(5, 7)).await, Outcome::Done(Applied { units: 6, replayed: false }));
    assert!(matches!(ask(restock(5, 7)).await, Outcome::Done(Applied { replayed: true, .. })));
    for (changed, field) in [(restock(6, 7), Field::Units), (restock(5, 8), Field::Reason)] {
        let answer = ask(changed).await;
        let refusal = answer.refusal().unwrap();
        assert_eq!((refusal.code, refusal.field), (Code::IdempotencyConflict, Some(field)));
    }
    let withdraw = |seed, units| Restock { request_id: id(START, seed), sku: SKU, units, reason: 0 };
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
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::DeadlineExceeded);
    let refusal = confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap_err();
    assert_eq!(refusal.code, Code::DeadlineExceeded);
    let read = client.read_stock(SKU).await.unwrap();
    assert_eq!(read.refusal().map(|refusal| refusal.code), Some(Code::DeadlineExceeded));
    let read = client.read_order(&ReadOrder { order: hold.order, user: 1 }).await.unwrap();
    assert_eq!(read.refusal().map(|refusal| refusal.code), Some(Code::DeadlineExceeded));
    let client = connect(&server).await;
    assert_eq!(accounts(&client).await, (8, 1, 0));
}

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
async fn lines_of_one_sku_are_summed_and_several_skus_are_refused() {
    let (_server, client) = shop(5).await;
    set_up(&client, PutSku { sku: 2, units: 5, ..PutSku::default() }).await;
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
        (vec![line(SKU, 1), line(2, 1)], Code::SeveralSkus, Field::Lines),
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

#[tokio::test]
async fn a_sku_is_set_up_once() {
    let (_server, client) = shop(5).await;
    let put = PutSku { sku: SKU, units: 5, ..PutSku::default() };
    let ask = async |put: PutSku| client.put_sku(&put).await.expect("an answer");
    assert_eq!(ask(put).await, Outcome::Done(Applied { units: 0, replayed: true }));
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
