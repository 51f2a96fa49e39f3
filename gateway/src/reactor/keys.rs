//! Who a connection is: proofs of keys, what is refused without one, and what happens when keys change.
//!
//! A frame costs one test of a bit ([`Pass::allows`]); all that is here is for those that fail it, and for once a change. What was let in
//! before its connection lost the right to ask is answered: it was decided, or is on its way to be.

use std::sync::Arc;

use doorbuster_protocol::resp::{Proof, Verdict};
use doorbuster_protocol::{Access, Auth, Code, Header, Kind, ProtocolError, body};

use super::{Network, Reactor};
use crate::audit;
use crate::keys::{Alarm, Keyring, LiveKeys, Pass};

/// Wrong keys that a connection may send: enough for a mistake and its correction. One in 2^256 is right by chance.
const MAX_WRONG: u8 = 3;

/// The name that Redis clients give with a password where they were told none.
const DEFAULT_NAME: &[u8] = b"default";

/// What a reactor knows of the keys.
#[derive(Debug)]
pub(super) struct Keys {
    generation: u64,
    ring: Arc<Keyring>,
    /// When next one of them ends, in server milliseconds.
    next_end: u64,
    alarm: Alarm,
}

impl Keys {
    pub(super) fn of(live: &LiveKeys, now_ms: u64) -> Self {
        // In this order: a change in between is looked at once more.
        let generation = live.generation();
        let ring = live.ring();
        Self { generation, next_end: ring.next_end(now_ms), ring, alarm: Alarm::default() }
    }

    /// Of a new connection.
    pub(super) fn pass(&self) -> Pass {
        Pass::without_key(&self.ring)
    }
}

impl<N: Network> Reactor<N> {
    /// Looks at all connections again, if keys have changed or one of them has ended.
    #[inline]
    pub(super) fn heed_keys(&mut self) {
        if self.shared.keys.generation() != self.keys.generation || self.wall.raw() >= self.keys.next_end {
            self.renew_passes();
        }
    }

    #[cold]
    fn renew_passes(&mut self) {
        let now_ms = self.wall.raw();
        let alarm = std::mem::take(&mut self.keys.alarm);
        self.keys = Keys { alarm, ..Keys::of(&self.shared.keys, now_ms) };
        let mut watched = false;
        for (name, session) in &mut self.sessions {
            let was_locked = session.pass.is_locked();
            let renewed = session.pass.renewed(&self.keys.ring, now_ms);
            let before = std::mem::replace(&mut session.pass, renewed);
            if session.pass.is_locked() && !was_locked {
                session.locked_since = self.now;
                let from = audit::Whence(session.peer);
                tracing::info!(key = before.who(), %from, "a connection lost its key, which was revoked or has ended");
            }
            if session.watching > 0 && !session.pass.allows(Kind::Watch) {
                session.watching = session.watching.saturating_sub(self.watches.forget(name));
                watched = true;
            }
        }
        if watched {
            self.say_whether_watched();
        }
    }

    /// AUTH.
    pub(super) fn prove(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let Auth { secret } = body::read_one(header, body)?;
        let verdict = self.judge(name, &Proof { name: Vec::new(), secret: Some(secret) });
        match verdict {
            Verdict::Granted => {
                let grant = self.sessions.get(name).and_then(|session| session.pass.grant());
                let access = grant.map_or_else(Access::default, |grant| Access {
                    role: grant.key().role.byte(),
                    ends_at: grant.ends_at_ms().unwrap_or(0),
                    ..Access::default()
                });
                let header = Header::new(Kind::Authenticated, header.correlation, 1);
                self.say(name, &header, |out| body::put(&access, out));
            }
            Verdict::Wrong => {
                let why =
                    "no key that counts is this one: it was revoked, has ended, or is of another server";
                self.fault(name, header.correlation, Code::Unauthenticated, why);
            }
            Verdict::NoKeys => {
                let why = "this server has no keys, and needs none: leave AUTH out";
                self.fault(name, header.correlation, Code::Unauthenticated, why);
            }
        }
        Ok(())
    }

    /// Looks at a key, and lets the connection do what it is for. One that has sent too many wrong ones is closed when it has its answer.
    pub(super) fn judge(&mut self, name: usize, proof: &Proof) -> Verdict {
        let Some(session) = self.sessions.get_mut(name) else { return Verdict::Wrong };
        self.stats.offered(Kind::Auth, 1);
        if self.keys.ring.is_empty() {
            self.stats.count(Kind::Auth, Code::Unauthenticated.number(), 1);
            return Verdict::NoKeys;
        }
        let found = proof.secret.as_ref().and_then(|secret| self.keys.ring.find(secret, self.wall.raw()));
        let is_named =
            |key: &str| proof.name.is_empty() || proof.name == DEFAULT_NAME || proof.name == key.as_bytes();
        if let Some(grant) = found.filter(|grant| is_named(grant.key().name.as_str())) {
            self.stats.count(Kind::Auth, Code::Ok.number(), 1);
            session.wrong_keys = 0;
            session.pass = Pass::with(grant);
            return Verdict::Granted;
        }
        self.stats.count(Kind::Auth, Code::Unauthenticated.number(), 1);
        session.wrong_keys = session.wrong_keys.saturating_add(1);
        let (tries, from) = (session.wrong_keys, audit::Whence(session.peer));
        if let Some(untold) = self.keys.alarm.ring(self.now) {
            tracing::warn!(target: audit::TARGET, %from, tries, untold, "a wrong key");
        }
        if tries >= MAX_WRONG {
            self.close_after_flush(name);
        }
        Verdict::Wrong
    }

    /// Answers a frame that its connection may not send.
    #[cold]
    pub(super) fn forbid(&mut self, name: usize, header: &Header) -> Result<(), ProtocolError> {
        let kind = header.kind;
        if !kind.is_request() {
            return Err(ProtocolError::UnknownKind { kind: kind.byte() });
        }
        let Some(session) = self.sessions.get(name) else { return Ok(()) };
        let (who, from) = (session.pass.who().to_owned(), audit::Whence(session.peer));
        let (code, why) = match session.pass.grant() {
            None => (
                Code::Unauthenticated,
                format!("the server has keys: send AUTH with one before {}", kind.name()),
            ),
            Some(grant) => {
                let role = grant.key().role.name();
                (
                    Code::Forbidden,
                    format!("key {who} has the role {role}, which may not send {}", kind.name()),
                )
            }
        };
        self.stats.offered(kind, header.count);
        self.stats.count(kind, code.number(), header.count);
        if let Some(untold) = self.keys.alarm.ring(self.now) {
            let (what, outcome) = (kind.name(), code.name());
            tracing::warn!(target: audit::TARGET, who, %from, what, outcome, untold, "not allowed");
        }
        self.fault(name, header.correlation, code, &why);
        Ok(())
    }

    /// Writes the line of an operator's frame that was not let in.
    #[cold]
    pub(super) fn tell_turned_away(&self, name: usize, header: &Header, body: &[u8]) {
        let Some(session) = self.sessions.get(name).filter(|_| audit::is_told(header.kind)) else { return };
        let late = header.time != 0 && header.time < self.wall.raw();
        let code = if late { Code::DeadlineExceeded } else { Code::Shed };
        audit::Entry::of(session.pass.who(), session.peer, header, body).tell_refused(header, code);
    }
}
