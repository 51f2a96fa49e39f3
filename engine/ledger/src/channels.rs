//! How many units of a SKU each sales channel may have.
//!
//! A SKU's units are one pool. A channel may be guaranteed some of them: as many as it has not taken yet, nobody else may
//! take, until a time from which all is shared again. And it may be capped: more than so many it may not take. Whoever has
//! neither shares what is left.
//!
//! Few SKUs have such rules, so they stand beside the stock, and a SKU's row says only that there are some. Units are counted
//! for every channel from the moment when the first rule is set, which must be before the first hold.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::ids::{ChannelId, Timestamp};
use crate::table::{NONE, Row, Rows, Slot, index};

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

/// A channel with rules, in a cache line: every order for the SKU looks at all of them.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Ruled {
    guarantee: u64,
    /// The largest number: no limit.
    cap: u64,
    /// The end of time: never.
    release_at: Timestamp,
    taken: u64,
    /// The SKU's next channel with rules.
    next: Slot,
    channel: ChannelId,
}

const _: () = assert!(size_of::<Ruled>() == 64);

impl Row for Ruled {
    fn link(&self) -> Slot {
        self.next
    }

    fn set_link(&mut self, link: Slot) {
        self.next = link;
    }
}

impl Ruled {
    fn new(channel: ChannelId, allotment: Allotment) -> Self {
        let Allotment { guarantee, cap, release_at, taken } = allotment;
        let release_at = release_at.unwrap_or(Timestamp::new(u64::MAX));
        Self { guarantee, cap: cap.unwrap_or(u64::MAX), release_at, taken, next: NONE, channel }
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

/// Where a SKU's channels are.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The first of those with rules, by their number: few, as only operators add to them, and so looked through one by one.
    first: Slot,
    /// Those without, in the list of them.
    others: Slot,
}

/// Units of one SKU that channels without rules hold or have sold.
#[derive(Debug, Default)]
struct Others {
    sku: Slot,
    taken: BTreeMap<ChannelId, u64>,
}

/// The rules of all SKUs that have any.
#[derive(Debug)]
pub(crate) struct Channels {
    /// By the SKU's slot. Grows when rules are first set for a SKU, which is no shopper's time: eight megabytes for a million
    /// SKUs.
    places: Vec<Place>,
    ruled: Rows<Ruled>,
    others: Vec<Others>,
    /// When guarantees end.
    releases: BTreeSet<(Timestamp, Slot, ChannelId)>,
}

impl Channels {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), ruled: Rows::new(), others: Vec::new(), releases: BTreeSet::new() }
    }

    #[inline]
    fn first(&self, sku: Slot) -> Slot {
        self.places.get(index(sku)).map_or(NONE, |place| place.first)
    }

    /// The channels of a SKU that have rules.
    #[inline]
    fn with_rules(&self, sku: Slot) -> impl Iterator<Item = &Ruled> {
        core::iter::successors(self.ruled.get(self.first(sku)), |known| self.ruled.get(known.next))
    }

    #[inline]
    fn rules_of(&self, sku: Slot, channel: ChannelId) -> Option<&Ruled> {
        self.with_rules(sku).find(|known| known.channel == channel)
    }

    #[inline]
    fn rules_of_mut(&mut self, sku: Slot, channel: ChannelId) -> Option<&mut Ruled> {
        let mut at = self.first(sku);
        while self.ruled.get(at)?.channel != channel {
            at = self.ruled.get(at)?.next;
        }
        self.ruled.get_mut(at)
    }

    fn others(&self, sku: Slot) -> Option<&BTreeMap<ChannelId, u64>> {
        let place = self.places.get(index(sku))?;
        self.others.get(index(place.others)).map(|others| &others.taken)
    }

    fn others_mut(&mut self, sku: Slot) -> Option<&mut BTreeMap<ChannelId, u64>> {
        let place = self.places.get(index(sku))?;
        self.others.get_mut(index(place.others)).map(|others| &mut others.taken)
    }

    /// Begins to count the units of a SKU's channels, unless they are counted.
    fn begin(&mut self, sku: Slot) -> Option<()> {
        if self.others(sku).is_none() {
            let wanted = index(sku).saturating_add(1);
            if self.places.len() < wanted {
                self.places.resize(wanted, Place { first: NONE, others: NONE });
            }
            let others = Slot::try_from(self.others.len()).ok()?;
            self.others.push(Others { sku, ..Others::default() });
            self.places.get_mut(index(sku))?.others = others;
        }
        Some(())
    }

    /// Puts a channel that had no rules in its place among those that have.
    fn link(&mut self, sku: Slot, rules: Ruled) -> Option<()> {
        let (mut before, mut next) = (NONE, self.first(sku));
        while let Some(known) = self.ruled.get(next).filter(|known| known.channel < rules.channel) {
            (before, next) = (next, known.next);
        }
        let slot = self.ruled.insert(Ruled { next, ..rules })?;
        match self.ruled.get_mut(before) {
            Some(before) => before.next = slot,
            None => self.places.get_mut(index(sku))?.first = slot,
        }
        Some(())
    }

    /// Reads the place that says where a SKU's channels are.
    #[inline]
    pub(crate) fn touch(&self, sku: Slot) -> Slot {
        self.first(sku)
    }

    /// Reads where [`left`](Self::left) will look, of a SKU that was touched before.
    #[inline]
    pub(crate) fn touch_rules(&self, sku: Slot) -> Slot {
        self.with_rules(sku).fold(0, |seen, known| seen ^ known.next)
    }

    /// What is known of a channel of a SKU that has rules.
    pub(crate) fn get(&self, sku: Slot, channel: ChannelId) -> Allotment {
        let taken = || self.others(sku).and_then(|others| others.get(&channel)).copied().unwrap_or(0);
        let other = || Allotment { taken: taken(), ..Allotment::default() };
        self.rules_of(sku, channel).map_or_else(other, Ruled::allotment)
    }

    /// The channel, if it has rules of its own for the SKU. All others share what is left.
    #[inline]
    pub(crate) fn ruled(&self, sku: Slot, channel: ChannelId) -> Option<ChannelId> {
        self.rules_of(sku, channel).map(|_| channel)
    }

    /// Sets a channel's rules; what it has taken stays. Returns whether it had none before, or `None` if there is no room.
    pub(crate) fn set(&mut self, sku: Slot, channel: ChannelId, rules: Allotment) -> Option<bool> {
        self.begin(sku)?;
        let known = self.get(sku, channel);
        let rules = Allotment { taken: known.taken, ..rules };
        let fresh = if let Some(place) = self.rules_of_mut(sku, channel) {
            *place = Ruled { next: place.next, ..Ruled::new(channel, rules) };
            false
        } else {
            self.link(sku, Ruled::new(channel, rules))?;
            self.others_mut(sku)?.remove(&channel);
            true
        };
        if let Some(at) = known.release_at {
            self.releases.remove(&(at, sku, channel));
        }
        if let Some(at) = rules.release_at {
            self.releases.insert((at, sku, channel));
        }
        Some(fresh)
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

    /// The channels of a SKU that have rules or units, from this one on, by their number.
    pub(crate) fn from(&self, sku: Slot, first: ChannelId) -> impl Iterator<Item = ChannelId> {
        let ruled = self.with_rules(sku).map(|known| known.channel);
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
    pub(crate) fn rules(&self, sku: Slot) -> usize {
        self.with_rules(sku).count()
    }

    /// Units that all channels hold or have sold.
    pub(crate) fn taken(&self, sku: Slot) -> u64 {
        let ruled = self.with_rules(sku).map(|channel| channel.taken);
        let others = self.others(sku).into_iter().flat_map(|others| others.values().copied());
        ruled.chain(others).fold(0_u64, u64::saturating_add)
    }

    /// Counts units that a channel takes.
    #[inline]
    pub(crate) fn take(&mut self, sku: Slot, channel: ChannelId, units: u64) {
        if let Some(known) = self.rules_of_mut(sku, channel) {
            known.taken = known.taken.saturating_add(units);
        } else if let Some(others) = self.others_mut(sku) {
            let taken = others.entry(channel).or_default();
            *taken = taken.saturating_add(units);
        }
    }

    /// Counts units that a channel gives back. `None`, and no change, if it has not taken as many.
    pub(crate) fn give_back(&mut self, sku: Slot, channel: ChannelId, units: u64) -> Option<()> {
        if let Some(known) = self.rules_of_mut(sku, channel) {
            known.taken = known.taken.checked_sub(units)?;
            return Some(());
        }
        let others = self.others_mut(sku)?;
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
        self.others.iter().flat_map(|others| {
            let ruled = self.with_rules(others.sku).map(|ruled| (ruled.channel, ruled.allotment()));
            let other = |(channel, taken): (&ChannelId, &u64)| {
                (*channel, Allotment { taken: *taken, ..Allotment::default() })
            };
            let all = ruled.chain(others.taken.iter().map(other));
            all.map(|(channel, allotment)| (others.sku, channel, allotment))
        })
    }

    /// Bytes in use, but for the trees.
    pub(crate) fn bytes(&self) -> usize {
        let places = self.places.capacity().saturating_mul(size_of::<Place>());
        let others = self.others.capacity().saturating_mul(size_of::<Others>());
        places.saturating_add(others).saturating_add(self.ruled.bytes())
    }
}
