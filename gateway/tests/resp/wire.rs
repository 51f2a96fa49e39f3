//! A client that speaks RESP, and reads replies as they are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use doorbuster_gateway::testing::Server;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(String),
    Boolean(bool),
    Null,
    List(Vec<Self>),
    Push(Vec<Self>),
}

impl Reply {
    /// The elements of a list; of a map, names and values in turn.
    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) | Self::Push(list) => list,
            other => panic!("{other:?} is no list"),
        }
    }

    /// The name in front of an answer.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Error(text) => text.split(' ').next().expect("an error has a first word"),
            answer => answer.list()[0].text(),
        }
    }

    /// A field of an answer.
    pub(crate) fn field(&self, name: &str) -> &Self {
        let fields = self.list()[1].list();
        let at = fields.iter().step_by(2).position(|field| field.text() == name);
        &fields[2 * at.unwrap_or_else(|| panic!("{name} is not in {self:?}")) + 1]
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Simple(text) | Self::Error(text) | Self::Bulk(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            other => panic!("{other:?} is no number"),
        }
    }
}

pub(crate) struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(port(server)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        let reader = BufReader::new(stream.try_clone().expect("a socket"));
        Self { stream, reader }
    }

    /// A second hand on the same connection, for writing.
    pub(crate) fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("a socket")
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it takes requests");
    }

    /// Sends a command as libraries do, and reads the reply.
    pub(crate) fn ask(&mut self, line: &str) -> Reply {
        let bytes = command(line);
        self.send(&bytes);
        self.reply()
    }

    /// Reads the next reply.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a reply within the time");
        let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?} is cut short"));
        let (kind, rest) = line.split_at(1);
        let count = || rest.parse::<usize>().expect("a length");
        match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Integer(rest.parse().expect("a number")),
            "#" => Reply::Boolean(rest == "t"),
            "_" => Reply::Null,
            "$" if rest == "-1" => Reply::Null,
            "$" => {
                let mut text = vec![0; count() + 2];
                self.reader.read_exact(&mut text).expect("a whole text");
                text.truncate(text.len() - 2);
                Reply::Bulk(String::from_utf8(text).expect("text"))
            }
            "*" => Reply::List((0..count()).map(|_| self.reply()).collect()),
            "%" => Reply::List((0..2 * count()).map(|_| self.reply()).collect()),
            ">" => Reply::Push((0..count()).map(|_| self.reply()).collect()),
            other => panic!("{other:?} begins no reply"),
        }
    }

    /// Whether the server has closed the connection, and said no more.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).expect("an end within the time");
        rest.is_empty()
    }
}

/// Where a server's clients of Redis connect.
pub(crate) fn port(server: &Server) -> SocketAddr {
    server.server().resp().expect("it was set up")
}

/// A line of words as an array of bulk strings.
pub(crate) fn command(line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split(' ').collect();
    let texts = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), texts.collect::<Vec<_>>().concat()).into_bytes()
}
