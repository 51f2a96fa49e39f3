//! A hash table in 1,024 segments, each of which grows by itself.
//!
//! Open addressing with linear probing inside a segment (Knuth, TAOCP vol. 3, 6.4, algorithm L), deletion by moving
//! later entries back (algorithm R), so there are no tombstones and a table in which holds come and go for days stays
//! as fast as a new one. An entry's hash chooses its segment by the top ten bits and its home in it by the low 32. A
//! home is always the start of a cache line, so that nearly every search, in vain or not, reads one line and no more:
//! with homes anywhere, half of all searches would run into a second, cold one.
//!
//! ```text
//! hash  ┌ top 10 bits ┐··············┌ low 32 bits ┐
//!             │                            │ & mask
//!             ▼                            ▼
//!   segments [0] [1] … [1023] ──► lines [EE··|EEEE|E···|····]
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

/// Entries of one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line<E, const N: usize>([E; N]);

/// What a table holds.
pub(crate) trait Entry: Copy {
    /// The value that marks a free place.
    const FREE: Self;
    /// Whether this marks a free place.
    fn is_free(&self) -> bool;
    /// The low 32 bits of the entry's hash, for finding its home again when a segment grows.
    fn home(&self, seed: u64) -> u32;
}

/// See the module's doc. `N` entries make up a cache line: a power of two.
#[derive(Debug)]
pub(crate) struct Segmented<E, const N: usize> {
    segments: Vec<Segment<E, N>>,
    seed: u64,
    len: usize,
}

#[derive(Clone, Debug)]
struct Segment<E, const N: usize> {
    lines: Box<[Line<E, N>]>,
    len: usize,
}

impl<E: Entry, const N: usize> Segmented<E, N> {
    const ONE_LINE: () = assert!(N.is_power_of_two() && N <= 32 && size_of::<Line<E, N>>() == 64);

    /// An empty table; `seed` is handed to [`Entry::home`].
    pub(crate) fn new(seed: u64) -> Self {
        let () = Self::ONE_LINE;
        Self { segments: vec![Segment { lines: Box::default(), len: 0 }; SEGMENTS], seed, len: 0 }
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
        segment.get(segment.home_of(hash))
    }

    /// The entry under `hash` for which `may_be` and `is` hold. `may_be` sees free places, too, and must be false for
    /// them; it should compare without branching. `is` may look further afield.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: u64,
        may_be: impl Fn(&E) -> bool,
        is: impl FnMut(&E) -> bool,
    ) -> Option<&E> {
        let segment = self.segments.get(segment_of(hash))?;
        let at = segment.locate(hash, may_be, is)?;
        segment.get(at)
    }

    /// As [`find`](Self::find), for changing the entry in place; its hash must stay the same.
    #[inline]
    pub(crate) fn find_mut(&mut self, hash: u64, may_be: impl Fn(&E) -> bool) -> Option<&mut E> {
        let segment = self.segments.get_mut(segment_of(hash))?;
        let at = segment.locate(hash, may_be, |_| true)?;
        segment.get_mut(at)
    }

    /// Adds an entry that is not there yet.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, entry: E) {
        let seed = self.seed;
        let Some(segment) = self.segments.get_mut(segment_of(hash)) else { return };
        // At most three quarters full: longer probes cost more than the memory saves.
        if segment.len.saturating_add(1).saturating_mul(4) > segment.capacity().saturating_mul(3) {
            segment.grow(seed);
        }
        segment.place(segment.home_of(hash), entry);
        segment.len = segment.len.saturating_add(1);
        self.len = self.len.saturating_add(1);
    }

    /// Takes the entry under `hash` for which `may_be` holds out of the table.
    pub(crate) fn remove(&mut self, hash: u64, may_be: impl Fn(&E) -> bool) -> Option<E> {
        let seed = self.seed;
        let segment = self.segments.get_mut(segment_of(hash))?;
        let at = segment.locate(hash, may_be, |_| true)?;
        let entry = *segment.get(at)?;
        segment.close_gap(at, seed);
        segment.len = segment.len.saturating_sub(1);
        self.len = self.len.saturating_sub(1);
        Some(entry)
    }

    /// All entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        let lines = self.segments.iter().flat_map(|segment| segment.lines.iter());
        lines.flat_map(|line| line.0.iter()).filter(|entry| !entry.is_free())
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let lines: usize = self.segments.iter().map(|segment| segment.lines.len()).sum();
        lines
            .saturating_mul(size_of::<Line<E, N>>())
            .saturating_add(self.segments.capacity().saturating_mul(size_of::<Segment<E, N>>()))
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "N is a power of two, asserted when a table is made")]
impl<E: Entry, const N: usize> Segment<E, N> {
    fn capacity(&self) -> usize {
        self.lines.len().wrapping_mul(N)
    }

    #[inline]
    fn get(&self, at: usize) -> Option<&E> {
        self.lines.get(at / N)?.0.get(at % N)
    }

    #[inline]
    fn get_mut(&mut self, at: usize) -> Option<&mut E> {
        self.lines.get_mut(at / N)?.0.get_mut(at % N)
    }

    /// The first entry of the line where a hash belongs; only its low 32 bits count.
    #[inline]
    fn home_of(&self, hash: u64) -> usize {
        let line = usize::try_from(hash & 0xFFFF_FFFF).unwrap_or(0) & self.lines.len().wrapping_sub(1);
        line.wrapping_mul(N)
    }

    /// Looks at whole lines without a branch inside them: how many entries a line holds is as good as random, and a
    /// wrong guess of the processor costs more than the comparisons.
    #[inline]
    fn locate(
        &self,
        hash: u64,
        may_be: impl Fn(&E) -> bool,
        mut is: impl FnMut(&E) -> bool,
    ) -> Option<usize> {
        let mask = self.capacity().checked_sub(1)?;
        let mut start = self.home_of(hash);
        loop {
            let line = self.lines.get(start / N)?;
            let mut candidates = 0_u32;
            let mut free = false;
            for (at, entry) in (0_u32..).zip(&line.0) {
                candidates |= u32::from(may_be(entry)).wrapping_shl(at);
                free |= entry.is_free();
            }
            while candidates != 0 {
                let at = usize::try_from(candidates.trailing_zeros()).ok()?;
                if is(line.0.get(at)?) {
                    return Some(start.wrapping_add(at));
                }
                candidates &= candidates.wrapping_sub(1);
            }
            if free {
                return None;
            }
            start = start.wrapping_add(N) & mask;
        }
    }

    fn grow(&mut self, seed: u64) {
        let lines = self.lines.len().saturating_mul(2).max(1);
        let old = core::mem::replace(&mut self.lines, vec![Line([E::FREE; N]); lines].into_boxed_slice());
        for &entry in old.iter().flat_map(|line| line.0.iter()).filter(|entry| !entry.is_free()) {
            self.place(self.home_of(u64::from(entry.home(seed))), entry);
        }
    }

    /// Puts the entry on the first free place from the start of a line on. A segment is never full.
    #[inline]
    fn place(&mut self, mut start: usize, entry: E) {
        let mask = self.capacity().wrapping_sub(1);
        while let Some(line) = self.lines.get_mut(start / N) {
            let mut free = 0_u32;
            for (at, place) in (0_u32..).zip(&line.0) {
                free |= u32::from(place.is_free()).wrapping_shl(at);
            }
            let first = usize::try_from(free.trailing_zeros()).unwrap_or(N);
            if let Some(place) = line.0.get_mut(first) {
                *place = entry;
                return;
            }
            start = start.wrapping_add(N) & mask;
        }
    }

    fn close_gap(&mut self, mut gap: usize, seed: u64) {
        let mask = self.capacity().wrapping_sub(1);
        let mut at = gap;
        loop {
            at = at.wrapping_add(1) & mask;
            let Some(&entry) = self.get(at) else { return };
            if entry.is_free() {
                break;
            }
            // The entry may move into the gap unless its home lies behind the gap, cyclically.
            let home = self.home_of(u64::from(entry.home(seed)));
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                if let Some(place) = self.get_mut(gap) {
                    *place = entry;
                }
                gap = at;
            }
        }
        if let Some(place) = self.get_mut(gap) {
            *place = E::FREE;
        }
    }
}

#[inline]
fn segment_of(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - SEGMENT_BITS)).unwrap_or(0)
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
            let mut table = Segmented::<Key, 8>::new(0);
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
                assert_eq!(table.find(key, |entry| entry.0 == key, |_| true), Some(&Key(key)));
            }
            assert_eq!(table.iter().map(|key| key.0).collect::<BTreeSet<_>>(), model);
        }
    }
}
