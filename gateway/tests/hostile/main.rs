//! Peers that break the protocol, or keep to it without mercy. Each gets a clear error frame or a closed connection; a
//! second, healthy connection is served all the while.

mod watching;
mod wire;

use std::io::Write as _;
use std::time::Duration;

use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{
    Answer, Cancel, Code, Confirm, Fault, Kind, Line, MAX_BATCH, MAX_BODY, ReadOrder, ReadStock, Reserve,
    ReserveOrder, StockView, body,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wire::{Came, Peer, Raw, greedy, hello};

const SKU: u64 = 1;

/// A server with ten units of [`SKU`], and a healthy connection to it.
struct World {
    server: Server,
    healthy: Peer,
    served: u64,
}

impl World {
    fn new() -> Self {
        Self::on(Server::start())
    }

    fn on(server: Server) -> Self {
        let mut healthy = Peer::greeted(server.address());
        healthy.put_sku(SKU, 10);
        Self { server, healthy, served: 0 }
    }

    fn greeted(&self) -> Peer {
        Peer::greeted(self.server.address())
    }

    fn silent(&self) -> Peer {
        Peer::silent(self.server.address())
    }

    /// The healthy connection is served, and the stock is untouched by what the others did.
    fn untouched(&mut self) {
        self.served += 1;
        let stock = self.healthy.stock(SKU);
        assert_eq!((stock.available, stock.held, stock.sold), (10, 0, 0), "round {}", self.served);
    }

    fn end(mut self) {
        self.untouched();
        drop(self.healthy);
        self.server.stop();
    }
}

fn reserve(user: u64) -> Reserve {
    Reserve { user, sku: SKU, quantity: 1, ..Reserve::default() }
}

/// A connection that sends these bytes first gets this fault.
fn first_words(bytes: &[u8], code: Code) {
    let mut world = World::new();
    let mut peer = world.silent();
    peer.send(bytes);
    peer.expect_fault_and_end(code);
    world.untouched();
    world.end();
}

/// A greeted connection that sends this frame gets this fault.
fn after_greeting(frame: &Raw, code: Code) {
    let mut world = World::new();
    let mut peer = world.greeted();
    peer.send(&frame.bytes());
    peer.expect_fault_and_end(code);
    world.untouched();
    world.end();
}

#[test]
fn a_request_without_a_greeting_is_told_so_and_not_executed() {
    for frame in [Raw::of(Kind::Reserve, 9, &[reserve(1)]), Raw::new(Kind::Ping.byte(), 9, 0, Vec::new())] {
        let world = World::new();
        let mut peer = world.silent();
        peer.send(&frame.bytes());
        let (correlation, code, _) = peer.fault();
        assert_eq!((correlation, code), (9, Code::HelloRequired));
        assert!(matches!(peer.came(), Came::End | Came::Reset));
        world.end();
    }
}

#[test]
fn a_wrong_magic_is_refused() {
    let mut greeting = hello();
    greeting.body[7] = b'!';
    first_words(&greeting.bytes(), Code::BadRequest);
}

#[test]
fn a_greeting_that_is_cut_short_or_twice_in_a_frame_is_refused() {
    let mut short = hello();
    short.body.truncate(20);
    first_words(&short.bytes(), Code::BadRequest);
    let mut twice = hello();
    twice.body.extend_from_within(..);
    twice.count = 2;
    first_words(&twice.bytes(), Code::TooLarge);
}

#[test]
fn a_version_that_the_server_does_not_speak_is_refused() {
    for version in [0, 2, 255] {
        let mut greeting = hello();
        greeting.version = version;
        first_words(&greeting.bytes(), Code::VersionMismatch);
    }
    let mut from_the_future = hello();
    from_the_future.body[8..10].copy_from_slice(&[2, 9]);
    first_words(&from_the_future.bytes(), Code::VersionMismatch);
    let mut from_the_past = hello();
    from_the_past.body[8..10].copy_from_slice(&[0, 0]);
    first_words(&from_the_past.bytes(), Code::VersionMismatch);
}

#[test]
fn a_client_of_several_versions_is_welcome() {
    let mut world = World::new();
    let mut greeting = hello();
    greeting.body[8..10].copy_from_slice(&[1, 9]);
    let mut peer = world.silent();
    peer.send(&greeting.bytes());
    assert_eq!(peer.frame().0.kind, Kind::Welcome);
    world.untouched();
    world.end();
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut frame = Raw::of(Kind::Reserve, 9, &[reserve(1)]);
    frame.checksum_flip = 1 << 17;
    after_greeting(&frame, Code::BadRequest);
}

#[test]
fn an_unknown_kind_is_refused() {
    for kind in [0x00, 0x04, 0x1F, 0x7F, 0x80, 0xC0] {
        after_greeting(&Raw::new(kind, 9, 1, vec![0; 64]), Code::UnknownOperation);
    }
}

#[test]
fn an_answer_sent_by_a_client_is_refused() {
    for &kind in Kind::ALL.iter().filter(|kind| !kind.is_request()) {
        let frame = Raw::of(kind, 9, &[Answer::of(Code::Ok)]);
        after_greeting(&frame, Code::UnknownOperation);
    }
}

#[test]
fn a_length_over_the_bound_is_refused_before_its_body_comes() {
    for length in [MAX_BODY + 1, u32::MAX] {
        let mut frame = Raw::new(Kind::Reserve.byte(), 9, 1, Vec::new());
        frame.length = Some(length);
        after_greeting(&frame, Code::TooLarge);
    }
}

#[test]
fn a_batch_of_none_and_a_batch_over_the_bound_are_refused() {
    for kind in
        [Kind::Reserve, Kind::ReserveOrder, Kind::Confirm, Kind::ReadOrder, Kind::ReadStock, Kind::PutSku]
    {
        after_greeting(&Raw::new(kind.byte(), 9, 0, Vec::new()), Code::BadRequest);
    }
    let many = Raw::of(Kind::ReadStock, 9, &vec![ReadStock { sku: SKU }; MAX_BATCH as usize + 1]);
    after_greeting(&many, Code::TooLarge);
}

#[test]
fn a_body_that_does_not_fit_its_count_is_refused_and_nothing_of_it_is_executed() {
    let two = Raw::of(Kind::Reserve, 9, &[reserve(1), reserve(2)]);
    let changed = |count: u32, length: usize| {
        let mut frame = two.clone();
        frame.count = count;
        frame.body.resize(length, 0);
        frame
    };
    // One and a half; two announced as three, as one, and as the most; a byte too many; a byte too few; nothing.
    for (count, length) in [(2, 96), (3, 128), (1, 128), (MAX_BATCH, 128), (2, 129), (2, 127), (1, 0)] {
        after_greeting(&changed(count, length), Code::BadRequest);
    }
    for (kind, body) in [
        (Kind::Confirm, vec![0; 39]),
        (Kind::Cancel, vec![0; 21]),
        (Kind::ReadOrder, vec![0; 15]),
        (Kind::ReadStock, vec![0; 9]),
        (Kind::PutSku, vec![1; 23]),
        (Kind::Restock, vec![1; 37]),
    ] {
        after_greeting(&Raw::new(kind.byte(), 9, 1, body), Code::BadRequest);
    }
}

#[test]
fn a_batch_whose_last_order_is_malformed_executes_none_of_it() {
    let line = Line { sku: SKU, quantity: 1, ..Line::default() };
    let order = |lines: Vec<Line>| ReserveOrder { user: 1, lines, ..ReserveOrder::default() };
    for malformed in [Vec::new(), vec![line; 33]] {
        let batch = [order(vec![line]), order(vec![line; 2]), order(malformed)];
        after_greeting(&Raw::of(Kind::ReserveOrder, 9, &batch), Code::BadRequest);
    }
    let mut lying = Raw::of(Kind::ReserveOrder, 9, &[order(vec![line])]);
    lying.body[<ReserveOrder as doorbuster_protocol::Record>::MIN_LEN - 8..][..8]
        .copy_from_slice(&u64::MAX.to_le_bytes());
    after_greeting(&lying, Code::BadRequest);
}

#[test]
fn half_a_frame_waits_for_its_other_half_and_holds_nobody_up() {
    let mut world = World::new();
    let mut peer = world.greeted();
    let frame = Raw::of(Kind::ReadStock, 9, &[ReadStock { sku: SKU }]).bytes();
    for cut in [1, 31, 32, 36, frame.len() - 1] {
        peer.send(&frame[..cut]);
        world.untouched();
        peer.send(&frame[cut..]);
        let (header, content) = peer.frame();
        let stock: StockView = body::read_one(&header, &content).unwrap();
        assert_eq!((header.correlation, stock.available), (9, 10), "cut at {cut}");
    }
    // Byte by byte, greeting included.
    let mut slow = world.silent();
    for byte in hello().bytes().into_iter().chain(frame) {
        slow.send(&[byte]);
    }
    assert_eq!(slow.frame().0.kind, Kind::Welcome);
    assert_eq!(slow.frame().0.kind, Kind::StockRead);
    world.end();
}

#[test]
fn half_a_frame_and_a_close_are_nothing() {
    let mut world = World::new();
    let frame = Raw::of(Kind::Reserve, 9, &[reserve(1)]).bytes();
    for cut in [1, 31, 32, 95] {
        let mut peer = world.greeted();
        peer.send(&frame[..cut]);
        peer.finish_sending();
        assert!(matches!(peer.came(), Came::End | Came::Reset), "cut at {cut}");
        world.untouched();
    }
    world.end();
}

#[test]
fn garbage_gets_an_error_or_a_closed_connection() {
    let mut world = World::new();
    let seed = 7_700;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    for round in 0..64 {
        let mut peer = if round % 2 == 0 { world.silent() } else { world.greeted() };
        let mut garbage = vec![0; rng.random_range(1..4_096)];
        rng.fill(&mut garbage[..]);
        if round % 4 < 2 && garbage.len() > 8 {
            // Past the first checks: a plausible length and version.
            garbage[..5].copy_from_slice(&[16, 0, 0, 0, 1]);
        }
        peer.try_send(&garbage);
        peer.finish_sending();
        while let Came::Frame(header, _) = peer.came() {
            assert_eq!(header.kind, Kind::Error, "seed {seed}, round {round}");
        }
        world.untouched();
    }
    world.end();
}

#[test]
fn other_protocols_get_an_error() {
    for words in [
        &b"GET / HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n"[..],
        b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on, a TLS greeting",
    ] {
        first_words(words, Code::VersionMismatch);
    }
}

#[test]
fn frames_before_a_broken_one_are_executed_and_answered() {
    let mut world = World::new();
    let mut peer = world.greeted();
    let mut bytes = Raw::of(Kind::Reserve, 8, &[reserve(1)]).bytes();
    bytes.extend(Raw::new(0x7F, 9, 1, Vec::new()).bytes());
    bytes.extend(Raw::of(Kind::Reserve, 10, &[reserve(2)]).bytes());
    peer.send(&bytes);
    let mut answered = Vec::new();
    loop {
        match peer.came() {
            Came::Frame(header, content) if header.kind == Kind::Reserved => {
                answered.push((header.correlation, body::read_one::<Answer>(&header, &content).unwrap()));
            }
            Came::Frame(header, _) => assert_eq!((header.kind, header.correlation), (Kind::Error, 0)),
            Came::End | Came::Reset => break,
        }
    }
    let [(8, answer)] = answered[..] else { panic!("one answer, to the frame before: {answered:?}") };
    assert_eq!(answer.code(), Ok(Code::Ok));
    let stock = world.healthy.stock(SKU);
    assert_eq!((stock.available, stock.held), (9, 1), "the frame behind the broken one was not executed");
    let cancel = Cancel { order: answer.order, user: 1, reason: 0 };
    let cancelled: Vec<Answer> = world.healthy.ask(Kind::Cancel, 5, &[cancel]);
    assert_eq!(cancelled[0].code(), Ok(Code::Ok));
    world.end();
}

#[test]
fn frames_past_their_deadline_are_refused_before_their_bodies_are_read() {
    let mut world = World::new();
    let mut peer = world.greeted();
    let late = |mut frame: Raw| {
        frame.time = 1;
        frame.bytes()
    };
    let code = Code::DeadlineExceeded.number();
    peer.send(&late(Raw::of(Kind::Reserve, 1, &[reserve(1), reserve(2)])));
    peer.send(&late(Raw::of(Kind::Confirm, 2, &[Confirm { order: 1, user: 1, ..Confirm::default() }; 3])));
    peer.send(&late(Raw::of(Kind::ReadOrder, 3, &[ReadOrder { order: 1, user: 1 }; 3])));
    peer.send(&late(Raw::of(Kind::ReadStock, 4, &[ReadStock { sku: SKU }; 3])));
    for _ in 0..4 {
        let (header, content) = peer.frame();
        let fault: Fault = body::read_one(&header, &content).unwrap();
        assert_eq!((header.kind, fault.code), (Kind::Error, code), "frame {}", header.correlation);
    }
    assert_eq!(world.healthy.stock(SKU).held, 0, "nothing of it was executed");
    world.end();
}

#[test]
fn a_reader_that_never_reads_is_read_no_more_and_holds_nobody_up() {
    /// Requests that the sockets' buffers and the server's bounds may swallow: each 64 KiB calls for 512 KiB of
    /// answers, so a server without a bound would take them all and hold 1 GiB.
    const FRAMES: u64 = 2_048;
    /// Rounds of a healthy connection without progress of the slow one that count as standing still. Each takes the
    /// server at least one pass over its connections.
    const STILL: u32 = 200;

    // Not because there is too much to do, but because nobody takes what was done.
    let mut world = World::on(Server::start_with(|setup| setup.backlog_us = 0));
    let mut slow = world.greeted();
    let mut taken = 0;
    let mut rest = Vec::new();
    'filling: for correlation in 1..=FRAMES {
        let frame = greedy(correlation);
        let mut left = &frame[..];
        let mut still = 0;
        while !left.is_empty() {
            let before = left.len();
            left = slow.send_without_waiting(left);
            still = if left.len() == before { still + 1 } else { 0 };
            if still == STILL {
                rest = left.to_vec();
                taken = correlation;
                break 'filling;
            }
            world.untouched();
        }
    }
    assert!(taken > 0, "the server took {FRAMES} frames of requests whose answers nobody read");

    // Once it reads, it gets every answer, whole.
    let mut reader = Peer::silent(world.server.address());
    std::mem::swap(&mut reader.stream, &mut slow.stream);
    let mut writer = reader.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &rest));
    let mut answered = 0;
    while answered < taken {
        let (header, content) = reader.frame();
        assert_eq!((header.kind, header.count), (Kind::StockRead, MAX_BATCH));
        assert_eq!(content.len(), MAX_BATCH as usize * <StockView as doorbuster_protocol::Record>::MIN_LEN);
        answered += 1;
    }
    sending.join().unwrap().unwrap();
    world.end();
}

#[test]
fn who_takes_nothing_of_his_answers_for_too_long_is_cut_off() {
    let mut world = World::on(Server::start_with(|setup| {
        setup.backlog_us = 0;
        setup.slow_reader = Duration::from_millis(50);
    }));
    let mut slow = world.greeted();
    slow.stream.set_nonblocking(true).unwrap();
    let frame = greedy(1);
    let cut_off = |world: &World| {
        world.server.server().stats().map(doorbuster_gateway::ReactorStats::slow_readers).sum::<u64>()
    };
    // It sends as long as it is let; the server's answers to that fill the sockets' buffers.
    let mut left = &frame[..];
    while cut_off(&world) == 0 {
        // When it is cut off, it can't send any more.
        let sent = slow.stream.write(left).unwrap_or(0);
        left = &left[sent..];
        left = if left.is_empty() { &frame } else { left };
        world.untouched();
    }
    world.end();
}

#[test]
fn three_hundred_silent_connections_disturb_nobody() {
    let mut world = World::new();
    let silent: Vec<Peer> = (0..300).map(|_| world.silent()).collect();
    world.untouched();
    let mut late = world.greeted();
    assert_eq!(late.stock(SKU).available, 10);
    drop(silent);
    world.end();
}

#[test]
fn a_connection_over_the_bound_is_closed_and_the_others_stay() {
    let server = Server::start_with(|setup| {
        setup.max_connections = 2;
        setup.reactors = 1;
    });
    let (mut first, mut second) = (Peer::greeted(server.address()), Peer::greeted(server.address()));
    let mut third = Peer::silent(server.address());
    assert!(matches!(third.came(), Came::End | Came::Reset));
    first.put_sku(SKU, 1);
    assert_eq!(second.stock(SKU).available, 1);
    drop((first, second));
    server.stop();
}

#[test]
fn a_stopping_server_says_goodbye() {
    let world = World::new();
    let mut peer = world.greeted();
    world.end();
    assert_eq!(peer.frame().0.kind, Kind::Goodbye);
    assert!(matches!(peer.came(), Came::End | Came::Reset));
}
