//! What a shard says about itself to whoever asks, without making him wait for the shard.
//!
//! Status requests are answered by reactors and metrics by the admin thread. Neither may wait for a shard's lock: a
//! reactor that waits serves nobody. So whoever holds the lock puts the shard's figures on a [`Board`] before he lets
//! answers go, and readers look at the board.
//!
//! ```text
//! holder of the lock ──publish──► │ side 0 │ side 1 │  version n: side n % 2 is whole, the other may be written
//!                                     ▲
//!                        reader ──────┘  reads side n % 2, and again if the version has moved meanwhile
//! ```
//!
//! The figures of one reading are all of one moment, so that available + held + sold of a shard always add up. A
//! reader never waits for a writer that was suspended while it wrote: that one writes on the other side. He reads
//! again only if the shard has published since he began, which takes the shard longer than it takes him to read.
//!
//! The answers of a batch leave after the figures that count it were published. Who has an answer in his hands and
//! asks for the totals finds it in them.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use doorbuster_ledger::Totals;

use super::Counters;

/// Figures of a shard, of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Sums over the shard's ledger.
    pub totals: Totals,
    /// What the shard has done since the process started.
    pub counters: Counters,
    /// Bytes that the ledger's tables have allocated, as measured in the last second.
    pub bytes: u64,
}

/// Numbers on a board.
const WORDS: usize = 16;

impl Figures {
    fn to_words(self) -> [u64; WORDS] {
        let Self { totals, counters, bytes } = self;
        [
            totals.skus,
            totals.orders,
            totals.holds,
            totals.waiting,
            totals.available,
            totals.held,
            totals.sold,
            counters.commands,
            counters.events,
            counters.deadline_exceeded,
            counters.expired,
            counters.offered,
            counters.lapsed,
            counters.evicted,
            counters.release_lag_max_ms,
            bytes,
        ]
    }

    fn of_words(words: [u64; WORDS]) -> Self {
        let [
            skus,
            orders,
            holds,
            waiting,
            available,
            held,
            sold,
            commands,
            events,
            deadline_exceeded,
            expired,
            offered,
            lapsed,
            evicted,
            release_lag_max_ms,
            bytes,
        ] = words;
        Self {
            totals: Totals { skus, orders, holds, waiting, available, held, sold },
            counters: Counters {
                commands,
                events,
                deadline_exceeded,
                expired,
                offered,
                lapsed,
                evicted,
                release_lag_max_ms,
            },
            bytes,
        }
    }
}

/// See the module's doc. Written by whoever holds the shard's lock, read by anybody at any time.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// How often was published; its last bit names the side that is whole. Stored with release after the side was
    /// written and loaded with acquire before it is read, so that who sees a version sees the side that it names. The
    /// writer's own load is relaxed: the shard's lock orders writers.
    version: AtomicU64,
    /// Relaxed. The writer's release fence stands between its last version and its first word, the reader's acquire
    /// fence between its last word and its second look at the version: a reader of a word that is newer than the
    /// version that he began with finds that the version has moved.
    sides: [[AtomicU64; WORDS]; 2],
}

impl Board {
    /// Replaces the figures: sixteen plain stores and one of the version. Only under the shard's lock.
    pub(super) fn publish(&self, figures: Figures) {
        let version = self.version.load(Ordering::Relaxed).wrapping_add(1);
        fence(Ordering::Release);
        for (cell, word) in self.side(version).iter().zip(figures.to_words()) {
            cell.store(word, Ordering::Relaxed);
        }
        self.version.store(version, Ordering::Release);
    }

    /// The figures published last.
    pub(super) fn read(&self) -> Figures {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let words = self.side(version).each_ref().map(|cell| cell.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if self.version.load(Ordering::Relaxed) == version {
                return Figures::of_words(words);
            }
        }
    }

    fn side(&self, version: u64) -> &[AtomicU64; WORDS] {
        let [even, odd] = &self.sides;
        if version.is_multiple_of(2) { even } else { odd }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn every_figure_comes_back_in_its_place() {
        let mut number = 0;
        let words = [(); WORDS].map(|()| {
            number += 1;
            number
        });
        assert_eq!(Figures::of_words(words).to_words(), words);
        let board = Board::default();
        assert_eq!(board.read(), Figures::default());
        for figures in [Figures::of_words(words), Figures { bytes: 99, ..Figures::of_words(words) }] {
            board.publish(figures);
            assert_eq!(board.read(), figures);
        }
        assert_eq!(
            (board.read().totals.available, board.read().counters.release_lag_max_ms),
            (words[4], words[14])
        );
    }

    #[test]
    fn a_reading_is_of_one_moment_and_never_older_than_the_one_before() {
        const PUBLISHED: u64 = 200_000;
        let (board, ended) = (Board::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut before = 0;
                    while !ended.load(Ordering::Acquire) {
                        let words = board.read().to_words();
                        assert_eq!(words, [words[0]; WORDS]);
                        assert!(words[0] >= before, "{} after {before}", words[0]);
                        before = words[0];
                    }
                });
            }
            for number in 1..=PUBLISHED {
                board.publish(Figures::of_words([number; WORDS]));
            }
            ended.store(true, Ordering::Release);
        });
        assert_eq!(board.read().to_words(), [PUBLISHED; WORDS]);
    }
}
