//! What active plans want of the reactors: they look once a pass whether it has changed.
//!
//! A plan's limit and its queue are layers. What counts is the tightest of all layers and of the configuration, so that plans may
//! be reverted in any order, and nothing has to be remembered of how it was before.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorbuster_ledger::SkuId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::overload::shoppers::ShopperLimit;
use crate::overload::{Micros, Moment, Pace, Queue};

/// Shoppers that a reactor remembers for a plan's limit, where the configuration names no number.
const REMEMBERED: usize = 65_536;

/// What an active step of a plan wants of the reactors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Layer {
    /// Each shopper may ask so often.
    ShopperLimit {
        /// New holds a second.
        per_second: NonZeroU32,
        /// New holds at once.
        burst: NonZeroU32,
    },
    /// New holds are let in one after the other.
    Queue {
        /// Of this SKU; of all where there is none.
        sku: Option<u64>,
        /// New holds a second.
        per_second: NonZeroU32,
        /// New holds at once.
        burst: NonZeroU32,
    },
}

/// What counts now.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// How often each shopper may ask.
    pub(crate) shopper_limit: Option<ShopperLimit>,
    queues: Vec<(Option<u64>, Arc<Queue>)>,
}

impl Standing {
    /// Whether nobody is paced.
    #[inline]
    pub(crate) fn has_no_queue(&self) -> bool {
        self.queues.is_empty()
    }

    /// Lets an order in, or says how long it takes until its turn. `is_for` says whether it is for a SKU. What one of several queues
    /// granted is spent.
    pub(crate) fn ask(&self, is_for: impl Fn(SkuId) -> bool, now: Moment) -> Result<(), Micros> {
        let asked = |of: &Option<u64>| of.is_none_or(|sku| is_for(SkuId::new(sku)));
        self.queues.iter().filter(|(of, _)| asked(of)).try_for_each(|(_, queue)| queue.ask(now))
    }
}

/// See the module's doc. Whoever carries plans out writes, reactors read.
#[derive(Debug)]
pub(crate) struct Regime {
    /// What the configuration says.
    configured: Option<ShopperLimit>,
    standing: Mutex<Arc<Standing>>,
    /// Raised behind each change of `standing`, with release; read with acquire, so that who sees it sees the change.
    generation: AtomicU64,
}

impl Regime {
    pub(crate) fn new(configured: Option<ShopperLimit>) -> Self {
        let standing = Standing { shopper_limit: configured, queues: Vec::new() };
        Self { configured, standing: Mutex::new(Arc::new(standing)), generation: AtomicU64::new(0) }
    }

    /// A number that is another one after each change.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What counts now.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.lock())
    }

    /// From now on these layers count. A queue that stays goes on where it was.
    pub(crate) fn set(&self, layers: &[Layer]) {
        let mut standing = self.standing.lock();
        let mut next = Standing { shopper_limit: self.configured, queues: Vec::new() };
        for layer in layers {
            match *layer {
                Layer::ShopperLimit { per_second, burst } => {
                    let limit = next.shopper_limit.get_or_insert(ShopperLimit {
                        per_second,
                        burst,
                        remembered: REMEMBERED,
                    });
                    limit.per_second = limit.per_second.min(per_second);
                    limit.burst = limit.burst.min(burst);
                }
                Layer::Queue { sku, per_second, burst } => {
                    let pace = Pace { per_second, burst };
                    let same = |(of, queue): &&(Option<u64>, Arc<Queue>)| *of == sku && queue.pace() == pace;
                    let kept = standing.queues.iter().find(same).map(|(_, queue)| Arc::clone(queue));
                    next.queues.push((sku, kept.unwrap_or_else(|| Arc::new(Queue::new(pace)))));
                }
            }
        }
        *standing = Arc::new(next);
        drop(standing);
        self.generation.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn the_tightest_limit_counts_and_what_is_taken_away_counts_no_more() {
        let configured = ShopperLimit { per_second: few(5), burst: few(3), remembered: 1_024 };
        let regime = Regime::new(Some(configured));
        let limit =
            |per_second, burst| Layer::ShopperLimit { per_second: few(per_second), burst: few(burst) };
        regime.set(&[limit(2, 9), limit(4, 1)]);
        let now = regime.standing().shopper_limit.unwrap();
        assert_eq!((now.per_second, now.burst, now.remembered), (few(2), few(1), 1_024));
        regime.set(&[limit(9, 9)]);
        assert_eq!(regime.standing().shopper_limit, Some(configured));
        assert_eq!(regime.generation(), 2);
    }

    #[test]
    fn a_queue_of_one_sku_holds_up_no_other_and_goes_on_over_a_change() {
        let regime = Regime::new(None);
        let queue = |sku| Layer::Queue { sku, per_second: few(1), burst: few(1) };
        regime.set(&[queue(Some(7))]);
        let ask =
            |skus: &[u64]| regime.standing().ask(|sku| skus.contains(&sku.raw()), Moment::START).is_ok();
        assert!(ask(&[7]) && !ask(&[8, 7]) && ask(&[8]));
        regime.set(&[queue(Some(7)), queue(None)]);
        assert!(!ask(&[7]) && ask(&[8]) && !ask(&[8]));
        regime.set(&[]);
        assert!(ask(&[7]) && regime.standing().has_no_queue());
    }
}
