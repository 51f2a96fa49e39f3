//! Circuit breakers, as operators set them: who is refused, who is not, and how they let the crowd in again.

use std::net::SocketAddr;

use doorbuster_gateway::http;
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{
    Answer, Cancel, Code, Confirm, FEATURE_BULK_REFUSALS, FLAG_FIRST_ATTEMPT, Header, Kind, OrderState,
    ReadStock, ReserveClaims, ReserveOrder, StockView, body,
};
use serde_json::Value;

use crate::wire::Peer;
use crate::{BURST, SKU, UNITS, cart, code, connect, frame, read, stock, wish};

/// Two shards, so that slowness of this machine may open one of them but not both; no bound for what waits.
fn server() -> Server {
    let server = Server::start_with(|setup| {
        setup.backlog_us = 0;
        setup.reactors = 1;
        setup.shards = 2;
        setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    server
}

/// Status and body of an admin port's answer.
pub(crate) fn get(server: &Server, path: &str) -> (u16, String) {
    http::get(server.server().admin().expect("it was set up"), path).expect("an answer")
}

pub(crate) fn post(server: &Server, path: &str, body: &str) -> (u16, String) {
    http::post(server.server().admin().expect("it was set up"), path, body).expect("an answer")
}

/// Sets breakers, and gives them all.
fn set(server: &Server, wish: &str) -> Vec<Value> {
    let (status, body) = post(server, BREAKERS, wish);
    assert_eq!(status, 200, "{body}");
    breakers(&body)
}

pub(crate) fn breakers(body: &str) -> Vec<Value> {
    let report: Value = serde_json::from_str(body).expect("a document");
    assert_eq!(report["schema_version"], 1);
    report["breakers"].as_array().expect("a list").clone()
}

pub(crate) fn of<'a>(all: &'a [Value], scope: &str, class: &str) -> &'a Value {
    let found = all.iter().find(|one| one["scope"] == scope && one["class"] == class);
    found.unwrap_or_else(|| panic!("{scope} {class} is not among {all:?}"))
}

pub(crate) const BREAKERS: &str = "/breakers";

const RELEASE: &str = r#"{"mode":"automatic"}"#;

#[test]
fn forced_open_for_holds_it_refuses_new_ones_and_nothing_that_was_promised() {
    let server = server();
    let mut peer = connect(&server, 0);
    for number in 1..=3 {
        peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(&server, number)));
    }
    let held = read(&mut peer, 3).answers;
    let all = set(&server, r#"{"mode":"forced-open","class":"reserve"}"#);
    assert_eq!(of(&all, "desk", "reserve")["state"], "FORCED_OPEN");
    assert_eq!(of(&all, "log", "reserve")["mode"], "forced-open");
    assert_eq!(of(&all, "shard-1", "settle")["state"], "CLOSED");

    // A new one, a repeat of a decided one, and one that says to be a repeat and was never decided.
    peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 10, &wish(&server, 10)));
    peer.send(&frame(Kind::Reserve, 0, 11, &wish(&server, 1)));
    peer.send(&frame(Kind::Reserve, 0, 12, &wish(&server, 12)));
    let answers = read(&mut peer, 3).answers;
    for number in [10, 12] {
        let refused = &answers[&number];
        assert_eq!((code(refused), refused.order), (Code::BreakerOpen, 0));
        assert!((8_000..=12_000).contains(&refused.retry_after_ms), "{}", refused.retry_after_ms);
    }
    assert_eq!((code(&answers[&11]), answers[&11].order), (Code::Replayed, held[&1].order));
    let accounts = stock(&server);
    assert_eq!(
        (accounts.held, accounts.available),
        (3, UNITS - 3),
        "nothing was changed, and reads go through"
    );

    let payment_id = wish(&server, 20).request_id;
    let confirm = Confirm { order: held[&1].order, user: 1, payment_id, amount: 0 };
    peer.send(&frame(Kind::Confirm, 0, 20, &confirm));
    peer.send(&frame(Kind::Cancel, 0, 21, &Cancel { order: held[&2].order, user: 2, reason: 0 }));
    let answers = read(&mut peer, 2).answers;
    for (number, state) in [(20, OrderState::Confirmed), (21, OrderState::Cancelled)] {
        assert_eq!((code(&answers[&number]), answers[&number].state), (Code::Ok, state.byte()));
    }
    let all = set(&server, r#"{"mode":"disabled"}"#);
    assert!(all.iter().all(|one| one["state"] == "DISABLED"));
    peer.send(&frame(Kind::Reserve, 0, 12, &wish(&server, 12)));
    assert_eq!(code(&read(&mut peer, 1).answers[&12]), Code::Ok);
    server.stop();
}

#[test]
fn forced_open_it_says_what_became_of_an_order_over_several_shards() {
    let server = server();
    Peer::greeted(server.address()).put_sku(SKU + 1, UNITS);
    let mut peer = connect(&server, 0);
    let cart = |number: u64| cart(&server, number);
    let claims = |number| ReserveClaims::of(cart(number));
    for number in [1, 2, 3] {
        peer.send(&frame(Kind::ReserveOrder, FLAG_FIRST_ATTEMPT, number, &cart(number)));
    }
    peer.send(&frame(Kind::ReserveClaims, FLAG_FIRST_ATTEMPT, 4, &claims(4)));
    let held = read(&mut peer, 4).answers;
    let payment_id = wish(&server, 20).request_id;
    let confirm = |number: u64| Confirm { order: held[&number].order, user: number, payment_id, amount: 0 };
    let cancel = |number: u64| Cancel { order: held[&number].order, user: number, reason: 0 };
    peer.send(&frame(Kind::Confirm, 0, 5, &confirm(1)));
    peer.send(&frame(Kind::Cancel, 0, 6, &cancel(2)));
    assert!(read(&mut peer, 2).answers.values().all(|answer| code(answer) == Code::Ok));
    let before = stock(&server);
    set(&server, r#"{"mode":"forced-open","scope":"desk"}"#);

    // Repeats of what was decided, whatever it was.
    peer.send(&frame(Kind::ReserveOrder, 0, 10, &cart(1)));
    peer.send(&frame(Kind::ReserveClaims, 0, 11, &claims(4)));
    peer.send(&frame(Kind::Confirm, 0, 12, &confirm(1)));
    peer.send(&frame(Kind::Cancel, 0, 13, &cancel(2)));
    peer.send(&frame(Kind::ReserveOrder, 0, 14, &ReserveOrder { user: 9, ..cart(3) }));
    // Never decided: a new order, one that only says to be a repeat, and the payment and the end of one that is held.
    peer.send(&frame(Kind::ReserveOrder, FLAG_FIRST_ATTEMPT, 16, &cart(16)));
    peer.send(&frame(Kind::ReserveClaims, 0, 17, &claims(17)));
    peer.send(&frame(Kind::Confirm, 0, 18, &confirm(3)));
    peer.send(&frame(Kind::Cancel, 0, 19, &cancel(3)));
    let answers = read(&mut peer, 9).answers;
    for (number, of) in [(10, 1), (11, 4), (12, 1), (13, 2)] {
        assert_eq!(
            (code(&answers[&number]), answers[&number].order),
            (Code::Replayed, held[&of].order),
            "{number}"
        );
    }
    assert_eq!(code(&answers[&14]), Code::IdempotencyConflict);
    for number in 16..=19 {
        let refused = &answers[&number];
        assert_eq!((code(refused), refused.order), (Code::BreakerOpen, 0), "{number}");
        assert!(refused.retry_after_ms > 0);
    }
    assert_eq!(stock(&server), before, "nothing was changed");
    server.stop();
}

/// New holds of so many shoppers in one frame: a code for each.
pub(crate) fn crowd(server: &Server, peer: &mut Peer, first: u64, shoppers: u32) -> Vec<Code> {
    let wishes: Vec<_> = (first..first + u64::from(shoppers)).map(|number| wish(server, number)).collect();
    let header = Header { flags: FLAG_FIRST_ATTEMPT, ..Header::new(Kind::Reserve, first, 1) };
    let mut bytes = Vec::new();
    body::frame(header, &wishes, &mut bytes);
    peer.send(&bytes);
    let (header, content) = peer.frame();
    let mut codes = Vec::new();
    body::read(&header, &content, |answer: Answer| codes.push(code(&answer))).expect("whole answers");
    codes
}

#[test]
fn half_open_it_lets_the_first_five_of_a_frame_in_and_tells_each_of_the_others() {
    for shoppers in [20, 3_000] {
        let server = server();
        let mut peer = connect(&server, 0);
        set(&server, r#"{"mode":"forced-open","class":"reserve","scope":"log"}"#);
        assert_eq!(crowd(&server, &mut peer, 1, shoppers), vec![Code::BreakerOpen; shoppers as usize]);
        set(&server, RELEASE);
        let expected = [vec![Code::Ok; 5], vec![Code::BreakerOpen; shoppers as usize - 5]].concat();
        assert_eq!(crowd(&server, &mut peer, 1, shoppers), expected);
        assert_eq!(stock(&server).held, 5);
        set(&server, r#"{"mode":"disabled"}"#);
        let codes = crowd(&server, &mut peer, 10_000, 900);
        assert!(codes.iter().all(|code| *code == Code::Ok));
        server.stop();
    }
}

#[test]
fn released_it_lets_a_few_in_then_a_part_and_then_all() {
    let server = server();
    let mut peer = connect(&server, 0);
    set(&server, r#"{"mode":"forced-open","class":"reserve"}"#);
    let all = set(&server, RELEASE);
    assert_eq!(of(&all, "log", "reserve")["state"], "HALF_OPEN");
    let (mut first, mut refused) = (1, 0);
    // Ten results are wanted, five at a time; then the ramp takes two seconds, whoever comes meanwhile. Should the machine be
    // so slow that it opens again, it begins anew.
    loop {
        let codes = crowd(&server, &mut peer, first, 20);
        let here = codes.iter().filter(|code| **code == Code::BreakerOpen).count();
        assert!(first > 1 || here == 15, "{codes:?}");
        first += 20;
        refused += here;
        let all = breakers(&get(&server, BREAKERS).1);
        let states = ["log", "shard-0", "shard-1"].map(|scope| &of(&all, scope, "reserve")["state"]);
        // The shard that has nothing of this SKU isn't asked, and so stays as it is.
        if states[0] == "CLOSED" && states[1..].iter().any(|state| *state == "CLOSED") {
            break;
        }
    }
    assert!(refused > 30, "the ramp refused some, too");
    server.stop();
}

#[test]
fn classes_are_told_apart_in_one_batch() {
    let server = server();
    let mut peer = connect(&server, 0);
    peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 1, &wish(&server, 1)));
    let order = read(&mut peer, 1).answers[&1].order;
    set(&server, r#"{"mode":"forced-open","class":"reserve"}"#);
    // Sent together, so that most of it is read together.
    let mut frames = Vec::new();
    for number in 100..100 + BURST {
        frames.extend(frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(&server, number)));
        frames.extend(frame(Kind::ReadStock, 0, 1_000 + number, &ReadStock { sku: SKU }));
        frames.extend(frame(Kind::Reserve, 0, 2_000 + number, &wish(&server, 1)));
    }
    let payment_id = wish(&server, 20).request_id;
    frames.extend(frame(Kind::Confirm, 0, 1, &Confirm { order, user: 1, payment_id, amount: 0 }));
    peer.send(&frames);
    for _ in 0..=3 * BURST {
        let (header, content) = peer.frame();
        if header.kind == Kind::StockRead {
            let view: StockView = body::read_one(&header, &content).expect("whole answers");
            assert_eq!((view.code, view.available), (Code::Ok.number(), UNITS - 1));
            continue;
        }
        let answer: Answer = body::read_one(&header, &content).expect("whole answers");
        let expected = match header.correlation {
            1 => Code::Ok,
            2_000.. => Code::Replayed,
            _ => Code::BreakerOpen,
        };
        assert_eq!(code(&answer), expected, "{header:?}");
    }
    server.stop();
}

#[test]
fn reads_have_a_breaker_of_their_own() {
    let server = server();
    let mut peer = connect(&server, FEATURE_BULK_REFUSALS);
    set(&server, r#"{"mode":"forced-open","class":"read"}"#);
    peer.send(&frame(Kind::ReadStock, 0, 1, &ReadStock { sku: SKU }));
    let (header, content) = peer.frame();
    let view: StockView = body::read_one(&header, &content).expect("whole answers");
    assert_eq!((header.kind, view.code), (Kind::StockRead, Code::BreakerOpen.number()));
    for number in 0..BURST {
        peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(&server, number)));
    }
    assert!(read(&mut peer, BURST).answers.values().all(|answer| code(answer) == Code::Ok));
    server.stop();
}

#[test]
fn metrics_only_refuses_nobody_and_counts_whom_it_would_have() {
    let server = server();
    let mut peer = connect(&server, 0);
    let all = set(&server, r#"{"mode":"metrics-only","scope":"log"}"#);
    assert_eq!(of(&all, "log", "reserve")["state"], "CLOSED");
    for number in 0..BURST {
        peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(&server, number)));
    }
    assert!(read(&mut peer, BURST).answers.values().all(|answer| code(answer) == Code::Ok));
    let all = breakers(&get(&server, BREAKERS).1);
    assert_eq!(of(&all, "log", "reserve")["mode"], "metrics-only");
    server.stop();
}

#[test]
fn a_wish_with_wrong_names_is_told_the_right_ones_and_changes_nothing() {
    let server = server();
    for (wish, parts) in [
        (r#"{"mode":"open"}"#, &["no such mode: open", "automatic, forced-open, disabled, metrics-only"][..]),
        (
            r#"{"mode":"disabled","scope":"shard-2"}"#,
            &["no such scope: shard-2", "shard-0, shard-1, desk, log"],
        ),
        (r#"{"mode":"disabled","class":"hold"}"#, &["no such class: hold", "reserve, settle, read"]),
        (
            r#"{"mode":"disabled","scope":"log","class":"read"}"#,
            &["the log has a breaker for class reserve only"],
        ),
        (r#"{"mode":"disabled","shard":1}"#, &["unknown field `shard`", "`scope`"]),
        ("closed", &["not what is wanted here"]),
    ] {
        let (status, body) = post(&server, BREAKERS, wish);
        assert_eq!((status, body.lines().count()), (400, 1), "{wish}: {body}");
        for part in parts {
            assert!(body.contains(part), "{part:?} is not in {body}");
        }
    }
    let all = breakers(&get(&server, BREAKERS).1);
    assert!(all.iter().all(|one| one["mode"] == "automatic"));
    server.stop();
}

#[test]
fn metrics_say_where_breakers_stand_and_why() {
    let server = server();
    set(&server, r#"{"mode":"forced-open","scope":"desk"}"#);
    set(&server, r#"{"mode":"disabled","scope":"shard-1","class":"read"}"#);
    let (_, scrape) = get(&server, "/metrics");
    for line in [
        r#"doorbuster_breaker_state{scope="desk",class="settle"} 4"#,
        r#"doorbuster_breaker_state{scope="shard-1",class="read"} -1"#,
        r#"doorbuster_breaker_state{scope="log",class="reserve"} 0"#,
        r#"doorbuster_breaker_transitions_total{scope="desk",class="read",reason="operator"} 1"#,
        r#"doorbuster_breaker_probes{scope="shard-0",class="reserve"} 0"#,
        r#"doorbuster_breaker_open_seconds_total{scope="log",class="reserve"} 0.0"#,
    ] {
        assert!(scrape.lines().any(|found| found == line), "{line} is not in\n{scrape}");
    }
    server.stop();
}
