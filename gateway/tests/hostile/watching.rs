//! Peers that watch more orders than they may, others' orders, or leave.

use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{
    Answer, Cancel, Code, Kind, Line, MAX_BATCH, OrderState, Push, ReserveOrder, Watch, body,
};

use crate::wire::{Peer, Raw};
use crate::{SKU, World, reserve};

/// Orders that one connection may watch.
const EACH: usize = 16_384;

/// Orders of users from `first` on that wait.
fn wait(peer: &mut Peer, first: u64, count: usize) -> Vec<Watch> {
    let wish = |user| ReserveOrder {
        user,
        wait_ms: 600_000,
        lines: vec![Line { sku: SKU, quantity: 1, ..Line::default() }],
        ..ReserveOrder::default()
    };
    let users: Vec<u64> = (first..).take(count).collect();
    let mut orders = Vec::new();
    for users in users.chunks(MAX_BATCH as usize) {
        let wishes: Vec<_> = users.iter().map(|&user| wish(user)).collect();
        let answers: Vec<Answer> = peer.ask(Kind::ReserveOrder, 5, &wishes);
        for (answer, &user) in answers.iter().zip(users) {
            assert_eq!(answer.state, OrderState::Waiting.byte(), "{answer:?}");
            orders.push(Watch { order: answer.order, user });
        }
    }
    orders
}

fn hold_all(peer: &mut Peer) -> Answer {
    let all = doorbuster_protocol::Reserve { quantity: 10, ..reserve(1) };
    let held: Vec<Answer> = peer.ask(Kind::Reserve, 4, &[all]);
    assert_eq!(held[0].code, Code::Ok.number());
    held[0]
}

fn codes(peer: &mut Peer, orders: &[Watch]) -> Vec<Code> {
    let answers: Vec<Answer> = peer.ask(Kind::Watch, 6, orders);
    answers.iter().map(|answer| answer.code().expect("a known code")).collect()
}

#[test]
fn a_connection_watches_so_many_orders_and_no_more() {
    // It is about watching, not about how much is asked at once.
    let mut world = World::on(Server::start_with(|setup| setup.backlog_us = 0));
    let mut peer = world.greeted();
    hold_all(&mut peer);
    let orders = wait(&mut peer, 1_000, EACH + 1);
    let (mine, over) = orders.split_at(EACH);
    for some in mine.chunks(MAX_BATCH as usize) {
        assert!(codes(&mut peer, some).iter().all(|code| *code == Code::Ok));
    }
    assert_eq!(codes(&mut peer, over), [Code::CapacityExceeded]);
    // Somebody else may, and so may this one when it comes anew.
    let mut other = world.greeted();
    assert_eq!(codes(&mut other, over), [Code::Ok]);
    drop(peer);
    let mut peer = world.greeted();
    assert_eq!(codes(&mut peer, over), [Code::Ok]);
    assert_eq!(world.healthy.stock(SKU).waiting, 16_385);
}

#[test]
fn what_others_wait_for_is_not_told_and_a_session_that_is_gone_is_forgotten() {
    let mut world = World::new();
    let mut owner = world.greeted();
    let held = hold_all(&mut owner);
    let orders = wait(&mut owner, 1_000, 2);
    let mut thief = world.greeted();
    let stolen = Watch { user: 7, ..orders[0] };
    assert_eq!(codes(&mut thief, &[stolen, Watch::default()]), [Code::OwnerMismatch, Code::NoSuchOrder]);
    let mut gone = world.greeted();
    assert_eq!(codes(&mut gone, &orders), [Code::Ok, Code::Ok]);
    drop(gone);
    assert_eq!(codes(&mut owner, &orders[1..]), [Code::Ok]);
    let cancel = Cancel { order: held.order, user: 1, reason: 0 };
    let _: Vec<Answer> = world.healthy.ask(Kind::Cancel, 8, &[cancel]);
    let (header, content) = owner.frame();
    assert_eq!((header.kind, header.correlation, header.count), (Kind::Push, 0, 1));
    assert!(header.time > 0, "the position of the offer in the log");
    let push: Push = body::read_one(&header, &content).expect("a whole push");
    assert_eq!(
        (push.order, push.user, push.state),
        (orders[1].order, orders[1].user, OrderState::Held.byte())
    );
    // Nothing came to the thief: the next frame is an answer.
    thief.send(&Raw::new(Kind::Ping.byte(), 9, 0, Vec::new()).bytes());
    assert_eq!(thief.frame().0.kind, Kind::Pong);
}

#[test]
fn a_broken_watch_takes_no_place() {
    let world = World::new();
    let mut peer = world.greeted();
    let mut cut = Raw::of(Kind::Watch, 6, &[Watch { order: 1, user: 1 }; 3]);
    cut.body.truncate(47);
    peer.send(&cut.bytes());
    peer.expect_fault_and_end(Code::BadRequest);
    let mut push = Raw::of(Kind::Push, 6, &[Push::default()]);
    push.count = 1;
    let mut peer = world.greeted();
    peer.send(&push.bytes());
    peer.expect_fault_and_end(Code::UnknownOperation);
    world.end();
}
