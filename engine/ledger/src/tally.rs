//! How many units of a SKU each shopper has, open holds included: what purchase limits count.

use crate::hash::Hasher;
use crate::ids::UserId;
use crate::table::{Entry, Home, NONE, Segmented, Slot};

/// One shopper's units of one SKU. 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    pub(crate) user: UserId,
    pub(crate) sku: Slot,
    pub(crate) units: u32,
}

impl Units {
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "a whole line of these is compared without branching")]
    fn is(self, user: UserId, sku: Slot) -> bool {
        (self.user == user) & (self.sku == sku)
    }
}

impl Entry for Units {
    const FREE: Self = Self { user: UserId::new(0), sku: NONE, units: 0 };

    #[inline]
    fn is_free(&self) -> bool {
        self.sku == NONE
    }

    fn home(&self, seed: u64) -> u32 {
        u32::try_from(Hasher::new(seed).user(self.user, self.sku) & 0xFFFF_FFFF).unwrap_or(0)
    }
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) table: Segmented<Units, 4>,
}

impl Tally {
    pub(crate) fn new(seed: u64) -> Self {
        Self { table: Segmented::new(seed, 75) }
    }

    #[inline]
    pub(crate) fn home(&self, hash: u64) -> Home {
        self.table.home(hash)
    }

    #[inline]
    pub(crate) fn touch(&self, home: Home) -> u32 {
        self.table.touch(home).map_or(0, |units| units.units)
    }

    #[inline]
    pub(crate) fn touch_overflow(&self, home: Home) -> u32 {
        self.table.touch_overflow(home).map_or(0, |units| units.units)
    }

    /// Units that the shopper has.
    #[inline]
    pub(crate) fn units(&self, hash: u64, user: UserId, sku: Slot) -> u32 {
        self.table.find(hash, |entry| entry.is(user, sku), |_| true).map_or(0, |entry| entry.units)
    }

    /// Adds units. `None`, and no change, where the count would overflow or the table has no room.
    #[inline]
    pub(crate) fn add(&mut self, hash: u64, user: UserId, sku: Slot, units: u32) -> Option<()> {
        if let Some(entry) = self.table.find_mut(hash, |entry| entry.is(user, sku)) {
            entry.units = entry.units.checked_add(units)?;
        } else {
            self.table.insert(hash, Units { user, sku, units })?;
        }
        Some(())
    }

    /// Takes units away; an entry without units leaves the table. `None`, and no change, where there are fewer.
    pub(crate) fn subtract(&mut self, hash: u64, user: UserId, sku: Slot, units: u32) -> Option<()> {
        let entry = self.table.find_mut(hash, |entry| entry.is(user, sku))?;
        let left = entry.units.checked_sub(units)?;
        entry.units = left;
        if left == 0 {
            self.table.remove(hash, |entry| entry.is(user, sku));
        }
        Some(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Units> {
        self.table.iter()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}
