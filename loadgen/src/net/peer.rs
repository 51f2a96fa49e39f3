//! The server at the other end, and what it takes to speak with it: whom to trust with an encrypted connection, and a key.

use std::fmt;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use doorbuster_client::Tls;
use doorbuster_gateway::Stream;
use doorbuster_protocol::{Auth, Secret};

use super::LinkError;

/// See the module's doc.
#[derive(Clone, Debug)]
pub struct Peer {
    at: SocketAddr,
    /// `HOST:PORT` as it was asked for: the host is whom its certificate must be for.
    address: String,
    tls: Option<Tls>,
    key: Option<Secret>,
}

/// One that encrypts nothing and has no keys.
impl From<SocketAddr> for Peer {
    fn from(at: SocketAddr) -> Self {
        Self { at, address: at.to_string(), tls: None, key: None }
    }
}

/// As it was asked for, and where that is.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_string();
        if self.address == at { f.write_str(&at) } else { write!(f, "{} ({at})", self.address) }
    }
}

impl Peer {
    /// The server that `address` names, which is at `at`.
    pub fn new(address: &str, at: SocketAddr, tls: Option<Tls>, key: Option<Secret>) -> Self {
        Self { at, address: address.to_owned(), tls, key }
    }

    /// Where it listens.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Whether connections to it are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Its port as it is below all encryption.
    #[must_use]
    pub fn below(&self) -> Self {
        self.at.into()
    }

    /// Connects and, where that is wanted, agrees on keys. Until a step takes longer than `patience`, the socket waits.
    ///
    /// # Errors
    /// Nobody listens there, or encryption fails.
    pub fn connect(&self, patience: Duration) -> Result<Stream<TcpStream>, LinkError> {
        let socket = TcpStream::connect_timeout(&self.at, patience)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(patience))?;
        let Some(tls) = &self.tls else { return Ok(Stream::plain(socket)) };
        let mut stream = Stream::client(socket, tls.connection(&self.address)?);
        match stream.agree() {
            Ok(()) => Ok(stream),
            Err(error) if is_end(error.kind()) => Err(LinkError::SpeaksNoTls),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(LinkError::SilentTls),
            Err(error) => Err(error.into()),
        }
    }

    /// What goes in front of a greeting.
    pub fn proof(&self) -> Option<Auth> {
        self.key.clone().map(|secret| Auth { secret })
    }

    /// What an error before the answer to a greeting means.
    pub(super) fn ungreeted(&self, error: LinkError) -> LinkError {
        match error {
            LinkError::Closed if !self.is_encrypted() => LinkError::Ungreeted,
            LinkError::Io(error) if !self.is_encrypted() && is_end(error.kind()) => LinkError::Ungreeted,
            error => error,
        }
    }
}

/// Whether the other side has ended the connection.
fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
