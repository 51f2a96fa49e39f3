//! Where the frames of a closed loop come from.

use super::Operation;
use crate::frames::{Payment, Template, Wish};
use crate::ids::{IdMaker, mix};
use crate::shards::shard;

/// Where frames come from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) op: Operation,
    pub(super) template: Template,
    pub(super) ids: IdMaker,
    pub(super) now_ms: u64,
    pub(super) next: u64,
    pub(super) users: u64,
    pub(super) first_sku: u64,
    pub(super) skus: u64,
    /// Shards of the server: two lines are in two of them.
    pub(super) shards: u32,
    /// Reserved orders to confirm, with their owners.
    pub(super) orders: Vec<(u64, u64)>,
}

impl Source {
    /// Shopper of the n-th operation: every shopper once in the first `users` operations, in a mixed order where
    /// `users` is a power of two, nearly so elsewhere.
    pub(super) fn user(&self, number: u64) -> u64 {
        1 + mix(number) % self.users
    }

    /// Appends the next frame; false if there is nothing left to ask for.
    pub(super) fn put(&mut self, batch: u32, correlation: u64, out: &mut Vec<u8>) -> Option<u64> {
        let first = self.next;
        if self.op == Operation::Confirm {
            if self.orders.len() < batch as usize {
                return None;
            }
            let Self { template, ids, orders, now_ms, .. } = self;
            let payment = || {
                let (order, user) = orders.pop().unwrap_or_default();
                Payment { order, user, payment_id: ids.make(*now_ms) }
            };
            template.put_confirms(correlation, payment, out);
        } else if self.op == Operation::TwoLines {
            let mut number = first;
            let (users, skus, base, shards, now_ms) =
                (self.users, self.skus, self.first_sku, self.shards, self.now_ms);
            let Self { template, ids, .. } = self;
            let wish = || {
                let spread = mix(number);
                number += 1;
                let one = ((spread >> 32) * skus) >> 32;
                let other = elsewhere(base, one, skus, shards);
                let wish = Wish { request_id: ids.make(now_ms), user: 1 + spread % users, sku: base + one };
                (wish, base + other)
            };
            template.put_two_lines(correlation, wish, out);
        } else {
            let mut number = first;
            let (users, skus, first_sku, now_ms) = (self.users, self.skus, self.first_sku, self.now_ms);
            let Self { template, ids, .. } = self;
            let wish = || {
                let spread = mix(number);
                number += 1;
                let sku = first_sku + (((spread >> 32) * skus) >> 32);
                Wish { request_id: ids.make(now_ms), user: 1 + spread % users, sku }
            };
            template.put_reserves(correlation, wish, out);
        }
        self.next += u64::from(batch);
        Some(first)
    }
}

/// Most SKUs that are looked at for one in another shard: with two shards, all of so many being in one is as likely as 2^-64.
const PROBES: u64 = 64;

/// The next of `skus` SKUs, counted from `base`, that isn't in the same shard; the next one where none of many is.
pub(super) fn elsewhere(base: u64, one: u64, skus: u64, shards: u32) -> u64 {
    let own = shard(base + one, shards);
    let next = |step: u64| (one + step) % skus.max(1);
    (1..=PROBES).map(next).find(|other| shard(base + other, shards) != own).unwrap_or(next(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_lines_of_an_order_are_in_two_shards() {
        for base in [0, 7 << 20, 99 << 20] {
            for one in 0..1_000 {
                let other = elsewhere(base, one, 1_000, 2);
                assert!(
                    other < 1_000 && shard(base + one, 2) != shard(base + other, 2),
                    "{base} {one} {other}"
                );
            }
        }
    }
}
