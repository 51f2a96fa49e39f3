//! What operators say is out of the ordinary.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most rules of a server: each remembers half a mebibyte where it is about SKUs.
pub(crate) const MAX_RULES: usize = 16;

/// What a rule looks at separately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// All orders together.
    #[default]
    All,
    /// The orders for each SKU; one with several lines counts for each of them.
    Sku,
    /// The orders of each sales channel.
    Channel,
    /// The orders of each cohort: the member tier that a request names.
    Cohort,
}

/// When the order rate is an anomaly, and what happens then. The order rate counts new holds asked for, refused ones too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnomalyRule {
    /// Names it, in logs and figures.
    pub name: String,
    /// What it looks at separately.
    #[serde(default)]
    pub per: Per,
    /// More than so many times the usual is an anomaly.
    #[serde(default = "five")]
    pub above: f64,
    /// The usual, orders a second; 0: the running mean of what it looks at.
    #[serde(default)]
    pub planned_per_second: u32,
    /// Fewer orders a second are nothing unusual.
    #[serde(default = "five_hundred")]
    pub least_per_second: u32,
    /// The emergency plan that is carried out then.
    pub plan: String,
}

fn five() -> f64 {
    5.0
}

fn five_hundred() -> u32 {
    500
}

/// What an anomaly is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// All orders.
    All,
    /// This SKU.
    Sku(u64),
    /// This sales channel.
    Channel(u64),
    /// This member tier.
    Cohort(u64),
}

impl Subject {
    pub(super) fn of(per: Per, name: u64) -> Self {
        match per {
            Per::All => Self::All,
            Per::Sku => Self::Sku(name),
            Per::Channel => Self::Channel(name),
            Per::Cohort => Self::Cohort(name),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all orders"),
            Self::Sku(sku) => write!(f, "SKU {}", crate::sku::Sku(*sku)),
            Self::Channel(channel) => write!(f, "channel {channel}"),
            Self::Cohort(tier) => write!(f, "cohort {tier}"),
        }
    }
}
