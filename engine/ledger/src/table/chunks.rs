//! The memory of a table, in chunks of one size.

use alloc::vec::Vec;
use core::hint::black_box;

/// Most bytes of a chunk: the largest that the allocator lays out without gaps, 512 KiB, less what it may need to align a
/// cache line. Of mimalloc's memory for a gigabyte of such chunks 1 % is waste; of chunks of a line more it is a quarter, of
/// chunks of megabytes 7 to 16 %, as huge pages make the gaps resident.
const CHUNK_BYTES: usize = (512 << 10) - 64;

/// See the module's doc. Chunks never move, and are filled from the front. They come from spares, whose pages have been
/// written before, or where there are none, from the allocator.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    /// Empty, and with all their pages in memory.
    spares: Vec<Vec<T>>,
    /// Spares that are being made.
    asked: usize,
}

impl<T: Copy> Chunks<T> {
    /// Items of a chunk. Dividing by it is a multiplication where it is no power of two, some nanosecond; chunks of fewer
    /// bytes than an allocator's size class would waste a tenth of the memory.
    pub(crate) const LEN: usize = CHUNK_BYTES / size_of::<T>();

    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), spares: Vec::new(), asked: 0 }
    }

    /// Chunks that have been begun.
    pub(crate) fn len(&self) -> usize {
        self.chunks.len()
    }

    #[inline]
    pub(crate) fn get(&self, nth: usize) -> Option<&[T]> {
        self.chunks.get(nth).map(Vec::as_slice)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, nth: usize) -> Option<&mut [T]> {
        self.chunks.get_mut(nth).map(Vec::as_mut_slice)
    }

    /// The chunk that is being filled; it has room for [`LEN`](Self::LEN) items.
    #[inline]
    pub(crate) fn last_mut(&mut self) -> Option<&mut Vec<T>> {
        self.chunks.last_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// Begins another chunk.
    pub(crate) fn begin(&mut self) {
        self.chunks.push(self.spares.pop().unwrap_or_else(|| Vec::with_capacity(Self::LEN)));
    }

    /// Whether a spare should be made, so that there are `target`. Who is told so makes one.
    #[inline]
    pub(crate) fn ask(&mut self, target: usize) -> bool {
        let asks = self.spares.len().saturating_add(self.asked) < target;
        self.asked = self.asked.saturating_add(usize::from(asks));
        asks
    }

    /// Takes a spare from [`spare`](Self::spare) that [`ask`](Self::ask) asked for.
    pub(crate) fn stock_up(&mut self, spare: Vec<T>) {
        self.asked = self.asked.saturating_sub(1);
        self.spares.push(spare);
    }

    /// A chunk of which every page has been written, with `item`, and that is empty again.
    pub(crate) fn spare(item: T) -> Vec<T> {
        // Unseen by the compiler, which might otherwise ask for zeros, and get pages that nobody has written.
        let mut spare = black_box(Vec::with_capacity(Self::LEN));
        spare.resize(Self::LEN, item);
        spare.clear();
        spare
    }

    /// Bytes of the list of chunks, and of spares, which are in memory though nothing is in them.
    pub(crate) fn bytes(&self) -> usize {
        let spares = self.spares.len().saturating_mul(Self::LEN).saturating_mul(size_of::<T>());
        spares.saturating_add(self.chunks.capacity().saturating_mul(size_of::<Vec<T>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_fills_half_a_mebibyte() {
        assert_eq!(Chunks::<[u8; 88]>::LEN, 5_957);
        assert_eq!(Chunks::<[u64; 2]>::LEN, 32_764);
        assert_eq!(Chunks::<[u8; 1_024]>::LEN, 511);
    }

    #[test]
    fn spares_are_used_first_and_asked_for_once() {
        let mut chunks = Chunks::<[u64; 2]>::new();
        assert!(chunks.ask(2) && chunks.ask(2) && !chunks.ask(2), "two are missing");
        let before = chunks.bytes();
        let spare = Chunks::spare([0; 2]);
        let at = spare.as_ptr();
        assert!(spare.is_empty());
        chunks.stock_up(spare);
        assert_eq!(chunks.bytes(), before + (512 << 10) - 64, "a spare is in memory");
        assert!(!chunks.ask(2), "one is there and one is being made");
        chunks.begin();
        assert_eq!(chunks.last_mut().map(|chunk| (chunk.as_ptr(), chunk.capacity())), Some((at, 32_764)));
        assert!(chunks.ask(2) && !chunks.ask(2));
        chunks.begin();
        assert_eq!((chunks.len(), chunks.last_mut().map(|chunk| chunk.capacity())), (2, Some(32_764)));
    }
}
