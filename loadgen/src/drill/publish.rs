//! At the end: the verdict, and the report into files and onto standard output.

use std::io::Write;

use super::Request;
use super::judge::Judged;
use super::losses;
use super::objectives::{self, Reached};
use super::timeline::Happened;
use crate::audit::Audit;
use crate::exit::{Exit, Failure};
use crate::health::{CpuUse, lossy};
use crate::recorder::Recorder;
use crate::report::{self, BasketTotals, Report, SCHEMA_VERSION, Settings};
use crate::verdict::{self, Facts, Generator};
use crate::worker::Harvest;

/// Puts the report together, verdict included.
pub(super) fn assemble(
    settings: Settings,
    first_sku: u64,
    harvest: &Harvest,
    happened: Happened,
    cpu: CpuUse,
    judged: Judged,
    interrupted: bool,
) -> Report {
    let recorder = &harvest.recorder;
    let scenario = &settings.scenario;
    let requests = recorder.requests();
    let resident = happened.resident.report(settings.phases_seconds);
    let losses = losses::rows(&settings, recorder, judged.audit.as_ref().map(|audit| &audit.stock));
    let faults = objectives::fault_rows(&settings, recorder, &happened);
    let reached =
        Reached { settings: &settings, harvest, judged: &judged, resident, losses: &losses, faults: &faults };
    let objectives = reached.objectives();
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
        losses,
        faults,
        plans: judged.plans,
        objectives,
        operations: report::operation_rows(&recorder.latency, &recorder.unanswered, settings.phases_seconds),
        phases: report::phase_rows(recorder, &settings),
        requests,
        unanswered: recorder.unanswered.values().sum(),
        stock: judged.audit.as_ref().map(|audit| audit.stock),
        money: judged.audit.as_ref().map(|audit| audit.money),
        waited: judged.audit.as_ref().and_then(|audit| audit.waited).filter(|waited| waited.waited > 0),
        baskets: BasketTotals::of(&harvest.journal, first_sku, settings.shards),
        channels: judged.audit.as_ref().map(|audit| audit.channels.clone()).unwrap_or_default(),
        moves: happened.moves,
        deliveries: happened.deliveries,
        release_lag: judged.release_lag,
        resident,
        memory: happened.resident.rows(),
        log_bytes: judged.log_bytes,
        retries: harvest.retries,
        given_up: harvest.given_up,
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

/// Writes the report's files and prints the report.
pub(super) fn publish(
    request: &Request,
    report: &Report,
    recorder: &Recorder,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let settings = &report.settings;
    let folder = request
        .report
        .clone()
        .unwrap_or_else(|| report::default_folder(&settings.scenario.name, settings.started_at_unix_ms));
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
    Exit::from_code(report.exit_code).ok_or_else(|| Failure::could_not("end", &"the report has no exit code"))
}
