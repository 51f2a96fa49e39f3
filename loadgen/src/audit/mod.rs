//! The audit: our account of every answer against what the server says afterwards, and against its log.
//!
//! Nothing here knows how the server decides. It knows what was asked and answered, reads orders and accounts back
//! over the wire, reads the log's bytes with a parser of its own, and looks for contradictions. Every break ends
//! the drill with exit code 4, whatever the latencies were.

mod compare;
mod log;
mod replay;

pub use compare::{Sale, compare};
pub use replay::check_log;

use doorbuster_protocol::{Kind, OrderView, ReadOrder, ReadStock, StockView};

use crate::journal::{Faults, Journal};
use crate::net::{Control, LinkError};

/// One rule and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Short name.
    pub name: &'static str,
    /// The rule, in a sentence.
    pub rule: &'static str,
    /// How many things were looked at.
    pub examined: u64,
    /// Where it is broken.
    pub faults: Faults,
}

impl Check {
    /// A rule that nothing was looked at for yet.
    pub fn new(name: &'static str, rule: &'static str) -> Self {
        Self { name, rule, examined: 0, faults: Faults::default() }
    }
}

/// Units over all SKUs of the drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StockTotals {
    /// Units that the drill put up for sale.
    pub stocked_units: u64,
    /// Free units at the end.
    pub available_units: u64,
    /// Units in open holds at the end.
    pub held_units: u64,
    /// Units paid.
    pub sold_units: u64,
    /// SKUs with nothing available at the end.
    pub empty_skus: u64,
}

/// What the audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The rules.
    pub checks: Vec<Check>,
    /// Units sold or promised beyond what was stocked.
    pub oversold_units: u64,
    /// Acknowledged effects that the server doesn't have.
    pub lost_effects: u64,
    /// The stock's account.
    pub stock: StockTotals,
}

impl Audit {
    /// Breaks over all rules.
    pub fn faults(&self) -> u64 {
        self.checks.iter().map(|check| check.faults.count).sum()
    }
}

/// Reads back every order that was acknowledged; `None` where the account knows of none.
///
/// # Errors
/// If the connection breaks.
pub fn read_orders(control: &mut Control, journal: &Journal) -> Result<Vec<Option<OrderView>>, LinkError> {
    let asked: Vec<ReadOrder> = journal
        .attempts
        .iter()
        .filter(|attempt| attempt.order != 0)
        .map(|attempt| ReadOrder { order: attempt.order, user: u64::from(attempt.user) })
        .collect();
    let mut views = control.execute::<ReadOrder, OrderView>(Kind::ReadOrder, &asked)?.into_iter();
    Ok(journal.attempts.iter().map(|attempt| if attempt.order == 0 { None } else { views.next() }).collect())
}

/// Reads back the accounts of the drill's SKUs.
///
/// # Errors
/// If the connection breaks.
pub fn read_stock(control: &mut Control, first_sku: u64, skus: u32) -> Result<Vec<StockView>, LinkError> {
    let asked: Vec<ReadStock> =
        (0..u64::from(skus)).map(|index| ReadStock { sku: first_sku + index }).collect();
    control.stock(&asked)
}
