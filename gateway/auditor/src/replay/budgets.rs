//! Promotion budgets and coupons, by the log: every cent is in one place at any time, no budget pays what it doesn't have, and
//! its funders pay each discount to the cent.
//!
//! The log says where money is put (kinds 65 to 70) and, of an order that is placed, how much it claims; that the money is spent
//! or goes back follows from what else the log says of the order. All of it is added up here anew.

use std::collections::{BTreeMap, HashMap};

use super::{Left, State};
use crate::faults::Faults;
use crate::record::{Claim, Money};

/// A budget's accounts, minor units.
#[derive(Clone, Debug, Default)]
pub struct Account {
    shares: Vec<u32>,
    /// All that was put in.
    pub funded: u64,
    bank: u64,
    /// What the slice of each partition has left.
    slices: BTreeMap<u16, u64>,
    /// Claimed by orders that aren't paid yet.
    pub reserved: u64,
    /// Claimed by paid orders.
    pub spent: u64,
    /// What each funder pays of both.
    pub posted: Vec<u64>,
    /// It pays no further discounts.
    pub stopped: bool,
}

impl Account {
    /// What is neither claimed nor spent.
    pub fn left(&self) -> u64 {
        self.slices.values().fold(self.bank, |sum, cents| sum.saturating_add(*cents))
    }

    /// Why the accounts don't add up, if they don't.
    fn fault(&self, budget: u32) -> Option<String> {
        let claimed = self.reserved.saturating_add(self.spent);
        let whole = self.left().saturating_add(claimed);
        let paid = self.posted.iter().fold(0_u64, |sum, cents| sum.saturating_add(*cents));
        let sound = whole == self.funded && (paid == claimed || self.shares.is_empty());
        (!sound).then(|| {
            format!(
                "log: the accounts of budget {budget} don't add up: {} were put in; {} are left, {} claimed, {} spent, \
                 and funders pay {paid}",
                self.funded,
                self.left(),
                self.reserved,
                self.spent
            )
        })
    }

    /// Each funder pays another part: of so many cents now, and not of so many as before.
    fn post(&mut self, before: u64, after: u64) {
        let (before, after) = (parts(before, &self.shares), parts(after, &self.shares));
        for (posted, (before, after)) in self.posted.iter_mut().zip(before.into_iter().zip(after)) {
            *posted = posted.saturating_add(after).saturating_sub(before);
        }
    }
}

/// Most cents that a budget may have, and be moved at once: 2^60. Sums of what a sound log moves stay exact in 64 bits; those of
/// a forged one stop at the largest number, and no account adds up to that.
const MOST: u64 = 1 << 60;

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
pub struct Budgets {
    /// By number.
    pub accounts: BTreeMap<u32, Account>,
    claims: HashMap<u64, Claimed>,
    /// Batches by number: how many coupons, and how often each may be used.
    batches: BTreeMap<u32, (u32, u32)>,
    /// By coupon: uses that are held, and that were redeemed.
    coupons: HashMap<u64, (u32, u32)>,
    /// Uses that are held, by coupon and order.
    uses: HashMap<(u64, u64), u32>,
    /// From which position on the smallest discount that was claimed could be claimed once more.
    pub left: Left,
    least: HashMap<u32, u64>,
    /// Discounts that were claimed.
    pub claimed: u64,
    /// What contradicts itself.
    pub faults: Faults,
}

/// An order's partition is in the upper 12 bits of its number.
fn partition(order: u64) -> u16 {
    u16::try_from(order >> 52).unwrap_or(0)
}

impl Budgets {
    /// Adds a record up.
    pub(super) fn change(&mut self, position: u64, entry: Money) {
        let Self { accounts, faults, .. } = self;
        match entry {
            Money::Opened { budget } => {
                if accounts.insert(budget, Account::default()).is_some() {
                    faults.note(|| format!("log: budget {budget} is set up twice"));
                }
            }
            Money::Issued { batch, serials, uses } => {
                if self.batches.insert(batch, (serials, uses)).is_some() {
                    faults.note(|| format!("log: batch {batch} of coupons is issued twice"));
                }
            }
            Money::Coupon { kind, coupon, order } => self.coupon(kind, coupon, order),
            Money::Funder { budget, .. }
            | Money::Funded { budget, .. }
            | Money::Stopped { budget }
            | Money::Drained { budget, .. }
            | Money::Filled { budget, .. } => self.money(budget, entry),
        }
        if let Money::Funded { budget, .. } = entry {
            self.note(position, budget);
        }
    }

    fn money(&mut self, budget: u32, entry: Money) {
        let Self { accounts, faults, .. } = self;
        let Some(account) = accounts.get_mut(&budget) else {
            return faults.note(|| format!("log: budget {budget} was never set up: {entry:?}"));
        };
        if let Money::Funded { funded: cents, .. }
        | Money::Drained { cents, .. }
        | Money::Filled { cents, .. } = entry
            && cents > MOST
        {
            return faults.note(|| format!("log: {cents} is more than budget {budget} may have"));
        }
        match entry {
            Money::Funder { share, .. } => {
                account.shares.push(share);
                account.posted.push(0);
            }
            Money::Funded { funded, .. } => {
                let rest = account.left().saturating_add(account.reserved).saturating_add(account.spent);
                let bank = account.bank.saturating_add(funded).checked_sub(account.funded);
                match bank {
                    Some(bank) if rest == account.funded => account.bank = bank,
                    _ => faults.note(|| {
                        format!("log: {funded} in budget {budget} is less than slices and orders have")
                    }),
                }
                account.funded = funded;
            }
            Money::Stopped { .. } => account.stopped = true,
            Money::Drained { cents, .. } => {
                let slices = account.slices.values().fold(0_u64, |sum, cents| sum.saturating_add(*cents));
                if slices != cents {
                    faults.note(|| {
                        format!("log: budget {budget}: slices had {slices} left, and {cents} went back")
                    });
                }
                account.slices.clear();
                account.bank = account.bank.saturating_add(cents);
            }
            Money::Filled { partition, cents, .. } => {
                let Some(bank) = account.bank.checked_sub(cents) else {
                    let bank = account.bank;
                    return faults.note(|| format!("log: budget {budget}: {cents} leave a bank of {bank}"));
                };
                account.bank = bank;
                let slice = account.slices.entry(partition).or_default();
                *slice = slice.saturating_add(cents);
            }
            Money::Opened { .. } | Money::Issued { .. } | Money::Coupon { .. } => {}
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
        account.reserved = account.reserved.saturating_add(cents);
        account.post(0, cents);
    }

    /// An order ended, with what it claimed.
    pub(super) fn ended(&mut self, position: u64, order: u64, state: State) {
        let Some(Claimed { budget, partition, cents }) = self.claims.get(&order).copied() else { return };
        let Some(account) = self.accounts.get_mut(&budget) else { return };
        account.reserved = account.reserved.saturating_sub(cents);
        if state == State::Confirmed {
            account.spent = account.spent.saturating_add(cents);
        } else {
            let slice = account.slices.entry(partition).or_default();
            *slice = slice.saturating_add(cents);
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
        account.reserved = account.reserved.saturating_sub(had.saturating_sub(cents));
        let slice = account.slices.entry(partition).or_default();
        *slice = slice.saturating_add(had.saturating_sub(cents));
        account.post(had, cents);
        self.note(position, budget);
    }

    fn coupon(&mut self, kind: u8, coupon: u64, order: u64) {
        let Self { batches, coupons, uses: held_by, faults, .. } = self;
        let batch = u32::try_from(coupon >> 32).unwrap_or(0);
        let serial = u32::try_from(coupon & 0xFFFF_FFFF).unwrap_or(0);
        let (serials, uses) = batches.get(&batch).copied().unwrap_or_default();
        let (held, redeemed) = coupons.entry(coupon).or_default();
        let own = held_by.entry((coupon, order)).or_default();
        let sound = match kind {
            73 => {
                *own += 1;
                *held += 1;
                serial < serials && *held + *redeemed <= uses
            }
            _ if *own == 0 => false,
            _ => {
                *own -= 1;
                *held -= 1;
                *redeemed += u32::from(kind == 75);
                true
            }
        };
        if *own == 0 {
            held_by.remove(&(coupon, order));
        }
        if !sound {
            let what = match kind {
                73 => "is used once more than it may be",
                74 => "is given back and isn't held for it",
                _ => "is redeemed and isn't held for it",
            };
            faults.note(|| {
                format!("log: coupon {batch}-{serial}, order {order}: it {what}: a record of kind {kind} can't follow")
            });
        }
    }

    /// Coupons: uses that were redeemed.
    pub fn redeemed(&self) -> u64 {
        self.coupons.values().map(|(_, redeemed)| u64::from(*redeemed)).sum()
    }

    /// Looks whether the accounts add up.
    pub(super) fn finish(&mut self) {
        let Self { accounts, faults, .. } = self;
        for fault in accounts.iter().filter_map(|(number, account)| account.fault(*number)) {
            faults.note(|| fault);
        }
    }

    /// From here on, as much is left.
    fn note(&mut self, position: u64, budget: u32) {
        let Self { accounts, left, least, .. } = self;
        let (Some(account), Some(least)) = (accounts.get(&budget), least.get(&budget)) else { return };
        left.note(u64::from(budget), None, position, account.left() / (*least).max(1));
    }
}
