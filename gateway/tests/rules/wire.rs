//! A connection that sends a request as the kind that it is told, where the client would choose.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{Answer, Header, Hello, Kind, MAGIC, Parsed, Record, VERSION, body, parse};

pub(crate) struct Wire {
    stream: TcpStream,
    correlation: u64,
}

impl Wire {
    /// A greeted connection.
    pub(crate) fn greet(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("the server takes connections");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket has a time limit");
        let mut wire = Self { stream, correlation: 0 };
        let hello =
            Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: String::new() };
        assert_eq!(wire.exchange(Kind::Hello, &hello).0.kind, Kind::Welcome);
        wire
    }

    /// Sends one request and waits for its answer.
    pub(crate) fn ask<R: Record>(&mut self, kind: Kind, request: &R) -> Answer {
        let (header, content) = self.exchange(kind, request);
        assert_eq!(Some(header.kind), kind.answer());
        body::read_one(&header, &content).expect("one answer")
    }

    fn exchange<R: Record>(&mut self, kind: Kind, request: &R) -> (Header, Vec<u8>) {
        self.correlation += 1;
        let mut bytes = Vec::new();
        body::frame(Header::new(kind, self.correlation, 1), std::slice::from_ref(request), &mut bytes);
        self.stream.write_all(&bytes).expect("the server reads");
        bytes.clear();
        loop {
            let needed = match parse(&bytes).expect("a sound frame") {
                Parsed::Frame { header, body, .. } => return (header, body.to_vec()),
                Parsed::Incomplete { needed } => needed,
            };
            let had = bytes.len();
            bytes.resize(needed, 0);
            self.stream.read_exact(&mut bytes[had..]).expect("the server answers");
        }
    }
}
