//! Budgets and coupons, with all ledgers at hand.
//!
//! A claim is met from the slice of its order's partition. Where that is short, the bank fills it with a good deal more than
//! is asked for, so that the next claims find it there; where the bank is short, too, it first takes back what all slices have
//! left. Only when all of it together is too little is a claim refused.

use alloc::vec::Vec;

use super::Span;
use crate::budget::{
    BudgetCommand, BudgetEvent, BudgetId, BudgetRefusal, BudgetSnapshot, Claim, CouponBatch, CouponId,
    Coupons, Funder, FunderSnapshot, MAX_FUNDED, MAX_FUNDERS, Money, Room,
};
use crate::event::Event;
use crate::ids::{PARTITIONS, PartitionId, Timestamp};
use crate::ledger::{Ledger, Violation};
use crate::outcome::{Field, Outcome, Refusal};

/// A slice gets enough for so many claims at first, or more where there is plenty: what it could have if all partitions came. Later
/// it gets as much as it has paid out: where a crowd claims, that soon is a lot, and where few do, little has to be taken back near
/// the budget's end.
const FIRST_CLAIMS: u64 = 16;

/// But at most half of what would be its share, were the bank dealt out to all slices alike, so that the bank lasts until each
/// has been there again.
const OF_ITS_SHARE: u64 = 2;

/// As long as a budget has few slices, it is dealt out as if it had so many: more orders will come, from other partitions.
const FEW_SLICES: u64 = 64;

impl Span<'_, '_> {
    /// Decides a command at `now` (or at the latest time that any of the ledgers has seen) and applies what it came to, as
    /// [`execute`](Self::execute) does. The ledgers must be all there are.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn budget(
        &mut self,
        now: Timestamp,
        command: &BudgetCommand,
        funders: &[Funder],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let now = self.come_to(now);
        let decided = events.len();
        let outcome = match *command {
            BudgetCommand::Set { budget, funded, by, reason } => {
                self.decide_set(now, (budget, funded), (by, reason), funders, events)?
            }
            BudgetCommand::Fund { budget, funded, expected, by, reason } => {
                self.decide_fund(now, budget, (funded, expected), (by, reason), events)?
            }
            BudgetCommand::Stop { budget, by, reason } => {
                self.decide_stop(now, budget, (by, reason), events)?
            }
            BudgetCommand::Issue { batch, coupons, by, reason } => {
                self.decide_issue(now, batch, coupons, (by, reason), events)?
            }
        };
        self.apply_from(decided, events)?;
        Ok(outcome)
    }

    /// A budget's accounts, summed over all ledgers; `None` if it was never set up.
    ///
    /// # Errors
    /// [`Violation`] if a ledger is missing.
    pub fn read_budget(&self, budget: BudgetId) -> Result<Option<BudgetSnapshot>, Violation> {
        let home = self.all_serving(budget.partition())?;
        let Some(known) = home.budgets.get(budget) else { return Ok(None) };
        let Money { left, reserved, spent } = self.in_slices(budget);
        let mut funders = [FunderSnapshot::default(); MAX_FUNDERS];
        for (nth, (row, funder)) in funders.iter_mut().zip(&known.funders).enumerate() {
            let slices = self.ledgers.iter().flat_map(|ledger| ledger.budgets.slices_of(budget));
            let posted = slices.filter_map(|slice| slice.posted.get(nth));
            let posted = posted.fold(0_u64, |sum, posted| sum.saturating_add(*posted));
            *row = FunderSnapshot { funder: funder.id, share: funder.share, posted };
        }
        Ok(Some(BudgetSnapshot {
            budget,
            funded: known.funded,
            left: home.budgets.bank(budget).saturating_add(left),
            reserved,
            spent,
            stopped: known.stopped,
            count: u8::try_from(known.funders.len()).unwrap_or(u8::MAX),
            funders,
        }))
    }

    fn decide_set(
        &self,
        now: Timestamp,
        (budget, funded): (BudgetId, u64),
        (by, reason): (u64, u32),
        funders: &[Funder],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let home = self.all_serving(budget.partition())?;
        if let Some(known) = home.budgets.get(budget) {
            let exists = |field| Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::Exists { field })));
            if known.funders != funders {
                return exists(Field::Funders);
            }
            return if known.funded == funded { Ok(unchanged()) } else { exists(Field::Funded) };
        }
        let twice =
            |(nth, funder): (usize, &Funder)| funders.iter().take(nth).any(|other| other.id == funder.id);
        if funders.is_empty()
            || funders.len() > MAX_FUNDERS
            || funders.iter().any(|funder| funder.share == 0)
            || funders.iter().enumerate().any(twice)
        {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::Funders }));
        }
        if funded > MAX_FUNDED {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::Funded }));
        }
        if !home.budgets.has_room() {
            return Ok(Outcome::Refused(Refusal::CapacityExceeded));
        }
        events.push(Event::Budget(BudgetEvent::Opened { budget, by, reason, at: now }));
        let added = |funder: &Funder| BudgetEvent::FunderAdded { budget, funder: *funder, at: now };
        events.extend(funders.iter().map(added).map(Event::Budget));
        events.push(Event::Budget(BudgetEvent::Funded { budget, funded, by, reason, at: now }));
        Ok(Outcome::BudgetSet { left: funded })
    }

    fn decide_fund(
        &self,
        now: Timestamp,
        budget: BudgetId,
        (funded, expected): (u64, u64),
        (by, reason): (u64, u32),
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let home = self.all_serving(budget.partition())?;
        let Some(known) = home.budgets.get(budget) else {
            return Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::Unknown)));
        };
        if known.funded == funded {
            return Ok(unchanged());
        }
        if known.funded != expected {
            return Ok(Outcome::Refused(Refusal::CasMismatch { found: known.funded }));
        }
        if funded > MAX_FUNDED {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::Funded }));
        }
        if known.stopped && funded > known.funded {
            // It would never be paid to anybody.
            return Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::Stopped)));
        }
        let money = self.in_slices(budget);
        let used = money.reserved.saturating_add(money.spent);
        let Some(left) = funded.checked_sub(used) else {
            return Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::InUse { used })));
        };
        if known.funded.saturating_sub(funded) > home.budgets.bank(budget) {
            events.push(Event::Budget(BudgetEvent::Drained { budget, cents: money.left, at: now }));
        }
        events.push(Event::Budget(BudgetEvent::Funded { budget, funded, by, reason, at: now }));
        Ok(Outcome::BudgetSet { left })
    }

    fn decide_stop(
        &self,
        now: Timestamp,
        budget: BudgetId,
        (by, reason): (u64, u32),
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let home = self.all_serving(budget.partition())?;
        let Some(known) = home.budgets.get(budget) else {
            return Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::Unknown)));
        };
        if known.stopped {
            return Ok(unchanged());
        }
        let left = self.in_slices(budget).left.saturating_add(home.budgets.bank(budget));
        events.push(Event::Budget(BudgetEvent::Stopped { budget, by, reason, at: now }));
        Ok(Outcome::BudgetSet { left })
    }

    fn decide_issue(
        &self,
        now: Timestamp,
        batch: CouponBatch,
        coupons: Coupons,
        (by, reason): (u64, u32),
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let home = self.serving(batch.partition())?;
        if let Some(known) = home.coupons.batch(batch) {
            let differs = if known.serials != coupons.serials {
                Some(Field::Serials)
            } else if known.uses != coupons.uses {
                Some(Field::Uses)
            } else if known != coupons {
                Some(Field::Validity)
            } else {
                None
            };
            return Ok(differs.map_or_else(unchanged, |field| {
                Outcome::Refused(Refusal::Budget(BudgetRefusal::CouponsExist { field }))
            }));
        }
        let wrong = if coupons.serials == 0 {
            Some(Field::Serials)
        } else if coupons.uses == 0 {
            Some(Field::Uses)
        } else if coupons.until <= coupons.from {
            Some(Field::Validity)
        } else {
            None
        };
        if let Some(field) = wrong {
            return Ok(Outcome::Refused(Refusal::Invalid { field }));
        }
        if !home.coupons.has_room_for_batch() {
            return Ok(Outcome::Refused(Refusal::CapacityExceeded));
        }
        events.push(Event::Budget(BudgetEvent::Issued { batch, coupons, by, reason, at: now }));
        Ok(Outcome::BudgetSet { left: u64::from(coupons.serials) })
    }

    /// The events that put what a claim needs into the slice of its order's partition; `freed` is what a hold that is replaced
    /// gives back, and where.
    pub(super) fn afford(
        &self,
        now: Timestamp,
        (claim, partition): (Claim, PartitionId),
        freed: Option<(Claim, PartitionId)>,
    ) -> Result<Result<Vec<Event>, Refusal>, Violation> {
        let refuse = |refusal| Ok(Err(Refusal::Budget(refusal)));
        let budget = claim.budget;
        if claim.amount.raw() == 0 {
            return Ok(Err(Refusal::Invalid { field: Field::Discount }));
        }
        let freed = freed.filter(|(old, _)| old.budget == budget);
        let back = freed.map_or(0, |(old, _)| old.amount.raw());
        let here = freed.filter(|(_, at)| *at == partition).map_or(0, |(old, _)| old.amount.raw());
        let home = self.serving(partition)?;
        let short = match home.budgets.room(claim, partition, here) {
            Room::Unknown => return refuse(BudgetRefusal::Unknown),
            Room::Stopped => return refuse(BudgetRefusal::Stopped),
            Room::Enough => return Ok(Ok(Vec::new())),
            Room::Short(short) => short,
        };
        let mut events = Vec::new();
        let keeper = self.all_serving(budget.partition())?;
        let (mut cents, mut needed) = (keeper.budgets.bank(budget), short);
        if cents < needed {
            let slices = self.in_slices(budget).left.saturating_add(back);
            cents = cents.saturating_add(slices);
            if cents < claim.amount.raw() {
                return refuse(BudgetRefusal::Exhausted { left: cents });
            }
            events.push(Event::Budget(BudgetEvent::Drained { budget, cents: slices, at: now }));
            needed = claim.amount.raw();
        }
        let part_of = |slices: u64| cents.checked_div(slices.saturating_mul(OF_ITS_SHARE)).unwrap_or(0);
        let slices = self.ledgers.iter().map(|ledger| ledger.budgets.count_slices(budget)).sum::<usize>();
        let most = part_of(u64::try_from(slices).unwrap_or(u64::MAX).max(FEW_SLICES));
        let least = claim.amount.raw().saturating_mul(FIRST_CLAIMS).max(part_of(PARTITIONS.into()));
        let cents = needed.max(home.budgets.paid(budget, partition).max(least).min(most));
        events.push(Event::Budget(BudgetEvent::Filled { budget, partition, cents, at: now }));
        Ok(Ok(events))
    }

    /// Whether a coupon may be used; `freed` is the coupon of a hold that is replaced.
    pub(super) fn may_use(
        &self,
        now: Timestamp,
        coupon: CouponId,
        freed: Option<CouponId>,
    ) -> Result<Result<(), Refusal>, Violation> {
        let ledger = self.serving(coupon.partition())?;
        Ok(match ledger.coupons.may_use(coupon, now, freed == Some(coupon)) {
            Err(refusal) => Err(Refusal::Budget(refusal)),
            Ok(()) if !ledger.coupons.has_room() => Err(Refusal::CapacityExceeded),
            Ok(()) => Ok(()),
        })
    }

    /// Whether another use of a coupon is left, for an order that named it while it was valid.
    pub(super) fn has_use(&self, coupon: CouponId) -> Result<bool, Violation> {
        Ok(self.serving(coupon.partition())?.coupons.has_use(coupon, false))
    }

    /// What the slices of a budget have over all ledgers.
    fn in_slices(&self, budget: BudgetId) -> Money {
        let each = self.ledgers.iter().map(|ledger| ledger.budgets.money(budget));
        each.fold(Money::default(), Money::and)
    }

    /// As [`serving`](Self::serving), where all other ledgers must be at hand, too.
    fn all_serving(&self, partition: PartitionId) -> Result<&Ledger, Violation> {
        let ledger = self.serving(partition)?;
        if self.ledgers.len() < usize::from(ledger.share.of()) {
            return Err(Violation::Elsewhere { partition });
        }
        Ok(ledger)
    }
}

fn unchanged() -> Outcome {
    Outcome::Replayed { order: None, state: None, deadline: Timestamp::default() }
}
