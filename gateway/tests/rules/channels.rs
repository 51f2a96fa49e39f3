//! What sales channels may have of a SKU.

use doorbuster_client::{
    Client, Code, Field, Line, OrderState, PutSku, ReadChannels, Rebalance, Reserve, ReserveOrder, SetChannel,
};

use crate::{
    SKU, START, accounts, ask, cancel, confirm, connect, held, order, paid_by, refused, set_up, shop, wish,
};

const NO_CAP: u64 = u64::MAX;

fn rules(channel: u16, guarantee: u64, cap: u64) -> SetChannel {
    SetChannel { sku: SKU, guarantee, cap, release_at: 0, channel, ..SetChannel::default() }
}

async fn set(client: &Client, rules: SetChannel) -> Result<bool, (Code, Option<Field>, u64)> {
    match client.set_channel(&rules).await.expect("an answer") {
        doorbuster_client::Outcome::Done(applied) => Ok(applied.replayed),
        doorbuster_client::Outcome::Refused(refusal) => Err((refusal.code, refusal.field, refusal.units)),
    }
}

fn through(channel: u16, user: u64, quantity: u32) -> Reserve {
    Reserve { channel, ..wish(user, quantity) }
}

/// Guarantee, units taken and units that it may take.
async fn levels(client: &Client, channel: u16) -> (u64, u64, u64) {
    let read = client.read_channel(SKU, channel).await.expect("an answer").done().expect("the SKU is there");
    (read.guarantee, read.taken, read.available)
}

#[tokio::test]
async fn a_hog_cannot_take_what_is_guaranteed_to_others_nor_more_than_its_cap() {
    let (_server, client) = shop(10).await;
    assert_eq!(set(&client, rules(1, 4, NO_CAP)).await, Ok(false));
    assert_eq!(set(&client, rules(1, 4, NO_CAP)).await, Ok(true));
    assert_eq!(set(&client, SetChannel { by: 7, reason: 8, ..rules(1, 4, NO_CAP) }).await, Ok(true));
    assert_eq!(set(&client, rules(2, 2, 3)).await, Ok(false));
    for user in 0..4 {
        held(&client, &through(9, user, 1)).await;
    }
    let refusal = refused(&client, &through(9, 50, 1)).await;
    assert_eq!((refusal.code, refusal.units), (Code::ChannelExhausted, 0));
    assert_eq!(levels(&client, 9).await, (0, 4, 0));
    assert_eq!(levels(&client, 1).await, (4, 0, 4));
    // A channel with a guarantee shares what is left, too; there is nothing.
    let refusal = refused(&client, &through(1, 60, 5)).await;
    assert_eq!((refusal.code, refusal.units), (Code::ChannelExhausted, 4));
    let first = held(&client, &through(1, 60, 4)).await;
    held(&client, &through(2, 70, 2)).await;
    assert_eq!(refused(&client, &through(2, 71, 1)).await.code, Code::SoldOut);
    // What comes back to a channel is kept for it again.
    cancel(&client, first.order, 60).await.unwrap();
    assert_eq!(levels(&client, 1).await, (4, 0, 4));
    assert_eq!(refused(&client, &through(9, 51, 1)).await.code, Code::ChannelExhausted);
    let again = held(&client, &through(1, 61, 3)).await;
    assert_eq!(confirm(&client, paid_by(again.order, 61, 1, 0)).await, Ok((OrderState::Confirmed, false)));
    assert_eq!(levels(&client, 1).await, (4, 3, 1));
}

#[tokio::test]
async fn what_is_left_of_a_guarantee_sells_to_all_after_its_release() {
    let (server, client) = shop(3).await;
    set(&client, SetChannel { release_at: START + 60_000, ..rules(1, 2, NO_CAP) }).await.unwrap();
    held(&client, &through(9, 1, 1)).await;
    let wait = ReserveOrder {
        user: 2,
        channel: 9,
        wait_ms: 600_000,
        lines: vec![Line { sku: SKU, quantity: 1, ..Line::default() }],
        ..ReserveOrder::default()
    };
    let waiting = client.reserve_order(&wait).await.unwrap().done().unwrap();
    assert_eq!(waiting.state, OrderState::Waiting);
    server.clock().advance(59_999);
    let client = connect(&server).await;
    assert_eq!(refused(&client, &through(9, 3, 1)).await.code, Code::ChannelExhausted);
    server.clock().advance(1);
    let client = connect(&server).await;
    // He who waited comes before any newcomer.
    let newcomer = ask(&client, &through(9, 3, 2)).await;
    assert_eq!(newcomer.refusal().unwrap().code, Code::Insufficient);
    assert_eq!(order(&client, waiting.order, 2).await.state, OrderState::Held.byte());
    held(&client, &through(9, 3, 1)).await;
    assert_eq!(accounts(&client).await, (0, 3, 0));
}

#[tokio::test]
async fn a_guarantee_is_moved_as_far_as_it_is_left_and_once() {
    let (_server, client) = shop(10).await;
    set(&client, rules(1, 6, NO_CAP)).await.unwrap();
    set(&client, rules(2, 1, 5)).await.unwrap();
    held(&client, &through(1, 1, 2)).await;
    let ask = Rebalance { sku: SKU, units: 9, keep: 1, expected: 6, from: 1, to: 2, reason: 7, by: 5 };
    let moved = client.rebalance(&ask).await.unwrap().done().unwrap();
    assert_eq!(moved.units, 3, "two are taken and one is kept");
    assert_eq!((levels(&client, 1).await, levels(&client, 2).await), ((3, 2, 4), (4, 0, 5)));
    let again = *client.rebalance(&ask).await.unwrap().refusal().unwrap();
    assert_eq!((again.code, again.units), (Code::CasMismatch, 3));
    let nothing = Rebalance { expected: 3, ..ask };
    assert_eq!(client.rebalance(&nothing).await.unwrap().refusal().unwrap().code, Code::OverAllotted);
    let itself = Rebalance { expected: 3, to: 1, ..ask };
    let refusal = *client.rebalance(&itself).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.field), (Code::BadRequest, Some(Field::Channel)));
}

#[tokio::test]
async fn rules_that_cannot_hold_are_refused() {
    let (_server, client) = shop(3).await;
    assert_eq!(set(&client, rules(1, 4, NO_CAP)).await, Err((Code::OverAllotted, None, 3)));
    assert_eq!(set(&client, rules(1, 2, 1)).await, Err((Code::BadRequest, Some(Field::Cap), 0)));
    let unknown = SetChannel { sku: 99, ..rules(1, 1, 1) };
    assert_eq!(set(&client, unknown).await, Err((Code::UnknownSku, None, 0)));
    set_up(&client, PutSku { sku: 2, units: 5, ..PutSku::default() }).await;
    held(&client, &Reserve { sku: 2, ..wish(1, 1) }).await;
    let late = SetChannel { sku: 2, ..rules(1, 1, 1) };
    assert_eq!(set(&client, late).await, Err((Code::TooLate, None, 0)));
    // What is guaranteed can't be withdrawn.
    set(&client, rules(1, 2, NO_CAP)).await.unwrap();
    let withdraw =
        doorbuster_client::Restock { sku: SKU, units: -2, ..doorbuster_client::Restock::default() };
    let refusal = *client.restock(&withdraw).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.units), (Code::Insufficient, 1));
}

#[tokio::test]
async fn a_line_of_an_order_keeps_to_its_channel() {
    let (_server, client) = shop(4).await;
    set_up(&client, PutSku { sku: 2, units: 4, ..PutSku::default() }).await;
    set(&client, rules(1, 3, NO_CAP)).await.unwrap();
    let line = |sku, quantity| Line { sku, quantity, ..Line::default() };
    let cart = |channel, quantity| ReserveOrder {
        user: 1,
        channel,
        lines: vec![line(SKU, quantity), line(2, 1)],
        ..ReserveOrder::default()
    };
    let refusal = *client.reserve_order(&cart(9, 2)).await.unwrap().refusal().unwrap();
    assert_eq!((refusal.code, refusal.order, refusal.units), (Code::ChannelExhausted, SKU, 1));
    let hold = client.reserve_order(&cart(1, 3)).await.unwrap().done().unwrap();
    assert_eq!(levels(&client, 1).await, (3, 3, 1));
    // His own units count as given back when they are swapped.
    let swap = ReserveOrder { supersedes: hold.order, ..cart(1, 4) };
    let swapped = client.reserve_order(&swap).await.unwrap().done().unwrap();
    assert_eq!(levels(&client, 1).await, (3, 4, 0));
    cancel(&client, swapped.order, 1).await.unwrap();
    assert_eq!(levels(&client, 1).await, (3, 0, 4));
}

#[tokio::test]
async fn all_channels_of_a_sku_are_listed_by_number_page_by_page() {
    let (_server, client) = shop(200).await;
    let page =
        async |first| client.read_channels(&ReadChannels { sku: SKU, first }).await.expect("an answer");
    held(&client, &through(900, 9, 1)).await;
    let none = page(0).await.done().expect("the SKU is there");
    assert_eq!((none.code, none.count, none.more, none.sku), (1_000, 0, 0, SKU), "no channel has rules");
    let unknown = client.read_channels(&ReadChannels { sku: 99, first: 0 }).await.unwrap();
    assert_eq!(unknown.refusal().unwrap().code, Code::UnknownSku);
    let unknown = client.read_channel_levels(99, 9).await.unwrap();
    assert_eq!(unknown.refusal().unwrap().code, Code::UnknownSku);

    // Rules for the even numbers, and sales through odd ones, of which the last number is one.
    set_up(&client, PutSku { sku: 2, units: 200, ..PutSku::default() }).await;
    for channel in (0..60).rev().step_by(2).map(|odd| odd - 1) {
        set(&client, SetChannel { sku: 2, ..rules(channel, 1, NO_CAP) }).await.unwrap();
    }
    for channel in [7, 1, 41, u16::MAX] {
        held(&client, &Reserve { sku: 2, ..through(channel, u64::from(channel), 2) }).await;
    }
    let mut wanted: Vec<u16> = (0..60).step_by(2).chain([1, 7, 41, u16::MAX]).collect();
    wanted.sort_unstable();
    let first = client.read_channels(&ReadChannels { sku: 2, first: 0 }).await.unwrap().done().unwrap();
    assert_eq!((first.count, first.more, &first.channels[..]), (32, 1, &wanted[..32]));
    let then = ReadChannels { sku: 2, first: first.channels[31] + 1 };
    let rest = client.read_channels(&then).await.unwrap().done().unwrap();
    assert_eq!((rest.count, rest.more, &rest.channels[..3]), (2, 0, &[58, u16::MAX, 0][..]));

    let levels = client.read_channel_levels(2, 1_000).await.unwrap().done().unwrap();
    assert_eq!(levels.iter().map(|level| level.channel).collect::<Vec<_>>(), wanted);
    let seventh = levels.iter().find(|level| level.channel == 7).unwrap();
    assert_eq!((seventh.guarantee, seventh.taken, seventh.cap), (0, 2, NO_CAP));
    let eighth = levels.iter().find(|level| level.channel == 8).unwrap();
    assert_eq!((eighth.guarantee, eighth.taken), (1, 0));
    for most in [0, 5, 32, 33] {
        let some = client.read_channel_levels(2, most).await.unwrap().done().unwrap();
        assert_eq!(some[..], levels[..most]);
    }
}
