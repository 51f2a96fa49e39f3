//! The order that most shoppers make.

use doorbuster_ledger::*;

pub(crate) const NOW: Timestamp = Timestamp::new(1_700_000_000_000);

/// One unit for the shopper with this number, by a request of this number.
pub(crate) fn reserve(number: u64, sku: SkuId) -> Reserve {
    Reserve {
        request: RequestId::new((u128::from(NOW.raw()) << 80) | (7 << 76) | (2 << 62) | u128::from(number)),
        user: UserId::new(number),
        sku,
        quantity: Quantity::new(1).expect("not zero"),
        amount: Amount::new(0),
        hold_ms: 60_000,
        channel: ChannelId::new(1),
        first_attempt: true,
        wait_ms: 0,
        terms: Terms::default(),
        claim: None,
    }
}
