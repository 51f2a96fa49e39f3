//! One hash over everything that a log comes to.
//!
//! Two audits of one log, or of a log and its copy, come to the same hash; so do a log and a longer one up to the same
//! position. It is the auditor's own sum and has nothing to do with the engine's digest.

use std::collections::BTreeMap;

use crate::log::Hash;
use crate::replay::Replay;

/// The hash: each kind of row sorted by its key, all numbers little-endian.
pub(super) fn hash(replay: &Replay) -> Hash {
    let mut sum = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        sum.update(bytes);
    };
    let units: BTreeMap<_, _> = replay.units.iter().collect();
    for (sku, units) in units {
        add(b"s");
        add(&sku.to_le_bytes());
        for account in [units.brought, units.corrected, units.removed, units.held, units.sold, units.shipped]
        {
            add(&account.to_le_bytes());
        }
    }
    let orders: BTreeMap<_, _> = replay.orders.iter().collect();
    for (number, order) in orders {
        add(b"o");
        add(&number.to_le_bytes());
        add(&[order.state as u8]);
        add(&order.placed.user.to_le_bytes());
        add(&order.placed.sku.to_le_bytes());
        add(&order.units.to_le_bytes());
        add(&order.payment_id);
        for (sku, line) in replay.legs.of(*number) {
            add(&sku.to_le_bytes());
            add(&line.units.to_le_bytes());
        }
    }
    for ((order, payment), ends) in &replay.payments {
        add(b"p");
        add(&order.to_le_bytes());
        add(payment);
        add(&ends.bought.to_le_bytes());
        add(&ends.refunds.to_le_bytes());
        add(&ends.amount.to_le_bytes());
    }
    for (number, budget) in &replay.budgets.accounts {
        add(b"b");
        add(&number.to_le_bytes());
        for cents in [budget.funded, budget.left(), budget.reserved, budget.spent] {
            add(&cents.to_le_bytes());
        }
    }
    Hash(*sum.finalize().as_bytes())
}
