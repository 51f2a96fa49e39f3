//! A report in words: labelled lines and tables, which the terminal and the page show each in their way.

use super::counts::LATE_MS;
use super::goals::{GoalRow, Goals, ShareRow};
use super::interval::{Facts, Intervals, Section};
use super::numbers::{Grouped, Lapse, Moment, Money, Ratio};
use super::sale::{Sale, SkuLine};
use super::tally::{ChannelRow, SkuRow};
use crate::sku::Sku;

/// A line with its label.
pub(super) type Line = (&'static str, String);

/// A list. The first column is text, the others are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// What is left out.
    pub(super) note: Option<String>,
}

/// What stands in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    /// To be looked at.
    Marked(String),
    /// A small curve.
    Spark(Vec<u32>),
}

impl Cell {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Marked(text) => text,
            Self::Spark(_) => "",
        }
    }
}

fn number(number: u64) -> Cell {
    Cell::Text(Grouped(number).to_string())
}

fn signed(units: i64) -> Cell {
    number(u64::try_from(units).unwrap_or(0))
}

fn ratio(ratio: Option<Ratio>) -> Cell {
    Cell::Text(ratio.map_or_else(|| "-".to_owned(), |ratio| ratio.to_string()))
}

/// What log it is of.
pub(super) fn facts(log: &Facts) -> String {
    let of = log.campaign.map_or_else(String::new, |campaign| format!(", SKUs of campaign {campaign} alone"));
    let behind = log.behind.as_ref().map_or_else(String::new, |behind| format!(". {behind}"));
    format!(
        "log {}, {} events from {} to {}{of}{behind}",
        log.id,
        Grouped(log.events),
        Moment(log.first),
        Moment(log.last)
    )
}

/// A time, and where it lies from T0.
pub(super) fn span(from: u64, to: u64, t0: Option<u64>) -> String {
    let since = match t0 {
        None => String::new(),
        Some(t0) if t0 <= from => format!(" (T0 + {})", Lapse(from - t0)),
        Some(t0) => format!(" (T0 - {})", Lapse(t0 - from)),
    };
    format!("{} to {}{since}", Moment(from), Moment(to))
}

/// What happened in a section.
pub(super) fn section(section: &Section, decimals: u8) -> Vec<Line> {
    let Section { counts, peak, longest_lag, stock, .. } = section;
    let g = Grouped;
    let mut lines = vec![
        (
            "orders",
            format!(
                "{} held at once, {} joined a waiting line, {} offers to who waited; busiest second: {} at {}",
                g(counts.holds),
                g(counts.waits),
                g(counts.offers),
                g(peak.orders),
                Moment(peak.at)
            ),
        ),
        (
            "paid",
            format!(
                "{} orders, {} of them after their hold; {} units for {}; {} more by budgets",
                g(counts.paid()),
                g(counts.reacquired),
                g(counts.sold_units),
                Money(counts.revenue, decimals),
                Money(counts.discounts, decimals)
            ),
        ),
        (
            "not paid",
            format!(
                "{} holds given back, {} ran out with {} units, of which others waited for {}; {} swapped for another hold",
                g(counts.cancelled),
                g(counts.expired),
                g(counts.unpaid_units),
                g(counts.unpaid_wanted_units),
                g(counts.superseded)
            ),
        ),
        (
            "waiting",
            format!(
                "{} offers paid, {} ran out; {} left the line, {} waited in vain",
                g(counts.offers_taken),
                g(counts.offers_lapsed),
                g(counts.left),
                g(counts.lapsed)
            ),
        ),
        (
            "refunds",
            format!(
                "{} payments bought nothing, {} to be paid back; {} times money went back, {}; {} wrong amounts refused",
                g(counts.refunds()),
                Money(counts.refund_due, decimals),
                g(counts.paid_back),
                Money(counts.paid_back_amount, decimals),
                g(counts.mismatched)
            ),
        ),
        (
            "goods",
            format!(
                "{} units shipped, {} taken back before, {} returned; {} turned out to be missing, {} were replaced",
                g(counts.shipped_units),
                g(counts.taken_back_units),
                g(counts.returned_units),
                g(counts.short_units),
                g(counts.covered_units)
            ),
        ),
        (
            "release lag",
            format!(
                "{} at the longest{}; {} holds later than {}",
                Lapse(longest_lag.ms),
                if longest_lag.ms == 0 { String::new() } else { format!(", at {}", Moment(longest_lag.at)) },
                g(counts.late_releases),
                Lapse(LATE_MS)
            ),
        ),
        (
            "at its end",
            format!(
                "{} units free, {} held, {} sold, {} waited for; {} of {} SKUs have none free",
                signed(stock.available).text(),
                signed(stock.held).text(),
                signed(stock.sold).text(),
                signed(stock.waiting).text(),
                g(stock.out),
                g(stock.skus)
            ),
        ),
    ];
    if peak.orders == 0
        && let Some((_, orders)) = lines.first_mut()
    {
        *orders = orders.split(';').next().unwrap_or_default().to_owned();
    }
    lines
}

pub(super) fn channels(rows: &[ChannelRow], decimals: u8) -> Table {
    let row = |row: &ChannelRow| {
        let name =
            row.channel.map_or_else(|| "all others".to_owned(), |channel| format!("channel {channel}"));
        let counts = &row.counts;
        vec![
            Cell::Text(name),
            number(counts.holds + counts.offers),
            number(counts.paid()),
            number(counts.sold_units),
            ratio(row.share),
            Cell::Text(Money(counts.revenue, decimals).to_string()),
            number(counts.taken_back_units + counts.returned_units),
        ]
    };
    Table {
        columns: vec!["channel", "holds", "paid", "units", "share", "revenue", "back"],
        rows: rows.iter().map(row).collect(),
        note: None,
    }
}

pub(super) fn skus(rows: &[SkuRow], more: usize, decimals: u8) -> Table {
    let row = |row: &SkuRow| {
        vec![
            Cell::Text(Sku(row.sku).to_string()),
            number(row.sales.held_units),
            number(row.sales.sold_units),
            Cell::Text(Money(row.sales.revenue, decimals).to_string()),
            number(row.sales.back_units),
            number(row.sales.missed_units),
        ]
    };
    Table {
        columns: vec!["SKU", "held", "sold", "revenue", "back", "in vain"],
        rows: rows.iter().map(row).collect(),
        note: left_out(more),
    }
}

/// SKUs of a whole sale.
pub(super) fn sku_lines(rows: &[SkuLine], more: usize, decimals: u8) -> Table {
    let row = |row: &SkuLine| {
        let out = row.sold_out_after_ms.map_or_else(|| "-".to_owned(), |ms| Lapse(ms).to_string());
        vec![
            Cell::Text(Sku(row.sku).to_string()),
            signed(row.sold),
            ratio(row.sell_through),
            signed(row.available),
            signed(row.held),
            Cell::Text(Money(row.sales.revenue, decimals).to_string()),
            Cell::Text(out),
            number(row.unserved_units),
            Cell::Spark(row.sold_by_part.map(Vec::from).unwrap_or_default()),
        ]
    };
    Table {
        columns: vec![
            "SKU",
            "sold",
            "sell-through",
            "free",
            "held",
            "revenue",
            "sold out after",
            "unserved",
            "sales",
        ],
        rows: rows.iter().map(row).collect(),
        note: left_out(more),
    }
}

fn left_out(more: usize) -> Option<String> {
    (more > 0).then(|| format!("and {} more SKUs", Grouped(more as u64)))
}

/// How the goals stand: categories, then channels.
pub(super) fn goals(goals: &Goals, decimals: u8) -> Vec<Table> {
    let pace = |pace: Option<Ratio>, behind: bool| match pace {
        Some(pace) if behind => Cell::Marked(format!("{pace}, behind")),
        pace => ratio(pace),
    };
    let of = |row: &GoalRow, value: u64| match row.measure {
        "amount" => Cell::Text(Money(value, decimals).to_string()),
        _ => number(value),
    };
    let row = |row: &GoalRow| {
        vec![
            Cell::Text(row.name.clone()),
            of(row, row.done),
            of(row, row.goal),
            ratio(row.attainment),
            Cell::Text(row.tier.clone().unwrap_or_else(|| "-".to_owned())),
            ratio(row.share),
            ratio(row.planned_share),
            pace(row.pace, row.behind),
        ]
    };
    let note = (goals.other_units > 0)
        .then(|| format!("{} sold units are of SKUs in no category", Grouped(goals.other_units)));
    let categories = Table {
        columns: vec!["category", "sold", "goal", "attained", "tier", "share", "planned", "pace"],
        rows: goals.categories.iter().chain(&goals.total).map(row).collect(),
        note,
    };
    let share = |row: &ShareRow| {
        vec![
            Cell::Text(row.name.clone()),
            number(row.units),
            ratio(row.share),
            ratio(Some(row.planned_share)),
            pace(row.attainment, row.behind),
        ]
    };
    let channels = Table {
        columns: vec!["channel", "units", "share", "planned", "attained"],
        rows: goals.channels.iter().map(share).collect(),
        note: None,
    };
    [categories, channels].into_iter().filter(|table| !table.rows.is_empty()).collect()
}

/// The title of a report of goals.
pub(super) fn plan(goals: &Goals) -> String {
    let expected =
        goals.expected.map_or_else(String::new, |part| format!("; by now {part} of it should be sold"));
    let name = if goals.name.is_empty() { "the plan" } else { &goals.name };
    format!("{name}{expected}")
}

/// How a sale ran, beside its phases and actions.
pub(super) fn effect(sale: &Sale) -> Vec<Line> {
    let (effect, counts) = (&sale.effect, &sale.effect.counts);
    let whole = Section {
        from: sale.from,
        to: sale.to,
        counts: *counts,
        peak: sale.execution.peak,
        longest_lag: effect.longest_lag,
        stock: effect.stock,
        channels: Vec::new(),
        skus: Vec::new(),
        more_skus: 0,
        goals: None,
    };
    let mut lines = section(&whole, sale.log.decimals);
    let times = &effect.times;
    let all = |ratio: Option<Ratio>| ratio.map_or_else(|| "nothing".to_owned(), |ratio| ratio.to_string());
    lines.push((
        "sell-through",
        format!(
            "{} of all units; {} of {} SKUs had no free unit at some time",
            all(effect.sell_through),
            Grouped(effect.sold_out_skus),
            Grouped(effect.stock.skus)
        ),
    ));
    lines.push((
        "conversion",
        format!("{} of the orders whose hold has ended were paid", all(effect.conversion)),
    ));
    if times.paid > 0 {
        lines.push((
            "to payment",
            format!(
                "half within {}, 90 of 100 within {}, 99 of 100 within {}, all within {}; holds last {}",
                Lapse(times.p50_ms),
                Lapse(times.p90_ms),
                Lapse(times.p99_ms),
                Lapse(times.max_ms),
                Lapse(times.hold_ms)
            ),
        ));
    }
    lines
}

/// Phases as they were.
pub(super) fn phases(sale: &Sale) -> Table {
    let steps = sale.execution.campaign.as_ref().map_or(&[][..], |campaign| &campaign.steps);
    let rows = steps.iter().map(|step| {
        let late = match step.late_ms {
            Some(0) => "on time".to_owned(),
            Some(late) => format!("{} later", Lapse(late)),
            None if step.by != 0 || step.reason != 0 => format!("by {}, reason {}", step.by, step.reason),
            None => String::new(),
        };
        vec![Cell::Text(Moment(step.at).to_string()), Cell::Text(step.what.clone()), Cell::Text(late)]
    });
    let more = sale.execution.campaign.as_ref().map_or(0, |campaign| campaign.more_steps);
    Table {
        columns: vec!["when", "what", "how"],
        rows: rows.collect(),
        note: (more > 0).then(|| format!("and {more} more")),
    }
}

/// What people did.
pub(super) fn actions(sale: &Sale) -> Table {
    let actions = &sale.execution.actions;
    let rows = actions.listed.iter().map(|action| {
        let what = match action.times {
            1 => action.what.clone(),
            times => format!("{}; {} times until {}", action.what, Grouped(times), Moment(action.until)),
        };
        vec![
            Cell::Text(Moment(action.at).to_string()),
            Cell::Text(what),
            Cell::Text(format!("by {}, reason {}", action.by, action.reason)),
        ]
    });
    Table {
        columns: vec!["when", "what", "who and why"],
        rows: rows.collect(),
        note: (actions.more > 0).then(|| format!("and {} more", Grouped(actions.more))),
    }
}

/// The title of a report in sections.
pub(super) fn title(report: &Intervals) -> String {
    format!(
        "Every {} from {} to {}",
        Lapse(report.every_ms),
        Moment(report.total.from),
        Moment(report.total.to)
    )
}
