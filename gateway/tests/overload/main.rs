//! What a server does when more is asked for than it will let wait: over real sockets, frame by frame.
//!
//! The server lets a microsecond of work wait. So of frames that come together the first comes in, whatever it asks for, and
//! the next of its class are refused.

#[path = "../hostile/wire.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod wire;

mod breaker;
mod slow_log;

use std::collections::{BTreeMap, BTreeSet};

use doorbuster_gateway::ShopperLimit;
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{
    Answer, Code, Confirm, FEATURE_BULK_REFUSALS, FLAG_FIRST_ATTEMPT, FULL_LOAD, Fault, Header, Hello, Kind,
    Line, MAGIC, OrderState, ReadStock, Record, Refused, Reserve, ReserveOrder, StockView, Welcome, body,
};
use wire::Peer;

const SKU: u64 = 1;
const UNITS: u64 = 1_000;

/// Frames that are sent together.
const BURST: u64 = 100;

/// A server that lets next to nothing wait, with units to sell; one reactor, so that a burst is read in one go.
fn server() -> Server {
    let server = Server::start_with(|setup| {
        setup.backlog_us = 1;
        setup.reactors = 1;
        setup.shards = 1;
    });
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    server
}

/// A connection with these features.
fn connect(server: &Server, features: u64) -> Peer {
    let hello = Hello { magic: MAGIC, oldest: 1, newest: 1, features, client: "overload".to_owned() };
    let mut peer = Peer::silent(server.address());
    peer.send(&frame(Kind::Hello, 0, 1, &hello));
    let (header, content) = peer.frame();
    let welcome: Welcome = body::read_one(&header, &content).expect("whole answers");
    assert_eq!((header.kind, welcome.features), (Kind::Welcome, features));
    peer
}

fn frame<R: Record>(kind: Kind, flags: u8, correlation: u64, record: &R) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header { flags, ..Header::new(kind, correlation, 1) };
    body::frame(header, std::slice::from_ref(record), &mut out);
    out
}

/// A wish of a shopper of his own, with an id of its own.
fn wish(server: &Server, number: u64) -> Reserve {
    let now = u128::from(server.server().engine().now().raw());
    let id = (now << 80) | (7 << 76) | (2 << 62) | u128::from(number);
    Reserve { request_id: id.to_be_bytes(), user: number, sku: SKU, quantity: 1, ..Reserve::default() }
}

/// A new hold of two SKUs, the desk's affair.
pub(crate) fn cart(server: &Server, number: u64) -> ReserveOrder {
    let lines = [SKU, SKU + 1].map(|sku| Line { sku, quantity: 1, ..Line::default() }).to_vec();
    let request_id = wish(server, number).request_id;
    ReserveOrder { request_id, user: number, lines, ..ReserveOrder::default() }
}

/// What became of each frame, by its correlation, and the load that answers named.
#[derive(Default)]
struct Seen {
    answers: BTreeMap<u64, Answer>,
    refused: BTreeMap<u64, u32>,
    load: BTreeSet<u8>,
    /// Frames that said of others that they were refused.
    refusals: u64,
}

/// Reads until so many frames have their answer.
fn read(peer: &mut Peer, frames: u64) -> Seen {
    let mut seen = Seen::default();
    while ((seen.answers.len() + seen.refused.len()) as u64) < frames {
        let (header, content) = peer.frame();
        match header.kind {
            Kind::Error => {
                let fault: Fault = body::read_one(&header, &content).expect("whole answers");
                assert_eq!(Code::from_number(fault.code), Some(Code::Shed));
                seen.refused.insert(header.correlation, fault.retry_after_ms);
                seen.refusals += 1;
            }
            Kind::Refused => {
                let refused: Refused = body::read_one(&header, &content).expect("whole answers");
                assert_eq!(
                    (Code::from_number(refused.code), refused.operations),
                    (Some(Code::Shed), refused.frames)
                );
                for correlation in refused.correlations() {
                    seen.refused.insert(correlation, refused.retry_after_ms);
                }
                seen.refusals += 1;
            }
            _ => {
                let answer: Answer = body::read_one(&header, &content).expect("whole answers");
                seen.answers.insert(header.correlation, answer);
                seen.load.insert(header.class);
            }
        }
    }
    assert!(seen.answers.keys().all(|known| !seen.refused.contains_key(known)), "answered twice");
    seen
}

fn code(answer: &Answer) -> Code {
    answer.code().expect("whole answers")
}

fn stock(server: &Server) -> StockView {
    Peer::greeted(server.address()).stock(SKU)
}

/// A burst of new holds, one frame each; their correlations are the shoppers' numbers.
fn burst(server: &Server, peer: &mut Peer, first: u64) -> Seen {
    let shoppers = first..first + BURST;
    let frames =
        shoppers.map(|number| frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(server, number)));
    peer.send(&frames.collect::<Vec<_>>().concat());
    read(peer, BURST)
}

#[test]
fn what_may_not_wait_is_refused_at_once_and_leaves_no_trace() {
    let server = server();
    let mut peer = connect(&server, 0);
    let seen = burst(&server, &mut peer, 1);
    assert!(!seen.answers.is_empty() && !seen.refused.is_empty());
    assert!(seen.answers.values().all(|answer| code(answer) == Code::Ok));
    assert!(seen.refused.values().all(|retry_after_ms| *retry_after_ms >= 20));
    assert!(seen.load.iter().all(|load| *load > FULL_LOAD), "{:?}", seen.load);
    assert_eq!(seen.refusals, seen.refused.len() as u64, "each frame has its own refusal");
    let stock = stock(&server);
    assert_eq!((stock.held, stock.available), (seen.answers.len() as u64, UNITS - seen.answers.len() as u64));
    // Sent again, one by one, each is decided as if it had never come.
    for &number in seen.refused.keys() {
        peer.send(&frame(Kind::Reserve, 0, number, &wish(&server, number)));
        assert_eq!(code(&read(&mut peer, 1).answers[&number]), Code::Ok);
    }
    server.stop();
}

#[test]
fn refusals_in_a_row_are_one_frame_for_who_understands_it() {
    let server = server();
    let seen = burst(&server, &mut connect(&server, FEATURE_BULK_REFUSALS), 1);
    assert!(!seen.refused.is_empty());
    // A burst may be read in several goes; each ends a row, and so does each frame that comes in.
    assert!(seen.refusals <= seen.answers.len() as u64 + 1, "{} for {}", seen.refusals, seen.refused.len());
    server.stop();
}

#[test]
fn a_repeat_is_answered_however_much_waits_and_changes_nothing() {
    let server = server();
    let mut peer = connect(&server, 0);
    let known = wish(&server, 1);
    peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 1, &known));
    let order = read(&mut peer, 1).answers[&1].order;
    peer.put_sku(SKU + 1, UNITS);
    let cart = |number: u64| cart(&server, number);
    peer.send(&frame(Kind::ReserveOrder, FLAG_FIRST_ATTEMPT, 2_001, &cart(2_001)));
    let of_several = read(&mut peer, 1).answers[&2_001].order;
    // One that is new comes first; then a known one and many that were never decided, all sent as repeats.
    let mut frames = frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 2, &wish(&server, 2));
    frames.extend(frame(Kind::Reserve, 0, 3, &known));
    for number in 4..4 + BURST {
        frames.extend(frame(Kind::Reserve, 0, number, &wish(&server, number)));
    }
    frames.extend(frame(Kind::ReserveOrder, 0, 2_001, &cart(2_001)));
    frames.extend(frame(Kind::ReserveOrder, 0, 2_002, &cart(2_002)));
    peer.send(&frames);
    let mut seen = read(&mut peer, 4 + BURST);
    assert!(seen.refused.is_empty(), "a repeat has an answer of its own");
    assert_eq!((code(&seen.answers[&3]), seen.answers[&3].order), (Code::Replayed, order));
    let [known, unknown] =
        [2_001, 2_002].map(|number| seen.answers.remove(&number).expect("it was answered"));
    assert_eq!((code(&known), known.order), (Code::Replayed, of_several));
    assert_eq!(code(&unknown), Code::Shed);
    let held = seen.answers.values().filter(|answer| code(answer) == Code::Ok).count();
    let shed = seen.answers.values().filter(|answer| code(answer) == Code::Shed).count();
    assert!(shed > 0 && held + shed + 1 == seen.answers.len(), "{held} held, {shed} shed");
    assert_eq!(stock(&server).held, 2 + held as u64);
    server.stop();
}

#[test]
fn payments_are_let_in_where_new_holds_are_refused() {
    let server = Server::start_with(|setup| {
        // A thousand holds' time; four thousand before payments are refused.
        setup.backlog_us = 2_000_000;
        setup.reactors = 1;
    });
    let mut peer = Peer::greeted(server.address());
    peer.put_sku(SKU, 100_000);
    let mut peer = connect(&server, 0);
    let seen = burst(&server, &mut peer, 1);
    assert!(seen.refused.is_empty());
    let orders: Vec<(u64, u64)> =
        seen.answers.iter().map(|(number, answer)| (*number, answer.order)).collect();
    // So many holds in one frame that nothing else of their class may wait.
    let many: Vec<Reserve> = (1_000..9_000).map(|number| wish(&server, number)).collect();
    let mut frames = Vec::new();
    let header = Header { flags: FLAG_FIRST_ATTEMPT, ..Header::new(Kind::Reserve, 900, 1) };
    for (part, correlation) in many.chunks(4_000).zip(900..) {
        body::frame(Header { correlation, ..header }, part, &mut frames);
    }
    for (number, order) in &orders {
        let payment_id = wish(&server, *number).request_id;
        frames.extend(frame(
            Kind::Confirm,
            0,
            *number,
            &Confirm { order: *order, user: *number, payment_id, amount: 0 },
        ));
    }
    peer.send(&frames);
    let mut paid = 0;
    for _ in 0..orders.len() + 2 {
        let (header, content) = peer.frame();
        if header.kind == Kind::Confirmed {
            let answer: Answer = body::read_one(&header, &content).unwrap();
            assert_eq!((code(&answer), answer.state), (Code::Ok, OrderState::Confirmed.byte()));
            paid += 1;
        }
    }
    assert_eq!(paid, orders.len());
    server.stop();
}

#[test]
fn sold_out_is_said_from_the_directory_whatever_waits() {
    let server = server();
    let mut peer = connect(&server, 0);
    peer.put_sku(7, 1);
    let of_seven = |number: u64| Reserve { sku: 7, ..wish(&server, number) };
    // The second one is told by the shard, which notes it.
    for number in [1, 2] {
        peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &of_seven(number)));
        let expected = if number == 1 { Code::Ok } else { Code::SoldOut };
        assert_eq!(code(&read(&mut peer, 1).answers[&number]), expected);
    }
    let mut frames = frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 3, &wish(&server, 3));
    for number in 10..10 + BURST {
        frames.extend(frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &of_seven(number)));
    }
    peer.send(&frames);
    let seen = read(&mut peer, 1 + BURST);
    assert!(seen.refused.is_empty());
    assert!(seen.answers.iter().all(|(number, answer)| *number == 3 || code(answer) == Code::SoldOut));
    assert_eq!(seen.answers[&10].units, 1, "a hold is open");
    server.stop();
}

#[test]
fn a_shopper_who_asks_too_often_is_refused_and_nobody_else() {
    let server = Server::start_with(|setup| {
        setup.reactors = 1;
        let one = std::num::NonZeroU32::MIN;
        let burst = one.saturating_add(2);
        setup.shopper_limit = Some(ShopperLimit { per_second: one, burst, remembered: 1_024 });
    });
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    let mut peer = connect(&server, 0);
    let of_one = |number: u64| Reserve { user: 1, ..wish(&server, number) };
    // Twenty at once can't take the second that one more would take.
    let frames = (1..=20).map(|number| frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &of_one(number)));
    peer.send(&frames.collect::<Vec<_>>().concat());
    let seen = read(&mut peer, 20);
    let of = |wanted: Code| seen.answers.values().filter(|answer| code(answer) == wanted).count();
    assert!((3..=4).contains(&of(Code::Ok)) && of(Code::Ok) + of(Code::RateLimited) == 20);
    let refused = seen.answers.values().filter(|answer| code(answer) == Code::RateLimited);
    assert!(refused.into_iter().all(|answer| (1..=1_000).contains(&answer.retry_after_ms)));
    assert_eq!(stock(&server).held, of(Code::Ok) as u64);
    // A repeat of what he has is answered, and another shopper is served, also of orders with several lines.
    peer.put_sku(SKU + 1, UNITS);
    let cart = |number| cart(&server, number);
    let frames = [
        frame(Kind::Reserve, 0, 30, &of_one(1)),
        frame(Kind::Reserve, 0, 31, &wish(&server, 31)),
        frame(Kind::ReserveOrder, 0, 32, &cart(32)),
        frame(Kind::ReserveOrder, 0, 33, &cart(32)),
        frame(Kind::ReserveOrder, 0, 34, &ReserveOrder { user: 1, ..cart(34) }),
    ];
    peer.send(&frames.concat());
    let seen = read(&mut peer, 5);
    assert_eq!(
        [30, 31, 32, 33, 34].map(|number| code(&seen.answers[&number])),
        [Code::Replayed, Code::Ok, Code::Ok, Code::Replayed, Code::RateLimited]
    );
    server.stop();
}

#[test]
fn what_was_offered_was_answered_or_is_in_flight() {
    let server = server();
    let mut peer = connect(&server, FEATURE_BULK_REFUSALS);
    for round in 0..5 {
        burst(&server, &mut peer, 1 + round * BURST);
        let mut frames = Vec::new();
        for number in 0..BURST {
            frames.extend(frame(Kind::ReadStock, 0, number, &ReadStock { sku: SKU }));
        }
        peer.send(&frames);
        let mut answered = 0;
        while answered < BURST {
            let (header, content) = peer.frame();
            answered += match header.kind {
                Kind::Refused => u64::from(body::read_one::<Refused>(&header, &content).unwrap().frames),
                _ => 1,
            };
        }
    }
    for stats in server.server().stats() {
        for op in stats.ops() {
            let answered: u64 = op.outcomes().map(|(_, count)| count).sum();
            assert_eq!(op.offered(), answered, "{}", op.kind.name());
        }
    }
    server.stop();
}
