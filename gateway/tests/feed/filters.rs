//! What a filter lets through: the same as a naive one over the whole feed.

use std::collections::BTreeSet;

use doorbuster_client::{Error, EventKind, Feed, FeedEvent, Levels};
use doorbuster_ledger::{BudgetId, CouponBatch, OrderNumber, PartitionId, SkuId};
use rand::RngExt;

use crate::workload::{Crowd, SKUS, USERS};
use crate::{connect, no_wait, rest, start};

/// What a filter names.
#[derive(Clone, Copy, Default)]
struct Named {
    user: Option<u64>,
    sku: Option<u64>,
}

/// Whether it is about a budget, or a batch of coupons: about no order, and no SKU.
fn of_a_budget(kind: EventKind) -> bool {
    (EventKind::BudgetOpened..=EventKind::BudgetFilled).contains(&kind) || kind == EventKind::CouponsIssued
}

/// Whether the order has several lines.
fn several(event: &FeedEvent) -> bool {
    OrderNumber::new(event.order).is_composite()
}

/// Follows orders over the whole feed and keeps the positions of what fits.
fn naive(all: &[FeedEvent], Named { user, sku }: Named) -> Vec<u64> {
    let mut orders = BTreeSet::new();
    let mut positions = Vec::new();
    for event in all {
        let of_user = user.is_none_or(|user| event.user == user);
        let of_sku = sku.is_none_or(|sku| event.sku == sku);
        let fitting = match event.kind().unwrap() {
            EventKind::Reserved | EventKind::Waitlisted => {
                of_user && (of_sku && !several(event) || sku.is_none())
            }
            EventKind::LineHeld
            | EventKind::LineReleased
            | EventKind::LineSold
            | EventKind::LineCut
            | EventKind::LineDropped
            | EventKind::LineShipped
            | EventKind::LineCancelled
            | EventKind::LineReturned => of_user && of_sku,
            // They don't name the shopper.
            EventKind::Shorted | EventKind::Covered => {
                of_sku && (user.is_none() || orders.contains(&event.order))
            }
            EventKind::GraceGranted => true,
            kind if of_a_budget(kind) => false,
            EventKind::Checkpoint
            | EventKind::PhasePut
            | EventKind::PlanActivated
            | EventKind::CampaignStood
            | EventKind::PhaseEntered => false,
            EventKind::SkuBound
            | EventKind::PriceSet
            | EventKind::LimitsSet
            | EventKind::FreezeSet
            | EventKind::SkuPut
            | EventKind::Restocked
            | EventKind::ChannelSet
            | EventKind::Rebalanced
            | EventKind::Counted
            | EventKind::WrittenOff
            | EventKind::Inspected => user.is_none() && of_sku,
            _ => orders.contains(&event.order),
        };
        if fitting {
            orders.insert(event.order);
            positions.push(event.position);
        }
    }
    positions
}

/// The budget, or the batch of coupons, that an event is about.
fn about(event: &FeedEvent) -> u32 {
    u32::try_from(event.to).unwrap()
}

/// Whether an event's units, or else its order, are of this partition.
fn of_partition(event: &FeedEvent, partition: PartitionId) -> bool {
    let order = OrderNumber::new(event.order);
    match event.kind().unwrap() {
        EventKind::GraceGranted => true,
        EventKind::Checkpoint
        | EventKind::PhasePut
        | EventKind::PlanActivated
        | EventKind::CampaignStood
        | EventKind::PhaseEntered => false,
        EventKind::CouponsIssued => CouponBatch::new(about(event)).unwrap().partition() == partition,
        kind if of_a_budget(kind) => BudgetId::new(about(event)).unwrap().partition() == partition,
        _ if event.sku != 0 => PartitionId::of(SkuId::new(event.sku)) == partition,
        _ => order.partition() == partition,
    }
}

/// Where the events stand that a feed gives; of those that were there when `all` was read, as holds that are due end meanwhile.
async fn positions(feed: Feed, all: &[FeedEvent]) -> Vec<u64> {
    let events = rest(&mut no_wait(feed)).await.unwrap();
    events.iter().map(|event| event.position).filter(|at| *at < all.len() as u64).collect()
}

#[tokio::test]
async fn filters_let_through_what_they_name_from_any_position_on() {
    let seed = 7;
    println!("seed {seed}");
    let mut crowd = Crowd::new(seed);
    let server = start();
    let client = connect(&server).await;
    crowd.set_up(&client).await;
    crowd.act(&server, client, 900).await;
    let (storage, clock) = server.stop();
    let server = doorbuster_gateway::testing::Server::start_on(storage, clock, |_| {});
    let client = connect(&server).await;
    let all = rest(&mut no_wait(client.feed(0))).await.unwrap();
    assert!(all.len() > 300, "{}", all.len());
    assert!(all.iter().any(|event| event.kind() == Some(EventKind::LineSold)), "lines are part of it");
    for _ in 0..30 {
        let from = crowd.random.random_range(0..all.len() as u64);
        let later = |found: Vec<u64>| found.into_iter().filter(|at| *at >= from).collect::<Vec<_>>();
        let (user, sku) = (crowd.random.random_range(1..=USERS), crowd.random.random_range(1..=SKUS));
        let batch = crowd.random.random_range(1..20);
        let feed = || client.feed(from).batch(batch);

        let named = Named { user: Some(user), sku: None };
        let expected = naive(&all, named);
        assert_eq!(positions(feed().user(user), &all).await, later(expected), "user {user} from {from}");
        let named = Named { user: None, sku: Some(sku) };
        let expected = naive(&all, named);
        assert_eq!(positions(feed().sku(sku), &all).await, later(expected), "SKU {sku} from {from}");
        let named = Named { user: Some(user), sku: Some(sku) };
        let expected = naive(&all, named);
        assert_eq!(positions(feed().sku(sku).user(user), &all).await, later(expected), "both from {from}");

        let partition = PartitionId::of(SkuId::new(sku));
        let of_it = all.iter().filter(|event| of_partition(event, partition));
        let expected: Vec<u64> = of_it.map(|event| event.position).collect();
        assert_eq!(positions(feed().partition(partition.raw()), &all).await, later(expected));

        let order = all[crowd.random.random_range(0..all.len())].order;
        if order != 0 {
            let of_it = all.iter().filter(|event| {
                event.order == order
                    || (event.kind() == Some(EventKind::Superseded) && event.to == order)
                    || event.kind() == Some(EventKind::GraceGranted)
            });
            let expected: Vec<u64> = of_it.map(|event| event.position).collect();
            assert_eq!(
                positions(feed().order(order), &all).await,
                later(expected),
                "order {order} from {from}"
            );
        }
        let kinds = [EventKind::Confirmed, EventKind::Checkpoint];
        let of_kind = all.iter().filter(|event| kinds.contains(&event.kind().unwrap()));
        let expected: Vec<u64> = of_kind.map(|event| event.position).collect();
        assert_eq!(positions(feed().kinds(&kinds), &all).await, later(expected));
    }
    server.stop();
}

#[tokio::test]
async fn levels_of_one_sku_or_partition_are_those_of_the_whole() {
    let seed = 8;
    println!("seed {seed}");
    let mut crowd = Crowd::new(seed);
    let server = start();
    let client = connect(&server).await;
    crowd.set_up(&client).await;
    crowd.act(&server, client, 600).await;
    let client = connect(&server).await;
    let mut whole = Levels::default();
    let all = rest(&mut no_wait(client.feed(0))).await.unwrap();
    for event in &all {
        whole.apply(event).unwrap();
    }
    let end = all.last().unwrap().position;
    for sku in 1..=SKUS {
        let partition = PartitionId::of(SkuId::new(sku)).raw();
        for feed in [client.feed(0).sku(sku), client.feed(0).partition(partition)] {
            let mut part = Levels::default();
            let events = rest(&mut no_wait(feed)).await.unwrap();
            for event in events.iter().filter(|event| event.position <= end) {
                part.apply(event).unwrap();
            }
            assert_eq!(part.level(sku), whole.level(sku), "SKU {sku}");
        }
    }
    server.stop();
}

#[tokio::test]
async fn a_partition_that_does_not_exist_is_refused_before_it_is_sent() {
    let server = start();
    let client = connect(&server).await;
    let refused = client.feed(0).partition(4_096).next_batch().await;
    assert_eq!(refused, Err(Error::Invalid("a partition is below 4096")));
    server.stop();
}
