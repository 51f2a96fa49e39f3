//! How many units of a SKU each sales channel may have.
//!
//! A SKU's units are one pool. A channel may be guaranteed some of them: as many as it has not taken yet, nobody else may
//! take, until a time from which all is shared again. And it may be capped: more than so many it may not take. Whoever has
//! neither shares what is left.
//!
//! Few SKUs have such rules, so they stand beside the stock, and a SKU's row says only that there are some. Units are counted
//! for every channel from the moment when the first rule is set, which must be before the first hold.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::ids::{ChannelId, Timestamp};
use crate::table::{Slot, index};

/// SKUs whose channels are kept together: 64 KiB.
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
        Ruled::new(ChannelId::default(), *self).kept(now)
    }
}

/// A channel with rules, packed: every order for the SKU looks at all of them.
#[derive(Clone, Copy, Debug, Default)]
struct Ruled {
    guarantee: u64,
    /// The largest number: no limit.
    cap: u64,
    /// The end of time: never.
    release_at: Timestamp,
    taken: u64,
    channel: ChannelId,
    /// Whether there is such a channel.
    is_set: bool,
}

impl Ruled {
    fn new(channel: ChannelId, allotment: Allotment) -> Self {
        let Allotment { guarantee, cap, release_at, taken } = allotment;
        let release_at = release_at.unwrap_or(Timestamp::new(u64::MAX));
        Self { guarantee, cap: cap.unwrap_or(u64::MAX), release_at, taken, channel, is_set: true }
    }

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

/// Units that an order gives back for another one, and whose they were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freed {
    pub(crate) channel: ChannelId,
    pub(crate) units: u64,
}

/// One SKU's channels. Those with rules stand by their number: few, as only operators add to them, and so looked through one
/// by one. Many a SKU has one, and an order for it looks at one cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Allotments {
    /// The first with rules, if it is set.
    first: Ruled,
    /// All others with rules.
    rest: Box<[Ruled]>,
    /// Units that channels without rules hold or have sold; `None`: none. A map of its own would not fit the line.
    #[expect(clippy::box_collection, reason = "eight bytes instead of 24, in a cache line that is full")]
    others: Option<Box<BTreeMap<ChannelId, u64>>>,
}

const _: () = assert!(size_of::<Allotments>() == 64);

impl Allotments {
    #[inline]
    fn ruled(&self) -> impl Iterator<Item = &Ruled> {
        self.first.is_set.then_some(&self.first).into_iter().chain(&self.rest)
    }

    #[inline]
    fn of(&self, channel: ChannelId) -> Option<&Ruled> {
        self.ruled().find(|ruled| ruled.channel == channel)
    }

    #[inline]
    fn of_mut(&mut self, channel: ChannelId) -> Option<&mut Ruled> {
        let first = self.first.is_set.then_some(&mut self.first);
        first.into_iter().chain(&mut self.rest).find(|ruled| ruled.channel == channel)
    }

    fn others(&self) -> impl Iterator<Item = (ChannelId, u64)> {
        self.others.iter().flat_map(|others| others.iter()).map(|(channel, units)| (*channel, *units))
    }

    fn get(&self, channel: ChannelId) -> Allotment {
        let taken = || self.others.as_ref()?.get(&channel).copied();
        let other = || Allotment { taken: taken().unwrap_or(0), ..Allotment::default() };
        self.of(channel).map_or_else(other, Ruled::allotment)
    }

    /// Sets a channel's rules, where it had none.
    fn add(&mut self, channel: ChannelId, rules: Allotment) {
        if let Some(others) = &mut self.others {
            others.remove(&channel);
        }
        let mut all: Vec<Ruled> = self.ruled().copied().collect();
        let at = all.partition_point(|known| known.channel < channel);
        all.insert(at, Ruled::new(channel, rules));
        self.first = all.remove(0);
        self.rest = all.into_boxed_slice();
    }
}

/// The rules of all SKUs that have any.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// By the SKU's slot, in chunks that never move, up to the last SKU that has rules. An order finds its SKU's with one look,
    /// and no table is ever copied.
    chunks: Vec<Vec<Allotments>>,
    /// When guarantees end.
    releases: BTreeSet<(Timestamp, Slot, ChannelId)>,
}

impl Channels {
    #[inline]
    fn of(&self, sku: Slot) -> Option<&Allotments> {
        self.chunks.get(index(sku) / CHUNK)?.get(index(sku) % CHUNK)
    }

    #[inline]
    fn of_mut(&mut self, sku: Slot) -> Option<&mut Allotments> {
        self.chunks.get_mut(index(sku) / CHUNK)?.get_mut(index(sku) % CHUNK)
    }

    /// As [`of_mut`](Self::of_mut), with room for a SKU that has none.
    fn entry(&mut self, sku: Slot) -> Option<&mut Allotments> {
        while self.of(sku).is_none() {
            let mut chunk = Vec::new();
            chunk.resize_with(CHUNK, Allotments::default);
            self.chunks.push(chunk);
        }
        self.of_mut(sku)
    }

    /// Reads the place where a SKU's first channel is, and that says where the others are.
    #[inline]
    pub(crate) fn touch(&self, sku: Slot) -> u32 {
        self.of(sku).map_or(0, |channels| u32::from(channels.rest.is_empty()))
    }

    /// Reads where [`left`](Self::left) will look else, of a SKU that was touched before.
    #[inline]
    pub(crate) fn touch_rules(&self, sku: Slot) -> u32 {
        let rest = self.of(sku).into_iter().flat_map(|channels| &channels.rest);
        rest.fold(0, |seen, ruled| seen ^ u32::from(ruled.channel.raw()))
    }

    /// What is known of a channel of a SKU that has rules.
    pub(crate) fn get(&self, sku: Slot, channel: ChannelId) -> Allotment {
        self.of(sku).map(|channels| channels.get(channel)).unwrap_or_default()
    }

    /// The channel, if it has rules of its own for the SKU. All others share what is left.
    #[inline]
    pub(crate) fn ruled(&self, sku: Slot, channel: ChannelId) -> Option<ChannelId> {
        self.of(sku)?.of(channel).map(|_| channel)
    }

    /// Sets a channel's rules; what it has taken stays. Returns whether it had none before.
    pub(crate) fn set(&mut self, sku: Slot, channel: ChannelId, rules: Allotment) -> bool {
        let Some(channels) = self.entry(sku) else { return false };
        let known = channels.get(channel);
        let rules = Allotment { taken: known.taken, ..rules };
        let fresh = channels.of(channel).is_none();
        if let Some(place) = channels.of_mut(channel) {
            *place = Ruled::new(channel, rules);
        } else {
            channels.add(channel, rules);
        }
        if let Some(at) = known.release_at {
            self.releases.remove(&(at, sku, channel));
        }
        if let Some(at) = rules.release_at {
            self.releases.insert((at, sku, channel));
        }
        fresh
    }

    /// Units that a channel may take at `now`, of so many that are free, once another order has given `freed` of these back.
    /// `None` stands for all channels without rules.
    #[inline]
    pub(crate) fn left(
        &self,
        sku: Slot,
        channel: Option<ChannelId>,
        now: Timestamp,
        free: u64,
        freed: Freed,
    ) -> u64 {
        let (mut kept, mut room) = (0_u64, u64::MAX);
        for known in self.with_rules(sku) {
            let back = if known.channel == freed.channel { freed.units } else { 0 };
            let known = Ruled { taken: known.taken.saturating_sub(back), ..*known };
            if Some(known.channel) == channel {
                room = known.room();
            } else {
                kept = kept.saturating_add(known.kept(now));
            }
        }
        free.saturating_sub(kept).min(room)
    }

    /// Units that are kept for anybody at `now`.
    pub(crate) fn kept(&self, sku: Slot, now: Timestamp) -> u64 {
        self.with_rules(sku).fold(0_u64, |sum, channel| sum.saturating_add(channel.kept(now)))
    }

    /// The channels of a SKU that have rules.
    #[inline]
    fn with_rules(&self, sku: Slot) -> impl Iterator<Item = &Ruled> {
        self.of(sku).into_iter().flat_map(Allotments::ruled)
    }

    /// The channels of a SKU that have rules or units, from this one on, by their number.
    pub(crate) fn from(&self, sku: Slot, first: ChannelId) -> impl Iterator<Item = ChannelId> {
        let known = self.of(sku);
        let ruled = known.into_iter().flat_map(Allotments::ruled).map(|ruled| ruled.channel);
        let mut ruled = ruled.filter(move |channel| *channel >= first).peekable();
        let others = known.and_then(|known| known.others.as_ref());
        let others = others.into_iter().flat_map(move |others| others.range(first..));
        let mut others = others.map(|(channel, _)| *channel).peekable();
        core::iter::from_fn(move || match (ruled.peek(), others.peek()) {
            (Some(one), Some(other)) if other < one => others.next(),
            (Some(_), _) => ruled.next(),
            (None, _) => others.next(),
        })
    }

    /// How many channels of a SKU have rules.
    pub(crate) fn rules(&self, sku: Slot) -> usize {
        self.with_rules(sku).count()
    }

    /// Units that all channels hold or have sold.
    pub(crate) fn taken(&self, sku: Slot) -> u64 {
        let ruled = self.with_rules(sku).map(|channel| channel.taken);
        let others = self.of(sku).into_iter().flat_map(Allotments::others).map(|(_, taken)| taken);
        ruled.chain(others).fold(0_u64, u64::saturating_add)
    }

    /// Counts units that a channel takes.
    #[inline]
    pub(crate) fn take(&mut self, sku: Slot, channel: ChannelId, units: u64) {
        let Some(channels) = self.of_mut(sku) else { return };
        let taken = match channels.of_mut(channel) {
            Some(known) => &mut known.taken,
            None => channels.others.get_or_insert_default().entry(channel).or_default(),
        };
        *taken = taken.saturating_add(units);
    }

    /// Counts units that a channel gives back. `None`, and no change, if it has not taken as many.
    pub(crate) fn give_back(&mut self, sku: Slot, channel: ChannelId, units: u64) -> Option<()> {
        let channels = self.of_mut(sku)?;
        if let Some(known) = channels.of_mut(channel) {
            known.taken = known.taken.checked_sub(units)?;
            return Some(());
        }
        let others = channels.others.as_mut()?;
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

    /// All that is known.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, ChannelId, Allotment)> {
        let all = self.chunks.iter().flatten();
        (0..).zip(all).flat_map(|(sku, channels)| {
            let ruled = channels.ruled().map(|ruled| (ruled.channel, ruled.allotment()));
            let other = |(channel, taken)| (channel, Allotment { taken, ..Allotment::default() });
            let all = ruled.chain(channels.others().map(other));
            all.map(move |(channel, allotment)| (sku, channel, allotment))
        })
    }

    /// Bytes of the chunks and of the rules.
    pub(crate) fn bytes(&self) -> usize {
        let ruled = |known: &Allotments| size_of_val(&*known.rest);
        let known = self.chunks.iter().flatten();
        known.map(|known| size_of::<Allotments>().saturating_add(ruled(known))).fold(0, usize::saturating_add)
    }
}
