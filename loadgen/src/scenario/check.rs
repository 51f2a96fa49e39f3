//! Ranges that the file's shape can't say.

use super::faults;
use super::highest_phase;
use super::model::{Auto, Scenario};
use super::ranges;

/// Longest drill, seconds: a day.
pub(super) const MAX_SECONDS: f64 = 86_400.0;

/// Most arrivals a second: ten times what one generator can send.
const MAX_RATE: f64 = 10_000_000.0;

/// Most units over all SKUs.
pub(super) const MAX_UNITS: f64 = 1e12;

/// A value out of its range.
#[derive(Debug)]
pub(super) struct Fault {
    /// The table that the key stands in; empty for the top.
    pub(super) table: &'static str,
    /// Which of several tables of that name.
    pub(super) nth: usize,
    /// The key.
    pub(super) name: &'static str,
    /// What holds for it.
    pub(super) rule: &'static str,
}

impl Fault {
    pub(super) fn key(&self) -> String {
        if self.table.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.table, self.name) }
    }
}

/// The first value that is out of its range.
pub(super) fn first_fault(scenario: &Scenario) -> Option<Fault> {
    let Scenario { load, stock, shoppers, .. } = scenario;
    let at = |table, name, sound: bool, rule| (!sound).then_some(Fault { table, nth: 0, name, rule });
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let time = |value: f64| value > 0.0 && value <= MAX_SECONDS;
    let auto = |value: Auto, most: f64| match value {
        Auto::Auto => true,
        Auto::Given(number) => (1.0..=most).contains(&number),
    };
    let top = [
        at("", "schema_version", scenario.schema_version == 1, "this program reads version 1"),
        at(
            "",
            "name",
            is_name(&scenario.name),
            "must be 1 to 64 letters, digits, dots, dashes or underscores",
        ),
        at(
            "",
            "summary",
            scenario.summary.len() <= 100 && !scenario.summary.contains('\n'),
            "must be one line of at most 100 bytes",
        ),
        at(
            "",
            "time_scale",
            scenario.time_scale > 0.0 && scenario.time_scale <= 1.0,
            "must be above 0, at most 1",
        ),
        at(
            "",
            "phases",
            (1..=1_000).contains(&scenario.phases.len()),
            "must have 1 to 1,000 [[phases]] tables",
        ),
        at(
            "load",
            "peak_per_second",
            auto(load.peak_per_second, MAX_RATE),
            "must be \"auto\" or 1 to 10,000,000",
        ),
        at(
            "load",
            "utilisation",
            load.utilisation > 0.0 && load.utilisation <= 20.0,
            "must be above 0, at most 20",
        ),
        at("load", "connections", (1..=10_000).contains(&load.connections), "must be 1 to 10,000"),
        at("load", "deadline_ms", (1..=600_000).contains(&load.deadline_ms), "must be 1 to 600,000"),
        at("stock", "skus", (1..=1_000_000).contains(&stock.skus), "must be 1 to 1,000,000"),
        at("stock", "units", auto(stock.units, MAX_UNITS), "must be \"auto\" or 1 to 10^12"),
        at("stock", "demand_per_unit", (0.01..=1e6).contains(&stock.demand_per_unit), "must be 0.01 to 10^6"),
        at("shoppers", "users", (1..=100_000_000).contains(&shoppers.users), "must be 1 to 100,000,000"),
        at("shoppers", "zipf_exponent", (0.0..=5.0).contains(&shoppers.zipf_exponent), "must be 0 to 5"),
        at("shoppers", "read_share", share(shoppers.read_share), "must be 0 to 1"),
        at("shoppers", "hold_seconds", time(shoppers.hold_seconds), "must be above 0, at most 86,400"),
        at("shoppers", "pay_share", share(shoppers.pay_share), "must be 0 to 1"),
        at("shoppers", "cancel_share", share(shoppers.cancel_share), "must be 0 to 1"),
        at(
            "shoppers",
            "pay_share",
            shoppers.pay_share + shoppers.cancel_share <= 1.0 + 1e-9,
            "pay_share and cancel_share together must be at most 1",
        ),
        at(
            "shoppers",
            "pay_median_seconds",
            time(shoppers.pay_median_seconds),
            "must be above 0, at most 86,400",
        ),
        at(
            "shoppers",
            "pay_p95_seconds",
            time(shoppers.pay_p95_seconds) && shoppers.pay_p95_seconds >= shoppers.pay_median_seconds,
            "must be at least pay_median_seconds, at most 86,400",
        ),
        at("shoppers", "repeat_share", share(shoppers.repeat_share), "must be 0 to 1"),
        at(
            "shoppers",
            "hot_shift_seconds",
            shoppers.hot_shift_seconds.is_none_or(time),
            "must be above 0, at most 86,400",
        ),
    ];
    top.into_iter()
        .flatten()
        .next()
        .or_else(|| first_objective_fault(scenario))
        .or_else(|| first_phase_fault(scenario))
        .or_else(|| ranges::first_fault(scenario))
        .or_else(|| faults::first_wrong(scenario))
}

fn first_objective_fault(scenario: &Scenario) -> Option<Fault> {
    let objectives = &scenario.objectives;
    let at = |name, sound: bool, rule| (!sound).then_some(Fault { table: "objectives", nth: 0, name, rule });
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let above = |value: Option<f64>| value.is_none_or(|value| value > 0.0);
    [
        at("reserve_p99_ms", objectives.reserve_p99_ms > 0.0, "must be above 0"),
        at("confirm_p99_ms", objectives.confirm_p99_ms > 0.0, "must be above 0"),
        at("in_time_ms", above(objectives.in_time_ms), "must be above 0"),
        at("sell_through", objectives.sell_through.is_none_or(share), "must be 0 to 1"),
        at("leftover_share", objectives.leftover_share.is_none_or(share), "must be 0 to 1"),
        at("release_lag_p99_ms", above(objectives.release_lag_p99_ms), "must be above 0"),
        at("resident_growth_mib", above(objectives.resident_growth_mib), "must be above 0"),
        at("answered_share", share(objectives.answered_share), "must be 0 to 1"),
        at("settled_share", objectives.settled_share.is_none_or(share), "must be 0 to 1"),
        at("goodput_kept", objectives.goodput_kept.is_none_or(share), "must be 0 to 1"),
        at(
            "goodput_kept",
            objectives.goodput_kept.is_none() || highest_phase(scenario) > 0,
            "needs a phase before the highest one",
        ),
        at("burst_recovery_seconds", above(objectives.burst_recovery_seconds), "must be above 0"),
        at("emergency_seconds", above(objectives.emergency_seconds), "must be above 0"),
        at(
            "amplification",
            objectives.amplification.is_none_or(|most| (1.0..=100.0).contains(&most)),
            "must be 1 to 100",
        ),
        at("loss_budget", objectives.loss_budget.is_none_or(share), "must be 0 to 1"),
    ]
    .into_iter()
    .flatten()
    .next()
}

fn first_phase_fault(scenario: &Scenario) -> Option<Fault> {
    let rate = |value: f64| (0.0..=MAX_RATE).contains(&value);
    let total: f64 = scenario.phases.iter().map(|phase| phase.seconds).sum();
    let faults = scenario.phases.iter().enumerate().flat_map(|(nth, phase)| {
        let at =
            move |name, sound: bool, rule| (!sound).then_some(Fault { table: "phases", nth, name, rule });
        let until = phase.until_rate.unwrap_or(phase.rate);
        let exponential_through_zero =
            phase.shape == super::Shape::Exponential && !(phase.rate > 0.0 && until > 0.0);
        [
            at("name", is_name(&phase.name), "must be 1 to 64 letters, digits, dots, dashes or underscores"),
            at(
                "seconds",
                phase.seconds > 0.0 && total <= MAX_SECONDS,
                "must be above 0, all together at most 86,400",
            ),
            at("rate", rate(phase.rate), "must be 0 to 10,000,000"),
            at("until_rate", rate(until), "must be 0 to 10,000,000"),
            at("shape", !exponential_through_zero, "an exponential course needs rates above 0"),
        ]
    });
    let highest = scenario.phases.iter().map(|phase| phase.rate.max(phase.until_rate.unwrap_or(0.0)));
    faults.flatten().next().or_else(|| {
        let rule = "one phase at least must have a rate above 0";
        (highest.fold(0.0, f64::max) <= 0.0).then_some(Fault { table: "phases", nth: 0, name: "rate", rule })
    })
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// The line on which the faulty key stands; its table's line, or 1, where it doesn't.
pub(super) fn line_of(text: &str, fault: &Fault) -> usize {
    let mut table = "";
    let mut seen = 0;
    let mut best = 1;
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        if content.starts_with('[') {
            table = content.trim_matches(['[', ']', ' ']);
            if table == fault.table {
                seen += 1;
                if seen == fault.nth + 1 {
                    best = line;
                }
            }
        }
        let here = table == fault.table && (fault.table.is_empty() || seen == fault.nth + 1);
        let is_key = content.split_once('=').is_some_and(|(key, _)| key.trim() == fault.name);
        if here && is_key {
            return line;
        }
    }
    best
}
