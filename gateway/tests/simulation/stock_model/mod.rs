//! What a SKU is said to do, for [`linearize`](crate::linearize): a counter of free units, and the places of its orders.
//!
//! Written from the protocol's document, and by nothing that the engine has: no ledger type is used here.

#[cfg(test)]
mod tests;

use crate::linearize::Model;

/// Where an order stands with this SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Nothing was decided under its request yet.
    Unknown,
    Waiting,
    Held,
    Sold,
    Cancelled,
    Expired,
    /// Waited in vain.
    Lapsed,
}

/// A SKU: free units, and the place of each order by its number in the history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stock {
    pub(crate) available: u64,
    pub(crate) places: Vec<Place>,
}

/// What happened, or was seen. Orders by their numbers in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A hold was answered with OK.
    Hold(usize),
    /// It was answered that the order waits.
    Wait(usize),
    /// A hold, or a place in the line, that only a later answer told of.
    Placed(usize),
    /// A hold was refused, as so many units are free for it; `None`: for another reason.
    Refuse(usize, Option<u64>),
    /// An offer to an order that waits. By itself.
    Offer(usize),
    /// The end of a hold by its deadline. By itself.
    Expire(usize),
    /// The end of a wait in vain. By itself.
    Lapse(usize),
    /// A cancel. `again`: it may have been carried out before.
    Cancel { order: usize, again: bool },
    /// A payment that bought a hold.
    Pay(usize),
    /// A payment that took the units of an ended hold again, or those of one whose time was up.
    PayLate(usize),
    /// A payment that was carried out in either way.
    PayEither(usize),
    /// A payment that bought nothing. `alone`: the order is for this SKU only, so its units must have been missing here.
    Refund { order: usize, alone: bool },
    /// Somebody was told where an order stands, or that it is in one of these places.
    See(usize, Vec<Place>),
    /// New units.
    Add(u64),
    /// The accounts were read.
    Level { available: u64, held: u64, sold: u64, waiting: u32 },
}

/// The rules, for orders of so many units each.
pub(crate) struct StockModel {
    pub(crate) units: Vec<u64>,
}

impl StockModel {
    /// The SKU before the first order.
    pub(crate) fn start(&self, available: u64) -> Stock {
        Stock { available, places: vec![Place::Unknown; self.units.len()] }
    }

    fn sum(&self, stock: &Stock, place: Place) -> u64 {
        stock.places.iter().zip(&self.units).filter(|(at, _)| **at == place).map(|(_, units)| units).sum()
    }
}

impl Stock {
    fn to(&self, order: usize, place: Place, available: u64) -> Self {
        let mut next = Self { available, ..self.clone() };
        next.places[order] = place;
        next
    }

    /// Whether units may be kept for somebody who waits, so that a newcomer gets less than there is.
    fn is_waited_for(&self) -> bool {
        self.places.contains(&Place::Waiting)
    }
}

impl Model for StockModel {
    type State = Stock;
    type Action = Action;

    fn apply(&self, stock: &Stock, action: &Action, next: &mut Vec<Stock>) {
        let free = stock.available;
        let place = |order: usize| stock.places[order];
        let units = |order: usize| self.units[order];
        let short = |order: usize| free < units(order) || stock.is_waited_for();
        let take =
            |order: usize, to| (free >= units(order)).then(|| stock.to(order, to, free - units(order)));
        match *action {
            Action::Hold(order) if place(order) == Place::Unknown => next.extend(take(order, Place::Held)),
            Action::Wait(order) if place(order) == Place::Unknown && short(order) => {
                next.push(stock.to(order, Place::Waiting, free));
            }
            Action::Placed(order) if place(order) == Place::Unknown => {
                next.extend(take(order, Place::Held));
                if short(order) {
                    next.push(stock.to(order, Place::Waiting, free));
                }
            }
            Action::Refuse(order, left)
                if place(order) == Place::Unknown
                    && (stock.is_waited_for()
                        || left.is_none_or(|left| left == free && left < units(order))) =>
            {
                next.push(stock.clone());
            }
            Action::Offer(order) if place(order) == Place::Waiting => next.extend(take(order, Place::Held)),
            Action::Expire(order) if place(order) == Place::Held => {
                next.push(stock.to(order, Place::Expired, free + units(order)));
            }
            Action::Lapse(order) if place(order) == Place::Waiting => {
                next.push(stock.to(order, Place::Lapsed, free));
            }
            Action::Cancel { order, again } => match place(order) {
                Place::Held => next.push(stock.to(order, Place::Cancelled, free + units(order))),
                Place::Waiting => next.push(stock.to(order, Place::Cancelled, free)),
                Place::Cancelled if again => next.push(stock.clone()),
                _ => {}
            },
            Action::Pay(order) if place(order) == Place::Held => {
                next.push(stock.to(order, Place::Sold, free));
            }
            Action::PayLate(order) | Action::PayEither(order) => match place(order) {
                Place::Held => next.push(stock.to(order, Place::Sold, free)),
                Place::Expired | Place::Cancelled => next.extend(take(order, Place::Sold)),
                _ => {}
            },
            Action::Refund { order, alone } => match place(order) {
                Place::Waiting | Place::Lapsed | Place::Sold => next.push(stock.clone()),
                Place::Expired | Place::Cancelled if !alone || short(order) => next.push(stock.clone()),
                _ => {}
            },
            Action::See(order, ref places) if places.contains(&place(order)) => next.push(stock.clone()),
            Action::Add(units) => next.push(Stock { available: free + units, ..stock.clone() }),
            Action::Level { available, held, sold, waiting } => {
                let waits = stock.places.iter().filter(|place| **place == Place::Waiting).count();
                if (available, held, sold)
                    == (free, self.sum(stock, Place::Held), self.sum(stock, Place::Sold))
                    && waits == waiting as usize
                {
                    next.push(stock.clone());
                }
            }
            _ => {}
        }
    }

    fn is_read(&self, action: &Action) -> bool {
        matches!(action, Action::Refuse(..) | Action::Refund { .. } | Action::See(..) | Action::Level { .. })
    }
}
