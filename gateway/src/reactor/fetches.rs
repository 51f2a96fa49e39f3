//! Fetches of the feed: on their way to the thread that reads the log, and back.

use doorbuster_protocol::{Code, Fetch, Header, Kind, ProtocolError, body};

use super::{Network, Reactor};
use crate::feed::{Job, MAX_FETCHES, MAX_FETCHES_EACH, busy};

impl<N: Network> Reactor<N> {
    /// Leaves a fetch at the feed's desk.
    pub(super) fn fetch(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let mut ask: Fetch = body::read_one(header, body)?;
        self.shared.rename(&mut ask);
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        let generation = session.generation;
        let job = Job {
            reactor: self.index,
            session: name,
            generation,
            correlation: header.correlation,
            ask,
            received: self.now,
        };
        self.stats.offered(Kind::Fetch, 1);
        let room = session.fetching < MAX_FETCHES_EACH && self.fetching < MAX_FETCHES;
        if room && self.shared.desk.push(job) {
            session.fetching += 1;
            session.in_flight = session.in_flight.saturating_add(1);
            self.fetching += 1;
        } else {
            self.stats.count(Kind::Fetch, Code::Busy.number(), 1);
            let answer = busy(ask.from);
            self.say(name, &Header::new(Kind::Fetched, header.correlation, 1), |out| body::put(&answer, out));
        }
        Ok(())
    }

    /// Passes on what the feed has answered.
    pub(super) fn release_fetched(&mut self) {
        while let Some(reply) = self.door.replies.pop() {
            self.fetching = self.fetching.saturating_sub(1);
            self.stats.count(Kind::Fetch, reply.code, 1);
            let session = self.sessions.get_mut(reply.session);
            if let Some(session) = session.filter(|session| session.generation == reply.generation) {
                session.fetching = session.fetching.saturating_sub(1);
                session.in_flight = session.in_flight.saturating_sub(1);
                if !session.pass.allows(Kind::Fetch) {
                    // It waited at the desk while its connection lost the right to know.
                    let why = "the key of this connection was revoked or has ended";
                    self.fault(reply.session, reply.correlation, Code::Unauthenticated, why);
                    continue;
                }
                session.output().extend_from_slice(&reply.frame);
                self.mark_dirty(reply.session);
            }
        }
    }
}
