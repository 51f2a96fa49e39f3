//! Tables that a scenario may leave out: what shoppers do besides reserving and paying, what happens on the way, and how
//! the drill's own server is set up.

use serde::{Deserialize, Serialize};

use super::check::{Fault, MAX_SECONDS, MAX_UNITS};
use crate::schedule::nanos;

/// Most channels of a drill: as many as the server keeps units of one SKU for.
const MAX_CHANNELS: usize = 64;

/// Most changes of prices of a drill: a campaign has 16 phases.
const MAX_CUTOVERS: usize = 15;

/// Most restocks of a drill.
const MAX_RESTOCKS: usize = 1_000;

/// Shoppers who are told `SOLD_OUT` and wait for units to come back.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waitlist {
    /// Share of those who are told `SOLD_OUT` that ask to wait.
    pub share: f64,
    /// How long they wait, before scaling, seconds.
    pub wait_seconds: f64,
    /// Mean time between two looks at an order that waits, before scaling, seconds; each pause is half to one and a half of
    /// it.
    pub poll_seconds: f64,
    /// Share of those who wait that are told by the server instead of looking themselves.
    #[serde(default)]
    pub push_share: f64,
    /// Longest time after the phases until everybody has had his turn, not scaled, seconds.
    pub drain_seconds: f64,
}

/// How payments go, other than once and well. Shares are of the shoppers who pay, but for `fail_share`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    /// Payments that are begun before they are confirmed.
    pub begin_share: f64,
    /// Of those that are begun: fail, and are tried again with another payment.
    pub fail_share: f64,
    /// Callbacks that come twice.
    pub duplicate_share: f64,
    /// Callbacks out of order: a confirmation before its beginning, or a failure after its confirmation.
    pub out_of_order_share: f64,
    /// Callbacks that come after the hold's end.
    pub late_share: f64,
    /// Orders that are paid twice, with two payments.
    pub double_share: f64,
}

/// Units that come in during the drill.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Restock {
    /// When, seconds from the start; not scaled.
    pub at_seconds: f64,
    /// Units over all SKUs, in equal parts.
    pub units: f64,
}

/// Orders that may have several lines. Shares are of all orders, or of those that are to be paid.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Baskets {
    /// Most SKUs in one order; from 1 on, all numbers are alike.
    pub most_lines: u32,
    /// Orders whose SKUs are meant to be in several shards; the others' are in one.
    pub several_shards_share: f64,
    /// Orders that name a SKU twice.
    pub same_sku_share: f64,
    /// Orders with a gift.
    pub gift_share: f64,
    /// Of those to be paid: a part is paid, and the rest given back with that.
    pub part_share: f64,
    /// Of those to be paid: a part is given back before.
    pub cut_share: f64,
    /// Of those to be paid: other SKUs are taken instead, in one step.
    pub swap_share: f64,
}

/// A campaign that sells all SKUs: nothing before it opens, by the first version of prices then, and by the next one from each
/// cut-over on. Times are seconds from the start, not scaled.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// When it opens. Who comes before is told when, and comes again then.
    pub opens_seconds: f64,
    /// When prices change.
    pub cutover_seconds: Vec<f64>,
    /// Share of shoppers with an old page: they order by the prices of a while ago.
    pub stale_share: f64,
    /// How old such a page is at most.
    pub stale_seconds: f64,
    /// How long a shopper needs to look at new prices before he orders by them.
    pub reload_seconds: f64,
}

impl Campaign {
    /// The version of prices that counts so long after the start, nanoseconds; 0: none does yet.
    pub fn version_at(&self, at_ns: u64) -> u8 {
        let begun = |seconds: &&f64| nanos(**seconds) <= at_ns;
        let opened = std::iter::once(&self.opens_seconds).filter(begun).count();
        let changed = self.cutover_seconds.iter().filter(begun).count();
        if opened == 0 { 0 } else { u8::try_from(opened + changed).unwrap_or(u8::MAX) }
    }

    /// What a unit costs by a version, minor units: each is 3 % of the first below the one before.
    pub fn price(version: u8) -> u64 {
        let first = crate::worker::AMOUNT;
        first.saturating_sub(first * 3 / 100 * u64::from(version.saturating_sub(1)))
    }
}

/// Sales channels with rules.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// Share of each SKU's units that is guaranteed, by the channels' weights.
    pub guaranteed_share: f64,
    /// When what is left of the guarantees is anybody's, seconds from the start; not scaled.
    pub release_seconds: f64,
    /// The channels.
    pub of: Vec<Channel>,
}

/// One sales channel.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its number, from 1.
    pub number: u16,
    /// Its part of the guaranteed units, relative to the others'.
    pub weight: f64,
    /// How many shoppers come through it, relative to the others.
    pub demand: f64,
    /// Most of a SKU's units that it may have, as a share of them; no limit where it is left out.
    pub cap_share: Option<f64>,
}

impl Channels {
    /// A channel's guarantee and cap of a SKU with so many units.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "parts of 10^12 units at most, by the scenario's checks"
    )]
    pub fn allotment(&self, channel: &Channel, units: u64) -> (u64, Option<u64>) {
        let weights: f64 = self.of.iter().map(|channel| channel.weight).sum();
        let units = crate::health::lossy(units);
        let guarantee = (units * self.guaranteed_share * channel.weight / weights) as u64;
        (guarantee, channel.cap_share.map(|share| ((units * share) as u64).max(guarantee)))
    }
}

/// Guaranteed units that go from one channel to another during the drill.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rebalance {
    /// When, seconds from the start; not scaled.
    pub at_seconds: f64,
    /// The channel that gives.
    pub from: u16,
    /// The channel that gets.
    pub to: u16,
    /// Units over all SKUs, in equal parts.
    pub units: f64,
}

/// What shoppers do about an answer that says "not executed, try again".
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// How often a request is sent at most, the first time included.
    pub tries: u8,
    /// Repeats are at most this share of all requests.
    pub budget_share: f64,
    /// First pause; the next one is twice as long. Never shorter than the server asks for; milliseconds.
    pub pause_ms: u32,
    /// How long a shopper waits for an answer before he sends the request again, milliseconds; as long as it takes where it
    /// is left out.
    pub timeout_ms: Option<u32>,
    /// Share of repeats that are sent at once, whatever the server asks for.
    #[serde(default)]
    pub hasty_share: f64,
}

/// Somebody who attacks the server beside its shoppers: malformed frames, frames that never end, guessed order numbers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// When it begins, seconds from the start; not scaled.
    pub at_seconds: f64,
    /// How long it lasts, seconds; not scaled.
    pub seconds: f64,
    /// Connections a second that send rubbish, of each kind in turn.
    pub connections_per_second: f64,
    /// Connections that stay open and send a byte now and then.
    pub slow_connections: u32,
}

/// How the drill's own server is set up, where it differs from the defaults. Times are before scaling, seconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerRules {
    /// How long units that came back are held for the one who waited.
    pub offer_seconds: Option<f64>,
    /// Most orders that wait for one SKU.
    pub max_waiting: Option<u32>,
    /// How long a request's repeat is recognised.
    pub idempotency_window_seconds: Option<f64>,
    /// How long an ended order stays in memory.
    pub order_retention_seconds: Option<f64>,
    /// How much longer a hold lasts once its payment has begun.
    pub pay_pin_seconds: Option<f64>,
    /// What a shopper has at least after a failed payment.
    pub pay_grace_seconds: Option<f64>,
    /// After a restart, no open hold ends earlier than this.
    pub recovery_grace_seconds: Option<f64>,
    /// Server and generator have a core each, with one reactor and one shard, where the machine has two cores: else a
    /// generator that asks for ten times the peak takes from the server what it is measured by.
    pub own_core: bool,
    /// Work that is added to each command, microseconds: so that the peak is known, and the generator can ask for ten times
    /// as much.
    pub added_cost_us: Option<u32>,
    /// How much work may wait, microseconds; 0: the server refuses nothing.
    pub backlog_us: Option<u32>,
    /// More of its configuration file, as it stands there.
    pub config: Option<String>,
    /// A copy of its data is served at the end, and must say the same of every order and SKU.
    pub backup: bool,
}

impl ServerRules {
    /// The server's configuration file, with times scaled, and at least what the server takes.
    pub fn config(&self, time_scale: f64) -> String {
        let mut lines = Vec::new();
        if self.own_core {
            lines.push("[server]\nreactors = 1\nshards = 1\n".to_owned());
        }
        lines.push("[overload]\n".to_owned());
        for (key, value) in [("added_cost_us", self.added_cost_us), ("backlog_us", self.backlog_us)] {
            lines.extend(value.map(|value| format!("{key} = {value}\n")));
        }
        if let Some(seconds) = self.recovery_grace_seconds {
            lines.push(format!("[log]\nrecovery_grace_ms = {}\n", (seconds * time_scale * 1_000.0).round()));
        }
        lines.extend(self.config.iter().map(|more| format!("{more}\n")));
        lines.push("[rules]\n".to_owned());
        let ms = |seconds: f64, least: f64| (seconds * time_scale * 1_000.0).round().max(least);
        for (key, seconds, least) in [
            ("offer_ms", self.offer_seconds, 1_000.0),
            ("idempotency_window_ms", self.idempotency_window_seconds, 1_000.0),
            ("order_retention_ms", self.order_retention_seconds, 1_000.0),
            ("pay_pin_ms", self.pay_pin_seconds, 0.0),
            ("pay_grace_ms", self.pay_grace_seconds, 0.0),
        ] {
            if let Some(seconds) = seconds {
                lines.push(format!("{key} = {}\n", ms(seconds, least)));
            }
        }
        if let Some(most) = self.max_waiting {
            lines.push(format!("max_waiting = {most}\n"));
        }
        lines.concat()
    }
}

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
