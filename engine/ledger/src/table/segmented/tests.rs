//! What a table keeps, whatever comes and goes and splits.

use alloc::collections::BTreeSet;

use super::*;

/// A key that is its own hash, so that collisions can be made at will.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key(u64);

impl Entry for Key {
    const FREE: Self = Self(0);
    fn is_free(&self) -> bool {
        self.0 == 0
    }
    fn home(&self, _seed: u64) -> u32 {
        u32::try_from(self.0 & 0xFFFF_FFFF).unwrap()
    }
}

proptest::proptest! {
    /// Segments of four lines and three homes, so that runs collide, wrap around, are removed from the middle and
    /// split, evenly and not.
    #[test]
    fn behaves_as_a_set(
        steps in proptest::collection::vec((0_u64..3, 1_u64..200, proptest::bool::weighted(0.7)), 0..800),
    ) {
        let mut table = Segmented::<Key, 8, 4>::new(0, 85);
        let mut model = BTreeSet::new();
        for (home, high, add) in steps {
            // Half of the keys crowd into one corner of the hash space.
            let high = if high % 2 == 0 { high << 16 } else { high << 23 };
            let key = high | (home << 14) | 1;
            if add {
                if model.insert(key) { table.insert(key, Key(key)).unwrap(); }
            } else {
                let removed = table.remove(key, |entry| entry.0 == key);
                assert_eq!(removed.is_some(), model.remove(&key));
            }
            assert_eq!(table.len(), model.len());
        }
        for &key in &model {
            assert_eq!(table.find(key, |entry| entry.0 == key, |_| true), Some(&Key(key)));
        }
        assert_eq!(table.iter().map(|key| key.0).collect::<BTreeSet<_>>(), model);
    }
}

#[test]
fn an_entry_costs_about_twice_its_size_at_most_at_any_number() {
    let mut table = Segmented::<Key, 8>::new(0, 75);
    let mut most = 0;
    for count in 1_u64..2_000_000 {
        // An odd multiplier gives every key a hash of its own, spread evenly.
        let hash = count.wrapping_mul(0x9E37_79B9);
        table.insert(hash, Key(hash)).unwrap();
        if count >= 1_000_000 && count % 10_000 == 0 {
            most = most.max(table.bytes() * 100 / (table.len() * size_of::<Key>()));
        }
    }
    assert!(most < 215, "an entry costs {most} % of its size");
}

#[test]
fn a_segment_that_cannot_split_refuses_and_loses_nothing() {
    // Hashes that differ in their high halves only: no split tells them apart.
    let mut table = Segmented::<Key, 8, 4>::new(0, 85);
    let keys: Vec<u64> = (1_u64..100).map(|high| (high << 32) | 5).collect();
    let taken: Vec<u64> = keys.iter().copied().filter(|&key| table.insert(key, Key(key)).is_some()).collect();
    assert_eq!((taken.len(), table.len()), (32, 32), "a segment has four lines of eight places");
    for (gone, &key) in taken.iter().enumerate() {
        assert_eq!(table.find(key, |entry| entry.0 == key, |_| true), Some(&Key(key)));
        assert_eq!(table.remove(key, |entry| entry.0 == key), Some(Key(key)));
        assert_eq!((table.len(), table.iter().count()), (31 - gone, 31 - gone));
    }
}

#[test]
fn shares_keep_the_order_of_hashes() {
    assert_eq!(share(0), 0);
    assert!((3 << 30) - 4 <= share(u64::MAX) && share(u64::MAX) < 3 << 30);
    let mut last = 0;
    for hash in (0..1 << 32).step_by(65_537) {
        assert!(share(hash) >= last);
        last = share(hash);
    }
}
