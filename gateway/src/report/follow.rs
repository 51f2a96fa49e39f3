//! From events to deeds.
//!
//! Most events of an order name the order alone. The follower keeps what the others said, moves the units of every SKU as the
//! events say, and tells what happened with everything that a report counts by. An event that can't follow those before is a
//! contradiction, and so is an account below nothing: that none was is what a report says of overselling.

use std::collections::HashSet;

use doorbuster_ledger::{
    AfterEvent, CampaignEvent, Disposition, Event, LegEnd, LegHeld, LineMoved, Moved, Reserved,
};

use super::deed::{Deed, Payment, Step, Went, What, Why};
use super::orders::{Line, Order, Orders, Stand};
use super::shop::{Place, Shop};

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) shop: Shop,
    orders: Orders,
    /// Only SKUs that this campaign has sold count.
    campaign: Option<u32>,
    /// Those that it sells before they are set up.
    bound: HashSet<u64>,
    deeds: Vec<Deed>,
    at: u64,
}

impl Follower {
    pub(super) fn new(campaign: Option<u32>) -> Self {
        Self {
            shop: Shop::default(),
            orders: Orders::default(),
            campaign,
            bound: HashSet::new(),
            deeds: Vec::new(),
            at: 0,
        }
    }

    /// Takes an event in, and tells what happened by it.
    pub(super) fn follow(&mut self, event: &Event) -> Result<&[Deed], String> {
        self.deeds.clear();
        self.at = event.at().raw();
        let at = self.at;
        match *event {
            Event::SkuPut { sku, units, .. } => {
                let counted = self.campaign.is_none() || self.bound.contains(&sku.raw());
                self.shop.put(sku.raw(), signed(units), counted, at)?;
            }
            Event::Restocked { sku, units, .. } => {
                self.shop.shift(sku.raw(), units, (Place::Outside, Place::Available), at)?;
            }
            Event::Reserved(ref reserved) => self.reserved(reserved)?,
            Event::Confirmed { number, amount, .. } => self.paid(number.raw(), amount.raw(), false)?,
            Event::Reacquired { number, amount, .. } => self.paid(number.raw(), amount.raw(), true)?,
            Event::PayBegun { number, deadline, .. }
            | Event::PayFailed { number, deadline, .. }
            | Event::Extended { number, deadline, .. } => {
                self.orders.last_until(number.raw(), deadline.raw())?;
            }
            Event::RefundRequired { number, amount, .. } => {
                let why = match self.orders.stand(number.raw()).map(|order| order.stand) {
                    None => Why::Twice,
                    Some(Stand::Waiting | Stand::InVain) => Why::Waited,
                    Some(Stand::Holding | Stand::Ended) => Why::Late,
                };
                self.of_order(number.raw(), Step::RefundDue { amount: amount.raw(), why });
            }
            Event::AmountMismatched { number, .. } => self.of_order(number.raw(), Step::Mismatched),
            Event::Superseded { number, .. } => self.ended(number.raw(), End::Superseded)?,
            Event::Cancelled { number, .. } => self.ended(number.raw(), End::Cancelled)?,
            Event::Expired { number, .. } => self.ended(number.raw(), End::Expired)?,
            Event::Cut { number, units, .. } => self.cut(number.raw(), units)?,
            Event::LegHeld(ref leg) => self.line_held(leg)?,
            Event::LegReleased(ref end) => self.line_released(end)?,
            Event::LegSold(ref end) => self.line_sold(end)?,
            Event::LegCut(ref end) | Event::LegDropped(ref end) => self.line_cut(end)?,
            Event::Offered { number, deadline, .. } => self.offered(number.raw(), deadline.raw())?,
            Event::Evicted { number, .. } => self.orders.forget(number.raw()),
            Event::Campaign(ref event) => self.campaign(event)?,
            Event::After(ref event) => self.after(event)?,
            Event::GraceGranted { until, .. } => self.orders.grace(until.raw()),
            Event::ChannelSet { .. } | Event::Rebalanced { .. } | Event::Budget(_) => {}
        }
        Ok(&self.deeds)
    }

    fn reserved(&mut self, reserved: &Reserved) -> Result<(), String> {
        let (number, sku, units) = (reserved.number.raw(), reserved.sku.raw(), reserved.quantity.units());
        let waits = reserved.wait_ms != 0;
        let lasts_ms = if waits { reserved.wait_ms } else { reserved.hold_ms };
        let order = Order {
            since: self.at,
            until: reserved.at.plus(u64::from(lasts_ms)).raw(),
            sku,
            discount: reserved.claim.map_or(0, |claim| claim.amount.raw()),
            units,
            graces: 0,
            channel: reserved.channel.raw(),
            stand: if waits { Stand::Waiting } else { Stand::Holding },
            offered: false,
            counted: self.shop.counts(sku),
        };
        self.orders.place(number, order)?;
        if waits {
            self.of_order(number, Step::Waited);
            self.shop.wait(sku, i64::from(units))?;
            self.of_units(order.channel, sku, units, Went::Wanted);
            return Ok(());
        }
        self.of_order(number, Step::Held { lasts_ms: u64::from(lasts_ms) });
        if !reserved.number.is_composite() {
            self.hold(&order)?;
        }
        Ok(())
    }

    fn offered(&mut self, number: u64, deadline: u64) -> Result<(), String> {
        self.orders.last_until(number, deadline)?;
        let at = self.at;
        let order = self.orders.unpaid(number)?;
        if order.stand != Stand::Waiting {
            return Err(format!("order {number} doesn't wait"));
        }
        (order.stand, order.offered, order.since) = (Stand::Holding, true, at);
        let order = *order;
        self.of_order(number, Step::Offered);
        self.shop.wait(order.sku, -i64::from(order.units))?;
        self.of_units(order.channel, order.sku, order.units, Went::Granted);
        self.hold(&order)
    }

    /// The units of an order with one line go into its hold.
    fn hold(&mut self, order: &Order) -> Result<(), String> {
        self.shop.shift(order.sku, i64::from(order.units), (Place::Available, Place::Held), self.at)?;
        self.of_units(order.channel, order.sku, order.units, Went::Held);
        Ok(())
    }

    fn paid(&mut self, number: u64, amount: u64, late: bool) -> Result<(), String> {
        let (order, lines) = self.orders.pay(number)?;
        let payment = Payment {
            after_ms: self.at.saturating_sub(order.since),
            offered: order.offered,
            discount: order.discount,
        };
        self.of_order(number, if late { Step::Reacquired(payment) } else { Step::Paid(payment) });
        if has_lines(number) {
            for (line, amount) in self.dealt_out(&lines, amount) {
                self.of_units(order.channel, line.sku, line.units, Went::Sold { amount });
            }
            return Ok(());
        }
        let from = if order.stand == Stand::Holding { Place::Held } else { Place::Available };
        self.shop.shift(order.sku, i64::from(order.units), (from, Place::Sold), self.at)?;
        self.of_units(order.channel, order.sku, order.units, Went::Sold { amount });
        Ok(())
    }

    /// What was paid for each line that was sold: all together exactly the amount. By the prices of what isn't for nothing,
    /// where each has one, else by units.
    fn dealt_out(&self, lines: &[Line], amount: u64) -> Vec<(Line, u64)> {
        let sold: Vec<Line> = lines.iter().filter(|line| line.sold).copied().collect();
        let paid_for = |line: &Line| u128::from(line.units.saturating_sub(line.gifts));
        let price = |line: &Line| u128::from(self.shop.account(line.sku).map_or(0, |account| account.price));
        let priced = sold.iter().all(|line| price(line) > 0 || paid_for(line) == 0);
        let weights: Vec<u128> =
            sold.iter().map(|line| paid_for(line) * if priced { price(line) } else { 1 }).collect();
        let all: u128 = weights.iter().sum();
        let (mut before, mut given) = (0, 0);
        let mut parts = Vec::with_capacity(sold.len());
        for (nth, (line, weight)) in sold.iter().zip(weights).enumerate() {
            before += weight;
            // Up to and with this line; what is for nothing altogether counts as the last one's.
            let last = nth + 1 == sold.len();
            let upto = if last {
                u128::from(amount)
            } else {
                (u128::from(amount) * before).checked_div(all).unwrap_or(0)
            };
            parts.push((*line, u64::try_from(upto - given).unwrap_or(u64::MAX)));
            given = upto;
        }
        parts
    }

    fn ended(&mut self, number: u64, end: End) -> Result<(), String> {
        let order = *self.orders.unpaid(number)?;
        let in_line = order.stand == Stand::Waiting;
        let stand = if in_line { Stand::InVain } else { Stand::Ended };
        self.orders.unpaid(number)?.stand = stand;
        if in_line {
            self.of_order(number, if end == End::Expired { Step::Lapsed } else { Step::Left });
            self.shop.wait(order.sku, -i64::from(order.units))?;
            let available = self.shop.account(order.sku).map_or(0, |account| account.available);
            let free = available >= i64::from(order.units);
            self.of_units(order.channel, order.sku, order.units, Went::Missed { free });
            return Ok(());
        }
        let lag_ms = self.at.saturating_sub(self.orders.deadline(&order));
        self.of_order(
            number,
            match end {
                End::Cancelled => Step::Cancelled,
                End::Expired => Step::Expired { offered: order.offered, lag_ms },
                End::Superseded => Step::Superseded,
            },
        );
        if has_lines(number) {
            for line in self.orders.lines(number).clone() {
                let wanted = line.wanted && end == End::Expired;
                self.of_units(order.channel, line.sku, line.units, end.went(wanted));
            }
            return Ok(());
        }
        let wanted = end == End::Expired && self.is_wanted(order.sku);
        self.shop.shift(order.sku, i64::from(order.units), (Place::Held, Place::Available), self.at)?;
        self.of_units(order.channel, order.sku, order.units, end.went(wanted));
        Ok(())
    }

    /// A part of a hold was given back for good.
    fn cut(&mut self, number: u64, units: u32) -> Result<(), String> {
        if has_lines(number) {
            return Ok(());
        }
        let order = self.orders.unpaid(number)?;
        order.units = order
            .units
            .checked_sub(units)
            .ok_or_else(|| format!("order {number} has fewer than {units} units to give back"))?;
        let order = *order;
        self.shop.shift(order.sku, i64::from(units), (Place::Held, Place::Available), self.at)?;
        self.of_units(order.channel, order.sku, units, Went::Freed);
        Ok(())
    }

    fn line_held(&mut self, leg: &LegHeld) -> Result<(), String> {
        let (number, sku, units) = (leg.order.raw(), leg.line.sku.raw(), leg.line.units);
        self.shop.shift(sku, i64::from(units), (Place::Available, Place::Held), self.at)?;
        let lines = self.orders.lines(number);
        if lines.iter().any(|line| line.sku == sku) {
            // Taken again, for a late payment.
            return Ok(());
        }
        lines.push(Line { sku, units, gifts: leg.line.gifts, sold: false, wanted: false });
        self.of_units(leg.channel.raw(), sku, units, Went::Held);
        Ok(())
    }

    fn line_released(&mut self, end: &LegEnd) -> Result<(), String> {
        let wanted = self.is_wanted(end.sku.raw());
        self.shop.shift(end.sku.raw(), i64::from(end.units), (Place::Held, Place::Available), self.at)?;
        self.orders.line(end.order.raw(), end.sku.raw())?.wanted = wanted;
        Ok(())
    }

    fn line_sold(&mut self, end: &LegEnd) -> Result<(), String> {
        self.shop.shift(end.sku.raw(), i64::from(end.units), (Place::Held, Place::Sold), self.at)?;
        self.orders.line(end.order.raw(), end.sku.raw())?.sold = true;
        Ok(())
    }

    fn line_cut(&mut self, end: &LegEnd) -> Result<(), String> {
        let (number, sku) = (end.order.raw(), end.sku.raw());
        self.shop.shift(sku, i64::from(end.units), (Place::Held, Place::Available), self.at)?;
        let line = self.orders.line(number, sku)?;
        line.units = line.units.saturating_sub(end.units);
        if line.units == 0 {
            self.orders.lines(number).retain(|line| line.sku != sku);
        }
        self.of_units(end.channel.raw(), sku, end.units, Went::Freed);
        Ok(())
    }

    fn campaign(&mut self, event: &CampaignEvent) -> Result<(), String> {
        match *event {
            CampaignEvent::PriceSet { sku, price, .. } => self.shop.price(sku.raw(), price.price.raw()),
            CampaignEvent::SkuBound { sku, campaign, .. } if Some(campaign.raw()) == self.campaign => {
                self.bound.insert(sku.raw());
                self.shop.count(sku.raw())
            }
            CampaignEvent::SkuBound { .. }
            | CampaignEvent::PhasePut { .. }
            | CampaignEvent::PlanActivated { .. }
            | CampaignEvent::StandingSet { .. }
            | CampaignEvent::PhaseEntered { .. }
            | CampaignEvent::LimitsSet { .. }
            | CampaignEvent::FreezeSet { .. } => Ok(()),
        }
    }

    fn after(&mut self, event: &AfterEvent) -> Result<(), String> {
        let at = self.at;
        match *event {
            AfterEvent::Line(ref line) => return self.line_moved(line),
            AfterEvent::PaidBack { number, amount, .. } => {
                self.of_order(number.raw(), Step::PaidBack { amount: amount.raw() });
            }
            AfterEvent::Counted { sku, change, .. } => {
                self.shop.shift(sku.raw(), change, (Place::Outside, Place::Available), at)?;
            }
            AfterEvent::WrittenOff { sku, units, .. } => {
                self.shop.shift(sku.raw(), signed(units), (Place::Available, Place::Outside), at)?;
            }
            AfterEvent::Inspected { sku, units, to: Disposition::Restock, .. } => {
                self.shop.shift(sku.raw(), signed(units), (Place::Outside, Place::Available), at)?;
            }
            AfterEvent::Shorted(hit) => {
                self.of_short(hit.order.raw(), hit.sku.raw(), hit.units, Went::Shorted);
            }
            AfterEvent::Covered(hit) => {
                self.of_short(hit.order.raw(), hit.sku.raw(), hit.units, Went::Covered);
            }
            AfterEvent::Inspected { to: Disposition::Quarantine | Disposition::Scrap, .. }
            | AfterEvent::Fulfilling(_)
            | AfterEvent::Delivered(_)
            | AfterEvent::Closed(_) => {}
        }
        Ok(())
    }

    /// Units of a paid order went somewhere.
    fn line_moved(&mut self, line: &LineMoved) -> Result<(), String> {
        let (went, to) = match line.to {
            Moved::Shipped => (Went::Shipped, None),
            Moved::Cancelled => (Went::Cancelled, Some(Place::Available)),
            Moved::Returned(Disposition::Restock) => (Went::Returned, Some(Place::Available)),
            Moved::Returned(Disposition::Quarantine | Disposition::Scrap) => {
                (Went::Returned, Some(Place::Outside))
            }
        };
        if let Some(to) = to {
            self.shop.shift(line.sku.raw(), i64::from(line.units), (Place::Sold, to), self.at)?;
        }
        self.of_units(line.channel.raw(), line.sku.raw(), line.units, went);
        Ok(())
    }

    fn of_short(&mut self, order: u64, sku: u64, units: u32, went: Went) {
        let channel = self.orders.whose(order).map_or(0, |(channel, _)| channel);
        self.of_units(channel, sku, units, went);
    }

    /// Whether somebody waits for a SKU.
    fn is_wanted(&self, sku: u64) -> bool {
        self.shop.account(sku).is_some_and(|account| account.waiting > 0)
    }

    fn of_order(&mut self, number: u64, step: Step) {
        // An order that is forgotten counts as of no channel, where all SKUs count.
        let (channel, counted) = self.orders.whose(number).unwrap_or((0, self.campaign.is_none()));
        if counted {
            self.deeds.push(Deed { at: self.at, channel, what: What::Order(step) });
        }
    }

    fn of_units(&mut self, channel: u16, sku: u64, units: u32, went: Went) {
        if self.shop.counts(sku) && units > 0 {
            let what = What::Units { sku, units: u64::from(units), went };
            self.deeds.push(Deed { at: self.at, channel, what });
        }
    }
}

/// How a hold or a wait ended that wasn't paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Cancelled,
    Expired,
    Superseded,
}

impl End {
    fn went(self, wanted: bool) -> Went {
        match self {
            Self::Expired => Went::Unpaid { wanted },
            Self::Cancelled | Self::Superseded => Went::Freed,
        }
    }
}

/// Whether the order of this number has several lines, which move by events of their own.
fn has_lines(number: u64) -> bool {
    doorbuster_protocol::feed::has_lines(number)
}

/// A SKU has at most 2^40 units; a log that says otherwise is not this server's.
fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
