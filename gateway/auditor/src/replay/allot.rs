//! What sales channels may have and have, by the log.
//!
//! A channel's rules are limits on one pool. Until a guarantee's release nobody else may take what is left of it, and nobody
//! may take more than his cap. This adds both up from the log's records alone.

use std::collections::{BTreeMap, HashMap};

use crate::faults::Faults;
use crate::record::Rules;

/// What a channel may have of a SKU, and has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotment {
    /// What was said.
    pub rules: Rules,
    /// Units that are held or sold.
    pub taken: u64,
    /// Of these, the ones that are sold.
    pub sold: u64,
    /// The same when the guarantee ended, or now where it hasn't.
    pub taken_before_release: u64,
}

impl Allotment {
    /// Units that nobody else may take at this time.
    fn kept(&self, at: u64) -> u64 {
        if self.rules.release_at <= at { 0 } else { self.rules.guarantee.saturating_sub(self.taken) }
    }
}

impl Default for Allotment {
    fn default() -> Self {
        let rules = Rules { guarantee: 0, cap: u64::MAX, release_at: u64::MAX };
        Self { rules, taken: 0, sold: 0, taken_before_release: 0 }
    }
}

/// The channels of a SKU.
#[derive(Debug, Default)]
struct Channels {
    /// Rules were set for one of them.
    ruled: bool,
    all: BTreeMap<u16, Allotment>,
}

/// The channels of all SKUs.
#[derive(Debug, Default)]
pub struct Allotments {
    skus: HashMap<u64, Channels>,
    /// Who took what was kept for others.
    pub faults: Faults,
    /// Takings that were looked at.
    pub examined: u64,
}

impl Allotments {
    /// Channels of a SKU for which there are rules: those that have some, or have taken something.
    pub fn of(&self, sku: u64) -> impl Iterator<Item = (u16, Allotment)> {
        let ruled = self.ruled(sku).into_iter();
        ruled.flat_map(|channels| &channels.all).map(|(channel, allotment)| (*channel, *allotment))
    }

    /// Every channel of every SKU through which something was taken, or that has rules; in no order.
    pub fn all(&self) -> impl Iterator<Item = (u64, u16, Allotment)> {
        self.skus.iter().flat_map(|(sku, channels)| {
            channels.all.iter().map(|(channel, allotment)| (*sku, *channel, *allotment))
        })
    }

    fn ruled(&self, sku: u64) -> Option<&Channels> {
        self.skus.get(&sku).filter(|channels| channels.ruled)
    }

    /// What a channel may take of so many free units at this time.
    pub fn left(&self, sku: u64, channel: u16, free: u64, at: u64) -> u64 {
        let Some(Channels { all, .. }) = self.ruled(sku) else { return free };
        let own = all.get(&channel).copied().unwrap_or_default();
        let others = all.iter().filter(|(other, _)| **other != channel);
        let kept: u64 = others.map(|(_, other)| other.kept(at)).fold(0, u64::saturating_add);
        free.saturating_sub(kept).min(own.rules.cap.saturating_sub(own.taken))
    }

    /// Rules are set, while so many units are free.
    pub(super) fn set(&mut self, sku: u64, channel: u16, rules: Rules, free: u64, at: u64) {
        let Channels { ruled, all } = self.skus.entry(sku).or_default();
        *ruled = true;
        let others = all.iter().filter(|(other, _)| **other != channel);
        let others = others.map(|(_, one)| one.kept(at)).fold(0, u64::saturating_add);
        let own = all.entry(channel).or_default();
        own.rules = rules;
        let own = own.kept(at);
        // Units that were withdrawn since may leave less than what is kept; then nobody is kept more.
        if own > free.saturating_sub(others) {
            self.faults.note(|| {
                format!("SKU {sku}: {own} units are kept for channel {channel} and {others} for others, and {free} are free")
            });
        }
    }

    /// A part of a guarantee goes to another channel.
    pub(super) fn moved(&mut self, sku: u64, (from, to): (u16, u16), units: u64, at: u64) {
        let Channels { all, .. } = self.skus.entry(sku).or_default();
        let gives = all.entry(from).or_default();
        let spare = gives.kept(at);
        gives.rules.guarantee = gives.rules.guarantee.saturating_sub(units);
        let gets = all.entry(to).or_default();
        gets.rules.guarantee = gets.rules.guarantee.saturating_add(units);
        if units > spare || gets.rules.guarantee > gets.rules.cap {
            self.faults.note(|| {
                format!("SKU {sku}: {units} guaranteed units went from channel {from} to {to}; {spare} could")
            });
        }
    }

    /// Somebody takes units through a channel, of so many that were free before.
    pub(super) fn take(&mut self, sku: u64, channel: u16, units: u64, free: u64, at: u64) {
        if self.ruled(sku).is_some() {
            self.examined += 1;
            let left = self.left(sku, channel, free, at);
            if units > left {
                self.faults.note(|| {
                    format!(
                        "SKU {sku}: channel {channel} took {units} units, and {left} of {free} free ones were for it"
                    )
                });
            }
        }
        self.count(sku, channel, at, |taken| taken.saturating_add(units));
    }

    /// Units that were taken through a channel are paid.
    pub(super) fn sell(&mut self, sku: u64, channel: u16, units: u64) {
        let own = self.skus.entry(sku).or_default().all.entry(channel).or_default();
        own.sold = own.sold.saturating_add(units);
    }

    /// Units that were taken through a channel go back; `sold`, if they were paid.
    pub(super) fn give_back(&mut self, sku: u64, channel: u16, units: u64, sold: bool, at: u64) {
        if sold {
            let own = self.skus.entry(sku).or_default().all.entry(channel).or_default();
            own.sold = own.sold.saturating_sub(units);
        }
        self.count(sku, channel, at, |taken| taken.saturating_sub(units));
    }

    fn count(&mut self, sku: u64, channel: u16, at: u64, change: impl Fn(u64) -> u64) {
        let own = self.skus.entry(sku).or_default().all.entry(channel).or_default();
        own.taken = change(own.taken);
        if at < own.rules.release_at {
            own.taken_before_release = own.taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten free units: six are kept for channel 1, three for channel 2, which may have five, both until 100.
    fn ten() -> Allotments {
        let mut channels = Allotments::default();
        channels.set(5, 1, Rules { guarantee: 6, cap: u64::MAX, release_at: 100 }, 10, 0);
        channels.set(5, 2, Rules { guarantee: 3, cap: 5, release_at: 100 }, 10, 0);
        channels
    }

    #[test]
    fn a_channel_has_its_own_and_what_is_kept_for_nobody() {
        let channels = ten();
        assert_eq!([1, 2, 3].map(|channel| channels.left(5, channel, 10, 99)), [7, 4, 1]);
        assert_eq!([1, 2, 3].map(|channel| channels.left(5, channel, 10, 100)), [10, 5, 10]);
        assert_eq!(channels.left(6, 1, 10, 0), 10, "a SKU without rules");
    }

    #[test]
    fn what_is_taken_and_given_back_counts_for_its_channel() {
        let mut channels = ten();
        channels.take(5, 1, 4, 10, 0);
        assert_eq!((channels.left(5, 1, 6, 0), channels.left(5, 3, 6, 0)), (3, 1));
        channels.give_back(5, 1, 1, false, 0);
        channels.take(5, 3, 5, 7, 100);
        let of: Vec<_> = channels.of(5).map(|(channel, one)| (channel, one.taken)).collect();
        assert_eq!((of, channels.faults.count, channels.examined), (vec![(1, 3), (2, 0), (3, 5)], 0, 2));
        channels.sell(5, 3, 2);
        channels.give_back(5, 3, 1, true, 100);
        let sold: Vec<_> = channels.all().filter(|(.., one)| one.sold > 0).collect();
        assert_eq!(
            sold.iter().map(|(sku, channel, one)| (*sku, *channel, one.taken, one.sold)).collect::<Vec<_>>(),
            [(5, 3, 4, 1)]
        );
    }

    #[test]
    fn whoever_takes_what_is_kept_for_others_or_more_than_his_cap_is_found() {
        let mut channels = ten();
        channels.take(5, 3, 2, 10, 99);
        assert!(channels.faults.examples[0].contains("channel 3 took 2 units, and 1 of 10"), "{channels:?}");
        let mut channels = ten();
        channels.take(5, 2, 6, 10, 100);
        assert!(channels.faults.examples[0].contains("channel 2 took 6 units, and 5 of 10"), "{channels:?}");
    }

    #[test]
    fn a_guarantee_moves_as_far_as_it_is_not_taken() {
        let mut channels = ten();
        channels.take(5, 1, 4, 10, 0);
        channels.moved(5, (1, 2), 2, 0);
        assert_eq!((channels.faults.count, channels.left(5, 2, 6, 0)), (0, 5));
        channels.moved(5, (1, 2), 1, 0);
        assert!(channels.faults.examples[0].contains("went from channel 1 to 2; 0 could"), "{channels:?}");
    }

    #[test]
    fn what_was_taken_before_there_were_rules_counts() {
        let mut channels = Allotments::default();
        channels.take(5, 1, 2, 10, 0);
        assert_eq!((channels.of(5).count(), channels.examined), (0, 0));
        channels.set(5, 1, Rules { guarantee: 3, cap: 3, release_at: 100 }, 8, 0);
        assert_eq!(channels.left(5, 1, 8, 0), 1);
    }

    #[test]
    fn a_guarantee_of_nothing_is_fine_when_there_are_too_few_units_for_the_others() {
        let mut channels = ten();
        channels.set(5, 3, Rules { guarantee: 0, cap: 4, release_at: 100 }, 8, 0);
        assert_eq!(channels.faults.count, 0, "{channels:?}");
    }

    #[test]
    fn more_guarantees_than_units_are_found() {
        let mut channels = ten();
        channels.set(5, 3, Rules { guarantee: 2, cap: 9, release_at: 100 }, 10, 0);
        assert!(
            channels.faults.examples[0]
                .contains("2 units are kept for channel 3 and 9 for others, and 10 are free"),
            "{channels:?}"
        );
    }
}
