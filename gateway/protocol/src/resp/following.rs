//! A feed that is followed: fetch after fetch, each event told by a push.

use super::reply;
use super::write::Writer;
use crate::body;
use crate::code::{Class, Code};
use crate::feed::{Fetch, Fetched};
use crate::frame::Header;
use crate::hello::Fault;
use crate::kind::Kind;

/// How long the server waits for a first event, milliseconds: the most that the end of a connection waits for it.
const WAIT_MS: u32 = 1_000;

/// The correlation of the first feed that a connection follows; the next one's is one less. None that a command has is as great.
const FIRST: u64 = u64::MAX;

/// See the module's doc. A connection follows one at a time.
#[derive(Debug)]
pub(super) struct Following {
    fetch: Fetch,
    correlation: u64,
    /// A fetch is on its way.
    asked: bool,
}

impl Following {
    /// Follows what `fetch` asks for, in the place of `before`.
    pub(super) fn new(fetch: Fetch, before: Option<&Self>) -> Self {
        let correlation = before.map_or(FIRST, |before| before.correlation.saturating_sub(1));
        Self { fetch: Fetch { wait_ms: WAIT_MS, ..fetch }, correlation, asked: false }
    }

    /// The next fetch, unless one is on its way.
    pub(super) fn next(&mut self) -> Option<(Header, Vec<u8>)> {
        if std::mem::replace(&mut self.asked, true) {
            return None;
        }
        let mut record = Vec::new();
        body::put(&self.fetch, &mut record);
        Some((Header::new(Kind::Fetch, self.correlation, 1), record))
    }

    pub(super) fn is_asked_by(&self, header: &Header) -> bool {
        header.correlation == self.correlation
    }

    /// Tells what an answer says. Says whether it goes on: it ends where the server can't say more, with the position to begin
    /// from another time.
    pub(super) fn hear(&mut self, header: &Header, bytes: &[u8], to: &mut Writer<'_>) -> bool {
        let from = self.fetch.from;
        if header.kind == Kind::Error {
            let code = body::read_one::<Fault>(header, bytes).map_or(0, |fault| fault.code);
            reply::end_of_feed(code, from, to);
            return false;
        }
        let Ok(page) = body::read_one::<Fetched>(header, bytes) else { return false };
        if page.code != Code::Ok.number() {
            let later = page.code().is_ok_and(|code| code.class() == Class::Retry);
            reply::end_of_feed(page.code, if later { from } else { page.next }, to);
            return false;
        }
        reply::events(&page, to);
        self.fetch.from = page.next;
        self.asked = false;
        true
    }
}
