//! A discount to the funders of its budget, to the cent.

use super::id::Funder;
use crate::ids::Amount;

/// Most funders of a budget. Promotions have two or three; each slice keeps an account of each.
pub const MAX_FUNDERS: usize = 16;

/// What each funder pays of `amount`, in the order of the funders. The sum is exact: each pays the whole cents of his part, and
/// the cents that are left go one by one to those with the largest remainders (Hamilton's method); of equal ones, the first.
/// Where there are no funders, nobody pays.
pub fn split(amount: Amount, funders: &[Funder]) -> [u64; MAX_FUNDERS] {
    parts(amount, funders)
}

/// As [`split`], among up to `MOST` funders: so that few of them cost as little as they can.
#[inline]
pub(super) fn parts<const MOST: usize>(amount: Amount, funders: &[Funder]) -> [u64; MOST] {
    let mut parts = [0_u64; MOST];
    let total: u64 = funders.iter().take(MOST).map(|funder| u64::from(funder.share)).sum();
    if total == 0 || amount.raw() == 0 {
        return parts;
    }
    let mut rests = [0_u64; MOST];
    let mut left = amount.raw();
    for ((funder, part), rest) in funders.iter().zip(&mut parts).zip(&mut rests) {
        let (whole, remainder) = divided(amount.raw(), u64::from(funder.share), total);
        *part = whole;
        // One more than the remainder, so that 0 means: has had his cent, or has no share.
        *rest = remainder.saturating_add(1);
        left = left.saturating_sub(*part);
    }
    let rests = rests.get_mut(..funders.len().min(MOST)).unwrap_or_default();
    // Fewer than there are funders.
    while left > 0 {
        let most = rests.iter().copied().max().unwrap_or(0);
        let Some((part, rest)) = parts.iter_mut().zip(&mut *rests).find(|(_, rest)| **rest == most) else {
            break;
        };
        if most == 0 {
            break;
        }
        *part = part.saturating_add(1);
        *rest = 0;
        left = left.saturating_sub(1);
    }
    parts
}

/// `amount * share / total`, and the remainder. Division of 128 bits takes a function of some fifty nanoseconds, and most
/// amounts don't need it.
#[inline]
fn divided(amount: u64, share: u64, total: u64) -> (u64, u64) {
    if let Some(product) = amount.checked_mul(share) {
        return (product.checked_div(total).unwrap_or(0), product.checked_rem(total).unwrap_or(0));
    }
    let (product, total) = (u128::from(amount).saturating_mul(u128::from(share)), u128::from(total));
    let fit = |part: Option<u128>| u64::try_from(part.unwrap_or(0)).unwrap_or(u64::MAX);
    (fit(product.checked_div(total)), fit(product.checked_rem(total)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::budget::FunderId;

    fn funders(shares: &[u32]) -> alloc::vec::Vec<Funder> {
        let funder = |(id, share): (u32, &u32)| Funder { id: FunderId::new(id), share: *share };
        (1..).zip(shares).map(funder).collect()
    }

    #[test]
    fn cents_that_are_left_go_to_the_largest_remainders() {
        let three = funders(&[40, 50, 10]);
        for (amount, parts) in
            [(100, [40, 50, 10]), (1, [0, 1, 0]), (3, [1, 2, 0]), (4, [2, 2, 0]), (99, [40, 49, 10])]
        {
            assert_eq!(split(Amount::new(amount), &three)[..3], parts, "{amount}");
        }
        assert_eq!(split(Amount::new(2), &funders(&[1, 1, 1]))[..3], [1, 1, 0], "of equal ones, the first");
        assert_eq!(split(Amount::new(7), &[]), [0; MAX_FUNDERS]);
        assert_eq!(
            split(Amount::new(u64::MAX), &funders(&[u32::MAX; 16]))
                .iter()
                .map(|part| u128::from(*part))
                .sum::<u128>(),
            u128::from(u64::MAX)
        );
    }

    proptest! {
        #[test]
        fn few_funders_pay_what_they_would_among_many(
            amount in prop_oneof![0_u64..1_000, any::<u64>()],
            shares in prop::collection::vec(prop_oneof![1_u32..100, 1..=u32::MAX], 0..=4),
        ) {
            let (amount, funders) = (Amount::new(amount), funders(&shares));
            let few = parts::<4>(amount, &funders);
            prop_assert_eq!(&few[..], &split(amount, &funders)[..4]);
        }

        #[test]
        fn parts_add_up_to_the_cent_and_are_fair(
            amount in prop_oneof![0_u64..1_000, any::<u64>()],
            shares in prop::collection::vec(prop_oneof![1_u32..100, 1..=u32::MAX], 1..=MAX_FUNDERS),
        ) {
            let total: u128 = shares.iter().map(|share| u128::from(*share)).sum();
            let parts = split(Amount::new(amount), &funders(&shares));
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(amount));
            for (part, share) in parts.iter().zip(&shares) {
                // Nobody pays a whole cent more or less than his exact part.
                let exact = u128::from(amount) * u128::from(*share);
                let paid = u128::from(*part) * total;
                prop_assert!(paid < exact + total && exact < paid + total);
            }
        }
    }
}
