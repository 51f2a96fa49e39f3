//! The report's content, as JSON has it.

use std::collections::BTreeMap;

use doorbuster_protocol::Code;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::baskets::BasketTotals;
use super::fault::{FaultRow, LossRow, PlanRow};
use crate::audit::{Audit, ChannelTotals, Money, StockTotals, Waited};
use crate::drill::{Delivery, Move};
use crate::health::{CpuUse, lossy};
use crate::machine::Machine;
use crate::recorder::{Latency, Operation, Recorder, Second};
use crate::release_lag::LagReport;
use crate::resident::{MemoryRow, ResidentReport};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::verdict::Objective;

/// Version of the JSON's shape. A new key leaves it; a changed or removed one raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// Name of the row for what was due after all phases. No phase can be called so: names have no spaces.
const AFTER: &str = "after the phases";

/// How the drill was set up.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The scenario, with what the command line changed.
    pub scenario: Scenario,
    /// The server.
    pub target: String,
    /// Durability level that the server reported.
    pub durability: String,
    /// Whether the server is a child of the drill.
    pub embedded: bool,
    /// Milliseconds since the Unix epoch.
    pub started_at_unix_ms: u64,
    /// Capacity found by the calibration; none if the scenario names its rate.
    pub calibrated_per_second: Option<f64>,
    /// Arrivals a second in the highest phase.
    pub peak_per_second: f64,
    /// Units of each SKU.
    pub units_each: u64,
    /// Hold time after scaling.
    pub hold_ms: u32,
    /// Length of all phases.
    pub phases_seconds: f64,
    /// How long after the phases shoppers may still act.
    pub tail_seconds: f64,
    /// When the step came: the start of the highest phase.
    pub t0_seconds: f64,
    /// The server's shards.
    pub shards: u32,
    /// The machine of the drill, and of its own server.
    pub machine: Machine,
}

/// A drill's report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// How the drill ended, in words.
    pub verdict: &'static str,
    /// The exit code.
    pub exit_code: u8,
    /// Why the target was given up, if it was.
    pub lost: Option<String>,
    /// How it was set up.
    pub settings: Settings,
    /// Orders and payments a second that were done in time, from T0 to the end of the phases.
    pub goodput_per_second: f64,
    /// Units sold beyond the stock; none if it couldn't be audited.
    pub oversold_units: Option<u64>,
    /// Acknowledged effects that are missing; none if it couldn't be audited.
    pub lost_effects: Option<u64>,
    /// The four kinds of loss against the budget, where the scenario has one.
    pub losses: Vec<LossRow>,
    /// What was done to the server on purpose, in the order of time.
    pub faults: Vec<FaultRow>,
    /// Emergency plans that the server carried out, in the order of time; none of a server elsewhere.
    pub plans: Vec<PlanRow>,
    /// The objectives.
    pub objectives: Vec<Objective>,
    /// Latencies by operation and outcome.
    pub operations: Vec<OperationRow>,
    /// Phase by phase, as the scenario names them, and at the end what was due after all of them.
    pub phases: Vec<PhaseRow>,
    /// Requests sent.
    pub requests: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// The stock's account; none if it couldn't be read.
    pub stock: Option<StockTotals>,
    /// Where the money of all payments is; none if it couldn't be audited.
    pub money: Option<Money>,
    /// Those who waited; none where nobody did, or the log can't be read.
    pub waited: Option<Waited>,
    /// Orders with several lines; none where no order could have some.
    pub baskets: Option<BasketTotals>,
    /// Sales channels that have rules.
    pub channels: Vec<ChannelTotals>,
    /// Guaranteed units that went from one channel to another on the way.
    pub moves: Vec<Move>,
    /// Units that came in on the way.
    pub deliveries: Vec<Delivery>,
    /// How far holds were past their deadlines when their units went back; none of a server elsewhere.
    pub release_lag: Option<LagReport>,
    /// The server's resident memory; none of a server elsewhere, or of a drill that was too short.
    pub resident: Option<ResidentReport>,
    /// The same over time; empty of a server elsewhere.
    pub memory: Vec<MemoryRow>,
    /// Bytes of the log's files; none of a server elsewhere.
    pub log_bytes: Option<u64>,
    /// Requests that were sent again because the server had said so.
    pub retries: u64,
    /// Requests that were given up at "try again".
    pub given_up: u64,
    /// The audit's rules.
    pub checks: Vec<CheckRow>,
    /// Lateness of the generator, milliseconds.
    pub send_lag_p99_ms: f64,
    /// Lateness beyond which a run is invalid, milliseconds.
    pub send_lag_limit_ms: f64,
    /// Requests that were due and not sent.
    pub held_back: u64,
    /// Connections that broke and were made again.
    pub reconnects: u64,
    /// Who used the processors during the phases.
    pub cpu: CpuUse,
    /// The server's 99th percentile of a write and sync of its log, microseconds; none if unknown.
    pub server_sync_p99_us: Option<u64>,
    /// Second by second.
    pub seconds: Vec<SecondRow>,
}

/// Latencies of one operation with one outcome.
#[derive(Clone, Debug, Serialize)]
pub struct OperationRow {
    /// The operation.
    pub operation: &'static str,
    /// The code's name, or `UNANSWERED`.
    pub outcome: String,
    /// How often.
    pub count: u64,
    /// Mean rate over the phases.
    pub rate_per_second: f64,
    /// From the time that the request was due.
    pub response_us: Option<Percentiles>,
    /// From the time that it was sent.
    pub service_us: Option<Percentiles>,
}

/// One phase of the scenario: the requests that were due in it and were sent, whenever their answers came.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRow {
    /// Its name in the scenario, or `after the phases`.
    pub name: String,
    /// Seconds since the start.
    pub begins_s: f64,
    /// Seconds since the start. After the phases: when the last request could be due.
    pub ends_s: f64,
    /// Requests that were due in it.
    pub requests: u64,
    /// Of those, without an answer.
    pub unanswered: u64,
    /// Latencies by operation and outcome.
    pub operations: Vec<OperationRow>,
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p99_9: f64,
    /// 99.99th percentile.
    pub p99_99: f64,
    /// Largest.
    pub max: f64,
}

impl Percentiles {
    fn of(nanos: &Histogram<u64>) -> Self {
        let at = |quantile| lossy(nanos.value_at_quantile(quantile)) / 1_000.0;
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: lossy(nanos.max()) / 1_000.0,
        }
    }
}

/// One rule of the audit.
#[derive(Clone, Debug, Serialize)]
pub struct CheckRow {
    /// Its name.
    pub name: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// How many things were looked at.
    pub examined: u64,
    /// How often it is broken.
    pub faults: u64,
    /// The first breaks.
    pub examples: Vec<String>,
}

/// One second of the drill.
#[derive(Clone, Debug, Serialize)]
pub struct SecondRow {
    /// Seconds since the start.
    pub at_s: u64,
    /// Requests due.
    pub offered: u64,
    /// Answers that took effect.
    pub done: u64,
    /// Of those, in time.
    pub in_time: u64,
    /// Answers that refused.
    pub refused: u64,
    /// Answers "try again".
    pub shed: u64,
    /// Median of the response times of reserves that got units; none without any.
    pub reserve_p50_us: Option<f64>,
    /// 99th percentile of the same.
    pub reserve_p99_us: Option<f64>,
    /// 99.9th percentile of the same.
    pub reserve_p99_9_us: Option<f64>,
}

/// One row for each operation and outcome, unanswered requests last.
pub(crate) fn operation_rows(
    latency: &BTreeMap<(Operation, u16), Latency>,
    unanswered: &BTreeMap<Operation, u64>,
    seconds: f64,
) -> Vec<OperationRow> {
    let answered = latency.iter().map(|(&(operation, number), latency)| OperationRow {
        operation: operation.name(),
        outcome: Code::from_number(number).map_or_else(|| number.to_string(), |code| code.name().to_owned()),
        count: latency.response_ns.len(),
        rate_per_second: lossy(latency.response_ns.len()) / seconds,
        response_us: Some(Percentiles::of(&latency.response_ns)),
        service_us: Some(Percentiles::of(&latency.service_ns)),
    });
    let unanswered = unanswered.iter().map(|(operation, &count)| OperationRow {
        operation: operation.name(),
        outcome: "UNANSWERED".to_owned(),
        count,
        rate_per_second: lossy(count) / seconds,
        response_us: None,
        service_us: None,
    });
    answered.chain(unanswered).collect()
}

/// One row for each phase of the scenario, and one for what was due after them: payments, mostly.
pub(crate) fn phase_rows(recorder: &Recorder, settings: &Settings) -> Vec<PhaseRow> {
    let phases = &settings.scenario.phases;
    let last = settings.phases_seconds + settings.tail_seconds;
    let names = phases.iter().map(|phase| phase.name.clone()).chain([AFTER.to_owned()]);
    let spans = Schedule::spans(phases).into_iter().chain([(settings.phases_seconds, last)]);
    let row =
        |((name, (begins_s, ends_s)), phase): ((String, (f64, f64)), &crate::recorder::Phase)| PhaseRow {
            name,
            begins_s,
            ends_s,
            requests: phase.sent.values().sum(),
            unanswered: phase.unanswered.values().sum(),
            operations: operation_rows(&phase.latency, &phase.unanswered, ends_s - begins_s),
        };
    names.zip(spans).zip(&recorder.phases).map(row).collect()
}

pub(crate) fn second_rows(recorder: &Recorder) -> Vec<SecondRow> {
    let row = |(at_s, second): (u64, &Second)| {
        let reserve_us = |quantile: f64| {
            let nanos = &second.reserve_ns;
            (!nanos.is_empty()).then(|| lossy(nanos.value_at_quantile(quantile)) / 1_000.0)
        };
        SecondRow {
            at_s,
            offered: second.offered,
            done: second.done,
            in_time: second.in_time,
            refused: second.refused,
            shed: second.shed,
            reserve_p50_us: reserve_us(0.5),
            reserve_p99_us: reserve_us(0.99),
            reserve_p99_9_us: reserve_us(0.999),
        }
    };
    (0..).zip(&recorder.seconds).map(row).collect()
}

pub(crate) fn check_rows(audit: &Audit) -> Vec<CheckRow> {
    audit
        .checks
        .iter()
        .map(|check| CheckRow {
            name: check.name,
            rule: check.rule,
            examined: check.examined,
            faults: check.faults.count,
            examples: check.faults.examples.clone(),
        })
        .collect()
}

/// Response time's 99th percentile of an operation that took effect, milliseconds.
pub(crate) fn p99_ms(recorder: &Recorder, operation: Operation) -> Option<f64> {
    recorder
        .latency
        .get(&(operation, Code::Ok.number()))
        .map(|latency| lossy(latency.response_ns.value_at_quantile(0.99)) / 1_000_000.0)
}
