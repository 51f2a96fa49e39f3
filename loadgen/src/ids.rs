//! Request ids in bulk.

use doorbuster_protocol::RequestId;

/// Makes UUIDs of version 7 without asking the system for randomness each time.
///
/// The random bits are a counter put through a mixing function (splitmix64's finaliser), so that they look as
/// random to the server's tables as real ones, and never repeat within a run.
#[derive(Clone, Debug)]
pub struct IdMaker {
    nonce: u64,
    next: u64,
}

impl IdMaker {
    /// A maker of its own sequence; makers with different nonces don't meet.
    pub fn new(nonce: u64) -> Self {
        Self { nonce, next: 0 }
    }

    /// A nonce that differs between runs, whatever their seed: a server that remembers ids must not take a second
    /// run for a repeat of the first.
    pub fn fresh_nonce() -> u64 {
        rand::random()
    }

    /// The next id, made at this server time.
    pub fn make(&mut self, now_ms: u64) -> RequestId {
        let count = self.next;
        self.next = self.next.wrapping_add(1);
        let random = mix(self.nonce ^ count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let high = (now_ms << 16) | 0x7000 | (count & 0xFFF);
        let low = (random >> 2) | (1 << 63);
        ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
    }
}

/// Spreads a number's bits over all of the result's; a bijection.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_of_the_given_time_and_all_differ() {
        let mut maker = IdMaker::new(5);
        let ids: Vec<RequestId> = (0..10_000).map(|_| maker.make(0x0123_4567_89AB)).collect();
        for id in &ids {
            assert_eq!(id[..6], [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB]);
            assert_eq!((id[6] >> 4, id[8] >> 6), (7, 0b10));
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len());
    }
}
