//! What must hold of budgets and coupons, asserted over the whole state.

use alloc::collections::BTreeMap;

use crate::budget::{BudgetId, CouponId, MAX_FUNDERS, Money, Slice, split};
use crate::ids::PartitionId;
use crate::ledger::{Ledger, Violation};
use crate::outcome::OrderState;

impl Ledger {
    /// Budgets and coupons add up, of one ledger of `all`.
    pub(in crate::ledger) fn check_promotions(&self, all: &[&Self]) -> Result<(), Violation> {
        self.check_budgets(all)?;
        self.check_coupons(all)
    }

    /// Every cent of this ledger's budgets is in one place, and the claims of its orders are those that its slices count.
    fn check_budgets(&self, all: &[&Self]) -> Result<(), Violation> {
        for (budget, known) in self.budgets.known() {
            let slices = self.budgets.slices_of(budget);
            let sum = slices.fold(Money::default(), |sum, slice| sum.and(slice.money));
            if sum != self.budgets.money(budget) {
                return Err(Violation::Budget { budget });
            }
            if !self.share.serves(budget.partition()) {
                continue;
            }
            let slices = all.iter().flat_map(|ledger| ledger.budgets.slices_of(budget));
            let sum = slices.fold(u128::from(self.budgets.bank(budget)), |sum, slice| {
                let money = slice.money;
                sum.saturating_add(u128::from(money.left))
                    .saturating_add(u128::from(money.reserved))
                    .saturating_add(u128::from(money.spent))
            });
            if sum != u128::from(known.funded) {
                return Err(Violation::Budget { budget });
            }
        }
        let mut claimed = BTreeMap::<(BudgetId, PartitionId), Slice>::new();
        for (_, order) in self.orders.rows.iter() {
            let Some(state) = order.state() else { continue };
            let Some((claim, _)) = self.orders.claim(order) else { continue };
            let slice = claimed.entry((claim.budget, order.number.partition())).or_default();
            if state.is_open() {
                slice.money.reserved = slice.money.reserved.saturating_add(claim.amount.raw());
            } else if is_paid(state) {
                slice.money.spent = slice.money.spent.saturating_add(claim.amount.raw());
            } else {
                continue;
            }
            let funders = self.budgets.get(claim.budget).map(|known| known.funders.as_slice());
            for (posted, part) in
                slice.posted.iter_mut().zip(split(claim.amount, funders.unwrap_or_default()))
            {
                *posted = posted.saturating_add(part);
            }
        }
        for (budget, partition, slice) in self.budgets.slices() {
            let known = claimed.remove(&(budget, partition)).unwrap_or_default();
            // Orders that were paid leave memory, and what they spent stays.
            let least = (0..MAX_FUNDERS).all(|nth| slice.posted.get(nth) >= known.posted.get(nth));
            let posted = slice.posted.iter().fold(0_u64, |sum, posted| sum.saturating_add(*posted));
            if slice.money.reserved != known.money.reserved
                || slice.money.spent < known.money.spent
                || !least
                || posted != slice.money.reserved.saturating_add(slice.money.spent)
                || !self.share.serves(partition)
            {
                return Err(Violation::Budget { budget });
            }
        }
        match claimed.first_key_value() {
            Some(((budget, _), slice)) if *slice != Slice::default() => {
                Err(Violation::Budget { budget: *budget })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The uses of this ledger's coupons are those of the orders of all ledgers, and no more than may be.
    fn check_coupons(&self, all: &[&Self]) -> Result<(), Violation> {
        let mut held = BTreeMap::<CouponId, (u32, u32)>::new();
        for ledger in all {
            for (_, order) in ledger.orders.rows.iter() {
                let Some(state) = order.state() else { continue };
                let Some(coupon) = ledger.orders.coupon(order) else { continue };
                if self.share.serves(coupon.partition()) {
                    let uses = held.entry(coupon).or_default();
                    uses.0 = uses.0.saturating_add(u32::from(state.is_open()));
                    uses.1 = uses.1.saturating_add(u32::from(is_paid(state)));
                }
            }
        }
        for (coupon, uses) in self.coupons.used() {
            let (reserved, redeemed) = held.remove(&coupon).unwrap_or_default();
            let most = self.coupons.get(coupon).map_or(0, |(rules, _)| rules.uses);
            if uses.reserved != reserved
                || uses.redeemed < redeemed
                || uses.reserved.saturating_add(uses.redeemed) > most
            {
                return Err(Violation::Coupon { coupon });
            }
        }
        match held.into_iter().find(|(_, uses)| *uses != (0, 0)) {
            Some((coupon, _)) => Err(Violation::Coupon { coupon }),
            None => Ok(()),
        }
    }
}

/// Whether an order was paid, whatever became of its goods since: its discount stays spent, and its coupon redeemed.
fn is_paid(state: OrderState) -> bool {
    matches!(state, OrderState::Confirmed | OrderState::After(_))
}
