//! Fetching a batch's memory before it is needed.
//!
//! With ten million shoppers each command needs four or five cache lines that nobody has looked at for a while. A
//! dependent read from memory takes 100 to 250 ns, an independent one a tenth of that, because the processor keeps
//! a dozen on their way. So a batch is walked in passes, each of which reads, for all commands, what the pass before
//! has found the way to: first index entries, then the rows that they name, then what depends on the rows. Deciding
//! (or, in replay, applying) afterwards finds everything in the cache.
//!
//! Nothing is decided here and nothing is remembered; leaving it out changes no answer.

use super::Ledger;
use crate::command::Command;
use crate::event::Event;
use crate::ids::{OrderNumber, PartitionId, RequestId, SkuId, UserId};
use crate::table::{NONE, Slot};

/// Commands or events that one call deals with; more would push the first ones' lines out of the cache again.
pub const TOUCHED: usize = 64;

/// What a command or an event will look at.
#[derive(Clone, Copy)]
enum Target {
    Sale { request: RequestId, user: UserId, sku: SkuId },
    Order(OrderNumber),
    Sku(SkuId),
    Nothing,
}

impl From<&Command> for Target {
    #[inline]
    fn from(command: &Command) -> Self {
        match command {
            Command::Reserve(of) => Self::Sale { request: of.request, user: of.user, sku: of.sku },
            Command::Confirm(confirm) => Self::Order(confirm.order),
            Command::Cancel(cancel) => Self::Order(cancel.order),
            Command::PutSku(put) => Self::Sku(put.sku),
            Command::Restock(restock) => Self::Sku(restock.sku),
        }
    }
}

impl From<&Event> for Target {
    #[inline]
    fn from(event: &Event) -> Self {
        match event {
            Event::Reserved(of) => Self::Sale { request: of.request, user: of.user, sku: of.sku },
            Event::Confirmed { number, .. }
            | Event::Cancelled { number, .. }
            | Event::Expired { number, .. }
            | Event::Evicted { number, .. } => Self::Order(*number),
            Event::SkuPut { sku, .. } | Event::Restocked { sku, .. } => Self::Sku(*sku),
            Event::GraceGranted { .. } => Self::Nothing,
        }
    }
}

impl Ledger {
    /// Reads the places where the first [`TOUCHED`] of these commands will look.
    #[inline]
    pub fn touch<'a>(&self, commands: impl Iterator<Item = &'a Command> + Clone) {
        self.touch_targets(commands.map(Target::from));
    }

    /// As [`touch`](Self::touch), for events that are about to be replayed.
    pub fn touch_events<'a>(&self, events: impl Iterator<Item = &'a Event> + Clone) {
        self.touch_targets(events.map(Target::from));
    }

    #[inline]
    fn touch_targets(&self, targets: impl Iterator<Item = Target> + Clone) {
        // What a target's SKU or order was found to be, for the next pass.
        let mut slots = [NONE; TOUCHED];
        let mut seen = 0_u32;
        for (target, slot) in targets.clone().zip(&mut slots) {
            match target {
                Target::Sale { sku, .. } | Target::Sku(sku) => seen ^= self.stock.touch(self.hasher.sku(sku)),
                Target::Order(number) => *slot = self.slot_of(number),
                Target::Nothing => {}
            }
        }
        for (target, slot) in targets.clone().zip(&mut slots) {
            match target {
                Target::Sale { sku, .. } => {
                    *slot = self.stock.find(self.hasher.sku(sku), sku).unwrap_or(NONE);
                    seen ^= self.orders.touch_sequence(PartitionId::of(sku));
                }
                Target::Order(_) => seen ^= self.orders.rows.get(*slot).map_or(0, |order| order.quantity),
                Target::Sku(_) | Target::Nothing => {}
            }
        }
        for (target, slot) in targets.zip(&slots) {
            match target {
                Target::Sale { request, user, .. } => {
                    seen ^= self.orders.touch_request(self.hasher.request(request, *slot));
                    seen ^= self.tally.touch(self.hasher.user(user, *slot));
                }
                Target::Order(_) => {
                    let sku = self.orders.rows.get(*slot).map_or(NONE, |order| order.sku);
                    seen ^= self.stock.get(sku).map_or(0, |sku| sku.holds);
                }
                Target::Sku(_) | Target::Nothing => {}
            }
        }
        core::hint::black_box(seen);
    }

    fn slot_of(&self, number: OrderNumber) -> Slot {
        self.orders.slot_of(number).unwrap_or(NONE)
    }
}
