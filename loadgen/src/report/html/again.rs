//! The command line that repeats a drill.

use serde_json::Value;

use crate::report::model::Report;
use crate::scenario::{self, Auto, BUILT_IN, Scenario};

/// A command with the same scenario, seed and rate, in the parts between which a line may end. What the calibration found is said as a number: another machine, or
/// another moment, would find another.
pub(super) fn command(report: &Report) -> Vec<String> {
    let settings = &report.settings;
    let now = &settings.scenario;
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == now.name);
    let before = built_in.and_then(|built_in| scenario::parse(built_in.name, built_in.text).ok());
    // A file may have the name of a built-in one and something else in it.
    let before = before.filter(|before| fixed(before) == fixed(now));
    let file = if before.is_some() { now.name.clone() } else { format!("{}.toml", now.name) };
    let mut options = vec![
        format!("doorbuster-drill run {file}"),
        format!("--seed {}", now.seed),
        format!("--peak {}", settings.peak_per_second),
    ];
    if let Some(before) = before {
        let (was, is) = (before.phases_seconds(), now.phases_seconds());
        if (was - is).abs() > 1e-6 {
            // Stretched phases add up to a number that is a hair off the one that was asked for.
            options.push(format!("--duration {}", (is * 1e6).round() / 1e6));
        }
        if (before.time_scale - now.time_scale).abs() > 1e-12 {
            options.push(format!("--time-scale {}", now.time_scale));
        }
        if let Auto::Given(units) = now.stock.units
            && before.stock.units != now.stock.units
        {
            options.push(format!("--stock {units}"));
        }
    }
    let upgrade = report.faults.iter().find_map(|fault| fault.upgrade.as_ref());
    for (option, program) in
        upgrade.into_iter().flat_map(|row| [("--server", &row.from), ("--next-server", &row.to)])
    {
        if program.is_named() {
            options.push(format!("{option} {}", program.path.display()));
        }
    }
    options.push(if settings.embedded {
        format!("--durability {}", settings.durability)
    } else {
        format!("--target {}", settings.target.rsplit(' ').next().unwrap_or_default())
    });
    options
}

/// What nothing on the command line changes.
fn fixed(scenario: &Scenario) -> Value {
    let mut same = scenario.clone();
    (same.seed, same.time_scale) = (0, 1.0);
    (same.load.peak_per_second, same.stock.units) = (Auto::Auto, Auto::Auto);
    let mut value = serde_json::to_value(same).unwrap_or_default();
    without_times(&mut value);
    value
}

/// Takes out what `--duration` stretches.
fn without_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["seconds", "at_seconds", "release_seconds", "opens_seconds", "cutover_seconds"] {
                map.remove(key);
            }
            map.values_mut().for_each(without_times);
        }
        Value::Array(values) => values.iter_mut().for_each(without_times),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
