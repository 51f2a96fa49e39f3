//! What operators do about a campaign while the crowd buys.

use doorbuster_client::{BindSku, Client, FreezeSku, Phase, PutPhase, PutPrice, SetCampaign, SetLimits};
use rand::RngExt;

use crate::START;
use crate::workload::{Crowd, SKUS};

const CAMPAIGN: u32 = 3;

impl Crowd {
    /// One thing; refusals are part of it.
    pub(crate) async fn operate(&mut self, client: &Client) {
        let (sku, number) = (self.random.random_range(1..=SKUS), self.random.random_range(1..4));
        match self.random.random_range(0..6_u32) {
            0 => {
                let phase = Phase { start: START + u64::from(number), stage: 1, ..Phase::default() };
                let put = PutPhase { campaign: CAMPAIGN, plan: number, nth: 0, phase, ..PutPhase::default() };
                client.put_phases(&[put]).await.remove(0).unwrap();
            }
            1 => {
                let known = client.read_campaign(CAMPAIGN).await.unwrap().done();
                let expected = known.map_or(0, |known| known.plan);
                let action = if self.random.random_ratio(1, 4) { 2 } else { 1 };
                let plan =
                    SetCampaign { campaign: CAMPAIGN, plan: number, phases: 1, ..SetCampaign::default() };
                client.set_campaign(&SetCampaign { action, expected, by: 4, ..plan }).await.unwrap();
            }
            2 => {
                let resume = SetCampaign { campaign: CAMPAIGN, action: 3, by: 4, ..SetCampaign::default() };
                client.set_campaign(&resume).await.unwrap();
            }
            3 => {
                let campaign = if self.random.random_ratio(1, 2) { CAMPAIGN } else { 0 };
                // The others are on sale all the time.
                let bind = BindSku { sku: SKUS, campaign, by: 4, reason: 0 };
                client.bind_skus(&[bind]).await.remove(0).unwrap();
            }
            4 => {
                let put = PutPrice {
                    sku,
                    version: number,
                    price: 5,
                    list: 5,
                    floor: 5,
                    ceiling: 5,
                    ..PutPrice::default()
                };
                client.put_prices(&[put]).await.remove(0).unwrap();
            }
            _ => {
                let limits = SetLimits { sku, user_limit: 30 + number, order_limit: 0, by: 4, reason: 0 };
                client.set_limits(&[limits]).await.remove(0).unwrap();
                for frozen in [1, 0] {
                    let freeze = FreezeSku { sku, frozen, by: 4, reason: 0 };
                    client.freeze_skus(&[freeze]).await.remove(0).unwrap();
                }
            }
        }
    }
}
