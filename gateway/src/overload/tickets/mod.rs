//! How many may queue for a SKU.
//!
//! Fifty thousand shoppers in a queue for a hundred units are forty-nine thousand nine hundred who wait for a refusal,
//! and in front of everybody else. So a batch of reserves takes a ticket for each before it queues, and a SKU has no
//! more tickets than are worth queueing for: see [`Bound`]. Who gets none is told to come back, at once.
//!
//! Tickets are counted in a table of fixed size, four SKUs to a set; a place is free again when its last ticket has
//! come back. A SKU that finds its set full of others gets its tickets uncounted: a collision makes the gate less strict and
//! never refuses one SKU for the queue of another. It is the ledger that sells; a ticket is no claim to a unit, and one
//! too many costs a moment in the queue.
//!
//! A [`Ticket`] comes back when it is dropped, wherever that happens: with its batch's answers, with a connection that
//! ended, or while a panic unwinds. Nothing has to be told for it, so nothing can be forgotten.

use std::sync::Arc;

use parking_lot::Mutex;

#[cfg(test)]
mod tests;

/// SKUs that are counted in one set.
const WAYS: usize = 4;

/// Reserves that may queue whatever is left: returned units find takers at once, and batches stay worth their cost.
const ALWAYS: u64 = 32;

/// Reserves that may queue for each unit: some are refused for other reasons, and the unit should still find its taker.
const EACH: u64 = 2;

/// Tickets that a SKU may have out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound(u32);

impl Bound {
    /// The least of what the shard decides within the time that a shopper waits, and of twice the units plus 32.
    ///
    /// `available` is what the shard last published of the SKU. That it is old by a moment makes the gate a little too
    /// strict or too loose for that moment, and no more: what is sold doesn't hang on it.
    pub(crate) fn of(in_time: u32, available: u64) -> Self {
        let worth = available.saturating_mul(EACH).saturating_add(ALWAYS);
        Self(u32::try_from(worth).unwrap_or(u32::MAX).min(in_time))
    }
}

/// The tickets of all SKUs of a shard. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Tickets(Arc<Mutex<Counts>>);

/// Tickets for some reserves of a batch; they come back when it is dropped.
#[derive(Debug)]
#[must_use = "a ticket that is dropped is no longer counted"]
pub(crate) struct Ticket {
    granted: u32,
    /// `None` if they are not counted.
    counted: Option<(Tickets, u64)>,
}

/// A power of two of sets.
#[derive(Debug)]
struct Counts(Box<[[Place; WAYS]]>);

/// One SKU's count; free if it is zero.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    sku: u64,
    out: u32,
}

impl Tickets {
    /// Counts that many SKUs at least: 16 bytes each, all of them taken now.
    pub(crate) fn new(skus: usize) -> Self {
        let sets = skus.div_ceil(WAYS).next_power_of_two();
        Self(Arc::new(Mutex::new(Counts(vec![[Place::default(); WAYS]; sets].into_boxed_slice()))))
    }

    /// Takes as many of `asked` tickets for a SKU as its bound allows. `sku` is the SKU's number: equal numbers are one
    /// SKU, and it needs no seeded hash, as shops choose it and shoppers don't.
    pub(crate) fn take(&self, sku: u64, asked: u32, bound: Bound) -> Ticket {
        let counted = self.0.lock().take(sku, asked, bound);
        match counted {
            None => Ticket { granted: asked, counted: None },
            Some(0) => Ticket { granted: 0, counted: None },
            Some(granted) => Ticket { granted, counted: Some((self.clone(), sku)) },
        }
    }

    /// Tickets of a SKU that are out and counted.
    pub(crate) fn out(&self, sku: u64) -> u32 {
        self.0.lock().place(sku).map_or(0, |place| place.out)
    }
}

impl Counts {
    /// Counts as many as the bound allows. `None` if there is no place to count them in.
    fn take(&mut self, sku: u64, asked: u32, bound: Bound) -> Option<u32> {
        let place = self.place(sku)?;
        let granted = bound.0.saturating_sub(place.out).min(asked);
        place.out += granted;
        Some(granted)
    }

    fn give_back(&mut self, sku: u64, granted: u32) {
        if let Some(place) = self.place(sku) {
            place.out = place.out.saturating_sub(granted);
        }
    }

    /// The SKU's place, or else a free one, which is the SKU's then.
    fn place(&mut self, sku: u64) -> Option<&mut Place> {
        let mask = self.0.len().wrapping_sub(1) as u64;
        // A multiplication spreads numbers that follow each other (Knuth, TAOCP vol. 3, 6.4).
        let index = (sku.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) & mask;
        let set = self.0.get_mut(usize::try_from(index).ok()?)?;
        let known = set.iter().position(|place| place.sku == sku && place.out > 0);
        let index = known.or_else(|| set.iter().position(|place| place.out == 0))?;
        let place = set.get_mut(index)?;
        place.sku = sku;
        Some(place)
    }
}

impl Ticket {
    /// How many of the batch's reserves may queue; any of them.
    pub(crate) const fn granted(&self) -> u32 {
        self.granted
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some((tickets, sku)) = self.counted.take() {
            tickets.0.lock().give_back(sku, self.granted);
        }
    }
}
