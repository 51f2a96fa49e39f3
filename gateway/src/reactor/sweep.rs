//! Connections that take up room and give nothing for it: those that read no answers, don't greet, or don't end what they began.
//!
//! Each is cheap to make for whoever means harm, and dear to keep: an answer that nobody takes, or a frame of a megabyte of which a
//! byte comes a minute, is memory that others need.

use std::time::Duration;

use doorbuster_protocol::Code;

use super::session::Session;
use super::{Network, Reactor};

/// Time between two looks for such connections, or less where they may do so for less.
const SWEEP: Duration = Duration::from_secs(1);

/// Longest time from a connection to its greeting: several times what a client on a bad line needs.
pub(super) const GREETING: Duration = Duration::from_secs(10);

/// Longest time from the first byte of a frame, or a command, to its last: enough for the largest over a line of a megabit a
/// second.
pub(super) const WHOLE: Duration = Duration::from_secs(10);

/// Longest time without a key where there are keys: whoever has one sends it with the greeting, and others take up room.
pub(super) const PROOF: Duration = Duration::from_mins(1);

impl<N: Network> Reactor<N> {
    /// Closes such connections.
    pub(super) fn sweep(&mut self) {
        let limit = self.shared.slow_reader.get();
        if self.now.saturating_duration_since(self.swept) < limit.min(SWEEP) {
            return;
        }
        self.swept = self.now;
        let over = |since, limit| self.now.saturating_duration_since(since) >= limit;
        let is_stuck =
            |session: &Session<N::Stream>| session.stuck_since.is_some_and(|since| over(since, limit));
        // What the server doesn't read can't come whole.
        let is_idle = |session: &Session<N::Stream>| {
            !session.closing
                && ((!(session.greeted && self.network.is_established(&session.stream))
                    && over(session.opened, GREETING))
                    || (session.pass.is_locked() && over(session.locked_since, PROOF))
                    || (!session.stalled && session.began.is_some_and(|since| over(since, WHOLE))))
        };
        let (mut stuck, mut idle) = (Vec::new(), Vec::new());
        for (name, session) in &self.sessions {
            if is_stuck(session) {
                stuck.push(name);
            } else if is_idle(session) {
                idle.push(name);
            }
        }
        for name in stuck {
            // A socket tells that it has room again only when much of it has: who reads slowly and steadily is found out so.
            let progress = self.sessions.get_mut(name).is_some_and(|session| {
                let before = session.backlog();
                session.flush(self.now).is_ok() && session.backlog() < before
            });
            if progress {
                // It may have been the last that a connection about to close had to say.
                self.mark_dirty(name);
            } else {
                self.stats.cut_off();
                self.close(name);
            }
        }
        for name in idle {
            let Some(session) = self.sessions.get(name) else { continue };
            let (code, message) = if !session.greeted {
                (Code::HelloRequired, "no greeting came within 10 s")
            } else if session.began.is_some() {
                (Code::BadRequest, "what began 10 s ago has not come whole")
            } else {
                (Code::Unauthenticated, "no key came within 60 s")
            };
            self.fault(name, 0, code, message);
            self.close_after_flush(name);
        }
    }
}
