//! Budgets and coupons: one number each, which the orders are added up to; nothing is known of slices and banks.

use doorbuster_ledger::*;

use super::{Model, ModelOrder};

#[derive(Clone, Debug)]
pub(crate) struct ModelBudget {
    pub(crate) id: BudgetId,
    pub(crate) funders: Vec<Funder>,
    pub(crate) funded: u64,
    pub(crate) stopped: bool,
}

fn refuse(refusal: BudgetRefusal) -> Outcome {
    Outcome::Refused(Refusal::Budget(refusal))
}

fn unchanged() -> Outcome {
    Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) }
}

impl ModelOrder {
    /// So many of its units are left: its discount shrinks with them.
    pub(super) fn cut_claim(&mut self, before: u32, after: u32) {
        if let Some(claim) = &mut self.claim {
            claim.amount = Amount::new(claim.amount.raw() * u64::from(after) / u64::from(before));
        }
    }

    pub(super) fn all_units(&self) -> u32 {
        self.lines.iter().map(|line| line.units).sum()
    }
}

impl Model {
    /// Orders that hold or have paid for something, but for one. What becomes of a paid order gives no discount back.
    fn counting(&self, but: Option<usize>) -> impl Iterator<Item = &ModelOrder> {
        let counts = |order: &ModelOrder| order.state.is_open() || order.state == OrderState::Confirmed;
        let live =
            self.orders.iter().enumerate().filter(move |(at, order)| Some(*at) != but && counts(order));
        live.map(|(_, order)| order).chain(&self.evicted_paid)
    }

    fn claims(&self, budget: BudgetId, but: Option<usize>) -> impl Iterator<Item = (u64, bool)> {
        self.counting(but).filter_map(move |order| {
            let claim = order.claim.filter(|claim| claim.budget == budget)?;
            Some((claim.amount.raw(), order.state.is_open()))
        })
    }

    fn known_budget(&self, budget: BudgetId) -> Option<&ModelBudget> {
        self.budgets.iter().find(|known| known.id == budget)
    }

    /// What the budget must read as.
    pub(crate) fn read_budget(&self, known: &ModelBudget) -> BudgetSnapshot {
        let sum = |open: bool| {
            self.claims(known.id, None).filter(|(_, is)| *is == open).map(|(cents, _)| cents).sum()
        };
        let (reserved, spent): (u64, u64) = (sum(true), sum(false));
        let mut funders = [FunderSnapshot::default(); MAX_FUNDERS];
        for (nth, (row, funder)) in funders.iter_mut().zip(&known.funders).enumerate() {
            let parts = self.claims(known.id, None).map(|(cents, _)| parts(cents, &known.funders)[nth]);
            *row = FunderSnapshot { funder: funder.id, share: funder.share, posted: parts.sum() };
        }
        BudgetSnapshot {
            budget: known.id,
            funded: known.funded,
            left: known.funded - reserved - spent,
            reserved,
            spent,
            stopped: known.stopped,
            count: known.funders.len().try_into().expect("few"),
            funders,
        }
    }

    pub(super) fn may_claim(&self, claim: Option<Claim>, old: Option<usize>) -> Result<(), Outcome> {
        let Some(Claim { budget, amount }) = claim else { return Ok(()) };
        if amount == Amount::new(0) {
            return Err(Outcome::Refused(Refusal::Invalid { field: Field::Discount }));
        }
        let known = self.known_budget(budget).ok_or(refuse(BudgetRefusal::Unknown))?;
        if known.stopped {
            return Err(refuse(BudgetRefusal::Stopped));
        }
        let left = known.funded - self.claims(budget, old).map(|(cents, _)| cents).sum::<u64>();
        if amount.raw() > left { Err(refuse(BudgetRefusal::Exhausted { left })) } else { Ok(()) }
    }

    fn uses_left(&self, coupon: CouponId, old: Option<usize>) -> Option<(Coupons, bool)> {
        let known = self.batches.iter().find(|(batch, _)| Some(*batch) == coupon.batch());
        let rules = known.map(|(_, rules)| *rules).filter(|rules| coupon.serial() < rules.serials)?;
        let uses = self.counting(old).filter(|order| order.coupon == Some(coupon)).count();
        Some((rules, uses < rules.uses as usize))
    }

    pub(super) fn may_use(
        &self,
        now: u64,
        coupon: Option<CouponId>,
        old: Option<usize>,
    ) -> Result<(), Outcome> {
        let Some(coupon) = coupon else { return Ok(()) };
        let invalid = |at| Err(refuse(BudgetRefusal::CouponInvalid { at }));
        match self.uses_left(coupon, old) {
            None => invalid(Timestamp::new(0)),
            Some((rules, _)) if now < rules.from.raw() => invalid(rules.from),
            Some((rules, _)) if now >= rules.until.raw() => invalid(rules.until),
            Some((_, false)) => Err(refuse(BudgetRefusal::CouponUsed)),
            Some((_, true)) => Ok(()),
        }
    }

    /// Whether an order that gave its discount and its coupon back may have them again.
    pub(super) fn may_have_again(&self, order: &ModelOrder) -> bool {
        let claim = order.claim.filter(|claim| claim.amount.raw() > 0);
        let coupon =
            order.coupon.is_none_or(|coupon| self.uses_left(coupon, None).is_some_and(|(_, left)| left));
        coupon && self.may_claim(claim, None).is_ok()
    }

    pub(crate) fn budget(&mut self, command: &BudgetCommand, funders: &[Funder]) -> Outcome {
        match *command {
            BudgetCommand::Set { budget, funded, .. } => {
                if let Some(known) = self.known_budget(budget) {
                    return if known.funders != funders {
                        refuse(BudgetRefusal::Exists { field: Field::Funders })
                    } else if known.funded != funded {
                        refuse(BudgetRefusal::Exists { field: Field::Funded })
                    } else {
                        unchanged()
                    };
                }
                let mut ids: Vec<_> = funders.iter().map(|funder| funder.id).collect();
                ids.sort_unstable();
                ids.dedup();
                if funders.is_empty()
                    || ids.len() < funders.len()
                    || funders.iter().any(|funder| funder.share == 0)
                {
                    return Outcome::Refused(Refusal::Invalid { field: Field::Funders });
                }
                self.budgets.push(ModelBudget {
                    id: budget,
                    funders: funders.to_vec(),
                    funded,
                    stopped: false,
                });
                Outcome::BudgetSet { left: funded }
            }
            BudgetCommand::Fund { budget, funded, expected, .. } => {
                let Some(known) = self.known_budget(budget) else { return refuse(BudgetRefusal::Unknown) };
                if known.funded == funded {
                    return unchanged();
                }
                if known.funded != expected {
                    return Outcome::Refused(Refusal::CasMismatch { found: known.funded });
                }
                if known.stopped && funded > known.funded {
                    return refuse(BudgetRefusal::Stopped);
                }
                let used: u64 = self.claims(budget, None).map(|(cents, _)| cents).sum();
                if funded < used {
                    return refuse(BudgetRefusal::InUse { used });
                }
                self.budget_mut(budget).funded = funded;
                Outcome::BudgetSet { left: funded - used }
            }
            BudgetCommand::Stop { budget, .. } => {
                let Some(known) = self.known_budget(budget) else { return refuse(BudgetRefusal::Unknown) };
                if known.stopped {
                    return unchanged();
                }
                let left = self.read_budget(known).left;
                self.budget_mut(budget).stopped = true;
                Outcome::BudgetSet { left }
            }
            BudgetCommand::Issue { batch, coupons, .. } => self.issue(batch, coupons),
        }
    }

    fn budget_mut(&mut self, budget: BudgetId) -> &mut ModelBudget {
        self.budgets.iter_mut().find(|known| known.id == budget).expect("known")
    }

    fn issue(&mut self, batch: CouponBatch, coupons: Coupons) -> Outcome {
        if let Some((_, known)) = self.batches.iter().find(|(known, _)| *known == batch) {
            let exist = |field| refuse(BudgetRefusal::CouponsExist { field });
            return if known.serials != coupons.serials {
                exist(Field::Serials)
            } else if known.uses != coupons.uses {
                exist(Field::Uses)
            } else if known != &coupons {
                exist(Field::Validity)
            } else {
                unchanged()
            };
        }
        if coupons.serials == 0 || coupons.uses == 0 {
            let field = if coupons.serials == 0 { Field::Serials } else { Field::Uses };
            return Outcome::Refused(Refusal::Invalid { field });
        }
        if coupons.until <= coupons.from {
            return Outcome::Refused(Refusal::Invalid { field: Field::Validity });
        }
        self.batches.push((batch, coupons));
        Outcome::BudgetSet { left: coupons.serials.into() }
    }
}

/// Every cent on its own: it goes to whom it is owed most, after what he has; of those, to the first.
fn parts(cents: u64, funders: &[Funder]) -> [u64; MAX_FUNDERS] {
    let total: u64 = funders.iter().map(|funder| u64::from(funder.share)).sum();
    let mut parts = [0; MAX_FUNDERS];
    for (part, funder) in parts.iter_mut().zip(funders) {
        *part = cents * u64::from(funder.share) / total;
    }
    let owed = |nth: usize, has: u64| {
        i128::from(cents) * i128::from(funders[nth].share) - i128::from(has) * i128::from(total)
    };
    while parts.iter().sum::<u64>() < cents {
        let most = (0..funders.len()).map(|nth| owed(nth, parts[nth])).max().expect("there are funders");
        let nth = (0..funders.len()).find(|&nth| owed(nth, parts[nth]) == most).expect("one has the most");
        parts[nth] += 1;
    }
    parts
}
