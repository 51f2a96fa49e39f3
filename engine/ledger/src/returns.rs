//! SKUs that had no free unit, and have some now, or are sold by other rules.
//!
//! Whoever told the crowd "sold out" must hear of it, in the same step. It is no part of the state: replay doesn't need it.

use alloc::vec::Vec;

use crate::ids::SkuId;
use crate::stock::Sku;

/// SKUs that are remembered one by one between two looks. A visit to a shard ends some hundreds of holds.
const MAX_RETURNS: usize = 512;

/// See the module's doc.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    skus: Vec<SkuId>,
    /// More than are remembered.
    more: bool,
}

/// To whom units came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// To this SKU.
    One(SkuId),
    /// To more than were counted: take it for all.
    Many,
}

impl Returns {
    /// To be told of a SKU before units are added to its free ones.
    #[inline]
    pub(crate) fn note(&mut self, sku: &Sku) {
        if sku.available == 0 {
            self.add(sku.id);
        }
    }

    /// To be told when what any SKU is refused with may be another now: phases of campaigns have changed.
    pub(crate) fn note_all(&mut self) {
        self.more = true;
    }

    #[cold]
    fn add(&mut self, sku: SkuId) {
        if self.skus.len() < MAX_RETURNS {
            self.skus.push(sku);
        } else {
            self.more = true;
        }
    }

    /// Hands over what was noted since the last look, and forgets it.
    #[inline]
    pub(crate) fn take(&mut self, mut each: impl FnMut(Returned)) {
        if self.more {
            self.more = false;
            self.skus.clear();
            each(Returned::Many);
        }
        self.skus.drain(..).for_each(|sku| each(Returned::One(sku)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(returns: &mut Returns) -> Vec<Returned> {
        let mut seen = Vec::new();
        returns.take(|returned| seen.push(returned));
        seen
    }

    fn sku(id: u64, available: u64) -> Sku {
        Sku { id: SkuId::new(id), available, ..Sku::default() }
    }

    #[test]
    fn only_skus_that_had_nothing_are_noted_and_each_look_takes_all() {
        let mut returns = Returns::default();
        returns.note(&sku(1, 0));
        returns.note(&sku(2, 5));
        returns.note(&sku(3, 0));
        assert_eq!(taken(&mut returns), [Returned::One(SkuId::new(1)), Returned::One(SkuId::new(3))]);
        assert_eq!(taken(&mut returns), []);
    }

    #[test]
    fn more_than_are_remembered_stand_for_all() {
        let mut returns = Returns::default();
        (0..).take(MAX_RETURNS + 1).for_each(|id| returns.note(&sku(id, 0)));
        assert_eq!(taken(&mut returns), [Returned::Many]);
        assert_eq!(taken(&mut returns), []);
    }
}
