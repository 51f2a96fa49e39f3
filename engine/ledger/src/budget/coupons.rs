//! Coupons: batches by their bounds, and how often those were used that were.

use alloc::collections::BTreeMap;

use super::command::BudgetRefusal;
use super::id::{CouponBatch, CouponId};
use crate::ids::Timestamp;

/// What the coupons of a batch are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Coupons {
    /// Coupons of the batch: serial numbers below this.
    pub serials: u32,
    /// How often each may be used; 1: once.
    pub uses: u32,
    /// From when on.
    pub from: Timestamp,
    /// Until when; not at that time itself.
    pub until: Timestamp,
}

/// How often a coupon was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    pub(crate) reserved: u32,
    pub(crate) redeemed: u32,
}

impl Uses {
    fn all(self) -> u32 {
        self.reserved.saturating_add(self.redeemed)
    }
}

/// The coupons of a ledger's partitions. Ordered maps: they grow a node at a time, and a million coupons that were issued and
/// never used take no memory.
#[derive(Debug, Default)]
pub(crate) struct UsedCoupons {
    batches: BTreeMap<CouponBatch, Coupons>,
    used: BTreeMap<CouponId, Uses>,
}

/// Most batches of one ledger. A shop issues some for each promotion.
const MAX_BATCHES: usize = 4_096;

/// Most coupons of one ledger that were used: some 500 MB of memory. Those of past promotions stay, so that none is used twice.
const MAX_USED: usize = 1 << 24;

impl UsedCoupons {
    pub(crate) fn batch(&self, batch: CouponBatch) -> Option<Coupons> {
        self.batches.get(&batch).copied()
    }

    pub(crate) fn has_room_for_batch(&self) -> bool {
        self.batches.len() < MAX_BATCHES
    }

    pub(crate) fn has_room(&self) -> bool {
        self.used.len() < MAX_USED
    }

    /// What a coupon is good for, if it was issued, and how often it was used.
    pub(crate) fn get(&self, coupon: CouponId) -> Option<(Coupons, Uses)> {
        let rules = self.batch(coupon.batch()?).filter(|rules| coupon.serial() < rules.serials)?;
        Some((rules, self.used.get(&coupon).copied().unwrap_or_default()))
    }

    /// Whether an order may use it at `now`; `freed`: a use of it goes back in the same step.
    pub(crate) fn may_use(&self, coupon: CouponId, now: Timestamp, freed: bool) -> Result<(), BudgetRefusal> {
        let Some((rules, _)) = self.get(coupon) else {
            return Err(BudgetRefusal::CouponInvalid { at: Timestamp::default() });
        };
        if now < rules.from {
            return Err(BudgetRefusal::CouponInvalid { at: rules.from });
        }
        if now >= rules.until {
            return Err(BudgetRefusal::CouponInvalid { at: rules.until });
        }
        if self.has_use(coupon, freed) { Ok(()) } else { Err(BudgetRefusal::CouponUsed) }
    }

    /// Whether another use of it is left, whatever the time.
    pub(crate) fn has_use(&self, coupon: CouponId, freed: bool) -> bool {
        self.get(coupon).is_some_and(|(rules, uses)| uses.all().saturating_sub(u32::from(freed)) < rules.uses)
    }

    /// `None`, and no change, if there is such a batch.
    pub(crate) fn issue(&mut self, batch: CouponBatch, coupons: Coupons) -> Option<()> {
        if self.batches.contains_key(&batch) {
            return None;
        }
        self.batches.insert(batch, coupons);
        Some(())
    }

    /// `None`, and no change, if no use is left.
    pub(crate) fn hold(&mut self, coupon: CouponId) -> Option<()> {
        let (rules, uses) = self.get(coupon)?;
        if uses.all() >= rules.uses {
            return None;
        }
        self.used.insert(coupon, Uses { reserved: uses.reserved.saturating_add(1), ..uses });
        Some(())
    }

    /// `None`, and no change, if none is held.
    pub(crate) fn end(&mut self, coupon: CouponId, redeemed: bool) -> Option<()> {
        let uses = self.used.get_mut(&coupon)?;
        uses.reserved = uses.reserved.checked_sub(1)?;
        uses.redeemed = uses.redeemed.saturating_add(u32::from(redeemed));
        if *uses == Uses::default() {
            self.used.remove(&coupon);
        }
        Some(())
    }

    /// Takes what an image says of a coupon.
    pub(crate) fn load(&mut self, coupon: CouponId, reserved: u32, redeemed: u32) {
        self.used.insert(coupon, Uses { reserved, redeemed });
    }

    pub(crate) fn batches(&self) -> impl Iterator<Item = (CouponBatch, &Coupons)> {
        self.batches.iter().map(|(batch, coupons)| (*batch, coupons))
    }

    pub(crate) fn used(&self) -> impl Iterator<Item = (CouponId, Uses)> {
        self.used.iter().map(|(coupon, uses)| (*coupon, *uses))
    }
}
