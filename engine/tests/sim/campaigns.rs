//! Campaigns: what operators ask, and that every shard still knows after a crash what was acknowledged.

use doorbuster_engine::clock::Clock;
use doorbuster_engine::shard::{Answer, Batch, Request, Slot, Work};
use doorbuster_ledger::*;
use rand::RngExt;

use super::{Ask, World};

const CAMPAIGN: CampaignId = CampaignId::new(7);

impl World {
    /// What an operator asks. Selling goes on most of the time.
    pub(super) fn campaign(&mut self, sku: SkuId) -> Ask {
        let (campaign, by, reason) = (CAMPAIGN, 1, 2);
        let several = |command| Ask::Several(Composite::Campaign(command), Vec::new());
        match self.rng.random_range(0..9_u32) {
            0 => {
                let bound = self.rng.random_bool(0.5);
                let campaign = if bound { campaign } else { CampaignId::default() };
                Ask::One(Command::Sku(SkuCommand::Bind { sku, campaign, by, reason }))
            }
            1 => {
                let price = Price { ceiling: Amount::new(9), ..Price::default() };
                let version = self.rng.random_range(1..9);
                Ask::One(Command::Sku(SkuCommand::Price { sku, version, price, by: 1, reason: 2 }))
            }
            2 => {
                let user_limit = self.rng.random_range(2..5);
                Ask::One(Command::Sku(SkuCommand::Limits { sku, user_limit, order_limit: 0, by, reason }))
            }
            3 => {
                let standing = if self.rng.random_bool(0.3) { Standing::Paused } else { Standing::Running };
                several(CampaignCommand::SetStanding(SetStanding { campaign, standing, by, reason }))
            }
            4 | 5 => {
                let (plan, expected) = (self.rng.random_range(1..4), self.rng.random_range(0..4));
                let policy = PricePolicy::HonourLower;
                let phases = self.rng.random_range(1..3);
                let activate = Activate { campaign, plan, phases, policy, expected, by, reason };
                several(CampaignCommand::Activate(activate))
            }
            6 => {
                let frozen = self.rng.random_bool(0.3);
                Ask::One(Command::Sku(SkuCommand::Freeze { sku, frozen, by, reason }))
            }
            _ => {
                let nth = self.rng.random_range(0..2);
                let start = self.clock.now().plus(u64::from(nth) * 5_000 + self.rng.random_range(0..900));
                let group_limit = self.rng.random_range(0..4);
                let phase = Phase { start, stage: Stage::Live, group_limit, ..Phase::default() };
                let plan = self.rng.random_range(1..4);
                several(CampaignCommand::PutPhase { campaign, plan, nth, phase, by: 1, reason: 2 })
            }
        }
    }

    /// An operator takes note of an answer.
    pub(super) fn campaign_seen(&mut self, command: &CampaignCommand) {
        if let CampaignCommand::PutPhase { plan, nth, .. } = command {
            self.phases.insert((*plan, *nth));
        }
    }

    /// Every shard knows of every phase whose writing was acknowledged.
    pub(super) fn phases_are_known(&mut self) -> Result<(), String> {
        for &(plan, nth) in &self.phases {
            for shard in 0..self.plan.shards {
                let work = Work::Asked(Request::ReadPhase { campaign: CAMPAIGN, plan, nth });
                let slot = Slot { token: 0, deadline: Timestamp::default(), work };
                let batch = Batch { slots: vec![slot], ..Batch::default() };
                self.engine.submit(shard, batch).map_err(|_| "the inbox of an idle engine is full")?;
                self.engine.visit(shard, 0);
                let back = self.engine.take(0).ok_or("an idle engine doesn't answer")?;
                let Work::Answered(Answer::Phase(Some(_))) = back.slots[0].work else {
                    return Err(format!("shard {shard} lost phase {nth} of plan {plan}"));
                };
            }
        }
        Ok(())
    }
}
