//! Reads the configuration again while the server runs: on SIGHUP, and on `POST /reload`.
//!
//! File, environment, certificates and API keys are read as at the start, with the flags of the start. One fault anywhere, and nothing of it
//! counts.
//! Else what may change is taken over, and of the rest it is said that it waits for the next start. It waits until then, however
//! often the configuration is read: what runs is compared, not what was read last.

use std::time::Duration;

use parking_lot::Mutex;

use crate::config::{Change, Effective, Faults, Reload, Sources};
use crate::emergency::Bounds;
use crate::keys::KeysError;
use crate::log_level::LogLevel;
use crate::overload::losses;
use crate::server::Shared;
use crate::tls::TlsError;

/// What is needed to read the configuration again.
#[derive(Debug)]
pub(crate) struct Reloader {
    sources: Sources,
    /// What the server goes by now. One reload at a time holds it.
    running: Mutex<Effective>,
    level: LogLevel,
}

/// What a reload changed.
#[derive(Debug)]
pub(crate) struct Report {
    /// What counts from now on.
    pub(crate) applied: Vec<Change>,
    /// What counts from the next start on.
    pub(crate) waiting: Vec<Change>,
}

/// Why nothing was reloaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// The server was not started from a configuration.
    #[error(
        "this server was started by a program and not from a configuration; there is nothing to be read again"
    )]
    NoSources,
    /// The configuration has faults.
    #[error("{}", .0.to_string().replace('\n', "; "))]
    Faults(Faults),
    /// The certificates are of no use.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The keys can't be used.
    #[error("{0}")]
    Keys(KeysError),
}

impl Reloader {
    /// `running` is what the server was started with.
    pub(crate) fn new(sources: Sources, running: Effective, level: LogLevel) -> Self {
        Self { sources, running: Mutex::new(running), level }
    }
}

/// Reads the configuration again, takes over what may change, and logs it.
///
/// # Errors
/// See [`ReloadError`]; nothing was taken over.
pub(crate) fn reload(shared: &Shared) -> Result<Report, ReloadError> {
    let reloader = shared.reloader.get().ok_or(ReloadError::NoSources)?;
    let mut running = reloader.running.lock();
    let read = reloader.sources.read().map_err(ReloadError::Faults)?;
    shared.keys.check().map_err(ReloadError::Keys)?;
    let changes = running.changes(&read);
    let certificates = shared.tls.as_ref().map(|tls| tls.read_again()).transpose()?;
    running.take_live(&read).map_err(ReloadError::Faults)?;
    shared.keys.reload().map_err(ReloadError::Keys)?;
    let (applied, waiting): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| change.key.reload == Reload::Live);
    if !applied.is_empty() {
        apply(shared, &running);
    }
    if let (Some(tls), Some(certificates)) = (&shared.tls, certificates) {
        tls.renew(certificates);
    }
    let level = running.config().server.log_level.clone();
    drop(running);
    tracing::info!(applied = %names(&applied), waiting = %names(&waiting), "the configuration was read again");
    // Behind that line, which the new level may leave out.
    if applied.iter().any(|change| change.key.name == "server.log_level") {
        reloader.level.set(&level);
    }
    Ok(Report { applied, waiting })
}

/// Takes over everything that may change. What stayed is set once more, which changes nothing.
fn apply(shared: &Shared, running: &Effective) {
    let config = running.config();
    let (server, overload) = (&config.server, &config.overload);
    shared.drain.set(Duration::from_millis(server.drain_ms));
    shared.slow_reader.set(Duration::from_millis(server.slow_reader_ms));
    shared.late.set(Duration::from_millis(overload.late_ms));
    shared.engine.alarm_above(server.release_alarm_ms);
    shared.engine.campaigns().alarm_prices_before(server.price_alarm_ms);
    shared.emergency.regime.configure(Bounds {
        shopper_limit: config.shopper_limit(),
        losses: losses::Settings {
            budget: overload.loss_budget.ten_thousandths(),
            target_us: overload.backlog_us,
        },
    });
}

/// Keys with their values, as one text of a log line.
fn names(changes: &[Change]) -> String {
    let one = |change: &Change| format!("{} {} -> {}", change.key.name, change.from, change.to);
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}
