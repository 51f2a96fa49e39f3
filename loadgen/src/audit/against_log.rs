//! What the log says, against the account.

use std::collections::HashMap;

use doorbuster_auditor::{Order, Replay, State};
use doorbuster_protocol::Code;

use super::refusals;
use super::{Audit, Check, Sale, is_done};
use crate::journal::{Attempt, Faults, Journal, Payment, hex};

/// Adds what the log says to the audit, and the acknowledged effects that it lacks.
pub(super) fn check(sale: &Sale, journal: &Journal, replay: &Replay, audit: &mut Audit) {
    let mut check =
        Check::new("log", "the log holds every acknowledged effect, none without a request, and adds up");
    check.examined = replay.records;
    check.faults = replay.faults.clone();
    let lost = acknowledged(journal, replay, &mut check.faults);
    asked_for(sale, journal, replay, &mut check.faults);
    audit.lost_effects = audit.lost_effects.max(lost);
    audit.checks.push(check);
    if replay.lines.waited > 0 {
        let mut check = Check::new(
            "waitlist",
            "units that came back went to those who waited, in the order of arrival, and none lie idle",
        );
        check.examined = replay.lines.waited;
        check.faults = replay.lines.faults.clone();
        audit.checks.push(check);
    }
    let mut check = Check::new("refusals", "nobody was told SOLD_OUT while units were left");
    // An answer that names no position could be explained by anything.
    let refused = journal.refusals.iter().filter(|refusal| refusal.channel.is_none());
    check.examined = refused.clone().filter(|refusal| refusal.until > 0).count() as u64;
    refusals::check(&replay.left, sale.skus.start, refused, &mut check.faults);
    audit.checks.push(check);
}

/// Every acknowledged effect is in the log. Gives the number of those that are not.
fn acknowledged(journal: &Journal, replay: &Replay, faults: &mut Faults) -> u64 {
    let mut lost = 0;
    for attempt in journal.attempts.iter().filter(|attempt| attempt.order != 0) {
        let number = attempt.order;
        let Some(order) = replay.orders.get(&number) else {
            lost += 1;
            faults.note(|| format!("log: order {number} was acknowledged and isn't there"));
            continue;
        };
        let wanted = if journal.payments_of(attempt).any(|payment| payment.bought) {
            Some(State::Confirmed)
        } else if is_done(attempt.cancelled) && !journal.payments_of(attempt).any(Payment::is_unknown) {
            Some(State::Cancelled)
        } else {
            None
        };
        let state = order.state;
        if wanted.is_some_and(|wanted| wanted != state) {
            lost += 1;
            faults.note(|| format!("log: order {number} is {state:?}; {wanted:?} was acknowledged"));
        }
        let heir = journal.basket_of(attempt).map_or(0, |basket| basket.replaced_by);
        let heir = journal.attempts.get((heir as usize).wrapping_sub(1));
        // A hold that had ended before is passed over.
        if heir.is_some_and(|heir| heir.order != 0) && !matches!(state, State::Superseded | State::Expired) {
            lost += 1;
            faults.note(|| format!("log: order {number} is {state:?}, and another took its place"));
        }
        if attempt.waitlisted == Code::Waitlisted.number() && !order.waited {
            lost += 1;
            faults.note(|| format!("log: order {number} was told to wait and isn't written so"));
        }
    }
    lost
}

/// Nothing is in the log that nobody asked for.
fn asked_for(sale: &Sale, journal: &Journal, replay: &Replay, faults: &mut Faults) {
    let asked: HashMap<_, &Attempt> =
        journal.attempts.iter().map(|attempt| (attempt.request_id, attempt)).collect();
    let mut ours: Vec<(&u64, &Order)> =
        replay.orders.iter().filter(|(_, order)| sale.skus.contains(&order.placed.sku)).collect();
    ours.sort_unstable_by_key(|(number, _)| **number);
    for (number, order) in ours {
        let Some(attempt) = asked.get(&order.placed.request_id) else {
            let id = hex(&order.placed.request_id);
            faults.note(|| format!("log: order {number} of request {id} was never asked for"));
            continue;
        };
        let as_asked = u64::from(attempt.user) == order.placed.user
            && sale.skus.start + u64::from(attempt.sku) == order.placed.sku
            && (attempt.order == 0 || attempt.order == *number);
        if !as_asked {
            faults.note(|| format!("log: order {number} has other content than its request"));
        }
        if order.placed.channel != attempt.channel {
            faults.note(|| format!("log: order {number} came through another channel than its request"));
        }
        let heir = journal.basket_of(attempt).map_or(0, |basket| basket.replaced_by);
        if order.state == State::Superseded && heir == 0 {
            faults.note(|| format!("log: order {number} was replaced, and nobody asked for that"));
        }
        if order.waited && !attempt.waits {
            faults.note(|| format!("log: order {number} waited, and nobody asked for that"));
        }
        if order.state == State::Cancelled && !attempt.cancels {
            faults.note(|| format!("log: order {number} was cancelled by nobody"));
        }
    }
}

#[cfg(test)]
#[path = "against_log_tests.rs"]
mod tests;
