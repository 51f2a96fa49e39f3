//! One non-blocking connection with its two buffers.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use doorbuster_gateway::Stream;
use doorbuster_protocol::{
    Code, Fault, HEADER_LEN, Header, Hello, Kind, MAGIC, MAX_BODY, Parsed, ProtocolError, VERSION, Welcome,
    body, parse,
};

use super::Peer;

/// First size of a receive buffer; it grows to what the largest answer needs.
const RECEIVE_BYTES: usize = 16 << 10;

/// Largest receive buffer: one frame.
const RECEIVE_LIMIT: usize = MAX_BODY as usize + HEADER_LEN;

/// Longest time for a greeting.
const GREETING: Duration = Duration::from_secs(5);

/// Why a connection can't be made or used any further.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The system's error.
    #[error("{0}")]
    Io(io::Error),
    /// The two sides could not agree on an encrypted connection, or it was tampered with.
    #[error("no encrypted connection: {0}{hint}", hint = hint(.0))]
    Unencrypted(Box<rustls::Error>),
    /// The server ended the connection when it was to agree on keys.
    #[error(
        "no encrypted connection: the server closed it; if that port encrypts nothing, leave --tls-ca out"
    )]
    SpeaksNoTls,
    /// The server said nothing when it was to agree on keys.
    #[error(
        "no encrypted connection: the server took too long to agree on keys; it is overloaded, or something else listens there"
    )]
    SilentTls,
    /// The server ended the connection in answer to a plain greeting.
    #[error(
        "the server closed the connection before its greeting (does it want an encrypted one? give --tls-ca)"
    )]
    Ungreeted,
    /// The peer broke the protocol, or isn't a Doorbuster server.
    #[error("the peer broke the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        match error.downcast() {
            Ok(tls) => Self::Unencrypted(Box::new(tls)),
            Err(error) => Self::Io(error),
        }
    }
}

impl LinkError {
    /// What the server refused with: its own words, or what the code means where it is too busy for words.
    pub fn refused(fault: Fault) -> Self {
        let code = Code::from_number(fault.code);
        Self::Refused(match code {
            Some(Code::Unauthenticated | Code::Forbidden) => format!("{}; {A_KEY}", fault.message),
            Some(code) if fault.message.is_empty() => format!("{code}: {}", code.meaning()),
            _ => fault.message,
        })
    }
}

/// What somebody does about a refusal for a key: a drill sets up, sells, and reads what every shopper has.
const A_KEY: &str = "a drill's key has the role operator, and comes from --key-file or DOORBUSTER_KEY";

/// What somebody may do about an encrypted connection that there is none of.
fn hint(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
    match error {
        InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "; --tls-name says whom it is for, where that isn't whom --target names"
        }
        InvalidCertificate(_) => "; --tls-ca names the file with who has signed the server's certificate",
        InvalidMessage(_) => "; if that port encrypts nothing, leave --tls-ca out",
        AlertReceived(_) => "; --tls-certificate and --tls-key show one, where the server asks for it",
        _ => "",
    }
}

/// A connection whose reads and writes never block.
#[derive(Debug)]
pub struct Link {
    stream: Stream<TcpStream>,
    out: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    /// Received and unread bytes are `input[start..end]`.
    start: usize,
    end: usize,
    /// Reads block with a time limit, so that "would block" means that it is over.
    greeting: bool,
}

impl Link {
    /// Connects and greets.
    ///
    /// # Errors
    /// If nobody listens, the greeting doesn't come in five seconds, or the server refuses it.
    pub fn connect(peer: &Peer, name: &str) -> Result<(Self, Welcome), LinkError> {
        Self::connect_for(peer, name, 0)
    }

    /// As [`connect`](Self::connect), asking for these features.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_for(peer: &Peer, name: &str, features: u64) -> Result<(Self, Welcome), LinkError> {
        let mut link = Self::dial(peer, name, features)?;
        let welcome = link.await_welcome().map_err(|error| peer.ungreeted(error))?;
        Ok((link, welcome))
    }

    /// Connects and sends the greeting. Its answer is to be waited for before anything else: of many connections, all may be
    /// dialled before the first is waited for.
    ///
    /// # Errors
    /// If nobody listens, or no encryption is agreed on.
    pub fn dial(peer: &Peer, name: &str, features: u64) -> Result<Self, LinkError> {
        let mut link = Self::over(peer.connect(GREETING)?);
        link.greeting = true;
        let hello =
            Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features, client: name.to_owned() };
        let mut greeting = Vec::new();
        if let Some(proof) = peer.proof() {
            body::frame(Header::new(Kind::Auth, 0, 1), &[proof], &mut greeting);
        }
        body::frame(Header::new(Kind::Hello, 0, 1), std::slice::from_ref(&hello), &mut greeting);
        link.stream.write_all(&greeting)?;
        Ok(link)
    }

    /// Waits for the answer to the greeting.
    ///
    /// # Errors
    /// If it doesn't come in five seconds, or the server refuses the greeting.
    pub fn await_welcome(&mut self) -> Result<Welcome, LinkError> {
        let welcome = loop {
            self.read()?;
            if let Some(welcome) = self.take_welcome()? {
                break welcome;
            }
        };
        self.stream.socket().set_nonblocking(true)?;
        self.greeting = false;
        Ok(welcome)
    }

    /// The answer to the greeting, once it is there whole. What came behind it stays to be read.
    fn take_welcome(&mut self) -> Result<Option<Welcome>, LinkError> {
        let received = self.input.get(self.start..self.end).unwrap_or_default();
        let Parsed::Frame { header, body: content, consumed } = parse(received)? else { return Ok(None) };
        let welcome = match header.kind {
            Kind::Authenticated => {
                self.start += consumed;
                return self.take_welcome();
            }
            Kind::Welcome => body::read_one(&header, content)?,
            Kind::Error => {
                let fault: Fault = body::read_one(&header, content)?;
                return Err(LinkError::refused(fault));
            }
            other => {
                let reason = "came instead of a greeting";
                return Err(ProtocolError::Body { kind: other.name(), index: 0, reason }.into());
            }
        };
        self.start += consumed;
        Ok(Some(welcome))
    }

    /// Connects without a greeting, for peers that speak no protocol.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn connect_ungreeted(peer: &Peer) -> Result<Self, LinkError> {
        let link = Self::over(peer.connect(GREETING)?);
        link.stream.socket().set_nonblocking(true)?;
        Ok(link)
    }

    fn over(stream: Stream<TcpStream>) -> Self {
        Self {
            stream,
            out: Vec::new(),
            written: 0,
            input: vec![0; RECEIVE_BYTES],
            start: 0,
            end: 0,
            greeting: false,
        }
    }

    /// The socket, for a [`Poller`](super::Poller).
    pub fn stream(&self) -> &TcpStream {
        self.stream.socket()
    }

    /// Where frames to send are appended.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether everything has been written.
    pub fn is_flushed(&self) -> bool {
        self.out.is_empty()
    }

    /// Writes what the socket takes; true if nothing is left.
    ///
    /// # Errors
    /// If the connection is broken.
    pub fn flush(&mut self) -> Result<bool, LinkError> {
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads what is there, and hands over every whole frame. What came before an end or an error was said all the same.
    ///
    /// # Errors
    /// If the connection is closed or broken; else the first fault in the bytes, or the first error of `each`.
    pub fn receive(
        &mut self,
        mut each: impl FnMut(&Header, &[u8]) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        loop {
            let read = self.read();
            let full = self.end == self.input.len();
            let taken = self.take_frames(&mut each);
            read.and(taken)?;
            // What a plain connection had no room for is in its socket, which the poller tells of again.
            if !(full && self.stream.is_encrypted()) {
                return Ok(());
            }
        }
    }

    /// Reads once.
    fn read(&mut self) -> Result<(), LinkError> {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.input.len() {
            self.input.resize((self.input.len() * 2).min(RECEIVE_LIMIT.next_power_of_two()), 0);
        }
        match self.stream.read(self.input.get_mut(self.end..).unwrap_or_default()) {
            Ok(0) => Err(LinkError::Closed),
            Ok(read) => {
                self.end += read;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.greeting => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "no greeting within 5 s").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Hands over every whole frame that was received.
    fn take_frames(
        &mut self,
        each: &mut impl FnMut(&Header, &[u8]) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        while let Some(received) = self.input.get(self.start..self.end) {
            match parse(received)? {
                Parsed::Incomplete { .. } => break,
                Parsed::Frame { header, body, consumed } => {
                    each(&header, body)?;
                    self.start += consumed;
                }
            }
        }
        Ok(())
    }
}
