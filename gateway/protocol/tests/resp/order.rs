//! Commands become frames, and replies come in the order of the commands.

use doorbuster_protocol::{
    Code, FLAG_FIRST_ATTEMPT, Fault, FeedEvent, Fetch, Fetched, Header, Kind, OrderState, Push, Refused,
    Reserve, body,
};
use proptest::prelude::*;

use super::*;

#[test]
fn commands_of_one_kind_in_a_row_are_one_frame() {
    let mut peer = Peer::new();
    peer.say("SALE.RESERVE 1 10 1\nSALE.RESERVE 2 10 1\nSALE.STOCK 10\nSALE.STOCK 11\nSALE.RESERVE 3 10 1 WITHIN 50\n");
    let seen: Vec<_> =
        peer.frames.iter().map(|(header, _)| (header.kind, header.count, header.time)).collect();
    assert_eq!(seen, [(Kind::Reserve, 2, 0), (Kind::ReadStock, 2, 0), (Kind::Reserve, 1, NOW + 50)]);
    assert_eq!(reserves(&peer.frames[0]).iter().map(|reserve| reserve.user).collect::<Vec<_>>(), [1, 2]);
    assert!(
        peer.frames
            .iter()
            .all(|(header, _)| (header.flags == FLAG_FIRST_ATTEMPT) == (header.kind == Kind::Reserve))
    );
    peer.say("SALE.STATUS\nSALE.STATUS\nSALE.FETCH 0\nSALE.FETCH 5\n");
    assert!(peer.frames[3..].iter().all(|(header, _)| header.count == 1), "these stand alone");
}

#[test]
fn replies_keep_the_order_of_commands_whatever_order_answers_come_in() {
    let mut peer = Peer::new();
    peer.say("PING\nSALE.RESERVE 1 10 1\nPING a\nSALE.STOCK 10\nPING b\n");
    assert_eq!(peer.heard(), "+PONG ");
    assert_eq!(peer.answer(1).heard(), "", "what comes early waits");
    let heard = peer.answer(0).heard();
    let places = ["$4 2000 ", "$1 a ", "$4 4000 ", "$1 b "].map(|reply| heard.find(reply).expect(reply));
    assert!(places.is_sorted(), "{heard}");
}

#[test]
fn frames_that_are_refused_as_a_whole_refuse_each_of_their_commands() {
    let mut peer = Peer::new();
    peer.say("SALE.RESERVE 1 10 1\nSALE.RESERVE 2 10 1\nSALE.STOCK 10\nSALE.RESERVE 3 10 1\n");
    let refused = Refused {
        first: 1,
        frames: 2,
        operations: 3,
        retry_after_ms: 20,
        code: Code::Shed.number(),
        reserved: 0,
    };
    let fault =
        Fault { code: Code::ShuttingDown.number(), retry_after_ms: 0, message: "going down".to_owned() };
    let mut frames = Vec::new();
    Header::new(Kind::Error, 3, 1).encode(&mut frames, |out| body::put(&fault, out));
    Header::new(Kind::Refused, 0, 1).encode(&mut frames, |out| body::put(&refused, out));
    Header::new(Kind::Goodbye, 0, 0).encode(&mut frames, |_| {});
    peer.translator.write(&frames, &mut peer.replies);
    let heard = peer.heard();
    assert_eq!(heard.matches("-SHED retry_after_ms=20 More waits").count(), 3, "{heard}");
    assert!(heard.ends_with("-SHUTTING_DOWN going down "), "{heard}");
}

#[test]
fn a_bad_command_is_told_so_in_its_place_and_the_next_ones_go_on() {
    let mut peer = Peer::new();
    peer.say("SALE.RESERVE 1 10 1\nSALE.RESERVE 1 ten 1\nGET key\nSALE.RESERVE 2 10 1\n");
    assert_eq!(peer.frames.len(), 2);
    let heard = peer.answer(0).answer(0).heard();
    let bad = "-BAD_REQUEST sku must be a whole number, 0 to 18446744073709551615, and is 'ten'; usage: SALE.RESERVE user sku quantity …, and options: see COMMAND DOCS SALE.RESERVE ";
    let unknown =
        "-ERR unknown command 'GET': this is Doorbuster, not Redis; COMMAND DOCS lists what it knows ";
    let places = ["$4 1000 ", bad, unknown, "$4 3000 "].map(|reply| heard.find(reply).expect(reply));
    assert!(places.is_sorted(), "{heard}");
    assert!(!peer.ended);
}

#[test]
fn who_can_not_be_told_is_not_let_watch() {
    let mut peer = Peer::new();
    peer.say("SALE.WATCH 9 1\n");
    assert!(peer.heard().starts_with(
        "-BAD_REQUEST SALE.WATCH and SALE.FOLLOW tell by pushes, which RESP2 has not: say HELLO 3"
    ));
    peer.say("HELLO 3\nSALE.WATCH 9 1\nSALE.WATCH 10 1\n").heard();
    assert_eq!((peer.frames[0].0.kind, peer.frames[0].0.count), (Kind::Watch, 2));
    let push = Push { order: 9, user: 1, state: OrderState::Held.byte(), ..Push::default() };
    let mut frame = Vec::new();
    Header::new(Kind::Push, 0, 1).encode(&mut frame, |out| body::put(&push, out));
    peer.translator.write(&frame, &mut peer.replies);
    assert!(peer.heard().starts_with(">2 $10 sale.order %7 $5 order $1 9 "), "pushed past replies that wait");
}

#[test]
fn replies_that_are_longer_than_their_commands_don_t_pile_up() {
    let mut peer = Peer::new();
    peer.say("SALE.STOCK 10\n");
    let mut used = 0;
    let commands = b"COMMAND DOCS\r\n".repeat(10_000);
    let full = loop {
        match peer.translator.read(&commands, &mut used, NOW) {
            Next::Frame { .. } => {}
            next => break matches!(next, Next::Full),
        }
    };
    assert!(full && used < commands.len() / 10, "{used} of {}", commands.len());
    assert!(peer.translator.early() < 2 << 20, "{}", peer.translator.early());
    let before = used;
    peer.answer(0);
    assert!(matches!(peer.translator.read(&commands, &mut used, NOW), Next::Full));
    assert!(used > before, "it goes on when they have left");
}

/// A command, and how its reply begins.
fn command() -> impl Strategy<Value = (String, &'static str)> {
    prop_oneof![
        4 => (1..99_u64).prop_map(|user| (format!("SALE.RESERVE {user} 10 1"), "*2\r\n$2\r\nOK\r\n*2\r\n$5\r\norder")),
        2 => (1..99_u64).prop_map(|sku| (format!("SALE.STOCK {sku}"), "*2\r\n$2\r\nOK\r\n*22\r\n$3\r\nsku")),
        1 => Just(("SALE.STATUS".to_owned(), "*2\r\n$2\r\nOK\r\n*24\r\n$10\r\ndurability")),
        1 => Just(("INFO".to_owned(), "$")),
        1 => Just(("PING hello".to_owned(), "$5\r\nhello")),
        1 => Just(("SALE.STOCK".to_owned(), "-BAD_REQUEST sku is missing")),
        1 => Just(("SET a b".to_owned(), "-ERR unknown command 'SET'")),
    ]
}

/// The length of the reply at the front of `bytes`.
fn reply_len(bytes: &[u8]) -> usize {
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let count = || std::str::from_utf8(&bytes[1..line - 2]).unwrap().parse::<usize>().unwrap();
    if bytes.starts_with(b"$-1") {
        return line;
    }
    match bytes[0] {
        b'*' => (0..count()).fold(line, |at, _| at + reply_len(&bytes[at..])),
        b'$' => line + count() + 2,
        b'+' | b'-' | b':' => line,
        other => panic!("a reply begins with {other}"),
    }
}

proptest! {
    /// However the bytes of commands are cut, and in whatever order their frames are answered, each gets its reply in its turn.
    #[test]
    fn every_command_gets_its_reply_in_its_turn(
        commands in prop::collection::vec(command(), 1..40),
        cuts in prop::collection::vec(1..60_usize, 1..40),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let bytes: Vec<u8> = commands.iter().flat_map(|(line, _)| format!("{line}\r\n").into_bytes()).collect();
        let mut peer = Peer::new();
        let (mut at, mut cuts, mut picks) = (0, cuts.iter().cycle(), picks.iter().cycle());
        while at < bytes.len() {
            let to = bytes.len().min(at + cuts.next().unwrap());
            peer.send(&bytes[at..to]);
            at = to;
            if !peer.frames.is_empty() && cuts.next().unwrap() % 2 == 0 {
                let nth = picks.next().unwrap().index(peer.frames.len());
                peer.answer(nth);
            }
        }
        while !peer.frames.is_empty() {
            let nth = picks.next().unwrap().index(peer.frames.len());
            peer.answer(nth);
        }
        let mut rest = &peer.replies[..];
        let mut orders = 0;
        for (line, begins) in &commands {
            prop_assert!(rest.starts_with(begins.as_bytes()), "{line}: {}", rest.escape_ascii());
            let (reply, left) = rest.split_at(reply_len(rest));
            if line.starts_with("SALE.RESERVE") {
                // Orders ascend with their commands.
                let text = String::from_utf8(reply.to_vec()).unwrap();
                let order: u64 = text.split("\r\n").nth(7).unwrap().parse().unwrap();
                prop_assert!(order > orders);
                orders = order;
            }
            rest = left;
        }
        prop_assert!(rest.is_empty(), "{}", rest.escape_ascii());
        prop_assert_eq!(peer.translator.early(), 0);
    }

    /// No bytes make it panic or keep more than its bounds, and after an end nothing is taken.
    #[test]
    fn any_bytes_are_commands_or_the_end(bytes in prop::collection::vec(any::<u8>(), 0..300), star in any::<bool>()) {
        let mut peer = Peer::new();
        if star {
            peer.send(b"*2\r\n$");
        }
        peer.send(&bytes);
        let ended = peer.ended;
        peer.send(b"PING\r\n");
        prop_assert!(!ended || peer.ended);
    }
}

#[test]
fn a_run_is_bounded() {
    let mut peer = Peer::new();
    peer.send(&b"SALE.RESERVE 1 10 1\r\n".repeat(2_500));
    let counts: Vec<u32> = peer.frames.iter().map(|(header, _)| header.count).collect();
    assert_eq!(counts, [1_024, 1_024, 452]);
    assert_eq!(peer.frames.iter().map(|frame| reserves(frame).len()).sum::<usize>(), 2_500);
    assert!(peer.frames.iter().flat_map(reserves).all(|reserve: Reserve| reserve.sku == 10));
}

#[test]
fn a_feed_that_is_followed_is_told_event_by_event_beside_replies() {
    let mut peer = Peer::new();
    peer.say("SALE.FOLLOW 5\n");
    assert!(peer.heard().starts_with("-BAD_REQUEST"), "RESP2 has no pushes");
    peer.say("HELLO 3\nSALE.STOCK 10\nSALE.FOLLOW 5 SKU 10\n").heard();
    let (header, record) = peer.translator.follow().unwrap();
    let fetch: Fetch = body::read_one(&header, &record).unwrap();
    assert_eq!((fetch.from, fetch.sku, header.kind), (5, 10, Kind::Fetch));
    assert!(peer.translator.follow().is_none(), "one at a time");
    let page = |next, code: Code| Fetched { code: code.number(), next, ..Fetched::default() };
    let told = |peer: &mut Peer, header: Header, page: &Fetched| {
        let mut frame = Vec::new();
        Header::new(Kind::Fetched, header.correlation, 1).encode(&mut frame, |out| body::put(page, out));
        peer.translator.write(&frame, &mut peer.replies);
        peer.heard()
    };
    let events = vec![
        FeedEvent { position: 7, ..FeedEvent::default() },
        FeedEvent { position: 8, ..FeedEvent::default() },
    ];
    let heard = told(&mut peer, header, &Fetched { events, ..page(9, Code::Ok) });
    assert_eq!(
        heard.matches(">2 $10 sale.event %21 $8 position :").count(),
        2,
        "past a reply that waits: {heard}"
    );
    let (again, record) = peer.translator.follow().unwrap();
    assert_eq!(body::read_one::<Fetch>(&again, &record).unwrap().from, 9);
    // Another takes its place; what the first still brings is nobody's.
    peer.say("SALE.FOLLOW 100\n");
    assert!(peer.answer(0).heard().ends_with("+OK "));
    assert_eq!(told(&mut peer, again, &page(50, Code::Ok)), "");
    let (other, _) = peer.translator.follow().unwrap();
    assert_eq!(told(&mut peer, other, &page(0, Code::Busy)), ">3 $8 sale.end $11 AT_CAPACITY :100 ");
    assert!(peer.translator.follow().is_none(), "it is over");
    peer.say("SALE.FOLLOW 100\nRESET\n");
    assert!(peer.translator.follow().is_none(), "RESET ends it");
}
