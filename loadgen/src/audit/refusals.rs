//! Whether everybody who was told `SOLD_OUT`, or that his channel had no units, was told the truth.
//!
//! A refusal is not in the log. But its answer names a position of the log, and so did the answers before its request was
//! sent. What was decided saw a state between the two. So the log must pass, between the two, through a state in which
//! nothing was left for a newcomer: no unit was free, or as many were waited for. After a restock's acknowledgement the
//! first position is behind the restock.
//!
//! The same goes for a sales channel that was told `CHANNEL_EXHAUSTED`: the log must pass through a state in which nothing was
//! left for it. When a guarantee ends, more is left without a record; that is noticed with the SKU's next one.

use doorbuster_auditor::Left;

use crate::journal::{Faults, Refusal};

/// Notes every refusal that no state explains.
pub(super) fn check<'a>(
    left: &Left,
    first_sku: u64,
    refusals: impl Iterator<Item = &'a Refusal>,
    faults: &mut Faults,
) {
    for refusal in refusals {
        let sku = first_sku + u64::from(refusal.sku);
        let Refusal { after, until, channel, .. } = *refusal;
        if left.throughout((sku, channel), after, until) {
            let (code, whom) = match channel {
                None => ("SOLD_OUT", String::new()),
                Some(channel) => ("CHANNEL_EXHAUSTED", format!(" for channel {channel}")),
            };
            faults.note(|| {
                    format!(
                        "SKU {sku}: {code} between positions {after} and {until} of the log, and units were left{whom}"
                    )
                });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units are left up to position 10, and again from 20 on.
    fn faults_of(channel: Option<u16>, after: u64, until: u64) -> u64 {
        let mut left = Left::default();
        for (position, units) in [(1, 5), (9, 1), (10, 0), (12, 0), (20, 3), (21, 2)] {
            left.note(100, channel, position, units);
        }
        let mut faults = Faults::default();
        check(&left, 100, [Refusal { sku: 0, channel, after, until }].iter(), &mut faults);
        faults.count
    }

    fn faults(after: u64, until: u64) -> u64 {
        let of_all = faults_of(None, after, until);
        assert_eq!(faults_of(Some(3), after, until), of_all, "a channel is no different");
        of_all
    }

    #[test]
    fn a_refusal_is_explained_by_any_state_in_which_nothing_was_left() {
        for (after, until) in [(5, 10), (10, 10), (12, 25), (19, 20), (15, 15), (0, 0)] {
            assert_eq!(faults(after, until), 0, "{after} to {until}");
        }
    }

    #[test]
    fn a_refusal_while_units_were_left_is_found() {
        for (after, until) in [(1, 9), (20, 20), (20, 30), (25, 3), (5, 5)] {
            assert_eq!(faults(after, until), 1, "{after} to {until}");
        }
    }
}
