//! A whole drill: target, calibration, stock, load, audit, report.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use doorbuster_protocol::{Answer, Code, Kind, PutSku, StatusView};

use crate::audit::{self, Audit, Sale};
use crate::calibrate::calibrate;
use crate::exit::{Exit, Failure};
use crate::health::{CpuMeter, CpuUse, lossy};
use crate::ids::{IdMaker, mix};
use crate::journal::Journal;
use crate::net::{Control, LinkError};
use crate::population::Population;
use crate::progress;
use crate::recorder::{Limits, Operation, Recorder};
use crate::report::{self, Report, SCHEMA_VERSION, Settings};
use crate::scenario::{Auto, Scenario};
use crate::schedule::{Schedule, nanos};
use crate::target::Target;
use crate::verdict::{self, Facts, Generator, Objective};
use crate::worker::{Harvest, Progress, Task, Worker};

/// Time for the workers' threads to start.
const LEAD_IN: Duration = Duration::from_millis(50);

/// Holds that run out may be released this much later than their deadline before the audit stops waiting.
const EXPIRY_PATIENCE: Duration = Duration::from_secs(5);

/// Most sender threads: one keeps hundreds of connections busy, and the server needs the other cores.
const MOST_WORKERS: usize = 4;

/// Most memory that the account of a drill may need, as purchases: 64 bytes each, 6.4 GB.
const MOST_PURCHASES: f64 = 100_000_000.0;

/// What the command line adds to a scenario.
#[derive(Clone, Debug)]
pub struct Request {
    /// The scenario, with what the command line changed in it.
    pub scenario: Scenario,
    /// A running server to drill.
    pub target: Option<String>,
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
    stop_on_signals(&progress)?;
    let mut target = Target::reach(request.target.as_deref(), &request.durability)?;
    let before = refuse_live(&target, request.allow_live)?;
    let settings = prepare(request, &target, &before)?;
    let first_sku = mix(IdMaker::fresh_nonce()) >> 24 << 20;
    let skus = first_sku..first_sku + u64::from(request.scenario.stock.skus);
    let sale = Sale { skus, units_each: settings.units_each, user_limit: request.scenario.stock.user_limit };
    put_stock(&target, &request.scenario, &sale)?;
    let (harvests, cpu) = load(request, &settings, &target, &sale, &progress)?;
    let interrupted = progress.stop.load(Ordering::Relaxed);
    let harvest = merge(harvests, &request.scenario);
    let judged = judge(&mut target, &settings, &sale, &harvest, interrupted);
    let report = assemble(settings, &harvest, cpu, judged, interrupted);
    publish(request, &report, &harvest.recorder, out)
}

/// Reads what the target holds, and refuses to drill somebody else's stock.
fn refuse_live(target: &Target, allow_live: bool) -> Result<StatusView, Failure> {
    let failed =
        |error: LinkError| Failure::could_not(&format!("drill the server at {}", target.address()), &error);
    let status = Control::connect(target.address(), "doorbuster-drill")
        .and_then(|mut c| c.status())
        .map_err(failed)?;
    if status.skus > 0 && !allow_live && !target.is_embedded() {
        return Err(Failure::usage(format!(
            "the server at {} holds {} SKUs that this drill didn't set up; drill another one, or say --allow-live",
            target.address(),
            status.skus
        )));
    }
    Ok(status)
}

/// Fixes everything that the scenario leaves to the machine.
fn prepare(request: &Request, target: &Target, before: &StatusView) -> Result<Settings, Failure> {
    let scenario = &request.scenario;
    let (calibrated_per_second, peak_per_second) = match scenario.load.peak_per_second {
        Auto::Given(rate) => (None, rate),
        Auto::Auto => {
            progress::step("calibrating for 2 s");
            let capacity = calibrate(target, scenario.load.connections)?;
            (Some(capacity), (capacity * scenario.load.utilisation).max(1.0))
        }
    };
    let reserves =
        Schedule::expected(&scenario.phases, peak_per_second) * (1.0 - scenario.shoppers.read_share);
    if reserves > MOST_PURCHASES {
        return Err(Failure::usage(format!(
            "the scenario expects {reserves:.0} purchases; the account has room for {MOST_PURCHASES:.0}: \
             shorten the phases or lower the rate"
        )));
    }
    let units = match scenario.stock.units {
        Auto::Given(units) => units,
        Auto::Auto => reserves / scenario.stock.demand_per_unit,
    };
    let phases_seconds: f64 = scenario.phases.iter().map(|phase| phase.seconds).sum();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Settings {
        scenario: scenario.clone(),
        target: target.describe(),
        durability: durability(before.durability).to_owned(),
        embedded: target.is_embedded(),
        started_at_unix_ms: u64::try_from(now.as_millis()).unwrap_or(0),
        calibrated_per_second,
        peak_per_second,
        units_each: whole((units / f64::from(scenario.stock.skus)).round()).max(1),
        hold_ms: u32::try_from(whole(scenario.shoppers.hold_seconds * scenario.time_scale * 1_000.0))
            .unwrap_or(u32::MAX)
            .max(1),
        phases_seconds,
        t0_seconds: t0(scenario),
    })
}

/// The start of the phase that begins with the highest rate.
fn t0(scenario: &Scenario) -> f64 {
    let mut begins = 0.0;
    let mut highest = (0.0, 0.0);
    for phase in &scenario.phases {
        if phase.rate > highest.0 {
            highest = (phase.rate, begins);
        }
        begins += phase.seconds;
    }
    highest.1
}

fn durability(byte: u8) -> &'static str {
    match byte {
        0 => "always",
        1 => "interval",
        2 => "none",
        _ => "unknown",
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the scenario's checks"
)]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

fn put_stock(target: &Target, scenario: &Scenario, sale: &Sale) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("set up the drill's stock", error);
    let requests: Vec<PutSku> = (0..u64::from(scenario.stock.skus))
        .map(|index| PutSku {
            sku: sale.skus.start + index,
            units: sale.units_each,
            user_limit: sale.user_limit,
            order_limit: 0,
        })
        .collect();
    let mut control = Control::connect(target.address(), "doorbuster-drill").map_err(|e| failed(&e))?;
    let answers: Vec<Answer> = control.execute(Kind::PutSku, &requests).map_err(|e| failed(&e))?;
    match answers.iter().find(|answer| answer.code != Code::Ok.number()) {
        None => Ok(()),
        Some(answer) => Err(failed(&Code::from_number(answer.code).map_or("an unknown code", Code::name))),
    }
}

/// Runs the workers to the end of the schedule.
fn load(
    request: &Request,
    settings: &Settings,
    target: &Target,
    sale: &Sale,
    progress: &Progress,
) -> Result<(Vec<Harvest>, CpuUse), Failure> {
    let scenario = &request.scenario;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let connections = scenario.load.connections as usize;
    let workers = (cores / 2).clamp(1, MOST_WORKERS).min(connections);
    let length = Duration::from_secs_f64(settings.phases_seconds);
    // A shopper who meant to pay after the end and after his hold's end would only add refusals.
    let last_ns = nanos(settings.phases_seconds) + u64::from(settings.hold_ms) * 1_000_000;
    let mut connected = Vec::new();
    for index in 0..workers {
        let seed = mix(scenario.seed ^ mix(index as u64 + 1));
        let task = Task {
            address: target.address(),
            connections: u32::try_from((connections + index) / workers).unwrap_or(u32::MAX),
            schedule: Schedule::new(&scenario.phases, settings.peak_per_second / lossy(workers as u64), seed),
            population: Population::new(scenario, mix(seed)),
            first_sku: sale.skus.start,
            hold_ms: settings.hold_ms,
            deadline_ms: scenario.load.deadline_ms,
            last_ns,
            recorder: recorder(scenario),
        };
        let worker = Worker::connect(task);
        connected.push(worker.map_err(|error| Failure::could_not("connect the drill's shoppers", &error))?);
    }
    progress::step(&format!(
        "drilling for {:.0} s: T0 at {:.0} s, peak {:.0} arrivals/s, time_scale {}",
        settings.phases_seconds, settings.t0_seconds, settings.peak_per_second, scenario.time_scale
    ));
    let start = Instant::now() + LEAD_IN;
    let meter = CpuMeter::start(target.server_pid());
    let results = std::thread::scope(|scope| {
        let spawned: Vec<_> =
            connected.into_iter().map(|worker| scope.spawn(move || worker.run(start, progress))).collect();
        progress::watch(progress, start, length, || {
            spawned.iter().all(std::thread::ScopedJoinHandle::is_finished)
        });
        spawned.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let cpu = meter.stop();
    let joined =
        results.into_iter().map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    Ok((joined.collect(), cpu))
}

fn recorder(scenario: &Scenario) -> Recorder {
    let limits = Limits {
        reserve_ns: nanos(scenario.objectives.reserve_p99_ms / 1_000.0),
        confirm_ns: nanos(scenario.objectives.confirm_p99_ms / 1_000.0),
    };
    let ends = Schedule::spans(&scenario.phases).into_iter().map(|(_, ends)| nanos(ends));
    Recorder::new(limits, ends.collect())
}

fn merge(harvests: Vec<Harvest>, scenario: &Scenario) -> Harvest {
    let mut all = Harvest {
        recorder: recorder(scenario),
        journal: Journal::default(),
        held_back: 0,
        reconnects: 0,
        lost: None,
    };
    for harvest in harvests {
        all.recorder.merge(harvest.recorder);
        all.journal.merge(harvest.journal);
        all.held_back += harvest.held_back;
        all.reconnects += harvest.reconnects;
        all.lost = all.lost.or(harvest.lost);
    }
    all
}

/// What came of looking at the server afterwards.
struct Judged {
    audit: Option<Audit>,
    lost: Option<String>,
    sync_p99_us: Option<u64>,
}

fn judge(
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

fn assemble(settings: Settings, harvest: &Harvest, cpu: CpuUse, judged: Judged, interrupted: bool) -> Report {
    let recorder = &harvest.recorder;
    let scenario = &settings.scenario;
    let requests = recorder.requests();
    let shed: u64 = recorder.seconds.iter().map(|second| second.shed).sum();
    let decided = recorder.answers() - shed;
    let answered_share = (requests > 0).then(|| lossy(decided) / lossy(requests));
    let objectives = vec![
        Objective::at_most(
            "reserve_p99_ms",
            scenario.objectives.reserve_p99_ms,
            report::p99_ms(recorder, Operation::Reserve),
        ),
        Objective::at_most(
            "confirm_p99_ms",
            scenario.objectives.confirm_p99_ms,
            report::p99_ms(recorder, Operation::Confirm),
        ),
        Objective::at_least("answered_share", scenario.objectives.answered_share, answered_share),
    ];
    let strictest = scenario.objectives.reserve_p99_ms.min(scenario.objectives.confirm_p99_ms);
    let due = requests + harvest.held_back;
    let generator = Generator {
        lag_p99_ms: lossy(recorder.lag_ns.value_at_quantile(0.99)) / 1e6,
        lag_limit_ms: Generator::lag_limit_ms(strictest),
        achieved_share: if due == 0 { 1.0 } else { lossy(requests) / lossy(due) },
    };
    let exit = verdict::decide(&Facts {
        faults: judged.audit.as_ref().map_or(harvest.journal.faults.count, Audit::faults),
        interrupted,
        lost: judged.lost.is_some(),
        generator,
        objectives: objectives.clone(),
    });
    let span = |from: f64, to: f64| {
        let seconds = recorder.seconds.iter().zip(0_u32..);
        seconds
            .filter(move |(_, at)| f64::from(*at) >= from && f64::from(*at) < to)
            .map(|(second, _)| second.in_time)
    };
    let open = (settings.phases_seconds - settings.t0_seconds).max(1.0);
    Report {
        schema_version: SCHEMA_VERSION,
        verdict: exit.word(),
        exit_code: exit.code(),
        lost: judged.lost,
        goodput_per_second: lossy(span(settings.t0_seconds, settings.phases_seconds).sum()) / open,
        oversold_units: judged.audit.as_ref().map(|audit| audit.oversold_units),
        lost_effects: judged.audit.as_ref().map(|audit| audit.lost_effects),
        objectives,
        operations: report::operation_rows(&recorder.latency, &recorder.unanswered, settings.phases_seconds),
        phases: report::phase_rows(recorder, &settings),
        requests,
        unanswered: recorder.unanswered.values().sum(),
        stock: judged.audit.as_ref().map(|audit| audit.stock),
        checks: judged.audit.as_ref().map(report::check_rows).unwrap_or_default(),
        send_lag_p99_ms: generator.lag_p99_ms,
        send_lag_limit_ms: generator.lag_limit_ms,
        held_back: harvest.held_back,
        reconnects: harvest.reconnects,
        cpu,
        server_sync_p99_us: judged.sync_p99_us,
        seconds: report::second_rows(recorder),
        settings,
    }
}

fn publish(
    request: &Request,
    report: &Report,
    recorder: &Recorder,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let folder = request.report.clone().unwrap_or_else(|| default_folder(report));
    report::write(&folder, report, recorder).map_err(|error| {
        Failure::could_not(&format!("write the report into {}", folder.display()), &error)
    })?;
    let text = if request.json {
        serde_json::to_string_pretty(report).map_err(|e| Failure::could_not("print the report", &e))? + "\n"
    } else {
        report::render(report, Some(&folder))
    };
    // A reader that went away has seen enough; the files are there.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    Exit::ALL
        .into_iter()
        .find(|exit| exit.code() == report.exit_code)
        .ok_or_else(|| Failure::could_not("end", &"the report has no exit code"))
}

/// `target/drill/NAME-TIME` where there is a build folder, which version control ignores; else `drill-report/…`.
fn default_folder(report: &Report) -> PathBuf {
    let base = if Path::new("target").is_dir() { "target/drill" } else { "drill-report" };
    let settings = &report.settings;
    Path::new(base).join(format!("{}-{}", settings.scenario.name, settings.started_at_unix_ms))
}

/// Lets Ctrl-C and SIGTERM end the load early, with an audit and a report of what there is.
fn stop_on_signals(progress: &Arc<Progress>) -> Result<(), Failure> {
    let failed = |error| Failure::could_not("listen for signals", &error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let progress = Arc::clone(progress);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                use tokio::signal::unix::{SignalKind, signal};
                let (Ok(mut interrupt), Ok(mut terminate)) =
                    (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
                else {
                    return;
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                progress.stop.store(true, Ordering::Relaxed);
            });
        })
        .map_err(failed)?;
    Ok(())
}
