//! Memory that is made ready before it is needed.
//!
//! The first write to a page makes the kernel clear it, half a millisecond for a huge one, and whoever writes waits. So
//! the tables take their memory from spare chunks whose pages have been written already. A ledger says what it needs
//! next, [`Ledger::need`]; somebody else makes it, [`Need::meet`], wherever and whenever he likes; and the ledger puts it
//! by, [`Ledger::stock_up`].
//!
//! ```text
//!   ledger ──need──► meet: allocate, write each page ──spare──► stock_up ──► next chunk of a table
//! ```
//!
//! Where nobody does, or he is late, a table allocates for itself. No answer and no digest depends on it.
//!
//! The tables of SKUs take no spares: they grow when stock is imported, not while a crowd waits.

use alloc::vec::Vec;

use super::Ledger;
use crate::order::Order;
use crate::payment::Payment;
use crate::sequence::Page;
use crate::stock::Reference;
use crate::table::{Line, Rows, Segmented};
use crate::tally::Units;

/// Spare chunks of orders' rows, of half a mebibyte, that a ledger keeps: at three million orders a second they last 16 ms,
/// and whoever makes the next may have to wait for a core that long.
const ORDERS: usize = 8;

/// Spare chunks of each other table, of the same size: they last longer still.
const OTHERS: usize = 3;

/// A piece of memory that a ledger will need next.
#[derive(Debug)]
pub struct Need(Table);

#[derive(Debug)]
enum Table {
    Orders,
    Tally,
    Requests,
    Pages,
    Payments,
}

/// A piece of memory, ready for use: at most half a mebibyte.
#[derive(Debug)]
pub struct Spare(Chunk);

#[derive(Debug)]
enum Chunk {
    Orders(Vec<Order>),
    Tally(Vec<Line<Units, 4>>),
    Requests(Vec<Line<Reference, 8>>),
    Pages(Vec<Page>),
    Payments(Vec<Payment>),
}

impl Need {
    /// Most needs that a ledger has underway at once.
    pub const MOST: usize = ORDERS.saturating_add(OTHERS.saturating_mul(4));

    /// Allocates the memory and writes each of its pages: a millisecond or two of work, on any thread.
    pub fn meet(self) -> Spare {
        Spare(match self.0 {
            Table::Orders => Chunk::Orders(Rows::spare()),
            Table::Tally => Chunk::Tally(Segmented::<_, 4>::spare()),
            Table::Requests => Chunk::Requests(Segmented::<_, 8>::spare()),
            Table::Pages => Chunk::Pages(Rows::spare()),
            Table::Payments => Chunk::Payments(Rows::spare()),
        })
    }
}

impl Ledger {
    /// The next piece of memory that somebody should make ready, if any; each is told once. Looks at a few lengths.
    #[inline]
    pub fn need(&mut self) -> Option<Need> {
        let orders = &mut self.orders;
        let table = if orders.rows.ask(ORDERS) {
            Table::Orders
        } else if self.tally.table.ask(OTHERS) {
            Table::Tally
        } else if orders.by_request.ask(OTHERS) {
            Table::Requests
        } else if orders.sequences.pages.ask(OTHERS) {
            Table::Pages
        } else if orders.payments.rows.ask(OTHERS) {
            Table::Payments
        } else {
            return None;
        };
        Some(Need(table))
    }

    /// Puts by what came of a [`need`](Self::need) of this ledger.
    pub fn stock_up(&mut self, spare: Spare) {
        match spare.0 {
            Chunk::Orders(chunk) => self.orders.rows.stock_up(chunk),
            Chunk::Tally(chunk) => self.tally.table.stock_up(chunk),
            Chunk::Requests(chunk) => self.orders.by_request.stock_up(chunk),
            Chunk::Pages(chunk) => self.orders.sequences.pages.stock_up(chunk),
            Chunk::Payments(chunk) => self.orders.payments.rows.stock_up(chunk),
        }
    }
}
