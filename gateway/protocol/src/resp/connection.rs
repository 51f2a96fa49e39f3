//! What Redis clients say of their connection: when they begin, when they end, and to learn whom they talk to.

use super::arguments::{Arguments, Value, is};
use super::command::{COMMANDS, Spec, find};
use super::write::{Version, Writer};
use crate::secret::Secret;

/// Most bytes of the name that a client gives its connection.
const MAX_NAME: usize = 64;

/// What a server tells of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// The connection's number.
    pub connection: u64,
}

/// What has been agreed on a connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    facts: Facts,
    pub(super) version: Version,
    name: Vec<u8>,
    /// What HELLO asked for together with a key that is being looked at.
    greeting: Option<Greeting>,
}

/// What a HELLO asks for.
#[derive(Debug)]
struct Greeting {
    version: Version,
    name: Option<Vec<u8>>,
}

/// A key that a client says is its own.
#[derive(Debug)]
pub struct Proof {
    /// The name that it gives with it; empty: none.
    pub name: Vec<u8>,
    /// The key; `None`: what it sent is none.
    pub secret: Option<Secret>,
}

impl Proof {
    fn new(name: &[u8], secret: &[u8]) -> Self {
        let secret = std::str::from_utf8(secret).ok().and_then(|text| text.parse().ok());
        Self { name: name.to_vec(), secret }
    }
}

/// What was found about a [`Proof`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key counts.
    Granted,
    /// It is none, is another's, or counts no more.
    Wrong,
    /// The server has no keys.
    NoKeys,
}

/// What follows a command about the connection.
#[derive(Debug)]
pub(super) enum Then {
    /// Its reply was written.
    Replied,
    /// As that, and the connection ends.
    End,
    /// A key is to be looked at; [`Connection::judged`] writes the reply.
    Judge(Proof),
    /// INFO: an operation, whose answer is its reply.
    Info,
}

impl Connection {
    pub(super) fn new(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// Does what a command about the connection says, and writes the reply.
    pub(super) fn obey(&mut self, name: &[u8], mut words: Arguments<'_>, out: &mut Vec<u8>) -> Then {
        let mut to = Writer::new(out, self.version);
        match () {
            () if is(name, "PING") => match words.word() {
                None => to.simple("PONG"),
                Some(text) => to.bulk(text),
            },
            () if is(name, "ECHO") => to.bulk(words.word().unwrap_or_default()),
            () if is(name, "INFO") => return Then::Info,
            () if is(name, "HELLO") => return self.hello(words, out),
            () if is(name, "AUTH") => match (words.word(), words.word(), words.word()) {
                (Some(secret), None, _) => return Then::Judge(Proof::new(b"", secret)),
                (Some(name), Some(secret), None) => return Then::Judge(Proof::new(name, secret)),
                _ => to.error("ERR", "syntax error: AUTH [name] key"),
            },
            () if is(name, "SELECT") => match words.word().and_then(u64::read) {
                Some(0) => to.simple("OK"),
                _ => to.error("ERR", "DB index is out of range: there is database 0 alone"),
            },
            () if is(name, "CLIENT") => self.client(words, out),
            () if is(name, "COMMAND") => command(words, &mut to),
            () if is(name, "CONFIG") => config(words, &mut to),
            () if is(name, "RESET") => {
                *self = Self::new(self.facts);
                Writer::new(out, self.version).simple("RESET");
            }
            () if is(name, "QUIT") => {
                to.simple("OK");
                return Then::End;
            }
            () => to.error(
                "ERR",
                &format!(
                    "unknown command '{}': this is Doorbuster, not Redis; COMMAND DOCS lists what it knows",
                    super::arguments::Found::new(name)
                ),
            ),
        }
        Then::Replied
    }

    /// `HELLO [version [AUTH name key] [SETNAME name]]`.
    fn hello(&mut self, mut words: Arguments<'_>, out: &mut Vec<u8>) -> Then {
        let mut refuse = |prefix, text: &str| {
            Writer::new(out, self.version).error(prefix, text);
            Then::Replied
        };
        let mut version = self.version;
        if let Some(word) = words.word() {
            version = match word {
                b"2" => Version::Two,
                b"3" => Version::Three,
                _ => return refuse("NOPROTO", "unsupported protocol version: it is 2 or 3"),
            };
        }
        let (mut name, mut proof) = (None, None);
        while let Some(option) = words.word() {
            match () {
                () if is(option, "AUTH") => match (words.word(), words.word()) {
                    (Some(name), Some(secret)) => proof = Some(Proof::new(name, secret)),
                    _ => return refuse("ERR", HELLO_SYNTAX),
                },
                () if is(option, "SETNAME") => match words.word().filter(|name| fits(name)) {
                    None => return refuse("ERR", BAD_NAME),
                    given => name = given,
                },
                () => return refuse("ERR", HELLO_SYNTAX),
            }
        }
        let greeting = Greeting { version, name: name.map(<[u8]>::to_vec) };
        if let Some(proof) = proof {
            self.greeting = Some(greeting);
            return Then::Judge(proof);
        }
        self.greet(greeting, out);
        Then::Replied
    }

    /// Writes the reply to a command that had a key with it. A HELLO takes effect if the key counts, and not at all if it doesn't.
    pub(super) fn judged(&mut self, verdict: Verdict, out: &mut Vec<u8>) {
        let greeting = self.greeting.take();
        let mut to = Writer::new(out, self.version);
        match (verdict, greeting) {
            (Verdict::Granted, Some(greeting)) => self.greet(greeting, out),
            (Verdict::Granted, None) => to.simple("OK"),
            (Verdict::Wrong, _) => to.error("WRONGPASS", WRONG_KEY),
            (Verdict::NoKeys, _) => to.error("ERR", NO_KEYS),
        }
    }

    fn greet(&mut self, Greeting { version, name }: Greeting, out: &mut Vec<u8>) {
        self.version = version;
        if let Some(name) = name {
            self.name = name;
        }
        let mut to = Writer::new(out, version);
        to.map(7);
        to.text("server");
        to.text("doorbuster");
        to.text("version");
        to.text(env!("CARGO_PKG_VERSION"));
        to.text("proto");
        to.integer(if version == Version::Two { 2 } else { 3 });
        to.text("id");
        to.count(self.facts.connection);
        to.text("mode");
        to.text("standalone");
        to.text("role");
        to.text("master");
        to.text("modules");
        to.array(0);
    }

    fn client(&mut self, mut words: Arguments<'_>, out: &mut Vec<u8>) {
        let mut to = Writer::new(out, self.version);
        let what = words.word().unwrap_or_default();
        match () {
            () if is(what, "ID") => to.count(self.facts.connection),
            () if is(what, "GETNAME") && self.name.is_empty() => to.null(),
            () if is(what, "GETNAME") => to.bulk(&self.name),
            () if is(what, "SETNAME") => match words.word().filter(|name| fits(name)) {
                Some(name) => {
                    self.name = name.to_vec();
                    to.simple("OK");
                }
                None => to.error("ERR", BAD_NAME),
            },
            // What libraries say of themselves, and hints for a cache that there is not.
            () if ["SETINFO", "NO-EVICT", "NO-TOUCH"].iter().any(|known| is(what, known)) => to.simple("OK"),
            () => to.error("ERR", "CLIENT knows ID, GETNAME, SETNAME, SETINFO, NO-EVICT and NO-TOUCH"),
        }
    }
}

const NO_KEYS: &str = "AUTH called without any password configured: this server has no keys, and needs none";

const WRONG_KEY: &str =
    "invalid username-password pair: no key that counts is this one, or it has another name";

const HELLO_SYNTAX: &str = "syntax error: HELLO [2|3] [AUTH name key] [SETNAME name]";

/// Commands that are obeyed before a client has proved a key: they greet, prove one, ask whether anybody is there, or end.
const OPEN: [&str; 5] = ["PING", "HELLO", "AUTH", "RESET", "QUIT"];

/// Whether a command needs no key, even where there are keys.
pub(super) fn is_open(name: &[u8]) -> bool {
    OPEN.iter().any(|known| is(name, known))
}

const BAD_NAME: &str = "a connection's name has 1 to 64 printing characters without blanks";

fn fits(name: &[u8]) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

/// `COMMAND [COUNT | LIST | INFO name … | DOCS name …]`.
fn command(mut words: Arguments<'_>, to: &mut Writer<'_>) {
    let all = || COMMANDS.iter().flat_map(|group| group.iter());
    let what = words.word().unwrap_or_default();
    match () {
        () if what.is_empty() => {
            to.array(all().count());
            all().for_each(|spec| describe(spec, to));
        }
        () if is(what, "COUNT") => to.count(u64::try_from(all().count()).unwrap_or(u64::MAX)),
        () if is(what, "LIST") => {
            to.array(all().count());
            all().for_each(|spec| to.text(spec.name));
        }
        () if is(what, "INFO") && words.len() > 0 => {
            to.array(words.len());
            while let Some(name) = words.word() {
                match find(name) {
                    Some(spec) => describe(spec, to),
                    None => to.null(),
                }
            }
        }
        () if is(what, "INFO") => {
            to.array(all().count());
            all().for_each(|spec| describe(spec, to));
        }
        () if is(what, "DOCS") && words.len() > 0 => {
            let found: Vec<&Spec> = std::iter::from_fn(|| words.word()).filter_map(find).collect();
            to.map(found.len());
            for spec in found {
                document(spec, to);
            }
        }
        () if is(what, "DOCS") => {
            to.map(all().count());
            all().for_each(|spec| document(spec, to));
        }
        () => to.error("ERR", "COMMAND knows COUNT, LIST, INFO and DOCS"),
    }
}

/// As Redis describes a command: name, arguments (any number), flags, no keys, and four lists of which there is nothing to say.
fn describe(spec: &Spec, to: &mut Writer<'_>) {
    to.array(10);
    to.text(spec.name);
    to.integer(-1);
    to.array(1);
    to.simple("fast");
    (0..3).for_each(|_| to.integer(0));
    (0..4).for_each(|_| to.array(0));
}

fn document(spec: &Spec, to: &mut Writer<'_>) {
    to.text(spec.name);
    to.map(3);
    to.text("summary");
    to.text(spec.summary);
    to.text("group");
    to.text("module");
    to.text("usage");
    to.text(&format!("{} {}", spec.name, spec.usage));
}

/// What benchmarks look at before they begin.
const SETTINGS: &[(&str, &str)] = &[("save", ""), ("appendonly", "yes"), ("databases", "1")];

/// `CONFIG GET name …`.
fn config(mut words: Arguments<'_>, to: &mut Writer<'_>) {
    if !words.word().is_some_and(|word| is(word, "GET")) {
        return to.error("ERR", "CONFIG knows GET; a server is set up by its file: see docs/operations.md");
    }
    let wanted: Vec<&[u8]> = std::iter::from_fn(|| words.word()).collect();
    let is_wanted = |name: &str| wanted.iter().any(|word| *word == b"*" || is(word, name));
    let found = SETTINGS.iter().filter(|(name, _)| is_wanted(name));
    to.map(found.clone().count());
    for (name, value) in found {
        to.text(name);
        to.text(value);
    }
}
