//! A note that is read without a lock while it is written.

use std::sync::atomic::{Ordering, fence};

use doorbuster_ledger::{SkuId, Timestamp};

use super::SoldOut;
use crate::planted::{Bug, is_planted};
use crate::sync::AtomicU64;

/// That a SKU was sold out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) sku: SkuId,
    /// The log position that the shard had reached.
    pub(super) ticket: u64,
    /// The last moment at which it may be used.
    pub(super) until: Timestamp,
    pub(super) sold_out: SoldOut,
}

/// A note and its place. Written by whoever holds the lock of the shard that serves the partition, read by anybody.
///
/// `version` is odd while the words are written. The writer stores it before and, with release, after them, with a release fence
/// behind the first store; the reader loads it with acquire before, and behind an acquire fence after them. So a reader who sees
/// the same even version twice has read the words of one note. The words are relaxed.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Place {
    version: AtomicU64,
    sku: AtomicU64,
    /// The log position that the shard had reached.
    ticket: AtomicU64,
    /// The last millisecond in which it may be used; 0: nothing is noted.
    until: AtomicU64,
    holds: AtomicU64,
    /// 0 stands for none.
    next_expiry: AtomicU64,
}

const _: () = assert!(size_of::<Place>() == 64);

impl Place {
    /// The note, if it is whole. One that was wiped is out of date at any time.
    #[inline]
    pub(super) fn read(&self) -> Option<Note> {
        let version = self.version.load(Ordering::Acquire);
        let sku = SkuId::new(self.sku.load(Ordering::Relaxed));
        let (ticket, until) = (self.ticket.load(Ordering::Relaxed), self.until.load(Ordering::Relaxed));
        let (holds, next) = (self.holds.load(Ordering::Relaxed), self.next_expiry.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let whole = is_planted(Bug::TornNote)
            || version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        let next_expiry = (next != 0).then_some(Timestamp::new(next));
        let sold_out = SoldOut { holds: u32::try_from(holds).unwrap_or(u32::MAX), next_expiry };
        whole.then_some(Note { sku, ticket, until: Timestamp::new(until), sold_out })
    }

    /// Puts a note in the place of any other. Under the lock.
    pub(super) fn write(&self, note: &Note) {
        self.change(|| {
            self.sku.store(note.sku.raw(), Ordering::Relaxed);
            self.ticket.store(note.ticket, Ordering::Relaxed);
            self.until.store(note.until.raw(), Ordering::Relaxed);
            self.holds.store(u64::from(note.sold_out.holds), Ordering::Relaxed);
            let next_expiry = note.sold_out.next_expiry.map_or(0, Timestamp::raw);
            self.next_expiry.store(next_expiry, Ordering::Relaxed);
        });
    }

    /// Takes the note away. Under the lock.
    pub(super) fn wipe(&self) {
        self.change(|| self.until.store(0, Ordering::Relaxed));
    }

    /// The SKU that something is noted of, out of date or not. Under the lock.
    pub(super) fn noted(&self) -> Option<SkuId> {
        (self.until.load(Ordering::Relaxed) != 0).then(|| SkuId::new(self.sku.load(Ordering::Relaxed)))
    }

    /// Whether the latest note was about this SKU. Under the lock.
    pub(super) fn is_about(&self, sku: SkuId) -> bool {
        self.sku.load(Ordering::Relaxed) == sku.raw()
    }

    #[inline]
    fn change(&self, words: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        words();
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }
}
