//! A blocking client that can say anything. It makes its frames without the protocol crate, so that it can also make
//! false ones.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use doorbuster_protocol::{
    Answer, Code, Fault, Header, Kind, MAX_BATCH, Parsed, PutSku, ReadStock, Record, StockView, body, parse,
};

/// How long an answer may take before a test is given up; no passing test waits this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A frame's fields, true or false.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) length: Option<u32>,
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) correlation: u64,
    pub(crate) time: u64,
    pub(crate) count: u32,
    pub(crate) checksum_flip: u32,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn new(kind: u8, correlation: u64, count: u32, body: Vec<u8>) -> Self {
        Self { length: None, version: 1, kind, correlation, time: 0, count, checksum_flip: 0, body }
    }

    /// A frame of records, with as many as there are.
    pub(crate) fn of<R: Record>(kind: Kind, correlation: u64, records: &[R]) -> Self {
        let mut content = Vec::new();
        for record in records {
            body::put(record, &mut content);
        }
        Self::new(kind.byte(), correlation, u32::try_from(records.len()).expect("a small batch"), content)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = self.length.unwrap_or_else(|| u32::try_from(self.body.len()).expect("a body fits u32"));
        let mut out = length.to_le_bytes().to_vec();
        out.extend_from_slice(&[self.version, self.kind, 0, 0]);
        out.extend_from_slice(&self.correlation.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        let checksum = crc32c(out.iter().chain(&self.body)) ^ self.checksum_flip;
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&self.body);
        out
    }
}

fn crc32c<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg()))
    })
}

/// A HELLO as it should be.
pub(crate) fn hello() -> Raw {
    let mut content = b"DOORBSTR\x01\x01".to_vec();
    content.extend_from_slice(&0_u64.to_le_bytes());
    content.extend_from_slice(&7_u64.to_le_bytes());
    content.extend_from_slice(b"hostile");
    Raw::new(Kind::Hello.byte(), 1, 1, content)
}

/// What came, or that nothing comes any more.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(Header, Vec<u8>),
    /// Closed in good order.
    End,
    /// Closed with bytes unread.
    Reset,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("delays can be switched off");
        Self { stream, buffer: Vec::new() }
    }

    /// Connects and greets.
    pub(crate) fn greeted(address: SocketAddr) -> Self {
        let mut peer = Self::silent(address);
        peer.send(&hello().bytes());
        let (header, _) = peer.frame();
        assert_eq!(header.kind, Kind::Welcome);
        peer
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    /// Sends what may be refused on the way.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        // A reset while sending is one of the answers that a broken frame may get.
        drop(self.stream.write_all(bytes));
    }

    pub(crate) fn finish_sending(&self) {
        drop(self.stream.shutdown(Shutdown::Write));
    }

    pub(crate) fn came(&mut self) -> Came {
        loop {
            match parse(&self.buffer).expect("the server speaks the protocol") {
                Parsed::Frame { header, body, consumed } => {
                    let content = body.to_vec();
                    self.buffer.drain(..consumed);
                    return Came::Frame(header, content);
                }
                Parsed::Incomplete { .. } => {}
            }
            let mut chunk = [0; 8 << 10];
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    assert!(self.buffer.is_empty(), "the server closed in the middle of a frame");
                    return Came::End;
                }
                Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Came::Reset,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    pub(crate) fn frame(&mut self) -> (Header, Vec<u8>) {
        match self.came() {
            Came::Frame(header, content) => (header, content),
            other => panic!("a frame was expected, not {other:?}"),
        }
    }

    pub(crate) fn fault(&mut self) -> (u64, Code, String) {
        let (header, content) = self.frame();
        assert_eq!(header.kind, Kind::Error, "{header:?}");
        let fault: Fault = body::read_one(&header, &content).expect("an error frame has one record");
        (header.correlation, Code::from_number(fault.code).expect("a known code"), fault.message)
    }

    /// The next frame is an error with this code for the whole connection, and nothing comes behind it.
    pub(crate) fn expect_fault_and_end(&mut self, code: Code) {
        let (correlation, found, message) = self.fault();
        assert_eq!((correlation, found), (0, code), "{message}");
        assert!(!message.is_empty());
        assert!(matches!(self.came(), Came::End | Came::Reset));
    }

    /// Asks and waits for the records that answer.
    pub(crate) fn ask<Q: Record, A: Record>(
        &mut self,
        kind: Kind,
        correlation: u64,
        records: &[Q],
    ) -> Vec<A> {
        self.send(&Raw::of(kind, correlation, records).bytes());
        let (header, content) = self.frame();
        assert_eq!((Some(header.kind), header.correlation), (kind.answer(), correlation));
        let mut found = Vec::new();
        body::read(&header, &content, |answer| found.push(answer)).expect("whole answers");
        assert_eq!(found.len(), records.len());
        found
    }

    pub(crate) fn put_sku(&mut self, sku: u64, units: u64) {
        let put = PutSku { sku, units, ..PutSku::default() };
        let answers: Vec<Answer> = self.ask(Kind::PutSku, 100, &[put]);
        assert_eq!(answers[0].code().map(Code::number), Ok(Code::Ok.number()));
    }

    pub(crate) fn stock(&mut self, sku: u64) -> StockView {
        self.ask::<_, StockView>(Kind::ReadStock, 101, &[ReadStock { sku }])[0]
    }

    /// Sends as much of `bytes` as fits without waiting; the rest of them.
    pub(crate) fn send_without_waiting<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        self.stream.set_nonblocking(true).expect("a socket can stop to block");
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the server closed a slow reader: {error}"),
            }
        }
        self.stream.set_nonblocking(false).expect("a socket can block again");
        bytes
    }
}

/// The largest batch of stock reads: 64 KiB that ask for 512 KiB.
pub(crate) fn greedy(correlation: u64) -> Vec<u8> {
    let reads = vec![ReadStock { sku: 1 }; MAX_BATCH as usize];
    Raw::of(Kind::ReadStock, correlation, &reads).bytes()
}
