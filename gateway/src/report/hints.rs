//! What the numbers of a sale suggest for the next one. Each hint is a rule with the numbers that led to it.

use serde::Serialize;

use super::goals::Goals;
use super::numbers::{Grouped, Lapse, Ratio};
use super::sale::{Effect, Execution, Sums};

/// Least number of orders or units that a rule speaks of: below, chance decides.
const ENOUGH: u64 = 20;

/// One hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hint {
    /// Its name for programs.
    pub(super) rule: &'static str,
    /// It, in words, with the numbers.
    pub(super) words: String,
}

/// All hints that the numbers give.
pub(super) fn hints(goals: Option<&Goals>, execution: &Execution, effect: &Effect, sums: Sums) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut hint = |rule, words: Option<String>| hints.extend(words.map(|words| Hint { rule, words }));
    hint("hold-too-long", hold_too_long(effect));
    hint("hold-too-short", hold_too_short(effect));
    hint("offers-lapse", offers_lapse(effect));
    hint("waits-end-too-early", waits_end(sums));
    hint("stock-too-small", sold_out_early(effect, sums));
    hint("slow-sellers", slow(sums));
    hint("first-minute", first_minute(effect, execution, sums));
    hint("prices-to-payments", mismatched(effect));
    hint("behind-goals", goals.and_then(behind));
    hints
}

/// At least a tenth of the units of unpaid holds was wanted meanwhile, and nearly all who paid did so in half of the time.
fn hold_too_long(effect: &Effect) -> Option<String> {
    let (counts, times) = (&effect.counts, &effect.times);
    let wanted = Ratio::of(counts.unpaid_wanted_units, counts.unpaid_units)?;
    let applies = counts.unpaid_units >= ENOUGH
        && wanted.ten_thousandths() >= 1_000
        && times.p95_ms < times.hold_ms / 2;
    applies.then(|| {
        format!(
            "Shorter holds: {wanted} of the {} units in holds that ran out were waited for by others when they came back. 95 of 100 \
             payments came within {}, holds last {}.",
            Grouped(counts.unpaid_units),
            Lapse(times.p95_ms),
            Lapse(times.hold_ms)
        )
    })
}

/// More than one payment in a hundred came after its hold.
fn hold_too_short(effect: &Effect) -> Option<String> {
    let counts = &effect.counts;
    let late = counts.reacquired + counts.refunds_late;
    let all = counts.paid() + counts.refunds_late;
    let part = Ratio::of(late, all).filter(|part| part.ten_thousandths() > 100)?;
    (all >= ENOUGH).then(|| {
        format!(
            "Longer holds, or tell the server when a payment begins: {part} of {} payments came after their hold had ended ({} found \
             their units still free, {} must be paid back).",
            Grouped(all),
            Grouped(counts.reacquired),
            Grouped(counts.refunds_late)
        )
    })
}

/// Half of the offers to who waited were not paid.
fn offers_lapse(effect: &Effect) -> Option<String> {
    let counts = &effect.counts;
    let ended = counts.offers_taken + counts.offers_lapsed;
    let part = Ratio::of(counts.offers_lapsed, ended).filter(|part| part.ten_thousandths() >= 5_000)?;
    (ended >= ENOUGH).then(|| {
        format!(
            "Reach those who wait: {part} of {} offers ran out unpaid. Push offers to their phones (WATCH), or give them more time \
             (rules.offer_ms).",
            Grouped(ended)
        )
    })
}

/// Units were left over that somebody had waited for.
fn waits_end(sums: Sums) -> Option<String> {
    (sums.unserved_units >= ENOUGH).then(|| {
        format!(
            "Longer waits: {} units were left at the end for which somebody had waited before (rules.max_wait_ms, and what shoppers \
             ask for).",
            Grouped(sums.unserved_units)
        )
    })
}

fn sold_out_early(effect: &Effect, sums: Sums) -> Option<String> {
    let part = Ratio::of(sums.early_out, effect.stock.skus).filter(|part| part.ten_thousandths() >= 1_000)?;
    Some(format!(
        "More stock, or lower limits for a shopper: {} of {} SKUs ({part}) had no free unit within the first tenth of the time.",
        Grouped(sums.early_out),
        Grouped(effect.stock.skus)
    ))
}

fn slow(sums: Sums) -> Option<String> {
    (sums.slow_units >= ENOUGH).then(|| {
        format!(
            "Less stock, or another price: of {} SKUs less than half was sold; {} of their units are left.",
            Grouped(sums.slow),
            Grouped(sums.slow_units)
        )
    })
}

/// The first minute of ten or more had at least a quarter of all orders.
fn first_minute(effect: &Effect, execution: &Execution, sums: Sums) -> Option<String> {
    let placed = effect.counts.holds + effect.counts.waits;
    let part = Ratio::of(sums.first_minute, placed).filter(|part| part.ten_thousandths() >= 2_500)?;
    (placed >= ENOUGH).then(|| {
        format!(
            "Rehearse the first minute: it had {part} of all orders, {} in its busiest second. Open for members first, or by tiers, to \
             stretch it.",
            Grouped(execution.peak.orders)
        )
    })
}

fn mismatched(effect: &Effect) -> Option<String> {
    let counts = &effect.counts;
    let part = Ratio::of(counts.mismatched, counts.mismatched + counts.paid())
        .filter(|part| part.ten_thousandths() >= 100)?;
    (counts.mismatched >= ENOUGH).then(|| {
        format!(
            "Compare the checkout's prices with the order's: {} payments ({part}) were of another amount than was due.",
            Grouped(counts.mismatched)
        )
    })
}

fn behind(goals: &Goals) -> Option<String> {
    let missed = |part: Option<Ratio>| part.is_some_and(|part| part.ten_thousandths() < 8_500);
    let categories = goals.categories.iter().filter(|row| row.behind || missed(row.attainment));
    let categories = categories.map(|row| row.name.as_str());
    let channels = goals.channels.iter().filter(|row| row.behind).map(|row| row.name.as_str());
    let behind: Vec<&str> = categories.chain(channels).collect();
    (!behind.is_empty()).then(|| {
        format!(
            "Behind their goals, below 85 of 100: {}. Move stock or guarantees earlier.",
            behind.join(", ")
        )
    })
}
