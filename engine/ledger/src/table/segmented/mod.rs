//! A hash table in segments of 64 KiB, each of which splits in two when it is full.
//!
//! Extendible hashing (Fagin, Nievergelt, Pippenger and Strong, ACM TODS 4/3, 1979) over segments with linear probing
//! (Knuth, TAOCP vol. 3, 6.4, algorithm L) and deletion by moving later entries back (algorithm R), so there are no
//! tombstones and a table in which holds come and go for days stays as fast as a new one. Of the low 32 bits of a hash,
//! the high ones lead through a directory to a segment, the low sixteen to a home in it. A home is always the start of a
//! cache line, so that most searches, in vain or not, read one line and no more: with homes anywhere, half of all
//! searches would run into a second, cold one.
//!
//! ```text
//! hash  ┌ low 32 bits: share of the hash space ··· line ┐
//!             │ top `depth` bits of the share        │
//!             ▼                                      ▼
//!   directory [0][0][1][2][3][3]… ──► segment 2: lines [EE··|EEEE|E···|····]
//! ```
//!
//! Growing costs one segment's worth of work, some 0.1 ms, and one more segment of memory: nothing is given back to the
//! allocator, cleared again or held twice. Only the directory doubles as a whole, four bytes for every 64 KiB or so; of
//! ten million entries it stays within the second-level cache.
//!
//! Were all segments given equal shares of the hash space, all would be full at the same moment: a wave of splits, and
//! a table half empty after it. So shares differ by up to a factor of two, as in spiral storage (Martin, 1979): at any
//! time some segments are full and some fresh. From a hundred segments on, filled to three quarters at most, an entry
//! costs no more than about twice its own size, whatever their number.

use alloc::vec;
use alloc::vec::Vec;

use super::{Chunks, index};

/// Lines of a segment of a table as the ledger uses it: a line short of 64 KiB, so that the eight segments of a chunk, and
/// what an allocator may need to align them, fit its size class of 512 KiB. A line more, and a quarter of the memory would
/// be waste.
pub(crate) const LINES: usize = 1_023;

/// The directory's largest depth: some 10^10 entries, more than there are slots.
const MAX_DEPTH: u32 = 22;

/// Entries of one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Line<E, const N: usize>([E; N]);

impl<E: Entry, const N: usize> Line<E, N> {
    /// Entries stand at the front of a line: [`place`] puts them there, and [`close_gap`] moves them up.
    #[inline]
    fn is_full(&self) -> bool {
        self.0.last().is_some_and(|last| !last.is_free())
    }
}

/// What a table holds.
pub(crate) trait Entry: Copy {
    /// The value that marks a free place.
    const FREE: Self;
    /// Whether this marks a free place.
    fn is_free(&self) -> bool;
    /// The low 32 bits of the entry's hash, for finding its home again when a segment splits.
    fn home(&self, seed: u64) -> u32;
}

/// See the module's doc. `N` entries make up a cache line, `L` lines a segment.
#[derive(Debug)]
pub(crate) struct Segmented<E, const N: usize, const L: usize = LINES> {
    /// Which segment serves a share of the hash space: 2^depth entries.
    directory: Vec<u32>,
    depth: u32,
    segments: Vec<Segment>,
    /// The segments' lines.
    lines: Chunks<Line<E, N>>,
    seed: u64,
    /// Entries at which a segment splits.
    most: u32,
    len: usize,
}

/// A line of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Home {
    segment: u32,
    line: u32,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Entries in it.
    len: u32,
    /// How many bits of a share all its entries have in common.
    depth: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "N is a power of two and L is not zero, asserted when a table is made"
)]
impl<E: Entry, const N: usize, const L: usize> Segmented<E, N, L> {
    /// Segments of a chunk.
    const CHUNK: usize = Chunks::<Line<E, N>>::LEN / L;

    const SIZES: () =
        assert!(N.is_power_of_two() && N <= 32 && size_of::<Line<E, N>>() == 64 && 0 < L && L <= 1_024);

    /// An empty table; `seed` is handed to [`Entry::home`]. Of 100 places of a segment, `percent` may be taken: with more,
    /// many searches need a second line; with fewer, memory is wasted.
    pub(crate) fn new(seed: u64, percent: u32) -> Self {
        let () = Self::SIZES;
        debug_assert!(percent < 100, "splitting a segment needs a line with room");
        let places = u32::try_from(L.wrapping_mul(N)).unwrap_or(0);
        Self {
            directory: vec![0],
            depth: 0,
            segments: Vec::new(),
            lines: Chunks::new(),
            seed,
            most: places.wrapping_mul(percent) / 100,
            len: 0,
        }
    }

    /// Entries in the table.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where a hash belongs, worked out ahead of [`touch`](Self::touch).
    #[inline]
    pub(crate) fn home(&self, hash: u64) -> Home {
        let (segment, line) = (self.segment_of(hash), home_of::<L>(hash));
        Home { segment: u32::try_from(segment).unwrap_or(0), line: u32::try_from(line).unwrap_or(0) }
    }

    /// Reads the entry at a home, whatever it is, so that its cache line is on its way when it is needed. Touching a
    /// whole batch first lets the processor fetch all the lines at the same time.
    #[inline]
    pub(crate) fn touch(&self, home: Home) -> Option<&E> {
        self.lines_of(index(home.segment))?.get(index(home.line))?.0.first()
    }

    /// Reads the line behind a home if the home is full, else the home again. For a home that was touched before; there
    /// is no branch on what the line holds, since a wrong guess would stop the fetching.
    #[inline]
    pub(crate) fn touch_overflow(&self, home: Home) -> Option<&E> {
        let lines = self.lines_of(index(home.segment))?;
        let line = index(home.line);
        let full = usize::from(lines.get(line)?.is_full());
        let next = line.wrapping_add(full);
        lines.get(next.wrapping_sub(L.wrapping_mul(usize::from(next == L))))?.0.first()
    }

    /// The entry under `hash` for which `may_be` and `is` hold. `may_be` sees free places, too, and should compare without
    /// branching; `is` may look further afield.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: u64,
        may_be: impl Fn(&E) -> bool,
        is: impl FnMut(&E) -> bool,
    ) -> Option<&E> {
        let lines = self.lines_of(self.segment_of(hash))?;
        let (line, at) = search(lines, home_of::<L>(hash), may_be, is)?;
        lines.get(line)?.0.get(at)
    }

    /// As [`find`](Self::find), for changing the entry in place; its hash must stay the same.
    #[inline]
    pub(crate) fn find_mut(&mut self, hash: u64, may_be: impl Fn(&E) -> bool) -> Option<&mut E> {
        let lines = self.lines_of_mut(self.segment_of(hash))?;
        let (line, at) = search(lines, home_of::<L>(hash), may_be, |_| true)?;
        lines.get_mut(line)?.0.get_mut(at)
    }

    /// Adds an entry that is not there yet. `None`, and no change, if its segment has neither a place nor a half to give
    /// away: thousands of hashes are nearly equal, which a secret seed prevents.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, entry: E) -> Option<()> {
        let mut segment = self.segment_of(hash);
        while self.is_full(segment) && self.split(hash, segment) {
            segment = self.segment_of(hash);
        }
        place(self.lines_of_mut(segment)?, home_of::<L>(hash), entry)?;
        let segment = self.segments.get_mut(segment)?;
        segment.len = segment.len.saturating_add(1);
        self.len = self.len.saturating_add(1);
        Some(())
    }

    /// Takes the entry under `hash` for which `may_be` holds out of the table.
    pub(crate) fn remove(&mut self, hash: u64, may_be: impl Fn(&E) -> bool) -> Option<E> {
        let seed = self.seed;
        let segment = self.segment_of(hash);
        let lines = self.lines_of_mut(segment)?;
        let (line, at) = search(lines, home_of::<L>(hash), may_be, |_| true)?;
        let entry = *lines.get(line)?.0.get(at)?;
        close_gap(lines, line.wrapping_mul(N).wrapping_add(at), seed);
        let segment = self.segments.get_mut(segment)?;
        segment.len = segment.len.saturating_sub(1);
        self.len = self.len.saturating_sub(1);
        Some(entry)
    }

    /// All entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.lines.iter().flat_map(|line| line.0.iter()).filter(|entry| !entry.is_free())
    }

    /// For more segments: see [`Chunks::ask`].
    #[inline]
    pub(crate) fn ask(&mut self, target: usize) -> bool {
        self.lines.ask(target)
    }

    pub(crate) fn stock_up(&mut self, spare: Vec<Line<E, N>>) {
        self.lines.stock_up(spare);
    }

    pub(crate) fn spare() -> Vec<Line<E, N>> {
        Chunks::spare(Line([E::FREE; N]))
    }

    /// Bytes in use: of a chunk, the segments that have been begun; and spares.
    pub(crate) fn bytes(&self) -> usize {
        let lines = self.segments.len().saturating_mul(L);
        lines
            .saturating_mul(size_of::<Line<E, N>>())
            .saturating_add(self.directory.capacity().saturating_mul(size_of::<u32>()))
            .saturating_add(self.segments.capacity().saturating_mul(size_of::<Segment>()))
            .saturating_add(self.lines.bytes())
    }

    #[inline]
    fn segment_of(&self, hash: u64) -> usize {
        self.directory.get(at(hash, self.depth)).map_or(0, |segment| index(*segment))
    }

    #[inline]
    fn lines_of(&self, segment: usize) -> Option<&[Line<E, N>; L]> {
        let start = (segment % Self::CHUNK).wrapping_mul(L);
        self.lines.get(segment / Self::CHUNK)?.get(start..)?.first_chunk()
    }

    #[inline]
    fn lines_of_mut(&mut self, segment: usize) -> Option<&mut [Line<E, N>; L]> {
        let start = (segment % Self::CHUNK).wrapping_mul(L);
        self.lines.get_mut(segment / Self::CHUNK)?.get_mut(start..)?.first_chunk_mut()
    }

    /// Whether the segment has to be split, or begun, before it takes another entry.
    #[inline]
    fn is_full(&self, segment: usize) -> bool {
        self.segments.get(segment).is_none_or(|segment| segment.len >= self.most)
    }

    /// Adds a segment without entries and returns its number.
    fn begin(&mut self, depth: u32) -> usize {
        let number = self.segments.len();
        self.segments.push(Segment { len: 0, depth });
        if number.is_multiple_of(Self::CHUNK) {
            self.lines.begin();
        }
        if let Some(chunk) = self.lines.last_mut() {
            chunk.resize(chunk.len().wrapping_add(L), Line([E::FREE; N]));
        }
        number
    }

    /// Splits a segment to which `hash` leads, or begins the first. Returns false if it is as deep as it may be: only a
    /// crowd of equal hashes, which a secret seed prevents, could then fill it up.
    #[cold]
    fn split(&mut self, hash: u64, segment: usize) -> bool {
        let Some(&Segment { depth, .. }) = self.segments.get(segment) else {
            return self.begin(0) == segment;
        };
        if depth >= MAX_DEPTH {
            return false;
        }
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&segment| [segment, segment]).collect();
            self.depth = self.depth.saturating_add(1);
        }
        let next = self.begin(depth.saturating_add(1));

        // The upper half of the directory's entries that led here lead to the new segment.
        let led = 1_usize.wrapping_shl(self.depth.saturating_sub(depth));
        let first = at(hash, self.depth) / led * led;
        if let (Some(upper), Ok(next)) = (
            self.directory.get_mut(first.wrapping_add(led / 2)..first.wrapping_add(led)),
            u32::try_from(next),
        ) {
            upper.fill(next);
        }
        let moved = self.deal(segment, next, depth.saturating_add(1));
        if let Some(new) = self.segments.get_mut(next) {
            new.len = moved;
        }
        if let Some(old) = self.segments.get_mut(segment) {
            old.len = old.len.saturating_sub(moved);
            old.depth = depth.saturating_add(1);
        }
        true
    }

    /// Puts each entry of a segment into its half: the upper into `next`, the lower where it finds room from its home on.
    /// Returns how many moved. Line by line and in place: an entry's way from its home leads over lines that have been
    /// dealt with, as the first line stands behind one with room, which no way leads over.
    fn deal(&mut self, segment: usize, next: usize, depth: u32) -> u32 {
        let room = self.lines_of(segment).and_then(|lines| lines.iter().position(|line| !line.is_full()));
        debug_assert!(room.is_some(), "a segment is split before it is full");
        let (mut moved, mut nth) = (0_u32, room.unwrap_or(0));
        for _ in 0..L {
            nth = after::<L>(nth);
            let line = self.lines_of_mut(segment).and_then(|lines| lines.get_mut(nth));
            let Some(line) = line.map(|line| core::mem::replace(line, Line([E::FREE; N]))) else { continue };
            for entry in line.0.into_iter().filter(|entry| !entry.is_free()) {
                let home = u64::from(entry.home(self.seed));
                let upper = at(home, depth) % 2 == 1;
                moved = moved.saturating_add(u32::from(upper));
                let lines = self.lines_of_mut(if upper { next } else { segment });
                let placed = lines.and_then(|lines| place(lines, home_of::<L>(home), entry));
                debug_assert!(placed.is_some(), "two halves have room for what one whole had");
            }
        }
        moved
    }
}

/// Where a hash stands in the whole space of shares, as a fraction of 2^32. A segment's part of the hashes is the slope
/// of the inverse: with u from 0 to 1, u (2 + u) / 4 gives the first hashes half as much space as the last. It ends at
/// three quarters, and the last quarter of the directory is never used: cheaper than a division for each search.
#[inline]
const fn share(hash: u64) -> u64 {
    let u = hash & 0xFFFF_FFFF;
    u.wrapping_mul((u >> 2).wrapping_add(1 << 31)) >> 32
}

/// Which of the 2^depth equal parts of all shares a hash is in.
#[inline]
fn at(hash: u64, depth: u32) -> usize {
    usize::try_from(share(hash).wrapping_shl(depth) >> 32).unwrap_or(0)
}

/// The line where a hash belongs: its low 16 bits as a fraction of all lines (Lemire, ACM TOMACS 29/1, 2019).
#[inline]
fn home_of<const L: usize>(hash: u64) -> usize {
    usize::try_from(hash & 0xFFFF).unwrap_or(0).wrapping_mul(L) >> 16
}

/// Looks for an entry, line by line. Whether a line has it at all is found without a branch, so that the processor
/// compares many at once and guesses once.
#[inline]
fn search<E: Entry, const N: usize, const L: usize>(
    lines: &[Line<E, N>; L],
    home: usize,
    may_be: impl Fn(&E) -> bool,
    mut is: impl FnMut(&E) -> bool,
) -> Option<(usize, usize)> {
    let mut nth = home;
    for _ in 0..L {
        let line = lines.get(nth)?;
        if line.0.iter().fold(false, |any, entry| any | may_be(entry)) {
            let found = line.0.iter().position(|entry| may_be(entry) && !entry.is_free() && is(entry));
            if let Some(at) = found {
                return Some((nth, at));
            }
        }
        if !line.is_full() {
            return None;
        }
        nth = after::<L>(nth);
    }
    None
}

/// Puts the entry on the first free place from its home on. `None` if there is none.
#[inline]
fn place<E: Entry, const N: usize, const L: usize>(
    lines: &mut [Line<E, N>; L],
    home: usize,
    entry: E,
) -> Option<()> {
    let mut nth = home;
    for _ in 0..L {
        let line = lines.get_mut(nth)?;
        if !line.is_full() {
            let used =
                line.0.iter().fold(0, |used: u32, entry| used.wrapping_add(u32::from(!entry.is_free())));
            *line.0.get_mut(index(used))? = entry;
            return Some(());
        }
        nth = after::<L>(nth);
    }
    None
}

/// The line behind another, in a ring.
#[inline]
const fn after<const L: usize>(line: usize) -> usize {
    let next = line.wrapping_add(1);
    if next == L { 0 } else { next }
}

/// Frees a place, after later entries that may stand there have moved up: all those of the same line at least, as no
/// home is within a line.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "N is a power of two and L is not zero, asserted when a table is made"
)]
fn close_gap<E: Entry, const N: usize, const L: usize>(
    lines: &mut [Line<E, N>; L],
    mut gap: usize,
    seed: u64,
) {
    let places = L.wrapping_mul(N);
    // How far a place lies behind another, in a ring.
    let behind = |place: usize, other: usize| {
        place.wrapping_sub(other).wrapping_add(if place < other { places } else { 0 })
    };
    let mut at = gap;
    // Once around at most: a segment that is all taken has no free place to stop at.
    for _ in 1..places {
        at = at.wrapping_add(1);
        if at == places {
            at = 0;
        }
        let Some(&entry) = lines.get(at / N).and_then(|line| line.0.get(at % N)) else { return };
        if entry.is_free() {
            break;
        }
        // The entry may move into the gap unless its home lies behind the gap, cyclically.
        let home = home_of::<L>(u64::from(entry.home(seed))).wrapping_mul(N);
        if behind(at, home) >= behind(at, gap) {
            if let Some(place) = lines.get_mut(gap / N).and_then(|line| line.0.get_mut(gap % N)) {
                *place = entry;
            }
            gap = at;
        }
    }
    if let Some(place) = lines.get_mut(gap / N).and_then(|line| line.0.get_mut(gap % N)) {
        *place = E::FREE;
    }
}

#[cfg(test)]
mod tests;
