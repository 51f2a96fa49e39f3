//! What operators ask about campaigns. All of it may be repeated without harm.

use doorbuster_protocol::{
    BindSku, CampaignView, FreezeSku, Kind, PhaseView, PriceView, PutPhase, PutPrice, ReadCampaign,
    ReadPhase, ReadPrice, SetCampaign, SetLimits,
};

use crate::client::{Client, only};
use crate::error::Error;
use crate::outcome::{Applied, Outcome, view};

impl Client {
    /// Writes phases of a campaign's plans; one result each, in order. A phase that is written never changes.
    pub async fn put_phases(&self, requests: &[PutPhase]) -> Vec<Result<Outcome<Applied>, Error>> {
        self.apply(Kind::PutPhase, requests).await
    }

    /// Lets a campaign follow a plan; pauses, resumes or ends it.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn set_campaign(&self, request: &SetCampaign) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::SetCampaign, std::slice::from_ref(request)).await)
    }

    /// Lets campaigns sell SKUs; one result each, in order.
    pub async fn bind_skus(&self, requests: &[BindSku]) -> Vec<Result<Outcome<Applied>, Error>> {
        self.apply(Kind::BindSku, requests).await
    }

    /// Writes prices; one result each, in order. A price that is written never changes.
    pub async fn put_prices(&self, requests: &[PutPrice]) -> Vec<Result<Outcome<Applied>, Error>> {
        self.apply(Kind::PutPrice, requests).await
    }

    /// Changes limits of SKUs; one result each, in order.
    pub async fn set_limits(&self, requests: &[SetLimits]) -> Vec<Result<Outcome<Applied>, Error>> {
        self.apply(Kind::SetLimits, requests).await
    }

    /// Freezes SKUs, or lets them be sold again; one result each, in order.
    pub async fn freeze_skus(&self, requests: &[FreezeSku]) -> Vec<Result<Outcome<Applied>, Error>> {
        self.apply(Kind::FreezeSku, requests).await
    }

    /// Reads a campaign.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_campaign(&self, campaign: u32) -> Result<Outcome<CampaignView>, Error> {
        let answers = self.operate::<_, CampaignView>(Kind::ReadCampaign, &[ReadCampaign { campaign }]).await;
        Ok(view(only(answers)?)?)
    }

    /// Reads a phase of a campaign's plan; plan 0 stands for the one that it follows.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_phase(&self, request: &ReadPhase) -> Result<Outcome<PhaseView>, Error> {
        let answers = self.operate::<_, PhaseView>(Kind::ReadPhase, std::slice::from_ref(request)).await;
        Ok(view(only(answers)?)?)
    }

    /// Reads the campaigns of SKUs and their prices; one result each, in order.
    pub async fn read_prices(&self, requests: &[ReadPrice]) -> Vec<Result<Outcome<PriceView>, Error>> {
        let answers = self.operate::<_, PriceView>(Kind::ReadPrice, requests).await;
        answers.into_iter().map(|answer| Ok(view(answer?)?)).collect()
    }
}
