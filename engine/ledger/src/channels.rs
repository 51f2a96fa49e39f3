//! How many units of a SKU each sales channel may have.
//!
//! A SKU's units are one pool. A channel may be guaranteed some of them: as many as it has not taken yet, nobody else may
//! take, until a time from which all is shared again. And it may be capped: more than so many it may not take. Whoever has
//! neither shares what is left.
//!
//! Few SKUs have such rules. The first channel's stand in the SKU's own row, the others' beside the stock. Units are counted
//! for every channel from the moment when the first rule is set, which must be before the first hold.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::ids::{ChannelId, Timestamp};
use crate::offers::Offer;
use crate::stock::Stock;
use crate::table::{Slot, index};

/// SKUs whose channels are kept together: 40 KiB.
const CHUNK: usize = 1_024;

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
        Quota::from(*self).kept(now)
    }
}

/// An allotment, packed: every order for the SKU looks at all channels with rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    guarantee: u64,
    /// The largest number: no limit.
    cap: u64,
    /// The end of time: never.
    release_at: Timestamp,
    taken: u64,
}

impl Quota {
    /// Of a channel without rules.
    pub(crate) const NOTHING: Self =
        Self { guarantee: 0, cap: u64::MAX, release_at: Timestamp::new(u64::MAX), taken: 0 };

    fn allotment(&self) -> Allotment {
        let known = |number: u64| (number != u64::MAX).then_some(number);
        Allotment {
            guarantee: self.guarantee,
            cap: known(self.cap),
            release_at: known(self.release_at.raw()).map(Timestamp::new),
            taken: self.taken,
        }
    }

    /// Units that are kept for it at `now`.
    #[inline]
    fn kept(&self, now: Timestamp) -> u64 {
        if self.release_at <= now { 0 } else { self.guarantee.saturating_sub(self.taken) }
    }

    /// Units that it may still take under its cap.
    #[inline]
    fn room(&self) -> u64 {
        if self.cap == u64::MAX { u64::MAX } else { self.cap.saturating_sub(self.taken) }
    }
}

impl From<Allotment> for Quota {
    fn from(Allotment { guarantee, cap, release_at, taken }: Allotment) -> Self {
        let release_at = release_at.unwrap_or(Timestamp::new(u64::MAX));
        Self { guarantee, cap: cap.unwrap_or(u64::MAX), release_at, taken }
    }
}

/// A channel with rules.
#[derive(Clone, Copy, Debug)]
struct Ruled {
    channel: ChannelId,
    quota: Quota,
}

/// Units that an order gives back for another one, and whose they were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freed {
    pub(crate) channel: ChannelId,
    pub(crate) units: u64,
}

/// One SKU's channels but for the first with rules, which is in the SKU's own row. Those with rules stand by their number: few, as
/// only operators add to them, and so looked through one by one.
#[derive(Debug, Default)]
struct More {
    rest: Box<[Ruled]>,
    /// Units that channels without rules hold or have sold.
    others: BTreeMap<ChannelId, u64>,
}

/// The rules of all SKUs that have any, but for what the SKUs' rows say.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// By the SKU's slot, in chunks that never move; those are empty of which no SKU has more to say than its row. An order finds
    /// its SKU's with one look, and the first that names a channel without rules makes one chunk at most.
    chunks: Vec<Vec<More>>,
    /// When guarantees end.
    releases: BTreeSet<(Timestamp, Slot, ChannelId)>,
}

impl Channels {
    #[inline]
    fn more(&self, sku: Slot) -> Option<&More> {
        self.chunks.get(index(sku) / CHUNK)?.get(index(sku) % CHUNK)
    }

    #[inline]
    fn more_mut(&mut self, sku: Slot) -> Option<&mut More> {
        self.chunks.get_mut(index(sku) / CHUNK)?.get_mut(index(sku) % CHUNK)
    }

    /// As [`more_mut`](Self::more_mut), with room for a SKU that has none.
    fn entry(&mut self, sku: Slot) -> Option<&mut More> {
        let nth = index(sku) / CHUNK;
        if self.chunks.len() <= nth {
            self.chunks.resize_with(nth.saturating_add(1), Vec::new);
        }
        let chunk = self.chunks.get_mut(nth)?;
        if chunk.is_empty() {
            chunk.resize_with(CHUNK, More::default);
        }
        chunk.get_mut(index(sku) % CHUNK)
    }

    /// The channels of a SKU that have rules, by their number.
    #[inline]
    fn with_rules<'a>(&'a self, offer: &'a Offer, sku: Slot) -> impl Iterator<Item = (ChannelId, &'a Quota)> {
        let first = offer.has_channel.then_some((offer.channel, &offer.quota));
        let rest = if offer.has_more { self.more(sku) } else { None };
        let rest = rest.into_iter().flat_map(|more| &more.rest);
        first.into_iter().chain(rest.map(|ruled| (ruled.channel, &ruled.quota)))
    }

    /// What a channel with rules may have, and has.
    #[inline]
    fn quota_mut<'a>(
        &'a mut self,
        offer: &'a mut Offer,
        sku: Slot,
        channel: ChannelId,
    ) -> Option<&'a mut Quota> {
        if offer.has_channel && offer.channel == channel {
            return Some(&mut offer.quota);
        }
        if !offer.has_more {
            return None;
        }
        let mut rest = self.more_mut(sku)?.rest.iter_mut();
        rest.find(|ruled| ruled.channel == channel).map(|ruled| &mut ruled.quota)
    }

    /// Units that channels without rules hold or have sold.
    fn others(&self, sku: Slot) -> Option<&BTreeMap<ChannelId, u64>> {
        self.more(sku).map(|more| &more.others)
    }

    /// Whether no SKU has more to say than its row does.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Reads the place that says where a SKU's channels but for the first are.
    #[inline]
    pub(crate) fn touch(&self, sku: Slot) -> u32 {
        self.more(sku).map_or(0, |more| u32::from(more.rest.is_empty()))
    }

    /// Reads those of a SKU that was touched before.
    #[inline]
    pub(crate) fn touch_rest(&self, sku: Slot) -> u32 {
        let rest = self.more(sku).into_iter().flat_map(|more| &more.rest);
        rest.fold(0, |seen, ruled| seen ^ u32::from(ruled.channel.raw()))
    }

    /// What is known of a channel of a SKU.
    pub(crate) fn get(&self, offer: &Offer, sku: Slot, channel: ChannelId) -> Allotment {
        let ruled = self.with_rules(offer, sku).find(|(known, _)| *known == channel);
        let taken = || self.others(sku)?.get(&channel).copied();
        let other = || Allotment { taken: taken().unwrap_or(0), ..Allotment::default() };
        ruled.map_or_else(other, |(_, quota)| quota.allotment())
    }

    /// The channel, if it has rules of its own for the SKU. All others share what is left.
    #[inline]
    pub(crate) fn ruled(&self, stock: &Stock, sku: Slot, channel: ChannelId) -> Option<ChannelId> {
        let mut ruled = self.with_rules(stock.offer(sku), sku);
        ruled.find(|(known, _)| *known == channel).map(|_| channel)
    }

    /// Sets a channel's rules; what it has taken stays. Returns whether it had none before.
    pub(crate) fn set(&mut self, offer: &mut Offer, sku: Slot, channel: ChannelId, rules: Allotment) -> bool {
        let known = self.get(offer, sku, channel);
        let rules = Allotment { taken: known.taken, ..rules };
        let place = self.quota_mut(offer, sku, channel);
        let fresh = place.is_none();
        if let Some(quota) = place {
            *quota = rules.into();
        } else {
            self.add(offer, sku, Ruled { channel, quota: rules.into() });
        }
        if let Some(at) = known.release_at {
            self.releases.remove(&(at, sku, channel));
        }
        if let Some(at) = rules.release_at {
            self.releases.insert((at, sku, channel));
        }
        fresh
    }

    /// Sets the rules of a channel that had none.
    fn add(&mut self, offer: &mut Offer, sku: Slot, ruled: Ruled) {
        if let Some(more) = self.more_mut(sku) {
            more.others.remove(&ruled.channel);
        }
        let known = self.with_rules(offer, sku);
        let mut all: Vec<Ruled> = known.map(|(channel, quota)| Ruled { channel, quota: *quota }).collect();
        let at = all.partition_point(|known| known.channel < ruled.channel);
        all.insert(at, ruled);
        let first = all.remove(0);
        (offer.channel, offer.quota, offer.has_channel) = (first.channel, first.quota, true);
        offer.has_more = !all.is_empty();
        if offer.has_more
            && let Some(more) = self.entry(sku)
        {
            more.rest = all.into_boxed_slice();
        }
    }

    /// Units that a channel may take at `now`, of so many that are free, once another order has given `freed` of these back.
    /// `None` stands for all channels without rules.
    #[inline]
    pub(crate) fn left(
        &self,
        (offer, sku): (&Offer, Slot),
        channel: Option<ChannelId>,
        now: Timestamp,
        free: u64,
        freed: Freed,
    ) -> u64 {
        let (mut kept, mut room) = (0_u64, u64::MAX);
        for (known, quota) in self.with_rules(offer, sku) {
            let back = if known == freed.channel { freed.units } else { 0 };
            let quota = Quota { taken: quota.taken.saturating_sub(back), ..*quota };
            if Some(known) == channel {
                room = quota.room();
            } else {
                kept = kept.saturating_add(quota.kept(now));
            }
        }
        free.saturating_sub(kept).min(room)
    }

    /// Units that are kept for anybody at `now`.
    pub(crate) fn kept(&self, offer: &Offer, sku: Slot, now: Timestamp) -> u64 {
        self.with_rules(offer, sku).fold(0_u64, |sum, (_, quota)| sum.saturating_add(quota.kept(now)))
    }

    /// The channels of a SKU that have rules or units, from this one on, by their number.
    pub(crate) fn from<'a>(
        &'a self,
        offer: &'a Offer,
        sku: Slot,
        first: ChannelId,
    ) -> impl Iterator<Item = ChannelId> + 'a {
        let ruled = self.with_rules(offer, sku).map(|(channel, _)| channel);
        let mut ruled = ruled.filter(move |channel| *channel >= first).peekable();
        let others = self.others(sku).into_iter().flat_map(move |others| others.range(first..));
        let mut others = others.map(|(channel, _)| *channel).peekable();
        core::iter::from_fn(move || match (ruled.peek(), others.peek()) {
            (Some(one), Some(other)) if other < one => others.next(),
            (Some(_), _) => ruled.next(),
            (None, _) => others.next(),
        })
    }

    /// How many channels of a SKU have rules.
    pub(crate) fn rules(&self, offer: &Offer, sku: Slot) -> usize {
        self.with_rules(offer, sku).count()
    }

    /// Units that all channels hold or have sold.
    pub(crate) fn taken(&self, offer: &Offer, sku: Slot) -> u64 {
        let ruled = self.with_rules(offer, sku).map(|(_, quota)| quota.taken);
        let others = self.others(sku).into_iter().flat_map(BTreeMap::values).copied();
        ruled.chain(others).fold(0_u64, u64::saturating_add)
    }

    /// Counts units that a channel takes.
    #[inline]
    pub(crate) fn take(&mut self, offer: &mut Offer, sku: Slot, channel: ChannelId, units: u64) {
        if let Some(quota) = self.quota_mut(offer, sku, channel) {
            quota.taken = quota.taken.saturating_add(units);
        } else if let Some(more) = self.entry(sku) {
            let taken = more.others.entry(channel).or_default();
            *taken = taken.saturating_add(units);
        }
    }

    /// Counts units that a channel gives back. `None`, and no change, if it has not taken as many.
    pub(crate) fn give_back(
        &mut self,
        offer: &mut Offer,
        sku: Slot,
        channel: ChannelId,
        units: u64,
    ) -> Option<()> {
        if let Some(quota) = self.quota_mut(offer, sku, channel) {
            quota.taken = quota.taken.checked_sub(units)?;
            return Some(());
        }
        let others = &mut self.more_mut(sku)?.others;
        let taken = others.get_mut(&channel)?;
        *taken = taken.checked_sub(units)?;
        // Anybody may name any channel; those that mean nothing any more are forgotten.
        if *taken == 0 {
            others.remove(&channel);
        }
        Some(())
    }

    /// A SKU of which a guarantee has ended by `now`, if there is another.
    pub(crate) fn take_released(&mut self, now: Timestamp) -> Option<Slot> {
        let first = self.releases.first().copied().filter(|(at, ..)| *at <= now)?;
        self.releases.remove(&first);
        Some(first.1)
    }

    /// All that is known of a SKU's channels: those with rules, and the others.
    pub(crate) fn of<'a>(
        &'a self,
        offer: &'a Offer,
        sku: Slot,
    ) -> impl Iterator<Item = (ChannelId, Allotment)> + 'a {
        let ruled = self.with_rules(offer, sku).map(|(channel, quota)| (channel, quota.allotment()));
        let other =
            |(channel, taken): (&_, &_)| (*channel, Allotment { taken: *taken, ..Allotment::default() });
        ruled.chain(self.others(sku).into_iter().flatten().map(other))
    }

    /// Bytes of the chunks and of the rules.
    pub(crate) fn bytes(&self) -> usize {
        let known = self.chunks.iter().flatten();
        let bytes = known.map(|more| size_of::<More>().saturating_add(size_of_val(&*more.rest)));
        bytes.fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_of_the_last_of_many_skus_takes_one_chunk() {
        let (mut channels, mut offer) = (Channels::default(), Offer::NOTHING);
        let (sku, channel) = (1_000_000, ChannelId::new(7));
        channels.take(&mut offer, sku, channel, 3);
        assert_eq!(channels.get(&offer, sku, channel).taken, 3);
        assert_eq!(channels.bytes(), CHUNK * size_of::<More>());
    }
}
