//! Promotion budgets and coupons, by the log: every cent is in one place at any time, no budget pays what it doesn't have, and
//! its funders pay each discount to the cent.
//!
//! The log says where money is put (kinds 65 to 70) and, of an order that is placed, how much it claims; that the money is spent
//! or goes back follows from what else the log says of the order. All of it is added up here anew.

use std::collections::{BTreeMap, HashMap};

use doorbuster_protocol::{BudgetView, Code};

use super::Check;
use super::log::{u16_at, u32_at, u64_at};
use super::order::State;
use super::record::Claim;
use super::refusals::Left;
use super::replay::Replay;
use crate::journal::{Exhausted, Faults, Journal};

/// What a record of kinds 65 to 75 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Opened {
        budget: u32,
    },
    Funder {
        budget: u32,
        share: u32,
    },
    Funded {
        budget: u32,
        funded: u64,
    },
    Stopped {
        budget: u32,
    },
    Drained {
        budget: u32,
        cents: u64,
    },
    Filled {
        budget: u32,
        partition: u16,
        cents: u64,
    },
    Issued {
        batch: u32,
        serials: u32,
        uses: u32,
    },
    /// A use of a coupon: held for the first, given back or redeemed for the others.
    Coupon {
        kind: u8,
        coupon: u64,
    },
}

/// Reads the fields of a record of this kind; gives it and their bytes.
pub(super) fn entry(kind: u8, fields: &[u8]) -> Option<(Entry, usize)> {
    let long = |at: usize| fields.get(at..at + 8).map(|bytes| u64_at(bytes, 0));
    let int = |at: usize| fields.get(at..at + 4).map(|bytes| u32_at(bytes, 0));
    let short = |at: usize| fields.get(at..at + 2).map(|bytes| u16_at(bytes, 0));
    let (length, entry) = match kind {
        65 => (24, Entry::Opened { budget: int(0)? }),
        66 => (20, Entry::Funder { budget: int(0)?, share: int(8)? }),
        67 => (32, Entry::Funded { budget: int(0)?, funded: long(4)? }),
        68 => (24, Entry::Stopped { budget: int(0)? }),
        69 => (20, Entry::Drained { budget: int(0)?, cents: long(4)? }),
        70 => (22, Entry::Filled { budget: int(0)?, partition: short(4)?, cents: long(6)? }),
        72 => (48, Entry::Issued { batch: int(0)?, serials: int(4)?, uses: int(8)? }),
        73..=75 => (24, Entry::Coupon { kind, coupon: long(0)? }),
        _ => return None,
    };
    (fields.len() >= length).then_some((entry, length))
}

/// A budget's accounts, minor units.
#[derive(Clone, Debug, Default)]
struct Account {
    shares: Vec<u32>,
    funded: u64,
    bank: u64,
    /// What the slice of each partition has left.
    slices: BTreeMap<u16, u64>,
    reserved: u64,
    spent: u64,
    posted: Vec<u64>,
    stopped: bool,
}

impl Account {
    fn left(&self) -> u64 {
        self.bank + self.slices.values().sum::<u64>()
    }

    /// Each funder pays another part: of so many cents now, and not of so many as before.
    fn post(&mut self, before: u64, after: u64) {
        let (before, after) = (parts(before, &self.shares), parts(after, &self.shares));
        for (posted, (before, after)) in self.posted.iter_mut().zip(before.into_iter().zip(after)) {
            *posted = (*posted + after).saturating_sub(before);
        }
    }
}

/// What each pays: the whole cents of his part; the cents that are left go to the largest remainders, of equal ones to the first.
fn parts(cents: u64, shares: &[u32]) -> Vec<u64> {
    let total: u128 = shares.iter().map(|share| u128::from(*share)).sum();
    let exact = |share: &u32| u128::from(cents) * u128::from(*share);
    let mut parts: Vec<u64> =
        shares.iter().map(|share| u64::try_from(exact(share) / total.max(1)).unwrap_or(0)).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|&nth| (std::cmp::Reverse(exact(&shares[nth]) % total.max(1)), nth));
    let left = cents.saturating_sub(parts.iter().sum());
    for nth in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        parts[nth] += 1;
    }
    parts
}

/// What an order has claimed, and of whose slice.
#[derive(Clone, Copy, Debug)]
struct Claimed {
    budget: u32,
    partition: u16,
    cents: u64,
}

/// All budgets and coupons.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    accounts: BTreeMap<u32, Account>,
    claims: HashMap<u64, Claimed>,
    /// Batches by number: how many coupons, and how often each may be used.
    batches: BTreeMap<u32, (u32, u32)>,
    /// By coupon: uses that are held, and that were redeemed.
    coupons: HashMap<u64, (u32, u32)>,
    /// From which position on the smallest discount that was claimed could be claimed once more.
    left: Left,
    least: HashMap<u32, u64>,
    /// Discounts that were claimed.
    pub(super) claimed: u64,
    pub(super) faults: Faults,
}

/// An order's partition is in the upper 12 bits of its number.
fn partition(order: u64) -> u16 {
    u16::try_from(order >> 52).unwrap_or(0)
}

impl Budgets {
    /// Adds a record up.
    pub(super) fn change(&mut self, position: u64, entry: Entry) {
        let Self { accounts, faults, .. } = self;
        match entry {
            Entry::Opened { budget } => {
                if accounts.insert(budget, Account::default()).is_some() {
                    faults.note(|| format!("log: budget {budget} is set up twice"));
                }
            }
            Entry::Issued { batch, serials, uses } => {
                if self.batches.insert(batch, (serials, uses)).is_some() {
                    faults.note(|| format!("log: batch {batch} of coupons is issued twice"));
                }
            }
            Entry::Coupon { kind, coupon } => self.coupon(kind, coupon),
            Entry::Funder { budget, .. }
            | Entry::Funded { budget, .. }
            | Entry::Stopped { budget }
            | Entry::Drained { budget, .. }
            | Entry::Filled { budget, .. } => self.money(budget, entry),
        }
        if let Entry::Funded { budget, .. } = entry {
            self.note(position, budget);
        }
    }

    fn money(&mut self, budget: u32, entry: Entry) {
        let Self { accounts, faults, .. } = self;
        let Some(account) = accounts.get_mut(&budget) else {
            return faults.note(|| format!("log: budget {budget} was never set up: {entry:?}"));
        };
        match entry {
            Entry::Funder { share, .. } => {
                account.shares.push(share);
                account.posted.push(0);
            }
            Entry::Funded { funded, .. } => {
                let rest = account.left() + account.reserved + account.spent;
                let bank = (account.bank + funded).checked_sub(account.funded);
                match bank {
                    Some(bank) if rest == account.funded => account.bank = bank,
                    _ => faults.note(|| {
                        format!("log: {funded} in budget {budget} is less than slices and orders have")
                    }),
                }
                account.funded = funded;
            }
            Entry::Stopped { .. } => account.stopped = true,
            Entry::Drained { cents, .. } => {
                let slices: u64 = account.slices.values().sum();
                if slices != cents {
                    faults.note(|| {
                        format!("log: budget {budget}: slices had {slices} left, and {cents} went back")
                    });
                }
                account.slices.clear();
                account.bank += cents;
            }
            Entry::Filled { partition, cents, .. } => {
                let Some(bank) = account.bank.checked_sub(cents) else {
                    let bank = account.bank;
                    return faults.note(|| format!("log: budget {budget}: {cents} leave a bank of {bank}"));
                };
                account.bank = bank;
                *account.slices.entry(partition).or_default() += cents;
            }
            Entry::Opened { .. } | Entry::Issued { .. } | Entry::Coupon { .. } => {}
        }
    }

    /// An order that is placed claims.
    pub(super) fn claim(&mut self, position: u64, order: u64, claim: Claim) {
        let Claim { budget, cents } = claim;
        self.claimed += 1;
        let least = self.least.entry(budget).or_insert(cents);
        *least = (*least).min(cents);
        let stopped = self.accounts.get(&budget).is_none_or(|account| account.stopped);
        let claimed = Claimed { budget, partition: partition(order), cents };
        if stopped || self.claims.insert(order, claimed).is_some() {
            self.faults.note(|| format!("log: order {order} can't claim {cents} from budget {budget}"));
        }
        self.take(order);
        self.note(position, budget);
    }

    /// Takes what an order claims out of its slice.
    fn take(&mut self, order: u64) {
        let Self { accounts, claims, faults, .. } = self;
        let Some(Claimed { budget, partition, cents }) = claims.get(&order).copied() else { return };
        let Some(account) = accounts.get_mut(&budget) else { return };
        let left = account.slices.entry(partition).or_default();
        if *left < cents {
            let left = *left;
            faults.note(|| {
                format!("log: order {order} takes {cents} of {left} that are left in budget {budget}")
            });
        }
        *left = left.saturating_sub(cents);
        account.reserved += cents;
        account.post(0, cents);
    }

    /// An order ended, with what it claimed.
    pub(super) fn ended(&mut self, position: u64, order: u64, state: State) {
        let Some(Claimed { budget, partition, cents }) = self.claims.get(&order).copied() else { return };
        let Some(account) = self.accounts.get_mut(&budget) else { return };
        account.reserved = account.reserved.saturating_sub(cents);
        if state == State::Confirmed {
            account.spent += cents;
        } else {
            *account.slices.entry(partition).or_default() += cents;
            account.post(cents, 0);
        }
        self.note(position, budget);
    }

    /// An order that had ended is paid late: it claims again, and spends.
    pub(super) fn again(&mut self, position: u64, order: u64, ended: bool) {
        if ended {
            self.take(order);
        }
        self.ended(position, order, State::Confirmed);
    }

    /// So many units of an order went back for good, and so many are left.
    pub(super) fn cut(&mut self, position: u64, order: u64, before: u32, left: u32) {
        let Some(claim) = self.claims.get_mut(&order) else { return };
        let cents = u128::from(claim.cents) * u128::from(left) / u128::from(before.max(1));
        let cents = u64::try_from(cents).unwrap_or(0);
        let Claimed { budget, partition, cents: had } = *claim;
        claim.cents = cents;
        let Some(account) = self.accounts.get_mut(&budget) else { return };
        account.reserved = account.reserved.saturating_sub(had - cents);
        *account.slices.entry(partition).or_default() += had - cents;
        account.post(had, cents);
        self.note(position, budget);
    }

    fn coupon(&mut self, kind: u8, coupon: u64) {
        let Self { batches, coupons, faults, .. } = self;
        let batch = u32::try_from(coupon >> 32).unwrap_or(0);
        let serial = u32::try_from(coupon & 0xFFFF_FFFF).unwrap_or(0);
        let (serials, uses) = batches.get(&batch).copied().unwrap_or_default();
        let (held, redeemed) = coupons.entry(coupon).or_default();
        let sound = match kind {
            73 => {
                *held += 1;
                serial < serials && *held + *redeemed <= uses
            }
            _ if *held == 0 => false,
            _ => {
                *held -= 1;
                *redeemed += u32::from(kind == 75);
                true
            }
        };
        if !sound {
            faults.note(|| format!("log: coupon {batch}-{serial}: a record of kind {kind} can't follow"));
        }
    }

    /// From here on, as much is left.
    fn note(&mut self, position: u64, budget: u32) {
        let Self { accounts, left, least, .. } = self;
        let (Some(account), Some(least)) = (accounts.get(&budget), least.get(&budget)) else { return };
        left.note(u64::from(budget), None, position, account.left() / (*least).max(1));
    }
}

/// What the budgets paid is what was put in and no more, by the log; the server's accounts are the log's; and nobody was refused
/// a discount while there was one. None where nothing claims.
pub(super) fn check(journal: &Journal, view: Option<&BudgetView>, replay: &Replay) -> Option<Check> {
    let view = view?;
    let rule = "every cent of a budget is in one place and paid by its funders, and nobody was refused one that was left";
    let mut check = Check::new("budgets", rule);
    let budgets = &replay.budgets;
    check.examined = budgets.claimed;
    check.faults = budgets.faults.clone();
    let none = Account::default();
    let account = budgets.accounts.get(&view.budget).unwrap_or(&none);
    let posted: Vec<u64> =
        view.funders.iter().take(usize::from(view.count)).map(|funder| funder.posted).collect();
    let server = (view.funded, view.left, view.reserved, view.spent, &posted);
    let logged = (account.funded, account.left(), account.reserved, account.spent, &account.posted);
    if view.code != Code::Ok.number() || server != logged {
        let budget = view.budget;
        check.faults.note(|| {
            format!(
                "budget {budget}: funded, left, reserved, spent and posted are {server:?} at the server and {logged:?} in \
                 the log"
            )
        });
    }
    for (number, account) in &budgets.accounts {
        let whole = account.left() + account.reserved + account.spent;
        let paid = account.posted.iter().sum::<u64>();
        if whole != account.funded || paid != account.reserved + account.spent {
            check.faults.note(|| format!("log: the accounts of budget {number} don't add up: {account:?}"));
        }
    }
    for &Exhausted { after, until } in journal.exhausted.iter().filter(|refusal| refusal.until > 0) {
        check.examined += 1;
        if budgets.left.throughout((u64::from(view.budget), None), after, until) {
            check.faults.note(|| {
                format!("BUDGET_EXHAUSTED between positions {after} and {until} of the log, and a discount was left")
            });
        }
    }
    Some(check)
}

#[cfg(test)]
#[path = "budgets_tests.rs"]
mod tests;
