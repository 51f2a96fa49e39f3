//! The four kinds of loss, each against the budget. They are never added up: see `docs/overload.md`.

use crate::audit::StockTotals;
use crate::health::lossy;
use crate::recorder::{Fate, Operation, Recorder};
use crate::report::{LossRow, Settings};
use crate::scenario::highest_phase;
use crate::schedule::Schedule;

/// All four, where the scenario has a budget. `stock` and the units that nobody got although people wanted them are the
/// audit's.
pub(super) fn rows(settings: &Settings, recorder: &Recorder, stock: Option<&StockTotals>) -> Vec<LossRow> {
    let Some(budget) = settings.scenario.objectives.loss_budget else { return Vec::new() };
    let row = |name, what, share, gated| LossRow { name, what, share, budget, gated };
    let units = stock.map(|stock| lossy(stock.unsold_wanted_units) / lossy(stock.stocked_units.max(1)));
    let all = recorder.fate(|_| true);
    let settled = recorder.fate(Operation::settles);
    vec![
        row(
            "L1",
            "goodput below the own peak, in the highest phase",
            goodput_lost(settings, recorder),
            false,
        ),
        row("L2", "units that nobody got although people wanted them", units, true),
        row(
            "L3",
            "requests that were let in, and failed or came late",
            share(all.late, all.in_time + all.late),
            false,
        ),
        row(
            "L4",
            "payments and cancels refused or late",
            share(settled.late + settled.refused, total(settled)),
            false,
        ),
    ]
}

/// How much of what could have been done in the highest phase was not: what was asked for, or the most that was done in any
/// phase, whichever is less.
fn goodput_lost(settings: &Settings, recorder: &Recorder) -> Option<f64> {
    let phases = &settings.scenario.phases;
    let spans = Schedule::spans(phases);
    let done = |(from, until): &(f64, f64)| recorder.ticks.in_time_per_second(*from, *until);
    let span = spans.get(highest_phase(&settings.scenario))?;
    let peak = spans.iter().map(done).fold(0.0, f64::max);
    let could = peak.min(recorder.ticks.due_per_second(span.0, span.1));
    (could > 0.0).then(|| (1.0 - done(span) / could).max(0.0))
}

fn total(fate: Fate) -> u64 {
    fate.in_time + fate.late + fate.refused
}

fn share(lost: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| lossy(lost) / lossy(of))
}

#[cfg(test)]
mod tests {
    use doorbuster_protocol::Code;

    use super::*;
    use crate::recorder::Limits;

    const MS: u64 = 1_000_000;

    /// A scenario of two phases, a second each, of which the second is the highest.
    fn settings(budget: Option<f64>) -> Settings {
        let mut settings = crate::report::tests::report(&[]).settings;
        settings.scenario.phases.truncate(2);
        for (phase, rate) in settings.scenario.phases.iter_mut().zip([1.0, 10.0]) {
            (phase.seconds, phase.rate, phase.until_rate) = (1.0, rate, None);
        }
        settings.scenario.objectives.loss_budget = budget;
        settings
    }

    /// A hundred reserves in the first second, all in time; a thousand in the second, of which 90 are, 10 come late and the
    /// rest is refused; and of ten payments one is.
    fn recorder() -> Recorder {
        let limits = Limits { reserve_ns: 50 * MS, confirm_ns: 50 * MS };
        let mut recorder = Recorder::new(limits, vec![1_000 * MS, 2_000 * MS]);
        let mut ask = |operation, due_ns: u64, code: Code, took_ms: u64| {
            recorder.sent(operation, due_ns, due_ns);
            recorder.answered(operation, code.number(), due_ns, due_ns, due_ns + took_ms * MS);
        };
        (0..100).for_each(|_| ask(Operation::Reserve, 0, Code::Ok, 5));
        (0..90).for_each(|_| ask(Operation::Reserve, 1_000 * MS, Code::Ok, 5));
        (0..10).for_each(|_| ask(Operation::Reserve, 1_000 * MS, Code::Ok, 500));
        (0..900).for_each(|_| ask(Operation::Reserve, 1_000 * MS, Code::Shed, 1));
        (0..9).for_each(|_| ask(Operation::Confirm, 5_000 * MS, Code::Ok, 5));
        ask(Operation::Confirm, 5_000 * MS, Code::Shed, 1);
        recorder
    }

    #[test]
    fn each_kind_of_loss_has_a_measure_of_its_own() {
        let stock = StockTotals { stocked_units: 1_000, unsold_wanted_units: 20, ..StockTotals::default() };
        let rows = rows(&settings(Some(0.03)), &recorder(), Some(&stock));
        let shares: Vec<f64> = rows.iter().filter_map(|row| row.share).collect();
        let expected = [0.1, 0.02, 10.0 / 209.0, 0.1];
        assert!(
            shares.iter().zip(expected).all(|(share, wanted)| (share - wanted).abs() < 1e-9),
            "{shares:?}"
        );
        assert_eq!(rows.iter().map(|row| row.gated).collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[test]
    fn without_a_budget_nothing_is_held_against_it_and_without_an_audit_units_are_unknown() {
        assert!(rows(&settings(None), &recorder(), None).is_empty());
        assert_eq!(rows(&settings(Some(0.03)), &recorder(), None)[1].share, None);
    }
}
