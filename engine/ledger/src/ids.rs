//! The names of things: one type for each id and unit, so that none can be taken for another.

use core::num::NonZeroU32;

/// Partitions that SKUs are spread over. A partition is what the log and an order number name; which shard serves it
/// is decided anew at each start. 4,096 keeps 64 shards even to within a few percent and fits 12 bits.
pub const PARTITIONS: u16 = 4_096;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident($raw:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($raw);

        impl $name {
            /// Takes the number as it came.
            pub const fn new(raw: $raw) -> Self {
                Self(raw)
            }

            /// The number.
            pub const fn raw(self) -> $raw {
                self.0
            }
        }
    };
}

id! {
    /// A stock-kept item, as the shop numbers them. One whose highest bit is set names its placement group: see
    /// [`GroupId`].
    SkuId(u64)
}
id! {
    /// A shopper, as the storefront numbers them.
    UserId(u64)
}
id! {
    /// Names a request, so that its repeat is recognised: the 128 bits of a UUID version 7 (RFC 9562).
    RequestId(u128)
}
id! {
    /// Names a payment.
    PaymentId(u128)
}
id! {
    /// Names a sum of money that went back.
    RefundId(u128)
}
id! {
    /// Somebody who works for the shop, as it numbers them; 0: a program, or nobody in particular.
    OperatorId(u64)
}
id! {
    /// A sum of money in minor units of its currency.
    Amount(u64)
}
id! {
    /// Where demand comes from; 0: unnamed.
    ChannelId(u16)
}
id! {
    /// A campaign, as the shop numbers them; 0: none.
    CampaignId(u32)
}
id! {
    /// Milliseconds since the Unix epoch, by the server's logical clock.
    Timestamp(u64)
}

/// SKUs that are kept together, in one partition, so that a limit over all of them is decided within one shard. A SKU's
/// number says which group it is in, for good: `1 << 63 | group << 32 | number within the group`. So whoever has the number
/// knows the place, and nobody has to look it up or to agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(u32);

/// The bit of a SKU's number that says that the 31 bits behind it are its group.
const GROUPED: u64 = 1 << 63;

impl GroupId {
    /// The group with this number, below 2^31.
    pub const fn new(raw: u32) -> Option<Self> {
        if raw >> 31 == 0 { Some(Self(raw)) } else { None }
    }

    /// The number.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The SKU with this number within the group.
    pub const fn sku(self, number: u32) -> SkuId {
        let [g0, g1, g2, g3] = self.0.to_le_bytes();
        let [n0, n1, n2, n3] = number.to_le_bytes();
        SkuId(GROUPED | u64::from_le_bytes([n0, n1, n2, n3, g0, g1, g2, g3]))
    }
}

impl SkuId {
    /// The placement group that its number names, if it does.
    #[inline]
    pub const fn group(self) -> Option<GroupId> {
        let [.., g0, g1, g2, g3] = (self.0 & !GROUPED).to_le_bytes();
        if self.0 & GROUPED == 0 { None } else { Some(GroupId(u32::from_le_bytes([g0, g1, g2, g3]))) }
    }
}

impl RequestId {
    /// When the request was made, by its maker's clock: the first 48 bits of a UUID version 7.
    pub fn made_at(self) -> Timestamp {
        Timestamp(u64::try_from(self.0 >> 80).unwrap_or(u64::MAX))
    }

    /// Whether version and variant bits are those of a UUID version 7.
    pub fn is_uuid_v7(self) -> bool {
        (self.0 >> 76) & 0xF == 7 && (self.0 >> 62) & 0b11 == 0b10
    }
}

impl Timestamp {
    /// This time and `ms` milliseconds; the end of time where that would overflow.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; 0 if that is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A number of units that somebody asks for: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quantity(NonZeroU32);

impl Quantity {
    /// The number, unless it is zero.
    pub const fn new(units: u32) -> Option<Self> {
        match NonZeroU32::new(units) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The number.
    pub const fn units(self) -> u32 {
        self.0.get()
    }
}

/// One of [`PARTITIONS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(u16);

impl PartitionId {
    /// The partition with this number, if there is one.
    pub const fn new(raw: u16) -> Option<Self> {
        if raw < PARTITIONS { Some(Self(raw)) } else { None }
    }

    /// The partition that a SKU belongs to: the top 12 bits of a multiplicative hash (Knuth, TAOCP vol. 3, 6.4) of its number,
    /// or, if that names a placement group, of its upper half. Written into order numbers, so it can never change.
    #[inline]
    pub const fn of(sku: SkuId) -> Self {
        let key = if sku.0 & GROUPED == 0 { sku.0 } else { sku.0 >> 32 };
        let top = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
        let [low, high, ..] = top.to_le_bytes();
        Self(u16::from_le_bytes([low, high]))
    }

    /// The number.
    pub const fn raw(self) -> u16 {
        self.0
    }
}

/// Which partitions a ledger serves: those whose number leaves `number` when divided by `of`. So they are dealt out in turn,
/// and how many ledgers there are may change from start to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    number: u16,
    of: u16,
}

impl Share {
    /// Ledgers that share the partitions.
    pub(crate) const fn of(self) -> u16 {
        self.of
    }

    /// Every partition.
    pub const ALL: Self = Self { number: 0, of: 1 };

    /// The share of one ledger of `of`, numbered from 0; `None` if there is no such one.
    pub const fn new(number: u16, of: u16) -> Option<Self> {
        if number < of { Some(Self { number, of }) } else { None }
    }

    /// Whether the partition is one of them.
    #[inline]
    pub const fn serves(self, partition: PartitionId) -> bool {
        match partition.raw().checked_rem(self.of) {
            Some(rest) => rest == self.number,
            None => false,
        }
    }
}

/// Names an order for its whole life: 12 bits of partition, one that says whether the order has several lines, 51 bits of
/// sequence within the partition, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNumber(u64);

/// Sequences that a partition has; enough for a million orders a second for 71 years.
pub(crate) const MAX_SEQUENCE: u64 = (1 << 51) - 1;

/// The bit of an order with several lines. It stands in the number so that whoever has one knows, without a look at any
/// state, whether one shard alone can decide about the order.
const COMPOSITE: u64 = 1 << 51;

impl OrderNumber {
    /// Takes the number as it came; whether an order has it, the ledger knows.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    pub(crate) const fn compose(partition: PartitionId, sequence: u64) -> Self {
        let [low, high] = partition.0.to_le_bytes();
        let partition = u64::from_le_bytes([low, high, 0, 0, 0, 0, 0, 0]);
        Self((partition << 52) | (sequence & MAX_SEQUENCE))
    }

    /// The same, of an order with several lines.
    #[must_use]
    pub(crate) const fn composite(self) -> Self {
        Self(self.0 | COMPOSITE)
    }

    /// Whether the order has several lines, whose SKUs may be in several partitions, or one with gifts.
    pub const fn is_composite(self) -> bool {
        self.0 & COMPOSITE != 0
    }

    /// The number.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The partition that the order belongs to.
    pub const fn partition(self) -> PartitionId {
        let [low, high, ..] = (self.0 >> 52).to_le_bytes();
        PartitionId(u16::from_le_bytes([low, high]))
    }

    /// The order's place in its partition.
    pub const fn sequence(self) -> u64 {
        self.0 & MAX_SEQUENCE
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn an_order_number_names_its_partition_and_sequence() {
        let partition = PartitionId::new(4_095).unwrap();
        let number = OrderNumber::compose(partition, 7);
        assert_eq!((number.partition(), number.sequence(), number.is_composite()), (partition, 7, false));
        let several = number.composite();
        assert_eq!((several.partition(), several.sequence(), several.is_composite()), (partition, 7, true));
    }

    #[test]
    fn a_uuid_v7_tells_its_time() {
        // The example of RFC 9562, appendix A.6.
        let id = RequestId::new(0x017F_22E2_79B0_7CC3_98C4_DC0C_0C07_398F);
        assert!(id.is_uuid_v7());
        assert_eq!(id.made_at(), Timestamp::new(1_645_557_742_000));
    }

    #[test]
    fn a_group_is_kept_together_and_groups_are_spread() {
        let group = GroupId::new(7).unwrap();
        assert_eq!(group.sku(5), SkuId::new(0x8000_0007_0000_0005));
        assert_eq!((group.sku(5).group(), SkuId::new(5).group()), (Some(group), None));
        assert_eq!(GroupId::new(1 << 31), None);
        let place = |group, number| PartitionId::of(GroupId::new(group).unwrap().sku(number));
        assert!((0..1_000).all(|number| place(7, number) == place(7, 0)));
        let mut places: Vec<_> = (0..1_000).map(|group| place(group, 0).raw()).collect();
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 800, "{}", places.len());
    }

    #[test]
    fn consecutive_skus_spread_over_partitions() {
        let mut seen = [0_u32; 4_096];
        for sku in 0..40_960_u64 {
            seen[usize::from(PartitionId::of(SkuId::new(sku)).raw())] += 1;
        }
        assert!(seen.iter().all(|&count| (1..=20).contains(&count)));
    }
}
