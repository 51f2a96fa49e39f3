//! Units for sales channels by weights.
//!
//! The weights' parts of the units are rarely whole. Each channel gets its part rounded down, and the units that are left go
//! one each to those with the largest remainders (Hamilton's method); among equals the one that is named first. So the sum is
//! exact, and nobody is more than a unit off his part.

/// What channels are to have of some SKUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allotment {
    /// The SKUs; none: all of the campaign.
    pub(super) skus: Vec<u64>,
    pub(super) whole: Whole,
    pub(super) channels: Vec<Part>,
    /// When what is left of the guarantees is anybody's, server milliseconds; 0: never.
    pub(super) release_at: u64,
}

/// What is dealt out to the channels of an allotment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// So many units of each SKU.
    Units(u64),
    /// So much of each SKU's units, those included that are sold.
    Percent(u64),
}

/// One channel's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) channel: u16,
    pub(super) weight: u64,
    /// Most units that it may take; none: any.
    pub(super) cap: Option<u64>,
}

impl Whole {
    /// Units of a SKU that has so many in all.
    pub(super) fn of(self, stocked: u64) -> u64 {
        match self {
            Self::Units(units) => units,
            Self::Percent(percent) => {
                let part = u128::from(stocked) * u128::from(percent) / 100;
                u64::try_from(part).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Deals `units` out by weights. All weights 0: nobody gets any.
pub(super) fn deal(units: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: u64| u128::from(units) * u128::from(weight);
    let narrow = |part: u128| u64::try_from(part).unwrap_or(u64::MAX);
    let mut parts: Vec<u64> = weights.iter().map(|weight| narrow(exact(*weight) / sum)).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|nth| std::cmp::Reverse(exact(weights[*nth]) % sum));
    let left = units.saturating_sub(parts.iter().sum());
    for nth in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        parts[nth] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_go_by_weight_and_the_rest_by_remainder() {
        assert_eq!(deal(10_000, &[60, 25, 15]), [6_000, 2_500, 1_500]);
        assert_eq!(deal(10, &[35, 28, 20, 17]), [3, 3, 2, 2]);
        assert_eq!(deal(2, &[1, 1, 1]), [1, 1, 0]);
        assert_eq!(deal(7, &[0, 5]), [0, 7]);
        assert_eq!(deal(7, &[0, 0]), [0, 0]);
        assert_eq!((Whole::Percent(90).of(15), Whole::Units(4).of(1)), (13, 4));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_sum_is_exact_and_nobody_is_a_unit_off(
            units in 0..=doorbuster_ledger::MAX_UNITS, weights in prop::collection::vec(0..1_000_000_u64, 1..9),
        ) {
            let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            prop_assume!(sum > 0);
            let parts = deal(units, &weights);
            prop_assert_eq!(parts.iter().sum::<u64>(), units);
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = u128::from(units) * u128::from(*weight);
                let part = u128::from(*part) * sum;
                prop_assert!(part.abs_diff(exact) < sum, "{} of {}", part, exact);
            }
        }
    }
}
