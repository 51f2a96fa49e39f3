//! What sales channels may have.

use doorbuster_ledger::*;

use super::{Model, ModelOrder};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ModelChannel {
    pub(crate) guarantee: u64,
    pub(crate) cap: Option<u64>,
    pub(crate) release_at: Option<u64>,
}

impl Model {
    /// Units of a SKU that a channel holds or has sold, but for one order.
    pub(crate) fn taken(&self, sku: SkuId, channel: ChannelId, but: Option<usize>) -> u64 {
        let has = |order: &ModelOrder| order.state.is_open() || order.state == OrderState::Confirmed;
        let live = self.orders.iter().enumerate().filter(|(at, order)| Some(*at) != but && has(order));
        let all = live.map(|(_, order)| order).chain(&self.evicted_paid);
        all.filter(|order| order.channel() == channel).map(|order| u64::from(order.units(sku))).sum()
    }

    pub(crate) fn channel(&self, sku: SkuId, channel: ChannelId) -> ModelChannel {
        let known = self.skus.iter().find(|known| known.put.sku == sku);
        known.and_then(|known| known.channels.get(&channel)).copied().unwrap_or_default()
    }

    fn kept_for(&self, sku: SkuId, channel: ChannelId, now: u64, but: Option<usize>) -> u64 {
        let rules = self.channel(sku, channel);
        match rules.release_at {
            Some(at) if at <= now => 0,
            _ => rules.guarantee.saturating_sub(self.taken(sku, channel, but)),
        }
    }

    /// Units of a SKU that are kept for channels, but for one.
    pub(crate) fn kept_units(&self, sku: SkuId, now: u64, but: Option<ChannelId>) -> u64 {
        let known = self.skus.iter().find(|known| known.put.sku == sku);
        let channels = known.into_iter().flat_map(|known| known.channels.keys());
        channels.filter(|id| Some(**id) != but).map(|id| self.kept_for(sku, *id, now, None)).sum()
    }

    /// Whether the channel may have so many units, of so many that are free when the order `but` has given its own back.
    pub(crate) fn enough(
        &self,
        now: u64,
        (sku, channel): (SkuId, ChannelId),
        (units, free): (u32, u64),
        but: Option<usize>,
    ) -> Result<(), Refusal> {
        let known = self.skus.iter().find(|known| known.put.sku == sku);
        let others = known.into_iter().flat_map(|known| known.channels.keys()).filter(|id| **id != channel);
        let kept: u64 = others.map(|id| self.kept_for(sku, *id, now, but)).sum();
        let room =
            self.channel(sku, channel).cap.map(|cap| cap.saturating_sub(self.taken(sku, channel, but)));
        let left = free.saturating_sub(kept).min(room.unwrap_or(u64::MAX));
        if u64::from(units) <= left {
            Ok(())
        } else if left < free {
            Err(Refusal::ChannelExhausted { left })
        } else {
            Err(Refusal::Insufficient { available: free })
        }
    }

    pub(super) fn set_channel(&mut self, now: u64, set: &SetChannel) -> Outcome {
        let refuse = |refusal| Outcome::Refused(refusal);
        let (available, in_use) = (self.available(set.sku), self.held(set.sku) + self.sold(set.sku) > 0);
        let Some(sku) = self.skus.iter().find(|known| known.put.sku == set.sku) else {
            return refuse(Refusal::UnknownSku);
        };
        if set.cap.is_some_and(|cap| cap < set.guarantee) {
            return refuse(Refusal::Invalid { field: Field::Cap });
        }
        let had_any = !sku.channels.is_empty();
        if !had_any && in_use {
            return refuse(Refusal::TooLate);
        }
        let rules = ModelChannel {
            guarantee: set.guarantee,
            cap: set.cap,
            release_at: set.release_at.map(Timestamp::raw),
        };
        if had_any && rules == self.channel(set.sku, set.channel) {
            return Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) };
        }
        let left = available.saturating_sub(self.kept_units(set.sku, now, Some(set.channel)));
        let over = rules.release_at.is_none_or(|at| at > now)
            && rules.guarantee.saturating_sub(self.taken(set.sku, set.channel, None)) > left;
        if over {
            return refuse(Refusal::OverAllotted { left });
        }
        self.rules_of(set.sku).insert(set.channel, rules);
        Outcome::ChannelSet
    }

    fn rules_of(&mut self, sku: SkuId) -> &mut std::collections::BTreeMap<ChannelId, ModelChannel> {
        let known = self.skus.iter_mut().find(|known| known.put.sku == sku);
        &mut known.expect("the SKU is known").channels
    }

    pub(super) fn rebalance(&mut self, now: u64, asked: &Rebalance) -> Outcome {
        let refuse = |refusal| Outcome::Refused(refusal);
        if !self.skus.iter().any(|known| known.put.sku == asked.sku) {
            return refuse(Refusal::UnknownSku);
        }
        if asked.units == 0 {
            return refuse(Refusal::Invalid { field: Field::Units });
        }
        if asked.from == asked.to {
            return refuse(Refusal::Invalid { field: Field::Channel });
        }
        let mut gives = self.channel(asked.sku, asked.from);
        let mut gets = self.channel(asked.sku, asked.to);
        if gives.guarantee != asked.expected {
            return refuse(Refusal::CasMismatch { found: gives.guarantee });
        }
        let spare = self.kept_for(asked.sku, asked.from, now, None).saturating_sub(asked.keep);
        let room = gets.cap.map_or(u64::MAX, |cap| cap - gets.guarantee);
        let moved = asked.units.min(spare).min(room);
        if moved == 0 {
            return refuse(Refusal::OverAllotted { left: 0 });
        }
        gives.guarantee -= moved;
        gets.guarantee += moved;
        self.rules_of(asked.sku).insert(asked.from, gives);
        self.rules_of(asked.sku).insert(asked.to, gets);
        Outcome::Rebalanced { units: moved }
    }
}
