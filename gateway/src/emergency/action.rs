//! What a plan does, as it stands in the configuration.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::overload::{CLASSES, Class};
use crate::sku::Sku;

/// One action of a plan. Where an action is about a SKU and names none, it is the one that the plan is carried out for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// No shopper may ask for new holds more often than this.
    ShopperLimit {
        /// New holds a second, in the long run.
        per_second: NonZeroU32,
        /// New holds at once, after a while without any.
        burst: NonZeroU32,
    },
    /// A SKU's limits are lowered. One that is lower already stays.
    Limit {
        /// The SKU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<u64>,
        /// Most units a shopper may have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_user: Option<NonZeroU32>,
        /// Most units in one order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_order: Option<NonZeroU32>,
    },
    /// New holds are let in one after the other: those of the SKU, or all where the plan is carried out for none.
    Queue {
        /// The SKU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<u64>,
        /// Those of all SKUs.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        all: bool,
        /// So many a second.
        per_second: NonZeroU32,
        /// So many at once, after a while without any.
        #[serde(default = "ten")]
        burst: NonZeroU32,
    },
    /// Circuit breakers are forced open.
    Breaker {
        /// Of this class; without one, of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<String>,
        /// In front of this part; without one, of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    },
    /// A SKU is frozen.
    Freeze {
        /// The SKU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<u64>,
    },
    /// What is guaranteed of a SKU to a sales channel, and not taken yet, is anybody's.
    Release {
        /// The SKU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<u64>,
        /// The channel.
        channel: u16,
    },
}

fn ten() -> NonZeroU32 {
    const TEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
    TEN
}

impl Action {
    /// What it does, in a word.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::ShopperLimit { .. } => "shopper-limit",
            Self::Limit { .. } => "limit",
            Self::Queue { .. } => "queue",
            Self::Breaker { .. } => "breaker",
            Self::Freeze { .. } => "freeze",
            Self::Release { .. } => "release",
        }
    }

    /// Whether it can't be done without a SKU, and names none.
    pub(crate) const fn needs_sku(&self) -> bool {
        match self {
            Self::Limit { sku, .. } | Self::Freeze { sku } | Self::Release { sku, .. } => sku.is_none(),
            Self::ShopperLimit { .. } | Self::Queue { .. } | Self::Breaker { .. } => false,
        }
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<String> {
        let most = 1_000_000_000;
        match self {
            Self::ShopperLimit { per_second, burst } if per_second.get().max(burst.get()) > 100_000 => {
                Some("shopper-limit: per_second and burst must be 1 to 100,000".to_owned())
            }
            Self::Queue { per_second, burst, .. } if per_second.get().max(burst.get()) > most => {
                Some("queue: per_second and burst must be 1 to 1,000,000,000".to_owned())
            }
            Self::Queue { sku: Some(_), all: true, .. } => {
                Some("queue: it is either of one SKU or of all".to_owned())
            }
            Self::Limit { per_user: None, per_order: None, .. } => {
                Some("limit: it names neither per_user nor per_order".to_owned())
            }
            Self::Breaker { class: Some(class), .. }
                if !CLASSES.iter().any(|known| known.name() == class) =>
            {
                Some(format!("breaker: no such class: {class}"))
            }
            Self::Breaker { scope: Some(scope), .. } if !is_scope(scope) => {
                Some(format!("breaker: no such scope: {scope}; there are shard-0 and so on, desk and log"))
            }
            Self::Breaker { scope: Some(scope), class: Some(class) }
                if scope == "log" && class != Class::Reserve.name() =>
            {
                Some("breaker: the log has one for class reserve only".to_owned())
            }
            Self::ShopperLimit { .. }
            | Self::Limit { .. }
            | Self::Queue { .. }
            | Self::Breaker { .. }
            | Self::Freeze { .. }
            | Self::Release { .. } => None,
        }
    }
}

/// Whether a breaker may stand before such a part.
fn is_scope(scope: &str) -> bool {
    let shard = scope.strip_prefix("shard-").and_then(|number| number.parse::<u32>().ok());
    shard.is_some() || scope == "desk" || scope == "log"
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |sku: &Option<u64>| sku.map_or_else(String::new, |sku| format!(" of SKU {}", Sku(sku)));
        match self {
            Self::ShopperLimit { per_second, burst } => {
                write!(f, "each shopper {per_second} new holds a second, {burst} at once")
            }
            Self::Limit { sku, per_user, per_order } => {
                write!(f, "limits{} at most", of(sku))?;
                if let Some(units) = per_user {
                    write!(f, " {units} for a shopper")?;
                }
                per_order.map_or(Ok(()), |units| write!(f, " {units} in an order"))
            }
            Self::Queue { sku, all, per_second, .. } => {
                let whose = if *all { " of all SKUs".to_owned() } else { of(sku) };
                write!(f, "queue{whose}: {per_second} new holds a second")
            }
            Self::Breaker { class, scope } => {
                let (class, scope) = (class.as_deref().unwrap_or("all"), scope.as_deref().unwrap_or("all"));
                write!(f, "breakers forced open: scope {scope}, class {class}")
            }
            Self::Freeze { sku } => write!(f, "freeze{}", of(sku)),
            Self::Release { sku, channel } => {
                write!(f, "release what is guaranteed to channel {channel}{}", of(sku))
            }
        }
    }
}
