//! One HTTP request to an admin port, as the command line and drills make it: too small a need for a library.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use doorbuster_client::{Secret, Tls};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest wait for an answer: an advance by a year over a busy log takes a minute.
const ANSWER: Duration = Duration::from_mins(5);

/// Most bytes of an answer that are read: the breakers of 64 shards, each with what it did lately, are 500 KiB; all metrics of
/// a busy server are as many.
const MAX_ANSWER: u64 = 4 << 20;

/// What a server that encrypts answers first to somebody who does not: a TLS alert.
const ALERT: u8 = 21;

/// An admin port, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Port {
    /// Where it is.
    pub at: SocketAddr,
    /// How to encrypt; `None`: not at all.
    pub tls: Option<Tls>,
    /// What whoever asks proves themselves with; `None`: nothing.
    pub key: Option<Secret>,
}

impl From<SocketAddr> for Port {
    fn from(at: SocketAddr) -> Self {
        Self { at, tls: None, key: None }
    }
}

impl Port {
    /// The first lines of a request.
    fn head(&self, method: &str, path: &str) -> String {
        let proof = self.key.as_ref().map(|key| format!("Authorization: Bearer {}\r\n", key.reveal()));
        format!("{method} {path} HTTP/1.0\r\n{}Host: {}", proof.unwrap_or_default(), self.at)
    }
}

/// Gets what is at a path: the answer's status and body.
///
/// # Errors
/// Nobody listens, the answer doesn't come in five minutes, or it isn't HTTP.
pub fn get(to: impl Into<Port>, path: &str) -> io::Result<(u16, String)> {
    get_within(to, path, ANSWER)
}

/// As [`get`], for somebody who waits for no more than so long between two pieces of the answer.
///
/// # Errors
/// As [`get`].
pub fn get_within(to: impl Into<Port>, path: &str, longest: Duration) -> io::Result<(u16, String)> {
    let to = to.into();
    ask(&to, &format!("{}\r\n\r\n", to.head("GET", path)), longest)
}

/// Posts a text and gives the answer's status and body.
///
/// # Errors
/// As [`get`].
pub fn post(to: impl Into<Port>, path: &str, body: &str) -> io::Result<(u16, String)> {
    let (to, length) = (to.into(), body.len());
    let head = format!("{}\r\nContent-Type: text/plain", to.head("POST", path));
    ask(&to, &format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}"), ANSWER)
}

fn ask(to: &Port, request: &str, longest: Duration) -> io::Result<(u16, String)> {
    let stream = TcpStream::connect_timeout(&to.at, CONNECT)?;
    stream.set_read_timeout(Some(longest))?;
    let answer = match &to.tls {
        None => exchange(stream, request),
        Some(tls) => {
            // Without the scope that a link-local address has.
            let at = SocketAddr::new(to.at.ip(), to.at.port());
            exchange(tls.wrap(&at.to_string(), stream)?, request)
        }
    }?;
    let unlike = || io::Error::new(io::ErrorKind::InvalidData, "what answers there doesn't speak HTTP");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(unlike)?;
    let status =
        head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    Ok((status.ok_or_else(unlike)?, body.to_owned()))
}

/// Asks, and reads until the other side has nothing more to say.
fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    if answer.first() == Some(&ALERT) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it wants an encrypted connection (--tls-ca)",
        ));
    }
    String::from_utf8(answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What [`post`] makes of an answer.
    fn answered(answer: &'static str) -> io::Result<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 4096];
            let mut length = 0;
            while !asked[..length].ends_with(b"\r\n\r\n15m") {
                length += stream.read(&mut asked[length..]).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let found = post(to, "/dev/advance", "15m");
        let asked = peer.join().unwrap();
        assert!(
            asked.starts_with("POST /dev/advance HTTP/1.0\r\n") && asked.contains("Content-Length: 3\r\n")
        );
        found
    }

    #[test]
    fn status_and_body_are_read() {
        let answer = "HTTP/1.0 403 Forbidden\r\ncontent-length: 3\r\n\r\nno\n";
        assert_eq!(answered(answer).unwrap(), (403, "no\n".to_owned()));
    }

    #[test]
    fn who_waits_for_no_more_than_so_long_is_told() {
        // The kernel takes the connection; nobody ever answers.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let refused = get_within(to, "/readyz", Duration::from_millis(1)).unwrap_err();
        assert!(matches!(refused.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{refused}");
    }

    #[test]
    fn a_server_that_encrypts_is_told_from_one_that_speaks_something_else() {
        let refused = answered("\u{15}\u{3}\u{3}\0\u{2}\u{2}\n").unwrap_err();
        assert_eq!(refused.to_string(), "it wants an encrypted connection (--tls-ca)");
    }

    #[test]
    fn another_protocol_is_said() {
        let refused = answered("SSH-2.0-OpenSSH\r\n").unwrap_err();
        assert!(refused.to_string().contains("doesn't speak HTTP"), "{refused}");
    }
}
