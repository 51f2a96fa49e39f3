//! Ranges of the tables that a scenario may leave out.

use super::check::{Fault, MAX_SECONDS, MAX_UNITS};

/// Most channels of a drill: as many as the server keeps units of one SKU for.
const MAX_CHANNELS: usize = 64;

/// Most changes of prices of a drill: a campaign has 16 phases.
const MAX_CUTOVERS: usize = 15;

/// Most restocks of a drill.
const MAX_RESTOCKS: usize = 1_000;

const SHARE: &str = "must be 0 to 1";
const TIME: &str = "must be above 0, at most 86,400";

fn share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn time(value: f64) -> bool {
    value > 0.0 && value <= MAX_SECONDS
}

/// The first value of these tables that is out of its range.
pub(super) fn first_fault(scenario: &super::Scenario) -> Option<Fault> {
    let at = |table, name, sound: bool, rule| (!sound).then_some(Fault { table, nth: 0, name, rule });
    let mut faults = Vec::new();
    if let Some(waitlist) = &scenario.waitlist {
        faults.extend([
            at("waitlist", "share", share(waitlist.share), SHARE),
            at("waitlist", "wait_seconds", time(waitlist.wait_seconds), TIME),
            at("waitlist", "poll_seconds", time(waitlist.poll_seconds), TIME),
            at("waitlist", "push_share", share(waitlist.push_share), SHARE),
            at("waitlist", "drain_seconds", time(waitlist.drain_seconds), TIME),
        ]);
    }
    if let Some(payments) = &scenario.payments {
        let exclusive = payments.out_of_order_share + payments.late_share + payments.double_share;
        faults.extend([
            at("payments", "begin_share", share(payments.begin_share), SHARE),
            at("payments", "fail_share", share(payments.fail_share), SHARE),
            at("payments", "duplicate_share", share(payments.duplicate_share), SHARE),
            at("payments", "out_of_order_share", share(payments.out_of_order_share), SHARE),
            at("payments", "late_share", share(payments.late_share), SHARE),
            at("payments", "double_share", share(payments.double_share), SHARE),
            at(
                "payments",
                "double_share",
                exclusive <= 1.0 + 1e-9,
                "out_of_order_share, late_share and double_share together must be at most 1",
            ),
        ]);
    }
    if let Some(retries) = &scenario.retries {
        faults.extend([
            at("retries", "tries", (1..=10).contains(&retries.tries), "must be 1 to 10"),
            at("retries", "budget_share", (0.0..=10.0).contains(&retries.budget_share), "must be 0 to 10"),
            at("retries", "pause_ms", (1..=60_000).contains(&retries.pause_ms), "must be 1 to 60,000"),
            at(
                "retries",
                "timeout_ms",
                retries.timeout_ms.is_none_or(|ms| (10..=60_000).contains(&ms)),
                "must be 10 to 60,000",
            ),
            at("retries", "hasty_share", share(retries.hasty_share), SHARE),
        ]);
    }
    if let Some(server) = &scenario.server {
        let times = [
            ("offer_seconds", server.offer_seconds),
            ("idempotency_window_seconds", server.idempotency_window_seconds),
            ("order_retention_seconds", server.order_retention_seconds),
            ("pay_pin_seconds", server.pay_pin_seconds),
            ("pay_grace_seconds", server.pay_grace_seconds),
        ];
        faults.extend(times.map(|(name, value)| at("server", name, value.is_none_or(time), TIME)));
        let waiting = server.max_waiting.is_none_or(|most| most <= 10_000_000);
        faults.push(at("server", "max_waiting", waiting, "must be 0 to 10,000,000"));
        let grace = server.recovery_grace_seconds.is_none_or(|seconds| (0.0..=3_600.0).contains(&seconds));
        faults.push(at("server", "recovery_grace_seconds", grace, "must be 0 to 3,600"));
        let added = server.added_cost_us.is_none_or(|us| us <= 100_000);
        faults.push(at("server", "added_cost_us", added, "must be 0 to 100,000"));
        let backlog = server.backlog_us.is_none_or(|us| us <= 1_000_000);
        faults.push(at("server", "backlog_us", backlog, "must be 0 to 1,000,000"));
    }
    if let Some(attack) = &scenario.attack {
        let ends = attack.at_seconds + attack.seconds;
        faults.extend([
            at("attack", "at_seconds", attack.at_seconds >= 0.0, "must be 0 at least"),
            at("attack", "seconds", time(attack.seconds), TIME),
            at("attack", "seconds", ends <= scenario.phases_seconds(), "must be over before the phases are"),
            at(
                "attack",
                "connections_per_second",
                attack.connections_per_second > 0.0 && attack.connections_per_second <= 10_000.0,
                "must be above 0, at most 10,000",
            ),
            at("attack", "slow_connections", attack.slow_connections <= 1_000, "must be 0 to 1,000"),
        ]);
    }
    faults.extend(basket_faults(scenario));
    faults.extend(channel_faults(scenario));
    faults.extend(campaign_faults(scenario));
    faults.extend(super::budget::faults(scenario));
    faults.into_iter().flatten().next().or_else(|| first_restock_fault(scenario))
}

fn basket_faults(scenario: &super::Scenario) -> Vec<Option<Fault>> {
    let Some(baskets) = &scenario.baskets else { return Vec::new() };
    let at = |name, sound: bool, rule| (!sound).then_some(Fault { table: "baskets", nth: 0, name, rule });
    let exclusive = baskets.part_share + baskets.cut_share + baskets.swap_share;
    vec![
        // One less than an order may have: a SKU may be named twice.
        at("most_lines", (1..=31).contains(&baskets.most_lines), "must be 1 to 31"),
        at("several_shards_share", share(baskets.several_shards_share), SHARE),
        at(
            "several_shards_share",
            baskets.several_shards_share <= 0.0 || baskets.most_lines > 1,
            "several shards need a most_lines above 1",
        ),
        at("same_sku_share", share(baskets.same_sku_share), SHARE),
        at("gift_share", share(baskets.gift_share), SHARE),
        at("part_share", share(baskets.part_share), SHARE),
        at("cut_share", share(baskets.cut_share), SHARE),
        at("swap_share", share(baskets.swap_share), SHARE),
        at(
            "swap_share",
            exclusive <= 1.0 + 1e-9,
            "part_share, cut_share and swap_share together must be at most 1",
        ),
        at(
            "most_lines",
            scenario.waitlist.is_none() && scenario.payments.is_none() && scenario.channels.is_none(),
            "orders with several lines go with neither [waitlist] nor [payments] nor [channels]",
        ),
    ]
}

fn campaign_faults(scenario: &super::Scenario) -> Vec<Option<Fault>> {
    let Some(campaign) = &scenario.campaign else { return Vec::new() };
    let length = scenario.phases_seconds();
    let at = |name, sound: bool, rule| (!sound).then_some(Fault { table: "campaign", nth: 0, name, rule });
    let cutovers = &campaign.cutover_seconds;
    let ascend =
        std::iter::once(&campaign.opens_seconds).chain(cutovers).zip(cutovers).all(|(one, next)| one < next);
    let within = |seconds: f64| (0.0..=length).contains(&seconds);
    let pause = |seconds: f64| (0.0..=MAX_SECONDS).contains(&seconds);
    vec![
        at("opens_seconds", within(campaign.opens_seconds), "must be within the phases"),
        at("cutover_seconds", cutovers.len() <= MAX_CUTOVERS, "must have 15 times at most"),
        at("cutover_seconds", ascend, "must come one after the other, and after opens_seconds"),
        at("cutover_seconds", cutovers.iter().all(|at| within(*at)), "must be within the phases"),
        at("stale_share", share(campaign.stale_share), SHARE),
        at("stale_seconds", pause(campaign.stale_seconds), "must be 0 to 86,400"),
        at("reload_seconds", pause(campaign.reload_seconds), "must be 0 to 86,400"),
        at(
            "opens_seconds",
            scenario.baskets.is_none() && scenario.waitlist.is_none(),
            "a campaign goes with neither [baskets] nor [waitlist]",
        ),
    ]
}

fn channel_faults(scenario: &super::Scenario) -> Vec<Option<Fault>> {
    let length = scenario.phases_seconds();
    let rebalances = scenario.rebalances.iter().enumerate().flat_map(|(nth, rebalance)| {
        let at =
            move |name, sound: bool, rule| (!sound).then_some(Fault { table: "rebalances", nth, name, rule });
        let known = |number: u16| {
            let channels = scenario.channels.iter().flat_map(|channels| &channels.of);
            channels.into_iter().any(|channel| channel.number == number)
        };
        let units = rebalance.units >= f64::from(scenario.stock.skus) && rebalance.units <= MAX_UNITS;
        [
            at("at_seconds", (0.0..=length).contains(&rebalance.at_seconds), "must be within the phases"),
            at("from", known(rebalance.from), "must be the number of one of [[channels.of]]"),
            at("to", known(rebalance.to), "must be the number of one of [[channels.of]]"),
            at("to", rebalance.to != rebalance.from, "must be another channel than from"),
            at("units", units, "must be one a SKU at least, and 10^12 at most"),
        ]
    });
    let Some(channels) = &scenario.channels else { return rebalances.collect() };
    let mut faults = Vec::new();
    let at = |name, sound: bool, rule| (!sound).then_some(Fault { table: "channels", nth: 0, name, rule });
    faults.extend([
        at("guaranteed_share", share(channels.guaranteed_share), SHARE),
        at(
            "release_seconds",
            (0.0..=length).contains(&channels.release_seconds),
            "must be within the phases",
        ),
        at("of", (1..=MAX_CHANNELS).contains(&channels.of.len()), "must have 1 to 64 [[channels.of]] tables"),
    ]);
    for (nth, channel) in channels.of.iter().enumerate() {
        let at =
            |name, sound: bool, rule| (!sound).then_some(Fault { table: "channels.of", nth, name, rule });
        let before = channels.of.iter().take(nth).any(|other| other.number == channel.number);
        let positive = |value: f64| value > 0.0 && value <= 1e9;
        faults.extend([
            at("number", channel.number > 0 && !before, "must be above 0, and no other channel's"),
            at("weight", positive(channel.weight), "must be above 0, at most 10^9"),
            at("demand", positive(channel.demand), "must be above 0, at most 10^9"),
            at("cap_share", channel.cap_share.is_none_or(share), SHARE),
        ]);
    }
    faults.extend(rebalances);
    faults
}

fn first_restock_fault(scenario: &super::Scenario) -> Option<Fault> {
    let length: f64 = scenario.phases.iter().map(|phase| phase.seconds).sum();
    let skus = f64::from(scenario.stock.skus);
    if scenario.restocks.len() > MAX_RESTOCKS {
        let rule = "must have at most 1,000 [[restocks]] tables";
        return Some(Fault { table: "", nth: 0, name: "restocks", rule });
    }
    let faults = scenario.restocks.iter().enumerate().flat_map(|(nth, restock)| {
        let at =
            move |name, sound: bool, rule| (!sound).then_some(Fault { table: "restocks", nth, name, rule });
        [
            at("at_seconds", (0.0..=length).contains(&restock.at_seconds), "must be within the phases"),
            at(
                "units",
                restock.units >= skus && restock.units <= MAX_UNITS,
                "must be one a SKU at least, and 10^12 at most",
            ),
        ]
    });
    faults.flatten().next()
}
