//! Keys that end while connections stand: rotated, revoked, expired, and the first one that there is.

use doorbuster_gateway::keys::NewKey;
use doorbuster_protocol::{
    Answer, Cancel, Code, Fetch, Kind, Line, PutSku, ReadStock, Reserve, ReserveOrder, Role, Watch,
};

use crate::wire::Peer;
use crate::{SKU, UNITS, World, named, without_keys};

const HOUR: u64 = 60 * 60 * 1_000;

fn wants(user: u64) -> [Reserve; 1] {
    [Reserve { user, sku: SKU, quantity: 1, ..Reserve::default() }]
}

#[test]
fn an_old_secret_counts_until_its_overlap_is_over_and_the_new_one_from_the_start() {
    let world = World::new();
    let first = world.create("shop", Role::Storefront, &[]);
    let mut old = world.with(&first);
    let second = world.change(|ring, now_ms| ring.rotate(&named("shop"), HOUR, now_ms));
    let mut new = world.with(&second);
    assert_eq!(old.codes(Kind::Reserve, &wants(1)), ["OK"], "nobody is cut off");
    assert_eq!(new.codes(Kind::Reserve, &wants(2)), ["OK"]);
    let end = world.now_ms() + HOUR;
    assert_eq!(old.prove(&first).expect("it counts still").ends_at, end);
    world.server.clock().advance(HOUR - 1);
    assert_eq!(old.codes(Kind::Reserve, &wants(3)), ["OK"], "to the last millisecond");
    world.server.clock().advance(1);
    assert_eq!(old.refused(Kind::Reserve, &wants(4)).0, Code::Unauthenticated);
    assert_eq!(old.prove(&first).unwrap_err().0, Code::Unauthenticated);
    assert_eq!(new.codes(Kind::Reserve, &wants(5)), ["OK"]);
    old.prove(&second).expect("the new one counts on the old connection");
    assert_eq!(old.codes(Kind::Reserve, &wants(6)), ["OK"]);
    let third = world.change(|ring, now_ms| ring.rotate(&named("shop"), 0, now_ms));
    for peer in [&mut old, &mut new] {
        assert_eq!(peer.refused(Kind::Reserve, &wants(7)).0, Code::Unauthenticated, "an overlap of nothing");
    }
    assert_eq!(world.with(&third).codes(Kind::Reserve, &wants(8)), ["OK"]);
    world.server.stop();
}

#[test]
fn a_key_ends_for_its_connections_when_it_was_said_to() {
    let world = World::new();
    let expires_at_ms = Some(world.now_ms() + HOUR);
    let guest = NewKey { name: named("guest"), role: Role::Observer, channels: Vec::new(), expires_at_ms };
    let secret = world.change(|ring, now_ms| ring.create(guest, now_ms));
    let mut peer = world.stranger();
    assert_eq!(Some(peer.prove(&secret).expect("it counts").ends_at), expires_at_ms);
    let read = [ReadStock { sku: SKU }];
    world.server.clock().advance(HOUR - 1);
    let _stock: Vec<doorbuster_protocol::StockView> = peer.ask(Kind::ReadStock, &read);
    world.server.clock().advance(1);
    assert_eq!(peer.refused(Kind::ReadStock, &read).0, Code::Unauthenticated);
    peer.is_quiet_and_alive();
    world.server.stop();
}

#[test]
fn a_revoked_key_takes_the_rights_of_its_connections_and_of_no_others() {
    let world = World::new();
    let secret = world.create("shop", Role::Storefront, &[]);
    let (mut one, mut two, mut other) =
        (world.with(&secret), world.with(&secret), world.peer(Role::Storefront));
    for peer in [&mut one, &mut two, &mut other] {
        assert_eq!(peer.codes(Kind::Reserve, &wants(1)), ["OK"]);
    }
    world.revoke("shop");
    for peer in [&mut one, &mut two] {
        assert_eq!(peer.refused(Kind::Reserve, &wants(2)).0, Code::Unauthenticated);
        assert_eq!(peer.prove(&secret).unwrap_err().0, Code::Unauthenticated);
    }
    assert_eq!(other.codes(Kind::Reserve, &wants(3)), ["OK"]);
    // The last ones go, too: the server doesn't open.
    for &role in Role::ALL {
        world.revoke(role.name());
    }
    assert_eq!(other.refused(Kind::Reserve, &wants(4)).0, Code::Unauthenticated);
    assert_eq!(world.stranger().refused(Kind::Reserve, &wants(5)).0, Code::Unauthenticated);
    world.server.stop();
}

/// An order that waits for units of a SKU of which there is one, which somebody else holds: the two orders.
fn waiting(shop: &mut Peer, operator: &mut Peer) -> (u64, u64) {
    let put = PutSku { sku: 50, units: 1, ..PutSku::default() };
    assert_eq!(operator.codes(Kind::PutSku, &[put]), ["OK"]);
    let line = Line { sku: 50, quantity: 1, ..Line::default() };
    let order = |user, wait_ms| ReserveOrder { user, wait_ms, lines: vec![line], ..ReserveOrder::default() };
    let held: Vec<Answer> = operator.ask(Kind::ReserveOrder, &[order(1, 0)]);
    let waits: Vec<Answer> = shop.ask(Kind::ReserveOrder, &[order(2, 60_000)]);
    assert_eq!(waits[0].code(), Ok(Code::Waitlisted));
    (held[0].order, waits[0].order)
}

#[test]
fn who_watches_with_a_key_that_is_revoked_is_told_nothing_more() {
    let world = World::new();
    let secret = world.create("shop", Role::Storefront, &[]);
    let (mut shop, mut operator) = (world.with(&secret), world.peer(Role::Operator));
    let (held, waits) = waiting(&mut shop, &mut operator);
    let watch = Watch { order: waits, user: 2 };
    for peer in [&mut shop, &mut operator] {
        assert_eq!(peer.codes(Kind::Watch, &[watch]), ["OK"]);
    }
    world.revoke("shop");
    let given_back = Cancel { order: held, user: 1, reason: 0 };
    operator.send(Kind::Cancel, &[given_back]);
    let kinds = [operator.frame().0.kind, operator.frame().0.kind];
    assert!(kinds.contains(&Kind::Cancelled) && kinds.contains(&Kind::Push), "who may is told: {kinds:?}");
    shop.is_quiet_and_alive();
    assert_eq!(
        world.server.server().stats().map(doorbuster_gateway::ReactorStats::orders_watched).sum::<u64>(),
        0
    );
    world.server.stop();
}

#[test]
fn a_fetch_that_waits_at_the_feed_brings_nothing_once_its_key_is_revoked() {
    let world = World::new();
    let secret = world.create("warehouse", Role::Feed, &[]);
    let mut feed = world.with(&secret);
    let end = world.server.server().engine().journal().durable();
    let correlation = feed.send(Kind::Fetch, &[Fetch { from: end, wait_ms: 10_000, ..Fetch::default() }]);
    feed.is_quiet_and_alive();
    world.revoke("warehouse");
    assert_eq!(world.peer(Role::Storefront).codes(Kind::Reserve, &wants(1)), ["OK"]);
    let (code, message) = feed.fault(correlation);
    assert_eq!(code, Code::Unauthenticated);
    assert_eq!(message, "the key of this connection was revoked or has ended");
    world.server.stop();
}

#[test]
fn the_first_key_closes_the_door_behind_those_inside() {
    let (server, file, _folder) = without_keys();
    let mut inside = Peer::greeted(server.address());
    let put = PutSku { sku: SKU, units: UNITS, ..PutSku::default() };
    assert_eq!(inside.codes(Kind::PutSku, &[put]), ["OK"]);
    let new = NewKey { name: named("ops"), role: Role::Operator, channels: Vec::new(), expires_at_ms: None };
    let secret = file.change(|ring| ring.create(new, 1)).expect("the file can be written");
    assert_eq!(inside.codes(Kind::Reserve, &wants(1)), ["OK"], "nobody has looked");
    assert!(server.server().look_at_keys().expect("the file is good") && server.server().has_keys());
    assert_eq!(inside.refused(Kind::Reserve, &wants(2)).0, Code::Unauthenticated);
    inside.prove(&secret).expect("the key counts");
    assert_eq!(inside.codes(Kind::Reserve, &wants(3)), ["OK"]);
    server.stop();
}

#[test]
fn a_file_that_goes_bad_takes_nobodys_rights_and_gives_nobody_any() {
    let world = World::new();
    let mut shop = world.peer(Role::Storefront);
    let good = std::fs::read(world.file.path()).expect("it is there");
    for bad in [&b"{}"[..], b"", b"{\"schema_version\": 1, \"keys\": []}"] {
        std::fs::write(world.file.path(), bad).expect("it can be written");
        assert!(world.server.server().look_at_keys().is_err());
        assert_eq!(shop.codes(Kind::Reserve, &wants(1)), ["OK"]);
        assert_eq!(world.stranger().refused(Kind::Reserve, &wants(2)).0, Code::Unauthenticated);
    }
    std::fs::remove_file(world.file.path()).expect("it is there");
    let gone = world.server.server().look_at_keys().expect_err("it is gone").to_string();
    assert!(gone.contains("is gone: the keys that counted still count"), "{gone}");
    assert_eq!(shop.codes(Kind::Reserve, &wants(3)), ["OK"]);
    std::fs::write(world.file.path(), good).expect("it can be written");
    let open =
        world.server.server().look_at_keys().expect_err("a file made so is open to others").to_string();
    assert!(open.contains("run `chmod 600"), "{open}");
    world.server.stop();
}
