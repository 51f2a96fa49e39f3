//! Promotion budgets and coupons.

use std::sync::Arc;

use doorbuster_client::{
    BudgetView, CancelLines, Client, Code, Field, FundBudget, Funder, IssueCoupons, Line, LineUnits,
    OrderState, Outcome, PutSku, Refusal, RequestId, ReserveClaims, ReserveOrder, SetBudget, StopBudget,
};
use doorbuster_engine::storage::SimStorage;
use doorbuster_protocol::{Kind, ReserveDiscounted};

use crate::wire::Wire;
use crate::{
    DAY, SKU, START, accounts, cancel, confirm, connect, id, order, paid_by, set_up, shop, start_on,
};

const BUDGET: u32 = 7;

/// The platform pays 40, the brand 50, the shop 10 of 100.
fn budget(funded: u64) -> SetBudget {
    let who = |(funder, share)| Funder { funder, share };
    let funders = [(1, 40), (2, 50), (3, 10)].map(who).to_vec();
    SetBudget { budget: BUDGET, reason: 1, funded, by: 9, funders }
}

async fn set(client: &Client, ask: &SetBudget) -> Result<bool, Refusal> {
    match client.set_budget(ask).await.expect("an answer") {
        Outcome::Done(applied) => Ok(applied.replayed),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

fn one(user: u64, quantity: u32) -> ReserveOrder {
    let lines = vec![Line { sku: SKU, quantity, ..Line::default() }];
    ReserveOrder { user, lines, ..ReserveOrder::default() }
}

/// An order of one unit with a discount.
fn off(user: u64, cents: u64) -> ReserveClaims {
    ReserveClaims::of(one(user, 1)).discount(BUDGET, cents)
}

async fn held(client: &Client, ask: &ReserveClaims) -> u64 {
    match client.reserve_claims(ask).await.expect("an answer") {
        Outcome::Done(hold) => hold.order,
        Outcome::Refused(refusal) => panic!("{ask:?} was refused: {refusal:?}"),
    }
}

async fn refused(client: &Client, ask: &ReserveClaims) -> (Code, Option<Field>, u64) {
    let answer = client.reserve_claims(ask).await.expect("an answer");
    let refusal = answer.refusal().expect("a refusal");
    (refusal.code, refusal.field, refusal.units)
}

async fn read(client: &Client) -> BudgetView {
    client.read_budget(BUDGET).await.expect("an answer").done().expect("the budget is there")
}

/// Left, reserved, spent, and what each funder pays.
async fn money(client: &Client) -> (u64, u64, u64, [u64; 3]) {
    let read = read(client).await;
    let posted = [0, 1, 2].map(|nth: usize| read.funders[nth].posted);
    (read.left, read.reserved, read.spent, posted)
}

#[tokio::test]
async fn a_discount_is_paid_by_its_funders_to_the_cent_and_comes_back_with_its_hold() {
    let (_server, client) = shop(10).await;
    assert_eq!(set(&client, &budget(1_000)).await, Ok(false));
    assert_eq!(set(&client, &budget(1_000)).await, Ok(true), "a repeat changes nothing");
    let first = held(&client, &off(1, 333)).await;
    // 133.2, 166.5 and 33.3: the cent that is left goes to the largest remainder.
    assert_eq!(money(&client).await, (667, 333, 0, [133, 167, 33]));
    let second = held(&client, &off(2, 100)).await;
    assert_eq!(money(&client).await, (567, 433, 0, [173, 217, 43]));
    cancel(&client, first, 1).await.unwrap();
    assert_eq!(money(&client).await, (900, 100, 0, [40, 50, 10]));
    confirm(&client, paid_by(second, 2, 1, 0)).await.unwrap();
    assert_eq!(money(&client).await, (900, 0, 100, [40, 50, 10]));
    let read = read(&client).await;
    let shares = [0, 1, 2].map(|nth: usize| (read.funders[nth].funder, read.funders[nth].share));
    assert_eq!((read.funded, read.count, read.stopped, shares), (1_000, 3, 0, [(1, 40), (2, 50), (3, 10)]));
}

#[tokio::test]
async fn a_budget_never_goes_below_0_and_gives_its_last_cent() {
    let (_server, client) = shop(100).await;
    set(&client, &budget(50)).await.unwrap();
    for user in 0..5 {
        held(&client, &off(user, 9)).await;
    }
    assert_eq!(refused(&client, &off(6, 6)).await, (Code::BudgetExhausted, None, 5));
    assert_eq!(accounts(&client).await, (95, 5, 0), "no unit is held without its discount");
    held(&client, &off(7, 5)).await;
    assert_eq!(refused(&client, &off(8, 1)).await, (Code::BudgetExhausted, None, 0));
    assert_eq!(money(&client).await, (0, 50, 0, [22, 23, 5]));
    // A shopper who claims nothing is not concerned.
    let plain = ReserveClaims::of(one(9, 1));
    held(&client, &plain).await;
}

#[tokio::test]
async fn slices_of_other_partitions_are_taken_back_before_anybody_is_refused() {
    let (_server, client) = shop(9).await;
    for sku in 2..40 {
        set_up(&client, PutSku { sku, units: 9, ..PutSku::default() }).await;
    }
    set(&client, &budget(640)).await.unwrap();
    let of = |sku, user, cents| {
        let lines = vec![Line { sku, quantity: 1, ..Line::default() }];
        ReserveClaims::of(ReserveOrder { user, lines, ..ReserveOrder::default() }).discount(BUDGET, cents)
    };
    // Each leaves a rest in the slice of its own partition.
    for sku in 2..40 {
        held(&client, &of(sku, sku, 1)).await;
    }
    assert_eq!(money(&client).await.0, 602);
    held(&client, &of(SKU, 1, 602)).await;
    assert_eq!(refused(&client, &of(2, 1, 1)).await, (Code::BudgetExhausted, None, 0));
}

#[tokio::test]
async fn a_part_that_goes_back_takes_its_part_of_the_discount_along() {
    let (_server, client) = shop(10).await;
    set(&client, &budget(1_000)).await.unwrap();
    let three = held(&client, &ReserveClaims::of(one(1, 3)).discount(BUDGET, 100)).await;
    let left = CancelLines {
        order: three,
        user: 1,
        lines: vec![LineUnits { sku: SKU, units: 2 }],
        ..CancelLines::default()
    };
    client.cancel_lines(&left).await.unwrap().done().unwrap();
    // 66 of 100 for two of three; 26.4, 33 and 6.6 of them.
    assert_eq!(money(&client).await, (934, 66, 0, [26, 33, 7]));
    // The claim of a repeat is what was asked for at first.
    let ask = ReserveClaims::of(ReserveOrder { supersedes: three, ..one(1, 2) }).discount(BUDGET, 1_000);
    let swapped = held(&client, &ask).await;
    assert_eq!(money(&client).await, (0, 1_000, 0, [400, 500, 100]), "what it replaced counts as given back");
    cancel(&client, swapped, 1).await.unwrap();
    assert_eq!(money(&client).await, (1_000, 0, 0, [0, 0, 0]));
}

#[tokio::test]
async fn a_repeat_is_told_by_its_claim() {
    let (_server, client) = shop(10).await;
    set(&client, &budget(100)).await.unwrap();
    let named = |ask: ReserveClaims, request_id: RequestId| ReserveClaims {
        order: ReserveOrder { request_id, ..ask.order.clone() },
        ..ask
    };
    let (first, second) = (id(START, 1), id(START, 2));
    let ask = named(off(1, 10), first);
    let order = held(&client, &ask).await;
    let again = client.reserve_claims(&ask).await.unwrap().done().unwrap();
    assert_eq!((again.order, again.replayed), (order, true));
    assert_eq!(money(&client).await.1, 10, "claimed once");
    let conflict = |field| (Code::IdempotencyConflict, Some(field), 0);
    assert_eq!(refused(&client, &named(off(1, 11), first)).await, conflict(Field::Discount));
    assert_eq!(refused(&client, &named(ReserveClaims::of(one(1, 1)), first)).await, conflict(Field::Budget));
    issue(&client, 1, 5, 1).await;
    let with = named(ReserveClaims::of(one(2, 1)).coupon(1 << 32), second);
    held(&client, &with).await;
    let other = named(ReserveClaims::of(one(2, 1)).coupon((1 << 32) | 1), second);
    assert_eq!(refused(&client, &other).await, conflict(Field::Coupon));
    let none = named(ReserveClaims::of(one(2, 1)), second);
    assert_eq!(refused(&client, &none).await, conflict(Field::Coupon));
}

/// An order of one unit with terms and a discount, named by the seed, in both forms.
fn in_both_forms(seed: u64, budget: u32, cents: u64) -> (ReserveClaims, ReserveDiscounted) {
    let order = ReserveOrder {
        request_id: id(START, seed),
        user: seed,
        amount: 900,
        campaign: 2,
        price_version: 3,
        tier: 4,
        lines: vec![Line { sku: SKU, quantity: 1, location: 5, pool: 6, gift: 0 }],
        ..ReserveOrder::default()
    };
    let claims = ReserveClaims::of(order).discount(budget, cents);
    let discounted = ReserveDiscounted::of(&claims).expect("one plain line");
    (claims, discounted)
}

#[tokio::test]
async fn each_form_of_a_discounted_order_is_a_repeat_of_the_other() {
    let (server, client) = shop(10).await;
    set(&client, &budget(100)).await.unwrap();
    let mut wire = Wire::greet(&server);
    for (seed, long_first) in [(1, true), (2, false)] {
        let (claims, discounted) = in_both_forms(seed, BUDGET, 10);
        let mut ask = |long| {
            if long {
                wire.ask(Kind::ReserveClaims, &claims)
            } else {
                wire.ask(Kind::ReserveDiscounted, &discounted)
            }
        };
        let (made, again) = (ask(long_first), ask(!long_first));
        assert_eq!((made.code(), again.code()), (Ok(Code::Ok), Ok(Code::Replayed)), "{seed}");
        assert_eq!((again.order, again.at), (made.order, made.at));
        let (claims, discounted) = in_both_forms(seed, BUDGET, 11);
        let differs =
            [wire.ask(Kind::ReserveClaims, &claims), wire.ask(Kind::ReserveDiscounted, &discounted)];
        for answer in differs {
            let conflict = (Ok(Code::IdempotencyConflict), Field::Discount.byte(), made.order);
            assert_eq!((answer.code(), answer.field, answer.order), conflict);
        }
    }
    assert_eq!(money(&client).await.1, 20, "each is claimed once");
}

#[tokio::test]
async fn both_forms_of_a_discounted_order_are_refused_alike() {
    let (server, client) = shop(1).await;
    set(&client, &budget(100)).await.unwrap();
    let mut wire = Wire::greet(&server);
    for (budget, cents, code, field) in [
        (BUDGET, 0, Code::BadRequest, Field::Discount.byte()),
        (0, 5, Code::BadRequest, Field::Budget.byte()),
        (BUDGET + 1, 5, Code::UnknownBudget, 0),
        (BUDGET, 101, Code::BudgetExhausted, 0),
    ] {
        let (claims, discounted) = in_both_forms(1, budget, cents);
        let answer = wire.ask(Kind::ReserveDiscounted, &discounted);
        assert_eq!((answer.code(), answer.field), (Ok(code), field));
        assert_eq!(wire.ask(Kind::ReserveClaims, &claims), answer);
    }
    // Without a budget and a discount, it is a plain order.
    let (_, discounted) = in_both_forms(1, 0, 0);
    let made = wire.ask(Kind::ReserveDiscounted, &discounted);
    let again = wire.ask(Kind::Reserve, &discounted.reserve);
    assert_eq!((made.code(), again.code()), (Ok(Code::Ok), Ok(Code::Replayed)));
    assert_eq!(money(&client).await.1, 0);
}

#[tokio::test]
async fn a_late_payment_claims_again_or_buys_nothing() {
    let (server, client) = shop(10).await;
    set(&client, &budget(10)).await.unwrap();
    let (first, second) = (held(&client, &off(1, 4)).await, held(&client, &off(2, 6)).await);
    server.clock().advance(6 * 60 * 1_000);
    let client = connect(&server).await;
    while money(&client).await.1 > 0 {}
    assert_eq!(confirm(&client, paid_by(first, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(money(&client).await, (6, 0, 4, [2, 2, 0]));
    held(&client, &off(3, 1)).await;
    let refund = confirm(&client, paid_by(second, 2, 2, 0)).await;
    assert_eq!(refund.unwrap_err().code, Code::RefundRequired);
    assert_eq!(order(&client, second, 2).await.state, OrderState::Expired.byte());
    assert_eq!(money(&client).await.0, 5);
}

#[tokio::test]
async fn money_is_put_in_once_and_never_taken_from_those_who_have_it() {
    let (_server, client) = shop(10).await;
    let fund = |funded, expected| FundBudget { budget: BUDGET, reason: 2, funded, expected, by: 9 };
    let refusal = *client.fund_budget(&fund(1, 0)).await.unwrap().refusal().unwrap();
    assert_eq!(refusal.code, Code::UnknownBudget);
    set(&client, &budget(10)).await.unwrap();
    let funded = client.fund_budget(&fund(30, 10)).await.unwrap().done().unwrap();
    assert_eq!((funded.units, funded.replayed), (30, false));
    assert!(client.fund_budget(&fund(30, 10)).await.unwrap().done().unwrap().replayed);
    let refusal = *client.fund_budget(&fund(40, 10)).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.units), (Code::CasMismatch, 30));
    held(&client, &off(1, 25)).await;
    let refusal = *client.fund_budget(&fund(24, 30)).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.units), (Code::BudgetInUse, 25));
    assert_eq!(client.fund_budget(&fund(25, 30)).await.unwrap().done().unwrap().units, 0);
    assert_eq!(money(&client).await, (0, 25, 0, [10, 13, 2]));
    // Other funders are another budget's.
    let other = SetBudget { funders: vec![Funder { funder: 1, share: 1 }], ..budget(25) };
    let refusal = set(&client, &other).await.unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::BudgetExists, Some(Field::Funders)));
    assert_eq!(set(&client, &budget(26)).await.unwrap_err().field, Some(Field::Funded));
    let twice = SetBudget { budget: 8, funders: vec![Funder { funder: 1, share: 1 }; 2], ..budget(1) };
    let refusal = set(&client, &twice).await.unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Funders)));
}

#[tokio::test]
async fn a_budget_that_is_stopped_pays_what_is_reserved_and_no_more() {
    let (_server, client) = shop(10).await;
    set(&client, &budget(100)).await.unwrap();
    let first = held(&client, &off(1, 10)).await;
    let stop = StopBudget { budget: BUDGET, reason: 3, by: 9 };
    assert!(!client.stop_budget(&stop).await.unwrap().done().unwrap().replayed);
    assert!(client.stop_budget(&stop).await.unwrap().done().unwrap().replayed);
    assert_eq!(refused(&client, &off(2, 1)).await.0, Code::BudgetStopped);
    confirm(&client, paid_by(first, 1, 1, 0)).await.unwrap();
    assert_eq!((money(&client).await.2, read(&client).await.stopped), (10, 1));
    let fund = |funded, expected| FundBudget { budget: BUDGET, reason: 2, funded, expected, by: 9 };
    let more = *client.fund_budget(&fund(101, 100)).await.unwrap().refusal().unwrap();
    assert_eq!(more.code, Code::BudgetStopped, "it would never be paid to anybody");
    assert_eq!(
        client.fund_budget(&fund(10, 100)).await.unwrap().done().unwrap().units,
        0,
        "the rest is taken out"
    );
}

#[tokio::test]
async fn claims_that_cannot_be_are_refused_by_name() {
    let (_server, client) = shop(10).await;
    assert_eq!(refused(&client, &off(1, 1)).await, (Code::UnknownBudget, None, 0));
    set(&client, &budget(100)).await.unwrap();
    assert_eq!(refused(&client, &off(1, 0)).await, (Code::BadRequest, Some(Field::Discount), 0));
    let nobody = ReserveClaims::of(one(1, 1)).discount(0, 5);
    assert_eq!(refused(&client, &nobody).await, (Code::BadRequest, Some(Field::Budget), 0));
    let no_batch = ReserveClaims::of(one(1, 1)).coupon(5);
    assert_eq!(refused(&client, &no_batch).await, (Code::BadRequest, Some(Field::Coupon), 0));
    let waits = ReserveClaims::of(ReserveOrder { wait_ms: 1_000, ..one(1, 1) }).discount(BUDGET, 1);
    assert_eq!(refused(&client, &waits).await.0, Code::ClaimCantWait);
    issue(&client, 1, 1, 1).await;
    let waits = ReserveClaims::of(ReserveOrder { wait_ms: 1_000, ..one(1, 1) }).coupon(1 << 32);
    assert_eq!(refused(&client, &waits).await.0, Code::ClaimCantWait);
    assert_eq!(client.read_budget(99).await.unwrap().refusal().unwrap().code, Code::UnknownBudget);
}

async fn issue(client: &Client, batch: u32, serials: u32, uses: u32) {
    let coupons = IssueCoupons { batch, serials, uses, reason: 4, from: START, until: START + DAY, by: 9 };
    for replayed in [false, true] {
        let issued =
            client.issue_coupons(&coupons).await.expect("an answer").done().expect("they are issued");
        assert_eq!(issued.replayed, replayed);
    }
    let other = IssueCoupons { uses: uses + 1, ..coupons };
    let answer = client.issue_coupons(&other).await.expect("an answer");
    let refusal = answer.refusal().expect("a refusal");
    assert_eq!((refusal.code, refusal.field), (Code::CouponsExist, Some(Field::Uses)));
}

#[tokio::test]
async fn a_coupon_is_used_once_and_comes_back_with_its_hold() {
    let (server, client) = shop(10).await;
    issue(&client, 3, 1_000_000, 1).await;
    let coupon = (3 << 32) + 999_999;
    let with = |user| ReserveClaims::of(one(user, 1)).coupon(coupon);
    let first = held(&client, &with(1)).await;
    assert_eq!(refused(&client, &with(2)).await.0, Code::CouponUsed);
    assert_eq!(accounts(&client).await, (9, 1, 0), "no unit is held without its coupon");
    let uses = async |client: &Client| {
        let read = client.read_coupon(coupon).await.unwrap().done().unwrap();
        (read.uses, read.reserved, read.redeemed)
    };
    assert_eq!(uses(&client).await, (1, 1, 0));
    cancel(&client, first, 1).await.unwrap();
    assert_eq!(uses(&client).await, (1, 0, 0));
    held(&client, &with(2)).await;
    server.clock().advance(6 * 60 * 1_000);
    let client = connect(&server).await;
    while uses(&client).await.1 > 0 {}
    let last = held(&client, &with(4)).await;
    confirm(&client, paid_by(last, 4, 1, 0)).await.unwrap();
    assert_eq!(uses(&client).await, (1, 0, 1));
    assert_eq!(refused(&client, &with(5)).await.0, Code::CouponUsed);
    let beyond = ReserveClaims::of(one(6, 1)).coupon(coupon + 1);
    assert_eq!(refused(&client, &beyond).await.0, Code::CouponInvalid);
}

#[tokio::test]
async fn a_coupon_is_good_from_one_time_to_another_and_as_often_as_it_says() {
    let (server, client) = shop(10).await;
    let from = START + 60_000;
    let coupons =
        IssueCoupons { batch: 1, serials: 1, uses: 2, reason: 0, from, until: from + 60_000, by: 0 };
    client.issue_coupons(&coupons).await.unwrap().done().unwrap();
    let with = |user| ReserveClaims::of(one(user, 1)).coupon(1 << 32);
    let answer = client.reserve_claims(&with(1)).await.unwrap();
    let refusal = answer.refusal().unwrap();
    assert_eq!((refusal.code, refusal.at), (Code::CouponInvalid, from));
    server.clock().advance(60_000);
    let client = connect(&server).await;
    held(&client, &with(1)).await;
    held(&client, &with(2)).await;
    assert_eq!(refused(&client, &with(3)).await.0, Code::CouponUsed);
    server.clock().advance(60_000);
    let client = connect(&server).await;
    let answer = client.reserve_claims(&with(4)).await.unwrap();
    let refusal = answer.refusal().unwrap();
    assert_eq!((refusal.code, refusal.at), (Code::CouponInvalid, from + 60_000));
}

#[tokio::test]
async fn units_a_discount_and_a_coupon_are_held_together_or_not_at_all() {
    let (_server, client) = shop(10).await;
    set_up(&client, PutSku { sku: 2, units: 1, ..PutSku::default() }).await;
    set(&client, &budget(100)).await.unwrap();
    issue(&client, 1, 1, 1).await;
    let line = |sku, quantity| Line { sku, quantity, ..Line::default() };
    let cart = |user| ReserveOrder { user, lines: vec![line(SKU, 2), line(2, 1)], ..ReserveOrder::default() };
    let all = |user, cents| ReserveClaims::of(cart(user)).discount(BUDGET, cents).coupon(1 << 32);
    assert_eq!(refused(&client, &all(1, 101)).await, (Code::BudgetExhausted, None, 100));
    assert_eq!(client.read_coupon(1 << 32).await.unwrap().done().unwrap().reserved, 0);
    let first = held(&client, &all(1, 60)).await;
    assert_eq!((accounts(&client).await, money(&client).await.1), ((8, 2, 0), 60));
    // A line is missing: neither the discount nor the coupon is taken.
    assert_eq!(refused(&client, &ReserveClaims::of(cart(2)).discount(BUDGET, 1)).await.0, Code::SoldOut);
    assert_eq!(money(&client).await.1, 60);
    cancel(&client, first, 1).await.unwrap();
    assert_eq!((accounts(&client).await, money(&client).await.1), ((10, 0, 0), 0));
    let second = held(&client, &all(3, 60)).await;
    confirm(&client, paid_by(second, 3, 1, 0)).await.unwrap();
    assert_eq!((accounts(&client).await, money(&client).await.2), ((8, 0, 2), 60));
    assert_eq!(client.read_coupon(1 << 32).await.unwrap().done().unwrap().redeemed, 1);
}

#[tokio::test]
async fn budgets_and_coupons_are_there_after_a_restart() {
    let storage = Arc::new(SimStorage::new(5));
    let server = start_on(Arc::clone(&storage));
    let client = connect(&server).await;
    set_up(&client, PutSku { sku: SKU, units: 10, ..PutSku::default() }).await;
    set(&client, &budget(100)).await.unwrap();
    issue(&client, 1, 3, 1).await;
    let paid = held(&client, &off(1, 30).coupon(1 << 32)).await;
    confirm(&client, paid_by(paid, 1, 1, 0)).await.unwrap();
    let open = held(&client, &off(2, 11)).await;
    let before = money(&client).await;
    drop(client);
    drop(server);
    let server = start_on(storage);
    let client = connect(&server).await;
    assert_eq!(money(&client).await, before);
    assert_eq!(client.read_coupon(1 << 32).await.unwrap().done().unwrap().redeemed, 1);
    cancel(&client, open, 2).await.unwrap();
    assert_eq!(money(&client).await, (70, 0, 30, [12, 15, 3]));
}
