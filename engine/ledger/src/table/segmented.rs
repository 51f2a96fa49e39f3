//! A hash table in 1,024 segments, each of which grows by itself.
//!
//! Open addressing with linear probing inside a segment (Knuth, TAOCP vol. 3, 6.4, algorithm L), deletion by moving
//! later entries back (algorithm R), so there are no tombstones and a table in which holds come and go for days stays
//! as fast as a new one. An entry's hash chooses its segment by the top ten bits and its home in it by the low 32.
//!
//! ```text
//! hash  ┌ top 10 bits ┐··············┌ low 32 bits ┐
//!             │                            │ & mask
//!             ▼                            ▼
//!   segments [0] [1] … [1023] ──► entries [ · · E E · E · · ]
//! ```
//!
//! With ten million entries a segment holds ten thousand: doubling it takes some 50 us, and segments double at
//! different moments because hashes spread unevenly enough.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// Segments of a table: see the module's doc for the arithmetic.
const SEGMENTS: usize = 1 << SEGMENT_BITS;
const SEGMENT_BITS: u32 = 10;

/// Entries of a segment that is used for the first time.
const FIRST_CAPACITY: usize = 8;

/// What a table holds.
pub(crate) trait Entry: Copy {
    /// The value that marks a free place.
    const FREE: Self;
    /// Whether this marks a free place.
    fn is_free(&self) -> bool;
    /// The low 32 bits of the entry's hash, for finding its home again when a segment grows.
    fn home(&self, seed: u64) -> u32;
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Segmented<E> {
    segments: Vec<Segment<E>>,
    seed: u64,
    len: usize,
}

#[derive(Clone, Debug)]
struct Segment<E> {
    entries: Box<[E]>,
    len: usize,
}

impl<E: Entry> Segmented<E> {
    /// An empty table; `seed` is handed to [`Entry::home`].
    pub(crate) fn new(seed: u64) -> Self {
        Self { segments: vec![Segment { entries: Box::default(), len: 0 }; SEGMENTS], seed, len: 0 }
    }

    /// Entries in the table.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Reads the entry at the hash's home, whatever it is, so that its cache line is on its way when it is needed.
    /// Touching a whole batch first lets the processor fetch all the lines at the same time.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> Option<&E> {
        let segment = self.segments.get(segment_of(hash))?;
        segment.entries.get(home_of(hash, segment.entries.len()))
    }

    /// The entry under `hash` for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl FnMut(&E) -> bool) -> Option<&E> {
        let segment = self.segments.get(segment_of(hash))?;
        let at = segment.locate(hash, is)?;
        segment.entries.get(at)
    }

    /// As [`find`](Self::find), for changing the entry in place; its hash must stay the same.
    #[inline]
    pub(crate) fn find_mut(&mut self, hash: u64, is: impl FnMut(&E) -> bool) -> Option<&mut E> {
        let segment = self.segments.get_mut(segment_of(hash))?;
        let at = segment.locate(hash, is)?;
        segment.entries.get_mut(at)
    }

    /// Adds an entry that is not there yet.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, entry: E) {
        let seed = self.seed;
        let Some(segment) = self.segments.get_mut(segment_of(hash)) else { return };
        // At most three quarters full: longer probes cost more than the memory saves.
        if segment.len.saturating_add(1).saturating_mul(4) > segment.entries.len().saturating_mul(3) {
            segment.grow(seed);
        }
        segment.place(home_of(hash, segment.entries.len()), entry);
        segment.len = segment.len.saturating_add(1);
        self.len = self.len.saturating_add(1);
    }

    /// Takes the entry under `hash` for which `is` holds out of the table.
    pub(crate) fn remove(&mut self, hash: u64, is: impl FnMut(&E) -> bool) -> Option<E> {
        let seed = self.seed;
        let segment = self.segments.get_mut(segment_of(hash))?;
        let at = segment.locate(hash, is)?;
        let entry = *segment.entries.get(at)?;
        segment.close_gap(at, seed);
        segment.len = segment.len.saturating_sub(1);
        self.len = self.len.saturating_sub(1);
        Some(entry)
    }

    /// All entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.segments.iter().flat_map(|segment| segment.entries.iter()).filter(|entry| !entry.is_free())
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let entries: usize = self.segments.iter().map(|segment| segment.entries.len()).sum();
        entries
            .saturating_mul(size_of::<E>())
            .saturating_add(self.segments.capacity().saturating_mul(size_of::<Segment<E>>()))
    }
}

impl<E: Entry> Segment<E> {
    #[inline]
    fn locate(&self, hash: u64, mut is: impl FnMut(&E) -> bool) -> Option<usize> {
        let mask = self.entries.len().checked_sub(1)?;
        let mut at = home_of(hash, self.entries.len());
        loop {
            let entry = self.entries.get(at)?;
            if entry.is_free() {
                return None;
            }
            if is(entry) {
                return Some(at);
            }
            at = at.wrapping_add(1) & mask;
        }
    }

    fn grow(&mut self, seed: u64) {
        let capacity = self.entries.len().saturating_mul(2).max(FIRST_CAPACITY);
        let old = core::mem::replace(&mut self.entries, vec![E::FREE; capacity].into_boxed_slice());
        for &entry in old.iter().filter(|entry| !entry.is_free()) {
            self.place(home_of(u64::from(entry.home(seed)), capacity), entry);
        }
    }

    /// Puts the entry on the first free place from `at` on. A segment is never full.
    #[inline]
    fn place(&mut self, mut at: usize, entry: E) {
        let mask = self.entries.len().wrapping_sub(1);
        while let Some(place) = self.entries.get_mut(at) {
            if place.is_free() {
                *place = entry;
                return;
            }
            at = at.wrapping_add(1) & mask;
        }
    }

    fn close_gap(&mut self, mut gap: usize, seed: u64) {
        let capacity = self.entries.len();
        let mask = capacity.wrapping_sub(1);
        let mut at = gap;
        loop {
            at = at.wrapping_add(1) & mask;
            let Some(&entry) = self.entries.get(at) else { return };
            if entry.is_free() {
                break;
            }
            // The entry may move into the gap unless its home lies behind the gap, cyclically.
            let home = home_of(u64::from(entry.home(seed)), capacity);
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                if let Some(place) = self.entries.get_mut(gap) {
                    *place = entry;
                }
                gap = at;
            }
        }
        if let Some(place) = self.entries.get_mut(gap) {
            *place = E::FREE;
        }
    }
}

#[inline]
fn segment_of(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - SEGMENT_BITS)).unwrap_or(0)
}

/// Home of a hash among `capacity` places, a power of two; only the low 32 bits count.
#[inline]
fn home_of(hash: u64, capacity: usize) -> usize {
    usize::try_from(hash & 0xFFFF_FFFF).unwrap_or(0) & capacity.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    /// A key that is its own hash, so that collisions can be made at will.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Key(u64);

    impl Entry for Key {
        const FREE: Self = Self(0);
        fn is_free(&self) -> bool {
            self.0 == 0
        }
        fn home(&self, _seed: u64) -> u32 {
            u32::try_from(self.0 & 0xFFFF_FFFF).unwrap()
        }
    }

    proptest::proptest! {
        /// Few segments and few homes, so that runs collide, wrap around and are removed from the middle.
        #[test]
        fn behaves_as_a_set(steps in proptest::collection::vec((0_u64..4, 1_u64..40, proptest::bool::ANY), 0..400)) {
            let mut table = Segmented::new(0);
            let mut model = BTreeSet::new();
            for (segment, low, add) in steps {
                let key = (segment << 54) | (low % 7) | (low << 20);
                if add {
                    if model.insert(key) { table.insert(key, Key(key)); }
                } else {
                    let removed = table.remove(key, |entry| entry.0 == key);
                    assert_eq!(removed.is_some(), model.remove(&key));
                }
                assert_eq!(table.len(), model.len());
            }
            for &key in &model {
                assert_eq!(table.find(key, |entry| entry.0 == key), Some(&Key(key)));
            }
            assert_eq!(table.iter().map(|key| key.0).collect::<BTreeSet<_>>(), model);
        }
    }
}
