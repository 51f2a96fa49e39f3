//! The file's shape. `config/scenarios/doors-open.toml` documents every key.

use serde::{Deserialize, Deserializer, Serialize};

use super::budget::Budget;
use super::faults::Fault;
use super::optional::{
    Attack, Baskets, Campaign, Channels, Payments, Rebalance, Restock, Retries, ServerRules, Waitlist,
};

/// A drill.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Version of this file format: 1.
    pub schema_version: u32,
    /// Name in reports.
    pub name: String,
    /// What it shows, in one line.
    #[serde(default)]
    pub summary: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Factor on hold and payment times, above 0 up to 1.
    pub time_scale: f64,
    /// How much load, over how many connections.
    pub load: Load,
    /// The load's course, one after another.
    pub phases: Vec<Phase>,
    /// What is for sale.
    pub stock: Stock,
    /// Who comes.
    pub shoppers: Shoppers,
    /// Who waits where units are sold out; nobody where it is left out.
    pub waitlist: Option<Waitlist>,
    /// How payments go, other than once and well.
    pub payments: Option<Payments>,
    /// Orders that may have several lines; all have one unit of one SKU where it is left out.
    pub baskets: Option<Baskets>,
    /// Sales channels with rules; none where it is left out.
    pub channels: Option<Channels>,
    /// A campaign that sells all SKUs; they are on sale at any time where it is left out.
    pub campaign: Option<Campaign>,
    /// A promotion budget that every purchase claims from; none where it is left out.
    pub budget: Option<Budget>,
    /// Units that come in on the way.
    #[serde(default)]
    pub restocks: Vec<Restock>,
    /// Guaranteed units that go from one channel to another on the way.
    #[serde(default)]
    pub rebalances: Vec<Rebalance>,
    /// What goes wrong on the way, on purpose.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Who attacks the server; nobody where it is left out.
    pub attack: Option<Attack>,
    /// Whether shoppers try again.
    pub retries: Option<Retries>,
    /// How the drill's own server is set up.
    pub server: Option<ServerRules>,
    /// What must be reached.
    pub objectives: Objectives,
}

/// How much load.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Arrivals a second in the highest phase.
    pub peak_per_second: Auto,
    /// Share of the measured capacity that "auto" takes, above 0 up to 20.
    pub utilisation: f64,
    /// Connections, 1 to 10,000.
    pub connections: u32,
    /// Deadline of each request, milliseconds from when it is sent.
    pub deadline_ms: u32,
}

/// A stretch of time with one course of the rate.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Name in reports.
    pub name: String,
    /// Length, seconds.
    pub seconds: f64,
    /// Rate at its start, relative to the other phases'.
    pub rate: f64,
    /// Rate at its end; the same as at its start where it isn't given.
    pub until_rate: Option<f64>,
    /// Course between the two.
    #[serde(default)]
    pub shape: Shape,
}

/// How a rate gets from one value to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// In a straight line.
    #[default]
    Linear,
    /// By the same factor in the same time.
    Exponential,
}

/// What is for sale.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Number of SKUs, 1 to 1,000,000.
    pub skus: u32,
    /// Units over all SKUs.
    pub units: Auto,
    /// Reserves that come for each unit, where `units` is "auto".
    pub demand_per_unit: f64,
    /// Most units of one SKU a shopper may have; 0: no limit.
    pub user_limit: u32,
}

/// Who comes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Shoppers {
    /// Number of shoppers, 1 to 100,000,000.
    pub users: u32,
    /// Exponent of the SKUs' popularity, 0 (all alike) to 5.
    pub zipf_exponent: f64,
    /// Share of arrivals that only read.
    pub read_share: f64,
    /// Hold time before scaling, seconds.
    pub hold_seconds: f64,
    /// Share of holds that are paid.
    pub pay_share: f64,
    /// Share of holds that are cancelled.
    pub cancel_share: f64,
    /// Median time until a shopper pays or cancels, before scaling, seconds.
    pub pay_median_seconds: f64,
    /// 95th percentile of that time.
    pub pay_p95_seconds: f64,
    /// Share of reserves that are sent twice.
    pub repeat_share: f64,
    /// Other SKUs are the popular ones after so many seconds, again and again; not scaled. They stay the same where it is
    /// left out.
    pub hot_shift_seconds: Option<f64>,
}

/// What must be reached for the drill to pass.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// 99th percentile of the response time of reserves that got units, milliseconds.
    pub reserve_p99_ms: f64,
    /// The same for confirms that were accepted.
    pub confirm_p99_ms: f64,
    /// What is in time, for goodput, losses and recovery: an answer within so many milliseconds. Where it is left out, the limits
    /// of the percentiles are; a drill with a fault allows those more.
    pub in_time_ms: Option<f64>,
    /// Least share of requests that are decided.
    pub answered_share: f64,
    /// Least share of the stock that is paid at the end; 1: all of it.
    pub sell_through: Option<f64>,
    /// Most of the stock that is left free at the end, as a share.
    pub leftover_share: Option<f64>,
    /// Least share of the promotion budget that is spent at the end; 1: all of it.
    pub budget_spent: Option<f64>,
    /// 99th percentile of how far holds are past their deadlines when their units go back, milliseconds; known of a server
    /// of the drill's own.
    pub release_lag_p99_ms: Option<f64>,
    /// Least share of payments, cancels and what belongs to them that is decided in time.
    pub settled_share: Option<f64>,
    /// Least goodput in the highest phase, as a share of that in the phase before it: what an overload leaves of the peak.
    pub goodput_kept: Option<f64>,
    /// From the end of the highest phase until a second begins in which as large a share of the requests is decided in
    /// time as before it, seconds at most.
    pub burst_recovery_seconds: Option<f64>,
    /// From the start of the highest phase until an emergency plan is carried out, seconds at most; none may be before, and no
    /// other after.
    pub emergency_seconds: Option<f64>,
    /// Most requests that are sent for each one that shoppers mean: 1 where nobody tries again.
    pub amplification: Option<f64>,
    /// Most of each of the four losses, as a share. L2, units that nobody got although people wanted them, must be within
    /// it; the others are said beside it.
    pub loss_budget: Option<f64>,
    /// Most that the server's resident memory may grow over the second half of the phases, by a straight line through it,
    /// MiB; known of a server of the drill's own.
    pub resident_growth_mib: Option<f64>,
}

/// A number, or "auto".
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auto {
    /// The drill chooses.
    Auto,
    /// Given.
    Given(f64),
}

impl<'de> Deserialize<'de> for Auto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number or \"auto\"")]
        enum Raw {
            Number(f64),
            Word(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(number) => Ok(Self::Given(number)),
            Raw::Word(word) if word == "auto" => Ok(Self::Auto),
            Raw::Word(word) => {
                Err(serde::de::Error::custom(format!("expected a number or \"auto\", found \"{word}\"")))
            }
        }
    }
}

impl Serialize for Auto {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Given(number) => serializer.serialize_f64(*number),
        }
    }
}
