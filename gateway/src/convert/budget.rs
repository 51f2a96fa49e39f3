//! Budgets and coupons at the boundary.

use doorbuster_engine::shard;
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use ledger::BudgetRefusal as R;
use wire::{Answer, Code};

use super::{Aids, Ask, Asked, bad, field};

fn budget(raw: u32) -> Result<ledger::BudgetId, Answer> {
    ledger::BudgetId::new(raw).ok_or_else(|| bad(wire::Field::Budget))
}

/// A discount as a request names it.
fn claim(raw: u32, cents: u64) -> Result<Option<ledger::Claim>, Answer> {
    match (raw, cents) {
        (0, 0) => Ok(None),
        (_, 0) => Err(bad(wire::Field::Discount)),
        (raw, cents) => Ok(Some(ledger::Claim { budget: budget(raw)?, amount: ledger::Amount::new(cents) })),
    }
}

/// A plain reserve that claims a discount.
pub(crate) fn reserve_discounted(
    asked: &wire::ReserveDiscounted,
    first_attempt: bool,
    aids: &mut Aids<'_>,
) -> Asked {
    super::reserve_with(&asked.reserve, claim(asked.budget, asked.discount)?, first_attempt, aids)
}

/// A reserve that claims a discount, uses a coupon, or both.
pub(crate) fn reserve_claims(asked: &wire::ReserveClaims, first_attempt: bool, aids: &mut Aids<'_>) -> Asked {
    let claim = claim(asked.budget, asked.discount)?;
    let coupon = match asked.coupon {
        0 => None,
        raw => Some(ledger::CouponId::new(raw).ok_or_else(|| bad(wire::Field::Coupon))?),
    };
    let (reserve, supersedes, count) = match super::reserve_order(&asked.order, first_attempt, aids)? {
        Ask::Shard(partition, shard::Request::Command(ledger::Command::Reserve(reserve))) => {
            let reserve = ledger::Reserve { claim, ..reserve };
            if coupon.is_none() {
                return Ok(super::ask(partition, ledger::Command::Reserve(reserve)));
            }
            // Its coupon may be in another partition: one line of a list.
            let (location, pool) = (reserve.terms.location, reserve.terms.pool);
            let units = reserve.quantity.units();
            aids.lines.push(ledger::Line { sku: reserve.sku, units, gifts: 0, location, pool });
            (reserve, None, 1)
        }
        Ask::Desk(ledger::Composite::Reserve { reserve, supersedes }, count) => {
            (ledger::Reserve { claim, ..reserve }, supersedes, count)
        }
        other => return Ok(other),
    };
    Ok(Ask::WithCoupon(ledger::Composite::Reserve { reserve, supersedes }, count, coupon))
}

/// A budget set up.
pub(crate) fn set_budget(asked: &wire::SetBudget, aids: &mut Aids<'_>) -> Asked {
    let wire::SetBudget { budget: raw, reason, funded, by, ref funders } = *asked;
    let command = ledger::BudgetCommand::Set { budget: budget(raw)?, funded, by, reason };
    let funder = |funder: &wire::Funder| ledger::Funder {
        id: ledger::FunderId::new(funder.funder),
        share: funder.share,
    };
    aids.funders.extend(funders.iter().map(funder));
    Ok(Ask::Budget(command, u8::try_from(funders.len()).unwrap_or(u8::MAX)))
}

/// Money put into a budget, or taken out.
pub(crate) fn fund_budget(asked: &wire::FundBudget) -> Asked {
    let wire::FundBudget { budget: raw, reason, funded, expected, by } = *asked;
    Ok(Ask::Budget(ledger::BudgetCommand::Fund { budget: budget(raw)?, funded, expected, by, reason }, 0))
}

/// A budget stopped.
pub(crate) fn stop_budget(asked: &wire::StopBudget) -> Asked {
    let wire::StopBudget { budget: raw, reason, by } = *asked;
    Ok(Ask::Budget(ledger::BudgetCommand::Stop { budget: budget(raw)?, by, reason }, 0))
}

/// A batch of coupons.
pub(crate) fn issue_coupons(asked: &wire::IssueCoupons) -> Asked {
    let wire::IssueCoupons { batch, serials, uses, reason, from, until, by } = *asked;
    let batch = ledger::CouponBatch::new(batch).ok_or_else(|| bad(wire::Field::Coupon))?;
    let (from, until) = (ledger::Timestamp::new(from), ledger::Timestamp::new(until));
    let coupons = ledger::Coupons { serials, uses, from, until };
    Ok(Ask::Budget(ledger::BudgetCommand::Issue { batch, coupons, by, reason }, 0))
}

/// A budget to be read. The record names one.
pub(crate) fn read_budget(asked: wire::ReadBudget) -> Asked {
    Ok(Ask::All(shard::Request::ReadBudget { budget: budget(asked.budget)? }))
}

/// A coupon to be read. The record names one.
pub(crate) fn read_coupon(asked: wire::ReadCoupon) -> Asked {
    let coupon = ledger::CouponId::new(asked.coupon).ok_or_else(|| bad(wire::Field::Coupon))?;
    Ok(Ask::All(shard::Request::ReadCoupon { coupon }))
}

/// The answer where a budget or a coupon is the reason that nothing was changed.
pub(super) fn refusal(refusal: &R) -> Answer {
    match *refusal {
        R::Exhausted { left } => Answer { units: left, ..Answer::of(Code::BudgetExhausted) },
        R::Unknown => Answer::of(Code::UnknownBudget),
        R::Exists { field: which } => Answer { field: field(which), ..Answer::of(Code::BudgetExists) },
        R::Stopped => Answer::of(Code::BudgetStopped),
        R::InUse { used } => Answer { units: used, ..Answer::of(Code::BudgetInUse) },
        R::CouponInvalid { at } => Answer { at: at.raw(), ..Answer::of(Code::CouponInvalid) },
        R::CouponUsed => Answer::of(Code::CouponUsed),
        R::CouponsExist { field: which } => Answer { field: field(which), ..Answer::of(Code::CouponsExist) },
        R::CantWait => Answer::of(Code::ClaimCantWait),
        // A shard hands such a command on; nobody outside is told.
        R::SliceShort => busy(),
    }
}

/// Nothing was decided, as too much waits.
pub(crate) fn busy() -> Answer {
    Answer { retry_after_ms: RETRY_AFTER_MS, ..Answer::of(Code::Busy) }
}

/// How long who was told BUSY should wait, milliseconds: the desk decides hundreds of commands in that time.
const RETRY_AFTER_MS: u32 = 20;

/// A budget that was read.
pub(crate) fn budget_view(read: Option<&ledger::BudgetSnapshot>) -> wire::BudgetView {
    let Some(read) = read else {
        return wire::BudgetView { code: Code::UnknownBudget.number(), ..wire::BudgetView::default() };
    };
    let mut funders = [wire::budget::FunderView::default(); wire::budget::MAX_FUNDERS];
    for (row, funder) in funders.iter_mut().zip(&read.funders) {
        let &ledger::FunderSnapshot { funder, share, posted } = funder;
        *row = wire::budget::FunderView { funder: funder.raw(), share, posted };
    }
    wire::BudgetView {
        code: Code::Ok.number(),
        stopped: u8::from(read.stopped),
        count: read.count,
        budget: read.budget.raw(),
        funded: read.funded,
        left: read.left,
        reserved: read.reserved,
        spent: read.spent,
        funders,
    }
}

/// A coupon that was read.
pub(crate) fn coupon_view(read: Option<&ledger::CouponSnapshot>) -> wire::CouponView {
    let Some(read) = read else {
        return wire::CouponView { code: Code::CouponInvalid.number(), ..wire::CouponView::default() };
    };
    wire::CouponView {
        code: Code::Ok.number(),
        reserved_bytes: 0,
        uses: read.rules.uses,
        coupon: read.coupon.raw(),
        reserved: read.reserved,
        redeemed: read.redeemed,
        from: read.rules.from.raw(),
        until: read.rules.until.raw(),
    }
}
