//! What the command says: each point as it comes, the table of medians, and the files.

use std::io::Write;
use std::path::Path;

use doorbuster_protocol::Code;
use serde_json::Value;

use super::curve::{Curve, Measured};
use super::options::{Options, Policy};
use super::picture;
use super::point::{Kindly, Point};
use crate::exit::Failure;
use crate::health::lossy;
use crate::machine::Machine;
use crate::spread::Spread;

/// Version of the shape of `curve.json`. A new key leaves it; a changed or removed one raises it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// A reader that went away has seen enough.
macro_rules! say {
    ($out:expr, $($text:tt)+) => { drop(writeln!($out, $($text)+).and_then(|()| $out.flush())) };
}

pub(super) fn head(options: &Options, pinned: Option<(usize, usize)>, out: &mut dyn Write) {
    let Options {
        connections, batch, seconds, slo_ms, added_cost_us, paid, bulk, credits, durability, ..
    } = options;
    let policies: Vec<&str> = options.policy.iter().map(|policy| policy.name()).collect();
    say!(
        out,
        "knee: open loop, Poisson arrivals over {connections} connections, {batch} reserves a frame, {paid} % paid; \
         objective {slo_ms} ms, {seconds} s a point"
    );
    let where_ = match pinned {
        Some((server, own)) => format!("server on core {server}, generator on core {own}"),
        None => "server and generator share the core".to_owned(),
    };
    say!(
        out,
        "{where_}; one reactor, one shard, durability {durability}; {added_cost_us} us added to each command; \
         refusals in bulk: {bulk}; credits: {credits}; policies: {}",
        policies.join(", ")
    );
}

pub(super) fn attempt(rate: f64, point: &Point, holds: bool, out: &mut dyn Write) {
    let verdict = match (holds, point.invalid()) {
        (true, _) => "holds".to_owned(),
        (false, Some(why)) => format!("INVALID: {why}"),
        (false, None) => "doesn't hold".to_owned(),
    };
    let p99_ms = Point::p99_ms(&point.reserves.answered_ns);
    say!(out, "  try {rate:>9.0}/s: {:>9.0}/s in time, p99 {p99_ms:.1} ms: {verdict}", point.goodput());
}

pub(super) fn peak(peak: f64, options: &Options, out: &mut dyn Write) {
    let found = if options.peak.is_some() { "given" } else { "found" };
    say!(out, "peak: {peak:.0}/s ({found})");
}

pub(super) fn line(policy: Policy, repeat: u32, measured: &Measured, peak: f64, out: &mut dyn Write) {
    let Measured { times, point } = measured;
    let Point { reserves, confirms, .. } = point;
    let held_back = (point.held_back > 0).then(|| format!("held back {}", point.held_back));
    let refusals: Vec<String> = point
        .tally
        .seen()
        .filter(|(code, _)| *code != Code::Ok.number())
        .map(|(code, count)| {
            let name =
                Code::from_number(code).map_or_else(|| code.to_string(), |code| code.name().to_owned());
            format!("{name} {count}")
        })
        .chain(held_back)
        .collect();
    say!(
        out,
        "#{} {:<10} {times:>5}x  offered {:>9.0}/s  in time {:>8.0}/s ({:>5.1} % of the peak)  p99 {:>7.1} ms, of refusals {:>6.1} ms  \
         admitted and late or lost {:>5.2} %  confirms late or refused {:.2} %  [{}] cores: server {:.2}, generator {:.2}, \
         stolen {:.2}; lag p99 {:.2} ms{}",
        repeat + 1,
        policy.name(),
        point.offered(),
        point.goodput(),
        100.0 * point.goodput() / peak,
        Point::p99_ms(&reserves.answered_ns),
        Point::p99_ms(&reserves.refused_ns),
        100.0 * point.failed_share(),
        100.0 * unsettled(confirms),
        refusals.join(", "),
        point.server_cores,
        point.own_cores,
        point.stolen_cores,
        Point::p99_ms(&point.lag_ns),
        point.invalid().map_or_else(String::new, |why| format!("  INVALID: {why}")),
    );
}

/// Of what was to be paid, how much was refused, late or lost; 0 to 1.
fn unsettled(confirms: &Kindly) -> f64 {
    lossy(confirms.offered - confirms.in_time) / lossy(confirms.offered.max(1))
}

pub(super) fn tables(curves: &[Curve], peak: f64, options: &Options, out: &mut dyn Write) {
    for curve in curves {
        say!(out, "\n{}: medians of the valid points [least .. most]", curve.policy.name());
        say!(
            out,
            "  times  goodput, % of the peak    p99 ms  refused p99 ms  late or lost %  confirms late or refused %"
        );
        for &times in &options.times {
            let Some(goodput) = curve.figure(times, |point| 100.0 * point.goodput() / peak) else {
                say!(out, "  {times:>5}  no valid point");
                continue;
            };
            let of =
                |figure: fn(&Point) -> f64| curve.figure(times, figure).map_or(0.0, |found| found.median);
            let Spread { median, least, most, .. } = goodput;
            say!(
                out,
                "  {times:>5}  {median:>6.1} [{least:>5.1} .. {most:>5.1}]  {:>8.1}  {:>14.1}  {:>14.2}  {:>26.2}",
                of(|point| Point::p99_ms(&point.reserves.answered_ns)),
                of(|point| Point::p99_ms(&point.reserves.refused_ns)),
                of(|point| 100.0 * point.failed_share()),
                of(|point| 100.0 * unsettled(&point.confirms)),
            );
        }
    }
}

/// Writes the curve as JSON and as a picture.
pub(super) fn files(curves: &[Curve], peak: f64, options: &Options, folder: &Path) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::could_not(&format!("write into {}", folder.display()), &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let points = curves.iter().flat_map(|curve| {
        curve.measured.iter().map(|Measured { times, point }| {
            serde_json::json!({
                "policy": curve.policy.name(),
                "times": times,
                "offered_per_second": point.offered(),
                "goodput_per_second": point.goodput(),
                "answered_p99_ms": Point::p99_ms(&point.reserves.answered_ns),
                "refused_p99_ms": Point::p99_ms(&point.reserves.refused_ns),
                "refused": point.reserves.refused,
                "late": point.reserves.late,
                "unanswered": point.unanswered(),
                "held_back": point.held_back,
                "confirms": point.confirms.offered,
                "confirms_in_time": point.confirms.in_time,
                "server_cores": point.server_cores,
                "generator_cores": point.own_cores,
                "stolen_cores": point.stolen_cores,
                "lag_p99_ms": Point::p99_ms(&point.lag_ns),
                "invalid": point.invalid(),
            })
        })
    });
    let curve = serde_json::json!({
        "schema_version": SCHEMA_VERSION,
        "peak_per_second": peak,
        "slo_ms": options.slo_ms,
        "added_cost_us": options.added_cost_us,
        "bulk_refusals": options.bulk,
        "credits": options.credits,
        "backlog_us": options.backlog_us.map_or_else(|| "auto".into(), Value::from),
        "connections": options.connections,
        "batch": options.batch,
        "paid_percent": options.paid,
        "seconds": options.seconds,
        "durability": options.durability,
        "machine": Machine::here(),
        "points": points.collect::<Vec<_>>(),
    });
    std::fs::write(folder.join("curve.json"), format!("{curve:#}\n")).map_err(failed)?;
    let picture = picture::draw(curves, &options.times, options.slo_ms)
        .map_err(|error| Failure::could_not("draw the curve", &error))?;
    std::fs::write(folder.join("curve.svg"), picture).map_err(failed)
}
