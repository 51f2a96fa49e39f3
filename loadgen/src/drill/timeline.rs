//! What happens beside the load: units come in, guarantees move, faults begin and end, the server's memory is looked at, and
//! somebody notices when those who wait have nothing to wait for any more.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorbuster_protocol::{Answer, Code, Kind, Rebalance, Restock};

use super::faults::{Faults, Suffered};
use crate::audit::{self, Check};
use crate::ids::IdMaker;
use crate::net::{Control, LinkError};
use crate::program::Program;
use crate::resident::{self, Resident};
use crate::scenario::{self, Scenario};
use crate::schedule::nanos;
use crate::target::Target;
use crate::worker::Progress;

/// Longest sleep between two looks at what is due.
const TICK: Duration = Duration::from_millis(20);

/// Time between two looks at the server's memory.
const MEMORY_EVERY: Duration = Duration::from_millis(500);

/// Time between two looks at those who wait, once the phases are over.
const WAITERS_EVERY: Duration = Duration::from_millis(200);

/// Units that came in.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Delivery {
    /// When they were sent, seconds since the start.
    pub at_s: f64,
    /// Until every SKU's were acknowledged, milliseconds.
    pub acknowledged_ms: f64,
    /// Units, over all SKUs.
    pub units: u64,
    /// SKUs of which they were refused.
    pub refused: u64,
    /// Orders that waited just before.
    pub waiting: u64,
    /// Position of the log that the acknowledgement named.
    pub position: u64,
}

/// Guaranteed units that went from one channel to another.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Move {
    /// When it was asked for, seconds since the start.
    pub at_s: f64,
    /// The channel that gave.
    pub from: u16,
    /// The channel that got.
    pub to: u16,
    /// Units that were asked for, over all SKUs.
    pub asked_units: u64,
    /// Units that were moved.
    pub units: u64,
    /// SKUs of which none were.
    pub refused: u64,
}

/// What the timeline brings home.
#[derive(Debug, Default)]
pub struct Happened {
    /// Units that came in.
    pub deliveries: Vec<Delivery>,
    /// Guaranteed units that went from one channel to another.
    pub moves: Vec<Move>,
    /// Units that came in for each SKU.
    pub restocked_each: u64,
    /// The server's resident memory over time.
    pub resident: Resident,
    /// What was done to the server on purpose.
    pub faults: Vec<Suffered>,
    /// Processor time of servers that are gone, ticks.
    pub ticks_before: u64,
    /// When the load started, milliseconds since the Unix epoch.
    pub start_unix_ms: u64,
    /// What came of attacks, if there were any.
    pub attacked: Option<Check>,
    /// Why it ended early, if it did.
    pub lost: Option<String>,
}

/// Everything that it needs.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pub(super) control: Control,
    pub(super) scenario: &'a Scenario,
    pub(super) skus: Range<u64>,
    pub(super) target: &'a mut Target,
    pub(super) start: Instant,
    /// What an upgrade puts in the server's place.
    pub(super) next: Option<Program>,
}

impl Timeline<'_> {
    /// Runs until the workers have ended.
    pub(super) fn run(mut self, progress: &Progress) -> Happened {
        let mut happened = Happened::default();
        let mut faults = Faults::new(self.scenario.faults.clone(), self.next.take());
        let driven = self.drive(&mut faults, progress, &mut happened);
        // Whatever happened: the server is to be looked at.
        let ended = faults.give_up(self.start, self.target, progress);
        if let Err(error) = driven.and(ended.map(|_| ())) {
            happened.lost = Some(error);
            // Nobody else would tell those who wait, or for the server.
            progress.settled.store(true, Ordering::Relaxed);
            progress.down.store(false, Ordering::Release);
        }
        happened.faults = faults.suffered;
        happened.ticks_before = faults.ticks_before;
        happened
    }

    fn drive(
        &mut self,
        faults: &mut Faults,
        progress: &Progress,
        happened: &mut Happened,
    ) -> Result<(), String> {
        let lost = |error: LinkError| error.to_string();
        let mut restocks = self.scenario.restocks.clone();
        restocks.sort_by(|one, other| one.at_seconds.total_cmp(&other.at_seconds));
        let mut restocks = restocks.into_iter().peekable();
        let mut rebalances = self.scenario.rebalances.clone();
        rebalances.sort_by(|one, other| one.at_seconds.total_cmp(&other.at_seconds));
        let mut rebalances = rebalances.into_iter().peekable();
        let length = Duration::from_secs_f64(self.scenario.phases_seconds());
        let (mut memory_at, mut waiters_at) = (Duration::ZERO, length);
        while !progress.ended.load(Ordering::Relaxed) {
            // While the server is stopped, what is due waits.
            let due = restocks.peek().filter(|_| !faults.stop_the_server()).map(|restock| restock.at_seconds);
            std::thread::sleep(self.pause(due.into_iter().chain(faults.next_s())));
            let now = Instant::now().saturating_duration_since(self.start);
            if progress.stop.load(Ordering::Relaxed) {
                restocks = Vec::new().into_iter().peekable();
                rebalances = Vec::new().into_iter().peekable();
                if faults.give_up(self.start, self.target, progress)? {
                    self.connect_again()?;
                }
            }
            if faults.step(self.start, self.target, progress)? {
                self.connect_again()?;
            }
            if faults.stop_the_server() {
                // It can be asked for nothing; what falls due is done when it is there again.
                continue;
            }
            if let Some(due) = rebalances.next_if(|rebalance| rebalance.at_seconds <= now.as_secs_f64()) {
                self.rebalance(&due, progress, happened).map_err(lost)?;
            }
            if let Some(due) = restocks.next_if(|restock| restock.at_seconds <= now.as_secs_f64()) {
                self.restock(&due, progress, happened).map_err(lost)?;
            }
            if let Some(pid) = self.target.server_pid().filter(|_| now >= memory_at) {
                memory_at = now + MEMORY_EVERY;
                happened.resident.extend(now.as_secs_f64(), resident::of(pid));
            }
            let waits = self.scenario.waitlist.is_some() && !progress.settled.load(Ordering::Relaxed);
            if waits && now >= waiters_at && restocks.peek().is_none() {
                waiters_at = now + WAITERS_EVERY;
                if self.is_settled().map_err(lost)? {
                    progress.settled.store(true, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// The server was started again.
    fn connect_again(&mut self) -> Result<(), String> {
        let seen = self.control.seen;
        self.control =
            Control::connect(self.target.peer(), "doorbuster-drill").map_err(|error| error.to_string())?;
        self.control.seen = seen;
        Ok(())
    }

    /// How long nothing of this is due.
    fn pause(&self, due_s: impl Iterator<Item = f64>) -> Duration {
        let until = |due_s: f64| {
            let due = self.start + Duration::from_nanos(nanos(due_s));
            due.saturating_duration_since(Instant::now())
        };
        due_s.map(until).fold(TICK, Duration::min)
    }

    /// Brings units in, for each SKU the same.
    fn restock(
        &mut self,
        due: &scenario::Restock,
        progress: &Progress,
        happened: &mut Happened,
    ) -> Result<(), LinkError> {
        let waiting = self.stock()?.iter().map(|view| u64::from(view.waiting)).sum();
        let now_ms = self.control.status()?.now_ms;
        let mut ids = IdMaker::new(IdMaker::fresh_nonce());
        let skus = self.skus.end - self.skus.start;
        let each = equal_part(due.units, skus);
        let requests: Vec<Restock> = self
            .skus
            .clone()
            .map(|sku| Restock {
                request_id: ids.make(now_ms),
                sku,
                units: i64::try_from(each).unwrap_or(i64::MAX),
                reason: 1,
                ..Restock::default()
            })
            .collect();
        let sent = Instant::now();
        let answers: Vec<Answer> = self.control.execute(Kind::Restock, &requests)?;
        let refused = answers.iter().filter(|answer| answer.code != Code::Ok.number()).count() as u64;
        let position = self.control.seen;
        progress.seen.fetch_max(position, Ordering::Relaxed);
        happened.restocked_each += each;
        happened.deliveries.push(Delivery {
            at_s: sent.saturating_duration_since(self.start).as_secs_f64(),
            acknowledged_ms: sent.elapsed().as_secs_f64() * 1e3,
            units: each * (skus - refused),
            refused,
            waiting,
            position,
        });
        Ok(())
    }

    /// Moves guaranteed units from one channel to another, for each SKU as many.
    fn rebalance(
        &mut self,
        due: &scenario::Rebalance,
        progress: &Progress,
        happened: &mut Happened,
    ) -> Result<(), LinkError> {
        let scenario::Rebalance { from, to, .. } = *due;
        let skus = self.skus.end - self.skus.start;
        let units = equal_part(due.units, skus);
        let at_s = Instant::now().saturating_duration_since(self.start).as_secs_f64();
        let levels = audit::read_channels(&mut self.control, self.skus.clone(), &[from])?;
        let requests: Vec<Rebalance> = levels
            .iter()
            .map(|level| {
                let (sku, expected) = (level.sku, level.guarantee);
                Rebalance { sku, units, keep: 0, expected, from, to, reason: 1, by: 0 }
            })
            .collect();
        let answers: Vec<Answer> = self.control.execute(Kind::Rebalance, &requests)?;
        progress.seen.fetch_max(self.control.seen, Ordering::Relaxed);
        let moved = answers.iter().filter(|answer| answer.code == Code::Ok.number());
        happened.moves.push(Move {
            at_s,
            from,
            to,
            asked_units: units * skus,
            units: moved.clone().map(|answer| answer.units).sum(),
            refused: skus - moved.count() as u64,
        });
        Ok(())
    }

    /// Whether nobody who waits can still get something: no hold is open, and either nothing is free or nobody waits.
    fn is_settled(&mut self) -> Result<bool, LinkError> {
        let over = |view: &doorbuster_protocol::StockView| {
            view.held == 0 && (view.available == 0 || view.waiting == 0)
        };
        Ok(self.stock()?.iter().all(over))
    }

    fn stock(&mut self) -> Result<Vec<doorbuster_protocol::StockView>, LinkError> {
        let skus = u32::try_from(self.skus.end - self.skus.start).unwrap_or(u32::MAX);
        audit::read_stock(&mut self.control, self.skus.start, skus)
    }
}

/// So many units over all SKUs, as units of each.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "one to 10^12 by the scenario's checks"
)]
fn equal_part(units: f64, skus: u64) -> u64 {
    (units / crate::health::lossy(skus.max(1))) as u64
}
