//! The native protocol: what is open, what each role may do, and channels.

use doorbuster_gateway::keys::may;
use doorbuster_protocol::{
    Answer, ChannelView, Code, Field, Kind, Line, ReadChannel, Reserve, ReserveClaims, ReserveDiscounted,
    ReserveOrder, Role, Secret,
};

use crate::wire::Peer;
use crate::{SKU, World, without_keys};

/// Requests that have no need of a key.
const OPEN: [Kind; 3] = [Kind::Hello, Kind::Ping, Kind::Auth];

fn requests() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| kind.is_request() && !OPEN.contains(kind))
}

fn reserve(user: u64) -> Reserve {
    Reserve { user, sku: SKU, quantity: 1, ..Reserve::default() }
}

#[test]
fn without_a_key_every_request_is_refused_before_it_is_read_and_the_connection_stays() {
    let world = World::new();
    let mut stranger = world.stranger();
    for kind in requests() {
        let correlation = stranger.send_empty(kind, 1);
        let (code, message) = stranger.fault(correlation);
        assert_eq!(code, Code::Unauthenticated, "{}", kind.name());
        assert_eq!(message, format!("the server has keys: send AUTH with one before {}", kind.name()));
        stranger.is_quiet_and_alive();
    }
    stranger.greet();
    assert_eq!(stranger.refused(Kind::Reserve, &[reserve(1)]).0, Code::Unauthenticated);
    world.server.stop();
}

#[test]
fn each_role_is_refused_all_that_it_does_not_do_and_nothing_else() {
    let world = World::new();
    for &role in Role::ALL {
        let mut peer = world.peer(role);
        for kind in requests() {
            if may(role, kind) {
                continue;
            }
            let correlation = peer.send_empty(kind, 1);
            let (code, message) = peer.fault(correlation);
            assert_eq!(code, Code::Forbidden, "{} {}", role.name(), kind.name());
            let name = role.name();
            let why = format!("key {name} has the role {name}, which may not send {}", kind.name());
            assert_eq!(message, why);
            peer.is_quiet_and_alive();
        }
        // What it may do is looked at: a frame without a body is no good, and ends the connection.
        for kind in requests().filter(|kind| may(role, *kind) && *kind != Kind::ReadStatus) {
            let mut peer = world.peer(role);
            peer.send_empty(kind, 1);
            let (code, _) = peer.fault(0);
            assert_eq!(code, Code::BadRequest, "{} {}", role.name(), kind.name());
            assert!(peer.came().is_none());
        }
    }
    world.server.stop();
}

#[test]
fn an_answer_sent_by_a_client_is_no_request_whatever_its_key() {
    let world = World::new();
    for mut peer in [world.stranger(), world.peer(Role::Operator)] {
        peer.send_empty(Kind::Reserved, 1);
        assert_eq!(peer.fault(0).0, Code::UnknownOperation);
        assert!(peer.came().is_none());
    }
    world.server.stop();
}

#[test]
fn a_key_may_be_proved_before_the_greeting_behind_it_and_again() {
    let world = World::new();
    let mut peer = Peer::silent(world.server.address());
    let access = peer.prove(world.secret(Role::Observer)).expect("the key counts");
    assert_eq!((access.role, access.ends_at), (Role::Observer.byte(), 0));
    peer.greet();
    assert_eq!(peer.refused(Kind::Reserve, &[reserve(1)]).0, Code::Forbidden);
    let access = peer.prove(world.secret(Role::Storefront)).expect("the key counts");
    assert_eq!(access.role, Role::Storefront.byte());
    assert_eq!(peer.codes(Kind::Reserve, &[reserve(1)]), ["OK"]);
    peer.greet();
    assert_eq!(peer.codes(Kind::Reserve, &[reserve(2)]), ["OK"], "a second greeting takes nothing away");
    let mut ungreeted = Peer::silent(world.server.address());
    ungreeted.prove(world.secret(Role::Operator)).expect("the key counts");
    assert_eq!(ungreeted.refused(Kind::Reserve, &[reserve(3)]).0, Code::HelloRequired);
    world.server.stop();
}

#[test]
fn a_third_wrong_key_ends_the_connection_and_a_right_one_forgives() {
    let world = World::new();
    let mut wrong = *world.secret(Role::Operator).bytes();
    wrong[0] ^= 1;
    let wrong = Secret::new(wrong);
    let mut peer = world.stranger();
    let why = "no key that counts is this one: it was revoked, has ended, or is of another server";
    for _ in 0..2 {
        assert_eq!(peer.prove(&wrong), Err((Code::Unauthenticated, why.to_owned())));
        peer.is_quiet_and_alive();
    }
    peer.prove(world.secret(Role::Storefront)).expect("the key counts");
    for _ in 0..2 {
        assert_eq!(peer.prove(&wrong), Err((Code::Unauthenticated, why.to_owned())));
        assert_eq!(peer.codes(Kind::Reserve, &[reserve(1)]), ["OK"], "what was proved before counts");
    }
    assert_eq!(peer.prove(&wrong), Err((Code::Unauthenticated, why.to_owned())));
    assert!(peer.came().is_none(), "the third in a row");
    world.server.stop();
}

#[test]
fn a_server_without_keys_is_open_and_says_so_to_who_brings_one() {
    let (server, file, _folder) = without_keys();
    let mut peer = Peer::greeted(server.address());
    let told = peer.prove(&Secret::new([1; 32])).unwrap_err();
    let why = "this server has no keys, and needs none: leave AUTH out";
    assert_eq!(told, (Code::Unauthenticated, why.to_owned()));
    for _ in 0..5 {
        assert!(peer.prove(&Secret::new([1; 32])).is_err(), "nobody guesses anything, so nobody is cut off");
    }
    assert_eq!(peer.codes(Kind::Reserve, &[reserve(1)]), ["UNKNOWN_SKU"]);
    assert!(!server.server().has_keys());
    drop(file);
    server.stop();
}

/// New holds of every kind on a channel, and what came of each.
fn holds(peer: &mut Peer, channel: u16) -> Vec<Vec<&'static str>> {
    let plain = Reserve { channel, ..reserve(1) };
    let line = |sku| Line { sku, quantity: 1, ..Line::default() };
    let order =
        ReserveOrder { user: 1, channel, lines: vec![line(SKU), line(SKU + 1)], ..ReserveOrder::default() };
    let claims = ReserveClaims { order: order.clone(), ..ReserveClaims::default() };
    let discounted = ReserveDiscounted { reserve: plain, ..ReserveDiscounted::default() };
    vec![
        peer.codes(Kind::Reserve, &[plain]),
        peer.codes(Kind::ReserveOrder, &[order]),
        peer.codes(Kind::ReserveClaims, &[claims]),
        peer.codes(Kind::ReserveDiscounted, &[discounted]),
    ]
}

#[test]
fn a_bound_storefront_sells_on_its_channels_alone_in_every_kind_of_order() {
    let world = World::new();
    let put = doorbuster_protocol::PutSku { sku: SKU + 1, units: 100, ..Default::default() };
    assert_eq!(world.peer(Role::Operator).codes(Kind::PutSku, &[put]), ["OK"]);
    let bound = world.create("bound", Role::Storefront, &[2, 9]);
    let mut peer = world.with(&bound);
    for channel in [2, 9] {
        assert!(holds(&mut peer, channel).concat().iter().all(|code| *code == "OK"), "{channel}");
    }
    for channel in [0, 1, 3, u16::MAX] {
        assert!(holds(&mut peer, channel).concat().iter().all(|code| *code == "FORBIDDEN"), "{channel}");
    }
    let mixed: Vec<Reserve> = [2, 3, 9, 0].map(|channel| Reserve { channel, ..reserve(9) }).into();
    assert_eq!(peer.codes(Kind::Reserve, &mixed), ["OK", "FORBIDDEN", "OK", "FORBIDDEN"]);
    let refused: Vec<Answer> = peer.ask(Kind::Reserve, &[Reserve { channel: 3, ..reserve(9) }]);
    assert_eq!(refused[0].field, Field::Channel.byte());
    // Payments and cancels take the order's number and its shopper.
    let held: Vec<Answer> = peer.ask(Kind::Reserve, &[Reserve { channel: 2, ..reserve(5) }]);
    let cancel = doorbuster_protocol::Cancel { order: held[0].order, user: 5, reason: 0 };
    assert_eq!(peer.codes(Kind::Cancel, &[cancel]), ["OK"]);
    let read = |channel| [ReadChannel { sku: SKU, channel }];
    let views: Vec<ChannelView> = peer.ask(Kind::ReadChannel, &read(3));
    assert_eq!(views[0].code, Code::Forbidden.number());
    let views: Vec<ChannelView> = peer.ask(Kind::ReadChannel, &read(2));
    assert_ne!(views[0].code, Code::Forbidden.number());
    let mut unbound = world.peer(Role::Storefront);
    assert!(holds(&mut unbound, 3).concat().iter().all(|code| *code == "OK"));
    world.server.stop();
}

#[test]
fn a_forbidden_order_takes_nothing_and_binds_no_request_id() {
    let world = World::new();
    let bound = world.create("bound", Role::Storefront, &[2]);
    let mut peer = world.with(&bound);
    let id = u128::from(world.now_ms()) << 80 | (7 << 76) | (2 << 62) | 5;
    let asked = |channel| Reserve { request_id: id.to_be_bytes(), channel, ..reserve(1) };
    assert_eq!(peer.codes(Kind::Reserve, &[asked(3)]), ["FORBIDDEN"]);
    assert_eq!(peer.codes(Kind::Reserve, &[asked(2)]), ["OK"]);
    assert_eq!(peer.codes(Kind::Reserve, &[asked(2)]), ["REPLAYED"]);
    assert_eq!(peer.codes(Kind::Reserve, &[asked(3)]), ["FORBIDDEN"], "a repeat asks for the same");
    assert_eq!(world.server.server().engine().totals().held, 1);
    world.server.stop();
}
