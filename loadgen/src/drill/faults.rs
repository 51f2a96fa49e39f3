//! Faults of the timeline: each begins and ends at its time, and is put on record.
//!
//! The server is ours: it is killed and started again as a supervisor would, swapped for another program, stopped and continued
//! by signals, and told over its admin port to sync slowly or to force its circuit breakers open.

use std::sync::atomic::Ordering;
use std::time::Instant;

use doorbuster_gateway::http;
use serde_json::json;

use super::upgrade::{self, Swap};
use crate::health;
use crate::program::Program;
use crate::progress;
use crate::scenario::{self, FaultKind};
use crate::target::Target;
use crate::worker::Progress;

/// A fault that is over.
#[derive(Clone, Debug)]
pub struct Suffered {
    /// The fault, as the scenario has it.
    pub fault: scenario::Fault,
    /// When it began, seconds since the start.
    pub at_s: f64,
    /// When it was over, and the server there again.
    pub until_s: f64,
    /// Of an upgrade, what took whose place.
    pub swap: Option<Swap>,
}

/// The faults of a drill, in order.
#[derive(Debug)]
pub(super) struct Faults {
    /// The next one last.
    left: Vec<scenario::Fault>,
    /// What lasts, and since when, seconds since the start.
    lasts: Option<Lasting>,
    /// What the next upgrade puts in the place of what runs.
    next: Option<Program>,
    /// What is over.
    pub(super) suffered: Vec<Suffered>,
    /// Processor time of servers that are gone, ticks.
    pub(super) ticks_before: u64,
}

/// A fault that has begun.
#[derive(Debug)]
struct Lasting {
    fault: scenario::Fault,
    /// Seconds since the start.
    at_s: f64,
    swap: Option<Swap>,
}

impl Lasting {
    /// When it ends, seconds since the start.
    fn ends_s(&self) -> f64 {
        self.at_s + self.fault.seconds
    }
}

impl Faults {
    /// `next` is what the first upgrade puts in the server's place.
    pub(super) fn new(mut faults: Vec<scenario::Fault>, next: Option<Program>) -> Self {
        faults.sort_by(|one, other| other.at_seconds.total_cmp(&one.at_seconds));
        Self { left: faults, lasts: None, next, suffered: Vec::new(), ticks_before: 0 }
    }

    /// Whether the server does nothing because of one.
    pub(super) fn stop_the_server(&self) -> bool {
        self.lasts.as_ref().is_some_and(|lasting| lasting.fault.kind.stops_the_server())
    }

    /// When something is due next, seconds since the start.
    pub(super) fn next_s(&self) -> Option<f64> {
        match &self.lasts {
            Some(lasting) => Some(lasting.ends_s()),
            None => self.left.last().map(|fault| fault.at_seconds),
        }
    }

    /// Begins or ends what is due. True if the server was started again: connections to it are gone.
    pub(super) fn step(
        &mut self,
        start: Instant,
        target: &mut Target,
        progress: &Progress,
    ) -> Result<bool, String> {
        let now_s = start.elapsed().as_secs_f64();
        if self.lasts.as_ref().is_some_and(|lasting| lasting.ends_s() <= now_s) {
            return self.end(start, target, progress);
        }
        if self.lasts.is_none()
            && let Some(fault) = self.left.pop_if(|fault| fault.at_seconds <= now_s)
        {
            if fault.kind.changes_the_process() {
                self.ticks_before += target.server_pid().map_or(0, health::ticks_of);
            }
            progress::step(&format!("{now_s:>4.0} s  {}: begins", fault.kind.name()));
            begin(&fault, target, progress)?;
            let swap = match fault.kind {
                FaultKind::Upgrade => Some(self.upgrade(start, target, progress)?),
                FaultKind::Kill
                | FaultKind::Pause
                | FaultKind::SlowSync
                | FaultKind::Breaker
                | FaultKind::Disconnect => None,
            };
            self.lasts = Some(Lasting { fault, at_s: now_s, swap });
        }
        Ok(false)
    }

    /// Puts the next program in the place of the one that runs, which is then the next one.
    fn upgrade(&mut self, start: Instant, target: &mut Target, progress: &Progress) -> Result<Swap, String> {
        let next = self.next.take().ok_or("an upgrade needs a program to put in the server's place")?;
        let swap = upgrade::swap(target, &next, start, progress)?;
        self.next = Some(swap.from.clone());
        Ok(swap)
    }

    /// Ends what lasts, and forgets what is left: the drill is over.
    pub(super) fn give_up(
        &mut self,
        start: Instant,
        target: &mut Target,
        progress: &Progress,
    ) -> Result<bool, String> {
        self.left.clear();
        self.end(start, target, progress)
    }

    fn end(&mut self, start: Instant, target: &mut Target, progress: &Progress) -> Result<bool, String> {
        let Some(Lasting { fault, at_s, swap }) = self.lasts.take() else { return Ok(false) };
        end(&fault, target, progress)?;
        let until_s = start.elapsed().as_secs_f64();
        progress::step(&format!("{until_s:>4.0} s  {}: over", fault.kind.name()));
        let restarted = fault.kind.changes_the_process();
        self.suffered.push(Suffered { fault, at_s, until_s, swap });
        Ok(restarted)
    }
}

fn begin(fault: &scenario::Fault, target: &mut Target, progress: &Progress) -> Result<(), String> {
    match fault.kind {
        FaultKind::Kill => {
            progress.down.store(true, Ordering::Release);
            target.kill();
        }
        FaultKind::Pause => target.pause(true),
        FaultKind::SlowSync => slow_sync(target, fault.sync_ms.unwrap_or(0))?,
        FaultKind::Breaker => set_breakers(target, fault, "forced-open")?,
        FaultKind::Disconnect => {
            let permille = (0..=1_000).find(|n| f64::from(*n) >= fault.share.unwrap_or(0.0) * 1_000.0);
            progress.break_permille.store(permille.unwrap_or(1_000), Ordering::Relaxed);
            progress.breaks.fetch_add(1, Ordering::Release);
        }
        FaultKind::Upgrade => {}
    }
    Ok(())
}

fn end(fault: &scenario::Fault, target: &mut Target, progress: &Progress) -> Result<(), String> {
    match fault.kind {
        FaultKind::Kill => {
            target.restart().map_err(|failure| failure.line)?;
            progress.down.store(false, Ordering::Release);
        }
        FaultKind::Pause => target.pause(false),
        FaultKind::SlowSync => slow_sync(target, 0)?,
        FaultKind::Breaker => set_breakers(target, fault, "automatic")?,
        FaultKind::Disconnect | FaultKind::Upgrade => {}
    }
    Ok(())
}

fn slow_sync(target: &Target, by_ms: u32) -> Result<(), String> {
    post(target, "/dev/slow-sync", &format!("{by_ms}ms"))
}

fn set_breakers(target: &Target, fault: &scenario::Fault, mode: &str) -> Result<(), String> {
    post(target, "/breakers", &json!({ "mode": mode, "class": fault.class }).to_string())
}

fn post(target: &Target, path: &str, body: &str) -> Result<(), String> {
    let admin = target.admin().ok_or("a fault needs a server of the drill's own")?;
    match http::post(admin, path, body) {
        Ok((200, _)) => Ok(()),
        Ok((_, answer)) => {
            Err(format!("{path} refused: {}", answer.lines().next().unwrap_or("without a word")))
        }
        Err(error) => Err(format!("{path} can't be reached: {error}")),
    }
}
