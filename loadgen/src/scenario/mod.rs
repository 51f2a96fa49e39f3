//! What a drill does: read from a TOML file, checked, and said back with file, line and key where it is wrong.

mod budget;
mod built_in;
mod check;
mod faults;
mod model;
mod optional;
mod ranges;

use std::path::Path;

pub use budget::Budget;
pub use built_in::{BUILT_IN, BuiltIn, DOORS_OPEN};
pub use faults::{Fault, FaultKind};
pub use model::{Auto, Load, Objectives, Phase, Scenario, Shape, Shoppers, Stock};
pub use optional::{
    Attack, Baskets, Campaign, Channel, Channels, Payments, Rebalance, Restock, Retries, ServerRules,
    Waitlist,
};

use crate::exit::Failure;

/// Largest scenario file, bytes: it is read whole.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a built-in scenario by its name, or a scenario file; without either, the default. A file whose name is that of a
/// built-in one needs a folder in front: `./doors-open`.
///
/// # Errors
/// One line with file, line, key and what to do; exit code 2.
pub fn load(file: Option<&Path>) -> Result<Scenario, Failure> {
    let Some(path) = file else { return parse("built-in doors-open", DOORS_OPEN) };
    if let Some(found) = path.to_str().and_then(built_in::find) {
        return parse(&format!("built-in {}", found.name), found.text);
    }
    let name = path.display().to_string();
    let unreadable = |why: &dyn std::fmt::Display| {
        let names = built_in::names();
        Failure::usage(format!("{name}: can't be read: {why}; give a file, or one of the built-in {names}"))
    };
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

impl Scenario {
    /// How long after the phases shoppers may still act, seconds: until the last hold has ended, late callbacks have come and
    /// everybody who waits has had his turn.
    pub fn tail_seconds(&self) -> f64 {
        let hold = self.shoppers.hold_seconds * self.time_scale;
        let paying = self.payments.as_ref().map_or(0.0, |_| {
            let pin = self.server.as_ref().and_then(|server| server.pay_pin_seconds).unwrap_or(120.0);
            hold + pin * self.time_scale
        });
        let waiting = self.waitlist.as_ref().map_or(0.0, |waitlist| waitlist.drain_seconds);
        (hold + paying).max(waiting)
    }

    /// Length of all phases, seconds.
    pub fn phases_seconds(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }
}

/// Which phase begins with the highest rate: the first of those that do.
pub fn highest_phase(scenario: &Scenario) -> usize {
    let mut highest = (0, 0.0);
    for (nth, phase) in scenario.phases.iter().enumerate() {
        if phase.rate > highest.1 {
            highest = (nth, phase.rate);
        }
    }
    highest.0
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

    #[test]
    fn every_built_in_scenario_is_sound_and_says_what_it_shows() {
        for built_in in BUILT_IN {
            let scenario = load(Some(Path::new(built_in.name))).expect("sound");
            assert_eq!(scenario.name, built_in.name);
            assert!(!scenario.summary.is_empty(), "{}", built_in.name);
        }
    }

    #[test]
    fn every_file_of_the_folder_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/scenarios");
        let files = std::fs::read_dir(folder).expect("the folder is there");
        let mut found: Vec<String> = files
            .map(|file| {
                file.expect("readable").file_name().to_string_lossy().trim_end_matches(".toml").to_owned()
            })
            .collect();
        let mut known: Vec<&str> = BUILT_IN.iter().map(|built_in| built_in.name).collect();
        found.sort_unstable();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn values_of_baskets_and_channels_out_of_range_are_named_with_their_rule() {
        are_named(&[
            ("multi-line", "most_lines = 8", "most_lines = 32", "baskets.most_lines: must be 1 to 31"),
            ("multi-line", "most_lines = 8", "most_lines = 1", "several shards need a most_lines above 1"),
            ("multi-line", "gift_share = 0.2", "gift_share = 2", "baskets.gift_share: must be 0 to 1"),
            ("multi-line", "swap_share = 0.1", "swap_share = 0.8", "together must be at most 1"),
            (
                "multi-line",
                "[retries]",
                "[server]\n[waitlist]\nshare=1\nwait_seconds=1\npoll_seconds=1\ndrain_seconds=1\n[retries]",
                "go with neither [waitlist]",
            ),
            (
                "channels",
                "guaranteed_share = 0.9",
                "guaranteed_share = 1.1",
                "channels.guaranteed_share: must be 0 to 1",
            ),
            (
                "channels",
                "release_seconds = 20",
                "release_seconds = 41",
                "channels.release_seconds: must be within",
            ),
            ("channels", "number = 2", "number = 1", "channels.of.number: must be above 0, and no other"),
            ("channels", "weight = 25", "weight = 0", "channels.of.weight: must be above 0"),
            ("channels", "demand = 150", "demand = -1", "channels.of.demand: must be above 0"),
            ("channels", "cap_share = 0.4", "cap_share = 6", "channels.of.cap_share: must be 0 to 1"),
            ("channels", "from = 2", "from = 9", "rebalances.from: must be the number of one of"),
            ("channels", "to = 1", "to = 9", "rebalances.to: must be the number of one of"),
            ("channels", "to = 1", "to = 2", "rebalances.to: must be another channel than from"),
            ("channels", "at_seconds = 10", "at_seconds = 50", "rebalances.at_seconds: must be within"),
            ("channels", "units = 2000", "units = 2", "rebalances.units: must be one a SKU at least"),
            (
                "price-cutover",
                "opens_seconds = 5",
                "opens_seconds = 50",
                "campaign.opens_seconds: must be within",
            ),
            (
                "price-cutover",
                "[15, 25]",
                "[25, 15]",
                "campaign.cutover_seconds: must come one after the other",
            ),
            ("price-cutover", "[15, 25]", "[4, 25]", "and after opens_seconds"),
            (
                "price-cutover",
                "stale_share = 0.33",
                "stale_share = 3",
                "campaign.stale_share: must be 0 to 1",
            ),
            (
                "price-cutover",
                "reload_seconds = 0.5",
                "reload_seconds = -1",
                "campaign.reload_seconds: must be 0 to",
            ),
            (
                "price-cutover",
                "[retries]",
                "[waitlist]\nshare=1\nwait_seconds=1\npoll_seconds=1\ndrain_seconds=1\n[retries]",
                "a campaign goes with neither [baskets] nor [waitlist]",
            ),
            ("coupon-run", "discounts = 1000", "discounts = 0", "budget.discounts: must be 1 to"),
            (
                "coupon-run",
                "discount_minor = 1999",
                "discount_minor = 0",
                "budget.discount_minor: must be 1 to",
            ),
            (
                "coupon-run",
                "shares = [40, 50, 10]",
                "shares = [40, 0]",
                "budget.shares: must be 1 to 16 numbers",
            ),
            ("coupon-run", "budget_spent = 1", "budget_spent = 2", "objectives.budget_spent: must be 0 to 1"),
            (
                "channels",
                "leftover_share = 0.03",
                "budget_spent = 1",
                "objectives.budget_spent: needs a [budget]",
            ),
            ("channels", "leftover_share = 0.03", "leftover_share = 3", "objectives.leftover_share: must be"),
        ]);
    }

    #[test]
    fn values_of_faults_attacks_and_impatient_shoppers_out_of_range_are_named_with_their_rule() {
        are_named(&[
            ("spof", "at_seconds = 7", "at_seconds = 70", "faults.at_seconds: must be within the phases"),
            ("spof", "seconds = 1\n", "seconds = 0\n", "faults.seconds: must be above 0"),
            ("spof", "seconds = 1\n", "seconds = 8\n", "faults.at_seconds: must not begin while another"),
            ("spof", "\"kill\"", "\"slow-sync\"", "faults.sync_ms: goes with slow-sync, which needs it"),
            ("spof", "\"kill\"", "\"kill\"\nshare = 1.0", "faults.share: goes with disconnect, which"),
            ("spof", "\"kill\"", "\"kill\"\nclass = \"read\"", "faults.class: goes with breaker only"),
            ("spof", "\"kill\"", "\"flood\"", "unknown variant `flood`"),
            (
                "upgrade",
                "at_seconds = 8",
                "at_seconds = 8\nseconds = 1",
                "faults.seconds: goes not with upgrade",
            ),
            ("brownout", "\"reserve\"", "\"holds\"", "faults.class: must be reserve, settle or read"),
            ("slow-disk", "sync_ms = 200", "sync_ms = 0", "faults.sync_ms: must be 1 to 10,000"),
            ("herd", "share = 1.0", "share = 1.5", "faults.share: must be 0 to 1"),
            ("security", "seconds = 10\n", "seconds = 100\n", "attack.seconds: must be over before"),
            ("retry-storm", "timeout_ms = 300", "timeout_ms = 3", "retries.timeout_ms: must be 10 to 60,000"),
            ("retry-storm", "hasty_share = 0.3", "hasty_share = 3", "retries.hasty_share: must be 0 to 1"),
            (
                "retry-storm",
                "amplification = 1.5",
                "amplification = 0.5",
                "objectives.amplification: must be 1",
            ),
            (
                "overload-2",
                "goodput_kept = 0.97",
                "goodput_kept = 97",
                "objectives.goodput_kept: must be 0 to 1",
            ),
            ("t0-spike", "loss_budget = 0.03", "loss_budget = 3", "objectives.loss_budget: must be 0 to 1"),
            (
                "hot-shift",
                "hot_shift_seconds = 5",
                "hot_shift_seconds = 0",
                "shoppers.hot_shift_seconds: must be",
            ),
        ]);
    }

    /// Of each: a built-in scenario, what is changed in it and into what, and what is said of that.
    fn are_named(cases: &[(&str, &str, &str, &str)]) {
        for (name, from, to, expected) in cases {
            let text = built_in::find(name).expect("there").text;
            assert!(text.contains(from), "{from}");
            let line = parse("sale.toml", &text.replacen(from, to, 1)).expect_err(to).line;
            assert!(line.contains(expected), "{to}: {line}");
        }
    }

    #[test]
    fn a_name_that_is_neither_built_in_nor_a_file_is_answered_with_the_names_there_are() {
        let line = load(Some(Path::new("no-such-sale"))).expect_err("no such file").line;
        assert!(line.starts_with("no-such-sale: can't be read: "), "{line}");
        assert!(line.contains("one of the built-in doors-open, single-hot"), "{line}");
    }

    #[test]
    fn values_of_optional_tables_out_of_range_are_named_with_their_line_and_rule() {
        let optional = "\n[waitlist]\nshare = 0.1\nwait_seconds = 10\npoll_seconds = 1\npush_share = 0.5\ndrain_seconds = 5\n\
                        [payments]\nbegin_share = 0.5\nfail_share = 0.1\nduplicate_share = 0.05\n\
                        out_of_order_share = 0.02\nlate_share = 0.01\ndouble_share = 0.005\n\
                        [server]\noffer_seconds = 100\nmax_waiting = 5\n\
                        [[restocks]]\nat_seconds = 1\nunits = 5000\n";
        let text = DOORS_OPEN.to_owned() + optional;
        parse("sale.toml", &text).expect("sound");
        for (from, to, key) in [
            ("\nshare = 0.1", "\nshare = 1.1", "waitlist.share"),
            ("poll_seconds = 1", "poll_seconds = 0", "waitlist.poll_seconds"),
            ("push_share = 0.5", "push_share = 1.5", "waitlist.push_share"),
            ("double_share = 0.005", "double_share = 0.98", "payments.double_share"),
            ("tries = 3", "tries = 0", "retries.tries"),
            ("offer_seconds = 100", "offer_seconds = -1", "server.offer_seconds"),
            ("at_seconds = 1", "at_seconds = 1000", "restocks.at_seconds"),
            ("units = 5000", "units = 999", "restocks.units"),
        ] {
            assert!(text.contains(from), "{from}");
            let line = parse("sale.toml", &text.replace(from, to)).expect_err("faulty").line;
            assert!(line.contains(&format!(": {key}: ")), "{line}");
        }
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
            ("utilisation = 0.6", "utilisation = 21", "load.utilisation"),
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
