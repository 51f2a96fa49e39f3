//! Where the money of budgets is: in banks, and in slices by partition.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::id::{BudgetId, Claim, Funder};
use super::split::{MAX_FUNDERS, parts};
use crate::ids::{Amount, PARTITIONS, PartitionId};

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
    slices: Slices,
    /// The latest amount that was divided among few funders, and what each pays of it: a crowd claims one discount.
    divided: (Amount, [u64; FEW_FUNDERS]),
}

/// The slices of a budget that are here.
///
/// Every claim looks for one, so they are found by one look into a list of places, of 8 KiB, and lie densely, whatever part of
/// the partitions a ledger serves.
#[derive(Clone, Debug, Default)]
struct Slices {
    /// For each partition, one more than where its slice is in `rows`, or 0. Empty as long as there is none.
    places: Vec<u16>,
    rows: Vec<Slice>,
    /// Of all of them: a crowd that asks for what is gone must not have them added up each time.
    all: Money,
}

/// Where the money of a slice, or of several, is, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) left: u64,
    pub(crate) reserved: u64,
    pub(crate) spent: u64,
}

/// Funders of most budgets at most.
const FEW_FUNDERS: usize = 4;

/// A partition's part of a budget. A claim looks at its first cache line only, where there are no more than four funders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Slice {
    pub(crate) money: Money,
    partition: PartitionId,
    /// What each funder pays of what is reserved and spent.
    pub(crate) posted: [u64; MAX_FUNDERS],
}

const _: () = assert!(size_of::<Slice>() == 192);

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
}

impl Money {
    fn fill(&mut self, cents: u64) -> Option<()> {
        self.left = self.left.checked_add(cents)?;
        Some(())
    }

    fn claim(&mut self, cents: u64) -> Option<()> {
        self.left = self.left.checked_sub(cents)?;
        self.reserved = self.reserved.checked_add(cents)?;
        Some(())
    }

    fn give_back(&mut self, cents: u64) -> Option<()> {
        self.reserved = self.reserved.checked_sub(cents)?;
        self.left = self.left.checked_add(cents)?;
        Some(())
    }

    fn spend(&mut self, cents: u64) -> Option<()> {
        self.reserved = self.reserved.checked_sub(cents)?;
        self.spent = self.spent.checked_add(cents)?;
        Some(())
    }

    /// The sum of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            left: self.left.saturating_add(other.left),
            reserved: self.reserved.saturating_add(other.reserved),
            spent: self.spent.saturating_add(other.spent),
        }
    }
}

impl Slices {
    fn place(&self, partition: PartitionId) -> Option<usize> {
        let place = *self.places.get(usize::from(partition.raw()))?;
        usize::from(place).checked_sub(1)
    }

    fn get(&self, partition: PartitionId) -> Option<&Slice> {
        self.rows.get(self.place(partition)?)
    }

    fn get_mut(&mut self, partition: PartitionId) -> Option<&mut Slice> {
        let place = self.place(partition)?;
        self.rows.get_mut(place)
    }

    /// Moves money of a partition's slice. Returns the slice.
    fn moved(
        &mut self,
        partition: PartitionId,
        step: impl Fn(&mut Money) -> Option<()>,
    ) -> Option<&mut Slice> {
        step(&mut self.all)?;
        let slice = self.get_mut(partition)?;
        step(&mut slice.money)?;
        Some(slice)
    }

    /// The partition's slice, which is made if need be.
    fn entry(&mut self, partition: PartitionId) -> Option<&mut Slice> {
        if self.get(partition).is_none() {
            self.places.resize(usize::from(PARTITIONS), 0);
            self.rows.push(Slice { partition, ..Slice::default() });
            *self.places.get_mut(usize::from(partition.raw()))? = u16::try_from(self.rows.len()).ok()?;
        }
        self.get_mut(partition)
    }
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
        self.known().flat_map(|(budget, known)| {
            known.slices.rows.iter().map(move |slice| (budget, slice.partition, slice))
        })
    }

    /// The slices of a budget that are here.
    pub(crate) fn slices_of(&self, budget: BudgetId) -> impl Iterator<Item = &Slice> {
        self.known.get(&budget).into_iter().flat_map(|known| &known.slices.rows)
    }

    /// What those have, in all.
    pub(crate) fn money(&self, budget: BudgetId) -> Money {
        self.known.get(&budget).map_or_else(Money::default, |known| known.slices.all)
    }

    /// Memory that slices take.
    pub(crate) fn bytes(&self) -> usize {
        let of = |known: &Budget| {
            let places = known.slices.places.capacity().saturating_mul(size_of::<u16>());
            places.saturating_add(known.slices.rows.capacity().saturating_mul(size_of::<Slice>()))
        };
        self.known.values().map(of).fold(0, usize::saturating_add)
    }

    /// How many those are.
    pub(crate) fn count_slices(&self, budget: BudgetId) -> usize {
        self.known.get(&budget).map_or(0, |known| known.slices.rows.len())
    }

    fn slice(&self, budget: BudgetId, partition: PartitionId) -> Option<&Slice> {
        self.known.get(&budget)?.slices.get(partition)
    }

    /// What the partition's slice has paid, and is to pay for open orders.
    pub(crate) fn paid(&self, budget: BudgetId, partition: PartitionId) -> u64 {
        self.slice(budget, partition)
            .map_or(0, |slice| slice.money.reserved.saturating_add(slice.money.spent))
    }

    /// Whether the partition's slice has enough for a claim, when `freed` has come back to it.
    pub(crate) fn room(&self, claim: Claim, partition: PartitionId, freed: u64) -> Room {
        match self.known.get(&claim.budget) {
            None => Room::Unknown,
            Some(budget) if budget.stopped => Room::Stopped,
            Some(budget) => {
                let left = budget.slices.get(partition).map_or(0, |slice| slice.money.left);
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

    /// Takes what an image says of a budget. `None`, and no change, if there is such a budget.
    pub(crate) fn load(&mut self, budget: BudgetId, funded: u64, stopped: bool) -> Option<()> {
        self.open(budget)?;
        let known = self.known.get_mut(&budget)?;
        (known.funded, known.stopped) = (funded, stopped);
        Some(())
    }

    /// Takes the next funder of an image. `None`, and no change, if the budget is unknown or has as many as there may be.
    pub(crate) fn load_funder(&mut self, budget: BudgetId, funder: Funder) -> Option<()> {
        self.known.get_mut(&budget)?.add_funder(funder)
    }

    /// Takes what an image says of a bank, which is here.
    pub(crate) fn load_bank(&mut self, budget: BudgetId, cents: u64) {
        self.banks.insert(budget, cents);
    }

    /// Takes what an image says of a slice, which is here. `None` if the budget is unknown, or sums overflow.
    pub(crate) fn load_slice(
        &mut self,
        budget: BudgetId,
        partition: PartitionId,
        money: Money,
    ) -> Option<()> {
        let slices = &mut self.known.get_mut(&budget)?.slices;
        slices.all = slices.all.and(money);
        slices.entry(partition)?.money = money;
        Some(())
    }

    /// Takes what an image says of a funder's part of a slice. `None` if there is no such slice or funder.
    pub(crate) fn load_posted(
        &mut self,
        budget: BudgetId,
        partition: PartitionId,
        nth: u8,
        cents: u64,
    ) -> Option<()> {
        let slice = self.known.get_mut(&budget)?.slices.get_mut(partition)?;
        *slice.posted.get_mut(usize::from(nth))? = cents;
        Some(())
    }

    pub(crate) fn add_funder(&mut self, budget: BudgetId, funder: Funder) -> Option<()> {
        let known = self.known.get_mut(&budget)?;
        if known.funded > 0 {
            return None;
        }
        known.add_funder(funder)
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
        let known = self.known.get_mut(&budget)?;
        if known.slices.all.left > 0 {
            known.slices.rows.iter_mut().for_each(|slice| slice.money.left = 0);
            known.slices.all.left = 0;
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
        let known = self.known.get_mut(&budget)?;
        if bank {
            let bank = self.banks.get_mut(&budget)?;
            *bank = bank.checked_sub(cents)?;
        }
        if slice {
            known.slices.entry(partition)?;
            known.slices.moved(partition, |money| money.fill(cents))?;
        }
        Some(())
    }

    /// An order claims what its partition's slice has left.
    pub(crate) fn claim(&mut self, claim: Claim, partition: PartitionId) -> Option<()> {
        let known = self.known.get_mut(&claim.budget)?;
        known.moved(partition, |money| money.claim(claim.amount.raw()), (Amount::new(0), claim.amount))
    }

    /// A claim that is reserved becomes a smaller one, or none.
    pub(crate) fn give_back(&mut self, claim: Claim, partition: PartitionId, left: Amount) -> Option<()> {
        let cents = claim.amount.raw().checked_sub(left.raw())?;
        let known = self.known.get_mut(&claim.budget)?;
        known.moved(partition, |money| money.give_back(cents), (claim.amount, left))
    }

    /// The order of a claim that is reserved was paid.
    pub(crate) fn spend(&mut self, claim: Claim, partition: PartitionId) -> Option<()> {
        let slices = &mut self.known.get_mut(&claim.budget)?.slices;
        slices.moved(partition, |money| money.spend(claim.amount.raw())).map(|_| ())
    }
}

impl Budget {
    /// Reads the place where a claim will look, so that it is in the cache then.
    #[inline]
    pub(crate) fn touch(&self, partition: PartitionId) -> u32 {
        let low = |slice: &Slice| u32::try_from(slice.money.left & u64::from(u32::MAX)).unwrap_or(0);
        self.slices.get(partition).map_or(0, low)
    }

    /// `None`, and no change, if there are as many as there may be.
    fn add_funder(&mut self, funder: Funder) -> Option<()> {
        if self.funders.len() >= MAX_FUNDERS {
            return None;
        }
        self.funders.push(funder);
        self.divided = Default::default();
        Some(())
    }

    /// Moves money of a partition's slice. A claim of `before` is one of `after` now: each funder pays another part. The parts of a
    /// smaller sum may be larger, by a cent.
    #[inline]
    fn moved(
        &mut self,
        partition: PartitionId,
        step: impl Fn(&mut Money) -> Option<()>,
        (before, after): (Amount, Amount),
    ) -> Option<()> {
        if self.funders.len() > FEW_FUNDERS {
            let parts = |amount| parts::<MAX_FUNDERS>(amount, &self.funders);
            let (before, after) = (parts(before), parts(after));
            return self.slices.moved(partition, step)?.post(&after, &before);
        }
        let (before, after) = (self.parts(before), self.parts(after));
        self.slices.moved(partition, step)?.post(&after, &before)
    }

    /// What each of few funders pays. Nobody pays anything of nothing, whoever the funders are.
    #[inline]
    fn parts(&mut self, amount: Amount) -> [u64; FEW_FUNDERS] {
        if amount.raw() == 0 {
            return [0; FEW_FUNDERS];
        }
        if self.divided.0 != amount {
            self.divided = (amount, parts(amount, &self.funders));
        }
        self.divided.1
    }
}

impl Slice {
    /// Funders pay these parts, and no longer those before. `None` if sums overflow.
    #[inline]
    fn post<const MOST: usize>(&mut self, after: &[u64; MOST], before: &[u64; MOST]) -> Option<()> {
        for (posted, (after, before)) in self.posted.iter_mut().zip(after.iter().zip(before)) {
            *posted = posted.checked_add(*after)?.checked_sub(*before)?;
        }
        Some(())
    }
}
