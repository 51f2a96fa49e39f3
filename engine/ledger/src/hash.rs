//! Hashes for finding things, and mixes for comparing them. They are different on purpose.
//!
//! Finding uses foldhash with a seed that the process draws at its start: shoppers choose ids, and with a known seed
//! they could choose ids that collide. Comparing (digests, fingerprints) uses a fixed mix, because its results must
//! be the same on every machine and in every later version.

use core::hash::{BuildHasher, Hasher as _};

use foldhash::quality::FixedState;

use crate::ids::{RequestId, SkuId, UserId};
use crate::table::Slot;

/// Seeded hashes for the ledger's tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hasher {
    seed: u64,
}

impl Hasher {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    #[inline]
    pub(crate) fn sku(self, sku: SkuId) -> u64 {
        let mut hasher = FixedState::with_seed(self.seed).build_hasher();
        hasher.write_u64(sku.raw());
        hasher.finish()
    }

    #[inline]
    pub(crate) fn request(self, request: RequestId, sku: Slot) -> u64 {
        let mut hasher = FixedState::with_seed(self.seed).build_hasher();
        hasher.write_u128(request.raw());
        hasher.write_u32(sku);
        hasher.finish()
    }

    #[inline]
    pub(crate) fn user(self, user: UserId, sku: Slot) -> u64 {
        let mut hasher = FixedState::with_seed(self.seed).build_hasher();
        hasher.write_u64(user.raw());
        hasher.write_u32(sku);
        hasher.finish()
    }
}

/// A fixed, order-sensitive mix of 64-bit words: each word goes through the finaliser of `SplitMix64` (Steele, Lea and
/// Flood, OOPSLA 2014), whose constants never change here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix(u64);

impl Mix {
    pub(crate) const fn new(domain: u64) -> Self {
        Self(domain)
    }

    pub(crate) const fn word(self, word: u64) -> Self {
        let mut z = self.0.rotate_left(23) ^ word.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(z ^ (z >> 31))
    }

    pub(crate) fn wide(self, word: u128) -> Self {
        self.word(u64::try_from(word >> 64).unwrap_or(0))
            .word(u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0))
    }

    pub(crate) const fn finish(self) -> u64 {
        self.0
    }
}
