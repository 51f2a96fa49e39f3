//! Connections: writing, reading, and what becomes of requests whose connection breaks or whose answer doesn't come.

use std::sync::atomic::Ordering;

use doorbuster_protocol::{Class, Kind, body};

use super::Worker;
use super::flight::{Content, Errand, Reply};
use super::task::Progress;
use crate::net::{Link, LinkError};
use crate::population::Step;

/// What shoppers' connections call themselves.
const NAME: &str = "doorbuster-drill";

/// A connection broke, and can't be made again.
fn lost(error: &LinkError, again: &LinkError) -> LinkError {
    LinkError::Refused(format!("{error}; and a new connection failed: {again}"))
}

impl Worker {
    /// Writes what is to be sent.
    pub(super) fn flush(&mut self, progress: &Progress) -> Result<(), LinkError> {
        let mut dirty = std::mem::take(&mut self.dirty);
        for token in dirty.drain(..) {
            let Some(link) = &mut self.links[token] else { continue };
            match link.flush() {
                Ok(true) => {}
                Ok(false) => self.poller.want_write(link.stream(), token, true)?,
                Err(error) => self.reconnect(token, &error, progress)?,
            }
        }
        self.dirty = dirty;
        Ok(())
    }

    /// Takes what a connection has to say, and writes on where it was full.
    pub(super) fn answers(&mut self, token: usize, progress: &Progress) -> Result<(), LinkError> {
        let Some(link) = &mut self.links[token] else { return Ok(()) };
        let flushed = if link.is_flushed() { Ok(false) } else { link.flush() };
        if matches!(flushed, Ok(true)) {
            self.poller.want_write(link.stream(), token, false)?;
        }
        let mut replies = std::mem::take(&mut self.replies);
        let mut pushes = Vec::new();
        let received = link.receive(|header, content| {
            match header.kind {
                Kind::Goodbye => {}
                Kind::Push => body::read(header, content, |push| pushes.push(push))?,
                _ => replies.push(Reply::read(header, content)?),
            }
            Ok(())
        });
        let now_ns = self.now_ns();
        for reply in replies.drain(..) {
            if let Some(class) = self.answered(&reply, now_ns) {
                let counter = if class == Class::Done { &progress.done } else { &progress.refused };
                counter.fetch_add(1, Ordering::Relaxed);
                if let Content::Answer(answer) = &reply.content
                    && class == Class::Done
                {
                    progress.an_order.store(answer.order, Ordering::Relaxed);
                }
            }
        }
        self.replies = replies;
        for push in &pushes {
            self.pushed(push, now_ns);
        }
        flushed.and(received)
    }

    /// Breaks connections where that is wanted, and makes those again that broke while the server was down.
    pub(super) fn keep_connected(&mut self, progress: &Progress) -> Result<(), LinkError> {
        let breaks = progress.breaks.load(Ordering::Relaxed);
        if breaks != self.breaks {
            self.breaks = breaks;
            let permille = progress.break_permille.load(Ordering::Relaxed) as usize;
            for token in 0..(self.links.len() * permille).div_ceil(1_000) {
                self.reconnect(token, &LinkError::Closed, progress)?;
            }
        }
        if self.missing == 0 || progress.down.load(Ordering::Acquire) {
            return Ok(());
        }
        // All at once, as so many clients would: none waits until the ones before it were greeted.
        let mut dialled = Vec::with_capacity(self.missing);
        for token in (0..self.links.len()).filter(|&token| self.links[token].is_none()) {
            dialled.push((
                token,
                Link::dial(&self.task.peer, NAME, 0).map_err(|again| lost(&LinkError::Closed, &again))?,
            ));
        }
        for (token, mut link) in dialled {
            link.await_welcome().map_err(|again| lost(&LinkError::Closed, &again))?;
            self.take_up(token, link)?;
        }
        Ok(())
    }

    /// A connection broke: what it carried stays unanswered. One new connection is tried; if that fails, the target is
    /// lost, unless it is down on purpose.
    pub(super) fn reconnect(
        &mut self,
        token: usize,
        error: &LinkError,
        progress: &Progress,
    ) -> Result<(), LinkError> {
        // What it has said already counts; that it broke is known.
        drop(self.answers(token, progress));
        // The old socket is closed with its link; the poller forgets it then.
        self.missing += usize::from(self.links[token].take().is_some());
        self.abandon_flights(Some(token));
        if progress.down.load(Ordering::Acquire) { Ok(()) } else { self.connect_again(token, error) }
    }

    fn connect_again(&mut self, token: usize, error: &LinkError) -> Result<(), LinkError> {
        let (link, _) = Link::connect(&self.task.peer, NAME).map_err(|again| lost(error, &again))?;
        self.take_up(token, link)
    }

    fn take_up(&mut self, token: usize, link: Link) -> Result<(), LinkError> {
        self.poller.add(link.stream(), token)?;
        self.missing -= usize::from(self.links[token].replace(link).is_none());
        self.reconnects += 1;
        self.watch_again(token);
        Ok(())
    }

    /// Counts what is in flight, on one connection or on all, as unanswered.
    pub(super) fn abandon_flights(&mut self, token: Option<usize>) {
        let now_ns = self.now_ns();
        for index in 0..self.flights.len() {
            let flight = self.flights[index];
            if flight.open && token.is_none_or(|token| flight.token as usize == token) {
                self.flights[index].open = false;
                self.free.push(u32::try_from(index).unwrap_or(u32::MAX));
                self.lose(flight.errand, flight.overdue, now_ns);
            }
        }
    }

    /// A request will never be answered. Its shopper sends it again, unless he has done so.
    pub(super) fn lose(&mut self, errand: Errand, overdue: bool, now_ns: u64) {
        self.task.recorder.unanswered(errand.operation, errand.due_ns);
        let Some(plan) = errand.plan else { return };
        if !matches!(plan.step, Step::Poll | Step::Watch) {
            self.journal.lost(plan.attempt);
        }
        if !overdue && !self.over && self.try_again(plan, 0, now_ns) {
            self.task.recorder.broken_off(now_ns);
        }
    }

    /// Shoppers who have waited long enough for an answer send their requests again. The answer may still come.
    pub(super) fn lose_patience(&mut self, now_ns: u64) {
        while let Some(patience) = self.patience.pop_front_if(|patience| patience.until_ns <= now_ns) {
            let (index, serial) = patience.flight;
            let Some(flight) = self.flights.get_mut(index as usize) else { continue };
            if flight.open && flight.serial == serial && !flight.overdue {
                flight.overdue = true;
                if let Some(plan) = flight.errand.plan.filter(|_| !self.over) {
                    self.try_again(plan, 0, now_ns);
                }
            }
        }
    }
}
