//! A drill's report, as far as it is compared.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::files::{Run, Source, Standing, check_version};
use super::kind::Kind;
use super::verdict::Figure;
use crate::exit::Exit;
use crate::health::lossy;
use crate::machine::Machine;
use crate::report::SCHEMA_VERSION;

/// What repeats may differ in: what is random, and what is only said.
const MAY_DIFFER: [&str; 2] = ["seed", "summary"];

/// Requests that must be slower than a percentile for it to say something.
const SLOWER: f64 = 10.0;

#[derive(Deserialize)]
struct Report {
    verdict: String,
    settings: Settings,
    goodput_per_second: Option<f64>,
    #[serde(default)]
    objectives: Vec<Objective>,
    #[serde(default)]
    operations: Vec<Operation>,
    stock: Option<Stock>,
    release_lag: Option<Lag>,
    #[serde(default)]
    faults: Vec<Fault>,
    #[serde(default)]
    losses: Vec<Loss>,
    server_sync_p99_us: Option<u64>,
    cpu: Option<Cpu>,
}

#[derive(Deserialize)]
struct Settings {
    scenario: Value,
    durability: String,
    embedded: bool,
    calibrated_per_second: Option<f64>,
    peak_per_second: f64,
    shards: Option<u32>,
    phases_seconds: f64,
    machine: Option<Machine>,
}

/// Cores that others used, on this machine and on others of its hypervisor.
#[derive(Deserialize)]
struct Cpu {
    others_cores: f64,
    stolen_cores: f64,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
    measured: Option<f64>,
}

#[derive(Deserialize)]
struct Operation {
    operation: String,
    outcome: String,
    count: u64,
    response_us: Option<Percentiles>,
}

#[derive(Deserialize)]
struct Percentiles {
    p50: f64,
    p99: f64,
    p99_9: f64,
}

#[derive(Deserialize)]
struct Stock {
    stocked_units: u64,
    sold_units: u64,
}

#[derive(Deserialize)]
struct Fault {
    kind: String,
    until_s: f64,
    recovery_s: Option<f64>,
}

#[derive(Deserialize)]
struct Loss {
    name: String,
    share: Option<f64>,
}

#[derive(Deserialize)]
struct Lag {
    /// None beyond the last bucket.
    p99_ms: Option<f64>,
}

/// Reads a report.
pub(super) fn run(path: &Path, json: Value) -> Result<Run, String> {
    check_version(&json, SCHEMA_VERSION)?;
    let report: Report = serde_json::from_value(json).map_err(|error| error.to_string())?;
    let figures = figures(&report);
    let Report { verdict, settings, cpu, .. } = report;
    let standing = match Exit::ALL.into_iter().find(|exit| exit.word() == verdict) {
        Some(Exit::Pass | Exit::Missed) => Standing::Sound,
        Some(Exit::Broken) => Standing::Broken,
        Some(Exit::Invalid | Exit::CouldNotRun | Exit::Interrupted | Exit::Usage) => {
            Standing::LeftOut(verdict)
        }
        None => return Err(format!("its verdict \"{verdict}\" is unknown")),
    };
    let mut scenario = settings.scenario;
    // The name first: of another scenario everything differs.
    let name = scenario.get("name").cloned().unwrap_or_default();
    if let Some(scenario) = scenario.as_object_mut() {
        scenario.retain(|key, _| !MAY_DIFFER.contains(&key.as_str()));
    }
    let server = if settings.embedded { "the drill's own" } else { "one elsewhere" };
    let set_up = vec![
        ("scenario.name", name),
        ("scenario", scenario),
        ("durability", settings.durability.into()),
        ("shards", settings.shards.into()),
        ("server", server.into()),
        ("machine", settings.machine.map(|machine| machine.to_string()).into()),
    ];
    Ok(Run {
        path: path.to_owned(),
        source: Source::Drill,
        standing,
        set_up,
        others_cores: cpu.map_or(0.0, |cpu| cpu.others_cores + cpu.stolen_cores),
        calibrated_peak: settings.calibrated_per_second.map(|_| settings.peak_per_second),
        figures,
        without: 0,
    })
}

fn figures(report: &Report) -> Vec<Figure> {
    let figure = |name: &str, kind: Kind, value: f64| Figure { name: name.to_owned(), kind, value };
    let mut out = Vec::new();
    out.extend(report.goodput_per_second.map(|value| figure("goodput, per s", Kind::Rate, value)));
    let answered = report.objectives.iter().find(|objective| objective.name == "answered_share");
    let answered = answered.and_then(|objective| objective.measured);
    out.extend(answered.map(|value| figure("answered", Kind::Share, value)));
    out.extend(report.stock.as_ref().filter(|stock| stock.stocked_units > 0).map(|stock| {
        let sold = lossy(stock.sold_units) / lossy(stock.stocked_units);
        figure("sell-through", Kind::Sold, sold)
    }));
    for loss in &report.losses {
        out.extend(loss.share.map(|share| figure(&format!("loss {}", loss.name), Kind::Loss, share)));
    }
    for (nth, fault) in (1..).zip(&report.faults) {
        // What hasn't recovered by the end took that long at least.
        let until_the_end = report.settings.phases_seconds - fault.until_s;
        let took = fault.recovery_s.unwrap_or_else(|| until_the_end.max(0.0));
        out.push(figure(&format!("F{nth} {} recovery, s", fault.kind), Kind::Recovery, took));
    }
    for row in &report.operations {
        let Some(times) = &row.response_us else { continue };
        let name = match row.outcome.as_str() {
            "OK" => row.operation.clone(),
            outcome => format!("{} {outcome}", row.operation),
        };
        let percentiles = [
            ("p50", 0.5, times.p50, Kind::Latency),
            ("p99", 0.99, times.p99, Kind::Latency),
            ("p99.9", 0.999, times.p99_9, Kind::Tail),
        ];
        for (which, quantile, us, kind) in percentiles {
            // Of what didn't get what it asked for, the 99th percentile says enough.
            let wanted = row.outcome == "OK" || which == "p99";
            let counts = lossy(row.count) * (1.0 - quantile) >= SLOWER * (1.0 - 1e-9);
            if wanted && counts {
                out.push(figure(&format!("{name} {which}, ms"), kind, us / 1_000.0));
            }
        }
    }
    let lag = report.release_lag.as_ref().and_then(|lag| lag.p99_ms);
    out.extend(lag.map(|ms| figure("release lag p99, ms", Kind::Bound, ms)));
    let sync = report.server_sync_p99_us.filter(|us| *us > 0);
    out.extend(sync.map(|us| figure("disk sync p99, ms", Kind::Latency, lossy(us) / 1_000.0)));
    out
}
