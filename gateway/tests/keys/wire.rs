//! A connection of the native protocol, frame by frame.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use doorbuster_protocol::{
    Access, Answer, Auth, Code, Fault, Header, Hello, Kind, MAGIC, Parsed, Record, Secret, VERSION, body,
    parse,
};

/// How long an answer may take before a test is given up; no passing test waits this long.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
    correlation: u64,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("delays can be switched off");
        Self { stream, buffer: Vec::new(), correlation: 0 }
    }

    /// Connects and greets.
    pub(crate) fn greeted(address: SocketAddr) -> Self {
        let mut peer = Self::silent(address);
        peer.greet();
        peer
    }

    pub(crate) fn greet(&mut self) {
        let client = "keys".to_owned();
        let hello = Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client };
        self.send(Kind::Hello, &[hello]);
        assert_eq!(self.frame().0.kind, Kind::Welcome);
    }

    /// Sends a frame of records; its correlation.
    pub(crate) fn send<R: Record>(&mut self, kind: Kind, records: &[R]) -> u64 {
        self.correlation += 1;
        let mut bytes = Vec::new();
        body::frame(Header::new(kind, self.correlation, 0), records, &mut bytes);
        self.stream.write_all(&bytes).expect("the server takes bytes");
        self.correlation
    }

    /// Sends a frame whose deadline was long ago.
    pub(crate) fn send_late<R: Record>(&mut self, kind: Kind, records: &[R]) {
        self.correlation += 1;
        let mut bytes = Vec::new();
        body::frame(Header { time: 1, ..Header::new(kind, self.correlation, 0) }, records, &mut bytes);
        self.stream.write_all(&bytes).expect("the server takes bytes");
    }

    /// Sends a frame without a body that says it has so many records.
    pub(crate) fn send_empty(&mut self, kind: Kind, count: u32) -> u64 {
        self.correlation += 1;
        let mut bytes = Vec::new();
        Header::new(kind, self.correlation, count).encode(&mut bytes, |_| {});
        self.stream.write_all(&bytes).expect("the server takes bytes");
        self.correlation
    }

    /// The next frame; `None`: the connection has ended.
    pub(crate) fn came(&mut self) -> Option<(Header, Vec<u8>)> {
        loop {
            if let Parsed::Frame { header, body, consumed } =
                parse(&self.buffer).expect("the server speaks the protocol")
            {
                let content = body.to_vec();
                self.buffer.drain(..consumed);
                return Some((header, content));
            }
            let mut chunk = [0; 8 << 10];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    pub(crate) fn frame(&mut self) -> (Header, Vec<u8>) {
        self.came().expect("a frame, and no end")
    }

    /// The next frame is an error, to this frame: its code and message.
    pub(crate) fn fault(&mut self, correlation: u64) -> (Code, String) {
        let (header, content) = self.frame();
        assert_eq!((header.kind, header.correlation), (Kind::Error, correlation));
        let fault: Fault = body::read_one(&header, &content).expect("an error frame has one record");
        (Code::from_number(fault.code).expect("a known code"), fault.message)
    }

    /// Asks, and reads the records that answer.
    pub(crate) fn ask<Q: Record, A: Record>(&mut self, kind: Kind, records: &[Q]) -> Vec<A> {
        let correlation = self.send(kind, records);
        let (header, content) = self.frame();
        assert_eq!((Some(header.kind), header.correlation), (kind.answer(), correlation), "{content:?}");
        let mut found = Vec::new();
        body::read(&header, &content, |answer| found.push(answer)).expect("whole answers");
        found
    }

    /// Asks, and gives the answers' codes by name.
    pub(crate) fn codes<Q: Record>(&mut self, kind: Kind, records: &[Q]) -> Vec<&'static str> {
        let answers: Vec<Answer> = self.ask(kind, records);
        answers.iter().map(|answer| answer.code().expect("a known code").name()).collect()
    }

    /// Asks, and is refused as a whole.
    pub(crate) fn refused<Q: Record>(&mut self, kind: Kind, records: &[Q]) -> (Code, String) {
        let correlation = self.send(kind, records);
        self.fault(correlation)
    }

    /// Proves a key: what is granted, or why nothing is.
    pub(crate) fn prove(&mut self, secret: &Secret) -> Result<Access, (Code, String)> {
        let correlation = self.send(Kind::Auth, &[Auth { secret: secret.clone() }]);
        let (header, content) = self.frame();
        assert_eq!(header.correlation, correlation);
        if header.kind == Kind::Authenticated {
            return Ok(body::read_one(&header, &content).expect("what is granted has one record"));
        }
        let fault: Fault = body::read_one(&header, &content).expect("an error frame has one record");
        Err((Code::from_number(fault.code).expect("a known code"), fault.message))
    }

    /// The connection is served still, and nothing came before the answer to this.
    pub(crate) fn is_quiet_and_alive(&mut self) {
        let correlation = self.send_empty(Kind::Ping, 0);
        let (header, content) = self.frame();
        assert_eq!((header.kind, header.correlation), (Kind::Pong, correlation), "{content:?}");
    }
}
