//! Campaigns: who may buy what, when, and at which prices.

use std::sync::Arc;

use doorbuster_client::{
    BindSku, Client, Code, Field, Hold, Line, OrderState, Outcome, Phase, PutPhase, PutPrice, ReadPhase,
    ReadPrice, Refusal, Reserve, ReserveOrder, SetCampaign, SetLimits,
};
use doorbuster_gateway::testing::Server;

use crate::{
    SKU, START, accounts, ask, cancel, confirm, connect, held, order, paid_by, refused, set_up, shop, wish,
};

const CAMPAIGN: u32 = 11;
/// When it opens.
const T0: u64 = START + 3_600_000;

const WARMUP: u8 = 0;
const LIVE: u8 = 1;
const CLOSED: u8 = 4;

fn phase(start: u64, stage: u8) -> Phase {
    Phase { start, stage, ..Phase::default() }
}

async fn put(client: &Client, plan: u32, phases: &[Phase]) -> Vec<Result<bool, Refusal>> {
    let asked: Vec<_> = (0..)
        .zip(phases)
        .map(|(nth, phase)| PutPhase { campaign: CAMPAIGN, plan, nth, phase: *phase, ..PutPhase::default() })
        .collect();
    client.put_phases(&asked).await.into_iter().map(|answer| done(answer.expect("an answer"))).collect()
}

fn done(outcome: Outcome<doorbuster_client::Applied>) -> Result<bool, Refusal> {
    match outcome {
        Outcome::Done(applied) => Ok(applied.replayed),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

fn follow(plan: u32, phases: u8, expected: u32) -> SetCampaign {
    SetCampaign {
        campaign: CAMPAIGN,
        action: 1,
        plan,
        phases,
        expected,
        by: 7,
        reason: 1,
        ..SetCampaign::default()
    }
}

async fn set(client: &Client, asked: SetCampaign) -> Result<bool, Refusal> {
    done(client.set_campaign(&asked).await.expect("an answer"))
}

async fn bind(client: &Client, sku: u64, campaign: u32) -> Result<bool, Refusal> {
    let bind = BindSku { sku, campaign, by: 7, reason: 1 };
    done(client.bind_skus(&[bind]).await.remove(0).expect("an answer"))
}

async fn price(client: &Client, sku: u64, version: u32, price: u64) -> Result<bool, Refusal> {
    let put = PutPrice {
        sku,
        version,
        price,
        list: 2 * price,
        floor: price - 10,
        ceiling: price,
        ..PutPrice::default()
    };
    done(client.put_prices(&[put]).await.remove(0).expect("an answer"))
}

/// A shop with a SKU that this plan's phases sell.
async fn staged(units: u64, policy: SetCampaign, phases: &[Phase]) -> (Server, Client) {
    let (server, client) = shop(units).await;
    assert!(put(&client, 1, phases).await.iter().all(|written| *written == Ok(false)));
    let count = u8::try_from(phases.len()).expect("few phases");
    let follow = SetCampaign { policy: policy.policy, grace_ms: policy.grace_ms, ..follow(1, count, 0) };
    assert_eq!(set(&client, follow).await, Ok(false));
    assert_eq!(bind(&client, SKU, CAMPAIGN).await, Ok(false));
    (server, client)
}

/// Lets the clock stand at `now`; a client that knows it.
async fn at(server: &Server, now: u64) -> Client {
    server.clock().set(doorbuster_ledger::Timestamp::new(now));
    connect(server).await
}

#[tokio::test]
async fn nothing_is_sold_a_millisecond_before_the_start_and_all_at_it() {
    let (server, client) = staged(9, SetCampaign::default(), &[phase(START, WARMUP), phase(T0, LIVE)]).await;
    let early = refused(&client, &wish(1, 1)).await;
    assert_eq!((early.code, early.at, early.units), (Code::NotStarted, T0, 3_600_000));
    let client = at(&server, T0 - 1).await;
    let early = refused(&client, &wish(1, 1)).await;
    assert_eq!((early.code, early.at, early.units), (Code::NotStarted, T0, 1));
    let client = at(&server, T0).await;
    held(&client, &wish(1, 1)).await;
    // Whatever campaign a request names, its SKU's own counts.
    let client = at(&server, T0 - 1).await;
    held(&client, &Reserve { campaign: 99, ..wish(2, 1) }).await;
}

#[tokio::test]
async fn an_order_of_several_lines_waits_for_the_last_of_them() {
    let (server, client) = staged(9, SetCampaign::default(), &[phase(T0, LIVE)]).await;
    set_up(&client, doorbuster_client::PutSku { sku: 2, units: 9, ..doorbuster_client::PutSku::default() })
        .await;
    let cart = ReserveOrder {
        user: 1,
        lines: vec![
            Line { sku: 2, quantity: 1, ..Line::default() },
            Line { sku: SKU, quantity: 1, ..Line::default() },
        ],
        ..ReserveOrder::default()
    };
    let early = *client.reserve_order(&cart).await.unwrap().refusal().unwrap();
    assert_eq!((early.code, early.order, early.at), (Code::NotStarted, SKU, T0));
    let client = at(&server, T0).await;
    assert!(client.reserve_order(&cart).await.unwrap().done().is_some());
}

#[tokio::test]
async fn members_of_a_tier_come_ten_minutes_early() {
    let phases = [Phase { min_tier: 2, ..phase(T0 - 600_000, LIVE) }, phase(T0, LIVE)];
    let (server, _) = staged(9, SetCampaign::default(), &phases).await;
    let client = at(&server, T0 - 600_000).await;
    held(&client, &Reserve { tier: 2, ..wish(1, 1) }).await;
    let refusal = refused(&client, &Reserve { tier: 1, ..wish(2, 1) }).await;
    assert_eq!((refusal.code, refusal.units, refusal.at), (Code::TierRequired, 2, T0));
    let client = at(&server, T0).await;
    held(&client, &wish(2, 1)).await;
}

#[tokio::test]
async fn a_phase_names_channels_and_tightens_limits() {
    let mut channels = [0; 8];
    channels[..2].copy_from_slice(&[3, 4]);
    let live = Phase { channel_count: 2, channels, user_limit: 2, order_limit: 1, ..phase(START, LIVE) };
    let (_server, client) = staged(9, SetCampaign::default(), &[live]).await;
    assert_eq!(refused(&client, &Reserve { channel: 5, ..wish(1, 1) }).await.code, Code::ChannelClosed);
    let through = |user, quantity| Reserve { channel: 4, ..wish(user, quantity) };
    let refusal = refused(&client, &through(1, 2)).await;
    assert_eq!((refusal.code, refusal.units), (Code::OrderLimit, 1));
    held(&client, &through(1, 1)).await;
    held(&client, &through(1, 1)).await;
    let refusal = refused(&client, &through(1, 1)).await;
    assert_eq!((refusal.code, refusal.units), (Code::UserLimit, 0));
}

#[tokio::test]
async fn prices_change_at_one_instant_and_a_hold_keeps_its_own() {
    let phases =
        [Phase { price_version: 1, ..phase(START, LIVE) }, Phase { price_version: 2, ..phase(T0, LIVE) }];
    let (server, client) = staged(9, SetCampaign::default(), &phases).await;
    assert_eq!(price(&client, SKU, 1, 100).await, Ok(false));
    let of_another =
        PutPrice { sku: SKU, version: 1, price: 100, list: 200, floor: 90, ceiling: 100, by: 8, reason: 9 };
    assert_eq!(done(client.put_prices(&[of_another]).await.remove(0).unwrap()), Ok(true), "whoever asks");
    assert_eq!(price(&client, SKU, 2, 80).await, Ok(false));
    let paying = |user, price_version, amount| Reserve { price_version, amount, ..wish(user, 1) };
    let client = at(&server, T0 - 1).await;
    let old: Hold = held(&client, &paying(1, 1, 100)).await;
    let early = refused(&client, &paying(2, 2, 80)).await;
    assert_eq!((early.code, early.units), (Code::PriceChanged, 1));
    let client = at(&server, T0).await;
    let late = refused(&client, &paying(2, 1, 100)).await;
    assert_eq!((late.code, late.units), (Code::PriceChanged, 2));
    held(&client, &paying(2, 2, 80)).await;
    assert_eq!(confirm(&client, paid_by(old.order, 1, 1, 100)).await, Ok((OrderState::Confirmed, false)));
    let cheap = refused(&client, &paying(3, 2, 69)).await;
    assert_eq!((cheap.code, cheap.units), (Code::PriceOutOfBounds, 70));
    let dear = refused(&client, &Reserve { quantity: 2, ..paying(3, 2, 161) }).await;
    assert_eq!((dear.code, dear.units), (Code::PriceOutOfBounds, 160));
}

#[tokio::test]
async fn an_old_price_is_good_for_a_while_or_while_it_is_not_higher() {
    let phases =
        [Phase { price_version: 1, ..phase(START, LIVE) }, Phase { price_version: 2, ..phase(T0, LIVE) }];
    let by = |price_version, user| Reserve { price_version, amount: 90, ..wish(user, 1) };
    let grace = SetCampaign { policy: 1, grace_ms: 1_000, ..SetCampaign::default() };
    let (server, _) = staged(9, grace, &phases).await;
    let client = at(&server, T0 + 999).await;
    held(&client, &by(1, 1)).await;
    let client = at(&server, T0 + 1_001).await;
    assert_eq!(refused(&client, &by(1, 2)).await.code, Code::PriceChanged);

    let none = refused(&client, &Reserve { amount: 1, ..wish(3, 1) }).await;
    assert_eq!(none.code, Code::PriceChanged, "no version is no old version");

    let lower = SetCampaign { policy: 2, ..SetCampaign::default() };
    let (server, client) = staged(9, lower, &phases).await;
    price(&client, SKU, 1, 80).await.unwrap();
    price(&client, SKU, 2, 100).await.unwrap();
    let client = at(&server, T0 + 9_999).await;
    held(&client, &Reserve { amount: 80, ..by(1, 1) }).await;
    assert_eq!(refused(&client, &by(3, 2)).await.code, Code::PriceChanged);
    // An order that names no amount would pay any.
    let free = refused(&client, &Reserve { amount: 0, ..by(2, 2) }).await;
    assert_eq!((free.code, free.units), (Code::PriceOutOfBounds, 90));
    // A version that another plan counted before is an earlier one, too.
    put(&client, 2, &[Phase { price_version: 4, ..phase(START, LIVE) }]).await;
    price(&client, SKU, 4, 90).await.unwrap();
    let next = SetCampaign { policy: 2, ..follow(2, 1, 1) };
    assert_eq!(set(&client, next).await, Ok(false));
    held(&client, &Reserve { amount: 80, ..by(1, 3) }).await;
    assert_eq!(refused(&client, &Reserve { amount: 100, ..by(2, 4) }).await.code, Code::PriceChanged);
    let other_terms = set(&client, SetCampaign { policy: 0, ..follow(2, 1, 2) }).await.unwrap_err();
    assert_eq!((other_terms.code, other_terms.field), (Code::VersionExists, Some(Field::Plan)));
}

#[tokio::test]
async fn a_pause_stops_the_sale_and_who_waits_gets_his_offer_when_it_goes_on() {
    let (_server, client) = staged(1, SetCampaign::default(), &[phase(START, LIVE)]).await;
    let hold = held(&client, &wish(1, 1)).await;
    let wait = ReserveOrder {
        user: 2,
        wait_ms: 600_000,
        lines: vec![Line { sku: SKU, quantity: 1, ..Line::default() }],
        ..ReserveOrder::default()
    };
    let waiting = client.reserve_order(&wait).await.unwrap().done().unwrap();
    let stand =
        |action| SetCampaign { campaign: CAMPAIGN, action, by: 7, reason: 2, ..SetCampaign::default() };
    assert_eq!(set(&client, stand(2)).await, Ok(false));
    assert_eq!(set(&client, stand(2)).await, Ok(true));
    cancel(&client, hold.order, 1).await.unwrap();
    assert_eq!(refused(&client, &wish(3, 1)).await.code, Code::Paused);
    assert_eq!(order(&client, waiting.order, 2).await.state, OrderState::Waiting.byte());
    assert_eq!(accounts(&client).await, (1, 0, 0));
    assert_eq!(set(&client, stand(3)).await, Ok(false));
    assert_eq!(
        ask(&client, &wish(3, 1)).await.refusal().unwrap().code,
        Code::SoldOut,
        "no newcomer overtakes"
    );
    assert_eq!(order(&client, waiting.order, 2).await.state, OrderState::Held.byte());
    assert_eq!(set(&client, stand(4)).await, Ok(false));
    assert_eq!(refused(&client, &wish(3, 1)).await.code, Code::Ended);
    assert_eq!(set(&client, stand(3)).await.unwrap_err().code, Code::Ended, "an end is for good");
    // What is held can still be paid.
    assert_eq!(confirm(&client, paid_by(waiting.order, 2, 1, 0)).await, Ok((OrderState::Confirmed, false)));
}

#[tokio::test]
async fn who_waits_when_a_phase_closes_gets_nothing_and_a_late_payment_neither() {
    let (server, client) = staged(1, SetCampaign::default(), &[phase(START, LIVE), phase(T0, CLOSED)]).await;
    let hold = held(&client, &Reserve { hold_ms: 60_000, ..wish(1, 1) }).await;
    let client = at(&server, T0).await;
    assert_eq!(refused(&client, &wish(2, 1)).await.code, Code::Ended);
    let late = confirm(&client, paid_by(hold.order, 1, 1, 0)).await.unwrap_err();
    assert_eq!(late.code, Code::RefundRequired, "nothing is sold any more");
    assert_eq!(accounts(&client).await, (1, 0, 0));
}

#[tokio::test]
async fn a_plan_never_changes_and_another_takes_its_place_in_one_step() {
    let (server, client) = staged(9, SetCampaign::default(), &[phase(T0, LIVE)]).await;
    assert_eq!(put(&client, 1, &[phase(T0, LIVE)]).await, [Ok(true)]);
    let of_another =
        PutPhase { campaign: CAMPAIGN, plan: 1, nth: 0, phase: phase(T0, LIVE), by: 8, reason: 9 };
    assert_eq!(done(client.put_phases(&[of_another]).await.remove(0).unwrap()), Ok(true), "whoever asks");
    let other = put(&client, 1, &[phase(START, LIVE)]).await.remove(0).unwrap_err();
    assert_eq!((other.code, other.field), (Code::VersionExists, Some(Field::Plan)));
    assert_eq!(set(&client, follow(2, 1, 1)).await.unwrap_err().code, Code::PlanIncomplete);
    put(&client, 2, &[phase(START, WARMUP), phase(START, LIVE)]).await;
    let same_start = set(&client, follow(2, 2, 1)).await.unwrap_err();
    assert_eq!((same_start.code, same_start.units), (Code::PlanIncomplete, 1));
    put(&client, 3, &[phase(START, LIVE)]).await;
    let stale = set(&client, follow(3, 1, 2)).await.unwrap_err();
    assert_eq!((stale.code, stale.units), (Code::CasMismatch, 1));
    assert_eq!(refused(&client, &wish(1, 1)).await.code, Code::NotStarted);
    assert_eq!(set(&client, follow(3, 1, 1)).await, Ok(false));
    assert_eq!(set(&client, follow(3, 1, 1)).await, Ok(true), "a repeat changes nothing");
    held(&client, &wish(1, 1)).await;
    let view = client.read_campaign(CAMPAIGN).await.unwrap().done().unwrap();
    assert_eq!((view.plan, view.phases, view.phase, view.stage, view.skus), (3, 1, 0, LIVE, 1));
    let read = client.read_phase(&ReadPhase { campaign: CAMPAIGN, plan: 1, nth: 0 }).await.unwrap();
    assert_eq!(read.done().unwrap().phase, phase(T0, LIVE));
    // All of it is there after a restart, and the sale goes on.
    let (storage, clock) = server.stop();
    let server = Server::start_on(storage, Arc::clone(&clock), |_| {});
    let client = connect(&server).await;
    let view = client.read_campaign(CAMPAIGN).await.unwrap().done().unwrap();
    assert_eq!((view.plan, view.phase, view.skus), (3, 0, 1));
    held(&client, &wish(2, 1)).await;
}

#[tokio::test]
async fn what_does_not_exist_is_said() {
    let (_server, client) = shop(1).await;
    assert_eq!(bind(&client, SKU, CAMPAIGN).await.unwrap_err().code, Code::NoSuchCampaign);
    assert_eq!(set(&client, follow(1, 1, 0)).await.unwrap_err().code, Code::NoSuchCampaign);
    let read = client.read_campaign(CAMPAIGN).await.unwrap();
    assert_eq!(read.refusal().unwrap().code, Code::NoSuchCampaign);
    let none = PutPhase { campaign: 0, plan: 1, ..PutPhase::default() };
    let refusal = done(client.put_phases(&[none]).await.remove(0).unwrap()).unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Campaign)));
    let over = PutPhase { campaign: 1, plan: 1, nth: 16, ..PutPhase::default() };
    let refusal = done(client.put_phases(&[over]).await.remove(0).unwrap()).unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Plan)));
    assert_eq!(price(&client, 99, 1, 100).await.unwrap_err().code, Code::UnknownSku);
    let zero = price(&client, SKU, 0, 100).await.unwrap_err();
    assert_eq!((zero.code, zero.field), (Code::BadRequest, Some(Field::PriceVersion)));
    let dear = PutPrice { sku: SKU, version: 1, price: 9, ceiling: 8, ..PutPrice::default() };
    let refusal = done(client.put_prices(&[dear]).await.remove(0).unwrap()).unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Price)));
    assert_eq!(price(&client, SKU, 1, 100).await, Ok(false));
    let of_another =
        PutPrice { sku: SKU, version: 1, price: 100, list: 200, floor: 90, ceiling: 100, by: 8, reason: 9 };
    assert_eq!(done(client.put_prices(&[of_another]).await.remove(0).unwrap()), Ok(true), "whoever asks");
    let other = price(&client, SKU, 1, 101).await.unwrap_err();
    assert_eq!((other.code, other.field), (Code::VersionExists, Some(Field::Price)));
    let reads =
        client.read_prices(&[ReadPrice { sku: SKU, version: 1 }, ReadPrice { sku: SKU, version: 2 }]).await;
    let views: Vec<_> = reads.into_iter().map(|read| read.unwrap().done().unwrap()).collect();
    assert_eq!((views[0].known, views[0].price, views[0].list), (1, 100, 200));
    assert_eq!((views[1].known, views[1].price), (0, 0));
}

#[tokio::test]
async fn limits_change_live_and_nobody_loses_what_he_has() {
    let (_server, client) = shop(9).await;
    held(&client, &wish(1, 3)).await;
    let limits = |user_limit| SetLimits { sku: SKU, user_limit, order_limit: 0, by: 7, reason: 1 };
    let set = async |user_limit| done(client.set_limits(&[limits(user_limit)]).await.remove(0).unwrap());
    assert_eq!(set(2).await, Ok(false));
    assert_eq!(set(2).await, Ok(true));
    let refusal = refused(&client, &wish(1, 1)).await;
    assert_eq!((refusal.code, refusal.units), (Code::UserLimit, 0));
    held(&client, &wish(2, 2)).await;
    assert_eq!(set(4).await, Ok(false));
    held(&client, &wish(1, 1)).await;
    assert_eq!(accounts(&client).await, (3, 6, 0));
}

#[tokio::test]
async fn missing_prices_raise_an_alarm_half_an_hour_before_they_count() {
    let phases = [Phase { price_version: 5, ..phase(T0, LIVE) }];
    let (server, _) = staged(1, SetCampaign::default(), &phases).await;
    let alarm = |server: &Server| {
        let engine = server.server().engine();
        let figures = engine.campaigns().figures();
        figures.iter().map(|known| engine.campaigns().missing_prices(known, engine.now())).sum::<u64>()
    };
    let client = at(&server, T0 - 30 * 60_000 - 1).await;
    client.read_campaign(CAMPAIGN).await.unwrap();
    assert_eq!(alarm(&server), 0);
    let client = at(&server, T0 - 30 * 60_000).await;
    let view = client.read_campaign(CAMPAIGN).await.unwrap().done().unwrap();
    assert_eq!((view.price_version, view.priced_from, view.unpriced), (5, T0, 1));
    assert_eq!(alarm(&server), 1);
    price(&client, SKU, 5, 100).await.unwrap();
    assert_eq!(client.read_campaign(CAMPAIGN).await.unwrap().done().unwrap().unpriced, 0);
}
