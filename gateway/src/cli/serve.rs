//! `doorbuster serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use doorbuster_engine::clock::{Clock, DevClock, SystemClock};
use doorbuster_engine::storage::{FileStorage, Slowed, Storage, SyncDelay};
use tracing_subscriber::EnvFilter;

use super::{fail, say};
use crate::config::{Config, DurabilityName};
use crate::error::ServerError;
use crate::late::LateReleases;
use crate::server::{Server, Setup};

/// How often the main thread looks whether the server has failed.
const WATCH: Duration = Duration::from_millis(50);

/// Options of `doorbuster serve`. Flags override the environment, which overrides the file.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Configuration file (TOML); without one, the documented defaults hold.
    #[arg(long, env = "DOORBUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect [default: 127.0.0.1:7700].
    #[arg(long, env = "DOORBUSTER_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where clients of Redis connect [default: nowhere].
    #[arg(long, env = "DOORBUSTER_RESP", value_name = "ADDRESS:PORT")]
    resp: Option<SocketAddr>,
    /// Where /healthz, /readyz and /metrics are served [default: 127.0.0.1:7701].
    #[arg(long, env = "DOORBUSTER_ADMIN", value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// Data folder; made if it does not exist [default: doorbuster-data].
    #[arg(long, env = "DOORBUSTER_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// When an answer may leave [default: always].
    #[arg(long, env = "DOORBUSTER_DURABILITY", value_enum)]
    durability: Option<DurabilityName>,
    /// Shards of the ledger; 0 chooses by the number of cores.
    #[arg(long, env = "DOORBUSTER_SHARDS", value_name = "N")]
    shards: Option<usize>,
    /// Threads that serve connections; 0 chooses by the number of cores.
    #[arg(long, env = "DOORBUSTER_REACTORS", value_name = "N")]
    reactors: Option<usize>,
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
    let filter = EnvFilter::try_from_env("DOORBUSTER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second subscriber in the same process (an embedded server) is no reason to fail.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .try_init(),
    );
    let config = match configure(options) {
        Ok(config) => config,
        Err(error) => return fail(2, &error),
    };
    let temporary = match options.dev.then(|| tempfile::Builder::new().prefix("doorbuster-dev-").tempdir()) {
        None => None,
        Some(Ok(folder)) => Some(folder),
        Some(Err(error)) => return fail(3, &format!("can't make a temporary folder: {error}")),
    };
    let folder = temporary.as_ref().map_or(config.log.folder.clone(), |folder| folder.path().to_owned());
    match serve(options, &config, &folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.exit_code(), &error),
    }
}

fn configure(options: &ServeOptions) -> Result<Config, crate::ConfigError> {
    let mut config = options.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    if let Some(listen) = options.listen {
        config.server.listen = listen;
    }
    if options.resp.is_some() {
        config.server.resp = options.resp;
    }
    if let Some(admin) = options.admin {
        config.server.admin = admin;
    }
    if let Some(data) = &options.data {
        config.log.folder.clone_from(data);
    }
    if let Some(durability) = options.durability {
        config.log.durability = durability;
    }
    if let Some(shards) = options.shards {
        config.server.shards = shards;
    }
    if let Some(reactors) = options.reactors {
        config.server.reactors = reactors;
    }
    config.check()?;
    Ok(config)
}

fn serve(options: &ServeOptions, config: &Config, folder: &std::path::Path) -> Result<(), ServerError> {
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
    setup.drain = Duration::from_millis(config.server.drain_ms);
    setup.slow_reader = Duration::from_millis(config.server.slow_reader_ms);
    setup.backlog_us = config.overload.backlog_us;
    setup.shopper_limit = config.shopper_limit();
    setup.loss_budget = config.overload.loss_budget;
    setup.late = Duration::from_millis(config.overload.late_ms);
    setup.added_cost_us = config.overload.added_cost_us;
    setup.anomaly_rules.clone_from(&config.anomaly.rules);
    setup.emergency_plans.clone_from(&config.emergency.plans);
    setup.plan_journal = Some(folder.join(crate::emergency::FILE));
    if setup.added_cost_us > 0 {
        tracing::warn!(
            added_cost_us = setup.added_cost_us,
            "overload.added_cost_us makes each command slower, for rehearsals"
        );
    }
    setup.throwaway = throwaway;
    let server = Server::start(setup)?;
    greet(options, config, folder, &server);
    let mut late = LateReleases::default();
    let signal = runtime.block_on(async {
        loop {
            tokio::select! {
                signal = signals.next() => return Some(signal),
                () = tokio::time::sleep(WATCH) => {
                    if server.failed() {
                        return None;
                    }
                    late.look(server.engine(), Instant::now());
                }
            }
        }
    });
    if let Some(signal) = signal {
        tracing::info!(signal, "stopping: no new work, answers on their way leave, the log is synced");
    }
    server.stop()?;
    if signal.is_some() && !options.ready_line {
        say(&"stopped in good order");
    }
    Ok(())
}

/// The signals that stop a server.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

fn greet(options: &ServeOptions, config: &Config, folder: &std::path::Path, server: &Server) {
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
    let admin = server.admin().map_or_else(String::new, |admin| admin.to_string());
    let durability = config.durability().name();
    if options.ready_line {
        let ready = serde_json::json!({
            "listen": server.listen().to_string(),
            "resp": server.resp().map(|resp| resp.to_string()),
            "admin": admin,
            "data": folder.display().to_string(),
            "durability": durability,
        });
        return say(&ready);
    }
    say(&format_args!(
        "doorbuster {} listens on {},{} admin on http://{admin}",
        env!("CARGO_PKG_VERSION"),
        server.listen(),
        server.resp().map_or_else(String::new, |resp| format!(" for Redis clients on {resp},"))
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
