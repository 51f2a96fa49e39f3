//! What the crowd claims, and what operators do about it.

use doorbuster_client::{
    Client, FundBudget, Funder, IssueCoupons, ReserveClaims, ReserveOrder, SetBudget, StopBudget,
};
use rand::RngExt;

use crate::START;
use crate::workload::Crowd;

/// Budgets, from 1 on. All but the last are stopped now and then.
const BUDGETS: u32 = 3;

const BATCH: u32 = 6;

/// Coupons of the batch, of which each is used up to three times.
const SERIALS: u32 = 40;

impl Crowd {
    /// Sets the budgets and the coupons up.
    pub(crate) async fn promise(&mut self, client: &Client) {
        let funders = vec![Funder { funder: 1, share: 2 }, Funder { funder: 2, share: 1 }];
        for budget in 1..=BUDGETS {
            let set = SetBudget { budget, reason: 9, funded: 30, by: 4, funders: funders.clone() };
            client.set_budget(&set).await.unwrap().done().unwrap();
        }
        let issue = IssueCoupons {
            batch: BATCH,
            serials: SERIALS,
            uses: 3,
            reason: 9,
            from: START,
            until: u64::MAX,
            by: 4,
        };
        client.issue_coupons(&issue).await.unwrap().done().unwrap();
    }

    /// What an order claims; those that wait may claim nothing.
    pub(crate) fn claim(&mut self, order: ReserveOrder) -> ReserveClaims {
        let wish = ReserveClaims::of(order);
        let wish = if self.random.random_ratio(1, 2) {
            wish.discount(self.random.random_range(1..=BUDGETS), self.random.random_range(1..12))
        } else {
            wish
        };
        if self.random.random_ratio(1, 2) {
            let serial = self.random.random_range(0..SERIALS);
            wish.coupon(u64::from(BATCH) << 32 | u64::from(serial))
        } else {
            wish
        }
    }

    /// Puts some money in or takes some out; seldom, ends a budget. Refusals are part of it.
    pub(crate) async fn fund(&mut self, client: &Client) {
        let budget = self.random.random_range(1..=BUDGETS);
        let known = client.read_budget(budget).await.unwrap().done().unwrap();
        if budget < BUDGETS && self.random.random_ratio(1, 20) {
            client.stop_budget(&StopBudget { budget, reason: 9, by: 4 }).await.unwrap();
        } else {
            // Taking out all that is left takes it out of the slices, too.
            let empties = self.random.random_ratio(1, 4);
            let kept = if empties { 0 } else { known.left + self.random.random_range(0..30) };
            let funded = known.funded - known.left + kept;
            let fund = FundBudget { budget, reason: 9, funded, expected: known.funded, by: 4 };
            client.fund_budget(&fund).await.unwrap();
        }
    }
}
