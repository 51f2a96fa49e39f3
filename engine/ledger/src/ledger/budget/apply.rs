//! Application of what happens to budgets and coupons.

use crate::budget::{BudgetEvent, BudgetId, Claim, CouponUse};
use crate::ids::{Amount, OrderNumber};
use crate::ledger::{Ledger, Place, Violation};
use crate::payment::Payment;
use crate::table::{NONE, Slot};

impl Ledger {
    #[cold]
    pub(in crate::ledger) fn apply_budget(&mut self, event: &BudgetEvent) -> Result<(), Violation> {
        let serves = |budget: BudgetId| self.share.serves(budget.partition());
        let (budget, applied) = match *event {
            BudgetEvent::Opened { budget, .. } => (budget, self.budgets.open(budget)),
            BudgetEvent::FunderAdded { budget, funder, .. } => {
                (budget, self.budgets.add_funder(budget, funder))
            }
            BudgetEvent::Funded { budget, funded, .. } => {
                let here = serves(budget);
                (budget, self.budgets.fund(budget, funded, here))
            }
            BudgetEvent::Stopped { budget, .. } => (budget, self.budgets.stop(budget)),
            BudgetEvent::Drained { budget, cents, .. } => {
                let here = serves(budget);
                (budget, self.budgets.drain(budget, cents, here))
            }
            BudgetEvent::Filled { budget, partition, cents, .. } => {
                let here = (serves(budget), self.share.serves(partition));
                (budget, self.budgets.fill(budget, partition, cents, here))
            }
            BudgetEvent::Issued { batch, coupons, .. } => {
                return self.coupons.issue(batch, coupons).ok_or(Violation::Batch { batch });
            }
            BudgetEvent::CouponHeld(held) => return self.apply_coupon_held(&held),
            BudgetEvent::CouponReleased(end) => return self.apply_coupon_ended(&end, false),
            BudgetEvent::CouponRedeemed(end) => return self.apply_coupon_ended(&end, true),
        };
        applied.ok_or(Violation::Budget { budget })
    }

    /// An order that is being placed claims a discount. Returns the row that is to stand beside the order's.
    #[inline]
    pub(in crate::ledger) fn apply_claim(
        &mut self,
        number: OrderNumber,
        claim: Claim,
    ) -> Result<Slot, Violation> {
        let missing = Violation::Budget { budget: claim.budget };
        self.budgets.claim(claim, number.partition()).ok_or(missing)?;
        self.orders.payments.add(NONE, Payment::claim(claim, claim.amount)).ok_or(missing)
    }

    fn apply_coupon_held(&mut self, held: &CouponUse) -> Result<(), Violation> {
        let &CouponUse { coupon, order: number, .. } = held;
        if self.share.serves(number.partition()) {
            let (slot, order) =
                self.order_at(Place::default(), number).ok_or(Violation::NoSuchOrder { number })?;
            match self.orders.coupon(order) {
                // Of an order that is paid late.
                Some(known) if known == coupon => {}
                Some(_) => return Err(Violation::Coupon { coupon }),
                None => {
                    self.orders.attach(slot, Payment::coupon(coupon)).ok_or(Violation::Coupon { coupon })?;
                }
            }
        }
        if !self.share.serves(coupon.partition()) {
            return Ok(());
        }
        self.coupons.hold(coupon).ok_or(Violation::Coupon { coupon })
    }

    fn apply_coupon_ended(&mut self, end: &CouponUse, redeemed: bool) -> Result<(), Violation> {
        let coupon = end.coupon;
        if !self.share.serves(coupon.partition()) {
            return Ok(());
        }
        self.coupons.end(coupon, redeemed).ok_or(Violation::Coupon { coupon })
    }

    /// The claim of the order in `slot`, of the few that have one.
    #[inline]
    fn claim_in(&self, slot: Slot) -> Option<Claim> {
        let order = self.orders.rows.get(slot).filter(|order| order.payment != NONE)?;
        self.orders.claim(order).map(|(claim, _)| claim)
    }

    /// An order was paid: its discount is spent.
    #[inline]
    pub(in crate::ledger) fn spend_claim(&mut self, slot: Slot) -> Result<(), Violation> {
        let Some(claim) = self.claim_in(slot) else { return Ok(()) };
        let partition =
            self.orders.rows.get(slot).map_or_else(Default::default, |order| order.number.partition());
        self.budgets.spend(claim, partition).ok_or(Violation::Budget { budget: claim.budget })
    }

    /// A hold ended: its discount goes back.
    #[inline]
    pub(in crate::ledger) fn return_claim(&mut self, slot: Slot) -> Result<(), Violation> {
        let Some(claim) = self.claim_in(slot) else { return Ok(()) };
        let partition =
            self.orders.rows.get(slot).map_or_else(Default::default, |order| order.number.partition());
        let returned = self.budgets.give_back(claim, partition, Amount::new(0));
        returned.ok_or(Violation::Budget { budget: claim.budget })
    }

    /// A hold that had ended is paid late: its discount is claimed again.
    pub(in crate::ledger) fn claim_again(&mut self, slot: Slot) -> Result<(), Violation> {
        let Some(claim) = self.claim_in(slot) else { return Ok(()) };
        let partition =
            self.orders.rows.get(slot).map_or_else(Default::default, |order| order.number.partition());
        self.budgets.claim(claim, partition).ok_or(Violation::Budget { budget: claim.budget })
    }

    /// So many units of an open hold go back for good: the discount shrinks with them, to whole cents.
    pub(in crate::ledger) fn cut_claim(&mut self, slot: Slot, units: u32) -> Result<(), Violation> {
        let Some(claim) = self.claim_in(slot) else { return Ok(()) };
        let missing = Violation::Budget { budget: claim.budget };
        let Some(order) = self.orders.rows.get_mut(slot) else { return Ok(()) };
        let left = u128::from(order.quantity.saturating_sub(units));
        let cents =
            u128::from(claim.amount.raw()).saturating_mul(left).checked_div(u128::from(order.quantity));
        let left = Amount::new(cents.and_then(|cents| u64::try_from(cents).ok()).unwrap_or(0));
        order.payment = self.orders.payments.cut_claim(order.payment, left).ok_or(missing)?;
        self.budgets.give_back(claim, order.number.partition(), left).ok_or(missing)
    }
}
