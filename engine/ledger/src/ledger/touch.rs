//! Fetching a batch's memory before it is needed.
//!
//! With ten million shoppers each command needs four or five cache lines that nobody has looked at for a while. A
//! dependent read from memory takes 100 to 250 ns, an independent one a tenth of that, because the processor keeps
//! a dozen on their way. So a batch is walked in passes, each of which reads, for all commands, what the pass before
//! has found the way to: first index entries, then the rows that they name, then what depends on the rows. Deciding
//! afterwards finds everything in the cache.
//!
//! Nothing is decided here and nothing is remembered; leaving it out changes no answer.

use super::Ledger;
use crate::command::Command;
use crate::ids::{OrderNumber, PartitionId};
use crate::table::{NONE, Slot};

/// Commands that one call deals with; more would push the first ones' lines out of the cache again.
pub const TOUCHED: usize = 64;

impl Ledger {
    /// Reads the places where the first [`TOUCHED`] of these commands will look.
    #[inline]
    pub fn touch<'a>(&self, commands: impl Iterator<Item = &'a Command> + Clone) {
        // What a command's SKU or order was found to be, for the next pass.
        let mut slots = [NONE; TOUCHED];
        let mut seen = 0_u32;
        for (command, slot) in commands.clone().zip(&mut slots) {
            match command {
                Command::Reserve(reserve) => {
                    seen ^= self.stock.touch(self.hasher.sku(reserve.sku));
                }
                Command::Confirm(confirm) => *slot = self.slot_of(confirm.order),
                Command::Cancel(cancel) => *slot = self.slot_of(cancel.order),
                Command::PutSku(put) => seen ^= self.stock.touch(self.hasher.sku(put.sku)),
                Command::Restock(restock) => seen ^= self.stock.touch(self.hasher.sku(restock.sku)),
            }
        }
        for (command, slot) in commands.clone().zip(&mut slots) {
            match command {
                Command::Reserve(reserve) => {
                    *slot = self.stock.find(self.hasher.sku(reserve.sku), reserve.sku).unwrap_or(NONE);
                    seen ^= self.orders.touch_sequence(PartitionId::of(reserve.sku));
                }
                Command::Confirm(_) | Command::Cancel(_) => {
                    seen ^= self.orders.rows.get(*slot).map_or(0, |order| order.quantity);
                }
                Command::PutSku(_) | Command::Restock(_) => {}
            }
        }
        for (command, slot) in commands.zip(&slots) {
            match command {
                Command::Reserve(reserve) => {
                    seen ^= self.orders.touch_request(self.hasher.request(reserve.request, *slot));
                    seen ^= self.tally.touch(self.hasher.user(reserve.user, *slot));
                }
                Command::Confirm(_) | Command::Cancel(_) => {
                    let sku = self.orders.rows.get(*slot).map_or(NONE, |order| order.sku);
                    seen ^= self.stock.get(sku).map_or(0, |sku| sku.holds);
                }
                Command::PutSku(_) | Command::Restock(_) => {}
            }
        }
        core::hint::black_box(seen);
    }

    fn slot_of(&self, number: OrderNumber) -> Slot {
        self.orders.slot_of(number).unwrap_or(NONE)
    }
}
