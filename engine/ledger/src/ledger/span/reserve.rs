//! Holds over several lines: all or none.

use alloc::vec::Vec;

use super::{Span, end_legs};
use crate::budget::{BudgetEvent, BudgetRefusal, Claim, CouponId, CouponUse};
use crate::channels::Freed;
use crate::command::{Command, Line, MAX_LINES, Reserve};
use crate::event::{Event, LegHeld, Reserved};
use crate::ids::{GroupId, OrderNumber, PartitionId, Quantity, SkuId, Timestamp, UserId};
use crate::ledger::decide::replayed;
use crate::ledger::gate::Bounds;
use crate::ledger::{Ledger, Place, Violation};
use crate::order::Order;
use crate::outcome::{Field, OrderState, Outcome, Refusal};

/// An open hold that gives its units back for another.
#[derive(Clone, Copy)]
struct Old<'a> {
    home: &'a Ledger,
    order: &'a Order,
}

impl Old<'_> {
    /// The discount that it gives back, and where.
    fn claim(self) -> Option<(Claim, PartitionId)> {
        let (claim, _) = self.home.orders.claim(self.order)?;
        Some((claim, self.order.number.partition()))
    }

    /// What it gives back of the SKU.
    fn freed(old: Option<Self>, sku: SkuId) -> Freed {
        let Some(Old { home, order }) = old else { return Freed::default() };
        let units = super::units_of(home, order, sku).unwrap_or(0);
        Freed { channel: order.channel, units: u64::from(units) }
    }

    /// What it gives back of the group.
    fn freed_of(old: Option<Self>, group: GroupId) -> u32 {
        let Some(Old { home, order }) = old else { return 0 };
        let lines = home.lines_now(order).filter(|(sku, _)| sku.group() == Some(group));
        lines.fold(0, |sum, (_, units)| sum.saturating_add(units))
    }
}

impl Span<'_, '_> {
    pub(super) fn decide_reserve(
        &self,
        now: Timestamp,
        (reserve, coupon): (&Reserve, Option<CouponId>),
        supersedes: Option<OrderNumber>,
        lines: &[Line],
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Violation> {
        let Some((reserve, home)) = self.at_home(reserve, lines)? else {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::Lines }));
        };
        let reserve = &reserve;
        if let Some(outcome) = home.repeated(reserve, lines, coupon) {
            return Ok(outcome);
        }
        if let Err(refusal) = home.check_request(now, reserve.request) {
            return Ok(Outcome::Refused(refusal));
        }
        let old = match supersedes {
            None => None,
            Some(number) => match self.replaceable(now, number, reserve.user)? {
                Ok(old) => old,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            },
        };
        // A coupon is in another partition, as a line may be.
        let composite = is_composite(lines) || coupon.is_some();
        if !composite && old.is_none() && reserve.claim.is_none() {
            let decision = home.decide(now, &Command::Reserve(*reserve), Place::default());
            events.extend(decision.event);
            return Ok(decision.outcome);
        }
        if reserve.hold_ms > home.rules().max_hold_ms {
            return Ok(Outcome::Refused(Refusal::Invalid { field: Field::HoldMs }));
        }
        if reserve.wait_ms != 0 && (coupon.is_some() || reserve.claim.is_some()) {
            return Ok(Outcome::Refused(Refusal::Budget(BudgetRefusal::CantWait)));
        }
        if composite && reserve.wait_ms != 0 {
            return Ok(Outcome::Refused(Refusal::SeveralSkus));
        }
        let bounds = match self.may_hold_all(now, reserve, lines, old)? {
            Ok(bounds) => bounds,
            Err(outcome) => return Ok(outcome),
        };
        if let Err(refusal) = bounds.check(reserve.amount) {
            return Ok(Outcome::Refused(refusal));
        }
        if let Some(coupon) = coupon {
            let freed = old.and_then(|old| old.home.orders.coupon(old.order));
            if let Err(refusal) = self.may_use(now, coupon, freed)? {
                return Ok(Outcome::Refused(refusal));
            }
        }
        let mut fills = Vec::new();
        if let Some(claim) = reserve.claim {
            match self.afford(now, (claim, PartitionId::of(reserve.sku)), old.and_then(Old::claim))? {
                Ok(events) => fills = events,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            }
        }
        let Some(number) = home.orders.next_number(PartitionId::of(reserve.sku)) else {
            return Ok(Outcome::Refused(Refusal::CapacityExceeded));
        };
        let number = if composite { number.composite() } else { number };
        let hold_ms = if reserve.hold_ms == 0 { home.rules().default_hold_ms } else { reserve.hold_ms };
        let (hold_ms, moves) = old.map_or((hold_ms, 0), |old| old.home.taking_over(old.order, now, hold_ms));
        if let Some(Old { home, order }) = old {
            end_legs(home, order, now, Event::LegReleased, events);
            events.push(Event::Superseded { number: order.number, by: number, at: now });
        }
        events.extend(fills);
        events.push(Event::Reserved(Reserved {
            number,
            request: reserve.request,
            user: reserve.user,
            sku: reserve.sku,
            quantity: reserve.quantity,
            amount: reserve.amount,
            at: now,
            asked_hold_ms: reserve.hold_ms,
            hold_ms,
            channel: reserve.channel,
            moves,
            wait_ms: 0,
            terms: reserve.terms,
            claim: reserve.claim,
        }));
        if composite {
            let (user, channel) = (reserve.user, reserve.channel);
            let deadline = now.plus(u64::from(hold_ms));
            let held = |line: &Line| LegHeld { order: number, line: *line, user, channel, deadline, at: now };
            events.extend(lines.iter().map(|line| Event::LegHeld(held(line))));
        }
        // Behind the lines: who follows one SKU's orders knows the order by its line.
        let held =
            |coupon| Event::Budget(BudgetEvent::CouponHeld(CouponUse { coupon, order: number, at: now }));
        events.extend(coupon.map(held));
        Ok(Outcome::Reserved { order: number, deadline: now.plus(u64::from(hold_ms)) })
    }

    /// A hold as its first line's partition knows it, and the ledger that serves that. None without lines.
    pub(super) fn at_home(
        &self,
        reserve: &Reserve,
        lines: &[Line],
    ) -> Result<Option<(Reserve, &Ledger)>, Violation> {
        let Some((first, quantity)) = total(lines) else { return Ok(None) };
        let home = self.serving(PartitionId::of(first.sku))?;
        Ok(Some((Reserve { sku: first.sku, quantity, ..*reserve }, home)))
    }

    /// Whether each line may be held; what the order must pay at least and at most, then.
    fn may_hold_all(
        &self,
        now: Timestamp,
        reserve: &Reserve,
        lines: &[Line],
        old: Option<Old<'_>>,
    ) -> Result<Result<Bounds, Outcome>, Violation> {
        let mut bounds = Bounds::default();
        for line in lines {
            let ledger = self.serving(PartitionId::of(line.sku))?;
            let freed = Old::freed(old, line.sku);
            let of_group = line.sku.group().map_or((0, 0), |group| {
                let alike = lines.iter().filter(|line| line.sku.group() == Some(group));
                let units = alike.fold(0_u32, |sum, line| sum.saturating_add(line.units));
                (units, Old::freed_of(old, group))
            });
            match (ledger.may_hold(now, reserve, line, (freed, of_group)), lines) {
                (Ok(of_line), _) => bounds = bounds.and(of_line),
                (Err(refusal), [_]) => return Ok(Err(Outcome::Refused(refusal))),
                (Err(refusal), _) => return Ok(Err(Outcome::LineRefused { sku: line.sku, refusal })),
            }
        }
        Ok(Ok(bounds))
    }

    /// The order with this number, if it belongs to `user` and is to be replaced; none if it has ended.
    fn replaceable(
        &self,
        now: Timestamp,
        number: OrderNumber,
        user: UserId,
    ) -> Result<Result<Option<Old<'_>>, Refusal>, Violation> {
        let home = self.serving(number.partition())?;
        Ok(match home.open(number, user, now, Place::default()) {
            Ok((_, order)) if order.state() == Some(OrderState::Paying) => {
                Err(Refusal::PaymentUnderWay { deadline: order.deadline() })
            }
            Ok((_, order)) => Ok(Some(Old { home, order })),
            Err(refusal @ (Refusal::OwnerMismatch | Refusal::StillWaiting { .. })) => Err(refusal),
            Err(_) => Ok(None),
        })
    }
}

/// Whether an order's row can't say what these lines say.
fn is_composite(lines: &[Line]) -> bool {
    lines.len() > 1 || lines.iter().any(|line| line.gifts > 0)
}

/// The first line and the sum of all units, if the lines are in order.
fn total(lines: &[Line]) -> Option<(&Line, Quantity)> {
    let first = lines.first()?;
    let ascend = lines.iter().zip(lines.iter().skip(1)).all(|(line, next)| line.sku < next.sku);
    let whole = lines.iter().all(|line| line.units > 0 && line.gifts <= line.units);
    let sum = lines.iter().try_fold(0_u32, |sum, line| sum.checked_add(line.units))?;
    (ascend && whole && lines.len() <= MAX_LINES).then_some((first, Quantity::new(sum)?))
}

impl Ledger {
    /// Whether the shopper may have the units of a line, when he has given some of them back; and what they may cost. `of_group`:
    /// units of its placement group that the order wants and gives back.
    fn may_hold(
        &self,
        now: Timestamp,
        reserve: &Reserve,
        line: &Line,
        (freed, of_group): (Freed, (u32, u32)),
    ) -> Result<Bounds, Refusal> {
        let user = reserve.user;
        let slot = self.sku_at(Place::default(), line.sku);
        let Some(sku) = self.stock.get(slot) else { return Err(Refusal::UnknownSku) };
        let (limits, bounds) = self.admit_line(now, slot, sku, reserve, Self::paid_units(line))?;
        let available = self.free_units(slot, sku).saturating_add(freed.units);
        if available == 0 {
            return Err(Refusal::SoldOut { holds: sku.holds, next_expiry: sku.next_expiry(now) });
        }
        if line.units > limits.order {
            return Err(Refusal::OrderLimit { limit: limits.order });
        }
        let gave = u32::try_from(freed.units).unwrap_or(u32::MAX);
        let has = self.tally.units(self.hasher.user(user, slot), user, slot).saturating_sub(gave);
        let limit = limits.user;
        if has.checked_add(line.units).is_none_or(|units| units > limit) {
            return Err(Refusal::UserLimit { left: limit.saturating_sub(has) });
        }
        self.check_group((slot, sku), user, limits.group, of_group)?;
        self.enough_after(slot, sku, reserve.channel, (line.units, available), freed)?;
        Ok(bounds)
    }

    /// The answer to a request that is known.
    pub(super) fn repeated(
        &self,
        reserve: &Reserve,
        lines: &[Line],
        coupon: Option<CouponId>,
    ) -> Option<Outcome> {
        let slot = self.sku_at(Place::default(), reserve.sku);
        let place = self.hashed(Place::default(), slot, reserve.request, reserve.user);
        let (_, order) = self.orders.by_request(place.request_hash, reserve.request, slot)?;
        Some(self.repeat(order, reserve, (lines, coupon)))
    }

    /// The request is known: the same content gets the same answer, other content names what differs.
    fn repeat(
        &self,
        order: &Order,
        reserve: &Reserve,
        (lines, coupon): (&[Line], Option<CouponId>),
    ) -> Outcome {
        if !order.number.is_composite() && !is_composite(lines) && coupon.is_none() {
            return self.repeat_reserve(order, reserve).outcome;
        }
        let known = self.orders.legs(order).map(|leg| Line { units: leg.ordered, ..leg.line() });
        let differs = if order.user != reserve.user {
            Some(Field::User)
        } else if order.state() == Some(OrderState::Restocked) {
            Some(Field::Units)
        } else if self.orders.coupon(order) != coupon {
            Some(Field::Coupon)
        } else if !known.eq(lines.iter().copied()) {
            Some(Field::Lines)
        } else {
            self.differs(order, reserve)
        };
        match differs {
            Some(field) => Outcome::Refused(Refusal::IdempotencyConflict { order: order.number, field }),
            None => replayed(order),
        }
    }

    /// How long a hold lasts that takes this one's place, and what it inherits. A longer time counts as an extension, and where
    /// there is none left, it ends when the old one would have. Else a shopper could hold units for ever.
    fn taking_over(&self, old: &Order, now: Timestamp, hold_ms: u32) -> (u32, u8) {
        let left = u32::try_from(old.deadline().since(now)).unwrap_or(u32::MAX);
        let may = old.extensions() < self.rules.max_extensions;
        let hold_ms = if may { hold_ms } else { hold_ms.min(left) };
        let mut heir = *old;
        if hold_ms > left {
            heir.extended();
        }
        (hold_ms, heir.moves)
    }
}
