//! A line for each thing that an operator does, and no key in any line.

use doorbuster_gateway::http;
use doorbuster_protocol::{
    Auth, FreezeSku, Kind, PutSku, ReadStock, Reserve, Restock, Role, Secret, StockView,
};

use crate::World;
use crate::logged::{lines, listen, told};

#[test]
fn each_thing_that_an_operator_does_leaves_one_line_with_who_where_what_and_what_came_of_it() {
    listen();
    let world = World::new();
    let secret = world.create("alice", Role::Operator, &[]);
    let mut alice = world.with(&secret);
    // Numbers that nobody else in this process uses.
    let put = |sku| PutSku { sku, units: 5, ..PutSku::default() };
    let batch: Vec<PutSku> = (7_100..7_120).map(put).collect();
    assert!(alice.codes(Kind::PutSku, &batch).iter().all(|code| *code == "OK"));
    let other = PutSku { units: 6, ..put(7_100) };
    assert_eq!(alice.codes(Kind::PutSku, &[other, put(7_120)]), ["SKU_EXISTS", "OK"]);
    let freeze = FreezeSku { sku: 7_100, frozen: 1, by: 1, reason: 2 };
    assert_eq!(alice.codes(Kind::FreezeSku, &[freeze]), ["OK"]);
    let put_lines = lines(&["who=\"alice\"", "what=\"PUT_SKU\""]);
    assert_eq!(put_lines.len(), 2, "a frame has one: {put_lines:?}");
    for part in
        ["from=127.0.0.1:", "on=\"SKU 7100, SKU 7101", " and 12 more\"", "operations=20", "outcome=\"OK\""]
    {
        assert!(put_lines[0].contains(part), "{part} is not in {}", put_lines[0]);
    }
    assert!(put_lines[1].contains("outcome=\"1 SKU_EXISTS, 1 OK\""), "{}", put_lines[1]);
    let frozen = lines(&["who=\"alice\"", "what=\"FREEZE_SKU\"", "on=\"freeze SKU 7100\"", "outcome=\"OK\""]);
    assert_eq!(frozen.len(), 1, "{frozen:?}");
    // Orders and reads leave none.
    let before = lines(&["who=\"alice\""]).len();
    let wants = Reserve { user: 1, sku: 7_110, quantity: 1, ..Reserve::default() };
    assert_eq!(alice.codes(Kind::Reserve, &[wants]), ["OK"]);
    let _stock: Vec<StockView> = alice.ask(Kind::ReadStock, &[ReadStock { sku: 7_110 }]);
    assert_eq!(lines(&["who=\"alice\""]).len(), before);
    // A frame that came too late did nothing, and says so.
    alice.send_late(Kind::Restock, &[Restock { sku: 7_111, units: 1, ..Restock::default() }]);
    let _late = alice.frame();
    assert_eq!(lines(&["what=\"RESTOCK\"", "on=\"SKU 7111\"", "outcome=\"DEADLINE_EXCEEDED\""]).len(), 1);
    world.server.stop();
}

#[test]
fn a_wish_at_the_admin_port_leaves_one_line_and_a_look_leaves_none() {
    listen();
    let world = World::new();
    let secret = world.create("bob", Role::Operator, &[]);
    let port = http::Port { key: Some(secret), ..world.admin().into() };
    let wish = "{\"user_limit\": 3, \"order_limit\": 0, \"by\": 4711, \"reason\": 1}\nforged";
    assert_eq!(
        http::post(port.clone(), "/api/v1/skus/7/limits", wish.lines().next().unwrap()).unwrap().0,
        200
    );
    assert_eq!(http::post(port.clone(), "/breakers", wish).unwrap().0, 400);
    assert_eq!(http::get(port, "/breakers").unwrap().0, 200);
    let done = lines(&[
        "who=\"bob\"",
        "what=\"POST /api/v1/skus/7/limits\"",
        "4711",
        "outcome=200",
        "from=127.0.0.1:",
    ]);
    let refused = lines(&["who=\"bob\"", "what=\"POST /breakers\"", "outcome=400"]);
    assert_eq!(
        (done.len(), refused.len(), lines(&["who=\"bob\""]).len()),
        (1, 1, 2),
        "{:?}",
        lines(&["bob"])
    );
    assert!(refused[0].contains("\\nforged"), "a body can't begin a line of its own: {}", refused[0]);
    world.server.stop();
}

#[test]
fn what_is_not_allowed_is_told_and_a_change_of_keys_is() {
    listen();
    let world = World::new();
    let secret = world.create("carol", Role::Storefront, &[]);
    let mut carol = world.with(&secret);
    let put = PutSku { sku: 1, units: 1, ..PutSku::default() };
    assert_eq!(carol.refused(Kind::PutSku, &[put]).0.name(), "FORBIDDEN");
    assert_eq!(
        lines(&["WARN", "not allowed", "who=\"carol\"", "what=\"PUT_SKU\"", "outcome=\"FORBIDDEN\""]).len(),
        1
    );
    world.change(|ring, now_ms| ring.rotate(&"carol".parse().unwrap(), 0, now_ms));
    world.revoke("carol");
    for on in ["on=\"created carol\"", "on=\"rotated carol\"", "on=\"revoked carol\""] {
        assert_eq!(lines(&["keys have changed", on]).len(), 1, "{on}");
    }
    world.server.stop();
}

#[test]
fn no_line_has_a_key_in_it_right_or_wrong() {
    listen();
    let world = World::new();
    let wrong = Secret::new([0x5A; 32]);
    let mut peer = world.stranger();
    assert!(peer.prove(&wrong).is_err());
    peer.send(Kind::Auth, &[Auth { secret: wrong.clone() }, Auth { secret: wrong.clone() }]);
    let _refused = peer.frame();
    for secret in world.secrets.iter().map(|(_, secret)| secret).chain([&wrong]) {
        let port = http::Port { key: Some(secret.clone()), ..world.admin().into() };
        drop(http::post(port.clone(), "/reload", "").unwrap());
        drop(http::get(port, "/metrics").unwrap());
        drop(world.stranger().prove(secret));
    }
    let told = told();
    assert!(told.contains("a wrong key"), "it is told that there was one");
    for secret in world.secrets.iter().map(|(_, secret)| secret).chain([&wrong]) {
        let text = secret.reveal();
        assert!(!told.contains(&text[4..]) && !told.contains(&text[4..36]), "a key is in the log");
        let bytes = format!("{:?}", secret.bytes());
        assert!(!told.contains(&bytes[1..60]), "a key's bytes are in the log");
    }
    world.server.stop();
}
