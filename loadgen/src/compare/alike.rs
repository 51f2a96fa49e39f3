//! Whether two runs may be compared at all.

use serde_json::{Map, Value};

use super::files::Run;
use crate::exit::Failure;
use crate::report::figures::rate;
use crate::spread::Spread;

/// Calibrated rates that differ by more than this share are not the same load.
const SAME_LOAD: f64 = 0.05;

/// Cores that others may use before the figures are theirs, too.
const OTHERS_CORES: f64 = 0.3;

/// Holds every run against the first one. Gives what is to be known before the figures are believed; without `force`,
/// what was set up differently is refused.
pub(super) fn check(a: &[Run], b: &[Run], force: bool) -> Result<Vec<String>, Failure> {
    let mut all = a.iter().chain(b);
    let first = all.next().ok_or_else(|| Failure::usage("there is nothing to compare"))?;
    let mut notes: Vec<String> = Vec::new();
    for other in all {
        if other.source != first.source {
            let (one, other) = (first.path.display(), other.path.display());
            let line = format!("{one} and {other}: a drill's report can't be compared with a curve");
            return Err(Failure::usage(line));
        }
        for difference in differences(first, other) {
            if !force {
                let line = format!("{difference}: not comparable; --force compares all the same");
                return Err(Failure::usage(line));
            }
            notes.push(format!("compared all the same: {difference}"));
        }
    }
    notes.extend(unknown(a, b));
    notes.extend(load(a, b));
    let disturbed = a.iter().chain(b).filter(|run| run.others_cores > OTHERS_CORES);
    notes.extend(disturbed.map(|run| {
        let (cores, file) = (run.others_cores, run.path.display());
        format!("others used {cores:.1} cores during {file}: repeat it before you believe it")
    }));
    Ok(notes)
}

/// Where two runs were set up differently.
fn differences(one: &Run, other: &Run) -> Vec<String> {
    let pairs = one.set_up.iter().zip(&other.set_up);
    let found = pairs.filter_map(|((name, left), (_, right))| {
        // What an older file doesn't say can't be held against it.
        if left.is_null() || right.is_null() {
            return None;
        }
        let (path, left, right) = difference(name, left, right)?;
        let (one, other) = (one.path.display(), other.path.display());
        Some(format!("{path} is {left} in {one} and {right} in {other}"))
    });
    found.collect()
}

/// The first place where two values differ, and both. A key that is missing is the same as one without a value: newer
/// files have keys that older ones don't.
fn difference(path: &str, one: &Value, other: &Value) -> Option<(String, String, String)> {
    if let (Value::Object(left), Value::Object(right)) = (one, other) {
        let of = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
        let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
        return keys
            .into_iter()
            .find_map(|key| difference(&format!("{path}.{key}"), &of(left, key), &of(right, key)));
    }
    if let (Value::Array(left), Value::Array(right)) = (one, other)
        && left.len() == right.len()
    {
        let pairs = (1..).zip(left.iter().zip(right));
        return pairs
            .into_iter()
            .find_map(|(nth, (left, right))| difference(&format!("{path} {nth}"), left, right));
    }
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    let same = one == other || (is_nothing(one) && is_nothing(other));
    (!same).then(|| (path.to_owned(), shown(one), shown(other)))
}

/// A value in a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not given".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => "given".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// What can't be told of some run.
fn unknown(a: &[Run], b: &[Run]) -> Option<String> {
    let missing = |name: &str| {
        a.iter().chain(b).any(|run| run.set_up.iter().any(|(key, value)| *key == name && value.is_null()))
    };
    let names = a.first()?.set_up.iter().map(|(name, _)| *name);
    let unknown: Vec<&str> = names.filter(|name| missing(name)).collect();
    (!unknown.is_empty())
        .then(|| format!("unknown of a side, and taken to be the same: {}", unknown.join(", ")))
}

/// That a calibration found different rates for the sides: then the load was not the same.
fn load(a: &[Run], b: &[Run]) -> Option<String> {
    let median = |runs: &[Run]| {
        let peaks = runs.iter().filter_map(|run| run.calibrated_peak);
        Spread::of(peaks.collect()).map(|spread| spread.median)
    };
    let (one, other) = (median(a)?, median(b)?);
    ((other - one).abs() > SAME_LOAD * one).then(|| {
        format!(
            "the load was not the same: the calibration led to {} arrivals/s in A and {} in B; give both the same --peak",
            rate(one),
            rate(other)
        )
    })
}
