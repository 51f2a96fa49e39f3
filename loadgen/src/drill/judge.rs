//! After the load: orders, accounts and log are read back and held against the drill's own account.

use std::time::{Duration, Instant};

use super::timeline::Happened;
use super::{backup, emergency};
use crate::audit::{self, Audit, Check, Evidence, Replay, Sale};
use crate::net::{Control, LinkError};
use crate::progress;
use crate::release_lag::{LagReport, ReleaseLag};
use crate::report::{PlanRow, Settings};
use crate::scenario::Budget;
use crate::target::Target;
use crate::worker::Harvest;

/// Holds that run out may be released this much later than their deadline before the audit stops waiting.
const EXPIRY_PATIENCE: Duration = Duration::from_secs(5);

/// What came of looking at the server afterwards.
pub(super) struct Judged {
    /// None if the server couldn't be read.
    pub(super) audit: Option<Audit>,
    /// Why the target was given up, if it was.
    pub(super) lost: Option<String>,
    /// The server's own figure, microseconds.
    pub(super) sync_p99_us: Option<u64>,
    /// How late a server of our own ended its holds.
    pub(super) release_lag: Option<LagReport>,
    /// Bytes of its log.
    pub(super) log_bytes: Option<u64>,
    /// Emergency plans that it carried out.
    pub(super) plans: Vec<PlanRow>,
}

/// Waits for the last holds, reads everything back, stops a server of our own and reads its log.
pub(super) fn judge(
    target: &mut Target,
    settings: &Settings,
    sale: &Sale,
    harvest: &Harvest,
    happened: &Happened,
    (lag_before, attacked): (&ReleaseLag, Option<Check>),
    interrupted: bool,
) -> Judged {
    progress::step("waiting for the last holds to run out, then auditing");
    let looked = look_back(target, settings, sale, harvest, interrupted);
    let lag_after = target.admin().and_then(ReleaseLag::ask);
    let plans = target.admin().map(|admin| emergency::ask(admin, happened.start_unix_ms)).unwrap_or_default();
    let (seen, mut lost) = match looked {
        Ok(seen) => (Some(seen), harvest.lost.clone()),
        Err(error) => (None, Some(harvest.lost.clone().unwrap_or_else(|| error.to_string()))),
    };
    if let Some(reason) = &mut lost {
        let words = target.last_words();
        if !reason.ends_with(&words) {
            reason.push_str(&words);
        }
    }
    if let (Err(failure), None) = (target.stop(), &lost) {
        lost = Some(failure.line);
    }
    let sync_p99_us = seen.as_ref().map(|(_, sync)| *sync);
    let backed_up = settings.scenario.server.as_ref().is_some_and(|server| server.backup);
    let mut audit = None;
    if let Some((mut evidence, _)) = seen {
        let backup = target.data().zip(target.setup()).filter(|_| backed_up && lost.is_none());
        let backup =
            backup.map(|(data, setup)| backup::check(data, setup.clone(), sale, &harvest.journal, &evidence));
        evidence.log = target.data().map(|data| Replay::read(data, sale.expected()));
        let mut found = audit::compare(sale, &harvest.journal, &harvest.recorder, &evidence);
        match backup {
            Some(Ok(check)) => found.checks.push(check),
            Some(Err(failure)) => lost = Some(failure.line),
            None => {}
        }
        found.checks.extend(attacked);
        audit = Some(found);
    }
    let release_lag = lag_after.and_then(|after| after.since(lag_before));
    let log_bytes = target.data().and_then(audit::log_bytes);
    Judged { audit, lost, sync_p99_us, release_lag, log_bytes, plans }
}

/// Reads orders and accounts back, when the last holds have run out.
fn look_back(
    target: &Target,
    settings: &Settings,
    sale: &Sale,
    harvest: &Harvest,
    interrupted: bool,
) -> Result<(Evidence, u64), LinkError> {
    let skus = settings.scenario.stock.skus;
    let mut control = Control::connect(target.peer(), "doorbuster-drill")?;
    let patience = Duration::from_secs_f64(settings.tail_seconds) + EXPIRY_PATIENCE;
    let until = Instant::now() + if interrupted { Duration::ZERO } else { patience };
    let mut stock = audit::read_stock(&mut control, sale.skus.start, skus)?;
    while stock.iter().any(|view| view.held > 0) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        stock = audit::read_stock(&mut control, sale.skus.start, skus)?;
    }
    // Holds that are still open may end between the two reads; then both are taken again.
    loop {
        let orders = audit::read_orders(&mut control, &harvest.journal)?;
        let after = audit::read_stock(&mut control, sale.skus.start, skus)?;
        let accounts = |views: &[doorbuster_protocol::StockView]| {
            views.iter().map(|view| (view.available, view.held, view.sold)).collect::<Vec<_>>()
        };
        let settled = accounts(&stock) == accounts(&after);
        if settled || Instant::now() >= until {
            let status = control.status()?;
            let lines = audit::read_lines(&mut control, &harvest.journal)?;
            let rules = settings.scenario.channels.iter().flat_map(|channels| &channels.of);
            let numbers: Vec<u16> = rules.map(|channel| channel.number).collect();
            let channels = audit::read_channels(&mut control, sale.skus.clone(), &numbers)?;
            let budget = match settings.scenario.budget {
                Some(_) => Some(audit::read_budget(&mut control, Budget::number(sale.skus.start))?),
                None => None,
            };
            let now_ms = status.now_ms;
            let evidence = Evidence { orders, lines, channels, budget, stock: after, now_ms, log: None };
            return Ok((evidence, status.sync_p99_us));
        }
        stock = after;
    }
}
