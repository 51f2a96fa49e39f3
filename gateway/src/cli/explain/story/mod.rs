//! From events to sentences.
//!
//! An event says little by itself: a payment that buys nothing came too late, or twice, or for an order that only
//! waited. So the story keeps where each order stands and chooses its words by that. Of an order with several lines, what
//! happens to each line is told beside what happens to the order.

mod after;
mod budget;
mod campaign;
mod stock;

use std::collections::BTreeMap;

use doorbuster_client::{EventKind, FeedEvent};
use doorbuster_protocol::feed::has_lines;

use self::stock::reason;
use super::words::{Line, amount, payment, pieces, units, were};
use crate::utc::Utc;

/// What happened, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) position: u64,
    pub(super) at: u64,
    pub(super) kind: EventKind,
    /// The order that it is about; none where it concerns all.
    pub(super) order: Option<u64>,
    pub(super) sentence: String,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Waiting,
    Lapsed,
    Left,
    Held,
    Paying,
    Paid,
    Cancelled,
    Expired,
    Replaced { by: u64 },
}

#[derive(Clone, Debug)]
struct Order {
    lines: Vec<Line>,
    due: u64,
    until: u64,
    stand: Stand,
    /// Payments that must be paid back, minor units.
    to_pay_back: u64,
    after: after::After,
}

/// See the module's doc. Takes events in their order.
#[derive(Debug)]
pub(super) struct Story {
    /// The only order that is told of; `None`: all that are placed.
    only: Option<u64>,
    decimals: u8,
    orders: BTreeMap<u64, Order>,
}

impl Story {
    pub(super) fn new(only: Option<u64>, decimals: u8) -> Self {
        Self { only, decimals, orders: BTreeMap::new() }
    }

    /// The orders that were told of, and how each stands now, in a sentence.
    pub(super) fn orders(&self) -> impl Iterator<Item = (u64, String)> {
        self.orders.iter().map(|(number, order)| (*number, self.now(order)))
    }

    /// Tells an event; `None` if there is nothing to be said of it here.
    pub(super) fn tell(&mut self, event: &FeedEvent) -> Option<Told> {
        let kind = event.kind()?;
        let sentence = match kind {
            EventKind::SkuPut => stock::set_up(event),
            EventKind::Restocked => stock::restocked(event),
            EventKind::ChannelSet => stock::channel_set(event),
            EventKind::Rebalanced => stock::rebalanced(event),
            EventKind::PhasePut
            | EventKind::PlanActivated
            | EventKind::CampaignStood
            | EventKind::PhaseEntered
            | EventKind::SkuBound
            | EventKind::PriceSet
            | EventKind::LimitsSet
            | EventKind::FreezeSet => campaign::sentence(event, &self.amount(event.amount))?,
            EventKind::BudgetOpened
            | EventKind::FunderAdded
            | EventKind::BudgetFunded
            | EventKind::BudgetStopped
            | EventKind::BudgetDrained
            | EventKind::BudgetFilled
            | EventKind::CouponsIssued
            | EventKind::CouponHeld
            | EventKind::CouponReleased
            | EventKind::CouponRedeemed => budget::told(event, kind, &self.amount(event.amount))?,
            EventKind::Checkpoint => {
                "The service noted the state of all orders and stopped in good order.".to_owned()
            }
            EventKind::GraceGranted => self.grace(event)?,
            EventKind::Reserved | EventKind::Waitlisted => self.placed(event, kind),
            EventKind::Superseded => self.superseded(event),
            EventKind::LineHeld
            | EventKind::LineReleased
            | EventKind::LineSold
            | EventKind::LineCut
            | EventKind::LineDropped => self.line(event, kind)?,
            EventKind::Counted | EventKind::WrittenOff | EventKind::Inspected => after::goods(event),
            EventKind::Fulfilling
            | EventKind::Delivered
            | EventKind::Closed
            | EventKind::LineShipped
            | EventKind::LineCancelled
            | EventKind::LineReturned
            | EventKind::PaidBack
            | EventKind::Shorted
            | EventKind::Covered => {
                let decimals = self.decimals;
                let order = self.orders.get_mut(&event.order)?;
                after::tell(&mut order.after, &mut order.to_pay_back, &mut order.lines, decimals, event)?
            }
            EventKind::Confirmed
            | EventKind::Cancelled
            | EventKind::Expired
            | EventKind::Evicted
            | EventKind::PayBegun
            | EventKind::PayFailed
            | EventKind::Extended
            | EventKind::Reacquired
            | EventKind::RefundRequired
            | EventKind::AmountMismatched
            | EventKind::Cut
            | EventKind::Offered => self.later(event, kind)?,
        };
        let order = (event.order != 0).then_some(event.order);
        Some(Told { position: event.position, at: event.at, kind, order, sentence })
    }

    fn amount(&self, minor: u64) -> String {
        amount(minor, self.decimals)
    }

    /// An order is placed.
    fn placed(&mut self, event: &FeedEvent, kind: EventKind) -> String {
        let stand = if kind == EventKind::Reserved { Stand::Held } else { Stand::Waiting };
        let line = Line { sku: event.sku, units: event.units };
        let lines = if has_lines(event.order) { Vec::new() } else { vec![line] };
        let (user, until) = (event.user, Utc(event.until));
        let what = if lines.is_empty() { format!("{} in all", pieces(event.units)) } else { units(&lines) };
        let be = were(&[line]);
        let order = Order {
            lines,
            due: event.amount,
            until: event.until,
            stand,
            to_pay_back: 0,
            after: after::After::default(),
        };
        self.orders.insert(event.order, order);
        if stand == Stand::Waiting {
            return format!(
                "Shopper {user} wanted {what}. There were too few, so the order joined the waiting line until {until}."
            );
        }
        let mut sentence = format!("{what} {be} held for shopper {user} until {until}.");
        if event.amount != 0 {
            sentence = format!("{sentence} {} was due.", self.amount(event.amount));
        }
        if event.to != 0 {
            sentence = format!("{sentence} {}", budget::discount(event.to, &self.amount(event.cap)));
        }
        sentence
    }

    /// A hold ended for another one.
    fn superseded(&mut self, event: &FeedEvent) -> String {
        let Some(order) = self.orders.get_mut(&event.order) else {
            return format!(
                "The hold of order {} ended: its shopper put order {} in its place.",
                event.order, event.to
            );
        };
        order.stand = Stand::Replaced { by: event.to };
        let back = went_back(event.order, &order.lines);
        format!("The shopper put order {} in the place of this one: the hold ended.{back}", event.to)
    }

    /// What happens to a line.
    fn line(&mut self, event: &FeedEvent, kind: EventKind) -> Option<String> {
        let order = self.orders.get_mut(&event.order)?;
        let moved = [Line { sku: event.sku, units: event.units }];
        let (what, be) = (units(&moved), were(&moved));
        let known = order.lines.iter_mut().find(|line| line.sku == event.sku);
        Some(match (kind, known) {
            (EventKind::LineHeld, None) => {
                order.lines.extend(moved);
                let gifts = match event.gifts {
                    0 => String::new(),
                    gifts => format!(", {gifts} of them for nothing"),
                };
                format!("{what} {be} held as a line of the order{gifts}.")
            }
            (EventKind::LineHeld, Some(_)) => format!("{what} {be} still free and {be} taken again."),
            (EventKind::LineSold, _) => format!("{what} {be} paid."),
            (EventKind::LineCut | EventKind::LineDropped, Some(line)) => {
                line.units = line.units.saturating_sub(event.units);
                format!("{what} {be} given back for good and went back on sale.")
            }
            _ => format!("{what} went back on sale."),
        })
    }

    /// What happens to an order that is there.
    fn later(&mut self, event: &FeedEvent, kind: EventKind) -> Option<String> {
        let decimals = self.decimals;
        let order = self.orders.get_mut(&event.order)?;
        let (before, until) = (order.stand, Utc(event.until));
        let (what, be) = (units(&order.lines), were(&order.lines));
        let back = went_back(event.order, &order.lines);
        let (paid, by) = (amount(event.amount, decimals), payment(event.payment_id));
        let keep = |order: &mut Order, stand| {
            order.until = event.until;
            order.stand = stand;
        };
        let sentence = match kind {
            EventKind::Offered => {
                keep(order, Stand::Held);
                format!("{what} came free and {be} held for the shopper, who had waited, until {until}.")
            }
            EventKind::PayBegun => {
                keep(order, Stand::Paying);
                format!("The payment {by} began. Meanwhile the hold was kept until {until}.")
            }
            EventKind::PayFailed => {
                keep(order, Stand::Held);
                format!(
                    "The payment came to nothing. The hold was kept until {until}, so that the shopper could try again."
                )
            }
            EventKind::Extended => {
                order.until = event.until;
                format!("The hold was prolonged until {until}.")
            }
            EventKind::Cut => {
                if let [line] = &mut order.lines[..]
                    && !has_lines(event.order)
                {
                    line.units = line.units.saturating_sub(event.units);
                }
                let due = if event.amount == order.due {
                    String::new()
                } else {
                    format!(" From then on {paid} was due.")
                };
                order.due = event.amount;
                format!("A part of the order was given back for good, {} in all.{due}", pieces(event.units))
            }
            EventKind::Confirmed => {
                order.stand = Stand::Paid;
                order.after.bought_by = event.payment_id;
                format!("The payment {by} of {paid} arrived in time. The order was paid.")
            }
            EventKind::Reacquired => {
                order.stand = Stand::Paid;
                order.after.bought_by = event.payment_id;
                let again = if has_lines(event.order) {
                    String::new()
                } else {
                    format!(" {what} {be} still free and {be} taken again.")
                };
                format!(
                    "The payment {by} of {paid} arrived after the hold had ended.{again} The order was paid."
                )
            }
            EventKind::RefundRequired => {
                order.to_pay_back = order.to_pay_back.saturating_add(event.amount);
                let why = match before {
                    Stand::Paid => "although the order was paid already",
                    Stand::Waiting => "while the order only waited and held nothing",
                    Stand::Lapsed | Stand::Left => "for an order that had only waited, and in vain",
                    Stand::Replaced { .. } => "after another order had taken the place of this one",
                    Stand::Held | Stand::Paying | Stand::Cancelled | Stand::Expired => {
                        "after the hold had ended. The units were gone, or the shopper had as many as he may"
                    }
                };
                format!(
                    "The payment {by} of {paid} arrived {why}. It bought nothing: {paid} must be paid back."
                )
            }
            EventKind::AmountMismatched => format!(
                "The payment {by} of {paid} was refused, because {} was due. Nothing changed by it.",
                amount(order.due, decimals)
            ),
            EventKind::Cancelled if before == Stand::Waiting => {
                order.stand = Stand::Left;
                format!("The shopper left the waiting line{}.", reason(event))
            }
            EventKind::Cancelled => {
                order.stand = Stand::Cancelled;
                format!("The shopper gave the hold back{}.{back}", reason(event))
            }
            EventKind::Expired if before == Stand::Waiting => {
                order.stand = Stand::Lapsed;
                "Too few units came free in time. The wait ended in vain.".to_owned()
            }
            EventKind::Expired => {
                order.stand = Stand::Expired;
                format!("The hold's time was over and it was not paid.{back}")
            }
            EventKind::Evicted => "The order was closed. It is kept in the log alone.".to_owned(),
            _ => return None,
        };
        Some(sentence)
    }

    /// What an interruption of the service meant for the orders that held something.
    fn grace(&mut self, event: &FeedEvent) -> Option<String> {
        let open = self
            .orders
            .values_mut()
            .filter(|order| matches!(order.stand, Stand::Held | Stand::Paying) && order.until < event.until);
        let kept = open.fold(0, |kept, order| {
            order.until = event.until;
            kept + 1
        });
        (kept > 0).then(|| {
            let whose = if self.only.is_some() { "This order was" } else { "Open orders were" };
            format!("The service had been interrupted. {whose} kept until {} at least.", Utc(event.until))
        })
    }

    fn now(&self, order: &Order) -> String {
        let (what, be, until) = (units(&order.lines), were(&order.lines), Utc(order.until));
        let mut now = match order.stand {
            Stand::Waiting => format!("it waits for {what}, at the longest until {until}."),
            Stand::Lapsed => "it waited in vain.".to_owned(),
            Stand::Left => "the shopper left the waiting line.".to_owned(),
            Stand::Held => format!("{what} {be} not paid yet; the hold lasts until {until}."),
            Stand::Paying => {
                format!("{what} {be} not paid yet; a payment is under way, and the hold lasts until {until}.")
            }
            Stand::Paid => after::now(&order.after, &order.lines, self.decimals),
            Stand::Cancelled => "it was cancelled.".to_owned(),
            Stand::Expired => "it was not paid in time.".to_owned(),
            Stand::Replaced { by } => format!("order {by} took its place."),
        };
        if order.to_pay_back > 0 {
            now = format!("{now} In all {} must be paid back.", self.amount(order.to_pay_back));
        }
        now
    }
}

/// That its units went back, of an order with one line; of the others, each line says so itself.
fn went_back(order: u64, lines: &[Line]) -> String {
    if has_lines(order) { String::new() } else { format!(" {} went back on sale.", units(lines)) }
}

#[cfg(test)]
mod tests;
