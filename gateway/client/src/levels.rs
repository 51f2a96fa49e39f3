//! The stock of each SKU, made of the feed alone.
//!
//! Most of an order's later events name the order, not its SKU and units. So the open orders are kept; an order that left
//! the server's memory leaves this one, too. The lines of orders that have several move with events that say it all.

use std::collections::{BTreeMap, HashMap};

use doorbuster_protocol::feed::has_lines;
use doorbuster_protocol::{EventKind, FeedEvent, GoodsTo};

/// Units of a SKU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Free for new holds.
    pub available: i128,
    /// In open holds.
    pub held: i128,
    /// Paid.
    pub sold: i128,
}

/// What every SKU's accounts come to at a position of the feed. Begin at position 0 and apply every event once, in
/// order; filters by SKU or partition are fine, others leave out what counts.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    skus: BTreeMap<u64, Level>,
    orders: HashMap<u64, Order>,
    /// The position behind the last event.
    position: u64,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    holds: Holds,
    sku: u64,
    units: i128,
}

/// What an order has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    Units,
    Sold,
}

/// An event doesn't follow from those before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event at position {position} can't follow: {reason}")]
pub struct LevelsError {
    /// Its position.
    pub position: u64,
    /// What is wrong.
    pub reason: String,
}

impl Levels {
    /// The position behind the last event that was applied.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// A SKU's units; `None` if it was never set up.
    pub fn level(&self, sku: u64) -> Option<Level> {
        self.skus.get(&sku).copied()
    }

    /// Every SKU with its units, ascending.
    pub fn all(&self) -> impl Iterator<Item = (u64, Level)> {
        self.skus.iter().map(|(sku, level)| (*sku, *level))
    }

    /// Takes an event in.
    ///
    /// # Errors
    /// The event is older than the last one, is of an unknown kind, names an order that wasn't placed or a SKU that
    /// wasn't set up, or would bring an account below nothing. It was taken in as far as it could be: begin anew.
    pub fn apply(&mut self, event: &FeedEvent) -> Result<(), LevelsError> {
        let fail = |reason: String| LevelsError { position: event.position, reason };
        if event.position < self.position {
            return Err(fail(format!("position {} was expected", self.position)));
        }
        self.position = event.position.saturating_add(1);
        let kind = event.kind().ok_or_else(|| fail(format!("kind {} is unknown here", event.kind)))?;
        match kind {
            EventKind::SkuPut => {
                let level = Level { available: i128::from(event.units), ..Level::default() };
                if self.skus.insert(event.sku, level).is_some() {
                    return Err(fail(format!("SKU {} is set up already", event.sku)));
                }
                Ok(())
            }
            EventKind::Restocked | EventKind::Counted => {
                self.sku(event.sku).map_err(fail)?.available += i128::from(event.units);
                self.check(event.sku).map_err(fail)
            }
            EventKind::LineHeld => self.turn_line(event, Holds::Nothing, Holds::Units).map_err(fail),
            EventKind::LineReleased | EventKind::LineCut | EventKind::LineDropped => {
                self.turn_line(event, Holds::Units, Holds::Nothing).map_err(fail)
            }
            EventKind::LineSold => self.turn_line(event, Holds::Units, Holds::Sold).map_err(fail),
            EventKind::LineCancelled => self.turn_line(event, Holds::Sold, Holds::Nothing).map_err(fail),
            EventKind::LineReturned if event.goods_to == GoodsTo::Stock.byte() => {
                self.turn_line(event, Holds::Sold, Holds::Nothing).map_err(fail)
            }
            EventKind::LineReturned => {
                self.sku(event.sku).map_err(fail)?.sold -= i128::from(event.units);
                self.check(event.sku).map_err(fail)
            }
            EventKind::WrittenOff => {
                self.sku(event.sku).map_err(fail)?.available -= i128::from(event.units);
                self.check(event.sku).map_err(fail)
            }
            EventKind::Inspected => {
                let back = event.goods_to == GoodsTo::Stock.byte();
                let units = if back { i128::from(event.units) } else { 0 };
                self.sku(event.sku).map_err(fail)?.available += units;
                Ok(())
            }
            // What moves units of an order that has one line moves none of one that has several.
            _ if has_lines(event.order) => Ok(()),
            EventKind::Reserved | EventKind::Waitlisted => {
                let (sku, units) = (event.sku, i128::from(event.units));
                if self.orders.insert(event.order, Order { holds: Holds::Nothing, sku, units }).is_some() {
                    return Err(fail(format!("order {} is placed already", event.order)));
                }
                match kind {
                    EventKind::Reserved => self.turn(event.order, Holds::Units).map_err(fail),
                    _ => Ok(()),
                }
            }
            EventKind::Offered => self.turn(event.order, Holds::Units).map_err(fail),
            EventKind::Confirmed | EventKind::Reacquired => self.turn(event.order, Holds::Sold).map_err(fail),
            EventKind::Cancelled | EventKind::Expired | EventKind::Superseded => {
                self.turn(event.order, Holds::Nothing).map_err(fail)
            }
            EventKind::Cut => self.cut(event.order, event.units.into()).map_err(fail),
            EventKind::Evicted => {
                self.orders.remove(&event.order);
                Ok(())
            }
            EventKind::GraceGranted
            | EventKind::Checkpoint
            | EventKind::ChannelSet
            | EventKind::Rebalanced
            | EventKind::PhasePut
            | EventKind::PlanActivated
            | EventKind::CampaignStood
            | EventKind::PhaseEntered
            | EventKind::SkuBound
            | EventKind::PriceSet
            | EventKind::LimitsSet
            | EventKind::FreezeSet
            | EventKind::Fulfilling
            | EventKind::Delivered
            | EventKind::Closed
            | EventKind::LineShipped
            | EventKind::PaidBack
            | EventKind::Shorted
            | EventKind::Covered
            | EventKind::PayBegun
            | EventKind::PayFailed
            | EventKind::Extended
            | EventKind::RefundRequired
            | EventKind::AmountMismatched
            | EventKind::BudgetOpened
            | EventKind::FunderAdded
            | EventKind::BudgetFunded
            | EventKind::BudgetStopped
            | EventKind::BudgetDrained
            | EventKind::BudgetFilled
            | EventKind::CouponsIssued
            | EventKind::CouponHeld
            | EventKind::CouponReleased
            | EventKind::CouponRedeemed => Ok(()),
        }
    }

    /// Moves an order's units to where they belong from here on.
    fn turn(&mut self, number: u64, to: Holds) -> Result<(), String> {
        let order = self.order(number)?;
        let from = std::mem::replace(&mut order.holds, to);
        let Order { sku, units, .. } = *order;
        self.shift(sku, units, from, to)
    }

    /// Takes units off an order for good.
    fn cut(&mut self, number: u64, units: i128) -> Result<(), String> {
        let order = self.order(number)?;
        order.units -= units;
        let Order { sku, holds, .. } = *order;
        self.shift(sku, units, holds, Holds::Nothing)
    }

    /// Moves units of a line.
    fn turn_line(&mut self, event: &FeedEvent, from: Holds, to: Holds) -> Result<(), String> {
        self.shift(event.sku, event.units.into(), from, to)
    }

    fn shift(&mut self, sku: u64, units: i128, from: Holds, to: Holds) -> Result<(), String> {
        let level = self.sku(sku)?;
        *account(level, from) -= units;
        *account(level, to) += units;
        self.check(sku)
    }

    fn order(&mut self, number: u64) -> Result<&mut Order, String> {
        self.orders.get_mut(&number).ok_or_else(|| format!("order {number} was never placed"))
    }

    fn sku(&mut self, sku: u64) -> Result<&mut Level, String> {
        self.skus.get_mut(&sku).ok_or_else(|| format!("SKU {sku} was never set up"))
    }

    fn check(&self, sku: u64) -> Result<(), String> {
        let Level { available, held, sold } = self.level(sku).unwrap_or_default();
        if available < 0 || held < 0 || sold < 0 {
            return Err(format!("SKU {sku} would have {available} available, {held} held, {sold} sold"));
        }
        Ok(())
    }
}

/// Where the units of an order are counted.
fn account(level: &mut Level, holds: Holds) -> &mut i128 {
    match holds {
        Holds::Nothing => &mut level.available,
        Holds::Units => &mut level.held,
        Holds::Sold => &mut level.sold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: u64, kind: EventKind, order: u64) -> FeedEvent {
        FeedEvent { position, kind: kind.byte(), order, ..FeedEvent::default() }
    }

    fn set_up(units: i64) -> Levels {
        let mut levels = Levels::default();
        let put = FeedEvent { sku: 1, units, ..event(0, EventKind::SkuPut, 0) };
        levels.apply(&put).unwrap();
        levels
    }

    fn placed(position: u64, kind: EventKind, order: u64, quantity: u32) -> FeedEvent {
        FeedEvent { sku: 1, units: i64::from(quantity), ..event(position, kind, order) }
    }

    fn level(levels: &Levels) -> (i128, i128, i128) {
        let level = levels.level(1).unwrap();
        (level.available, level.held, level.sold)
    }

    #[test]
    fn units_follow_their_order() {
        let mut levels = set_up(10);
        let steps = [
            (placed(1, EventKind::Reserved, 1, 3), (7, 3, 0)),
            (FeedEvent { to: 2, ..event(2, EventKind::Superseded, 1) }, (10, 0, 0)),
            (placed(3, EventKind::Reserved, 2, 6), (4, 6, 0)),
            (FeedEvent { units: 2, ..event(4, EventKind::Cut, 2) }, (6, 4, 0)),
            (placed(5, EventKind::Waitlisted, 3, 6), (6, 4, 0)),
            (event(6, EventKind::Offered, 3), (0, 10, 0)),
            (event(7, EventKind::Confirmed, 2), (0, 6, 4)),
            (event(8, EventKind::Expired, 3), (6, 0, 4)),
            (event(9, EventKind::Reacquired, 3), (0, 0, 10)),
            (FeedEvent { sku: 1, units: 5, ..event(10, EventKind::Restocked, 9) }, (5, 0, 10)),
            (placed(11, EventKind::Waitlisted, 4, 9), (5, 0, 10)),
            (event(12, EventKind::Cancelled, 4), (5, 0, 10)),
            (event(13, EventKind::Evicted, 4), (5, 0, 10)),
            (placed(14, EventKind::LineShipped, 2, 3), (5, 0, 10)),
            (placed(15, EventKind::LineCancelled, 2, 1), (6, 0, 9)),
            (FeedEvent { goods_to: 1, ..placed(16, EventKind::LineReturned, 2, 1) }, (7, 0, 8)),
            (FeedEvent { goods_to: 2, ..placed(17, EventKind::LineReturned, 2, 2) }, (7, 0, 6)),
            (FeedEvent { goods_to: 1, ..placed(18, EventKind::Inspected, 0, 1) }, (8, 0, 6)),
            (FeedEvent { goods_to: 3, ..placed(19, EventKind::Inspected, 0, 1) }, (8, 0, 6)),
            (FeedEvent { units: -3, ..placed(20, EventKind::Counted, 0, 0) }, (5, 0, 6)),
            (placed(21, EventKind::Shorted, 3, 2), (5, 0, 6)),
            (placed(22, EventKind::WrittenOff, 0, 2), (3, 0, 6)),
            (placed(23, EventKind::Covered, 3, 2), (3, 0, 6)),
        ];
        for (event, expected) in steps {
            levels.apply(&event).unwrap();
            assert_eq!(level(&levels), expected, "{event:?}");
        }
        assert_eq!(levels.position(), 24);
    }

    #[test]
    fn lines_move_units_and_their_order_moves_none() {
        let several = (1 << 51) | 1;
        let line = |position, kind, quantity| placed(position, kind, several, quantity);
        let whole = |position, kind| FeedEvent { units: 9, ..event(position, kind, several) };
        let mut levels = set_up(10);
        let steps = [
            (whole(1, EventKind::Reserved), (10, 0, 0)),
            (line(2, EventKind::LineHeld, 6), (4, 6, 0)),
            (line(3, EventKind::LineCut, 2), (6, 4, 0)),
            (whole(4, EventKind::Cut), (6, 4, 0)),
            (line(5, EventKind::LineReleased, 4), (10, 0, 0)),
            (whole(6, EventKind::Expired), (10, 0, 0)),
            (line(7, EventKind::LineHeld, 4), (6, 4, 0)),
            (line(8, EventKind::LineSold, 4), (6, 0, 4)),
            (whole(9, EventKind::Reacquired), (6, 0, 4)),
            (line(10, EventKind::LineHeld, 3), (3, 3, 4)),
            (line(11, EventKind::LineDropped, 3), (6, 0, 4)),
            (whole(12, EventKind::Evicted), (6, 0, 4)),
        ];
        for (event, expected) in steps {
            levels.apply(&event).unwrap();
            assert_eq!(level(&levels), expected, "{event:?}");
        }
    }

    #[test]
    fn what_cannot_follow_is_said_with_its_position() {
        let cases = [
            (event(0, EventKind::Evicted, 1), "position 1 was expected"),
            (event(5, EventKind::Confirmed, 7), "order 7 was never placed"),
            (placed(5, EventKind::Reserved, 1, 11), "SKU 1 would have -1 available, 11 held, 0 sold"),
            (FeedEvent { sku: 1, ..event(5, EventKind::SkuPut, 0) }, "SKU 1 is set up already"),
            (FeedEvent { sku: 2, units: 1, ..event(5, EventKind::Restocked, 3) }, "SKU 2 was never set up"),
            (placed(5, EventKind::LineSold, 1 << 51, 1), "SKU 1 would have 10 available, -1 held, 1 sold"),
            (FeedEvent { kind: 63, position: 5, ..FeedEvent::default() }, "kind 63 is unknown here"),
        ];
        for (event, reason) in cases {
            let error = set_up(10).apply(&event).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the event at position {} can't follow: {reason}", event.position)
            );
        }
    }
}
