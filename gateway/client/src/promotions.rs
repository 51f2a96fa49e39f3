//! Promotion budgets and coupons, from the client's side.

use doorbuster_protocol::{
    BudgetView, CouponView, FundBudget, IssueCoupons, Kind, ReadBudget, ReadCoupon, SetBudget, StopBudget,
};

use crate::client::{Client, only};
use crate::error::Error;
use crate::outcome::{Applied, Outcome, view};

impl Client {
    /// Sets a promotion budget up. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn set_budget(&self, request: &SetBudget) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::SetBudget, std::slice::from_ref(request)).await)
    }

    /// Puts money into a budget, or takes some out. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn fund_budget(&self, request: &FundBudget) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::FundBudget, std::slice::from_ref(request)).await)
    }

    /// Pays no further discounts out of a budget. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn stop_budget(&self, request: &StopBudget) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::StopBudget, std::slice::from_ref(request)).await)
    }

    /// Sets a batch of coupons up. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn issue_coupons(&self, request: &IssueCoupons) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::IssueCoupons, std::slice::from_ref(request)).await)
    }

    /// Reads a budget's accounts, of one moment.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_budget(&self, budget: u32) -> Result<Outcome<BudgetView>, Error> {
        let answers = self.operate::<_, BudgetView>(Kind::ReadBudget, &[ReadBudget { budget }]).await;
        Ok(view(only(answers)?)?)
    }

    /// Reads a coupon.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_coupon(&self, coupon: u64) -> Result<Outcome<CouponView>, Error> {
        let answers = self.operate::<_, CouponView>(Kind::ReadCoupon, &[ReadCoupon { coupon }]).await;
        Ok(view(only(answers)?)?)
    }
}
