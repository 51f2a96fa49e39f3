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
    all: BTreeMap<ChannelId, Allotment>,
    /// Those that units are guaranteed to: few, as only operators add to them.
    guaranteed: BTreeSet<ChannelId>,
}

/// The rules of all SKUs that have any, by the SKU's slot.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    skus: BTreeMap<Slot, Allotments>,
    /// When guarantees end.
    releases: BTreeSet<(Timestamp, Slot)>,
}

impl Channels {
    /// What is known of a channel of a SKU that has rules.
    pub(crate) fn get(&self, sku: Slot, channel: ChannelId) -> Allotment {
        let known = self.skus.get(&sku).and_then(|channels| channels.all.get(&channel));
        known.copied().unwrap_or_default()
    }

    /// Sets a channel's rules; what it has taken stays.
    pub(crate) fn set(&mut self, sku: Slot, channel: ChannelId, rules: Allotment) {
        let channels = self.skus.entry(sku).or_default();
        let known = channels.all.entry(channel).or_default();
        *known = Allotment { taken: known.taken, ..rules };
        if rules.guarantee > 0 {
            channels.guaranteed.insert(channel);
        } else {
            channels.guaranteed.remove(&channel);
        }
        if let Some(at) = rules.release_at {
            self.releases.insert((at, sku));
        }
    }

    /// Units that a channel may take at `now`, of so many that are free, once another order has given `freed` of these back.
    pub(crate) fn left(&self, sku: Slot, channel: ChannelId, now: Timestamp, free: u64, freed: Freed) -> u64 {
        let after = |id, known: &Allotment| {
            let back = if id == freed.channel { freed.units } else { 0 };
            Allotment { taken: known.taken.saturating_sub(back), ..*known }
        };
        let others = self.guaranteed(sku).filter(|(other, _)| **other != channel);
        let kept = others.fold(0_u64, |sum, (id, other)| sum.saturating_add(after(*id, other).kept(now)));
        free.saturating_sub(kept).min(after(channel, &self.get(sku, channel)).room())
    }

    /// Units that are kept for anybody at `now`.
    pub(crate) fn kept(&self, sku: Slot, now: Timestamp) -> u64 {
        self.guaranteed(sku).fold(0_u64, |sum, (_, channel)| sum.saturating_add(channel.kept(now)))
    }

    /// The channels of a SKU that units are guaranteed to.
    fn guaranteed(&self, sku: Slot) -> impl Iterator<Item = (&ChannelId, &Allotment)> {
        let channels = self.skus.get(&sku).into_iter();
        channels.flat_map(|known| known.guaranteed.iter().filter_map(|id| known.all.get_key_value(id)))
    }

    /// How many channels of a SKU units are guaranteed to.
    pub(crate) fn guarantees(&self, sku: Slot) -> usize {
        self.skus.get(&sku).map_or(0, |known| known.guaranteed.len())
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
        let known = self.skus.get_mut(&sku)?.all.get_mut(&channel)?;
        known.taken = known.taken.checked_sub(units)?;
        Some(())
    }

    /// A SKU of which a guarantee has ended by `now`, if there is another.
    pub(crate) fn take_released(&mut self, now: Timestamp) -> Option<Slot> {
        let first = self.releases.first().copied().filter(|(at, _)| *at <= now)?;
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
