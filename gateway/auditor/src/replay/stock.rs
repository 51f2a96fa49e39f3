//! What becomes of a SKU, and units that move between its accounts.

use super::units::Source;
use super::{Replay, Share, Units};
use crate::record::{Entry, LegChange};

impl Replay {
    /// Adds a record about a SKU up; gives it, if what is left of it changed.
    pub(super) fn stock(&mut self, entry: Entry) -> Option<u64> {
        match entry {
            Entry::Put { sku, units, user_limit, order_limit, at } => {
                self.passes(at);
                let account = self.units.entry(sku).or_default();
                let twice = std::mem::replace(&mut account.is_put, true);
                account.brought += i128::from(units);
                account.limits = (user_limit, order_limit);
                if twice {
                    self.faults.note(|| format!("log: SKU {sku} is set up twice"));
                }
                Some(sku)
            }
            Entry::Limits { sku, user_limit, order_limit } => {
                self.known(sku, "gets limits").limits = (user_limit, order_limit);
                None
            }
            Entry::Frozen { sku, frozen } => {
                self.known(sku, "is frozen or sold again").frozen = frozen;
                None
            }
            Entry::Restocked { sku, units, at, .. } => {
                self.passes(at);
                let account = self.known(sku, "is restocked");
                account.brought += i128::from(units);
                let left = account.available();
                if left < 0 {
                    self.faults.note(|| {
                        format!(
                            "log: {units} units of SKU {sku} are withdrawn, and its account falls to {left}"
                        )
                    });
                }
                Some(sku)
            }
            Entry::Channel { sku, channel, rules, at } => {
                self.passes(at);
                let free = self.free(sku);
                self.channels.set(sku, channel, rules, free, at);
                Some(sku)
            }
            Entry::Rebalanced { sku, from, to, units, at } => {
                self.passes(at);
                self.channels.moved(sku, (from, to), units, at);
                Some(sku)
            }
            _ => None,
        }
    }

    /// The account of a SKU that must have been set up.
    pub(super) fn known(&mut self, sku: u64, what: &str) -> &mut Units {
        let Self { units, faults, .. } = self;
        let account = units.entry(sku).or_default();
        if !account.is_put {
            faults.note(|| format!("log: SKU {sku} {what} and was never set up"));
        }
        account
    }

    /// An order gets units.
    pub(super) fn take(&mut self, share: Share) {
        let Share { order, user, sku, units, channel, at } = share;
        self.channels.take(sku, channel, u64::from(units), self.free(sku), at);
        let limits = self.limits(sku, at);
        let account = self.units.entry(sku).or_default();
        account.held += i128::from(units);
        let (left, frozen) = (account.available(), account.frozen);
        if left < 0 {
            self.faults.note(|| {
                format!("log: order {order} takes a unit of SKU {sku} that isn't there: its account falls to {left}")
            });
        }
        if frozen {
            self.faults.note(|| format!("log: order {order} takes units of SKU {sku}, which is frozen"));
        }
        if !self.owned.allows(limits, sku, user, units) {
            self.faults.note(|| format!("log: order {order} takes user {user} over his limit of SKU {sku}"));
        }
        self.owned.add(sku, user, units);
    }

    /// Units of an order that were held are paid.
    pub(super) fn sell(&mut self, share: Share) {
        let Share { sku, units, channel, .. } = share;
        let account = self.units.entry(sku).or_default();
        account.held -= i128::from(units);
        account.sold += i128::from(units);
        self.channels.sell(sku, channel, u64::from(units));
    }

    /// An order's units go back.
    pub(super) fn give_back(&mut self, share: Share, source: Source) {
        let Share { order, user, sku, units, channel, at } = share;
        self.channels.give_back(sku, channel, u64::from(units), source == Source::Sold, at);
        let account = self.units.entry(sku).or_default().account(source);
        *account -= i128::from(units);
        let (left, owned) = (*account, self.owned.subtract(sku, user, units));
        if left < 0 || !owned {
            self.faults.note(|| {
                format!("log: order {order} gives {units} units of SKU {sku} back that it or user {user} didn't have")
            });
        }
    }

    pub(super) fn leg(&mut self, change: LegChange, share: Share, gifts: u32) {
        let Share { order, sku, units, .. } = share;
        let first = self.legs.of(order).all(|(of, _)| of != sku);
        if !self.legs.change(change, share, gifts) {
            return;
        }
        match change {
            LegChange::Held => {
                let most = self.limits(sku, share.at).order;
                if first && units > most {
                    self.faults.note(|| {
                        format!(
                            "log: order {order} has {units} units of SKU {sku}, and an order may have {most}"
                        )
                    });
                }
                self.take(share);
            }
            LegChange::Back | LegChange::Cut | LegChange::Dropped => self.give_back(share, Source::Held),
            LegChange::Paid => self.sell(share),
        }
    }
}
