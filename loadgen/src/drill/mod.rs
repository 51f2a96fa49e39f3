//! A whole drill: target, calibration, stock, load, audit, report.

mod attack;
mod backup;
mod emergency;
mod faults;
mod judge;
mod losses;
mod objectives;
mod prepare;
mod publish;
mod signals;
mod timeline;
mod upgrade;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use doorbuster_gateway::cli::Trust;

pub use self::faults::Suffered;
use self::timeline::Timeline;
pub use self::timeline::{Delivery, Happened, Move};
use self::upgrade::Next;
pub use self::upgrade::Swap;
use crate::audit::Sale;
use crate::exit::{Exit, Failure};
use crate::health::{CpuMeter, CpuUse, lossy};
use crate::ids::{IdMaker, mix};
use crate::journal::Journal;
use crate::net::Control;
use crate::pin::Cores;
use crate::population::Population;
use crate::program::Program;
use crate::progress;
use crate::recorder::{Limits, Recorder};
use crate::release_lag::ReleaseLag;
use crate::report::Settings;
use crate::scenario::{Budget, Scenario};
use crate::schedule::{Schedule, nanos};
use crate::shards::shard;
use crate::target::{Setup, Target};
use crate::worker::{Harvest, Progress, Task, Worker};

/// Time for the workers' threads to start.
const LEAD_IN: Duration = Duration::from_millis(50);

/// Sets the attacker's seed apart from the shoppers'.
const ATTACKER: u64 = 0x5EED_0BAD;

/// Most sender threads: one keeps hundreds of connections busy, and the server needs the other cores.
const MOST_WORKERS: usize = 4;

/// What the command line adds to a scenario.
#[derive(Clone, Debug)]
pub struct Request {
    /// The scenario, with what the command line changed in it.
    pub scenario: Scenario,
    /// A running server to drill.
    pub target: Option<String>,
    /// How to encrypt, and what to prove oneself with, on connections to it.
    pub trust: Trust,
    /// What a server of our own runs, instead of this executable.
    pub server: Option<PathBuf>,
    /// What an upgrade puts in its place, instead of a copy of this executable.
    pub next_server: Option<PathBuf>,
    /// Drill a server that holds stock of others.
    pub allow_live: bool,
    /// Durability of the embedded server.
    pub durability: String,
    /// Folder for the report.
    pub report: Option<PathBuf>,
    /// Print the JSON report instead of the text.
    pub json: bool,
}

/// Runs a drill and prints its report to `out`.
pub fn run(request: &Request, out: &mut dyn Write) -> ExitCode {
    match drill(request, out) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(),
    }
}

fn drill(request: &Request, out: &mut dyn Write) -> Result<Exit, Failure> {
    let progress = Arc::new(Progress::default());
    signals::stop_on(&progress)?;
    let scenario = &request.scenario;
    let rules = scenario.server.clone().unwrap_or_default();
    let setup = Setup {
        durability: request.durability.clone(),
        config: rules.config(scenario.time_scale),
        cores: if rules.own_core && request.target.is_none() { Cores::take() } else { Cores::default() },
        program: request.server.as_deref().map(|path| Program::named("--server", path)).transpose()?,
    };
    let next = Next::of(request)?;
    let mut target = Target::reach(request.target.as_deref(), &request.trust, setup)?;
    prepare::refuse_elsewhere(&target, scenario)?;
    let before = prepare::refuse_live(&target, request.allow_live)?;
    let settings = prepare::settle(request, &target, &before)?;
    let first_sku = mix(IdMaker::fresh_nonce()) >> 24 << 20;
    let mut sale = Sale {
        skus: first_sku..first_sku + u64::from(scenario.stock.skus),
        units_each: settings.units_each,
        restocked_each: 0,
        user_limit: scenario.stock.user_limit,
        retention_ms: prepare::retention_ms(scenario),
    };
    prepare::put_stock(&target, scenario, &sale)?;
    let mut lag_before = target.admin().and_then(ReleaseLag::ask).unwrap_or_default();
    let (harvests, mut happened, cpu) =
        load(request, &settings, &mut target, next.as_ref(), &sale, &progress)?;
    if happened.faults.iter().any(|suffered| suffered.fault.kind.changes_the_process()) {
        // A server that was started again counts from nothing.
        lag_before = ReleaseLag::default();
    }
    sale.restocked_each = happened.restocked_each;
    let interrupted = progress.stop.load(Ordering::Relaxed);
    let mut harvest = merge(harvests, scenario);
    // Who stops and starts the server knows why it isn't there; shoppers only see that.
    harvest.lost = happened.lost.clone().or(harvest.lost);
    let judged = {
        let attacked = happened.attacked.take();
        judge::judge(&mut target, &settings, &sale, &harvest, &happened, (&lag_before, attacked), interrupted)
    };
    let report = publish::assemble(settings, sale.skus.start, &harvest, happened, cpu, judged, interrupted);
    publish::publish(request, &report, &harvest.recorder, out)
}

/// Runs the workers to the end of the schedule.
fn load(
    request: &Request,
    settings: &Settings,
    target: &mut Target,
    next: Option<&Next>,
    sale: &Sale,
    progress: &Progress,
) -> Result<(Vec<Harvest>, Happened, CpuUse), Failure> {
    let scenario = &request.scenario;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let connections = scenario.load.connections as usize;
    let workers = (cores / 2).clamp(1, MOST_WORKERS).min(connections);
    let length = Duration::from_secs_f64(settings.phases_seconds);
    // A shopper who meant to act later than that would only add refusals.
    let last_ns = nanos(settings.phases_seconds + settings.tail_seconds);
    let shards: Vec<u32> = if scenario.baskets.is_some() {
        sale.skus.clone().map(|sku| shard(sku, settings.shards)).collect()
    } else {
        Vec::new()
    };
    let mut connected = Vec::new();
    for index in 0..workers {
        let seed = mix(scenario.seed ^ mix(index as u64 + 1));
        let task = Task {
            peer: target.peer().clone(),
            connections: u32::try_from((connections + index) / workers).unwrap_or(u32::MAX),
            schedule: Schedule::new(&scenario.phases, settings.peak_per_second / lossy(workers as u64), seed),
            population: Population::new(scenario, mix(seed)).in_shards(shards.clone()),
            first_sku: sale.skus.start,
            claim: scenario
                .budget
                .as_ref()
                .map(|budget| (Budget::number(sale.skus.start), u64::from(budget.discount_minor))),
            hold_ms: settings.hold_ms,
            deadline_ms: scenario.load.deadline_ms,
            retries: scenario.retries.clone(),
            campaign: scenario.campaign.clone(),
            last_ns,
            recorder: recorder(scenario),
        };
        let worker = Worker::connect(task);
        connected.push(worker.map_err(|error| Failure::could_not("connect the drill's shoppers", &error))?);
    }
    let failed = |error| Failure::could_not("connect the drill's timeline", &error);
    let control = Control::connect(target.peer(), "doorbuster-drill").map_err(failed)?;
    progress::step(&format!(
        "drilling for {:.0} s: T0 at {:.0} s, peak {:.0} arrivals/s, time_scale {}",
        settings.phases_seconds, settings.t0_seconds, settings.peak_per_second, scenario.time_scale
    ));
    let start = match &scenario.campaign {
        // Its times count from the start.
        Some(campaign) => prepare::stage(target, campaign, sale)?,
        None => Instant::now() + LEAD_IN,
    };
    let start_unix_ms = unix_ms(start);
    let meter = CpuMeter::start(target.server_pid());
    let (skus, peer) = (sale.skus.clone(), target.peer().clone());
    let next = next.map(|next| next.program.clone());
    let timeline = Timeline { control, scenario, skus, target: &mut *target, start, next };
    let (results, happened) = std::thread::scope(|scope| {
        let attacker = scenario.attack.as_ref().map(|attack| {
            let (seed, peer) = (mix(scenario.seed ^ ATTACKER), &peer);
            scope.spawn(move || attack::run(attack, peer, seed, start, progress))
        });
        let spawned: Vec<_> =
            connected.into_iter().map(|worker| scope.spawn(move || worker.run(start, progress))).collect();
        let watcher = scope.spawn(move || {
            progress::watch(progress, start, length, || {
                spawned.iter().all(std::thread::ScopedJoinHandle::is_finished)
            });
            let results: Vec<_> = spawned.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            progress.ended.store(true, Ordering::Relaxed);
            results
        });
        // On this thread: a server that it starts again ends with the thread that started it.
        let happened = timeline.run(progress);
        let attack = attacker.and_then(|attacker| attacker.join().ok());
        (watcher.join(), Happened { attacked: attack, start_unix_ms, ..happened })
    });
    let cpu = meter.stop_with(target.server_pid(), happened.ticks_before);
    let results = results.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let joined =
        results.into_iter().map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    Ok((joined.collect(), happened, cpu))
}

/// A moment by the machine's clock, milliseconds since the Unix epoch.
pub(crate) fn unix_ms(moment: Instant) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = now + moment.saturating_duration_since(Instant::now());
    u64::try_from(then.as_millis()).unwrap_or(u64::MAX)
}

fn recorder(scenario: &Scenario) -> Recorder {
    let objectives = &scenario.objectives;
    let limit = |p99_ms: f64| nanos(objectives.in_time_ms.unwrap_or(p99_ms) / 1_000.0);
    let limits =
        Limits { reserve_ns: limit(objectives.reserve_p99_ms), confirm_ns: limit(objectives.confirm_p99_ms) };
    let ends = Schedule::spans(&scenario.phases).into_iter().map(|(_, ends)| nanos(ends));
    Recorder::new(limits, ends.collect())
}

fn merge(harvests: Vec<Harvest>, scenario: &Scenario) -> Harvest {
    let mut all = Harvest {
        recorder: recorder(scenario),
        journal: Journal::default(),
        held_back: 0,
        retries: 0,
        given_up: 0,
        reconnects: 0,
        lost: None,
    };
    for harvest in harvests {
        all.recorder.merge(harvest.recorder);
        all.journal.merge(harvest.journal);
        all.held_back += harvest.held_back;
        all.retries += harvest.retries;
        all.given_up += harvest.given_up;
        all.reconnects += harvest.reconnects;
        all.lost = all.lost.or(harvest.lost);
    }
    all
}
