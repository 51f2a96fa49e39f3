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
use crate::overload::{Micros, Moment, Pace, Queue, losses};

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

/// What the configuration says of what reactors let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How often each shopper may ask.
    pub(crate) shopper_limit: Option<ShopperLimit>,
    /// How much may wait, and how much may be lost.
    pub(crate) losses: losses::Settings,
}

/// What counts now.
#[derive(Debug)]
pub(crate) struct Standing {
    /// How much may wait, and how much may be lost.
    pub(crate) losses: losses::Settings,
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

/// What counts now, and what it is made of.
#[derive(Debug)]
struct Held {
    configured: Bounds,
    layers: Vec<Layer>,
    standing: Arc<Standing>,
}

/// See the module's doc. Whoever carries plans out, or reads the configuration again, writes, reactors read.
#[derive(Debug)]
pub(crate) struct Regime {
    held: Mutex<Held>,
    /// Raised behind each change of what is held, with release; read with acquire, so that who sees it sees the change.
    generation: AtomicU64,
}

impl Regime {
    pub(crate) fn new(configured: Bounds) -> Self {
        let Bounds { shopper_limit, losses } = configured;
        let standing = Arc::new(Standing { losses, shopper_limit, queues: Vec::new() });
        let held = Mutex::new(Held { configured, layers: Vec::new(), standing });
        Self { held, generation: AtomicU64::new(0) }
    }

    /// A number that is another one after each change.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What counts now.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.held.lock().standing)
    }

    /// From now on these layers count. A queue that stays goes on where it was.
    pub(crate) fn set(&self, layers: &[Layer]) {
        self.change(|held| held.layers = layers.to_vec());
    }

    /// From now on this is what the configuration says; layers count as before.
    pub(crate) fn configure(&self, configured: Bounds) {
        self.change(|held| held.configured = configured);
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        let mut held = self.held.lock();
        change(&mut held);
        held.renew();
        drop(held);
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl Held {
    fn renew(&mut self) {
        let Self { configured, layers, standing } = self;
        let Bounds { shopper_limit, losses } = *configured;
        let mut next = Standing { losses, shopper_limit, queues: Vec::new() };
        for layer in layers.iter() {
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
        self.standing = Arc::new(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(shopper_limit: Option<ShopperLimit>) -> Bounds {
        Bounds { shopper_limit, losses: losses::Settings { budget: 300, target_us: 5_000 } }
    }

    fn few(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn the_tightest_limit_counts_and_what_is_taken_away_counts_no_more() {
        let configured = ShopperLimit { per_second: few(5), burst: few(3), remembered: 1_024 };
        let regime = Regime::new(bounds(Some(configured)));
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
    fn a_new_configuration_counts_under_the_layers_that_stand() {
        let limit =
            |per_second| ShopperLimit { per_second: few(per_second), burst: few(9), remembered: 1_024 };
        let regime = Regime::new(bounds(None));
        regime.set(&[Layer::ShopperLimit { per_second: few(4), burst: few(4) }]);
        let losses = losses::Settings { budget: 500, target_us: 1_000 };
        for (configured, counts) in [(2, 2), (8, 4)] {
            regime.configure(Bounds { shopper_limit: Some(limit(configured)), losses });
            let standing = regime.standing();
            assert_eq!(standing.shopper_limit.map(|limit| limit.per_second), Some(few(counts)));
            assert_eq!(standing.losses, losses);
        }
        regime.set(&[]);
        assert_eq!(regime.standing().shopper_limit, Some(limit(8)));
        assert_eq!(regime.generation(), 4);
    }

    #[test]
    fn a_queue_of_one_sku_holds_up_no_other_and_goes_on_over_a_change() {
        let regime = Regime::new(bounds(None));
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
