//! A server that does what a test tells it, frame by frame, on a thread of its own with blocking sockets.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use doorbuster_protocol::{
    Answer, Code, Fault, HEADER_LEN, Header, Kind, MAX_BATCH, MAX_BODY, Parsed, Record, Welcome, body, parse,
};

/// A running script.
pub(crate) struct Script {
    pub(crate) address: String,
    thread: JoinHandle<()>,
}

/// The listening side of a script.
pub(crate) struct Peers(TcpListener);

/// One accepted connection.
pub(crate) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Script {
    pub(crate) fn start(script: impl FnOnce(&Peers) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        Self { address, thread: std::thread::spawn(move || script(&Peers(listener))) }
    }

    /// Waits for the script's end and passes its panic on. The client must be dropped, or the script must not
    /// wait for it.
    pub(crate) async fn finish(self) {
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await.expect("joins");
        if let Err(panic) = joined {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Peers {
    pub(crate) fn accept_ungreeted(&self) -> Peer {
        let (stream, _) = self.0.accept().expect("a connection");
        Peer { stream, buffer: Vec::new() }
    }

    pub(crate) fn accept(&self) -> Peer {
        let mut peer = self.accept_ungreeted();
        let (header, _) = peer.read();
        assert_eq!(header.kind, Kind::Hello);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let welcome = Welcome {
            version: 1,
            durability: 0,
            features: 0,
            now_ms: u64::try_from(now.as_millis()).expect("before the year 584 million"),
            log_id: [1; 16],
            max_batch: MAX_BATCH,
            max_body: MAX_BODY,
            max_in_flight: 1_000,
            idempotency_window_ms: 86_400_000,
            default_hold_ms: 60_000,
            max_hold_ms: 600_000,
            server: "script".to_owned(),
        };
        let mut bytes = Vec::new();
        body::frame(Header::new(Kind::Welcome, 0, 1), &[welcome], &mut bytes);
        peer.write(&bytes);
        peer
    }
}

impl Peer {
    pub(crate) fn read(&mut self) -> (Header, Vec<u8>) {
        self.read_or_end().expect("a frame, not the connection's end")
    }

    pub(crate) fn read_or_end(&mut self) -> Option<(Header, Vec<u8>)> {
        loop {
            if let Parsed::Frame { header, body, consumed } = parse(&self.buffer).expect("a sound frame") {
                let frame = (header, body.to_vec());
                self.buffer.drain(..consumed);
                return Some(frame);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the client reads");
    }

    pub(crate) fn until_closed(mut self) {
        while self.read_or_end().is_some() {}
    }
}

pub(crate) fn records<R: Record>(header: &Header, content: &[u8]) -> Vec<R> {
    let mut found = Vec::new();
    body::read(header, content, |record| found.push(record)).expect("a sound body");
    found
}

pub(crate) fn answers(header: &Header, answers: &[Answer]) -> Vec<u8> {
    let kind = header.kind.answer().expect("a request");
    let mut bytes = Vec::new();
    body::frame(Header::new(kind, header.correlation, 0), answers, &mut bytes);
    assert!(bytes.len() >= HEADER_LEN);
    bytes
}

pub(crate) fn fault(correlation: u64, code: Code, message: &str) -> Vec<u8> {
    let fault = Fault { code: code.number(), retry_after_ms: 0, message: message.to_owned() };
    let mut bytes = Vec::new();
    body::frame(Header::new(Kind::Error, correlation, 1), &[fault], &mut bytes);
    bytes
}
