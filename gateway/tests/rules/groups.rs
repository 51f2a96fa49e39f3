//! Placement groups: SKUs that share a shopper's limit.

use std::sync::Arc;

use doorbuster_client::{
    BindSku, Client, Code, Hold, Line, OrderState, Outcome, Phase, PutPhase, PutSku, Refusal, Reserve,
    ReserveOrder, SetCampaign,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::{GroupId, Timestamp};

use crate::{START, cancel, confirm, connect, held, order, paid_by, refused, set_up};

const CAMPAIGN: u32 = 5;

/// A SKU of the group that these tests sell from.
fn sku(number: u32) -> u64 {
    GroupId::new(7).map_or(0, |group| group.sku(number).raw())
}

/// A server of two shards with three SKUs of a group and one of no group, a unit or more of each, in a campaign that lets a
/// shopper have two of a group.
async fn shop(units: u64) -> (Server, Client) {
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let server = Server::start_on(Arc::new(SimStorage::new(0)), clock, |setup| setup.shards = 2);
    let client = connect(&server).await;
    let phase = Phase { start: START, stage: 1, group_limit: 2, ..Phase::default() };
    let put = client
        .put_phases(&[PutPhase { campaign: CAMPAIGN, plan: 1, nth: 0, phase, ..PutPhase::default() }])
        .await;
    assert!(put.into_iter().all(|answer| answer.expect("an answer").done().is_some()));
    let follow = SetCampaign {
        campaign: CAMPAIGN,
        action: 1,
        plan: 1,
        phases: 1,
        by: 7,
        reason: 1,
        ..SetCampaign::default()
    };
    assert!(client.set_campaign(&follow).await.expect("an answer").done().is_some());
    for sku in [sku(1), sku(2), sku(3), 1] {
        set_up(&client, PutSku { sku, units, ..PutSku::default() }).await;
        let bind = BindSku { sku, campaign: CAMPAIGN, by: 7, reason: 1 };
        assert!(client.bind_skus(&[bind]).await.remove(0).expect("an answer").done().is_some());
    }
    (server, client)
}

fn wish(user: u64, sku: u64, quantity: u32) -> Reserve {
    Reserve { user, sku, quantity, ..Reserve::default() }
}

async fn buy(client: &Client, user: u64, lines: &[(u64, u32)], wait_ms: u32) -> Result<Hold, Refusal> {
    let lines = lines.iter().map(|&(sku, quantity)| Line { sku, quantity, ..Line::default() }).collect();
    let cart = ReserveOrder { user, wait_ms, lines, ..ReserveOrder::default() };
    match client.reserve_order(&cart).await.expect("an answer") {
        Outcome::Done(hold) => Ok(hold),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

#[tokio::test]
async fn a_limit_over_a_group_counts_all_its_skus() {
    let (_server, client) = shop(9).await;
    let first = held(&client, &wish(1, sku(1), 1)).await;
    let second = held(&client, &wish(1, sku(2), 1)).await;
    assert_eq!(confirm(&client, paid_by(second.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    let refusal = refused(&client, &wish(1, sku(3), 1)).await;
    assert_eq!((refusal.code, refusal.units), (Code::GroupLimit, 0));
    // A SKU of no group counts alone: the limit is as good as one of its own.
    held(&client, &wish(1, 1, 2)).await;
    assert_eq!(refused(&client, &wish(1, 1, 1)).await.code, Code::UserLimit);
    // Another shopper has a count of his own, and what is given back counts no more.
    held(&client, &wish(2, sku(3), 2)).await;
    cancel(&client, first.order, 1).await.unwrap();
    held(&client, &wish(1, sku(3), 1)).await;
}

#[tokio::test]
async fn lines_of_an_order_count_together() {
    let (_server, client) = shop(9).await;
    let refusal = buy(&client, 1, &[(sku(1), 1), (sku(2), 1), (sku(3), 1)], 0).await.unwrap_err();
    assert_eq!((refusal.code, refusal.units), (Code::GroupLimit, 2));
    // The group's SKUs and the one of no group are counted apart.
    let hold = buy(&client, 1, &[(sku(1), 1), (sku(2), 1), (1, 2)], 0).await.unwrap();
    assert_eq!(refused(&client, &wish(1, sku(3), 1)).await.code, Code::GroupLimit);
    cancel(&client, hold.order, 1).await.unwrap();
    held(&client, &wish(1, sku(3), 2)).await;
}

#[tokio::test]
async fn who_waits_at_his_limit_gets_his_offer_once_he_gave_units_of_the_group_back() {
    let (_server, client) = shop(1).await;
    let (one, two) = (held(&client, &wish(1, sku(1), 1)).await, held(&client, &wish(2, sku(2), 1)).await);
    let waiting = buy(&client, 1, &[(sku(2), 1)], 600_000).await.unwrap();
    assert_eq!(waiting.state, OrderState::Waiting);
    let third = held(&client, &wish(1, sku(3), 1)).await;
    // The unit is free, but he has two of the group: it is offered to nobody, and kept from nobody.
    cancel(&client, two.order, 2).await.unwrap();
    assert_eq!(
        OrderState::from_byte(order(&client, waiting.order, 1).await.state),
        Some(OrderState::Waiting)
    );
    // Another SKU of the group comes back: now he may have it.
    cancel(&client, third.order, 1).await.unwrap();
    assert_eq!(OrderState::from_byte(order(&client, waiting.order, 1).await.state), Some(OrderState::Held));
    assert_eq!(confirm(&client, paid_by(waiting.order, 1, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(confirm(&client, paid_by(one.order, 1, 2, 0)).await, Ok((OrderState::Confirmed, false)));
}
