//! Orders with several lines: what each line has, by the server and by the log.

use std::collections::HashMap;

use doorbuster_auditor::Replay;
use doorbuster_protocol::{Code, LineView, OrderView};

use super::{Check, Sale, is_done};
use crate::journal::{Attempt, Basket, Faults, Journal};
use crate::shards::{partition, partition_of_order};

/// The lines of orders as they were read, by order; the last one of each was asked for beyond the end.
pub(super) type LinesRead = HashMap<u64, Vec<LineView>>;

/// SKUs, from 0, and units of a purchase: as they were read, or as they were asked for.
pub(super) fn shares(
    sale: &Sale,
    journal: &Journal,
    attempt: &Attempt,
    lines: &LinesRead,
) -> Vec<(u32, u32)> {
    let Some(basket) = journal.basket_of(attempt) else { return vec![(attempt.sku, 1)] };
    if let Some(read) = lines.get(&attempt.order) {
        let ours = read.iter().filter(|view| view.code == Code::Ok.number());
        let index = |sku: u64| u32::try_from(sku.wrapping_sub(sale.skus.start)).unwrap_or(u32::MAX);
        return ours.map(|view| (index(view.sku), view.units)).collect();
    }
    basket.summed().iter().map(|line| (line.sku, line.units)).collect()
}

/// Every line of every acknowledged order is at the server, with its units. None where no order could have several.
pub(super) fn at_the_server(
    sale: &Sale,
    journal: &Journal,
    orders: &[Option<OrderView>],
    lines: &LinesRead,
) -> Option<Check> {
    if journal.baskets.is_empty() {
        return None;
    }
    let mut check =
        Check::new("lines", "every line of every acknowledged order is at the server, with its units");
    let acknowledged = journal.attempts.iter().zip(orders).filter(|(attempt, _)| attempt.order != 0);
    for (attempt, view) in acknowledged {
        let Some(basket) = journal.basket_of(attempt) else { continue };
        let Some(view) = view.filter(|view| view.code == Code::Ok.number()) else { continue };
        let read = lines.get(&attempt.order).map(Vec::as_slice).unwrap_or_default();
        check.examined += read.len().saturating_sub(1) as u64;
        if let Some(difference) = difference(sale, journal, (attempt, basket), &view, read) {
            let order = attempt.order;
            check.faults.note(|| format!("order {order} has {difference}"));
        }
    }
    Some(check)
}

/// What is otherwise at the server than the answers allow.
fn difference(
    sale: &Sale,
    journal: &Journal,
    (attempt, basket): (&Attempt, &Basket),
    order: &OrderView,
    read: &[LineView],
) -> Option<String> {
    if partition(order.sku) != partition_of_order(attempt.order) {
        return Some(format!("a number of another partition than its SKU {}", order.sku));
    }
    let summed = basket.summed();
    let Some((beyond, read)) = read.split_last().filter(|(_, rest)| rest.len() == summed.len()) else {
        return Some(format!(
            "{} lines, as reading them one by one goes; {} were asked for",
            read.len(),
            summed.len()
        ));
    };
    if beyond.code != Code::NoSuchLine.number() {
        return Some(format!("more lines than the {} that were asked for", summed.len()));
    }
    for (nth, (view, wanted)) in read.iter().zip(&summed).enumerate() {
        let sku = sale.skus.start + u64::from(wanted.sku);
        let fits = view.code == Code::Ok.number()
            && (view.order, usize::from(view.nth), view.sku) == (attempt.order, nth, sku)
            && (view.ordered, view.gifts) == (wanted.units, wanted.gifts);
        if !fits {
            let (found, ordered, gifts) = (view.sku, view.ordered, view.gifts);
            let (units, free) = (wanted.units, wanted.gifts);
            return Some(format!(
                "as line {nth} SKU {found}, {ordered} units, {gifts} gifts; asked for were SKU {sku}, {units}, {free}"
            ));
        }
    }
    let has: Vec<u32> = read.iter().map(|view| view.units).collect();
    let allowed = allowed_units(journal, attempt, basket);
    if !allowed.contains(&has) {
        return Some(format!("units {has:?} in its lines; the answers allow {allowed:?}"));
    }
    let sum: u32 = has.iter().sum();
    let several = if basket.has_several_lines() { summed.len() } else { 0 };
    let of_order = (order.quantity, usize::from(order.lines));
    (of_order != (sum, several)).then(|| {
        let (quantity, lines) = of_order;
        format!("{quantity} units and {lines} lines by itself, and {sum} and {several} by its lines")
    })
}

/// The units that an order's lines may have, after the answers that were seen.
fn allowed_units(journal: &Journal, attempt: &Attempt, basket: &Basket) -> Vec<Vec<u32>> {
    let cut = basket.cuts && is_done(basket.cut);
    let unknown_cut = basket.cuts && !cut && (basket.cut == 0 || attempt.uncertain);
    let part = journal.payments_of(attempt).any(|payment| payment.is_part() && payment.bought);
    let unknown_part = journal.payments_of(attempt).any(|payment| payment.is_part() && payment.is_unknown());
    let mut allowed = vec![basket.units_left(cut, part)];
    if unknown_cut {
        allowed.push(basket.units_left(true, part));
    }
    if unknown_part {
        allowed.push(basket.units_left(cut, true));
    }
    allowed
}

/// The lines of every order in the log are those that were asked for, and go together.
pub(super) fn in_the_log(sale: &Sale, journal: &Journal, replay: &Replay) -> Option<Check> {
    if journal.baskets.is_empty() && replay.legs.count() == 0 {
        return None;
    }
    let rule =
        "the log holds all lines of an order or none, and ends them together, in one block with its order";
    let mut check = Check::new("together", rule);
    check.examined = replay.legs.count();
    check.faults = replay.legs.faults.clone();
    for attempt in journal.attempts.iter().filter(|attempt| attempt.order != 0) {
        let Some(basket) = journal.basket_of(attempt) else { continue };
        as_asked(sale, attempt.order, basket, replay, &mut check.faults);
    }
    Some(check)
}

fn as_asked(sale: &Sale, number: u64, basket: &Basket, replay: &Replay, faults: &mut Faults) {
    // That it is there at all is another rule.
    let Some(order) = replay.orders.get(&number) else { return };
    if order.placed.quantity != basket.units() {
        let (found, asked) = (order.placed.quantity, basket.units());
        faults.note(|| format!("log: order {number} was placed with {found} units; {asked} were asked for"));
    }
    if !basket.has_several_lines() {
        return;
    }
    let found: Vec<_> = replay.legs.of(number).map(|(sku, line)| (sku, line.ordered, line.gifts)).collect();
    let asked: Vec<_> = basket
        .summed()
        .iter()
        .map(|line| (sale.skus.start + u64::from(line.sku), line.units, line.gifts))
        .collect();
    if found != asked {
        faults.note(|| {
            format!("log: order {number} has SKUs, units and gifts {found:?}; {asked:?} were asked for")
        });
    }
}

#[cfg(test)]
#[path = "baskets_tests.rs"]
mod tests;
