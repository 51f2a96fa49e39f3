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

mod place;

use std::sync::atomic::Ordering;

use doorbuster_ledger::{PARTITIONS, PartitionId, SkuId, Timestamp};

use self::place::{Note, Place};
use crate::planted::{Bug, is_planted};
use crate::sync::AtomicU64;

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
        Self::with_places(PLACES)
    }

    /// With the first so many places only: nothing is ever noted of a SKU whose place is behind them.
    fn with_places(places: usize) -> Self {
        Self {
            places: (0..places).map(|_| Place::default()).collect(),
            noted: (0..places.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
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
        let note = place.read().filter(|note| note.sku == sku)?;
        let early = note.ticket > durable && !is_planted(Bug::PublishBeforeDurable);
        (now <= note.until && !early).then_some(note.sold_out)
    }

    /// Notes that a SKU was sold out at `now`, which is so once the log is durable up to `ticket`. Under the shard's lock.
    pub(crate) fn note(&self, sku: SkuId, sold_out: SoldOut, now: Timestamp, ticket: u64) {
        let Some(place) = self.place(sku) else { return };
        place.write(&Note { sku, ticket, until: now.plus(VALID_MS), sold_out });
        self.mark(Self::number(sku), true);
    }

    /// What is noted, out of date or not. Of the partitions whose shard's lock the caller holds.
    pub(crate) fn noted(&self) -> impl Iterator<Item = SkuId> {
        self.places.iter().filter_map(Place::noted)
    }

    /// Wipes what is noted of a SKU: units of it came back. Under the shard's lock.
    pub(crate) fn wipe(&self, sku: SkuId) {
        let place = self.place(sku);
        if let Some(place) = place.filter(|place| place.is_about(sku)) {
            place.wipe();
            self.mark(Self::number(sku), false);
        }
    }

    /// Wipes what is noted of all SKUs of these partitions. Under the lock of the shard that serves them.
    pub(crate) fn wipe_all(&self, serves: impl Fn(PartitionId) -> bool) {
        for partition in (0..PARTITIONS).filter_map(PartitionId::new).filter(|partition| serves(*partition)) {
            let first = usize::from(partition.raw()) * WAYS;
            for (number, place) in (first..).zip(self.places.get(first..first + WAYS).unwrap_or_default()) {
                place.wipe();
                self.mark(number, false);
            }
        }
    }
}

#[cfg(test)]
mod tests;
