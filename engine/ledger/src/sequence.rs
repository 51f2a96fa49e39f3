//! Where the orders of each partition are, by sequence.
//!
//! A partition's orders are numbered without gaps, so a dense list of slots finds them with four bytes an order. The
//! list is kept in pages, from the oldest order in memory on, and all partitions' pages are rows of one slab. Each
//! partition names its last page in its own cache line: placing an order reads that line and the page's, no more.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::ids::{OrderNumber, PARTITIONS, PartitionId};
use crate::table::{NONE, Row, Rows, Slot, index};

/// Orders whose slots are kept together.
const PAGE: usize = 256;

/// Slots of consecutive orders. In a free page, the first is the link to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page([Slot; PAGE]);

impl Default for Page {
    fn default() -> Self {
        Self([NONE; PAGE])
    }
}

impl Row for Page {
    fn link(&self) -> Slot {
        self.0[0]
    }

    fn set_link(&mut self, link: Slot) {
        self.0[0] = link;
    }
}

/// All partitions' lists.
#[derive(Debug)]
pub(crate) struct Sequences {
    partitions: Vec<Partition>,
    pub(crate) pages: Rows<Page>,
}

/// One partition's list. A cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Partition {
    /// The next order's sequence, from 1.
    next: u64,
    /// Pages before the first that is kept.
    dropped: u64,
    /// The last page.
    last: Slot,
    kept: VecDeque<Kept>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    page: Slot,
    /// Orders of the page that have left memory.
    gone: u32,
}

impl Sequences {
    pub(crate) fn new() -> Self {
        let partition = |_| Partition { next: 1, dropped: 0, last: NONE, kept: VecDeque::new() };
        Self { partitions: (0..PARTITIONS).map(partition).collect(), pages: Rows::new() }
    }

    /// The slot of an order; none if it isn't in memory.
    #[inline]
    pub(crate) fn slot(&self, number: OrderNumber) -> Slot {
        let Some(partition) = self.partition(number.partition()) else { return NONE };
        let (page, at) = split(number.sequence());
        let page = if page == split(partition.next.saturating_sub(1)).0 {
            // The latest orders are asked for most, and their page is named in the partition's own line.
            partition.last
        } else {
            let kept = page.checked_sub(partition.dropped).and_then(|nth| usize::try_from(nth).ok());
            kept.and_then(|nth| partition.kept.get(nth)).map_or(NONE, |kept| kept.page)
        };
        self.pages.get(page).and_then(|page| page.0.get(at)).map_or(NONE, |slot| *slot)
    }

    /// Reads the partition's line.
    #[inline]
    pub(crate) fn touch(&self, partition: PartitionId) -> Slot {
        self.partition(partition).map_or(NONE, |partition| partition.last)
    }

    /// Reads the place where the partition's next order will be noted, of a partition that was touched before.
    #[inline]
    pub(crate) fn touch_next(&self, partition: PartitionId) -> Slot {
        self.partition(partition).map_or(NONE, |partition| {
            let page = self.pages.get(partition.last);
            page.and_then(|page| page.0.get(split(partition.next).1)).map_or(NONE, |slot| *slot)
        })
    }

    /// The sequence that the partition's next order gets.
    #[inline]
    pub(crate) fn next(&self, partition: PartitionId) -> Option<u64> {
        self.partition(partition).map(|partition| partition.next)
    }

    /// Notes where the partition's next order is. `None` if that is not its number, or the pages are full.
    #[inline]
    pub(crate) fn push(&mut self, number: OrderNumber, slot: Slot) -> Option<()> {
        let partition = self.partitions.get_mut(usize::from(number.partition().raw()))?;
        if partition.next != number.sequence() {
            return None;
        }
        let (nth, at) = split(partition.next);
        if at == 0 || partition.last == NONE {
            if partition.kept.is_empty() {
                partition.dropped = nth;
            }
            let page = self.pages.insert(Page::default())?;
            // Nobody has the places before it: sequence 0 is no order's, and others may have been skipped.
            partition.kept.push_back(Kept { page, gone: u32::try_from(at).unwrap_or(0) });
            partition.last = page;
        }
        *self.pages.get_mut(partition.last)?.0.get_mut(at)? = slot;
        partition.next = partition.next.saturating_add(1);
        Some(())
    }

    /// Leaves out the sequences before `to`: their orders have left memory. `None` if one of them or a later one is known, or
    /// the pages are full.
    pub(crate) fn skip(&mut self, partition: PartitionId, to: u64) -> Option<()> {
        let partition = self.partitions.get_mut(usize::from(partition.raw()))?;
        if to < partition.next {
            return None;
        }
        while partition.next < to {
            let (nth, at) = split(partition.next);
            if partition.kept.is_empty() {
                partition.next = to;
                return Some(());
            }
            if at == 0 {
                let page = self.pages.insert(Page::default())?;
                partition.kept.push_back(Kept { page, gone: 0 });
                partition.last = page;
            }
            let end = to.min(nth.saturating_add(1) << 8);
            let kept = partition.kept.back_mut()?;
            kept.gone = kept.gone.saturating_add(u32::try_from(end.saturating_sub(partition.next)).ok()?);
            partition.next = end;
        }
        Some(())
    }

    /// Where the orders of a partition are that are in memory, by their numbers.
    pub(crate) fn slots(&self, partition: PartitionId) -> impl Iterator<Item = Slot> {
        let kept = self.partition(partition).into_iter().flat_map(|partition| &partition.kept);
        let pages = kept.filter_map(|kept| self.pages.get(kept.page));
        pages.flat_map(|page| page.0).filter(|slot| *slot != NONE)
    }

    /// Forgets an order, and the oldest pages once all of theirs have left.
    pub(crate) fn forget(&mut self, number: OrderNumber) {
        let Some(partition) = self.partitions.get_mut(usize::from(number.partition().raw())) else { return };
        let (page, at) = split(number.sequence());
        let nth = page.checked_sub(partition.dropped).and_then(|nth| usize::try_from(nth).ok());
        let Some(kept) = nth.and_then(|nth| partition.kept.get_mut(nth)) else { return };
        let Some(slot) = self.pages.get_mut(kept.page).and_then(|page| page.0.get_mut(at)) else { return };
        if *slot == NONE {
            return;
        }
        *slot = NONE;
        kept.gone = kept.gone.saturating_add(1);
        // The last page stays: new orders go there.
        while partition.kept.len() > 1
            && let Some(first) = partition.kept.front()
            && index(first.gone) == PAGE
        {
            self.pages.remove(first.page);
            partition.kept.pop_front();
            partition.dropped = partition.dropped.saturating_add(1);
        }
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let kept: usize = self.partitions.iter().map(|partition| partition.kept.capacity()).sum();
        let partitions = self.partitions.capacity().saturating_mul(size_of::<Partition>());
        partitions.saturating_add(kept.saturating_mul(size_of::<Kept>())).saturating_add(self.pages.bytes())
    }

    #[inline]
    fn partition(&self, partition: PartitionId) -> Option<&Partition> {
        self.partitions.get(usize::from(partition.raw()))
    }
}

/// Which page a sequence is on, and where.
#[inline]
fn split(sequence: u64) -> (u64, usize) {
    let at = usize::try_from(sequence & 0xFF).unwrap_or(0);
    (sequence >> 8, at)
}

const _: () = assert!(PAGE == 256 && size_of::<Partition>() == 64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_kept_from_the_oldest_order_on_and_used_again() {
        let mut sequences = Sequences::new();
        let partition = PartitionId::new(9).unwrap();
        let number = |sequence| OrderNumber::compose(partition, sequence);
        let mut most = 0;
        for sequence in 1..100_000_u64 {
            let slot = Slot::try_from(sequence).unwrap() + 7;
            assert_eq!(sequences.push(number(sequence), slot), Some(()));
            assert_eq!(sequences.push(number(sequence), slot), None, "a sequence is given out twice");
            if sequence > 1_000 {
                assert_eq!(sequences.slot(number(sequence - 1_000)), slot - 1_000);
                sequences.forget(number(sequence - 1_000));
                sequences.forget(number(sequence - 1_000));
                assert_eq!(sequences.slot(number(sequence - 1_000)), NONE);
                assert_eq!(sequences.slot(number(sequence - 999)), slot - 999);
            }
            if sequence == 10_000 {
                most = sequences.bytes();
            }
        }
        assert_eq!(sequences.bytes(), most, "a list of a thousand orders grows with time");
        assert_eq!(sequences.next(partition), Some(100_000));
    }

    #[test]
    fn skipping_leaves_what_numbering_and_forgetting_would_have_left() {
        let partition = PartitionId::new(9).unwrap();
        let number = |sequence| OrderNumber::compose(partition, sequence);
        // Of these orders, only the listed ones are in memory; there were more behind them.
        let cases: [&[u64]; 6] = [&[], &[1], &[255, 256, 257], &[300, 1_500, 1_501], &[512], &[1, 2_000]];
        for kept in cases {
            let last = 2_048;
            let (mut numbered, mut skipped) = (Sequences::new(), Sequences::new());
            for sequence in 1..=last {
                numbered.push(number(sequence), Slot::try_from(sequence).unwrap()).unwrap();
            }
            (1..=last)
                .filter(|sequence| !kept.contains(sequence))
                .for_each(|gone| numbered.forget(number(gone)));
            for &sequence in kept {
                skipped.skip(partition, sequence).unwrap();
                assert_eq!(skipped.skip(partition, sequence - 1), None, "it may not go back");
                skipped.push(number(sequence), Slot::try_from(sequence).unwrap()).unwrap();
            }
            skipped.skip(partition, last + 1).unwrap();
            for sequences in [&mut numbered, &mut skipped] {
                assert!(
                    sequences.slots(partition).eq(kept.iter().map(|kept| Slot::try_from(*kept).unwrap()))
                );
                assert_eq!(sequences.next(partition), Some(last + 1));
                sequences.push(number(last + 1), 7).unwrap();
                assert_eq!(sequences.slot(number(last + 1)), 7);
                for kept in kept {
                    sequences.forget(number(*kept));
                }
                sequences.forget(number(last + 1));
                assert_eq!(sequences.slots(partition).count(), 0);
            }
            for sequence in last + 2..last + 600 {
                skipped.push(number(sequence), 8).unwrap();
                skipped.forget(number(sequence));
            }
            assert!(skipped.partition(partition).unwrap().kept.len() <= 2, "pages without orders stay");
        }
    }
}
