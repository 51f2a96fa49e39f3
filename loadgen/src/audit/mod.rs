//! The audit: our account of every answer against what the server says afterwards, and against its log.
//!
//! Nothing here knows how the server decides. It knows what was asked and answered, reads orders and accounts back
//! over the wire, has the log's bytes read and added up by an auditor that shares no code with the engine
//! ([`doorbuster_auditor`]), and looks for contradictions. Every break ends the drill with exit code 4, whatever the
//! latencies were.

mod against_log;
mod baskets;
mod budgets;
mod channels;
mod compare;
mod evicted;
mod payments;
mod prices;
mod refusals;

pub use channels::ChannelTotals;
pub use compare::compare;
use doorbuster_auditor::Expected;
pub use doorbuster_auditor::Replay;
pub use doorbuster_auditor::log::bytes as log_bytes;

use std::collections::HashMap;
use std::ops::Range;

use doorbuster_protocol::{
    BudgetView, ChannelView, Kind, LineView, OrderView, ReadBudget, ReadChannel, ReadLine, ReadOrder,
    ReadStock, StockView,
};

use crate::journal::{Faults, Journal, is_done};
use crate::net::{Control, LinkError};

/// What the drill put up for sale, and by which rules.
#[derive(Clone, Debug)]
pub struct Sale {
    /// Its SKUs.
    pub skus: Range<u64>,
    /// Units of each SKU at the start.
    pub units_each: u64,
    /// Units that came in for each SKU on the way, and were acknowledged.
    pub restocked_each: u64,
    /// Most units of a SKU for one shopper; 0: no limit.
    pub user_limit: u32,
    /// How long an ended order must stay readable, milliseconds.
    pub retention_ms: u64,
}

impl Sale {
    /// What the log must agree with and doesn't say itself.
    pub fn expected(&self) -> Expected {
        Expected { user_limit: self.user_limit, retention_ms: self.retention_ms, follows_left: true }
    }
}

/// What was read back when everything was over.
#[derive(Debug, Default)]
pub struct Evidence {
    /// An entry for each attempt; none where no order was acknowledged.
    pub orders: Vec<Option<OrderView>>,
    /// Lines of orders that may have several, by order; the last one of each was asked for beyond the end.
    pub lines: HashMap<u64, Vec<LineView>>,
    /// What sales channels have of each SKU, where they have rules.
    pub channels: Vec<ChannelView>,
    /// The promotion budget that purchases claim from, if they do.
    pub budget: Option<BudgetView>,
    /// One for each SKU of the sale.
    pub stock: Vec<StockView>,
    /// The server's time when they were read, milliseconds.
    pub now_ms: u64,
    /// The log, where it can be read.
    pub log: Option<Replay>,
}

/// The money of all payments that were confirmed, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Money {
    /// Payments.
    pub payments: u64,
    /// What was paid.
    pub paid_minor: u64,
    /// What bought an order.
    pub bought_minor: u64,
    /// What is to be refunded.
    pub refund_minor: u64,
}

impl Money {
    /// What is neither: answers that never came, or said that nothing was executed.
    pub fn undecided_minor(&self) -> u64 {
        self.paid_minor.saturating_sub(self.bought_minor).saturating_sub(self.refund_minor)
    }
}

/// Those who waited, by the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Waited {
    /// Orders that were placed to wait.
    pub waited: u64,
    /// Of those, the ones that got units.
    pub offered: u64,
    /// Of those, the ones that were paid.
    pub paid: u64,
    /// Orders that still wait.
    pub waiting: u64,
}

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
    /// Free units at the end that shoppers had wanted and never got.
    pub unsold_wanted_units: u64,
}

/// What the audit found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// The rules.
    pub checks: Vec<Check>,
    /// Units sold or promised beyond what was stocked.
    pub oversold_units: u64,
    /// Acknowledged effects that the server doesn't have.
    pub lost_effects: u64,
    /// The stock's account.
    pub stock: StockTotals,
    /// Where the money is.
    pub money: Money,
    /// Those who waited; none where the log can't be read.
    pub waited: Option<Waited>,
    /// The sales channels that have rules.
    pub channels: Vec<ChannelTotals>,
    /// Share of the promotion budget that is spent, if purchases claim from one.
    pub budget_spent: Option<f64>,
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

/// Reads back the lines of every acknowledged order that may have several, and asks for one beyond the last.
///
/// # Errors
/// If the connection breaks.
pub fn read_lines(
    control: &mut Control,
    journal: &Journal,
) -> Result<HashMap<u64, Vec<LineView>>, LinkError> {
    let mut asked = Vec::new();
    for attempt in journal.attempts.iter().filter(|attempt| attempt.order != 0) {
        let Some(basket) = journal.basket_of(attempt) else { continue };
        let lines = u8::try_from(basket.summed().len()).unwrap_or(u8::MAX);
        let read = |nth| ReadLine { order: attempt.order, user: u64::from(attempt.user), nth };
        asked.extend((0..=lines).map(read));
    }
    let views = control.execute::<ReadLine, LineView>(Kind::ReadLine, &asked)?;
    let mut lines: HashMap<u64, Vec<LineView>> = HashMap::new();
    for (asked, view) in asked.iter().zip(views) {
        lines.entry(asked.order).or_default().push(view);
    }
    Ok(lines)
}

/// Reads back the accounts of the drill's promotion budget.
///
/// # Errors
/// If the connection breaks.
pub fn read_budget(control: &mut Control, budget: u32) -> Result<BudgetView, LinkError> {
    let mut views = control.execute(Kind::ReadBudget, &[ReadBudget { budget }])?;
    views.pop().ok_or(LinkError::Closed)
}

/// Reads back what these channels have of each of the drill's SKUs.
///
/// # Errors
/// If the connection breaks.
pub fn read_channels(
    control: &mut Control,
    skus: Range<u64>,
    channels: &[u16],
) -> Result<Vec<ChannelView>, LinkError> {
    let asked: Vec<ReadChannel> =
        skus.flat_map(|sku| channels.iter().map(move |&channel| ReadChannel { sku, channel })).collect();
    control.execute(Kind::ReadChannel, &asked)
}
