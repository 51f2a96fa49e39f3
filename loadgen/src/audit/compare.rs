//! The comparison itself: a pure function over the account and what was read back.

use std::collections::HashMap;

use doorbuster_protocol::{Class, Code, OrderState, OrderView, StockView};

use super::baskets::{self, LinesRead};
use super::{
    Audit, Check, Evidence, Sale, StockTotals, Waited, against_log, budgets, channels, evicted, is_done,
    payments, prices,
};
use crate::health::lossy;
use crate::journal::{Attempt, Journal, Payment, hex};
use crate::recorder::Recorder;

/// A hold may be open for as long after its deadline before it counts as left over, milliseconds.
const LEFT_OVER_MS: u64 = 5_000;

/// Compares the account with what the server says, and with its log.
pub fn compare(sale: &Sale, journal: &Journal, recorder: &Recorder, evidence: &Evidence) -> Audit {
    let mut audit = Audit::default();
    let mut answers = Check::new("answers", "no two answers contradict each other");
    answers.examined = recorder.answers();
    answers.faults = journal.faults.clone();
    // An order that left memory is as the log says; whether it might is a rule of the log's.
    let found = |(attempt, view): (&Attempt, &Option<OrderView>)| {
        let gone = view.filter(|view| view.code == Code::NoSuchOrder.number());
        let logged = gone.and_then(|_| evicted::view(evidence.log.as_ref()?, attempt.order));
        logged.or(*view)
    };
    let orders: Vec<Option<OrderView>> = journal.attempts.iter().zip(&evidence.orders).map(found).collect();
    let counts = check_counts(recorder);
    let orders_check = check_orders(sale, journal, &orders, &mut audit.lost_effects);
    let holds = check_holds(&orders, evidence.now_ms);
    let stock_check = check_stock(sale, journal, &orders, evidence, &mut audit);
    let limits = check_limits(sale, journal, &orders, &evidence.lines);
    let (payments, money) = payments::check(journal, &orders, evidence.log.as_ref());
    audit.money = money;
    audit.checks = vec![answers, counts, orders_check, holds, stock_check, limits, payments];
    audit.checks.extend(baskets::at_the_server(sale, journal, &orders, &evidence.lines));
    audit.budget_spent = evidence.budget.map(|view| lossy(view.spent) / lossy(view.funded.max(1)));
    audit.channels = channels::totals(journal, &evidence.channels, evidence.log.as_ref());
    if let Some(log) = &evidence.log {
        against_log::check(sale, journal, log, &mut audit);
        audit.checks.extend(baskets::in_the_log(sale, journal, log));
        audit.checks.extend(budgets::check(journal, evidence.budget.as_ref(), log));
        audit.checks.extend(channels::check(sale, journal, &evidence.channels, log));
        audit.checks.extend(prices::check(log));
        let paid = log.orders.values().filter(|order| order.waited && order.payment_id != [0; 16]);
        let (waited, offered, waiting) = (log.lines.waited, log.lines.offered, log.lines.waiting());
        audit.waited = Some(Waited { waited, offered, paid: paid.count() as u64, waiting });
    }
    audit
}

/// A hold ends at its deadline, whoever forgot it.
fn check_holds(orders: &[Option<OrderView>], now_ms: u64) -> Check {
    let mut check = Check::new("holds", "no hold is open long past its deadline");
    for view in orders.iter().flatten() {
        let open = matches!(OrderState::from_byte(view.state), Some(OrderState::Held | OrderState::Paying));
        check.examined += u64::from(open);
        if open && view.expires_at.saturating_add(LEFT_OVER_MS) < now_ms {
            let (order, late_ms) = (view.order, now_ms - view.expires_at);
            check.faults.note(|| format!("order {order} is held {late_ms} ms after its deadline"));
        }
    }
    check
}

fn check_counts(recorder: &Recorder) -> Check {
    let mut check = Check::new("counts", "sent = answered + unanswered, for every operation");
    for (&operation, &sent) in &recorder.sent {
        let answered = recorder.count(operation, |_| true);
        let unanswered = recorder.unanswered.get(&operation).copied().unwrap_or(0);
        check.examined += sent;
        if sent != answered + unanswered {
            check.faults.note(|| {
                let name = operation.name();
                format!("{name}: {sent} sent, {answered} answered with a known code, {unanswered} unanswered")
            });
        }
    }
    check
}

/// Every acknowledged effect is at the server, in the state that the answers allow.
fn check_orders(sale: &Sale, journal: &Journal, orders: &[Option<OrderView>], lost: &mut u64) -> Check {
    let mut check = Check::new("orders", "every acknowledged reserve, payment and cancel is at the server");
    let mut owners: HashMap<u64, usize> = HashMap::with_capacity(journal.attempts.len());
    for (index, (attempt, view)) in journal.attempts.iter().zip(orders).enumerate() {
        if attempt.order == 0 {
            continue;
        }
        check.examined += 1;
        if let Some(other) = owners.insert(attempt.order, index) {
            let first =
                journal.attempts.get(other).map(|attempt| hex(&attempt.request_id)).unwrap_or_default();
            let second = hex(&attempt.request_id);
            check
                .faults
                .note(|| format!("order {} was given to two requests: {first} and {second}", attempt.order));
        }
        let Some(view) = view.filter(|view| view.code == Code::Ok.number()) else {
            *lost += 1;
            let code = view.and_then(|view| Code::from_number(view.code)).map_or("nothing", Code::name);
            check
                .faults
                .note(|| format!("order {} was acknowledged; reading it gives {code}", attempt.order));
            continue;
        };
        if let Some(difference) = content_difference(sale, attempt, &view) {
            check
                .faults
                .note(|| format!("order {} has another {difference} than was asked for", attempt.order));
        }
        let allowed = allowed_states(attempt, journal);
        let state = OrderState::from_byte(view.state);
        if !state.is_some_and(|state| allowed.contains(&state)) {
            let paid = journal.payments_of(attempt).any(|payment| payment.bought);
            *lost += u64::from(paid || is_done(attempt.cancelled));
            check.faults.note(|| {
                let found = state.map_or("no state", OrderState::name);
                let names: Vec<&str> = allowed.iter().map(|state| state.name()).collect();
                format!("order {} is {found}; the answers allow {}", attempt.order, names.join(" or "))
            });
        }
        let paid_otherwise = view.state == OrderState::Confirmed.byte()
            && !journal.payments_of(attempt).any(|payment| {
                let id = Payment::id(attempt.request_id, payment.ordinal);
                payment.confirms > 0 && id == view.payment_id
            });
        if paid_otherwise {
            check
                .faults
                .note(|| format!("order {} is paid with a payment that was never sent", attempt.order));
        }
    }
    check
}

fn content_difference(sale: &Sale, attempt: &Attempt, view: &OrderView) -> Option<&'static str> {
    [
        (view.order == attempt.order, "number"),
        (view.user == u64::from(attempt.user), "user"),
        (view.sku == sale.skus.start + u64::from(attempt.sku), "SKU"),
        // Of several lines, each is looked at by itself.
        (view.quantity == 1 || attempt.basket != 0, "quantity"),
        (view.channel == attempt.channel, "channel"),
        (view.request_id == attempt.request_id, "request id"),
    ]
    .into_iter()
    .find_map(|(same, field)| (!same).then_some(field))
}

/// The states that an order may have after the answers that were seen.
fn allowed_states(attempt: &Attempt, journal: &Journal) -> Vec<OrderState> {
    let any = |wanted: fn(&Payment) -> bool| journal.payments_of(attempt).any(wanted);
    if any(|payment| payment.bought) {
        return vec![OrderState::Confirmed];
    }
    let mut allowed = Vec::new();
    let heir = journal.basket_of(attempt).map_or(0, |basket| basket.replaced_by);
    if let Some(heir) = journal.attempts.get((heir as usize).wrapping_sub(1)) {
        if heir.order != 0 {
            // A hold that had ended before is passed over.
            return vec![OrderState::Superseded, OrderState::Expired];
        }
        if heir.reserved == 0 || heir.uncertain {
            allowed.push(OrderState::Superseded);
        }
    }
    if is_done(attempt.cancelled) {
        allowed.push(OrderState::Cancelled);
    } else {
        allowed.push(OrderState::Expired);
        // A payment that bought nothing came when nothing was held any more.
        if !any(|payment| payment.refund) {
            allowed.push(OrderState::Held);
        }
        if any(|payment| payment.begun) {
            allowed.push(OrderState::Paying);
        }
        if attempt.waits {
            allowed.extend([OrderState::Waiting, OrderState::Lapsed]);
        }
        if attempt.cancels && (attempt.cancelled == 0 || attempt.uncertain) {
            allowed.push(OrderState::Cancelled);
        }
    }
    if any(Payment::is_unknown) {
        allowed.push(OrderState::Confirmed);
    }
    allowed
}

/// Units are conserved, nothing is sold beyond the stock, and the server's sums are the sums of its orders.
fn check_stock(
    sale: &Sale,
    journal: &Journal,
    orders: &[Option<OrderView>],
    evidence: &Evidence,
    audit: &mut Audit,
) -> Check {
    let stock = &evidence.stock;
    let mut check = Check::new("stock", "stocked = available + held + sold, and sums match the orders");
    let mut tallies = vec![Tally::default(); stock.len()];
    for (attempt, view) in journal.attempts.iter().zip(orders) {
        let state = view.and_then(|view| OrderState::from_byte(view.state));
        for (sku, units) in baskets::shares(sale, journal, attempt, &evidence.lines) {
            if let Some(tally) = tallies.get_mut(sku as usize) {
                tally.add(attempt, state, u64::from(units));
            }
        }
    }
    let mut totals =
        StockTotals { unsold_wanted_units: unsold_wanted(journal, orders, stock), ..Default::default() };
    for (view, tally) in stock.iter().zip(&tallies) {
        check.examined += 1;
        let sku = view.sku;
        let mut demand = |holds: bool, rule: &dyn std::fmt::Display| {
            if !holds {
                check.faults.note(|| format!("SKU {sku}: {rule}"));
            }
        };
        let StockView { available, held, sold, stocked, .. } = *view;
        demand(view.code == Code::Ok.number(), &"the server doesn't know it any more");
        let brought_in = sale.units_each + sale.restocked_each;
        demand(stocked == brought_in, &format_args!("stocked {stocked}, but {brought_in} were brought in"));
        let sum = available.checked_add(held).and_then(|sum| sum.checked_add(sold));
        demand(
            sum == Some(stocked),
            &format_args!("available {available} + held {held} + sold {sold} is not stocked {stocked}"),
        );
        demand(
            sold == tally.confirmed,
            &format_args!("{sold} units sold, but {} of its orders' are paid", tally.confirmed),
        );
        demand(
            (tally.held..=tally.held + tally.unknown).contains(&held),
            &format_args!(
                "{held} units held, but orders hold {} to {}",
                tally.held,
                tally.held + tally.unknown
            ),
        );
        let promised = sold.max(tally.confirmed).saturating_add(tally.held);
        let over = promised.saturating_sub(brought_in);
        demand(over == 0, &format_args!("oversold by {over}"));
        audit.oversold_units += over;
        totals.stocked_units += stocked;
        totals.available_units += available;
        totals.held_units += held;
        totals.sold_units += sold;
        totals.empty_skus += u64::from(available == 0);
    }
    audit.stock = totals;
    check
}

/// Free units at the end of SKUs that somebody wanted one of and never got: as many as such shoppers, at most. Who was
/// refused for a reason of his own, such as a limit, is none of them.
fn unsold_wanted(journal: &Journal, orders: &[Option<OrderView>], stock: &[StockView]) -> u64 {
    let mut unmet = vec![0_u64; stock.len()];
    for (attempt, view) in journal.attempts.iter().zip(orders) {
        let state = view.and_then(|view| OrderState::from_byte(view.state));
        let waited_in_vain = matches!(state, Some(OrderState::Lapsed | OrderState::Waiting));
        let for_want_of_units = match Code::from_number(attempt.reserved) {
            None | Some(Code::SoldOut | Code::Insufficient) => true,
            Some(code) => code.class() == Class::Retry,
        };
        if let Some(unmet) = unmet.get_mut(attempt.sku as usize) {
            *unmet += u64::from(waited_in_vain || (attempt.order == 0 && for_want_of_units));
        }
    }
    stock.iter().zip(unmet).map(|(view, unmet)| view.available.min(unmet)).sum()
}

/// What the orders of one SKU add up to, in units.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    confirmed: u64,
    held: u64,
    unknown: u64,
}

impl Tally {
    /// So many units of an order in this state.
    fn add(&mut self, attempt: &Attempt, state: Option<OrderState>, units: u64) {
        match state {
            // What becomes of an order later leaves it as many units as it has.
            Some(
                OrderState::Confirmed
                | OrderState::Fulfilling
                | OrderState::PartShipped
                | OrderState::Shipped
                | OrderState::Delivered
                | OrderState::Closed
                | OrderState::Shortfall
                | OrderState::RefundDue
                | OrderState::Refunded,
            ) => self.confirmed += units,
            Some(OrderState::Held | OrderState::Paying) => self.held += units,
            // No answer: the hold may be there all the same.
            None if attempt.uncertain
                || attempt.reserved == 0
                || (attempt.twice && attempt.repeated == 0)
                || (attempt.waits && attempt.waitlisted == 0) =>
            {
                self.unknown += units;
            }
            Some(
                OrderState::Cancelled
                | OrderState::Expired
                | OrderState::Restocked
                | OrderState::Superseded
                | OrderState::Waiting
                | OrderState::Lapsed,
            )
            | None => {}
        }
    }
}

/// No shopper has more of a SKU than its limit.
fn check_limits(sale: &Sale, journal: &Journal, orders: &[Option<OrderView>], lines: &LinesRead) -> Check {
    let mut check = Check::new("limits", "no shopper holds and owns more of a SKU than its limit");
    if sale.user_limit == 0 {
        return check;
    }
    let mut has: HashMap<(u32, u32), u32> = HashMap::new();
    for (attempt, view) in journal.attempts.iter().zip(orders) {
        let state = view.and_then(|view| OrderState::from_byte(view.state));
        if !matches!(state, Some(OrderState::Confirmed | OrderState::Held | OrderState::Paying)) {
            continue;
        }
        for (index, units) in baskets::shares(sale, journal, attempt, lines) {
            check.examined += 1;
            let has = has.entry((attempt.user, index)).or_default();
            *has += units;
            if *has > sale.user_limit {
                let (user, limit) = (attempt.user, sale.user_limit);
                let sku = sale.skus.start + u64::from(index);
                check.faults.note(|| format!("user {user} has more than {limit} of SKU {sku}"));
            }
        }
    }
    check
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
