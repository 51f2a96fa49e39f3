//! Lines of orders that have several.
//!
//! Most orders have one line, which their row describes. The others have a list of lines beside their row, in the ledger
//! that has the order. The ledgers of the SKUs account for the units and know nothing of lines: what ends a line's units says
//! whose they were.
//!
//! A list begins with a row that holds what the order's own row has no room for.

use crate::command::Line;
use crate::ids::SkuId;
use crate::table::{NONE, Row, Rows, Slot};

/// One line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) sku: SkuId,
    /// Units that were asked for.
    pub(crate) ordered: u32,
    /// Units that it has now, or had until the hold ended. In a list's first row: the order's fingerprint.
    pub(crate) units: u32,
    /// How many of those asked for were given for nothing.
    pub(crate) gifts: u32,
    next: Slot,
    pub(crate) location: u16,
    pub(crate) pool: u16,
    /// Whether the units are held.
    pub(crate) held: bool,
}

const _: () = assert!(size_of::<Leg>() == 32);

impl Leg {
    /// A line that has these units, of so many that were asked for.
    pub(crate) fn new(line: &Line, ordered: u32, held: bool) -> Self {
        let &Line { sku, units, gifts, location, pool } = line;
        Self { sku, ordered, units, gifts, next: NONE, location, pool, held }
    }

    /// The line as its order has it now.
    pub(crate) fn line(&self) -> Line {
        let &Self { sku, units, gifts, location, pool, .. } = self;
        Line { sku, units, gifts, location, pool }
    }
}

impl Row for Leg {
    fn link(&self) -> Slot {
        self.next
    }

    fn set_link(&mut self, link: Slot) {
        self.next = link;
    }
}

/// The lines of all orders. A list is named by the slot of its first row.
#[derive(Debug)]
pub(crate) struct Legs(Rows<Leg>);

impl Legs {
    pub(crate) const fn new() -> Self {
        Self(Rows::new())
    }

    /// Begins a list. `None` if there is no room.
    pub(crate) fn begin(&mut self, fingerprint: u32) -> Option<Slot> {
        self.0.insert(Leg { units: fingerprint, next: NONE, ..Leg::default() })
    }

    /// The fingerprint of the order that has this list.
    pub(crate) fn fingerprint(&self, list: Slot) -> u32 {
        self.0.get(list).map_or(0, |first| first.units)
    }

    /// The lines of a list, by SKU.
    pub(crate) fn of(&self, list: Slot) -> impl Iterator<Item = &Leg> {
        let first = self.0.get(list).and_then(|first| self.0.get(first.next));
        core::iter::successors(first, |leg| self.0.get(leg.next))
    }

    /// The line of a SKU.
    pub(crate) fn get(&self, list: Slot, sku: SkuId) -> Option<&Leg> {
        self.of(list).find(|leg| leg.sku == sku)
    }

    /// Notes that a line holds its units, for the first time or again. `None` if it does already, or asked for other units, or
    /// there is no room.
    pub(crate) fn hold(&mut self, list: Slot, line: &Line) -> Option<()> {
        let before = self.before(list, line.sku)?;
        let at = self.0.get(before)?.next;
        if let Some(leg) = self.0.get_mut(at).filter(|leg| leg.sku == line.sku) {
            if leg.held || leg.units != line.units {
                return None;
            }
            leg.held = true;
            return Some(());
        }
        self.add(list, Leg::new(line, line.units, true))
    }

    /// Puts a line in its place by SKU. `None` if there is no such list, or no room.
    pub(crate) fn add(&mut self, list: Slot, leg: Leg) -> Option<()> {
        let before = self.before(list, leg.sku)?;
        let next = self.0.get(before)?.next;
        let slot = self.0.insert(Leg { next, ..leg })?;
        self.0.get_mut(before)?.next = slot;
        Some(())
    }

    /// Notes that a line's units were paid or went back. `None`, and no change, if it holds no such units.
    pub(crate) fn end(&mut self, list: Slot, sku: SkuId, units: u32) -> Option<()> {
        let leg = self.held(list, sku)?;
        (leg.units == units).then(|| leg.held = false)
    }

    /// Takes units off a line for good; returns what is left. `None`, and no change, if it doesn't hold as many.
    pub(crate) fn cut(&mut self, list: Slot, sku: SkuId, units: u32) -> Option<u32> {
        let leg = self.held(list, sku)?;
        leg.units = leg.units.checked_sub(units)?;
        leg.held = leg.units > 0;
        Some(leg.units)
    }

    /// Takes units off a line for good that are paid. `None`, and no change, if it has fewer or holds them.
    pub(crate) fn take(&mut self, list: Slot, sku: SkuId, units: u32) -> Option<()> {
        let at = self.0.get(self.before(list, sku)?)?.next;
        let leg = self.0.get_mut(at).filter(|leg| leg.sku == sku && !leg.held)?;
        leg.units = leg.units.checked_sub(units)?;
        Some(())
    }

    /// Gives a whole list back.
    pub(crate) fn free(&mut self, list: Slot) {
        let mut at = list;
        while let Some(next) = self.0.get(at).map(|leg| leg.next) {
            self.0.remove(at);
            at = next;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The row behind which the line of a SKU stands, or would.
    fn before(&self, list: Slot, sku: SkuId) -> Option<Slot> {
        let mut at = list;
        let mut row = self.0.get(at)?;
        while let Some(next) = self.0.get(row.next)
            && next.sku < sku
        {
            at = row.next;
            row = next;
        }
        Some(at)
    }

    fn held(&mut self, list: Slot, sku: SkuId) -> Option<&mut Leg> {
        let at = self.0.get(self.before(list, sku)?)?.next;
        self.0.get_mut(at).filter(|leg| leg.sku == sku && leg.held)
    }
}
