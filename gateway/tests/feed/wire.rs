//! What bad or greedy requests are answered with, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{
    Code, Fault, Fetch, Fetched, Header, Hello, Kind, MAGIC, Parsed, VERSION, body, parse,
};

use crate::start;

/// A greeted connection.
fn greeted(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let hello = Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: String::new() };
    let mut bytes = Vec::new();
    body::frame(Header::new(Kind::Hello, 1, 1), &[hello], &mut bytes);
    stream.write_all(&bytes).unwrap();
    assert_eq!(read(&mut stream).0.kind, Kind::Welcome);
    stream
}

fn read(stream: &mut TcpStream) -> (Header, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let needed = match parse(&bytes).unwrap() {
            Parsed::Frame { header, body, .. } => return (header, body.to_vec()),
            Parsed::Incomplete { needed } => needed,
        };
        let had = bytes.len();
        bytes.resize(needed, 0);
        stream.read_exact(&mut bytes[had..]).unwrap();
    }
}

fn ask(stream: &mut TcpStream, correlation: u64, asks: &[Fetch]) {
    let mut bytes = Vec::new();
    body::frame(Header::new(Kind::Fetch, correlation, 1), asks, &mut bytes);
    stream.write_all(&bytes).unwrap();
}

#[test]
fn a_bad_filter_is_said_and_ends_the_connection() {
    let server = start();
    let good = Fetch::default();
    for (bad, part) in [
        (Fetch { kinds: 1 << 63, ..good }, "kinds has a bit that names no kind of event"),
        (Fetch { by: 0x10, ..good }, "by has a bit that names no field"),
        (Fetch { by: 0x08, partition: 4_096, ..good }, "a partition is below 4096"),
        (Fetch { max_events: 7_001, ..good }, "max_events is at most 7000"),
        (Fetch { wait_ms: 10_001, ..good }, "wait_ms is at most 10000"),
    ] {
        let mut stream = greeted(&server);
        ask(&mut stream, 2, &[bad]);
        let (header, content) = read(&mut stream);
        assert_eq!(header.kind, Kind::Error);
        let fault: Fault = body::read_one(&header, &content).unwrap();
        assert_eq!(fault.code, Code::BadRequest.number());
        assert!(fault.message.ends_with(part), "{}", fault.message);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed");
    }
    let mut stream = greeted(&server);
    ask(&mut stream, 2, &[good, good]);
    let (header, content) = read(&mut stream);
    let fault: Fault = body::read_one(&header, &content).unwrap();
    assert_eq!(fault.message, "batch of 2 operations is outside 1..=1");
    server.stop();
}

#[test]
fn more_waiting_requests_than_a_connection_may_have_are_told_busy_and_the_others_stay() {
    let server = start();
    let mut stream = greeted(&server);
    for correlation in 10..19 {
        ask(&mut stream, correlation, &[Fetch { wait_ms: 10_000, ..Fetch::default() }]);
    }
    let (header, content) = read(&mut stream);
    let busy: Fetched = body::read_one(&header, &content).unwrap();
    assert_eq!((header.correlation, busy.code()), (18, Ok(Code::Busy)));
    assert!(busy.retry_after_ms > 0);
    // The stop answers the eight that wait.
    let stopping = std::thread::spawn(move || server.stop());
    let mut answered = Vec::new();
    while answered.len() < 8 {
        let (header, content) = read(&mut stream);
        if header.kind == Kind::Fetched {
            let fetched: Fetched = body::read_one(&header, &content).unwrap();
            assert_eq!((fetched.code(), fetched.next, fetched.events.len()), (Ok(Code::Ok), 0, 0));
            answered.push(header.correlation);
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, (10..18).collect::<Vec<_>>());
    stopping.join().unwrap();
}
