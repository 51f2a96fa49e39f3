//! Lines of orders that have several.
//!
//! Most orders have one line, which their row describes. Of the others, the order's ledger lists all lines, and the ledger
//! of each SKU knows those lines that hold units of it; where both are one ledger, the entry is the same. So whoever has the
//! order's ledger can say where its units are, and every ledger can account for its own SKUs.
//!
//! Ordered maps: an entry costs some 60 bytes, no step is long, and the lines of an order stand together, by SKU.

use alloc::collections::BTreeMap;

use crate::command::Line;
use crate::event::LegHeld;
use crate::ids::{ChannelId, OrderNumber, SkuId, UserId};

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) user: UserId,
    /// Units that were asked for.
    pub(crate) ordered: u32,
    /// Units that it has now, or had until the hold ended.
    pub(crate) units: u32,
    /// How many of those asked for were given for nothing.
    pub(crate) gifts: u32,
    pub(crate) channel: ChannelId,
    pub(crate) location: u16,
    pub(crate) pool: u16,
    /// Whether the units are held.
    pub(crate) held: bool,
}

impl Leg {
    /// The line as its order has it now.
    pub(crate) fn line(&self, sku: SkuId) -> Line {
        Line { sku, units: self.units, gifts: self.gifts, location: self.location, pool: self.pool }
    }
}

/// See the module's doc.
#[derive(Debug, Default)]
pub(crate) struct Legs(BTreeMap<(OrderNumber, SkuId), Leg>);

impl Legs {
    /// The lines of an order that are known here, by SKU.
    pub(crate) fn of(&self, order: OrderNumber) -> impl Iterator<Item = (SkuId, &Leg)> {
        let all = (order, SkuId::new(0))..=(order, SkuId::new(u64::MAX));
        self.0.range(all).map(|((_, sku), leg)| (*sku, leg))
    }

    pub(crate) fn get(&self, order: OrderNumber, sku: SkuId) -> Option<&Leg> {
        self.0.get(&(order, sku))
    }

    /// Notes that a line holds its units, for the first time or again. `None`, and no change, if it does already or asked for
    /// other units.
    pub(crate) fn hold(&mut self, event: &LegHeld) -> Option<()> {
        let units = event.line.units;
        let fresh = Leg {
            user: event.user,
            ordered: units,
            units,
            gifts: event.line.gifts,
            channel: event.channel,
            location: event.line.location,
            pool: event.line.pool,
            held: false,
        };
        let leg = self.0.entry((event.order, event.line.sku)).or_insert(fresh);
        if leg.held || leg.units != units {
            return None;
        }
        leg.held = true;
        Some(())
    }

    /// Notes that a line's units were paid or went back. `listed` says whether this is the order's own ledger, which keeps
    /// the line. `None`, and no change, if it holds no such units.
    pub(crate) fn end(&mut self, order: OrderNumber, sku: SkuId, units: u32, listed: bool) -> Option<Leg> {
        let leg = self.0.get_mut(&(order, sku)).filter(|leg| leg.held && leg.units == units)?;
        leg.held = false;
        let ended = *leg;
        if !listed {
            self.0.remove(&(order, sku));
        }
        Some(ended)
    }

    /// Takes units off a line for good. `None`, and no change, if it doesn't hold as many.
    pub(crate) fn cut(&mut self, order: OrderNumber, sku: SkuId, units: u32, listed: bool) -> Option<Leg> {
        let leg = self.0.get_mut(&(order, sku)).filter(|leg| leg.held)?;
        leg.units = leg.units.checked_sub(units)?;
        leg.held = leg.units > 0;
        let left = *leg;
        if !left.held && !listed {
            self.0.remove(&(order, sku));
        }
        Some(left)
    }

    /// Forgets all lines of an order.
    pub(crate) fn forget(&mut self, order: OrderNumber) {
        let all = (order, SkuId::new(0))..=(order, SkuId::new(u64::MAX));
        while let Some((key, _)) = self.0.range(all.clone()).next() {
            let key = *key;
            self.0.remove(&key);
        }
    }

    /// All lines that are known here.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (OrderNumber, SkuId, &Leg)> {
        self.0.iter().map(|((order, sku), leg)| (*order, *sku, leg))
    }

    /// Bytes in use, about: entries, and the part of their nodes that stays empty.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len().saturating_mul(size_of::<(OrderNumber, SkuId, Leg)>()).saturating_mul(3) / 2
    }
}
