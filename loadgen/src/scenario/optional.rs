//! Tables that a scenario may leave out: what shoppers do besides reserving and paying, what happens on the way, and how
//! the drill's own server is set up.

use serde::{Deserialize, Serialize};

use crate::schedule::nanos;

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
