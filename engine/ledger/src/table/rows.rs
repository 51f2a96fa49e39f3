//! Rows of one size, by slot.

use alloc::vec::Vec;

use super::{Chunks, NONE, Slot, index};
use crate::ids::Timestamp;

/// A row that can be linked to another of its kind while it is free or queued.
pub(crate) trait Row: Copy + Default {
    /// The link.
    fn link(&self) -> Slot;
    /// Sets the link.
    fn set_link(&mut self, link: Slot);
}

/// A row that something has to be done about at some time.
pub(crate) trait Due: Row {
    /// When, where the row alone can tell.
    fn due(&self) -> Option<Timestamp>;
}

/// A slab of rows in [`Chunks`]: a row never moves, and growing costs one chunk. Free rows form a list through their
/// links, so that the free list itself never grows in one step either.
#[derive(Debug)]
pub(crate) struct Rows<R> {
    chunks: Chunks<R>,
    /// Slots below this have been given out at least once.
    used: Slot,
    free: Slot,
}

#[expect(clippy::arithmetic_side_effects, reason = "a chunk's length is a power of two")]
impl<R: Row> Rows<R> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Chunks::new(), used: 0, free: NONE }
    }

    /// Whether another row can be had.
    pub(crate) fn has_room(&self) -> bool {
        self.free != NONE || self.used < NONE
    }

    /// Stores `row` and says where. `None` when all 2^32 - 1 slots are taken.
    pub(crate) fn insert(&mut self, row: R) -> Option<Slot> {
        let slot = if self.free == NONE {
            let slot = self.used;
            if slot == NONE {
                return None;
            }
            if index(slot) / Chunks::<R>::LEN == self.chunks.len() {
                self.chunks.begin();
            }
            self.chunks.last_mut()?.push(row);
            self.used = slot.saturating_add(1);
            slot
        } else {
            let slot = self.free;
            self.free = self.get(slot).map_or(NONE, Row::link);
            *self.get_mut(slot)? = row;
            slot
        };
        Some(slot)
    }

    /// Gives a slot back. Its row must not be referred to any more.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let free = self.free;
        if let Some(row) = self.get_mut(slot) {
            *row = R::default();
            row.set_link(free);
            self.free = slot;
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<&R> {
        self.chunks.get(index(slot) / Chunks::<R>::LEN)?.get(index(slot) % Chunks::<R>::LEN)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut R> {
        self.chunks.get_mut(index(slot) / Chunks::<R>::LEN)?.get_mut(index(slot) % Chunks::<R>::LEN)
    }

    /// Every row ever given out, free ones (as their default) included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &R)> {
        (0..self.used).filter_map(|slot| self.get(slot).map(|row| (slot, row)))
    }

    /// For more rows: see [`Chunks::ask`].
    #[inline]
    pub(crate) fn ask(&mut self, target: usize) -> bool {
        self.chunks.ask(target)
    }

    pub(crate) fn stock_up(&mut self, spare: Vec<R>) {
        self.chunks.stock_up(spare);
    }

    pub(crate) fn spare() -> Vec<R> {
        Chunks::spare(R::default())
    }

    /// Bytes in use: of a chunk, the rows that have been given out; and spares.
    pub(crate) fn bytes(&self) -> usize {
        index(self.used).saturating_mul(size_of::<R>()).saturating_add(self.chunks.bytes())
    }
}
