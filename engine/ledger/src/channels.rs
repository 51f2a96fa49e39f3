//! How many units of a SKU each sales channel may have.
//!
//! A SKU's units are one pool. A channel may be guaranteed some of them: as many as it has not taken yet, nobody else may
//! take, until a time from which all is shared again. And it may be capped: more than so many it may not take. Whoever has
//! neither shares what is left.
//!
//! Few SKUs have such rules, so they stand beside the stock, and a SKU's row says only that there are some. Units are counted
//! for every channel from the moment when the first rule is set, which must be before the first hold.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::{ChannelId, Timestamp};
use crate::table::Slot;

/// What one channel may have of one SKU, and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allotment {
    /// Units that are the channel's until `release_at`.
    pub(crate) guarantee: u64,
    /// Most units that it may have; `None`: no limit.
    pub(crate) cap: Option<u64>,
    /// When what is left of the guarantee is anybody's; `None`: never.
    pub(crate) release_at: Option<Timestamp>,
    /// Units that it holds or has sold.
    pub(crate) taken: u64,
}

impl Allotment {
    /// Units that are kept for the channel at `now`.
    pub(crate) fn kept(&self, now: Timestamp) -> u64 {
        if self.release_at.is_some_and(|at| at <= now) {
            0
        } else {
            self.guarantee.saturating_sub(self.taken)
        }
    }

    /// Units that it may still take under its cap.
    pub(crate) fn room(&self) -> u64 {
        self.cap.map_or(u64::MAX, |cap| cap.saturating_sub(self.taken))
    }
}

/// Units that an order gives back for another one, and whose they were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freed {
    pub(crate) channel: ChannelId,
    pub(crate) units: u64,
}

/// One SKU's channels.
#[derive(Debug, Default)]
struct Allotments {
    /// Those with rules, and those that have units.
    all: BTreeMap<ChannelId, Allotment>,
    /// Those with rules: few, as only operators add to them.
    ruled: BTreeSet<ChannelId>,
}

/// The rules of all SKUs that have any, by the SKU's slot.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    skus: BTreeMap<Slot, Allotments>,
    /// When guarantees end.
    releases: BTreeSet<(Timestamp, Slot, ChannelId)>,
}

impl Channels {
    /// What is known of a channel of a SKU that has rules.
    pub(crate) fn get(&self, sku: Slot, channel: ChannelId) -> Allotment {
        let known = self.skus.get(&sku).and_then(|channels| channels.all.get(&channel));
        known.copied().unwrap_or_default()
    }

    /// The channel, if it has rules of its own for the SKU. All others share what is left.
    pub(crate) fn ruled(&self, sku: Slot, channel: ChannelId) -> Option<ChannelId> {
        self.skus.get(&sku)?.ruled.get(&channel).copied()
    }

    /// Sets a channel's rules; what it has taken stays. Returns whether it had none before.
    pub(crate) fn set(&mut self, sku: Slot, channel: ChannelId, rules: Allotment) -> bool {
        let channels = self.skus.entry(sku).or_default();
        let known = channels.all.entry(channel).or_default();
        if let Some(at) = known.release_at {
            self.releases.remove(&(at, sku, channel));
        }
        *known = Allotment { taken: known.taken, ..rules };
        if let Some(at) = rules.release_at {
            self.releases.insert((at, sku, channel));
        }
        channels.ruled.insert(channel)
    }

    /// Units that a channel may take at `now`, of so many that are free, once another order has given `freed` of these back.
    /// `None` stands for a channel without rules.
    pub(crate) fn left(
        &self,
        sku: Slot,
        channel: Option<ChannelId>,
        now: Timestamp,
        free: u64,
        freed: Freed,
    ) -> u64 {
        let after = |id, known: &Allotment| {
            let back = if id == freed.channel { freed.units } else { 0 };
            Allotment { taken: known.taken.saturating_sub(back), ..*known }
        };
        let others = self.with_rules(sku).filter(|(other, _)| Some(**other) != channel);
        let kept = others.fold(0_u64, |sum, (id, other)| sum.saturating_add(after(*id, other).kept(now)));
        let room = channel.map_or(u64::MAX, |channel| after(channel, &self.get(sku, channel)).room());
        free.saturating_sub(kept).min(room)
    }

    /// Units that are kept for anybody at `now`.
    pub(crate) fn kept(&self, sku: Slot, now: Timestamp) -> u64 {
        self.with_rules(sku).fold(0_u64, |sum, (_, channel)| sum.saturating_add(channel.kept(now)))
    }

    /// The channels of a SKU that have rules.
    fn with_rules(&self, sku: Slot) -> impl Iterator<Item = (&ChannelId, &Allotment)> {
        let channels = self.skus.get(&sku).into_iter();
        channels.flat_map(|known| known.ruled.iter().filter_map(|id| known.all.get_key_value(id)))
    }

    /// How many channels of a SKU have rules.
    pub(crate) fn rules(&self, sku: Slot) -> usize {
        self.skus.get(&sku).map_or(0, |known| known.ruled.len())
    }

    /// Units that all channels hold or have sold.
    pub(crate) fn taken(&self, sku: Slot) -> u64 {
        let all = self.skus.get(&sku).into_iter().flat_map(|known| known.all.values());
        all.fold(0_u64, |sum, channel| sum.saturating_add(channel.taken))
    }

    /// Counts units that a channel takes.
    pub(crate) fn take(&mut self, sku: Slot, channel: ChannelId, units: u64) {
        if let Some(channels) = self.skus.get_mut(&sku) {
            let known = channels.all.entry(channel).or_default();
            known.taken = known.taken.saturating_add(units);
        }
    }

    /// Counts units that a channel gives back. `None`, and no change, if it has not taken as many.
    pub(crate) fn give_back(&mut self, sku: Slot, channel: ChannelId, units: u64) -> Option<()> {
        let channels = self.skus.get_mut(&sku)?;
        let known = channels.all.get_mut(&channel)?;
        known.taken = known.taken.checked_sub(units)?;
        // Anybody may name any channel; those that mean nothing any more are forgotten.
        if known.taken == 0 && !channels.ruled.contains(&channel) {
            channels.all.remove(&channel);
        }
        Some(())
    }

    /// A SKU of which a guarantee has ended by `now`, if there is another.
    pub(crate) fn take_released(&mut self, now: Timestamp) -> Option<Slot> {
        let first = self.releases.first().copied().filter(|(at, ..)| *at <= now)?;
        self.releases.remove(&first);
        Some(first.1)
    }

    /// All that is known.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, ChannelId, &Allotment)> {
        self.skus.iter().flat_map(|(sku, channels)| {
            channels.all.iter().map(|(channel, allotment)| (*sku, *channel, allotment))
        })
    }
}
