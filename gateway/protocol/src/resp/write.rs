//! Replies to bytes, in either version of the protocol.

/// The version that a connection has agreed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// As every client speaks it. A map is a list of names and values in turn; nothing is pushed.
    #[default]
    Two,
    /// With maps, and with pushes: after `HELLO 3`.
    Three,
}

/// Appends replies to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    version: Version,
}

impl<'a> Writer<'a> {
    /// A writer that appends to `out`.
    pub fn new(out: &'a mut Vec<u8>, version: Version) -> Self {
        Self { out, version }
    }

    /// The version that it writes.
    pub fn version(&self) -> Version {
        self.version
    }

    /// A short text of the server's own. No line ends in it.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text);
    }

    /// An error: the first word, in capitals, is for programs. Line ends in it are blanks.
    pub fn error(&mut self, prefix: &str, text: &str) {
        self.out.push(b'-');
        self.out.extend_from_slice(prefix.as_bytes());
        self.out.push(b' ');
        self.out.extend(text.bytes().map(|byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }));
        self.end();
    }

    /// A whole number.
    pub fn integer(&mut self, number: i64) {
        self.line(b':', itoa::Buffer::new().format(number));
    }

    /// A count, an amount or a time. One above the greatest that a reply can name is said to be that.
    pub fn count(&mut self, number: u64) {
        self.integer(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// A number that names something, as text.
    pub fn name(&mut self, number: u64) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Bytes.
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.head(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.end();
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// Yes or no; 1 or 0 in version 2.
    pub fn boolean(&mut self, yes: bool) {
        match self.version {
            Version::Two => self.integer(i64::from(yes)),
            Version::Three => self.line(b'#', if yes { "t" } else { "f" }),
        }
    }

    /// Nothing.
    pub fn null(&mut self) {
        let null = match self.version {
            Version::Two => &b"$-1\r\n"[..],
            Version::Three => b"_\r\n",
        };
        self.out.extend_from_slice(null);
    }

    /// Begins a list of so many elements.
    pub fn array(&mut self, elements: usize) {
        self.head(b'*', elements);
    }

    /// Begins a map of so many names with a value each.
    pub fn map(&mut self, entries: usize) {
        match self.version {
            Version::Two => self.head(b'*', entries.saturating_mul(2)),
            Version::Three => self.head(b'%', entries),
        }
    }

    /// Begins a push of so many elements. For version 3 alone.
    pub fn push(&mut self, elements: usize) {
        debug_assert_eq!(self.version, Version::Three, "version 2 has no pushes");
        self.head(b'>', elements);
    }

    fn head(&mut self, kind: u8, count: usize) {
        self.line(kind, itoa::Buffer::new().format(count));
    }

    fn line(&mut self, kind: u8, text: &str) {
        self.out.push(kind);
        self.out.extend_from_slice(text.as_bytes());
        self.end();
    }

    fn end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(version: Version, write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out, version));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_of_reply_is_written_as_its_version_wants_it() {
        let both = |write: fn(&mut Writer<'_>)| {
            [Version::Two, Version::Three].map(|version| written(version, write))
        };
        assert_eq!(both(|to| to.simple("OK")), ["+OK\r\n"; 2]);
        assert_eq!(both(|to| to.error("ERR", "a\r\nb")), ["-ERR a  b\r\n"; 2]);
        assert_eq!(both(|to| to.integer(-7)), [":-7\r\n"; 2]);
        assert_eq!(both(|to| to.count(u64::MAX)), [":9223372036854775807\r\n"; 2]);
        assert_eq!(both(|to| to.name(u64::MAX)), ["$20\r\n18446744073709551615\r\n"; 2]);
        assert_eq!(both(|to| to.bulk(b"a\r\n")), ["$3\r\na\r\n\r\n"; 2]);
        assert_eq!(both(|to| to.boolean(true)), [":1\r\n", "#t\r\n"]);
        assert_eq!(
            both(|to| {
                to.null();
            }),
            ["$-1\r\n", "_\r\n"]
        );
        assert_eq!(both(|to| to.array(2)), ["*2\r\n"; 2]);
        assert_eq!(both(|to| to.map(2)), ["*4\r\n", "%2\r\n"]);
        assert_eq!(written(Version::Three, |to| to.push(2)), ">2\r\n");
    }
}
