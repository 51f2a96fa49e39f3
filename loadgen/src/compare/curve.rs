//! A curve of `knee`, as far as it is compared.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::files::{Run, Source, Standing, check_version};
use super::kind::Kind;
use super::verdict::Figure;
use crate::knee::CURVE_SCHEMA_VERSION;
use crate::machine::Machine;

/// Keys that must be the same on both sides. Those that older files don't have are unknown there.
const SET_UP: [&str; 10] = [
    "slo_ms",
    "added_cost_us",
    "backlog_us",
    "bulk_refusals",
    "credits",
    "connections",
    "batch",
    "paid_percent",
    "seconds",
    "durability",
];

#[derive(Deserialize)]
struct Curve {
    peak_per_second: f64,
    points: Vec<Point>,
    machine: Option<Machine>,
}

#[derive(Deserialize)]
struct Point {
    policy: String,
    times: f64,
    goodput_per_second: f64,
    answered_p99_ms: f64,
    refused_p99_ms: f64,
    #[serde(default)]
    refused: u64,
    invalid: Option<String>,
}

/// Reads a curve.
pub(super) fn run(path: &Path, json: Value) -> Result<Run, String> {
    check_version(&json, CURVE_SCHEMA_VERSION)?;
    let mut set_up: Vec<(&'static str, Value)> =
        SET_UP.iter().map(|key| (*key, json.get(*key).cloned().unwrap_or_default())).collect();
    let curve: Curve = serde_json::from_value(json).map_err(|error| error.to_string())?;
    set_up.push(("machine", curve.machine.as_ref().map(ToString::to_string).into()));
    let (valid, invalid): (Vec<&Point>, Vec<&Point>) =
        curve.points.iter().partition(|point| point.invalid.is_none());
    let standing = if valid.is_empty() {
        Standing::LeftOut("every point is INVALID".to_owned())
    } else {
        Standing::Sound
    };
    let peak = Figure { name: "peak, per s".to_owned(), kind: Kind::Rate, value: curve.peak_per_second };
    let figures = valid.iter().flat_map(|point| of_point(point, curve.peak_per_second));
    Ok(Run {
        path: path.to_owned(),
        source: Source::Curve,
        standing,
        set_up,
        others_cores: 0.0,
        calibrated_peak: None,
        figures: std::iter::once(peak).chain(figures).collect(),
        without: invalid.len(),
    })
}

fn of_point(point: &Point, peak: f64) -> Vec<Figure> {
    let Point { policy, times, .. } = point;
    let figure = |what: &str, kind: Kind, value: f64| Figure {
        name: format!("{policy} {times}x {what}"),
        kind,
        value,
    };
    let mut out = vec![
        figure("goodput, % of the peak", Kind::Rate, 100.0 * point.goodput_per_second / peak),
        figure("p99, ms", Kind::Latency, point.answered_p99_ms),
    ];
    if point.refused > 0 {
        out.push(figure("refused p99, ms", Kind::Latency, point.refused_p99_ms));
    }
    out
}
