//! The sold-out directory: what reactors may tell the crowd without asking a shard.
//!
//! When a sale is sold out, nearly everything that comes is told so. A shard's ledger says it in 30 ns, but the way to the
//! shard and back, and the wait for the log, cost ten times as much. So a shard notes what it has just refused, and a reactor
//! that finds the note answers a plain first attempt from it.
//!
//! ```text
//! shard, under its lock                                reactor
//!   refuses: sold out ──► note {SKU, ticket, until} ──► reads it: same SKU, ticket durable, not out of date?
//!   units come back   ──► wipes the note                   yes: SOLD_OUT          no: asks the shard
//! ```
//!
//! Nobody who was told that units came back is then told that there are none: the note is wiped when the return is decided,
//! under the lock, and whoever hears of the return hears of it later, when it is durable. A note tells of a state that was
//! there when it was made; it may be used once what it has seen is durable (its ticket), as any other answer.
//!
//! A note is good for [`VALID_MS`]: holds and the next expiry that it names go out of date, as payments don't wipe it. Then one
//! request goes to the shard, which makes a new one.
//!
//! There is one place for each of [`PLACES`] parts of all SKUs, and the latest note stays: who finds another SKU's asks the
//! shard.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use doorbuster_ledger::{PARTITIONS, PartitionId, SkuId, Timestamp};

use crate::planted::{Bug, is_planted};

/// How long a note is good for, milliseconds. Of 10,000 SKUs that are all sold out, 50,000 requests a second go to the shards
/// for new notes: a sixtieth of what one core answers.
pub const VALID_MS: u64 = 200;

/// Places for each partition, a power of two. All of them are 4 MiB; of 10,000 SKUs six in seven have a place to themselves.
const WAYS: usize = 16;

/// All places.
const PLACES: usize = PARTITIONS as usize * WAYS;

/// A SKU had no unit that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldOut {
    /// Open holds of it.
    pub holds: u32,
    /// When asking again makes sense; `None` where no hold is open.
    pub next_expiry: Option<Timestamp>,
}

/// A note and its place. Written by whoever holds the lock of the shard that serves the partition, read by anybody.
///
/// `version` is odd while the words are written. The writer stores it before and, with release, after them, with a release fence
/// behind the first store; the reader loads it with acquire before, and behind an acquire fence after them. So a reader who sees
/// the same even version twice has read the words of one note. The words are relaxed.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Place {
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

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Directory {
    places: Vec<Place>,
    /// A bit for each place where something is noted: 8 KiB, which stay in a core's first-level cache. While a sale goes on most
    /// places are empty, and reading each SKU's own took a tenth of the time that an order takes. A hint: the words of the
    /// place say what is so. Set behind a note and cleared behind its end, by several shards, hence by atomic operations.
    noted: Vec<AtomicU64>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| Place::default()).collect(),
            noted: (0..PLACES / 64).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The number of a SKU's place.
    #[inline]
    fn number(sku: SkuId) -> usize {
        let way = usize::try_from(sku.raw() % WAYS as u64).unwrap_or(0);
        usize::from(PartitionId::of(sku).raw()) * WAYS + way
    }

    fn place(&self, sku: SkuId) -> Option<&Place> {
        self.places.get(Self::number(sku))
    }

    /// Says in the list of bits whether something is noted in a place.
    fn mark(&self, number: usize, noted: bool) {
        let Some(word) = self.noted.get(number / 64) else { return };
        let bit = 1 << (number % 64);
        if (word.load(Ordering::Relaxed) & bit != 0) != noted {
            if noted {
                word.fetch_or(bit, Ordering::Relaxed);
            } else {
                word.fetch_and(!bit, Ordering::Relaxed);
            }
        }
    }

    /// What is noted of a SKU and may be said at `now`, while the log is durable up to `durable`.
    #[inline]
    pub(crate) fn read(&self, sku: SkuId, now: Timestamp, durable: u64) -> Option<SoldOut> {
        let number = Self::number(sku);
        if self.noted.get(number / 64)?.load(Ordering::Relaxed) & (1 << (number % 64)) == 0 {
            return None;
        }
        let place = self.places.get(number)?;
        let version = place.version.load(Ordering::Acquire);
        let known = place.sku.load(Ordering::Relaxed);
        let (ticket, until) = (place.ticket.load(Ordering::Relaxed), place.until.load(Ordering::Relaxed));
        let (holds, next) = (place.holds.load(Ordering::Relaxed), place.next_expiry.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let whole = version.is_multiple_of(2) && place.version.load(Ordering::Relaxed) == version;
        let early = ticket > durable && !is_planted(Bug::PublishBeforeDurable);
        if !whole || known != sku.raw() || now.raw() > until || early {
            return None;
        }
        let next_expiry = (next != 0).then_some(Timestamp::new(next));
        Some(SoldOut { holds: u32::try_from(holds).unwrap_or(u32::MAX), next_expiry })
    }

    /// Notes that a SKU was sold out at `now`, which is so once the log is durable up to `ticket`. Under the shard's lock.
    pub(crate) fn note(&self, sku: SkuId, sold_out: SoldOut, now: Timestamp, ticket: u64) {
        let Some(place) = self.place(sku) else { return };
        place.write(|| {
            place.sku.store(sku.raw(), Ordering::Relaxed);
            place.ticket.store(ticket, Ordering::Relaxed);
            place.until.store(now.raw().saturating_add(VALID_MS), Ordering::Relaxed);
            place.holds.store(u64::from(sold_out.holds), Ordering::Relaxed);
            place.next_expiry.store(sold_out.next_expiry.map_or(0, Timestamp::raw), Ordering::Relaxed);
        });
        self.mark(Self::number(sku), true);
    }

    /// What is noted, out of date or not. Of the partitions whose shard's lock the caller holds.
    pub(crate) fn noted(&self) -> impl Iterator<Item = SkuId> {
        let there = self.places.iter().filter(|place| place.until.load(Ordering::Relaxed) != 0);
        there.map(|place| SkuId::new(place.sku.load(Ordering::Relaxed)))
    }

    /// Wipes what is noted of a SKU: units of it came back. Under the shard's lock.
    pub(crate) fn wipe(&self, sku: SkuId) {
        let place = self.place(sku);
        if let Some(place) = place.filter(|place| place.sku.load(Ordering::Relaxed) == sku.raw()) {
            place.write(|| place.until.store(0, Ordering::Relaxed));
            self.mark(Self::number(sku), false);
        }
    }

    /// Wipes what is noted of all SKUs of these partitions. Under the lock of the shard that serves them.
    pub(crate) fn wipe_all(&self, serves: impl Fn(PartitionId) -> bool) {
        for partition in (0..PARTITIONS).filter_map(PartitionId::new).filter(|partition| serves(*partition)) {
            let first = usize::from(partition.raw()) * WAYS;
            for (number, place) in (first..).zip(self.places.get(first..first + WAYS).unwrap_or_default()) {
                place.write(|| place.until.store(0, Ordering::Relaxed));
                self.mark(number, false);
            }
        }
    }
}

impl Place {
    #[inline]
    fn write(&self, words: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        words();
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    const NOW: Timestamp = Timestamp::new(1_000);
    const SOLD_OUT: SoldOut = SoldOut { holds: 3, next_expiry: Some(Timestamp::new(9_000)) };

    fn read(directory: &Directory, sku: u64, now: u64, durable: u64) -> Option<SoldOut> {
        directory.read(SkuId::new(sku), Timestamp::new(now), durable)
    }

    #[test]
    fn a_note_is_used_when_it_is_durable_and_while_it_is_fresh() {
        let directory = Directory::new();
        assert_eq!(read(&directory, 7, 1_000, 99), None);
        directory.note(SkuId::new(7), SOLD_OUT, NOW, 20);
        assert_eq!(read(&directory, 7, 1_000, 19), None, "not durable yet");
        assert_eq!(read(&directory, 7, 1_000, 20), Some(SOLD_OUT));
        assert_eq!(read(&directory, 7, 1_000 + VALID_MS, 20), Some(SOLD_OUT));
        assert_eq!(read(&directory, 7, 1_001 + VALID_MS, 20), None, "out of date");
        let last = SoldOut { holds: 0, next_expiry: None };
        directory.note(SkuId::new(7), last, Timestamp::new(2_000), 20);
        assert_eq!(read(&directory, 7, 2_000, 20), Some(last));
    }

    #[test]
    fn units_that_come_back_wipe_the_note_of_their_sku_alone() {
        let directory = Directory::new();
        let all: Vec<u64> = (1..=8).collect();
        for sku in &all {
            directory.note(SkuId::new(*sku), SOLD_OUT, NOW, 1);
        }
        directory.wipe(SkuId::new(3));
        let left = |directory: &Directory| -> Vec<u64> {
            all.iter().copied().filter(|sku| read(directory, *sku, 1_000, 1).is_some()).collect()
        };
        assert_eq!(left(&directory), [1, 2, 4, 5, 6, 7, 8]);
        let fives = PartitionId::of(SkuId::new(5));
        directory.wipe_all(|partition| partition == fives);
        assert_eq!(left(&directory), [1, 2, 4, 6, 7, 8]);
    }

    #[test]
    fn of_two_skus_in_one_place_the_latest_is_known_and_the_other_wipes_nothing() {
        let directory = Directory::new();
        let place = |sku: u64| (PartitionId::of(SkuId::new(sku)), sku % WAYS as u64);
        let other = (2..1 << 20).find(|sku| place(*sku) == place(1)).unwrap();
        directory.note(SkuId::new(1), SOLD_OUT, NOW, 1);
        directory.note(SkuId::new(other), SOLD_OUT, NOW, 1);
        directory.wipe(SkuId::new(1));
        assert_eq!(
            (read(&directory, 1, 1_000, 1), read(&directory, other, 1_000, 1)),
            (None, Some(SOLD_OUT))
        );
    }

    #[test]
    fn a_reader_sees_whole_notes_only() {
        const NOTES: u32 = 200_000;
        let (directory, ended) = (Directory::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    if let Some(seen) = read(&directory, 7, 1_000, u64::MAX) {
                        assert_eq!(seen.next_expiry, Some(Timestamp::new(u64::from(seen.holds))));
                    }
                }
            });
            for holds in 1..=NOTES {
                let next_expiry = Some(Timestamp::new(u64::from(holds)));
                directory.note(SkuId::new(7), SoldOut { holds, next_expiry }, NOW, u64::from(holds));
            }
            ended.store(true, Ordering::Release);
        });
    }
}
