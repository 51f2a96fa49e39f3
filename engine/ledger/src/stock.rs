//! SKUs: their accounts and how they are found.

use crate::ids::{PartitionId, SkuId, Timestamp};
use crate::offers::Offer;
use crate::outcome::StockSnapshot;
use crate::table::{Entry, NONE, Row, Rows, Segmented, Slot};

/// Milliseconds before which nobody who was told "sold out" is advised to ask again: a crowd that polls once a second
/// costs little, one that polls at once is a storm.
const ASK_AGAIN_AFTER_MS: u64 = 1_000;

/// A SKU's accounts, in one cache line. `available + held + sold == stocked`, always.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Sku {
    pub(crate) id: SkuId,
    pub(crate) available: u64,
    pub(crate) held: u64,
    pub(crate) sold: u64,
    pub(crate) stocked: u64,
    /// No open hold ends before this. A lower bound, as ends other than by expiry don't raise it. Not state: it advises
    /// pollers and is left out of the digest.
    pub(crate) earliest_deadline: Timestamp,
    pub(crate) holds: u32,
    pub(crate) user_limit: u32,
    pub(crate) order_limit: u32,
    pub(crate) partition: PartitionId,
    pub(crate) marks: Marks,
}

const _: () = assert!(size_of::<Sku>() == 64);

/// What a SKU has that most have not, and that stands beside its row: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(u8);

impl Marks {
    /// Somebody waits for units to come back.
    pub(crate) const WAITERS: Self = Self(1);
    /// There are rules for sales channels.
    pub(crate) const CHANNELS: Self = Self(2);
    /// It is sold by the plan of a campaign.
    pub(crate) const CAMPAIGN: Self = Self(4);
    /// Its limits were changed: shoppers may have more than they could get now.
    pub(crate) const LIMITS_CHANGED: Self = Self(8);
    /// Its number names a placement group.
    pub(crate) const GROUPED: Self = Self(16);
    /// Nobody gets units of it for now.
    pub(crate) const FROZEN: Self = Self(32);
    /// Either: who may have units is asked at the door.
    pub(crate) const CAMPAIGN_OR_FROZEN: Self = Self(Self::CAMPAIGN.0 | Self::FROZEN.0);
    /// Sold by channels, a campaign or in a group: an order looks at the SKU's offer.
    pub(crate) const OFFERED: Self = Self(Self::CHANNELS.0 | Self::CAMPAIGN.0 | Self::GROUPED.0);
    /// Some of its held or paid units aren't there.
    pub(crate) const SHORT: Self = Self(64);
    /// Either: whatever comes back is somebody's.
    pub(crate) const WAITERS_OR_SHORT: Self = Self(Self::WAITERS.0 | Self::SHORT.0);

    /// Whether the mark is set; of two, any.
    #[inline]
    pub(crate) const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    /// The marks of either.
    #[inline]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Sets the mark, or takes it away.
    pub(crate) fn set(&mut self, mark: Self, there: bool) {
        self.0 = if there { self.0 | mark.0 } else { self.0 & !mark.0 };
    }
}

impl Sku {
    /// When asking again makes sense at `now`: not long before the next hold can end, and not at once, as the bound may
    /// have passed when the hold that it came from was paid. `None` where no hold is open.
    pub(crate) fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        (self.holds > 0).then_some(self.earliest_deadline.max(now.plus(ASK_AGAIN_AFTER_MS)))
    }

    pub(crate) fn snapshot(&self, now: Timestamp) -> StockSnapshot {
        StockSnapshot {
            sku: self.id,
            available: self.available,
            held: self.held,
            sold: self.sold,
            stocked: self.stocked,
            holds: self.holds,
            user_limit: self.user_limit,
            order_limit: self.order_limit,
            waiting: 0,
            frozen: self.marks.has(Marks::FROZEN),
            next_expiry: self.next_expiry(now),
        }
    }
}

/// A SKU's row: its accounts, and in the next cache line what an order by the rules of a sale looks at as well. Neighbours cost an
/// order half of what two tables do: one address is translated instead of two, and processors fetch lines by pairs.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(128))]
struct Stocked {
    sku: Sku,
    offer: Offer,
}

const _: () = assert!(size_of::<Stocked>() == 128);

impl Row for Stocked {
    fn link(&self) -> Slot {
        NONE
    }

    fn set_link(&mut self, _link: Slot) {}
}

/// A reference from a hash to a row: 32 bits of the hash, and where the row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    tag: u32,
    pub(crate) slot: Slot,
}

impl Reference {
    pub(crate) fn new(hash: u64, slot: Slot) -> Self {
        Self { tag: tag(hash), slot }
    }

    /// Whether the row may be the one with this hash; the row itself must still be compared.
    #[inline]
    pub(crate) fn matches(self, hash: u64) -> bool {
        self.tag == tag(hash)
    }
}

impl Entry for Reference {
    const FREE: Self = Self { tag: 0, slot: NONE };

    #[inline]
    fn is_free(&self) -> bool {
        self.slot == NONE
    }

    fn home(&self, _seed: u64) -> u32 {
        self.tag
    }
}

#[inline]
fn tag(hash: u64) -> u32 {
    u32::try_from(hash & 0xFFFF_FFFF).unwrap_or(0)
}

/// All SKUs of a ledger.
#[derive(Debug)]
pub(crate) struct Stock {
    rows: Rows<Stocked>,
    index: Segmented<Reference, 8>,
}

impl Stock {
    pub(crate) fn new() -> Self {
        Self { rows: Rows::new(), index: Segmented::new(0, 40) }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.rows.has_room()
    }

    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> Slot {
        self.index.touch(self.index.home(hash)).map_or(NONE, |reference| reference.slot)
    }

    #[inline]
    pub(crate) fn find(&self, hash: u64, id: SkuId) -> Option<Slot> {
        self.index
            .find(
                hash,
                |reference| reference.matches(hash),
                |reference| self.rows.get(reference.slot).is_some_and(|row| row.sku.id == id),
            )
            .map(|reference| reference.slot)
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<&Sku> {
        self.rows.get(slot).map(|row| &row.sku)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Sku> {
        self.rows.get_mut(slot).map(|row| &mut row.sku)
    }

    /// What an order for the SKU is held to; nothing where there is none.
    #[inline]
    pub(crate) fn offer(&self, slot: Slot) -> &Offer {
        self.rows.get(slot).map_or(&Offer::NOTHING, |row| &row.offer)
    }

    #[inline]
    pub(crate) fn offer_mut(&mut self, slot: Slot) -> Option<&mut Offer> {
        self.rows.get_mut(slot).map(|row| &mut row.offer)
    }

    /// The whole row.
    #[inline]
    pub(crate) fn both_mut(&mut self, slot: Slot) -> Option<(&mut Sku, &mut Offer)> {
        self.rows.get_mut(slot).map(|row| (&mut row.sku, &mut row.offer))
    }

    pub(crate) fn insert(&mut self, hash: u64, sku: Sku) -> Option<Slot> {
        let slot = self.rows.insert(Stocked { sku, ..Stocked::default() })?;
        self.index.insert(hash, Reference::new(hash, slot))?;
        Some(slot)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Sku)> {
        self.rows.iter().map(|(slot, row)| (slot, &row.sku))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows.bytes().saturating_add(self.index.bytes())
    }
}
