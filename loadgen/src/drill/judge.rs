//! After the load: orders, accounts and log are read back and held against the drill's own account.

use std::time::{Duration, Instant};

use crate::audit::{self, Audit, Sale};
use crate::net::{Control, LinkError};
use crate::progress;
use crate::report::Settings;
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
}

/// Waits for the last holds, reads everything back, and stops a server of our own.
pub(super) fn judge(
    target: &mut Target,
    settings: &Settings,
    sale: &Sale,
    harvest: &Harvest,
    interrupted: bool,
) -> Judged {
    progress::step("waiting for the last holds to run out, then auditing");
    let looked = look_back(target, settings, sale, harvest, interrupted);
    let (audit, sync_p99_us, mut lost) = match looked {
        Ok((audit, sync)) => (Some(audit), Some(sync), harvest.lost.clone()),
        Err(error) => (None, None, Some(harvest.lost.clone().unwrap_or_else(|| error.to_string()))),
    };
    if let Some(reason) = &mut lost {
        reason.push_str(&target.last_words());
    }
    let mut judged = Judged { audit, lost, sync_p99_us };
    audit_log(target, sale, harvest, &mut judged);
    judged
}

/// Stops the embedded server and reads its log.
fn audit_log(target: &mut Target, sale: &Sale, harvest: &Harvest, judged: &mut Judged) {
    let stopped = target.stop();
    if let (Err(failure), None) = (&stopped, &judged.lost) {
        judged.lost = Some(failure.line.clone());
    }
    if let (Some(data), Some(found)) = (target.data(), &mut judged.audit) {
        let (check, lost) = audit::check_log(data, sale, &harvest.journal);
        found.lost_effects = found.lost_effects.max(lost);
        found.checks.push(check);
    }
}

/// Reads orders and accounts back and compares them with the account.
fn look_back(
    target: &Target,
    settings: &Settings,
    sale: &Sale,
    harvest: &Harvest,
    interrupted: bool,
) -> Result<(Audit, u64), LinkError> {
    let skus = settings.scenario.stock.skus;
    let mut control = Control::connect(target.address(), "doorbuster-drill")?;
    let patience = Duration::from_millis(u64::from(settings.hold_ms)) + EXPIRY_PATIENCE;
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
            let audit = audit::compare(sale, &harvest.journal, &harvest.recorder, &orders, &after);
            return Ok((audit, control.status()?.sync_p99_us));
        }
        stock = after;
    }
}
