//! Where the money of budgets is: in banks, and in slices by partition.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::id::{BudgetId, Claim, Funder};
use super::split::{MAX_FUNDERS, split};
use crate::ids::{Amount, PartitionId};

/// Most money that may be put into a budget, minor units: 2^60. Sums of accounts stay exact in 64 bits.
pub const MAX_FUNDED: u64 = 1 << 60;

/// Most budgets. Every ledger knows all of them.
pub(crate) const MAX_BUDGETS: usize = 1_024;

/// What is known of a budget, in every ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    pub(crate) funders: Vec<Funder>,
    pub(crate) funded: u64,
    pub(crate) stopped: bool,
}

/// A partition's part of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) left: u64,
    pub(crate) reserved: u64,
    pub(crate) spent: u64,
    /// What each funder pays of what is reserved and spent.
    pub(crate) posted: [u64; MAX_FUNDERS],
}

/// Whether a claim can be met from a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Unknown,
    Stopped,
    Enough,
    /// So much is missing.
    Short(u64),
}

/// The budgets, as one ledger has them.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    known: BTreeMap<BudgetId, Budget>,
    /// Of those budgets whose bank is in this ledger's share.
    banks: BTreeMap<BudgetId, u64>,
    slices: BTreeMap<(BudgetId, PartitionId), Slice>,
}

impl Budgets {
    pub(crate) fn get(&self, budget: BudgetId) -> Option<&Budget> {
        self.known.get(&budget)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.known.len() < MAX_BUDGETS
    }

    pub(crate) fn known(&self) -> impl Iterator<Item = (BudgetId, &Budget)> {
        self.known.iter().map(|(budget, known)| (*budget, known))
    }

    /// What the bank has; 0 where it is elsewhere.
    pub(crate) fn bank(&self, budget: BudgetId) -> u64 {
        self.banks.get(&budget).copied().unwrap_or(0)
    }

    pub(crate) fn slices(&self) -> impl Iterator<Item = (BudgetId, PartitionId, &Slice)> {
        self.slices.iter().map(|((budget, partition), slice)| (*budget, *partition, slice))
    }

    /// The slices of a budget that are here.
    pub(crate) fn slices_of(&self, budget: BudgetId) -> impl Iterator<Item = &Slice> {
        let ends = PartitionId::default()..=PartitionId::LAST;
        self.slices.range((budget, *ends.start())..=(budget, *ends.end())).map(|(_, slice)| slice)
    }

    /// Whether the partition's slice has enough for a claim, when `freed` has come back to it.
    pub(crate) fn room(&self, claim: Claim, partition: PartitionId, freed: u64) -> Room {
        match self.known.get(&claim.budget) {
            None => Room::Unknown,
            Some(budget) if budget.stopped => Room::Stopped,
            Some(_) => {
                let left = self.slices.get(&(claim.budget, partition)).map_or(0, |slice| slice.left);
                match claim.amount.raw().saturating_sub(left.saturating_add(freed)) {
                    0 => Room::Enough,
                    short => Room::Short(short),
                }
            }
        }
    }

    /// `None`, and no change, if there is such a budget.
    pub(crate) fn open(&mut self, budget: BudgetId) -> Option<()> {
        if self.known.contains_key(&budget) {
            return None;
        }
        self.known.insert(budget, Budget::default());
        Some(())
    }

    pub(crate) fn add_funder(&mut self, budget: BudgetId, funder: Funder) -> Option<()> {
        let known = self.known.get_mut(&budget)?;
        if known.funders.len() >= MAX_FUNDERS || known.funded > 0 {
            return None;
        }
        known.funders.push(funder);
        Some(())
    }

    /// `here`: the bank is in this ledger's share.
    pub(crate) fn fund(&mut self, budget: BudgetId, funded: u64, here: bool) -> Option<()> {
        let known = self.known.get_mut(&budget)?;
        if here {
            let bank = self.banks.entry(budget).or_default();
            let more = funded.checked_sub(known.funded);
            *bank = match more {
                Some(more) => bank.checked_add(more)?,
                None => bank.checked_sub(known.funded.checked_sub(funded)?)?,
            };
        }
        known.funded = funded;
        Some(())
    }

    pub(crate) fn stop(&mut self, budget: BudgetId) -> Option<()> {
        self.known.get_mut(&budget)?.stopped = true;
        Some(())
    }

    /// All slices' rests, `cents` over all ledgers, go back into the bank.
    pub(crate) fn drain(&mut self, budget: BudgetId, cents: u64, here: bool) -> Option<()> {
        self.known.get(&budget)?;
        let ends = (budget, PartitionId::default())..=(budget, PartitionId::LAST);
        for (_, slice) in self.slices.range_mut(ends) {
            slice.left = 0;
        }
        if here {
            let bank = self.banks.entry(budget).or_default();
            *bank = bank.checked_add(cents)?;
        }
        Some(())
    }

    /// A slice gets cents from the bank; `bank` and `slice` say which of them are here.
    pub(crate) fn fill(
        &mut self,
        budget: BudgetId,
        partition: PartitionId,
        cents: u64,
        (bank, slice): (bool, bool),
    ) -> Option<()> {
        self.known.get(&budget)?;
        if bank {
            let bank = self.banks.get_mut(&budget)?;
            *bank = bank.checked_sub(cents)?;
        }
        if slice {
            let slice = self.slices.entry((budget, partition)).or_default();
            slice.left = slice.left.checked_add(cents)?;
        }
        Some(())
    }

    /// An order claims what its partition's slice has left.
    pub(crate) fn claim(&mut self, claim: Claim, partition: PartitionId) -> Option<()> {
        let cents = claim.amount.raw();
        let slice = self.slices.get_mut(&(claim.budget, partition))?;
        slice.left = slice.left.checked_sub(cents)?;
        slice.reserved = slice.reserved.checked_add(cents)?;
        self.post(claim, partition, Amount::new(0))
    }

    /// A claim that is reserved becomes a smaller one, or none.
    pub(crate) fn give_back(&mut self, claim: Claim, partition: PartitionId, left: Amount) -> Option<()> {
        let cents = claim.amount.raw().checked_sub(left.raw())?;
        let slice = self.slices.get_mut(&(claim.budget, partition))?;
        slice.reserved = slice.reserved.checked_sub(cents)?;
        slice.left = slice.left.checked_add(cents)?;
        self.post(Claim { amount: left, ..claim }, partition, claim.amount)
    }

    /// The order of a claim that is reserved was paid.
    pub(crate) fn spend(&mut self, claim: Claim, partition: PartitionId) -> Option<()> {
        let cents = claim.amount.raw();
        let slice = self.slices.get_mut(&(claim.budget, partition))?;
        slice.reserved = slice.reserved.checked_sub(cents)?;
        slice.spent = slice.spent.checked_add(cents)?;
        Some(())
    }

    /// A claim of `before` is one of `after` now: each funder pays another part. The parts of a smaller sum may be larger, by a
    /// cent.
    fn post(&mut self, after: Claim, partition: PartitionId, before: Amount) -> Option<()> {
        let Self { known, slices, .. } = self;
        let funders = &known.get(&after.budget)?.funders;
        let slice = slices.get_mut(&(after.budget, partition))?;
        let parts = split(after.amount, funders).into_iter().zip(split(before, funders));
        for (posted, (after, before)) in slice.posted.iter_mut().zip(parts) {
            *posted = posted.checked_add(after)?.checked_sub(before)?;
        }
        Some(())
    }
}
