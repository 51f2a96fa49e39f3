//! What a drill does: read from a TOML file, checked, and said back with file, line and key where it is wrong.

mod check;
mod model;

use std::path::Path;

pub use model::{Auto, Load, Objectives, Phase, Scenario, Shape, Shoppers, Stock};

use crate::exit::Failure;

/// The default scenario, built in so that the executable needs no file.
pub const DOORS_OPEN: &str = include_str!("../../../config/scenarios/doors-open.toml");

/// Largest scenario file, bytes: it is read whole.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a scenario file, or the built-in one.
///
/// # Errors
/// One line with file, line, key and what to do; exit code 2.
pub fn load(file: Option<&Path>) -> Result<Scenario, Failure> {
    let Some(path) = file else { return parse("built-in doors-open", DOORS_OPEN) };
    let name = path.display().to_string();
    let unreadable = |why: &dyn std::fmt::Display| Failure::usage(format!("{name}: can't be read: {why}"));
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(&format!("{size} bytes is over the limit of {MAX_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    parse(&name, &text)
}

/// Reads a scenario from text; `file` is its name in messages.
///
/// # Errors
/// As [`load`].
pub fn parse(file: &str, text: &str) -> Result<Scenario, Failure> {
    let scenario: Scenario = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        Failure::usage(format!("{file}:{line}: {}", error.message().trim().replace('\n', " ")))
    })?;
    if let Some(fault) = check::first_fault(&scenario) {
        let line = check::line_of(text, &fault);
        return Err(Failure::usage(format!("{file}:{line}: {}: {}", fault.key(), fault.rule)));
    }
    Ok(scenario)
}

/// The first key whose value is out of its range, with its rule; for a scenario that was changed after reading.
pub fn fault(scenario: &Scenario) -> Option<String> {
    check::first_fault(scenario).map(|fault| format!("{}: {}", fault.key(), fault.rule))
}

fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_scenario_is_sound() {
        let scenario = load(None).expect("sound");
        assert_eq!(scenario.name, "doors-open");
        let rates: Vec<f64> = scenario.phases.iter().map(|phase| phase.rate).collect();
        assert!((rates[1] / rates[0] - 122.0).abs() < 1e-9, "{rates:?}");
    }

    fn fault_of(change: impl Fn(&str) -> String) -> String {
        parse("sale.toml", &change(DOORS_OPEN)).expect_err("faulty").line
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let line = fault_of(|text| text.replace("user_limit", "user_limits"));
        let expected = DOORS_OPEN.lines().position(|line| line.starts_with("user_limit")).expect("there") + 1;
        assert!(line.starts_with(&format!("sale.toml:{expected}: ")), "{line}");
        assert!(line.contains("user_limits"), "{line}");
    }

    #[test]
    fn values_out_of_range_are_named_with_their_line_and_rule() {
        for (from, to, key) in [
            ("time_scale = 0.01", "time_scale = 0", "time_scale"),
            ("utilisation = 0.6", "utilisation = 7", "load.utilisation"),
            ("connections = 200", "connections = 0", "load.connections"),
            ("pay_share = 0.75", "pay_share = 0.95", "shoppers.pay_share"),
            ("seconds = 10\nrate = 122\nuntil", "seconds = 0\nrate = 122\nuntil", "phases.seconds"),
            ("pay_p95_seconds = 240", "pay_p95_seconds = 40", "shoppers.pay_p95_seconds"),
            ("schema_version = 1", "schema_version = 2", "schema_version"),
            ("peak_per_second = \"auto\"", "peak_per_second = -5", "load.peak_per_second"),
        ] {
            assert!(DOORS_OPEN.contains(from), "{from}");
            let line = fault_of(|text| text.replace(from, to));
            assert!(line.contains(&format!(": {key}: ")), "{line}");
            let number: usize = line.split(':').nth(1).and_then(|n| n.parse().ok()).expect("a line number");
            let last = key.rsplit('.').next().expect("a key");
            let found = DOORS_OPEN.lines().nth(number - 1).expect("that line");
            assert!(found.starts_with(last), "{line} points at {found:?}");
        }
    }

    #[test]
    fn a_word_that_is_not_auto_is_refused() {
        let line = fault_of(|text| text.replace("units = \"auto\"", "units = \"plenty\""));
        assert!(line.contains("auto"), "{line}");
    }
}
