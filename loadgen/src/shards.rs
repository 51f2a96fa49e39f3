//! Where a SKU is: the server deals partitions out to its shards in turn, and a SKU's partition follows from its number.
//!
//! Clients need not know this. A drill does, to ask for orders over several shards and to say how many there were.

/// Partitions: the top 12 bits of a SKU's hash, and of its orders' numbers.
const PARTITION_BITS: u32 = 12;

/// Factor of the fixed multiplicative hash.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Set in the number of a SKU that is in a placement group: the partition follows from the upper half of the number alone.
const GROUPED: u64 = 1 << 63;

/// The partition of a SKU, 0 to 4,095.
pub fn partition(sku: u64) -> u64 {
    let like = if sku & GROUPED == 0 { sku } else { sku >> 32 };
    like.wrapping_mul(FACTOR) >> (u64::BITS - PARTITION_BITS)
}

/// The partition that an order's number names: that of its lowest SKU.
pub fn partition_of_order(order: u64) -> u64 {
    order >> (u64::BITS - PARTITION_BITS)
}

/// The shard of a SKU at a server with so many; 0 where it has said none.
pub fn shard(sku: u64, shards: u32) -> u32 {
    u32::try_from(partition(sku) % u64::from(shards.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_documented_example_is_in_its_skus_partition() {
        // docs/protocol.md: SKU 1 was held as this order.
        let order = 0x9E30_0000_0000_0001;
        assert_eq!((partition(1), partition_of_order(order)), (0x9E3, 0x9E3));
    }

    #[test]
    fn skus_of_a_group_are_together() {
        let sku = |group: u64, number: u64| GROUPED | group << 32 | number;
        assert!((1..100).all(|number| partition(sku(7, number)) == partition(sku(7, 0))));
        assert!((1..100).any(|group| partition(sku(group, 1)) != partition(sku(7, 1))));
    }

    #[test]
    fn skus_are_dealt_out_to_all_shards() {
        let mut seen = [0; 4];
        (0..4_000).for_each(|sku| seen[shard(sku, 4) as usize] += 1);
        assert!(seen.iter().all(|count| (900..1_100).contains(count)), "{seen:?}");
        assert_eq!(shard(7, 0), 0);
    }
}
