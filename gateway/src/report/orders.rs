//! What a report must keep of an order, so that later events of it say all.

use std::collections::HashMap;

/// An order that holds or waits, or ended without being paid: it may still be paid too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Since when it holds, or waits; server milliseconds.
    pub(super) since: u64,
    /// When that ends.
    pub(super) until: u64,
    /// Its SKU; of several the first.
    pub(super) sku: u64,
    /// What a budget pays of it, minor units.
    pub(super) discount: u64,
    /// Units of its one line; unused where it has several.
    pub(super) units: u32,
    /// How many restarts had moved deadlines when `until` was set.
    pub(super) graces: u32,
    pub(super) channel: u16,
    pub(super) stand: Stand,
    /// Its hold was an offer.
    pub(super) offered: bool,
    /// Whether it counts in the report.
    pub(super) counted: bool,
}

/// How an order stands that isn't paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Waiting,
    Holding,
    /// It held units once.
    Ended,
    /// It only waited.
    InVain,
}

/// A line of an order that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sku: u64,
    pub(super) units: u32,
    pub(super) gifts: u32,
    /// It was paid.
    pub(super) sold: bool,
    /// When its units went back, somebody waited for that SKU.
    pub(super) wanted: bool,
}

/// The orders that a server would still know, and no others.
#[derive(Debug, Default)]
pub(super) struct Orders {
    unpaid: HashMap<u64, Order>,
    /// Of those that have several lines, and aren't paid.
    lines: HashMap<u64, Vec<Line>>,
    /// The sales channel of paid ones, and whether they count.
    paid: HashMap<u64, (u16, bool)>,
    /// To when each restart moved the deadlines that were open then.
    graces: Vec<u64>,
}

impl Orders {
    pub(super) fn place(&mut self, number: u64, mut order: Order) -> Result<(), String> {
        order.graces = self.graces_now();
        match self.unpaid.insert(number, order) {
            None => Ok(()),
            Some(_) => Err(format!("order {number} is placed already")),
        }
    }

    pub(super) fn unpaid(&mut self, number: u64) -> Result<&mut Order, String> {
        self.unpaid.get_mut(&number).ok_or_else(|| format!("order {number} was never placed, or is over"))
    }

    /// How an order stands, if it isn't paid.
    pub(super) fn stand(&self, number: u64) -> Option<Order> {
        self.unpaid.get(&number).copied()
    }

    /// The channel of an order, paid or not, and whether it counts.
    pub(super) fn whose(&self, number: u64) -> Option<(u16, bool)> {
        let unpaid = self.unpaid.get(&number).map(|order| (order.channel, order.counted));
        unpaid.or_else(|| self.paid.get(&number).copied())
    }

    /// A hold or a wait lasts until then.
    pub(super) fn last_until(&mut self, number: u64, until: u64) -> Result<(), String> {
        let graces = self.graces_now();
        let order = self.unpaid(number)?;
        (order.until, order.graces) = (until, graces);
        Ok(())
    }

    /// When a hold ends, with what restarts added.
    pub(super) fn deadline(&self, order: &Order) -> u64 {
        let since = self.graces.get(order.graces as usize..).unwrap_or_default();
        since.iter().copied().fold(order.until, u64::max)
    }

    /// A restart moved all open deadlines.
    pub(super) fn grace(&mut self, until: u64) {
        self.graces.push(until);
    }

    pub(super) fn lines(&mut self, number: u64) -> &mut Vec<Line> {
        self.lines.entry(number).or_default()
    }

    /// A line that is there.
    pub(super) fn line(&mut self, number: u64, sku: u64) -> Result<&mut Line, String> {
        let known = self.lines(number).iter_mut().find(|line| line.sku == sku);
        known.ok_or_else(|| format!("order {number} has no line of SKU {}", crate::sku::Sku(sku)))
    }

    /// An order is paid. Returns it, with its lines.
    pub(super) fn pay(&mut self, number: u64) -> Result<(Order, Vec<Line>), String> {
        let order = *self.unpaid(number)?;
        self.unpaid.remove(&number);
        self.paid.insert(number, (order.channel, order.counted));
        Ok((order, self.lines.remove(&number).unwrap_or_default()))
    }

    /// The server forgot the order.
    pub(super) fn forget(&mut self, number: u64) {
        self.unpaid.remove(&number);
        self.lines.remove(&number);
        self.paid.remove(&number);
    }

    fn graces_now(&self) -> u32 {
        u32::try_from(self.graces.len()).unwrap_or(u32::MAX)
    }
}
