//! Where claims that were made lately are, so that orders that claim the same can share a row.

use alloc::vec::Vec;

use super::Payment;
use crate::table::{NONE, Slot};

/// Claims that are remembered: 16 KiB, which stay in the cache. A sale in which more differ has rows of its own for some
/// orders, which cost memory and nothing else.
const RECENT: usize = 1 << RECENT_BITS;
const RECENT_BITS: u32 = 10;

/// See the module's doc. Each claim has one place, where the next that belongs there takes over. What is found must be looked at:
/// the row may have become something else.
#[derive(Debug)]
pub(super) struct Recent(
    /// Empty as long as nobody claims anything.
    Vec<Place>,
);

/// A claim, and where it was.
#[derive(Clone, Copy, Debug)]
struct Place {
    cents: u64,
    budget: u32,
    slot: Slot,
}

impl Recent {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Where a row like this may be.
    #[inline]
    pub(super) fn get(&self, claim: &Payment) -> Slot {
        let (budget, cents) = key(claim);
        let place =
            self.0.get(home(budget, cents)).filter(|place| (place.budget, place.cents) == (budget, cents));
        place.map_or(NONE, |place| place.slot)
    }

    /// Remembers where such a row is.
    pub(super) fn put(&mut self, claim: &Payment, slot: Slot) {
        if self.0.is_empty() {
            self.0.resize(RECENT, Place { cents: 0, budget: 0, slot: NONE });
        }
        let (budget, cents) = key(claim);
        if let Some(place) = self.0.get_mut(home(budget, cents)) {
            *place = Place { cents, budget, slot };
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.capacity().saturating_mul(size_of::<Place>())
    }
}

#[inline]
fn key(claim: &Payment) -> (u32, u64) {
    let [budget, _] = claim.id;
    (u32::try_from(budget & u64::from(u32::MAX)).unwrap_or(0), claim.value)
}

/// The high bits of a product with 2^64 over the golden ratio (Knuth, TAOCP vol. 3, 6.4): amounts are round numbers, of
/// which the low bits say little.
#[inline]
fn home(budget: u32, cents: u64) -> usize {
    let mixed = cents.wrapping_add(u64::from(budget) << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> (u64::BITS - RECENT_BITS)).unwrap_or(0)
}
