use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::log::{LogOptions, Owner};
use doorbuster_engine::storage::SimStorage;
use doorbuster_ledger::Timestamp;
use doorbuster_protocol::{
    Answer, Auth, Code, Fault, Header, Hello, Kind, MAGIC, Parsed, PutSku, Record, Role, VERSION, body, parse,
};

use super::cable::connect;
use super::{Node, Part, Peer, VirtualTime};
use crate::keys::{KeyFile, NewKey};
use crate::server::Setup;

fn node() -> Node {
    node_with(&Arc::new(VirtualTime::begin()))
}

fn node_with(time: &Arc<VirtualTime>) -> Node {
    node_keyed(time, None)
}

fn node_keyed(time: &Arc<VirtualTime>, keys: Option<PathBuf>) -> Node {
    let clock = Arc::new(ManualClock::new(Timestamp::new(1_700_000_000_000)));
    let on_storage = Setup::on_storage(Arc::new(SimStorage::new(1)), clock);
    let setup = Setup { reactors: 1, shards: 2, keys, ..on_storage };
    let log = LogOptions { segment_bytes: 1 << 20, block_bytes: 1 << 18, ..LogOptions::new(Owner::new(1)) };
    Node::open(setup, log, 7, time).unwrap()
}

fn ask<R: Record>(peer: &Peer, kind: Kind, record: &R) {
    let mut bytes = Vec::new();
    body::frame(Header::new(kind, 9, 1), std::slice::from_ref(record), &mut bytes);
    assert_eq!(peer.send(&bytes), bytes.len());
}

fn pass(node: &mut Node) {
    (0..4).for_each(|_| node.step(Part::Reactor(0)).unwrap());
}

/// The kinds of the frames that have arrived, and the body of the last.
fn heard(peer: &Peer) -> (Vec<Kind>, Vec<u8>) {
    peer.carry_down(usize::MAX);
    let (mut bytes, mut kinds, mut last) = (Vec::new(), Vec::new(), Vec::new());
    peer.receive(&mut bytes);
    let mut rest = bytes.as_slice();
    while let Ok(Parsed::Frame { header, body, consumed }) = parse(rest) {
        kinds.push(header.kind);
        last = body.to_vec();
        rest = &rest[consumed..];
    }
    (kinds, last)
}

#[test]
fn an_answer_leaves_a_node_when_its_log_was_synced_and_no_sooner() {
    let mut node = node();
    let peer = node.connect(0);
    let client = String::new();
    ask(&peer, Kind::Hello, &Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client });
    ask(&peer, Kind::PutSku, &PutSku { sku: 1, units: 5, ..PutSku::default() });
    pass(&mut node);
    assert_eq!(heard(&peer).0, [], "nobody has carried anything");
    peer.carry_up(usize::MAX);
    pass(&mut node);
    assert_eq!(heard(&peer).0, [Kind::Welcome]);
    node.step(Part::Write).unwrap();
    pass(&mut node);
    assert_eq!(heard(&peer).0, [], "written and not synced");
    node.step(Part::Sync).unwrap();
    pass(&mut node);
    let (kinds, body) = heard(&peer);
    assert_eq!(kinds.len(), 1);
    let header = Header::new(kinds[0], 9, 1);
    let answer: Answer = body::read_one(&header, &body).unwrap();
    assert_eq!(answer.code(), Ok(Code::Ok));
    assert_eq!(node.engine().totals().available, 5);
}

#[test]
fn a_reactor_that_sleeps_is_woken_by_bytes_by_the_log_and_by_arrivals_and_not_without() {
    let mut node = node();
    let asleep = |node: &mut Node| {
        let mut steps = 0;
        while node.is_awake(0) {
            steps += 1;
            assert!(steps < 20, "a reactor with nothing to do lies down");
            node.step(Part::Reactor(0)).unwrap();
        }
    };
    asleep(&mut node);
    let peer = node.connect(0);
    assert!(node.is_awake(0), "somebody came");
    asleep(&mut node);
    let client = String::new();
    ask(&peer, Kind::Hello, &Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client });
    ask(&peer, Kind::PutSku, &PutSku { sku: 1, units: 5, ..PutSku::default() });
    assert!(!node.is_awake(0), "the bytes are on their way");
    peer.carry_up(usize::MAX);
    assert!(node.is_awake(0));
    asleep(&mut node);
    node.step(Part::Write).unwrap();
    assert!(!node.is_awake(0), "nothing is durable yet");
    node.step(Part::Sync).unwrap();
    assert!(node.is_awake(0), "its answer may leave");
}

#[test]
fn a_node_that_stops_tells_who_greets_it_to_come_again_with_all_that_he_asks() {
    let mut node = node();
    let (first, second) = (node.connect(0), node.connect(0));
    let hello = Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: String::new() };
    ask(&first, Kind::Hello, &hello);
    ask(&first, Kind::PutSku, &PutSku { sku: 1, units: 5, ..PutSku::default() });
    first.carry_up(usize::MAX);
    pass(&mut node);
    node.stop();
    pass(&mut node);
    assert_eq!(heard(&second).0, [Kind::Goodbye], "an answer is on its way, so the node goes on");
    ask(&second, Kind::Hello, &hello);
    ask(&second, Kind::PutSku, &PutSku { sku: 2, units: 5, ..PutSku::default() });
    second.carry_up(usize::MAX);
    pass(&mut node);
    let (kinds, body) = heard(&second);
    assert_eq!(kinds, [Kind::Error, Kind::Error]);
    let last: Fault = body::read_one(&Header::new(Kind::Error, 9, 1), &body).unwrap();
    assert_eq!(Code::from_number(last.code), Some(Code::ShuttingDown), "and not that he must greet first");
    node.step(Part::Write).unwrap();
    node.step(Part::Sync).unwrap();
    (0..3).for_each(|_| pass(&mut node));
    assert!(node.is_over());
    assert_eq!(heard(&first).0, [Kind::Welcome, Kind::Goodbye, Kind::SkuPut]);
}

#[test]
fn who_does_not_greet_or_end_what_he_began_is_cut_off_and_who_is_only_silent_is_not() {
    let time = Arc::new(VirtualTime::begin());
    let mut node = node_with(&time);
    let [silent, mute, half, slow] = [(); 4].map(|()| node.connect(0));
    let hello = Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: String::new() };
    for peer in [&silent, &half, &slow] {
        ask(peer, Kind::Hello, &hello);
    }
    let mut frame = Vec::new();
    body::frame(
        Header::new(Kind::PutSku, 9, 1),
        &[PutSku { sku: 1, units: 5, ..PutSku::default() }],
        &mut frame,
    );
    let (front, back) = frame.split_at(40);
    half.send(front);
    let seconds = |node: &mut Node, seconds| {
        for _ in 0..seconds {
            time.advance(Duration::from_secs(1));
            for peer in [&silent, &mute, &half, &slow] {
                peer.carry_up(usize::MAX);
            }
            pass(node);
        }
    };
    seconds(&mut node, 5);
    // A frame after the other, none of which comes at once.
    slow.send(front);
    seconds(&mut node, 4);
    slow.send(back);
    slow.send(front);
    seconds(&mut node, 6);
    assert_eq!(heard(&silent).0, [Kind::Welcome]);
    assert_eq!(heard(&slow).0, [Kind::Welcome]);
    let told = |peer: &Peer| {
        let (kinds, body) = heard(peer);
        assert_eq!(kinds.last(), Some(&Kind::Error));
        let fault: Fault = body::read_one(&Header::new(Kind::Error, 0, 1), &body).unwrap();
        (Code::from_number(fault.code), fault.message)
    };
    assert_eq!(told(&mute), (Some(Code::HelloRequired), "no greeting came within 10 s".to_owned()));
    assert_eq!(told(&half), (Some(Code::BadRequest), "what began 10 s ago has not come whole".to_owned()));
    let open = |node: &Node| node.stats().map(crate::ReactorStats::connections).sum::<u64>();
    assert_eq!(open(&node), 2, "and their connections are closed");
    seconds(&mut node, 60);
    assert_eq!(open(&node), 2, "the answer to the first frame of the slow one is on its way");
    node.step(Part::Write).unwrap();
    node.step(Part::Sync).unwrap();
    seconds(&mut node, 1);
    assert_eq!(open(&node), 1, "the one who is silent between frames may be so for ever");
}

#[test]
fn who_proves_no_key_within_a_minute_is_cut_off_where_there_are_keys() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let new = NewKey {
        name: "ops".parse().unwrap(),
        role: Role::Operator,
        channels: Vec::new(),
        expires_at_ms: None,
    };
    let secret = file.change(|ring| ring.create(new, 0)).unwrap();
    let time = Arc::new(VirtualTime::begin());
    let mut node = node_keyed(&time, Some(file.path().to_owned()));
    let (stranger, known) = (node.connect(0), node.connect(0));
    let hello = Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: String::new() };
    for peer in [&stranger, &known] {
        ask(peer, Kind::Hello, &hello);
    }
    ask(&known, Kind::Auth, &Auth { secret });
    let seconds = |node: &mut Node, seconds| {
        for _ in 0..seconds {
            time.advance(Duration::from_secs(1));
            stranger.carry_up(usize::MAX);
            known.carry_up(usize::MAX);
            pass(node);
        }
    };
    let open = |node: &Node| node.stats().map(crate::ReactorStats::connections).sum::<u64>();
    seconds(&mut node, 59);
    assert_eq!((open(&node), heard(&stranger).0), (2, vec![Kind::Welcome]));
    seconds(&mut node, 3);
    let (kinds, body) = heard(&stranger);
    assert_eq!(kinds, [Kind::Error]);
    let fault: Fault = body::read_one(&Header::new(Kind::Error, 0, 1), &body).unwrap();
    let why = "no key came within 60 s";
    assert_eq!((Code::from_number(fault.code), fault.message.as_str()), (Some(Code::Unauthenticated), why));
    seconds(&mut node, 120);
    assert_eq!((open(&node), heard(&known).0), (1, vec![Kind::Welcome, Kind::Authenticated]));
}

#[test]
fn a_connection_that_breaks_is_closed_and_no_other_is_touched() {
    let mut node = node();
    let peers = [node.connect(0), node.connect(0)];
    pass(&mut node);
    let open = |node: &Node| node.stats().map(crate::ReactorStats::connections).sum::<u64>();
    assert_eq!(open(&node), 2);
    peers[0].cut();
    pass(&mut node);
    assert_eq!(open(&node), 1);
    let [_, other] = peers;
    drop(other);
    pass(&mut node);
    assert_eq!(open(&node), 0, "whose client has left");
}

#[test]
fn a_cable_carries_what_it_is_told_to_and_a_broken_one_loses_the_rest() {
    let (peer, mut stream) = connect();
    assert_eq!(peer.send(b"abcdef"), 6);
    let mut buffer = [0; 16];
    assert_eq!(stream.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!((peer.carry_up(4), stream.read(&mut buffer).unwrap()), (4, 4));
    assert_eq!(&buffer[..4], b"abcd");
    peer.cut();
    assert_eq!(stream.read(&mut buffer).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(peer.send(b"g"), 0);
}

#[test]
fn a_cable_that_is_full_takes_no_more_until_somebody_reads() {
    let (peer, mut stream) = connect();
    let page = vec![7; 1 << 20];
    let taken = stream.write(&page).unwrap();
    assert!(taken > 0 && taken < page.len());
    assert_eq!(stream.write(&page).unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut bytes = Vec::new();
    assert!(peer.carry_down(usize::MAX) == taken && peer.receive(&mut bytes));
    assert!(stream.cable.lock().take_news().unwrap().writable, "there is room again");
    stream.write_all(&[8]).unwrap();
    drop(stream);
    assert!(peer.receive(&mut bytes), "a byte is on its way");
    peer.carry_down(1);
    assert!(!peer.receive(&mut bytes), "it was the last");
    assert_eq!(bytes.len(), taken + 1);
}

#[test]
fn time_moves_when_it_is_told_to_and_by_a_step_when_it_is_read() {
    use crate::reactor::Network;
    let time = Arc::new(VirtualTime::begin());
    let network = super::network::SimNetwork::new(Arc::clone(&time), Arc::default());
    let first = network.now();
    assert_eq!(network.now() - first, Duration::from_micros(1));
    time.set_pace(50);
    time.advance(Duration::from_millis(3));
    assert_eq!(network.now() - first, Duration::from_micros(3_051));
}
