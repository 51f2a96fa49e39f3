//! Watching orders that wait, and telling those who watch.
//!
//! A watch begins as a read of its order. Notices are taken before the batches of the same pass, and a push leaves after the
//! answers that became durable with it: so a notice whose order nobody watches was decided before the read, whose answer told
//! what it says.

use doorbuster_engine::{MAX_NOTICES, News};
use doorbuster_ledger::Timestamp;
use doorbuster_protocol::{
    Answer, Code, Header, Kind, OrderState, OrderView, ProtocolError, Push, Watch, body,
};

use super::intake::Incoming;
use super::watches::Watched;
use super::{Network, Reactor};
use crate::convert;

impl<N: Network> Reactor<N> {
    /// Reads orders, and takes a place for each, as far as there are any.
    pub(super) fn watch(&mut self, incoming: &Incoming<'_>) -> Result<(), ProtocolError> {
        let name = incoming.name;
        let Some(has) = self.sessions.get(name).map(|session| session.watching) else { return Ok(()) };
        let sessions = &mut self.sessions;
        let room = self.watches.room(has, self.engine.now().raw(), |over| {
            if let Some(session) = sessions.get_mut(over) {
                session.watching = session.watching.saturating_sub(1);
            }
        });
        let mut taken = 0;
        self.operations(incoming, |asked: &Watch, _| {
            if taken == room {
                return Err(Answer::of(Code::CapacityExceeded));
            }
            taken += 1;
            Ok(convert::watch(asked))
        })?;
        self.watches.ask(taken);
        if let Some(session) = self.sessions.get_mut(name) {
            session.watching += taken;
        }
        self.say_whether_watched();
        Ok(())
    }

    /// Answers a watch whose order has been read, and keeps it if the order waits.
    pub(super) fn watched(&mut self, token: u64, view: &OrderView) -> Option<usize> {
        let waits = view.code == Code::Ok.number() && view.state == OrderState::Waiting.byte();
        let frame = self.frames.get(usize::try_from(token >> 32).ok()?)?;
        let (name, generation) = (frame.session, frame.generation);
        self.watches.answered();
        if let Some(session) = self.sessions.get_mut(name).filter(|session| session.generation == generation)
        {
            let watched =
                Watched { user: view.user, sku: view.sku, quantity: view.quantity, until: view.expires_at };
            let waits = waits && session.pass.allows(Kind::Watch);
            if !waits || !self.watches.keep(name, view.order, watched) {
                session.watching = session.watching.saturating_sub(1);
            }
        }
        self.say_whether_watched();
        self.answer(token, &convert::watched(view))
    }

    /// Tells the engine, before anything else is handed in, whether notices are wanted here.
    pub(super) fn say_whether_watched(&mut self) {
        let watches = self.watches.len();
        self.stats.watched(watches as u64);
        self.engine.watch(self.index, watches > 0);
    }

    /// Takes what has been noted. To be followed by taking the decided batches.
    pub(super) fn take_notices(&mut self) {
        while self.notices.len() < MAX_NOTICES
            && let Some(notice) = self.engine.take_notice(self.index)
        {
            self.first_ticket = self.first_ticket.min(notice.ticket);
            self.notices.push(notice);
        }
    }

    /// Whether something may be told now.
    pub(super) fn has_durable_notice(&self, durable: u64) -> bool {
        self.first_ticket <= durable
    }

    /// Tells what is durable. To be called when the answers that are durable are out.
    pub(super) fn push(&mut self, durable: u64) {
        if !self.has_durable_notice(durable) {
            return;
        }
        let ready: Vec<_> = self.notices.extract_if(.., |notice| notice.ticket <= durable).collect();
        self.first_ticket = self.notices.iter().map(|notice| notice.ticket).min().unwrap_or(u64::MAX);
        for notice in ready {
            let (state, expires_at) = match notice.news {
                News::Offered(until) => (OrderState::Held, until),
                News::Lapsed => (OrderState::Lapsed, Timestamp::default()),
            };
            for (name, watched) in self.watches.take(notice.order.raw()) {
                let push = Push {
                    order: notice.order.raw(),
                    user: watched.user,
                    sku: watched.sku,
                    expires_at: expires_at.raw(),
                    at: notice.at.raw(),
                    quantity: watched.quantity,
                    state: state.byte(),
                };
                if let Some(session) = self.sessions.get_mut(name) {
                    session.watching = session.watching.saturating_sub(1);
                }
                let header = Header { time: notice.ticket, ..Header::new(Kind::Push, 0, 1) };
                self.stats.pushed();
                self.say(name, &header, |out| body::put(&push, out));
            }
        }
        self.say_whether_watched();
    }
}
