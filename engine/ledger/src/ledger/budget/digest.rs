//! Budgets and coupons in the digest. Where there are none, nothing is added to it.

use crate::hash::Mix;
use crate::ledger::{Digest, Ledger};
use crate::order::Order;

impl Ledger {
    /// What every ledger knows is told by the one that has the bank; slices and coupons, by those that have their partitions.
    pub(in crate::ledger) fn digest_budgets(&self, digest: &mut Digest) {
        for (budget, known) in self.budgets.known() {
            if !self.share.serves(budget.partition()) {
                continue;
            }
            let mix = Mix::new(20).word(u64::from(budget.raw())).word(known.funded);
            digest.entry(mix.word(u64::from(known.stopped)).word(self.budgets.bank(budget)));
            for (nth, funder) in (0_u64..).zip(&known.funders) {
                let mix = Mix::new(21).word(u64::from(budget.raw())).word(nth);
                digest.entry(mix.word(u64::from(funder.id.raw())).word(u64::from(funder.share)));
            }
        }
        for (budget, partition, slice) in self.budgets.slices() {
            let mix = Mix::new(22).word(u64::from(budget.raw())).word(u64::from(partition.raw()));
            let mix = mix.word(slice.money.left).word(slice.money.reserved).word(slice.money.spent);
            digest.entry(slice.posted.iter().fold(mix, |mix, posted| mix.word(*posted)));
        }
        for (batch, coupons) in self.coupons.batches() {
            let mix = Mix::new(23).word(u64::from(batch.raw())).word(u64::from(coupons.serials));
            let mix = mix.word(u64::from(coupons.uses)).word(coupons.from.raw());
            digest.entry(mix.word(coupons.until.raw()));
        }
        for (coupon, uses) in self.coupons.used() {
            let mix = Mix::new(24).word(coupon.raw()).word(u64::from(uses.reserved));
            digest.entry(mix.word(u64::from(uses.redeemed)));
        }
    }

    /// What an order claims, and with which coupon.
    pub(in crate::ledger) fn digest_claim(&self, order: &Order, digest: &mut Digest) {
        if let Some((claim, asked)) = self.orders.claim(order) {
            let mix = Mix::new(25).word(order.number.raw()).word(u64::from(claim.budget.raw()));
            digest.entry(mix.word(claim.amount.raw()).word(asked.raw()));
        }
        if let Some(coupon) = self.orders.coupon(order) {
            digest.entry(Mix::new(26).word(order.number.raw()).word(coupon.raw()));
        }
    }
}
