//! Paid orders on their way, what comes back, and counts of goods.

use std::sync::Arc;

use doorbuster_client::{
    Advance, Advanced, Client, Code, Field, GoodsTo, GoodsView, Inspect, Line, LineUnits, OrderState,
    Outcome, ProgressView, PutSku, ReadOrder, Refund, Refusal, Reserve, ReserveOrder, Restock, SetOnHand,
    ShortOrder, Step,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::Setup;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

use crate::{
    DAY, SKU, START, accounts, cancel, confirm, connect, held, order, paid_by, refused, set_up, shop, wish,
};

/// A server with settings of its own, without a SKU.
async fn with(change: impl FnOnce(&mut Setup)) -> (Server, Client) {
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let server = Server::start_on(Arc::new(SimStorage::new(0)), clock, change);
    let client = connect(&server).await;
    (server, client)
}

/// An order of so many units that is paid, 100 a unit.
async fn bought(client: &Client, user: u64, quantity: u32) -> u64 {
    let amount = 100 * u64::from(quantity);
    let hold = held(client, &Reserve { amount, ..wish(user, quantity) }).await;
    assert_eq!(
        confirm(client, paid_by(hold.order, user, 1, amount)).await,
        Ok((OrderState::Confirmed, false))
    );
    hold.order
}

fn step(order: u64, user: u64, step: Step) -> Advance {
    Advance { order, user, step: step.byte(), by: 7, reason: 1, ..Advance::default() }
}

/// A step of so many units of SKUs.
fn part(order: u64, user: u64, of: Step, units: &[(u64, u32)]) -> Advance {
    let lines = units.iter().map(|&(sku, units)| LineUnits { sku, units }).collect();
    Advance { lines, ..step(order, user, of) }
}

async fn advance(client: &Client, advance: &Advance) -> Result<Advanced, Refusal> {
    match client.advance(advance).await.expect("an answer") {
        Outcome::Done(advanced) => Ok(advanced),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

/// The state that a step leads to, and the units that took it.
async fn goes(client: &Client, asked: &Advance) -> (OrderState, u64) {
    let advanced = advance(client, asked).await.expect("the step is taken");
    assert!(!advanced.replayed, "{asked:?}");
    (advanced.state, advanced.units)
}

async fn fails(client: &Client, asked: &Advance) -> (Code, u64) {
    let refusal = advance(client, asked).await.expect_err("the step is refused");
    (refusal.code, refusal.units)
}

async fn refund(client: &Client, refund: Refund) -> Result<Advanced, Refusal> {
    match client.refund(&refund).await.expect("an answer") {
        Outcome::Done(advanced) => Ok(advanced),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn progress(client: &Client, order: u64, user: u64) -> Vec<ProgressView> {
    let read = client.read_progress(&ReadOrder { order, user }).await.expect("an answer");
    read.done().expect("the order is paid")
}

async fn goods(client: &Client, sku: u64) -> GoodsView {
    client.read_goods(sku).await.expect("an answer").done().expect("the SKU is there")
}

fn counted(on_hand: u64, as_of: u64) -> SetOnHand {
    SetOnHand { sku: SKU, on_hand, as_of, expected: u64::MAX, by: 7, reason: 2 }
}

async fn count(client: &Client, asked: SetOnHand) -> Result<(u64, bool), Refusal> {
    match client.set_on_hand(&asked).await.expect("an answer") {
        Outcome::Done(applied) => Ok((applied.units, applied.replayed)),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

async fn short_orders(client: &Client) -> Vec<(u64, u32)> {
    let read = client.read_short_orders(SKU, 100).await.expect("an answer").done().expect("the SKU is there");
    read.into_iter().map(|ShortOrder { order, units, .. }| (order, units)).collect()
}

/// Lets time pass, and gives a client that knows of it.
async fn later(server: &Server, ms: u64) -> Client {
    server.clock().advance(ms);
    connect(server).await
}

#[tokio::test]
async fn an_order_goes_its_way_and_a_repeat_changes_nothing() {
    let (_server, client) = shop(10).await;
    let order = bought(&client, 1, 3).await;
    assert_eq!(goes(&client, &step(order, 1, Step::Fulfil)).await, (OrderState::Fulfilling, 0));
    let two = part(order, 1, Step::Ship, &[(SKU, 2)]);
    assert_eq!(goes(&client, &two).await, (OrderState::PartShipped, 2));
    let again = advance(&client, &two).await.unwrap();
    assert_eq!((again.state, again.replayed), (OrderState::PartShipped, true));
    assert_eq!(fails(&client, &step(order, 1, Step::Deliver)).await, (Code::OrderState, 0));
    assert_eq!(goes(&client, &step(order, 1, Step::Ship)).await, (OrderState::Shipped, 1));
    // One that was overtaken.
    assert!(advance(&client, &two).await.unwrap().replayed);
    assert_eq!(goes(&client, &step(order, 1, Step::Deliver)).await, (OrderState::Delivered, 0));
    let read = progress(&client, order, 1).await[0];
    assert_eq!((read.units, read.shipped, read.paid, read.refunded), (3, 3, 300, 0));
    assert_eq!((read.delivered_at, read.return_until), (START, START + 14 * DAY));
    assert_eq!(goes(&client, &step(order, 1, Step::Close)).await, (OrderState::Closed, 0));
    assert!(advance(&client, &step(order, 1, Step::Close)).await.unwrap().replayed);
    assert_eq!(fails(&client, &back(order, GoodsTo::Stock, 1)).await, (Code::OrderState, 0));
    assert_eq!(accounts(&client).await, (7, 0, 3));
    let goods = goods(&client, SKU).await;
    assert_eq!((goods.on_hand, goods.allocated, goods.shipped), (7, 0, 3));
}

fn back(order: u64, to: GoodsTo, units: u32) -> Advance {
    Advance { to: to.byte(), ..part(order, 1, Step::Return, &[(SKU, units)]) }
}

#[tokio::test]
async fn a_step_names_what_is_left() {
    let (_server, client) = shop(10).await;
    let order = bought(&client, 1, 3).await;
    let ship = |units| part(order, 1, Step::Ship, &[(SKU, units)]);
    let cancelled = |units| part(order, 1, Step::Cancel, &[(SKU, units)]);
    assert_eq!(fails(&client, &ship(4)).await, (Code::ShipExceeds, 3));
    assert_eq!(goes(&client, &ship(1)).await, (OrderState::PartShipped, 1));
    assert_eq!(fails(&client, &cancelled(3)).await, (Code::CancelExceeds, 2));
    assert_eq!(goes(&client, &cancelled(1)).await, (OrderState::PartShipped, 1));
    assert_eq!(fails(&client, &ship(3)).await, (Code::ShipExceeds, 2));
    assert_eq!(fails(&client, &back(order, GoodsTo::Stock, 2)).await, (Code::ReturnExceeds, 1));
    let other = advance(&client, &part(order, 1, Step::Ship, &[(99, 1)])).await.unwrap_err();
    assert_eq!((other.code, other.field), (Code::BadRequest, Some(Field::Lines)));
    let whole = advance(&client, &part(order, 1, Step::Close, &[(SKU, 1)])).await.unwrap_err();
    assert_eq!((whole.code, whole.field), (Code::BadRequest, Some(Field::Lines)));
    assert_eq!(fails(&client, &step(order, 2, Step::Ship)).await.0, Code::OwnerMismatch);
    assert_eq!(fails(&client, &step(77, 1, Step::Ship)).await.0, Code::NoSuchOrder);
    let open = held(&client, &wish(5, 1)).await;
    let refusal = advance(&client, &step(open.order, 5, Step::Ship)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.state), (Code::OrderState, Some(OrderState::Held)));
    let unpaid = client.read_progress(&ReadOrder { order: open.order, user: 5 }).await.unwrap();
    assert_eq!(unpaid.refusal().unwrap().code, Code::OrderState);
}

#[tokio::test]
async fn cancelled_units_go_to_who_waits_and_count_no_longer() {
    let (_server, client) = with(|_| {}).await;
    set_up(&client, PutSku { sku: SKU, units: 2, user_limit: 2, order_limit: 0, ..PutSku::default() }).await;
    let first = bought(&client, 1, 2).await;
    let line = Line { sku: SKU, quantity: 1, ..Line::default() };
    let wait = ReserveOrder { user: 2, wait_ms: 60_000, lines: vec![line], ..ReserveOrder::default() };
    let waits = client.reserve_order(&wait).await.unwrap().done().unwrap();
    assert_eq!(waits.state, OrderState::Waiting);
    assert_eq!(goes(&client, &part(first, 1, Step::Cancel, &[(SKU, 1)])).await, (OrderState::Confirmed, 1));
    assert_eq!(order(&client, waits.order, 2).await.state, OrderState::Held.byte());
    assert_eq!(goes(&client, &step(first, 1, Step::Cancel)).await, (OrderState::RefundDue, 1));
    assert_eq!(accounts(&client).await, (1, 1, 0));
    // His limit is free again.
    held(&client, &wish(1, 1)).await;
    let empty = order(&client, first, 1).await;
    assert_eq!((empty.state, empty.quantity), (OrderState::RefundDue.byte(), 0));
}

#[tokio::test]
async fn what_comes_back_is_sold_put_aside_or_scrapped_within_the_window() {
    let (server, client) = shop(10).await;
    let order = bought(&client, 1, 4).await;
    goes(&client, &step(order, 1, Step::Ship)).await;
    // A parcel that was refused at the door.
    assert_eq!(goes(&client, &back(order, GoodsTo::Stock, 1)).await, (OrderState::Shipped, 1));
    goes(&client, &step(order, 1, Step::Deliver)).await;
    assert_eq!(goes(&client, &back(order, GoodsTo::Quarantine, 2)).await, (OrderState::Delivered, 1));
    assert_eq!(goes(&client, &back(order, GoodsTo::Scrap, 3)).await, (OrderState::Delivered, 1));
    assert_eq!(accounts(&client).await, (7, 0, 1));
    let now = goods(&client, SKU).await;
    assert_eq!((now.on_hand, now.shipped, now.quarantine, now.scrapped), (7, 1, 1, 1));
    let inspect = Inspect { sku: SKU, units: 1, expected: 1, by: 7, reason: 0, to: GoodsTo::Stock.byte() };
    assert_eq!(client.inspect(&inspect).await.unwrap().done().unwrap().units, 0);
    let again = client.inspect(&inspect).await.unwrap();
    assert_eq!((again.refusal().unwrap().code, again.refusal().unwrap().units), (Code::CasMismatch, 0));
    assert_eq!(accounts(&client).await, (8, 0, 1));
    let aside = Inspect { to: GoodsTo::Quarantine.byte(), ..inspect };
    assert_eq!(client.inspect(&aside).await.unwrap().refusal().unwrap().field, Some(Field::To));

    let client = later(&server, 14 * DAY).await;
    let refusal = advance(&client, &back(order, GoodsTo::Stock, 4)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.at), (Code::ReturnWindow, START + 14 * DAY));
    assert!(advance(&client, &back(order, GoodsTo::Stock, 3)).await.unwrap().replayed);
    assert_eq!(progress(&client, order, 1).await[0].state, OrderState::Closed.byte());
}

#[tokio::test]
async fn money_goes_back_once_and_never_more_than_was_paid() {
    let (_server, client) = shop(10).await;
    let bought_one = bought(&client, 1, 3).await;
    let ask = |payment: u8, id: u8, amount| Refund {
        order: bought_one,
        user: 1,
        payment_id: [payment; 16],
        refund_id: [id; 16],
        amount,
        by: 7,
        reason: 3,
    };
    let first = refund(&client, ask(1, 1, 120)).await.unwrap();
    assert_eq!((first.state, first.units, first.replayed), (OrderState::Confirmed, 180, false));
    assert!(refund(&client, ask(1, 1, 120)).await.unwrap().replayed);
    assert_eq!(refund(&client, ask(1, 1, 121)).await.unwrap_err().code, Code::RefundDiffers);
    let over = refund(&client, ask(1, 2, 181)).await.unwrap_err();
    assert_eq!((over.code, over.units), (Code::RefundExceeds, 180));
    assert_eq!(refund(&client, ask(9, 3, 1)).await.unwrap_err().code, Code::NoSuchPayment);
    assert_eq!(refund(&client, ask(1, 0, 1)).await.unwrap_err().field, Some(Field::RefundId));
    assert_eq!(refund(&client, ask(1, 4, 0)).await.unwrap_err().field, Some(Field::Amount));
    // A second payment bought nothing; paid back, it is owed no longer.
    let second = confirm(&client, paid_by(bought_one, 1, 2, 300)).await.unwrap_err();
    assert_eq!(second.code, Code::RefundRequired);
    assert_eq!(order(&client, bought_one, 1).await.refunds, 1);
    assert_eq!(refund(&client, ask(2, 5, 300)).await.unwrap().units, 0);
    assert_eq!(order(&client, bought_one, 1).await.refunds, 0);
    goes(&client, &step(bought_one, 1, Step::Cancel)).await;
    assert_eq!(refund(&client, ask(1, 6, 180)).await.unwrap().state, OrderState::Refunded);
    assert_eq!(progress(&client, bought_one, 1).await[0].refunded, 300);
    // Also of an order that was never bought.
    let given_back = held(&client, &wish(4, 1)).await;
    cancel(&client, given_back.order, 4).await.unwrap();
    set_up(&client, PutSku { sku: 2, units: 1, user_limit: 0, order_limit: 0, ..PutSku::default() }).await;
}

#[tokio::test]
async fn a_count_finds_more_and_less_and_is_heard_once() {
    let (_server, client) = shop(10).await;
    bought(&client, 1, 2).await;
    held(&client, &wish(2, 3)).await;
    assert_eq!(goods(&client, SKU).await.on_hand, 10);
    assert_eq!(count(&client, counted(12, START - 50)).await, Ok((0, false)));
    assert_eq!(accounts(&client).await, (7, 3, 2));
    assert_eq!(count(&client, counted(12, START - 50)).await, Ok((0, true)));
    let other = count(&client, counted(11, START - 50)).await.unwrap_err();
    assert_eq!((other.code, other.at), (Code::StaleWatermark, START - 50));
    let older = count(&client, counted(12, START - 51)).await.unwrap_err();
    assert_eq!((older.code, older.at), (Code::StaleWatermark, START - 50));
    let stranger = count(&client, SetOnHand { expected: 11, ..counted(5, START) }).await.unwrap_err();
    assert_eq!((stranger.code, stranger.units), (Code::CasMismatch, 12));
    assert_eq!(count(&client, SetOnHand { expected: 12, ..counted(6, START - 1) }).await, Ok((0, false)));
    assert_eq!(accounts(&client).await, (1, 3, 2));
    let future = count(&client, counted(6, START + DAY)).await.unwrap_err();
    assert_eq!((future.code, future.field), (Code::BadRequest, Some(Field::AsOf)));
    let most = count(&client, counted(u64::MAX, START)).await.unwrap_err();
    assert_eq!((most.code, most.field), (Code::BadRequest, Some(Field::OnHand)));
    let unknown = count(&client, SetOnHand { sku: 99, ..counted(1, START) }).await.unwrap_err();
    assert_eq!(unknown.code, Code::UnknownSku);
}

#[tokio::test]
async fn a_shortfall_names_the_latest_paid_orders_and_ends_in_the_order_of_payment() {
    let (_server, client) = shop(6).await;
    let (first, second, third) =
        (bought(&client, 1, 2).await, bought(&client, 2, 2).await, bought(&client, 3, 1).await);
    held(&client, &wish(4, 1)).await;
    // Of six, two are there: the hold's is missing, the third's, and both of the second.
    assert_eq!(count(&client, counted(2, START)).await, Ok((4, false)));
    assert_eq!(short_orders(&client).await, [(second, 2), (third, 1)]);
    let now = goods(&client, SKU).await;
    assert_eq!((now.on_hand, now.short, now.named), (2, 4, 3));
    assert_eq!(order(&client, third, 3).await.state, OrderState::Shortfall.byte());
    assert_eq!(fails(&client, &step(second, 2, Step::Ship)).await, (Code::Shortfall, 2));
    assert_eq!(fails(&client, &step(second, 2, Step::Fulfil)).await, (Code::Shortfall, 2));
    assert_eq!(goes(&client, &step(first, 1, Step::Ship)).await, (OrderState::Shipped, 2));
    // What is cancelled is missing no longer.
    assert_eq!(goes(&client, &step(third, 3, Step::Cancel)).await, (OrderState::RefundDue, 1));
    assert_eq!(short_orders(&client).await, [(second, 2)]);
    // New goods go to those who have paid, and to no newcomer.
    let restock = Restock { sku: SKU, units: 2, reason: 0, ..Restock::default() };
    client.restock(&restock).await.unwrap().done().unwrap();
    assert_eq!(accounts(&client).await.0, 0);
    assert_eq!(short_orders(&client).await, []);
    assert_eq!(goes(&client, &step(second, 2, Step::Ship)).await, (OrderState::Shipped, 2));
    assert_eq!(refused(&client, &wish(5, 1)).await.code, Code::SoldOut);
    let now = goods(&client, SKU).await;
    assert_eq!((now.on_hand, now.short), (0, 1), "the hold's unit is missing still");
    assert_eq!(count(&client, counted(2, START + 1)).await, Ok((0, false)));
    assert_eq!(accounts(&client).await, (1, 1, 4));
}

#[tokio::test]
async fn whoever_pays_while_units_are_missing_is_told_at_once() {
    let (server, client) = shop(2).await;
    let hold = held(&client, &wish(1, 2)).await;
    assert_eq!(count(&client, counted(1, START)).await, Ok((1, false)));
    assert_eq!(short_orders(&client).await, []);
    confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap();
    assert_eq!(short_orders(&client).await, [(hold.order, 1)]);
    // All of this is there after a stop and a start over other shards.
    let digest = server.server().engine().digest();
    drop(client);
    let (storage, clock) = server.stop();
    let server = Server::start_on(storage, clock, |setup| {
        setup.shards = 4;
        setup.recovery_grace_ms = 0;
    });
    assert_eq!(server.server().engine().digest(), digest);
    let client = connect(&server).await;
    assert_eq!(short_orders(&client).await, [(hold.order, 1)]);
    assert_eq!(count(&client, counted(2, START + 1)).await, Ok((0, false)));
    assert_eq!(goes(&client, &step(hold.order, 1, Step::Ship)).await, (OrderState::Shipped, 2));
}

#[tokio::test]
async fn long_lists_are_read_and_named_in_parts() {
    let (_server, client) = with(|setup| setup.shards = 2).await;
    set_up(&client, PutSku { sku: SKU, units: 100, user_limit: 0, order_limit: 0, ..PutSku::default() })
        .await;
    let mut orders = Vec::new();
    for user in 1..=100 {
        orders.push(bought(&client, user, 1).await);
    }
    assert_eq!(count(&client, counted(10, START)).await, Ok((90, false)));
    // Some are named with the count, the others soon.
    let mut listed = Vec::new();
    for _ in 0..10_000 {
        listed = short_orders(&client).await;
        if listed.len() == 90 {
            break;
        }
    }
    let latest: Vec<_> = orders[10..].iter().map(|order| (*order, 1)).collect();
    assert_eq!(listed, latest);
}

#[tokio::test]
async fn orders_with_several_lines_go_line_by_line_over_shards() {
    let (_server, client) = with(|setup| setup.shards = 4).await;
    for sku in [SKU, 2, 3] {
        set_up(&client, PutSku { sku, units: 5, user_limit: 0, order_limit: 0, ..PutSku::default() }).await;
    }
    let line = |sku, quantity| Line { sku, quantity, ..Line::default() };
    let lines = vec![line(SKU, 1), line(2, 2), line(3, 3)];
    let asked = ReserveOrder { user: 1, amount: 600, lines, ..ReserveOrder::default() };
    let cart = client.reserve_order(&asked).await.unwrap().done().unwrap().order;
    confirm(&client, paid_by(cart, 1, 1, 600)).await.unwrap();
    let some = part(cart, 1, Step::Ship, &[(2, 2), (3, 1)]);
    assert_eq!(goes(&client, &some).await, (OrderState::PartShipped, 3));
    let over = advance(&client, &part(cart, 1, Step::Cancel, &[(SKU, 1), (3, 3)])).await.unwrap_err();
    assert_eq!((over.code, over.units, over.order), (Code::CancelExceeds, 2, 3));
    assert_eq!(over.field, Some(Field::Lines));
    assert_eq!(goes(&client, &part(cart, 1, Step::Cancel, &[(3, 2)])).await, (OrderState::PartShipped, 2));
    // A line of it is missing: nothing of it can be shipped.
    assert_eq!(count(&client, counted(0, START)).await, Ok((1, false)));
    assert_eq!(short_orders(&client).await, [(cart, 1)]);
    assert_eq!(fails(&client, &step(cart, 1, Step::Ship)).await, (Code::Shortfall, 1));
    assert_eq!(goes(&client, &step(cart, 1, Step::Cancel)).await, (OrderState::Shipped, 1));
    assert_eq!(goods(&client, SKU).await.short, 0);
    let lines = progress(&client, cart, 1).await;
    let each: Vec<_> = lines.iter().map(|line| (line.units, line.shipped, line.cancelled)).collect();
    assert_eq!(each, [(0, 0, 1), (2, 2, 0), (1, 1, 2)]);
}

#[tokio::test]
async fn an_order_under_way_stays_until_it_is_closed_and_its_retention_is_over() {
    let (server, client) = with(|setup| {
        setup.rules.order_retention_ms = DAY;
        setup.rules.return_window_ms = 2 * DAY;
    })
    .await;
    set_up(&client, PutSku { sku: SKU, units: 10, user_limit: 0, order_limit: 0, ..PutSku::default() }).await;
    let (idle, on_its_way) = (bought(&client, 1, 1).await, bought(&client, 2, 1).await);
    goes(&client, &step(on_its_way, 2, Step::Ship)).await;
    let client = later(&server, 10 * DAY).await;
    let gone = client.read_order(&ReadOrder { order: idle, user: 1 }).await.unwrap();
    assert_eq!(gone.refusal().unwrap().code, Code::NoSuchOrder);
    assert_eq!(goes(&client, &step(on_its_way, 2, Step::Deliver)).await, (OrderState::Delivered, 0));
    let client = later(&server, 2 * DAY).await;
    assert_eq!(order(&client, on_its_way, 2).await.state, OrderState::Closed.byte());
    let client = later(&server, 2 * DAY + 1_000).await;
    let gone = client.read_order(&ReadOrder { order: on_its_way, user: 2 }).await.unwrap();
    assert_eq!(gone.refusal().unwrap().code, Code::NoSuchOrder);
}

#[tokio::test]
async fn a_longer_retention_keeps_paid_orders_that_wait_for_the_warehouse() {
    let (server, client) = with(|setup| {
        setup.rules.order_retention_ms = DAY;
        setup.rules.paid_retention_ms = 30 * DAY;
    })
    .await;
    set_up(&client, PutSku { sku: SKU, units: 10, user_limit: 0, order_limit: 0, ..PutSku::default() }).await;
    let idle = bought(&client, 1, 1).await;
    let client = later(&server, 29 * DAY).await;
    assert_eq!(goes(&client, &step(idle, 1, Step::Ship)).await, (OrderState::Shipped, 1));
}
