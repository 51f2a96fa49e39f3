//! Answers to [`Fetch`], from a log's files.

use std::ops::ControlFlow;

use doorbuster_engine::log::{Cursor, LogError, Lsn};
use doorbuster_protocol::{Code, FeedEvent, Fetch, Fetched, MAX_BODY, MAX_FETCH, Record};

use super::event::event;
use super::filter::{Followed, Subject, wanted};

/// Bytes of the log that are read for one request before others have their turn: some 5 ms.
const BUDGET: u64 = 4 << 20;

/// Filters by shopper or SKU whose orders are kept for the next request. With more of them at once, the one that was
/// used longest ago is built anew when it comes again. 160 MiB of memory at most.
const MAX_SUBJECTS: usize = 8;

/// Bytes of an event on the wire.
const EVENT_BYTES: usize = 136;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct FeedReader {
    cursor: Cursor,
    /// Used last at the end.
    followed: Vec<Followed>,
}

/// What one turn came to.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The answer, as far as it has come.
    pub(crate) answer: Fetched,
    /// Where to go on.
    pub(crate) next: u64,
    /// There is more to be read before the end.
    pub(crate) more: bool,
}

impl FeedReader {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self { cursor, followed: Vec::new() }
    }

    /// Reads on for a request, at most a bounded part of the log; `until` is where everything before is durable.
    pub(crate) fn turn(&mut self, ask: &Fetch, until: u64) -> Result<Turn, LogError> {
        let mut answer = Fetched {
            code: Code::Ok.number(),
            next: ask.from,
            durable: until,
            log_id: self.cursor.log_id().get().to_be_bytes(),
            ..Fetched::default()
        };
        if ask.from > until {
            answer.code = Code::NoSuchPosition.number();
            return Ok(Turn { answer, next: ask.from, more: false });
        }
        let oldest = self.cursor.oldest();
        if Lsn::new(ask.from) < oldest {
            return Ok(removed(ask.from, oldest, &answer));
        }
        let mut followed = Subject::of(ask).map(|subject| self.take_followed(subject));
        if let Some(followed) = &mut followed {
            // Orders of which only the end is kept are not found by their shopper or SKU.
            followed.built_to = followed.built_to.max(oldest.get());
        }
        let read = match self.read(ask, until, followed.as_mut(), &mut answer.events) {
            Err(LogError::Dropped { oldest, .. }) => return Ok(removed(ask.from, oldest, &answer)),
            read => read,
        };
        let full = matches!(read, Ok(None));
        if let Some(followed) = followed
            && !full
        {
            if self.followed.len() >= MAX_SUBJECTS {
                self.followed.remove(0);
            }
            self.followed.push(followed);
        }
        let Some((next, built)) = read? else {
            answer.code = Code::CapacityExceeded.number();
            answer.events.clear();
            return Ok(Turn { answer, next: ask.from, more: false });
        };
        answer.next = next;
        let more = next < until || !built;
        Ok(Turn { answer, next, more })
    }

    /// Collects events; gives the position to go on from and whether the filter's orders are known up to it, or none where
    /// too many orders fit the filter.
    fn read(
        &mut self,
        ask: &Fetch,
        until: u64,
        mut followed: Option<&mut Followed>,
        events: &mut Vec<FeedEvent>,
    ) -> Result<Option<(u64, bool)>, LogError> {
        let mut fits = true;
        if let Some(followed) = followed.as_deref_mut()
            && followed.built_to < ask.from
        {
            let (from, to) = (Lsn::new(followed.built_to), Lsn::new(ask.from));
            let built = self.cursor.read(from, to, BUDGET, |lsn, record| {
                fits = followed.note(&event(lsn.get(), record));
                go_on(fits)
            })?;
            followed.built_to = built.get();
            if followed.built_to < ask.from || !fits {
                return Ok(fits.then_some((ask.from, false)));
            }
        }
        let most = if ask.max_events == 0 { MAX_FETCH } else { ask.max_events } as usize;
        let next = self.cursor.read(Lsn::new(ask.from), Lsn::new(until), BUDGET, |lsn, record| {
            let event = event(lsn.get(), record);
            if let Some(followed) = followed.as_deref_mut() {
                fits = followed.note(&event);
                if !fits {
                    return ControlFlow::Break(());
                }
            }
            if !wanted(ask, followed.as_deref(), &event) {
                return ControlFlow::Continue(());
            }
            if events.len() >= most {
                return ControlFlow::Break(());
            }
            events.push(event);
            ControlFlow::Continue(())
        })?;
        if let Some(followed) = followed {
            followed.built_to = followed.built_to.max(next.get());
        }
        Ok(fits.then_some((next.get(), true)))
    }

    fn take_followed(&mut self, subject: Subject) -> Followed {
        let known = self.followed.iter().position(|followed| followed.subject == subject);
        known.map_or_else(|| Followed::new(subject), |place| self.followed.remove(place))
    }
}

/// The answer to who asks for what is not kept any more; says from where on the log is.
fn removed(from: u64, oldest: Lsn, answer: &Fetched) -> Turn {
    let (code, next) = (Code::NoSuchPosition.number(), oldest.get());
    let answer = Fetched { code, next, durable: answer.durable, log_id: answer.log_id, ..Fetched::default() };
    Turn { answer, next: from, more: false }
}

fn go_on(go_on: bool) -> ControlFlow<()> {
    if go_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

const _: () = assert!(MAX_FETCH as usize * EVENT_BYTES + Fetched::MIN_LEN <= MAX_BODY as usize);
const _: () = assert!(doorbuster_ledger::PARTITIONS == doorbuster_protocol::feed::PARTITIONS);
