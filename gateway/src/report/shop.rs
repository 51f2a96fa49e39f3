//! The stock of each SKU, added up from the events, as it was at any moment.

use std::collections::HashMap;

/// A SKU's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) available: i64,
    pub(super) held: i64,
    pub(super) sold: i64,
    /// Units that orders in its line wait for.
    pub(super) waiting: i64,
    /// The price that was set last, minor units; 0: none.
    pub(super) price: u64,
    /// When a shopper took the last free unit for the first time.
    pub(super) first_out: Option<u64>,
    /// Since when none is free.
    pub(super) out_since: Option<u64>,
    /// How long none was free before that, milliseconds.
    pub(super) out_ms: u64,
    /// Whether it counts: see [`Shop::count`].
    counted: bool,
}

/// Where units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside: not yet here, or gone for good.
    Outside,
    Available,
    Held,
    Sold,
}

/// What all SKUs that count have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Levels {
    /// SKUs.
    pub(super) skus: u64,
    /// Free units.
    pub(super) available: i64,
    /// Units in open holds.
    pub(super) held: i64,
    /// Paid units.
    pub(super) sold: i64,
    /// Units that somebody waits for.
    pub(super) waiting: i64,
    /// SKUs without a free unit.
    pub(super) out: u64,
}

/// All SKUs.
#[derive(Debug, Default)]
pub(super) struct Shop {
    accounts: HashMap<u64, Account>,
    levels: Levels,
}

impl Shop {
    /// What those that count have now.
    pub(super) fn levels(&self) -> Levels {
        self.levels
    }

    pub(super) fn account(&self, sku: u64) -> Option<&Account> {
        self.accounts.get(&sku)
    }

    /// Whether a SKU counts.
    pub(super) fn counts(&self, sku: u64) -> bool {
        self.account(sku).is_some_and(|account| account.counted)
    }

    /// Those that count, by number.
    pub(super) fn counted(&self) -> Vec<(u64, Account)> {
        let all = self.accounts.iter().filter(|(_, account)| account.counted);
        let mut all: Vec<_> = all.map(|(sku, account)| (*sku, *account)).collect();
        all.sort_unstable_by_key(|(sku, _)| *sku);
        all
    }

    /// A SKU is set up, with so many units.
    pub(super) fn put(&mut self, sku: u64, units: i64, counted: bool, at: u64) -> Result<(), String> {
        if self.accounts.contains_key(&sku) {
            return Err(format!("SKU {} is set up already", crate::sku::Sku(sku)));
        }
        self.accounts.insert(sku, Account::default());
        if counted {
            self.count(sku)?;
        }
        self.shift(sku, units, (Place::Outside, Place::Available), at)
    }

    /// From now on the SKU counts.
    pub(super) fn count(&mut self, sku: u64) -> Result<(), String> {
        let account = found(&mut self.accounts, sku)?;
        if account.counted {
            return Ok(());
        }
        account.counted = true;
        let levels = &mut self.levels;
        levels.skus += 1;
        levels.available += account.available;
        levels.held += account.held;
        levels.sold += account.sold;
        levels.waiting += account.waiting;
        levels.out += u64::from(account.out_since.is_some());
        Ok(())
    }

    pub(super) fn price(&mut self, sku: u64, price: u64) -> Result<(), String> {
        found(&mut self.accounts, sku)?.price = price;
        Ok(())
    }

    /// Units move from one place to another; fewer than none move the other way.
    pub(super) fn shift(
        &mut self,
        sku: u64,
        units: i64,
        (from, to): (Place, Place),
        at: u64,
    ) -> Result<(), String> {
        let account = found(&mut self.accounts, sku)?;
        let levels = &mut self.levels;
        for (place, units) in [(from, -units), (to, units)] {
            let (of_sku, of_all) = match place {
                Place::Outside => continue,
                Place::Available => (&mut account.available, &mut levels.available),
                Place::Held => (&mut account.held, &mut levels.held),
                Place::Sold => (&mut account.sold, &mut levels.sold),
            };
            *of_sku = of_sku.saturating_add(units);
            if account.counted {
                *of_all = of_all.saturating_add(units);
            }
        }
        if account.available < 0 || account.held < 0 || account.sold < 0 {
            let Account { available, held, sold, .. } = account;
            return Err(format!(
                "SKU {} would have {available} available, {held} held, {sold} sold",
                crate::sku::Sku(sku)
            ));
        }
        let out = u64::from(account.counted);
        match (account.available, account.out_since) {
            (0, None) => {
                account.out_since = Some(at);
                if from == Place::Available && to != Place::Outside {
                    account.first_out = account.first_out.or(Some(at));
                }
                levels.out += out;
            }
            (1.., Some(since)) => {
                account.out_since = None;
                account.out_ms += at.saturating_sub(since);
                levels.out -= out;
            }
            _ => {}
        }
        Ok(())
    }

    /// So many more units are waited for, or fewer.
    pub(super) fn wait(&mut self, sku: u64, units: i64) -> Result<(), String> {
        let account = found(&mut self.accounts, sku)?;
        account.waiting = account.waiting.saturating_add(units);
        if account.counted {
            self.levels.waiting = self.levels.waiting.saturating_add(units);
        }
        Ok(())
    }
}

fn found(accounts: &mut HashMap<u64, Account>, sku: u64) -> Result<&mut Account, String> {
    accounts.get_mut(&sku).ok_or_else(|| format!("SKU {} was never set up", crate::sku::Sku(sku)))
}
