//! `doorbuster serve`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use doorbuster_engine::clock::{Clock, DevClock, SystemClock};
use doorbuster_engine::storage::{FileStorage, Slowed, Storage, SyncDelay};

use super::layers::Layers;
use super::{fail, faulty, say};
use crate::audit;
use crate::config::{Config, Unprotected};
use crate::error::ServerError;
use crate::late::LateReleases;
use crate::log_level::LogLevel;
use crate::pseudonyms::Pseudonyms;
use crate::reload::Reloader;
use crate::server::{Server, Setup};
use crate::supervisor::Supervisor;

/// How often the main thread looks whether the server has failed, and whether the keys are others.
const WATCH: Duration = Duration::from_millis(50);

/// Options of `doorbuster serve`. Flags override the environment, which overrides the file.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    #[command(flatten)]
    layers: Layers,
    /// Try it out: throw-away data in a temporary folder, three SKUs, lines to paste.
    #[arg(long, conflicts_with = "data")]
    dev: bool,
    /// The data may be thrown away; told to clients, so that a drill may fill it.
    #[arg(long, hide = true)]
    throwaway: bool,
    /// Print one line of JSON when ready instead of text for people.
    #[arg(long)]
    ready_line: bool,
}

pub(super) fn run(options: &ServeOptions) -> ExitCode {
    let sources = options.layers.sources();
    let effective = match sources.read() {
        Ok(effective) => effective,
        Err(faults) => return faulty(2, &faults),
    };
    let config = effective.config().clone();
    let level = LogLevel::install(&config.server.log_level);
    let reloader = Reloader::new(sources, effective, level);
    let temporary = match options.dev.then(|| tempfile::Builder::new().prefix("doorbuster-dev-").tempdir()) {
        None => None,
        Some(Ok(folder)) => Some(folder),
        Some(Err(error)) => return fail(3, &format!("can't make a temporary folder: {error}")),
    };
    let folder = temporary.as_ref().map_or(config.log.folder.clone(), |folder| folder.path().to_owned());
    match serve(options, &config, &folder, reloader) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.exit_code(), &error),
    }
}

fn serve(
    options: &ServeOptions,
    config: &Config,
    folder: &Path,
    reloader: Reloader,
) -> Result<(), ServerError> {
    let io = |doing: &'static str| move |error| ServerError::Io { doing, error };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io("wait for signals"))?;
    // Signals are caught before the data is touched: one that comes during recovery ends in good order, too.
    let mut signals = {
        let _context = runtime.enter();
        Signals::catch().map_err(io("wait for signals"))?
    };
    let storage = FileStorage::open(folder).map_err(ServerError::Storage)?;
    let throwaway = options.dev || options.throwaway;
    let sync_delay = throwaway.then(Arc::<SyncDelay>::default);
    let storage: Arc<dyn Storage> = match &sync_delay {
        Some(delay) => Arc::new(Slowed::new(storage, Arc::clone(delay))),
        None => Arc::new(storage),
    };
    let dev_clock = options.dev.then(|| Arc::new(DevClock::new(Arc::new(SystemClock))));
    let clock: Arc<dyn Clock> = match &dev_clock {
        Some(clock) => Arc::<DevClock>::clone(clock),
        None => Arc::new(SystemClock),
    };
    let mut setup = Setup::on_storage(storage, clock);
    setup.dev_clock = dev_clock;
    setup.sync_delay = sync_delay;
    setup.listen = config.server.listen;
    setup.resp = config.server.resp;
    setup.admin = Some(config.server.admin);
    setup.rules = config.rules();
    setup.durability = config.durability();
    setup.shards = config.server.shards;
    setup.reactors = config.server.reactors;
    setup.recovery_grace_ms = config.log.recovery_grace_ms;
    setup.release_alarm_ms = config.server.release_alarm_ms;
    setup.price_alarm_ms = config.server.price_alarm_ms;
    setup.segment_bytes = config.log.segment_bytes;
    setup.compaction = config.compaction();
    setup.max_connections = config.server.max_connections;
    setup.max_connections_per_address = config.server.max_connections_per_address;
    setup.tls = config.tls();
    setup.drain = Duration::from_millis(config.server.drain_ms);
    setup.slow_reader = Duration::from_millis(config.server.slow_reader_ms);
    setup.backlog_us = config.overload.backlog_us;
    setup.shopper_limit = config.shopper_limit();
    setup.loss_budget = config.overload.loss_budget;
    setup.late = Duration::from_millis(config.overload.late_ms);
    setup.added_cost_us = config.overload.added_cost_us;
    setup.targets.clone_from(&config.board.targets);
    setup.anomaly_rules.clone_from(&config.anomaly.rules);
    setup.emergency_plans.clone_from(&config.emergency.plans);
    setup.pseudonyms = match &config.log.shopper_key {
        Some(file) => Some(Pseudonyms::read(file)?),
        None => None,
    };
    setup.folder = Some(folder.to_owned());
    setup.plan_journal = Some(folder.join(crate::emergency::FILE));
    setup.unprotected = config.security.unprotected == Unprotected::Allow;
    setup.keys = Some(config.keys_file(folder));
    if setup.added_cost_us > 0 {
        tracing::warn!(
            added_cost_us = setup.added_cost_us,
            "overload.added_cost_us makes each command slower, for rehearsals"
        );
    }
    setup.throwaway = throwaway;
    let server = Server::start(setup)?;
    server.reload_with(reloader);
    let mut supervisor = Supervisor::from_environment(Instant::now());
    greet(options, config, folder, &server);
    supervisor.ready();
    let mut late = LateReleases::default();
    let signal = runtime.block_on(async {
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop(name) => return Some(name),
                    // It belongs to the terminal that it was started in.
                    Signal::Reload if options.dev => return Some("SIGHUP"),
                    Signal::Reload => reload(&server),
                },
                () = tokio::time::sleep(WATCH) => {
                    if server.failed() {
                        return None;
                    }
                    let now = Instant::now();
                    if let Err(refusal) = server.look_at_keys() {
                        tracing::error!("the keys stay as they were: {refusal}");
                    }
                    late.look(server.engine(), now);
                    supervisor.alive(now);
                }
            }
        }
    });
    supervisor.stopping();
    if let Some(signal) = signal {
        tracing::info!(signal, "stopping: no new work, answers on their way leave, the log is synced");
    }
    server.stop()?;
    if signal.is_some() && !options.ready_line {
        say(&"stopped in good order");
    }
    Ok(())
}

/// Reads the configuration again because of a signal: what came of it is logged, as nobody waits for an answer.
fn reload(server: &Server) {
    let outcome = match server.reload() {
        Ok(_) => "done",
        Err(refusal) => {
            tracing::error!(
                "the configuration was not reloaded, and nothing of it was taken over: {refusal}"
            );
            "refused"
        }
    };
    tracing::info!(target: audit::TARGET, who = "signal", what = "RELOAD", outcome);
}

/// What a signal wants.
enum Signal {
    /// That the server stops; and what it is called.
    Stop(&'static str),
    /// That it reads its configuration again.
    Reload,
}

/// The signals that stop a server, or have it read its configuration again.
struct Signals {
    hang_up: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}

fn greet(options: &ServeOptions, config: &Config, folder: &Path, server: &Server) {
    let recovery = server.recovery();
    if let Some(torn) = &recovery.torn {
        tracing::warn!(
            segment = torn.segment.get(),
            offset = torn.offset,
            bytes = torn.bytes,
            blocks = torn.blocks,
            "the log ended in a write that a crash had torn; it was never acknowledged and was cut"
        );
    }
    let encrypts = config.tls().is_some();
    let admin = server.admin().map_or_else(String::new, |admin| admin.to_string());
    let durability = config.durability().name();
    if options.ready_line {
        let ready = serde_json::json!({
            "listen": server.listen().to_string(),
            "resp": server.resp().map(|resp| resp.to_string()),
            "admin": admin,
            "data": folder.display().to_string(),
            "durability": durability,
            "encrypted": encrypts,
        });
        return say(&ready);
    }
    say(&format_args!(
        "doorbuster {} listens on {},{} admin on {}://{admin}{}",
        env!("CARGO_PKG_VERSION"),
        server.listen(),
        server.resp().map_or_else(String::new, |resp| format!(" for Redis clients on {resp},")),
        if encrypts { "https" } else { "http" },
        if encrypts { "; all of them encrypted" } else { "" }
    ));
    let totals = server.engine().totals();
    say(&format_args!(
        "data in {}, durability {durability}; recovered {}{} events: {} SKUs, {} orders, {} open holds",
        folder.display(),
        recovery
            .snapshot
            .map_or_else(String::new, |position| format!("a snapshot of position {position} and ")),
        recovery.events,
        totals.skus,
        totals.orders,
        recovery.open_holds
    ));
    if options.dev {
        super::stock::set_up_dev(server.listen(), &admin);
    }
}
